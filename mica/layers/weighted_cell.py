"""WeightedCell: what the three classic cells share, their weights and dropout."""

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from mica.layers.activation import ActivationLike, get_activation
from mica.layers.arguments import fraction, positive_integer
from mica.layers.constraints import ConstraintLike, get_constraint
from mica.layers.initializer import Initializer
from mica.layers.initializers import InitializerLike, get_initializer
from mica.layers.inputs import check_axis, check_floating, check_rank
from mica.layers.noise import Dropout
from mica.layers.recurrent_cell import RecurrentCell
from mica.layers.regularizers import RegularizerLike, get_regularizer
from mica.shapes import Shape

__all__ = ["WeightedCell"]


class WeightedCell(RecurrentCell):
    """What the three classic cells share: weights for `_gates` blocks of units.

    Abstract: `__init__` calls `_keep_arguments`, and `step` says the formula.
    """

    _gates: ClassVar[int] = 1

    def _keep_arguments(
        self,
        units: int,
        activation: ActivationLike,
        use_bias: bool,
        kernel_initializer: InitializerLike,
        recurrent_initializer: InitializerLike,
        bias_initializer: InitializerLike,
        kernel_regularizer: RegularizerLike,
        recurrent_regularizer: RegularizerLike,
        bias_regularizer: RegularizerLike,
        kernel_constraint: ConstraintLike,
        recurrent_constraint: ConstraintLike,
        bias_constraint: ConstraintLike,
        dropout: float,
        recurrent_dropout: float,
        seed: int | None,
    ) -> None:
        where = self.where
        self.units = positive_integer(units, where, "units")
        self.output_size = self.units
        self.state_size = self.units
        self.activation = get_activation(activation, where)
        self.use_bias = use_bias
        self.kernel_initializer = get_initializer(
            kernel_initializer, where, "kernel_initializer"
        )
        self.recurrent_initializer = get_initializer(
            recurrent_initializer, where, "recurrent_initializer"
        )
        self.bias_initializer = get_initializer(
            bias_initializer, where, "bias_initializer"
        )
        self.kernel_rule = (
            get_regularizer(kernel_regularizer, where, "kernel_regularizer"),
            get_constraint(kernel_constraint, where, "kernel_constraint"),
        )
        self.recurrent_rule = (
            get_regularizer(recurrent_regularizer, where, "recurrent_regularizer"),
            get_constraint(recurrent_constraint, where, "recurrent_constraint"),
        )
        self.bias_rule = (
            get_regularizer(bias_regularizer, where, "bias_regularizer"),
            get_constraint(bias_constraint, where, "bias_constraint"),
        )
        fraction(dropout, where, "dropout")
        fraction(recurrent_dropout, where, "recurrent_dropout")
        self.input_dropout = Dropout(dropout, seed=seed)
        self.recurrent_dropout = Dropout(recurrent_dropout, seed=seed)
        for name in ("weight", "recurrent_weight", "bias"):
            self.register_parameter(name, None)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with the input of one step."""
        check_rank(self.where, shape, "batch features")
        check_floating(self.where, dtype, None if not self.built else self.weight.dtype)
        check_axis(self.where, shape, -1, self.weight.shape[1] if self.built else None)

    def build(self, shape: Shape) -> None:
        """Make the weights for the features in `shape`."""
        features = shape[-1] or 0  # check_input has refused None
        rows = self._gates * self.units
        self.weight = self._block(
            (rows, features), self.kernel_initializer, self.kernel_rule
        )
        self.recurrent_weight = self._block(
            (rows, self.units), self.recurrent_initializer, self.recurrent_rule
        )
        if self.use_bias:
            self.bias = self.add_weight(
                (rows,),
                self._first_bias(),
                regularizer=self.bias_rule[0],
                constraint=self.bias_rule[1],
            )

    def _block(
        self, shape: tuple[int, int], initializer: Initializer, rule: Any
    ) -> torch.nn.Parameter:
        return self.add_weight(
            shape,
            initializer,
            fans=(shape[1], shape[0]),
            regularizer=rule[0],
            constraint=rule[1],
        )

    def _first_bias(self) -> Any:
        return self.bias_initializer

    def drop_inputs(self, x: Tensor) -> Tensor:
        """Drop inputs in training, the same ones at all steps."""
        if not self.training or self.input_dropout.rate == 0.0:
            return x
        return x * self.input_dropout(torch.ones_like(x[:, :1]))

    def kept_states(self, states: list[Any]) -> Tensor | None:
        """Draw which units the gates see during a sequence; None for all of them."""
        if not self.training or self.recurrent_dropout.rate == 0.0:
            return None
        return self.recurrent_dropout(torch.ones_like(states[0]))

    def project(self, x: Tensor) -> Tensor:
        """Multiply inputs by the kernel."""
        return functional.linear(x, self.weight, self.bias)

    def _is_plain(self, activation: Any) -> bool:
        """Whether the library's formula is this cell's."""
        dropping = self.training and self.recurrent_dropout.rate > 0.0
        return self.activation is activation and not dropping

    def _call_library(
        self, function: Any, x: Tensor, state: Any, second_bias: Tensor | None
    ) -> Any:
        weights = [self.weight, self.recurrent_weight]
        if self.bias is not None:
            other = torch.zeros_like(self.bias) if second_bias is None else second_bias
            weights += [self.bias, other]
        has_biases = self.bias is not None
        return function(
            x, state, weights, has_biases, 1, 0.0, self.training, False, True
        )
