"""Material: the data of a trained model, opened as its training read them."""

import re
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

import mica
from mica.cli.app import app
from mica.data.series import WindowSource
from mica.errors import ConfigError, DataError
from mica.plan import Limits
from mica.workflow import open_job, open_material

# So high that nothing real is above them.
HIGH = Limits("cpu", 1, {"float32": 1e15, "bfloat16": 1e15}, ((1, 1e15),), 5e-6, 1e-9)


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write_houses(path, rows=40, target=True):
    lines = ["rooms,price" if target else "rooms"]
    for number in range(rows):
        cells = [number % 7 + 1, 10 * (number % 7) + number % 3]
        lines.append(",".join(map(str, cells[: 2 if target else 1])))
    path.write_text("\n".join(lines) + "\n")
    return path


def write_letters(path, rows=40):
    lines = [
        f"{'a good film' if n % 2 else 'a bad one'} {n},{n % 2}" for n in range(rows)
    ]
    path.write_text("\n".join(["review,stars", *lines]) + "\n")
    return path


def write_series(path, rows=400):
    hours = np.arange(rows) * np.timedelta64(1, "h") + np.datetime64("2020-01-01")
    lines = [
        f"{str(hour).replace('T', ' ')}:00,{np.sin(n / 4):.4f}"
        for n, hour in enumerate(hours)
    ]
    path.write_text("\n".join(["time,load", *lines]) + "\n")
    return path


def write_prose(path):
    path.write_text("To be, or not to be, that is the question. " * 80)
    return path


KINDS = {
    "table": (write_houses, "houses.csv", {"target": "price"}),
    "texts": (write_letters, "letters.csv", {"target": "stars", "text": "review"}),
    "series": (write_series, "series.csv", {"forecast": "load", "horizon": "2h"}),
    "prose": (write_prose, "prose.txt", {"generate": True}),
}


def made(kind, tmp_path):
    """A model as `mica train` makes it, before it learns, and its file."""
    if kind == "pictures":
        return open_job("digits").propose(1).model, "digits"
    write, name, words = KINDS[kind]
    path = write(tmp_path / name)
    return open_job(path, **words).propose(1).model, str(path)


@pytest.mark.parametrize("kind", ["table", "texts", "series", "prose", "pictures"])
def test_a_trained_model_s_data_are_explained(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["mica.plan.explain"], "find_limits", lambda _: HIGH)
    monkeypatch.setattr("mica.workflow.writing.WINDOW", 8)
    model, source = made(kind, tmp_path)
    file = model.save(tmp_path / "model.mica")
    words = ["explain", str(file), source, "--seconds", "0.01", "--batch-size", "4"]
    result = CliRunner().invoke(app, words, prog_name="mica")
    assert result.exit_code == 0, result.stderr
    assert "training step, ms" in result.stdout
    assert "optimizer" in result.stdout
    assert "the numbers are random" not in result.stdout
    assert "Memory of a step, batch of 4" in result.stdout


@pytest.mark.parametrize("kind", ["table", "texts", "prose", "pictures"])
def test_data_are_read_as_the_training_read_them(kind, tmp_path):
    model, source = made(kind, tmp_path)
    x, y = open_material(model, source)
    assert len(x) == len(y)
    assert model.evaluate(x[:8], y[:8], verbose=0)


def test_a_series_is_windows(tmp_path):
    model, source = made("series", tmp_path)
    assert isinstance(open_material(model, source), WindowSource)


def test_rows_without_answers_are_inputs_alone(tmp_path):
    model, _ = made("table", tmp_path)
    source = write_houses(tmp_path / "unknown.csv", rows=5, target=False)
    assert open_material(model, source).shape[0] == 5


# Bad input.


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (
            "table",
            "explain: expected a CSV file with the columns of the training, got no "
            "file at 'nowhere.csv'. Check the path.",
        ),
        (
            "pictures",
            "explain: expected the name of a sample or a .npy file of pictures, got "
            "'nowhere.csv'. Choose from:",
        ),
        (
            "prose",
            "explain: expected a text file as in training, got no file at "
            "'nowhere.csv'. Check the path.",
        ),
    ],
)
def test_a_file_that_is_not_there(kind, sentence, tmp_path):
    model, _ = made(kind, tmp_path)
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}"):
        open_material(model, "nowhere.csv")


@pytest.mark.parametrize(
    ("kind", "sample", "sentence"),
    [
        (
            "table",
            "digits",
            "explain: expected rows with the columns of the training, got the pictures "
            "of 'digits'. Give a CSV file with these columns.",
        ),
        (
            "texts",
            "iris",
            "explain: expected texts as in training, got the sample 'iris' without. "
            "Give a file of texts.",
        ),
        (
            "series",
            "iris",
            "explain: expected a series as in training, got the sample 'iris' without "
            "times. Give a CSV file with the columns of the training.",
        ),
    ],
)
def test_a_sample_of_another_kind(kind, sample, sentence, tmp_path):
    model, _ = made(kind, tmp_path)
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        open_material(model, sample)


def test_a_text_of_one_letter(tmp_path):
    model, _ = made("prose", tmp_path)
    (tmp_path / "short.txt").write_text("a")
    sentence = (
        "short.txt: expected a text of at least 2 characters, got 1. Bring a longer "
        "one."
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        open_material(model, tmp_path / "short.txt")


def test_a_table_of_texts_for_a_model_of_files(tmp_path):
    for name in ("good", "bad"):
        for number in range(12):
            place = tmp_path / "texts" / name / f"{number}.txt"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(f"a {name} film {number}")
    model = open_job(tmp_path / "texts").propose(1).model
    sentence = (
        "explain: expected texts as in training, a folder or a .txt file, got the "
        "table 'letters.csv'. Write each text into a file of its own."
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        open_material(model, write_letters(tmp_path / "letters.csv"))
    with pytest.raises(
        DataError,
        match=r"^explain: expected at least one text, got none\. Bring some\.$",
    ):
        open_material(model, [])


def test_a_model_without_preprocessing():
    model = mica.Sequential(mica.Input((4,)), mica.layers.Dense(3))
    sentence = (
        "explain: expected a model with its preprocessing, as `mica train` saves it, "
        "to read data by, got one without. Leave the data out for random numbers, or "
        "call mica.plan.explain(model, x, y) from Python."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        open_material(model, "iris")
