"""What a tool found, as plain values: texts, tables, charts, matrices, pictures.

A tool measures and returns a `Report`; `mica.view` draws it. So anything that can
say its result in these parts shows in a terminal, a notebook and on a page of HTML.
"""

from __future__ import annotations

import math
import re
import sys
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np

from mica.errors import ConfigError, DataError, ShapeError, StateError, near_misses

__all__ = [
    "Chart",
    "Finding",
    "Highlight",
    "Highlights",
    "Images",
    "Mark",
    "Matrix",
    "Part",
    "Renderer",
    "Report",
    "Series",
    "Table",
    "Text",
    "display_width",
    "format_column",
    "format_value",
    "install_renderer",
    "is_number",
    "one_line",
    "printable",
]

Severity = Literal["good", "note", "warning", "problem"]
ChartKind = Literal["line", "points", "bars"]
SeriesKind = Literal["line", "points"]
AxisScale = Literal["linear", "log"]

TEXT_WIDTH = 80  # columns of plain text: the width of a terminal nobody resized
LARGEST_TEXT_MATRIX = 25  # columns of a matrix that plain text still shows whole

# Control characters (a terminal obeys them), overrides of the writing direction
# (they reorder what is read) and lone surrogates (no encoding has them).
_UNPRINTABLE = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: object) -> str:
    r"""Give the text with "?" for each character that would act instead of show.

    Args:
        text: Anything; ``str`` of it is taken.

    Returns:
        The text, lines and tabs (as four spaces) kept.

    Example:
        >>> printable("a label\x1b[2J\r\nof two lines")
        'a label?[2J\nof two lines'
    """
    lines = str(text).replace("\r\n", "\n").expandtabs(4)
    return _UNPRINTABLE.sub("?", lines)


def one_line(text: object) -> str:
    r"""Give the printable text on one line: for cells, labels and titles.

    Args:
        text: Anything; ``str`` of it is taken.

    Example:
        >>> one_line("two\nlines")
        'two lines'
    """
    return " ".join(printable(text).split())


def display_width(text: str) -> int:
    """Count the terminal columns a line of text takes.

    Args:
        text: One line.

    Example:
        >>> display_width("cat"), display_width("猫")
        (3, 2)
    """
    return sum(
        0
        if unicodedata.combining(character)
        else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )


def is_number(value: object) -> bool:
    """Whether a cell holds a number (True and False are answers, not numbers).

    Args:
        value: A cell.

    Example:
        >>> is_number(0.5), is_number(True), is_number("0.5")
        (True, False, False)
    """
    return isinstance(value, Real) and not isinstance(value, bool)


def _decimals(value: float) -> int:
    """Digits after the point that show four significant ones, zeros left out."""
    if value == 0:
        return 0
    digits = 3 - math.floor(math.log10(abs(value)))
    shown = f"{value:.{max(digits, 0)}f}"
    return len(shown.rstrip("0").partition(".")[2]) if "." in shown else 0


def _has_plain_form(value: float) -> bool:
    return value == 0 or 1e-4 <= abs(value) < 1e7


def format_value(value: object) -> str:
    """Write one value as every rendering shows it: four significant digits.

    Args:
        value: A number, a text, True, False, None or anything with a ``str``.

    Example:
        >>> [format_value(value) for value in (0.98611, 93322, None, True, 3e-7)]
        ['0.9861', '93,322', '-', 'yes', '3e-07']
    """
    if value is None:
        return "-"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        return f"{int(value):,}" if abs(int(value)) >= 10_000 else str(int(value))
    if isinstance(value, Real):
        number = float(value)
        if not math.isfinite(number):
            return str(number)
        if not _has_plain_form(number):
            return f"{number:.4g}"
        grouping = "," if abs(number) >= 10_000 else ""
        return f"{number:{grouping}.{_decimals(number)}f}"
    return one_line(value)


