"""Folds: which rows to learn from and which to judge by, as scikit-learn deals them."""

from collections.abc import Iterator
from typing import Any, Literal, get_args

import numpy as np
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from mica.errors import ConfigError, DataError, near_misses

__all__ = ["Method", "choose_method", "fold_rows"]

Method = Literal["k-fold", "stratified", "grouped", "time"]
Pair = tuple[np.ndarray, np.ndarray]


def _check_count(what: str, value: Any, least: int, advice: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigError(
            f"cross_validate: expected {what} to be a whole number of at least "
            f"{least}, got {value!r}. {advice}"
        )


def _rarest(codes: np.ndarray) -> int:
    counts = np.bincount(codes)
    return int(counts[counts > 0].min())


def choose_method(
    method: Any, *, codes: np.ndarray | None, groups: Any, folds: int
) -> Any:
    """Decide how rows are dealt where the user did not.

    Args:
        method: What the user said; None decides.
        codes: The class of each row, or None.
        groups: What rows belong together, or None.
        folds: How many folds.

    Shape:
        codes: (rows,), int64

    Returns:
        A method: "grouped" with groups, "stratified" with classes that are large enough
        for it, else "k-fold"; a splitter of the user's own stays.

    Raises:
        ConfigError: A method that is none.

    Example:
        >>> choose_method(None, codes=np.array([0, 1] * 5), groups=None, folds=5)
        'stratified'
    """
    if method is None:
        if groups is not None:
            return "grouped"
        large = codes is not None and _rarest(codes) >= folds
        return "stratified" if large else "k-fold"
    if hasattr(method, "split") and not isinstance(method, str):
        return method
    if method not in get_args(Method):
        raise ConfigError(
            "cross_validate: expected a method of 'k-fold', 'stratified', 'grouped' or "
            f"'time', or a splitter of scikit-learn, got {method!r}. "
            f"{near_misses(str(method), get_args(Method))}"
        )
    return method


def _check_options(method: Any, repeats: int, gap: int, groups: Any) -> None:
    if repeats > 1 and method not in ("k-fold", "stratified"):
        raise ConfigError(
            "cross_validate: expected repeats only with 'k-fold' or 'stratified', "
            f"which shuffle, got {repeats} with {method!r}. Leave repeats out."
        )
    if gap and method != "time":
        raise ConfigError(
            f"cross_validate: expected a gap only with 'time', got {gap} with "
            f"{method!r}. Leave the gap out, or say method='time'."
        )
    if method == "grouped" and groups is None:
        raise ConfigError(
            "cross_validate: expected groups with method='grouped', got none. Give one "
            "name per row: rows of the same name stay together."
        )
    if groups is not None and isinstance(method, str) and method != "grouped":
        raise ConfigError(
            "cross_validate: expected groups only with method='grouped', got them with "
            f"{method!r}. Leave one of the two out."
        )


def _check_classes(codes: np.ndarray | None, folds: int) -> None:
    if codes is None:
        raise DataError(
            "cross_validate: expected targets that are classes to stratify by, got "
            "none. Say method='k-fold'."
        )
    if _rarest(codes) < folds:
        raise DataError(
            "cross_validate: expected at least as many rows of each class as folds, "
            f"got {_rarest(codes)} of the rarest for {folds} folds. Take fewer folds, "
            "bring more rows, or say method='k-fold'."
        )


def _check_groups(groups: np.ndarray, count: int, folds: int) -> None:
    if groups.shape != (count,):
        raise DataError(
            f"cross_validate: expected one group for each of {count} rows, got the "
            f"shape {groups.shape}. Give a list of names as long as the data."
        )
    distinct = len(np.unique(groups))
    if distinct < folds:
        raise DataError(
            "cross_validate: expected at least as many groups as folds, got "
            f"{distinct} for {folds} folds. Take fewer folds."
        )


def _check_time(count: int, folds: int, gap: int) -> None:
    part = count // (folds + 1)
    if count - folds * part - gap < 1:
        raise DataError(
            "cross_validate: expected rows to learn from before the first of "
            f"{folds} parts of {part:,} rows and a gap of {gap:,}, got {count:,} rows "
            "in all. Take fewer folds, a shorter gap, or more rows."
        )


def _splitter(method: str, folds: int, repeats: int, gap: int, seed: int) -> Any:
    options: dict[str, Any] = {"n_splits": folds}
    if method == "time":
        return TimeSeriesSplit(**options, gap=gap)
    if method == "grouped":
        return GroupKFold(**options, shuffle=True, random_state=seed)
    if repeats > 1:
        kind = RepeatedStratifiedKFold if method == "stratified" else RepeatedKFold
        return kind(**options, n_repeats=repeats, random_state=seed)
    kind = StratifiedKFold if method == "stratified" else KFold
    return kind(**options, shuffle=True, random_state=seed)


def _checked(pairs: Any, name: str) -> Iterator[Pair]:
    """The pairs of a splitter that is not ours."""
    for train, test in pairs:
        both = np.intersect1d(train, test)
        if len(both):
            raise DataError(
                f"cross_validate: expected each row in one part of a fold, got row "
                f"{both[0]} in both from {name}. What was learned from must not judge."
            )
        if not (len(train) and len(test)):
            raise DataError(
                f"cross_validate: expected rows in both parts of a fold, got "
                f"{len(train)} to learn from and {len(test)} to judge by from {name}. "
                "Look at the splitter."
            )
        yield np.asarray(train), np.asarray(test)


def fold_rows(
    count: int,
    *,
    method: Any = None,
    folds: int = 5,
    repeats: int = 1,
    codes: np.ndarray | None = None,
    groups: Any = None,
    gap: int = 0,
    seed: int = 0,
) -> list[Pair]:
    """Deal rows into folds: each is judged once (per repeat) by what it did not see.

    Args:
        count: Number of rows.
        method: "k-fold" (shuffled), "stratified" (each class in its share), "grouped"
            (no group in both parts), "time" (learn from what came before), or a
            splitter of scikit-learn; None decides (see `choose_method`).
        folds: How many parts to judge by; a splitter has its own.
        repeats: How often to shuffle and deal again; iterated cross-validation.
        codes: The class of each row, for "stratified".
        groups: What rows belong together, for "grouped".
        gap: Rows left out before each part to judge by, for "time".
        seed: Decides the shuffling.

    Shape:
        codes: (count,), int64
        groups: (count,)
        returns: pairs of (rows to learn from,) and (rows to judge by,), int64

    Returns:
        A pair of row numbers for each fold.

    Raises:
        ConfigError: An argument that cannot work, or two that do not go together.
        DataError: Too few rows, groups, or rows of a class.

    Example:
        >>> [test.tolist() for _, test in fold_rows(6, method="time", folds=2)]
        [[2, 3], [4, 5]]
    """
    _check_count("folds", folds, 2, "5 or 10 are usual.")
    _check_count("repeats", repeats, 1, "1 deals the rows once.")
    _check_count("gap", gap, 0, "Take the length of a window, or 0.")
    method = choose_method(method, codes=codes, groups=groups, folds=folds)
    _check_options(method, repeats, gap, groups)
    labels = None if groups is None else np.asarray(groups)
    rows = np.zeros((count, 1))
    if not isinstance(method, str):
        name = type(method).__name__
        return list(_checked(method.split(rows, codes, labels), name))
    if count < folds:
        raise DataError(
            f"cross_validate: expected at least as many rows as folds, got {count} for "
            f"{folds} folds. Take fewer folds, or bring more rows."
        )
    if method == "stratified":
        _check_classes(codes, folds)
    if method == "time":
        _check_time(count, folds, gap)
    if labels is not None:
        _check_groups(labels, count, folds)
    splitter = _splitter(method, folds, repeats, gap, seed)
    return list(splitter.split(rows, codes, labels))
