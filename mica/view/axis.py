"""An axis: the range it shows, round ticks, and where a value lies on it."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from mica.report import AxisScale

__all__ = ["Axis", "make_axis"]

MARGIN_FRACTION = 0.06  # of the range, left free above and below: lines touch nothing


@dataclass(frozen=True)
class Axis:
    """A range with ticks.

    Args:
        low: Its first value.
        high: Its last value, above ``low``.
        ticks: Round values within.
        labels: What the ticks say.
        scale: "linear" or "log".
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    scale: AxisScale = "linear"

    def place(self, value: float) -> float:
        """Give where a value lies: 0 at the low end, 1 at the high one.

        Args:
            value: Any finite value; on a log scale, above 0.

        Example:
            >>> make_axis([0, 10]).place(2.5)
            0.25
        """
        if self.scale == "log":
            low, high = math.log10(self.low), math.log10(self.high)
            return (math.log10(value) - low) / (high - low)
        # Halved before the difference, which could overflow.
        return (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)

    def shows(self, value: float) -> bool:
        """Whether a value has a place: finite, and above 0 on a log scale.

        Args:
            value: Any number.

        Example:
            >>> make_axis([1, 10], scale="log").shows(0.0)
            False
        """
        return math.isfinite(value) and (self.scale == "linear" or value > 0)


def make_axis(
    values: Sequence[float],
    *,
    scale: AxisScale = "linear",
    num_ticks: int = 5,
    has_margin: bool = False,
    has_zero: bool = False,
) -> Axis:
    """Choose the range and the ticks that show some values.

    Args:
        values: What is to be shown; values without a place are passed over.
        scale: "linear" or "log".
        num_ticks: About how many ticks, at least 2.
        has_margin: Whether to leave some room at both ends.
        has_zero: Whether the range must hold 0 (bars); linear scales only.

    Example:
        >>> make_axis([1, 2, 3, 4, 5]).labels
        ('1', '2', '3', '4', '5')
        >>> make_axis([0.001, 0.1], scale="log").labels
        ('0.001', '0.01', '0.1')
    """
    if scale == "log":
        shown = [value for value in values if math.isfinite(value) and value > 0]
        return _log_axis(shown or [1.0, 10.0], num_ticks, has_margin=has_margin)
    shown = [float(value) for value in values if math.isfinite(value)]
    if has_zero or not shown:
        shown.append(0.0)
    are_whole = all(value.is_integer() for value in shown)
    low, high = _spread(min(shown), max(shown), are_whole=are_whole)
    if has_margin:
        room = (high / 2 - low / 2) * 2 * MARGIN_FRACTION
        # A range that ends at zero keeps that end: nothing lies beyond it.
        low = low if low == 0 else max(low - room, -sys.float_info.max)
        high = high if high == 0 else min(high + room, sys.float_info.max)
    step = _round_step(low, high, num_ticks)
    if are_whole:
        step = max(step, 1.0)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    ticks = tuple(index * step for index in range(first, last + 1))
    return Axis(low, high, ticks, _labels(ticks, step), "linear")


def _spread(low: float, high: float, *, are_whole: bool) -> tuple[float, float]:
    """Widen a range of a single value, so that it has a middle."""
    if high > low and (high / 2 - low / 2) > 1e-12 * max(abs(low), abs(high)):
        return low, high
    half = max(abs(low) * 0.1, 1e-12) if not are_whole and low != 0 else 1.0
    half = max(half, abs(low) * 1e-9)
    return low - half, high + half


def _round_step(low: float, high: float, num_ticks: int) -> float:
    """Give the step of 1, 2 or 5 times a power of ten nearest to the wish."""
    wish = (high / 2 - low / 2) / max(num_ticks - 1, 1) * 2
    power = 10.0 ** math.floor(math.log10(wish))
    # The borders are the geometric means of neighbours: sqrt(2), sqrt(10), sqrt(50).
    for factor, border in ((1, 1.414), (2, 3.162), (5, 7.071)):
        if wish < border * power:
            return factor * power
    return 10 * power


def _labels(ticks: Sequence[float], step: float) -> tuple[str, ...]:
    largest = max((abs(tick) for tick in ticks), default=0.0)
    if largest and (largest >= 1e6 or step < 1e-5):
        return tuple(_short(tick) for tick in ticks)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    grouping = "," if largest >= 10_000 else ""
    # NOTE: adding 0.0 turns -0.0, which a step below zero can give, into 0.0.
    return tuple(f"{round(tick, 12) + 0.0:{grouping}.{decimals}f}" for tick in ticks)


def _short(value: float) -> str:
    """Write a number of any size in a few characters: 2e6, 1.5e-7."""
    if value == 0:
        return "0"
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def _log_axis(shown: Sequence[float], num_ticks: int, *, has_margin: bool) -> Axis:
    bottom, top = math.log10(min(shown)), math.log10(max(shown))
    if top - bottom < 1e-9:
        bottom, top = bottom - 0.5, top + 0.5
    room = (top - bottom) * MARGIN_FRACTION if has_margin else 0.0
    bottom, top = max(bottom - room, -307.0), min(top + room, 308.0)
    first, last = math.ceil(bottom - 1e-9), math.floor(top + 1e-9)
    stride = max(1, math.ceil((last - first + 1) / max(num_ticks, 2)))
    factors = (1,) if last - first >= 2 else (1, 2, 5)
    ticks = [
        factor * 10.0**exponent
        for exponent in range(math.floor(bottom), last + 1)
        for factor in factors
        if (exponent - first) % stride == 0
    ]
    low, high = 10.0**bottom, 10.0**top
    within = tuple(
        tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)
    )
    is_plain = all(1e-3 <= tick < 1e5 for tick in within)
    labels = tuple(f"{tick:g}" if is_plain else _short(tick) for tick in within)
    return Axis(low, high, within, labels, "log")
