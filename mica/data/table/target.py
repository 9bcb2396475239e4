"""The column to predict: classification or regression, and back from numbers to it."""

import abc
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch

from mica.data.table.cells import (
    is_date,
    number_text,
    parse_number,
    parse_numbers,
    texts,
)
from mica.data.table.columns import are_finite, moments
from mica.data.table.kinds import NUMBER_SHARE, spellings
from mica.data.table.table import Table
from mica.errors import ConfigError, DataError
from mica.registry import Configurable

__all__ = [
    "ClassTarget",
    "NumberTarget",
    "Target",
    "Task",
    "TaskChoice",
    "choose_task",
    "fit_target",
    "usable_rows",
]

Task = Literal["classification", "regression"]

# Rules of thumb, ours; `task=` overrules them.
MOST_NUMBER_CLASSES = 20  # distinct whole numbers that may still be classes
ROWS_PER_CLASS = 5  # on average, from which repeated whole numbers are classes

_CODE = re.compile(r"0\d+", re.ASCII)


@dataclass(frozen=True)
class TaskChoice:
    """What is to be predicted, and why.

    Args:
        column: The target column.
        task: "classification" or "regression".
        reason: A sentence for the user.
        label_names: The classes in the order of their numbers; empty for regression.
        counts: Rows of each class.
        notes: What else was noticed in the column.

    Example:
        >>> TaskChoice("price", "regression", "regression: you said so").task
        'regression'
    """

    column: str
    task: Task
    reason: str
    label_names: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


def _label(text: str | None, table: Table) -> str | None:
    """A label in one form: 1, 1.0 and 1,0 are the same class; 01 is a code."""
    if text is None or _CODE.fullmatch(text):
        return text
    number = parse_number(text, table.decimal)
    return text if number is None else number_text(number)


def _labels(table: Table, column: str) -> list[str | None]:
    cells = table.column(column)
    if isinstance(cells, np.ndarray):
        return texts(cells)
    known = {text: _label(text, table) for text in set(cells)}
    return [known[text] for text in cells]


def _sorted_labels(labels: list[str]) -> list[str]:
    """In numeric order when all are numbers, else by name."""
    numbers, unreadable = parse_numbers([*labels])
    if unreadable:
        return sorted(labels)
    return [labels[int(place)] for place in np.argsort(numbers, kind="stable")]


def _left_out(unreadable: dict[str, int], column: str) -> list[str]:
    if not unreadable:
        return []
    shown = ", ".join(repr(text) for text in list(unreadable)[:5])
    count = sum(unreadable.values())
    rows, are = ("row has", "is") if count == 1 else ("rows have", "are")
    return [f"{count} {rows} no number in {column!r} ({shown}) and {are} left out."]


def _as_classes(
    table: Table, column: str, reason: str, unreadable: dict[str, int]
) -> TaskChoice:
    labels = [
        label for label in _labels(table, column) if label and label not in unreadable
    ]
    chosen = spellings(labels)
    counts = Counter(chosen[label.casefold()] for label in labels)
    if len(counts) < 2:
        raise DataError(
            f"{table.name}: expected at least two classes in {column!r}, got only "
            f"{labels[0]!r} in {len(labels)} rows. Choose another target or bring rows "
            "of another class."
        )
    names = _sorted_labels(list(counts))
    notes = _left_out(unreadable, column)
    merged = sorted(set(labels) - set(names))
    if merged:
        shown = ", ".join(
            f"{text!r} is {chosen[text.casefold()]!r}" for text in merged[:5]
        )
        notes.append(f"Classes that differ only in capitals are one: {shown}.")
    notes += [
        f"Class {name!r} has one row: it can be learned from, but not judged."
        for name in names
        if counts[name] == 1
    ]
    return TaskChoice(
        column,
        "classification",
        reason,
        tuple(names),
        tuple(counts[name] for name in names),
        tuple(notes),
    )


def _as_number(
    table: Table, column: str, reason: str, unreadable: dict[str, int]
) -> TaskChoice:
    numbers, _ = parse_numbers(table.column(column), table.decimal)
    known = numbers[~np.isnan(numbers)]
    if (known == known[0]).all():
        raise DataError(
            f"{table.name}: expected different numbers in {column!r}, got only "
            f"{known[0]:g} in {len(known)} rows. Choose another target."
        )
    notes = tuple(_left_out(unreadable, column))
    return TaskChoice(column, "regression", reason, notes=notes)


