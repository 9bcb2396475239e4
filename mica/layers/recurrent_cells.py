"""Recurrent cells: one step of a recurrence, from an input and a state to the next."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from mica.engine import is_compiling, run_gru, run_lstm
from mica.errors import ConfigError
from mica.layers.activation import (
    ActivationLike,
    get_activation,
    relu,
    sigmoid,
    tanh,
)
from mica.layers.arguments import fraction, positive_integer
from mica.layers.constraints import ConstraintLike, get_constraint
from mica.layers.initializers import Initializer, InitializerLike, get_initializer
from mica.layers.inputs import check_axis, check_floating, check_rank
from mica.layers.layer import Layer
from mica.layers.noise import Dropout
from mica.layers.regularizers import RegularizerLike, get_regularizer
from mica.shapes import Shape

__all__ = [
    "GRUCell",
    "LSTMCell",
    "RecurrentCell",
    "SimpleRNNCell",
    "StackedRNNCells",
    "advance",
    "first_state",
    "forget_first",
    "is_cell",
    "size_of_output",
]

WORDS_OF_OTHERS = {
    "batch_first": "Leave it out: sequences are (batch, time, features).",
    "bidirectional": "Wrap the layer: Bidirectional(layer).",
    "hidden_size": "units",
    "implementation": "Leave it out: the fastest way that fits is taken.",
    "num_layers": "Put several layers after each other, with return_sequences=True.",
    "time_major": "Leave it out: sequences are (batch, time, features).",
    "unroll": "Leave it out: a loop in PyTorch is unrolled by itself.",
}


class RecurrentCell(Layer):
    """One step of a recurrence.

    Abstract: write `forward(x, states) -> (output, states)`, or, so that the part that
    does not depend on the state is computed for all steps at once, `project` and
    `step`. `RNN(cell)` runs it over sequences.

    Args:
        name: What the cell is called; `None` lets the model choose.

    Shape:
        x: (batch, features), one step
        states: a list of (batch, size) for each size in `state_size`

    Raises:
        NotImplementedError: The class defines neither `forward` nor `step`.

    Example:
        >>> class Decay(RecurrentCell):
        ...     state_size = output_size = 2
        ...     def step(self, projected, states, kept=None):
        ...         state = 0.5 * states[0] + projected
        ...         return state, [state]
        >>> output, states = Decay()(torch.ones(1, 2), [torch.ones(1, 2)])
        >>> output
        tensor([[1.5000, 1.5000]])
    """

    words_of_others: ClassVar[Mapping[str, str]] = {
        **Layer.words_of_others,
        **WORDS_OF_OTHERS,
    }
    state_size: Any = 0
    output_size: int | None = None

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)

    def initial_state(self, x: Tensor) -> list[Any]:
        """Give the state before the first step: zeros.

        Args:
            x: (batch, ...), an input of one step, which gives batch, type and device.

        Returns:
            One tensor for each size in `state_size`.
        """
        sizes = self.state_size
        sizes = sizes if isinstance(sizes, (list, tuple)) else [sizes]
        return [x.new_zeros((x.shape[0], size)) for size in sizes]

    def drop_inputs(self, x: Tensor) -> Tensor:
        """Drop inputs in training, the same ones at all steps.

        Args:
            x: (batch, time, ...).

        Returns:
            The same shape.
        """
        return x

    def kept_states(self, states: list[Any]) -> Tensor | None:
        """Draw which states the gates see during a sequence; None for all of them.

        Args:
            states: The state before the first step.
        """
        del states
        return None

    def project(self, x: Tensor) -> Any:
        """Compute what does not depend on the state, for one step or all at once.

        Args:
            x: (batch, features) or (batch, time, features).

        Returns:
            A tensor with the same leading axes.
        """
        return x

    def step(
        self, projected: Tensor, states: list[Any], kept: Tensor | None = None
    ) -> tuple[Tensor, list[Any]]:
        """Go one step further.

        Args:
            projected: What `project` gave, for one step.
            states: The state before it.
            kept: What `kept_states` gave.

        Returns:
            (output, states after it).
        """
        raise NotImplementedError(
            f"{self.where}: expected a method step(self, projected, states, kept), got "
            "none. Define it, or forward(self, x, states)."
        )

    def forward(self, x: Tensor, states: list[Any]) -> tuple[Tensor, list[Any]]:
        """Go one step further from a plain input."""
        dropped = self.drop_inputs(x.unsqueeze(1)).squeeze(1)
        return self.step(self.project(dropped), states, self.kept_states(states))

    def runs_in_library(self) -> bool:
        """Whether `run` computes a whole sequence with the same numbers."""
        return False

    def run(self, x: Tensor, states: list[Any]) -> tuple[Tensor, list[Any]]:
        """Compute all steps in one call of the library, when `runs_in_library` says so.

        Args:
            x: (batch, time, features).
            states: The state before the first step.

        Returns:
            (outputs at all steps, states after the last).
        """
        raise NotImplementedError(
            f"{self.where}: expected a method run(self, x, states), got none. Let "
            "runs_in_library return False."
        )


class _Gated(RecurrentCell):
    """What the three classic cells share: weights for `_gates` blocks of units."""

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


class SimpleRNNCell(_Gated):
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


class LSTMCell(_Gated):
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
        made = run_lstm(x, *states, self.weight, self.recurrent_weight, self.bias)
        if made is not None:
            return made[0], [*made[1:]]
        before = [state[None].contiguous() for state in states]
        outputs, hidden, carry = self._call_library(torch.lstm, x, before, None)
        return outputs, [hidden[0], carry[0]]


class GRUCell(_Gated):
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


class StackedRNNCells(RecurrentCell):
    """Several cells as one: the output of each is the input of the next.

    output, states = cell_n(... cell_2(cell_1(x, states_1), states_2) ..., states_n)

    Args:
        cells: The cells, from the first to the last.
        name: What the cell is called; `None` lets the model choose.

    Shape:
        x: (batch, features)
        states: a list with the states of each cell
        output: that of the last cell

    Parameters:
        cells: what the cells have.

    Raises:
        ConfigError: ``cells`` is not a list of cells.

    Example:
        >>> cell = StackedRNNCells([LSTMCell(3), GRUCell(2)])
        >>> cell.state_size
        [[3, 3], 2]
    """

    def __init__(self, cells: Sequence[Layer], *, name: str | None = None) -> None:
        super().__init__(name=name)
        cells = list(cells) if isinstance(cells, (list, tuple)) else []
        if not cells or not all(is_cell(cell) for cell in cells):
            raise ConfigError(
                f"{self.where}: expected a list of recurrent cells, got "
                f"{[type(cell).__name__ for cell in cells]}. Give cells such as "
                "[LSTMCell(64), LSTMCell(32)]."
            )
        self.cells = torch.nn.ModuleList(cells)
        self.state_size = [cell.state_size for cell in cells]
        self.output_size = size_of_output(cells[-1])

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with the input, in the words of the first cell."""
        first: Any = self.cells[0]
        first.check_input(shape, dtype)

    def build(self, shape: Shape) -> None:
        """Build each cell for the output of the one before."""
        sizes = [size or 1 for size in shape[1:]]
        for cell in self.cells:
            made: Any = cell
            made.ensure_built(
                torch.empty(
                    (1, *sizes), dtype=self._build_dtype, device=self._build_device
                )
            )
            sizes = [size_of_output(made)]

    def initial_state(self, x: Tensor) -> list[Any]:
        """Give the states of all cells before the first step."""
        return [first_state(cell, x) for cell in self.cells]

    def forward(self, x: Tensor, states: list[Any]) -> tuple[Tensor, list[Any]]:
        """Go one step further in every cell."""
        after = []
        for cell, state in zip(self.cells, states, strict=True):
            x, new = cell(x, state)
            after.append(new)
        return x, after


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


