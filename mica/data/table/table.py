"""A table of raw columns, as files and frames give them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from mica.data.table.cells import Cells, Decimal, as_cells, is_missing
from mica.errors import DataError, count_others, near_misses

__all__ = ["Table", "as_table", "unique_names"]


@dataclass(frozen=True)
class Table:
    """Named columns of equal length, not yet interpreted.

    Args:
        columns: A column per name: float64 numbers (NaN where missing), or a list of
            texts (None where missing).
        name: What to call the table in messages, such as the file's name.
        decimal: The mark between whole and fraction in texts.
        notes: What was noticed when the table was read, for the user.

    Example:
        >>> table = as_table({"age": [31, None], "sex": ["f", "m"]})
        >>> len(table), table.names
        (2, ('age', 'sex'))
    """

    columns: Mapping[str, Cells]
    name: str = "table"
    decimal: Decimal = "."
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, from left to right."""
        return tuple(self.columns)

    def column(self, name: str) -> Cells:
        """Give one column.

        Args:
            name: Its name.

        Returns:
            The cells.

        Raises:
            DataError: There is no such column.

        Example:
            >>> as_table({"sex": ["f", " m"]}).column("sex")
            ['f', 'm']
        """
        if name not in self.columns:
            raise DataError(
                f"{self.name}: expected a column {name!r}, got "
                f"{count_others(len(self.columns))}. {near_misses(name, self.names)}"
            )
        return self.columns[name]

    def take(self, rows: Sequence[int] | np.ndarray) -> Table:
        """Pick rows by number.

        Args:
            rows: Row numbers from 0.

        Returns:
            A table of these rows, in this order.

        Example:
            >>> as_table({"age": [31, 42, 53]}).take([2, 0]).column("age")
            array([53., 31.])
        """
        picked = {
            name: cells[np.asarray(rows, dtype=np.int64)]
            if isinstance(cells, np.ndarray)
            else [cells[row] for row in rows]
            for name, cells in self.columns.items()
        }
        return dataclasses.replace(self, columns=picked)

    def without(self, name: str) -> Table:
        """Leave a column out; one that is not there is no mistake.

        Args:
            name: The column's name.

        Returns:
            A table of the other columns.

        Example:
            >>> as_table({"age": [31], "sex": ["f"]}).without("sex").names
            ('age',)
        """
        kept = {key: cells for key, cells in self.columns.items() if key != name}
        return dataclasses.replace(self, columns=kept)

    def drop_missing(self, name: str) -> Table:
        """Leave out the rows that have no value in a column, and note how many.

        Args:
            name: The column's name.

        Returns:
            A table of the other rows.

        Raises:
            DataError: There is no such column, or it is empty.

        Example:
            >>> as_table({"age": [31, None, 42]}).drop_missing("age").notes
            ("1 of 3 rows has no value in 'age' and is left out.",)
        """
        cells = self.column(name)
        rows = [row for row, value in enumerate(cells) if not is_missing(value)]
        dropped = len(self) - len(rows)
        if dropped == 0:
            return self
        if not rows:
            raise DataError(
                f"{self.name}: expected values in column {name!r}, got none in "
                f"{len(self)} rows. Choose another column."
            )
        has, is_ = ("has", "is") if dropped == 1 else ("have", "are")
        note = (
            f"{dropped} of {len(self)} rows {has} no value in {name!r} and {is_} "
            "left out."
        )
        return dataclasses.replace(self.take(rows), notes=(*self.notes, note))


def unique_names(names: Sequence[Any]) -> tuple[list[str], list[str]]:
    """Name every column, and none like another.

    Args:
        names: Names as found: blanks around them, empty, or twice the same.

    Returns:
        The names, and notes on what was changed.

    Example:
        >>> unique_names(["age", "", "age"])[0]
        ['age', 'column_2', 'age (2)']
    """
    result: list[str] = []
    notes: list[str] = []
    for position, raw in enumerate(names, start=1):
        name = "" if raw is None else str(raw).strip()
        wanted = name or f"column_{position}"
        unique, copy = wanted, 1
        while unique in result:
            copy += 1
            unique = f"{wanted} ({copy})"
        if not name:
            notes.append(f"Column {position} has no name and is called {unique!r}.")
        elif unique != name:
            notes.append(
                f"Column {position} is called {name!r} like another one; it is now "
                f"{unique!r}."
            )
        result.append(unique)
    return result, notes


def _build(
    names: Sequence[Any], columns: Sequence[Any], name: str, decimal: Decimal = "."
) -> Table:
    if not names or not len(columns[0]):
        raise DataError(
            f"{name}: expected at least one column and one row, got {len(names)} "
            "columns and no row. Look at what made the table."
        )
    unique, notes = unique_names(names)
    cells = [as_cells(column) for column in columns]
    for column, values in zip(unique, cells, strict=True):
        if len(values) != len(cells[0]):
            raise DataError(
                f"{name}: expected {len(cells[0])} rows as in column {unique[0]!r}, "
                f"got {len(values)} in column {column!r}. Give all columns one length."
            )
    return Table(dict(zip(unique, cells, strict=True)), name, decimal, tuple(notes))


def _from_pandas(frame: Any, name: str) -> Table:
    columns = []
    for index in range(frame.shape[1]):
        series = frame.iloc[:, index]
        plain = isinstance(series.dtype, np.dtype) and series.dtype.kind in "iuf"
        missing = series.isna().to_numpy()
        values = series.to_numpy() if plain else series.to_numpy(dtype=object)
        columns.append(
            values
            if plain
            else [
                None if gone else value
                for value, gone in zip(values, missing, strict=True)
            ]
        )
    return _build(list(frame.columns), columns, name)


def _from_rows(rows: Sequence[Mapping[str, Any]], name: str) -> Table:
    names = list(dict.fromkeys(key for row in rows for key in row))
    columns = [[row.get(column) for row in rows] for column in names]
    return _build(names, columns, name)


def _is_column(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, (str, bytes))


def as_table(data: Any, name: str = "table") -> Table:
    """Make a table of whatever holds named columns.

    Args:
        data: A `Table`, a pandas or polars frame, a dict of columns, a list of dicts
            (one per row), or one dict of single values (one row).
        name: What to call the table in messages.

    Returns:
        The table.

    Raises:
        DataError: No rows, columns of different lengths, or no table at all.

    Example:
        >>> as_table([{"age": 31}, {"age": 42, "sex": "m"}]).column("sex")
        [None, 'm']
    """
    if isinstance(data, Table):
        return data
    library = type(data).__module__.partition(".")[0]
    if library == "pandas" and hasattr(data, "columns"):
        return _from_pandas(data, name)
    if library == "polars" and hasattr(data, "columns"):
        columns = [data.to_series(index).to_list() for index in range(data.width)]
        return _build(list(data.columns), columns, name)
    if isinstance(data, Mapping):
        if data and not any(_is_column(value) for value in data.values()):
            return _from_rows([data], name)
        columns = [value if _is_column(value) else [value] for value in data.values()]
        return _build(list(data), columns, name)
    is_rows = isinstance(data, Sequence) and not isinstance(data, str)
    if is_rows and data and all(isinstance(row, Mapping) for row in data):
        return _from_rows(data, name)
    got = f"an empty {type(data).__name__}" if is_rows and not data else None
    if isinstance(data, (str, PathLike)):
        got = f"the text {str(data)!r}"
    raise DataError(
        f"{name}: expected a frame, a dict of columns or a list of dicts, got "
        f"{got or f'an object of type {type(data).__name__}'}. Read a file with "
        "mica.data.read_csv(path)."
    )
