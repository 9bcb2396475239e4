"""RecurrentCell: one step of a recurrence, from an input and a state to the next."""

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from mica.layers.layer import Layer

__all__ = ["RecurrentCell", "first_state", "is_cell", "size_of_output"]

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
        >>> import torch
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
