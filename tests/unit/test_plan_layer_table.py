"""The table of a step: one for all parts, readable in a terminal of 100 columns."""

import pytest

from mica.plan.advising import Advice, Cost
from mica.plan.layer_table import COLUMNS, layer_table
from mica.plan.remedies import advice_text, find_remedies
from mica.plan.row import Row


def row(name, forward, backward=0.0, *, advice=("none", "", 0.0), **cost):
    kind = "Dense" if name.startswith("dense") else ""
    return Row(name, kind, forward, backward, Cost(**cost), "compute", Advice(*advice))


def test_the_columns_are_those_that_were_promised():
    assert [name.replace("\u00ad", "") for name in COLUMNS] == [
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
        "advice: gain ms",
    ]


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
    table = layer_table("Step", [dense], 0.008, find_remedies([dense], 0.008))
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
        "1: 2.120",
    )


@pytest.mark.parametrize("name", ["data", "host gaps"])
def test_where_nothing_is_computed_columns_are_empty(name):
    part = row(name, 0.002, flops=1e9, num_bytes=1e6, attainable=0.001)
    (cells, *_) = layer_table("Step", [part], 0.004).rows
    assert cells == (
        name, 2.0, None, "50 %", None, None, None, "compute", None, "", ""
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "kind", "shown"),
    [
        ("dense_1", "Dense", "dense_1"),
        ("a.max_pooling2d", "MaxPooling2D", "a.max_pooling2d"),
        ("0", "Linear", "0 (Linear)"),
        ("head", "Dense", "head (Dense)"),
        ("head", "MultiHeadAttention", "head"),
        ("encoder.stage_1.max_pooling2d", "MaxPooling2D", "…1.max_pooling2d"),
        ("loss", "", "loss"),
    ],
)
def test_a_class_stands_where_the_name_does_not_say_it(name, kind, shown):
    part = Row(name, kind, 1.0, 0.0, Cost(), "compute", Advice("none", "", 0.0))
    assert layer_table("", [part], 1.0).rows[0][0] == shown


def test_what_is_attainable_in_no_time_is_not_nothing():
    part = row("dense", 0.02, num_bytes=1e3, attainable=3.4e-6)
    assert layer_table("", [part], 0.05).rows[0][8] == 0.003


def test_names_that_would_be_the_same_stay_whole():
    names = ["encoder_1.a_long_way_down.dense", "encoder_2.a_long_way_down.dense"]
    table = layer_table("", [row(name, 1.0) for name in names], 2.0)
    assert [cells[0] for cells in table.rows[:2]] == names


def test_rows_and_the_rest_add_up_to_the_step():
    rows = [row(f"dense_{number}", 0.001, 0.002) for number in range(5)]
    table = layer_table("Step", rows, 0.016)
    *parts, rest, whole = table.rows
    assert rest[:4] == ("unexplained", 1.0, None, "6 %")
    assert whole[:4] == ("step", 6.0, 10.0, "100 %")
    assert sum(part[1] + part[2] for part in parts) + rest[1] == whole[1] + whole[2]


@pytest.mark.parametrize(
    ("step", "shown"), [(1.2345678, 1234.6), (0.0123456, 12.35), (0.0012345, 1.234)]
)
def test_all_milliseconds_have_the_same_decimals(step, shown):
    assert layer_table("", [], step).rows[-1][1] == shown


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


def test_it_fits_into_a_terminal():
    wide = row(
        "encoder.stage_1.max_pooling2d_1",
        0.1234,
        0.9876,
        flops=3.456e9,
        num_bytes=6.123e6,
        attainable=0.3,
        advice=("bfloat16", "Faster.", 0.512),
    )
    small = row("dense_1", 0.0001, flops=7e3, num_bytes=1234.0, attainable=1e-5)
    rows = [wide, small]
    table = layer_table("Step", rows, 1.2, find_remedies(rows, 1.2))
    lines = str(table).splitlines()
    assert max(map(len, lines)) <= 100
    assert "attain-" in lines[1]
    assert "able ms" in lines[2]


# The advice below it.


def test_remedies_add_up_over_the_layers():
    rows = [
        row("dense", 0.002, advice=("bfloat16", "Fast.", 0.001)),
        row("dense_1", 0.002, advice=("bfloat16", "Faster.", 0.003)),
        row("loss", 0.001, advice=("batch", "Rarer.", 0.0005)),
        row("data", 0.001, advice=("none", "Batches come fast enough.", 0.0)),
        row("flatten", 1e-6, advice=("none", "Nothing to say.", 0.0)),
        row("metrics", 0.001, advice=("join", "", 1e-6)),  # not worth a word
    ]
    half, batch, remark = find_remedies(rows, 0.01)
    assert (half.number, half.action, half.gain) == (1, "bfloat16", 0.004)
    assert half.names == ("dense_1", "dense")
    assert half.promised(0.01) == 0.4
    assert half.sentence == (
        'Faster. Compute in bfloat16: plan="auto" tries it, and proves it.'
    )
    assert (batch.number, batch.action) == (2, "batch")
    assert remark.sentence == "Batches come fast enough."
    assert [cells[-1] for cells in layer_table("", rows, 0.01, [half, batch]).rows] == [
        "1: 1.00", "1: 3.00", "2: 0.50", "", "", "", "", "",
    ]  # fmt: skip


def test_the_sentences_are_numbered_and_say_what_they_promise():
    names = [f"dense_{number}" for number in range(5)]
    rows = [row(name, 0.01, advice=("batch", "Rarer.", 0.002)) for name in names]
    rows.append(row("pool", 0.01, advice=("none", "It moves bytes.", 0.0)))
    text = advice_text(find_remedies(rows, 0.05), 0.05, {"batch": "Corrected: so."})
    assert text is not None
    assert text.title == "Advice"
    assert text.body == (
        "1. Rarer. Use twice the batch_size (in training look at the learning rate "
        "too). Saves 10 of 50 ms: 1.25x; above all in dense_0, dense_1, dense_2 and 2 "
        "more. Counted for as many rows as now. Corrected: so.\n\n"
        "2. It moves bytes. About pool."
    )


def test_no_remedy_no_text():
    assert advice_text(find_remedies([row("data", 0.001)], 0.001), 0.001) is None


def test_a_row_without_work_has_no_efficiency():
    empty = row("host gaps", 0.1)
    assert empty.efficiency is None
    assert empty.intensity is None
    assert empty.lost == 0.1
    assert row("dense", 0.1, attainable=0.2).efficiency == 1.0
    assert row("dense", 0.1, attainable=0.2).lost == 0.0
