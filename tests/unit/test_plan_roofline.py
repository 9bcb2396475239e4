"""The table, the remedies and the picture of an explanation."""

import pytest

from mica.plan import Limits
from mica.plan.advising import Advice, Cost
from mica.plan.roofline import (
    COLUMNS,
    Row,
    advice_table,
    layer_table,
    remedy_table,
    roofline,
)

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


def test_the_columns_are_those_that_were_promised():
    assert COLUMNS == (
        "layer",
        "forward ms",
        "backward ms",
        "share",
        "GFLOP",
        "MB moved",
        "FLOP/byte",
        "bound",
        "attainable ms",
        "efficiency",
    )


def test_a_row_in_full():
    dense = row(
        "dense",
        0.002,
        0.004,
        flops=3e9,
        num_bytes=6e6,
        attainable=0.003,
        advice=("bfloat16", "Faster.", 0.00212),
    )
    table = layer_table("Step", [dense], 0.008)
    assert table.rows[0] == (
        "dense",
        2.0,
        4.0,
        "75 %",
        3.0,
        6.0,
        500.0,
        "compute",
        3.0,
        "50 %",
    )
    assert advice_table([dense]).rows == (("dense", 2.1, "Faster."),)


@pytest.mark.parametrize(
    ("name", "kind", "shown"),
    [
        ("dense_1", "Dense", "dense_1"),
        ("encoder.max_pooling2d", "MaxPooling2D", "encoder.max_pooling2d"),
        ("0", "Linear", "0 (Linear)"),
        ("head", "Dense", "head (Dense)"),
        ("loss", "", "loss"),
    ],
)
def test_a_class_stands_where_the_name_does_not_say_it(name, kind, shown):
    part = Row(name, kind, 1.0, 0.0, Cost(), "compute", Advice("none", "", 0.0))
    assert layer_table("", [part], 1.0).rows[0][0] == shown
    assert advice_table([part]).rows == ((shown, None, ""),)


def test_advice_is_given_for_the_rows_that_are_shown():
    rows = [row(f"dense_{number}", 0.001) for number in range(30)]
    assert len(advice_table(rows).rows) == 20


def test_rows_and_the_rest_add_up_to_the_step():
    rows = [row(f"dense_{number}", 0.001, 0.002) for number in range(5)]
    table = layer_table("Step", rows, 0.016)
    *parts, rest, whole = table.rows
    assert rest[:4] == ("unexplained", 1.0, None, "6 %")
    assert whole[:4] == ("the step", 6.0, 10.0, "100 %")
    assert sum(part[1] + part[2] for part in parts) + rest[1] == whole[1] + whole[2]


@pytest.mark.parametrize(("count", "length"), [(20, 20), (21, 21), (22, 21), (99, 21)])
def test_many_small_rows_are_one(count, length):
    rows = [row(f"dense_{number}", 0.001, num_bytes=1e6) for number in range(count)]
    table = layer_table("Step", rows, 0.001 * count)
    parts = table.rows[:-2]
    assert len(parts) == length
    assert sum(part[1] for part in parts) == pytest.approx(count)
    if count > 21:
        assert parts[-1][0] == f"{count - 20} others"
        assert parts[-1][5] == count - 20


def test_remedies_add_up_over_the_layers():
    rows = [
        row("dense", 0.002, advice=("bfloat16", "", 0.001)),
        row("dense_1", 0.002, advice=("bfloat16", "", 0.003)),
        row("loss", 0.001, advice=("batch", "", 0.0005)),
        row("data", 0.001),
        row("metrics", 0.001, advice=("join", "", 1e-6)),  # not worth a word
    ]
    table = remedy_table(rows, 0.01)
    assert table is not None
    assert table.rows == (
        (
            'Compute in bfloat16: plan="auto" tries it, and proves it.',
            4.0,
            6.0,
            "dense_1, dense",
        ),
        (
            "Use twice the batch_size (in training look at the learning rate too).",
            0.5,
            9.5,
            "loss",
        ),
    )
    assert table.note.startswith("A batch of twice the size counts for half")


def test_no_remedy_no_table():
    assert remedy_table([row("data", 0.001)], 0.001) is None


def test_many_layers_are_counted():
    rows = [row(f"dense_{k}", 0.01, advice=("join", "", 0.001)) for k in range(5)]
    table = remedy_table(rows, 0.05)
    assert table is not None
    assert table.rows[0][3] == "dense_0, dense_1, dense_2 and 2 more"
    assert table.note == ""


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


def test_a_row_without_work_has_no_efficiency():
    empty = row("host gaps", 0.1)
    assert empty.efficiency is None
    assert empty.intensity is None
    assert empty.lost == 0.1
    assert row("dense", 0.1, attainable=0.2).efficiency == 1.0
    assert row("dense", 0.1, attainable=0.2).lost == 0.0
