"""Whatever holds the user's data, as a source of batches: `as_source` decides."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset

from mica.data.arrays import ArraySource
from mica.data.batch import Batch, Source
from mica.data.datasets import DatasetSource
from mica.data.generators import GeneratorSource
from mica.data.loaders import LoaderSource
from mica.errors import ConfigError, DataError

__all__ = ["Batch", "LimitedSource", "Source", "as_source"]

DEFAULT_BATCH_SIZE = 32  # rows, as in Keras


class LimitedSource(Source):
    """Another source whose epochs end after some batches.

    Args:
        source: Any source.
        steps: Number of batches in an epoch. At least 1.

    Raises:
        ConfigError: ``steps`` is below 1.

    Example:
        >>> source = LimitedSource(ArraySource([[1.0], [2.0], [3.0]]), 2)
        >>> [batch.size for batch in source.batches(0, batch_size=1)]
        [1, 1]
    """

    def __init__(self, source: Source, steps: int) -> None:
        if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
            raise ConfigError(
                "steps_per_epoch: expected a whole number of at least 1, got "
                f"{steps!r}. Leave it out to use all the data in each epoch."
            )
        self.source = source
        self.steps = steps
        self.batch_size = source.batch_size
        self.replayable = source.replayable
        self.in_memory = source.in_memory
        self.reads_ahead = source.reads_ahead

    @property
    def num_samples(self) -> None:
        """Rows in an epoch depend on the batch size."""

    def num_batches(self, batch_size: int, *, drop_last: bool = False) -> int:
        """Count the batches of an epoch.

        Args:
            batch_size: Rows in a batch.
            drop_last: Whether a last, smaller batch is left out.

        Returns:
            ``steps``, or all batches when there are fewer.
        """
        available = self.source.num_batches(batch_size, drop_last=drop_last)
        return self.steps if available is None else min(self.steps, available)

    def peek(self, batch_size: int) -> Batch:
        """Give the source's first batch.

        Args:
            batch_size: Rows in the batch, at most.

        Returns:
            The batch.
        """
        return self.source.peek(batch_size)

    def batches(
        self,
        epoch: int,
        *,
        batch_size: int = DEFAULT_BATCH_SIZE,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
        start: int = 0,
        device: torch.device | str | None = None,
    ) -> Iterator[Batch]:
        """Give the first batches of the source's epoch.

        Args:
            epoch: Number of the epoch.
            batch_size: Rows in a batch.
            shuffle: Whether to mix the rows.
            seed: Decides the order together with ``epoch``.
            drop_last: Whether to leave out a last, smaller batch.
            start: Number of batches to skip.
            device: Where the batches go.

        Returns:
            An iterator over batches.
        """
        batches = self.source.batches(
            epoch,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            drop_last=drop_last,
            start=start,
            device=device,
        )
        return islice(batches, max(0, self.steps - start))


def _from_tensor_dataset(dataset: TensorDataset, keep: bool) -> ArraySource:
    if len(dataset.tensors) > 3:
        raise DataError(
            "dataset: expected tensors (x,), (x, y) or (x, y, sample_weight), got a "
            f"TensorDataset of {len(dataset.tensors)}. Give several inputs as arrays: "
            "fit((a, b), y)."
        )
    return ArraySource(*dataset.tensors, keep_integers=keep)


def _from_dataset(dataset: Dataset[Any], batch_size: int | None, keep: bool) -> Source:
    if isinstance(dataset, IterableDataset):
        size = DEFAULT_BATCH_SIZE if batch_size is None else batch_size
        return LoaderSource(DataLoader(dataset, batch_size=size), keep_integers=keep)
    # NOTE: the exact types only; a subclass may change what a sample is.
    if type(dataset) is TensorDataset:
        return _from_tensor_dataset(dataset, keep)
    if type(dataset) is Subset and type(dataset.dataset) is TensorDataset:
        rows = torch.as_tensor(list(dataset.indices), dtype=torch.int64)
        return _from_tensor_dataset(dataset.dataset, keep).take(rows)
    return DatasetSource(dataset, keep_integers=keep)


def _is_arrays(x: Any) -> bool:
    if isinstance(x, (torch.Tensor, Mapping, list, tuple, range, str, bytes)):
        return True
    if hasattr(x, "__array__") or hasattr(x, "toarray"):
        return True
    return not hasattr(x, "__iter__") and not hasattr(x, "__getitem__")


def _refuse_callable(x: Any) -> DataError:
    name = getattr(x, "__name__", type(x).__name__)
    return DataError(
        f"x: expected data, got the function {name}. Call it: {name}(), together with "
        "steps_per_epoch if it makes a generator."
    )


def _open(x: Any, batch_size: int | None, steps: int | None, keep: bool) -> Source:
    if isinstance(x, Source):
        return x
    if isinstance(x, Dataset):
        return _from_dataset(x, batch_size, keep)
    if isinstance(x, DataLoader):
        return LoaderSource(x, keep_integers=keep)
    if hasattr(x, "__next__"):
        return GeneratorSource(x, steps=steps, keep_integers=keep)
    if hasattr(x, "__getitem__") and hasattr(x, "__len__"):
        return DatasetSource(x, keep_integers=keep)
    return LoaderSource(x, keep_integers=keep)


def _check_alone(x: Any, y: Any, sample_weight: Any) -> None:
    for name, part in (("y", y), ("sample_weight", sample_weight)):
        if part is not None:
            raise ConfigError(
                f"{name}: expected None, for {type(x).__name__} gives its own, got "
                f"{type(part).__name__}. Let it give (x, y) or (x, y, sample_weight)."
            )


def as_source(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    batch_size: int | None = None,
    steps: int | None = None,
    keep_integers: bool = False,
) -> Source:
    """Make a source of batches of whatever holds the data.

    Arrays, tensors, frames, lists of numbers and dicts, tuples and lists of these
    become an `ArraySource`; a torch TensorDataset too. Another torch Dataset becomes
    a `DatasetSource`; a DataLoader or any object that can be read again, a
    `LoaderSource`; an iterator, a `GeneratorSource`. A source stays as it is.

    Args:
        x: The inputs, or an object that gives inputs and targets.
        y: The targets; None when there are none or ``x`` gives them.
        sample_weight: One weight per row; None for equal weights.
        batch_size: What the caller wants; only checked against a loader's own, and
            used for an iterable dataset. None says nothing.
        steps: Number of batches in an epoch. An iterator needs it; others end their
            epochs early.
        keep_integers: Whether 32- and 64-bit integers in x stay integers, as a model
            that looks up token ids needs them; they become floating-point otherwise.

    Returns:
        The source.

    Raises:
        ConfigError: y, weights, a batch size or steps that do not go with ``x``.
        DataError: ``x`` is no data, or data that nobody can learn from.

    Example:
        >>> as_source([[0.0], [1.0]], [0, 1]).num_samples
        2
    """
    if callable(x) and not hasattr(x, "__len__") and not hasattr(x, "__iter__"):
        raise _refuse_callable(x)
    special = isinstance(x, (Source, Dataset))
    if not special and _is_arrays(x):
        source: Source = ArraySource(x, y, sample_weight, keep_integers=keep_integers)
    else:
        _check_alone(x, y, sample_weight)
        source = _open(x, batch_size, steps, keep_integers)
    if batch_size is not None and source.batch_size not in (None, batch_size):
        raise ConfigError(
            f"batch_size: expected {source.batch_size}, the loader's own, got "
            f"{batch_size}. Leave batch_size out, or set it in the loader."
        )
    if steps is None or isinstance(source, GeneratorSource):
        return source
    return LimitedSource(source, steps)
