"""Rows to predict: whatever holds raw rows, encoded as the model knows them."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from mica.data import (
    Table,
    TableEncoder,
    TextEncoder,
    Texts,
    TimeSeries,
    as_series,
    as_table,
    read_csv,
    read_series,
    read_texts,
    samples,
)
from mica.data.forecasting import ForecastEncoder
from mica.data.samples import Sample, TextSample
from mica.data.scaling import PictureEncoder
from mica.errors import DataError, MicaError, near_misses

__all__ = ["SAMPLE_TARGET", "Rows", "open_rows", "open_series", "sample_table"]

TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".pq")
SAMPLE_TARGET = "target"  # what the column to predict of a sample is called


@dataclass(frozen=True)
class Rows:
    """Inputs a model can take, and the truth where the source knows it.

    Args:
        x: Encoded inputs.
        known: Numbers of the rows whose target is known.
        truth: Encoded targets of these rows.
        remarks: Sentences on what the model never saw.
        places: Where each row comes from, for files of their own; else empty.

    Shape:
        x: (rows, ...)
        known, truth: (known rows,)
    """

    x: np.ndarray
    known: np.ndarray
    truth: np.ndarray
    remarks: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


def sample_table(sample: Sample, x: np.ndarray, y: np.ndarray) -> Table:
    """Part of a sample of columns as raw rows, classes by their names.

    Args:
        sample: The sample.
        x: Inputs of the part.
        y: Its targets.

    Shape:
        x: (rows, features)
        y: (rows,)

    Returns:
        A table with a column for each feature, and "target".
    """
    columns = {
        name: column.astype(np.float64)
        for name, column in zip(sample.feature_names, x.T, strict=True)
    }
    names = [sample.label_names[number] for number in y] if sample.label_names else None
    target = y.astype(np.float64) if names is None else names
    return Table({**columns, SAMPLE_TARGET: target}, sample.name)


def _table_rows(encoder: TableEncoder, table: Table) -> Rows:
    """Encoded columns, and the target as far as it can be compared with."""
    x, remarks = encoder.transform(table), tuple(encoder.remarks(table))
    nothing = np.empty(0, dtype=np.int64)
    if encoder.target is None or not encoder.has_target(table):
        return Rows(x, nothing, nothing, remarks)
    cells = table.column(encoder.target)
    known = np.array(
        [row for row, cell in enumerate(cells) if cell is not None and cell == cell],
        dtype=np.int64,
    )
    try:
        truth = encoder.encode_target(table.take(known)) if len(known) else nothing
    except MicaError as error:
        remark = f"The predictions are not compared with {encoder.target!r}: {error}"
        return Rows(x, nothing, nothing, (*remarks, remark))
    return Rows(x, known, truth, remarks)


def _open_table(source: str | Path, encoder: TableEncoder, where: str) -> Rows:
    if str(source) in samples.names():
        sample = samples.load(str(source))
        if not sample.feature_names:
            raise DataError(
                f"{where}: expected rows with the columns of the training, got the "
                f"pictures of {sample.name!r}. Give a CSV file with these columns."
            )
        return _table_rows(encoder, sample_table(sample, sample.x_test, sample.y_test))
    if not Path(source).is_file():
        raise DataError(
            f"{where}: expected a CSV file with the columns of the training, got no "
            f"file at {str(source)!r}. Check the path."
        )
    return _table_rows(encoder, read_csv(source))


def _read_array(path: Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"{path.name}: expected an array that NumPy saved, got: {error}. Write it "
            "with numpy.save(path, pictures)."
        ) from error


def _open_pictures(source: str | Path, encoder: PictureEncoder, where: str) -> Rows:
    if str(source) in samples.names():
        sample = samples.load(str(source))
        x = encoder.transform(sample.x_test)
        return Rows(x, np.arange(len(x)), sample.y_test)
    path = Path(source)
    if path.suffix.lower() != ".npy":
        raise DataError(
            f"{where}: expected the name of a sample or a .npy file of pictures, got "
            f"{str(source)!r}. {near_misses(str(source), samples.names())}"
        )
    nothing = np.empty(0, dtype=np.int64)
    return Rows(encoder.transform(_read_array(path)), nothing, nothing)


def _named_columns(path: Path, encoder: TextEncoder) -> Texts:
    """A table of texts, with its labels where it has them."""
    try:
        return read_texts(path, text=encoder.text, target=encoder.target)
    except DataError as error:
        if "with the labels" not in str(error):
            raise
    return read_texts(path, text=encoder.text)


def _read_texts(source: Any, encoder: TextEncoder, where: str) -> Texts:
    if isinstance(source, (list, tuple)):
        places = [str(place) for place in range(len(source))]
        return Texts(list(source), None, places, "texts", ())
    if not isinstance(source, (str, PathLike)):
        names = as_table(source).names
        target = encoder.target if encoder.target in names else None
        return read_texts(source, text=encoder.text, target=target)
    path = Path(source)
    if path.is_dir() or path.suffix.lower() not in TABLES:
        return read_texts(path)
    if encoder.text is None:
        raise DataError(
            f"{where}: expected texts as in training, a folder or a .txt file, got the "
            f"table {path.name!r}. Write each text into a file of its own."
        )
    return _named_columns(path, encoder)


def _open_texts(source: Any, encoder: TextEncoder, where: str) -> Rows:
    if isinstance(source, str) and source in samples.names():
        sample = samples.load(source)
        if not isinstance(sample, TextSample):
            raise DataError(
                f"{where}: expected texts as in training, got the sample {source!r} "
                "without. Give a file of texts."
            )
        sample = samples.load(source, raw=True)
        x = encoder.transform(list(sample.x_test))
        return Rows(x, np.arange(len(x)), np.asarray(sample.y_test))
    found = _read_texts(source, encoder, where)
    if not len(found):
        raise DataError(f"{where}: expected at least one text, got none. Bring some.")
    x = encoder.transform(found.texts)
    remarks = list(found.notes)
    long = sum(len(text) > encoder.most_characters for text in found.texts)
    if long:
        verb = "is" if long == 1 else "are"
        remarks.append(
            f"{long:,} of {len(x):,} documents {verb} longer than "
            f"{encoder.most_characters:,} characters; the rest is not read."
        )
    number = {name: place for place, name in enumerate(encoder.label_names)}
    labels = [None if label is None else str(label) for label in found.labels or ()]
    strange = sorted({label for label in labels if label and label not in number})
    if strange:
        remarks.append(
            f"The label {strange[0]!r} was not among those of the training; such rows "
            "are not compared."
        )
    known = [row for row, label in enumerate(labels) if label in number]
    truth = np.array([number[str(labels[row])] for row in known], dtype=np.int64)
    in_files = isinstance(source, (str, PathLike)) and Path(source).is_dir()
    places = tuple(found.places) if in_files else ()
    return Rows(x, np.array(known, dtype=np.int64), truth, tuple(remarks), places)


def open_series(
    source: Any, encoder: ForecastEncoder, where: str = "predict"
) -> TimeSeries:
    """Open the series to forecast from.

    Args:
        source: A CSV, JSONL or Parquet file, a table, or the sample's name.
        encoder: The model's preprocessing.
        where: Who asks, for errors.

    Returns:
        The series.

    Raises:
        DataError: It cannot be read, or lacks a column of the training.
    """
    if isinstance(source, str) and source in samples.names():
        sample = samples.load(source)
        if not hasattr(sample, "times"):
            raise DataError(
                f"{where}: expected a series as in training, got the sample {source!r} "
                "without times. Give a CSV file with the columns of the training."
            )
        return as_series(sample)
    if isinstance(source, (str, PathLike)):
        return read_series(source, time=encoder.time, sort=encoder.sort)
    return as_series(source, time=encoder.time, sort=encoder.sort)


def open_rows(
    source: Any,
    encoder: TableEncoder | PictureEncoder | TextEncoder,
    where: str = "predict",
) -> Rows:
    """Open rows and encode them.

    Args:
        source: A sample's name (its test part is taken); a CSV file for a model of
            tables, a .npy file for one of pictures; a file, a folder or a list for one
            of texts.
        encoder: The model's preprocessing.
        where: Who asks, for errors.

    Returns:
        The rows.

    Raises:
        DataError: They cannot be read, or are not like the training's.
    """
    if isinstance(encoder, TextEncoder):
        return _open_texts(source, encoder, where)
    if isinstance(encoder, TableEncoder):
        return _open_table(source, encoder, where)
    return _open_pictures(source, encoder, where)
