"""Rows to predict: whatever holds raw rows, encoded as the model knows them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mica.data import Table, TableEncoder, read_csv, samples
from mica.data.samples import Sample
from mica.data.scaling import PictureEncoder
from mica.errors import DataError, MicaError, near_misses

__all__ = ["SAMPLE_TARGET", "Rows", "open_rows", "sample_table"]

SAMPLE_TARGET = "target"  # what the column to predict of a sample is called


@dataclass(frozen=True)
class Rows:
    """Inputs a model can take, and the truth where the source knows it.

    Args:
        x: Encoded inputs.
        known: Numbers of the rows whose target is known.
        truth: Encoded targets of these rows.
        remarks: Sentences on what the model never saw.

    Shape:
        x: (rows, ...)
        known, truth: (known rows,)
    """

    x: np.ndarray
    known: np.ndarray
    truth: np.ndarray
    remarks: tuple[str, ...] = ()


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


def _open_table(source: str | Path, encoder: TableEncoder) -> Rows:
    if str(source) in samples.names():
        sample = samples.load(str(source))
        if not sample.feature_names:
            raise DataError(
                f"predict: expected rows with the columns of the training, got the "
                f"pictures of {sample.name!r}. Give a CSV file with these columns."
            )
        return _table_rows(encoder, sample_table(sample, sample.x_test, sample.y_test))
    if not Path(source).is_file():
        raise DataError(
            "predict: expected a CSV file with the columns of the training, got no "
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


def _open_pictures(source: str | Path, encoder: PictureEncoder) -> Rows:
    if str(source) in samples.names():
        sample = samples.load(str(source))
        x = encoder.transform(sample.x_test)
        return Rows(x, np.arange(len(x)), sample.y_test)
    path = Path(source)
    if path.suffix.lower() != ".npy":
        raise DataError(
            "predict: expected the name of a sample or a .npy file of pictures, got "
            f"{str(source)!r}. {near_misses(str(source), samples.names())}"
        )
    nothing = np.empty(0, dtype=np.int64)
    return Rows(encoder.transform(_read_array(path)), nothing, nothing)


def open_rows(source: str | Path, encoder: TableEncoder | PictureEncoder) -> Rows:
    """Open rows and encode them.

    Args:
        source: A sample's name (its test part is taken); a CSV file for a model of
            tables, a .npy file for one of pictures.
        encoder: The model's preprocessing.

    Returns:
        The rows.

    Raises:
        DataError: They cannot be read, or are not like the training's.
    """
    if isinstance(encoder, TableEncoder):
        return _open_table(source, encoder)
    return _open_pictures(source, encoder)
