"""A series as windows a network can learn from: fitted on the training part alone."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch

from mica.data.series.duration import Duration, count_rows
from mica.data.series.reading import as_series
from mica.data.series.series import TimeSeries
from mica.data.series.windows import WindowShape, WindowSource
from mica.data.table.columns import are_finite, moments
from mica.data.table.times import time_text
from mica.errors import ConfigError, DataError, StateError
from mica.registry import Configurable, decode, encode

__all__ = ["SeriesEncoder"]


class SeriesEncoder(Configurable):
    """Series as standardised windows, and forecasts back in the target's unit.

    z = (value - mean) / deviation, both of the training part's column

    Lengths are rows or texts such as "24h", counted in the series' own step. All that
    is learned travels with the model as plain JSON.

    Args:
        target: The column to forecast.
        history: How far back a window reaches.
        horizon: How far ahead the forecast is.
        every: The distance of the rows a window sees: "1h" of a series of every 10
            minutes sees every sixth.
        whole: Whether every step up to the horizon is forecast; else the last alone.
        over_gaps: Whether windows may reach over gaps in time, counting rows only.

    Attributes:
        columns: The columns that windows see.
        shape: History, horizon and distance in rows.
        step: The distance of the training rows.

    Raises:
        ConfigError: ``target`` is no name.

    Example:
        >>> days = np.arange("2020-01-01", "2020-01-11", dtype="M8[D]")
        >>> series = as_series({"day": days, "rain": np.arange(10.0)})
        >>> encoder = SeriesEncoder("rain", history="3 days", horizon="1 day")
        >>> encoder = encoder.fit(series)
        >>> encoder.source(series).num_samples, encoder.latest(series).shape
        (7, (1, 3, 1))
        >>> encoder.decode([[0.0]])
        array([4.5])
    """

    def __init__(
        self,
        target: str,
        *,
        history: int | str,
        horizon: int | str,
        every: int | str = 1,
        whole: bool = False,
        over_gaps: bool = False,
    ) -> None:
        if not isinstance(target, str):
            raise ConfigError(
                f"SeriesEncoder: expected target to be a column's name, got {target!r}."
                " Name what is to be forecast."
            )
        self.target = target
        self.history, self.horizon, self.every = history, horizon, every
        self.whole, self.over_gaps = bool(whole), bool(over_gaps)
        self.columns: tuple[str, ...] = ()
        self._shape: WindowShape | None = None
        self._step = Duration(0)
        self._mean = self._scale = np.zeros(0)

    def _check_fitted(self, where: str) -> WindowShape:
        if self._shape is None:
            raise StateError(
                f"SeriesEncoder.{where}: expected a fitted encoder, got a new one. "
                "Call fit(training_part) first."
            )
        return self._shape

    @property
    def shape(self) -> WindowShape:
        """History, horizon and distance in rows of the training part."""
        return self._check_fitted("shape")

    @property
    def step(self) -> Duration:
        """The distance of the training part's rows."""
        self._check_fitted("step")
        return self._step

    @property
    def target_scale(self) -> float:
        """The deviation of the target: what turns errors into its unit."""
        self._check_fitted("target_scale")
        return float(self._scale[self.columns.index(self.target)])

    def fit(self, series: Any) -> Self:
        """Learn columns, means and deviations from the training part.

        Args:
            series: The training part: a `TimeSeries` or whatever `as_series` takes.

        Returns:
            The encoder itself.

        Raises:
            DataError: No column of the target's name, or numbers too large.
            ConfigError: Lengths that are no whole number of rows.
        """
        series = as_series(series)
        series.place(self.target)  # says what is wrong
        every = count_rows(self.every, series.step, "every")
        shape = WindowShape(
            history=count_rows(self.history, series.step, "history"),
            horizon=count_rows(self.horizon, series.step, "horizon"),
            every=every,
            whole=self.whole,
        )
        found = [moments(series.column(name), name) for name in series.feature_names]
        self._mean, self._scale = np.array(found).T
        self.columns, self._shape = series.feature_names, shape
        self._step = series.step
        return self

    def _standard(self, series: TimeSeries) -> np.ndarray:
        if series.feature_names != self.columns:
            columns = [series.place(name) for name in self.columns]
            values = series.values[:, columns]
        else:
            values = series.values
        standard = (values - self._mean) / self._scale
        largest = np.abs(standard).max()
        if not largest < np.finfo(np.float32).max:
            row, column = np.argwhere(np.abs(standard) == largest)[0]
            raise DataError(
                f"{series.name}: expected numbers near {self._mean[column]:g} in the "
                f"column {self.columns[column]!r}, got {values[row, column]:g} at row "
                f"{row + 1}. Look for a slip of the pen."
            )
        return standard.astype(np.float32)

    def _check_step(self, series: TimeSeries) -> None:
        if len(series) > 1 and series.step != self._step and not self.over_gaps:
            raise DataError(
                f"{series.name}: expected a row every {self._step} as in training, got "
                f"one every {series.step}. Bring the series to that step first."
            )

    def source(self, series: Any, *, stride: int = 1) -> WindowSource:
        """Make the windows of a part of the series.

        Args:
            series: A `TimeSeries` or whatever `as_series` takes.
            stride: Rows between neighbouring windows.

        Returns:
            Windows and standardised answers, for ``fit``, ``evaluate`` and ``predict``.

        Raises:
            StateError: ``fit`` was not called.
            DataError: A column is not there, another step, or too few rows.
            ConfigError: A ``stride`` below 1.
        """
        shape = self._check_fitted("source")
        series = as_series(series)
        self._check_step(series)
        values = torch.from_numpy(self._standard(series))
        target = self.columns.index(self.target)
        return WindowSource(
            values,
            values[:, target],
            shape,
            stride=stride,
            places=None if self.over_gaps else series.places,
        )

    def latest(self, series: Any) -> np.ndarray:
        """Give the last window, whose answer nobody knows yet.

        Args:
            series: A `TimeSeries` or whatever `as_series` takes.

        Shape:
            returns: (1, length, features), float32

        Returns:
            What a model's ``predict`` takes to forecast the future.

        Raises:
            StateError: ``fit`` was not called.
            DataError: A column is not there, another step, too few rows, or a gap.
        """
        shape = self._check_fitted("latest")
        series = as_series(series)
        self._check_step(series)
        if len(series) <= shape.reach:
            raise DataError(
                f"{series.name}: expected at least {shape.reach + 1:,} rows, which a "
                f"window sees, got {len(series):,}. Bring more of the past."
            )
        first = len(series) - shape.reach - 1
        reached = series.places[-1] - series.places[first]
        if reached != shape.reach and not self.over_gaps:
            raise DataError(
                f"{series.name}: expected no gap in the last {shape.reach + 1:,} rows, "
                f"got one after {time_text(series.gaps[-1].before)}. Fill it first."
            )
        last = series.rows(first, len(series))
        return self._standard(last)[None, :: shape.every]  # (1, length, features)

    def decode(self, prediction: Any) -> np.ndarray:
        """Turn a model's answers into the target's unit.

        Args:
            prediction: What predict returned.

        Shape:
            prediction: (windows, answers) or (windows,)
            returns: (windows, answers), or (windows,) where one is asked for

        Returns:
            float64 numbers.

        Raises:
            StateError: ``fit`` was not called.
            DataError: Another number of columns than of answers.
        """
        shape = self._check_fitted("decode")
        values = np.asarray(prediction, dtype=np.float64)
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2 or values.shape[1] != shape.num_answers:
            raise DataError(
                f"decode: expected {shape.num_answers} columns, one per answer, got "
                f"the shape {values.shape}. Give what predict returned."
            )
        place = self.columns.index(self.target)
        found = values * self._scale[place] + self._mean[place]
        return found[:, 0] if shape.num_answers == 1 else found

    def config(self) -> dict[str, Any]:
        """Give everything that was set and learned, as JSON values.

        Returns:
            What `from_config` takes.

        Example:
            >>> encoder = SeriesEncoder("rain", history=3, horizon=1)
            >>> SeriesEncoder.from_config(encoder.config()).history
            3
        """
        fitted = None
        if self._shape is not None:
            shape = self._shape
            fitted = {
                "columns": list(self.columns),
                "mean": self._mean.tolist(),
                "scale": self._scale.tolist(),
                "step": [self._step.microseconds, self._step.months],
                "rows": [shape.history, shape.horizon, shape.every],
            }
        return {**super().config(), "fitted": encode(fitted)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make the encoder that `config` describes, fitted as it was.

        Args:
            config: What `config()` gave.

        Returns:
            A new encoder.

        Raises:
            ConfigError: The values were not written by this class.
        """
        settings = dict(config)
        fitted = decode(settings.pop("fitted", None))
        encoder = super().from_config(settings)
        if fitted is None:
            return encoder
        try:
            encoder._restore(fitted)
        except (TypeError, ValueError, KeyError) as error:
            raise ConfigError(
                "SeriesEncoder.from_config: expected columns, means, deviations, a "
                f"step and lengths, got {str(fitted)[:80]}. The file is damaged or was "
                "not written by Mica."
            ) from error
        return encoder

    def _restore(self, fitted: Any) -> None:
        columns = _texts(fitted["columns"])
        mean, scale = _finite(fitted["mean"]), _finite(fitted["scale"])
        if not len(columns) == len(mean) == len(scale) or min(scale) <= 0:
            raise ValueError("columns, means and deviations do not belong together")
        history, horizon, every = fitted["rows"]
        step = Duration(*map(int, fitted["step"]))
        self._shape = WindowShape(history, horizon, every, self.whole)
        columns.index(self.target)
        self.columns, self._step = columns, step
        self._mean, self._scale = np.array(mean), np.array(scale)


def _texts(values: Sequence[Any]) -> tuple[str, ...]:
    if not all(isinstance(value, str) for value in values):
        raise TypeError("texts")
    return tuple(values)


def _finite(values: Sequence[Any]) -> list[float]:
    if not are_finite(*values):
        raise ValueError("finite numbers")
    return list(values)
