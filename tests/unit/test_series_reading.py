"""Time series from tables and files: what is found, told, and refused."""

import builtins
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mica.data import TimeSeries, as_series, read_json_lines, read_series, read_table
from mica.data.series.duration import (
    Duration,
    count_rows,
    find_step,
    parse_duration,
    places,
)
from mica.data.table import parse_time, parse_times, read_parquet
from mica.errors import ConfigError, DataError, MissingDependencyError


def refused(error, sentence):
    return pytest.raises(error, match=f"^{re.escape(sentence)}$")


def days(first, last):
    return np.arange(first, last, dtype="M8[D]").astype("M8[us]")


# Times as people write them


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2009-01-31", "2009-01-31T00:00:00"),
        ("2009/1/31 5:03", "2009-01-31T05:03:00"),
        ("2009-01-31T05:03:04.25Z", "2009-01-31T05:03:04.250000"),
        ("2009-01-31 05:03:04+02:00", "2009-01-31T03:03:04"),
        ("2009-01-31 05:03 -0130", "2009-01-31T06:33:00"),
        ("31.01.2009 00:10:00", "2009-01-31T00:10:00"),
        ("31.1.09", "2009-01-31T00:00:00"),
        ("31.1.72", "1972-01-31T00:00:00"),
        ("31 Jan 2009", "2009-01-31T00:00:00"),
        ("31-Jan-09", "2009-01-31T00:00:00"),
        ("January 31, 2009", "2009-01-31T00:00:00"),
        ("31 января 2009", "2009-01-31T00:00:00"),
        ("3. Mai 2009", "2009-05-03T00:00:00"),
        ("3 juin 2009", "2009-06-03T00:00:00"),
        ("20090131", "2009-01-31T00:00:00"),
        ("1949-02", "1949-02-01T00:00:00"),
        ("1949", "1949-01-01T00:00:00"),
        ("2009-01-31 12:05 AM", "2009-01-31T00:05:00"),
        ("2009-01-31 12:05 p.m.", "2009-01-31T12:05:00"),
        ("2009-01-31 24:00", "2009-02-01T00:00:00"),
        ("8:30", "1970-01-01T08:30:00"),
    ],
)
def test_a_time_is_read(text, expected):
    assert parse_time(text).isoformat() == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "May", "1.5", "12", "2009-02-30", "31.13.2009", "2009-01-31 25:00"),
        *("2009-01-31 13:00 pm", "2009-01-31x05:03", "31 Foo 2009", "1/2", "1.2.333"),
        *("abc 8:30", "2009-01-31 05:03 sharp", "1 Jan 2 2009", "10000-01-01"),
        *("9999-12-31 24:00", "123.1.2009"),
    ],
)
def test_what_is_no_time_is_none(text):
    assert parse_time(text) is None


@pytest.mark.parametrize(
    ("cells", "order", "note"),
    [
        (["2020-01-02"], "year first", ""),
        (["1.2.2020", "3.2.2020"], "day first", ""),
        (["1/2/2020", "1/30/2020"], "month first", ""),
        (["30/1/2020", "1/2/2020"], "day first", ""),
        (["20-05-12", "99-05-12"], "year first", ""),
        (["1/2/2020", "2/1/2020"], "month first", ""),
        (["2/1/2020", "1/2/2020"], "day first", ""),
        (["5/5/2020", "6/6/2020"], "month first", ""),
        (
            ["1/2/2020", "1/3/2020"],
            "month first",
            "Days and months cannot be told apart: '1/2/2020' is read month first.",
        ),
        (
            ["1-2-2020", "1-3-2020"],
            "day first",
            "Days and months cannot be told apart: '1-2-2020' is read day first.",
        ),
    ],
)
def test_the_order_of_day_and_month_is_found(cells, order, note):
    parsed = parse_times(cells)
    assert (parsed.order, parsed.note) == (order, note)
    assert not parsed.unreadable


def test_times_that_cannot_be_read_are_counted():
    parsed = parse_times(["13.1.2020", "1.13.2020", "2.2.2020", None, "soon", "soon"])
    assert parsed.unreadable == {"1.13.2020": 1, "soon": 2}
    assert np.isnat(parsed.times).tolist() == [False, True, False, True, True, True]


def test_the_order_can_be_said():
    times = parse_times(["1.2.2020"], "month first").times
    assert times.astype("M8[D]").astype(str).tolist() == ["2020-01-02"]
    sentence = (
        "parse_times: expected an order of 'year first', 'day first' or 'month first', "
        "got 'dmy'. It says how 01.02.03 is read."
    )
    with refused(ConfigError, sentence):
        parse_times(["1.2.2020"], "dmy")


