"""Forecast: a series and a horizon in; a network judged beside common sense out."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from mica import layers
from mica.data import (
    Table as RawTable,
)
from mica.data import (
    TimeSeries,
    as_series,
    describe_table,
    prepare_series,
    read_series,
)
from mica.data.forecasting import ForecastEncoder
from mica.data.series import PreparedSeries
from mica.data.series.baselines import season_rows
from mica.data.series.duration import Duration, count_rows
from mica.data.table.times import time_text
from mica.engine import eager_plan
from mica.errors import DataError
from mica.layers import Input
from mica.model import Model
from mica.optimizers import AdamW
from mica.optimizers.schedules import cosine_decay
from mica.report import Report, Table
from mica.training import Callback, History
from mica.workflow.architecture import LAST_RATE, Proposal
from mica.workflow.forecast_verdict import Forecasts, judge_forecasts, simple_forecasts
from mica.workflow.job import Job
from mica.workflow.judge import Verdict

__all__ = ["Forecast", "ForecastJob", "open_forecast"]

FRACTIONS = (0.2, 0.2)  # of the rows: to watch while learning, and to judge by
ANSWERS = 24  # a forecast says so many steps on its way, about
MOST_ANSWERS = 100  # beyond it the last step alone is forecast
LOOK_BACK = 5  # horizons; ours
MOST_WINDOWS = 20_000  # in an epoch of training; neighbours say nearly the same
# Chosen on the validation part of the hourly Jena series.
WIDTH = 32
RATE = 0.003
DROPOUT = 0.3
BATCH = 64
STEPS = 2000  # updates
MOST_EPOCHS, FEWEST_EPOCHS = 100, 4
PATIENCE = 10  # epochs

# What the readers advise, as it is said in the terminal, too.
OPTIONS = {
    "sort=True": "--sort (sort=True)",
    "time='column'": "--time COLUMN (time=)",
    "encoding='": "--encoding (encoding=) '",
}

REASON = (
    "A recurrent layer reads the window and says by how much the series will differ "
    "from its last value: before it has learned anything, it is as good as the last "
    "value."
)


@dataclass(frozen=True)
class Forecast:
    """A series, opened for forecasting.

    Args:
        name: Short name, used for the folder of a run.
        series: All of it.
        prepared: Its parts as windows, and the encoder.
        time: The column of times in its file.
        sort: Whether its rows had to be put in the order of time.
        notes: Sentences on what was read, decided and left out.
    """

    name: str
    series: TimeSeries
    prepared: PreparedSeries
    time: str | None
    sort: bool
    notes: tuple[str, ...]


def _read(
    source: Any, time: str | None, encoding: str | None, sort: bool
) -> TimeSeries:
    try:
        if isinstance(source, (str, PathLike)):
            return read_series(source, time=time, encoding=encoding, sort=sort)
        return as_series(source, time=time, sort=sort)
    except DataError as error:
        said = str(error)
        for word, option in OPTIONS.items():
            said = said.replace(word, option)
        raise DataError(said) from error


def _every(horizon: int) -> int:
    """The distance of the rows a window sees, a divisor of the horizon."""
    wanted = max(horizon // ANSWERS, 1)
    return max(rows for rows in range(1, wanted + 1) if horizon % rows == 0)


def _most_span(count: int) -> int:
    """The longest window for which every part keeps twice its length."""
    return int(count * min(FRACTIONS)) // 2 - 1


def _check_horizon(
    series: TimeSeries, horizon: int | str, rows: int, least: int
) -> None:
    span = rows + least
    if span <= _most_span(len(series)):
        return
    needed = math.ceil(2 * (span + 2) / min(FRACTIONS))
    said = (
        f"{horizon} ({rows:,} rows)" if isinstance(horizon, str) else f"{rows:,} rows"
    )
    raise DataError(
        f"{series.name}: expected at least {needed:,} rows for a horizon of {said}, to "
        f"learn, to watch and to judge by, got {len(series):,}. Take a shorter "
        "horizon, or bring more of the past."
    )


def _history(series: TimeSeries, horizon: int, every: int) -> int:
    """Rows a window reaches over when the user does not say."""
    season = season_rows(series.step) or ANSWERS * every
    wanted = max(LOOK_BACK * horizon, season)
    wanted = min(wanted, _most_span(len(series)) - horizon)
    return max(wanted // every, 1) * every


def _reach(
    series: TimeSeries, history: int | str | None, horizon: int, every: int
) -> int:
    """Rows a window reaches over: those of the user, where they leave room."""
    if history is None:
        return _history(series, horizon, every)
    rows = count_rows(history, series.step, "history")
    most = _most_span(len(series)) - horizon
    if rows > most:
        raise DataError(
            f"{series.name}: expected a history of at most {most:,} rows, for "
            f"{len(series):,} are to learn, to watch and to judge by, got {rows:,}. "
            "Look back less far, or bring more of the past."
        )
    return rows


def _prepare(
    series: TimeSeries, target: str, horizon: int, history: int | str, every: int
) -> tuple[PreparedSeries, tuple[str, ...]]:
    """Cut windows; where gaps leave too few, windows reach over them."""
    answers = horizon // every
    learned = len(series) * (1 - sum(FRACTIONS))
    settings: dict[str, Any] = {
        "history": history,
        "horizon": horizon,
        "every": every,
        "whole": answers <= MOST_ANSWERS,
        "fractions": FRACTIONS,
        "stride": max(math.ceil(learned / MOST_WINDOWS), 1),
    }
    if series.gaps:
        try:
            prepared = prepare_series(series, target, **settings)
        except DataError as error:
            if "without a gap in time" not in str(error):
                raise
        else:
            if prepared.train.num_over_gaps <= prepared.train.num_samples:
                return prepared, prepared.notes
        prepared = prepare_series(series, target, over_gaps=True, **settings)
        note = (
            "Most windows reach over a gap in time, as those of working days do; so "
            "rows are counted, not times."
        )
        return prepared, (*prepared.notes, note)
    prepared = prepare_series(series, target, **settings)
    return prepared, prepared.notes


def _length_text(rows: int, step: Duration) -> str:
    if step.months:
        return str(Duration(0, rows * step.months))
    return (
        str(Duration(rows * step.microseconds)) if step.microseconds else f"{rows} rows"
    )


def open_forecast(
    source: Any,
    target: str,
    *,
    horizon: int | str,
    history: int | str | None = None,
    time: str | None = None,
    encoding: str | None = None,
    sort: bool = False,
) -> Forecast:
    """Open a series for forecasting one of its columns.

    Args:
        source: A CSV, JSONL or Parquet file, a table in memory, or a sample.
        target: The column to forecast.
        horizon: How far ahead: a text such as "24h", or a number of rows.
        history: How far back a window reaches; None takes five horizons or a season,
            as far as the series is long enough.
        time: The column of times; None finds it.
        encoding: How bytes become text; None finds out.
        sort: Whether to put rows in the order of time; else they must be.

    Returns:
        The series, its parts, and notes.

    Raises:
        ConfigError: Lengths that are none.
        DataError: A series that cannot be read, or is too short.

    Example:
        >>> import numpy as np
        >>> hours = np.arange("2020-01-01", "2020-03-01", dtype="M8[h]")
        >>> rows = {"time": hours, "load": np.sin(np.arange(1440.0))}
        >>> open_forecast(rows, "load", horizon="6h").prepared.encoder.shape.length
        30
    """
    series = _read(source, time, encoding, sort)
    series.place(target)  # says what is wrong
    rows = count_rows(horizon, series.step, "horizon")
    every = _every(rows)
    _check_horizon(series, horizon, rows, every)
    reach = _reach(series, history, rows, every)
    prepared, notes = _prepare(series, target, rows, reach, every)
    shape = prepared.encoder.shape
    said = (
        f"A forecast looks back {_length_text(shape.history, series.step)} "
        f"({shape.length:,} steps) and says {shape.num_answers:,} "
        f"{'value' if shape.num_answers == 1 else 'values'}, the last "
        f"{_length_text(shape.horizon, series.step)} ahead."
    )
    is_file = isinstance(source, (str, PathLike))
    name = Path(source).stem if is_file else series.name
    return Forecast(name or "series", series, prepared, time, sort, (*notes, said))


def _card(found: Forecast) -> Report:
    series = found.series
    columns: dict[str, Any] = {
        name: series.values[:, place] for place, name in enumerate(series.feature_names)
    }
    table = RawTable(columns, series.name)
    card = describe_table(
        table, found.prepared.encoder.target, title=f"Data: {series.name}"
    )
    span = Table(
        "Time",
        ("from", "to", "rows", "step", "gaps"),
        [
            (
                time_text(series.times[0]),
                time_text(series.times[-1]),
                len(series),
                str(series.step),
                len(series.gaps),
            )
        ],
    )
    return Report(card.title, [span, *card.parts])


class ForecastJob(Job):
    """A series, one column of which is to be forecast.

    Args:
        found: The opened series.

    Example:
        >>> import numpy as np
        >>> days = np.arange("2020-01-01", "2021-01-01", dtype="M8[D]")
        >>> rows = {"day": days, "rain": np.sin(np.arange(366.0))}
        >>> job = ForecastJob(open_forecast(rows, "rain", horizon=1))
        >>> [row[0] for row in job.baselines().rows]
        ['last value', 'last season (7 rows)', 'ridge regression']
    """

    has_more_to_save = True

    def __init__(self, found: Forecast) -> None:
        self.found = found
        self.name, self.card, self.notes = found.name, _card(found), found.notes
        self._simple: list[Forecasts] = []

    def baselines(self) -> Table:
        """Judge the last value, the last season and a linear model."""
        self._simple = simple_forecasts(self.found.prepared)
        rows = [(each.name, each.mean, each.note) for each in self._simple]
        return Table("Baselines", ("model", "test mean absolute error", "remark"), rows)

    def propose(self, epochs: int | None) -> Proposal:
        """Make a network that says how far the series will be from its last value.

        Args:
            epochs: Passes over the windows; None decides by their number.
        """
        encoder, train = self.found.prepared.encoder, self.found.prepared.train
        target = encoder.columns.index(encoder.target)
        shape = encoder.shape
        batches = train.num_batches(BATCH)
        wanted = min(max(math.ceil(STEPS / batches), FEWEST_EPOCHS), MOST_EPOCHS)
        epochs = epochs or wanted
        x: Any = Input((shape.length, len(encoder.columns)))
        last = x[:, -1, target : target + 1]  # (B, 1)
        change = layers.Dense(shape.num_answers, kernel_initializer="zeros")
        hidden = layers.Dropout(DROPOUT)(layers.GRU(WIDTH)(x))
        model = Model(x, change(hidden) + last, name="network")
        rate = cosine_decay(RATE, batches * epochs, alpha=LAST_RATE)
        model.compile(AdamW(rate), "mean_absolute_error")
        model.preprocessing = ForecastEncoder(
            encoder, time=self.found.time, sort=self.found.sort
        )
        # NOTE: steps this small wait longer for several threads than they compute.
        plan = dataclasses.replace(eager_plan(), threads=1)
        return Proposal(model, epochs, BATCH, PATIENCE, 0.0, plan, REASON)

    def fit(
        self, proposal: Proposal, callbacks: Sequence[Callback], seed: int
    ) -> History:
        """Train; the part after the training's judges each epoch.

        Args:
            proposal: What `propose` gave.
            callbacks: Listeners.
            seed: Decides the order.
        """
        return proposal.model.fit(
            self.found.prepared.train,
            batch_size=proposal.batch_size,
            epochs=proposal.epochs,
            validation_data=self.found.prepared.validation,
            plan=proposal.plan,
            seed=seed,
            verbose=0,
            callbacks=callbacks,
        )

    def judge(self, model: Model) -> Verdict:
        """Compare forecasts for the test part with what came and with the baselines.

        Args:
            model: The trained network; what it errs by is kept in its preprocessing.
        """
        prepared = self.found.prepared
        simple = self._simple or simple_forecasts(prepared)
        verdict, errors = judge_forecasts(prepared, model, simple)
        model.preprocessing = ForecastEncoder(
            prepared.encoder,
            time=self.found.time,
            sort=self.found.sort,
            errors=errors,
        )
        return verdict
