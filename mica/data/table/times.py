"""Dates and times as people write them, read as one kind of number."""

import dataclasses
import functools
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

import numpy as np

from mica.data.table.cells import Cells, texts
from mica.errors import ConfigError

__all__ = [
    "ParsedTimes",
    "TimeOrder",
    "check_order",
    "parse_time",
    "parse_times",
    "time_text",
]

# Which part comes first where only numbers are written.
TimeOrder = Literal["year first", "day first", "month first"]

_MONTHS = {
    name: number
    for number, names in enumerate(
        [
            ("jan", "янв"),
            ("feb", "fév", "фев"),
            ("mar", "mär", "мар"),
            ("apr", "avr", "апр"),
            ("may", "mai", "мая", "май"),
            ("jun", "juin", "июн"),
            ("jul", "juil", "июл"),
            ("aug", "aoû", "авг"),
            ("sep", "сен"),
            ("oct", "okt", "окт"),
            ("nov", "ноя"),
            ("dec", "dez", "déc", "дек"),
        ],
        start=1,
    )
    for name in names
}
_CLOCK = re.compile(
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(:(?P<second>\d{2})([.,](?P<fraction>\d+))?)?"
    r"( ?(?P<half>[ap])\.?m\.?)?( ?(?P<zone>z|utc|[+-]\d{2}:?\d{2}))?",
    re.IGNORECASE | re.ASCII,
)
_NUMBERS = re.compile(r"(\d{1,4})([-/.])(\d{1,2})(?:\2(\d{1,4}))?", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_NAMED = re.compile(
    r"(?:(?P<day>\d{1,2})\.?[ -])?(?P<month>[^\W\d_]{3,9})\.?"
    r"(?: (?P<later>\d{1,2}))?,?[ -](?P<year>\d{4}|\d{2})"
)
_TRIPLE = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.]\d", re.ASCII)
_THIS_CENTURY = 69  # two digits up to 68 belong to this century (POSIX)
_YEAR_ALONE = re.compile(r"\d{4}", re.ASCII)


def check_order(order: object, where: str) -> None:
    """Demand an order there is.

    Args:
        order: What was given.
        where: Who asks, for errors.

    Raises:
        ConfigError: It is none of the three.
    """
    if order not in get_args(TimeOrder):
        raise ConfigError(
            f"{where}: expected an order of 'year first', 'day first' or 'month "
            f"first', got {order!r}. It says how 01.02.03 is read."
        )


def _year(text: str) -> int:
    if len(text) != 2:
        return int(text)
    return int(text) + (2000 if int(text) < _THIS_CENTURY else 1900)


@functools.lru_cache(maxsize=4096)  # a day comes with each of its hours
def _date(text: str, order: TimeOrder) -> tuple[int, int, int] | None:
    """Year, month and day of a text without a time of day."""
    if found := _NUMBERS.fullmatch(text):
        first, _, second, third = found.groups()
        if third is None:  # 1949-01 or 01/1949
            if len(first) == 4:
                return int(first), int(second), 1
            return None
        if len(first) == 4:
            return int(first), int(second), int(third)
        if len(first) > 2 or len(third) not in (2, 4):
            return None
        if order == "year first":
            return (_year(first), int(second), int(third)) if len(third) == 2 else None
        day, month = (first, second) if order == "day first" else (second, first)
        return _year(third), int(month), int(day)
    if found := _COMPACT.fullmatch(text):
        year, month, day = found.groups()
        return int(year), int(month), int(day)
    if _YEAR_ALONE.fullmatch(text):
        return int(text), 1, 1
    if found := _NAMED.fullmatch(text):
        name = found["month"].lower()
        number = _MONTHS.get(name[:4]) or _MONTHS.get(name[:3])
        if number is None or (found["day"] and found["later"]):
            return None
        day = found["day"] or found["later"] or "1"
        return _year(found["year"]), number, int(day)
    return None


@functools.lru_cache(maxsize=4096)
def _clock(text: str) -> timedelta | None:
    """Time of day as a distance from midnight, in universal time where a zone is."""
    found = _CLOCK.fullmatch(text)
    assert found is not None
    hour = int(found["hour"])
    if found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found["half"] in "pP" else 0)
    minute, second = int(found["minute"]), int(found["second"] or 0)
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and minute + second):
        return None
    fraction = int((found["fraction"] or "0")[:6].ljust(6, "0"))
    passed = timedelta(
        hours=hour, minutes=minute, seconds=second, microseconds=fraction
    )
    zone = found["zone"]
    if zone and zone[0] in "+-":
        ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        passed -= ahead if zone[0] == "+" else -ahead
    return passed


