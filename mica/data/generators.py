"""Batches from an iterator, which has no end and no beginning to go back to."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import torch

from mica.data.batch import Batch, Source, check_batching, first_rows, unpack_batch
from mica.errors import ConfigError, DataError

__all__ = ["GeneratorSource"]


class GeneratorSource(Source):
    """A Python generator (or any iterator) of batches, read on and on.

    Each epoch takes the next ``steps`` batches. A batch is what a loader may give
    (see `LoaderSource`). A generator cannot go back: after a restart, training
    goes on with new batches.

    Args:
        generator: The iterator; an epoch needs ``steps`` batches of it.
        steps: Number of batches in an epoch. At least 1.
        keep_integers: Whether 32- and 64-bit integers in x stay integers.

    Raises:
        ConfigError: ``steps`` is missing or below 1.

    Example:
        >>> from itertools import repeat
        >>> source = GeneratorSource(repeat(([[1.0], [2.0]], [0, 1])), steps=3)
        >>> [batch.size for batch in source.batches(0)]
        [2, 2, 2]
    """

    batch_size = None
    replayable = False

    def __init__(
        self,
        generator: Iterator[Any],
        *,
        steps: int | None,
        keep_integers: bool = False,
    ) -> None:
        if steps is None:
            raise ConfigError(
                "generator: expected steps_per_epoch (in fit) or steps (in evaluate "
                "and predict), got None. Say how many batches make an epoch."
            )
        if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
            raise ConfigError(
                "generator: expected steps to be a whole number of at least 1, got "
                f"{steps!r}. Say how many batches make an epoch."
            )
        self.generator = generator
        self.steps = steps
        self.keep_integers = keep_integers

    @property
    def num_samples(self) -> None:
        """Nobody knows how many rows the batches will have."""

    def num_batches(self, batch_size: int = 32, *, drop_last: bool = False) -> int:
        """Give ``steps``.

        Args:
            batch_size: Not used: the generator decides.
            drop_last: Not used: the generator decides.

        Returns:
            Number of batches in an epoch.
        """
        del batch_size, drop_last
        return self.steps

    def peek(self, batch_size: int) -> Batch:
        """Give the next batch; training will still see it.

        Args:
            batch_size: Rows in the batch, at most.

        Returns:
            The batch.

        Raises:
            DataError: The generator is exhausted, or gave something that is no batch.
        """
        for item in self.generator:
            self.generator = chain([item], self.generator)
            return first_rows(self._unpack(item, None), batch_size)
        raise DataError(
            "generator: expected at least one batch, got none: it is exhausted. Make "
            "the generator again before you use it again."
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
        """Take the next ``steps`` batches.

        Args:
            epoch: Number of the epoch, for the error.
            batch_size: Not used: the generator decides.
            shuffle: Not used: the generator decides.
            seed: Not used: the generator decides.
            drop_last: Not used: the generator decides.
            start: Number of batches the epoch has behind it: it takes fewer.
            device: Where the batches go; None leaves them where they are.

        Returns:
            An iterator over batches.

        Raises:
            ConfigError: ``start`` is below 0.
            DataError: The generator is exhausted, or gave something that is no batch.
        """
        del shuffle, seed, drop_last
        check_batching(batch_size, start)
        return self._take(epoch, start, device)

    def _take(
        self, epoch: int, start: int, device: torch.device | str | None
    ) -> Iterator[Batch]:
        for step in range(start, self.steps):
            try:
                item = next(self.generator)
            except StopIteration:
                raise DataError(
                    f"generator: expected {self.steps} batches in epoch {epoch + 1}, "
                    f"got {step}: it is exhausted. Make it endless (while True: yield "
                    "...) or ask for fewer steps."
                ) from None
            yield self._unpack(item, device)

    def _unpack(self, item: Any, device: torch.device | str | None) -> Batch:
        return unpack_batch(item, "generator", device, keep_integers=self.keep_integers)
