"""Predicting: raw rows in, answers in the user's words out, beside the truth."""

import csv
import re

import numpy as np
import pytest

import mica
from mica import workflow
from mica.data import read_csv
from mica.data.scaling import PictureEncoder
from mica.errors import CheckpointError, ConfigError, DataError, StateError
from mica.report import Table
from tests.tables import write_houses, write_visits


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("predicting")


@pytest.fixture(scope="module")
def houses(folder):
    path = write_houses(folder / "houses.csv")
    return workflow.train(path, "price", epochs=3, runs=folder / "runs", verbose=0)


@pytest.fixture(scope="module")
def visits(folder):
    path = write_visits(folder / "visits.csv")
    return workflow.train(path, "kauft", epochs=3, runs=folder / "runs", verbose=0)


@pytest.fixture(scope="module")
def digits(folder):
    return workflow.train("digits", epochs=1, runs=folder / "runs", verbose=0)


def column(table, name):
    return [row[table.columns.index(name)] for row in table.rows]


def test_a_regression_predicts_what_the_model_does(houses, folder):
    table = workflow.predict(houses.folder / "model.mica", folder / "houses.csv")
    rows = read_csv(folder / "houses.csv")
    encoder = houses.model.preprocessing
    expected = encoder.decode(houses.model.predict(encoder.transform(rows)))
    assert column(table, "prediction") == expected.tolist()
    assert column(table, "row") == list(range(120))


def test_a_regression_stands_beside_its_truth(houses, folder):
    table = workflow.predict(houses.folder, folder / "houses.csv")
    truth, answers = column(table, "truth"), column(table, "prediction")
    assert truth[7] is None  # the file has no price there
    known = [row for row, value in enumerate(truth) if value is not None]
    error = np.mean([abs(truth[row] - answers[row]) for row in known])
    assert re.fullmatch(
        r"Mean absolute error over the 117 rows whose truth is known: [\d,]+\.",
        table.note,
    )
    assert f"{error:,.0f}" in table.note


def test_classes_are_named_with_their_probability(visits, folder):
    table = workflow.predict(visits.folder, folder / "visits.csv")
    rows = read_csv(folder / "visits.csv")
    encoder = visits.model.preprocessing
    outputs = visits.model.predict(encoder.transform(rows))
    assert table.columns == ("row", "prediction", "probability", "truth")
    assert column(table, "prediction") == encoder.decode(outputs).tolist()
    assert column(table, "probability") == outputs.max(axis=1).astype(float).tolist()
    right = np.sum(np.equal(column(table, "prediction"), rows.column("kauft")))
    assert table.note == (
        f"Right in {right} of 60 rows whose truth is known: accuracy {right / 60:.4g}."
    )


def test_rows_without_the_target_are_predicted_alike(visits, folder):
    path = folder / "new.csv"
    path.write_text("stadt;größe\nUlm;150,5\nKöln;190,5\n", encoding="utf-8")
    table = workflow.predict(visits.folder, path)
    assert table.columns == ("row", "prediction", "probability")
    assert len(table.rows) == 2
    assert table.note == ""


def test_what_the_model_never_saw_is_remarked(visits, folder):
    path = folder / "unseen.csv"
    path.write_text("größe;stadt;kauft\n150,5;Bonn;ja\n", encoding="utf-8")
    note = workflow.predict(visits.folder, path).note
    assert note.splitlines()[0] == (
        "Column 'stadt': not seen in training, so in no category: 'Bonn'."
    )
    assert "of 1 row whose truth is known" in note


def test_a_truth_that_is_no_class_is_not_compared_with(visits, folder):
    path = folder / "odd.csv"
    path.write_text("größe;stadt;kauft\n150,5;Ulm;vielleicht\n", encoding="utf-8")
    table = workflow.predict(visits.folder, path)
    assert table.columns == ("row", "prediction", "probability")
    assert table.note == (
        "The predictions are not compared with 'kauft': column 'kauft': expected one "
        "of the classes ja, nein, got 'vielleicht' in row 0. Leave such rows out."
    )


