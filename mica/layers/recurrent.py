"""RNN: a cell run over the steps of a sequence."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from mica.engine import is_compiling
from mica.errors import ConfigError, ShapeError
from mica.layers.inputs import check_rank
from mica.layers.layer import Layer
from mica.layers.probing import is_probing
from mica.layers.recurrent_cell import (
    WORDS_OF_OTHERS,
    RecurrentCell,
    first_state,
    is_cell,
    size_of_output,
)
from mica.layers.regularizers import RegularizerLike
from mica.layers.stacked_cells import StackedRNNCells
from mica.nested import flatten, map_nested
from mica.shapes import Shape, describe

__all__ = ["RNN"]


class RNN(Layer):
    """Run a cell over the steps of a sequence.

    output_t, state_t = cell(x_t, state_{t-1}), state_0 = 0 or `initial_state`

    Where a mask says that a step is not real, the state stays as it was and the output
    is that of the step before.

    Args:
        cell: A recurrent cell: a layer with `state_size` and `forward(x, states)` that
            gives (output, states); or a list of them, which are stacked.
        return_sequences: Whether to give the outputs of all steps, not only the last.
        return_state: Whether to give the last state too.
        go_backwards: Whether to begin with the last step; outputs stay in the order
            they were computed in.
        stateful: Whether a batch begins with the state in which the one before ended;
            `reset_state` begins anew.
        zero_output_for_mask: Whether the output is zero at steps that are not real.
        activity_regularizer: What the outputs cost.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, time, features)
        y: (batch, units), (batch, time, units) with ``return_sequences``; with
            ``return_state`` a list of that and of the states

    Parameters:
        cell: what the cell has.

    Raises:
        ConfigError: ``cell`` is not a recurrent cell.
        ShapeError: x is no sequence, or with ``stateful`` another batch size.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> from mica.layers import LSTMCell, GRUCell
        >>> layer = RNN([LSTMCell(4), GRUCell(3)], return_sequences=True)
        >>> layer(torch.zeros(2, 7, 5)).shape
        torch.Size([2, 7, 3])

    Source:
        Goodfellow et al. 2016, section 10.2.
    """

    words_of_others: ClassVar[Mapping[str, str]] = {
        **Layer.words_of_others,
        **WORDS_OF_OTHERS,
    }
    _input_axes: ClassVar[str] = "batch time features"

    def __init__(
        self,
        cell: Layer | Sequence[Layer],
        *,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        zero_output_for_mask: bool = False,
        activity_regularizer: RegularizerLike = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        made = StackedRNNCells(cell) if isinstance(cell, (list, tuple)) else cell
        if not is_cell(made):
            got = made.__name__ if isinstance(made, type) else type(made).__name__
            raise ConfigError(
                f"{self.where}: expected a recurrent cell, a layer with state_size, "
                f"got {got}. Give for example LSTMCell(64)."
            )
        self.cell: Any = made
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.zero_output_for_mask = zero_output_for_mask
        self.regularize_activity(activity_regularizer)
        self._states: list[Any] | None = None

    @property
    def units(self) -> int:
        """Size of the output of a step."""
        return size_of_output(self.cell)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input that is no sequence of the cell's inputs."""
        check_rank(self.where, shape, self._input_axes)
        self.cell.check_input((shape[0], *shape[2:]), dtype)
        if shape[1] == 0:
            raise ShapeError(
                f"{self.where}: expected a sequence of at least 1 step, got 0 in shape "
                f"{describe(shape)}. Look at how the input was cut."
            )

    def build(self, shape: Shape) -> None:
        """Build the cell for one step of `shape`."""
        step = torch.empty(
            (1, *self._step_sizes(shape)),
            dtype=self._build_dtype,
            device=self._build_device,
        )
        self.cell.ensure_built(step)

    def _step_sizes(self, shape: Shape) -> list[int]:
        """Sizes of one step, 1 where they are not known."""
        return [size or 1 for size in shape[2:]]

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Pass the mask on with the outputs of all steps; the states have none.

        Args:
            x: The sequences.
            mask: Which of their steps are real.

        Returns:
            A mask, or a list of one for each output.
        """
        del x
        kept = mask if self.return_sequences else None
        if not self.return_state:
            return kept
        return [kept, *(None for _ in flatten(self.cell.state_size))]

    def reset_state(self) -> None:
        """Let the next batch begin with zeros, in a layer that is stateful."""
        self._states = None

    def forward(
        self,
        x: Tensor,
        initial_state: Any = None,
        mask: Tensor | None = None,
    ) -> Any:
        """Run over the steps.

        Args:
            x: The sequences.
            initial_state: The state before the first step; None for zeros.
            mask: Which steps are real, (batch, time); None when all are.
        """
        if x.ndim != len(self._input_axes.split()) or x.shape[1] == 0:
            self.check_input(tuple(x.shape), x.dtype)
        states = self._first_states(x, initial_state)
        if x.is_meta:
            outputs, last, states = self._infer_steps(x, states)
        else:
            if self.go_backwards:
                x = x.flip(1)
                mask = None if mask is None else mask.flip(1)
            x = self.cell.drop_inputs(x) if self._is_ours else x
            outputs, last, states = self._run(x, states, mask)
        if self.stateful and not x.is_meta and not is_probing():
            self._states = map_nested(torch.Tensor.detach, states)
        # The library gives steps before batch; what follows is faster on one block.
        y = outputs.contiguous() if self.return_sequences else last
        return [y, *states] if self.return_state else y

    @property
    def _is_ours(self) -> bool:
        return isinstance(self.cell, RecurrentCell)

    def _first_states(self, x: Tensor, given: Any) -> list[Any]:
        if given is not None:
            states = list(given) if isinstance(given, (list, tuple)) else [given]
            wanted = len(first_state(self.cell, x[:, 0]))
            if len(states) != wanted:
                raise ShapeError(
                    f"{self.where}: expected {wanted} tensors as initial_state, got "
                    f"{len(states)}. Give one for each size in the cell's state_size."
                )
            return states
        kept = self._states
        if not self.stateful or kept is None or is_probing() or x.is_meta:
            return first_state(self.cell, x[:, 0])
        size = flatten(kept)[0].shape[0]
        if size != x.shape[0]:
            raise ShapeError(
                f"{self.where}: expected batches of {size} sequences, as the one "
                f"before, got {x.shape[0]}. Give a batch_size that divides the data, "
                "or call reset_state()."
            )
        return map_nested(lambda state: state.to(x.device, x.dtype), kept)

    def _infer_steps(
        self, x: Tensor, states: list[Any]
    ) -> tuple[Tensor, Tensor, list[Any]]:
        """Shapes alone: one step stands for all."""
        last, states = self.cell(x[:, 0], states)
        sizes = (last.shape[0], x.shape[1], *last.shape[1:])
        return last.unsqueeze(1).expand(sizes), last, states

    def _run(
        self, x: Tensor, states: list[Any], mask: Tensor | None
    ) -> tuple[Tensor, Tensor, list[Any]]:
        if not (self._is_ours and self.cell.runs_in_library()):
            return self._loop(x, states, mask)
        if mask is None:
            outputs, states = self.cell.run(x, states)
            return outputs, states[0], states  # h is the last output, by itself
        if len(states) > 1 and (self.return_state or self.stateful):
            return self._loop(x, states, mask)  # the library gives c of the end only
        return self._run_real_steps(x, states, mask)

    def _run_real_steps(
        self, x: Tensor, states: list[Any], mask: Tensor
    ) -> tuple[Tensor, Tensor, list[Any]]:
        """Move the real steps to the front, run, and give each step its output."""
        mask = mask.bool()
        order = torch.argsort(~mask, dim=1, stable=True)
        steps = x.gather(1, order.unsqueeze(-1).expand_as(x))
        if not is_compiling() and x.device.type == "cpu":
            longest = max(int(mask.sum(1).max()), 1) if len(x) else 1
            steps = steps[:, :longest]  # nothing is computed for padding alone
        outputs, _ = self.cell.run(steps, states)
        before = torch.zeros_like(outputs[:, :1])
        counted = mask.cumsum(1)  # 0 before the first real step
        where = counted.unsqueeze(-1).expand(*counted.shape, outputs.shape[-1])
        spread = torch.cat([before, outputs], 1).gather(1, where)
        state = torch.where(mask.any(1, keepdim=True), spread[:, -1], states[0])
        if self.zero_output_for_mask:
            spread = spread * mask.unsqueeze(-1)
        return spread, spread[:, -1], [state, *states[1:]]

    def _loop(
        self, x: Tensor, states: list[Any], mask: Tensor | None
    ) -> tuple[Tensor, Tensor, list[Any]]:
        """One step after the other, whatever the cell."""
        cell, kept = self.cell, None
        in_two_parts = self._is_ours and type(cell).forward is RecurrentCell.forward
        if in_two_parts:
            x, kept = cell.project(x), cell.kept_states(states)
        outputs: list[Tensor] = []
        for step in range(x.shape[1]):
            if in_two_parts:
                output, after = cell.step(x[:, step], states, kept)
            else:
                output, after = cell(x[:, step], states)
                after = after if isinstance(after, (list, tuple)) else [after]
            if mask is not None:
                real = mask[:, step].bool()
                repeats = outputs and not self.zero_output_for_mask
                held = outputs[-1] if repeats else torch.zeros_like(output)
                output = _choose(real, output, held)
                choose = functools.partial(_choose, real)
                after = map_nested(choose, list(after), list(states))
            states = list(after)
            if not self.return_sequences:
                outputs.clear()
            outputs.append(output)
        return torch.stack(outputs, 1), outputs[-1], states


def _choose(real: Tensor, one: Tensor, other: Tensor) -> Tensor:
    """Row by row: one where a step is real, else the other."""
    return torch.where(real.reshape(-1, *(1,) * (one.ndim - 1)), one, other)
