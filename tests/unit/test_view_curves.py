"""Training curves: which charts a history gives, and where the best epoch is."""

import math
import re

import pytest

from mica.errors import DataError
from mica.view import training_curves


def exactly(sentence: str) -> str:
    return f"^{re.escape(sentence)}$"


def test_training_and_validation_share_a_chart_and_the_loss_comes_first():
    history = {
        "learning_rate": [0.1, 0.1],
        "accuracy": [0.5, 0.6],
        "loss": [2.0, 1.0],
        "val_accuracy": [0.4, 0.5],
        "val_loss": [2.0, 1.5],
    }
    charts = training_curves(history)
    assert [chart.title for chart in charts] == ["loss", "accuracy", "learning_rate"]
    assert [line.name for line in charts[0].series] == ["loss", "val_loss"]
    assert charts[0].series[0].x == (1.0, 2.0)


@pytest.mark.parametrize(
    ("name", "best"),
    [("loss", 2), ("mae", 2), ("RMSE", 2), ("my_error", 2), ("accuracy", 3), ("f1", 3)],
)
def test_the_best_epoch_is_judged_by_the_name(name, best):
    (chart,) = training_curves({name: [0.5, 0.1, 0.9]})
    assert chart.marks[0].x == best


def test_the_best_epoch_is_of_the_validation_and_the_earliest_of_equals():
    (chart,) = training_curves({"loss": [3, 2, 1], "val_loss": [3.0, 1.0, 1.0]})
    assert chart.marks[0].label == "lowest val_loss 1 at epoch 2"


def test_the_direction_can_be_told():
    (chart,) = training_curves({"gain": [1, 3, 2]}, higher_is_better={"gain": False})
    assert chart.marks[0].label == "lowest gain 1 at epoch 1"


def test_values_that_are_not_finite_are_gaps_and_never_the_best():
    history = {"loss": [2.0, -math.inf, math.nan, None, 1.0]}
    (chart,) = training_curves(history)
    assert chart.series[0].points() == [(1.0, 2.0), (5.0, 1.0)]
    assert chart.marks[0].x == 5


@pytest.mark.parametrize("values", [[1.0], [math.nan, math.nan], [math.nan, 1.0]])
def test_there_is_no_best_of_fewer_than_two(values):
    assert training_curves({"loss": values})[0].marks == ()


@pytest.mark.parametrize(
    ("rates", "scale"),
    [([0.1, 0.001], "log"), ([0.1, 0.09], "linear"), ([0.1, 0.0], "linear")],
)
def test_a_learning_rate_over_decades_is_on_a_log_scale_without_a_mark(rates, scale):
    (chart,) = training_curves({"lr": rates})
    assert chart.y_scale == scale
    assert chart.marks == ()


def test_epochs_may_have_their_own_numbers():
    (chart,) = training_curves({"loss": [2, 1]}, epochs=[5, 6])
    assert chart.series[0].x == (5.0, 6.0)


def test_validation_alone_has_a_chart():
    assert training_curves({"val_loss": [2, 1]})[0].title == "loss"


def test_an_empty_history_is_refused():
    sentence = (
        "training_curves: expected values of at least one name, got an empty "
        "history. Train first."
    )
    with pytest.raises(DataError, match=exactly(sentence)):
        training_curves({})


def test_a_history_without_an_epoch_is_refused():
    sentence = "training_curves: expected at least one epoch, got none. Train first."
    with pytest.raises(DataError, match=exactly(sentence)):
        training_curves({"loss": []})


def test_lengths_that_differ_are_refused():
    sentence = (
        "training_curves: expected 2 values of 'val_loss', as of 'loss', got 1. "
        "Give None for epochs not measured."
    )
    with pytest.raises(DataError, match=exactly(sentence)):
        training_curves({"loss": [1, 2], "val_loss": [1]})


def test_another_number_of_epoch_numbers_is_refused():
    sentence = (
        "training_curves: expected 2 epoch numbers, got 1. "
        "Give one for each epoch of the history."
    )
    with pytest.raises(DataError, match=exactly(sentence)):
        training_curves({"loss": [1, 2]}, epochs=[1])
