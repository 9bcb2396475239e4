"""StackedRNNCells: several cells as one, each fed by the one before."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mica.errors import ConfigError
from mica.layers.layer import Layer
from mica.layers.recurrent_cell import (
    RecurrentCell,
    first_state,
    is_cell,
    size_of_output,
)
from mica.shapes import Shape

__all__ = ["StackedRNNCells"]


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
        >>> from mica.layers import GRUCell, LSTMCell
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
