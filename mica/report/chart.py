"""A chart of a report: series of numbers over a common axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

from mica.errors import DataError
from mica.report.part import Part, check_choice, store
from mica.report.words import (
    aligned,
    format_column,
    format_value,
    is_numeric,
    joined,
    one_line,
    wrapped,
)

__all__ = ["AxisScale", "Chart", "ChartKind", "Mark", "Series", "SeriesKind"]

ChartKind = Literal["line", "points", "bars"]
SeriesKind = Literal["line", "points"]
AxisScale = Literal["linear", "log"]


@dataclass(frozen=True)
class Series:
    """A named line of points for a `Chart`.

    Args:
        name: What the legend says.
        x: Positions: numbers, or words for a chart of bars.
        y: Values, one per position; NaN, infinity and None are gaps.
        kind: "line" or "points" where it differs from its chart's; None for the same.

    Raises:
        DataError: ``x`` and ``y`` differ in length, or hold something else.
        ConfigError: An unknown kind.

    Example:
        >>> Series("loss", [1, 2], [0.5, None]).y
        (0.5, nan)
    """

    name: str
    x: Sequence[Any]
    y: Sequence[Any]
    kind: SeriesKind | None = None

    def __post_init__(self) -> None:
        if self.kind is not None:
            check_choice(f"Series {self.name!r}", "kind", self.kind, SeriesKind)
        places, values = list(self.x), list(self.y)
        if len(places) != len(values):
            raise DataError(
                f"Series {self.name!r}: expected x and y of one length, got "
                f"{len(places)} and {len(values)}. Give one y for each x."
            )
        x = tuple(
            place if isinstance(place, str) else _as_float(self.name, "x", place)
            for place in places
        )
        y = tuple(_as_float(self.name, "y", value) for value in values)
        store(self, x=x, y=y)

    @property
    def has_words(self) -> bool:
        """Whether positions are words, not numbers."""
        return any(isinstance(place, str) for place in self.x)

    def points(self) -> list[tuple[float, float]]:
        """Give the points that can be drawn: both numbers finite, in their order.

        Example:
            >>> Series("loss", [1, 2], [0.5, None]).points()
            [(1.0, 0.5)]
        """
        return [
            (x, y)
            for x, y in zip(self.x, self.y, strict=True)
            if not isinstance(x, str) and math.isfinite(x) and math.isfinite(y)
        ]


def _as_float(name: str, axis: str, value: object) -> float:
    """One number of a series; None is a gap."""
    if value is None:
        return math.nan
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(
            f"Series {name!r}: expected numbers in {axis}, got {value!r}. "
            "Give numbers, or None for a gap."
        ) from error


@dataclass(frozen=True)
class Mark:
    """A point of a chart worth a look, such as the best epoch.

    Args:
        x: Its position.
        y: Its value.
        label: What it is, in a few words.

    Example:
        >>> Mark(9, 0.048, "lowest val_loss 0.048 at epoch 9").x
        9
    """

    x: float
    y: float
    label: str


@dataclass(frozen=True)
class Chart(Part):
    """Lines, points or bars over a common axis.

    Args:
        title: The heading; "" for none.
        series: What is drawn, at least one.
        x_label: What the positions are.
        y_label: What the values are.
        kind: "line", "points", or "bars" (one bar per position, words allowed).
        x_scale: "linear" or "log".
        y_scale: "linear" or "log"; a value that has no logarithm is a gap.
        marks: Points worth a look.
        note: A remark below the chart.

    Raises:
        DataError: There is no series, or words stand where a line needs numbers.
        ConfigError: An unknown kind or scale.

    Example:
        >>> print(Chart("Loss", [Series("loss", [1, 2, 3], [0.9, 0.3, 0.5])], "epoch"))
        Loss
        loss: 0.9 to 0.5 over epoch 1 to 3, lowest 0.3 at 2, highest 0.9 at 1
    """

    title: str
    series: Sequence[Series]
    x_label: str = ""
    y_label: str = ""
    _: KW_ONLY
    kind: ChartKind = "line"
    x_scale: AxisScale = "linear"
    y_scale: AxisScale = "linear"
    marks: Sequence[Mark] = ()
    note: str = ""

    def __post_init__(self) -> None:
        where = f"Chart {self.title!r}"
        check_choice(where, "kind", self.kind, ChartKind)
        check_choice(where, "x_scale", self.x_scale, AxisScale)
        check_choice(where, "y_scale", self.y_scale, AxisScale)
        series = tuple(self.series)
        if not series:
            raise DataError(
                f"{where}: expected at least one series, got none. "
                "Give what is to be drawn."
            )
        for line in series:
            if self.kind != "bars" and line.has_words:
                raise DataError(
                    f"{where}: expected numbers as x of {line.name!r}, got words. "
                    'Give numbers, or kind="bars".'
                )
        store(self, series=series, marks=tuple(self.marks))

    def __str__(self) -> str:
        if self.kind == "bars":
            body = self._bars_text()
        else:
            body = "\n".join(self._line_text(series) for series in self.series)
        marks = [f"{one_line(mark.label)}" for mark in self.marks]
        return joined(one_line(self.title), body, *marks, wrapped(self.note))

    def _bars_text(self) -> str:
        places = list(dict.fromkeys(x for series in self.series for x in series.x))
        values = [dict(zip(series.x, series.y, strict=True)) for series in self.series]
        columns = [[value.get(place) for place in places] for value in values]
        names = [series.name for series in self.series]
        texts = [format_column(column) for column in (places, *columns)]
        rights = [is_numeric(places), *(True for _ in columns)]
        return aligned([self.x_label, *names], texts, rights)

    def _line_text(self, series: Series) -> str:
        name = one_line(series.name)
        finite = series.points()
        gaps = len(series.y) - len(finite)
        missing = f", {gaps} not finite" if gaps else ""
        if not finite:
            return f"{name}: no finite value{missing}"
        axis = f"{one_line(self.x_label) or 'x'} "
        (first_x, first), (last_x, last) = finite[0], finite[-1]
        low = min(finite, key=lambda point: point[1])
        high = max(finite, key=lambda point: point[1])
        show = format_value
        if len(finite) == 1:
            return f"{name}: {show(first)} at {axis}{show(first_x)}{missing}"
        return (
            f"{name}: {show(first)} to {show(last)} over {axis}{show(first_x)} to "
            f"{show(last_x)}, lowest {show(low[1])} at {show(low[0])}, "
            f"highest {show(high[1])} at {show(high[0])}{missing}"
        )
