"""GRUCell: one step of the gated recurrent unit."""

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from mica.engine import run_gru
from mica.layers.activation import ActivationLike, get_activation, sigmoid, tanh
from mica.layers.constraints import ConstraintLike
from mica.layers.initializers import InitializerLike
from mica.layers.regularizers import RegularizerLike
from mica.layers.weighted_cell import WeightedCell
from mica.shapes import Shape

__all__ = ["GRUCell"]


class GRUCell(WeightedCell):
    """One step of the gated recurrent unit.

    r, z = recurrent_activation(W_k x + U_k h + b_k), k = r, z
    n = activation(W_n x + b_n + r (U_n h + d_n))     with reset_after
    n = activation(W_n x + b_n + U_n (r h))           without
    h' = (1 - z) n + z h

    Args:
        units: Size of the state and of the output.
        activation: Of the candidate n.
        recurrent_activation: Of the gates.
        use_bias: Whether there are biases b, and d with ``reset_after``.
        kernel_initializer: First values of W.
        recurrent_initializer: First values of U.
        bias_initializer: First values of the biases.
        kernel_regularizer: What W costs.
        recurrent_regularizer: What U costs.
        bias_regularizer: What the biases cost.
        kernel_constraint: What W must be after each update.
        recurrent_constraint: What U must be after each update.
        bias_constraint: What the biases must be after each update.
        dropout: Share of the inputs dropped in training, the same at all steps.
        recurrent_dropout: Share of the states that the gates do not see, likewise.
        reset_after: Whether r acts after the product with U, as in cuDNN, or before.
        seed: Where the random numbers of dropout begin; None draws from torch's.
        name: What the cell is called; `None` lets the model choose.

    Shape:
        x: (batch, features)
        states: [h], h of (batch, units)
        output: h', (batch, units), and [h']

    Parameters:
        weight: W, (3 units, features), in the order r, z, n
        recurrent_weight: U, (3 units, units)
        bias: b, (3 units,)
        recurrent_bias: d, (3 units,), with ``reset_after``

    Raises:
        ConfigError: ``units`` is not a positive integer, a rate is not from 0 to below
            1, or a name is not known.

    Example:
        >>> output, states = GRUCell(3)(torch.ones(2, 5), [torch.zeros(2, 3)])
        >>> output.shape
        torch.Size([2, 3])

    Source:
        Cho et al. 2014; reset_after: Chung et al. 2014 as in cuDNN.
    """

    _gates: ClassVar[int] = 3

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
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
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
        self.reset_after = reset_after
        self.register_parameter("recurrent_bias", None)

    def build(self, shape: Shape) -> None:
        """Make the weights for the features in `shape`."""
        super().build(shape)
        if self.use_bias and self.reset_after:
            self.recurrent_bias = self.add_weight(
                (3 * self.units,),
                self.bias_initializer,
                regularizer=self.bias_rule[0],
                constraint=self.bias_rule[1],
            )

    def step(
        self, projected: Tensor, states: list[Any], kept: Tensor | None = None
    ) -> tuple[Tensor, list[Any]]:
        """Open and close the gates."""
        (state,) = states
        seen = state if kept is None else state * kept
        units, gate = self.units, self.recurrent_activation
        if self.reset_after:
            inner = functional.linear(seen, self.recurrent_weight, self.recurrent_bias)
            to_gates, to_new = inner.split([2 * units, units], -1)
        else:
            to_gates = functional.linear(seen, self.recurrent_weight[: 2 * units])
            to_new = None
        opened = projected[..., : 2 * units] + to_gates
        opened = opened if gate is None else gate(opened)
        reset, update = opened.split(units, -1)
        if to_new is None:
            inner = functional.linear(reset * seen, self.recurrent_weight[2 * units :])
        else:
            inner = reset * to_new
        new = projected[..., 2 * units :] + inner
        new = new if self.activation is None else self.activation(new)
        output = update * state + (1 - update) * new
        return output, [output]

    def runs_in_library(self) -> bool:
        """Whether torch's own recurrence has the same formula."""
        plain = self._is_plain(tanh) and self.recurrent_activation is sigmoid
        return plain and self.reset_after

    def run(self, x: Tensor, states: list[Any]) -> tuple[Tensor, list[Any]]:
        """Compute all steps in one call of the kernel or of the library."""
        other = self.recurrent_bias
        made = run_gru(
            x, states[0], self.weight, self.recurrent_weight, self.bias, other
        )
        if made is not None:
            return made[0], [made[1]]
        before = states[0][None].contiguous()
        outputs, state = self._call_library(torch.gru, x, before, other)
        return outputs, [state[0]]
