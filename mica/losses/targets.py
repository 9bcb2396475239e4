"""What a loss expects of its targets, checked on whole arrays with clear sentences."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from mica.errors import ConfigError, DataError, ShapeError
from mica.shapes import Shape, describe

__all__ = ["TargetKind", "check_kind"]

TargetKind = Literal[
    "any", "real", "classes", "one_hot", "binary", "signs", "shares", "counts"
]

_RANK_OF_PICTURES = 4  # batch, height, width, channels
_FLATTEN = "Put Flatten() before the last Dense layers."
ROW_SUM_TOLERANCE = 1e-3  # shares of a row written with three decimals or more


def _row(flags: Tensor) -> str:
    """Where the first raised flag is: `row 3`, or `row 3, position (0, 2)`."""
    position = [int(index) for index in flags.nonzero()[0]]
    rest = tuple(position[1:])
    return f"row {position[0]}" + (f", position {rest}" if any(rest) else "")


def _first(target: Tensor, flags: Tensor) -> str:
    """The first flagged value and where it is."""
    value = target[flags][0].item()
    return f"{value:g} at {_row(flags)}"


def _is_one_hot(target: Tensor) -> bool:
    binary = bool(((target == 0) | (target == 1)).all())
    return binary and bool((target.sum(-1) == 1).all())


def _batched(shape: Shape, target: Tensor) -> Shape:
    """The prediction's shape for as many rows as the targets have."""
    if shape and shape[0] is None and target.ndim:
        return (target.shape[0], *shape[1:])
    return shape


def _fits(shape: Shape, expected: Shape) -> bool:
    return len(shape) == len(expected) and all(
        want is None or size == want for size, want in zip(shape, expected, strict=True)
    )


def _lacks_flatten(shape: Shape, target: Tensor) -> bool:
    """Whether a model gives a whole map where each sample has one label."""
    one_label = target.ndim == 1 or (target.ndim == 2 and target.shape[-1] == 1)
    return one_label and len(shape) >= _RANK_OF_PICTURES


def _check_same_shape(where: str, shape: Shape, target: Tensor, what: str) -> None:
    """The targets have the prediction's shape, up to a last axis of size 1."""
    theirs = tuple(target.shape)
    if any(_fits(form, shape) for form in (theirs, (*theirs, 1))):
        return
    if theirs[-1:] == (1,) and _fits(theirs[:-1], shape):
        return
    remedy = "Give the model outputs of the targets' shape."
    if _lacks_flatten(shape, target):
        remedy = _FLATTEN
    elif len(theirs) == len(shape) and _fits(theirs[:-1], shape[:-1]):
        remedy = f"Give the last layer {theirs[-1]} units."
    elif _fits(theirs, shape[:-1]):
        remedy = "Give the last layer 1 unit."
        if what == "targets" and not target.is_floating_point():
            remedy = (
                "Give the last layer 1 unit; labels of several classes go with "
                "SparseCategoricalCrossentropy."
            )
    raise ShapeError(
        f"{where}: expected {what} of the predictions' shape {describe(shape)}, got "
        f"{describe(theirs)}. {remedy}"
    )


def _check_real(where: str, shape: Shape, target: Tensor) -> None:
    _check_same_shape(where, shape, target, "targets")


def _check_whole(where: str, target: Tensor) -> None:
    if target.is_floating_point():
        broken = target != target.round()
        if broken.any():
            raise DataError(
                f"{where}: expected whole numbers as class labels, got "
                f"{_first(target, broken)}. Use MeanSquaredError for measured values, "
                "or number the classes from 0."
            )


def _check_label_range(
    where: str, classes: int | None, target: Tensor, ignore_class: int | None
) -> None:
    kept = torch.ones_like(target, dtype=torch.bool)
    if ignore_class is not None:
        kept = target != ignore_class
    wrong = kept & (target < 0)
    if classes is not None:
        wrong = wrong | (kept & (target >= classes))
    if not wrong.any():
        return
    lowest, highest = int(target[kept].min()), int(target[kept].max())
    remedy = "Number the classes from 0."
    if lowest >= 1 and highest == classes:
        remedy = f"The labels run from {lowest} to {highest}: subtract 1."
    elif lowest >= 0:
        remedy = f"Give the last layer {highest + 1} units, or mend the label."
    above = "up" if classes is None else str(classes - 1)
    raise DataError(
        f"{where}: expected class labels from 0 to {above}, got "
        f"{_first(target, wrong)}. {remedy}"
    )


def _check_classes(
    where: str, shape: Shape, target: Tensor, ignore_class: int | None = None
) -> None:
    expected = _batched(shape[:-1], target)
    theirs = tuple(target.shape)
    same_rank = len(theirs) == len(shape) and theirs[-1] != 1
    if same_rank and _fits(theirs[:-1], expected) and _is_one_hot(target):
        raise ShapeError(
            f"{where}: expected integer labels of shape {describe(expected)}, got "
            f"one-hot rows of shape {describe(theirs)}. Use CategoricalCrossentropy, "
            "or give labels.argmax(-1)."
        )
    if not (_fits(theirs, expected) or _fits(theirs, (*expected, 1))):
        remedy = "Give one label per prediction."
        raise ShapeError(
            f"{where}: expected integer labels of shape {describe(expected)} for "
            f"predictions of shape {describe(shape)}, got {describe(theirs)}. "
            f"{_FLATTEN if _lacks_flatten(shape, target) else remedy}"
        )
    _check_whole(where, target)
    _check_label_range(where, shape[-1], target, ignore_class)


