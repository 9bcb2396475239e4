"""Measurements and tables that are wrong, huge or strange: a sentence, or a result."""

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mica.data import (
    SeriesEncoder,
    TableEncoder,
    TimeSeries,
    as_series,
    prepare_series,
    prepare_table,
    read_series,
)
from mica.errors import ConfigError, DataError, MicaError
from mica.tune import cross_validate

MEGABYTE = 2**20
# Where: expected X, got Y. What to do.
SENTENCE = re.compile(r".+: expected .+, got .+[.?] .+[.?]", re.DOTALL)
ENDS_OF_TIME = ["0001-01-01", "1969-12-31", "2000-02-29", "9999-12-31"]


def refused(error, sentence):
    return pytest.raises(error, match=f"^{re.escape(sentence)}$")


def answers(call):
    """The result, or None when one of Mica's sentences came instead."""
    try:
        return call()
    except MicaError as error:
        sentence = str(error)
    assert SENTENCE.fullmatch(sentence), sentence
    return None


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "w.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def days(count=60):
    return {
        "day": np.arange(count).astype("M8[D]"),
        "rain": np.sin(np.arange(float(count))),
    }


# Files


WRONG_FILES = {
    "another encoding": (
        "day,Höhe\n2020-01-01,1\n".encode("latin-1"),
        {"encoding": "utf-8"},
        "w.csv: expected UTF-8 text, got the byte 0xf6 at position 5 in line 1. Files "
        "of older programs are read with encoding='latin-1' or 'cp1252'.",
    ),
    "an open quote": (
        'day,rain\n"2020-01-01,1\n2020-01-02,2\n',
        {},
        "w.csv, line 2: expected the quote that opens here to be closed, got the end "
        "of the file. Close or remove the quote.",
    ),
    "ragged rows": (
        "day,rain\n2020-01-01,1\n2020-01-02,2,3\n",
        {},
        "w.csv, line 3: expected 2 fields as in the first line, got 3. Quote a field "
        "that holds the separator, or mend the line.",
    ),
    "another column of times": (
        "day,rain\n2020-01-01,1\n",
        {"time": "Day"},
        "w.csv: expected a column 'Day', got 2 others. Did you mean 'day'?",
    ),
    "another column of numbers": (
        "day,rain\n2020-01-01,1\n",
        {"columns": ["rein"]},
        "w.csv: expected a column 'rein', got 2 others. Did you mean 'rain'?",
    ),
    "no times": (
        "day,rain\nsoon,1\nlater,2\n",
        {},
        "w.csv: expected a column of times, got 'day', 'rain'. Name it: "
        "time='column'; it holds dates such as 2020-01-31 12:00.",
    ),
    "times that are none": (
        "day,rain\nsoon,1\nlater,2\n",
        {"time": "day"},
        "w.csv: expected a time in the column 'day', got 'soon' at row 1 (2 such "
        "rows). Mend the cell, leave the row out, or name another column: "
        "time='column'.",
    ),
    "one time that is none": (
        "day,rain\n2020-01-01,1\n2020-01-02,2\nsoon,3\n",
        {},
        "w.csv: expected a time in the column 'day', got 'soon' at row 3. Mend the "
        "cell, leave the row out, or name another column: time='column'.",
    ),
    "a time that is missing": (
        "day,rain\n2020-01-01,1\n2020-01-02,2\n,3\n",
        {},
        "w.csv: expected a time in the column 'day', got nothing at row 3. Mend the "
        "cell, leave the row out, or name another column: time='column'.",
    ),
    "a day that never was": (
        "day,rain\n2020-02-28,1\n2020-02-30,2\n",
        {},
        "w.csv: expected a time in the column 'day', got '2020-02-30' at row 2. Mend "
        "the cell, leave the row out, or name another column: time='column'.",
    ),
    "backwards": (
        "day,rain\n2020-01-01,1\n2020-01-02,2\n2019-12-31,3\n",
        {},
        "w.csv: expected times that go forward, got 2019-12-31 after 2020-01-02. Use "
        "sort=True if the rows are only mixed; else look for two series in one file.",
    ),
    "two series": (
        "day,rain\n2020-01-01,1\n2020-01-01,2\n2020-01-01,3\n",
        {},
        "w.csv: expected one row for each time, got 3 rows for 1 times, such as "
        "2020-01-01. There are several series in the file: give one, or a column for "
        "each.",
    ),
    "a column of texts": (
        "day,rain\n2020-01-01,a\n2020-01-02,b\n",
        {},
        "w.csv: expected a column of numbers beside the times, got 'rain'. Look at the "
        "file.",
    ),
    "nothing measured": (
        "day,rain\n2020-01-01,\n2020-01-02,\n",
        {},
        "w.csv: expected a column of numbers beside the times, got 'rain'. Look at the "
        "file.",
    ),
    "an empty file": (
        "",
        {},
        "w.csv: expected a line of column names and rows below it, got an empty file. "
        "Look at what wrote it.",
    ),
    "names only": (
        "day,rain\n",
        {},
        "w.csv: expected rows below the column names, got none. Look at what wrote the "
        "file.",
    ),
    "a zero character": (
        b"day,rain\n2020-01-01,1\x00\n",
        {},
        "w.csv: expected text, got a zero character at position 21. This is no CSV "
        "file, or it is in another encoding such as 'utf-16'.",
    ),
    "no text at all": (
        bytes(range(256)),
        {},
        "w.csv: expected UTF-8 text, got the byte 0x80 at position 128 in line 2. "
        "Files of older programs are read with encoding='latin-1' or 'cp1252'.",
    ),
    "a file of one long field": (
        b"day,rain\n2020-01-01," + b"1" * (17 * MEGABYTE) + b"\n",
        {},
        "w.csv, line 2: expected comma-separated values, got something that cannot be "
        "read (field larger than field limit (16777216)). Look for a quote that is "
        "never closed.",
    ),
}


