"""GRU: gated recurrent units over sequences."""

from mica.layers.activation import ActivationLike
from mica.layers.constraints import ConstraintLike
from mica.layers.gru_cell import GRUCell
from mica.layers.initializers import InitializerLike
from mica.layers.recurrent import RNN
from mica.layers.regularizers import RegularizerLike

__all__ = ["GRU"]


class GRU(RNN):
    """Gated recurrent units over sequences.

    r, z = recurrent_activation(W_k x_t + U_k h_{t-1} + b_k), k = r, z
    n = activation(W_n x_t + b_n + r (U_n h_{t-1} + d_n))     with ``reset_after``
    n = activation(W_n x_t + b_n + U_n (r h_{t-1}))           without
    h_t = (1 - z) n + z h_{t-1}

    Args:
        units: Size of the state and of the output.
        activation: Of the candidate n.
        recurrent_activation: Of the gates.
        use_bias: Whether there is a bias b.
        kernel_initializer: First values of W.
        recurrent_initializer: First values of U.
        bias_initializer: First values of b.
        kernel_regularizer: What W costs.
        recurrent_regularizer: What U costs.
        bias_regularizer: What b costs.
        activity_regularizer: What the outputs cost.
        kernel_constraint: What W must be after each update.
        recurrent_constraint: What U must be after each update.
        bias_constraint: What b must be after each update.
        dropout: Share of the inputs dropped in training, the same at all steps.
        recurrent_dropout: Share of the states the step does not see, likewise.
        reset_after: Whether r acts after the product with U, as in cuDNN, or before.
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
            ``return_state`` a list of that and of the state h

    Parameters:
        cell: weight W, (3 units, features); recurrent_weight U, (3 units, units);
            bias b, (3 units,)
            in blocks of the order r, z, n
            recurrent_bias d, (3 units,), with ``reset_after``

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
        >>> GRU(3)(torch.zeros(2, 7, 5)).shape
        torch.Size([2, 3])
        >>> GRU(3, return_sequences=True)(torch.zeros(2, 7, 5)).shape
        torch.Size([2, 7, 3])

    Source:
        Cho et al. 2014; reset_after: as in cuDNN.
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
        kernel_regularizer: RegularizerLike = None,
        recurrent_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        zero_output_for_mask: bool = False,
        name: str | None = None,
    ) -> None:
        cell = GRUCell(
            units,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            reset_after=reset_after,
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
