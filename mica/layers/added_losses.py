"""Losses that layers add while they compute: gathered by whoever computes a step."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

__all__ = ["GatheredLosses", "add_loss", "gather_losses"]


class _Open(threading.local):
    """The list that losses join in this thread; None while nobody asks for them."""

    losses: "GatheredLosses | None" = None


_open = _Open()


class GatheredLosses(list[Tensor]):
    """What layers added, and which of it adds up over the parts of a batch.

    Example:
        >>> import torch
        >>> with gather_losses() as losses:
        ...     add_loss(torch.tensor(1.0))
        ...     add_loss(torch.tensor(2.0), adds_up=True)
        >>> losses.means, losses.sums
        ([tensor(1.)], [tensor(2.)])
    """

    def __init__(self) -> None:
        super().__init__()
        self.means: list[Tensor] = []
        self.sums: list[Tensor] = []


def add_loss(value: Tensor, *, adds_up: bool = False) -> None:
    """Add a loss to the step being computed; nothing happens outside of one.

    Args:
        value: One number that depends on the weights.
        adds_up: Whether the value for a batch is the sum of those for its parts, and
            not their mean: what gradient accumulation must know.

    Example:
        >>> import torch
        >>> with gather_losses() as losses:
        ...     add_loss(torch.tensor(2.0))
        >>> losses
        [tensor(2.)]
    """
    if _open.losses is not None:
        _open.losses.append(value)
        (_open.losses.sums if adds_up else _open.losses.means).append(value)


@contextmanager
def gather_losses() -> Iterator[GatheredLosses]:
    """Gather what layers add inside the block.

    Yields:
        The list, filled while the block runs.

    Example:
        >>> with gather_losses() as losses:
        ...     pass
        >>> losses
        []
    """
    before = _open.losses
    _open.losses = gathered = GatheredLosses()
    try:
        yield gathered
    finally:
        _open.losses = before
