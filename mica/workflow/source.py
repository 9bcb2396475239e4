"""Source: what the user names, opened as a task: parts, words, preprocessing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mica.data import (
    Table,
    describe,
    describe_table,
    prepare_table,
    read_csv,
    samples,
)
from mica.data.scaling import ArrayEncoder
from mica.errors import ConfigError, DataError, near_misses
from mica.report import Report

__all__ = ["Task", "open_task"]

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")


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
        label_names: The classes; empty for a regression.
        feature_names: Names of the raw columns; empty for pictures.
        encoder: What turns raw rows into inputs; travels in the model.
        card: What is in the data.
        notes: Sentences on what was read, decided and left out.
    """

    name: str
    kind: Literal["classification", "regression"]
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    raw_test: Any
    label_names: tuple[str, ...]
    feature_names: tuple[str, ...]
    encoder: Any
    card: Report
    notes: tuple[str, ...]

    @property
    def is_pictures(self) -> bool:
        """Whether a row is a picture."""
        return self.x_train.ndim == 4  # (rows, height, width, channels)


def _sample_task(name: str) -> Task:
    sample = samples.load(name)
    encoder = ArrayEncoder(sample.task, label_names=sample.label_names)
    encoder = encoder.fit(sample.x_train, sample.y_train)
    x = np.concatenate([sample.x_train, sample.x_test])
    y = np.concatenate([sample.y_train, sample.y_test])
    return Task(
        name=name,
        kind=sample.task,
        x_train=encoder.transform(sample.x_train),
        y_train=encoder.encode_target(sample.y_train),
        x_test=encoder.transform(sample.x_test),
        y_test=encoder.encode_target(sample.y_test),
        raw_test=sample.x_test,
        label_names=sample.label_names,
        feature_names=sample.feature_names,
        encoder=encoder,
        card=describe(x, y, sample.label_names, title=f"Data: {name}"),
        notes=(
            sample.description,
            f"{len(sample.x_train)} rows to learn from, {len(sample.x_test)} set aside "
            "for the test.",
        ),
    )


def _table_task(path: Path, target: str, seed: int) -> Task:
    table = read_csv(path)
    prepared = prepare_table(table, target, seed=seed)
    test_rows = prepared.test_rows
    return Task(
        name=path.stem,
        kind=prepared.task,
        x_train=prepared.train.x,
        y_train=prepared.train.y,
        x_test=prepared.test.x,
        y_test=prepared.test.y,
        raw_test={name: test_rows.columns[name] for name in _shown(test_rows, target)},
        label_names=prepared.encoder.label_names,
        feature_names=tuple(prepared.encoder.feature_names),
        encoder=prepared.encoder,
        card=describe_table(table, target, title=f"Data: {path.name}"),
        notes=tuple(prepared.notes),
    )


def _shown(table: Table, target: str) -> list[str]:
    return [name for name in table.names if name != target]


def open_task(source: str, target: str | None = None, *, seed: int = 0) -> Task:
    """Open what the user named.

    Args:
        source: The name of a sample ("digits") or a CSV file.
        target: The column to predict; a file needs it.
        seed: Decides which rows are set aside.

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
    openers: dict[str, Callable[[], Task]] = {
        name: lambda name=name: _sample_task(name) for name in samples.names()
    }
    if source in openers:
        if target is not None:
            raise ConfigError(
                f"train: expected no target for the sample {source!r}, got "
                f"{target!r}. A sample brings its own; leave --target out."
            )
        return openers[source]()
    path = Path(source)
    if path.suffix.lower() not in TEXT_SUFFIXES and not path.exists():
        raise ConfigError(
            f"train: expected a sample or a CSV file, got {source!r}. "
            f"{near_misses(source, openers)}"
        )
    if not path.is_file():
        raise DataError(
            f"train: expected a CSV file, got no file at {source!r}. Check the path."
        )
    if target is None:
        names = ", ".join(read_csv(path).names)
        raise ConfigError(
            f"train: expected the column to predict, got none. Add --target with one "
            f"of: {names}."
        )
    return _table_task(path, target, seed)
