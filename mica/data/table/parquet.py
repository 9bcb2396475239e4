"""Parquet files as tables."""

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from mica.data.table.json_lines import JSON_LINES, read_json_lines
from mica.data.table.reading import check_file, read_csv
from mica.data.table.table import Table, as_table
from mica.errors import ConfigError, DataError, MissingDependencyError

__all__ = ["read_parquet", "read_table"]

PARQUET = (".parquet", ".pq")


def _column(column: Any) -> np.ndarray | list[Any]:
    """A column of Arrow's as numbers where it is plain numbers, else as objects."""
    import pyarrow.types as kinds

    plain = kinds.is_integer(column.type) or kinds.is_floating(column.type)
    if plain and column.null_count == 0:
        return column.to_numpy()
    if kinds.is_timestamp(column.type) and column.type.tz is None:
        return column.to_numpy().astype("datetime64[us]")
    return column.to_pylist()


def read_parquet(path: str | PathLike[str]) -> Table:
    """Read a Parquet file.

    Args:
        path: The file.

    Returns:
        The table.

    Raises:
        DataError: No such file, or no Parquet file.
        MissingDependencyError: pyarrow is not installed.

    Example:
        >>> import pyarrow, pyarrow.parquet
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "patients.parquet"
        ...     pyarrow.parquet.write_table(pyarrow.table({"age": [31, 42]}), path)
        ...     read_parquet(path).column("age")
        array([31., 42.])
    """
    path = Path(path)
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise MissingDependencyError(
            f"{path.name}: expected the library pyarrow, which reads Parquet, got "
            "none. Install it with: pip install 'mica-learn[tables]'."
        ) from error
    check_file(path)
    try:
        table = parquet.ParquetFile(path).read()
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0][:200]
        raise DataError(
            f"{path.name}: expected a Parquet file, got: {reason} Write it again, or "
            "save it as CSV."
        ) from error
    names = table.column_names
    columns = {name: _column(table.column(place)) for place, name in enumerate(names)}
    return as_table(columns, path.name)


def read_table(path: str | PathLike[str], *, encoding: str | None = None) -> Table:
    r"""Read a table from a CSV, JSONL or Parquet file, by the file's name.

    Args:
        path: The file: .parquet or .pq; .jsonl or .ndjson, an object of JSON in each
            line; else what `read_csv` reads.
        encoding: How bytes of a text become letters; None finds out.

    Returns:
        The table.

    Raises:
        DataError: What `read_csv`, `read_json_lines` and `read_parquet` refuse.
        ConfigError: An unknown encoding, or one for a Parquet file.
        MissingDependencyError: A Parquet file without pyarrow.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "patients.csv"
        ...     _ = path.write_text("age,sex\n31,f\n")
        ...     read_table(path).names
        ('age', 'sex')
    """
    path = Path(path)
    if path.suffix.lower() in JSON_LINES:
        return read_json_lines(path, encoding=encoding)
    if path.suffix.lower() not in PARQUET:
        return read_csv(path, encoding=encoding)
    if encoding is not None:
        raise ConfigError(
            f"read_table: expected no encoding for {path.name}, got {encoding!r}. "
            "Parquet files say themselves how they are written."
        )
    return read_parquet(path)
