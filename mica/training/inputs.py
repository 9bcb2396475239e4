"""Inputs: what `fit` was given, as one source to learn from and one to judge by."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from mica.data import ArraySource, Source, as_source, class_sample_weight, split_source
from mica.errors import ConfigError, DataError

__all__ = ["Inputs", "ValidationRows", "open_inputs"]

ValidationRows = Literal["stratified", "random", "last"]
_ROWS = ("stratified", "random", "last")


class Inputs(NamedTuple):
    """Two sources of batches.

    Args:
        train: What to learn from.
        validation: What to judge by after each epoch; None for none.

    Example:
        >>> Inputs(as_source([[0.0], [1.0]], [0, 1]), None).train.num_samples
        2
    """

    train: Source
    validation: Source | None


def _weighted(
    x: Any, y: Any, sample_weight: Any, class_weight: Any, steps: int | None, size: Any
) -> Source:
    if class_weight is None:
        return as_source(x, y, sample_weight, batch_size=size, steps=steps)
    if y is None:
        raise ConfigError(
            "fit: expected y beside class_weight, got none. Give y as an array, or "
            "yield sample weights with each batch."
        )
    weight = class_sample_weight(y, class_weight, sample_weight)
    return as_source(x, y, weight, batch_size=size, steps=steps)


def _split_off(
    source: Source, fraction: float, rows: ValidationRows, seed: int
) -> Inputs:
    if not isinstance(source, ArraySource):
        raise ConfigError(
            f"fit: expected arrays for validation_split, got {type(source).__name__}. "
            "Give validation_data instead."
        )
    if rows not in _ROWS:
        raise ConfigError(
            f"fit: expected validation_rows out of {', '.join(_ROWS)}, got {rows!r}. "
            "Leave it out for a shuffled, stratified split."
        )
    shuffle, stratify = rows != "last", rows == "stratified"
    return Inputs(
        *split_source(source, fraction, shuffle=shuffle, stratify=stratify, seed=seed)
    )


def _open_validation(given: Any, batch_size: int | None, steps: int | None) -> Source:
    if isinstance(given, (tuple, list)):
        if not 2 <= len(given) <= 3:
            raise DataError(
                "fit: expected validation_data as (x, y) or (x, y, sample_weight), got "
                f"{len(given)} parts. Put several inputs into one: ((a, b), y)."
            )
        return as_source(*given, batch_size=batch_size, steps=steps)
    return as_source(given, batch_size=None, steps=steps)


def open_inputs(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    class_weight: Mapping[int, float] | Literal["balanced"] | None = None,
    validation_data: Any = None,
    validation_split: float = 0.0,
    validation_rows: ValidationRows = "stratified",
    batch_size: int | None = None,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
    seed: int = 0,
) -> Inputs:
    """Open training and validation data.

    Args:
        x: Inputs, or an object that gives batches.
        y: Targets.
        sample_weight: One weight per row.
        class_weight: A weight for each class, or "balanced".
        validation_data: (x, y), (x, y, sample_weight) or an object that gives batches.
        validation_split: Share of the rows to judge by, when validation_data is None.
        validation_rows: Which rows: "stratified" (shuffled, each class in its share),
            "random", or "last" (Keras's way).
        batch_size: What the caller asked for.
        steps_per_epoch: Batches in a training epoch; None for all.
        validation_steps: Batches in a validation; None for all.
        seed: Decides the split.

    Returns:
        Both sources.

    Raises:
        ConfigError: Options that do not go together.
        DataError: Data that cannot be learned from.

    Example:
        >>> inputs = open_inputs([[0.0]] * 10, [0, 1] * 5, validation_split=0.2)
        >>> inputs.train.num_samples, inputs.validation.num_samples
        (8, 2)
    """
    train = _weighted(x, y, sample_weight, class_weight, steps_per_epoch, batch_size)
    if validation_data is not None:
        return Inputs(
            train, _open_validation(validation_data, batch_size, validation_steps)
        )
    if validation_split:
        return _split_off(train, validation_split, validation_rows, seed)
    return Inputs(train, None)
