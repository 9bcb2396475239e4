"""A batch, and what every source of batches can do."""

import abc
from collections.abc import Iterator, Mapping
from numbers import Integral
from typing import Any, Literal, NamedTuple

import torch

from mica.data.tensors import as_sample_weight, as_tensors, check_lengths
from mica.errors import ConfigError, DataError
from mica.nested import map_nested

__all__ = [
    "Batch",
    "Source",
    "check_batching",
    "count_batches",
    "first_rows",
    "rows_of_epoch",
    "to_device",
    "unpack_batch",
]


class Batch(NamedTuple):
    """Some rows of the data: what one training step sees.

    Args:
        x: The inputs: a tensor, or a dict, tuple or list of tensors.
        y: The targets in the same way, or None.
        sample_weight: One weight per row, or None.
        size: Number of rows.

    Example:
        >>> x, y, sample_weight, size = Batch(torch.zeros(2, 3), None, None, 2)
        >>> x.shape, size
        (torch.Size([2, 3]), 2)
    """

    x: Any
    y: Any
    sample_weight: Any
    size: int


class Source(abc.ABC):
    """Data that can be read in batches, epoch after epoch.

    Attributes:
        batch_size: Rows in a batch when the source decides it; None when you do.
        replayable: Whether the batches are a function of (seed, epoch), so that
            training can go on in the middle of an epoch as if it had never stopped.
        in_memory: Whether the data lie in memory, so that a batch can be drawn at any
            time without a trace and without running code of the user's.
        reads_ahead: Whether a thread may make the batches while a step computes:
            making them is work, runs no code of the user's and draws from no generator
            of random numbers but its own.

    Example:
        >>> from mica.data import as_source
        >>> source = as_source([[0.0], [1.0], [2.0]])
        >>> source.num_samples, source.num_batches(2), source.replayable
        (3, 2, True)
    """

    batch_size: int | None
    replayable: bool
    in_memory: bool = False
    reads_ahead: bool = False

    @property
    def placement(self) -> Literal["memory", "ahead", "stream"]:
        """How the batches come, in the words of `mica.engine.ExecutionPlan`."""
        if self.reads_ahead:
            return "ahead"
        return "memory" if self.in_memory else "stream"

    @property
    @abc.abstractmethod
    def num_samples(self) -> int | None:
        """Rows in an epoch; None when nobody knows."""

    @abc.abstractmethod
    def batches(
        self,
        epoch: int,
        *,
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
        start: int = 0,
        device: torch.device | str | None = None,
    ) -> Iterator[Batch]:
        """Give one epoch's batches.

        Args:
            epoch: Number of the epoch, from 0.
            batch_size: Rows in a batch; the last batch may be smaller. A source that
                makes its own batches keeps to those.
            shuffle: Whether to mix the rows; a source that makes its own batches
                keeps its own order.
            seed: Decides the order together with ``epoch``.
            drop_last: Whether to leave out a last, smaller batch.
            start: Number of batches to skip, for going on in the middle of an epoch.
            device: Where the batches go; None leaves them where the data are.

        Returns:
            An iterator over batches.
        """

    @abc.abstractmethod
    def num_batches(self, batch_size: int, *, drop_last: bool = False) -> int | None:
        """Count the batches of an epoch.

        Args:
            batch_size: Rows in a batch.
            drop_last: Whether a last, smaller batch is left out.

        Returns:
            The number; None when nobody knows.
        """

    @abc.abstractmethod
    def peek(self, batch_size: int) -> Batch:
        """Give a first batch to look at; training will still see it.

        Args:
            batch_size: Rows in the batch, at most.

        Returns:
            A batch in the order of the data.
        """


def check_batching(batch_size: int, start: int) -> None:
    """Demand a batch size of at least 1 and a start of at least 0.

    Args:
        batch_size: Rows in a batch.
        start: Number of batches to skip.

    Raises:
        ConfigError: Either is too small or no whole number.
    """
    is_whole = isinstance(batch_size, Integral) and not isinstance(batch_size, bool)
    if not is_whole or batch_size < 1:
        raise ConfigError(
            f"batch_size: expected a whole number of at least 1, got {batch_size!r}. "
            "32 is a common choice."
        )
    if not isinstance(start, int) or start < 0:
        raise ConfigError(
            f"start: expected a number of batches of at least 0, got {start!r}. "
            "Use 0 for a whole epoch."
        )


