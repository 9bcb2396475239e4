"""Callbacks that write: what stands in which file after which epoch."""

import builtins
import csv
import importlib.util
import re
from pathlib import Path

import pytest
import torch
from torch import nn

from mica.errors import CheckpointError, ConfigError, MissingDependencyError
from mica.training.callbacks import CSVLogger, ModelCheckpoint, TensorBoard
from mica.training.checkpoint import load_weights
from tests.epochs import new_state, play

ROWS = [
    {"loss": 0.5, "val_loss": 0.6},
    {"loss": 0.4, "val_loss": 0.4},
    {"loss": 0.3, "val_loss": 0.5},
]


def set_weight_to_epoch(state) -> None:
    with torch.no_grad():
        state.model.weight.fill_(float(state.epoch + 1))


def saved_weight(path: Path) -> float:
    module = nn.Linear(2, 1)
    load_weights(module, path)
    return module.weight[0, 0].item()


class Saves(nn.Linear):
    """A module that writes itself, as a Mica model does."""

    def save(self, path: str) -> None:
        Path(path).write_text("whole model")


def test_a_checkpoint_is_written_after_every_epoch(tmp_path):
    path = tmp_path / "{epoch:02d}-{val_loss:.1f}.safetensors"
    play(ModelCheckpoint(path), ROWS, change=set_weight_to_epoch)
    written = {file.name: saved_weight(file) for file in tmp_path.iterdir()}
    assert written == {
        "01-0.6.safetensors": 1.0,
        "02-0.4.safetensors": 2.0,
        "03-0.5.safetensors": 3.0,
    }


def test_only_the_best_checkpoint_is_written_on_request(tmp_path):
    path = tmp_path / "best.safetensors"
    play(ModelCheckpoint(path, save_best_only=True), ROWS, change=set_weight_to_epoch)
    assert saved_weight(path) == 2.0


def test_a_second_training_does_not_replace_a_better_checkpoint(tmp_path):
    path = tmp_path / "best.safetensors"
    checkpoint = ModelCheckpoint(path, save_best_only=True)
    play(checkpoint, ROWS, change=set_weight_to_epoch)
    play(checkpoint, [{"loss": 1.0, "val_loss": 0.9}])
    assert saved_weight(path) == 2.0


def test_an_epoch_without_validation_is_no_best_one(tmp_path):
    path = tmp_path / "{epoch}.safetensors"
    state = new_state()
    state.validates = True
    checkpoint = ModelCheckpoint(path, save_best_only=True)
    play(checkpoint, [{"loss": 1.0}, {"loss": 1.0, "val_loss": 0.4}], state=state)
    assert [file.name for file in tmp_path.iterdir()] == ["2.safetensors"]


def test_a_model_that_can_save_itself_does(tmp_path):
    path = tmp_path / "model.mica"
    play(ModelCheckpoint(path), ROWS, state=new_state(Saves(2, 1)))
    assert path.read_text() == "whole model"


def test_weights_alone_on_request(tmp_path):
    path = tmp_path / "weights.safetensors"
    checkpoint = ModelCheckpoint(path, save_weights_only=True)
    play(checkpoint, ROWS[:1], state=new_state(Saves(2, 1)), change=set_weight_to_epoch)
    assert saved_weight(path) == 1.0


@pytest.mark.parametrize("name", ["{accuracy}.mica", "{epoch:.1q}.mica", "{}.mica"])
def test_a_field_that_is_not_in_the_logs_is_named(name):
    sentence = (
        "ModelCheckpoint: expected only these fields in filepath: epoch, loss, "
        f"val_loss, got {name!r}. Write them as {{epoch:02d}} or {{loss:.3f}}."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        play(ModelCheckpoint(name), ROWS[:1])


def test_a_row_is_in_the_file_when_its_epoch_ends(tmp_path):
    path = tmp_path / "history.csv"
    logger = CSVLogger(path)
    state = new_state()
    logger.on_train_begin(state)
    state.logs = {"loss": 0.5, "accuracy": 0.25}
    logger.on_epoch_end(state)
    assert path.read_text() == "epoch,loss,accuracy\n1,0.5,0.25\n"


def test_columns_stay_aligned_when_validation_is_rare(tmp_path):
    path = tmp_path / "history.csv"
    rows = [{"loss": 0.5}, ROWS[1], {"loss": 0.3}, {"loss": 0.2, "learning_rate": 0.1}]
    play(CSVLogger(path), rows)
    with path.open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["epoch", "loss", "val_loss", "learning_rate"],
            ["1", "0.5", "", ""],
            ["2", "0.4", "0.4", ""],
            ["3", "0.3", "", ""],
            ["4", "0.2", "", "0.1"],
        ]


def test_a_new_training_begins_a_new_file(tmp_path):
    path = tmp_path / "history.csv"
    play(CSVLogger(path), ROWS)
    play(CSVLogger(path), [{"loss": 0.1}])
    assert path.read_text() == "epoch,loss\n1,0.1\n"


