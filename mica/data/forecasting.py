"""Forecasts: a series encoder with what it takes to use it on another day."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mica.data.series import SeriesEncoder, TimeSeries
from mica.errors import ConfigError
from mica.registry import Configurable

__all__ = ["ForecastEncoder"]


class ForecastEncoder(Configurable):
    """What turns a series into a model's input, and its answers into a forecast.

    Args:
        series: The fitted encoder.
        time: The column of times in files; None finds it.
        sort: Whether rows of files have to be put in the order of time.
        errors: The mean absolute error of each answer on the test part, in the
            target's unit; empty before it was judged.

    Raises:
        ConfigError: No series encoder, or errors that are no sizes.

    Example:
        >>> from mica.data.series import as_series
        >>> days = np.arange("2020-01-01", "2020-01-11", dtype="M8[D]")
        >>> series = as_series({"day": days, "rain": np.arange(10.0)})
        >>> fitted = SeriesEncoder("rain", history=3, horizon=2, whole=True).fit(series)
        >>> ForecastEncoder(fitted).times(series).astype("M8[D]").astype(str).tolist()
        ['2020-01-11', '2020-01-12']
    """

    def __init__(
        self,
        series: SeriesEncoder,
        *,
        time: str | None = None,
        sort: bool = False,
        errors: Sequence[float] = (),
    ) -> None:
        if not isinstance(series, SeriesEncoder):
            raise ConfigError(
                "ForecastEncoder: expected a SeriesEncoder, got "
                f"{type(series).__name__}. Fit one on the training part."
            )
        self.series, self.time, self.sort = series, time, bool(sort)
        self.errors = tuple(float(error) for error in errors)
        if not all(0 <= error < np.inf for error in self.errors):
            raise ConfigError(
                f"ForecastEncoder: expected errors of at least 0, got {self.errors}. "
                "Leave them out before the model is judged."
            )

    @property
    def target(self) -> str:
        """The column that is forecast."""
        return self.series.target

    def decode(self, prediction: Any) -> np.ndarray:
        """Turn a model's answers into the target's unit.

        Args:
            prediction: What predict returned.

        Shape:
            prediction: (windows, answers)
            returns: (windows, answers)

        Returns:
            The numbers.

        Raises:
            DataError: Another number of columns than of answers.
        """
        found = self.series.decode(prediction)
        return found[:, None] if found.ndim == 1 else found

    def times(self, series: TimeSeries) -> np.ndarray:
        """Say for when the forecast from the end of a series is.

        Args:
            series: What is known.

        Shape:
            returns: (answers,), datetime64[us]

        Returns:
            The times after its last row.
        """
        steps = self.series.shape.future.numpy()
        last, step = series.times[-1], self.series.step
        if not step.months:
            return last + steps * np.timedelta64(step.microseconds, "us")
        months = last.astype("datetime64[M]")
        ends = (last + np.timedelta64(1, "D")).astype("datetime64[M]") > months
        later = months + (steps + int(ends)) * step.months
        if ends:  # the last day of a month stays the last
            day = np.timedelta64(1, "D")
            within = last - (months + 1).astype("datetime64[D]") + day
            return (
                (months + steps * step.months + 1).astype("datetime64[us]")
                - day
                + within.astype("timedelta64[us]")
            )
        within = last - months.astype(last.dtype)
        return later.astype("datetime64[us]") + within
