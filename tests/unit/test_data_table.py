"""Tables: raw columns of any holder, what each column is, and how it is encoded."""

import json
import re

import numpy as np
import pandas
import polars
import pytest

from mica.data import TableEncoder, as_table, prepare_table
from mica.data.table.cells import as_cells, is_date, is_missing, parse_number
from mica.data.table.columns import CategoryColumn, NumberColumn
from mica.data.table.kinds import inspect_column
from mica.data.table.target import (
    ClassTarget,
    NumberTarget,
    choose_task,
    usable_rows,
)
from mica.errors import ConfigError, DataError, StateError

DAMAGED = "The file is damaged or was not written by Mica."


def refused(error, sentence):
    return pytest.raises(error, match=f"^{re.escape(sentence)}$")


def column(table, name="a"):
    cells = table.column(name)
    return cells.tolist() if isinstance(cells, np.ndarray) else cells


# Cells


@pytest.mark.parametrize(
    "value",
    [None, "", "  ", "NA", "na", "N/A", "#N/A", "NaN", "?", "NULL", "None", "<NA>"],
    ids=repr,
)
def test_a_mark_of_a_gap_is_missing(value):
    assert is_missing(value)


@pytest.mark.parametrize(
    "value",
    [float("nan"), np.float32("nan"), pandas.NA, pandas.NaT, np.datetime64("NaT")],
    ids=repr,
)
def test_what_libraries_put_into_a_gap_is_missing(value):
    assert is_missing(value)


@pytest.mark.parametrize("value", ["-", "0", "no", 0, False, float("inf"), "nano"])
def test_anything_else_is_not_missing(value):
    assert not is_missing(value)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        ("-1.5e3", -1500),
        ("+.5", 0.5),
        ("5.", 5),
        (" 7 ", 7),
        ("1 234", 1234),
        ("1\u00a0234\u00a0567.5", 1234567.5),
        ("1\u202f234", 1234),
        ("1'234.5", 1234.5),
        ("-1,234,567", -1234567),
        ("1,234.5", 1234.5),
        ("1,23", None),
        ("12 34", None),
        ("1_000", None),
        ("0x10", None),
        ("inf", None),
        ("1e999", None),
        ("<5", None),
        ("5 mg", None),
        ("٣", None),
    ],
)
def test_numbers_are_read_as_people_write_them(text, number):
    assert parse_number(text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3,5", 3.5),
        ("1.234,5", 1234.5),
        ("1.234", 1234),
        ("1 234,5", 1234.5),
        ("7", 7),
        ("1,5e2", 150),
        ("1.5", None),
        ("1,5,5", None),
        ("12.05.2020", None),
    ],
)
def test_a_decimal_comma_is_read_where_it_is_used(text, number):
    assert parse_number(text, ",") == number


@pytest.mark.parametrize(
    "text",
    [
        "2020-05-12",
        "2020/5/2",
        "12.05.2020",
        "12.5.20",
        "5/12/2020",
        "08:30",
        "2020-05-12T08:30:00Z",
        "2020-05-12 08:30:00.123+02:00",
        "12-May-20",
        "12 may 2020",
        "3 Mär 2020",
        "May 12, 2020",
        "Sept. 1, 2020",
        "5/12/2020 8:30 PM",
    ],
)
def test_dates_and_times_look_like_dates(text):
    assert is_date(text)


@pytest.mark.parametrize(
    "text", ["2020", "1.5", "12-34", "1.2.3.4", "May", "10-20 years", "Room 12, 1999"]
)
def test_other_texts_do_not_look_like_dates(text):
    assert not is_date(text)


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        ([1, None, 2.5], [1, None, 2.5]),
        (np.array([1, 2], dtype="uint8"), [1, 2]),
        ([" a", None, "?"], ["a", None, None]),
        ([True, False], ["True", "False"]),
        (np.array([True]), ["True"]),
        ([1, "x", 2.0, 0.5], ["1", "x", "2", "0.5"]),
        ([None, None], [None, None]),
    ],
    ids=str,
)
def test_a_column_is_numbers_or_texts(values, cells):
    found = as_cells(values)
    if isinstance(found, np.ndarray):
        found = [None if np.isnan(value) else value for value in found]
    assert found == cells


# Tables


