"""The worst mistakes: the samples a model is most wrong about, to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mica.errors import DataError, ShapeError
from mica.report import Chart, Images, Part, Report, Series, Table, Text, format_value
from mica.view.arrays import as_array
from mica.view.classes import class_names, class_numbers

__all__ = ["prediction_chart", "worst_mistakes", "worst_residuals"]

SMALLEST_PROBABILITY = 1e-12  # float64 tells it from 0, and its loss, 27.6, is finite
LARGEST_TABLE = 8  # of a row's values shown: what fits a terminal of 80 columns
SMALLEST_SIDE = 4  # pixels: smaller "images" are tables of numbers

Column = tuple[str, list[Any]]  # a table's column: its name and its cells


def worst_mistakes(
    x: Any,
    targets: Any,
    probabilities: Any,
    label_names: Sequence[object] | None = None,
    *,
    count: int = 5,
    feature_names: Sequence[str] | None = None,
    numbers: Sequence[int] | None = None,
) -> Report:
    """Show the samples that a classifier is most wrong about, worst first.

    loss = -log(probability of the true class)

    Where nothing is wrong, the samples it is least certain of are shown, and the
    text says so.

    Args:
        x: What the model saw, for people to look at: pictures (n, height, width) or
            (n, height, width, 1 | 3), rows of numbers or words, a list of dicts, a
            dict of columns, or None.
        targets: True classes: numbers or names (n,), or one-hot rows (n, K).
        probabilities: (n, K), or of class 1: (n,) or (n, 1).
        label_names: The classes' names in their order; None for their numbers.
        count: How many to show.
        feature_names: Names for x's columns; None for its own, or numbers.
        numbers: What to call each sample, such as its row in a file; None counts
            from 0.

    Returns:
        A text that counts the mistakes, and pictures or a table.

    Raises:
        DataError: Empty data, different lengths, or values that are no
            probabilities.
        ShapeError: Rank, or number of columns.

    Example:
        >>> print(worst_mistakes([[1.5], [2.5]], [0, 1], [[0.3, 0.7], [0.1, 0.9]]))
        Worst mistakes
        ==============
        <BLANKLINE>
        1 of 2 samples is wrong.
        <BLANKLINE>
        sample  true  predicted  probability of true  loss   x0
        ------  ----  ---------  -------------------  -----  ---
             0  0     1          0.3                  1.204  1.5
    """
    where = "worst_mistakes"
    truth, shares = as_array(targets), _two_columns(as_array(probabilities))
    _check_lengths(where, x, targets=truth, probabilities=shares)
    names = class_names(truth, shares, label_names=label_names)
    actual = class_numbers(where, "targets", truth, names)
    _check_probabilities(where, shares, len(names))
    predicted = shares.argmax(axis=1)
    chance = shares[np.arange(len(actual)), actual]
    losses = -np.log(np.maximum(chance, SMALLEST_PROBABILITY))
    wrong = np.flatnonzero(predicted != actual)
    pool = wrong if wrong.size else np.arange(len(actual))
    order = pool[np.argsort(-losses[pool], kind="stable")][:count]
    calls = [int(i) if numbers is None else int(numbers[i]) for i in order]
    columns: list[Column] = [
        ("sample", calls),
        ("true", [names[k] for k in actual[order]]),
        ("predicted", [names[k] for k in predicted[order]]),
        ("probability of true", chance[order].tolist()),
        ("loss", losses[order].tolist()),
    ]
    captions = [
        f"#{call}: true {names[actual[i]]}, predicted {names[predicted[i]]} "
        f"({format_value(float(shares[i, predicted[i]]))})"
        for call, i in zip(calls, order, strict=True)
    ]
    text = _count_text(len(wrong), len(actual), len(order))
    title = "Worst mistakes" if wrong.size else "Least certain samples"
    return Report(title, [text, _pictures(x, order, columns, captions, feature_names)])


def worst_residuals(
    x: Any,
    targets: Any,
    predictions: Any,
    *,
    count: int = 5,
    feature_names: Sequence[str] | None = None,
    numbers: Sequence[int] | None = None,
) -> Report:
    """Show the samples whose predicted number is farthest off, worst first.

    residual = prediction - target

    Args:
        x: As for `worst_mistakes`.
        targets: True numbers, (n,) or (n, 1), or several outputs (n, m), whose
            farthest one counts.
        predictions: Predicted numbers, shaped alike.
        count: How many to show.
        feature_names: Names for x's columns; None for its own, or numbers.
        numbers: What to call each sample, such as its row in a file; None counts
            from 0.

    Returns:
        A text with the typical error, and pictures or a table.

    Raises:
        DataError: Empty data, different lengths, or NaN.
        ShapeError: Targets and predictions differ in shape.

    Example:
        >>> print(worst_residuals(None, [1.0, 2.0], [1.5, 2.0], count=1))
        Largest errors
        ==============
        <BLANKLINE>
        The median error of 2 samples is 0.25; the largest is 0.5.
        <BLANKLINE>
        sample  true  predicted  residual
        ------  ----  ---------  --------
             0     1        1.5       0.5
    """
    truth, guess = _number_pairs("worst_residuals", x, targets, predictions)
    residuals = guess - truth
    farthest = np.abs(residuals).argmax(axis=1)
    pick = np.arange(len(truth)), farthest
    errors = np.abs(residuals[pick])
    order = np.argsort(-errors, kind="stable")[:count]
    calls = [int(i) if numbers is None else int(numbers[i]) for i in order]
    columns: list[Column] = [
        ("sample", calls),
        ("output", farthest[order].tolist()),
        ("true", truth[pick][order].tolist()),
        ("predicted", guess[pick][order].tolist()),
        ("residual", residuals[pick][order].tolist()),
    ]
    if truth.shape[1] == 1:
        columns.pop(1)
    captions = [
        f"#{call}: true {format_value(float(truth[i, farthest[i]]))}, "
        f"predicted {format_value(float(guess[i, farthest[i]]))}"
        for call, i in zip(calls, order, strict=True)
    ]
    noun = "sample" if len(errors) == 1 else "samples"
    text = Text(
        "",
        f"The median error of {len(errors):,} {noun} is "
        f"{format_value(float(np.median(errors)))}; "
        f"the largest is {format_value(float(errors.max()))}.",
    )
    part = _pictures(x, order, columns, captions, feature_names)
    return Report("Largest errors", [text, part])


def prediction_chart(targets: Any, predictions: Any) -> Chart:
    """Draw predicted numbers over true ones; right ones lie on the line.

    Args:
        targets: True numbers, (n,), (n, 1) or (n, m).
        predictions: Predicted ones, shaped alike.

    Raises:
        DataError: Empty data, different lengths, or NaN.
        ShapeError: Targets and predictions differ in shape.

    Example:
        >>> chart = prediction_chart([1.0, 2.0], [1.5, 2.0])
        >>> chart.series[0].points()
        [(1.0, 1.5), (2.0, 2.0)]
    """
    truth, guess = _number_pairs("prediction_chart", None, targets, predictions)
    low, high = float(truth.min()), float(truth.max())
    points = [
        Series(
            "sample" if truth.shape[1] == 1 else f"output {k}",
            truth[:, k].tolist(),
            column.tolist(),
        )
        for k, column in enumerate(guess.T)
    ]
    right = Series("exactly right", [low, high], [low, high], kind="line")
    return Chart(
        "Predicted and true", [*points, right], "true", "predicted", kind="points"
    )


def _numbers(where: str, what: str, values: Any) -> np.ndarray:
    """Numbers as (n, outputs), float64, all finite."""
    array = as_array(values)
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"{where}: expected numbers as {what}, got {array.dtype}. "
            "Give integers or floats."
        )
    table = array.astype(np.float64).reshape(len(array) if array.ndim else 1, -1)
    bad = np.argwhere(~np.isfinite(table))
    if bad.size:
        row = int(bad[0][0])
        raise DataError(
            f"{where}: expected finite {what}, got {table[row][bad[0][1]]} in row "
            f"{row}. Leave such rows out."
        )
    return table


def _number_pairs(
    where: str, x: Any, targets: Any, predictions: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Targets and predictions as (n, outputs), checked against x and each other."""
    truth = _numbers(where, "targets", targets)
    guess = _numbers(where, "predictions", predictions)
    _check_lengths(where, x, targets=truth, predictions=guess)
    if truth.shape != guess.shape:
        raise ShapeError(
            f"{where}: expected targets and predictions of one shape, got "
            f"{truth.shape} and {guess.shape}. Give one prediction for each target."
        )
    return truth, guess


