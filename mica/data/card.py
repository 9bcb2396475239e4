"""A data card: what is in the data, before anything is learned from it."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from mica import report
from mica.data.split import as_array, class_codes
from mica.data.table.cells import texts
from mica.data.table.kinds import inspect_column
from mica.data.table.table import as_table
from mica.data.table.times import time_text
from mica.data.tensors import named_leaves

__all__ = ["describe", "describe_table"]

MOST_CLASSES = 20  # rows of the table of classes; ours


def _leaf_row(name: str, leaf: Any) -> list[object]:
    array = as_array(leaf)
    kind = str(getattr(leaf, "dtype", array.dtype)).removeprefix("torch.")
    shape = str(array.shape[1:]) if array.ndim > 1 else "one value"
    row: list[object] = [name, len(array) if array.ndim else 1, shape, kind]
    if array.dtype.kind not in "biuf" or array.size == 0:
        return [*row, None, None, None, None]
    with np.errstate(over="ignore", invalid="ignore"):  # an infinite mean is shown
        values = array.astype(np.float64, copy=False)
        known = values[np.isfinite(values)]
        if known.size == 0:
            return [*row, None, None, None, values.size]
        low, high, mean = known.min(), known.max(), known.mean()
    return [*row, float(low), float(high), float(mean), values.size - known.size]


def _class_table(y: Any, label_names: Sequence[str] | None) -> report.Table | None:
    codes = class_codes(y)
    if codes is None:
        return None
    labels = as_array(named_leaves(y, "y")[0][1])
    # One-hot rows have no label of their own; their place is its number.
    is_one_hot = labels.ndim == 2 and labels.shape[1] > 1
    values = codes if is_one_hot else labels.reshape(-1)
    if values.dtype.kind == "O":
        values = values.astype(str)
    counts = Counter(values.tolist())
    rows = []
    for value, count in sorted(counts.items()):
        place = int(value) if isinstance(value, (bool, int, float)) else -1
        is_named = label_names and 0 <= place < len(label_names)
        name = label_names[place] if label_names and is_named else str(value)
        rows.append([name, count, count / len(values)])
    note = ""
    if len(rows) > MOST_CLASSES:
        note = f"and {len(rows) - MOST_CLASSES} rarer classes"
        rows = sorted(rows, key=lambda row: -row[1])[:MOST_CLASSES]
    return report.Table("Classes", ["class", "rows", "share"], rows, note)


def describe(
    x: Any,
    y: Any = None,
    label_names: Sequence[str] | None = None,
    *,
    title: str = "Data",
) -> report.Report:
    """Say how many rows there are, of what shape, range and type, and which classes.

    Args:
        x: Arrays, tensors, lists, frames, or dicts and tuples of them.
        y: Targets in the same way, or None.
        label_names: The classes in the order of their numbers, or None.
        title: The report's title.

    Returns:
        A report of a table of arrays and, for classes, a table of classes. The
        column "missing" counts NaN and infinity.

    Example:
        >>> card = describe([[1.0], [2.0], [4.0], [9.0]], [0, 1, 0, 1], ["no", "yes"])
        >>> print(card.parts[1])
        Classes
        class  rows  share
        -----  ----  -----
        no        2    0.5
        yes       2    0.5
    """
    leaves = named_leaves(x, "x")
    if y is not None:
        leaves += named_leaves(y, "y")
    columns = ["array", "rows", "row", "type", "lowest", "highest", "mean", "missing"]
    rows = [_leaf_row(name, leaf) for name, leaf in leaves]
    parts: list[report.Part] = [report.Table("Arrays", columns, rows)]
    classes = _class_table(y, label_names)
    if classes is not None:
        parts.append(classes)
    return report.Report(title, parts)


def _span(numbers: np.ndarray | None, counts: dict[str, int]) -> str:
    if numbers is not None:
        known = numbers[~np.isnan(numbers)]
        low, high = known.min(), known.max()
        return f"{report.format_value(low)} to {report.format_value(high)}"
    frequent = sorted(counts, key=lambda text: -counts[text])
    return ", ".join(frequent[:4]) + (", ..." if len(frequent) > 4 else "")


def describe_table(
    data: Any, target: str | None = None, *, title: str = "Data"
) -> report.Report:
    """Say what each column of a table is: kind, gaps, distinct values, range.

    Args:
        data: A `Table`, a frame, or rows as dicts.
        target: The column to predict, marked as such.
        title: The report's title.

    Returns:
        A report of one table with a row per column.

    Example:
        >>> card = describe_table({"sex": ["f", "m", "f", None]}, title="Patients")
        >>> card.title
        'Patients'
    """
    table = as_table(data)
    rows = []
    for name, cells in table.columns.items():
        found = inspect_column(name, cells, decimal=table.decimal)
        known = [text for text in texts(cells) if text is not None]
        kind = "target" if name == target else found.kind
        span = found.reason or _span(found.numbers, found.counts)
        if found.times is not None:
            times = found.times.times[~np.isnat(found.times.times)]
            span = f"{time_text(times.min())} to {time_text(times.max())}"
        if name == target and found.kind == "left out":
            span = _span(None, dict(Counter(known)))
        distinct = len(found.counts) or len(set(known))
        rows.append([name, kind, distinct, len(table) - len(known), span])
    columns = ["column", "kind", "distinct", "missing", "values"]
    note = f"{len(table)} rows, {len(table.columns)} columns"
    parts: list[report.Part] = [report.Table("Columns", columns, rows, note)]
    if table.notes:
        body = "\n".join(f"- {sentence}" for sentence in table.notes)
        parts.append(report.Text("Notes", body))
    return report.Report(title, parts)
