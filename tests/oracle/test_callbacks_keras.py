"""Callbacks against Keras's: the same decisions on the same values."""

import inspect
import random
from types import SimpleNamespace
from typing import Any

import pytest

from mica.training import callbacks
from tests.epochs import new_state, play

keras = pytest.importorskip("keras")

SEEDS = range(40)
# Where Mica decides otherwise on purpose; the docstring says so.
OTHER_DEFAULTS = {"EarlyStopping": {"restore_best_weights"}}
SHARED = [
    "CSVLogger",
    "EarlyStopping",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TensorBoard",
]


class KerasModel:
    """What Keras's callbacks ask of a model: weights, a rate, a place to say stop."""

    def __init__(self) -> None:
        self.epoch = -1
        self.weights = -1
        self.stop_training = False
        self.optimizer = SimpleNamespace(learning_rate=0.1)

    def get_weights(self) -> int:
        return self.epoch

    def set_weights(self, weights: int) -> None:
        self.weights = weights


def keras_rates(callback: Any, values: list[float]) -> tuple[KerasModel, list[float]]:
    """Play values to a Keras callback: the model after it, the rate of each epoch."""
    model = KerasModel()
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for model.epoch, value in enumerate(values):
        rates.append(model.optimizer.learning_rate)
        callback.on_epoch_end(model.epoch, {"val_loss": value})
        if model.stop_training:
            break
    callback.on_train_end()
    return model, rates


def drawn(seed: int) -> tuple[random.Random, list[float]]:
    draw = random.Random(seed)
    return draw, [round(draw.uniform(0, 1), 1) for _ in range(30)]


@pytest.mark.parametrize("seed", SEEDS)
def test_early_stopping_stops_and_restores_where_keras_does(seed):
    draw, values = drawn(seed)
    settings = {
        "monitor": "val_loss",
        "min_delta": draw.choice([0.0, 0.1, 0.25]),
        "patience": draw.choice([0, 1, 2, 5]),
        "mode": draw.choice(["min", "max"]),
        "baseline": draw.choice([None, None, 0.2, 0.8]),
        "start_from_epoch": draw.choice([0, 0, 3]),
        "restore_best_weights": True,
    }
    model, rates = keras_rates(keras.callbacks.EarlyStopping(**settings), values)
    stopping = callbacks.EarlyStopping(**settings)
    state = play(stopping, [{"val_loss": value} for value in values])
    assert len(state.history.epoch) == len(rates), settings
    assert (state.stop_reason is not None) is model.stop_training, settings
    assert stopping.best_epoch == model.weights, settings


@pytest.mark.parametrize("seed", SEEDS)
def test_the_rate_falls_where_keras_lets_it_fall(seed):
    draw, values = drawn(seed)
    settings = {
        "monitor": "val_loss",
        "factor": draw.choice([0.1, 0.5]),
        "patience": draw.choice([0, 1, 2, 4]),
        "mode": draw.choice(["min", "max"]),
        "min_delta": draw.choice([0.0, 1e-4, 0.25]),
        "cooldown": draw.choice([0, 1, 3]),
        "min_lr": draw.choice([0.0, 0.02]),
    }
    _, rates = keras_rates(keras.callbacks.ReduceLROnPlateau(**settings), values)
    state = play(
        callbacks.ReduceLROnPlateau(**settings),
        [{"val_loss": value} for value in values],
    )
    assert state.history.history["learning_rate"] == rates, settings


@pytest.mark.parametrize("kind", SHARED)
def test_defaults_are_those_of_keras(kind):
    ours = inspect.signature(getattr(callbacks, kind)).parameters
    theirs = inspect.signature(getattr(keras.callbacks, kind)).parameters
    different = {
        name
        for name in ours.keys() & theirs.keys()
        if ours[name].default != theirs[name].default
    }
    assert different == OTHER_DEFAULTS.get(kind, set())


@pytest.mark.parametrize("kind", SHARED)
def test_arguments_are_called_as_in_keras(kind):
    ours = inspect.signature(getattr(callbacks, kind)).parameters
    theirs = inspect.signature(getattr(keras.callbacks, kind)).parameters
    assert ours.keys() - theirs.keys() == set()


def test_the_model_is_saved_in_the_epochs_keras_would_save(tmp_path):
    saved = []
    state = new_state()
    state.model.save = saved.append
    values = [0.5, 0.6, 0.4, 0.4, 0.3]
    callback = callbacks.ModelCheckpoint("{epoch}", save_best_only=True)
    play(callback, [{"val_loss": value} for value in values], state=state)
    assert saved == ["1", "3", "5"]
