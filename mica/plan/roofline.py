"""The roofline: layers between the machine's two limits, as a picture."""

from collections.abc import Sequence

from mica.plan.ceilings import Limits
from mica.plan.row import Row
from mica.report import Chart, Mark, Series

__all__ = ["roofline"]

MARKED = 3  # layers with a name in the picture
POINTS = 60  # of a line in the picture
GIGA = 1e9


def roofline(rows: Sequence[Row], limits: Limits, title: str = "Roofline") -> Chart:
    """Draw the layers between the machine's two limits.

    FLOP/s <= min(ceiling of arithmetic, bandwidth * FLOP/byte)

    Args:
        rows: The parts; those without products or convolutions have no place here.
        limits: The machine's ceilings.
        title: The heading.

    Returns:
        A chart: FLOP/byte to the right, GFLOP/s upwards, both in powers of ten.

    Example:
        >>> limits = Limits("cpu", 1, {"float32": 1e11}, ((1024, 1e10),), 5e-6, 1e-6)
        >>> [series.name for series in roofline([], limits).series]
        ['float32 (100 GFLOP/s)']
    """
    placed = [row for row in rows if row.cost.flops and row.seconds]
    names = [row.intensity or 1.0 for row in placed]
    low, high = min([0.1, *names]) / 2, max([1000.0, *names]) * 2
    bandwidth = limits.bytes_per_second[-1][1]
    steps = [low * (high / low) ** (number / POINTS) for number in range(POINTS + 1)]
    series = [
        Series(
            f"{name} ({ceiling / GIGA:,.0f} GFLOP/s)",
            steps,
            [min(ceiling, bandwidth * each) / GIGA for each in steps],
            "line",
        )
        for name, ceiling in limits.flops_per_second.items()
        if name != "float64"
    ]
    marks = []
    if placed:
        speeds = [row.cost.flops / row.seconds / GIGA for row in placed]
        series.append(Series("layers", names, speeds, "points"))
        order = sorted(range(len(placed)), key=lambda each: -placed[each].lost)
        marks = [
            Mark(names[each], speeds[each], placed[each].name)
            for each in order[:MARKED]
        ]
    return Chart(
        title,
        series,
        "FLOP/byte",
        "GFLOP/s",
        x_scale="log",
        y_scale="log",
        marks=marks,
        note=f"The slope is main memory's {bandwidth / GIGA:.0f} GB/s. What the caches "
        "hold may lie above it.",
    )
