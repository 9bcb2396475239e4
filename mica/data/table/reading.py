"""CSV files as people have them: any separator, blanks, decimal commas, gaps."""

import contextlib
import csv
import difflib
import io
import re
from collections import Counter
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from mica.data.table.cells import Cells, Decimal, is_missing, parse_number
from mica.data.table.table import Table, unique_names
from mica.errors import ConfigError, DataError

__all__ = ["check_file", "read_csv", "read_file"]

SEPARATORS = (",", ";", "\t", "|")
SNIFFED_LINES = 50  # enough to outvote a few odd lines; ours
LARGEST_FIELD = 2**24  # characters; the csv module stops at 2**17 by default

_SEPARATOR_LINE = re.compile(r'\s*"?sep=(.)"?\s*(\r\n|\n|\r)', re.IGNORECASE)
_COMMA_DECIMAL = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?", re.ASCII)
_DOT_DECIMAL = re.compile(r"[+-]?\d+\.\d+([eE][+-]?\d+)?", re.ASCII)


def check_file(path: Path) -> None:
    """Demand a file that can be read.

    Args:
        path: The file.

    Raises:
        DataError: There is none (a near miss is offered), or it cannot be read.
    """
    with _telling(path), path.open("rb"):
        pass


def _read_bytes(path: Path) -> bytes:
    with _telling(path):
        return path.read_bytes()


