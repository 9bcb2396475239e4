"""What common sense forecasts: the last value, and the value of the last season."""

from dataclasses import dataclass

import torch

from mica.data.series.duration import Duration
from mica.data.series.windows import WindowSource
from mica.errors import ConfigError
from mica.report import Table

__all__ = ["Baseline", "judge_baselines", "season_rows", "tabulate_baselines"]

_DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True)
class Baseline:
    """How well a forecast does that learns nothing.

    Args:
        name: What it forecasts: "last value", "last season (144 rows)".
        mean_absolute_error: Mean distance from what came.
        root_mean_squared_error: Root of the mean squared distance.

    Example:
        >>> Baseline("last value", 2.5, 3.1).mean_absolute_error
        2.5
    """

    name: str
    mean_absolute_error: float
    root_mean_squared_error: float


def season_rows(step: Duration) -> int | None:
    """Guess a season from the distance of rows: a day, a week, or a year.

    Args:
        step: The distance.

    Returns:
        The season in rows; None when nothing is usual.

    Example:
        >>> season_rows(Duration(600_000_000)), season_rows(Duration(0, 1))
        (144, 12)
    """
    if step.months:
        return 12 // step.months if step.months < 12 and 12 % step.months == 0 else None
    if 0 < step.microseconds < _DAY and _DAY % step.microseconds == 0:
        return _DAY // step.microseconds
    return 7 if step.microseconds == _DAY else None


def _judge(name: str, errors: torch.Tensor, unit: float) -> Baseline:
    errors = errors.double() * unit
    return Baseline(
        name, float(errors.abs().mean()), float(errors.square().mean().sqrt())
    )


def judge_baselines(
    source: WindowSource, *, season: int | None = None, unit: float = 1.0
) -> tuple[Baseline, ...]:
    """Judge the last value, and the last season where one is known, on windows.

    The season's forecast for a row is the latest value that is whole seasons before it
    and not after now. Where a window's season lies before the series, that window is
    judged by neither.

    Args:
        source: The windows, one target.
        season: Rows of a season; None judges the last value alone.
        unit: What turns the windows' numbers into the target's unit.

    Returns:
        One judgement each.

    Raises:
        ConfigError: A season below 1 row, several targets, or no window late enough.

    Example:
        >>> import numpy as np
        >>> from mica.data.series.windows import WindowShape
        >>> days = np.tile([0.0, 1.0, 4.0], 5)
        >>> source = WindowSource(days, None, WindowShape(3, 1))
        >>> [round(b.mean_absolute_error, 2) for b in judge_baselines(source, season=3)]
        [2.67, 0.0]
    """
    if source.targets.shape[1] != 1:
        raise ConfigError(
            f"judge_baselines: expected one target, got {source.targets.shape[1]}. "
            "Judge the columns one by one."
        )
    if season is not None and (not isinstance(season, int) or season < 1):
        raise ConfigError(
            f"judge_baselines: expected a season of at least 1 row, got {season!r}. "
            "None judges the last value alone."
        )
    targets, future, now = source.targets[:, 0], source.shape.future, source.now
    steps = future[None, :]  # (1, answers)
    back = torch.zeros_like(steps)
    if season is not None:
        back = -(-steps // season) * season  # whole seasons, at least to now
        now = now[now + int((steps - back).min()) >= 0]
        if not len(now):
            raise ConfigError(
                f"judge_baselines: expected a season shorter than the series, got "
                f"{season:,} rows. Take a shorter one, or None."
            )
    came = targets[now[:, None] + steps]  # (windows, answers)
    judged = [_judge("last value", targets[now][:, None] - came, unit)]
    if season is not None:
        past = targets[now[:, None] + steps - back]
        judged.append(_judge(f"last season ({season:,} rows)", past - came, unit))
    return tuple(judged)


def tabulate_baselines(baselines: tuple[Baseline, ...], target: str) -> Table:
    """Write baselines as a table to print before training.

    Args:
        baselines: The judgements.
        target: What is forecast, with its unit.

    Returns:
        The table.

    Example:
        >>> print(tabulate_baselines((Baseline("last value", 2.5, 3.25),), "rain (mm)"))
        What common sense reaches: rain (mm)
        forecast    mean absolute error  root mean squared error
        ----------  -------------------  -----------------------
        last value                  2.5                     3.25
        <BLANKLINE>
        A model is worth something when its errors are below these.
    """
    rows = [
        (b.name, b.mean_absolute_error, b.root_mean_squared_error) for b in baselines
    ]
    return Table(
        f"What common sense reaches: {target}",
        ("forecast", "mean absolute error", "root mean squared error"),
        tuple(rows),
        note="A model is worth something when its errors are below these.",
    )
