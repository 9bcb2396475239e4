"""Depthwise convolution: every channel has windows of its own."""

from collections.abc import Sequence
from math import prod

from jaxtyping import Float
from torch import Tensor

from mica.layers.activation import ActivationLike
from mica.layers.arguments import positive_integer
from mica.layers.constraints import ConstraintLike, get_constraint
from mica.layers.initializers import InitializerLike, get_initializer
from mica.layers.regularizers import RegularizerLike, get_regularizer
from mica.layers.sliding import SlidingWindow
from mica.shapes import PaddingInTime, Shape

__all__ = ["DepthwiseConv1D", "DepthwiseConv2D", "DepthwiseConvolution"]


class DepthwiseConvolution(SlidingWindow):
    """The base of depthwise convolutions in one and two dimensions.

    y[b, i, c m + k] = activation(bias[c m + k] +
        sum over p of x[b, i s + p d, c] weight[c m + k, 0, p]),  m depth_multiplier

    Set `rank`, the number of axes that the window moves along.

    Args:
        kernel_size: Sizes of the window, or one number for all axes.
        strides: Steps of the window, or one number for all axes.
        padding: "valid", "same", or in one dimension "causal".
        depth_multiplier: Windows of each channel. At least 1.
        dilation_rate: Distances between the window's points.
        activation: A name such as "relu", or a function; `None` leaves y as it is.
        use_bias: Whether to add the bias.
        depthwise_initializer: First values of the weight.
        bias_initializer: First values of the bias.
        depthwise_regularizer: What the weight costs, added to the loss.
        bias_regularizer: What the bias costs.
        activity_regularizer: What y costs.
        depthwise_constraint: What the weight must be after each update.
        bias_constraint: What the bias must be.
        name: What the layer is called; `None` lets the model choose.

    Raises:
        ConfigError: A size is not a positive integer, or a name is not known.

    Example:
        >>> DepthwiseConv2D(3).kernel_size
        (3, 3)
    """

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        *,
        padding: PaddingInTime = "valid",
        depth_multiplier: int = 1,
        dilation_rate: int | Sequence[int] = 1,
        activation: ActivationLike = None,
        use_bias: bool = True,
        depthwise_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        depthwise_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        depthwise_constraint: ConstraintLike = None,
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
        self.depth_multiplier = positive_integer(
            depth_multiplier, where, "depth_multiplier"
        )
        self.depthwise_initializer = get_initializer(
            depthwise_initializer, where, "depthwise_initializer"
        )
        self.depthwise_regularizer = get_regularizer(
            depthwise_regularizer, where, "depthwise_regularizer"
        )
        self.depthwise_constraint = get_constraint(
            depthwise_constraint, where, "depthwise_constraint"
        )
        self.register_parameter("weight", None)
        self.register_parameter("bias", None)

    def input_weight(self) -> tuple[Tensor | None, int]:
        """Say which weight meets the input, and for how many channels."""
        weight = self.weight
        return weight, 0 if weight is None else len(weight) // self.depth_multiplier

    def build(self, shape: Shape) -> None:
        """Make the weight and the bias for the channels in `shape`."""
        channels = shape[-1] or 0  # check_input has refused None
        window = prod(self.kernel_size)
        self.weight = self.add_window(
            (channels * self.depth_multiplier, 1, *self.kernel_size),
            self.depthwise_initializer,
            fans=(channels * window, self.depth_multiplier * window),
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )
        self.bias = self.add_bias(channels * self.depth_multiplier)

    def forward(
        self, x: Float[Tensor, "batch *places channels"]
    ) -> Float[Tensor, "batch *new_places {x.shape[-1]*self.depth_multiplier}"]:
        """Slide the windows of each channel over it."""
        y = self.slide(x, self.weight, self.bias, x.shape[-1])
        return y if self.activation is None else self.activation(y)


