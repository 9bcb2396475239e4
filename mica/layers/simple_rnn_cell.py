"""SimpleRNNCell: one step of the plain recurrence."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from mica.layers.activation import ActivationLike, relu, tanh
from mica.layers.constraints import ConstraintLike
from mica.layers.initializers import InitializerLike
from mica.layers.regularizers import RegularizerLike
from mica.layers.weighted_cell import WeightedCell

__all__ = ["SimpleRNNCell"]


class SimpleRNNCell(WeightedCell):
    """One step of the plain recurrence.

    h' = activation(W x + U h + b)

    Args:
        units: Size of the state and of the output.
        activation: A name, a function, or None.
        use_bias: Whether there is a bias b.
        kernel_initializer: First values of W.
        recurrent_initializer: First values of U.
        bias_initializer: First values of b.
        kernel_regularizer: What W costs.
        recurrent_regularizer: What U costs.
        bias_regularizer: What b costs.
        kernel_constraint: What W must be after each update.
        recurrent_constraint: What U must be after each update.
        bias_constraint: What b must be after each update.
        dropout: Share of the inputs dropped in training, the same at all steps.
        recurrent_dropout: Share of the states that the step does not see, likewise.
        seed: Where the random numbers of dropout begin; None draws from torch's.
        name: What the cell is called; `None` lets the model choose.

    Shape:
        x: (batch, features)
        states: [h], h of (batch, units)
        output: h', (batch, units), and [h']

    Parameters:
        weight: W, (units, features)
        recurrent_weight: U, (units, units)
        bias: (units,)

    Raises:
        ConfigError: ``units`` is not a positive integer, a rate is not from 0 to below
            1, or a name is not known.

    Example:
        >>> output, states = SimpleRNNCell(3)(torch.ones(2, 5), [torch.zeros(2, 3)])
        >>> output.shape
        torch.Size([2, 3])

    Source:
        Elman 1990; dropout as in Gal & Ghahramani 2016, section 4.
    """

    def __init__(
        self,
        units: int,
        *,
        activation: ActivationLike = "tanh",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        recurrent_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self._keep_arguments(
            units, activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, kernel_regularizer, recurrent_regularizer,
            bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint,
            dropout, recurrent_dropout, seed,
        )  # fmt: skip

    def step(
        self, projected: Tensor, states: list[Any], kept: Tensor | None = None
    ) -> tuple[Tensor, list[Any]]:
        """Add the state's part and bend."""
        state = states[0] if kept is None else states[0] * kept
        output = projected + functional.linear(state, self.recurrent_weight)
        output = output if self.activation is None else self.activation(output)
        return output, [output]

    def runs_in_library(self) -> bool:
        """Whether torch's own recurrence has the same formula."""
        return self._is_plain(tanh) or self._is_plain(relu)

    def run(self, x: Tensor, states: list[Any]) -> tuple[Tensor, list[Any]]:
        """Compute all steps in one call of the library."""
        function = torch.rnn_tanh if self.activation is tanh else torch.rnn_relu
        outputs, state = self._call_library(function, x, states[0][None], None)
        return outputs, [state[0]]