def format_column(values: Sequence[object]) -> list[str]:
    """Write a column's values, its numbers to the same decimal place.

    Args:
        values: The column's cells.

    Example:
        >>> format_column([0.98611, 0.5, None])
        ['0.9861', '0.5000', '-']
    """
    numbers = [
        float(value)
        for value in values
        if isinstance(value, Real)
        and not isinstance(value, Integral)
        and math.isfinite(float(value))
    ]
    sizes = [abs(number) for number in numbers if number != 0]
    # One decimal place for all only when they are of like size: 1,000 times apart.
    if not sizes or max(sizes) > 1e3 * min(sizes):
        return [format_value(value) for value in values]
    if not all(_has_plain_form(number) for number in numbers):
        return [format_value(value) for value in values]
    decimals = max(_decimals(number) for number in numbers)
    grouping = "," if max(sizes) >= 10_000 else ""
    return [
        f"{float(value):{grouping}.{decimals}f}"
        if isinstance(value, Real)
        and not isinstance(value, Integral)
        and math.isfinite(float(value))
        else format_value(value)
        for value in values
    ]


def _pad(text: str, width: int, *, right: bool) -> str:
    space = " " * max(width - display_width(text), 0)
    return space + text if right else text + space


def _aligned(header: Sequence[str], columns: Sequence[Sequence[object]]) -> str:
    """Lines of a table: numbers to the right, words to the left, a rule between."""
    texts, rights = [], []
    for name, values in zip(header, columns, strict=True):
        texts.append([one_line(name), *format_column(values)])
        filled = [value for value in values if value is not None]
        rights.append(bool(filled) and all(is_number(value) for value in filled))
    widths = [max(display_width(text) for text in column) for column in texts]
    rows = [list(row) for row in zip(*texts, strict=True)]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "  ".join(
            _pad(text, width, right=right)
            for text, width, right in zip(row, widths, rights, strict=True)
        ).rstrip()
        for row in rows
    )


def _wrap(text: str, width: int = TEXT_WIDTH, indent: str = "") -> str:
    """Break paragraphs at ``width``; indented lines stand as they are."""
    lines = []
    for line in printable(text).splitlines():
        if line.startswith("    "):
            lines.append(line.rstrip())
        else:
            hanging = indent + "  " if line.startswith("- ") else indent
            lines += textwrap.wrap(
                line, width, initial_indent=indent, subsequent_indent=hanging
            ) or [""]
    return "\n".join(lines)


def _joined(*blocks: str) -> str:
    return "\n".join(block for block in blocks if block)


def _check_choice(where: str, what: str, value: object, choices: object) -> None:
    known = get_args(choices)
    if value not in known:
        advice = near_misses(str(value), known)
        raise ConfigError(
            f"{where}: expected {what} to be one of {', '.join(known)}, "
            f"got {value!r}. {advice}"
        )


class Renderer(Protocol):
    """What draws parts: `mica.view` installs one when it is imported."""

    def show(self, part: Part) -> None:
        """Print the part to the terminal, or display it in the notebook."""
        ...

    def plot(self, part: Part, path: str | PathLike[str] | None) -> Any:
        """Draw the part as a matplotlib figure; save it when a path is given."""
        ...

    def page(self, part: Part, path: str | PathLike[str]) -> Path:
        """Write the part as one self-contained HTML page."""
        ...

    def fragment(self, part: Part) -> str:
        """Give the part as HTML for a notebook's cell."""
        ...


_renderer: Renderer | None = None


def install_renderer(renderer: Renderer | None) -> Renderer | None:
    """Set what draws parts from now on.

    Args:
        renderer: The renderer; None leaves plain text only.

    Returns:
        The renderer that was installed before.
    """
    global _renderer
    before = _renderer
    _renderer = renderer
    return before


