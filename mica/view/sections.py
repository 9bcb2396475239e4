"""Parts of a report as HTML: one function for each kind."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mica.errors import ConfigError
from mica.report import (
    Chart,
    Finding,
    Highlights,
    Images,
    Matrix,
    Part,
    Report,
    Table,
    Text,
    format_column,
    format_value,
    is_numeric,
    one_line,
    printable,
)
from mica.view.drawing import draw_bars, draw_chart, legend
from mica.view.markup import Markup, element, join, void
from mica.view.palette import LIGHT, channels
from mica.view.pictures import as_bytes, data_address, value_range
from mica.view.shading import DEEP_SHADE, MIDDLE_SHADE, cell_shades

__all__ = ["draw_part", "draw_parts"]

MOST_ROWS = 1000  # of a table: about 100 kB
LONG_TABLE = 16  # rows; a longer table scrolls within its own box
LARGEST_GRID = 900  # cells of a matrix drawn as a table; a larger one is a picture
LONG_LABEL = 4  # characters; longer names of columns stand upright
SMALL_PICTURE = 64  # pixels; smaller ones are enlarged with sharp edges
SYMBOLS = {"good": "✓", "note": "i", "warning": "!", "problem": "✕"}


def draw_parts(
    parts: Sequence[Part], level: int, *, anchor: str | None = None
) -> Markup:
    """Give parts one below the other, like neighbours side by side.

    Args:
        parts: In reading order.
        level: Of their headings, 1..6.
        anchor: How the identities of the parts begin; None for none.
    """
    blocks = []
    for kind, group in itertools.groupby(enumerate(parts), lambda pair: _row(pair[1])):
        drawn = [
            draw_part(part, level, anchor=anchor and f"{anchor}-{index}")
            for index, part in group
        ]
        if kind and len(drawn) > 1:
            blocks.append(element("div", *drawn, class_=kind))
        else:
            blocks += drawn
    return join(*blocks)


def _row(part: Part) -> str:
    """Which parts stand side by side where there is room: charts, and tables."""
    if isinstance(part, Chart) and part.kind != "bars":
        return "row"
    return "beside" if isinstance(part, Matrix | Table) else ""


def draw_part(part: Part, level: int, *, anchor: str | None = None) -> Markup:
    """Give one part as HTML.

    Args:
        part: Any part.
        level: Of its heading, 1..6.
        anchor: The identity that links of a table of contents lead to.

    Raises:
        ConfigError: A kind of part that has no drawing.

    Example:
        >>> draw_part(Text("", "a < b"), 2)
        '<section class="text bare"><p>a &lt; b</p></section>'
    """
    for kind, draw in _DRAWINGS.items():
        if isinstance(part, kind):
            title = getattr(part, "title", "")
            name = kind.__name__.lower()
            name += f" {part.kind}" if isinstance(part, Chart) else ""
            name += "" if title else " bare"
            body = draw(part, level)
            note = "" if isinstance(part, Report) else getattr(part, "note", "")
            return element(
                "section",
                _heading(title, level),
                body,
                _note(note),
                class_=name,
                id=anchor,
            )
    raise ConfigError(
        f"view: expected a part of mica.report, got {type(part).__name__}. "
        "Build it from Text, Table, Chart, Matrix, Images, Finding or Report."
    )


def _heading(title: str, level: int) -> Markup:
    return element(f"h{min(level, 6)}", one_line(title)) if title else join()


def _note(text: str) -> Markup:
    lines = [_inline(one_line(line)) for line in printable(text).splitlines()]
    if not lines:
        return join()
    breaks = [piece for line in lines for piece in (void("br"), line)]
    return element("p", *breaks[1:], class_="remark")


def _draw_text(part: Text, _level: int) -> Markup:
    blocks = []
    for block in printable(part.body).split("\n\n"):
        lines = [line.rstrip() for line in block.splitlines() if line.strip()]
        if not lines:
            continue
        if all(line.startswith("    ") for line in lines):
            code = element("code", "\n".join(line[4:] for line in lines))
            blocks.append(element("pre", code))
        elif all(line.startswith("- ") for line in lines):
            items = [element("li", _inline(line[2:])) for line in lines]
            blocks.append(element("ul", *items))
        else:
            paragraph = " ".join(line.strip() for line in lines)
            blocks.append(element("p", _inline(paragraph)))
    return join(*blocks)


def _inline(text: str) -> Markup:
    """Words, with those between backticks as code."""
    pieces = re.split("`([^`]+)`", text)
    return join(
        *(element("code", piece) if k % 2 else piece for k, piece in enumerate(pieces))
    )


def _draw_table(part: Table, _level: int) -> Markup:
    rows = part.rows[:MOST_ROWS]
    columns = [[row[k] for row in rows] for k in range(len(part.columns))]
    texts = [format_column(column) for column in columns]
    kinds = [is_numeric(column) for column in columns]
    head = [
        element("th", one_line(name), scope="col", class_="number" if numeric else None)
        for name, numeric in zip(part.columns, kinds, strict=True)
    ]
    body = [
        element("tr", *(_cell(texts[k][i], k, kinds) for k in range(len(columns))))
        for i in range(len(rows))
    ]
    table = element(
        "table",
        element("thead", element("tr", *head)),
        element("tbody", *body),
    )
    left_out = len(part.rows) - len(rows)
    note = f"{left_out:,} more rows are not shown." if left_out else ""
    return join(_scroll(table, part.title, is_long=len(rows) > LONG_TABLE), _note(note))


def _cell(text: str, column: int, kinds: Sequence[bool]) -> Markup:
    if column == 0 and not kinds[0] and len(kinds) > 1:
        return element("th", text, scope="row")
    return element("td", text, class_="number" if kinds[column] else None)


def _scroll(table: Markup, title: str, *, is_long: bool = False) -> Markup:
    """A box that scrolls by itself, by keyboard too, when the table is too wide."""
    return element(
        "div",
        table,
        class_="scroll long" if is_long else "scroll",
        role="region",
        tabindex="0",
        aria_label=one_line(title) or "table",
    )


def _draw_chart(part: Chart, _level: int) -> Markup:
    if part.kind == "bars":
        names = legend(part.series) if len(part.series) > 1 else join()
        return join(names, _scroll(draw_bars(part), part.title))
    # What the heading says already need not be said again.
    y_words = _axis_words(
        "" if part.y_label == part.title else part.y_label, part.y_scale
    )
    x_words = _axis_words(part.x_label, part.x_scale)
    return element(
        "figure",
        legend(part.series),
        element("p", f"↑ {y_words}", class_="y-label") if y_words else join(),
        draw_chart(part),
        element("p", f"{x_words} →", class_="x-label") if x_words else join(),
        _note(_gaps(part)),
        _numbers(part),
    )


def _axis_words(label: str, scale: str) -> str:
    words = [one_line(label)] if label else []
    return ", ".join([*words, "log scale"] if scale == "log" else words)


def _gaps(part: Chart) -> str:
    """Say which values could not be drawn."""
    sentences = []
    for line in part.series:
        places = [
            format_value(x)
            for x, y in zip(line.x, line.y, strict=True)
            if not (math.isfinite(x) and math.isfinite(y))
            or (part.y_scale == "log" and y <= 0)
            or (part.x_scale == "log" and x <= 0)
        ]
        if places:
            shown = ", ".join(places[:6]) + (", ..." if len(places) > 6 else "")
            axis = one_line(part.x_label) or "x"
            sentences.append(
                f"{one_line(line.name)} has no value to draw at {axis} {shown}."
            )
    return " ".join(sentences)


def _numbers(part: Chart) -> Markup:
    """The chart's values as a table to unfold: for reading, copying and listening."""
    if any((line.kind or part.kind) == "points" for line in part.series):
        return join()
    places = list(dict.fromkeys(x for line in part.series for x in line.x))
    step = max(1, math.ceil(len(places) / 200))
    values = [dict(zip(line.x, line.y, strict=True)) for line in part.series]
    rows = [(x, *(value.get(x) for value in values)) for x in places[::step]]
    names = [part.x_label or "x", *(line.name for line in part.series)]
    note = f"Each {step}th value of {len(places):,}." if step > 1 else ""
    table = _draw_table(Table(part.title, names, rows), 0)
    return element("details", element("summary", "Numbers"), table, _note(note))


