"""Losses that layers add while they compute: gathered by whoever computes a step."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

__all__ = ["add_loss", "gather_losses"]


class _Open(threading.local):
    """The list that losses join in this thread; None while nobody asks for them."""

    losses: list[Tensor] | None = None


_open = _Open()


def add_loss(value: Tensor) -> None:
    """Add a loss to the step being computed; nothing happens outside of one.

    Args:
        value: One number that depends on the weights.

    Example:
        >>> import torch
        >>> with gather_losses() as losses:
        ...     add_loss(torch.tensor(2.0))
        >>> losses
        [tensor(2.)]
    """
    if _open.losses is not None:
        _open.losses.append(value)


@contextmanager
def gather_losses() -> Iterator[list[Tensor]]:
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
    _open.losses = gathered = []
    try:
        yield gathered
    finally:
        _open.losses = before
