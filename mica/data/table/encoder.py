"""A table of any columns as an array of numbers: fitted once, used for ever."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from mica.data.table.columns import (
    CategoryColumn,
    NumberColumn,
    fit_category,
    fit_number,
)
from mica.data.table.dates import DateColumn, fit_date
from mica.data.table.indices import IndexColumn, fit_index
from mica.data.table.kinds import ColumnKind, Inspection, inspect_column
from mica.data.table.table import as_table
from mica.data.table.target import Target, Task, TaskChoice, choose_task, fit_target
from mica.errors import ConfigError, DataError, StateError, near_misses
from mica.registry import Configurable, decode, encode

__all__ = ["TableEncoder"]

Column = NumberColumn | CategoryColumn | DateColumn | IndexColumn


def _note(
    name: str, inspection: Inspection, column: Column | None, max_categories: int
) -> list[str]:
    """What the user should know about one column."""
    if inspection.kind == "left out":
        return [f"Column {name!r} is left out: {inspection.reason}."]
    notes = []
    if inspection.kind == "number" and inspection.num_missing:
        notes.append(
            f"Column {name!r}: {inspection.num_missing} missing values are filled with "
            "the median and marked in a column of their own."
        )
    if inspection.kind == "date" and inspection.num_missing:
        notes.append(
            f"Column {name!r}: {inspection.num_missing} missing dates are filled with "
            "the median and marked in a column of their own."
        )
    if inspection.times is not None and inspection.times.note:
        notes.append(f"Column {name!r}: {inspection.times.note}")
    if inspection.unreadable:
        shown = ", ".join(repr(text) for text in inspection.unreadable[:5])
        what = "dates" if inspection.kind == "date" else "numbers"
        notes.append(f"Column {name!r}: not {what}, so taken as missing: {shown}.")
    if inspection.merged:
        shown = ", ".join(repr(text) for text in inspection.merged[:5])
        notes.append(
            f"Column {name!r}: capital and small letters count the same: {shown}."
        )
    rare = len(inspection.counts) - max_categories
    if isinstance(column, IndexColumn):
        notes.append(
            f"Column {name!r}: {len(inspection.counts)} categories become numbers for "
            f"an embedding of {column.num_indices} rows; those that occur once count "
            "as unknown."
        )
    elif inspection.kind == "category" and rare > 0:
        notes.append(
            f"Column {name!r}: the {max_categories} most frequent of "
            f"{len(inspection.counts)} categories are kept."
        )
    return notes


class TableEncoder(Configurable):
    """Raw rows as numbers a network can learn from, and its answers back in words.

    Numbers are standardised and their gaps filled with the median; categories get
    one place each, or a number for an embedding where there are many; dates become days
    and places in the year, week and day; identifiers, long texts, constants and empty
    columns are left out, with a note. What is learned comes from the rows given to
    ``fit`` alone (the training part) and travels with the model as plain JSON.

    Args:
        target: The column to predict; None when there is none.
        task: "classification" or "regression"; None decides from the column.
        kinds: "number", "category", "date" or "left out" for columns that Mica would
            take for something else.
        max_categories: Most places of a category column, the most frequent first.
        embeddings: Whether columns of more categories than that become numbers for an
            embedding, each an array of its own (see `transform`).

    Attributes:
        notes: Sentences for the user on what was decided.
        column_names: The raw columns that are used.
        feature_names: What each column of the array is.
        label_names: The classes, in the order of their numbers.

    Raises:
        ConfigError: ``max_categories`` is below 1, or ``target`` or ``kinds`` is of
            another type.

    Example:
        >>> rows = {"age": [31, 42, 53, 64], "ill": ["no", "yes", "no", "yes"]}
        >>> encoder = TableEncoder("ill").fit(rows)
        >>> encoder.transform({"age": [47.5]})
        array([[0.]], dtype=float32)
        >>> encoder.encode_target(rows), encoder.label_names
        (array([0, 1, 0, 1]), ('no', 'yes'))
    """

    def __init__(
        self,
        target: str | None = None,
        *,
        task: Task | None = None,
        kinds: Mapping[str, ColumnKind] | None = None,
        max_categories: int = 20,
        embeddings: bool = False,
    ) -> None:
        if not isinstance(max_categories, int) or max_categories < 1:
            raise ConfigError(
                "TableEncoder: expected max_categories of at least 1, got "
                f"{max_categories!r}. 20 is the default."
            )
        if target is not None and not isinstance(target, str):
            raise ConfigError(
                f"TableEncoder: expected target to be a column's name, got {target!r}. "
                "Leave it out when there is nothing to predict."
            )
        if kinds is not None and not isinstance(kinds, Mapping):
            raise ConfigError(
                f"TableEncoder: expected kinds such as {{'age': 'number'}}, got "
                f"{kinds!r}. Name each column and its kind."
            )
        self.target = target
        self.task: Task | None = task
        self.kinds = dict(kinds or {})
        self.max_categories = max_categories
        self.embeddings = bool(embeddings)
        self.notes: list[str] = []
        self._columns: list[Column] = []
        self._target: Target | None = None

    @property
    def column_names(self) -> list[str]:
        """The raw columns that are used."""
        return [column.name for column in self._columns]

    @property
    def feature_names(self) -> list[str]:
        """What each column of the array is."""
        return [name for column in self._dense for name in column.feature_names]

    @property
    def _dense(self) -> list[NumberColumn | CategoryColumn | DateColumn]:
        """The columns of the array: all but those for embeddings."""
        return [c for c in self._columns if not isinstance(c, IndexColumn)]

    @property
    def embedded(self) -> dict[str, int]:
        """The columns for embeddings, and the rows each embedding needs."""
        return {
            column.name: column.num_indices
            for column in self._columns
            if isinstance(column, IndexColumn)
        }

    @property
    def label_names(self) -> tuple[str, ...]:
        """The classes in the order of their numbers; empty without classes."""
        return () if self._target is None else self._target.label_names

    @property
    def target_scale(self) -> float:
        """What turns errors into the target's unit: its deviation; 1 for classes."""
        return float(getattr(self._fitted_target("target_scale"), "scale", 1.0))

    def fit(self, rows: Any, choice: TaskChoice | None = None) -> Self:
        """Learn columns, categories, means and classes from the training rows.

        Args:
            rows: The training part: a `Table` or whatever `as_table` takes.
            choice: What `choose_task` found in all rows, so that a class that is
                missing from the training part is known; None looks here.

        Returns:
            The encoder itself.

        Raises:
            ConfigError: ``kinds`` names a column that is not there, or a kind that
                is none.
            DataError: No column that can be learned from, or a target that cannot.
        """
        table = as_table(rows)
        for name in self.kinds:
            if name not in table.columns:
                raise ConfigError(
                    f"kinds: expected columns of {table.name}, got {name!r}. "
                    f"{near_misses(name, table.names)}"
                )
        notes = list(table.notes)
        target = None
        if self.target is not None:
            if choice is None:
                choice = choose_task(table, self.target, self.task)
            notes += [f"{choice.reason[0].upper()}{choice.reason[1:]}.", *choice.notes]
            target = fit_target(table, choice)
        columns: list[Column] = []
        left_out: list[str] = []
        for name, cells in table.columns.items():
            if name == self.target:
                continue
            inspection = inspect_column(
                name,
                cells,
                decimal=table.decimal,
                wanted=self.kinds.get(name),
                max_categories=self.max_categories,
            )
            column = self._fit_column(name, inspection)
            notes += _note(name, inspection, column, self.max_categories)
            if column is None:
                left_out.append(f"{name!r} ({inspection.reason})")
            else:
                columns.append(column)
        if not columns:
            raise DataError(
                f"{table.name}: expected at least one column to learn from, got none: "
                f"{', '.join(left_out) or 'the target is alone'}. Say otherwise with "
                "kinds={'column': 'number'} or 'category'."
            )
        self.notes, self._columns, self._target = notes, columns, target
        return self

    def _fit_column(self, name: str, inspection: Inspection) -> Column | None:
        if inspection.kind == "number":
            return fit_number(name, inspection)
        if inspection.times is not None:
            found = inspection.times
            return fit_date(
                name, found.times, order=found.order, unreadable=inspection.unreadable
            )
        if inspection.kind == "left out":
            return None
        if self.embeddings and len(inspection.counts) > self.max_categories:
            return fit_index(name, inspection)
        return fit_category(name, inspection, self.max_categories)

    def _check_fitted(self, where: str) -> None:
        if not self._columns:
            raise StateError(
                f"TableEncoder.{where}: expected a fitted encoder, got a new one. "
                "Call fit(training_rows) first."
            )

    def _fitted_target(self, where: str) -> Target:
        self._check_fitted(where)
        if self._target is None:
            raise StateError(
                f"TableEncoder.{where}: expected an encoder with a target, got one "
                "without. Make it with TableEncoder(target='column')."
            )
        return self._target

    def transform(self, rows: Any) -> Any:
        """Turn rows into an array; the target may be among their columns or not.

        A category that did not occur in training is 0 in all its places; a missing
        number is the training median. Columns that training left out may be absent.

        Args:
            rows: A `Table` or whatever `as_table` takes.

        Shape:
            returns: (rows, features)

        Returns:
            float32 numbers, a column per name in ``feature_names``. With columns for
            embeddings a dict: these numbers as "features", if there are any, and an
            int64 array (rows,) for each such column by its name.

        Raises:
            StateError: ``fit`` was not called.
            DataError: A column is not there, or a column of numbers or dates holds
                another text.

        Example:
            >>> rows = {"size": [1.5, 2.5] * 3, "city": ["Ulm", "Bonn", "Kiel"] * 2}
            >>> encoder = TableEncoder(max_categories=2, embeddings=True).fit(rows)
            >>> encoder.transform(rows)["city"], encoder.embedded
            (array([4, 2, 3, 4, 2, 3]), {'city': 5})
        """
        self._check_fitted("transform")
        table = as_table(rows)
        missing = [c.name for c in self._columns if c.name not in table.columns]
        if missing:
            shown = ", ".join(repr(name) for name in missing[:10])
            raise DataError(
                f"{table.name}: expected the columns the model was trained on, got no "
                f"{shown}. {near_misses(missing[0], table.names)}"
            )
        parts: list[np.ndarray] = []
        indices: dict[str, np.ndarray] = {}
        for column in self._columns:
            cells = table.column(column.name)
            if isinstance(column, IndexColumn):
                indices[column.name] = column.transform(cells)
            elif isinstance(column, NumberColumn):
                parts.append(column.transform(cells, table.decimal))
            else:
                parts.append(column.transform(cells))
        features = None
        if parts:
            features = np.concatenate(parts, axis=1).astype(np.float32)  # (rows, F)
        if not indices:
            return features
        name = "features"
        while name in indices:  # a column of that name goes first
            name += "_"
        return indices if features is None else {name: features, **indices}

    def remarks(self, rows: Any) -> list[str]:
        """Say what in these rows the model has never seen.

        Args:
            rows: Rows for ``transform``.

        Returns:
            A sentence per category column with unseen values.

        Raises:
            StateError: ``fit`` was not called.

        Example:
            >>> rows = {"sex": ["f", "m"] * 3, "ill": ["no", "yes"] * 3}
            >>> TableEncoder("ill").fit(rows).remarks({"sex": ["x"]})
            ["Column 'sex': not seen in training, so in no category: 'x'."]
        """
        self._check_fitted("remarks")
        table = as_table(rows)
        sentences = []
        for column in self._columns:
            named = isinstance(column, (CategoryColumn, IndexColumn))
            if named and column.name in table.columns:
                unseen = sorted(column.unseen(table.column(column.name)))
                if unseen:
                    shown = ", ".join(repr(text) for text in unseen[:5])
                    sentences.append(
                        f"Column {column.name!r}: not seen in training, so in no "
                        f"category: {shown}."
                    )
        return sentences

    def has_target(self, rows: Any) -> bool:
        """Whether the rows hold the column to predict.

        Args:
            rows: A `Table` or whatever `as_table` takes.

        Example:
            >>> TableEncoder("ill").has_target({"age": [31]})
            False
        """
        return self.target is not None and self.target in as_table(rows).columns

    def encode_target(self, rows: Any) -> np.ndarray:
        """Turn the target column into numbers to learn.

        Args:
            rows: Rows with the target.

        Shape:
            returns: (rows,), int64 class numbers or float32 standardised numbers

        Returns:
            The numbers.

        Raises:
            StateError: ``fit`` was not called, or there is no target.
            DataError: The column is not there, or a row has no usable value.
        """
        return self._fitted_target("encode_target").encode(as_table(rows))

    def decode(self, prediction: Any) -> np.ndarray:
        """Turn the model's answers into labels, or numbers in the target's unit.

        Args:
            prediction: What predict returned.

        Shape:
            prediction: (rows, classes), (rows, 1) or (rows,)
            returns: (rows,)

        Returns:
            Texts or float64 numbers.

        Raises:
            StateError: ``fit`` was not called, or there is no target.
            DataError: The shape does not fit the target.
        """
        return self._fitted_target("decode").decode(prediction)

    def config(self) -> dict[str, Any]:
        """Give everything that was set and learned, as JSON values.

        Returns:
            What `from_config` takes.

        Example:
            >>> rows = {"age": [31, 42, 53, 64], "ill": ["no", "yes", "no", "yes"]}
            >>> encoder = TableEncoder("ill").fit(rows)
            >>> again = TableEncoder.from_config(encoder.config())
            >>> again.feature_names, again.label_names
            (['age'], ('no', 'yes'))
        """
        fitted = {
            "columns": list(self._columns),
            "target": self._target,
            "notes": list(self.notes),
        }
        return {**super().config(), "fitted": encode(fitted)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make the encoder that `config` describes, fitted as it was.

        Args:
            config: What `config()` gave.

        Returns:
            A new encoder.

        Raises:
            ConfigError: The values were not written by this class.
        """
        settings = dict(config)
        fitted = decode(settings.pop("fitted", None))
        encoder = super().from_config(settings)
        if not _is_state(fitted):
            raise ConfigError(
                "TableEncoder.from_config: expected columns, a target and notes, got "
                f"{str(fitted)[:80]}. The file is damaged or was not written by Mica."
            )
        encoder._columns = fitted["columns"]
        encoder._target = fitted["target"]
        encoder.notes = fitted["notes"]
        return encoder


def _is_state(fitted: Any) -> bool:
    if not isinstance(fitted, dict) or set(fitted) != {"columns", "target", "notes"}:
        return False
    columns, target, notes = fitted["columns"], fitted["target"], fitted["notes"]
    return (
        isinstance(columns, list)
        and all(isinstance(column, Column) for column in columns)
        and (target is None or isinstance(target, Target))
        and isinstance(notes, list)
        and all(isinstance(note, str) for note in notes)
    )