def _two_columns(probabilities: np.ndarray) -> np.ndarray:
    """Probabilities as (n, K): those of class 1 alone get their complement."""
    if probabilities.dtype.kind not in "biuf":
        return probabilities
    if probabilities.ndim == 2 and probabilities.shape[1] == 1:
        probabilities = probabilities[:, 0]
    shares = probabilities.astype(np.float64)
    if shares.ndim != 1:
        return shares
    return np.stack([1 - shares, shares], axis=1)  # (n, 2)


def _check_lengths(where: str, x: Any, **arrays: np.ndarray) -> None:
    lengths = {name: len(array) for name, array in arrays.items() if array.ndim}
    if x is not None:
        lengths = {"x": _num_rows(x), **lengths}
    if len(set(lengths.values())) > 1:
        got = " and ".join(f"{length} {name}" for name, length in lengths.items())
        raise DataError(
            f"{where}: expected one of each per sample, got {got}. "
            "Give the same samples in the same order."
        )
    if 0 in lengths.values():
        raise DataError(f"{where}: expected at least one sample, got none. Give some.")


def _check_probabilities(where: str, shares: np.ndarray, num_classes: int) -> None:
    if shares.ndim != 2 or shares.shape[1] != num_classes:
        raise ShapeError(
            f"{where}: expected probabilities of shape (n, {num_classes}), "
            f"got {shares.shape}. Give one column per class."
        )
    is_outside = ~((shares >= -1e-6) & (shares <= 1 + 1e-6))  # NaN is outside too
    bad = np.argwhere(is_outside)
    if bad.size:
        row, column = bad[0]
        raise DataError(
            f"{where}: expected probabilities within 0..1, got "
            f"{shares[row, column]:g} in row {row}. "
            "Give what predict returns, not logits."
        )