@pytest.mark.parametrize("case", WRONG_FILES)
def test_a_wrong_file_is_named_with_the_place(case, write):
    content, options, sentence = WRONG_FILES[case]
    with refused(DataError, sentence):
        read_series(write(content), **options)


@pytest.mark.parametrize(
    "content",
    [
        "день 🌧️,осадки\n2020-01-01,1\n2020-01-02,2\n",
        "תאריך,גשם\n2020-01-01,1\n2020-01-02,2\n",
        "日付;雨\r\n2020-01-01;1,5\r\n2020-01-02;2,5\r\n",
        "day,rain\n2020-01-01,1\n2020-01-02,2\n".encode("utf-16"),
        b"\xef\xbb\xbfday,rain\n2020-01-01,1\n2020-01-02,2\n",
    ],
    ids=["Russian", "Hebrew", "Japanese", "UTF-16", "byte order mark"],
)
def test_names_of_any_script_are_read(content, write):
    series = read_series(write(content))
    assert len(series) == 2
    assert str(series.step) == "1 day"


def test_russian_names_and_labels_train(write):
    rows = {"город": ["Москва", "Тула"] * 10, "дорого": ["да", "нет"] * 10}
    prepared = prepare_table(rows, "дорого")
    assert prepared.encoder.feature_names == ["город = Москва", "город = Тула"]
    assert prepared.encoder.label_names == ("да", "нет")


def test_the_hour_that_comes_twice_in_autumn_is_told(write):
    hours = ["01:00", "02:00", "02:00", "03:00"]
    text = "".join(f"2020-10-25 {hour},{row}\n" for row, hour in enumerate(hours))
    series = read_series(write("time,rain\n" + text))
    assert series.values.ravel().tolist() == [0, 1, 3]
    assert series.notes == (
        "1 of 4 rows has the time of the row before (the first: 2020-10-25 02:00); the "
        "first of each is kept.",
    )


def test_a_long_series_is_windows_without_copies():
    count = 420_551
    times = np.datetime64("2009-01-01", "us") + np.arange(count) * np.timedelta64(
        10, "m"
    )
    values = np.tile(np.arange(count)[:, None] % 977, (1, 14)).astype(np.float64)
    series = TimeSeries(times, values, tuple("abcdefghijklmn"))
    prepared = prepare_series(series, "a", history=720, horizon="24h")
    held = prepared.train.values.numel() * prepared.train.values.element_size()
    assert held == 4 * 14 * len(prepared.parts[0])
    assert prepared.train.windows.data_ptr() == prepared.train.values.data_ptr()


# What cannot be asked of a series


