"""Texts from where people keep them: class folders, tables, lines, plain files."""

from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from mica.data.table import Table, as_table, read_csv
from mica.data.table.json_lines import JSON_LINES, json_rows
from mica.data.text.decoding import decode_text
from mica.data.text.texts import Texts, remarks
from mica.errors import (
    ConfigError,
    DataError,
    MissingDependencyError,
    count_others,
    near_misses,
)

__all__ = ["read_text", "read_texts"]

TABLES = (".csv", ".tsv")
PARQUET = (".parquet",)
TEXT = ".txt"


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        folder = path.parent
        names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
        advice = near_misses(path.name, names) if names else "Look at the path."
        raise DataError(
            f"{path}: expected a file, got no such file. {advice}"
        ) from None
    except OSError as error:
        raise DataError(
            f"{path}: expected a file that can be read, got: {error.strerror}. Give "
            "the path of a text file."
        ) from error


def read_text(path: str | PathLike[str], *, encoding: str | None = None) -> str:
    """Read a file as one text, whatever the length of its lines.

    Args:
        path: The file.
        encoding: How bytes become text; None takes UTF-8, or UTF-16 where the file
            begins with its mark.

    Returns:
        The text, its line ends those of Unix.

    Raises:
        ConfigError: An encoding that Python does not know.
        DataError: No such file, a byte that is not of the encoding, or no text.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "poem.txt"
        ...     _ = path.write_text("буря мглою", encoding="utf-8")
        ...     read_text(path)
        'буря мглою'
    """
    path = Path(path)
    text = decode_text(_bytes(path), path.name, encoding)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _is_hidden(path: Path) -> bool:
    return path.name.startswith((".", "__"))


def _from_folder(folder: Path, encoding: str | None) -> Texts:
    classes = [path for path in sorted(folder.iterdir()) if path.is_dir()]
    classes = [path for path in classes if not _is_hidden(path)]
    texts, labels, places = [], [], []
    others = 0
    for label in classes:
        files = [path for path in sorted(label.rglob("*")) if path.is_file()]
        for path in files:
            if path.suffix.lower() != TEXT or _is_hidden(path):
                others += 1
                continue
            texts.append(read_text(path, encoding=encoding))
            labels.append(label.name)
            places.append(path.relative_to(folder).as_posix())
    if not texts:
        raise DataError(
            f"{folder}: expected a folder for each class with .txt files in it, got "
            f"{len(classes)} folders and no such file. Arrange them as class/file.txt."
        )
    notes = remarks(texts, labels, places)
    if others:
        notes.append(f"{others} files that do not end in .txt are left out.")
    empty = sorted({path.name for path in classes} - set(labels))
    if empty:
        notes.append(f"The folder {empty[0]!r} has no .txt file, so it is no class.")
    return Texts(texts, labels, places, folder.name, tuple(notes))


def _column(cells: Any) -> list[Any]:
    """Cells of any table: a missing one is None, whole numbers are whole."""
    if isinstance(cells, np.ndarray):
        return [
            None if np.isnan(value) else int(value) if value.is_integer() else value
            for value in cells.tolist()
        ]
    return list(cells)


def _check_column(name: str, names: Iterable[str], where: str, what: str) -> None:
    known = [str(column) for column in names]
    if name not in known:
        raise DataError(
            f"{where}: expected the column {name!r} with the {what}, got "
            f"{count_others(len(known))}. {near_misses(name, known)}"
        )


def _as_texts(
    cells: list[Any], column: str, places: list[str], where: str
) -> list[str]:
    """A column as texts; a gap is an empty text, numbers are a mistake."""
    for place, cell in zip(places, cells, strict=True):
        if cell is not None and not isinstance(cell, str):
            raise DataError(
                f"{where}: expected texts in the column {column!r}, got "
                f"{type(cell).__name__} {str(cell)[:40]} at {place}. Name the column "
                "of the texts."
            )
    known = [cell for cell in cells if cell and not cell.isspace()]
    if known and all(_is_number(cell) for cell in known):
        raise DataError(
            f"{where}: expected texts in the column {column!r}, got numbers, such as "
            f"{known[0]!r}. Name the column of the texts."
        )
    return ["" if cell is None else cell for cell in cells]


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _from_columns(
    columns: dict[str, list[Any]],
    places: list[str],
    name: str,
    text: str | None,
    target: str | None,
    notes: Iterable[str] = (),
) -> Texts:
    if text is None:
        raise ConfigError(
            f"read_texts: expected the column of the texts, got none. Name it: "
            f"text={next(iter(columns), 'review')!r}. {name} has the columns "
            f"{', '.join(columns) or 'of no name'}."
        )
    _check_column(text, columns, name, "texts")
    texts = _as_texts(columns[text], text, places, name)
    labels = None
    if target is not None:
        _check_column(target, columns, name, "labels")
        labels = columns[target]
    found = [*notes, *remarks(texts, labels, places)]
    return Texts(texts, labels, places, name, tuple(found))


