"""Reading ahead: a thread makes the next batches while a step computes."""

import os
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from typing import Any, Self

import torch

from mica.data.batch import Batch, Source, to_device
from mica.errors import StateError
from mica.nested import flatten

__all__ = ["BatchReader", "ReadAhead"]

MOST_BATCHES = 4  # that wait; one more is in the making
MOST_BYTES = 2**28  # of batches that wait; a larger one waits alone
LONGEST_WAIT = 10.0  # seconds, for the thread of a reader that was forgotten


def _bytes_of(batch: Any) -> int:
    leaves = flatten(tuple(batch[:3])) if isinstance(batch, Batch) else []
    return sum(each.nbytes for each in leaves if isinstance(each, torch.Tensor))


class _Shelf:
    """Where the reader puts batches and the one who trains takes them."""

    def __init__(self, most_batches: int, most_bytes: int) -> None:
        self.most_batches, self.most_bytes = most_batches, most_bytes
        self.changed = threading.Condition()
        self.batches: deque[tuple[Any, int]] = deque()
        self.num_bytes = 0
        self.is_closed = self.is_over = False
        self.failure: BaseException | None = None

    def _has_room(self, num_bytes: int) -> bool:
        if self.is_closed or not self.batches:
            return True
        few = len(self.batches) < self.most_batches
        return few and self.num_bytes + num_bytes <= self.most_bytes

    def put(self, batch: Any) -> bool:
        """Wait for room; tell whether more is wanted."""
        num_bytes = _bytes_of(batch)
        with self.changed:
            self.changed.wait_for(lambda: self._has_room(num_bytes))
            if self.is_closed:
                return False
            self.batches.append((batch, num_bytes))
            self.num_bytes += num_bytes
            self.changed.notify_all()
            return True

    def end(self, failure: BaseException | None) -> None:
        """Say that no batch follows, and why."""
        with self.changed:
            self.is_over, self.failure = True, failure
            self.changed.notify_all()

    def take(self) -> Any:
        """Wait for the next batch."""
        with self.changed:
            self.changed.wait_for(lambda: self.batches or self.is_over)
            if self.batches:
                batch, num_bytes = self.batches.popleft()
                self.num_bytes -= num_bytes
                self.changed.notify_all()
                return batch
            failure, self.failure = self.failure, None
        if failure is None:
            raise StopIteration
        try:
            raise failure  # with the reader's own frames: its place is kept
        finally:
            del failure  # or its frames would hold it, and it them

    def close(self) -> None:
        """Let the reader stop after the batch it is making."""
        with self.changed:
            self.is_closed = self.is_over = True
            self.batches.clear()
            self.num_bytes = 0
            self.failure = None
            self.changed.notify_all()


def _read(shelf: _Shelf, batches: Iterator[Any]) -> None:
    """What the thread does: it knows the shelf, not who takes from it."""
    failure: BaseException | None = None
    try:
        for batch in batches:
            if not shelf.put(batch):
                break
        close = getattr(batches, "close", None)
        if close is not None:
            close()
    except BaseException as error:  # noqa: BLE001 - it is raised where batches are taken
        failure = error
    shelf.end(failure)
    del failure


def _stop(shelf: _Shelf, thread: threading.Thread, process: int) -> None:
    if os.getpid() != process:
        return  # a copy of the process has no such thread, and its lock may be held
    shelf.close()
    # Garbage is collected in any thread, also in one that the reader waits for.
    if threading.current_thread() is threading.main_thread():
        thread.join(LONGEST_WAIT)


class ReadAhead(Iterator[Any]):
    """Batches of another iterator, made by a thread before they are asked for.

    Same batches, same order; an error comes where its batch would have come, as it was
    raised. Nothing is read before the first batch is asked for. At the end, after an
    error and after `close` no thread is left; one that was forgotten ends when this
    object does.

    Args:
        batches: What is read. It runs in the thread, so it must touch nothing that
            others change meanwhile: no generator of random numbers but its own.
        most_batches: Batches that wait to be taken, at most.
        most_bytes: Bytes of them, at most; a single batch may be larger.

    Raises:
        StateError: A fork of the process asks for a batch: the thread is not in it.

    Example:
        >>> with ReadAhead(iter(range(5)), most_batches=2) as numbers:
        ...     list(numbers)
        [0, 1, 2, 3, 4]
    """

    def __init__(
        self,
        batches: Iterator[Any],
        *,
        most_batches: int = MOST_BATCHES,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._shelf = _Shelf(most_batches, most_bytes)
        self._batches: Iterator[Any] | None = batches
        self._process = os.getpid()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def _start(self, batches: Iterator[Any]) -> None:
        self._thread = thread = threading.Thread(
            target=_read, args=(self._shelf, batches), name="mica-reader", daemon=True
        )
        thread.start()
        self._stop = weakref.finalize(self, _stop, self._shelf, thread, self._process)

    def __next__(self) -> Any:
        """Give the next batch, waiting for it if need be."""
        if self._is_closed:
            raise StopIteration
        if os.getpid() != self._process:
            raise StateError(
                "batches: expected the process that began to read them, got a fork of "
                "it. Open the data in the process that uses them."
            )
        if self._batches is not None:
            batches, self._batches = self._batches, None
            self._start(batches)
        try:
            return self._shelf.take()
        except BaseException:
            self.close()  # the end, an error, or Ctrl-C while waiting
            raise

    def close(self) -> None:
        """End the thread; batches that were not taken are dropped."""
        self._is_closed, self._batches = True, None
        if self._thread is None:
            return
        self._stop.detach()
        if os.getpid() == self._process:
            self._shelf.close()
            if self._thread is not threading.current_thread():
                self._thread.join()

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the thread."""
        self.close()


class BatchReader:
    """Opens sources, ahead of the step where that is safe, and leaves no thread behind.

    A source says by `Source.reads_ahead` that a thread may make its batches. They are
    moved to the device by the one who takes them: no other thread talks to a GPU.

    Example:
        >>> from mica.data import BucketSource
        >>> source = BucketSource([[5], [6, 7, 8], [9]])
        >>> with BatchReader() as reader:
        ...     [batch.size for batch in reader.batches(source, 0, batch_size=2)]
        [2, 1]
    """

    def __init__(self) -> None:
        self._opened: weakref.WeakSet[ReadAhead] = weakref.WeakSet()

    def batches(
        self,
        source: Source,
        epoch: int,
        *,
        device: torch.device | str | None = None,
        **options: Any,
    ) -> Iterator[Batch]:
        """Give one epoch's batches, as `Source.batches` does.

        Args:
            source: Any source.
            epoch: Number of the epoch.
            device: Where the batches go.
            **options: The others of `Source.batches`.

        Returns:
            An iterator over batches.
        """
        if not source.reads_ahead:
            return source.batches(epoch, device=device, **options)
        ahead = ReadAhead(source.batches(epoch, **options))
        self._opened.add(ahead)
        return ahead if device is None else _moved(ahead, device)

    def close(self) -> None:
        """End the threads of all that was opened."""
        for ahead in list(self._opened):
            ahead.close()

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the threads."""
        self.close()


def _moved(batches: Iterator[Batch], device: torch.device | str) -> Iterator[Batch]:
    for x, y, sample_weight, size in batches:
        parts = [to_device(part, device) for part in (x, y, sample_weight)]
        yield Batch(parts[0], parts[1], parts[2], size)
