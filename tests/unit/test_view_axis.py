"""Axes: round ticks, and every value in its place."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mica.view.axis import make_axis


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0, 10], ("0", "2", "4", "6", "8", "10")),
        ([1, 2, 3], ("1", "2", "3")),
        ([0.1, 0.5], ("0.1", "0.2", "0.3", "0.4", "0.5")),
        ([-0.2, 0.2], ("-0.2", "-0.1", "0.0", "0.1", "0.2")),
        ([0, 60_000], ("0", "20,000", "40,000", "60,000")),
        ([0, 4e6], ("0", "1e6", "2e6", "3e6", "4e6")),
        ([0, 4e-7], ("0", "1e-7", "2e-7", "3e-7", "4e-7")),
        ([5], ("4", "5", "6")),
        ([0.0, 0.0], ("-1", "0", "1")),
        ([], ("-1", "0", "1")),
        ([math.nan, math.inf], ("-1", "0", "1")),
    ],
)
def test_ticks_are_round(values, labels):
    assert make_axis(values).labels == labels


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0.001, 100], ("0.001", "0.01", "0.1", "1", "10", "100")),
        ([1e-7, 1e-3], ("1e-7", "1e-6", "1e-5", "1e-4", "1e-3")),
        ([0.2, 8], ("0.2", "0.5", "1", "2", "5")),
        ([-1, 0], ("1", "2", "5", "10")),
        ([3.0], ("1", "2", "5")),
    ],
)
def test_ticks_of_a_log_axis_are_powers_of_ten(values, labels):
    assert make_axis(values, scale="log", num_ticks=8).labels == labels


def test_many_decades_have_few_ticks():
    assert len(make_axis([1e-30, 1e30], scale="log").ticks) <= 6


def test_whole_numbers_have_whole_ticks():
    assert make_axis([1, 2]).labels == ("1", "2")


def test_a_margin_stops_at_zero():
    axis = make_axis([0.0, 2.0], has_margin=True)
    assert axis.low == 0
    assert axis.high == pytest.approx(2.12)


def test_bars_start_at_zero():
    assert make_axis([5, 8], has_zero=True).low == 0


def test_a_log_axis_does_not_show_zero():
    axis = make_axis([1, 10], scale="log")
    assert not axis.shows(0.0)
    assert not axis.shows(math.nan)
    assert axis.shows(5.0)


finite = some.floats(allow_nan=False, allow_infinity=False)


@given(some.lists(finite, min_size=1), some.booleans())
def test_every_value_lies_on_its_axis(values, has_margin):
    axis = make_axis(values, has_margin=has_margin)
    assert axis.low < axis.high
    assert len(axis.ticks) == len(axis.labels) <= 12
    assert all(-1e-6 <= axis.place(value) <= 1 + 1e-6 for value in values)
    assert all(-1e-6 <= axis.place(tick) <= 1 + 1e-6 for tick in axis.ticks)


@given(some.lists(some.floats(1e-300, 1e300), min_size=1), some.booleans())
def test_every_value_lies_on_its_log_axis(values, has_margin):
    axis = make_axis(values, scale="log", has_margin=has_margin)
    assert axis.low < axis.high
    assert len(axis.ticks) <= 12
    assert all(-1e-6 <= axis.place(value) <= 1 + 1e-6 for value in values)
    assert all(-1e-6 <= axis.place(tick) <= 1 + 1e-6 for tick in axis.ticks)