def _from_table(table: Table, text: str | None, target: str | None) -> Texts:
    columns = {name: _column(table.column(name)) for name in table.names}
    places = [f"row {row + 1}" for row in range(len(table))]
    return _from_columns(columns, places, table.name, text, target, table.notes)


def _from_jsonl(
    path: Path, text: str | None, target: str | None, encoding: str | None
) -> Texts:
    rows = json_rows(decode_text(_bytes(path), path.name, encoding), path.name)
    names = dict.fromkeys(name for _, row in rows for name in row)
    columns = {name: [row.get(name) for _, row in rows] for name in names}
    places = [f"line {number}" for number, _ in rows]
    return _from_columns(columns, places, path.name, text, target)


def _from_parquet(path: Path, text: str | None, target: str | None) -> Texts:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise MissingDependencyError(
            f"{path.name}: expected the library pyarrow, which reads Parquet, got "
            "none. Install it with: pip install 'mica-learn[tables]'."
        ) from error
    if not path.is_file():
        _bytes(path)  # says what is wrong
    wanted = [name for name in (text, target) if name is not None]
    try:
        file = parquet.ParquetFile(path)
        names = file.schema_arrow.names
        present = [name for name in wanted if name in names]
        table = file.read(columns=present)
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0][:200]
        raise DataError(
            f"{path.name}: expected a Parquet file, got: {reason} Write it again, or "
            "save it as CSV."
        ) from error
    columns: dict[str, list[Any]] = {name: [] for name in names}
    columns |= {name: table.column(name).to_pylist() for name in present}
    places = [f"row {row + 1}" for row in range(table.num_rows)]
    return _from_columns(columns, places, path.name, text, target)


def _from_file(path: Path, per_line: bool, encoding: str | None) -> Texts:
    whole = read_text(path, encoding=encoding)
    if not per_line:
        notes = remarks([whole], None, [path.name])
        return Texts([whole], None, [path.name], path.name, tuple(notes))
    lines = whole.removesuffix("\n").split("\n")
    places = [f"line {number + 1}" for number in range(len(lines))]
    return Texts(lines, None, places, path.name, tuple(remarks(lines, None, places)))


def read_texts(
    source: Any,
    *,
    text: str | None = None,
    target: str | None = None,
    per_line: bool = False,
    encoding: str | None = None,
) -> Texts:
    r"""Read texts, and their labels where there are any.

    - A folder: each folder in it is a class, each .txt file below a document.
    - .csv, .tsv, .jsonl, .ndjson, .parquet, or a frame, dict or `Table`: the columns
      ``text`` and ``target``.
    - Any other file: one document, or one for each line.

    Nothing is left out in silence: empty documents stay and are noted.

    Args:
        source: The path, or a table.
        text: The column of the texts.
        target: The column of the labels; None for none.
        per_line: Whether each line of a plain file is a document.
        encoding: How bytes become text; None takes UTF-8, or UTF-16 where the file
            begins with its mark.

    Returns:
        The texts, with notes on what was noticed.

    Raises:
        ConfigError: ``text`` is not given or the same as ``target``, or an unknown
            encoding.
        DataError: No such file or column, a column of numbers, lines that cannot be
            read, or a byte that is not of the encoding: each named with its place.
        MissingDependencyError: A Parquet file without pyarrow.

    Example:
        >>> rows = {"review": ["good", "bad"], "stars": [5, 1]}
        >>> read_texts(rows, text="review", target="stars").labels
        [5, 1]
    """
    if text is not None and text == target:
        raise ConfigError(
            f"read_texts: expected one column of texts and another one of labels, got "
            f"{text!r} for both. Name the column of the labels: target='...'."
        )
    if not isinstance(source, (str, PathLike)):
        return _from_table(as_table(source), text, target)
    path = Path(source)
    if path.is_dir():
        return _from_folder(path, encoding)
    suffix = path.suffix.lower()
    if suffix in PARQUET:
        return _from_parquet(path, text, target)
    if suffix in JSON_LINES:
        return _from_jsonl(path, text, target, encoding)
    if suffix in TABLES:
        decode_text(_bytes(path), path.name, encoding)  # read_csv would guess
        return _from_table(read_csv(path, encoding=encoding), text, target)
    return _from_file(path, per_line, encoding)
