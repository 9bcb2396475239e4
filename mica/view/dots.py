"""A chart in a terminal: lines of Braille dots over an axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mica.report import Chart, Series, display_width, one_line
from mica.view.axis import Axis, make_axis

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["draw_dots"]

CHART_ROWS = 10

# The bit of each dot of a character: row, column (Unicode standard, Braille patterns).
DOT_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])


def _line_dots(
    part: Chart, line: Series, x_axis: Axis, y_axis: Axis, columns: int
) -> list[tuple[int, int]]:
    """The dots of a line: its points, and all between neighbours without a gap."""
    across, down = 2 * columns - 1, 4 * CHART_ROWS - 1
    dots: list[tuple[int, int]] = []
    last: tuple[float, float] | None = None
    is_joined = (line.kind or part.kind) == "line"
    for x_value, y_value in zip(line.x, line.y, strict=True):
        if not (x_axis.shows(x_value) and y_axis.shows(y_value)):
            last = None
            continue
        x = across * x_axis.place(x_value)
        y = down * (1 - y_axis.place(y_value))
        steps = 1
        if last is not None and is_joined:
            steps = max(1, math.ceil(max(abs(x - last[0]), abs(y - last[1]))))
        start = last or (x, y)
        for step in range(1, steps + 1):
            share = step / steps
            dots.append(
                (
                    round(start[0] + share * (x - start[0])) if is_joined else round(x),
                    round(start[1] + share * (y - start[1])) if is_joined else round(y),
                )
            )
        last = (x, y)
    return dots


def _dots(
    part: Chart, x_axis: Axis, y_axis: Axis, columns: int
) -> tuple[np.ndarray, np.ndarray]:
    """Each character's dots, and the line that drew there last."""
    bits = np.zeros((CHART_ROWS, columns), np.int64)
    owner = np.zeros((CHART_ROWS, columns), np.int64)
    for k, line in enumerate(part.series):
        for x, y in _line_dots(part, line, x_axis, y_axis, columns):
            bits[y // 4, x // 2] |= DOT_BITS[y % 4, x % 2]
            owner[y // 4, x // 2] = k
    return bits, owner


def _x_labels(part: Chart, axis: Axis, columns: int) -> str:
    """Ticks' labels below their places, the axis's name at the end if it fits."""
    line = [" "] * columns
    free = 0
    for tick, label in zip(axis.ticks, axis.labels, strict=True):
        start = round(axis.place(tick) * (columns - 1)) - len(label) // 2
        start = min(max(start, 0), columns - len(label))
        if start >= free:
            line[start : start + len(label)] = label
            free = start + len(label) + 1
    name = one_line(part.x_label)
    if name and columns - free > display_width(name):
        line[columns - len(name) :] = name
    return "".join(line)


def draw_dots(
    part: Chart, width: int, colours: Sequence[str], muted: str
) -> list[Text]:
    r"""Give a chart as rows of characters, each two dots wide and four high.

    Args:
        part: Of kind "line" or "points".
        width: Columns to fill.
        colours: Styles of the lines, used in turn.
        muted: The style of the axes.

    Example:
        >>> line = Series("y", [0, 1], [0.0, 1.0])
        >>> print(*draw_dots(Chart("", [line]), 16, ["red"], "dim")[-3:], sep="\n")
        0 ┤⡰⠁
          └────────────
           0          1
    """
    from rich.text import Text

    points = [line.points() for line in part.series]
    x_axis = make_axis([x for line in points for x, _ in line], scale=part.x_scale)
    y_axis = make_axis(
        [y for line in points for _, y in line], scale=part.y_scale, has_margin=True
    )
    left = max((len(label) for label in y_axis.labels), default=1) + 1
    columns = max(width - left - 2, 8)
    dots, owner = _dots(part, x_axis, y_axis, columns)
    labels = {
        min(int((1 - y_axis.place(tick)) * CHART_ROWS), CHART_ROWS - 1): label
        for tick, label in zip(y_axis.ticks, y_axis.labels, strict=True)
    }
    rows: list[Text] = []
    for row in range(CHART_ROWS):
        tick = "\u2524" if row in labels else "\u2502"
        text = Text()
        text.append(f"{labels.get(row, ''):>{left - 1}} {tick}", muted)
        for column in range(columns):
            code = int(dots[row, column])
            shape = chr(0x2800 + code) if code else " "
            style = colours[int(owner[row, column]) % len(colours)] if code else None
            text.append(shape, style)
        rows.append(text)
    rows.append(Text(f"{'':>{left}}\u2514{chr(0x2500) * columns}", muted))
    rows.append(Text(" " * (left + 1) + _x_labels(part, x_axis, columns), muted))
    return rows
