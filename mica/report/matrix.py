"""A matrix of a report: numbers under named rows and columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from numbers import Integral
from typing import Any

from mica.errors import DataError, ShapeError
from mica.report.part import Part, store
from mica.report.table import Table
from mica.report.words import aligned, format_column, joined, one_line, wrapped

__all__ = ["Matrix"]

LARGEST_TEXT_MATRIX = 25  # columns of a matrix that plain text still shows whole


@dataclass(frozen=True)
class Matrix(Part):
    """Numbers under named rows and columns, shaded by size when drawn.

    Args:
        title: The heading; "" for none.
        values: The numbers, (rows, columns).
        row_labels: One name per row.
        column_labels: One name per column.
        row_title: What the rows are, such as "true".
        column_title: What the columns are, such as "predicted".
        is_confusion: Whether the diagonal is agreement: it is then coloured apart,
            and each cell is shaded by its share of its row.
        note: A remark below the matrix.

    Raises:
        ShapeError: Labels do not fit the values.
        DataError: There is no row or no column, or a value is no number.

    Example:
        >>> print(Matrix("Confusion", [[5, 0], [1, 4]], ["cat", "dog"], ["cat", "dog"]))
        Confusion
             cat  dog
        ---  ---  ---
        cat    5    0
        dog    1    4
    """

    title: str
    values: Any
    row_labels: Sequence[str]
    column_labels: Sequence[str]
    _: KW_ONLY
    row_title: str = ""
    column_title: str = ""
    is_confusion: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        where = f"Matrix {self.title!r}"
        rows = tuple(str(label) for label in self.row_labels)
        columns = tuple(str(label) for label in self.column_labels)
        values = tuple(
            tuple(_as_cell(where, value) for value in row) for row in self.values
        )
        if not rows or not columns:
            raise DataError(
                f"{where}: expected at least one row and one column, got "
                f"{len(rows)} and {len(columns)}. Give what is to be shown."
            )
        widths = {len(row) for row in values} or {0}
        if len(values) != len(rows) or widths != {len(columns)}:
            got = " or ".join(str(width) for width in sorted(widths))
            raise ShapeError(
                f"{where}: expected values of shape ({len(rows)}, {len(columns)}) for "
                f"its labels, got {len(values)} rows of {got}. "
                "Give one label for each row and each column."
            )
        if self.is_confusion and len(rows) != len(columns):
            raise ShapeError(
                f"{where}: expected as many rows as columns in a confusion matrix, "
                f"got {len(rows)} and {len(columns)}. Give is_confusion=False."
            )
        store(self, values=values, row_labels=rows, column_labels=columns)

    def __str__(self) -> str:
        if len(self.column_labels) > LARGEST_TEXT_MATRIX:
            body = self._largest_text()
        else:
            labels = [one_line(label) for label in self.row_labels]
            columns = [list(column) for column in zip(*self.texts(), strict=True)]
            rights = [False, *(True for _ in columns)]
            body = aligned(["", *self.column_labels], [labels, *columns], rights)
        sides = [
            f"{side} are {one_line(name)}"
            for side, name in (("rows", self.row_title), ("columns", self.column_title))
            if name
        ]
        note = wrapped(self.note)
        return joined(one_line(self.title), body, ", ".join(sides), note)

    def texts(self) -> list[list[str]]:
        """Give the cells as texts, row by row, all to the same decimal place.

        Example:
            >>> Matrix("", [[1.0, -0.25]], ["a"], ["b", "c"]).texts()
            [['1.00', '-0.25']]
        """
        texts = iter(format_column([value for row in self.values for value in row]))
        return [[next(texts) for _ in self.column_labels] for _ in self.row_labels]

    def largest(self, count: int = 10) -> Table:
        """Give the largest cells as a table; in a confusion matrix, of the confused.

        Args:
            count: How many at most.

        Example:
            >>> labels = ["cat", "dog"]
            >>> table = Matrix("", [[5, 0], [1, 4]], labels, labels).largest(1)
            >>> table.rows
            (('cat', 'cat', 5),)
        """
        cells = [
            (row, column, value)
            for i, row in enumerate(self.row_labels)
            for j, column in enumerate(self.column_labels)
            if (value := self.values[i][j]) and not (self.is_confusion and i == j)
        ]
        cells.sort(key=lambda cell: -abs(cell[2]) if cell[2] == cell[2] else math.inf)
        header = [self.row_title or "row", self.column_title or "column", "value"]
        return Table("", header, cells[:count])

    def _largest_text(self) -> str:
        kind = "largest off its diagonal" if self.is_confusion else "largest"
        size = f"{len(self.row_labels)} x {len(self.column_labels)}"
        return f"{size}; the {kind}:\n{self.largest()}"


def _as_cell(where: str, value: object) -> float | int:
    """One number of a matrix; counts stay integers."""
    if isinstance(value, Integral):
        return int(value)
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(
            f"{where}: expected numbers, got {value!r}. Give NaN for an empty cell."
        ) from error
    return number
