"""Which class is taken for which: the confusion matrix and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mica.errors import DataError
from mica.report import Matrix, Part, Report, Table
from mica.view.arrays import as_array
from mica.view.classes import class_names, class_numbers

__all__ = ["class_table", "confused_pairs", "confusion_matrix", "confusion_report"]


def confusion_matrix(
    targets: Any, predictions: Any, label_names: Sequence[object] | None = None
) -> Matrix:
    """Count how often each class (row) is taken for each (column).

    values[i, j] = number of samples of class i predicted as class j

    Args:
        targets: The true classes: numbers or names (n,), or one-hot rows (n, K).
        predictions: The predicted ones: numbers or names (n,), or probabilities:
            (n, K), or of class 1 (n,) or (n, 1), where more than 0.5 is class 1.
        label_names: The classes' names in their order; None for their numbers.

    Returns:
        A matrix of K rows and K columns, classes without a sample included.

    Raises:
        DataError: Empty data, different lengths, NaN, or a class without a name.
        ShapeError: Rank, or number of columns.

    Example:
        >>> print(confusion_matrix([0, 1, 1], [0, 1, 0], ["cat", "dog"]))
        Confusion matrix
             cat  dog
        ---  ---  ---
        cat    1    0
        dog    1    1
        rows are true, columns are predicted
    """
    truth, guess = as_array(targets), as_array(predictions)
    if truth.shape[:1] != guess.shape[:1] or truth.ndim == 0:
        sizes = " and ".join(
            str(len(array)) if array.ndim else "one" for array in (truth, guess)
        )
        raise DataError(
            "confusion_matrix: expected as many targets as predictions, "
            f"got {sizes}. Give one prediction for each target."
        )
    if len(truth) == 0:
        raise DataError(
            "confusion_matrix: expected at least one sample, got none. Give some."
        )
    names = class_names(truth, guess, label_names=label_names)
    rows = class_numbers("confusion_matrix", "targets", truth, names)
    columns = class_numbers("confusion_matrix", "predictions", guess, names)
    size = len(names)
    counts = np.bincount(rows * size + columns, minlength=size * size)
    return Matrix(
        "Confusion matrix",
        counts.reshape(size, size),
        names,
        names,
        row_title="true",
        column_title="predicted",
        is_confusion=True,
    )


def class_table(matrix: Matrix) -> Table:
    """Give each class's recall and precision from a confusion matrix.

    recall = right / samples of the class, precision = right / predictions of it,
    F1 = 2 * recall * precision / (recall + precision); empty where there are none.

    Args:
        matrix: From `confusion_matrix`.

    Example:
        >>> print(class_table(confusion_matrix([0, 1, 1], [0, 1, 0], ["cat", "dog"])))
        Each class
        class  samples  recall  precision      F1
        -----  -------  ------  ---------  ------
        cat          1     1.0        0.5  0.6667
        dog          2     0.5        1.0  0.6667
    """
    counts = np.array(matrix.values)
    right, samples, guesses = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    rows = [
        (
            name,
            int(samples[k]),
            _share(right[k], samples[k]),
            _share(right[k], guesses[k]),
            # The same as the formula above, without its 0 / 0 when all is wrong.
            _share(2 * right[k], samples[k] + guesses[k]),
        )
        for k, name in enumerate(matrix.row_labels)
    ]
    return Table("Each class", ["class", "samples", "recall", "precision", "F1"], rows)


def _share(part: Any, whole: Any) -> float | None:
    return float(part / whole) if whole else None


def confused_pairs(matrix: Matrix, count: int = 5) -> Table:
    """Give the pairs of classes most often confused, as a table.

    Args:
        matrix: From `confusion_matrix`.
        count: How many pairs at most.

    Example:
        >>> matrix = confusion_matrix([0, 1, 1], [0, 1, 0], ["cat", "dog"])
        >>> confused_pairs(matrix).rows
        (('dog', 'cat', 1, 0.5),)
    """
    counts = np.array(matrix.values)
    samples = counts.sum(axis=1)
    wrong = counts - np.diag(counts.diagonal())
    order = np.argsort(-wrong, axis=None, kind="stable")[:count]
    names = matrix.row_labels
    rows = [
        (names[i], names[j], int(wrong[i, j]), float(wrong[i, j] / samples[i]))
        for i, j in zip(*np.unravel_index(order, wrong.shape), strict=True)
        if wrong[i, j]
    ]
    columns = ["true", "predicted", "samples", "share of its class"]
    return Table("Most often confused", columns, rows)


def confusion_report(
    targets: Any, predictions: Any, label_names: Sequence[object] | None = None
) -> Report:
    """Give the confusion matrix, each class's recall and precision, the worst pairs.

    Args:
        targets: As for `confusion_matrix`.
        predictions: As for `confusion_matrix`.
        label_names: As for `confusion_matrix`.

    Raises:
        DataError: As for `confusion_matrix`.
        ShapeError: As for `confusion_matrix`.

    Example:
        >>> report = confusion_report([0, 1, 2], [0, 1, 0])
        >>> [part.title for part in report.parts]
        ['Confusion matrix', 'Each class', 'Most often confused']
    """
    matrix = confusion_matrix(targets, predictions, label_names)
    parts: list[Part] = [matrix, class_table(matrix)]
    pairs = confused_pairs(matrix)
    if pairs.rows and len(matrix.row_labels) > 2:
        parts.append(pairs)
    return Report("Which class is taken for which", parts)
