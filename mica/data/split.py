"""Parts of the data for training, validation and test: shuffled and stratified."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from mica.data.arrays import ArraySource
from mica.data.order import epoch_order
from mica.data.tensors import is_plain, named_leaves
from mica.errors import ConfigError, DataError

__all__ = [
    "Part",
    "as_array",
    "class_codes",
    "split_rows",
    "split_source",
    "take_rows",
    "train_validation_split",
    "train_validation_test_split",
]

MOST_FLOAT_CLASSES = 20  # distinct values of a floating-point target; ours


class Part(NamedTuple):
    """One part of the data.

    Args:
        x: Inputs, in the nesting they came in.
        y: Targets, or None.
        sample_weight: Weights, or None.

    Example:
        >>> Part([1, 2], [0, 1], None).y
        [0, 1]
    """

    x: Any
    y: Any
    sample_weight: Any


def as_array(leaf: Any) -> np.ndarray:
    """Give one array of the user's as a NumPy array, whatever holds it.

    Args:
        leaf: An array, tensor, series, frame or list of numbers.

    Example:
        >>> as_array(torch.ones(2, dtype=torch.bfloat16))
        array([1., 1.])
    """
    if isinstance(leaf, torch.Tensor):
        leaf = leaf.detach().cpu()
        return (leaf.double() if leaf.is_floating_point() else leaf).numpy()
    try:
        return np.asarray(leaf)
    except (ValueError, OverflowError):  # rows of several lengths: shown, not used
        return np.array([str(row) for row in leaf])


def class_codes(y: Any) -> np.ndarray | None:
    """Number the classes of a target; None when it does not look like classes.

    Classes are whole numbers, texts or booleans with at least two rows per class on
    average, whole floating-point numbers of few values, or one-hot rows.

    Args:
        y: Targets, or None.

    Shape:
        y: (rows,), (rows, 1) or one-hot (rows, classes)
        returns: (rows,), int64

    Returns:
        A number from 0 for each row, or None.

    Example:
        >>> class_codes(["cat", "dog", "cat", "dog"])
        array([0, 1, 0, 1])
        >>> class_codes([0.13, 2.5, 1.7]) is None
        True
    """
    leaves = named_leaves(y, "y")
    if y is None or len(leaves) != 1:
        return None
    labels = as_array(leaves[0][1])
    if labels.size == 0:
        return None
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]  # (rows,)
    if labels.ndim == 2 and labels.dtype.kind in "biuf":
        is_one_hot = ((labels == 0) | (labels == 1)).all() and (
            labels.sum(axis=1) == 1
        ).all()
        return labels.argmax(axis=1) if is_one_hot else None
    if labels.ndim != 1 or labels.dtype.kind not in "biufUOT":
        return None
    if labels.dtype.kind == "O":
        labels = labels.astype(str)
    values, codes = np.unique(labels, return_inverse=True)
    most = len(labels) // 2
    if labels.dtype.kind == "f":
        whole = np.isfinite(values).all() and (values == np.floor(values)).all()
        most = min(most, MOST_FLOAT_CLASSES) if whole else 0
    return codes if len(values) <= most else None


def _check_fractions(fractions: Sequence[float]) -> None:
    for fraction in fractions:
        if not isinstance(fraction, (int, float)) or not 0 < fraction < 1:
            raise ConfigError(
                f"split: expected a fraction above 0 and below 1, got {fraction!r}. "
                "0.2 gives every fifth row to the part."
            )
    if sum(fractions) >= 1:
        raise ConfigError(
            f"split: expected fractions that leave rows for training, got "
            f"{' + '.join(str(fraction) for fraction in fractions)} = "
            f"{sum(fractions):g}. Lower one of them."
        )


def _stratified(codes: np.ndarray, size: int, order: np.ndarray) -> np.ndarray:
    """Choose `size` of the rows in `order`, each class in its share.

    Shares are rounded by the largest remainder; a class keeps at least one row.
    """
    labels = codes[order]
    counts = np.bincount(labels, minlength=int(codes.max()) + 1)
    shares = counts * (size / len(order))
    limits = np.maximum(counts - 1, 0)
    taken = np.minimum(np.floor(shares).astype(int), limits)
    by_remainder = np.argsort(taken - shares, kind="stable")
    while taken.sum() < size:
        open_classes = [label for label in by_remainder if taken[label] < limits[label]]
        if not open_classes:  # every class is down to its last row
            break
        for label in open_classes[: size - int(taken.sum())]:
            taken[label] += 1
    chosen = np.zeros(len(order), dtype=bool)
    for label in np.flatnonzero(taken):
        chosen[np.flatnonzero(labels == label)[: taken[label]]] = True
    return chosen


def split_rows(
    count: int,
    fractions: Sequence[float],
    *,
    codes: np.ndarray | None = None,
    shuffle: bool = True,
    seed: int = 0,
) -> list[np.ndarray]:
    """Give each row to one part: the first is what the fractions leave.

    Args:
        count: Number of rows.
        fractions: Size of each further part, above 0; together below 1.
        codes: Class of each row, to give every part the same mixture; None does not.
            A class with a single row stays in the first part.
        shuffle: Whether to choose at random; else the parts are in the rows' order,
            the last rows in the last part, as in Keras.
        seed: Decides the choice.

    Shape:
        codes: (count,), int64
        returns: one (rows,) int64 array per part

    Returns:
        Row numbers of the first part, then of one part per fraction.

    Raises:
        ConfigError: A fraction that is not between 0 and 1, or too much in all.
        DataError: A part would be left without rows.

    Example:
        >>> [rows.tolist() for rows in split_rows(5, [0.2, 0.2], shuffle=False)]
        [[0, 1, 2], [3], [4]]
    """
    _check_fractions(fractions)
    order = np.arange(count)
    if shuffle:
        order = epoch_order(count, seed, 0).numpy()
    sizes = [count - int(count * (1 - fraction) + 1e-9) for fraction in fractions]
    rest, parts = order, []
    for size in reversed(sizes):
        if shuffle and codes is not None and len(rest):
            chosen = _stratified(codes, size, rest)
        else:
            chosen = np.arange(len(rest)) >= len(rest) - size
        if chosen.all() or not chosen.any():
            raise DataError(
                f"split: expected at least one row in each part, got {count} rows for "
                f"the fractions {', '.join(str(share) for share in fractions)}. "
                "Bring more rows or larger fractions."
            )
        parts.insert(0, rest[chosen])
        rest = rest[~chosen]
    return [rest, *parts]


def take_rows(structure: Any, rows: np.ndarray) -> Any:
    """Pick rows of nested arrays, frames, tensors or lists of numbers.

    Args:
        structure: The data, or None.
        rows: Row numbers.

    Shape:
        rows: (count,), int64

    Returns:
        The rows in the same nesting; a list of numbers becomes an array.

    Example:
        >>> import numpy as np
        >>> take_rows({"a": np.array([5, 6, 7])}, np.array([2, 0]))
        {'a': array([7, 5])}
    """
    if structure is None:
        return None
    if isinstance(structure, dict):
        return {key: take_rows(item, rows) for key, item in structure.items()}
    if isinstance(structure, (list, tuple)):
        if is_plain(structure):
            return np.asarray(structure)[rows]
        return type(structure)([take_rows(item, rows) for item in structure])
    if isinstance(structure, torch.Tensor):
        return structure[torch.as_tensor(rows, device=structure.device)]
    if hasattr(structure, "iloc"):
        return structure.iloc[rows]
    return structure[rows]


def _length(leaf: Any, where: str) -> int:
    if getattr(leaf, "shape", None) == () or not hasattr(leaf, "__len__"):
        raise DataError(
            f"{where}: expected arrays, frames, tensors or lists with one row per "
            f"sample, got {type(leaf).__name__}. Split before you make a loader or "
            "generator of the data."
        )
    return len(leaf)


def _count(x: Any, y: Any, sample_weight: Any) -> int:
    parts = {"x": x, "y": y, "sample_weight": sample_weight}
    lengths = [
        (where, _length(leaf, where))
        for name, part in parts.items()
        if part is not None
        for where, leaf in named_leaves(part, name)
    ]
    if not lengths:
        raise DataError("x: expected data to split, got None. Give arrays or a frame.")
    first_name, first = lengths[0]
    for name, length in lengths:
        if length != first:
            raise DataError(
                f"{name}: expected {first} rows as in {first_name}, got {length}. "
                "Give every sample one row in each array."
            )
    return first


def _split(
    x: Any,
    y: Any,
    fractions: Sequence[float],
    sample_weight: Any,
    shuffle: bool,
    stratify: bool,
    seed: int,
) -> list[Part]:
    count = _count(x, y, sample_weight)
    codes = class_codes(y) if stratify else None
    parts = split_rows(count, fractions, codes=codes, shuffle=shuffle, seed=seed)
    return [
        Part(take_rows(x, rows), take_rows(y, rows), take_rows(sample_weight, rows))
        for rows in parts
    ]


def train_validation_split(
    x: Any,
    y: Any = None,
    fraction: float = 0.2,
    *,
    sample_weight: Any = None,
    shuffle: bool = True,
    stratify: bool = True,
    seed: int = 0,
) -> tuple[Part, Part]:
    """Set a part of the rows aside for validation (or test).

    Args:
        x: Arrays, frames, tensors, lists, or dicts and tuples of them.
        y: Targets in the same way, or None.
        fraction: Share of the rows to set aside, above 0 and below 1.
        sample_weight: Weights to split along, or None.
        shuffle: Whether to choose the rows at random; else the last rows are set
            aside, as Keras does.
        stratify: Whether both parts get the same mixture of classes, when the
            targets look like classes (see `class_codes`) and rows are shuffled.
        seed: Decides the choice.

    Returns:
        The part for training and the part set aside: `x, y, sample_weight` each.

    Raises:
        ConfigError: ``fraction`` is not between 0 and 1.
        DataError: Lengths differ, or a part would be left without rows.

    Example:
        >>> import numpy as np
        >>> x, y = np.arange(10), np.array([0, 1] * 5)
        >>> train, validation = train_validation_split(x, y, 0.2)
        >>> len(train.x), sorted(validation.y.tolist())
        (8, [0, 1])
    """
    train, validation = _split(x, y, [fraction], sample_weight, shuffle, stratify, seed)
    return train, validation


def train_validation_test_split(
    x: Any,
    y: Any = None,
    fractions: tuple[float, float] = (0.2, 0.2),
    *,
    sample_weight: Any = None,
    shuffle: bool = True,
    stratify: bool = True,
    seed: int = 0,
) -> tuple[Part, Part, Part]:
    """Set two parts of the rows aside: one for validation, one for the final test.

    Args:
        x: Arrays, frames, tensors, lists, or dicts and tuples of them.
        y: Targets in the same way, or None.
        fractions: Shares for validation and test, each of all rows.
        sample_weight: Weights to split along, or None.
        shuffle: Whether to choose the rows at random; else the last rows are the
            test part and those before them the validation part.
        stratify: Whether all parts get the same mixture of classes.
        seed: Decides the choice.

    Returns:
        The parts for training, validation and test: `x, y, sample_weight` each.

    Raises:
        ConfigError: The fractions are not between 0 and 1, or leave no training part.
        DataError: Lengths differ, or a part would be left without rows.

    Example:
        >>> import numpy as np
        >>> parts = train_validation_test_split(np.arange(10), None, (0.2, 0.1))
        >>> [len(part.x) for part in parts]
        [7, 2, 1]
    """
    train, validation, test = _split(
        x, y, fractions, sample_weight, shuffle, stratify, seed
    )
    return train, validation, test


def split_source(
    source: ArraySource,
    fraction: float,
    *,
    shuffle: bool = True,
    stratify: bool = True,
    seed: int = 0,
) -> tuple[ArraySource, ArraySource]:
    """Set a part of a source's rows aside for validation.

    Args:
        source: Data in memory.
        fraction: Share of the rows to set aside, above 0 and below 1.
        shuffle: Whether to choose the rows at random; else the last rows.
        stratify: Whether both parts get the same mixture of classes.
        seed: Decides the choice.

    Returns:
        The source for training and the one set aside.

    Raises:
        ConfigError: ``fraction`` is not between 0 and 1, or the source is not in
            memory.
        DataError: A part would be left without rows.

    Example:
        >>> train, validation = split_source(ArraySource([[1.0], [2.0], [3.0]]), 0.4)
        >>> train.num_samples, validation.num_samples
        (1, 2)
    """
    if not isinstance(source, ArraySource):
        raise ConfigError(
            "validation_split: expected arrays, tensors or frames, got a "
            f"{type(source).__name__}. Make two loaders and give one as "
            "validation_data."
        )
    codes = class_codes(source.y) if stratify else None
    train, validation = split_rows(
        source.num_samples, [fraction], codes=codes, shuffle=shuffle, seed=seed
    )
    return source.take(torch.from_numpy(train)), source.take(
        torch.from_numpy(validation)
    )