class Part:
    """Anything a report can hold. ``str(part)`` is plain text."""

    def show(self) -> None:
        """Print the part to the terminal, or display it in the notebook."""
        if _renderer is None:
            sys.stdout.write(f"{self}\n")
        else:
            _renderer.show(self)

    def plot(self, path: str | PathLike[str] | None = None) -> Any:
        """Draw the part's charts, matrices and pictures with matplotlib.

        Args:
            path: Where to save the figure; the suffix (.png, .svg, .pdf) says how.
                None saves nothing.

        Returns:
            A ``matplotlib.figure.Figure`` that pyplot knows nothing about: nothing
            pops up, nothing stays open.

        Raises:
            StateError: `mica.view` was not imported.
            ConfigError: There is nothing to draw, or the suffix is unknown.
        """
        return _renderer_for("plot").plot(self, path)

    def page(self, path: str | PathLike[str]) -> Path:
        """Write one self-contained HTML page that opens offline.

        Args:
            path: The file to write, by whole: an old one stays until the new is done.

        Returns:
            The path written.

        Raises:
            StateError: `mica.view` was not imported.
            ConfigError: ``path`` is a folder.
        """
        return _renderer_for("page").page(self, path)

    def _repr_html_(self) -> str | None:
        return None if _renderer is None else _renderer.fragment(self)


def _renderer_for(method: str) -> Renderer:
    if _renderer is None:
        raise StateError(
            f"report.{method}: expected a renderer to be installed, got none. "
            "Do `import mica.view` first."
        )
    return _renderer


def _store(part: object, **values: object) -> None:
    """Put the normalised values into a frozen dataclass while it is being made."""
    for name, value in values.items():
        object.__setattr__(part, name, value)


@dataclass(frozen=True)
class Text(Part):
    """Paragraphs, parted by empty lines.

    A paragraph whose lines all start with "- " is a list; one whose lines are all
    indented by four spaces (commands, code) is shown as it stands.

    Args:
        title: The heading; "" for none.
        body: The paragraphs.

    Example:
        >>> print(Text("Next", "Three commands to go on with:"))
        Next
        Three commands to go on with:
    """

    title: str
    body: str

    def __str__(self) -> str:
        return _joined(one_line(self.title), _wrap(self.body))


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
        _store(self, columns=columns, rows=rows)

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
        table = _aligned(self.columns, cells) if cells else ""
        empty = "" if self.rows else "(no rows)"
        return _joined(one_line(self.title), table, empty, _wrap(self.note))


@dataclass(frozen=True)
class Series:
    """A named line of points for a `Chart`.

    Args:
        name: What the legend says.
        x: Positions: numbers, or words for a chart of bars.
        y: Values, one per position; NaN, infinity and None are gaps.
        kind: "line" or "points" where it differs from its chart's; None for the same.

    Raises:
        DataError: ``x`` and ``y`` differ in length, or hold something else.
        ConfigError: An unknown kind.

    Example:
        >>> Series("loss", [1, 2], [0.5, None]).y
        (0.5, nan)
    """

    name: str
    x: Sequence[Any]
    y: Sequence[Any]
    kind: SeriesKind | None = None

    def __post_init__(self) -> None:
        if self.kind is not None:
            _check_choice(f"Series {self.name!r}", "kind", self.kind, SeriesKind)
        places, values = list(self.x), list(self.y)
        if len(places) != len(values):
            raise DataError(
                f"Series {self.name!r}: expected x and y of one length, got "
                f"{len(places)} and {len(values)}. Give one y for each x."
            )
        x = tuple(
            place if isinstance(place, str) else _as_float(self.name, "x", place)
            for place in places
        )
        y = tuple(_as_float(self.name, "y", value) for value in values)
        _store(self, x=x, y=y)

    @property
    def has_words(self) -> bool:
        """Whether positions are words, not numbers."""
        return any(isinstance(place, str) for place in self.x)

    def points(self) -> list[tuple[float, float]]:
        """Give the points that can be drawn: both numbers finite, in their order.

        Example:
            >>> Series("loss", [1, 2], [0.5, None]).points()
            [(1.0, 0.5)]
        """
        return [
            (x, y)
            for x, y in zip(self.x, self.y, strict=True)
            if not isinstance(x, str) and math.isfinite(x) and math.isfinite(y)
        ]


