"""Convolutional long short-term memory: gates that look at neighbourhoods."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from mica.layers.activation import ActivationLike, get_activation
from mica.layers.arguments import fraction
from mica.layers.constraints import ConstraintLike
from mica.layers.convolution import Conv1D, Conv2D, Conv3D
from mica.layers.initializers import InitializerLike, get_initializer
from mica.layers.lstm_cell import advance, forget_first
from mica.layers.noise import Dropout
from mica.layers.recurrent import RNN
from mica.layers.recurrent_cell import RecurrentCell
from mica.layers.regularizers import RegularizerLike
from mica.shapes import Shape

__all__ = ["ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"]

_CONVOLUTIONS: Mapping[int, Any] = {1: Conv1D, 2: Conv2D, 3: Conv3D}


class _ConvLSTMCell(RecurrentCell):
    """One step: the gates of long short-term memory, with convolutions for products."""

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: int | Sequence[int],
        convolution: dict[str, Any],
        recurrent: dict[str, Any],
        activation: ActivationLike,
        recurrent_activation: ActivationLike,
        unit_forget_bias: bool,
        dropout: float,
        recurrent_dropout: float,
        seed: int | None,
        where: str,
    ) -> None:
        super().__init__()
        kind = _CONVOLUTIONS[rank]
        first = get_initializer(
            convolution.pop("bias_initializer"), where, "bias_initializer"
        )
        self.filters = filters
        self.activation = get_activation(activation, where)
        self.recurrent_activation = get_activation(recurrent_activation, where)
        self.input_convolution = kind(
            4 * filters,
            kernel_size,
            bias_initializer=forget_first(first, filters, unit_forget_bias),
            **convolution,
        )
        self.recurrent_convolution = kind(
            4 * filters, kernel_size, padding="same", use_bias=False, **recurrent
        )
        fraction(dropout, where, "dropout")
        fraction(recurrent_dropout, where, "recurrent_dropout")
        self.input_dropout = Dropout(dropout, seed=seed)
        self.recurrent_dropout = Dropout(recurrent_dropout, seed=seed)
        self.state_size = [filters, filters]
        self.output_size = filters

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with one picture, in the words of the convolution."""
        self.input_convolution.check_input(shape, dtype)

    def build(self, shape: Shape) -> None:
        """Build both convolutions for the channels in `shape`."""
        places = [size or 1 for size in shape[1:-1]]
        like = {"dtype": self._build_dtype, "device": self._build_device}
        self.input_convolution.ensure_built(
            torch.empty((1, *places, shape[-1] or 0), **like)
        )
        self.recurrent_convolution.ensure_built(
            torch.empty((1, *places, self.filters), **like)
        )

    def initial_state(self, x: Tensor) -> list[Any]:
        """Give zeros of the size that the input's convolution gives."""
        with torch.no_grad():
            like = self.input_convolution(x)
        zeros = torch.zeros_like(like[..., : self.filters])
        return [zeros, zeros]

    def drop_inputs(self, x: Tensor) -> Tensor:
        """Drop inputs in training, the same ones at all steps."""
        if not self.training or self.input_dropout.rate == 0.0:
            return x
        return x * self.input_dropout(torch.ones_like(x[:, :1]))

    def kept_states(self, states: list[Any]) -> Tensor | None:
        """Draw which states the gates see during a sequence; None for all of them."""
        if not self.training or self.recurrent_dropout.rate == 0.0:
            return None
        return self.recurrent_dropout(torch.ones_like(states[0]))

    def project(self, x: Tensor) -> Tensor:
        """Convolve inputs, of one step or of all at once."""
        leading = x.shape[: x.ndim - 1 - len(self.input_convolution.kernel_size)]
        y = self.input_convolution(x.reshape(-1, *x.shape[len(leading) :]))
        return y.reshape(*leading, *y.shape[1:])

    def step(
        self, projected: Tensor, states: list[Any], kept: Tensor | None = None
    ) -> tuple[Tensor, list[Any]]:
        """Open and close the gates."""
        hidden, carry = states
        seen = hidden if kept is None else hidden * kept
        gates = projected + self.recurrent_convolution(seen)
        return advance(gates, carry, -1, self.activation, self.recurrent_activation)


