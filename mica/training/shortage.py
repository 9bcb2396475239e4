"""Shortage: memory that ran out becomes a sentence, and nothing is lost."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from mica.engine import (
    give_back_memory,
    is_out_of_memory,
    random_state,
    restore_random_state,
)
from mica.errors import OutOfMemoryError

__all__ = ["Need", "install_memory_adviser", "shortage"]

GIGA, MEGA = 1e9, 1e6


class Need(NamedTuple):
    """What a step needs, and what there is.

    Args:
        peak: Bytes that the batch needs.
        free: Bytes that it may take.
        largest: Rows of the largest batch that fits.

    Example:
        >>> Need(2e9, 1e9, 128).largest
        128
    """

    peak: float
    free: float
    largest: int


# (session, source, plan, batch size, whether it learns) to a Need, or None when nobody
# can tell; see `mica.plan`.
Adviser = Callable[..., Need | None]
_advisers: list[Adviser] = []


def install_memory_adviser(adviser: Adviser) -> None:
    """Let a function say which batch fits, when memory ran out.

    Args:
        adviser: `mica.plan.memory.advise_batch`, which lies above this package.

    Example:
        >>> from mica.plan.memory import advise_batch
        >>> install_memory_adviser(advise_batch)
    """
    _advisers[:] = [adviser]


@contextmanager
def shortage(
    session: Any, source: Any, plan: Any, batch_size: int, where: str = "fit"
) -> Iterator[None]:
    """Turn an error of memory inside the block into a sentence with the cure.

    Args:
        session: Who trains or predicts.
        source: Its data.
        plan: How a step is executed.
        batch_size: Rows in a batch.
        where: Who asks.

    Yields:
        Nothing.

    Raises:
        OutOfMemoryError: Memory ran out; weights are as the steps before left them.

    Example:
        >>> with shortage(None, None, None, 32):
        ...     done = True
    """
    ran_out = False
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        # The frames of the failed step hold its tensors: the cure needs their memory.
        traceback.clear_frames(error.__traceback__)
        ran_out = True
    if ran_out:
        raise OutOfMemoryError(_sentence(session, source, plan, batch_size, where))


def _sentence(session: Any, source: Any, plan: Any, batch_size: int, where: str) -> str:
    learns = where == "fit"
    if learns:
        session.ready_updater().clear()
    give_back_memory(plan.device)
    found: Need | None = None
    random = random_state()
    try:
        for adviser in _advisers:
            found = adviser(session, source, plan, batch_size, learns)
    except Exception:  # noqa: BLE001 - the advice is extra, the error is not
        found = None
    finally:
        restore_random_state(random)
    got = f"a batch of {batch_size:,} rows that"
    if found is None:
        got += " does not"
    else:
        got += f" needs about {_size(found.peak)} where {_size(found.free)} are free"
    after = " The weights are as the steps before left them." if learns else ""
    cure = f"Use batch_size={max(1, batch_size // 2)} or less."
    if found is not None and 0 < found.largest < batch_size:
        cure = f"Use batch_size={found.largest}, the largest that fits, or less."
    elif batch_size == 1 or (found is not None and found.largest == 0):
        cure = "Not even one row fits: make the model or its inputs smaller."
    return f"{where}: expected a step that fits into memory, got {got}. {cure}{after}"


def _size(num_bytes: float) -> str:
    if num_bytes >= GIGA:
        return f"{num_bytes / GIGA:.1f} GB"
    return f"{num_bytes / MEGA:.1f} MB"