def _num_rows(x: Any) -> int:
    if isinstance(x, Mapping):
        return max((_num_rows(column) for column in x.values()), default=0)
    return len(x)


def _count_text(num_wrong: int, num_samples: int, num_shown: int) -> Text:
    noun = "sample" if num_samples == 1 else "samples"
    if num_wrong == 0:
        return Text(
            "", f"None of {num_samples:,} {noun} is wrong; the least certain are shown."
        )
    verb = "is" if num_wrong == 1 else "are"
    fact = f"{num_wrong:,} of {num_samples:,} {noun} {verb} wrong"
    if num_shown < num_wrong:
        return Text("", f"{fact}; the {num_shown} with the largest loss are shown.")
    return Text("", f"{fact}.")


def _pictures(
    x: Any,
    order: np.ndarray,
    columns: Sequence[Column],
    captions: Sequence[str],
    feature_names: Sequence[str] | None,
) -> Part:
    """Pictures where x has some, else a table with x's values."""
    for array in x.values() if isinstance(x, Mapping) else [x]:
        if not _is_rows_of_dicts(array) and _are_images(images := as_array(array)):
            return Images("", images[order], captions)
    values = _value_columns(x, order, feature_names)
    left_out = max(len(values) - LARGEST_TABLE, 0)
    shown = [*columns, *values[:LARGEST_TABLE]]
    rows = list(zip(*(column for _, column in shown), strict=True))
    note = f"{left_out} more of each sample's values are not shown." if left_out else ""
    return Table("", [name for name, _ in shown], rows, note)


def _are_images(array: np.ndarray) -> bool:
    if array.dtype.kind not in "biuf" or array.ndim not in (3, 4):
        return False
    has_channels = array.ndim == 3 or array.shape[3] in (1, 3, 4)
    return has_channels and min(array.shape[1:3]) >= SMALLEST_SIDE


def _is_rows_of_dicts(x: Any) -> bool:
    return isinstance(x, Sequence) and len(x) > 0 and isinstance(x[0], Mapping)


def _value_columns(
    x: Any, order: np.ndarray, feature_names: Sequence[str] | None
) -> list[Column]:
    """The chosen rows' values, column by column."""
    if x is None:
        return []
    if _is_rows_of_dicts(x):
        return [(str(key), [x[i].get(key) for i in order]) for key in x[0]]
    if isinstance(x, Mapping):
        entries = [(str(key), as_array(column)) for key, column in x.items()]
        return [pair for name, array in entries for pair in _split(name, array, order)]
    names = list(map(str, x.columns)) if hasattr(x, "columns") else feature_names
    return _split("x", as_array(x), order, names)


def _split(
    name: str, array: np.ndarray, order: np.ndarray, names: Sequence[str] | None = None
) -> list[Column]:
    if array.ndim == 1 and names is None:
        return [(name, array[order].tolist())]
    rows = array[order].reshape(len(order), -1)
    if names is None or len(names) != rows.shape[1]:
        names = [f"{name}{k}" for k in range(rows.shape[1])]
    return [(names[k], column.tolist()) for k, column in enumerate(rows.T)]
