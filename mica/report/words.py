"""Values as words: how every rendering writes numbers, labels and columns."""

from __future__ import annotations

import math
import re
import textwrap
import unicodedata
from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np

__all__ = [
    "TEXT_WIDTH",
    "aligned",
    "display_width",
    "format_column",
    "format_value",
    "is_number",
    "is_numeric",
    "joined",
    "one_line",
    "padded",
    "printable",
    "wrapped",
]

TEXT_WIDTH = 80  # columns of plain text: the width of a terminal nobody resized
WIDEST = 100  # columns of a table, beyond which the names of its columns are broken
SOFT = "\u00ad"  # where a word may be broken; not seen elsewhere
_PIECE = re.compile(rf"[^/{SOFT}]+[/{SOFT}]?|[/{SOFT}]")

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
    return " ".join(printable(text).replace(SOFT, "").split())


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
    # One decimal place for all only where they are of like size: 100 times apart.
    if not sizes or max(sizes) > 100 * min(sizes):
        return [format_value(value) for value in values]
    if not all(_has_plain_form(number) for number in numbers):
        return [format_value(value) for value in values]
    # NOTE: just below the largest, so that 1.0 counts as 0.9999: four decimals.
    significant = max(3 - math.floor(math.log10(max(sizes) * (1 - 1e-12))), 0)
    decimals = min(max(_decimals(number) for number in numbers), significant)
    grouping = "," if max(sizes) >= 10_000 else ""
    return [
        f"{float(value):{grouping}.{decimals}f}"
        if isinstance(value, Real)
        and not isinstance(value, Integral)
        and math.isfinite(float(value))
        else format_value(value)
        for value in values
    ]


def padded(text: str, width: int, *, right: bool) -> str:
    """Fill text with spaces up to a number of columns, on its left if ``right``."""
    space = " " * max(width - display_width(text), 0)
    return space + text if right else text + space


def is_numeric(column: Sequence[object]) -> bool:
    """Whether a column's cells are numbers, empty ones aside: it is set to the right.

    Args:
        column: The cells.

    Example:
        >>> is_numeric([1, None, 2.5]), is_numeric(["a", 1]), is_numeric([None])
        (True, False, False)
    """
    filled = [value for value in column if value is not None]
    return bool(filled) and all(is_number(value) for value in filled)


def _broken(name: str, width: int) -> list[str]:
    """Break a column's name: at spaces, behind a slash, at soft hyphens."""
    words = [_PIECE.findall(word) for word in printable(name).split()]
    pieces = [piece for word in words for piece in word]
    width = max([width, *(display_width(piece) for piece in pieces)])
    lines = [""]
    for word in words:
        for place, piece in enumerate(word):
            glue = " " if place == 0 and lines[-1] else ""
            longer = lines[-1].replace(SOFT, "") + glue + piece
            if display_width(longer) <= width:
                lines[-1] = longer
            else:
                lines[-1] = lines[-1].replace(SOFT, "-")
                lines.append(piece)
    lines[-1] = lines[-1].replace(SOFT, "")
    return lines


def aligned(
    header: Sequence[str], columns: Sequence[Sequence[str]], rights: Sequence[bool]
) -> str:
    """Lines of a table: columns set to the right or the left, a rule below names.

    Where the lines would be wider than `WIDEST`, names are broken into several.
    """
    cells = [
        max((display_width(text) for text in column), default=0) for column in columns
    ]
    whole = [[one_line(name)] for name in header]
    widths = [
        max(display_width(name), width)
        for (name,), width in zip(whole, cells, strict=True)
    ]
    if sum(widths) + 2 * (len(widths) - 1) > WIDEST:
        pairs = zip(header, cells, strict=True)
        whole = [_broken(name, width) for name, width in pairs]
        widths = [
            max(width, *map(display_width, lines))
            for lines, width in zip(whole, cells, strict=True)
        ]
    height = max(map(len, whole), default=1)
    names = [[""] * (height - len(lines)) + lines for lines in whole]
    texts = [[*lines, *column] for lines, column in zip(names, columns, strict=True)]
    rows = [list(row) for row in zip(*texts, strict=True)]
    rows.insert(height, ["-" * width for width in widths])
    return "\n".join(
        "  ".join(
            padded(text, width, right=right)
            for text, width, right in zip(row, widths, rights, strict=True)
        ).rstrip()
        for row in rows
    )


def wrapped(text: str, width: int = TEXT_WIDTH, indent: str = "") -> str:
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


def joined(*blocks: str) -> str:
    """Put blocks of lines one below the other, empty ones left out."""
    return "\n".join(block for block in blocks if block)
