"""Convolution: the same small window of weights at every position."""

from collections.abc import Sequence
from typing import Any, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from mica.errors import ConfigError
from mica.layers.activation import ActivationLike, get_activation
from mica.layers.arguments import one_of, positive_integer
from mica.layers.initializers import InitializerLike, get_initializer
from mica.layers.inputs import check_axis, check_floating, check_rank, check_window
from mica.layers.layer import Layer
from mica.shapes import Padding, Shape, describe, pair, same_padding

__all__ = ["Conv2D"]


class Conv2D(Layer):
    """A learned window slides over height and width.

    y[b, i, j, f] = activation(bias[f] + sum over p, q, c of
        x[b, i s + p d, j s + q d, c] weight[f, c, p, q]),  s strides, d dilation_rate

    Images are channels-last; torch sees a view of them and nothing is copied, but for
    padding="same" where one side gets one zero more than the other. Unlike in
    Keras, strides and dilation_rate may both be above 1.

    Args:
        filters: Channels of the output. At least 1.
        kernel_size: Height and width of the window, or one number for both.
        strides: Steps of the window in both directions, or one number for both.
        padding: "valid" keeps the window inside; "same" adds zeros around the image so
            that y has ceil(size / stride) positions, the odd zero at the end.
        dilation_rate: Distances between the window's points, or one number for both.
        groups: Parts into which channels and filters are split; each filter sees the
            channels of its own part.
        activation: A name such as "relu", or a function; `None` leaves y as it is.
        use_bias: Whether to add the bias.
        kernel_initializer: First values of the weight.
        bias_initializer: First values of the bias.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, height, width, channels)
        y: (batch, new_height, new_width, filters)

    Parameters:
        weight: (filters, channels / groups, *kernel_size), uniform in
            +-sqrt(6 / (fan_in + fan_out)), fan_in = channels / groups * window and
            fan_out = filters * window.
        bias: (filters,), zeros. None when ``use_bias`` is False.

    Cost:
        2 * batch * new_height * new_width * filters * channels / groups * window
        FLOPs forward.

    Raises:
        ConfigError: A size is not a positive integer, a name is not known, or
            ``groups`` does not divide the filters or the channels.
        ShapeError: x does not have 4 axes or the channels the layer was built for, or
            is smaller than the window.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> Conv2D(32, 3)(torch.zeros(2, 28, 28, 1)).shape
        torch.Size([2, 26, 26, 32])

    Source:
        LeCun et al. 1998; initialisation: Glorot & Bengio 2010, eq. 16.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        *,
        padding: Padding = "valid",
        dilation_rate: int | Sequence[int] = 1,
        groups: int = 1,
        activation: ActivationLike = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        where = self.where
        self.filters = positive_integer(filters, where, "filters")
        self.kernel_size = pair(kernel_size, where, "kernel_size")
        self.strides = pair(strides, where, "strides")
        self.padding = one_of(padding, get_args(Padding), where, "padding")
        self.dilation_rate = pair(dilation_rate, where, "dilation_rate")
        self.groups = positive_integer(groups, where, "groups")
        if self.filters % self.groups:
            raise ConfigError(
                f"{where}: expected filters to be a multiple of groups, got "
                f"filters={filters} and groups={groups}. Change one of them."
            )
        self.activation = get_activation(activation, where)
        self.use_bias = use_bias
        self.kernel_initializer = get_initializer(
            kernel_initializer, where, "kernel_initializer"
        )
        self.bias_initializer = get_initializer(
            bias_initializer, where, "bias_initializer"
        )
        self._zeros = self._constant_padding()
        self.register_parameter("weight", None)
        self.register_parameter("bias", None)

    def _reach(self) -> tuple[int, int]:
        """Height and width that the window covers."""
        (high, wide), (down, right) = self.kernel_size, self.dilation_rate
        return down * (high - 1) + 1, right * (wide - 1) + 1

    def _constant_padding(self) -> tuple[int, int] | None:
        """Zeros on each side, when they are even and do not depend on the image."""
        if self.padding == "valid":
            return (0, 0)
        high, wide = self._reach()
        if self.strides == (1, 1) and high % 2 and wide % 2:
            return (high // 2, wide // 2)
        return None

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type, channels or size."""
        where = self.where
        check_rank(where, shape, "batch height width channels")
        built_for = built_dtype = None
        if self.weight is not None:
            built_for, built_dtype = (
                self.weight.shape[1] * self.groups,
                self.weight.dtype,
            )
        check_floating(where, dtype, built_dtype)
        check_axis(where, shape, -1, built_for)
        if shape[-1] % self.groups:
            raise ConfigError(
                f"{where}: expected channels to be a multiple of groups, got "
                f"{shape[-1]} in shape {describe(shape)} and groups={self.groups}. "
                "Change groups."
            )
        check_window(
            where,
            shape,
            self._reach(),
            argument="kernel_size",
            fits_any=self.padding == "same",
        )

    def build(self, shape: Shape) -> None:
        """Make the weight and the bias for the channels in `shape`."""
        channels = shape[-1] or 0  # check_input has refused None
        weight = self.add_weight(
            (self.filters, channels // self.groups, *self.kernel_size),
            self.kernel_initializer,
        )
        # Channels last in memory, even when there is one channel and strides could
        # be read both ways: the result's layout follows the weight's.
        stored = weight.detach().permute(0, 2, 3, 1)
        stored = stored.clone(memory_format=torch.contiguous_format)
        self.weight = nn.Parameter(stored.permute(0, 3, 1, 2), weight.requires_grad)
        if self.use_bias:
            self.bias = self.add_weight((self.filters,), self.bias_initializer)

    def _pad(self, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Zeros for `same`: given to the convolution when even, else put around x."""
        (top, bottom), (left, right) = (
            same_padding(size, window, stride, dilation)
            for size, window, stride, dilation in zip(
                x.shape[1:3],
                self.kernel_size,
                self.strides,
                self.dilation_rate,
                strict=True,
            )
        )
        if top == bottom and left == right:
            return x, (top, left)
        return functional.pad(x, (0, 0, left, right, top, bottom)), (0, 0)

    def forward(
        self, x: Float[Tensor, "batch height width channels"]
    ) -> Float[Tensor, "batch new_height new_width {self.filters}"]:
        """Slide the window over every image."""
        zeros = self._zeros
        if zeros is None:
            x, zeros = self._pad(x)
        y = torch.conv2d(
            x.permute(0, 3, 1, 2),  # (B, C, H, W), a view
            self.weight,
            self.bias,
            self.strides,
            zeros,
            self.dilation_rate,
            self.groups,
        ).permute(0, 2, 3, 1)  # (B, H, W, F), contiguous
        return y if self.activation is None else self.activation(y)
