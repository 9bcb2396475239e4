"""Predict: raw rows in, answers in the user's own words out."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np

from mica.data import TableEncoder, TextEncoder, Tokenizer
from mica.data.forecasting import ForecastEncoder
from mica.data.scaling import PictureEncoder
from mica.data.table.times import time_text
from mica.errors import ConfigError
from mica.model import Model, load_model
from mica.report import Table, format_value
from mica.training import atomic_file
from mica.workflow.rows import Rows, open_rows, open_series

__all__ = ["csv_text", "load_trained", "predict", "write_csv"]

MODEL = "model.mica"
ROWS = (TableEncoder, PictureEncoder, TextEncoder)
RowEncoder = TableEncoder | PictureEncoder | TextEncoder


def load_trained(model: Model | str | Path, where: str) -> Model:
    """Take a model, or load it from its file or the folder of its run.

    Args:
        model: The model or the path.
        where: Who asks, for errors.

    Returns:
        The model, with its preprocessing.

    Raises:
        CheckpointError: The model cannot be read.
        ConfigError: It has no preprocessing.
    """
    said = "one"
    if isinstance(model, Model):
        trained = model
    else:
        file = Path(model) / MODEL if Path(model).is_dir() else Path(model)
        said, trained = repr(str(file)), load_model(file)
    if not isinstance(trained.preprocessing, (*ROWS, ForecastEncoder, Tokenizer)):
        raise ConfigError(
            f"{where}: expected a model with its preprocessing, as `mica train` saves "
            f"it, got {said} without. Use model.predict(x) from Python."
        )
    return trained


def _score(answers: np.ndarray, truth: np.ndarray, *, is_share: bool) -> str:
    """How the answers compare with the truth, in words."""
    rows = "1 row" if len(truth) == 1 else f"{len(truth):,} rows"
    if is_share:
        right = int((answers == truth).sum())
        share = format_value(right / len(truth))
        return f"Right in {right:,} of {rows} whose truth is known: accuracy {share}."
    error = format_value(float(np.abs(answers - truth).mean()))
    return f"Mean absolute error over the {rows} whose truth is known: {error}."


def predict(model: Model | str | Path, source: Any) -> Table:
    """Ask a trained model about raw rows, texts or a series.

    Args:
        model: A model that `train` made, its `.mica` file, or the folder of its run.
        source: A sample's name (its test part is taken); a CSV file for a model of
            tables, a .npy file for one of pictures; for one of texts a file or folder
            as in training, a text file, or a list of texts; for a forecast a file with
            the columns of the training, up to now.

    Returns:
        For each row, counted from 0, the answer; for classes how probable it is; the
        truth where the source knows it. For a forecast, the times ahead. The note says
        what should be known.

    Raises:
        CheckpointError: The model cannot be read.
        ConfigError: The model has no preprocessing, or writes instead of answering.
        DataError: The rows cannot be read, or are not like the training's.

    Example:
        >>> import tempfile
        >>> from mica.workflow import train
        >>> outcome = train("iris", epochs=1, runs=tempfile.mkdtemp(), verbose=0)
        >>> table = predict(outcome.folder, "iris")
        >>> table.columns, len(table.rows)
        (('row', 'prediction', 'probability', 'truth'), 30)
    """
    trained = load_trained(model, "predict")
    encoder = trained.preprocessing
    if isinstance(encoder, Tokenizer):
        raise ConfigError(
            "predict: expected a model that answers, got one that writes. Use `mica "
            "generate` (workflow.generate)."
        )
    if isinstance(encoder, ForecastEncoder):
        return _forecast(trained, encoder, source)
    return _answers(trained, encoder, source)


def _time_words(times: np.ndarray) -> list[str]:
    """Times as words, all as exact as the most exact one needs."""
    for unit in ("D", "m", "s"):
        if (times == times.astype(f"datetime64[{unit}]")).all():
            break
    else:
        unit = "us"
    return [text.replace("T", " ") for text in np.datetime_as_string(times, unit)]


def _forecast(model: Model, encoder: ForecastEncoder, source: Any) -> Table:
    """What comes after the last row of a series."""
    series = open_series(source, encoder)
    outputs = model.predict(encoder.series.latest(series))
    values = encoder.decode(outputs)[0].tolist()
    columns: dict[str, list[Any]] = {
        "time": _time_words(encoder.times(series)),
        encoder.target: values,
    }
    note = f"From {len(series):,} rows, the last of {time_text(series.times[-1])}."
    if encoder.errors:
        columns["usual error"] = list(encoder.errors)
        note += " The usual error is the mean one on the test part of the training."
    rows = tuple(zip(*columns.values(), strict=True))
    return Table("Forecast", tuple(columns), rows, note)


def _answers(model: Model, encoder: RowEncoder, source: Any) -> Table:
    """One answer for each row."""
    rows = open_rows(source, encoder)
    outputs = model.predict(rows.x)
    answers = encoder.decode(outputs)
    columns: dict[str, list[Any]] = {"row": list(range(len(answers)))}
    if rows.places:
        columns = {"file": list(rows.places)}
    columns["prediction"] = answers.tolist()
    if encoder.label_names:
        columns["probability"] = outputs.max(axis=-1).astype(float).tolist()
    notes = list(rows.remarks)
    if len(rows.known):
        truth = _decoded_truth(encoder, rows)
        cells: list[Any] = [None] * len(answers)
        for row, value in zip(rows.known.tolist(), truth.tolist(), strict=True):
            cells[row] = value
        columns["truth"] = cells
        is_share = bool(encoder.label_names)
        notes.append(_score(answers[rows.known], truth, is_share=is_share))
    return Table(
        "Predictions",
        tuple(columns),
        tuple(zip(*columns.values(), strict=True)),
        "\n".join(notes),
    )


def _decoded_truth(encoder: RowEncoder, rows: Rows) -> np.ndarray:
    """The truth in the words and units of the answers."""
    if encoder.label_names:
        return np.array(encoder.label_names)[rows.truth]
    return encoder.decode(rows.truth)


def csv_text(table: Table) -> str:
    r"""Write a table as the text of a CSV file.

    Args:
        table: The rows.

    Returns:
        Lines; an empty cell where a value is not known.

    Example:
        >>> csv_text(Table("", ["row", "truth"], [[0, None]]))
        'row,truth\n0,\n'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return text.getvalue()


def write_csv(table: Table, path: str | Path) -> None:
    r"""Write a table as a CSV file; the file appears whole or not at all.

    Args:
        table: The rows.
        path: Where.

    Raises:
        CheckpointError: The file cannot be written.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "answers.csv"
        >>> write_csv(Table("", ["row", "prediction"], [[0, "no"]]), path)
        >>> path.read_text()
        'row,prediction\n0,no\n'
    """
    with atomic_file(path, where="predict") as file:
        file.write(csv_text(table).encode())