class _ConvLSTM(RNN):
    """What the layers in one, two and three dimensions share."""

    def _step_sizes(self, shape: Shape) -> list[int]:
        # A window fits into places whose number is not known yet.
        convolution = self.cell.input_convolution
        reach = [
            (window - 1) * dilation + 1
            for window, dilation in zip(
                convolution.kernel_size, convolution.dilation_rate, strict=True
            )
        ]
        sizes = zip(shape[2:], [*reach, 1], strict=True)
        return [least if size is None else size for size, least in sizes]


class ConvLSTM1D(_ConvLSTM):
    """Long short-term memory over rows of measurements, with convolutions.

    i, f, o = recurrent_activation(W_k * x_t + U_k * h_{t-1} + b_k), k = i, f, o
    c_t = f c_{t-1} + i activation(W_g * x_t + U_g * h_{t-1} + b_g)
    h_t = o activation(c_t),  * a convolution

    Args:
        filters: Channels of the states and of the output.
        kernel_size: Sizes of the window, or one number for all axes.
        strides: Steps of the window over x.
        padding: Of x: "valid" or "same"; the states always keep their size.
        dilation_rate: Distances between the points of the window over x.
        activation: Of the candidate and of the state c.
        recurrent_activation: Of the gates.
        use_bias: Whether there is a bias b.
        kernel_initializer: First values of W.
        recurrent_initializer: First values of U.
        bias_initializer: First values of b.
        unit_forget_bias: Whether the forget gate's bias begins with ones.
        kernel_regularizer: What W costs.
        recurrent_regularizer: What U costs.
        bias_regularizer: What b costs.
        activity_regularizer: What the outputs cost.
        kernel_constraint: What W must be after each update.
        recurrent_constraint: What U must be after each update.
        bias_constraint: What b must be after each update.
        dropout: Share of the inputs dropped in training, the same at all steps.
        recurrent_dropout: Share of the states the step does not see, likewise.
        seed: Where the random numbers of dropout begin; None draws from torch's.
        return_sequences: Whether to give the outputs of all steps.
        return_state: Whether to give the last states h and c too.
        go_backwards: Whether to begin with the last step.
        stateful: Whether a batch begins with the state in which the one before ended.
        zero_output_for_mask: Whether the output is zero at steps that are not real.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, time, steps, channels)
        y: (batch, new_steps, filters), with time as second axis
            with ``return_sequences``

    Parameters:
        cell: input_convolution W and b, for 4 filters in the order i, f, g, o;
            recurrent_convolution U

    Raises:
        ConfigError: A size is not a positive integer, a rate is not from 0 to below 1,
            or a name is not known.
        ShapeError: x has other axes, or is smaller than the window.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> ConvLSTM1D(4, 3)(torch.zeros(2, 5, 16, 1)).shape
        torch.Size([2, 14, 4])

    Source:
        Shi et al. 2015, eq. 3, without the peepholes.
    """

    _input_axes: ClassVar[str] = "batch time steps channels"

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        *,
        padding: str = "valid",
        dilation_rate: int | Sequence[int] = 1,
        activation: ActivationLike = "tanh",
        recurrent_activation: ActivationLike = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: RegularizerLike = None,
        recurrent_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        zero_output_for_mask: bool = False,
        name: str | None = None,
    ) -> None:
        cell = _ConvLSTMCell(
            1,
            filters,
            kernel_size,
            {
                "strides": strides,
                "padding": padding,
                "dilation_rate": dilation_rate,
                "use_bias": use_bias,
                "kernel_initializer": kernel_initializer,
                "bias_initializer": bias_initializer,
                "kernel_regularizer": kernel_regularizer,
                "bias_regularizer": bias_regularizer,
                "kernel_constraint": kernel_constraint,
                "bias_constraint": bias_constraint,
            },
            {
                "kernel_initializer": recurrent_initializer,
                "kernel_regularizer": recurrent_regularizer,
                "kernel_constraint": recurrent_constraint,
            },
            activation,
            recurrent_activation,
            unit_forget_bias,
            dropout,
            recurrent_dropout,
            seed,
            type(self).__name__,
        )
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            zero_output_for_mask=zero_output_for_mask,
            activity_regularizer=activity_regularizer,
            name=name,
        )