@contextlib.contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Turn what the system says about a file into a sentence."""
    try:
        yield
    except FileNotFoundError:
        folder = path.parent
        names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
        close = difflib.get_close_matches(path.name, names, n=1)
        advice = f"Did you mean {close[0]!r}?" if close else "Look at the path."
        raise DataError(
            f"{path}: expected a file, got no such file. {advice}"
        ) from None
    except OSError as error:
        raise DataError(
            f"{path}: expected a file that can be read, got: {error.strerror}. "
            "Give the path of a file."
        ) from error


def _is_text(text: str) -> bool:
    """Whether there are no control characters but those that end lines and fields."""
    return not re.search("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", text)


def _windows_text(content: bytes) -> str | None:
    """The text of a file of older programs; None when it is not one."""
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        return None
    return text if _is_text(text) else None


def _decode(
    content: bytes, path: Path, encoding: str | None
) -> tuple[str, tuple[str, ...]]:
    """The text of a file, and notes on how it was read."""
    if content[:4] == b"PK\x03\x04":
        raise DataError(
            f"{path.name}: expected text, got a zip archive (an Excel workbook is "
            "one). Save the sheet as CSV first."
        )
    chosen = encoding
    if chosen is None:
        is_wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
        chosen = "utf-16" if is_wide else "utf-8-sig"
    try:
        text = content.decode(chosen)
    except LookupError:
        raise ConfigError(
            f"read_csv: expected an encoding Python knows, got {encoding!r}. "
            "'utf-8', 'latin-1' and 'cp1252' are common ones."
        ) from None
    except UnicodeDecodeError as error:
        older = _windows_text(content) if encoding is None else None
        if older is not None:
            return older, (
                "The text is not UTF-8; it is read as Windows-1252, the encoding of "
                "older programs in Western Europe and America.",
            )
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path.name}: expected {error.encoding.upper()} text, got the byte "
            f"0x{content[error.start]:02x} at position {error.start} in line {line}. "
            "Files of older programs are read with encoding='latin-1' or 'cp1252'."
        ) from None
    if "\0" in text:
        position = text.index("\0")
        raise DataError(
            f"{path.name}: expected text, got a zero character at position {position}. "
            "This is no CSV file, or it is in another encoding such as 'utf-16'."
        )
    return text, ()


def read_file(path: Path, encoding: str | None) -> tuple[str, tuple[str, ...]]:
    """Read a file as text.

    Args:
        path: The file.
        encoding: How bytes become text; None finds out.

    Returns:
        (the text, notes on how it was read).

    Raises:
        DataError: No such file, no text, or a byte that is not of the encoding.
        ConfigError: An unknown encoding.
    """
    return _decode(_read_bytes(path), path, encoding)


def _separator_score(sample: str, separator: str) -> tuple[float, int]:
    """How well the lines agree on a number of fields, and that number."""
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
    try:
        rows = [row for row in reader if row]
    except csv.Error:  # reading the whole says it better
        return 0.0, 0
    width = len(rows[0]) if rows else 0
    if width < 2:
        return 0.0, 0
    return sum(len(row) == width for row in rows) / len(rows), width


def _sniff_separator(text: str) -> str:
    sample = "".join(text.splitlines(keepends=True)[:SNIFFED_LINES])
    return max(SEPARATORS, key=lambda separator: _separator_score(sample, separator))


def _records(
    text: str, separator: str, name: str, skipped_lines: int
) -> list[tuple[int, list[str]]]:
    """The records that hold anything, each with the number of its first line."""
    limit = csv.field_size_limit(LARGEST_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    records: list[tuple[int, list[str]]] = []
    line = skipped_lines + 1
    try:
        for record in reader:
            if any(field.strip() for field in record):
                records.append((line, record))
            line = skipped_lines + reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{name}, line {line}: expected comma-separated values, got "
            f"something that cannot be read ({error}). Look for a quote that is never "
            "closed."
        ) from error
    finally:
        csv.field_size_limit(limit)
    is_open = records and "\n" in records[-1][1][-1] and text.count('"') % 2 == 1
    if is_open:
        raise DataError(
            f"{name}, line {records[-1][0]}: expected the quote that opens here to be "
            "closed, got the end of the file. Close or remove the quote."
        )
    return records


def _is_header(record: list[str], decimal: Decimal) -> bool:
    """Whether a first line names columns: no measurements, no number twice.

    Whole numbers can be names (years, pixels 0 to 63), 5.1 cannot.
    """
    numbers = [parse_number(field, decimal) for field in record]
    found = [number for number in numbers if number is not None]
    whole = all(number.is_integer() and number >= 0 for number in found)
    return whole and len(set(found)) == len(found)


def _choose_decimal(records: list[tuple[int, list[str]]], separator: str) -> Decimal:
    if separator == ",":
        return "."
    commas = dots = 0
    for _, record in records:
        for field in record:
            commas += _COMMA_DECIMAL.fullmatch(field.strip()) is not None
            dots += _DOT_DECIMAL.fullmatch(field.strip()) is not None
    return "," if commas > dots else "."


def _column(fields: tuple[str, ...]) -> Cells:
    stripped = [field.strip() for field in fields]
    return [None if is_missing(field) else field for field in stripped]


def _check_widths(records: list[tuple[int, list[str]]], name: str) -> None:
    width = len(records[0][1])
    ragged = [(line, len(row)) for line, row in records if len(row) != width]
    if not ragged:
        return
    line, found = ragged[0]
    widths = Counter(count for _, count in ragged)
    others = f" ({len(ragged)} such lines)" if len(ragged) > 1 else ""
    many = len(widths) == 1 and len(ragged) == len(records) - 1
    advice = (
        "Name every column in the first line."
        if many
        else "Quote a field that holds the separator, or mend the line."
    )
    raise DataError(
        f"{name}, line {line}: expected {width} fields as in the first line, got "
        f"{found}{others}. {advice}"
    )


def read_csv(
    path: str | PathLike[str],
    *,
    separator: str | None = None,
    encoding: str | None = None,
    decimal: Decimal | None = None,
    header: bool | None = None,
) -> Table:
    r"""Read a CSV file as people have them.

    Separator (comma, semicolon, tab, bar), decimal mark and the presence of a header
    are found out unless said. Blanks around fields go; empty fields and the usual
    marks (NA, N/A, NaN, ?, null, None) are missing; empty lines are left out.

    Args:
        path: The file.
        separator: The character between fields; None finds out.
        encoding: How bytes become text; None takes UTF-8 (with or without a byte
            order mark), when it is marked UTF-16, and what is neither as Windows-1252,
            with a note.
        decimal: The mark between whole and fraction, "." or ","; None finds out.
        header: Whether the first line names the columns; None finds out.

    Returns:
        The table, with notes on what was found out.

    Raises:
        DataError: No such file, no text, no rows, lines of different lengths, or
            a byte that is not of the encoding: each named with its line.
        ConfigError: An unknown encoding, a separator that is not one character.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "patients.csv"
        ...     _ = path.write_text("age;weight\n31;70,5\n42;?\n")
        ...     table = read_csv(path)
        >>> table.names, table.column("weight"), table.decimal
        (('age', 'weight'), ['70,5', None], ',')
    """
    if separator is not None and len(separator) != 1:
        raise ConfigError(
            f"read_csv: expected separator to be one character, got {separator!r}. "
            "',', ';' and '\\t' are common ones."
        )
    path = Path(path)
    text, found_notes = read_file(path, encoding)
    announced = _SEPARATOR_LINE.match(text)  # Excel's own first line, sep=;
    if announced:
        separator = separator or announced.group(1)
        text = text[announced.end() :]
    skipped_lines = 1 if announced else 0
    if separator is None:
        separator = _sniff_separator(text)
    records = _records(text, separator, path.name, skipped_lines)
    if not records:
        raise DataError(
            f"{path.name}: expected a line of column names and rows below it, got an "
            "empty file. Look at what wrote it."
        )
    _check_widths(records, path.name)
    notes = list(found_notes)
    if decimal is None:
        decimal = _choose_decimal(records, separator)
        if decimal == ",":
            notes.append("Numbers have a decimal comma: 3,5 is read as 3.5.")
    if header is None:
        header = _is_header(records[0][1], decimal)
        if not header:
            notes.append(
                "The first line holds numbers, so it is read as a row and the columns "
                "are called column_1, column_2, ..."
            )
    if header:
        names, name_notes = unique_names(records.pop(0)[1])
        notes += name_notes
    else:
        names = [f"column_{position + 1}" for position in range(len(records[0][1]))]
    if not records:
        raise DataError(
            f"{path.name}: expected rows below the column names, got none. Look at "
            "what wrote the file."
        )
    columns = zip(*(record for _, record in records), strict=True)
    cells = {name: _column(fields) for name, fields in zip(names, columns, strict=True)}
    return Table(cells, path.name, decimal, tuple(notes))
