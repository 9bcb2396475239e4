"""Reading: the batches of a source in its own order, where a plan wants them."""

from collections.abc import Iterable

from mica.data import Batch, BatchReader, Source
from mica.engine import ExecutionPlan

__all__ = ["DEFAULT_BATCH_SIZE", "read_in_order"]

DEFAULT_BATCH_SIZE = 32  # rows, as in Keras


def read_in_order(
    source: Source,
    plan: ExecutionPlan,
    batch_size: int | None,
    reader: BatchReader | None = None,
) -> Iterable[Batch]:
    """Read all batches of a source as they come, on the device of a plan.

    Args:
        source: The data.
        plan: Where the batches go.
        batch_size: Rows in a batch; None for the source's own, else 32.
        reader: Who reads; None for a new one.

    Returns:
        The batches.
    """
    return (reader or BatchReader()).batches(
        source,
        0,
        batch_size=batch_size or source.batch_size or DEFAULT_BATCH_SIZE,
        shuffle=False,
        seed=0,
        device=plan.device,
    )
