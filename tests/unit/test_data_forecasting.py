"""What a forecast needs on another day: times ahead, errors, and a file's columns."""

import re

import numpy as np
import pytest

from mica.data import SeriesEncoder, as_series
from mica.data.forecasting import ForecastEncoder
from mica.errors import ConfigError
from mica.registry import decode, encode


def fitted(times, **words):
    rows = {"time": times, "load": np.arange(float(len(times)))}
    series = as_series(rows)
    words = {"history": 3, "horizon": 2, "whole": True, **words}
    return ForecastEncoder(SeriesEncoder("load", **words).fit(series)), series


@pytest.mark.parametrize(
    ("first", "unit", "ahead"),
    [
        ("2020-01-01", "D", ["2020-01-11", "2020-01-12"]),
        ("2020-01-01T00", "h", ["2020-01-01T10", "2020-01-01T11"]),
        ("2020-01", "M", ["2020-11", "2020-12"]),
        ("2000", "Y", ["2010", "2011"]),
    ],
)
def test_the_times_ahead_go_on_in_the_steps_of_the_series(first, unit, ahead):
    times = np.datetime64(first, unit) + np.arange(10).astype(f"m8[{unit}]")
    encoder, series = fitted(times)
    found = encoder.times(series).astype(f"M8[{unit}]").astype(str)
    assert found.tolist() == ahead


def test_the_last_day_of_a_month_stays_the_last():
    months = np.arange("2020-02", "2020-12", dtype="M8[M]")
    ends = months.astype("M8[D]") - np.timedelta64(1, "D")
    encoder, series = fitted(ends)
    found = encoder.times(series).astype("M8[D]").astype(str)
    assert found.tolist() == ["2020-11-30", "2020-12-31"]


def test_one_answer_is_a_column_of_its_own():
    days = np.datetime64("2020-01-01") + np.arange(10)
    encoder, _ = fitted(days, horizon=1)
    assert encoder.decode(np.zeros((2, 1))).shape == (2, 1)


def test_everything_comes_back_from_a_file():
    days = np.datetime64("2020-01-01") + np.arange(10)
    encoder, series = fitted(days)
    encoder = ForecastEncoder(encoder.series, time="time", sort=True, errors=[0.5, 1.0])
    copy = decode(encode(encoder))
    assert (copy.time, copy.sort, copy.errors) == ("time", True, (0.5, 1.0))
    assert np.array_equal(copy.series.latest(series), encoder.series.latest(series))


REFUSED = {
    "no encoder": (
        {"series": None},
        "ForecastEncoder: expected a SeriesEncoder, got NoneType. Fit one on the "
        "training part.",
    ),
    "an error below 0": (
        {"errors": [-1.0]},
        "ForecastEncoder: expected errors of at least 0, got (-1.0,). Leave them out "
        "before the model is judged.",
    ),
    "an error that is no number": (
        {"errors": [float("nan")]},
        "ForecastEncoder: expected errors of at least 0, got (nan,). Leave them out "
        "before the model is judged.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused(case):
    words, sentence = REFUSED[case]
    words = {"series": SeriesEncoder("load", history=3, horizon=1), **words}
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        ForecastEncoder(**words)
