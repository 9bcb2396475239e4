"""Sliding windows: what all convolutions share."""

from collections.abc import Sequence
from typing import Any, ClassVar, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from mica.layers.activation import ActivationLike, get_activation
from mica.layers.arguments import one_of
from mica.layers.constraints import ConstraintLike, get_constraint
from mica.layers.initializers import InitializerLike, get_initializer
from mica.layers.inputs import (
    AXES,
    check_axis,
    check_floating,
    check_rank,
    check_window,
)
from mica.layers.layer import Layer
from mica.layers.regularizers import RegularizerLike, get_regularizer
from mica.shapes import Padding, PaddingInTime, each_axis, same_padding

__all__ = ["SlidingWindow"]

_CONVOLVE = {1: torch.conv1d, 2: torch.conv2d, 3: torch.conv3d}
# (batch, *places, channels) to torch's (batch, channels, *places), and back: views.
TO_CHANNELS_FIRST = {1: (0, 2, 1), 2: (0, 3, 1, 2), 3: (0, 4, 1, 2, 3)}
TO_CHANNELS_LAST = {1: (0, 2, 1), 2: (0, 2, 3, 1), 3: (0, 2, 3, 4, 1)}


class SlidingWindow(Layer):
    """The base of layers that slide windows of weights over their input.

    Abstract: write `build`, `forward` and `input_weight`; set `rank`, the number of
    axes that the window moves along.

    Args:
        kernel_size: Sizes of the window, or one number for all axes.
        strides: Steps of the window, or one number for all axes.
        padding: "valid", "same", or in one dimension "causal".
        dilation_rate: Distances between the window's points.
        activation: Applied last; `None` for none.
        use_bias: Whether to add the bias.
        bias_initializer: First values of the bias.
        bias_regularizer: What the bias costs.
        bias_constraint: What the bias must be.
        activity_regularizer: What the output costs.
        name: What the layer is called; `None` lets the model choose.

    Raises:
        ConfigError: A size is not a positive integer, or a name is not known.

    Example:
        >>> from mica.layers import Conv1D
        >>> Conv1D(4, 3).kernel_size
        (3,)
    """

    rank: ClassVar[int]
    bias: nn.Parameter | None  # registered by subclasses, after their weights

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int],
        padding: PaddingInTime,
        dilation_rate: int | Sequence[int],
        *,
        activation: ActivationLike,
        use_bias: bool,
        bias_initializer: InitializerLike,
        bias_regularizer: RegularizerLike,
        bias_constraint: ConstraintLike,
        activity_regularizer: RegularizerLike,
        name: str | None,
    ) -> None:
        super().__init__(name=name)
        where, rank = self.where, self.rank
        self.kernel_size = each_axis(kernel_size, rank, where, "kernel_size")
        self.strides = each_axis(strides, rank, where, "strides")
        self.padding = one_of(padding, self._paddings(), where, "padding")
        self.dilation_rate = each_axis(dilation_rate, rank, where, "dilation_rate")
        self.activation = get_activation(activation, where)
        self.use_bias = use_bias
        self.bias_initializer = get_initializer(
            bias_initializer, where, "bias_initializer"
        )
        self.bias_regularizer = get_regularizer(
            bias_regularizer, where, "bias_regularizer"
        )
        self.bias_constraint = get_constraint(bias_constraint, where, "bias_constraint")
        self.regularize_activity(activity_regularizer)
        self._zeros = self._constant_padding()

    def _paddings(self) -> tuple[str, ...]:
        """The words that `padding` may be."""
        return get_args(PaddingInTime if self.rank == 1 else Padding)

    def _reach(self) -> tuple[int, ...]:
        """What the window covers of each axis, gaps included."""
        pairs = zip(self.kernel_size, self.dilation_rate, strict=True)
        return tuple(dilation * (size - 1) + 1 for size, dilation in pairs)

    def _constant_padding(self) -> tuple[int, ...] | None:
        """Zeros on each side, when they are even and do not depend on the input."""
        reach = self._reach()
        if self.padding == "valid" or max(reach) == 1:
            return (0,) * self.rank
        odd = all(size % 2 for size in reach)
        if self.padding == "same" and max(self.strides) == 1 and odd:
            return tuple(size // 2 for size in reach)
        return None

    def input_weight(self) -> tuple[Tensor | None, int]:
        """Say which weight meets the input.

        Returns:
            The weight, `None` before it is built, and the channels of the input that
            it is for.
        """
        raise NotImplementedError

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type, channels or size."""
        where = self.where
        check_rank(where, shape, AXES[self.rank])
        weight, channels = self.input_weight()
        check_floating(where, dtype, None if weight is None else weight.dtype)
        check_axis(where, shape, -1, None if weight is None else channels)
        check_window(
            where,
            shape,
            self._reach(),
            argument="kernel_size",
            fits_any=self.padding != "valid",
        )

    def add_window(
        self,
        shape: tuple[int, ...],
        initializer: InitializerLike,
        *,
        fans: tuple[int, int] | None = None,
        regularizer: RegularizerLike = None,
        constraint: ConstraintLike = None,
    ) -> nn.Parameter:
        """Make weights of torch's shape that lie in memory with channels last.

        Also when there is one channel and strides could be read both ways: the
        layout of a result follows that of the weight.

        Args:
            shape: (filters, channels, *kernel_size).
            initializer: First values.
            fans: (inputs, outputs) one value of the result depends on; `None` takes
                them from the shape.
            regularizer: What the weights cost.
            constraint: What they must be after each update.

        Returns:
            The parameter; assign it to an attribute in `build`.
        """
        weight = self.add_weight(
            shape,
            get_initializer(initializer),
            fans=fans,
            regularizer=regularizer,
            constraint=constraint,
        )
        first, last = TO_CHANNELS_FIRST[self.rank], TO_CHANNELS_LAST[self.rank]
        stored = weight.detach().permute(last)
        stored = stored.clone(memory_format=torch.contiguous_format)
        weight.data = stored.permute(first)
        return weight

    def add_bias(self, size: int) -> nn.Parameter | None:
        """Make the bias, if there is to be one.

        Args:
            size: Channels of the output.

        Returns:
            The parameter, or `None`.
        """
        if not self.use_bias:
            return None
        return self.add_weight(
            (size,),
            self.bias_initializer,
            regularizer=self.bias_regularizer,
            constraint=self.bias_constraint,
        )

    def _pad(self, x: Tensor) -> tuple[Tensor, tuple[int, ...]]:
        """Zeros given to the convolution when they are even, else put around x."""
        if self.padding == "causal":
            before = self._reach()[0] - 1
            return functional.pad(x, (0, 0, before, 0)), (0,)
        sides = [
            same_padding(size, window, stride, dilation)
            for size, window, stride, dilation in zip(
                x.shape[1:-1],
                self.kernel_size,
                self.strides,
                self.dilation_rate,
                strict=True,
            )
        ]
        if all(before == after for before, after in sides):
            return x, tuple(before for before, _ in sides)
        around = [zeros for side in reversed(sides) for zeros in side]
        return functional.pad(x, (0, 0, *around)), (0,) * self.rank

    def slide(
        self, x: Tensor, weight: Tensor, bias: Tensor | None, groups: int
    ) -> Tensor:
        """Slide the window over x.

        Args:
            x: (batch, *places, channels).
            weight: (filters, channels / groups, *kernel_size).
            bias: (filters,) or `None`.
            groups: Parts into which channels and filters are split.

        Returns:
            (batch, *new_places, filters).
        """
        zeros, rank = self._zeros, self.rank
        if zeros is None:
            x, zeros = self._pad(x)
        y = _CONVOLVE[rank](
            x.permute(TO_CHANNELS_FIRST[rank]),  # (B, C, *places), a view
            weight,
            bias,
            self.strides,
            zeros,
            self.dilation_rate,
            groups,
        ).permute(TO_CHANNELS_LAST[rank])  # (B, *places, F), contiguous
        # Volumes of float64 come out with channels first.
        return y.contiguous() if rank == 3 else y