class DepthwiseConv1D(DepthwiseConvolution):
    """Learned windows slide over each channel of a sequence alone.

    y[b, t, c m + k] = activation(bias[c m + k] + sum over p of
        x[b, t s + p d, c] weight[c m + k, 0, p])
    s strides, d dilation_rate, m depth_multiplier

    Channels are not mixed. Unlike in Keras, strides and dilation_rate may both be above
    1.

    Args:
        kernel_size: Length of the window.
        strides: Steps of the window.
        padding: "valid" keeps the window inside; "same" adds zeros at both ends so that
            y has ceil(steps / stride) positions, the odd zero at the end; "causal" adds
            them all before, so that no y depends on a later x.
        depth_multiplier: Windows of each channel. At least 1.
        dilation_rate: Distance between the window's points.
        activation: A name such as "relu", or a function; `None` leaves y as it is.
        use_bias: Whether to add the bias.
        depthwise_initializer: First values of the weight.
        bias_initializer: First values of the bias.
        depthwise_regularizer: What the weight costs, added to the loss.
        bias_regularizer: What the bias costs.
        activity_regularizer: What y costs.
        depthwise_constraint: What the weight must be after each update.
        bias_constraint: What the bias must be.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, steps, channels)
        y: (batch, new_steps, channels * depth_multiplier)

    Parameters:
        weight: (channels * depth_multiplier, 1, *kernel_size), uniform in +-sqrt(6 /
            (fan_in + fan_out)), fan_in = channels * window and fan_out =
            depth_multiplier * window, as in Keras.
        bias: (channels * depth_multiplier,), zeros. None when ``use_bias`` is False.

    Cost:
        2 * batch * new_steps * channels * depth_multiplier * window FLOPs forward.

    Raises:
        ConfigError: A size is not a positive integer, a name is not known.
        ShapeError: x does not have 3 axes or the channels the layer was built for, or
            is smaller than the window.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> import torch
        >>> DepthwiseConv1D(3, depth_multiplier=2)(torch.zeros(2, 28, 3)).shape
        torch.Size([2, 26, 6])

    Source:
        Howard et al. 2017 (MobileNets), section 3.1.
    """

    rank = 1


class DepthwiseConv2D(DepthwiseConvolution):
    """Learned windows slide over each channel of an image alone.

    y[b, i, j, c m + k] = activation(bias[c m + k] + sum over p, q of
        x[b, i s + p d, j s + q d, c] weight[c m + k, 0, p, q])
    s strides, d dilation_rate, m depth_multiplier

    Channels are not mixed. Unlike in Keras, strides may differ from each other, and
    strides and dilation_rate may both be above 1.

    Args:
        kernel_size: Height and width of the window, or one number for both.
        strides: Steps of the window in both directions, or one number for both.
        padding: "valid" keeps the window inside; "same" adds zeros around the image so
            that y has ceil(size / stride) positions, the odd zero at the end.
        depth_multiplier: Windows of each channel. At least 1.
        dilation_rate: Distances between the window's points, or one number for both.
        activation: A name such as "relu", or a function; `None` leaves y as it is.
        use_bias: Whether to add the bias.
        depthwise_initializer: First values of the weight.
        bias_initializer: First values of the bias.
        depthwise_regularizer: What the weight costs, added to the loss.
        bias_regularizer: What the bias costs.
        activity_regularizer: What y costs.
        depthwise_constraint: What the weight must be after each update.
        bias_constraint: What the bias must be.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, height, width, channels)
        y: (batch, new_height, new_width, channels * depth_multiplier)

    Parameters:
        weight: (channels * depth_multiplier, 1, *kernel_size), uniform in +-sqrt(6 /
            (fan_in + fan_out)), fan_in = channels * window and fan_out =
            depth_multiplier * window, as in Keras.
        bias: (channels * depth_multiplier,), zeros. None when ``use_bias`` is False.

    Cost:
        2 * batch * new_height * new_width * channels * depth_multiplier * window FLOPs
        forward.

    Raises:
        ConfigError: A size is not a positive integer, a name is not known.
        ShapeError: x does not have 4 axes or the channels the layer was built for, or
            is smaller than the window.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> import torch
        >>> DepthwiseConv2D(3, depth_multiplier=2)(torch.zeros(2, 28, 28, 3)).shape
        torch.Size([2, 26, 26, 6])

    Source:
        Howard et al. 2017 (MobileNets), section 3.1.
    """

    rank = 2
