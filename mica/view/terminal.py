"""Reports in a terminal: tables, charts of dots, pictures of half blocks.

Colours and boxes go to a terminal only; a file or a pipe gets plain aligned text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

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
    display_width,
    format_column,
    format_value,
    is_numeric,
    one_line,
    printable,
)
from mica.view.dots import draw_dots
from mica.view.palette import SERIES_TERMINAL, channels
from mica.view.pictures import as_bytes, shrink, value_range
from mica.view.shading import cell_shades

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

__all__ = ["print_part"]

WIDEST_CHART = 84  # columns: a wider one is hard to take in at a glance
THUMBNAIL = 16  # columns a small picture is enlarged to
LARGEST_THUMBNAIL = 32  # columns a large picture is shrunk to
WIDEST_LABEL = 24  # columns of a bar's or a matrix row's name
MUTED = "dim"
TONES = {"good": "green", "note": "cyan", "warning": "yellow", "problem": "red"}

# The two colours of a matrix's cells, faint and deep; their words are white.
RIGHT_SHADES = channels("#35434e"), channels("#24618e")
WRONG_SHADES = channels("#54413a"), channels("#a83c0c")


def print_part(part: Part, console: Console | None = None) -> None:
    """Print a part: drawn in a terminal, as plain text anywhere else.

    Args:
        part: What to show.
        console: Where to; None for standard output.
    """
    from rich.console import Console

    console = console or Console(highlight=False)
    encoding = console.encoding or "utf-8"
    if not console.is_terminal or not encoding.lower().startswith("utf"):
        # What the stream cannot write becomes "?": a label must not stop a report.
        text = str(part).encode(encoding, "replace").decode(encoding)
        console.file.write(f"{text}\n")
        console.file.flush()
        return
    for block in _blocks(part, console, depth=0):
        console.print(block)


def _blocks(part: Part, console: Console, depth: int) -> list[RenderableType]:
    """A part's heading, body and remark; a report's parts with space between."""
    from rich.padding import Padding

    blocks: list[RenderableType] = []
    title = one_line(getattr(part, "title", ""))
    if title:
        blocks += _heading(title, is_report=isinstance(part, Report), depth=depth)
    if isinstance(part, Report):
        blocks += _remark(part.note)
        for inner in part.parts:
            blocks.append("")
            blocks += _blocks(inner, console, depth + 1)
        return blocks
    for kind, draw in _DRAWINGS.items():
        if isinstance(part, kind):
            blocks += [Padding(body, (0, 0, 0, 1)) for body in draw(part, console)]
            blocks += _remark(getattr(part, "note", ""))
            return blocks
    return [str(part)]


def _heading(title: str, *, is_report: bool, depth: int) -> list[RenderableType]:
    from rich.rule import Rule
    from rich.text import Text as Words

    if is_report and depth < 2:
        line = "\u2501" if depth == 0 else "\u2500"
        rule = Rule(Words(title, "bold"), align="left", characters=line, style=MUTED)
        return [rule]
    return [Words(f" {title}", "bold")]


def _remark(note: str) -> list[RenderableType]:
    from rich.text import Text as Words

    lines = [one_line(line) for line in printable(note).splitlines()]
    return [Words(f" {line}", MUTED) for line in lines]


def _text(part: Text, _console: Console) -> list[RenderableType]:
    from rich.text import Text as Words

    return [Words(printable(part.body))] if part.body else []


def _table(part: Table, _console: Console) -> list[RenderableType]:
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text as Words

    grid = Grid(
        box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style=MUTED
    )
    columns = [part.column(k) for k in range(len(part.columns))]
    for name, column in zip(part.columns, columns, strict=True):
        grid.add_column(
            Words(one_line(name)),
            justify="right" if is_numeric(column) else "left",
            overflow="fold",
        )
    texts = [format_column(column) for column in columns]
    for row in zip(*texts, strict=True):
        grid.add_row(*(Words(text) for text in row))
    return [grid] if columns else []


def _chart(part: Chart, console: Console) -> list[RenderableType]:
    from rich.text import Text as Words

    if part.kind == "bars":
        return [_bars(part, console)]
    names = Words()
    for k, line in enumerate(part.series):
        names.append("\u25cf ", _colour(k)).append(one_line(line.name)).append("   ")
    marks = [Words(one_line(mark.label), MUTED) for mark in part.marks]
    width = min(console.width - 2, WIDEST_CHART)
    rows = draw_dots(part, width, SERIES_TERMINAL, MUTED)
    return [names, *rows, *marks]


def _colour(index: int) -> str:
    return SERIES_TERMINAL[index % len(SERIES_TERMINAL)]


def _bars(part: Chart, console: Console) -> RenderableType:
    from rich.table import Table as Grid
    from rich.text import Text as Words

    values = [y for line in part.series for y in line.y if math.isfinite(y)]
    largest = max((abs(value) for value in values), default=0.0) or 1.0
    grid = Grid.grid(padding=(0, 1))
    grid.add_column(justify="right", max_width=WIDEST_LABEL, overflow="ellipsis")
    grid.add_column(justify="right")
    grid.add_column()
    room = max(min(console.width, WIDEST_CHART) - WIDEST_LABEL - 14, 8)
    places = list(dict.fromkeys(x for line in part.series for x in line.x))
    for place in places:
        for k, line in enumerate(part.series):
            value = dict(zip(line.x, line.y, strict=True)).get(place)
            if value is None:
                continue
            length = abs(value) / largest * room if math.isfinite(value) else 0
            bar = "\u2501" * int(length) + ("\u2578" if length % 1 >= 0.5 else "")
            name = Words(format_value(place), no_wrap=True)
            grid.add_row(name, format_value(value), Words(bar, _colour(k)))
    return grid


def _matrix(part: Matrix, console: Console) -> list[RenderableType]:
    from rich.table import Table as Grid
    from rich.text import Text as Words

    texts, shades = part.texts(), cell_shades(part)
    names = [one_line(name) for name in part.column_labels]
    width = sum(
        max(display_width(name), *(len(row[k]) for row in texts)) + 2
        for k, name in enumerate(names)
    )
    if width + WIDEST_LABEL + 4 > console.width and width > 40:
        size = f"{len(part.row_labels)} x {len(names)}"
        kind = "largest off its diagonal" if part.is_confusion else "largest"
        return [Words(f"{size}; the {kind}:"), *_table(part.largest(), console)]
    grid = Grid.grid(padding=(0, 0))
    grid.add_column(justify="right", max_width=WIDEST_LABEL, overflow="ellipsis")
    for _ in names:
        grid.add_column(justify="right")
    grid.add_row("", *(Words(f" {name} ", MUTED) for name in names))
    for i, name in enumerate(part.row_labels):
        cells = [
            Words(f" {text} ", _shade(float(shades[i, k]), part.values[i][k]))
            for k, text in enumerate(texts[i])
        ]
        grid.add_row(Words(f"{one_line(name)} ", MUTED, no_wrap=True), *cells)
    sides = [
        f"{side}: {one_line(name)}"
        for side, name in (("rows", part.row_title), ("columns", part.column_title))
        if name
    ]
    return [grid, *([Words(", ".join(sides), MUTED)] if sides else [])]


def _shade(shade: float, value: float) -> str:
    if value == 0 or not shade:
        return MUTED
    faint, deep = WRONG_SHADES if shade < 0 else RIGHT_SHADES
    share = abs(shade)
    mixed = [
        round(a * (1 - share) + b * share) for a, b in zip(faint, deep, strict=True)
    ]
    return f"#ffffff on #{bytes(mixed).hex()}"


def _images(part: Images, console: Console) -> list[RenderableType]:
    from rich.table import Table as Grid
    from rich.text import Text as Words

    captions = [one_line(caption) for caption in part.captions]
    if console.color_system is None or console.no_color:
        return [Words(f"{k}. {text}") for k, text in enumerate(captions, start=1)]
    low, high = value_range(part.images)
    drawn = [_thumbnail(as_bytes(image, low, high)) for image in part.images]
    widest = max((size for _, size in drawn), default=1)
    per_row = max(1, (console.width - 2) // (widest + 3))
    rows: list[RenderableType] = []
    for start in range(0, len(drawn), per_row):
        grid = Grid.grid(padding=(0, 3, 0, 0))
        group = drawn[start : start + per_row]
        for _ in group:
            grid.add_column(width=widest)
        grid.add_row(*(picture for picture, _ in group))
        if captions:
            words = captions[start : start + per_row]
            grid.add_row(*(Words(caption, MUTED) for caption in words))
        rows += [grid, ""] if start + per_row < len(drawn) else [grid]
    return rows


def _thumbnail(pixels: np.ndarray) -> tuple[RenderableType, int]:
    """A picture of half blocks, two pixels in each character, and its width."""
    from rich.text import Text as Words

    if pixels.ndim == 2:
        pixels = pixels[:, :, None].repeat(3, axis=2)  # (height, width, 3)
    height, width = pixels.shape[:2]
    factor = max(1, THUMBNAIL // max(height, width))
    pixels = pixels[:, :, :3].repeat(factor, axis=0).repeat(factor, axis=1)
    height, width = pixels.shape[:2]
    if max(height, width) > LARGEST_THUMBNAIL:
        share = LARGEST_THUMBNAIL / max(height, width)
        pixels = shrink(
            pixels, max(round(width * share), 1), max(round(height * share), 1)
        )
        height, width = pixels.shape[:2]
    if height % 2:
        pixels = np.concatenate([pixels, pixels[-1:]])  # an even number of rows
    text = Words()
    for upper, lower in zip(pixels[::2], pixels[1::2], strict=True):
        for top, bottom in zip(upper, lower, strict=True):
            text.append("\u2580", f"#{bytes(top).hex()} on #{bytes(bottom).hex()}")
        text.append("\n")
    text.rstrip()
    return text, width


def _finding(part: Finding, _console: Console) -> list[RenderableType]:
    from rich.console import Group
    from rich.panel import Panel
    from rich.table import Table as Grid
    from rich.text import Text as Words

    tone = TONES[part.severity]
    head = Words(part.severity.capitalize(), f"bold {tone}")
    if part.where:
        head.append(f"  {one_line(part.where)}", MUTED)
    grid = Grid.grid(padding=(0, 2, 0, 0))
    for name, text in (("Evidence", part.evidence), ("Remedy", part.remedy)):
        if text:
            grid.add_row(Words(name, MUTED), Words(one_line(text)))
    body = Group(Words(one_line(part.fact), "bold"), grid)
    panel = Panel(body, title=head, title_align="left", border_style=tone)
    return [panel]


def _highlights(part: Highlights, _console: Console) -> list[RenderableType]:
    from rich.table import Table as Grid
    from rich.text import Text as Words

    grid = Grid.grid(padding=(0, 2, 0, 0))
    grid.add_column()
    grid.add_column(justify="right")
    grid.add_column()
    for k, item in enumerate(part.items):
        style = f"bold {SERIES_TERMINAL[1]}" if k == 0 else "bold"
        value = Words(format_value(item.value), style)
        grid.add_row(
            Words(one_line(item.name)), value, Words(one_line(item.note), MUTED)
        )
    return [grid] if part.items else []


_DRAWINGS: dict[type[Part], Callable[[Any, Any], Sequence[Any]]] = {
    Text: _text,
    Table: _table,
    Chart: _chart,
    Matrix: _matrix,
    Images: _images,
    Finding: _finding,
    Highlights: _highlights,
}
