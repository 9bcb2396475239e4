"""The time of year, week and day as columns of a series."""

import dataclasses
from collections.abc import Sequence
from typing import get_args

import numpy as np

from mica.data.series.series import TimeSeries
from mica.data.table.dates import Cycle, phase
from mica.errors import ConfigError, DataError

__all__ = ["add_cycles"]


def add_cycles(
    series: TimeSeries, cycles: Sequence[Cycle] = ("year", "day")
) -> TimeSeries:
    """Add the time of year, week or day, so that a model need not guess it.

    sin 2 pi p, cos 2 pi p, where p is the part of the cycle that has passed

    Two columns for each cycle: so midnight is beside a minute past. A model that has
    learned from these columns needs them in use, too.

    Args:
        series: The series.
        cycles: Some of "year", "week" and "day".

    Shape:
        returns: a series of (rows, features + 2 cycles)

    Returns:
        A series with the columns behind its own, "sine of the year" and so on.

    Raises:
        ConfigError: A cycle that is none.
        DataError: A column of such a name is there.

    Example:
        >>> times = np.array(["2020-01-06T06:00", "2020-01-06T12:00"], "M8[us]")
        >>> series = add_cycles(TimeSeries(times, np.zeros((2, 1)), ("rain",)), ["day"])
        >>> series.feature_names
        ('rain', 'sine of the day', 'cosine of the day')
        >>> series.values.round(3)[:, 1:].tolist()
        [[1.0, 0.0], [0.0, -1.0]]
    """
    columns, names = [series.values], [*series.feature_names]
    for cycle in cycles:
        if cycle not in get_args(Cycle):
            raise ConfigError(
                "add_cycles: expected cycles among 'year', 'week' and 'day', got "
                f"{cycle!r}. Give a list of them."
            )
        angle = 2 * np.pi * phase(series.times, cycle)  # (rows,)
        for wave, function in (("sine", np.sin), ("cosine", np.cos)):
            name = f"{wave} of the {cycle}"
            if name in names:
                raise DataError(
                    f"{series.name}: expected no column {name!r} yet, got one. The "
                    "cycles need to be added once only."
                )
            names.append(name)
            columns.append(function(angle)[:, None])
    return dataclasses.replace(
        series, values=np.concatenate(columns, axis=1), feature_names=tuple(names)
    )