class ConvLSTM2D(_ConvLSTM):
    """Long short-term memory over films, with convolutions.

    i, f, o = recurrent_activation(W_k * x_t + U_k * h_{t-1} + b_k), k = i, f, o
    c_t = f c_{t-1} + i activation(W_g * x_t + U_g * h_{t-1} + b_g)
    h_t = o activation(c_t),  * a convolution

    Args:
        filters: Channels of the states and of the output.
        kernel_size: Sizes of the window, or one number for all axes.
        strides: Steps of the window over x.
        padding: Of x: "valid" or "same"; the states always keep their size.
        dilation_rate: Distances between the points of the window over x.
        activation: Of the candidate and of the state c.
        recurrent_activation: Of the gates.
        use_bias: Whether there is a bias b.
        kernel_initializer: First values of W.
        recurrent_initializer: First values of U.
        bias_initializer: First values of b.
        unit_forget_bias: Whether the forget gate's bias begins with ones.
        kernel_regularizer: What W costs.
        recurrent_regularizer: What U costs.
        bias_regularizer: What b costs.
        activity_regularizer: What the outputs cost.
        kernel_constraint: What W must be after each update.
        recurrent_constraint: What U must be after each update.
        bias_constraint: What b must be after each update.
        dropout: Share of the inputs dropped in training, the same at all steps.
        recurrent_dropout: Share of the states the step does not see, likewise.
        seed: Where the random numbers of dropout begin; None draws from torch's.
        return_sequences: Whether to give the outputs of all steps.
        return_state: Whether to give the last states h and c too.
        go_backwards: Whether to begin with the last step.
        stateful: Whether a batch begins with the state in which the one before ended.
        zero_output_for_mask: Whether the output is zero at steps that are not real.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, time, height, width, channels)
        y: (batch, new_height, new_width, filters), with time as second axis
            with ``return_sequences``

    Parameters:
        cell: input_convolution W and b, for 4 filters in the order i, f, g, o;
            recurrent_convolution U

    Raises:
        ConfigError: A size is not a positive integer, a rate is not from 0 to below 1,
            or a name is not known.
        ShapeError: x has other axes, or is smaller than the window.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> ConvLSTM2D(4, 3)(torch.zeros(2, 5, 8, 8, 1)).shape
        torch.Size([2, 6, 6, 4])

    Source:
        Shi et al. 2015, eq. 3, without the peepholes.
    """

    _input_axes: ClassVar[str] = "batch time height width channels"

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        *,
        padding: str = "valid",
        dilation_rate: int | Sequence[int] = 1,
        activation: ActivationLike = "tanh",
        recurrent_activation: ActivationLike = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: RegularizerLike = None,
        recurrent_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        zero_output_for_mask: bool = False,
        name: str | None = None,
    ) -> None:
        cell = _ConvLSTMCell(
            2,
            filters,
            kernel_size,
            {
                "strides": strides,
                "padding": padding,
                "dilation_rate": dilation_rate,
                "use_bias": use_bias,
                "kernel_initializer": kernel_initializer,
                "bias_initializer": bias_initializer,
                "kernel_regularizer": kernel_regularizer,
                "bias_regularizer": bias_regularizer,
                "kernel_constraint": kernel_constraint,
                "bias_constraint": bias_constraint,
            },
            {
                "kernel_initializer": recurrent_initializer,
                "kernel_regularizer": recurrent_regularizer,
                "kernel_constraint": recurrent_constraint,
            },
            activation,
            recurrent_activation,
            unit_forget_bias,
            dropout,
            recurrent_dropout,
            seed,
            type(self).__name__,
        )
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            zero_output_for_mask=zero_output_for_mask,
            activity_regularizer=activity_regularizer,
            name=name,
        )


