"""Predict: raw rows in, answers in the user's own words out."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np

from mica.data import TableEncoder, read_csv, samples
from mica.errors import ConfigError, DataError
from mica.model import load_model
from mica.report import Table
from mica.training import atomic_file

__all__ = ["predict", "write_csv"]


def _read(source: str, encoder: Any) -> tuple[np.ndarray, list[str]]:
    """Encoded inputs and remarks on what the model never saw."""
    path = Path(source)
    if isinstance(encoder, TableEncoder):
        if not path.is_file():
            raise DataError(
                f"predict: expected a CSV file with the columns of the training, got "
                f"no file at {source!r}. Check the path."
            )
        table = read_csv(path)
        return encoder.transform(table), encoder.remarks(table)
    if source in samples.names():
        return encoder.transform(samples.load(source).x_test), []
    if path.suffix == ".npy" and path.is_file():
        return encoder.transform(np.load(path, allow_pickle=False)), []
    raise DataError(
        f"predict: expected a sample's name or a .npy file with an array, got "
        f"{source!r}. Write one with numpy.save."
    )


def predict(model_path: str | Path, source: str) -> Table:
    """Ask a saved model about raw rows.

    Args:
        model_path: A `.mica` file that `mica train` wrote.
        source: A CSV file for a model of tables; a sample's name (its test part) or a
            .npy file for others.

    Returns:
        One row for each row: the answer, and for classes how sure the model is.

    Raises:
        CheckpointError: The model cannot be read.
        ConfigError: The model has no preprocessing.
        DataError: The rows cannot be read, or are not like the training's.
    """
    model = load_model(model_path)
    encoder = model.preprocessing
    if encoder is None:
        raise ConfigError(
            f"predict: expected a model with its preprocessing, got {model_path} "
            "without. Use model.predict(x) from Python."
        )
    x, remarks = _read(source, encoder)
    outputs = model.predict(x)
    answers = encoder.decode(outputs)
    if model.label_names:
        shares = outputs.max(axis=-1)
        rows = tuple(
            (number, str(answer), float(share))
            for number, (answer, share) in enumerate(zip(answers, shares, strict=True))
        )
        columns = ("row", "prediction", "probability")
    else:
        rows = tuple((number, float(answer)) for number, answer in enumerate(answers))
        columns = ("row", "prediction")
    return Table("Predictions", columns, rows, "\n".join(remarks))


def write_csv(table: Table, path: str | Path) -> None:
    """Write a table as a CSV file; the file appears whole or not at all.

    Args:
        table: The rows.
        path: Where.

    Raises:
        CheckpointError: The file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    with atomic_file(path, where="predict") as file:
        file.write(text.getvalue().encode())