ENORMOUS = 1e300
SERIES = {
    "a horizon beyond the end": (
        days(30),
        {"horizon": 40},
        DataError,
        "table: expected a series longer than a window of 44 rows (history and "
        "horizon), got 30 rows. Take a shorter history or horizon, or more data.",
    ),
    "a history beyond all": (
        days(30),
        {"history": 10**30},
        DataError,
        "table: expected a series longer than a window of "
        "1,000,000,000,000,000,000,000,000,000,001 rows (history and horizon), got 30 "
        "rows. Take a shorter history or horizon, or more data.",
    ),
    "a horizon between rows": (
        days(30),
        {"horizon": "1h"},
        ConfigError,
        "horizon: expected a multiple of the series' step of 1 day, got '1h'. Give "
        "such a length, or a number of rows.",
    ),
    "a horizon of words": (
        days(30),
        {"horizon": "soon"},
        ConfigError,
        "horizon: expected a length of time, got 'soon'. Write it as '24h', '10 min', "
        "'5 days', '12 months', or as a number of rows.",
    ),
    "a horizon of nothing": (
        days(30),
        {"horizon": 0},
        ConfigError,
        "horizon: expected at least 1 row, got 0. Give a number of rows, or a length "
        "of time such as '24h'.",
    ),
    "a history of yes": (
        days(30),
        {"history": True},
        ConfigError,
        "history: expected at least 1 row, got True. Give a number of rows, or a "
        "length of time such as '24h'.",
    ),
    "a target that is not there": (
        days(30),
        {"target": "rein"},
        DataError,
        "table: expected a column 'rein' of numbers, got 1 other. Did you mean 'rain'?",
    ),
    "a target of texts": (
        {**days(30), "word": ["x", "y"] * 15},
        {"target": "word"},
        DataError,
        "table: expected a column 'word' of numbers, got 1 other. Choose from: rain.",
    ),
    "the times as target": (
        days(30),
        {"target": "day"},
        DataError,
        "table: expected a column 'day' of numbers, got 1 other. Choose from: rain.",
    ),
    "parts too short": (
        days(10),
        {},
        DataError,
        "table: expected at least one row in each part, got 10 rows for 3 parts with 4 "
        "rows between them. Take a shorter window, larger fractions, or more data.",
    ),
    "numbers too large": (
        {**days(), "rain": np.r_[np.zeros(30), np.full(30, ENORMOUS)]},
        {},
        DataError,
        "column 'rain': expected numbers that can be squared, got 1e+300. Look for a "
        "slip of the pen, or scale the column.",
    ),
    "gaps everywhere": (
        {**days(), "day": (np.arange(60) ** 2).astype("M8[D]")},
        {},
        DataError,
        "WindowSource: expected windows of 5 rows without a gap in time, got none. "
        "Take a shorter history or horizon, or count rows only: over_gaps=True.",
    ),
    "one fraction": (
        days(),
        {"fractions": (0.5,)},
        ConfigError,
        "prepare_series: expected two fractions, of validation and test, got (0.5,). "
        "Write fractions=(0.25, 0.25).",
    ),
    "a number as fractions": (
        days(),
        {"fractions": 0.5},
        ConfigError,
        "prepare_series: expected two fractions, of validation and test, got 0.5. "
        "Write fractions=(0.25, 0.25).",
    ),
    "all for the test": (
        days(),
        {"fractions": (0.5, 0.5)},
        ConfigError,
        "split_series: expected fractions that leave rows for training, got 0.5 + 0.5. "
        "Lower one of them.",
    ),
    "a season of words": (
        days(),
        {"season": "soon"},
        ConfigError,
        "season: expected a length of time, got 'soon'. Write it as '24h', '10 min', "
        "'5 days', '12 months', or as a number of rows.",
    ),
    "no stride": (
        days(),
        {"stride": 0},
        ConfigError,
        "WindowSource: expected a stride of at least 1 row, got 0. 1 takes every "
        "window.",
    ),
    "nothing": (
        None,
        {},
        DataError,
        "table: expected a frame, a dict of columns or a list of dicts, got an object "
        "of type NoneType. Read a file with mica.data.read_csv(path).",
    ),
}


@pytest.mark.parametrize("case", SERIES)
def test_what_cannot_be_asked_of_a_series_is_refused(case):
    rows, change, error, sentence = SERIES[case]
    options = {"target": "rain", "history": 4, "horizon": 1, **change}
    with refused(error, sentence):
        prepare_series(rows, **options)


def test_a_series_that_never_changes_is_prepared():
    prepared = prepare_series(
        {**days(), "rain": np.ones(60)}, "rain", history=4, horizon=1
    )
    assert prepared.test_baselines[0].mean_absolute_error == 0
    assert prepared.train.values.isfinite().all()


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(1, 60),
    history=st.integers(-1, 30) | st.sampled_from(["2 days", "48h", "1 week", ""]),
    horizon=st.integers(-1, 30) | st.sampled_from(["1 day", "24h", "1 month", "0h"]),
    every=st.integers(0, 3),
    fractions=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    whole=st.booleans(),
)
def test_any_windows_are_cut_or_a_sentence(
    count, history, horizon, every, fractions, whole
):
    prepared = answers(
        lambda: prepare_series(
            days(count),
            "rain",
            history=history,
            horizon=horizon,
            every=every,
            fractions=fractions,
            whole=whole,
        )
    )
    if prepared is not None:
        for source in (prepared.train, prepared.validation, prepared.test):
            assert source.peek(4).x.isfinite().all()