HOLDERS = {
    "columns": {"a": [1, None], "b": ["x", "y"]},
    "rows": [{"a": 1, "b": "x"}, {"b": "y"}],
    "pandas": pandas.DataFrame({"a": [1, None], "b": ["x", "y"]}),
    "pandas nullable": pandas.DataFrame(
        {"a": pandas.array([1, None], dtype="Int64"), "b": ["x", "y"]}
    ),
    "polars": polars.DataFrame({"a": [1, None], "b": ["x", "y"]}),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_table_is_made_of_whatever_holds_columns(holder):
    table = as_table(HOLDERS[holder])
    assert table.names == ("a", "b")
    assert str(column(table)) == "[1.0, nan]"
    assert column(table, "b") == ["x", "y"]


def test_one_dict_of_values_is_one_row():
    table = as_table({"a": 1, "b": None})
    assert len(table) == 1
    assert column(table, "b") == [None]


def test_a_table_stays_as_it_is():
    table = as_table({"a": [1]})
    assert as_table(table) is table


def test_frames_with_dates_booleans_and_categories_become_texts():
    frame = pandas.DataFrame(
        {
            "a": pandas.to_datetime(["2020-01-02", None]),
            "b": [True, False],
            "c": pandas.Categorical(["u", None]),
        }
    )
    table = as_table(frame)
    assert column(table) == ["2020-01-02 00:00:00", None]
    assert column(table, "b") == ["True", "False"]
    assert column(table, "c") == ["u", None]


def test_columns_of_one_name_are_told_apart():
    frame = pandas.DataFrame([[1, 2]], columns=["a", "a"])
    assert as_table(frame).names == ("a", "a (2)")


def test_numbers_as_names_become_texts():
    assert as_table(pandas.DataFrame(np.ones((1, 2)))).names == ("0", "1")


def test_a_column_can_be_left_out():
    table = as_table({"a": [1], "b": [2]})
    assert table.without("a").names == ("b",)
    assert table.without("c").names == ("a", "b")


def test_rows_without_a_value_are_left_out_aloud():
    table = as_table({"a": ["x", None, "?", "y"]}).drop_missing("a")
    assert column(table) == ["x", "y"]
    assert table.notes == ("2 of 4 rows have no value in 'a' and are left out.",)
    assert table.drop_missing("a") is table


NO_TABLE = {
    "a column that is not there": (
        lambda: as_table({"age": [1]}).column("aeg"),
        "table: expected a column 'aeg', got 1 other. Did you mean 'age'?",
    ),
    "an empty column": (
        lambda: as_table({"a": [None, None]}).drop_missing("a"),
        "table: expected values in column 'a', got none in 2 rows. Choose another "
        "column.",
    ),
    "columns of two lengths": (
        lambda: as_table({"a": [1], "b": [1, 2]}),
        "table: expected 1 rows as in column 'a', got 2 in column 'b'. Give all "
        "columns one length.",
    ),
    "no rows": (
        lambda: as_table(pandas.DataFrame({"a": []})),
        "table: expected at least one column and one row, got 1 columns and no row. "
        "Look at what made the table.",
    ),
    "an empty dict": (
        lambda: as_table({}),
        "table: expected at least one column and one row, got 0 columns and no row. "
        "Look at what made the table.",
    ),
    "an empty list": (
        lambda: as_table([]),
        "table: expected a frame, a dict of columns or a list of dicts, got an empty "
        "list. Read a file with mica.data.read_csv(path).",
    ),
    "a file's name": (
        lambda: as_table("data.csv"),
        "table: expected a frame, a dict of columns or a list of dicts, got the text "
        "'data.csv'. Read a file with mica.data.read_csv(path).",
    ),
    "an array": (
        lambda: as_table(np.ones(3)),
        "table: expected a frame, a dict of columns or a list of dicts, got an object "
        "of type ndarray. Read a file with mica.data.read_csv(path).",
    ),
}


@pytest.mark.parametrize("case", NO_TABLE)
def test_what_is_no_table_is_refused(case):
    call, sentence = NO_TABLE[case]
    with refused(DataError, sentence):
        call()


# Kinds


COUNTING = "an identifier: whole numbers that count the rows"
BY_NAME = "an identifier: its name says so and its numbers rarely repeat"
KINDS = {
    "numbers": ("a", ["1", "2.5", None, "1"], "number", ""),
    "whole numbers": ("a", [3, 1, 3, 2], "number", ""),
    "spaced numbers": ("a", ["1 200", "3 400", "1 200"], "number", ""),
    "numbers and one slip": ("a", ["1", "2"] * 5 + ["<5"], "number", ""),
    "numbers and many words": ("a", ["1", "2", "1", "x", "y", "x"], "category", ""),
    "one number and gaps": ("a", [1, None, 1], "number", ""),
    "words": ("a", ["x", "y", "x"], "category", ""),
    "yes and no": ("a", ["yes", "no", "no"], "category", ""),
    "one word and gaps": ("a", ["x", None, "x"], "category", ""),
    "codes": ("a", ["010", "020", "010"], "category", ""),
    "dates": ("a", ["2020-01-01", "2020-01-02", None], "date", ""),
    "one date": ("a", ["1.1.20"] * 3, "left out", "constant: always '1.1.20'"),
    "one date and gaps": ("a", ["2020-01-01", None], "date", ""),
    "dates and a slip": ("a", ["1.1.20", "2.1.20"] * 5 + ["soon"], "date", ""),
    "dates and many words": ("a", ["1.1.20", "x", "x"] * 2, "category", ""),
    "empty": ("a", [None, None], "left out", "empty: no value in any row"),
    "empty numbers": (
        "a",
        np.array([np.nan, np.nan]),
        "left out",
        "empty: no value in any row",
    ),
    "a constant": ("a", ["x", "x"], "left out", "constant: always 'x'"),
    "a constant number": ("a", [2.5, 2.5], "left out", "constant: always 2.5"),
    "names": (
        "a",
        ["ann", "bob", "eve"],
        "left out",
        "an identifier or text: every value differs",
    ),
    "numbers of patients": ("Patient ID", [17, 3, 99, 4, 4], "left out", BY_NAME),
    "camel case": ("patientId", [17, 3, 99, 4], "left out", BY_NAME),
    "pandas' index": ("Unnamed: 0", [2, 0, 1], "left out", BY_NAME),
    "an id that repeats": ("ward_id", [1, 2] * 5, "number", ""),
    "fractions called id": ("id", [0.5, 1.5, 2.5], "number", ""),
    "a counter": ("a", [*range(40)], "left out", COUNTING),
    "a shuffled counter": ("a", [*range(40, 0, -2)], "left out", COUNTING),
    "few whole numbers": ("a", [*range(19)], "number", ""),
    "rare words": (
        "a",
        [f"word {index}" for index in range(25)] + ["word 0"],
        "left out",
        "text: 25 different values in 26 rows",
    ),
    "prose": (
        "a",
        [f"{index} " + "long " * 12 for index in range(21)] * 3,
        "left out",
        "text: 21 different values in 63 rows",
    ),
    "many categories": ("a", [f"c{index}" for index in range(25)] * 3, "category", ""),
}


@pytest.mark.parametrize("case", KINDS)
def test_a_column_is_seen_for_what_it_is(case):
    name, values, kind, reason = KINDS[case]
    found = inspect_column(name, as_cells(values))
    assert (found.kind, found.reason) == (kind, reason)


def test_the_user_knows_better():
    def kind(values, wanted):
        return inspect_column("id", as_cells(values), wanted=wanted).kind

    assert kind([*range(40)], "number") == "number"
    assert kind([1, 2, 1], "category") == "category"
    assert kind([1, 2, 1], "left out") == "left out"
    assert kind(["1", "x", "y"], "number") == "number"


def test_a_kind_that_is_none_is_refused():
    sentence = (
        "kinds: expected 'number', 'category', 'date' or 'left out' for column 'a', "
        "got 'text'. Leave the column out of kinds to let Mica decide."
    )
    with refused(ConfigError, sentence):
        inspect_column("a", ["1"], wanted="text")


def test_words_are_no_dates_whatever_the_user_says():
    sentence = (
        "kinds: expected dates in column 'a', got none in 1 rows. Call it a category."
    )
    with refused(ConfigError, sentence):
        inspect_column("a", ["x"], wanted="date")


def test_years_can_be_dates():
    found = inspect_column("a", as_cells(["1949", "1950", None]), wanted="date")
    assert (found.kind, found.num_missing) == ("date", 1)


def test_words_are_no_numbers_whatever_the_user_says():
    sentence = (
        "kinds: expected numbers in column 'a', got none in 2 rows. Call it a category."
    )
    with refused(ConfigError, sentence):
        inspect_column("a", ["x", "y"], wanted="number")


# Columns


def test_a_number_is_standardised_and_a_gap_marked():
    number = NumberColumn("age", mean=2.0, scale=4.0, fill=6.0, has_missing=True)
    assert number.transform(["10", None]).tolist() == [[2, 0], [1, 1]]
    assert number.feature_names == ["age", "age is missing"]


def test_a_text_among_numbers_is_refused_at_prediction():
    sentence = (
        "column 'age': expected a number, got 'old' in row 1. Leave the field empty if "
        "the value is not known."
    )
    with refused(DataError, sentence):
        NumberColumn("age", mean=0.0, scale=1.0, fill=0.0).transform(["1", "old"])


def test_infinity_among_numbers_is_refused_at_prediction():
    sentence = (
        "column 'age': expected a number, got 'inf' in row 1. Leave the field empty if "
        "the value is not known."
    )
    with refused(DataError, sentence):
        NumberColumn("age", mean=0.0, scale=1.0, fill=0.0).transform(
            np.array([1.0, np.inf])
        )


def test_a_text_that_was_a_gap_in_training_is_one_at_prediction():
    number = NumberColumn("age", mean=0.0, scale=1.0, fill=3.0, unreadable=["old"])
    assert number.transform(["old"]).tolist() == [[3]]


def test_a_number_far_beyond_training_is_refused():
    sentence = (
        "column 'age': expected numbers near 5, got 1e+300 in row 1. Look for a slip "
        "of the pen."
    )
    with refused(DataError, sentence):
        NumberColumn("age", mean=5.0, scale=1.0, fill=0.0).transform(["1", "1e300"])


def test_numbers_too_large_to_learn_from_are_refused():
    sentence = (
        "column 'a': expected numbers that can be squared, got 1e+308. Look for a slip "
        "of the pen, or scale the column."
    )
    with refused(DataError, sentence):
        TableEncoder().fit({"a": [1e308, -1e308, 1.0]})


def test_rounding_errors_are_not_blown_up():
    encoder = TableEncoder().fit({"a": [0.1 + 0.2, 0.3, 0.3]})
    assert np.abs(encoder.transform({"a": [0.3]})).max() < 1


@pytest.mark.parametrize("scale", [0.0, float("nan"), "1"])
def test_a_damaged_number_column_is_refused(scale):
    sentence = (
        "NumberColumn 'age': expected finite mean, scale and fill and a scale above 0, "
        f"got 0.0, {scale!r} and 0.0. {DAMAGED}"
    )
    with refused(ConfigError, sentence):
        NumberColumn("age", mean=0.0, scale=scale, fill=0.0)


def test_a_damaged_category_column_is_refused():
    sentence = (
        "CategoryColumn 'sex': expected texts as name and categories, got [1]. "
        f"{DAMAGED}"
    )
    with refused(ConfigError, sentence):
        CategoryColumn("sex", categories=[1])


def test_gaps_that_training_never_saw_are_in_no_category():
    category = CategoryColumn("sex", categories=["f", "m"])
    assert category.transform([None, "m"]).tolist() == [[0, 0], [0, 1]]


# The target


TASKS = {
    "words": (
        ["b", "a", "b"],
        ("a", "b"),
        "classification: 'y' holds 2 different texts",
    ),
    "two numbers": (
        [0, 1, 1],
        ("0", "1"),
        "classification: 'y' holds only 2 different whole numbers in 3 rows; "
        "task='regression' would predict the number",
    ),
    "few numbers": (
        ["10", "2", "1"] * 5,
        ("1", "2", "10"),
        "classification: 'y' holds only 3 different whole numbers in 15 rows; "
        "task='regression' would predict the number",
    ),
    "many whole numbers": (
        [*range(30)],
        (),
        "regression: 'y' holds different whole numbers, 30 of them distinct",
    ),
    "repeating whole numbers of a small table": (
        [1, 2, 3, 1, 2, 3],
        (),
        "regression: 'y' holds different whole numbers, 3 of them distinct",
    ),
    "fractions": (
        ["0.5", "1.5"],
        (),
        "regression: 'y' holds fractional numbers, 2 of them distinct",
    ),
    "booleans": (
        [True, False, True],
        ("False", "True"),
        "classification: 'y' holds 2 different texts",
    ),
    "two words that both differ": (
        ["x", "y"],
        ("x", "y"),
        "classification: 'y' holds 2 different texts",
    ),
}


@pytest.mark.parametrize("case", TASKS)
def test_the_task_is_decided_from_the_column(case):
    values, names, reason = TASKS[case]
    choice = choose_task(as_table({"y": values}), "y")
    assert choice.label_names == names
    assert choice.reason == reason


def test_the_user_decides_the_task():
    table = as_table({"y": [*range(30)]})
    assert choose_task(table, "y", "classification").reason == (
        "classification: you said so"
    )
    assert choose_task(as_table({"y": [0, 1, 1]}), "y", "regression").reason == (
        "regression: you said so"
    )


def test_spellings_of_a_class_are_one_aloud():
    choice = choose_task(as_table({"y": ["Yes", "yes", "yes", "no"]}), "y")
    assert choice.label_names == ("no", "yes")
    assert choice.counts == (1, 3)
    assert choice.notes == (
        "Classes that differ only in capitals are one: 'Yes' is 'yes'.",
        "Class 'no' has one row: it can be learned from, but not judged.",
    )


def test_forms_of_a_number_are_one_class():
    table = as_table({"y": ["1", "1.0", "2", "2.0", "x", "x"]})
    choice = choose_task(table, "y", "classification")
    assert choice.label_names == ("1", "2", "x")
    target = ClassTarget("y", label_names=choice.label_names)
    assert target.encode(table).tolist() == [0, 0, 1, 1, 2, 2]


def test_a_slip_in_a_target_of_numbers_is_left_out_aloud():
    table = as_table({"y": ["0.5", "1.5", "2.5"] * 5 + ["?", "ill"]})
    choice = choose_task(table, "y")
    assert choice.task == "regression"
    assert choice.notes == ("1 row has no number in 'y' ('ill') and is left out.",)
    assert len(usable_rows(table, choice)) == 15


def test_slips_in_a_target_of_classes_are_left_out_aloud():
    table = as_table({"y": ["0", "1"] * 15 + ["x", "x"]})
    choice = choose_task(table, "y")
    assert choice.label_names == ("0", "1")
    assert choice.notes == ("2 rows have no number in 'y' ('x') and are left out.",)
    assert len(usable_rows(table, choice)) == 30


NO_TARGET = {
    "another name": (
        {"outcome": [1, 2]},
        None,
        "table: expected a column 'y', got 1 other. Choose from: outcome.",
    ),
    "one class": (
        {"y": ["x", "x", None]},
        None,
        "table: expected at least two classes in 'y', got only 'x' in 2 rows. Choose "
        "another target or bring rows of another class.",
    ),
    "one number": (
        {"y": [1, 1, 1]},
        None,
        "table: expected at least two classes in 'y', got only '1' in 3 rows. Choose "
        "another target or bring rows of another class.",
    ),
    "one fraction": (
        {"y": [0.5, 0.5]},
        None,
        "table: expected different numbers in 'y', got only 0.5 in 2 rows. Choose "
        "another target.",
    ),
    "no value": (
        {"y": [None, None]},
        None,
        "table: expected values in column 'y', got none in 2 rows. Choose another "
        "column.",
    ),
    "dates": (
        {"y": ["2020-01-01", "2020-01-02"]},
        None,
        "table: expected classes or numbers in 'y', got dates such as '2020-01-01'. "
        "Choose another target, or turn the dates into days.",
    ),
    "names": (
        {"y": ["ann", "bob", "eve"]},
        None,
        "table: expected classes or numbers in 'y', got 3 different texts in 3 rows. "
        "Choose another target, or say task='classification'.",
    ),
    "words for a regression": (
        {"y": ["x", "y", "x"]},
        "regression",
        "table: expected numbers in 'y' for a regression, got texts such as 'x'. "
        "Choose another target, or say task='classification'.",
    ),
}


@pytest.mark.parametrize("case", NO_TARGET)
def test_a_column_that_cannot_be_predicted_is_refused(case):
    columns, task, sentence = NO_TARGET[case]
    with refused(DataError, sentence):
        choose_task(as_table(columns), "y", task)


def test_a_task_that_is_none_is_refused():
    sentence = (
        "task: expected 'classification' or 'regression', got 'ranking'. Leave it out "
        "to let Mica decide from the column."
    )
    with refused(ConfigError, sentence):
        choose_task(as_table({"y": [0, 1]}), "y", "ranking")


@pytest.mark.parametrize(("value", "got"), [(None, "no value"), ("maybe", "'maybe'")])
def test_a_label_that_is_no_class_is_refused(value, got):
    sentence = (
        f"column 'y': expected one of the classes no, yes, got {got} in row 1. Leave "
        "such rows out."
    )
    with refused(DataError, sentence):
        ClassTarget("y", label_names=["no", "yes"]).encode(
            as_table({"y": ["yes", value]})
        )


@pytest.mark.parametrize(("value", "got"), [(None, "no value"), ("much", "'much'")])
def test_a_number_that_is_none_is_refused(value, got):
    sentence = (
        f"column 'y': expected a number, got {got} in row 1. Leave such rows out."
    )
    with refused(DataError, sentence):
        NumberTarget("y", mean=0.0, scale=1.0).encode(as_table({"y": ["1.5", value]}))


@pytest.mark.parametrize(
    "prediction",
    [[[0.9, 0.1], [0.2, 0.8]], [[0.1], [0.8]], [0.1, 0.8]],
    ids=["a column per class", "one column", "one number"],
)
def test_predictions_become_labels(prediction):
    target = ClassTarget("y", label_names=["no", "yes"])
    assert target.decode(prediction).tolist() == ["no", "yes"]


def test_predictions_of_another_width_are_refused():
    sentence = (
        "decode: expected 3 columns, one per class of 'y', got the shape (2, 1). Give "
        "what predict returned."
    )
    with refused(DataError, sentence):
        ClassTarget("y", label_names=["a", "b", "c"]).decode(np.ones((2, 1)))


def test_several_numbers_per_row_are_refused():
    sentence = (
        "decode: expected one number per row for 'y', got the shape (2, 3). Give what "
        "predict returned."
    )
    with refused(DataError, sentence):
        NumberTarget("y", mean=0.0, scale=1.0).decode(np.ones((2, 3)))


def test_a_damaged_class_target_is_refused():
    sentence = (
        "ClassTarget 'y': expected at least two texts as label_names, got ['a']. Name "
        "every class."
    )
    with refused(ConfigError, sentence):
        ClassTarget("y", label_names=["a"])


def test_a_damaged_number_target_is_refused():
    sentence = (
        "NumberTarget 'y': expected a finite mean and a scale above 0, got 0.0 and "
        f"0.0. {DAMAGED}"
    )
    with refused(ConfigError, sentence):
        NumberTarget("y", mean=0.0, scale=0.0)


# The encoder


ROWS = {
    "patient_id": [7, 12, 3, 44, 5, 6],
    "age": ["31", "42", None, "53", "64", "20"],
    "sex": ["f", "m", "F", None, "m", "m"],
    "ward": ["A", "A", "B", "B", "C", "A"],
    "seen": ["2020-01-01", "2020-01-02"] * 3,
    "ill": ["no", "yes"] * 3,
}


ROW = {"age": "30", "seen": "2020-01-01"}


def fitted(**options):
    return TableEncoder("ill", **options).fit(ROWS), ROWS


def test_every_column_finds_its_place():
    encoder, rows = fitted()
    assert encoder.feature_names == [
        "age",
        "age is missing",
        "sex = f",
        "sex = m",
        "sex is missing",
        "ward = A",
        "ward = B",
        "ward = C",
        "seen",
        "seen, sine of the week",
        "seen, cosine of the week",
    ]
    array = encoder.transform(rows)
    assert array.dtype == np.float32
    assert array[2, 1:8].tolist() == [1, 1, 0, 0, 0, 1, 0]
    assert encoder.encode_target(rows).tolist() == [0, 1] * 3


def test_what_was_decided_is_said():
    encoder, _ = fitted(max_categories=2)
    assert encoder.notes == [
        "Classification: 'ill' holds 2 different texts.",
        "Column 'patient_id' is left out: an identifier: its name says so and its "
        "numbers rarely repeat.",
        "Column 'age': 1 missing values are filled with the median and marked in a "
        "column of their own.",
        "Column 'sex': capital and small letters count the same: 'F'.",
        "Column 'ward': the 2 most frequent of 3 categories are kept.",
    ]


def test_slips_among_numbers_are_said():
    rows = {"a": ["1", "2"] * 5 + ["<1"], "b": [0.5, 1.5] * 5 + [1]}
    assert TableEncoder().fit(rows).notes == [
        "Column 'a': 1 missing values are filled with the median and marked in a "
        "column of their own.",
        "Column 'a': not numbers, so taken as missing: '<1'.",
    ]


def test_the_target_may_be_absent_at_prediction():
    encoder, rows = fitted()
    without = {name: values for name, values in rows.items() if name != "ill"}
    assert np.array_equal(encoder.transform(without), encoder.transform(rows))
    assert encoder.has_target(rows)
    assert not encoder.has_target(without)


def test_columns_that_were_left_out_may_be_absent_at_prediction():
    encoder, _ = fitted()
    assert encoder.transform({**ROW, "sex": "f", "ward": "A"}).shape == (1, 11)


def test_a_category_that_is_new_is_nowhere_and_said():
    encoder, _ = fitted()
    row = {**ROW, "sex": "x", "ward": "D"}
    assert encoder.transform(row)[0, 2:8].tolist() == [0] * 6
    assert encoder.remarks(row) == [
        "Column 'sex': not seen in training, so in no category: 'x'.",
        "Column 'ward': not seen in training, so in no category: 'D'.",
    ]


def test_a_column_that_is_missing_at_prediction_is_named():
    encoder, _ = fitted()
    sentence = (
        "table: expected the columns the model was trained on, got no 'age'. Did you "
        "mean 'Age'?"
    )
    with refused(DataError, sentence):
        encoder.transform({"Age": "30", "sex": "f", "ward": "A", "seen": None})


def test_kinds_can_be_overruled():
    encoder, _ = fitted(kinds={"patient_id": "category", "age": "left out"})
    assert "patient_id = 44" in encoder.feature_names
    assert "age" not in encoder.feature_names


def test_numbers_and_texts_of_a_category_are_the_same():
    encoder = TableEncoder(kinds={"a": "category"}).fit({"a": [1, 2, 1]})
    assert encoder.transform({"a": ["2"]}).tolist() == [[0, 1]]


def test_predictions_come_back_in_the_target_s_unit():
    rows = {"a": [1, 3, 1], "price": [100.5, 300.5, 200.5]}
    encoder = TableEncoder("price").fit(rows)
    encoded = encoder.encode_target(rows)
    assert encoded.dtype == np.float32
    assert encoder.decode(encoded[:, None]).tolist() == pytest.approx(
        [100.5, 300.5, 200.5]
    )


def test_an_encoder_travels_as_json():
    encoder, rows = fitted(kinds={"ward": "category"}, max_categories=5)
    config = json.loads(json.dumps(encoder.config(), allow_nan=False))
    again = TableEncoder.from_config(config)
    assert np.array_equal(again.transform(rows), encoder.transform(rows))
    assert np.array_equal(again.encode_target(rows), encoder.encode_target(rows))
    assert again.feature_names == encoder.feature_names
    assert again.label_names == encoder.label_names
    assert again.notes == encoder.notes
    assert again.config() == encoder.config()


def test_a_number_encoder_travels_as_json():
    rows = {"a": ["1", "2"] * 5 + ["<1"], "price": [0.5, 1.5] * 5 + [1]}
    encoder = TableEncoder("price").fit(rows)
    again = TableEncoder.from_config(json.loads(json.dumps(encoder.config())))
    assert np.array_equal(again.transform(rows), encoder.transform(rows))
    assert again.decode([1.0]).tolist() == encoder.decode([1.0]).tolist()


NOT_FITTED = {
    "transform": lambda encoder: encoder.transform({"a": 1}),
    "remarks": lambda encoder: encoder.remarks({"a": 1}),
    "encode_target": lambda encoder: encoder.encode_target({"a": 1}),
    "decode": lambda encoder: encoder.decode([1.0]),
}


@pytest.mark.parametrize("method", NOT_FITTED)
def test_an_encoder_is_fitted_first(method):
    sentence = (
        f"TableEncoder.{method}: expected a fitted encoder, got a new one. Call "
        "fit(training_rows) first."
    )
    with refused(StateError, sentence):
        NOT_FITTED[method](TableEncoder("y"))


@pytest.mark.parametrize("method", ["encode_target", "decode"])
def test_an_encoder_without_a_target_has_none_to_encode(method):
    sentence = (
        f"TableEncoder.{method}: expected an encoder with a target, got one without. "
        "Make it with TableEncoder(target='column')."
    )
    encoder = TableEncoder().fit({"a": [1, 3, 1]})
    assert encoder.label_names == ()
    with refused(StateError, sentence):
        NOT_FITTED[method](encoder)


SETTINGS = {
    "max_categories": (
        {"max_categories": 0},
        "TableEncoder: expected max_categories of at least 1, got 0. 20 is the "
        "default.",
    ),
    "target": (
        {"target": 3},
        "TableEncoder: expected target to be a column's name, got 3. Leave it out when "
        "there is nothing to predict.",
    ),
    "kinds": (
        {"kinds": ["age"]},
        "TableEncoder: expected kinds such as {'age': 'number'}, got ['age']. Name "
        "each column and its kind.",
    ),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_settings_that_cannot_work_are_refused(case):
    options, sentence = SETTINGS[case]
    with refused(ConfigError, sentence):
        TableEncoder(**options)


def test_kinds_of_unknown_columns_are_refused():
    sentence = "kinds: expected columns of table, got 'aeg'. Did you mean 'age'?"
    with refused(ConfigError, sentence):
        TableEncoder(kinds={"aeg": "number"}).fit({"age": [1, 3, 1]})


def test_a_table_of_nothing_to_learn_from_is_refused():
    sentence = (
        "table: expected at least one column to learn from, got none: 'id' (an "
        "identifier: its name says so and its numbers rarely repeat), 'x' (constant: "
        "always 'u'). Say otherwise with kinds={'column': 'number'} or 'category'."
    )
    with refused(DataError, sentence):
        TableEncoder().fit({"id": [4, 2, 9], "x": ["u"] * 3})


def test_a_target_alone_is_refused():
    sentence = (
        "table: expected at least one column to learn from, got none: the target is "
        "alone. Say otherwise with kinds={'column': 'number'} or 'category'."
    )
    with refused(DataError, sentence):
        TableEncoder("y").fit({"y": ["u", "v", "u"]})


@pytest.mark.parametrize("state", [None, 3, {"columns": []}])
def test_an_encoder_is_not_made_of_anything_else(state):
    sentence = (
        "TableEncoder.from_config: expected columns, a target and notes, got "
        f"{state}. {DAMAGED}"
    )
    with refused(ConfigError, sentence):
        TableEncoder.from_config({"fitted": state})


# From rows to parts


def patients(count=60):
    return {
        "age": [20 + index % 17 for index in range(count)],
        "sex": ["f", "m", "m"] * (count // 3),
        "ill": ["no", "yes", "no", "no", "no", "yes"] * (count // 6),
    }


def test_raw_rows_become_parts_of_one_mixture():
    prepared = prepare_table(patients(), "ill", validation_fraction=0.1)
    sizes = [len(p.x) for p in (prepared.train, prepared.validation, prepared.test)]
    assert sizes == [42, 6, 12]
    assert int(prepared.test.y.sum()) == 4
    assert prepared.task == "classification"
    assert len(prepared.train_rows) == 42
    assert prepared.test_rows.names == ("age", "sex", "ill")


def test_nothing_is_learned_from_the_test_part():
    prepared = prepare_table(patients(), "ill")
    ages = prepared.train_rows.column("age")
    expected = (np.asarray(ages) - np.mean(ages)) / np.std(ages)
    assert prepared.train.x[:, 0] == pytest.approx(expected)
    assert prepared.validation is None


def test_rows_without_a_target_are_left_out_of_every_part():
    rows = patients()
    rows["ill"][:6] = [None] * 6
    prepared = prepare_table(rows, "ill")
    assert len(prepared.train.x) + len(prepared.test.x) == 54
    assert prepared.notes[0] == "6 of 60 rows have no value in 'ill' and are left out."


def test_a_class_of_one_row_is_learned_and_known():
    rows = patients()
    rows["ill"][0] = "perhaps"
    prepared = prepare_table(rows, "ill")
    assert prepared.encoder.label_names == ("no", "perhaps", "yes")
    assert 1 in prepared.train.y
    assert 1 not in prepared.test.y


def test_a_regression_is_prepared_in_its_own_unit():
    rows = {
        "a": [index % 7 for index in range(40)],
        "y": [index / 4 for index in range(40)],
    }
    prepared = prepare_table(rows, "y")
    assert prepared.task == "regression"
    raw = prepared.test_rows.column("y").tolist()
    assert prepared.encoder.decode(prepared.test.y).tolist() == pytest.approx(raw)


def test_the_seed_decides_who_is_tested():
    def tested(seed):
        return (
            prepare_table(patients(), "ill", seed=seed).test_rows.column("age").tolist()
        )

    assert tested(1) == tested(1)
    assert tested(1) != tested(2)
