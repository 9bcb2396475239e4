"""A column of dates as numbers: when it was, and where in the year, week and day."""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from mica.data.table.cells import Cells, texts
from mica.data.table.columns import are_finite, moments
from mica.data.table.times import TimeOrder, check_order, parse_times
from mica.errors import ConfigError, DataError
from mica.registry import Configurable

__all__ = ["Cycle", "DateColumn", "fit_date", "phase"]

Cycle = Literal["year", "week", "day"]

_DAY = np.timedelta64(1, "D")
_YEAR_DAYS = 365.2425  # mean year of the calendar
_MONDAY = np.datetime64("1970-01-05", "us")
# Days from which dates tell a time of the year from a trend: a year and a half.
_YEARS_APART = 1.5 * _YEAR_DAYS


def _days(times: np.ndarray) -> np.ndarray:
    """Days since 1970 with fractions, NaN where missing."""
    days = (times - np.datetime64(0, "us")) / _DAY
    return np.where(np.isnat(times), np.nan, days)


def phase(times: np.ndarray, cycle: Cycle) -> np.ndarray:
    """Find where times are in their year, week or day.

    Args:
        times: The times; NaT where missing.
        cycle: "year", "week" (from Monday) or "day".

    Shape:
        times: (rows,), datetime64[us]
        returns: (rows,), float64

    Returns:
        The part of the cycle that has passed, from 0 to below 1; NaN where missing.

    Example:
        >>> phase(np.array(["2020-01-07T12:00"], "M8[us]"), "day")
        array([0.5])
    """
    if cycle == "day":
        return _days(times) % 1
    if cycle == "week":
        passed = (times.astype("datetime64[D]") - _MONDAY) / _DAY
        return np.where(np.isnat(times), np.nan, passed % 7 / 7)
    start = times.astype("datetime64[Y]").astype(times.dtype)
    return np.where(np.isnat(times), np.nan, (times - start) / _DAY / 366)


class DateColumn(Configurable):
    """A column of dates or times: standardised days, and places in cycles.

    z = (days - mean) / scale; sin 2 pi p and cos 2 pi p for the part p of the year, the
    week and the day that has passed

    The end of a cycle is so beside its beginning. Missing dates take the median, and 0
    in the cycles.

    Args:
        name: The column's name.
        mean: Subtracted, in days since 1970.
        scale: Divided by, above 0.
        fill: Stands for a missing date, in days since 1970.
        cycles: Those of "year", "week" and "day" that vary in training.
        order: How dates of numbers are read.
        has_missing: Whether training rows had gaps, which adds a last place for them.
        unreadable: Texts that count as missing because they did in training.

    Raises:
        ConfigError: A number that is not finite, a scale that is not above 0, an order
            or a cycle that is none.

    Example:
        >>> column = DateColumn("sold", mean=18262.0, scale=1.0, fill=18262.0)
        >>> column.transform(["2020-01-02", None])
        array([[1.],
               [0.]])
    """

    def __init__(
        self,
        name: str,
        *,
        mean: float,
        scale: float,
        fill: float,
        cycles: Sequence[Cycle] = (),
        order: TimeOrder = "year first",
        has_missing: bool = False,
        unreadable: Sequence[str] = (),
    ) -> None:
        check_order(order, f"DateColumn {name!r}")
        known = all(cycle in get_args(Cycle) for cycle in cycles)
        if not (are_finite(mean, scale, fill) and known and scale > 0):
            raise ConfigError(
                f"DateColumn {name!r}: expected finite mean, scale and fill, a scale "
                f"above 0 and known cycles, got {mean!r}, {scale!r}, {fill!r} and "
                f"{list(cycles)!r}. The file is damaged or was not written by Mica."
            )
        self.name = name
        self.mean, self.scale, self.fill = mean, scale, fill
        self.cycles = tuple(cycles)
        self.order: TimeOrder = order
        self.has_missing = bool(has_missing)
        self.unreadable = frozenset(unreadable)

    @property
    def feature_names(self) -> list[str]:
        """What each place of the result is."""
        waves = [
            f"{self.name}, {wave} of the {cycle}"
            for cycle in self.cycles
            for wave in ("sine", "cosine")
        ]
        extra = [f"{self.name} is missing"] if self.has_missing else []
        return [self.name, *waves, *extra]

    def transform(self, cells: Cells) -> np.ndarray:
        """Turn the column into numbers.

        Args:
            cells: The column.

        Shape:
            returns: (rows, places), a place per name in ``feature_names``

        Returns:
            float64 numbers.

        Raises:
            DataError: A text that is no date and did not occur in training.
        """
        parsed = parse_times(cells, self.order)
        unknown = [text for text in parsed.unreadable if text not in self.unreadable]
        if unknown:
            raise DataError(
                f"column {self.name!r}: expected a date, got {unknown[0]!r} in row "
                f"{texts(cells).index(unknown[0])}. Leave the field empty if the date "
                "is not known."
            )
        missing = np.isnat(parsed.times)
        days = np.where(missing, self.fill, _days(parsed.times))
        places = [(days - self.mean) / self.scale]
        for cycle in self.cycles:
            angle = 2 * np.pi * phase(parsed.times, cycle)
            places += [np.nan_to_num(np.sin(angle)), np.nan_to_num(np.cos(angle))]
        if self.has_missing:
            places.append(missing.astype(np.float64))
        return np.stack(places, axis=1)  # (rows, places)


def _varies(times: np.ndarray, cycle: Cycle) -> bool:
    passed = phase(times, cycle)
    return bool((passed != passed[0]).any())


def fit_date(
    name: str,
    times: np.ndarray,
    *,
    order: TimeOrder = "year first",
    unreadable: Sequence[str] = (),
) -> DateColumn:
    """Find mean, deviation, median and cycles of a column's dates.

    Args:
        name: The column's name.
        times: Its training rows, NaT where missing; at least one is not.
        order: How they were read.
        unreadable: Texts that were no dates.

    Shape:
        times: (rows,), datetime64[us]

    Returns:
        The encoder. The time of year is a place only where dates are more than a year
        and a half apart; below that the days themselves tell it.

    Example:
        >>> times = np.array(["2020-01-01", "2020-01-02", "2020-01-06"], "M8[us]")
        >>> fit_date("sold", times).feature_names
        ['sold', 'sold, sine of the week', 'sold, cosine of the week']
    """
    known = times[~np.isnat(times)]
    days = _days(known)
    mean, scale = moments(days, name)
    possible: list[Cycle] = ["week", "day"]
    if np.ptp(days) > _YEARS_APART:
        possible.insert(0, "year")
    cycles: list[Cycle] = [cycle for cycle in possible if _varies(known, cycle)]
    return DateColumn(
        name,
        mean=mean,
        scale=scale,
        fill=float(np.median(days)),
        cycles=cycles,
        order=order,
        has_missing=len(known) < len(times),
        unreadable=unreadable,
    )
