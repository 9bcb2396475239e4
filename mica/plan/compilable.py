"""Compilable: whether a compiler would be done with a step in a minute or so."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from mica.data import Batch
from mica.layers import RNN
from mica.nested import flatten
from mica.training import Session

__all__ = ["is_soon_compiled"]

# Of forward pass and loss. torch.compile takes about a minute for so many on a
# processor; loops over time, which it writes out step by step, have far more.
MOST_OPERATIONS = 2000


class _Count(TorchDispatchMode):
    """Counts operations."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Do the operation and count it."""
        self.count += 1
        return func(*args, **(kwargs or {}))


def is_soon_compiled(session: Session, batches: Sequence[Batch]) -> bool:
    """Tell whether `torch.compile` is worth a try in a search.

    It is not for recurrent layers, whose steps in time it would write out one by one;
    nor for a step of more than 2,000 operations; nor for batches of changing shapes,
    for each of which it may start anew.

    Args:
        session: The run, on copies: its random numbers are used up.
        batches: Some of its batches.

    Returns:
        Whether to try.

    Example:
        >>> from mica.training import Objective
        >>> session = Session(nn.Linear(1, 1), Objective("mse"), "sgd")
        >>> x = torch.ones(2, 1)
        >>> session.objective.bind(session.model, x, x)
        >>> is_soon_compiled(session, [Batch(x, x, None, 2)])
        True
        >>> other = Batch(x[:1], x[:1], None, 1)
        >>> is_soon_compiled(session, [Batch(x, x, None, 2), other])
        False
    """
    if any(isinstance(part, RNN | nn.RNNBase) for part in session.model.modules()):
        return False
    if len({_shapes(batch) for batch in batches}) > 1:
        return False
    batch = batches[0]
    with torch.no_grad(), _Count() as counted:
        outputs = session.objective.forward(session.model, batch.x)
        session.objective.compute(outputs, batch.y, batch.sample_weight)
    return counted.count <= MOST_OPERATIONS


def _shapes(batch: Batch) -> tuple[torch.Size, ...]:
    leaves = flatten(tuple(batch[:3]))
    return tuple(leaf.shape for leaf in leaves if isinstance(leaf, torch.Tensor))