def _as_float(name: str, axis: str, value: object) -> float:
    """One number of a series; None is a gap."""
    if value is None:
        return math.nan
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(
            f"Series {name!r}: expected numbers in {axis}, got {value!r}. "
            "Give numbers, or None for a gap."
        ) from error


@dataclass(frozen=True)
class Mark:
    """A point of a chart worth a look, such as the best epoch.

    Args:
        x: Its position.
        y: Its value.
        label: What it is, in a few words.
    """

    x: float
    y: float
    label: str


@dataclass(frozen=True)
class Chart(Part):
    """Lines, points or bars over a common axis.

    Args:
        title: The heading; "" for none.
        series: What is drawn, at least one.
        x_label: What the positions are.
        y_label: What the values are.
        kind: "line", "points", or "bars" (one bar per position, words allowed).
        x_scale: "linear" or "log".
        y_scale: "linear" or "log"; a value that has no logarithm is a gap.
        marks: Points worth a look.
        note: A remark below the chart.

    Raises:
        DataError: There is no series, or words stand where a line needs numbers.
        ConfigError: An unknown kind or scale.

    Example:
        >>> print(Chart("Loss", [Series("loss", [1, 2, 3], [0.9, 0.3, 0.5])], "epoch"))
        Loss
        loss: 0.9 to 0.5 over epoch 1 to 3, lowest 0.3 at 2, highest 0.9 at 1
    """

    title: str
    series: Sequence[Series]
    x_label: str = ""
    y_label: str = ""
    _: KW_ONLY
    kind: ChartKind = "line"
    x_scale: AxisScale = "linear"
    y_scale: AxisScale = "linear"
    marks: Sequence[Mark] = ()
    note: str = ""

    def __post_init__(self) -> None:
        where = f"Chart {self.title!r}"
        _check_choice(where, "kind", self.kind, ChartKind)
        _check_choice(where, "x_scale", self.x_scale, AxisScale)
        _check_choice(where, "y_scale", self.y_scale, AxisScale)
        series = tuple(self.series)
        if not series:
            raise DataError(
                f"{where}: expected at least one series, got none. "
                "Give what is to be drawn."
            )
        for line in series:
            if self.kind != "bars" and line.has_words:
                raise DataError(
                    f"{where}: expected numbers as x of {line.name!r}, got words. "
                    'Give numbers, or kind="bars".'
                )
        _store(self, series=series, marks=tuple(self.marks))

    def __str__(self) -> str:
        if self.kind == "bars":
            body = self._bars_text()
        else:
            body = "\n".join(self._line_text(series) for series in self.series)
        marks = [f"{one_line(mark.label)}" for mark in self.marks]
        return _joined(one_line(self.title), body, *marks, _wrap(self.note))

    def _bars_text(self) -> str:
        places = list(dict.fromkeys(x for series in self.series for x in series.x))
        values = [dict(zip(series.x, series.y, strict=True)) for series in self.series]
        columns = [[value.get(place) for place in places] for value in values]
        names = [series.name for series in self.series]
        return _aligned([self.x_label, *names], [places, *columns])

    def _line_text(self, series: Series) -> str:
        name = one_line(series.name)
        finite = series.points()
        gaps = len(series.y) - len(finite)
        missing = f", {gaps} not finite" if gaps else ""
        if not finite:
            return f"{name}: no finite value{missing}"
        axis = f"{one_line(self.x_label) or 'x'} "
        (first_x, first), (last_x, last) = finite[0], finite[-1]
        low = min(finite, key=lambda point: point[1])
        high = max(finite, key=lambda point: point[1])
        show = format_value
        if len(finite) == 1:
            return f"{name}: {show(first)} at {axis}{show(first_x)}{missing}"
        return (
            f"{name}: {show(first)} to {show(last)} over {axis}{show(first_x)} to "
            f"{show(last_x)}, lowest {show(low[1])} at {show(low[0])}, "
            f"highest {show(high[1])} at {show(high[0])}{missing}"
        )


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
        DataError: A value is no number.

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
        _store(self, values=values, row_labels=rows, column_labels=columns)

    def __str__(self) -> str:
        if len(self.column_labels) > LARGEST_TEXT_MATRIX:
            body = self._largest_text()
        else:
            columns = [list(column) for column in zip(*self.values, strict=True)]
            body = _aligned(
                ["", *self.column_labels], [list(self.row_labels), *columns]
            )
        sides = [
            f"{side} are {one_line(name)}"
            for side, name in (("rows", self.row_title), ("columns", self.column_title))
            if name
        ]
        note = _wrap(self.note)
        return _joined(one_line(self.title), body, ", ".join(sides), note)

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