def test_a_target_that_is_empty_is_not_compared_with(visits, folder):
    path = folder / "open.csv"
    path.write_text("größe;stadt;kauft\n150,5;Ulm;\n", encoding="utf-8")
    assert workflow.predict(visits.folder, path).columns[-1] == "probability"


def test_a_column_that_is_missing_is_named(visits, folder):
    path = folder / "short.csv"
    path.write_text("größe;alter\n150,5;3\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        workflow.predict(visits.folder, path)
    assert str(caught.value) == (
        "short.csv: expected the columns the model was trained on, got no 'stadt'. "
        "Choose from: alter, größe."
    )


def test_a_sample_is_asked_about_its_test_part(digits):
    table = workflow.predict(digits.folder, "digits")
    assert len(table.rows) == 360
    right = np.sum(np.equal(column(table, "prediction"), column(table, "truth")))
    assert right / 360 == digits.verdict.score


def test_a_sample_of_columns_takes_files_with_these_columns(folder):
    run = workflow.train("iris", epochs=1, runs=folder / "runs", verbose=0)
    names = run.model.preprocessing.column_names
    path = folder / "flowers.csv"
    path.write_text(",".join(names) + "\n5.1,3.5,1.4,0.2\n", encoding="utf-8")
    table = workflow.predict(run.folder, path)
    assert table.rows[0][1] in ("setosa", "versicolor", "virginica")
    assert len(workflow.predict(run.folder, "iris").rows) == 30


def test_pictures_of_a_file_are_predicted(digits, folder):
    pictures = np.random.default_rng(0).random((3, 8, 8))
    np.save(folder / "pictures.npy", pictures)
    table = workflow.predict(digits.folder, folder / "pictures.npy")
    x = pictures[..., np.newaxis].astype("float32")
    scale = digits.model.preprocessing.brightest
    expected = digits.model.predict(x / np.float32(scale)).argmax(axis=1)
    assert column(table, "prediction") == [str(number) for number in expected]


def test_a_file_that_is_no_array_is_refused(digits, folder):
    path = folder / "broken.npy"
    path.write_bytes(b"\x93NUMPY nonsense")
    with pytest.raises(DataError) as caught:
        workflow.predict(digits.folder, path)
    assert str(caught.value).startswith(
        "broken.npy: expected an array that NumPy saved, got: "
    )
    assert str(caught.value).endswith("Write it with numpy.save(path, pictures).")


def test_an_array_of_objects_is_refused_unread(digits, folder):
    np.save(folder / "objects.npy", np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match="allow_pickle=False"):
        workflow.predict(digits.folder, folder / "objects.npy")


def test_a_model_of_pictures_takes_no_table(digits):
    with pytest.raises(DataError) as caught:
        workflow.predict(digits.folder, "digit.csv")
    assert str(caught.value) == (
        "predict: expected the name of a sample or a .npy file of pictures, got "
        "'digit.csv'. Did you mean 'digits'?"
    )


def test_a_model_of_tables_takes_no_pictures(visits):
    with pytest.raises(DataError) as caught:
        workflow.predict(visits.folder, "digits")
    assert str(caught.value) == (
        "predict: expected rows with the columns of the training, got the pictures of "
        "'digits'. Give a CSV file with these columns."
    )


def test_a_file_of_rows_that_is_not_there_says_so(visits):
    with pytest.raises(DataError) as caught:
        workflow.predict(visits.folder, "absent.csv")
    assert str(caught.value) == (
        "predict: expected a CSV file with the columns of the training, got no file at "
        "'absent.csv'. Check the path."
    )


def test_a_model_without_preprocessing_is_refused(tmp_path):
    model = mica.Sequential(mica.Input((2,)), mica.layers.Dense(1))
    path = model.save(tmp_path / "plain.mica")
    with pytest.raises(ConfigError) as caught:
        workflow.predict(path, "rows.csv")
    assert str(caught.value) == (
        "predict: expected a model with its preprocessing, as `mica train` saves it, "
        f"got {str(path)!r} without. Use model.predict(x) from Python."
    )


def test_a_model_that_is_not_there_says_so(tmp_path):
    with pytest.raises(CheckpointError, match=r"^load: expected a model file, got no"):
        workflow.predict(tmp_path / "model.mica", "iris")


def test_predictions_are_written_as_a_file(tmp_path):
    table = Table("", ["row", "prediction", "truth"], [[0, "a,b", None], [1, "ä", "x"]])
    workflow.write_csv(table, tmp_path / "answers.csv")
    text = (tmp_path / "answers.csv").read_text(encoding="utf-8")
    assert text == workflow.csv_text(table)
    assert list(csv.reader(text.splitlines())) == [
        ["row", "prediction", "truth"],
        ["0", "a,b", ""],
        ["1", "ä", "x"],
    ]


def test_a_file_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "taken").write_text("", encoding="utf-8")
    path = tmp_path / "taken" / "answers.csv"
    with pytest.raises(CheckpointError, match=r"^predict: expected to write '"):
        workflow.write_csv(Table("", ["row"], []), path)


