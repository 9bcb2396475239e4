"""Judge: the test part, looked at once, beside the baselines."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from mica.report import Finding, Part, Report, Table, Text, format_value
from mica.view import (
    confusion_report,
    prediction_chart,
    worst_mistakes,
    worst_residuals,
)
from mica.workflow.baseline import MEASURES, Baseline, mistakes_of
from mica.workflow.source import Task

__all__ = ["Verdict", "is_clear", "judge", "likely_range"]

NUM_MISTAKES = 5
DEVIATIONS = 1.96  # of a normal distribution, on either side of 0.95 of it
MOST_COLUMNS = 4  # of a mistake's row: what a terminal of 80 columns holds
FEWEST_ROWS = 10  # below it a difference is never called clear; ours


@dataclass(frozen=True)
class Verdict:
    """How good a model is, and where it is wrong.

    Args:
        measure: "test accuracy" or "test mean absolute error".
        score: Its value.
        comparison: The score beside the baselines.
        finding: In words, whether the network is worth it.
        mistakes: The worst ones.
        details: Confusion matrix, or predictions against the truth.

    Example:
        >>> from mica.report import Finding, Table, Text
        >>> parts = Table("Result", [], []), Finding("good", "", "It is."), Text("", "")
        >>> Verdict("test accuracy", 0.98, *parts, Text("", "")).score
        0.98
    """

    measure: str
    score: float
    comparison: Table
    finding: Finding
    mistakes: Part
    details: Part


def likely_range(mistakes: np.ndarray, *, is_share: bool) -> tuple[float, float]:
    """Where the mean on all rows of this kind lies, judging by these, at odds of 19.

    share p of n rows: (p + z^2/2n -+ z sqrt(p (1 - p)/n + z^2/4n^2)) / (1 + z^2/n)
    other means: mean -+ z deviation / sqrt(n), with z = 1.96

    Args:
        mistakes: One number per row.
        is_share: Whether they are 0 or 1.

    Shape:
        mistakes: (rows,)

    Returns:
        The lowest and the highest mean; infinite ones for one row of no share.

    Example:
        >>> low, high = likely_range(np.array([0.0] * 9 + [1.0]), is_share=True)
        >>> round(low, 3), round(high, 3)
        (0.018, 0.404)

    Source:
        Wilson 1927, Probable Inference, the Law of Succession, and Statistical
        Inference.
    """
    rows, mean, z = len(mistakes), float(mistakes.mean()), DEVIATIONS
    if is_share:
        middle = mean + z**2 / (2 * rows)
        half = z * math.sqrt(mean * (1 - mean) / rows + z**2 / (4 * rows**2))
        scale = 1 + z**2 / rows
        return max((middle - half) / scale, 0.0), min((middle + half) / scale, 1.0)
    if rows == 1:
        return -math.inf, math.inf
    half = z * float(mistakes.std(ddof=1)) / math.sqrt(rows)
    return max(mean - half, 0.0), mean + half


def is_clear(difference: np.ndarray) -> bool:
    """Whether a mean difference, row by row, is beyond what chance does.

    |mean| > 1.96 deviation / sqrt(n), on at least 10 rows

    Args:
        difference: One number per row: one model's mistake less the other's.

    Shape:
        difference: (rows,)

    Example:
        >>> is_clear(np.array([1.0, 1.0, 0.0, 1.0] * 5))
        True
        >>> is_clear(np.array([1.0, -1.0, 0.0, 1.0] * 5))
        False
    """
    rows = len(difference)
    if rows < FEWEST_ROWS:
        return False
    error = float(difference.std(ddof=1)) / math.sqrt(rows)
    return abs(float(difference.mean())) > DEVIATIONS * error


def _evidence(task: Task, gain: np.ndarray, rival: Baseline) -> str:
    rows = f"{len(gain):,} test rows" if len(gain) > 1 else "1 test row"
    if task.kind == "regression":
        less = "smaller" if gain.mean() >= 0 else "larger"
        by = format_value(abs(float(gain.mean())))
        return f"On {rows} its error is {less} by {by} on average."
    better, worse = int((gain > 0).sum()), int((gain < 0).sum())
    if not better + worse:
        return f"On {rows} both are right and wrong in the same ones."
    return (
        f"On {rows} the network alone is right in {better}, {rival.name} alone in "
        f"{worse}."
    )


def _finding(task: Task, mistakes: np.ndarray, simple: list[Baseline]) -> Finding:
    """Compare the network with the best baseline, in words."""
    rival = min(simple, key=lambda each: float(each.mistakes.mean()))
    gain = rival.mistakes - mistakes  # above 0 where the network is better
    evidence = _evidence(task, gain, rival)
    if not is_clear(gain):
        return Finding(
            "note",
            "",
            f"This network and {rival.name} cannot be told apart.",
            evidence,
            f"Prefer {rival.name}, which is simpler, or bring more rows.",
        )
    if gain.mean() > 0:
        fact = f"This network is better than {rival.name}, the best baseline."
        return Finding("good", "", fact, evidence)
    return Finding(
        "warning",
        "",
        f"{rival.name[0].upper()}{rival.name[1:]} is better than this network.",
        evidence,
        f"Use {rival.name}, or bring more rows or better columns.",
    )


def _range_text(mistakes: np.ndarray, *, is_share: bool) -> str:
    low, high = likely_range(mistakes, is_share=is_share)
    if not math.isfinite(high):
        return "one row: no range"
    if is_share:
        low, high = 1 - high, 1 - low
    return f"likely {format_value(low)} to {format_value(high)} on new rows"


def _text_mistakes(task: Task, outputs: np.ndarray, numbers: Any) -> Report:
    """The texts a model is most wrong about, to read: a table would be too wide."""
    names = np.array(task.label_names)
    places = np.arange(len(outputs))
    found = worst_mistakes(
        None, task.y_test, outputs, task.label_names, count=NUM_MISTAKES
    )
    chances = outputs[places, task.y_test]
    wrong = outputs.argmax(axis=1) != task.y_test
    order = np.lexsort((places, chances, ~wrong))  # wrong ones first, least chance
    most = int(wrong.sum()) or NUM_MISTAKES
    texts = []
    for place in order[: min(most, NUM_MISTAKES)].tolist():
        where = f"row {place if numbers is None else numbers[place]}"
        if "file" in task.raw_test:
            where = task.raw_test["file"][place]
        true = names[task.y_test[place]]
        guess = names[outputs[place].argmax()]
        chance = format_value(float(chances[place]))
        said = f"{where}: {true}, taken for {guess} ({true} only {chance})"
        if not wrong[place]:
            said = f"{where}: {true} ({chance})"
        texts.append(Text(said, task.raw_test["text"][place]))
    return Report(found.title, [found.parts[0], *texts])


def judge(task: Task, outputs: np.ndarray, simple: list[Baseline]) -> Verdict:
    """Compare the outputs for the test part with the truth.

    Args:
        task: The opened task.
        outputs: What the model predicts for `task.x_test`.
        simple: The baselines' results.

    Returns:
        The verdict.

    Example:
        >>> from mica.workflow import baselines, open_task
        >>> task = open_task("iris")
        >>> perfect = np.eye(3)[task.y_test]
        >>> judge(task, perfect, baselines(task)).score
        1.0
    """
    numbers = None if task.test_places is None else task.test_places.tolist()
    raw = task.raw_test
    if isinstance(raw, dict):
        raw = dict(list(raw.items())[:MOST_COLUMNS])
    is_share = task.kind == "classification"
    if is_share:
        predicted = outputs.argmax(axis=-1)
        mistakes: Part = (
            _text_mistakes(task, outputs, numbers)
            if task.is_text
            else worst_mistakes(
                raw,
                task.y_test,
                outputs,
                task.label_names,
                count=NUM_MISTAKES,
                numbers=numbers,
            )
        )
        details: Part = confusion_report(task.y_test, predicted, task.label_names)
    else:
        predicted = task.encoder.decode(outputs)
        truth = task.encoder.decode(task.y_test)
        mistakes = worst_residuals(
            raw,
            truth,
            predicted,
            count=NUM_MISTAKES,
            numbers=numbers,
        )
        details = prediction_chart(truth, predicted)
    wrong = mistakes_of(task, predicted)
    score = float(1 - wrong.mean() if is_share else wrong.mean())
    remark = _range_text(wrong, is_share=is_share)
    table = Table(
        "Result",
        ("model", MEASURES[task.kind], "remark"),
        (
            *((each.name, each.score, each.note) for each in simple),
            ("this network", score, remark),
        ),
    )
    finding = _finding(task, wrong, simple)
    return Verdict(MEASURES[task.kind], score, table, finding, mistakes, details)