def _draw_matrix(part: Matrix, _level: int) -> Markup:
    shades = cell_shades(part)
    if shades.size > LARGEST_GRID:
        return join(_matrix_picture(part, shades), _draw_table(part.largest(), 0))
    return _scroll(_matrix_table(part, shades), part.title)


def _matrix_table(part: Matrix, shades: np.ndarray) -> Markup:
    is_upright = max(len(name) for name in part.column_labels) > LONG_LABEL
    turned = "upright" if is_upright else None
    head = [
        element("th", element("span", one_line(name)), scope="col", class_=turned)
        for name in part.column_labels
    ]
    has_side = bool(part.row_title)
    corner = element("td", colspan="2" if has_side else None)
    rows = [element("tr", corner, *head)]
    if part.column_title:
        title = element(
            "th",
            one_line(part.column_title),
            colspan=len(part.column_labels),
            scope="colgroup",
            class_="side",
        )
        rows.insert(0, element("tr", corner, title))
    body, texts = [], part.texts()
    for i, name in enumerate(part.row_labels):
        cells = [
            _shaded(part, text, shades[i, j], i, j) for j, text in enumerate(texts[i])
        ]
        side = join()
        if has_side and i == 0:
            side = element(
                "th",
                element("span", one_line(part.row_title)),
                rowspan=len(part.row_labels),
                scope="rowgroup",
                class_="side upright",
            )
        label = element("th", one_line(name), scope="row")
        body.append(element("tr", side, label, *cells))
    size = "cells tight" if shades.shape[1] > 12 else "cells"
    return element(
        "table",
        element("thead", *rows),
        element("tbody", *body),
        class_=size,
    )


