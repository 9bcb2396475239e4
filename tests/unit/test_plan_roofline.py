"""The picture of an explanation: layers between the machine's two limits."""

import pytest

from mica.plan import Limits
from mica.plan.advising import Advice, Cost
from mica.plan.roofline import roofline
from mica.plan.row import Row

LIMITS = Limits(
    "cpu",
    1,
    {"float32": 1e11, "bfloat16": 4e11, "float64": 5e10},
    ((2**15, 5e10), (2**26, 1e10)),
    5e-6,
    1e-6,
)


def row(name, forward, backward=0.0, *, advice=("none", "", 0.0), **cost):
    kind = "Dense" if name.startswith("dense") else ""
    return Row(name, kind, forward, backward, Cost(**cost), "compute", Advice(*advice))


def test_the_roofline_bends_where_memory_meets_arithmetic():
    dense = row("dense", 0.1, flops=1e9, num_bytes=1e8)
    chart = roofline([dense, row("data", 0.1)], LIMITS)
    single, half, layers = chart.series
    assert single.name == "float32 (100 GFLOP/s)"
    assert half.name == "bfloat16 (400 GFLOP/s)"
    assert max(single.y) == 100
    assert max(half.y) == 400
    for x, y in single.points():
        assert y == pytest.approx(min(100, 10 * x))
    assert layers.points() == [(10.0, 10.0)]
    assert [mark.label for mark in chart.marks] == ["dense"]
    assert chart.x_scale == chart.y_scale == "log"


def test_only_layers_that_lose_most_are_named():
    rows = [
        row(f"dense_{k}", 0.1 * (k + 1), flops=1e9, num_bytes=1e8) for k in range(6)
    ]
    chart = roofline(rows, LIMITS)
    assert [mark.label for mark in chart.marks] == ["dense_5", "dense_4", "dense_3"]
