"""Transposed convolution: every position is written as a small window of weights."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from mica.errors import ConfigError, ShapeError
from mica.layers.activation import ActivationLike
from mica.layers.arguments import positive_integer
from mica.layers.constraints import ConstraintLike, get_constraint
from mica.layers.convolution import check_channels, check_groups
from mica.layers.initializers import InitializerLike, get_initializer
from mica.layers.inputs import (
    AXES,
    check_axis,
    check_floating,
    check_rank,
    check_window,
)
from mica.layers.regularizers import RegularizerLike, get_regularizer
from mica.layers.sliding import TO_CHANNELS_FIRST, TO_CHANNELS_LAST, SlidingWindow
from mica.shapes import Padding, Shape, describe, transposed_cut

__all__ = [
    "Conv1DTranspose",
    "Conv2DTranspose",
    "Conv3DTranspose",
    "TransposedConvolution",
]

_CONVOLVE = {1: torch.conv_transpose1d, 2: torch.conv_transpose2d} | {
    3: torch.conv_transpose3d
}


class TransposedConvolution(SlidingWindow):
    """The base of transposed convolutions in one, two and three dimensions.

    y[b, i s + p d - before, f] += x[b, i, c] weight[c, f, p], from zeros

    Set `rank`, the number of axes that the window moves along.

    Args:
        filters: Channels of the output. At least 1.
        kernel_size: Sizes of the window, or one number for all axes.
        strides: Distances of the windows in the output.
        padding: "valid" or "same".
        output_padding: How many more positions; below the stride; `None` for Keras's
            usual size.
        dilation_rate: Distances between the window's points.
        groups: Parts into which channels and filters are split.
        activation: A name such as "relu", or a function; `None` leaves y as it is.
        use_bias: Whether to add the bias.
        kernel_initializer: First values of the weight.
        bias_initializer: First values of the bias.
        kernel_regularizer: What the weight costs, added to the loss.
        bias_regularizer: What the bias costs.
        activity_regularizer: What y costs.
        kernel_constraint: What the weight must be after each update.
        bias_constraint: What the bias must be.
        name: What the layer is called; `None` lets the model choose.

    Raises:
        ConfigError: A size is not a positive integer, a name is not known,
            ``output_padding`` is not below the stride, or ``groups`` does not divide
            the filters.

    Example:
        >>> Conv3DTranspose(4, 3).kernel_size
        (3, 3, 3)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        *,
        padding: Padding = "valid",
        output_padding: int | Sequence[int] | None = None,
        dilation_rate: int | Sequence[int] = 1,
        groups: int = 1,
        activation: ActivationLike = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            kernel_size,
            strides,
            padding,
            dilation_rate,
            activation=activation,
            use_bias=use_bias,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            bias_constraint=bias_constraint,
            activity_regularizer=activity_regularizer,
            name=name,
        )
        where = self.where
        self.filters = positive_integer(filters, where, "filters")
        self.groups = positive_integer(groups, where, "groups")
        check_groups(self, self.filters, self.groups)
        self.output_padding = self._more(output_padding)
        self.kernel_initializer = get_initializer(
            kernel_initializer, where, "kernel_initializer"
        )
        self.kernel_regularizer = get_regularizer(
            kernel_regularizer, where, "kernel_regularizer"
        )
        self.kernel_constraint = get_constraint(
            kernel_constraint, where, "kernel_constraint"
        )
        self._cuts = self._find_cuts()
        # torch drops as many positions at both ends and then adds some at the end.
        self._both_ends = tuple(before for before, _ in self._cuts)
        self._added = tuple(max(before - after, 0) for before, after in self._cuts)
        self._uneven = any(after > before for before, after in self._cuts)
        self.register_parameter("weight", None)
        self.register_parameter("bias", None)

    def _paddings(self) -> tuple[str, ...]:
        return get_args(Padding)

    def _more(self, given: Any) -> tuple[int, ...] | None:
        """One whole number from 0 to below the stride for each axis."""
        if given is None:
            return None
        where, rank = self.where, self.rank
        one_for_each = isinstance(given, Sequence) and not isinstance(given, str)
        numbers: tuple[Any, ...] = tuple(given) if one_for_each else (given,) * rank
        if len(numbers) == rank and all(
            isinstance(one, Integral) and not isinstance(one, bool) and 0 <= one < step
            for one, step in zip(numbers, self.strides, strict=True)
        ):
            return tuple(int(one) for one in numbers)
        raise ConfigError(
            f"{where}: expected output_padding from 0 to below strides, one number or "
            f"one for each axis, got {given!r} and strides={self.strides}. Write "
            "output_padding=None for the usual size."
        )

    def _find_cuts(self) -> tuple[tuple[int, int], ...]:
        """Positions dropped before and after each axis; negative: zeros added."""
        return tuple(
            transposed_cut(window, stride, dilation, self.padding, more)
            for window, stride, dilation, more in zip(
                self.kernel_size,
                self.strides,
                self.dilation_rate,
                self.output_padding or (None,) * self.rank,
                strict=True,
            )
        )

    def input_weight(self) -> tuple[Tensor | None, int]:
        """Say which weight meets the input, and for how many channels."""
        weight = self.weight
        return weight, 0 if weight is None else weight.shape[0]

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type, channels or size."""
        where = self.where
        check_rank(where, shape, AXES[self.rank])
        weight, channels = self.input_weight()
        check_floating(where, dtype, None if weight is None else weight.dtype)
        check_axis(where, shape, -1, None if weight is None else channels)
        check_channels(self, shape, self.groups)
        check_window(where, shape)
        names = AXES[self.rank].split()[1:-1]
        for name, size, reach, stride, cut in zip(
            names, shape[1:-1], self._reach(), self.strides, self._cuts, strict=True
        ):
            if size is not None and (size - 1) * stride + reach <= sum(cut):
                raise ShapeError(
                    f"{where}: expected {name} large enough to leave something after "
                    f"the cut, got {size} in shape {describe(shape)}. Leave "
                    "output_padding out."
                )

    def build(self, shape: Shape) -> None:
        """Make the weight and the bias for the channels in `shape`."""
        channels = shape[-1] or 0  # check_input has refused None
        self.weight = self.add_window(
            (channels, self.filters // self.groups, *self.kernel_size),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = self.add_bias(self.filters)

    def forward(
        self, x: Float[Tensor, "batch *places channels"]
    ) -> Float[Tensor, "batch *new_places {self.filters}"]:
        """Write a window for every position."""
        rank = self.rank
        y = _CONVOLVE[rank](
            x.permute(TO_CHANNELS_FIRST[rank]),  # (B, C, *places), a view
            self.weight,
            self.bias,
            self.strides,
            self._both_ends,
            self._added,
            self.groups,
            self.dilation_rate,
        ).permute(TO_CHANNELS_LAST[rank])  # (B, *places, F)
        if self._uneven:
            y = self._drop_last(y)
        if rank == 3:
            y = y.contiguous()  # volumes of float64 come out with channels first
        return y if self.activation is None else self.activation(y)

    def _drop_last(self, y: Tensor) -> Tensor:
        """Where more must go at the end than before it."""
        for axis, (before, after) in enumerate(self._cuts, start=1):
            if after > before:
                y = y.narrow(axis, 0, y.shape[axis] - (after - before))
        return y.contiguous()


class Conv1DTranspose(TransposedConvolution):
    """Every step is written as a learned window: longer sequences.

    y[b, t s + p d - before, f] += x[b, t, c] weight[c, f, p]
    for all positions, channels and points of the window, beginning at bias[f], and then
    the activation;  s strides, d dilation_rate

    The gradient of Conv1D with respect to its input, as a layer. Positions at the ends
    are cut as in Keras. Unlike in Keras, strides and dilation_rate may both be above 1,
    and there are groups.

    Args:
        filters: Channels of the output. At least 1.
        kernel_size: Length of the window.
        strides: Distance of the windows in y.
        padding: "valid" keeps whole windows: (size - 1) * stride + max(reach, stride)
            positions, where reach is what the window covers; "same" cuts both ends:
            size * stride positions.
        output_padding: From 0 to below the stride: (size - 1) * stride + output_padding
            positions, and reach ("valid") or reach % 2 ("same") more. `None` for the
            sizes above.
        dilation_rate: Distance between the window's points.
        groups: Parts into which channels and filters are split; each filter sees the
            channels of its own part.
        activation: A name such as "relu", or a function; `None` leaves y as it is.
        use_bias: Whether to add the bias.
        kernel_initializer: First values of the weight.
        bias_initializer: First values of the bias.
        kernel_regularizer: What the weight costs, added to the loss.
        bias_regularizer: What the bias costs.
        activity_regularizer: What y costs.
        kernel_constraint: What the weight must be after each update.
        bias_constraint: What the bias must be.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, steps, channels)
        y: (batch, new_steps, filters)

    Parameters:
        weight: (channels, filters / groups, *kernel_size), uniform in +-sqrt(6 /
            (fan_in + fan_out)), fan_in = filters / groups * window and fan_out =
            channels * window, as in Keras.
        bias: (filters,), zeros. None when ``use_bias`` is False.

    Cost:
        2 * batch * steps * channels * filters / groups * window FLOPs forward.

    Raises:
        ConfigError: A size is not a positive integer, a name is not known,
            ``output_padding`` is not below the stride, or ``groups`` does not divide
            the filters or the channels.
        ShapeError: x does not have 3 axes or the channels the layer was built for, or
            nothing would be left.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> layer = Conv1DTranspose(8, 3, 2, padding="same")
        >>> layer(torch.zeros(2, 7, 3)).shape
        torch.Size([2, 14, 8])

    Source:
        Zeiler et al. 2010 (deconvolutional networks); Dumoulin & Visin 2016, chapter 4.
    """

    rank = 1


class Conv2DTranspose(TransposedConvolution):
    """Every pixel is written as a learned window: larger images.

    y[b, i s + p d - top, j s + q d - left, f] += x[b, i, j, c] weight[c, f, p, q]
    for all positions, channels and points of the window, beginning at bias[f], and then
    the activation;  s strides, d dilation_rate

    The gradient of Conv2D with respect to its input, as a layer. Positions at the ends
    are cut as in Keras. Unlike in Keras, strides and dilation_rate may both be above 1,
    and there are groups.

    Args:
        filters: Channels of the output. At least 1.
        kernel_size: Height and width of the window, or one number for both.
        strides: Distances of the windows in y, or one number for both.
        padding: "valid" keeps whole windows: (size - 1) * stride + max(reach, stride)
            positions, where reach is what the window covers; "same" cuts both ends:
            size * stride positions.
        output_padding: From 0 to below the stride: (size - 1) * stride + output_padding
            positions, and reach ("valid") or reach % 2 ("same") more. `None` for the
            sizes above.
        dilation_rate: Distances between the window's points, or one number for both.
        groups: Parts into which channels and filters are split; each filter sees the
            channels of its own part.
        activation: A name such as "relu", or a function; `None` leaves y as it is.
        use_bias: Whether to add the bias.
        kernel_initializer: First values of the weight.
        bias_initializer: First values of the bias.
        kernel_regularizer: What the weight costs, added to the loss.
        bias_regularizer: What the bias costs.
        activity_regularizer: What y costs.
        kernel_constraint: What the weight must be after each update.
        bias_constraint: What the bias must be.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, height, width, channels)
        y: (batch, new_height, new_width, filters)

    Parameters:
        weight: (channels, filters / groups, *kernel_size), uniform in +-sqrt(6 /
            (fan_in + fan_out)), fan_in = filters / groups * window and fan_out =
            channels * window, as in Keras.
        bias: (filters,), zeros. None when ``use_bias`` is False.

    Cost:
        2 * batch * height * width * channels * filters / groups * window FLOPs forward.

    Raises:
        ConfigError: A size is not a positive integer, a name is not known,
            ``output_padding`` is not below the stride, or ``groups`` does not divide
            the filters or the channels.
        ShapeError: x does not have 4 axes or the channels the layer was built for, or
            nothing would be left.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> layer = Conv2DTranspose(8, 3, 2, padding="same")
        >>> layer(torch.zeros(2, 7, 7, 3)).shape
        torch.Size([2, 14, 14, 8])

    Source:
        Zeiler et al. 2010 (deconvolutional networks); Dumoulin & Visin 2016, chapter 4.
    """

    rank = 2


class Conv3DTranspose(TransposedConvolution):
    """Every point is written as a learned window: larger volumes.

    y[b, h s + p d - front, i s + q d - top, j s + r d - left, f] +=
        x[b, h, i, j, c] weight[c, f, p, q, r]
    for all positions, channels and points of the window, beginning at bias[f], and then
    the activation;  s strides, d dilation_rate

    The gradient of Conv3D with respect to its input, as a layer. Positions at the ends
    are cut as in Keras. Unlike in Keras, strides and dilation_rate may both be above 1,
    and there are groups.

    Args:
        filters: Channels of the output. At least 1.
        kernel_size: Depth, height and width of the window, or one number for all.
        strides: Distances of the windows in y, or one number for all.
        padding: "valid" keeps whole windows: (size - 1) * stride + max(reach, stride)
            positions, where reach is what the window covers; "same" cuts both ends:
            size * stride positions.
        output_padding: From 0 to below the stride: (size - 1) * stride + output_padding
            positions, and reach ("valid") or reach % 2 ("same") more. `None` for the
            sizes above.
        dilation_rate: Distances between the window's points, or one number for all.
        groups: Parts into which channels and filters are split; each filter sees the
            channels of its own part.
        activation: A name such as "relu", or a function; `None` leaves y as it is.
        use_bias: Whether to add the bias.
        kernel_initializer: First values of the weight.
        bias_initializer: First values of the bias.
        kernel_regularizer: What the weight costs, added to the loss.
        bias_regularizer: What the bias costs.
        activity_regularizer: What y costs.
        kernel_constraint: What the weight must be after each update.
        bias_constraint: What the bias must be.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, depth, height, width, channels)
        y: (batch, new_depth, new_height, new_width, filters)

    Parameters:
        weight: (channels, filters / groups, *kernel_size), uniform in +-sqrt(6 /
            (fan_in + fan_out)), fan_in = filters / groups * window and fan_out =
            channels * window, as in Keras.
        bias: (filters,), zeros. None when ``use_bias`` is False.

    Cost:
        2 * batch * depth * height * width * channels * filters / groups * window FLOPs
        forward.

    Raises:
        ConfigError: A size is not a positive integer, a name is not known,
            ``output_padding`` is not below the stride, or ``groups`` does not divide
            the filters or the channels.
        ShapeError: x does not have 5 axes or the channels the layer was built for, or
            nothing would be left.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> layer = Conv3DTranspose(8, 3, 2, padding="same")
        >>> layer(torch.zeros(2, 4, 4, 4, 3)).shape
        torch.Size([2, 8, 8, 8, 8])

    Source:
        Zeiler et al. 2010 (deconvolutional networks); Dumoulin & Visin 2016, chapter 4.
    """

    rank = 3
