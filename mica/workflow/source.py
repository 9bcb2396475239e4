"""Source: what the user names, opened as a task: parts, words, preprocessing."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mica.data import (
    PreparedTable,
    Table,
    TableEncoder,
    TextEncoder,
    describe,
    describe_table,
    prepare_table,
    read_csv,
    samples,
)
from mica.data.samples import Sample
from mica.data.scaling import PictureEncoder
from mica.data.table.kinds import ColumnKind
from mica.data.table.target import Task as Kind
from mica.errors import ConfigError, DataError, near_misses
from mica.report import Report
from mica.workflow.rows import SAMPLE_TARGET, sample_table

__all__ = ["Task", "open_task", "parts_notes"]

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
FEW_ROWS = 30  # in a test part, below which its result says little
MOST_NAMES = 20  # columns listed in an error


@dataclass(frozen=True)
class Task:
    """Data split for an honest judgement, and how to speak about them.

    Args:
        name: Short name, used for the folder of a run.
        kind: "classification" or "regression".
        x_train: Encoded training inputs.
        y_train: Encoded training targets.
        x_test: Encoded test inputs, looked at once.
        y_test: Encoded test targets.
        raw_test: The test inputs as people know them, for showing mistakes.
        test_places: Rows of the file that the test rows are; None for a sample.
        label_names: The classes; empty for a regression.
        encoder: What turns raw rows into inputs; travels in the model.
        card: What is in the data.
        notes: Sentences on what was read, decided and left out.

    Shape:
        x_train, x_test: (rows, features) or (rows, height, width, channels), float32;
            (rows,), objects, for texts
        y_train, y_test: (rows,), int64 class numbers or float32 standardised numbers

    Example:
        >>> open_task("digits").is_pictures, open_task("wine").is_pictures
        (True, False)
    """

    name: str
    kind: Kind
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    raw_test: Any
    test_places: np.ndarray | None
    label_names: tuple[str, ...]
    encoder: TableEncoder | PictureEncoder | TextEncoder
    card: Report
    notes: tuple[str, ...]

    @property
    def is_pictures(self) -> bool:
        """Whether a row is a picture."""
        return self.x_train.ndim == 4  # (rows, height, width, channels)

    @property
    def is_text(self) -> bool:
        """Whether a row is a text."""
        return isinstance(self.encoder, TextEncoder)


def parts_notes(num_train: int, num_test: int, noun: str = "row") -> tuple[str, ...]:
    """Say how large the parts are, and whether the test part is a proof.

    Args:
        num_train: Rows to learn from.
        num_test: Rows of the test part.
        noun: What a row is.

    Returns:
        The sentences.

    Example:
        >>> parts_notes(1200, 300, "document")
        ('1,200 documents to learn from, 300 set aside for the test.',)
    """
    rows = f"1 {noun}" if num_train == 1 else f"{num_train:,} {noun}s"
    parts = f"{rows} to learn from, {num_test:,} set aside for the test."
    if num_test >= FEW_ROWS:
        return (parts,)
    few = "The test part is small: take the result as a hint, not as a proof."
    return (parts, few)


def _picture_task(sample: Sample) -> Task:
    encoder = PictureEncoder(sample.label_names).fit(sample.x_train)
    x = np.concatenate([sample.x_train, sample.x_test])
    y = np.concatenate([sample.y_train, sample.y_test])
    return Task(
        name=sample.name,
        kind="classification",
        x_train=encoder.transform(sample.x_train),
        y_train=sample.y_train,
        x_test=encoder.transform(sample.x_test),
        y_test=sample.y_test,
        raw_test=sample.x_test,
        test_places=None,
        label_names=sample.label_names,
        encoder=encoder,
        card=describe(x, y, sample.label_names, title=f"Data: {sample.name}"),
        notes=(
            sample.description,
            *parts_notes(len(sample.x_train), len(sample.x_test)),
        ),
    )


def _column_task(sample: Sample) -> Task:
    train = sample_table(sample, sample.x_train, sample.y_train)
    test = sample_table(sample, sample.x_test, sample.y_test)
    encoder = TableEncoder(
        SAMPLE_TARGET,
        task=sample.task,
        kinds=dict.fromkeys(sample.feature_names, "number"),
    ).fit(train)
    x = np.concatenate([sample.x_train, sample.x_test])
    y = np.concatenate([sample.y_train, sample.y_test])
    return Task(
        name=sample.name,
        kind=sample.task,
        x_train=encoder.transform(train),
        y_train=encoder.encode_target(train),
        x_test=encoder.transform(test),
        y_test=encoder.encode_target(test),
        raw_test={name: test.column(name) for name in encoder.column_names},
        test_places=None,
        label_names=encoder.label_names,
        encoder=encoder,
        card=describe_table(
            sample_table(sample, x, y), SAMPLE_TARGET, title=f"Data: {sample.name}"
        ),
        notes=(
            sample.description,
            *parts_notes(len(sample.x_train), len(sample.x_test)),
        ),
    )


def _table_task(table: Table, name: str, prepared: PreparedTable, target: str) -> Task:
    rows, names = prepared.test_rows, prepared.encoder.column_names
    bare = dataclasses.replace(table, notes=())  # the encoder's notes hold these too
    return Task(
        name=name,
        kind=prepared.task,
        x_train=prepared.train.x,
        y_train=prepared.train.y,
        x_test=prepared.test.x,
        y_test=prepared.test.y,
        raw_test={column: rows.column(column) for column in names},
        test_places=prepared.test_places,
        label_names=prepared.encoder.label_names,
        encoder=prepared.encoder,
        card=describe_table(bare, target, title=f"Data: {table.name}"),
        notes=(
            *prepared.notes,
            *parts_notes(len(prepared.train.x), len(prepared.test.x)),
            "Rows are counted from 0, below the column names.",
        ),
    )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    shown = ", ".join(names[:MOST_NAMES])
    return f"{shown} and {more} more" if more > 0 else shown


def open_task(
    source: str | Path,
    target: str | None = None,
    *,
    task: Kind | None = None,
    kinds: Mapping[str, ColumnKind] | None = None,
    seed: int = 0,
) -> Task:
    """Open what the user named.

    Args:
        source: The name of a sample ("digits") or a CSV file.
        target: The column to predict; a file needs it.
        task: What to learn from a file; None decides from the column.
        kinds: Columns of a file to take for what they do not look like.
        seed: Decides which rows of a file are set aside; a sample's test part is
            always the same.

    Returns:
        The task; everything learned from data is learned from its training part.

    Raises:
        ConfigError: An unknown source, or a target that is missing or not asked for.
        DataError: A file that cannot be read or learned from.

    Example:
        >>> task = open_task("iris")
        >>> task.kind, task.x_train.shape
        ('classification', (120, 4))
    """
    path, known = Path(source), samples.names()
    if str(source) in known:
        given = [target, task, *(kinds or ())]
        unwanted = [str(choice) for choice in given if choice is not None]
        if unwanted:
            raise ConfigError(
                f"train: expected no target, task or kinds of columns for the sample "
                f"{str(source)!r}, got {unwanted[0]!r}. A sample brings its own; leave "
                "them out."
            )
        sample = samples.load(str(source))
        return _column_task(sample) if sample.feature_names else _picture_task(sample)
    if path.suffix.lower() not in TEXT_SUFFIXES and not path.exists():
        raise ConfigError(
            f"train: expected the name of a sample or the path of a CSV file, got "
            f"{str(source)!r}. {near_misses(str(source), known)}"
        )
    if path.is_dir():
        raise DataError(
            f"train: expected a CSV file, got the folder {str(source)!r}. Give the "
            "path of one file."
        )
    table = read_csv(path)
    if target is None:
        raise ConfigError(
            f"train: expected a target, the column of {path.name} to predict, got "
            f"none. Choose from: {_listed(table.names)}."
        )
    prepared = prepare_table(table, target, task=task, kinds=kinds, seed=seed)
    return _table_task(table, path.stem, prepared, target)
