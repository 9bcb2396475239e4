"""Baselines: what common sense and a linear model reach, before any network."""

from dataclasses import dataclass

import numpy as np

from mica.workflow.source import Task

__all__ = ["Baseline", "baselines"]

MOST_ROWS = 10_000  # a linear model on more pictures takes minutes and gains little


@dataclass(frozen=True)
class Baseline:
    """A simple predictor's result on the test part.

    Args:
        name: What it does.
        score: Accuracy, or mean absolute error in the target's own unit.
        note: What the reader should know.
    """

    name: str
    score: float
    note: str = ""


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1)


def _linear_rows(task: Task) -> tuple[np.ndarray, np.ndarray, str]:
    rows = len(task.x_train)
    if rows <= MOST_ROWS:
        return _flat(task.x_train), task.y_train, ""
    chosen = np.random.default_rng(0).permutation(rows)[:MOST_ROWS]
    note = f"fitted on {MOST_ROWS:,} of {rows:,} rows"
    return _flat(task.x_train[chosen]), task.y_train[chosen], note


def _classification(task: Task) -> list[Baseline]:
    from sklearn.linear_model import LogisticRegression

    majority = np.bincount(task.y_train).argmax()
    x, y, note = _linear_rows(task)
    linear = LogisticRegression(max_iter=1000).fit(x, y)
    name = task.label_names[majority] if task.label_names else str(majority)
    return [
        Baseline(
            "majority class",
            float((task.y_test == majority).mean()),
            f"always {name!r}",
        ),
        Baseline(
            "logistic regression",
            float(linear.score(_flat(task.x_test), task.y_test)),
            note,
        ),
    ]


def _regression(task: Task) -> list[Baseline]:
    from sklearn.linear_model import Ridge

    truth = task.encoder.decode(task.y_test)
    train = task.encoder.decode(task.y_train)
    x, y, note = _linear_rows(task)
    linear = task.encoder.decode(Ridge().fit(x, y).predict(_flat(task.x_test)))
    middle = float(np.median(train))
    return [
        Baseline("always the median", _error(truth, middle), f"always {middle:.4g}"),
        Baseline("ridge regression", _error(truth, linear), note),
    ]


def _error(truth: np.ndarray, prediction: np.ndarray | float) -> float:
    return float(np.abs(truth - prediction).mean())


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
        [('majority class', 0.33), ('logistic regression', 0.97)]
    """
    return _classification(task) if task.kind == "classification" else _regression(task)
