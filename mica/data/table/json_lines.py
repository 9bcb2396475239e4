"""Files with an object of JSON in each line, as tables."""

import json
from os import PathLike
from pathlib import Path
from typing import Any

from mica.data.table.reading import read_file
from mica.data.table.table import Table, as_table
from mica.errors import DataError

__all__ = ["JSON_LINES", "json_rows", "read_json_lines"]

JSON_LINES = (".jsonl", ".ndjson")


def json_rows(text: str, name: str) -> list[tuple[int, dict[str, Any]]]:
    r"""Read the lines of a text as objects of JSON; empty ones are passed over.

    Args:
        text: The text.
        name: The file's name, for errors.

    Returns:
        (number of the line, object) of each.

    Raises:
        DataError: A line that is none, named by its number, or no line at all.

    Example:
        >>> json_rows('{"rain": 5}\n\n{"rain": 0}', "rain.jsonl")
        [(1, {'rain': 5}), (3, {'rain': 0})]
    """
    rows = []
    # Not splitlines(): inside JSON strings other line separators are allowed.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(
                f"{name}, line {number}: expected an object of JSON, got "
                f"something that cannot be read ({error.msg} at column {error.colno}). "
                "Mend the line; each is an object of its own."
            ) from None
        except RecursionError:
            raise DataError(
                f"{name}, line {number}: expected an object of texts and numbers, "
                "got one nested too deep. Mend the line."
            ) from None
        if not isinstance(row, dict):
            raise DataError(
                f"{name}, line {number}: expected an object of JSON, got "
                f'{type(row).__name__}. Write each line like {{"text": "..."}}.'
            )
        rows.append((number, row))
    if not rows:
        raise DataError(
            f"{name}: expected an object of JSON in each line, got an empty file. "
            "Look at what wrote it."
        )
    return rows


def read_json_lines(path: str | PathLike[str], *, encoding: str | None = None) -> Table:
    r"""Read a file with an object of JSON in each line.

    Keys name the columns; a line without one has no value there.

    Args:
        path: The file.
        encoding: How bytes become text; None finds out, as `read_csv` does.

    Returns:
        The table.

    Raises:
        DataError: No such file, or a line that is no object, named by its number.
        ConfigError: An unknown encoding.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "rain.jsonl"
        ...     _ = path.write_text('{"day": "1.2.2020", "rain": 5}\n{"rain": 0}')
        ...     table = read_json_lines(path)
        >>> table.column("day"), table.column("rain")
        (['1.2.2020', None], array([5., 0.]))
    """
    path = Path(path)
    text, notes = read_file(path, encoding)
    table = as_table([row for _, row in json_rows(text, path.name)], path.name)
    return Table(table.columns, table.name, table.decimal, (*notes, *table.notes))
