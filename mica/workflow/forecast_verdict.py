"""The verdict on a forecast: its errors beside those of common sense, step by step."""

from dataclasses import dataclass

import numpy as np
import torch

from mica.data import WindowSource
from mica.data.series import PreparedSeries
from mica.data.series.baselines import season_rows
from mica.data.table.times import time_text
from mica.model import Model
from mica.report import Chart, Finding, Part, Report, Series, Table, Text, format_value
from mica.workflow.judge import NUM_MISTAKES, Verdict, is_clear, likely_range

__all__ = ["Forecasts", "judge_forecasts", "simple_forecasts"]

MEASURE = "test mean absolute error"
MOST_LEARNED = 5000  # windows a linear model learns from; ours
SMOOTHNESS = 100.0  # of ridge regression, for inputs of deviation 1; ours
SHOWN_WINDOWS = 200  # of the chart of forecasts beside what came


@dataclass(frozen=True)
class Forecasts:
    """How far off one way of forecasting is.

    Args:
        name: What it does.
        errors: Absolute errors in the target's unit.
        note: What the reader should know.

    Shape:
        errors: (windows, answers)

    Example:
        >>> Forecasts("last value", np.array([[1.0, 3.0]])).mean
        2.0
    """

    name: str
    errors: np.ndarray
    note: str = ""

    @property
    def mean(self) -> float:
        """The mean of all errors."""
        return float(self.errors.mean())


def _came(source: WindowSource) -> torch.Tensor:
    return source.answers()  # (windows, answers)


def _last_value(source: WindowSource) -> torch.Tensor:
    return source.targets[source.now]  # (windows, 1)