@dataclass(frozen=True, eq=False)
class Images(Part):
    """Pictures with captions.

    Bytes are shown as they are, numbers within 0..1 from black to white, and any
    others stretched, all pictures alike, from the smallest number to the largest.

    Args:
        title: The heading; "" for none.
        images: An array (n, height, width) of grey, (n, height, width, 1 | 3 | 4) of
            grey, red-green-blue or with opacity, or a list of such pictures, whose
            sizes may differ.
        captions: One per picture; empty for none.
        note: A remark below the pictures.

    Raises:
        ShapeError: A picture's rank or number of channels, or the number of captions.
        DataError: A picture is empty or holds no numbers.

    Example:
        >>> import numpy
        >>> print(Images("Digits", numpy.zeros((2, 8, 8)), ["a zero", "a one"]))
        Digits
        2 pictures of 8 x 8 pixels
          1. a zero
          2. a one
    """

    title: str
    images: Any
    captions: Sequence[str] = ()
    note: str = ""

    def __post_init__(self) -> None:
        where = f"Images {self.title!r}"
        images = tuple(_as_picture(where, image) for image in self.images)
        captions = tuple(str(caption) for caption in self.captions)
        if captions and len(captions) != len(images):
            raise ShapeError(
                f"{where}: expected one caption for each of {len(images)} pictures, "
                f"got {len(captions)}. Give as many captions, or none."
            )
        _store(self, images=images, captions=captions)

    def __str__(self) -> str:
        sizes = {f"{image.shape[1]} x {image.shape[0]}" for image in self.images}
        number = len(self.images)
        noun = "picture" if number == 1 else "pictures"
        size = f" of {sizes.pop()} pixels" if len(sizes) == 1 else ""
        captions = [
            f"  {index}. {one_line(caption)}"
            for index, caption in enumerate(self.captions, start=1)
        ]
        title, note = one_line(self.title), _wrap(self.note)
        return _joined(title, f"{number} {noun}{size}", *captions, note)


def _as_picture(where: str, image: object) -> np.ndarray:
    """One picture as an array nobody else can change."""
    picture = np.array(image)
    if picture.ndim not in (2, 3) or (
        picture.ndim == 3 and picture.shape[2] not in (1, 3, 4)
    ):
        raise ShapeError(
            f"{where}: expected pictures of shape (height, width) or (height, width, "
            f"1 | 3 | 4), got {picture.shape}. Put the channels last."
        )
    if picture.dtype.kind not in "biuf":
        raise DataError(
            f"{where}: expected numbers in its pictures, got {picture.dtype}. "
            "Give integers or floats."
        )
    if picture.size == 0:
        raise DataError(
            f"{where}: expected pictures with pixels, got shape {picture.shape}. "
            "Leave empty pictures out."
        )
    picture.setflags(write=False)
    return picture


