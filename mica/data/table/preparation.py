"""From raw rows to training, validation and test arrays, with nothing leaking."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mica.data.split import Part, split_rows
from mica.data.table.encoder import TableEncoder
from mica.data.table.kinds import ColumnKind
from mica.data.table.table import Table, as_table
from mica.data.table.target import (
    ClassTarget,
    Task,
    TaskChoice,
    choose_task,
    usable_rows,
)

__all__ = ["PreparedTable", "prepare_table"]


@dataclass(frozen=True)
class PreparedTable:
    """A table, split and encoded.

    Args:
        train: Arrays to learn from.
        validation: Arrays to watch while learning; None when none were asked for.
        test: Arrays for the one final judgement.
        train_rows: The raw rows of the training part.
        test_rows: The raw rows of the test part, to show beside predictions.
        test_places: Where each of them stands in the data, counted from 0.
        encoder: Fitted on the training rows; belongs into the model's file.
        task: "classification" or "regression".
        notes: Sentences for the user on what was read, decided and left out.

    Example:
        >>> rows = {"size": [1.5, 2.5] * 10, "kind": ["a", "b"] * 10}
        >>> prepared = prepare_table(rows, "kind")
        >>> prepared.train.x.shape, prepared.encoder.label_names
        ((16, 1), ('a', 'b'))
    """

    train: Part
    validation: Part | None
    test: Part
    train_rows: Table
    test_rows: Table
    test_places: np.ndarray
    encoder: TableEncoder
    task: Task
    notes: tuple[str, ...]


def _usable_places(table: Table, choice: TaskChoice) -> tuple[Table, np.ndarray]:
    """The rows that can be learned from, and where they stand in the table."""
    place = "place"
    while place in table.columns:
        place += "_"
    counted = {**table.columns, place: np.arange(len(table), dtype=np.float64)}
    usable = usable_rows(dataclasses.replace(table, columns=counted), choice)
    places = np.asarray(usable.column(place), dtype=np.int64)
    return usable.without(place), places


def prepare_table(
    data: Any,
    target: str,
    *,
    task: Task | None = None,
    kinds: Mapping[str, ColumnKind] | None = None,
    test_fraction: float = 0.2,
    validation_fraction: float = 0.0,
    max_categories: int = 20,
    embeddings: bool = False,
    seed: int = 0,
) -> PreparedTable:
    """Split raw rows, fit the encoder on the training part, and encode every part.

    Rows without a target are left out; classes are spread evenly over the parts; a
    class with a single row stays in the training part.

    Args:
        data: A `Table` (see `read_csv`), a frame, or rows as dicts.
        target: The column to predict.
        task: "classification" or "regression"; None decides from the column.
        kinds: Columns to take for what they do not look like (see `TableEncoder`).
        test_fraction: Share of the rows for the final test.
        validation_fraction: Share of the rows to watch while learning; 0 for none.
        max_categories: Most places of a category column.
        embeddings: Whether columns of more categories become numbers for embeddings.
        seed: Decides the split.

    Returns:
        Arrays, raw rows, the encoder and notes.

    Raises:
        ConfigError: An argument that cannot work.
        DataError: A table that cannot be learned from, said in words of its columns.

    Example:
        >>> rows = {"age": list(range(30, 50)), "ill": ["no", "yes"] * 10}
        >>> prepared = prepare_table(rows, "ill", kinds={"age": "number"})
        >>> prepared.train.x.shape, prepared.test.x.shape, prepared.task
        ((16, 1), (4, 1), 'classification')
    """
    table = as_table(data)
    choice = choose_task(table, target, task)
    table, places = _usable_places(table, choice)
    codes = None
    if choice.task == "classification":
        codes = ClassTarget(target, label_names=choice.label_names).encode(table)
    fractions = [test_fraction]
    if validation_fraction != 0:
        fractions.insert(0, validation_fraction)
    rows = split_rows(len(table), fractions, codes=codes, seed=seed)
    tables = [table.take(part) for part in rows]
    encoder = TableEncoder(
        target,
        task=choice.task,
        kinds=kinds,
        max_categories=max_categories,
        embeddings=embeddings,
    ).fit(tables[0], choice)
    parts = [
        Part(encoder.transform(part), encoder.encode_target(part), None)
        for part in tables
    ]
    return PreparedTable(
        train=parts[0],
        validation=parts[1] if len(parts) == 3 else None,
        test=parts[-1],
        train_rows=tables[0],
        test_rows=tables[-1],
        test_places=places[rows[-1]],
        encoder=encoder,
        task=choice.task,
        notes=tuple(encoder.notes),
    )
