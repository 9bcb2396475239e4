"""The network and settings a task starts with, and how its progress is shown."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from mica import workflow
from mica.training import Callback
from mica.workflow.architecture import propose
from mica.workflow.commands import next_commands
from mica.workflow.progress import SparseProgress
from tests.epochs import new_state, play


@pytest.fixture(scope="module")
def iris():
    return workflow.open_task("iris")


@pytest.fixture(scope="module")
def digits():
    return workflow.open_task("digits")


def with_rows(task, rows):
    """The same task with other numbers of rows; their values do not matter."""
    x = np.zeros((rows, *task.x_train.shape[1:]), dtype=np.float32)
    return dataclasses.replace(task, x_train=x, y_train=np.zeros(rows, dtype=np.int64))


def test_small_pictures_get_convolutions_and_one_pooling(digits):
    proposal = propose(digits)
    assert proposal.model.count_parameters() == 66218
    assert proposal.model.predict(digits.x_test[:2]).shape == (2, 10)
    assert (proposal.epochs, proposal.batch_size) == (20, 32)


def test_large_pictures_get_the_convnet_of_the_recipe_with_dropout(digits):
    pictures = np.zeros((100, 28, 28, 1), dtype=np.float32)
    task = dataclasses.replace(
        digits, x_train=pictures, y_train=np.zeros(100, dtype=np.int64)
    )
    assert propose(task).model.count_parameters() == 93322


def test_columns_of_numbers_get_one_output():
    proposal = propose(workflow.open_task("diabetes"))
    assert proposal.model.predict(np.zeros((3, 10), dtype=np.float32)).shape == (3, 1)


@pytest.mark.parametrize(
    ("rows", "epochs", "batch_size"),
    [
        (10, 150, 32),
        (1000, 56, 32),
        (20_000, 10, 32),
        (100_000, 10, 128),
        (10_000_000, 10, 512),
    ],
)
def test_small_tables_are_seen_often_and_large_ones_in_large_batches(
    rows, epochs, batch_size, iris
):
    task = with_rows(iris, 1)
    task = dataclasses.replace(
        task, x_train=np.broadcast_to(task.x_train, (rows, *task.x_train.shape[1:]))
    )
    proposal = propose(task)
    assert (proposal.epochs, proposal.batch_size) == (epochs, batch_size)


def test_the_number_of_epochs_can_be_said(iris):
    assert propose(iris, 7).epochs == 7


@pytest.mark.parametrize("name", ["digits", "iris"])
def test_small_steps_use_one_thread(name):
    assert propose(workflow.open_task(name)).plan.threads == 1


def test_the_learning_rate_ends_low_but_not_at_zero(iris):
    proposal = propose(iris, 2)
    schedule = proposal.model.session.optimizer.learning_rate
    assert schedule(0) == 0.003
    steps = 2 * -(-102 // 32)  # 102 of 120 rows are learned from
    assert schedule(steps) == pytest.approx(0.02 * 0.003)
    assert schedule(steps - 1) > schedule(steps)


def test_the_model_knows_its_preprocessing_and_classes(iris):
    model = propose(iris).model
    assert model.preprocessing is iris.encoder
    assert model.label_names == ["setosa", "versicolor", "virginica"]


def test_a_regression_has_no_classes():
    assert propose(workflow.open_task("diabetes")).model.label_names is None


def lines_of(epochs, capsys, verbose=2, **change):
    rows = [{"loss": 1.0}] * epochs
    play(SparseProgress(verbose), rows, state=new_state(epochs=epochs), **change)
    said = capsys.readouterr().out.splitlines()
    return [line.split()[1].split("/")[0] for line in said]


def test_a_short_training_leaves_a_line_for_every_epoch(capsys):
    assert lines_of(40, capsys) == [str(number) for number in range(1, 41)]


def test_a_long_training_leaves_the_first_every_nth_and_the_last_line(capsys):
    expected = ["1", *map(str, range(3, 101, 3)), "100"]
    assert lines_of(100, capsys) == expected


def test_a_training_that_is_stopped_leaves_its_last_line(capsys):
    class Stopper(Callback):
        def on_epoch_end(self, state):
            if state.epoch == 4:
                state.stop("Enough.")

    state = new_state(epochs=200)
    play([Stopper(), SparseProgress(2)], [{"loss": 1.0}] * 200, state=state)
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in said[:2]] == ["1/200", "5/200"]
    assert said[2:] == ["Enough."]


def test_silent_progress_hears_nothing():
    events = ("train_begin", "epoch_begin", "batch_end", "epoch_end", "train_end")
    silent = SparseProgress(verbose=0)
    assert not any(silent.listens_to(event) for event in events)


def test_a_live_bar_passes_every_event_on(capsys):
    assert lines_of(2, capsys, change=lambda state: None) == ["1", "2"]
    assert SparseProgress(verbose=1).listens_to("batch_end")


@pytest.mark.parametrize(
    ("source", "options", "program", "expected"),
    [
        (
            "digits",
            [],
            "mica",
            (
                "mica predict runs/x/model.mica digits",
                "mica train digits --seed 5",
                "mica open runs/x",
            ),
        ),
        (
            "my data.csv",
            ["--target", "the price"],
            ".venv/bin/mica",
            (
                ".venv/bin/mica predict runs/x/model.mica 'my data.csv'",
                ".venv/bin/mica train 'my data.csv' --target 'the price' --seed 5",
                ".venv/bin/mica open runs/x",
            ),
        ),
        (
            "-odd.csv",
            ["--target", "y"],
            "mica",
            (
                "mica predict runs/x/model.mica ./-odd.csv",
                "mica train ./-odd.csv --target y --seed 5",
                "mica open runs/x",
            ),
        ),
    ],
)
def test_the_commands_to_go_on_with_can_be_pasted(source, options, program, expected):
    lines = next_commands(Path("runs/x"), source, options, seed=4, program=program)
    assert lines == expected


def test_the_network_is_built_before_it_trains(iris):
    assert isinstance(next(propose(iris).model.parameters()), torch.Tensor)
