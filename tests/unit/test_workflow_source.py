"""Opening a source: parts, preprocessing and words, from samples and CSV files."""

import re

import numpy as np
import pytest

from mica import workflow
from mica.data import TableEncoder, samples
from mica.data.scaling import PictureEncoder
from mica.errors import ConfigError, DataError
from mica.report import Report, Table
from tests.tables import write_houses, write_visits

COLUMN_SAMPLES = ["breast_cancer", "diabetes", "iris", "wine"]


def test_pictures_are_scaled_and_keep_their_shape():
    task = workflow.open_task("digits")
    assert task.is_pictures
    assert task.x_train.shape == (1437, 8, 8, 1)
    assert task.x_train.max() == 1.0
    assert isinstance(task.encoder, PictureEncoder)
    assert task.label_names == tuple("0123456789")


@pytest.mark.parametrize("name", COLUMN_SAMPLES)
def test_every_column_of_a_sample_is_kept_as_a_number(name):
    task, sample = workflow.open_task(name), samples.load(name)
    assert isinstance(task.encoder, TableEncoder)
    assert task.encoder.feature_names == list(sample.feature_names)
    assert task.x_train.shape == sample.x_train.shape
    assert task.x_test.shape == sample.x_test.shape


@pytest.mark.parametrize("name", COLUMN_SAMPLES)
def test_columns_are_standardised_by_the_training_part_alone(name):
    task = workflow.open_task(name)
    assert np.abs(task.x_train.mean(axis=0)).max() < 1e-5
    assert np.abs(task.x_train.std(axis=0) - 1).max() < 1e-4
    assert np.abs(task.x_test.mean(axis=0)).max() > 1e-3


def test_the_classes_of_a_sample_keep_their_names():
    task, sample = workflow.open_task("wine"), samples.load("wine")
    names = np.array(task.label_names)[task.y_test]
    truth = np.array(sample.label_names)[sample.y_test]
    assert names.tolist() == truth.tolist()


def test_a_sample_has_the_same_test_part_for_every_seed():
    first, second = (workflow.open_task("iris", seed=seed) for seed in (0, 1))
    assert np.array_equal(first.x_test, second.x_test)


def test_a_file_has_another_test_part_for_another_seed(tmp_path):
    path = write_houses(tmp_path / "houses.csv")
    first, same, other = (
        workflow.open_task(path, "price", seed=seed) for seed in (0, 0, 1)
    )
    assert np.array_equal(first.test_places, same.test_places)
    assert not np.array_equal(first.test_places, other.test_places)


def test_test_rows_are_known_by_their_place_in_the_file(tmp_path):
    path = write_houses(tmp_path / "houses.csv")
    task = workflow.open_task(path, "price")
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    districts = [lines[place].split(",")[2] for place in task.test_places]
    assert task.raw_test["district"] == districts


def test_a_regression_says_what_it_decided_and_left_out(tmp_path):
    path = write_houses(tmp_path / "houses.csv")
    assert workflow.open_task(path, "price").notes == (
        "3 of 120 rows have no value in 'price' and are left out.",
        "Regression: 'price' holds different whole numbers, 117 of them distinct.",
        "Column 'house_id' is left out: an identifier: its name says so and its "
        "numbers rarely repeat.",
        "Column 'area': 10 missing values are filled with the median and marked in a "
        "column of their own.",
        "Column 'country' is left out: constant: always 'X'.",
        "93 rows to learn from, 24 set aside for the test.",
        "The test part is small: take the result as a hint, not as a proof.",
        "Rows are counted from 0, below the column names.",
    )


def test_a_file_of_an_older_program_is_opened_with_notes(tmp_path):
    path = write_visits(tmp_path / "Käufer.csv", rows=200)
    task = workflow.open_task(str(path), "kauft")
    assert task.name == "Käufer"
    assert task.kind == "classification"
    assert task.label_names == ("ja", "nein")
    assert task.notes == (
        "The text is not UTF-8; it is read as Windows-1252, the encoding of older "
        "programs in Western Europe and America.",
        "Numbers have a decimal comma: 3,5 is read as 3.5.",
        "Classification: 'kauft' holds 2 different texts.",
        "160 rows to learn from, 40 set aside for the test.",
        "Rows are counted from 0, below the column names.",
    )


def test_the_card_of_a_file_says_each_note_once(tmp_path):
    task = workflow.open_task(write_visits(tmp_path / "visits.csv"), "kauft")
    assert isinstance(task.card, Report)
    assert [type(part) for part in task.card.parts] == [Table]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"target": "price"}, "price"),
        ({"task": "regression"}, "regression"),
        ({"kinds": {"age": "number"}}, "age"),
    ],
)
def test_a_sample_takes_no_choices(given, shown):
    with pytest.raises(ConfigError) as caught:
        workflow.open_task("digits", **given)
    assert str(caught.value) == (
        "train: expected no target, task or kinds of columns for the sample 'digits', "
        f"got {shown!r}. A sample brings its own; leave them out."
    )


def test_what_the_user_says_of_a_file_counts_more_than_its_looks(tmp_path):
    path = write_houses(tmp_path / "houses.csv")
    kinds = {"area": "left out", "house_id": "number"}
    task = workflow.open_task(path, "district", task="classification", kinds=kinds)
    assert task.label_names == ("north", "south", "west")
    assert "Classification: you said so." in task.notes
    assert "area" not in task.encoder.column_names
    assert "house_id" in task.encoder.column_names


def test_a_misspelt_sample_gets_a_suggestion():
    with pytest.raises(ConfigError) as caught:
        workflow.open_task("digts")
    assert str(caught.value) == (
        "train: expected the name of a sample or the path of a CSV file, got 'digts'. "
        "Did you mean 'digits' or 'diabetes'?"
    )


def test_a_folder_is_no_source(tmp_path):
    with pytest.raises(DataError) as caught:
        workflow.open_task(tmp_path, "price")
    assert str(caught.value) == (
        f"train: expected a CSV file, got the folder {str(tmp_path)!r}. Give the path "
        "of one file."
    )


def test_a_file_that_is_not_there_says_so(tmp_path):
    path = tmp_path / "house.csv"
    write_houses(tmp_path / "houses.csv")
    with pytest.raises(DataError) as caught:
        workflow.open_task(path, "price")
    assert str(caught.value) == (
        f"{path}: expected a file, got no such file. Did you mean 'houses.csv'?"
    )


def test_a_file_needs_a_target_and_its_columns_are_listed(tmp_path):
    with pytest.raises(ConfigError) as caught:
        workflow.open_task(write_houses(tmp_path / "houses.csv"))
    assert str(caught.value) == (
        "train: expected a target, the column of houses.csv to predict, got none. "
        "Choose from: house_id, area, district, sold, country, price."
    )


def test_of_many_columns_the_first_are_listed(tmp_path):
    path = tmp_path / "wide.csv"
    names = [f"c{number}" for number in range(25)]
    path.write_text(",".join(names) + "\n" + ",".join("1" * 25) + "\n")
    shown = ", ".join(names[:20])
    with pytest.raises(ConfigError, match=re.escape(f"{shown} and 5 more.")):
        workflow.open_task(path)


def test_a_misspelt_target_gets_a_suggestion(tmp_path):
    with pytest.raises(DataError) as caught:
        workflow.open_task(write_houses(tmp_path / "houses.csv"), "prise")
    assert str(caught.value) == (
        "houses.csv: expected a column 'prise', got 6 others. Did you mean 'price'?"
    )
