"""Line search: how far to go along a direction that leads down."""

import math
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["LinePoint", "search_line"]

Probe = Callable[[float], tuple[float, float]]


class LinePoint(NamedTuple):
    """A place on the line: how far it is, what stands there, and how it slopes."""

    step: float
    value: float
    slope: float


def _between(low: LinePoint, high: LinePoint) -> float:
    """The minimum of the cubic through two points and their slopes, kept inside."""
    width = high.step - low.step
    middle = low.step + 0.5 * width
    if not all(math.isfinite(number) for number in (*low, *high)):
        return low.step + 0.1 * width  # far off: come back near to where it is finite
    bend = low.slope + high.slope - 3 * (high.value - low.value) / width
    inside = bend * bend - low.slope * high.slope
    if inside < 0:
        return middle
    root = math.copysign(math.sqrt(inside), width)
    divisor = high.slope - low.slope + 2 * root
    if divisor == 0:
        return middle
    step = high.step - width * (high.slope + root - bend) / divisor
    # A twentieth away from both ends, so that the interval shrinks for certain.
    nearest, farthest = sorted((low.step + 0.05 * width, high.step - 0.05 * width))
    return min(max(step, nearest), farthest)


def search_line(
    probe: Probe,
    start: LinePoint,
    first_step: float,
    *,
    decrease: float = 1e-4,
    curvature: float = 0.1,
    evaluations: int = 25,
) -> LinePoint:
    """Find a step that is neither too short nor too long: strong Wolfe's conditions.

    value(step) <= value(0) + decrease * step * slope(0)
    |slope(step)| <= curvature * |slope(0)|

    Args:
        probe: Gives value and slope at a step.
        start: The point of step 0; its slope is below 0.
        first_step: Where to look first. Above 0.
        decrease: Share of the promised descent that is demanded.
        curvature: Share of the slope that may be left.
        evaluations: How often to look at most.

    Returns:
        A point that meets both conditions; after too many looks the lowest point that
        meets the first one, or `start` when none does.

    Example:
        >>> def parabola(step):
        ...     return (step - 3.0) ** 2, 2 * (step - 3.0)
        >>> search_line(parabola, LinePoint(0.0, 9.0, -6.0), 1.0).step
        3.0

    Source:
        Nocedal & Wright 2006, Algorithms 3.5 and 3.6, eq. 3.59.
    """
    low, high = start, None
    step = first_step
    for _ in range(evaluations):
        point = LinePoint(step, *probe(step))
        allowed = start.value + decrease * point.step * start.slope
        # NOTE: written so that NaN is too high.
        descends = point.value <= allowed and point.value < low.value
        if not descends:
            high = point
        elif abs(point.slope) <= -curvature * start.slope:
            return point
        else:
            ahead = 1.0 if high is None else high.step - point.step
            if point.slope * ahead >= 0:
                high = low
            low = point
        if high is None:
            step = low.step * 2
        elif high.step == low.step:
            break
        else:
            step = _between(low, high)
    return low
