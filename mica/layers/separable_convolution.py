"""Separable convolution: windows of each channel, then a mix of the channels."""

from collections.abc import Sequence
from math import prod

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from mica.layers.activation import ActivationLike
from mica.layers.arguments import positive_integer
from mica.layers.constraints import ConstraintLike, get_constraint
from mica.layers.initializers import InitializerLike, get_initializer
from mica.layers.regularizers import RegularizerLike, get_regularizer
from mica.layers.sliding import SlidingWindow
from mica.shapes import PaddingInTime, Shape

__all__ = ["SeparableConv1D", "SeparableConv2D", "SeparableConvolution"]


class SeparableConvolution(SlidingWindow):
    """The base of separable convolutions in one and two dimensions.

    z[b, i, c m + k] = sum over p of x[b, i s + p d, c] depthwise[c m + k, 0, p]
    y[b, i, f] = activation(bias[f] + sum over n of z[b, i, n] pointwise[f, n])

    Set `rank`, the number of axes that the window moves along.

    Args:
        filters: Channels of the output. At least 1.
        kernel_size: Sizes of the window, or one number for all axes.
        strides: Steps of the window, or one number for all axes.
        padding: "valid", "same", or in one dimension "causal".
        dilation_rate: Distances between the window's points.
        depth_multiplier: Windows of each channel. At least 1.
        activation: A name such as "relu", or a function; `None` leaves y as it is.
        use_bias: Whether to add the bias.
        depthwise_initializer: First values of the depthwise weight.
        pointwise_initializer: First values of the pointwise weight.
        bias_initializer: First values of the bias.
        depthwise_regularizer: What the depthwise weight costs, added to the loss.
        pointwise_regularizer: What the pointwise weight costs, added to the loss.
        bias_regularizer: What the bias costs.
        activity_regularizer: What y costs.
        depthwise_constraint: What the depthwise weight must be after each update.
        pointwise_constraint: What the pointwise weight must be after each update.
        bias_constraint: What the bias must be.
        name: What the layer is called; `None` lets the model choose.

    Raises:
        ConfigError: A size is not a positive integer, or a name is not known.

    Example:
        >>> SeparableConv2D(8, 3).kernel_size
        (3, 3)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        *,
        padding: PaddingInTime = "valid",
        dilation_rate: int | Sequence[int] = 1,
        depth_multiplier: int = 1,
        activation: ActivationLike = None,
        use_bias: bool = True,
        depthwise_initializer: InitializerLike = "glorot_uniform",
        pointwise_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        depthwise_regularizer: RegularizerLike = None,
        pointwise_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        depthwise_constraint: ConstraintLike = None,
        pointwise_constraint: ConstraintLike = None,
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
        self.depth_multiplier = positive_integer(
            depth_multiplier, where, "depth_multiplier"
        )
        self.depthwise_initializer = get_initializer(
            depthwise_initializer, where, "depthwise_initializer"
        )
        self.pointwise_initializer = get_initializer(
            pointwise_initializer, where, "pointwise_initializer"
        )
        self.depthwise_regularizer = get_regularizer(
            depthwise_regularizer, where, "depthwise_regularizer"
        )
        self.pointwise_regularizer = get_regularizer(
            pointwise_regularizer, where, "pointwise_regularizer"
        )
        self.depthwise_constraint = get_constraint(
            depthwise_constraint, where, "depthwise_constraint"
        )
        self.pointwise_constraint = get_constraint(
            pointwise_constraint, where, "pointwise_constraint"
        )
        self.register_parameter("depthwise", None)
        self.register_parameter("pointwise", None)
        self.register_parameter("bias", None)

    def input_weight(self) -> tuple[Tensor | None, int]:
        """Say which weight meets the input, and for how many channels."""
        weight = self.depthwise
        return weight, 0 if weight is None else len(weight) // self.depth_multiplier

    def build(self, shape: Shape) -> None:
        """Make both weights and the bias for the channels in `shape`."""
        channels = shape[-1] or 0  # check_input has refused None
        window, between = prod(self.kernel_size), channels * self.depth_multiplier
        self.depthwise = self.add_window(
            (between, 1, *self.kernel_size),
            self.depthwise_initializer,
            fans=(channels * window, self.depth_multiplier * window),
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )
        self.pointwise = self.add_weight(
            (self.filters, between),
            self.pointwise_initializer,
            regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint,
        )
        self.bias = self.add_bias(self.filters)

    def forward(
        self, x: Float[Tensor, "batch *places channels"]
    ) -> Float[Tensor, "batch *new_places {self.filters}"]:
        """Slide the windows of each channel over it, and mix the channels."""
        between = self.slide(x, self.depthwise, None, x.shape[-1])
        y = functional.linear(between, self.pointwise, self.bias)
        return y if self.activation is None else self.activation(y)


class SeparableConv1D(SeparableConvolution):
    """Windows slide over each channel of a sequence, then channels are mixed.

    z[b, t, c m + k] = sum over p of x[b, t s + p d, c] depthwise[c m + k, 0, p]
    y[b, t, f] = activation(bias[f] + sum over n of z[b, t, n] pointwise[f, n])
    s strides, d dilation_rate, m depth_multiplier

    Far fewer weights than Conv1D. The second step is a Dense layer at every position.
    Unlike in Keras, strides and dilation_rate may both be above 1.

    Args:
        filters: Channels of the output. At least 1.
        kernel_size: Length of the window.
        strides: Steps of the window.
        padding: "valid" keeps the window inside; "same" adds zeros at both ends so that
            y has ceil(steps / stride) positions, the odd zero at the end; "causal" adds
            them all before, so that no y depends on a later x.
        dilation_rate: Distance between the window's points.
        depth_multiplier: Windows of each channel. At least 1.
        activation: A name such as "relu", or a function; `None` leaves y as it is.
        use_bias: Whether to add the bias.
        depthwise_initializer: First values of the depthwise weight.
        pointwise_initializer: First values of the pointwise weight.
        bias_initializer: First values of the bias.
        depthwise_regularizer: What the depthwise weight costs, added to the loss.
        pointwise_regularizer: What the pointwise weight costs, added to the loss.
        bias_regularizer: What the bias costs.
        activity_regularizer: What y costs.
        depthwise_constraint: What the depthwise weight must be after each update.
        pointwise_constraint: What the pointwise weight must be after each update.
        bias_constraint: What the bias must be.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, steps, channels)
        y: (batch, new_steps, filters)

    Parameters:
        depthwise: (channels * depth_multiplier, 1, *kernel_size), uniform in +-sqrt(6 /
            (fan_in + fan_out)), fan_in = channels * window and fan_out =
            depth_multiplier * window, as in Keras.
        pointwise: (filters, channels * depth_multiplier), uniform in +-sqrt(6 /
            (filters + channels * depth_multiplier)).
        bias: (filters,), zeros. None when ``use_bias`` is False.

    Cost:
        2 * batch * new_steps * channels * depth_multiplier * (window + filters) FLOPs
        forward.

    Raises:
        ConfigError: A size is not a positive integer, a name is not known.
        ShapeError: x does not have 3 axes or the channels the layer was built for, or
            is smaller than the window.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> import torch
        >>> SeparableConv1D(8, 3)(torch.zeros(2, 28, 3)).shape
        torch.Size([2, 26, 8])

    Source:
        Chollet 2017 (Xception), section 2; Sifre 2014.
    """

    rank = 1


class SeparableConv2D(SeparableConvolution):
    """Windows slide over each channel of an image, then channels are mixed.

    z[b, i, j, c m + k] = sum over p, q of
        x[b, i s + p d, j s + q d, c] depthwise[c m + k, 0, p, q]
    y[b, i, j, f] = activation(bias[f] + sum over n of z[b, i, j, n] pointwise[f, n])
    s strides, d dilation_rate, m depth_multiplier

    Far fewer weights than Conv2D. The second step is a Dense layer at every position.
    Unlike in Keras, strides and dilation_rate may both be above 1.

    Args:
        filters: Channels of the output. At least 1.
        kernel_size: Height and width of the window, or one number for both.
        strides: Steps of the window in both directions, or one number for both.
        padding: "valid" keeps the window inside; "same" adds zeros around the image so
            that y has ceil(size / stride) positions, the odd zero at the end.
        dilation_rate: Distances between the window's points, or one number for both.
        depth_multiplier: Windows of each channel. At least 1.
        activation: A name such as "relu", or a function; `None` leaves y as it is.
        use_bias: Whether to add the bias.
        depthwise_initializer: First values of the depthwise weight.
        pointwise_initializer: First values of the pointwise weight.
        bias_initializer: First values of the bias.
        depthwise_regularizer: What the depthwise weight costs, added to the loss.
        pointwise_regularizer: What the pointwise weight costs, added to the loss.
        bias_regularizer: What the bias costs.
        activity_regularizer: What y costs.
        depthwise_constraint: What the depthwise weight must be after each update.
        pointwise_constraint: What the pointwise weight must be after each update.
        bias_constraint: What the bias must be.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, height, width, channels)
        y: (batch, new_height, new_width, filters)

    Parameters:
        depthwise: (channels * depth_multiplier, 1, *kernel_size), uniform in +-sqrt(6 /
            (fan_in + fan_out)), fan_in = channels * window and fan_out =
            depth_multiplier * window, as in Keras.
        pointwise: (filters, channels * depth_multiplier), uniform in +-sqrt(6 /
            (filters + channels * depth_multiplier)).
        bias: (filters,), zeros. None when ``use_bias`` is False.

    Cost:
        2 * batch * new_height * new_width * channels * depth_multiplier * (window +
        filters) FLOPs forward.

    Raises:
        ConfigError: A size is not a positive integer, a name is not known.
        ShapeError: x does not have 4 axes or the channels the layer was built for, or
            is smaller than the window.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> import torch
        >>> SeparableConv2D(8, 3)(torch.zeros(2, 28, 28, 3)).shape
        torch.Size([2, 26, 26, 8])

    Source:
        Chollet 2017 (Xception), section 2; Sifre 2014.
    """

    rank = 2
