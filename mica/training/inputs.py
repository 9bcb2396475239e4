"""Inputs: what `fit` was given, as one source to learn from and one to judge by."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from mica.data import (
    ArraySource,
    LimitedSource,
    Source,
    as_source,
    class_sample_weight,
    split_source,
)
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


def _weighted(source: Source, class_weight: Any) -> Source:
    """The same rows, each weighed by its class; validation rows never are."""
    if not isinstance(source, ArraySource) or source.y is None:
        raise ConfigError(
            "fit: expected y as an array beside class_weight, got none. Give y, or "
            "yield sample weights with each batch."
        )
    weight = class_sample_weight(source.y, class_weight, source.sample_weight)
    return ArraySource(source.x, source.y, weight, keep_integers=True)


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


def _open_validation(given: Any, batch_size: int | None, **options: Any) -> Source:
    if isinstance(given, (tuple, list)):
        if not 2 <= len(given) <= 3:
            raise DataError(
                "fit: expected validation_data as (x, y) or (x, y, sample_weight), got "
                f"{len(given)} parts. Put several inputs into one: ((a, b), y)."
            )
        return as_source(*given, batch_size=batch_size, **options)
    return as_source(given, **options)


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
    keep_integers: bool = False,
    seed: int = 0,
) -> Inputs:
    """Open training and validation data.

    Args:
        x: Inputs, or an object that gives batches.
        y: Targets.
        sample_weight: One weight per row.
        class_weight: A weight for each class, or "balanced"; for training rows alone.
        validation_data: (x, y), (x, y, sample_weight) or an object that gives batches.
        validation_split: Share of the rows to judge by, when validation_data is None.
        validation_rows: Which rows: "stratified" (shuffled, each class in its share),
            "random", or "last" (Keras's way).
        batch_size: What the caller asked for.
        steps_per_epoch: Batches in a training epoch; None for all.
        validation_steps: Batches in a validation; None for all.
        keep_integers: Whether integers in x are numbers of things (token ids).
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
    train = as_source(
        x,
        y,
        sample_weight,
        batch_size=batch_size,
        steps=steps_per_epoch,
        keep_integers=keep_integers,
    )
    limited = isinstance(train, LimitedSource)
    if isinstance(train, LimitedSource):
        train = train.source
    validation: Source | None = None
    if validation_data is not None:
        validation = _open_validation(
            validation_data,
            batch_size,
            steps=validation_steps,
            keep_integers=keep_integers,
        )
    elif validation_split:
        train, validation = _split_off(train, validation_split, validation_rows, seed)
    if class_weight is not None:
        train = _weighted(train, class_weight)
    if limited and steps_per_epoch is not None:
        train = LimitedSource(train, steps_per_epoch)
    return Inputs(train, validation)
