"""What a column is: numbers, categories, dates, or what a network cannot use."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from mica.data.table.cells import Cells, Decimal, parse_numbers, texts
from mica.data.table.times import ParsedTimes, parse_times
from mica.errors import ConfigError

__all__ = ["ColumnKind", "Inspection", "inspect_column", "spellings"]

ColumnKind = Literal["number", "category", "date", "left out"]

# Rules of thumb, ours; `kinds` overrules them column by column.
NUMBER_SHARE = 0.9  # of the known cells that must be numbers, the others misspelt
DATE_SHARE = 0.9  # of the known cells that must be dates
DATE_SAMPLE = 100  # cells looked at before all are
TEXT_LENGTH = 50  # characters on average above which a text is prose
DENSE_NUMBERING = 20  # rows from which whole numbers without gaps are a numbering

_IDENTIFIER_NAME = re.compile(
    r"(.*[ _.\-])?(id|ids|uid|uuid|guid|index|nr|no|key|rownames)|unnamed: \d+",
    re.IGNORECASE,
)
_CAMEL_IDENTIFIER = re.compile(r".*[a-z](Id|ID)")
_CODE = re.compile(r"0\d+")


@dataclass(frozen=True)
class Inspection:
    """What was found in a column.

    Args:
        kind: "number", "category", "date" or "left out".
        reason: Why it is left out; "" otherwise.
        numbers: The cells as float64, NaN where missing; only of a number column.
        times: The cells as times, NaT where missing; only of a date column.
        counts: How often each category occurs, by its spelling; only of a category.
        num_missing: Cells without a value.
        unreadable: Texts in a column of numbers or dates that count as missing.
        merged: Spellings of categories that count as another, for their capitals.
    """

    kind: ColumnKind
    reason: str = ""
    numbers: np.ndarray | None = None
    times: ParsedTimes | None = None
    counts: dict[str, int] = field(default_factory=dict)
    num_missing: int = 0
    unreadable: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()


def _looks_like_identifier(name: str) -> bool:
    is_plain = _IDENTIFIER_NAME.fullmatch(name) is not None
    return is_plain or _CAMEL_IDENTIFIER.fullmatch(name) is not None


def _numbering(name: str, numbers: np.ndarray) -> str:
    """Why whole numbers only number the rows; "" when they measure something."""
    known = numbers[~np.isnan(numbers)]
    if not (known == np.floor(known)).all():
        return ""
    distinct = np.unique(known)
    if _looks_like_identifier(name) and 2 * len(distinct) > len(known) > 1:
        return "an identifier: its name says so and its numbers rarely repeat"
    # Subtracted as Python's integers, which cannot overflow.
    span = int(distinct[-1]) - int(distinct[0]) + 1
    is_dense = len(known) >= DENSE_NUMBERING and span <= 2 * len(known)
    if len(distinct) == len(numbers) and is_dense:
        return "an identifier: whole numbers that count the rows"
    return ""


def spellings(values: Sequence[str | None]) -> dict[str, str]:
    """Find one spelling for texts that differ only in capital letters.

    Args:
        values: Texts, None where missing.

    Returns:
        The most frequent spelling (the first of several) for each text in small
        letters.

    Example:
        >>> spellings(["Yes", "yes", "Yes", None])
        {'yes': 'Yes'}
    """
    counts = Counter(value for value in values if value is not None)
    chosen: dict[str, str] = {}
    for text, _ in counts.most_common():
        chosen.setdefault(text.casefold(), text)
    return chosen


def _category(values: list[str | None], num_missing: int) -> Inspection:
    chosen = spellings(values)
    counts = Counter(chosen[value.casefold()] for value in values if value is not None)
    found = {value for value in values if value is not None}
    return Inspection(
        "category",
        counts=dict(counts),
        num_missing=num_missing,
        merged=tuple(sorted(found - set(counts))),
    )


def _date(parsed: ParsedTimes) -> Inspection:
    return Inspection(
        "date",
        times=parsed,
        num_missing=int(np.isnat(parsed.times).sum()),
        unreadable=tuple(sorted(parsed.unreadable)),
    )


def _as_dates(values: list[str | None], known: list[str]) -> ParsedTimes | None:
    """The cells as times where at least nine in ten known ones are."""
    head: list[str | None] = [*known[:DATE_SAMPLE]]
    if 2 * sum(parse_times(head).unreadable.values()) > len(head):
        return None
    parsed = parse_times(values)
    wrong = sum(parsed.unreadable.values())
    return parsed if len(known) - wrong >= DATE_SHARE * len(known) else None


def _inspect_text(values: list[str | None], max_categories: int) -> Inspection:
    known = [value for value in values if value is not None]
    num_missing = len(values) - len(known)

    def left_out(reason: str) -> Inspection:
        return Inspection("left out", reason, num_missing=num_missing)

    distinct = len({value.casefold() for value in known})
    if distinct == 1 and num_missing == 0:
        return left_out(f"constant: always {known[0]!r}")
    dates = _as_dates(values, known)
    if dates is not None:
        return _date(dates)
    if distinct == len(known) and distinct > 1:
        return left_out("an identifier or text: every value differs")
    is_prose = sum(map(len, known)) > TEXT_LENGTH * len(known)
    if distinct > max_categories and (is_prose or 2 * distinct > len(known)):
        return left_out(f"text: {distinct} different values in {len(known)} rows")
    return _category(values, num_missing)


def _inspect_numbers(
    name: str, numbers: np.ndarray, unreadable: dict[str, int]
) -> Inspection:
    known = numbers[~np.isnan(numbers)]
    num_missing = len(numbers) - len(known)
    if num_missing == 0 and (known == known[0]).all():
        reason = f"constant: always {known[0]:g}"
        return Inspection("left out", reason)
    reason = _numbering(name, numbers)
    if reason:
        return Inspection("left out", reason, num_missing=num_missing)
    return Inspection(
        "number",
        numbers=numbers,
        num_missing=num_missing,
        unreadable=tuple(sorted(unreadable)),
    )


def inspect_column(
    name: str,
    cells: Cells,
    *,
    decimal: Decimal = ".",
    wanted: str | None = None,
    max_categories: int = 20,
) -> Inspection:
    """Find out what a column is.

    Numbers and dates: at least nine in ten known cells are. Left out: identifiers
    (texts that all differ, whole numbers that only count), long texts, constants, empty
    columns. Everything else is a category.

    Args:
        name: The column's name; "id" and the like make an identifier likelier.
        cells: The column.
        decimal: The mark between whole and fraction in texts.
        wanted: A kind to take whatever the column looks like; None finds out.
        max_categories: Number of categories above which texts that rarely repeat
            are left out.

    Returns:
        The kind, with what an encoder needs.

    Raises:
        ConfigError: ``wanted`` is no kind, or "number" or "date" for a column without
            any.

    Example:
        >>> inspect_column("sex", ["f", "m", "F", None]).counts
        {'f': 2, 'm': 1}
        >>> inspect_column("seen", ["2020-01-02", "2020-03-04"]).kind
        'date'
    """
    if wanted is not None and wanted not in get_args(ColumnKind):
        raise ConfigError(
            f"kinds: expected 'number', 'category', 'date' or 'left out' for column "
            f"{name!r}, got {wanted!r}. Leave the column out of kinds to let Mica "
            "decide."
        )
    if wanted == "left out":
        return Inspection("left out", "you said so")
    values = cells if isinstance(cells, np.ndarray) else [v for v in cells if v]
    if len(values) == 0 or (isinstance(values, np.ndarray) and np.isnan(values).all()):
        return Inspection("left out", "empty: no value in any row")
    if wanted == "category":
        labels = texts(cells)
        return _category(labels, labels.count(None))
    if wanted == "date":
        parsed = parse_times(cells)
        if np.isnat(parsed.times).all():
            raise ConfigError(
                f"kinds: expected dates in column {name!r}, got none in {len(cells)} "
                "rows. Call it a category."
            )
        return _date(parsed)
    numbers, unreadable = parse_numbers(cells, decimal)
    num_numbers = int((~np.isnan(numbers)).sum())
    if wanted == "number":
        if num_numbers == 0:
            raise ConfigError(
                f"kinds: expected numbers in column {name!r}, got none in "
                f"{len(cells)} rows. Call it a category."
            )
        return Inspection(
            "number",
            numbers=numbers,
            num_missing=len(numbers) - num_numbers,
            unreadable=tuple(sorted(unreadable)),
        )
    num_known = num_numbers + sum(unreadable.values())
    # 0123 is a code (post code, account), for a number would have lost its zero.
    is_code = not isinstance(cells, np.ndarray) and any(
        value and _CODE.fullmatch(value) for value in cells
    )
    if num_numbers >= NUMBER_SHARE * num_known and not is_code:
        return _inspect_numbers(name, numbers, unreadable)
    return _inspect_text(texts(cells), max_categories)
