"""LSTM: long short-term memory over sequences."""

from mica.layers.activation import ActivationLike
from mica.layers.constraints import ConstraintLike
from mica.layers.initializers import InitializerLike
from mica.layers.lstm_cell import LSTMCell
from mica.layers.recurrent import RNN
from mica.layers.regularizers import RegularizerLike

__all__ = ["LSTM"]


class LSTM(RNN):
    """Long short-term memory over sequences.

    i, f, o = recurrent_activation(W_k x_t + U_k h_{t-1} + b_k), k = i, f, o
    c_t = f c_{t-1} + i activation(W_g x_t + U_g h_{t-1} + b_g)
    h_t = o activation(c_t)

    Args:
        units: Size of the state and of the output.
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
        return_state: Whether to give the last state too.
        go_backwards: Whether to begin with the last step.
        stateful: Whether a batch begins with the state in which the one before ended.
        zero_output_for_mask: Whether the output is zero at steps that are not real.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, time, features)
        y: (batch, units), (batch, time, units) with ``return_sequences``; with
            ``return_state`` a list of that and of the states h and c

    Parameters:
        cell: weight W, (4 units, features); recurrent_weight U, (4 units, units);
            bias b, (4 units,)
            in blocks of the order i, f, g, o

    Cost:
        One call of the library where the activations are the usual ones and no states
        are dropped; else a loop over the steps with the same numbers.

    Raises:
        ConfigError: ``units`` is not a positive integer, a rate is not from 0 to below
            1, or a name is not known.
        ShapeError: x is no sequence, or with ``stateful`` another batch size.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> import torch
        >>> LSTM(3)(torch.zeros(2, 7, 5)).shape
        torch.Size([2, 3])
        >>> LSTM(3, return_sequences=True)(torch.zeros(2, 7, 5)).shape
        torch.Size([2, 7, 3])

    Source:
        Hochreiter & Schmidhuber 1997; the forget gate: Gers et al. 2000.
    """

    def __init__(
        self,
        units: int,
        *,
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
        cell = LSTMCell(
            units,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            unit_forget_bias=unit_forget_bias,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
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