PICTURES = np.ones((2, 4, 4, 1))


def test_an_encoder_of_pictures_travels_as_its_configuration():
    encoder = PictureEncoder(("a", "b")).fit(16 * PICTURES)
    copy = PictureEncoder.from_config(encoder.config())
    assert copy.shape == (4, 4, 1)
    assert copy.brightest == 16.0
    assert np.array_equal(copy.transform(PICTURES), PICTURES / np.float32(16))


def test_black_pictures_are_not_divided_by_zero():
    assert PictureEncoder(("a",)).fit(0 * PICTURES).brightest == 1.0


@pytest.mark.parametrize(
    ("do", "error", "sentence"),
    [
        (
            lambda: PictureEncoder((), shape=(4, 0, 1)),
            ConfigError,
            "PictureEncoder: expected a shape (height, width, channels), got "
            "(4, 0, 1). The file is damaged or was not written by Mica.",
        ),
        (
            lambda: PictureEncoder((), brightest=0.0),
            ConfigError,
            "PictureEncoder: expected brightest to be finite and above 0, got 0.0. "
            "The file is damaged or was not written by Mica.",
        ),
        (
            lambda: PictureEncoder(()).fit(np.ones((4, 4))),
            DataError,
            "pictures: expected an array (rows, height, width, channels), got the "
            "shape (4, 4). Add an axis of size 1 for a single channel.",
        ),
        (
            lambda: PictureEncoder(()).fit(np.inf * PICTURES),
            DataError,
            "pictures: expected finite numbers, got inf. Leave such pictures out.",
        ),
        (
            lambda: PictureEncoder(()).fit([["a"]]),
            DataError,
            "pictures: expected an array of numbers, got: could not convert string to "
            "float: 'a'. Give one number for each pixel and channel.",
        ),
        (
            lambda: PictureEncoder(()).transform(PICTURES),
            StateError,
            "PictureEncoder.transform: expected a fitted encoder, got a new one. Call "
            "fit(training_pictures) and use what it returns.",
        ),
        (
            lambda: PictureEncoder(()).fit(PICTURES).transform(np.ones((2, 5, 5, 1))),
            DataError,
            "pictures: expected at least one of shape (4, 4, 1) as in training, got an "
            "array of shape (2, 5, 5, 1). Bring them to that size first.",
        ),
        (
            lambda: PictureEncoder(()).fit(PICTURES).transform(PICTURES[:0]),
            DataError,
            "pictures: expected at least one of shape (4, 4, 1) as in training, got an "
            "array of shape (0, 4, 4, 1). Bring them to that size first.",
        ),
        (
            lambda: PictureEncoder(()).fit(PICTURES).transform(255 * PICTURES),
            DataError,
            "pictures: expected values up to 1 as in training, got 255. Bring them to "
            "that scale first.",
        ),
        (
            lambda: PictureEncoder(()).fit(PICTURES).transform(np.nan * PICTURES),
            DataError,
            "pictures: expected values up to 1 as in training, got nan. Bring them to "
            "that scale first.",
        ),
        (
            lambda: PictureEncoder(("a", "b")).decode([[1.0]]),
            DataError,
            "decode: expected 2 columns, one per class, got the shape (1, 1). Give "
            "what predict returned.",
        ),
    ],
)
def test_pictures_that_do_not_fit_get_a_sentence(do, error, sentence):
    with pytest.raises(error) as caught:
        do()
    assert str(caught.value) == sentence