def _last_season(source: WindowSource, season: int) -> torch.Tensor | None:
    """The value whole seasons before each answer; None where none is so early."""
    steps = source.shape.future
    back = -(-steps // season) * season  # whole seasons, at least to now
    rows = source.now[:, None] + (steps - back)[None, :]  # (windows, answers)
    if int(rows.min()) < 0:
        return None
    return source.targets[:, 0][rows]


def _ridge(prepared: PreparedSeries) -> tuple[torch.Tensor, str]:
    """A linear model of the window, as far as its last value is off."""
    from sklearn.linear_model import Ridge

    train, test = prepared.train, prepared.test
    stride = -(-train.num_samples // MOST_LEARNED)
    chosen = train.take(torch.arange(0, train.num_samples, stride))
    target = prepared.encoder.columns.index(prepared.encoder.target)
    x, y, _ = _inputs(chosen, target)
    linear = Ridge(alpha=SMOOTHNESS).fit(x, y)
    parts = []
    for batch in test.batches(0, batch_size=2048, shuffle=False):
        last = batch.x[:, -1, target : target + 1]  # (B, 1)
        flat = batch.x.reshape(len(batch.x), -1).numpy()
        guess = np.asarray(linear.predict(flat)).reshape(len(flat), -1)
        parts.append(torch.from_numpy(guess).to(last.dtype) + last)
    note = "learned from every " + _ordinal(stride) + " window" if stride > 1 else ""
    return torch.cat(parts), note


def _ordinal(number: int) -> str:
    ends = {1: "st", 2: "nd", 3: "rd"}
    teen = 10 < number % 100 < 20
    return f"{number}{'th' if teen else ends.get(number % 10, 'th')}"


def _inputs(
    source: WindowSource, target: int
) -> tuple[np.ndarray, np.ndarray, torch.Tensor]:
    batch = source.peek(source.num_samples)
    last = batch.x[:, -1, target : target + 1]  # (B, 1)
    x = batch.x.reshape(len(batch.x), -1).numpy()
    return x, (batch.y - last).numpy(), last


def simple_forecasts(prepared: PreparedSeries) -> list[Forecasts]:
    """Judge what needs no network, on every window of the test part.

    Args:
        prepared: The opened series.

    Returns:
        Errors of the last value, of the last season where one is known and the part
        is long enough, and of ridge regression.

    Example:
        >>> from mica.data import prepare_series
        >>> days = np.arange("2020-01-01", "2021-01-01", dtype="M8[D]")
        >>> rows = {"day": days, "rain": np.arange(366.0)}
        >>> prepared = prepare_series(rows, "rain", history=14, horizon=1)
        >>> [round(each.mean, 1) for each in simple_forecasts(prepared)[:2]]
        [1.0, 7.0]
    """
    source, unit = prepared.test, prepared.encoder.target_scale
    came = _came(source)

    def errors(guess: torch.Tensor) -> np.ndarray:
        return ((guess - came).abs().double() * unit).numpy()

    found = [Forecasts("last value", errors(_last_value(source)))]
    season = season_rows(prepared.encoder.step)
    if season is not None and season > 1:
        guess = _last_season(source, season)
        if guess is not None:
            found.append(Forecasts(f"last season ({season:,} rows)", errors(guess)))
    guess, note = _ridge(prepared)
    found.append(Forecasts("ridge regression", errors(guess), note))
    return found


def _by_stretch(errors: np.ndarray, horizon: int) -> np.ndarray:
    """Means over stretches of two horizons: neighbours are no new evidence.

    Errors of forecasts h rows ahead hang together for h - 1 rows (Diebold & Mariano
    1995, Comparing predictive accuracy).
    """
    windows = errors.mean(axis=1)
    count = max(len(windows) // (2 * horizon), 1)
    return np.array([part.mean() for part in np.array_split(windows, count)])


def _finding(
    mine: Forecasts, simple: list[Forecasts], horizon: int, unit: str
) -> Finding:
    rival = min(simple, key=lambda each: each.mean)
    gain = _by_stretch(rival.errors, horizon) - _by_stretch(mine.errors, horizon)
    change = abs(1 - mine.mean / rival.mean) if rival.mean else 0.0
    evidence = (
        f"On {len(mine.errors):,} test windows its error is {format_value(mine.mean)}, "
        f"that of {rival.name} {format_value(rival.mean)} (in {unit})."
    )
    if not is_clear(gain):
        return Finding(
            "note",
            "",
            f"This network and {rival.name} cannot be told apart.",
            evidence,
            f"Prefer {rival.name}, which is simpler, or bring more of the past.",
        )
    share = f"{change:.0%}"
    if gain.mean() > 0:
        fact = f"This network errs {share} less than {rival.name}, the best baseline."
        return Finding("good", "", fact, evidence)
    return Finding(
        "warning",
        "",
        f"{rival.name[0].upper()}{rival.name[1:]} errs less than this network.",
        evidence,
        f"Use {rival.name}, or bring more of the past or other columns.",
    )


def _range_text(mine: Forecasts, horizon: int) -> str:
    low, high = likely_range(_by_stretch(mine.errors, horizon), is_share=False)
    if not np.isfinite(high):
        return "one stretch: no range"
    return f"likely {format_value(low)} to {format_value(high)} on a new part"


def _by_step(ways: list[Forecasts], steps: np.ndarray) -> Part:
    """How the errors grow with the distance."""
    if len(steps) == 1:
        return Text("", "One step is forecast, so there is no growth of errors to see.")
    lines = [
        Series(each.name, steps.tolist(), each.errors.mean(axis=0).tolist())
        for each in ways
    ]
    return Chart("Errors by distance", lines, "rows ahead", "mean absolute error")


def _worst(prepared: PreparedSeries, guess: np.ndarray, came: np.ndarray) -> Part:
    """The forecasts farthest off, each of another time."""
    series, source = prepared.parts[2], prepared.test
    farthest = np.abs(guess - came).argmax(axis=1)
    pick = np.arange(len(came)), farthest
    errors = np.abs(guess - came)[pick]
    future = source.shape.future.numpy()
    rows = source.now.numpy() + future[farthest]
    times = list(series.times[rows])
    shown: list[tuple[object, ...]] = []
    taken: list[int] = []
    for place in np.argsort(-errors, kind="stable").tolist():
        if any(abs(rows[place] - row) <= source.shape.horizon for row in taken):
            continue
        taken.append(int(rows[place]))
        shown.append(
            (
                time_text(times[place]),
                int(future[farthest[place]]),
                float(came[pick][place]),
                float(guess[pick][place]),
                float((guess - came)[pick][place]),
            )
        )
        if len(shown) == NUM_MISTAKES:
            break
    columns = ("for", "rows ahead", "came", "forecast", "difference")
    note = "Each from another stretch of time."
    return Table("Largest errors", columns, shown, note)


def _beside(prepared: PreparedSeries, guess: np.ndarray, came: np.ndarray) -> Chart:
    """The last forecasts of the farthest step beside what came."""
    shown = slice(-SHOWN_WINDOWS, None)
    rows = (prepared.test.now.numpy() + prepared.test.shape.horizon)[shown].tolist()
    return Chart(
        f"The last of the test part, {prepared.test.shape.horizon:,} rows ahead",
        [
            Series("came", rows, came[shown, -1].tolist()),
            Series("forecast", rows, guess[shown, -1].tolist()),
        ],
        "row of the test part",
        prepared.encoder.target,
    )


def judge_forecasts(
    prepared: PreparedSeries, model: Model, simple: list[Forecasts]
) -> tuple[Verdict, list[float]]:
    """Compare forecasts for the test part with what came.

    Args:
        prepared: The opened series.
        model: The trained network.
        simple: The baselines' errors.

    Returns:
        The verdict, and the mean absolute error of each answer.
    """
    outputs = np.asarray(model.predict(prepared.test))
    guess = prepared.encoder.decode(outputs).reshape(len(outputs), -1)
    came = prepared.encoder.decode(_came(prepared.test).numpy())
    came = came.reshape(len(outputs), -1)
    horizon = prepared.encoder.shape.horizon
    mine = Forecasts("this network", np.abs(guess - came))
    remark = _range_text(mine, horizon)
    rows = [*((each.name, each.mean, each.note) for each in simple)]
    table = Table(
        "Result", ("model", MEASURE, "remark"), (*rows, (mine.name, mine.mean, remark))
    )
    steps = prepared.test.shape.future.numpy()
    details = Report(
        "Forecasts", [_by_step([*simple, mine], steps), _beside(prepared, guess, came)]
    )
    worst = _worst(prepared, guess, came)
    finding = _finding(mine, simple, horizon, prepared.encoder.target)
    verdict = Verdict(MEASURE, mine.mean, table, finding, worst, details)
    return verdict, mine.errors.mean(axis=0).tolist()
