"""Lengths of time: as people write them, and counted in a series' own steps."""

import re
from dataclasses import dataclass

import numpy as np

from mica.errors import ConfigError

__all__ = ["Duration", "count_rows", "find_step", "parse_duration", "places"]

_SECOND = 1_000_000  # microseconds
_UNITS = {
    "ms": 1_000,
    "s": _SECOND,
    "sec": _SECOND,
    "second": _SECOND,
    "min": 60 * _SECOND,
    "minute": 60 * _SECOND,
    "h": 3600 * _SECOND,
    "hour": 3600 * _SECOND,
    "d": 86_400 * _SECOND,
    "day": 86_400 * _SECOND,
    "w": 604_800 * _SECOND,
    "week": 604_800 * _SECOND,
}
_MONTHS = {"month": 1, "year": 12, "y": 12}
_NAMES = ("week", "day", "hour", "minute", "second", "ms")
_TEXT = re.compile(r"(\d+(?:\.\d+)?)? ?([A-Za-z]+)")
SHORTEST_MONTH = np.timedelta64(28, "D")


@dataclass(frozen=True)
class Duration:
    """A length of time: microseconds, or months, which differ in length.

    Args:
        microseconds: The length; 0 where it is counted in months.
        months: The length in months, else 0.

    Example:
        >>> str(Duration(600_000_000)), str(Duration(0, 12))
        ('10 minutes', '1 year')
    """

    microseconds: int
    months: int = 0

    def __str__(self) -> str:
        """Say it in the largest unit that fits."""
        if self.months:
            years, rest = divmod(self.months, 12)
            return _plural(self.months, "month") if rest else _plural(years, "year")
        for name in _NAMES:
            if self.microseconds % _UNITS[name] == 0:
                return _plural(self.microseconds // _UNITS[name], name)
        return f"{self.microseconds / _SECOND:g} seconds"


def _plural(count: int, name: str) -> str:
    return f"{count:,} {name}" + ("" if count == 1 or name == "ms" else "s")


def parse_duration(text: str, where: str) -> Duration:
    """Read a length of time such as "24h", "10 min", "5 days" or "12 months".

    Args:
        text: A number and a unit; without a number it is one.
        where: Who asks, for errors.

    Returns:
        The length.

    Raises:
        ConfigError: No such text, or a length of nothing.

    Example:
        >>> parse_duration("24h", "horizon") == parse_duration("day", "horizon")
        True
    """
    found = _TEXT.fullmatch(text.strip())
    if found is not None:
        amount, unit = float(found[1] or 1), found[2]
        unit = unit.lower()
        unit = unit if unit in _UNITS or unit in _MONTHS else unit.removesuffix("s")
        if unit in _UNITS and round(amount * _UNITS[unit]) > 0:
            return Duration(round(amount * _UNITS[unit]))
        if unit in _MONTHS and amount >= 1 and amount.is_integer():
            return Duration(0, int(amount) * _MONTHS[unit])
    raise ConfigError(
        f"{where}: expected a length of time, got {text!r}. Write it as '24h', "
        "'10 min', '5 days', '12 months', or as a number of rows."
    )


def _month_numbers(times: np.ndarray) -> np.ndarray:
    return times.astype("datetime64[M]").astype(np.int64)


def _are_months(times: np.ndarray, steps: np.ndarray) -> bool:
    """Whether all times stand at the same place of their months."""
    within = times - times.astype("datetime64[M]").astype(times.dtype)
    # Or all at the ends of months: a day later they are beginnings.
    later = times + np.timedelta64(1, "D")
    ends = later - later.astype("datetime64[M]").astype(times.dtype)
    same = (within == within[0]).all() or (ends == ends[0]).all()
    return bool(same and (steps >= SHORTEST_MONTH).all() and len(steps) > 1)


def _most_frequent(steps: np.ndarray) -> int:
    values, counts = np.unique(steps[steps > 0], return_counts=True)
    return int(values[counts.argmax()]) if len(values) else 0


def find_step(times: np.ndarray) -> Duration:
    """Find the distance of neighbours: the most frequent one.

    Args:
        times: Times that go forward.

    Shape:
        times: (rows,), datetime64[us]

    Returns:
        The distance; in months where all times stand at the same place of a month,
        and of nothing where there are no neighbours.

    Example:
        >>> import numpy as np
        >>> times = np.array(["2020-01-31", "2020-02-29", "2020-03-31"], "M8[us]")
        >>> str(find_step(times))
        '1 month'
    """
    steps = np.diff(times)
    if len(steps) and _are_months(times, steps):
        later = times + np.timedelta64(1, "D")
        months = np.diff(_month_numbers(times))
        months = months if (months > 0).all() else np.diff(_month_numbers(later))
        return Duration(0, _most_frequent(months))
    return Duration(_most_frequent(steps.astype("timedelta64[us]").astype(np.int64)))


def places(times: np.ndarray, step: Duration) -> np.ndarray:
    """Number times by steps from the first: 0, 1, 2, ..., with jumps over gaps.

    Args:
        times: Times that go forward.
        step: The distance of neighbours.

    Shape:
        times: (rows,), datetime64[us]
        returns: (rows,), int64

    Returns:
        The nearest whole number for each.

    Example:
        >>> import numpy as np
        >>> times = np.array(["2020-01-01", "2020-01-02", "2020-01-05"], "M8[us]")
        >>> places(times, find_step(times))
        array([0, 1, 4])
    """
    if step.months:
        numbers = _month_numbers(times)
        return (numbers - numbers[0]) // step.months
    passed = (times - times[0]).astype(np.int64)
    return (passed + step.microseconds // 2) // max(1, step.microseconds)


def count_rows(length: int | str, step: Duration, where: str) -> int:
    """Count a length of time in rows of a series.

    Args:
        length: A number of rows, or a text such as "24h".
        step: The distance of the series' neighbours.
        where: Who asks, for errors.

    Returns:
        A number of at least 1.

    Raises:
        ConfigError: No length of time, or one that is no whole number of rows.

    Example:
        >>> count_rows("24h", Duration(600_000_000), "horizon")
        144
    """
    if isinstance(length, str):
        wanted = parse_duration(length, where)
        unit, size = wanted.microseconds, step.microseconds
        if wanted.months and step.months:
            unit, size = wanted.months, step.months
        if size and unit and unit % size == 0:
            return unit // size
        raise ConfigError(
            f"{where}: expected a multiple of the series' step of {step}, got "
            f"{length!r}. Give such a length, or a number of rows."
        )
    if not isinstance(length, int) or isinstance(length, bool) or length < 1:
        raise ConfigError(
            f"{where}: expected at least 1 row, got {length!r}. Give a number of rows, "
            "or a length of time such as '24h'."
        )
    return length
