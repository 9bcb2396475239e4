"""LSTMCell: one step of long short-term memory, and the gates of its kind."""

import functools
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from mica.engine import is_compiling, run_lstm
from mica.layers.activation import ActivationLike, get_activation, sigmoid, tanh
from mica.layers.constraints import ConstraintLike
from mica.layers.initializer import Initializer
from mica.layers.initializers import InitializerLike
from mica.layers.regularizers import RegularizerLike
from mica.layers.weighted_cell import WeightedCell

__all__ = ["LSTMCell", "advance", "forget_first"]


def _bend(function: Any, value: Tensor) -> Tensor:
    return value if function is None else function(value)


def advance(
    gates: Tensor,
    carry: Tensor,
    axis: int,
    activation: Any,
    recurrent_activation: Any,
) -> tuple[Tensor, list[Tensor]]:
    """Apply the gates i, f, g, o of long short-term memory.

    Args:
        gates: The four blocks beside each other on an axis.
        carry: The state c.
        axis: Which axis.
        activation: Of the candidate and the state; None for none.
        recurrent_activation: Of the gates; None for none.

    Returns:
        (h', [h', c']).
    """
    enter, forget, candidate, leave = gates.chunk(4, axis)
    kept = _bend(recurrent_activation, forget) * carry
    carry = kept + _bend(recurrent_activation, enter) * _bend(activation, candidate)
    hidden = _bend(recurrent_activation, leave) * _bend(activation, carry)
    return hidden, [hidden, carry]


def _fill_blocks(
    initializer: Initializer, units: int, ones: bool, bias: Tensor
) -> None:
    initializer.fill(bias, None)
    if ones:
        bias[units : 2 * units] = 1.0


def forget_first(initializer: Initializer, units: int, ones: bool) -> Any:
    """Give an initializer for four blocks of a bias, the second ones when wanted.

    Args:
        initializer: For the other blocks.
        units: Size of a block.
        ones: Whether the second block begins with ones.
    """
    return functools.partial(_fill_blocks, initializer, units, ones)


class LSTMCell(WeightedCell):
    """One step of long short-term memory.

    i, f, o = recurrent_activation(W_k x + U_k h + b_k), k = i, f, o
    g = activation(W_g x + U_g h + b_g)
    c' = f c + i g
    h' = o activation(c')

    Args:
        units: Size of both states and of the output.
        activation: Of the candidate g and of the cell's state.
        recurrent_activation: Of the three gates.
        use_bias: Whether there is a bias b.
        kernel_initializer: First values of W.
        recurrent_initializer: First values of U.
        bias_initializer: First values of b.
        unit_forget_bias: Whether the forget gate's bias begins with ones.
        kernel_regularizer: What W costs.
        recurrent_regularizer: What U costs.
        bias_regularizer: What b costs.
        kernel_constraint: What W must be after each update.
        recurrent_constraint: What U must be after each update.
        bias_constraint: What b must be after each update.
        dropout: Share of the inputs dropped in training, the same at all steps.
        recurrent_dropout: Share of the states that the gates do not see, likewise.
        seed: Where the random numbers of dropout begin; None draws from torch's.
        name: What the cell is called; `None` lets the model choose.

    Shape:
        x: (batch, features)
        states: [h, c], each of (batch, units)
        output: h', (batch, units), and [h', c']

    Parameters:
        weight: W, (4 units, features), in the order i, f, g, o
        recurrent_weight: U, (4 units, units)
        bias: (4 units,)

    Raises:
        ConfigError: ``units`` is not a positive integer, a rate is not from 0 to below
            1, or a name is not known.

    Example:
        >>> states = [torch.zeros(2, 3), torch.zeros(2, 3)]
        >>> output, states = LSTMCell(3)(torch.ones(2, 5), states)
        >>> len(states), output.shape
        (2, torch.Size([2, 3]))

    Source:
        Hochreiter & Schmidhuber 1997; the forget gate: Gers et al. 2000; its first
        bias: Jozefowicz et al. 2015.
    """

    _gates: ClassVar[int] = 4

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
        self.recurrent_activation = get_activation(recurrent_activation, self.where)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [self.units, self.units]

    def _first_bias(self) -> Any:
        return forget_first(self.bias_initializer, self.units, self.unit_forget_bias)

    def step(
        self, projected: Tensor, states: list[Any], kept: Tensor | None = None
    ) -> tuple[Tensor, list[Any]]:
        """Open and close the gates."""
        hidden, carry = states
        seen = hidden if kept is None else hidden * kept
        gates = projected + functional.linear(seen, self.recurrent_weight)
        return advance(gates, carry, 1, self.activation, self.recurrent_activation)

    def runs_in_library(self) -> bool:
        """Whether torch's own recurrence has the same formula."""
        if is_compiling():  # torch 2.13 cannot compile its gradient
            return False
        return self._is_plain(tanh) and self.recurrent_activation is sigmoid

    def run(self, x: Tensor, states: list[Any]) -> tuple[Tensor, list[Any]]:
        """Compute all steps in one call of the kernel or of the library."""
        weights = (self.weight, self.recurrent_weight, self.bias)
        made = run_lstm(x, states[0], states[1], *weights)
        if made is not None:
            return made[0], [*made[1:]]
        before = [state[None].contiguous() for state in states]
        outputs, hidden, carry = self._call_library(torch.lstm, x, before, None)
        return outputs, [hidden[0], carry[0]]