def test_rows_are_appended_under_the_columns_that_are_there(tmp_path):
    path = tmp_path / "history.csv"
    play(CSVLogger(path), ROWS[:1])
    play(CSVLogger(path, append=True), [{"accuracy": 0.9, "loss": 0.1}])
    assert path.read_text() == (
        "epoch,loss,val_loss,accuracy\n1,0.5,0.6,\n1,0.1,,0.9\n"
    )


def test_appending_drops_half_a_row(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("epoch,loss,val_loss\n1,0.5,0.6\n2,0.4")
    play(CSVLogger(path, append=True), ROWS[2:])
    assert path.read_text() == "epoch,loss,val_loss\n1,0.5,0.6\n1,0.3,0.5\n"


def test_appending_to_nothing_begins_a_file(tmp_path):
    path = tmp_path / "folder" / "history.csv"
    play(CSVLogger(path, append=True, separator=";"), ROWS[:1])
    assert path.read_text() == "epoch;loss;val_loss\n1;0.5;0.6\n"


def test_a_name_with_a_separator_is_quoted(tmp_path):
    path = tmp_path / "history.csv"
    play(CSVLogger(path), [{"loss, weighted": 0.5}, {"loss": 1.0}])
    with path.open(newline="") as file:
        assert next(csv.reader(file)) == ["epoch", "loss, weighted", "loss"]


def test_a_separator_is_one_character():
    sentence = (
        "CSVLogger: expected one character as separator, got ', '. Use ',' or ';'."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        CSVLogger("history.csv", separator=", ")


def test_a_file_of_something_else_is_not_appended_to(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("name,age\nAda,36\n")
    sentence = (
        f"CSVLogger: expected a file of CSVLogger to append to, got {str(path)!r} "
        "without a first column 'epoch'. Choose another file or separator."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        play(CSVLogger(path, append=True), ROWS)
    assert path.read_text() == "name,age\nAda,36\n"


def test_a_file_that_is_no_text_is_not_appended_to(tmp_path):
    path = tmp_path / "picture.csv"
    path.write_bytes(b"\xff\xfe\x00")
    sentence = (
        f"CSVLogger: expected to read {str(path)!r}, got UnicodeDecodeError. "
        "Choose another file."
    )
    with pytest.raises(CheckpointError, match=f"^{re.escape(sentence)}$"):
        play(CSVLogger(path, append=True), ROWS)


def read_scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {
        tag: [(event.step, event.value) for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def test_tensorboard_gets_two_runs_with_the_same_names(tmp_path):
    play(TensorBoard(tmp_path), [{"loss": 0.5, "val_loss": 0.25}, {"loss": 0.25}])
    train, validation = map(read_scalars, (tmp_path / "train", tmp_path / "validation"))
    assert train["epoch_loss"] == [(1, 0.5), (2, 0.25)]
    assert validation == {"epoch_loss": [(1, 0.25)]}
    assert [step for step, _ in train["epoch_learning_rate"]] == [1, 2]


@pytest.mark.parametrize(
    ("update_freq", "steps"), [("batch", [1, 2, 3, 4]), (2, [2, 4]), ("epoch", [])]
)
def test_tensorboard_gets_running_means_on_request(tmp_path, update_freq, steps):
    state = new_state()
    state.read_logs = lambda: {"loss": 0.5}
    rows = [{"loss": 0.5}, {"loss": 0.25}]
    play(TensorBoard(tmp_path, update_freq=update_freq), rows, state=state)
    scalars = read_scalars(tmp_path / "train")
    assert [step for step, _ in scalars.get("batch_loss", [])] == steps


def test_tensorboard_gets_histograms_on_request(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    model = nn.Linear(2, 1, dtype=torch.bfloat16)
    with torch.no_grad():
        model.bias.fill_(torch.nan)  # nothing finite to draw
    callback = TensorBoard(tmp_path, histogram_freq=2)
    play(callback, [{"loss": 1.0}] * 4, state=new_state(model))
    events = EventAccumulator(str(tmp_path / "train"), {"histograms": 0})  # 0: all
    events.Reload()
    assert events.Tags()["histograms"] == ["weight"]
    assert [event.step for event in events.Histograms("weight")] == [2, 4]


def test_tensorboard_says_what_to_install(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "tensorboard" else find(name, *rest),
    )
    sentence = (
        "TensorBoard: expected the package tensorboard, got none installed. "
        "Run pip install 'mica-learn[tensorboard]'."
    )
    with pytest.raises(MissingDependencyError, match=f"^{re.escape(sentence)}$"):
        TensorBoard()


def test_tensorboard_is_not_imported_before_it_is_needed(monkeypatch):
    def refuse(name, *rest, **options):
        assert "tensorboard" not in name
        return original(name, *rest, **options)

    original = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", refuse)
    TensorBoard()


def test_histograms_have_a_period():
    sentence = (
        "TensorBoard: expected histogram_freq of at least 0, got -1. "
        "0 writes no histograms."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        TensorBoard(histogram_freq=-1)


@pytest.mark.parametrize("update_freq", [0, "steps", 1.5])
def test_an_update_period_is_a_number_of_steps(update_freq):
    sentence = (
        "TensorBoard: expected update_freq 'epoch', 'batch' or a number of steps of at "
        f"least 1, got {update_freq!r}. Choose one of them."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        TensorBoard(update_freq=update_freq)
