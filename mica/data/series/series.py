"""A time series: measurements in the order of time, and the holes in it."""

import dataclasses
import functools
from dataclasses import dataclass

import numpy as np

from mica.data.series.duration import Duration, find_step, places
from mica.data.table.times import time_text
from mica.errors import DataError, count_others, near_misses

__all__ = ["Gap", "TimeSeries"]


@dataclass(frozen=True)
class Gap:
    """A hole in a series.

    Args:
        row: The last row before it, counted from 0.
        before: The time of that row.
        after: The time of the next.
        num_missing: Rows that would fill it.

    Example:
        >>> Gap(1, np.datetime64("2020-01-02"), np.datetime64("2020-01-05"), 2).row
        1
    """

    row: int
    before: np.datetime64
    after: np.datetime64
    num_missing: int


@dataclass(frozen=True)
class TimeSeries:
    """Measurements in the order of time.

    Args:
        times: When each row was measured, each later than the one before.
        values: The measurements, without gaps.
        feature_names: What each column is.
        name: What to call the series in messages, such as the file's name.
        notes: What was noticed when it was read, for the user.

    Shape:
        times: (rows,), datetime64[us]
        values: (rows, features), float64

    Raises:
        DataError: Lengths that differ, no rows, a number that is not finite, or a time
            that is not later than the one before.

    Example:
        >>> times = np.array(["2020-01-01", "2020-01-02", "2020-01-05"], "M8[us]")
        >>> series = TimeSeries(times, np.zeros((3, 1)), ("rain",))
        >>> str(series.step), series.gaps[0].num_missing
        ('1 day', 2)
    """

    times: np.ndarray
    values: np.ndarray
    feature_names: tuple[str, ...]
    name: str = "series"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        expected = (len(self.times), len(self.feature_names))
        if self.values.shape != expected or not len(self.times):
            raise DataError(
                f"{self.name}: expected a row of values for each of at least one time "
                f"and a column for each name, {expected}, got {self.values.shape}. "
                "Look at what made the series."
            )
        backwards = np.flatnonzero(~(np.diff(self.times) > np.timedelta64(0)))
        if len(backwards):
            row = int(backwards[0])
            before, after = map(time_text, self.times[row : row + 2])
            raise DataError(
                f"{self.name}: expected times that go forward, got {after} after "
                f"{before} at row {row + 2}. Sort the rows, and keep one of each time."
            )
        if not np.isfinite(self.values).all():
            row, column = np.argwhere(~np.isfinite(self.values))[0]
            raise DataError(
                f"{self.name}: expected finite numbers, got "
                f"{self.values[row, column]} in the column "
                f"{self.feature_names[column]!r} at row {row + 1}. Fill the gap first; "
                "as_series does."
            )

    def __len__(self) -> int:
        return len(self.times)

    def __repr__(self) -> str:
        """Show what it is and how long, not every number."""
        rows, features = self.values.shape
        return f"TimeSeries({self.name!r}, {rows:,} rows, {features} columns)"

    @functools.cached_property
    def step(self) -> Duration:
        """The distance of neighbours: the most frequent one."""
        return find_step(self.times)

    @functools.cached_property
    def places(self) -> np.ndarray:
        """The number of each row's time in steps from the first, (rows,), int64."""
        return places(self.times, self.step)

    @functools.cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """The holes, in the order of time."""
        jumps = np.diff(self.places)
        return tuple(
            Gap(row, self.times[row], self.times[row + 1], int(jumps[row]) - 1)
            for row in np.flatnonzero(jumps > 1).tolist()
        )

    def place(self, column: str) -> int:
        """Give the place of a column.

        Args:
            column: Its name.

        Returns:
            Its number, from 0.

        Raises:
            DataError: There is no such column.

        Example:
            >>> times = np.array(["2020-01-01"], "M8[us]")
            >>> TimeSeries(times, np.zeros((1, 2)), ("rain", "sun")).place("sun")
            1
        """
        if column not in self.feature_names:
            raise DataError(
                f"{self.name}: expected a column {column!r} of numbers, got "
                f"{count_others(len(self.feature_names))}. "
                f"{near_misses(column, self.feature_names)}"
            )
        return self.feature_names.index(column)

    def column(self, name: str) -> np.ndarray:
        """Give one column.

        Args:
            name: Its name.

        Shape:
            returns: (rows,), float64

        Returns:
            The numbers; change them and you change the series.

        Raises:
            DataError: There is no such column.

        Example:
            >>> times = np.array(["2020-01-01"], "M8[us]")
            >>> TimeSeries(times, np.array([[7.5]]), ("rain",)).column("rain")
            array([7.5])
        """
        return self.values[:, self.place(name)]

    def rows(self, start: int, stop: int) -> "TimeSeries":
        """Cut a stretch out of the series, without copying it.

        Args:
            start: The first row.
            stop: The row after the last.

        Returns:
            A series of these rows.

        Raises:
            DataError: There are none.

        Example:
            >>> times = np.array(["2020-01-01", "2020-01-02"], "M8[us]")
            >>> len(TimeSeries(times, np.zeros((2, 1)), ("rain",)).rows(0, 1))
            1
        """
        return dataclasses.replace(
            self, times=self.times[start:stop], values=self.values[start:stop]
        )
