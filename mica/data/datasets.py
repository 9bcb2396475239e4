"""A torch Dataset, read in batches in an order of ours."""

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, default_collate

from mica.data.batch import (
    Batch,
    Source,
    check_batching,
    count_batches,
    rows_of_epoch,
    unpack_batch,
)
from mica.data.order import epoch_generator, epoch_order
from mica.errors import DataError

__all__ = ["DatasetSource"]


def _stack(samples: list[Any]) -> Any:
    """Stack samples into a batch; the worker processes of a loader call it too."""
    try:
        return default_collate(samples)
    except (TypeError, RuntimeError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            "dataset: expected samples that stack into one batch (tensors, arrays and "
            f"numbers of equal shapes), got samples that do not: {reason}. Give all "
            "samples one shape in __getitem__, or use a DataLoader with a collate_fn."
        ) from error


class DatasetSource(Source):
    """A map-style torch Dataset: the order is ours, the samples are its own.

    A sample is x, (x,), (x, y), (x, y, sample_weight), or a dict with the keys "x",
    "y" and "sample_weight"; any other dict is x itself, inputs by name. A dataset
    with ``__getitems__`` is asked for a whole batch at once.

    Args:
        dataset: Has ``__len__`` and ``__getitem__``.
        num_workers: Processes that read ahead; 0 reads in this one.
        keep_integers: Whether 32- and 64-bit integers in x stay integers.

    Raises:
        DataError: The dataset has no length, or the length 0.

    Example:
        >>> class Squares(torch.utils.data.Dataset):
        ...     def __len__(self):
        ...         return 3
        ...     def __getitem__(self, index):
        ...         return torch.tensor([float(index)]), index**2
        >>> source = DatasetSource(Squares())
        >>> [batch.y for batch in source.batches(0, batch_size=2, shuffle=False)]
        [tensor([0, 1]), tensor([4])]
    """

    batch_size = None
    replayable = True

    def __init__(
        self,
        dataset: Dataset[Any],
        *,
        num_workers: int = 0,
        keep_integers: bool = False,
    ) -> None:
        try:
            count = len(dataset)  # type: ignore[arg-type]
        except (TypeError, NotImplementedError):
            raise DataError(
                f"dataset: expected a length, got none from {type(dataset).__name__}. "
                "Give it __len__, or wrap it in a torch DataLoader."
            ) from None
        if count == 0:
            raise DataError(
                f"dataset: expected at least one sample, got an empty "
                f"{type(dataset).__name__}. Look at the folder or filter that made it."
            )
        self.dataset = dataset
        self.num_workers = num_workers
        self.keep_integers = keep_integers
        self._count: int = count

    @property
    def num_samples(self) -> int:
        """Rows in an epoch."""
        return self._count

    def num_batches(self, batch_size: int, *, drop_last: bool = False) -> int:
        """Count the batches of an epoch.

        Args:
            batch_size: Rows in a batch.
            drop_last: Whether a last, smaller batch is left out.

        Returns:
            The number.
        """
        return count_batches(self.num_samples, batch_size, drop_last=drop_last)

    def peek(self, batch_size: int) -> Batch:
        """Read the first samples as a batch.

        Args:
            batch_size: Rows in the batch, at most.

        Returns:
            The batch.

        Raises:
            DataError: The samples do not stack into a batch.
        """
        return next(self.batches(0, batch_size=batch_size, shuffle=False))

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
        """Read one epoch's batches.

        Args:
            epoch: Number of the epoch.
            batch_size: Rows in a batch; the last batch may be smaller.
            shuffle: Whether to mix the rows, anew in each epoch.
            seed: Decides the order together with ``epoch``.
            drop_last: Whether to leave out a last, smaller batch.
            start: Number of batches to skip, without reading them.
            device: Where the batches go; None leaves them where they are.

        Returns:
            An iterator over batches.

        Raises:
            ConfigError: ``batch_size`` is below 1 or ``start`` below 0.
            DataError: ``drop_last`` leaves nothing, or samples do not stack.
        """
        check_batching(batch_size, start)
        count = self.num_samples
        last = rows_of_epoch(count, batch_size, drop_last=drop_last)
        order = epoch_order(count, seed, epoch) if shuffle else torch.arange(count)
        groups = order[start * batch_size : last].split(batch_size)
        loader = DataLoader(
            self.dataset,
            batch_sampler=[rows.tolist() for rows in groups if len(rows)],
            collate_fn=_stack,
            num_workers=self.num_workers,
            generator=epoch_generator(seed, epoch),  # its workers draw seeds from it,
        )
        keep = self.keep_integers
        return (
            unpack_batch(item, "dataset", device, keep_integers=keep) for item in loader
        )
