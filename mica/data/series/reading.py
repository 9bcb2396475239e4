"""Time series from files and tables: the time found, gaps and repetitions told."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from mica.data.series.series import TimeSeries
from mica.data.table import Table, as_table, read_table
from mica.data.table.cells import Cells, parse_numbers, texts
from mica.data.table.times import TimeOrder, parse_times, time_text
from mica.errors import DataError

__all__ = ["as_series", "read_series"]

NUMBER_SHARE = 0.9  # of the known cells that must be numbers; ours
TIME_SHARE = 0.9  # of the cells that must be times for a column to be found; ours
LEAST_SHARE = 0.5  # where no column reaches that: its bad cells are then named; ours
SAMPLE_ROWS = 1000  # looked at to find the column of times; ours
_TIME_NAME = re.compile(
    r"(date ?time|time ?stamp|timestamp|date|time|day|month|year|ts|epoch|unix ?time)",
    re.IGNORECASE,
)
# Numbers as times: years, 20200131, and seconds to nanoseconds since 1970.
_SINCE_1970 = (
    (1e8, 1e11, 1e6),
    (1e11, 1e14, 1e3),
    (1e14, 1e17, 1.0),
    (1e17, 9e18, 1e-3),
)


@dataclass(frozen=True)
class _Rows:
    """Rows on their way to a series."""

    times: np.ndarray
    values: np.ndarray
    names: tuple[str, ...]

    def take(self, kept: np.ndarray) -> "_Rows":
        return _Rows(self.times[kept], self.values[kept], self.names)


def _number_times(numbers: np.ndarray) -> np.ndarray | None:
    """Years, days written as 20200131, or a count since 1970; None when neither."""
    known = numbers[~np.isnan(numbers)]
    if not len(known) or not (known == np.floor(known)).all():
        return None
    times = np.full(len(numbers), np.datetime64("NaT"), dtype="datetime64[us]")
    where = ~np.isnan(numbers)
    low, high = known.min(), known.max()
    if low >= 1000 and high <= 3000:
        times[where] = (known.astype(np.int64) - 1970).astype("datetime64[Y]")
        return times
    if low >= 10_000_101 and high <= 30_001_231:
        return parse_times([f"{int(day)}" for day in numbers]).times
    for least, most, factor in _SINCE_1970:
        if least <= low and high < most:
            times[where] = np.rint(known * factor).astype(np.int64).astype("M8[us]")
            return times
    return None


def _looks_like_time(name: str, cells: Cells, share: float) -> bool:
    head = cells[:SAMPLE_ROWS]
    if isinstance(head, np.ndarray):
        return bool(_TIME_NAME.fullmatch(name)) and _number_times(head) is not None
    numbers, unreadable = parse_numbers(head)
    if not unreadable:  # 2020 is a number before it is a year
        return bool(_TIME_NAME.fullmatch(name)) and _number_times(numbers) is not None
    known = sum(text is not None for text in head)
    wrong = sum(parse_times(head).unreadable.values())
    return known > 0 and known - wrong >= share * len(head)


def _find_time(table: Table, time: str | None) -> str:
    if time is not None:
        table.column(time)  # says what is wrong
        return time
    for share in (TIME_SHARE, LEAST_SHARE):
        for name, cells in table.columns.items():
            if _looks_like_time(name, cells, share):
                return name
    raise DataError(
        f"{table.name}: expected a column of times, got "
        f"{', '.join(map(repr, table.names[:10]))}. Name it: time='column'; it holds "
        "dates such as 2020-01-31 12:00."
    )


def _read_times(
    table: Table, name: str, order: TimeOrder | None
) -> tuple[np.ndarray, str]:
    cells = table.column(name)
    # One cell that is no number is enough: the first rows often spare the others.
    if not isinstance(cells, np.ndarray) and not parse_numbers(cells[:SAMPLE_ROWS])[1]:
        numbers, unreadable = parse_numbers(cells)
        cells = cells if unreadable else numbers
    if isinstance(cells, np.ndarray):
        times, note = _number_times(cells), ""
        shown: list[str | None] = [None] * len(cells)
        if times is None:
            shown = texts(cells[:1])
    else:
        parsed = parse_times(cells, order)
        times, note = parsed.times, parsed.note
        shown = cells
    wrong = (
        np.zeros(1, dtype=np.int64)
        if times is None
        else np.flatnonzero(np.isnat(times))
    )
    if times is None or len(wrong):
        row = int(wrong[0])
        got = "nothing" if shown[row] is None else repr(shown[row])
        more = f" ({len(wrong)} such rows)" if len(wrong) > 1 else ""
        raise DataError(
            f"{table.name}: expected a time in the column {name!r}, got {got} at row "
            f"{row + 1}{more}. Mend the cell, leave the row out, or name another "
            "column: time='column'."
        )
    return times, note


def _numbers(
    table: Table, time: str, columns: Sequence[str] | None
) -> tuple[np.ndarray, tuple[str, ...], list[str]]:
    """The columns of numbers, NaN where missing, and notes on the others."""
    wanted = [name for name in columns or table.names if name != time]
    kept: dict[str, np.ndarray] = {}
    notes: list[str] = []
    for name in wanted:
        numbers, unreadable = parse_numbers(table.column(name), table.decimal)
        known = int((~np.isnan(numbers)).sum())
        wrong = sum(unreadable.values())
        if known and known >= NUMBER_SHARE * (known + wrong):
            kept[name] = numbers
            if wrong:
                shown = ", ".join(repr(text) for text in list(unreadable)[:5])
                notes.append(
                    f"Column {name!r}: not numbers, so taken as missing: {shown}."
                )
        elif columns is not None:
            raise DataError(
                f"{table.name}: expected numbers in the column {name!r}, got "
                f"{next(iter(unreadable), 'no value')!r}. Choose other columns."
            )
        else:
            reason = "it holds texts" if wrong else "it is empty"
            notes.append(f"Column {name!r} is left out: {reason}.")
    if not kept:
        raise DataError(
            f"{table.name}: expected a column of numbers beside the times, got "
            f"{', '.join(map(repr, wanted[:10])) or 'none'}. Look at the file."
        )
    return np.column_stack(list(kept.values())), tuple(kept), notes


def _without_repetitions(rows: _Rows) -> tuple[_Rows, list[str]]:
    """Rows that come twice, time and all, are told and left out."""
    stamps = rows.times.astype(np.int64)[:, None].view(np.float64)
    whole = np.ascontiguousarray(np.column_stack([stamps, rows.values + 0.0]))
    keys = whole.view([("", f"V{whole.itemsize * whole.shape[1]}")])[:, 0]
    first = {key: row for row, key in reversed(list(enumerate(keys.tolist())))}
    if len(first) == len(rows.times):
        return rows, []
    kept = np.sort(np.fromiter(first.values(), dtype=np.int64))
    count = len(rows.times) - len(kept)
    verb, noun = ("comes", "row") if count == 1 else ("come", "rows")
    note = f"{count:,} {noun} {verb} twice, with the same values, and are kept once."
    return rows.take(kept), [
        note.replace("are kept", "is kept") if count == 1 else note
    ]


def _in_order(rows: _Rows, name: str, sort: bool) -> tuple[_Rows, list[str]]:
    backwards = np.flatnonzero(np.diff(rows.times) < np.timedelta64(0))
    if not len(backwards):
        return rows, []
    if sort:
        order = np.argsort(rows.times, kind="stable")
        return rows.take(order), [
            "The rows were not in the order of time; now they are."
        ]
    row = int(backwards[0])
    more = f" ({len(backwards):,} such places)" if len(backwards) > 1 else ""
    before, after = map(time_text, rows.times[row : row + 2])
    raise DataError(
        f"{name}: expected times that go forward, got {after} after {before}{more}. "
        "Use sort=True if the rows are only mixed; else look for two series in one "
        "file."
    )


def _one_of_each_time(rows: _Rows, name: str) -> tuple[_Rows, list[str]]:
    is_new = np.concatenate([[True], np.diff(rows.times) > np.timedelta64(0)])
    count = len(is_new) - int(is_new.sum())
    if count == 0:
        return rows, []
    first = time_text(rows.times[~is_new][0])
    if 2 * count >= len(is_new):
        raise DataError(
            f"{name}: expected one row for each time, got {len(is_new):,} rows for "
            f"{int(is_new.sum()):,} times, such as {first}. There are several series "
            "in the file: give one, or a column for each."
        )
    verb = "has" if count == 1 else "have"
    note = (
        f"{count:,} of {len(is_new):,} rows {verb} the time of the row before (the "
        f"first: {first}); the first of each is kept."
    )
    return rows.take(is_new), [note]


def _hold(rows: _Rows) -> tuple[np.ndarray, list[str]]:
    """Missing numbers become the last known one, so nothing is learned from later."""
    values = rows.values.copy()
    notes = []
    for column, name in enumerate(rows.names):
        missing = np.isnan(values[:, column])
        count = int(missing.sum())
        if count == 0:
            continue
        last = np.where(missing, -1, np.arange(len(values)))
        last = np.maximum.accumulate(last)
        start = int(np.argmin(missing))  # the first known one stands for those before
        values[:, column] = values[np.maximum(last, start), column]
        verb = "value is" if count == 1 else "values are"
        early = (
            f"; {start:,} at the beginning take the first known one" if start else ""
        )
        notes.append(
            f"Column {name!r}: {count:,} missing {verb} filled with the last known "
            f"one{early}."
        )
    return values, notes


def _gap_note(series: TimeSeries) -> list[str]:
    if not series.gaps:
        return []
    longest = max(series.gaps, key=lambda gap: gap.num_missing)
    missing = sum(gap.num_missing for gap in series.gaps)
    before, after = time_text(longest.before), time_text(longest.after)
    noun = "gap" if len(series.gaps) == 1 else "gaps"
    return [
        f"{len(series.gaps):,} {noun} in time, {missing:,} rows of {series.step} in "
        f"all; the longest from {before} to {after}."
    ]


def as_series(
    data: Any,
    *,
    time: str | None = None,
    columns: Sequence[str] | None = None,
    sort: bool = False,
    order: TimeOrder | None = None,
) -> TimeSeries:
    """Make a time series of a table.

    The column of times is found; rows that come twice are kept once; missing numbers
    take the last known value; gaps in time stay gaps. Each is told in the notes.

    Args:
        data: A `TimeSeries`, a `Table` or whatever `as_table` takes, or a sample with
            ``times``, ``values`` and ``feature_names``.
        time: The column of times; None takes the first that looks like it.
        columns: The columns to keep; None keeps all that are numbers.
        sort: Whether to put rows in the order of time; else they must be.
        order: How dates of numbers are read, "day first" and the like; None finds out.

    Returns:
        The series, with notes.

    Raises:
        DataError: No such column, a time that cannot be read, times that go backwards,
            several rows for most times, or nothing but texts.

    Example:
        >>> rows = {"day": ["1.2.2020", "2.2.2020", "4.2.2020"], "rain": [5, None, 3]}
        >>> series = as_series(rows)
        >>> series.values.ravel().tolist(), len(series.gaps)
        ([5.0, 5.0, 3.0], 1)
        >>> series.notes[0]
        "Column 'rain': 1 missing value is filled with the last known one."
    """
    if isinstance(data, TimeSeries):
        return data
    if hasattr(data, "times") and hasattr(data, "feature_names"):
        name, notes = str(getattr(data, "name", "series")), []
        values = np.asarray(data.values, dtype=np.float64)
        times = np.asarray(data.times).astype("datetime64[us]")
        rows = _Rows(times, values, tuple(data.feature_names))
    else:
        table = as_table(data)
        name, notes = table.name, list(table.notes)
        time = _find_time(table, time)
        times, note = _read_times(table, time, order)
        values, names, more = _numbers(table, time, columns)
        notes += [note, *more] if note else more
        rows = _Rows(times, values, names)
    rows, more = _without_repetitions(rows)
    notes += more
    rows, more = _in_order(rows, name, sort)
    notes += more
    rows, more = _one_of_each_time(rows, name)
    notes += more
    values, more = _hold(rows)
    notes += more
    series = TimeSeries(rows.times, values, rows.names, name, tuple(notes))
    more = _gap_note(series)
    return TimeSeries(rows.times, values, rows.names, name, (*notes, *more))


def read_series(
    path: str | PathLike[str],
    *,
    time: str | None = None,
    columns: Sequence[str] | None = None,
    sort: bool = False,
    order: TimeOrder | None = None,
    encoding: str | None = None,
) -> TimeSeries:
    r"""Read a time series from a CSV, JSONL or Parquet file.

    Args:
        path: The file.
        time: The column of times; None takes the first that looks like it.
        columns: The columns to keep; None keeps all that are numbers.
        sort: Whether to put rows in the order of time; else they must be.
        order: How dates of numbers are read, "day first" and the like; None finds out.
        encoding: How bytes become text; None finds out.

    Returns:
        The series, with notes on what was found (see `as_series`).

    Raises:
        DataError: What `read_table` and `as_series` refuse.
        ConfigError: An unknown encoding.
        MissingDependencyError: A Parquet file without pyarrow.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "rain.csv"
        ...     _ = path.write_text("day;rain\n1.2.2020;5,5\n2.2.2020;0\n")
        ...     read_series(path).column("rain")
        array([5.5, 0. ])
    """
    table = read_table(path, encoding=encoding)
    return as_series(table, time=time, columns=columns, sort=sort, order=order)
