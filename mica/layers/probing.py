"""Probing: calls that only look at shapes; layers remember nothing of them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["is_probing", "probing"]


class _State(threading.local):
    depth: int = 0


_state = _State()


@contextmanager
def probing() -> Iterator[None]:
    """Call a model inside the block without leaving a trace in layers that remember.

    Example:
        >>> with probing():
        ...     is_probing()
        True
    """
    _state.depth += 1
    try:
        yield
    finally:
        _state.depth -= 1


def is_probing() -> bool:
    """Whether the call that runs is only a look at shapes and types.

    Example:
        >>> is_probing()
        False
    """
    return _state.depth > 0
