"""Convolution: the same small window of weights at every position."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from mica.errors import ConfigError
from mica.layers.activation import ActivationLike
from mica.layers.arguments import positive_integer
from mica.layers.constraints import ConstraintLike, get_constraint
from mica.layers.initializers import InitializerLike, get_initializer
from mica.layers.layer import Layer
from mica.layers.regularizers import RegularizerLike, get_regularizer
from mica.layers.sliding import SlidingWindow
from mica.shapes import PaddingInTime, Shape, describe

__all__ = [
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "Convolution",
    "check_channels",
    "check_groups",
]


def check_groups(layer: Layer, filters: int, groups: int) -> None:
    """Demand that the groups share the filters evenly.

    Args:
        layer: Who asks, for the error.
        filters: Channels of the output.
        groups: Parts they are split into.

    Raises:
        ConfigError: They do not.

    Example:
        >>> check_groups(Conv2D(6, 3), 6, 3)
    """
    if filters % groups:
        raise ConfigError(
            f"{layer.where}: expected filters to be a multiple of groups, got "
            f"filters={filters} and groups={groups}. Change one of them."
        )


def check_channels(layer: Layer, shape: Any, groups: int) -> None:
    """Demand that the groups share the channels of an input evenly.

    Args:
        layer: Who asks, for the error.
        shape: Shape of the input, its channels known.
        groups: Parts they are split into.

    Raises:
        ConfigError: They do not.

    Example:
        >>> check_channels(Conv2D(6, 3), (None, 8, 8, 6), 3)
    """
    if shape[-1] % groups:
        raise ConfigError(
            f"{layer.where}: expected channels to be a multiple of groups, got "
            f"{shape[-1]} in shape {describe(shape)} and groups={groups}. "
            "Change groups."
        )


class Convolution(SlidingWindow):
    """The base of convolutions in one, two and three dimensions.

    y[b, i, f] = activation(bias[f] + sum over p, c of
        x[b, i s + p d, c] weight[f, c, p]),  s strides, d dilation_rate

    Set `rank`, the number of axes that the window moves along.

    Args:
        filters: Channels of the output. At least 1.
        kernel_size: Sizes of the window, or one number for all axes.
        strides: Steps of the window, or one number for all axes.
        padding: "valid", "same", or in one dimension "causal".
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
        ConfigError: A size is not a positive integer, a name is not known, or
            ``groups`` does not divide the filters.

    Example:
        >>> Conv3D(4, 3).kernel_size
        (3, 3, 3)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        *,
        padding: PaddingInTime = "valid",
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
        self.kernel_initializer = get_initializer(
            kernel_initializer, where, "kernel_initializer"
        )
        self.kernel_regularizer = get_regularizer(
            kernel_regularizer, where, "kernel_regularizer"
        )
        self.kernel_constraint = get_constraint(
            kernel_constraint, where, "kernel_constraint"
        )
        self.register_parameter("weight", None)
        self.register_parameter("bias", None)

    def input_weight(self) -> tuple[Tensor | None, int]:
        """Say which weight meets the input, and for how many channels."""
        weight = self.weight
        return weight, 0 if weight is None else weight.shape[1] * self.groups

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type, channels or size."""
        super().check_input(shape, dtype)
        check_channels(self, shape, self.groups)

    def build(self, shape: Shape) -> None:
        """Make the weight and the bias for the channels in `shape`."""
        channels = shape[-1] or 0  # check_input has refused None
        self.weight = self.add_window(
            (self.filters, channels // self.groups, *self.kernel_size),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = self.add_bias(self.filters)

    def forward(
        self, x: Float[Tensor, "batch *places channels"]
    ) -> Float[Tensor, "batch *new_places {self.filters}"]:
        """Slide the window over every sample."""
        y = self.slide(x, self.weight, self.bias, self.groups)
        return y if self.activation is None else self.activation(y)


class Conv1D(Convolution):
    """A learned window slides over the steps of a sequence.

    y[b, t, f] = activation(bias[f] + sum over p, c of
        x[b, t s + p d, c] weight[f, c, p]),  s strides, d dilation_rate

    Sequences have channels last, as everywhere in Mica; torch sees a view of them.
    Unlike in Keras, strides and dilation_rate may both be above 1.

    Args:
        filters: Channels of the output. At least 1.
        kernel_size: Length of the window.
        strides: Steps of the window.
        padding: "valid" keeps the window inside; "same" adds zeros at both ends so that
            y has ceil(steps / stride) positions, the odd zero at the end; "causal" adds
            them all before, so that no y depends on a later x.
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
        weight: (filters, channels / groups, *kernel_size), uniform in +-sqrt(6 /
            (fan_in + fan_out)), fan_in = channels / groups * window and fan_out =
            filters * window.
        bias: (filters,), zeros. None when ``use_bias`` is False.

    Cost:
        2 * batch * new_steps * filters * channels / groups * window FLOPs forward.

    Raises:
        ConfigError: A size is not a positive integer, a name is not known, or
            ``groups`` does not divide the filters or the channels.
        ShapeError: x does not have 3 axes or the channels the layer was built for, or
            is smaller than the window.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> Conv1D(32, 3)(torch.zeros(2, 28, 3)).shape
        torch.Size([2, 26, 32])

    Source:
        Waibel et al. 1989 (time-delay networks); causal: van den Oord et al. 2016,
        section 2.1; initialisation: Glorot & Bengio 2010, eq. 16.
    """

    rank = 1


class Conv2D(Convolution):
    """A learned window slides over height and width.

    y[b, i, j, f] = activation(bias[f] + sum over p, q, c of
        x[b, i s + p d, j s + q d, c] weight[f, c, p, q]),  s strides, d dilation_rate

    Images are channels-last; torch sees a view of them and nothing is copied, but for
    padding="same" where one side gets one zero more than the other. Unlike in Keras,
    strides and dilation_rate may both be above 1.

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
        weight: (filters, channels / groups, *kernel_size), uniform in +-sqrt(6 /
            (fan_in + fan_out)), fan_in = channels / groups * window and fan_out =
            filters * window.
        bias: (filters,), zeros. None when ``use_bias`` is False.

    Cost:
        2 * batch * new_height * new_width * filters * channels / groups * window FLOPs
        forward.

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

    rank = 2