# Lengths of time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("24h", Duration(86_400_000_000)),
        ("1.5 hours", Duration(5_400_000_000)),
        ("10 Min", Duration(600_000_000)),
        ("20ms", Duration(20_000)),
        ("2 weeks", Duration(1_209_600_000_000)),
        ("year", Duration(0, 12)),
        ("3 months", Duration(0, 3)),
    ],
)
def test_a_length_of_time_is_read(text, expected):
    assert parse_duration(text, "horizon") == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "0h", "1.5 months", "-1h", "5", "3 moons"]
)
def test_what_is_no_length_of_time_is_refused(text):
    sentence = (
        f"horizon: expected a length of time, got {text!r}. Write it as '24h', "
        "'10 min', '5 days', '12 months', or as a number of rows."
    )
    with refused(ConfigError, sentence):
        parse_duration(text, "horizon")


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (Duration(604_800_000_000), "1 week"),
        (Duration(86_400_000_000 * 3), "3 days"),
        (Duration(1_500_000), "1500 ms"),
        (Duration(1_234), "0.001234 seconds"),
        (Duration(0, 3), "3 months"),
        (Duration(0, 24), "2 years"),
    ],
)
def test_a_length_of_time_is_said_in_its_largest_unit(duration, words):
    assert str(duration).replace(",", "") == words


@pytest.mark.parametrize(
    ("length", "step", "rows"),
    [
        (5, Duration(1), 5),
        ("1h", Duration(600_000_000), 6),
        ("year", Duration(0, 3), 4),
    ],
)
def test_a_length_is_counted_in_rows(length, step, rows):
    assert count_rows(length, step, "history") == rows


@pytest.mark.parametrize(
    ("length", "step", "sentence"),
    [
        (
            "15 min",
            Duration(600_000_000),
            "history: expected a multiple of the series' step of 10 minutes, got "
            "'15 min'. Give such a length, or a number of rows.",
        ),
        (
            "1h",
            Duration(0, 1),
            "history: expected a multiple of the series' step of 1 month, got '1h'. "
            "Give such a length, or a number of rows.",
        ),
        (
            0,
            Duration(0, 1),
            "history: expected at least 1 row, got 0. Give a number of rows, or a "
            "length of time such as '24h'.",
        ),
    ],
)
def test_a_length_that_is_no_number_of_rows_is_refused(length, step, sentence):
    with refused(ConfigError, sentence):
        count_rows(length, step, "history")


@pytest.mark.parametrize(
    ("times", "step", "numbers"),
    [
        (["2020-01-01"], Duration(0), [0]),
        (
            ["2020-01-01", "2020-01-02", "2020-01-04"],
            Duration(86_400_000_000),
            [0, 1, 3],
        ),
        (["2020-01-15", "2020-02-15", "2020-04-15"], Duration(0, 1), [0, 1, 3]),
        (["2020-01-31", "2020-02-29", "2020-03-31"], Duration(0, 1), [0, 1, 2]),
        (["2020-01-01", "2021-01-01", "2022-01-01"], Duration(0, 12), [0, 1, 2]),
    ],
)
def test_the_step_of_a_series_is_found(times, step, numbers):
    times = np.array(times, dtype="M8[us]")
    assert find_step(times) == step
    assert places(times, step).tolist() == numbers


# Series


@pytest.mark.parametrize(
    ("times", "values", "sentence"),
    [
        (
            days("2020-01-01", "2020-01-03"),
            np.zeros((3, 1)),
            "s: expected a row of values for each of at least one time and a column "
            "for each name, (2, 1), got (3, 1). Look at what made the series.",
        ),
        (
            days("2020-01-01", "2020-01-03")[::-1],
            np.zeros((2, 1)),
            "s: expected times that go forward, got 2020-01-01 after "
            "2020-01-02 at row 2. Sort the rows, and keep one of each "
            "time.",
        ),
        (
            days("2020-01-01", "2020-01-03"),
            np.array([[1.0], [np.nan]]),
            "s: expected finite numbers, got nan in the column 'rain' at row 2. Fill "
            "the gap first; as_series does.",
        ),
    ],
)
def test_a_series_that_is_none_is_refused(times, values, sentence):
    with refused(DataError, sentence):
        TimeSeries(times, values, ("rain",), "s")