def _check_shares(where: str, shape: Shape, target: Tensor) -> None:
    """Values of 0 to 1: chances, yes or no."""
    _check_same_shape(where, shape, target, "labels")
    wrong = (target < 0) | (target > 1)
    if not wrong.any():
        return
    remedy = "Divide or number the labels so that they lie between 0 and 1."
    if _values_are(target, (-1, 1)):
        remedy = "Replace -1 by 0, or use Hinge."
    elif shape[-1] == 1 and not target.is_floating_point() and target.min() >= 0:
        units = int(target.max()) + 1
        remedy = (
            f"For {units} classes end in {units} softmax units and use "
            "SparseCategoricalCrossentropy."
        )
    raise DataError(
        f"{where}: expected labels between 0 and 1, got {_first(target, wrong)}. "
        f"{remedy}"
    )


def _values_are(target: Tensor, allowed: tuple[float, ...]) -> bool:
    return bool(torch.isin(target, torch.tensor(allowed).to(target.dtype)).all())


def _check_one_hot(where: str, shape: Shape, target: Tensor) -> None:
    theirs = tuple(target.shape)
    leading = _batched(shape[:-1], target)
    labels = _fits(theirs, leading) or _fits(theirs, (*leading, 1))
    if labels and theirs[-1:] != shape[-1:]:
        remedy = f"torch.nn.functional.one_hot(labels, {shape[-1]})."
        if where == "CategoricalCrossentropy":
            remedy = f"{remedy[:-1]}, or use SparseCategoricalCrossentropy."
        raise ShapeError(
            f"{where}: expected one-hot rows of shape {describe((*leading, shape[-1]))}"
            f", got integer labels of shape {describe(theirs)}. Give {remedy}"
        )
    _check_same_shape(where, shape, target, "one-hot rows")
    _check_shares(where, shape, target)
    sums = target.sum(-1, dtype=torch.float64)
    wrong = (sums - 1).abs() > ROW_SUM_TOLERANCE
    if wrong.any():
        raise DataError(
            f"{where}: expected rows that sum to 1, got a sum of {_first(sums, wrong)}."
            " For several labels per row end in sigmoid and use BinaryCrossentropy."
        )


def _check_signs(where: str, shape: Shape, target: Tensor) -> None:
    _check_same_shape(where, shape, target, "labels")
    if _values_are(target, (-1, 1)) or _values_are(target, (0, 1)):
        return
    wrong = ~torch.isin(target, torch.tensor([-1, 1]).to(target.dtype))
    raise DataError(
        f"{where}: expected labels -1 and 1 (or 0 and 1), got {_first(target, wrong)}. "
        "Write one class as 1 and the other as -1."
    )


def _check_counts(where: str, shape: Shape, target: Tensor) -> None:
    _check_same_shape(where, shape, target, "targets")
    wrong = target < 0
    if wrong.any():
        raise DataError(
            f"{where}: expected targets of at least 0, got {_first(target, wrong)}. "
            "Use MeanSquaredError for values of both signs."
        )


_CHECKS: Mapping[str, Callable[..., None]] = {
    "real": _check_real,
    "classes": _check_classes,
    "one_hot": _check_one_hot,
    "binary": _check_shares,
    "shares": _check_shares,
    "signs": _check_signs,
    "counts": _check_counts,
}


def check_kind(
    kind: TargetKind,
    where: str,
    prediction_shape: Shape,
    prediction_dtype: torch.dtype,
    target: Tensor,
    **options: Any,
) -> None:
    """Check whole targets once against what a loss of this kind reads.

    Args:
        kind: What the loss expects; "any" checks nothing.
        where: Who asks, for the error.
        prediction_shape: The model's output, `None` where it may vary.
        prediction_dtype: Its dtype.
        target: The targets of a data set or of one batch.
        options: `ignore_class` for kind "classes".

    Raises:
        ConfigError: The predictions are not floating-point numbers.
        ShapeError: Targets of another shape; one-hot rows for labels or the reverse.
        DataError: A label outside its range.

    Example:
        >>> import torch
        >>> labels = torch.tensor([0, 1, 3])
        >>> check_kind("classes", "Loss", (None, 3), torch.float32, labels)
        Traceback (most recent call last):
        mica.errors.DataError: Loss: expected class labels from 0 to 2, got 3 at row 2.
        Give the last layer 4 units, or mend the label.
    """
    if kind == "any":
        return
    if not prediction_dtype.is_floating_point:
        name = str(prediction_dtype).removeprefix("torch.")
        raise ConfigError(
            f"{where}: expected floating-point predictions, got {name}. Let the model "
            "end in a layer that computes, such as Dense."
        )
    _CHECKS[kind](where, tuple(prediction_shape), target, **options)