class Conv3D(Convolution):
    """A learned window slides over depth, height and width.

    y[b, h, i, j, f] = activation(bias[f] + sum over p, q, r, c of
        x[b, h s + p d, i s + q d, j s + r d, c] weight[f, c, p, q, r])
    s strides, d dilation_rate

    Volumes are channels-last. Unlike in Keras, strides and dilation_rate may both be
    above 1.

    Args:
        filters: Channels of the output. At least 1.
        kernel_size: Depth, height and width of the window, or one number for all.
        strides: Steps of the window in the three directions, or one number for all.
        padding: "valid" keeps the window inside; "same" adds zeros around the volume so
            that y has ceil(size / stride) positions, the odd zero at the end.
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
        weight: (filters, channels / groups, *kernel_size), uniform in +-sqrt(6 /
            (fan_in + fan_out)), fan_in = channels / groups * window and fan_out =
            filters * window.
        bias: (filters,), zeros. None when ``use_bias`` is False.

    Cost:
        2 * batch * new_depth * new_height * new_width * filters * channels / groups *
        window FLOPs forward.

    Raises:
        ConfigError: A size is not a positive integer, a name is not known, or
            ``groups`` does not divide the filters or the channels.
        ShapeError: x does not have 5 axes or the channels the layer was built for, or
            is smaller than the window.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> Conv3D(32, 3)(torch.zeros(2, 8, 8, 8, 1)).shape
        torch.Size([2, 6, 6, 6, 32])

    Source:
        Ji et al. 2013; initialisation: Glorot & Bengio 2010, eq. 16.
    """

    rank = 3
