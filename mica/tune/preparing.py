"""The data of a fold, prepared by what its training rows alone have taught."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from mica.data.series import (
    SeriesEncoder,
    TimeSeries,
    as_series,
    judge_baselines,
)
from mica.data.split import class_codes, take_rows
from mica.data.table import Table, TableEncoder, as_table, choose_task
from mica.data.table.target import ClassTarget, usable_rows
from mica.data.tensors import named_leaves
from mica.errors import ConfigError, DataError

__all__ = ["Prepare", "Prepared", "Rows", "SeriesRows", "TableRows", "as_rows"]

Prepare = Callable[[], Any]


class Prepared(NamedTuple):
    """A part of the data, ready to learn from or to be judged by.

    Args:
        x: Inputs, or an object that gives batches.
        y: Targets, or None.
        sample_weight: Weights, or None.
        answers: What the part's targets are, as numbers of the encoder.

    Example:
        >>> Prepared([1.0], [2.0]).answers is None
        True
    """

    x: Any
    y: Any = None
    sample_weight: Any = None
    answers: Any = None


class Rows(Protocol):
    """Data that can be dealt into folds.

    Example:
        >>> rows: Rows = as_rows(np.zeros((3, 1)), np.zeros(3), None, None)
        >>> rows.count
        3
    """

    count: int
    codes: np.ndarray | None
    gap: int

    def fit(self, rows: np.ndarray) -> Any:
        """Make a preparation and fit it on these rows; None without one."""
        ...

    def part(self, rows: np.ndarray, preparation: Any) -> Prepared:
        """Prepare these rows."""
        ...

    def extra_scores(self, part: Prepared, predict: Any, preparation: Any) -> dict:
        """Judge in the target's own unit, where the preparation knows it."""
        ...


def _distance(part: Prepared, predict: Any, scale: float) -> float:
    """The mean absolute error in the target's unit."""
    answers = np.asarray(part.answers, dtype=np.float64)
    forecast = np.asarray(predict(part.x), dtype=np.float64)
    forecast = forecast.reshape(answers.shape)
    return float(np.abs(forecast - answers).mean() * scale)


class _ArrayRows:
    """Arrays, frames and tensors, nested or not."""

    gap = 0

    def __init__(self, x: Any, y: Any, sample_weight: Any, prepare: Prepare | None):
        self.x, self.y, self.sample_weight = x, y, sample_weight
        self.prepare = prepare
        lengths = {}
        parts = {"x": x, "y": y, "sample_weight": sample_weight}
        for name, part in parts.items():
            for where, leaf in named_leaves(part, name) if part is not None else ():
                if getattr(leaf, "shape", None) == () or not hasattr(leaf, "__len__"):
                    raise DataError(
                        f"{where}: expected arrays, frames, tensors or lists with one "
                        f"row per sample, got {type(leaf).__name__}. A loader or "
                        "generator cannot be dealt into folds."
                    )
                lengths[where] = len(leaf)
        first, self.count = next(iter(lengths.items()))
        for name, length in lengths.items():
            if length != self.count:
                raise DataError(
                    f"{name}: expected {self.count} rows as in {first}, got {length}. "
                    "Give every sample one row in each array."
                )
        self.codes = class_codes(y)

    def fit(self, rows: np.ndarray) -> Any:
        if self.prepare is None:
            return None
        preparation = _make(self.prepare)
        preparation.fit(take_rows(self.x, rows))
        return preparation

    def part(self, rows: np.ndarray, preparation: Any) -> Prepared:
        x = take_rows(self.x, rows)
        if preparation is not None:
            x = preparation.transform(x)
        y, weight = take_rows(self.y, rows), take_rows(self.sample_weight, rows)
        return Prepared(x, y, weight)

    def extra_scores(self, part: Prepared, predict: Any, preparation: Any) -> dict:
        del part, predict, preparation
        return {}


class TableRows:
    """A table of raw columns; a `TableEncoder` prepares it.

    Args:
        table: The rows, the target among their columns.
        prepare: Makes an encoder that is not fitted.

    Example:
        >>> table = as_table({"size": [1.5, 2.5, 4.0], "price": [1.25, 2.5, 3.75]})
        >>> rows = TableRows(table, lambda: TableEncoder("price"))
        >>> rows.part(np.array([2]), rows.fit(np.array([0, 1]))).x
        array([[4.]], dtype=float32)
    """

    gap = 0

    def __init__(self, table: Table, prepare: Prepare):
        self.prepare = prepare
        encoder = _make(prepare)
        if encoder.target is None:
            raise ConfigError(
                "cross_validate: expected a TableEncoder with a target, got one "
                "without. Name the column to predict: TableEncoder('price')."
            )
        # The names of classes come from all rows; means and categories do not.
        choice = choose_task(table, encoder.target, encoder.task)
        self.table, self.choice = usable_rows(table, choice), choice
        self.count = len(self.table)
        self.codes = None
        if choice.task == "classification":
            target = ClassTarget(choice.column, label_names=choice.label_names)
            self.codes = target.encode(self.table)

    def fit(self, rows: np.ndarray) -> TableEncoder:
        """Fit an encoder.

        Args:
            rows: The training rows.

        Returns:
            The encoder.
        """
        return _make(self.prepare).fit(self.table.take(rows), self.choice)

    def part(self, rows: np.ndarray, preparation: TableEncoder) -> Prepared:
        """Encode rows.

        Args:
            rows: Their numbers.
            preparation: A fitted encoder.

        Returns:
            Features and targets.
        """
        table = self.table.take(rows)
        y = preparation.encode_target(table)
        return Prepared(preparation.transform(table), y, None, y)

    def extra_scores(
        self, part: Prepared, predict: Any, preparation: TableEncoder
    ) -> dict:
        """Judge numbers in the column's own unit.

        Args:
            part: What was judged.
            predict: From inputs to forecasts.
            preparation: The encoder.

        Returns:
            A score, or nothing for classes.
        """
        if self.choice.task == "classification":
            return {}
        scale = preparation.target_scale
        return {
            f"mean absolute error of {self.choice.column}": _distance(
                part, predict, scale
            )
        }