def test_a_series_tells_its_columns_steps_and_gaps():
    times = np.array(["2020-01-01", "2020-01-02", "2020-01-05"], "M8[us]")
    series = TimeSeries(times, np.arange(6.0).reshape(3, 2), ("rain", "sun"), "s")
    assert repr(series) == "TimeSeries('s', 3 rows, 2 columns)"
    assert series.column("sun").tolist() == [1, 3, 5]
    assert [(gap.row, gap.num_missing) for gap in series.gaps] == [(1, 2)]
    assert np.shares_memory(series.rows(1, 3).values, series.values)
    sentence = (
        "s: expected a column 'son' of numbers, got 2 others. Did you mean 'sun'?"
    )
    with refused(DataError, sentence):
        series.column("son")


@pytest.mark.parametrize(
    ("name", "cells", "first"),
    [
        (
            "Date Time",
            ["01.01.2009 00:10:00", "01.01.2009 00:20:00"],
            "2009-01-01T00:10",
        ),
        ("year", [1949, 1950], "1949-01-01T00:00"),
        ("Year", ["1949", "1950"], "1949-01-01T00:00"),
        ("date", ["20090131", "20090201"], "2009-01-31T00:00"),
        ("timestamp", [1_230_768_000, 1_230_768_600], "2009-01-01T00:00"),
        ("ts", [1_230_768_000_000, 1_230_768_600_000], "2009-01-01T00:00"),
        ("ts", np.array(["2009-01-01", "2009-01-02"], "M8[ns]"), "2009-01-01T00:00"),
        ("when", pd.date_range("2009-01-01", periods=2, freq="h"), "2009-01-01T00:00"),
    ],
)
def test_the_column_of_times_is_found(name, cells, first):
    series = as_series({"place": ["a", "b"], "rain": [0.5, 1.5], name: cells})
    assert str(series.times[0])[:16] == first
    assert series.feature_names == ("rain",)
    assert series.notes == ("Column 'place' is left out: it holds texts.",)


def test_a_series_stays_as_it_is_and_a_sample_becomes_one():
    times = days("2020-01-01", "2020-01-03")
    sample = SimpleNamespace(
        name="jena", times=times, values=np.zeros((2, 1)), feature_names=("rain",)
    )
    series = as_series(sample)
    assert (series.name, series.feature_names) == ("jena", ("rain",))
    assert as_series(series) is series


def test_rows_that_come_twice_are_told_and_kept_once():
    # As in the weather of Jena: a block of rows comes again.
    rows = {"t": ["2020-01-01", "2020-01-02", "2020-01-01", "2020-01-02", "2020-01-03"]}
    series = as_series({**rows, "rain": [1, None, 1, None, 3]})
    assert series.values.ravel().tolist() == [1, 1, 3]
    assert series.notes == (
        "2 rows come twice, with the same values, and are kept once.",
        "Column 'rain': 1 missing value is filled with the last known one.",
    )


def test_one_row_that_comes_twice_is_told():
    rows = {"t": ["2020-01-01", "2020-01-01", "2020-01-02"], "rain": [1, 1, 2]}
    note = "1 row comes twice, with the same values, and is kept once."
    assert as_series(rows).notes == (note,)


def test_two_values_of_one_time_are_told_and_the_first_is_kept():
    rows = {"t": ["2020-01-01", "2020-01-01", "2020-01-02"], "rain": [1, 2, 3]}
    series = as_series(rows)
    assert series.values.ravel().tolist() == [1, 3]
    assert series.notes == (
        "1 of 3 rows has the time of the row before (the first: "
        "2020-01-01); the first of each is kept.",
    )


def test_missing_numbers_take_the_last_known_one():
    rows = {
        "t": [f"2020-01-0{day}" for day in range(1, 6)],
        "rain": ["?", "1", None, "", "5"],
        "sun": [*"1234567890123456789"][:5],
        "wind": [None] * 5,
    }
    series = as_series(rows)
    assert series.column("rain").tolist() == [1, 1, 1, 1, 5]
    assert series.notes == (
        "Column 'wind' is left out: it is empty.",
        "Column 'rain': 3 missing values are filled with the last known one; 1 at the "
        "beginning take the first known one.",
    )


def test_texts_among_numbers_are_told_and_missing():
    rows = {
        "t": days("2020-01-01", "2020-01-21"),
        "rain": ["wet", *(str(n) for n in range(19))],
    }
    series = as_series(rows)
    assert series.column("rain")[:3].tolist() == [0, 0, 1]
    assert "Column 'rain': not numbers, so taken as missing: 'wet'." in series.notes


def test_gaps_are_told():
    rows = {"t": ["2020-01-01", "2020-01-02", "2020-01-05", "2020-01-06", "2020-01-09"]}
    series = as_series({**rows, "rain": range(5)})
    assert series.notes == (
        "2 gaps in time, 4 rows of 1 day in all; the longest from "
        "2020-01-02 to 2020-01-05.",
    )