CELLS = st.sampled_from(
    ["2020-01-01", "2020-01-02", "1.2.2020", "", "NA", "soon", "1e400", "-1", '"', "é"]
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=st.lists(st.tuples(CELLS, CELLS), max_size=8))
def test_any_cells_are_a_series_or_a_sentence(write, rows):
    path = write("day,rain\n" + "".join(f"{a},{b}\n" for a, b in rows))
    series = answers(lambda: read_series(path))
    if series is not None:
        assert np.isfinite(series.values).all()


# Tables


TABLES = {
    "one class": (
        {"a": [1.0, 2.0, 3.0], "y": ["x"] * 3},
        "table: expected at least two classes in 'y', got only 'x' in 3 rows. Choose "
        "another target or bring rows of another class.",
    ),
    "classes that never repeat": (
        {"a": [1.0, 2.0, 3.0], "y": ["x", "z", "w"]},
        "table: expected classes or numbers in 'y', got 3 different texts in 3 rows. "
        "Choose another target, or say task='classification'.",
    ),
    "a target of dates": (
        {"a": [1.0, 2.0] * 5, "y": ["2020-01-01", "2020-01-02"] * 5},
        "table: expected classes or numbers in 'y', got dates such as '2020-01-01'. "
        "Choose another target, or turn the dates into days.",
    ),
    "no other column": (
        {"y": ["x", "z"] * 5},
        "table: expected at least one column to learn from, got none: the target is "
        "alone. Say otherwise with kinds={'column': 'number'} or 'category'.",
    ),
    "another column": (
        {"a": [1.0, 2.0], "Y": ["x", "z"]},
        "table: expected a column 'y', got 2 others. Choose from: Y, a.",
    ),
    "columns of two lengths": (
        {"a": [1.0, 2.0], "y": ["x"]},
        "table: expected 2 rows as in column 'a', got 1 in column 'y'. Give all "
        "columns one length.",
    ),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_table_that_cannot_be_learned_from_is_refused(case):
    rows, sentence = TABLES[case]
    with refused(DataError, sentence):
        prepare_table(rows, "y")


def test_a_class_with_one_example_is_told():
    rows = {"a": [1.5, 2.5, 3.5, 4.5, 5.5, 6.5], "y": ["x"] * 5 + ["z"]}
    prepared = prepare_table(rows, "y")
    assert prepared.notes[-1] == (
        "Class 'z' has one row: it can be learned from, but not judged."
    )
    assert (prepared.train.y == 1).sum() == 1


def test_folds_of_a_class_with_one_example_are_refused():
    rows = {"a": [1.5, 2.5, 3.5, 4.5, 5.5, 6.5], "y": ["x"] * 5 + ["z"]}
    sentence = (
        "cross_validate: expected at least as many rows of each class as folds, got 1 "
        "of the rarest for 2 folds. Take fewer folds, bring more rows, or say "
        "method='k-fold'."
    )
    with refused(DataError, sentence):
        cross_validate(
            lambda: None,
            rows,
            method="stratified",
            folds=2,
            prepare=lambda: TableEncoder("y"),
        )


def test_folds_shorter_than_a_window_are_refused():
    sentence = (
        "WindowSource: expected more than 7 rows, for a window sees 6 and asks for one "
        "2 later, got 6. Take a shorter history or horizon, or more data."
    )
    with refused(DataError, sentence):
        cross_validate(
            lambda: None,
            as_series(days(16)),
            prepare=lambda: SeriesEncoder("rain", history=6, horizon=2),
            folds=2,
            gap=0,
        )


def test_dates_from_one_end_of_time_to_the_other_are_numbers():
    rows = {"a": ENDS_OF_TIME * 5, "y": ["x", "z"] * 10}
    encoder = TableEncoder("y").fit(rows)
    assert np.isfinite(encoder.transform(rows)).all()
    again = TableEncoder.from_config(encoder.config())
    assert np.array_equal(again.transform(rows), encoder.transform(rows))


@settings(max_examples=60, deadline=None)
@given(
    cells=st.lists(
        st.sampled_from(
            ["1.2.2020", "13.1.2020", "2020-01-01", None, "x", "2", "12:30"]
        ),
        min_size=4,
        max_size=20,
    ),
    kind=st.sampled_from([None, "date", "number", "category"]),
    most=st.integers(1, 3),
)
def test_any_dates_are_encoded_as_when_they_were_learned(cells, kind, most):
    rows = {"a": cells}
    kinds = None if kind is None else {"a": kind}
    encoder = TableEncoder(kinds=kinds, max_categories=most, embeddings=True)
    if answers(lambda: encoder.fit(rows)) is None:
        return
    arrays = encoder.transform(rows)
    again = TableEncoder.from_config(encoder.config()).transform(rows)
    arrays, again = (x if isinstance(x, dict) else {"": x} for x in (arrays, again))
    for name, array in arrays.items():
        assert np.isfinite(array).all()
        assert np.array_equal(array, again[name])