def forget_first(initializer: Initializer, units: int, ones: bool) -> Any:
    """Give an initializer for four blocks of a bias, the second ones when wanted.

    Args:
        initializer: For the other blocks.
        units: Size of a block.
        ones: Whether the second block begins with ones.
    """
    return functools.partial(_fill_blocks, initializer, units, ones)


def _fill_blocks(
    initializer: Initializer, units: int, ones: bool, bias: Tensor
) -> None:
    initializer.fill(bias, None)
    if ones:
        bias[units : 2 * units] = 1.0


def is_cell(cell: Any) -> bool:
    """Whether a layer says how large its state is.

    Args:
        cell: Anything.
    """
    return isinstance(cell, Layer) and hasattr(cell, "state_size")


def size_of_output(cell: Any) -> int:
    """The size of a cell's output: its own word, else its first state's size.

    Args:
        cell: A recurrent cell.
    """
    size = getattr(cell, "output_size", None)
    while size is None or isinstance(size, (list, tuple)):
        size = cell.state_size if size is None else size
        size = size[0] if isinstance(size, (list, tuple)) else size
    return size


def first_state(cell: Any, x: Tensor) -> list[Any]:
    """The state of a cell before the first step.

    Args:
        cell: A recurrent cell, perhaps a plain layer.
        x: The input of one step.
    """
    begin = getattr(cell, "initial_state", None)
    return RecurrentCell.initial_state(cell, x) if begin is None else begin(x)
