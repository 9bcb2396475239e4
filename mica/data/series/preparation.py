"""From a raw series to windows for training, validation and test; nothing leaks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mica.data.series.baselines import (
    Baseline,
    judge_baselines,
    season_rows,
    tabulate_baselines,
)
from mica.data.series.duration import count_rows
from mica.data.series.encoder import SeriesEncoder
from mica.data.series.reading import as_series
from mica.data.series.series import TimeSeries
from mica.data.series.splitting import split_series
from mica.data.series.windows import WindowSource
from mica.data.table.times import time_text
from mica.errors import ConfigError, DataError
from mica.report import Table

__all__ = ["PreparedSeries", "prepare_series"]


@dataclass(frozen=True)
class PreparedSeries:
    """A series, split by time and cut into windows.

    Args:
        train: Windows to learn from, the earliest.
        validation: Windows to watch while learning.
        test: Windows for the one final judgement, the latest.
        parts: The stretches of the series they were cut from.
        encoder: Fitted on the training part; belongs into the model's file.
        validation_baselines: What common sense reaches on the validation part.
        test_baselines: What it reaches on the test part.
        notes: Sentences for the user on what was read, decided and left out.

    Example:
        >>> import numpy as np
        >>> days = np.arange("2020-01-01", "2021-01-01", dtype="M8[D]")
        >>> rows = {"day": days, "rain": np.sin(np.arange(366.0))}
        >>> prepared = prepare_series(rows, "rain", history=14, horizon=1)
        >>> prepared.train.num_samples, len(prepared.test_baselines)
        (168, 2)
    """

    train: WindowSource
    validation: WindowSource
    test: WindowSource
    parts: tuple[TimeSeries, TimeSeries, TimeSeries]
    encoder: SeriesEncoder
    validation_baselines: tuple[Baseline, ...]
    test_baselines: tuple[Baseline, ...]
    notes: tuple[str, ...]

    def baselines(self) -> Table:
        """Show what common sense reaches on the test part, to print before training.

        Returns:
            The table.
        """
        return tabulate_baselines(self.test_baselines, self.encoder.target)


def _season(season: int | str | None, encoder: SeriesEncoder) -> int | None:
    if season is None:
        return season_rows(encoder.step)
    return count_rows(season, encoder.step, "season")


def _baselines(
    source: WindowSource, season: int | None, unit: float
) -> tuple[Baseline, ...]:
    """Both baselines; the last value alone where a part is too short for seasons."""
    try:
        return judge_baselines(source, season=season, unit=unit)
    except ConfigError:
        return judge_baselines(source, unit=unit)


def prepare_series(
    data: Any,
    target: str,
    *,
    history: int | str,
    horizon: int | str,
    every: int | str = 1,
    whole: bool = False,
    over_gaps: bool = False,
    fractions: Sequence[float] = (0.25, 0.25),
    season: int | str | None = None,
    stride: int = 1,
) -> PreparedSeries:
    """Split a series by time, fit the encoder on the training part, cut windows.

    The parts lie behind each other with a window's length between them; means and
    deviations are those of the training part.

    Args:
        data: A `TimeSeries` (see `read_series`), or whatever `as_series` takes.
        target: The column to forecast.
        history: How far back a window reaches: rows, or a text such as "5 days".
        horizon: How far ahead the forecast is, in the same way.
        every: The distance of the rows a window sees.
        whole: Whether every step up to the horizon is forecast; else the last alone.
        over_gaps: Whether windows may reach over gaps in time, counting rows only.
        fractions: Shares of validation and test.
        season: Length of a season for the baseline; None guesses: a day, a week or a
            year, by the distance of rows.
        stride: Rows between neighbouring training windows.

    Returns:
        Windows, encoder, baselines and notes.

    Raises:
        ConfigError: An argument that cannot work.
        DataError: A series that cannot be learned from, said in words of its columns.

    Example:
        >>> import numpy as np
        >>> hours = np.arange("2020-01-01", "2020-03-01", dtype="M8[h]")
        >>> rows = {"time": hours, "load": np.sin(np.arange(1440.0))}
        >>> prepared = prepare_series(rows, "load", history="1 day", horizon="3h")
        >>> prepared.train.peek(2).x.shape, prepared.encoder.shape.horizon
        (torch.Size([2, 24, 1]), 3)
    """
    series = as_series(data)
    encoder = SeriesEncoder(
        target,
        history=history,
        horizon=horizon,
        every=every,
        whole=whole,
        over_gaps=over_gaps,
    )
    shape = encoder.fit(series).shape  # lengths in rows; fitted again on its part
    if len(series) <= shape.span:
        raise DataError(
            f"{series.name}: expected a series longer than a window of "
            f"{shape.span + 1:,} rows (history and horizon), got {len(series):,} rows. "
            "Take a shorter history or horizon, or more data."
        )
    if not isinstance(fractions, Sequence) or len(fractions) != 2:
        raise ConfigError(
            "prepare_series: expected two fractions, of validation and test, got "
            f"{fractions!r}. Write fractions=(0.25, 0.25)."
        )
    train, validation, test = split_series(series, fractions, gap=shape.span)
    encoder.fit(train)
    sources = [
        encoder.source(train, stride=stride),
        encoder.source(validation),
        encoder.source(test),
    ]
    rows = _season(season, encoder)
    unit = encoder.target_scale
    over = sum(source.num_over_gaps for source in sources)
    notes = [*series.notes]
    notes.append(
        f"Learned from {time_text(train.times[0])} to {time_text(train.times[-1])}, "
        f"watched to {time_text(validation.times[-1])}, tested from "
        f"{time_text(test.times[0])} to {time_text(test.times[-1])}; {shape.span:,} "
        "rows lie between the parts."
    )
    if over:
        notes.append(f"{over:,} windows reach over a gap in time and are left out.")
    return PreparedSeries(
        train=sources[0],
        validation=sources[1],
        test=sources[2],
        parts=(train, validation, test),
        encoder=encoder,
        validation_baselines=_baselines(sources[1], rows, unit),
        test_baselines=_baselines(sources[2], rows, unit),
        notes=tuple(notes),
    )
