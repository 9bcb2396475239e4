"""`mica explain`: a saved model's step and memory, and what cannot be explained."""

import pytest
from typer.testing import CliRunner

import mica
from mica.cli.app import app


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def saved(tmp_path):
    model = mica.Sequential(
        mica.Input((6,)),
        mica.layers.Dense(8, activation="relu"),
        mica.layers.Dense(2, activation="softmax"),
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    folder = tmp_path / "run"
    folder.mkdir()
    return model.save(folder / "model.mica")


def call(*words):
    return CliRunner().invoke(app, list(words), prog_name="mica")


@pytest.mark.parametrize("whole", [True, False], ids=["folder", "file"])
def test_a_saved_model_is_explained(saved, whole):
    before = saved.read_bytes()
    place = saved.parent if whole else saved
    result = call("explain", str(place), "--batch-size", "16", "--seconds", "0.01")
    assert result.exit_code == 0, result.stderr
    for words in (
        "where a step's time goes",
        "training step, ms",
        "dense_1",
        "optimizer",
        "unexplained",
        "Memory of a step, batch of 16",
        "peak",
    ):
        assert words in result.stdout
    assert saved.read_bytes() == before


def test_a_model_that_is_not_there():
    result = call("explain", "nowhere.mica")
    assert result.exit_code == 2
    assert "nowhere.mica" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("seconds", ["0", "-1", "nan"])
def test_no_time_at_all(saved, seconds):
    result = call("explain", str(saved), "--seconds", seconds)
    assert result.exit_code == 2
    assert result.stderr == (
        f"explain: expected seconds above 0, got {float(seconds):g}. 2 is enough for "
        "most models.\n"
    )


def test_no_rows_at_all(saved):
    result = call("explain", str(saved), "--batch-size", "0")
    assert result.exit_code == 2
    assert result.stderr == (
        "explain: expected batch_size to be a whole number of at least 1, got 0. Write "
        "for example batch_size=32.\n"
    )


def test_a_model_without_an_input_says_so(tmp_path):
    model = mica.Sequential(mica.layers.Dense(2))
    model.predict([[1.0, 2.0]])
    path = model.save(tmp_path / "model.mica")
    result = call("explain", str(path), "--seconds", "0.01")
    # Built once, its shape is known from then on.
    assert result.exit_code == 0, result.stderr
