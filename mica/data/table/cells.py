"""The cells of a table: what counts as missing, as a number, as a date."""

import math
import re
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

__all__ = [
    "Cells",
    "Decimal",
    "as_cells",
    "is_date",
    "is_missing",
    "number_text",
    "parse_number",
    "parse_numbers",
    "texts",
]

# A column is either numbers, NaN where missing, or texts, None where missing.
Cells = np.ndarray | list[str | None]
Decimal = Literal[".", ","]

# Compared in lower case; what spreadsheets, R, SQL, pandas and UCI files write.
MISSING_MARKERS = frozenset(
    ["", "na", "n/a", "#n/a", "nan", "<na>", "nat", "?", "null", "none", "(null)"]
)

_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# 1 234 567,5 and 1'234.5: blanks (plain, no-break, narrow, thin) or apostrophes.
_SPACED = re.compile(r"[+-]?\d{1,3}([ \u00a0\u202f\u2009'\u2019]\d{3})+(?!\d)")
_SPACES = re.compile(r"[ \u00a0\u202f\u2009'\u2019]")
_COMMA_GROUPS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", re.ASCII)
_DOT_GROUPS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d*)?", re.ASCII)

_TIME = r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp]\.?[Mm]\.?)?"
_ZONE = r"( ?(Z|UTC|[+-]\d{2}:?\d{2}))?"
_MONTH = (
    r"(jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-zäû]{0,6}\.?"
)
_DAY = (
    r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}"  # 2020-05-12
    r"|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})"  # 12.05.2020, 5/12/20
    rf"|\d{{1,2}}[ -]{_MONTH},?[ -]\d{{2,4}}"  # 12 May 2020, 12-May-20
    rf"|{_MONTH} \d{{1,2}},? \d{{4}})"  # May 12, 2020
)
_DATE = re.compile(rf"({_DAY}([T ]{_TIME}{_ZONE})?|{_TIME})", re.ASCII | re.IGNORECASE)


def is_missing(value: Any) -> bool:
    """Whether a cell stands for "not known".

    None, NaN, empty text and the usual marks (NA, N/A, NaN, ?, null, None) do, in
    small or capital letters.

    Args:
        value: A cell.

    Example:
        >>> [is_missing(value) for value in ("?", " NA ", float("nan"), 0, "no")]
        [True, True, True, False, False]
    """
    if value is None:
        return True
    if isinstance(value, str):
        return value.strip().lower() in MISSING_MARKERS
    if isinstance(value, (float, np.floating)):
        return math.isnan(value)
    return str(value) in ("<NA>", "NaT")


def number_text(value: float) -> str:
    """Write a number as a label: whole numbers without a point.

    Args:
        value: A finite number.

    Example:
        >>> number_text(3.0), number_text(0.5)
        ('3', '0.5')
    """
    value = float(value)
    return str(int(value)) if value.is_integer() else repr(value)


def _cell(value: Any) -> str | None:
    if is_missing(value):
        return None
    if isinstance(value, (float, np.floating)) and math.isfinite(value):
        return number_text(float(value))
    return str(value).strip()


def as_cells(values: Sequence[Any] | np.ndarray) -> Cells:
    """Bring a column of any Python or NumPy values into one of the two forms.

    Args:
        values: Numbers, texts, booleans, dates, None.

    Returns:
        A float64 array with NaN for missing numbers when every value is a number;
        else texts, stripped, with None where missing.

    Example:
        >>> as_cells([1, None, 2.5])
        array([1. , nan, 2.5])
        >>> as_cells(["a ", "?", True])
        ['a', None, 'True']
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "iuf":
        return values.astype(np.float64)
    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        known = values.astype("datetime64[us]")  # finer ones would become integers
        return [None if np.isnat(time) else str(time) for time in known]
    values = values.tolist() if isinstance(values, np.ndarray) else list(values)
    numeric = (int, float, np.integer, np.floating)
    is_numeric = all(
        value is None or (isinstance(value, numeric) and not isinstance(value, bool))
        for value in values
    )
    if is_numeric and any(value is not None for value in values):
        return np.array(
            [math.nan if value is None else value for value in values], float
        )
    return [_cell(value) for value in values]


def texts(cells: Cells) -> list[str | None]:
    """Give every cell as text, None where missing.

    Args:
        cells: A column in either form.

    Example:
        >>> import numpy as np
        >>> texts(np.array([1.0, np.nan]))
        ['1', None]
    """
    if isinstance(cells, np.ndarray):
        return [_cell(float(value)) for value in cells]
    return cells


def parse_number(text: str, decimal: Decimal = ".") -> float | None:
    """Read a number as people write it; None when the text is none.

    Blanks and apostrophes between groups of three digits, and the mark that is not
    the decimal one in front of three digits, only group.

    Args:
        text: A cell.
        decimal: The mark between whole and fraction.

    Example:
        >>> [parse_number(text) for text in ("1 234.5", "1,234", "3,5", "abc")]
        [1234.5, 1234.0, None, None]
        >>> [parse_number(text, ",") for text in ("1.234,5", "3,5")]
        [1234.5, 3.5]
    """
    text = text.strip()
    if decimal == "." and _PLAIN.fullmatch(text):  # nearly all
        value = float(text)
        return value if math.isfinite(value) else None
    if _SPACED.match(text):
        text = _SPACES.sub("", text)
    if decimal == ",":
        if _DOT_GROUPS.fullmatch(text):
            text = text.replace(".", "")
        elif "." in text:
            return None
        text = text.replace(",", ".")
    elif _COMMA_GROUPS.fullmatch(text):
        text = text.replace(",", "")
    if not _PLAIN.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def parse_numbers(
    cells: Cells, decimal: Decimal = "."
) -> tuple[np.ndarray, dict[str, int]]:
    """Read a column as numbers.

    Args:
        cells: A column in either form.
        decimal: The mark between whole and fraction.

    Returns:
        float64 numbers, NaN where missing or unreadable; and each unreadable text
        (infinities too) with the number of cells that hold it.

    Example:
        >>> parse_numbers(["1", None, "tall"])
        (array([ 1., nan, nan]), {'tall': 1})
    """
    if isinstance(cells, np.ndarray):
        infinite = np.isinf(cells)
        odd = {str(v): int((cells == v).sum()) for v in np.unique(cells[infinite])}
        return np.where(infinite, np.nan, cells), odd
    known: dict[str | None, float | None] = {None: math.nan}
    unreadable: dict[str, int] = {}
    numbers = np.empty(len(cells))
    for row, text in enumerate(cells):
        if text not in known:
            known[text] = parse_number(str(text), decimal)
        value = known[text]
        if value is None:
            unreadable[str(text)] = unreadable.get(str(text), 0) + 1
        numbers[row] = math.nan if value is None else value
    return numbers, unreadable


def is_date(text: str) -> bool:
    """Whether a text looks like a date, a time of day, or both.

    Args:
        text: A cell.

    Example:
        >>> [is_date(text) for text in ("2020-05-12", "12.5.20 08:30", "1.5", "May")]
        [True, True, False, False]
    """
    return _DATE.fullmatch(text.strip()) is not None
