"""Batches of similar lengths: padding that nobody has to compute."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch

from mica.data.batch import (
    Batch,
    Source,
    check_batching,
    count_batches,
    rows_of_epoch,
    to_device,
)
from mica.data.order import epoch_generator, epoch_order
from mica.data.tensors import as_sample_weight, as_tensors
from mica.data.text.padding import Side, check_side
from mica.errors import ConfigError, DataError
from mica.nested import flatten, map_nested

__all__ = ["BucketSource", "Padding"]

POOL_BATCHES = 100  # batches whose rows are sorted together; ours


@dataclass(frozen=True)
class Padding:
    """How much of what is computed is padding.

    Args:
        tokens: Tokens in an epoch.
        places: Places computed, with batches of similar lengths.
        places_unsorted: Places computed, were rows batched at random.
        places_whole: Places computed, were all rows as long as the longest.

    Example:
        >>> padding = Padding(75, 100, 160, 200)
        >>> padding.fraction, padding.saved_fraction
        (0.25, 0.375)
    """

    tokens: int
    places: int
    places_unsorted: int
    places_whole: int

    @property
    def fraction(self) -> float:
        """Share of the computed places that are padding, 0 to 1."""
        return 1 - self.tokens / self.places

    @property
    def saved_fraction(self) -> float:
        """Share of the places of random batches that are not computed, 0 to 1."""
        return 1 - self.places / self.places_unsorted

    def __str__(self) -> str:
        """Say it in a sentence."""
        return (
            f"{self.places:,} places for {self.tokens:,} tokens: "
            f"{self.fraction:.1%} padding; in random order {self.places_unsorted:,} "
            f"places, all as long as the longest {self.places_whole:,}."
        )


class _Ragged:
    """Sequences of several lengths, one behind the other in memory."""

    def __init__(
        self, values: torch.Tensor, starts: torch.Tensor, lengths: torch.Tensor
    ) -> None:
        self.values, self.starts, self.lengths = values, starts, lengths

    @classmethod
    def read(
        cls, sequences: Any, where: str, maxlen: int | None, side: str
    ) -> "_Ragged":
        """Put the sequences together, cut to `maxlen`."""
        arrays = [_sequence(row, place, where) for place, row in enumerate(sequences)]
        if maxlen is not None:
            cut = slice(-maxlen, None) if side == "pre" else slice(maxlen)
            arrays = [array[cut] for array in arrays]
        lengths = torch.tensor([len(array) for array in arrays], dtype=torch.int64)
        # One token more: where a place holds padding, something can be read.
        flat = np.concatenate([*arrays, np.zeros(1, dtype=np.int64)])
        starts = torch.cumsum(lengths, 0) - lengths
        return cls(torch.from_numpy(flat), starts, lengths)

    def take(self, rows: torch.Tensor) -> "_Ragged":
        return _Ragged(self.values, self.starts[rows], self.lengths[rows])

    def padded(self, rows: torch.Tensor, side: Side, value: int) -> torch.Tensor:
        """Some sequences as one tensor, as long as the longest: (rows, time)."""
        lengths = self.lengths[rows, None]  # (rows, 1)
        longest = max(1, int(lengths.max()))
        place = torch.arange(longest).expand(len(rows), longest)
        if side == "pre":
            place = place - (longest - lengths)
        is_real = (place >= 0) & (place < lengths)
        index = torch.where(is_real, self.starts[rows, None] + place, -1)
        return torch.where(is_real, self.values[index], value)


def _sequence(row: Any, place: int, where: str) -> np.ndarray:
    if isinstance(row, str):
        raise DataError(
            f"{where}: expected lists of whole numbers, got a text at row {place}. "
            "Encode the texts with a tokenizer."
        )
    array = np.asarray(row if len(row) else np.zeros(0, dtype=np.int64))
    if array.ndim != 1 or array.dtype.kind not in "iub":
        raise DataError(
            f"{where}: expected lists of whole numbers, got {array.dtype} of shape "
            f"{array.shape} at row {place}. Give token numbers, a list for each row."
        )
    return array.astype(np.int64)


def _is_ragged(value: Any) -> bool:
    """Whether a leaf holds a sequence in each row, rather than numbers in columns."""
    if isinstance(value, np.ndarray) and value.dtype == object:
        return True
    if not isinstance(value, list) or not value:
        return False
    return all(isinstance(row, (list, np.ndarray)) for row in value)


def _read(value: Any, where: str, maxlen: int | None, side: str) -> Any:
    """The parts of x or y: ragged leaves and tensors, in the nesting they came in."""
    if isinstance(value, dict):
        return {k: _read(v, f"{where}[{k!r}]", maxlen, side) for k, v in value.items()}
    if isinstance(value, tuple):
        parts = enumerate(value)
        return tuple(_read(v, f"{where}[{n}]", maxlen, side) for n, v in parts)
    if _is_ragged(value):
        return _Ragged.read(value, where, maxlen, side)
    return as_tensors(value, where, role="y" if where[0] == "y" else "integer x")


def _count(leaf: _Ragged | torch.Tensor) -> int:
    return len(leaf.lengths if isinstance(leaf, _Ragged) else leaf)


class BucketSource(Source):
    """Sequences in memory, batched with others of similar length.

    An epoch's rows are mixed, sorted by length within pools of 100 batches, cut into
    batches and these mixed again: every row comes once, the order is a function of
    (seed, epoch), and each batch is padded to its own longest row only. What that saves
    is told by `padding`. Without shuffling, rows keep their order.

    Args:
        x: A list of lists of token numbers (or an array of objects), or a dict or tuple
            of such lists and of ordinary arrays.
        y: Targets in the same way, or None; ragged targets are padded like ``x``.
        sample_weight: One weight of at least 0 per row, or None.
        maxlen: Longer sequences are cut; None cuts none.
        padding: The side that is filled up, "post" or "pre".
        truncating: The side that is cut, "post" or "pre".
        value: What is filled in.

    Raises:
        ConfigError: A side of another name, or a ``maxlen`` below 1.
        DataError: Nothing ragged in ``x``, other things than whole numbers, or parts
            that differ in their number of rows.

    Example:
        >>> source = BucketSource([[5], [6, 7, 8], [9], [1, 2]], [0, 1, 0, 1])
        >>> [batch.x.shape for batch in source.batches(0, batch_size=2, shuffle=False)]
        [torch.Size([2, 3]), torch.Size([2, 2])]
        >>> padding = source.padding(2)
        >>> padding.tokens, padding.places, padding.places_unsorted
        (7, 8, 10)
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
        maxlen: int | None = None,
        padding: Side = "post",
        truncating: Side = "post",
        value: int = 0,
    ) -> None:
        check_side(padding, "padding", "BucketSource")
        check_side(truncating, "truncating", "BucketSource")
        if maxlen is not None and (not isinstance(maxlen, int) or maxlen < 1):
            raise ConfigError(
                f"BucketSource: expected maxlen to be a whole number of at least 1, "
                f"got {maxlen!r}. None cuts no sequence."
            )
        self.side: Side = padding
        self.value = value
        self.x = _read(x, "x", maxlen, truncating)
        self.y = None if y is None else _read(y, "y", maxlen, truncating)
        if sample_weight is not None:
            sample_weight = as_sample_weight(sample_weight)
        self.sample_weight = sample_weight
        self._check()

    def _leaves(self) -> list[_Ragged | torch.Tensor]:
        parts = (self.x, self.y, self.sample_weight)
        return [leaf for p in parts if p is not None for leaf in flatten(p)]

    def _check(self) -> None:
        ragged = [leaf for leaf in flatten(self.x) if isinstance(leaf, _Ragged)]
        if not ragged:
            raise DataError(
                "BucketSource: expected a list of lists of token numbers in x, got "
                "arrays only. Arrays need no padding: give them to fit as they are."
            )
        counts = [_count(leaf) for leaf in self._leaves()]
        if len(set(counts)) > 1:
            raise DataError(
                "BucketSource: expected parts with the same number of rows, got "
                f"{', '.join(map(str, counts))}. Give every sample one row in each."
            )
        self._rows = counts[0]
        # The longest part of a row decides how long its batch gets.
        self._lengths = torch.stack([leaf.lengths for leaf in ragged]).amax(0)

    @property
    def num_samples(self) -> int:
        """Rows in an epoch."""
        return self._rows

    def take(self, rows: torch.Tensor) -> Self:
        """Pick rows by number.

        Args:
            rows: Row numbers.

        Shape:
            rows: (count,), int64

        Returns:
            A source of these rows, in this order.

        Example:
            >>> BucketSource([[1], [2, 3]]).take(torch.tensor([1])).num_samples
            1
        """
        source = object.__new__(type(self))
        source.side, source.value = self.side, self.value
        for name in ("x", "y", "sample_weight"):
            part = getattr(self, name)
            taken = None if part is None else map_nested(lambda v: _take(v, rows), part)
            setattr(source, name, taken)
        source._check()
        return source

    def num_batches(self, batch_size: int, *, drop_last: bool = False) -> int:
        """Count the batches of an epoch.

        Args:
            batch_size: Rows in a batch.
            drop_last: Whether a last, smaller batch is left out.

        Returns:
            The number.

        Example:
            >>> BucketSource([[1], [2, 3], [4]]).num_batches(2)
            2
        """
        return count_batches(self.num_samples, batch_size, drop_last=drop_last)

    def peek(self, batch_size: int) -> Batch:
        """Give the first rows as a batch.

        Args:
            batch_size: Rows in the batch, at most.

        Returns:
            The batch.
        """
        rows = torch.arange(min(batch_size, self.num_samples))
        return self._batch(rows, None)

    def _batch(self, rows: torch.Tensor, device: torch.device | str | None) -> Batch:
        def gather(leaf: _Ragged | torch.Tensor) -> torch.Tensor:
            if isinstance(leaf, _Ragged):
                return leaf.padded(rows, self.side, self.value)
            return leaf[rows]

        x, y, sample_weight = (
            None if part is None else to_device(map_nested(gather, part), device)
            for part in (self.x, self.y, self.sample_weight)
        )
        return Batch(x, y, sample_weight, len(rows))

    def _order(self, seed: int, epoch: int, batch_size: int) -> torch.Tensor:
        """Rows so that whole batches have similar lengths; the odd ones come last."""
        order = epoch_order(self.num_samples, seed, epoch)
        whole = self.num_samples - self.num_samples % batch_size
        pools = order[:whole].split(POOL_BATCHES * batch_size)
        in_turn = [
            pool[torch.argsort(self._lengths[pool], stable=True)] for pool in pools
        ]
        if whole == 0:
            return order
        batches = torch.cat(in_turn).reshape(-1, batch_size)
        # Not the generator of `order` again: its numbers would be the same.
        mixed = torch.randperm(len(batches), generator=epoch_generator(seed, ~epoch))
        return torch.cat([batches[mixed].reshape(-1), order[whole:]])

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
            shuffle: Whether to mix the rows and bring similar lengths together; else
                they keep their order.
            seed: Decides the order together with ``epoch``.
            drop_last: Whether to leave out a last, smaller batch.
            start: Number of batches to skip.
            device: Where the batches go; None leaves them on the CPU.

        Returns:
            An iterator over batches.

        Raises:
            ConfigError: ``batch_size`` is below 1 or ``start`` below 0.
            DataError: ``drop_last`` leaves nothing.
        """
        check_batching(batch_size, start)
        used = rows_of_epoch(self.num_samples, batch_size, drop_last=drop_last)
        if shuffle:
            order = self._order(seed, epoch, batch_size)
        else:
            order = torch.arange(self.num_samples)
        rows = order[start * batch_size : used].split(batch_size)
        return (self._batch(part, device) for part in rows if len(part))

    def padding(self, batch_size: int = 32, *, seed: int = 0) -> Padding:
        """Count how much of an epoch's computing is padding, and what was saved.

        Args:
            batch_size: Rows in a batch.
            seed: Decides the order.

        Returns:
            The counts, for the first epoch; print them for a sentence.

        Raises:
            ConfigError: ``batch_size`` is below 1.
        """
        check_batching(batch_size, 0)

        def places(order: torch.Tensor) -> int:
            batches = self._lengths[order].split(batch_size)
            return sum(max(1, int(batch.max())) * len(batch) for batch in batches)

        return Padding(
            tokens=int(self._lengths.sum()),
            places=places(self._order(seed, 0, batch_size)),
            places_unsorted=places(epoch_order(self.num_samples, seed, 0)),
            places_whole=max(1, int(self._lengths.max())) * self.num_samples,
        )


def _take(leaf: _Ragged | torch.Tensor, rows: torch.Tensor) -> _Ragged | torch.Tensor:
    return leaf.take(rows) if isinstance(leaf, _Ragged) else leaf[rows]