class SeriesRows:
    """A time series; a `SeriesEncoder` cuts it into windows.

    Args:
        series: The rows.
        prepare: Makes an encoder that is not fitted.

    Example:
        >>> days = np.arange("2020-01-01", "2020-01-21", dtype="M8[D]")
        >>> series = as_series({"day": days, "rain": np.arange(20.0)})
        >>> rows = SeriesRows(
        ...     series, lambda: SeriesEncoder("rain", history=3, horizon=1)
        ... )
        >>> rows.gap, rows.part(np.arange(10), rows.fit(np.arange(10))).x.num_samples
        (3, 7)
    """

    codes: np.ndarray | None = None

    def __init__(self, series: TimeSeries, prepare: Prepare):
        self.series, self.prepare = series, prepare
        self.count = len(series)
        # Of the whole series only the distance of rows is looked at here.
        self.gap = _make(prepare).fit(series).shape.span

    def _stretch(self, rows: np.ndarray) -> TimeSeries:
        return self.series.rows(int(rows[0]), int(rows[-1]) + 1)

    def fit(self, rows: np.ndarray) -> SeriesEncoder:
        """Fit an encoder.

        Args:
            rows: The training rows, one after the other.

        Returns:
            The encoder.
        """
        return _make(self.prepare).fit(self._stretch(rows))

    def part(self, rows: np.ndarray, preparation: SeriesEncoder) -> Prepared:
        """Cut rows into windows.

        Args:
            rows: Their numbers, one after the other.
            preparation: A fitted encoder.

        Returns:
            The windows.
        """
        source = preparation.source(self._stretch(rows))
        return Prepared(source, None, None, source.answers())

    def extra_scores(
        self, part: Prepared, predict: Any, preparation: SeriesEncoder
    ) -> dict:
        """Judge in the target's own unit, beside the last value.

        Args:
            part: What was judged.
            predict: From windows to forecasts.
            preparation: The encoder.

        Returns:
            Two scores.
        """
        scale, target = preparation.target_scale, preparation.target
        (last,) = judge_baselines(part.x, unit=scale)
        return {
            f"mean absolute error of {target}": _distance(part, predict, scale),
            "of the last value": last.mean_absolute_error,
        }


def _make(prepare: Prepare) -> Any:
    preparation = prepare()
    if not (hasattr(preparation, "fit") and hasattr(preparation, "transform")):
        if isinstance(preparation, SeriesEncoder):
            return preparation
        raise ConfigError(
            "cross_validate: expected prepare to make an object with fit and "
            f"transform, got {type(preparation).__name__}. Give a class or function "
            "such as StandardScaler, not what it returns."
        )
    return preparation


def as_rows(x: Any, y: Any, sample_weight: Any, prepare: Prepare | None) -> Any:
    """Find out what the data are and how they are prepared.

    Args:
        x: Arrays, a table or a series.
        y: Targets of arrays.
        sample_weight: Weights of arrays.
        prepare: Makes a preparation that is not fitted, or None.

    Returns:
        Something like `Rows`.

    Raises:
        ConfigError: Data and preparation that do not go together.
        DataError: Data that cannot be dealt into folds.

    Example:
        >>> as_rows(np.zeros((4, 1)), np.array([0, 1, 0, 1]), None, None).codes
        array([0, 1, 0, 1])
    """
    if prepare is not None and not callable(prepare):
        raise ConfigError(
            "cross_validate: expected prepare to be a class or function that makes a "
            f"new preparation, got {type(prepare).__name__}. A fitted one has seen the "
            "rows it is judged by: write lambda: StandardScaler()."
        )
    example = None if prepare is None else _make(prepare)
    encodes = isinstance(example, (TableEncoder, SeriesEncoder))
    if isinstance(x, (Table, TimeSeries)) and not encodes:
        wanted = "TableEncoder" if isinstance(x, Table) else "SeriesEncoder"
        raise ConfigError(
            f"cross_validate: expected prepare to make a {wanted} for a "
            f"{type(x).__name__}, got {type(example).__name__}. Write prepare=lambda: "
            f"{wanted}(...)."
        )
    if encodes and (y is not None or sample_weight is not None):
        raise ConfigError(
            f"cross_validate: expected no y and no sample_weight with a "
            f"{type(example).__name__}, which knows its target, got one. Leave it out."
        )
    if isinstance(example, TableEncoder):
        return TableRows(as_table(x), prepare)  # type: ignore[arg-type]
    if isinstance(example, SeriesEncoder):
        return SeriesRows(as_series(x), prepare)  # type: ignore[arg-type]
    if x is None:
        raise DataError("x: expected data to deal into folds, got None. Give arrays.")
    return _ArrayRows(x, y, sample_weight, prepare)
