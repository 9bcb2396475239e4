"""The data card: rows, shapes, ranges, classes and columns before any learning."""

import numpy as np
import pandas
import pytest
import torch

from mica.data import describe, describe_table
from mica.report import Table

HEADER = ("array", "rows", "row", "type", "lowest", "highest", "mean", "missing")


def tables(report):
    return {part.title: part for part in report.parts if isinstance(part, Table)}


def test_a_card_counts_rows_and_ranges():
    x = np.array([[0.0, 2.0], [np.nan, 4.0], [np.inf, 6.0]], dtype="float32")
    card = tables(describe(x))["Arrays"]
    assert card.columns == HEADER
    assert card.rows == (("x", 3, "(2,)", "float32", 0.0, 6.0, 3.0, 2),)


def test_a_card_names_the_classes_and_their_shares():
    report = describe(np.ones((4, 2)), [0, 1, 1, 1, 0], ["no", "yes"], title="Patients")
    assert report.title == "Patients"
    assert tables(report)["Classes"].rows == (("no", 2, 0.4), ("yes", 3, 0.6))


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (np.array(["b", "a", "b", "a"]), ["a", "b"]),
        (np.eye(2)[[1, 0, 1, 0]], ["0", "1"]),
        ({"head": np.array([7, 3, 7, 3])}, ["3", "7"]),
        (np.array([[10], [9], [10], [9]]), ["9", "10"]),
        (np.array(["b", "a", "b", "a"], dtype=object), ["a", "b"]),
        (torch.tensor([True, False, True, False]), ["False", "True"]),
    ],
)
def test_classes_without_names_are_called_by_their_labels(labels, names):
    classes = tables(describe(np.ones((4, 1)), labels))["Classes"]
    assert [row[0] for row in classes.rows] == names
    assert [row[1] for row in classes.rows] == [2, 2]


def test_a_card_of_a_regression_has_no_classes():
    assert list(tables(describe(np.ones((3, 1)), [0.5, 1.5, 2.5]))) == ["Arrays"]


def test_many_classes_are_cut_to_the_most_frequent():
    labels = [label for label in range(30) for _ in range(2 + (label > 25))]
    classes = tables(describe(np.ones((64, 1)), labels))["Classes"]
    assert len(classes.rows) == 20
    assert [row[0] for row in classes.rows[:4]] == ["26", "27", "28", "29"]
    assert classes.note == "and 10 rarer classes"


def test_every_input_has_its_row():
    x = {"image": torch.zeros(2, 3, 3), "age": [[1], [2]]}
    rows = tables(describe(x, (np.zeros(2), np.ones(2))))["Arrays"].rows
    assert [row[0] for row in rows] == ["x['image']", "x['age']", "y[0]", "y[1]"]
    assert [row[2] for row in rows] == ["(3, 3)", "(1,)", "one value", "one value"]


@pytest.mark.parametrize(
    "x", [np.array(["a", "b"]), np.full((2, 1), np.nan), np.zeros((0, 2))]
)
def test_what_has_no_range_shows_none(x):
    assert tables(describe(x))["Arrays"].rows[0][4:7] == (None, None, None)


def test_a_card_of_a_table_has_a_row_per_column():
    table = {
        "patient_id": [4, 8, 15, 16],
        "age": [30.0, None, 50.0, 30.0],
        "sex": ["f", "m", "F", "f"],
        "ill": ["yes", "no", "yes", "no"],
    }
    card = describe_table(table, "ill")
    columns = tables(card)["Columns"]
    assert columns.columns == ("column", "kind", "distinct", "missing", "values")
    assert columns.rows == (
        (
            "patient_id",
            "left out",
            4,
            0,
            "an identifier: its name says so and its numbers rarely repeat",
        ),
        ("age", "number", 2, 1, "30 to 50"),
        ("sex", "category", 2, 0, "f, m"),
        ("ill", "target", 2, 0, "yes, no"),
    )
    assert columns.note == "4 rows, 4 columns"


def test_a_target_that_counts_rows_still_shows_values():
    columns = tables(describe_table({"a": [1, 2, 2], "y": ["u", "v", "w"]}, "y"))
    assert columns["Columns"].rows[1] == ("y", "target", 3, 0, "u, v, w")


def test_many_categories_are_cut_short():
    columns = tables(describe_table({"a": list("abcdef") * 2}))["Columns"]
    assert columns.rows[0][4] == "a, b, c, d, ..."


def test_notes_of_the_reading_are_on_the_card():
    frame = pandas.DataFrame([[1, 2], [1, 3]], columns=["a", "a"])
    card = str(describe_table(frame))
    assert "Column 2 is called 'a' like another one; it is now 'a (2)'." in card


def test_dates_show_their_first_and_last():
    card = describe_table({"sold": ["2020-03-01 07:30", None, "2020-01-01"]})
    row = tables(card)["Columns"].rows[0]
    assert row == ("sold", "date", 2, 1, "2020-01-01 to 2020-03-01 07:30")