class ConvLSTM3D(_ConvLSTM):
    """Long short-term memory over volumes that change in time, with convolutions.

    i, f, o = recurrent_activation(W_k * x_t + U_k * h_{t-1} + b_k), k = i, f, o
    c_t = f c_{t-1} + i activation(W_g * x_t + U_g * h_{t-1} + b_g)
    h_t = o activation(c_t),  * a convolution

    Args:
        filters: Channels of the states and of the output.
        kernel_size: Sizes of the window, or one number for all axes.
        strides: Steps of the window over x.
        padding: Of x: "valid" or "same"; the states always keep their size.
        dilation_rate: Distances between the points of the window over x.
        activation: Of the candidate and of the state c.
        recurrent_activation: Of the gates.
        use_bias: Whether there is a bias b.
        kernel_initializer: First values of W.
        recurrent_initializer: First values of U.
        bias_initializer: First values of b.
        unit_forget_bias: Whether the forget gate's bias begins with ones.
        kernel_regularizer: What W costs.
        recurrent_regularizer: What U costs.
        bias_regularizer: What b costs.
        activity_regularizer: What the outputs cost.
        kernel_constraint: What W must be after each update.
        recurrent_constraint: What U must be after each update.
        bias_constraint: What b must be after each update.
        dropout: Share of the inputs dropped in training, the same at all steps.
        recurrent_dropout: Share of the states the step does not see, likewise.
        seed: Where the random numbers of dropout begin; None draws from torch's.
        return_sequences: Whether to give the outputs of all steps.
        return_state: Whether to give the last states h and c too.
        go_backwards: Whether to begin with the last step.
        stateful: Whether a batch begins with the state in which the one before ended.
        zero_output_for_mask: Whether the output is zero at steps that are not real.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, time, depth, height, width, channels)
        y: (batch, new_depth, new_height, new_width, filters), with time as second axis
            with ``return_sequences``

    Parameters:
        cell: input_convolution W and b, for 4 filters in the order i, f, g, o;
            recurrent_convolution U

    Raises:
        ConfigError: A size is not a positive integer, a rate is not from 0 to below 1,
            or a name is not known.
        ShapeError: x has other axes, or is smaller than the window.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> ConvLSTM3D(4, 3)(torch.zeros(2, 5, 6, 6, 6, 1)).shape
        torch.Size([2, 4, 4, 4, 4])

    Source:
        Shi et al. 2015, eq. 3, without the peepholes.
    """

    _input_axes: ClassVar[str] = "batch time depth height width channels"

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        *,
        padding: str = "valid",
        dilation_rate: int | Sequence[int] = 1,
        activation: ActivationLike = "tanh",
        recurrent_activation: ActivationLike = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: RegularizerLike = None,
        recurrent_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        zero_output_for_mask: bool = False,
        name: str | None = None,
    ) -> None:
        cell = _ConvLSTMCell(
            3,
            filters,
            kernel_size,
            {
                "strides": strides,
                "padding": padding,
                "dilation_rate": dilation_rate,
                "use_bias": use_bias,
                "kernel_initializer": kernel_initializer,
                "bias_initializer": bias_initializer,
                "kernel_regularizer": kernel_regularizer,
                "bias_regularizer": bias_regularizer,
                "kernel_constraint": kernel_constraint,
                "bias_constraint": bias_constraint,
            },
            {
                "kernel_initializer": recurrent_initializer,
                "kernel_regularizer": recurrent_regularizer,
                "kernel_constraint": recurrent_constraint,
            },
            activation,
            recurrent_activation,
            unit_forget_bias,
            dropout,
            recurrent_dropout,
            seed,
            type(self).__name__,
        )
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            zero_output_for_mask=zero_output_for_mask,
            activity_regularizer=activity_regularizer,
            name=name,
        )