def _choose_for_numbers(
    table: Table, column: str, numbers: np.ndarray, unreadable: dict[str, int]
) -> TaskChoice:
    known = numbers[~np.isnan(numbers)]
    distinct = len(np.unique(known))
    is_whole = bool((known == np.floor(known)).all())
    most = max(2, min(MOST_NUMBER_CLASSES, len(known) // ROWS_PER_CLASS))
    if is_whole and distinct <= most:
        reason = (
            f"classification: {column!r} holds only {distinct} different whole numbers "
            f"in {len(known)} rows; task='regression' would predict the number"
        )
        return _as_classes(table, column, reason, unreadable)
    what = "different whole" if is_whole else "fractional"
    reason = f"regression: {column!r} holds {what} numbers, {distinct} of them distinct"
    return _as_number(table, column, reason, unreadable)


def _choose_for_texts(table: Table, column: str) -> TaskChoice:
    labels = [label for label in _labels(table, column) if label is not None]
    distinct = len({label.casefold() for label in labels})
    if sum(map(is_date, labels)) >= NUMBER_SHARE * len(labels):
        raise DataError(
            f"{table.name}: expected classes or numbers in {column!r}, got dates such "
            f"as {labels[0]!r}. Choose another target, or turn the dates into days."
        )
    if distinct > 2 and 2 * distinct > len(labels):
        raise DataError(
            f"{table.name}: expected classes or numbers in {column!r}, got {distinct} "
            f"different texts in {len(labels)} rows. Choose another target, or say "
            "task='classification'."
        )
    reason = f"classification: {column!r} holds {distinct} different texts"
    return _as_classes(table, column, reason, {})


def choose_task(table: Table, column: str, task: Task | None = None) -> TaskChoice:
    """Decide from the column whether to predict a class or a number.

    Texts are classes. Fractional numbers are numbers. Whole numbers are classes when
    at most 20 different ones occur, five rows each on average (or just two), else
    numbers.

    Args:
        table: The rows, with the target's gaps already dropped or not.
        column: The target's name.
        task: What to do whatever the column looks like; None decides.

    Returns:
        The choice, with its reason.

    Raises:
        ConfigError: ``task`` is no task.
        DataError: No such column, an empty one, one class only, dates, or texts that
            rarely repeat.

    Example:
        >>> from mica.data.table import as_table
        >>> table = as_table({"ill": ["yes", "no"] * 2, "dose": [1.5, 2, 1, 3]})
        >>> choose_task(table, "ill").label_names
        ('no', 'yes')
        >>> choose_task(table, "dose").reason
        "regression: 'dose' holds fractional numbers, 4 of them distinct"
    """
    if task is not None and task not in get_args(Task):
        raise ConfigError(
            f"task: expected 'classification' or 'regression', got {task!r}. Leave it "
            "out to let Mica decide from the column."
        )
    table = table.drop_missing(column)
    numbers, unreadable = parse_numbers(table.column(column), table.decimal)
    num_numbers = int((~np.isnan(numbers)).sum())
    is_number = num_numbers >= NUMBER_SHARE * len(numbers)
    if task == "classification":
        reason = "classification: you said so"
        return _as_classes(table, column, reason, unreadable if is_number else {})
    if task == "regression":
        if not is_number:
            raise DataError(
                f"{table.name}: expected numbers in {column!r} for a regression, got "
                f"texts such as {next(iter(unreadable))!r}. Choose another target, or "
                "say task='classification'."
            )
        return _as_number(table, column, "regression: you said so", unreadable)
    if is_number:
        return _choose_for_numbers(table, column, numbers, unreadable)
    return _choose_for_texts(table, column)


def usable_rows(table: Table, choice: TaskChoice) -> Table:
    """Leave out the rows whose target cannot be learned, noting gaps.

    Args:
        table: Rows with the target.
        choice: What `choose_task` found in them.

    Returns:
        The rows with a class or a number.
    """
    table = table.drop_missing(choice.column)
    if choice.task == "regression":
        numbers, _ = parse_numbers(table.column(choice.column), table.decimal)
        return table.take(np.flatnonzero(~np.isnan(numbers)))
    names = {name.casefold() for name in choice.label_names}
    labels = _labels(table, choice.column)
    return table.take(
        [row for row, label in enumerate(labels) if label and label.casefold() in names]
    )


def _as_array(prediction: Any) -> np.ndarray:
    if isinstance(prediction, torch.Tensor):
        prediction = prediction.detach().cpu().double().numpy()
    return np.atleast_1d(np.asarray(prediction, dtype=np.float64))


class Target(Configurable, abc.ABC):
    """A target column as numbers to learn, and predictions back in its own words."""

    column: str
    task: Task
    label_names: tuple[str, ...]

    @abc.abstractmethod
    def encode(self, table: Table) -> np.ndarray:
        """Turn the column into numbers to learn."""

    @abc.abstractmethod
    def decode(self, prediction: Any) -> np.ndarray:
        """Turn predictions into labels or numbers of the column's own unit."""


class ClassTarget(Target):
    """A target of classes: numbers from 0 in the order of ``label_names``.

    Args:
        column: The column's name.
        label_names: The classes.

    Raises:
        ConfigError: ``label_names`` are not at least two texts.

    Example:
        >>> ClassTarget("ill", label_names=["no", "yes"]).decode([[0.2, 0.8]])
        array(['yes'], dtype='<U3')
    """

    task: Task = "classification"

    def __init__(self, column: str, *, label_names: Sequence[str]) -> None:
        are_texts = all(isinstance(text, str) for text in (column, *label_names))
        if not are_texts or len(label_names) < 2:
            raise ConfigError(
                f"ClassTarget {column!r}: expected at least two texts as label_names, "
                f"got {list(label_names)!r}. Name every class."
            )
        self.column = column
        self.label_names = tuple(label_names)
        self._numbers = {name.casefold(): i for i, name in enumerate(self.label_names)}

    def encode(self, table: Table) -> np.ndarray:
        """Turn the column into class numbers.

        Args:
            table: Has the column.

        Shape:
            returns: (rows,), int64

        Returns:
            The numbers of the classes.

        Raises:
            DataError: A row without a label, or with one that is no class.
        """
        labels = _labels(table, self.column)
        numbers = []
        for row, label in enumerate(labels):
            number = None if label is None else self._numbers.get(label.casefold())
            if number is None:
                shown = ", ".join(self.label_names[:10])
                got = "no value" if label is None else repr(label)
                raise DataError(
                    f"column {self.column!r}: expected one of the classes {shown}, got "
                    f"{got} in row {row}. Leave such rows out."
                )
            numbers.append(number)
        return np.array(numbers, dtype=np.int64)

    def decode(self, prediction: Any) -> np.ndarray:
        """Name the most probable class of each row.

        Args:
            prediction: A probability per class, or one of the second class.

        Shape:
            prediction: (rows, classes), or (rows, 1) or (rows,) for two classes
            returns: (rows,)

        Returns:
            Label names.

        Raises:
            DataError: Another number of columns than of classes.
        """
        values = _as_array(prediction)
        if values.ndim == 2 and values.shape[1] == len(self.label_names):
            numbers = values.argmax(axis=1)
        elif values.size == len(values) and len(self.label_names) == 2:
            numbers = (values.reshape(-1) > 0.5).astype(np.int64)  # (rows,)
        else:
            raise DataError(
                f"decode: expected {len(self.label_names)} columns, one per class of "
                f"{self.column!r}, got the shape {values.shape}. Give what predict "
                "returned."
            )
        return np.array(self.label_names)[numbers]


class NumberTarget(Target):
    """A target of numbers, standardised for learning.

    z = (value - mean) / scale

    Args:
        column: The column's name.
        mean: Mean of the training rows.
        scale: Their standard deviation, above 0.

    Raises:
        ConfigError: A number that is not finite, or a scale that is not above 0.

    Example:
        >>> NumberTarget("price", mean=100.0, scale=50.0).decode([[-1.0], [2.0]])
        array([ 50., 200.])
    """

    task: Task = "regression"
    label_names = ()

    def __init__(self, column: str, *, mean: float, scale: float) -> None:
        if not (are_finite(mean, scale) and isinstance(column, str) and scale > 0):
            raise ConfigError(
                f"NumberTarget {column!r}: expected a finite mean and a scale above 0, "
                f"got {mean!r} and {scale!r}. The file is damaged or was not written "
                "by Mica."
            )
        self.column = column
        self.mean = mean
        self.scale = scale

    def encode(self, table: Table) -> np.ndarray:
        """Turn the column into standardised numbers.

        Args:
            table: Has the column.

        Shape:
            returns: (rows,), float32

        Returns:
            The numbers to learn.

        Raises:
            DataError: A row without a number.
        """
        numbers, _ = parse_numbers(table.column(self.column), table.decimal)
        if np.isnan(numbers).any():
            row = int(np.isnan(numbers).argmax())
            text = texts(table.column(self.column))[row]
            got = "no value" if text is None else repr(text)
            raise DataError(
                f"column {self.column!r}: expected a number, got {got} in row {row}. "
                "Leave such rows out."
            )
        return ((numbers - self.mean) / self.scale).astype(np.float32)

    def decode(self, prediction: Any) -> np.ndarray:
        """Turn predictions into numbers of the column's own unit.

        Args:
            prediction: Standardised numbers.

        Shape:
            prediction: (rows, 1) or (rows,)
            returns: (rows,)

        Returns:
            float64 numbers.

        Raises:
            DataError: More than one column.
        """
        values = _as_array(prediction)
        if values.size != len(values):
            raise DataError(
                f"decode: expected one number per row for {self.column!r}, got the "
                f"shape {values.shape}. Give what predict returned."
            )
        return values.reshape(-1) * self.scale + self.mean  # (rows,)


def fit_target(table: Table, choice: TaskChoice) -> Target:
    """Make the target's encoder: classes from the choice, scale from these rows.

    Args:
        table: The training rows.
        choice: What `choose_task` found.

    Returns:
        The encoder.

    Raises:
        DataError: Numbers too large to be squared.
    """
    if choice.task == "classification":
        return ClassTarget(choice.column, label_names=choice.label_names)
    numbers, _ = parse_numbers(table.column(choice.column), table.decimal)
    mean, scale = moments(numbers[~np.isnan(numbers)], choice.column)
    return NumberTarget(choice.column, mean=mean, scale=scale)