def test_rows_can_be_sorted():
    rows = {"t": ["2020-01-02", "2020-01-01", "2020-01-03"], "rain": [2, 1, 3]}
    series = as_series(rows, sort=True)
    assert series.values.ravel().tolist() == [1, 2, 3]
    assert series.notes == ("The rows were not in the order of time; now they are.",)


def test_columns_can_be_chosen():
    rows = {"t": days("2020-01-01", "2020-01-03"), "rain": [1, 2], "sun": [3, 4]}
    assert as_series(rows, columns=["sun"]).feature_names == ("sun",)


GOOD = {"t": ["2020-01-01", "2020-01-02"], "rain": [1, 2]}


@pytest.mark.parametrize(
    ("rows", "options", "sentence"),
    [
        (
            GOOD,
            {"time": "tt"},
            "table: expected a column 'tt', got 2 others. Did you mean 't'?",
        ),
        (
            {"rain": [1, 2], "city": ["a", "b"]},
            {},
            "table: expected a column of times, got 'rain', 'city'. Name it: "
            "time='column'; it holds dates such as 2020-01-31 12:00.",
        ),
        (
            {"t": ["2020-01-01", "soon"], "rain": [1, 2]},
            {"time": "t"},
            "table: expected a time in the column 't', got 'soon' at row 2. Mend the "
            "cell, leave the row out, or name another column: time='column'.",
        ),
        (
            {"t": ["2020-01-01", None, None], "rain": [1, 2, 3]},
            {"time": "t"},
            "table: expected a time in the column 't', got nothing at row 2 (2 such "
            "rows). Mend the cell, leave the row out, or name another column: "
            "time='column'.",
        ),
        (
            GOOD,
            {"time": "rain"},
            "table: expected a time in the column 'rain', got '1' at row 1. Mend the "
            "cell, leave the row out, or name another column: time='column'.",
        ),
        (
            {"t": [0.5, 1.5], "rain": [1, 2]},
            {"time": "t"},
            "table: expected a time in the column 't', got '0.5' at row 1. Mend the "
            "cell, leave the row out, or name another column: time='column'.",
        ),
        (
            {"t": [2020, None], "rain": [1, 2]},
            {"time": "t"},
            "table: expected a time in the column 't', got nothing at row 2. Mend the "
            "cell, leave the row out, or name another column: time='column'.",
        ),
        (
            {**GOOD, "city": ["a", "b"]},
            {"columns": ["rain", "city"]},
            "table: expected numbers in the column 'city', got 'a'. Choose other "
            "columns.",
        ),
        (
            GOOD,
            {"columns": ["rains"]},
            "table: expected a column 'rains', got 2 others. Did you mean 'rain'?",
        ),
        (
            {"t": ["2020-01-01", "2020-01-02"], "city": ["a", "b"]},
            {},
            "table: expected a column of numbers beside the times, got 'city'. Look at "
            "the file.",
        ),
        (
            {"t": ["2020-01-02", "2020-01-01"], "rain": [1, 2]},
            {},
            "table: expected times that go forward, got 2020-01-01 "
            "after 2020-01-02. Use sort=True if the rows are only "
            "mixed; else look for two series in one file.",
        ),
        (
            {"t": [f"2020-01-0{d}" for d in (3, 2, 3, 1)], "rain": [1, 2, 3, 4]},
            {},
            "table: expected times that go forward, got 2020-01-02 "
            "after 2020-01-03 (2 such places). Use sort=True if the "
            "rows are only mixed; else look for two series in one file.",
        ),
        (
            {"t": ["2020-01-01", "2020-01-01"], "rain": [1, 2]},
            {},
            "table: expected one row for each time, got 2 rows for 1 times, such as "
            "2020-01-01. There are several series in the file: give "
            "one, or a column for each.",
        ),
    ],
)
def test_a_table_that_is_no_series_is_refused(rows, options, sentence):
    with refused(DataError, sentence):
        as_series(rows, **options)


# Files


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl", "ndjson"])
def test_files_of_every_kind_give_the_same_series(tmp_path, suffix):
    frame = pd.DataFrame(
        {"when": pd.date_range("2009-01-01", periods=3, freq="10min"), "T": [1.5, 2, 3]}
    )
    path = tmp_path / f"weather.{suffix}"
    if suffix == "csv":
        frame.to_csv(path, index=False)
    elif suffix == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_json(path, orient="records", lines=True, date_format="iso")
    series = read_series(path)
    assert (series.name, str(series.step)) == (f"weather.{suffix}", "10 minutes")
    assert series.column("T").tolist() == [1.5, 2, 3]


