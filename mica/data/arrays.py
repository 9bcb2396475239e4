"""Data in memory: one gather for many batches, handed out as views."""

import functools
from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import Any, Self

import torch

from mica.data.batch import (
    Batch,
    Source,
    check_batching,
    count_batches,
    first_rows,
    rows_of_epoch,
    to_device,
)
from mica.data.order import epoch_order
from mica.data.tensors import as_sample_weight, as_tensors, check_lengths
from mica.errors import DataError
from mica.nested import flatten, map_nested, pack_like

__all__ = ["ArraySource"]

# Bytes gathered at once. Of 0.25 to 64 MiB, 1 to 4 were the fastest on a server's
# core: the gather's fixed cost is spread, and the rows are still in the cache.
CHUNK_BYTES = 4 * 2**20

_new_batch = functools.partial(tuple.__new__, Batch)  # Batch(...) in C: 3 times faster


def _row_bytes(leaves: list[torch.Tensor]) -> int:
    return sum(leaf[0].numel() * leaf.element_size() for leaf in leaves)


def _pack(structure: Any, columns: list[tuple[torch.Tensor, ...]]) -> Iterable[Any]:
    """One value per batch from one column of views per leaf."""
    if structure is None:
        return repeat(None)
    if isinstance(structure, torch.Tensor):
        return columns[0]
    return (pack_like(structure, list(views)) for views in zip(*columns, strict=True))


class ArraySource(Source):
    """Arrays in memory, cut into batches.

    A shuffled epoch gathers some MB of rows with one operation per tensor and hands
    out views of them, so a batch costs about a microsecond of Python, several times
    less than indexing row by row or batch by batch. Without shuffling, batches are
    views of the data themselves: change one in place and you change the data.

    Args:
        x: Inputs: arrays, frames, tensors, lists of numbers, or dicts, tuples and
            lists of these (see `as_tensors` for what becomes of their types).
        y: Targets in the same way, or None.
        sample_weight: One weight of at least 0 per row, or None.
        keep_integers: Whether 32- and 64-bit integers in x stay integers, as token
            ids must; they become floating-point otherwise.

    Raises:
        DataError: What cannot be learned from: text, gaps, NaN, no rows, or parts that
            differ in their number of rows.

    Example:
        >>> source = ArraySource([[0.0], [1.0], [2.0]], [0, 1, 0])
        >>> [batch.size for batch in source.batches(0, batch_size=2)]
        [2, 1]
    """

    batch_size = None
    replayable = True
    in_memory = True

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        keep_integers: bool = False,
    ) -> None:
        self.x = as_tensors(x, "x", role="integer x" if keep_integers else "x")
        self.y = None if y is None else as_tensors(y, "y", role="y")
        if sample_weight is not None:
            sample_weight = as_sample_weight(sample_weight)
        self.sample_weight = sample_weight
        self._count = check_lengths(self.x, self.y, self.sample_weight)

    @property
    def num_samples(self) -> int:
        """Rows in an epoch."""
        return self._count

    def _with(self, change: Any) -> Self:
        """The same source after `change` of every tensor; checked once is enough."""
        source = object.__new__(type(self))
        for name in ("x", "y", "sample_weight"):
            part = getattr(self, name)
            setattr(source, name, None if part is None else map_nested(change, part))
        source._count = len(flatten(source.x)[0])
        return source

    def to(self, device: torch.device | str) -> Self:
        """Keep the data on a device, so that no batch has to travel.

        Args:
            device: Where the tensors go.

        Returns:
            A source of the same rows; their order in an epoch stays the same.

        Example:
            >>> ArraySource([[1.0], [2.0]]).to("cpu").x.device
            device(type='cpu')
        """
        return self._with(lambda leaf: leaf.to(device))

    def take(self, rows: torch.Tensor) -> Self:
        """Pick rows by number.

        Args:
            rows: Row numbers.

        Shape:
            rows: (count,), int64

        Returns:
            A source of these rows, in this order.

        Raises:
            DataError: No rows.

        Example:
            >>> ArraySource([[1.0], [2.0], [3.0]]).take(torch.tensor([2, 0])).x
            tensor([[3.],
                    [1.]])
        """
        if len(rows) == 0:
            raise DataError("take: expected at least one row number, got none.")
        return self._with(lambda leaf: leaf.index_select(0, rows.to(leaf.device)))

    def num_batches(self, batch_size: int, *, drop_last: bool = False) -> int:
        """Count the batches of an epoch.

        Args:
            batch_size: Rows in a batch.
            drop_last: Whether a last, smaller batch is left out.

        Returns:
            The number.

        Example:
            >>> ArraySource([[1.0], [2.0], [3.0]]).num_batches(2)
            2
        """
        return count_batches(self.num_samples, batch_size, drop_last=drop_last)

    def peek(self, batch_size: int) -> Batch:
        """Give the first rows as a batch.

        Args:
            batch_size: Rows in the batch, at most.

        Returns:
            The batch, views of the data.
        """
        whole = Batch(self.x, self.y, self.sample_weight, self.num_samples)
        return first_rows(whole, batch_size)

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
            epoch: Number of the epoch.
            batch_size: Rows in a batch; the last batch may be smaller.
            shuffle: Whether to mix the rows, anew in each epoch.
            seed: Decides the order together with ``epoch``.
            drop_last: Whether to leave out a last, smaller batch.
            start: Number of batches to skip.
            device: Where the batches go; None leaves them where the data are.

        Returns:
            An iterator over batches.

        Raises:
            ConfigError: ``batch_size`` is below 1 or ``start`` below 0.
            DataError: ``drop_last`` leaves nothing.
        """
        check_batching(batch_size, start)
        count = self.num_samples
        last = rows_of_epoch(count, batch_size, drop_last=drop_last)
        order = epoch_order(count, seed, epoch) if shuffle else None
        chunks = self._chunks(order, start * batch_size, last, batch_size, device)
        return chain.from_iterable(chunks)

    def _chunks(
        self,
        order: torch.Tensor | None,
        first: int,
        last: int,
        batch_size: int,
        device: torch.device | str | None,
    ) -> Iterator[Iterable[Batch]]:
        parts = [self.x, self.y, self.sample_weight]
        leaves = [[] if part is None else flatten(part) for part in parts]
        row_bytes = max(1, _row_bytes([leaf for group in leaves for leaf in group]))
        chunk = max(1, CHUNK_BYTES // (row_bytes * batch_size)) * batch_size
        if order is not None:
            order = order.to(leaves[0][0].device)
        for begin in range(first, last, chunk):
            end = min(begin + chunk, last)
            columns = [
                [
                    _rows(leaf, order, begin, end, device).split(batch_size)
                    for leaf in group
                ]
                for group in leaves
            ]
            whole, rest = divmod(end - begin, batch_size)
            sizes = [batch_size] * whole + [rest] * (rest > 0)
            packed = [
                _pack(part, views) for part, views in zip(parts, columns, strict=True)
            ]
            # Not strict: a part that is None repeats for ever.
            yield map(_new_batch, zip(*packed, sizes, strict=False))


def _rows(
    leaf: torch.Tensor,
    order: torch.Tensor | None,
    begin: int,
    end: int,
    device: torch.device | str | None,
) -> torch.Tensor:
    if order is None:
        return to_device(leaf[begin:end], device)
    rows = order[begin:end].to(leaf.device)
    return to_device(leaf.index_select(0, rows), device)