@dataclass(frozen=True)
class Finding(Part):
    """One thing a tool found out, with its evidence and what to do.

    Args:
        severity: "good", "note", "warning" or "problem".
        where: What it is about: a layer, a column, an epoch.
        fact: What is true, in one sentence.
        evidence: The numbers that show it.
        remedy: What to do.

    Raises:
        ConfigError: An unknown severity.

    Example:
        >>> print(Finding("warning", "dense_1", "Half its units never fire.",
        ...               "127 of 256 units gave 0 on every sample.",
        ...               "Lower the learning rate."))
        [warning] dense_1: Half its units never fire.
          Evidence: 127 of 256 units gave 0 on every sample.
          Remedy: Lower the learning rate.
    """

    severity: Severity
    where: str
    fact: str
    evidence: str = ""
    remedy: str = ""

    def __post_init__(self) -> None:
        place = f"Finding {self.where!r}" if self.where else "Finding"
        _check_choice(place, "severity", self.severity, Severity)

    def __str__(self) -> str:
        place = f"{one_line(self.where)}: " if self.where else ""
        head = _wrap(f"[{self.severity}] {place}{one_line(self.fact)}")
        more = [
            _wrap(f"{name}: {one_line(text)}", indent="  ")
            for name, text in (("Evidence", self.evidence), ("Remedy", self.remedy))
            if text
        ]
        return _joined(head, *more)


@dataclass(frozen=True)
class Highlight:
    """One number that matters, for `Highlights`.

    Args:
        name: What it is: "test accuracy".
        value: The number, or a word.
        note: What to compare it with: "logistic regression 0.9694".
    """

    name: str
    value: object
    note: str = ""


@dataclass(frozen=True)
class Highlights(Part):
    """The few numbers to see first, drawn large.

    Args:
        title: The heading; "" for none.
        items: The numbers, most important first.

    Example:
        >>> print(Highlights("", [Highlight("test accuracy", 0.98611, "majority 0.1")]))
        test accuracy  0.9861  majority 0.1
    """

    title: str
    items: Sequence[Highlight]

    def __post_init__(self) -> None:
        _store(self, items=tuple(self.items))

    def __str__(self) -> str:
        names = [one_line(item.name) for item in self.items]
        values = [format_value(item.value) for item in self.items]
        left = max((display_width(name) for name in names), default=0)
        middle = max((display_width(value) for value in values), default=0)
        lines = [
            f"{_pad(name, left, right=False)}  {_pad(value, middle, right=True)}"
            f"  {one_line(item.note)}".rstrip()
            for name, value, item in zip(names, values, self.items, strict=True)
        ]
        return _joined(one_line(self.title), *lines)


@dataclass(frozen=True)
class Report(Part):
    """A titled sequence of parts; a report among them is a section.

    Args:
        title: The heading.
        parts: Texts, tables, charts, matrices, images, findings and reports.
        note: A line below the heading: what, when, on which machine.

    Raises:
        ConfigError: A part is none of these.

    Example:
        >>> print(Report("A run", [Text("", "It learned."), Report("Data", [])]))
        A run
        =====
        <BLANKLINE>
        It learned.
        <BLANKLINE>
        Data
        ----
    """

    title: str
    parts: Sequence[Part]
    note: str = ""

    def __post_init__(self) -> None:
        parts = tuple(self.parts)
        for part in parts:
            if not isinstance(part, Part):
                raise ConfigError(
                    f"Report {self.title!r}: expected parts of mica.report, got "
                    f"{type(part).__name__}. Wrap it in Text, Table, Chart, Matrix, "
                    "Images or Finding."
                )
        _store(self, parts=parts)

    def walk(self) -> Iterator[Part]:
        """Give every part that is not itself a report, in reading order.

        Example:
            >>> inner = Report("inner", [Text("", "b")])
            >>> [part.body for part in Report("", [Text("", "a"), inner]).walk()]
            ['a', 'b']
        """
        for part in self.parts:
            if isinstance(part, Report):
                yield from part.walk()
            else:
                yield part

    def __str__(self) -> str:
        return self._text("=")

    def _text(self, rule: str) -> str:
        title = one_line(self.title)
        heading = f"{title}\n{rule * display_width(title)}" if title else ""
        blocks = [
            part._text("-") if isinstance(part, Report) else str(part)
            for part in self.parts
        ]
        return "\n\n".join(
            block for block in (_joined(heading, _wrap(self.note)), *blocks) if block
        )
