"""Judge: the test part, looked at once, beside the baselines."""

from dataclasses import dataclass

import numpy as np

from mica.report import Part, Table
from mica.view import (
    confusion_report,
    prediction_chart,
    worst_mistakes,
    worst_residuals,
)
from mica.workflow.baseline import Baseline
from mica.workflow.source import Task

__all__ = ["Verdict", "judge"]

NUM_MISTAKES = 5


@dataclass(frozen=True)
class Verdict:
    """How good a model is, and where it is wrong.

    Args:
        measure: "test accuracy" or "test mean absolute error".
        score: Its value.
        comparison: The score beside the baselines.
        mistakes: The worst ones.
        details: Confusion matrix, or predictions against the truth.
    """

    measure: str
    score: float
    comparison: Table
    mistakes: Part
    details: Part


def judge(task: Task, outputs: np.ndarray, simple: list[Baseline]) -> Verdict:
    """Compare the outputs for the test part with the truth.

    Args:
        task: The opened task.
        outputs: What the model predicts for `task.x_test`.
        simple: The baselines' results.

    Returns:
        The verdict.
    """
    if task.kind == "classification":
        score = float((outputs.argmax(axis=-1) == task.y_test).mean())
        measure = "test accuracy"
        mistakes: Part = worst_mistakes(
            task.raw_test,
            task.y_test,
            outputs,
            task.label_names,
            count=NUM_MISTAKES,
            feature_names=task.feature_names or None,
        )
        details: Part = confusion_report(
            task.y_test, outputs.argmax(axis=-1), task.label_names
        )
    else:
        truth, predicted = (
            task.encoder.decode(task.y_test),
            task.encoder.decode(outputs),
        )
        score = float(np.abs(truth - predicted).mean())
        measure = "test mean absolute error"
        mistakes = worst_residuals(
            task.raw_test,
            truth,
            predicted,
            count=NUM_MISTAKES,
            feature_names=task.feature_names or None,
        )
        details = prediction_chart(truth, predicted)
    rows = [(each.name, each.score, each.note) for each in simple]
    table = Table(
        "Result", ("model", measure, "remark"), (*rows, ("this network", score, ""))
    )
    return Verdict(measure, score, table, mistakes, details)
