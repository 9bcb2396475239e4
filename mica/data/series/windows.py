"""Windows over a series: views of one copy of it, gathered batch by batch."""

import functools
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
from mica.data.order import epoch_order
from mica.errors import ConfigError, DataError

__all__ = ["WindowShape", "WindowSource"]


@dataclass(frozen=True)
class WindowShape:
    """What a window sees and what it is to say, in rows around "now".

    It sees the rows now - (length - 1) every, ..., now - every, now, and is asked for
    the row now + horizon, or for every one from now + every to it.

    Args:
        history: Rows a window reaches over, a multiple of ``every``.
        horizon: Rows between now and the answer.
        every: Distance of the rows that are seen.
        whole: Whether all steps up to the horizon are asked for; else the last alone.

    Raises:
        ConfigError: A number below 1, or one that is no multiple of ``every``.

    Example:
        >>> shape = WindowShape(history=720, horizon=144, every=6)
        >>> shape.length, shape.span, shape.past.tolist()[-3:]
        (120, 858, [-12, -6, 0])
    """

    history: int
    horizon: int
    every: int = 1
    whole: bool = False

    def __post_init__(self) -> None:
        for name in ("history", "horizon", "every"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ConfigError(
                    f"{name}: expected at least 1 row, got {value!r}. Give a number of "
                    "rows, or a length of time such as '24h'."
                )
        if self.history % self.every:
            raise ConfigError(
                f"history: expected a multiple of every={self.every} rows, got "
                f"{self.history}. Make it {self.length * self.every or self.every}."
            )
        if self.whole and self.horizon % self.every:
            raise ConfigError(
                f"horizon: expected a multiple of every={self.every} rows, for every "
                f"step up to it is asked for, got {self.horizon}. Choose another, or "
                "ask for the last step alone."
            )

    @property
    def length(self) -> int:
        """Steps of a window: the size of a model's time axis."""
        return self.history // self.every

    @property
    def num_answers(self) -> int:
        """Numbers asked for, for each target."""
        return self.horizon // self.every if self.whole else 1

    @property
    def past(self) -> torch.Tensor:
        """Rows that are seen, from now: (length,), int64, up to 0."""
        return torch.arange(1 - self.length, 1) * self.every

    @property
    def future(self) -> torch.Tensor:
        """Rows that are asked for, from now: (answers,), int64."""
        if self.whole:
            return torch.arange(1, self.num_answers + 1) * self.every
        return torch.tensor([self.horizon])

    @property
    def reach(self) -> int:
        """Rows from the first that is seen to now."""
        return (self.length - 1) * self.every

    @property
    def span(self) -> int:
        """Rows from the first that is seen to the last that is asked for."""
        return self.reach + self.horizon


def _as_matrix(values: Any, where: str) -> torch.Tensor:
    try:
        tensor = torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(
            f"{where}: expected numbers, got: {error}. Read the series with "
            "read_series, which leaves texts out."
        ) from error
    if tensor.ndim == 1:
        tensor = tensor[:, None]  # (rows, 1)
    if tensor.ndim != 2:
        raise DataError(
            f"{where}: expected rows of measurements, (rows, features), got the shape "
            f"{tuple(tensor.shape)}. Give a row for each time."
        )
    dtype = tensor.dtype if tensor.is_floating_point() else torch.get_default_dtype()
    return tensor.to(dtype).contiguous()


class WindowSource(Source):
    """Windows of a series and their answers, in batches.

    The series stays in memory once. A batch of mixed windows is gathered when it is
    asked for, and memory holds no more than that; in the order of time a batch is a
    view, without any copy, as long as the series has no gaps.

    Args:
        values: What windows see, in the order of time.
        targets: What is asked for; None asks for ``values`` themselves.
        shape: History, horizon and distance.
        stride: Rows between neighbouring windows.
        places: The time of each row as a whole number of steps; windows that reach
            over a gap, where neighbours differ by more than 1, are left out. None has
            no gaps.

    Shape:
        values: (rows, features) or (rows,)
        targets: (rows,) or (rows, columns)
        places: (rows,), int64

    Raises:
        ConfigError: A ``stride`` below 1.
        DataError: Not rows of numbers, parts of different lengths, or a series shorter
            than one window.

    Example:
        >>> shape = WindowShape(history=3, horizon=1)
        >>> source = WindowSource(np.arange(6.0), None, shape)
        >>> batch = next(source.batches(0, batch_size=2, shuffle=False))
        >>> batch.x[..., 0].tolist(), batch.y.tolist()
        ([[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]], [[3.0], [4.0]])
    """

    batch_size = None
    replayable = True
    in_memory = True

    def __init__(
        self,
        values: Any,
        targets: Any,
        shape: WindowShape,
        *,
        stride: int = 1,
        places: np.ndarray | None = None,
    ) -> None:
        if not isinstance(stride, int) or isinstance(stride, bool) or stride < 1:
            raise ConfigError(
                f"WindowSource: expected a stride of at least 1 row, got {stride!r}. 1 "
                "takes every window."
            )
        self.values = _as_matrix(values, "values")
        self.targets = (
            self.values if targets is None else _as_matrix(targets, "targets")
        )
        self.shape = shape
        lengths = [len(self.values), len(self.targets)]
        lengths += [] if places is None else [len(places)]
        if len(set(lengths)) > 1:
            raise DataError(
                "WindowSource: expected parts with the same number of rows, got "
                f"{', '.join(map(str, lengths))}. Give each time one row in each."
            )
        count = len(self.values)
        if count <= shape.span:
            raise DataError(
                f"WindowSource: expected more than {shape.span:,} rows, for a window "
                f"sees {shape.reach + 1:,} and asks for one {shape.horizon:,} later, "
                f"got {count:,}. Take a shorter history or horizon, or more data."
            )
        self.now = torch.arange(shape.reach, count - shape.horizon, stride)
        self.num_over_gaps = 0
        if places is not None:
            self._leave_gaps_out(torch.as_tensor(places))

    def _leave_gaps_out(self, places: torch.Tensor) -> None:
        shape = self.shape
        seen = places[self.now + shape.horizon] - places[self.now - shape.reach]
        whole = seen == shape.span
        if not whole.any():
            raise DataError(
                f"WindowSource: expected windows of {shape.span + 1:,} rows without a "
                "gap in time, got none. Take a shorter history or horizon, or count "
                "rows only: over_gaps=True."
            )
        self.num_over_gaps = int((~whole).sum())
        if self.num_over_gaps:
            self.now = self.now[whole]

    @property
    def num_samples(self) -> int:
        """Windows in an epoch."""
        return len(self.now)

    @functools.cached_property
    def windows(self) -> torch.Tensor:
        """What every window sees, gaps or not: (rows, length, features), a view."""
        shape, values = self.shape, self.values
        size = (len(values) - shape.reach, shape.length, values.shape[1])
        row = values.stride(0)
        return values.as_strided(size, (row, shape.every * row, 1))

    def take(self, rows: torch.Tensor) -> Self:
        """Pick windows by number.

        Args:
            rows: Numbers of windows.

        Shape:
            rows: (count,), int64

        Returns:
            A source of these windows, in this order, over the same series.

        Example:
            >>> source = WindowSource(np.arange(6.0), None, WindowShape(3, 1))
            >>> source.take(torch.tensor([2])).peek(1).y
            tensor([[5.]], dtype=torch.float64)
        """
        source = object.__new__(type(self))
        source.values, source.targets, source.shape = (
            self.values,
            self.targets,
            self.shape,
        )
        source.now, source.num_over_gaps = self.now[rows], self.num_over_gaps
        return source

    def num_batches(self, batch_size: int, *, drop_last: bool = False) -> int:
        """Count the batches of an epoch.

        Args:
            batch_size: Windows in a batch.
            drop_last: Whether a last, smaller batch is left out.

        Returns:
            The number.

        Example:
            >>> source = WindowSource(np.arange(6.0), None, WindowShape(3, 1))
            >>> source.num_batches(2)
            2
        """
        return count_batches(self.num_samples, batch_size, drop_last=drop_last)

    def peek(self, batch_size: int) -> Batch:
        """Give the first windows as a batch.

        Args:
            batch_size: Windows in the batch, at most.

        Returns:
            The batch.
        """
        return self._batch(self.now[:batch_size], self.values, self.targets)

    def answers(self) -> torch.Tensor:
        """Give what every window is asked for.

        Shape:
            returns: (windows, answers) or, of several targets, (windows, answers x
                targets), each step's targets together

        Returns:
            The numbers.

        Example:
            >>> shape = WindowShape(history=2, horizon=2, whole=True)
            >>> WindowSource([0.0, 1.0, 2.0, 3.0, 4.0], None, shape).answers()
            tensor([[2., 3.],
                    [3., 4.]])
        """
        return self._answers(self.now, self.targets)

    def _answers(self, now: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        rows = now[:, None] + self.shape.future.to(now.device)  # (windows, answers)
        found = targets.index_select(0, rows.reshape(-1))
        return found.reshape(len(now), -1)

    def _inputs(self, now: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        shape = self.shape
        rows = now[:, None] + shape.past.to(now.device)  # (windows, length)
        found = values.index_select(0, rows.reshape(-1))
        return found.reshape(len(now), shape.length, values.shape[1])

    def _batch(
        self, now: torch.Tensor, values: torch.Tensor, targets: torch.Tensor
    ) -> Batch:
        first, count = int(now[0]), len(now)
        # In the order of time, and of one step: a slice of the view of all windows.
        if values is self.values and int(now[-1]) - first == count - 1 and _runs(now):
            start = first - self.shape.reach
            x = self.windows[start : start + count]
        else:
            x = self._inputs(now.to(values.device), values)
        return Batch(x, self._answers(now.to(targets.device), targets), None, count)

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
            batch_size: Windows in a batch; the last batch may be smaller.
            shuffle: Whether to mix the windows; else they come in the order of time.
            seed: Decides the order together with ``epoch``.
            drop_last: Whether to leave out a last, smaller batch.
            start: Number of batches to skip.
            device: Where the batches go; the series itself goes there, once.

        Returns:
            An iterator over batches.

        Raises:
            ConfigError: ``batch_size`` is below 1 or ``start`` below 0.
            DataError: ``drop_last`` leaves nothing.
        """
        check_batching(batch_size, start)
        used = rows_of_epoch(self.num_samples, batch_size, drop_last=drop_last)
        now = self.now
        if shuffle:
            now = now[epoch_order(self.num_samples, seed, epoch)]
        values = to_device(self.values, device)
        targets = (
            values if self.targets is self.values else to_device(self.targets, device)
        )
        parts = now[start * batch_size : used].split(batch_size)
        return (self._batch(part, values, targets) for part in parts if len(part))


def _runs(now: torch.Tensor) -> bool:
    """Whether rows follow each other."""
    return bool((now[1:] - now[:-1] == 1).all())
