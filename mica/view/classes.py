"""Class numbers and names, from whatever form targets and predictions come in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mica.errors import DataError, ShapeError
from mica.view.arrays import as_array

__all__ = ["class_names", "class_numbers"]


def class_names(
    *values: np.ndarray, label_names: Sequence[object] | None = None
) -> tuple[str, ...]:
    """Give one name per class: those given, the words found, or the numbers.

    Args:
        values: Targets and predictions.
        label_names: The classes' names in their order; None to find them.

    Example:
        >>> import numpy
        >>> class_names(numpy.array([0, 2]))
        ('0', '1', '2')
        >>> class_names(numpy.array(["dog", "cat"]))
        ('cat', 'dog')
    """
    if label_names is not None:
        return tuple(str(name) for name in as_array(list(label_names)).tolist())
    words = {
        str(word)
        for array in values
        if array.dtype.kind in "OU"
        for word in array.ravel().tolist()
    }
    if words:
        return tuple(sorted(words))
    numbers = [2]
    for array in values:
        if array.ndim == 2 and array.shape[1] > 1:
            numbers.append(array.shape[1])
        elif array.size and np.isfinite(array).all():
            numbers.append(int(array.max()) + 1)
    return tuple(str(number) for number in range(max(numbers)))


def class_numbers(
    where: str, what: str, values: Any, names: Sequence[str]
) -> np.ndarray:
    """Give class numbers from numbers, names, one-hot rows or probabilities.

    Args:
        where: Who asks, for errors.
        what: What they are, for errors: "targets".
        values: Numbers 0..K-1 or names (n,), one-hot rows, probabilities or logits
            (n, K), or probabilities of class 1, (n,) or (n, 1).
        names: The classes' names.

    Shape:
        output: (n,), int64.

    Raises:
        ShapeError: Rank or number of columns.
        DataError: An unknown name, a number outside 0..K-1, or NaN.

    Example:
        >>> class_numbers("me", "targets", [[0.2, 0.8], [0.9, 0.1]], ["cat", "dog"])
        array([1, 0])
    """
    array = as_array(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] != len(names)):
        raise ShapeError(
            f"{where}: expected {what} of shape (n,) or (n, {len(names)}), "
            f"got {array.shape}. Give one class per sample, or one column per class."
        )
    if array.dtype.kind in "OUS":
        return _from_words(where, what, array, names)
    if array.dtype.kind == "f" and np.isnan(array).any():
        row = int(np.argwhere(np.isnan(array))[0][0])
        raise DataError(
            f"{where}: expected {what} without NaN, got one in row {row}. "
            "Leave such rows out."
        )
    if array.ndim == 2:
        return array.argmax(axis=1).astype(np.int64)
    return _from_numbers(where, what, array, names)


def _from_words(
    where: str, what: str, array: np.ndarray, names: Sequence[str]
) -> np.ndarray:
    known = {name: number for number, name in enumerate(names)}
    words = [str(word) for word in array.ravel().tolist()]
    for word in words:
        if word not in known:
            raise DataError(
                f"{where}: expected {what} among {len(names)} label names, "
                f"got {word!r}. Add it to label_names."
            )
    return np.array([known[word] for word in words], np.int64)


def _from_numbers(
    where: str, what: str, array: np.ndarray, names: Sequence[str]
) -> np.ndarray:
    if array.dtype.kind == "f" and (array != np.rint(array)).any():
        outside = array[(array < 0) | (array > 1)]
        if len(names) != 2 or outside.size:
            odd = outside[0] if outside.size else array[array != np.rint(array)][0]
            raise DataError(
                f"{where}: expected {what} as class numbers 0..{len(names) - 1}, "
                f"got {odd:g}. Give whole numbers, or one column per class."
            )
        return (array > 0.5).astype(np.int64)
    outside = np.flatnonzero((array < 0) | (array >= len(names)))
    if outside.size:
        row = int(outside[0])
        raise DataError(
            f"{where}: expected {what} as class numbers 0..{len(names) - 1}, "
            f"got {array[row]:g} in row {row}. Give a label name for each class."
        )
    return array.astype(np.int64)