def parse_time(text: str, order: TimeOrder = "day first") -> datetime | None:
    """Read a date, a time of day, or both; None when the text is none.

    Years of four digits are known wherever they stand first; months may have names
    (English, German, French, Russian). With a zone the result is universal time; a time
    of day alone falls on the first of January 1970.

    Args:
        text: A cell.
        order: How numbers are read that could be several: 01.02.03.

    Returns:
        The time, without a zone.

    Example:
        >>> parse_time("2009-01-31T00:10Z").isoformat()
        '2009-01-31T00:10:00'
        >>> parse_time("01.02.2009 5:30 PM").isoformat()
        '2009-02-01T17:30:00'
        >>> parse_time("May 12, 2020").isoformat(), parse_time("1.5")
        ('2020-05-12T00:00:00', None)
    """
    text = text.strip()
    clock = _CLOCK.search(text) if ":" in text else None
    passed = timedelta(0)
    date: tuple[int, int, int] | None = (1970, 1, 1)
    if clock is not None:
        if clock.end() != len(text):
            return None
        before = text[: clock.start()]
        if before and before[-1] not in "Tt ,":
            return None
        text = before.rstrip("Tt ,")
        found = _clock(clock[0])
        if found is None:
            return None
        passed = found
    if text or clock is None:
        date = _date(text, order)
    if date is None:
        return None
    try:
        return datetime(*date) + passed
    except (ValueError, OverflowError):
        return None


def time_text(time: np.datetime64) -> str:
    """Write a time as short as it can be without losing any of it.

    Args:
        time: A time.

    Example:
        >>> time_text(np.datetime64("2020-01-31T00:00:00", "us"))
        '2020-01-31'
        >>> time_text(np.datetime64("2020-01-31T07:30:00", "us"))
        '2020-01-31 07:30'
    """
    date, _, clock = str(time.astype("datetime64[us]")).partition("T")
    clock = clock.removesuffix(".000000").removesuffix(":00")
    return date if clock == "00:00" else f"{date} {clock}"


@dataclass(frozen=True)
class ParsedTimes:
    """A column of times.

    Args:
        times: The times, NaT where missing or unreadable.
        order: How ambiguous numbers were read.
        unreadable: Texts that are no times, with the number of cells that hold them.
        note: What the user should know about the reading; "" when it was plain.

    Shape:
        times: (rows,), datetime64[us]

    Example:
        >>> parse_times(["2020-05-12", "?"]).unreadable
        {'?': 1}
    """

    times: np.ndarray
    order: TimeOrder
    unreadable: dict[str, int]
    note: str = ""


def _parse(values: list[str | None], order: TimeOrder) -> ParsedTimes:
    times = np.full(len(values), np.datetime64("NaT"), dtype="datetime64[us]")
    unreadable: dict[str, int] = {}
    for row, text in enumerate(values):
        if text is None:
            continue
        time = parse_time(text, order)
        if time is None:
            unreadable[text] = unreadable.get(text, 0) + 1
        else:
            times[row] = time
    return ParsedTimes(times, order, unreadable)


def _goes_forward(times: np.ndarray) -> bool:
    known = times[~np.isnat(times)]
    return bool((known[1:] >= known[:-1]).all())


def _possible(values: list[str | None]) -> tuple[list[TimeOrder], str]:
    """The orders that days and months allow, the usual one first; and an example."""
    pairs: dict[tuple[str, str], str] = {}
    for text in values:
        if text is not None and (found := _TRIPLE.match(text)):
            pairs.setdefault((found[1], found[2]), text)
    if not pairs:
        return ["year first"], ""
    firsts = max(int(first) for first, _ in pairs)
    seconds = max(int(second) for _, second in pairs)
    example = next(iter(pairs.values()))
    if firsts > 31:
        return ["year first"], example
    if firsts > 12 or seconds > 12:
        # Both: the larger share decides, and the others are told to be unreadable.
        late = sum(int(first) > 12 for first, _ in pairs)
        early = sum(int(second) > 12 for _, second in pairs)
        return ["day first" if late >= early else "month first"], example
    usual: list[TimeOrder] = ["day first", "month first"]
    return usual[::-1] if "/" in example else usual, example


def parse_times(cells: Cells, order: TimeOrder | None = None) -> ParsedTimes:
    """Read a column as times, all in one order.

    Where days and months cannot be told apart by a number above 12, the order is taken
    in which the column goes forward; else points (always) and hyphens mean that the day
    is first, slashes that the month is.

    Args:
        cells: A column in either form.
        order: How numbers are read that could be several; None finds out.

    Returns:
        The times, and how they were read.

    Raises:
        ConfigError: An order there is not.

    Example:
        >>> parse_times(["1/2/2020", "1/30/2020"]).order
        'month first'
        >>> parse_times(["31.01.2020", None]).times.astype(str).tolist()
        ['2020-01-31T00:00:00.000000', 'NaT']
    """
    values = texts(cells)
    if order is not None:
        check_order(order, "parse_times")
        return _parse(values, order)
    orders, example = _possible(values)
    usual, *others = (_parse(values, possible) for possible in orders)
    if not others or (usual.times == others[0].times).all():
        return usual
    if "." in example:  # whoever writes points writes the day first
        return usual
    forward = [found for found in (usual, *others) if _goes_forward(found.times)]
    if len(forward) == 1:
        return forward[0]
    note = f"Days and months cannot be told apart: {example!r} is read {usual.order}."
    return dataclasses.replace(usual, note=note)