def test_lines_of_json_keep_their_kinds_and_gaps(tmp_path):
    path = tmp_path / "t.jsonl"
    lines = [
        '{"n": 1, "text": "Ёж", "flag": true}', "", '{"n": 2.5, "more": [1, 2]}',
        '{"text": " a ", "n": null}',
    ]  # fmt: skip
    path.write_text("\n".join(lines), encoding="utf-8")
    table = read_json_lines(path)
    assert (table.name, table.names) == ("t.jsonl", ("n", "text", "flag", "more"))
    assert np.array_equal(table.column("n"), [1, 2.5, np.nan], equal_nan=True)
    assert table.column("text") == ["Ёж", None, "a"]
    assert table.column("flag") == ["True", None, None]
    assert table.column("more") == [None, "[1, 2]", None]


def test_lines_of_json_of_older_programs_are_read_with_a_note(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_bytes('{"text": "Käse"}'.encode("cp1252"))
    table = read_json_lines(path)
    assert table.column("text") == ["Käse"]
    assert "Windows-1252" in table.notes[0]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            '{"a": 1}\n{"a": ',
            "t.jsonl, line 2: expected an object of JSON, got something that cannot be "
            "read (Expecting value at column 7). Mend the line; each is an object of "
            "its own.",
        ),
        (
            "[1]",
            "t.jsonl, line 1: expected an object of JSON, got list. Write each line "
            'like {"text": "..."}.',
        ),
        (
            '{"a": ' + "[" * 100_000,
            "t.jsonl, line 1: expected an object of texts and numbers, got one nested "
            "too deep. Mend the line.",
        ),
        (
            "\n\n",
            "t.jsonl: expected an object of JSON in each line, got an empty file. Look "
            "at what wrote it.",
        ),
    ],
)
def test_lines_that_are_no_objects_are_refused(tmp_path, content, sentence):
    (tmp_path / "t.jsonl").write_text(content, encoding="utf-8")
    with refused(DataError, sentence):
        read_table(tmp_path / "t.jsonl")


def test_a_file_of_json_that_is_missing_is_named(tmp_path):
    path = tmp_path / "t.jsonl"
    sentence = f"{path}: expected a file, got no such file. Look at the path."
    with refused(DataError, sentence):
        read_json_lines(path)


def test_parquet_columns_keep_their_kinds(tmp_path):
    frame = pd.DataFrame(
        {
            "number": [1, 2],
            "gap": pd.array([1, None], dtype="Int64"),
            "text": ["a", None],
            "zone": pd.date_range("2009-01-01", periods=2, tz="Europe/Berlin"),
            "time": pd.to_datetime(["2009-01-01", None]),
        }
    )
    frame.to_parquet(tmp_path / "t.pq")
    table = read_table(tmp_path / "t.pq")
    assert table.column("number").tolist() == [1, 2]
    assert np.isnan(table.column("gap")).tolist() == [False, True]
    assert table.column("text") == ["a", None]
    assert table.column("zone")[0] == "2009-01-01 00:00:00+01:00"
    assert table.column("time") == ["2009-01-01T00:00:00.000000", None]


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    path = tmp_path / "t.parquet"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(
        DataError,
        match=r"^t\.parquet: expected a Parquet file, got: .* Write it again, or save "
        r"it as CSV\.$",
    ):
        read_parquet(path)


def test_a_parquet_file_that_is_not_there_is_refused_with_a_near_miss(tmp_path):
    (tmp_path / "weather.parquet").touch()
    path = tmp_path / "wether.parquet"
    sentence = (
        f"{path}: expected a file, got no such file. Did you mean 'weather.parquet'?"
    )
    with refused(DataError, sentence):
        read_parquet(path)


def test_an_encoding_for_parquet_is_refused(tmp_path):
    sentence = (
        "read_table: expected no encoding for t.parquet, got 'latin-1'. Parquet files "
        "say themselves how they are written."
    )
    with refused(ConfigError, sentence):
        read_table(tmp_path / "t.parquet", encoding="latin-1")


def test_parquet_without_its_library_says_what_to_install(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name == "pyarrow":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    sentence = (
        "t.parquet: expected the library pyarrow, which reads Parquet, got none. "
        "Install it with: pip install 'mica-learn[tables]'."
    )
    with refused(MissingDependencyError, sentence):
        read_parquet(tmp_path / "t.parquet")
