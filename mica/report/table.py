"""A table of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mica.errors import ShapeError
from mica.report.part import Part, store
from mica.report.words import (
    aligned,
    format_column,
    is_numeric,
    joined,
    one_line,
    wrapped,
)

__all__ = ["Table"]


@dataclass(frozen=True)
class Table(Part):
    """Rows under named columns.

    Args:
        title: The heading; "" for none.
        columns: The columns' names.
        rows: The rows, each with one value per column: numbers stay numbers (all
            renderings align them), None is an empty cell.
        note: A remark below the table.

    Raises:
        ShapeError: A row has more or fewer values than there are columns.

    Example:
        >>> rows = [["majority", 0.1], ["this", 1]]
        >>> print(Table("Test", ["model", "accuracy"], rows))
        Test
        model     accuracy
        --------  --------
        majority       0.1
        this             1
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    note: str = ""

    def __post_init__(self) -> None:
        columns = tuple(str(column) for column in self.columns)
        rows = tuple(tuple(row) for row in self.rows)
        for index, row in enumerate(rows):
            if len(row) != len(columns):
                raise ShapeError(
                    f"Table {self.title!r}: expected {len(columns)} values in each "
                    f"row, got {len(row)} in row {index}. "
                    "Give None for an empty cell."
                )
        store(self, columns=columns, rows=rows)

    def column(self, index: int) -> list[object]:
        """Give one column's cells, from the top.

        Args:
            index: The column's position.

        Example:
            >>> Table("", ["a", "b"], [[1, 2], [3, 4]]).column(1)
            [2, 4]
        """
        return [row[index] for row in self.rows]

    def __str__(self) -> str:
        cells = [self.column(index) for index in range(len(self.columns))]
        texts = [format_column(column) for column in cells]
        rights = [is_numeric(column) for column in cells]
        table = aligned(self.columns, texts, rights) if cells else ""
        empty = "" if self.rows else "(no rows)"
        return joined(one_line(self.title), table, empty, wrapped(self.note))