def _shaded(part: Matrix, text: str, shade: float, i: int, j: int) -> Markup:
    row, column = one_line(part.row_labels[i]), one_line(part.column_labels[j])
    row = f"{part.row_title} {row}".strip()
    column = f"{part.column_title} {column}".strip()
    kinds = ["minus"] if shade < 0 else []
    kinds += ["middle"] if abs(shade) > MIDDLE_SHADE else []
    kinds += ["deep"] if abs(shade) > DEEP_SHADE else []
    kinds += ["zero"] if part.values[i][j] == 0 else []
    return element(
        "td",
        text,
        class_=" ".join(kinds) or None,
        style=f"--v:{abs(shade):.2f}" if shade else None,
        title=f"{row}, {column}: {text}",
    )


def _matrix_picture(part: Matrix, shades: np.ndarray) -> Markup:
    """A matrix too large for a table, one pixel or more per cell."""
    ground = np.array(channels("#ffffff"))
    plus, minus = np.array(channels(LIGHT["right"])), np.array(channels(LIGHT["wrong"]))
    colour = np.where((shades < 0)[..., None], minus, plus)
    depth = np.abs(shades)[..., None]
    pixels = np.rint(ground * (1 - depth) + colour * depth).astype(np.uint8)
    factor = max(1, 320 // max(pixels.shape[:2]))
    pixels = pixels.repeat(factor, axis=0).repeat(factor, axis=1)
    size = f"{shades.shape[0]} x {shades.shape[1]}"
    caption = f"{size}: rows are {part.row_title or 'rows'}, columns are "
    caption += f"{part.column_title or 'columns'}; the deeper, the more. Largest below."
    return element(
        "figure",
        void(
            "img",
            src=data_address(pixels),
            alt=f"{one_line(part.title)}, {size} cells shaded by size",
            class_="grid-picture",
        ),
        element("figcaption", caption),
    )


def _draw_images(part: Images, _level: int) -> Markup:
    low, high = value_range(part.images)
    items = []
    for k, image in enumerate(part.images):
        caption = one_line(part.captions[k]) if part.captions else ""
        name = caption or f"picture {k + 1} of {len(part.images)}"
        picture = void(
            "img",
            src=data_address(as_bytes(image, low, high)),
            alt=name,
            width=image.shape[1],
            height=image.shape[0],
            class_="sharp" if max(image.shape[:2]) < SMALL_PICTURE else None,
        )
        words = element("figcaption", caption) if caption else join()
        items.append(element("li", element("figure", picture, words)))
    return element("ul", *items, class_="gallery") if items else join()


def _draw_finding(part: Finding, _level: int) -> Markup:
    symbol = element(
        "span", SYMBOLS[part.severity], class_="symbol", aria_hidden="true"
    )
    place = element("code", one_line(part.where)) if part.where else join()
    head = element(
        "p",
        symbol,
        element("b", part.severity.capitalize()),
        " ",
        place,
        class_="what",
    )
    fact = element("p", _inline(one_line(part.fact)), class_="fact")
    rows = [
        join(element("dt", name), element("dd", _inline(one_line(text))))
        for name, text in (("Evidence", part.evidence), ("Remedy", part.remedy))
        if text
    ]
    more = element("dl", *rows) if rows else join()
    return element("div", head, fact, more, class_=f"finding {part.severity}")


def _draw_highlights(part: Highlights, _level: int) -> Markup:
    items = [
        element(
            "div",
            element("dt", one_line(item.name)),
            element("dd", element("b", format_value(item.value))),
            element("dd", one_line(item.note)) if item.note else join(),
        )
        for item in part.items
    ]
    return element("dl", *items, class_="tiles") if items else join()


def _draw_report(part: Report, level: int) -> Markup:
    # A section without a heading of its own does not lower those within it.
    return join(_note(part.note), draw_parts(part.parts, level + bool(part.title)))


_DRAWINGS: dict[type[Part], Callable[[Any, int], Markup]] = {
    Text: _draw_text,
    Table: _draw_table,
    Chart: _draw_chart,
    Matrix: _draw_matrix,
    Images: _draw_images,
    Finding: _draw_finding,
    Highlights: _draw_highlights,
    Report: _draw_report,
}
