"""Batches somebody else makes: torch loaders and anything that can be read again."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

import torch
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler

from mica.data.batch import Batch, Source, check_batching, first_rows, unpack_batch
from mica.errors import DataError

__all__ = ["LoaderSource"]


def _num_samples(loader: Any) -> int | None:
    """Rows in an epoch of a plain torch loader; None when only reading would tell."""
    if not isinstance(loader, DataLoader) or loader.drop_last:
        return None
    if type(loader.batch_sampler) is not BatchSampler:
        return None
    try:
        return len(loader.sampler)  # type: ignore[arg-type]
    except TypeError:
        return None


class LoaderSource(Source):
    """A torch DataLoader, or any object that gives its batches each time it is read.

    The loader decides batch size and order. A batch is x, (x,), (x, y),
    (x, y, sample_weight), or a dict with the keys "x", "y" and "sample_weight"; any
    other dict is x itself, inputs by name.

    Args:
        loader: What to read, once per epoch.
        keep_integers: Whether 32- and 64-bit integers in x stay integers.

    Raises:
        DataError: ``loader`` can be read only once.

    Example:
        >>> source = LoaderSource([([[1.0], [2.0]], [0, 1]), ([[3.0]], [0])])
        >>> [batch.size for batch in source.batches(0)]
        [2, 1]
    """

    def __init__(self, loader: Iterable[Any], *, keep_integers: bool = False) -> None:
        if hasattr(loader, "__next__"):
            raise DataError(
                "loader: expected something that can be read once per epoch, got an "
                f"iterator ({type(loader).__name__}). Say how many batches make an "
                "epoch: mica.data.GeneratorSource(iterator, steps=...)."
            )
        self.loader = loader
        self.keep_integers = keep_integers
        self._count = _num_samples(loader)
        size = getattr(loader, "batch_size", None)
        self.batch_size = size if isinstance(size, int) else None
        sampler = getattr(loader, "sampler", None)
        in_order = isinstance(sampler, SequentialSampler)
        self.replayable = self._count is not None and in_order
        self._opened: Iterator[Any] | None = None

    @property
    def num_samples(self) -> int | None:
        """Rows in an epoch of a plain torch loader; None when nobody knows."""
        return self._count

    def num_batches(
        self, batch_size: int = 32, *, drop_last: bool = False
    ) -> int | None:
        """Count the batches of an epoch.

        Args:
            batch_size: Not used: the loader decides.
            drop_last: Not used: the loader decides.

        Returns:
            The loader's length; None when it has none.
        """
        del batch_size, drop_last
        try:
            return len(self.loader)  # type: ignore[arg-type]
        except (TypeError, NotImplementedError):
            return None

    def peek(self, batch_size: int) -> Batch:
        """Give the first batch; the next epoch begins with it and reads it only once.

        Args:
            batch_size: Rows in the batch, at most.

        Returns:
            The batch.

        Raises:
            DataError: The loader gives no batch, or something that is none.
        """
        iterator = self._open()
        item = next(iterator)
        self._opened = chain([item], iterator)
        return first_rows(self._unpack(item, None), batch_size)

    def _open(self) -> Iterator[Any]:
        if self._opened is not None:
            opened, self._opened = self._opened, None
            return opened
        iterator = iter(self.loader)
        for item in iterator:
            return chain([item], iterator)
        raise DataError(
            f"loader: expected at least one batch, got none from "
            f"{type(self.loader).__name__}. An iterator that was read to its end "
            "needs to be made again."
        )

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
        """Read the loader once.

        Args:
            epoch: Told to a sampler that has ``set_epoch``; not used otherwise.
            batch_size: Not used: the loader decides.
            shuffle: Not used: the loader decides.
            seed: Not used: the loader decides.
            drop_last: Not used: the loader decides.
            start: Number of batches to read and drop.
            device: Where the batches go; None leaves them where they are.

        Returns:
            An iterator over batches.

        Raises:
            ConfigError: ``start`` is below 0.
            DataError: The loader gives no batch, or something that is none.
        """
        del shuffle, seed, drop_last
        check_batching(batch_size, start)
        set_epoch = getattr(getattr(self.loader, "sampler", None), "set_epoch", None)
        if set_epoch is not None:
            set_epoch(epoch)
        items = islice(self._open(), start, None)
        return (self._unpack(item, device) for item in items)

    def _unpack(self, item: Any, device: torch.device | str | None) -> Batch:
        return unpack_batch(item, "loader", device, keep_integers=self.keep_integers)
