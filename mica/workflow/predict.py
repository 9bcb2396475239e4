"""Predict: raw rows in, answers in the user's own words out."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np

from mica.data import TableEncoder
from mica.data.scaling import PictureEncoder
from mica.errors import ConfigError
from mica.model import Model, load_model
from mica.report import Table, format_value
from mica.training import atomic_file
from mica.workflow.rows import Rows, open_rows

__all__ = ["csv_text", "predict", "write_csv"]

MODEL = "model.mica"


def _load(path: str | Path) -> tuple[Model, TableEncoder | PictureEncoder]:
    file = Path(path) / MODEL if Path(path).is_dir() else Path(path)
    model = load_model(file)
    if not isinstance(model.preprocessing, (TableEncoder, PictureEncoder)):
        raise ConfigError(
            f"predict: expected a model with its preprocessing, as `mica train` saves "
            f"it, got {str(file)!r} without. Use model.predict(x) from Python."
        )
    return model, model.preprocessing


def _score(answers: np.ndarray, truth: np.ndarray, *, is_share: bool) -> str:
    """How the answers compare with the truth, in words."""
    rows = "1 row" if len(truth) == 1 else f"{len(truth):,} rows"
    if is_share:
        right = int((answers == truth).sum())
        share = format_value(right / len(truth))
        return f"Right in {right:,} of {rows} whose truth is known: accuracy {share}."
    error = format_value(float(np.abs(answers - truth).mean()))
    return f"Mean absolute error over the {rows} whose truth is known: {error}."


def predict(model_path: str | Path, source: str | Path) -> Table:
    """Ask a saved model about raw rows.

    Args:
        model_path: A `.mica` file that `mica train` wrote, or the folder of its run.
        source: A sample's name (its test part is taken); a CSV file for a model of
            tables, a .npy file for one of pictures.

    Returns:
        For each row, counted from 0, the answer; for classes how probable it is; the
        truth where the source knows it. The note compares the two.

    Raises:
        CheckpointError: The model cannot be read.
        ConfigError: The model has no preprocessing.
        DataError: The rows cannot be read, or are not like the training's.

    Example:
        >>> import tempfile
        >>> from mica.workflow import train
        >>> outcome = train("iris", epochs=1, runs=tempfile.mkdtemp(), verbose=0)
        >>> table = predict(outcome.folder, "iris")
        >>> table.columns, len(table.rows)
        (('row', 'prediction', 'probability', 'truth'), 30)
    """
    model, encoder = _load(model_path)
    rows = open_rows(source, encoder)
    outputs = model.predict(rows.x)
    answers = encoder.decode(outputs)
    columns: dict[str, list[Any]] = {
        "row": list(range(len(answers))),
        "prediction": answers.tolist(),
    }
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


def _decoded_truth(encoder: TableEncoder | PictureEncoder, rows: Rows) -> np.ndarray:
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