def rows_of_epoch(count: int, batch_size: int, *, drop_last: bool) -> int:
    """Count the rows an epoch uses.

    Args:
        count: Rows there are.
        batch_size: Rows in a batch.
        drop_last: Whether a last, smaller batch is left out.

    Returns:
        ``count``, less the rows of a batch that is left out.

    Raises:
        DataError: Nothing is left.

    Example:
        >>> rows_of_epoch(10, 4, drop_last=True)
        8
    """
    used = count - count % batch_size if drop_last else count
    if used == 0:
        raise DataError(
            f"batches: expected at least batch_size={batch_size} rows with "
            f"drop_last=True, got {count}. Use a smaller batch or keep the last one."
        )
    return used


def count_batches(count: int, batch_size: int, *, drop_last: bool) -> int:
    """Count the batches of an epoch.

    Args:
        count: Rows there are.
        batch_size: Rows in a batch.
        drop_last: Whether a last, smaller batch is left out.

    Example:
        >>> count_batches(10, 4, drop_last=False)
        3
    """
    check_batching(batch_size, 0)
    return count // batch_size if drop_last else -(-count // batch_size)


def to_device(structure: Any, device: torch.device | str | None) -> Any:
    """Move nested tensors, without waiting for the device where that is safe.

    Args:
        structure: Nested tensors, or None.
        device: Where to; None leaves them.

    Example:
        >>> to_device({"a": torch.zeros(2)}, "cpu")
        {'a': tensor([0., 0.])}
    """
    if device is None or structure is None:
        return structure
    target = torch.device(device)

    def move(tensor: torch.Tensor) -> torch.Tensor:
        if target.type == "cuda" and tensor.device.type == "cpu":
            tensor = tensor.pin_memory()  # only such a copy overlaps with computing
        return tensor.to(target, non_blocking=True)

    return map_nested(move, structure)


def _parts(item: Any, where: str) -> tuple[Any, Any, Any]:
    """Find x, y and sample_weight in what a loader or generator gave."""
    if isinstance(item, Batch):
        return item.x, item.y, item.sample_weight
    if isinstance(item, Mapping):
        named = {"x", "y", "sample_weight"}
        if "x" in item and named.issuperset(item):
            return item["x"], item.get("y"), item.get("sample_weight")
        return item, None, None
    if isinstance(item, (tuple, list)):
        if 1 <= len(item) <= 3:
            x, y, sample_weight, *_ = (*item, None, None)
            return x, y, sample_weight
        raise DataError(
            f"{where}: expected batches (x,), (x, y) or (x, y, sample_weight), got "
            f"{len(item)} parts. Put several inputs into one: ((a, b), y)."
        )
    if item is None:
        raise DataError(
            f"{where}: expected batches (x,), (x, y) or (x, y, sample_weight), got "
            "None. Return or yield the arrays of the batch."
        )
    return item, None, None


def unpack_batch(
    item: Any,
    where: str,
    device: torch.device | str | None = None,
    *,
    keep_integers: bool = False,
) -> Batch:
    """Read what a loader or generator gave as a batch.

    Args:
        item: x alone, (x,), (x, y), (x, y, sample_weight), or a dict with the keys
            "x", "y" and "sample_weight"; any other dict is x itself, inputs by name.
        where: Who gave it, for errors: "loader", "generator".
        device: Where the batch goes; None leaves it where it is.
        keep_integers: Whether 32- and 64-bit integers in x stay integers.

    Returns:
        The batch, its tensors in the types that training uses.

    Raises:
        DataError: Another form, no rows, text or objects, or parts that differ in
            their number of rows.

    Example:
        >>> batch = unpack_batch(([[1.0, 2.0]], [0]), "loader")
        >>> batch.x, batch.y, batch.size
        (tensor([[1., 2.]]), tensor([0]), 1)
    """
    x, y, sample_weight = _parts(item, where)
    role = "integer x" if keep_integers else "x"
    x = as_tensors(x, f"{where}: x", role=role, finite=False)
    if y is not None:
        y = as_tensors(y, f"{where}: y", role="y", finite=False)
    if sample_weight is not None:
        where_weight = f"{where}: sample_weight"
        sample_weight = as_sample_weight(sample_weight, where_weight, values=False)
    size = check_lengths(x, y, sample_weight, f"{where}: ")
    return Batch(
        x=to_device(x, device),
        y=to_device(y, device),
        sample_weight=to_device(sample_weight, device),
        size=size,
    )


def first_rows(batch: Batch, count: int) -> Batch:
    """Cut a batch to its first rows.

    Args:
        batch: Any batch.
        count: Rows to keep, at most.
    """
    if batch.size <= count:
        return batch
    x, y, sample_weight = (
        None if part is None else map_nested(lambda leaf: leaf[:count], part)
        for part in batch[:3]
    )
    return Batch(x, y, sample_weight, count)
