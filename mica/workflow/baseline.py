"""Baselines: what common sense and a linear model reach, before any network."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from mica.report import Table, format_value
from mica.workflow.source import Task
from mica.workflow.texts import reader_for

__all__ = ["MEASURES", "Baseline", "baseline_table", "baselines", "mistakes_of"]

MEASURES = {
    "classification": "test accuracy",
    "regression": "test mean absolute error",
}
MOST_ROWS = 10_000  # a linear model on more pictures takes minutes and gains little
MOST_WORDS = 20_000  # of its vocabulary of texts; ours
MOST_ROUNDS = 1000  # of its solver; well-scaled data need some dozens


@dataclass(frozen=True)
class Baseline:
    """A simple predictor's result on the test part.

    Args:
        name: What it does.
        score: Accuracy, or mean absolute error in the target's own unit.
        mistakes: One number for each test row: 0 or 1 for classes, else the absolute
            error.
        note: What the reader should know.

    Example:
        >>> Baseline("majority class", 0.5, np.array([0.0, 1.0]), "always 'no'").score
        0.5
    """

    name: str
    score: float
    mistakes: np.ndarray
    note: str = ""


def mistakes_of(task: Task, predictions: np.ndarray) -> np.ndarray:
    """How wrong predictions for the test part are, row by row.

    Args:
        task: The opened task.
        predictions: Class numbers, or numbers in the target's own unit.

    Shape:
        predictions: (rows,)
        returns: (rows,), float64

    Returns:
        0 for right and 1 for wrong classes, else the absolute error.
    """
    if task.kind == "classification":
        return (predictions != task.y_test).astype(np.float64)
    return np.abs(predictions - task.encoder.decode(task.y_test))


def _baseline(task: Task, name: str, predictions: np.ndarray, note: str) -> Baseline:
    mistakes = mistakes_of(task, predictions)
    mean = float(mistakes.mean())
    is_share = task.kind == "classification"
    return Baseline(name, 1 - mean if is_share else mean, mistakes, note)


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1)  # (B, F)


def _linear_rows(task: Task) -> tuple[np.ndarray, np.ndarray, str]:
    rows = len(task.x_train)
    if rows <= MOST_ROWS:
        return _flat(task.x_train), task.y_train, ""
    chosen = np.random.default_rng(0).permutation(rows)[:MOST_ROWS]
    note = f"learned from {MOST_ROWS:,} of {rows:,} rows"
    return _flat(task.x_train[chosen]), task.y_train[chosen], note


def _word_weights(train: np.ndarray, test: np.ndarray) -> tuple[Any, Any]:
    """Texts as rows of weighted counts of words, most of them 0."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    split: Any = reader_for(None, pairs=False).tokens_of
    words = TfidfVectorizer(
        analyzer=split,
        max_features=MOST_WORDS,
        sublinear_tf=True,
    )
    return words.fit_transform(train[:, 0]), words.transform(test[:, 0])


def _classification(task: Task) -> list[Baseline]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    majority = np.bincount(task.y_train).argmax()
    always = np.full(len(task.y_test), majority)
    x, y, note = _linear_rows(task)
    x_test = _flat(task.x_test)
    if task.is_text:
        x, x_test = _word_weights(x, x_test)
        note = "; ".join(filter(None, ("weighted counts of words", note)))
    with warnings.catch_warnings():
        # NOTE: nearly there is good enough for a baseline.
        warnings.simplefilter("ignore", ConvergenceWarning)
        linear = LogisticRegression(max_iter=MOST_ROUNDS).fit(x, y)
    guesses = linear.predict(x_test)
    return [
        _baseline(
            task, "majority class", always, f"always {task.label_names[majority]!r}"
        ),
        _baseline(task, "logistic regression", guesses, note),
    ]


def _regression(task: Task) -> list[Baseline]:
    from sklearn.linear_model import Ridge

    middle = float(np.median(task.encoder.decode(task.y_train)))
    x, y, note = _linear_rows(task)
    linear = Ridge().fit(x, y).predict(_flat(task.x_test))
    always = np.full(len(task.y_test), middle)
    return [
        _baseline(task, "median", always, f"always {format_value(middle)}"),
        _baseline(task, "ridge regression", task.encoder.decode(linear), note),
    ]


def baselines(task: Task) -> list[Baseline]:
    """Judge the simple predictors.

    Args:
        task: The opened task.

    Returns:
        For classes: majority class and logistic regression, by test accuracy. For
        numbers: the median and ridge regression, by mean absolute error.

    Example:
        >>> from mica.workflow.source import open_task
        >>> [(each.name, round(each.score, 2)) for each in baselines(open_task("iris"))]
        [('majority class', 0.33), ('logistic regression', 1.0)]
    """
    return _classification(task) if task.kind == "classification" else _regression(task)


def baseline_table(task: Task, simple: list[Baseline]) -> Table:
    """Show what a network has to beat.

    Args:
        task: The opened task.
        simple: The baselines' results.

    Returns:
        A table with a row for each.
    """
    rows = [(each.name, each.score, each.note) for each in simple]
    return Table("Baselines", ("model", MEASURES[task.kind], "remark"), rows)
