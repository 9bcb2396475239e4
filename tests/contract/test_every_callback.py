"""What every callback promises: one table, one sweep.

A callback is added here with two ways to make it: one that only listens, and one
that acts.
"""

import copy
import inspect
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

import mica
from mica import callbacks
from mica.training import events, run
from mica.training.callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    Progress,
    ReduceLROnPlateau,
    TensorBoard,
)

Maker = Callable[[Path], Callback]


def read_everything(state) -> None:
    state.running_logs(), state.learning_rate, list(state.model.parameters())


class Case(NamedTuple):
    """How a callback is made so that it only listens, and what else it hears."""

    listens: Maker
    hears_batches: bool = False


CASES: dict[type[Callback], Case] = {
    BackupAndRestore: Case(lambda folder: BackupAndRestore(folder / "backup")),
    CSVLogger: Case(lambda folder: CSVLogger(folder / "history.csv")),
    EarlyStopping: Case(
        lambda folder: EarlyStopping(patience=99, restore_best_weights=False)
    ),
    LambdaCallback: Case(
        lambda folder: LambdaCallback(
            on_train_begin=read_everything,
            on_epoch_begin=read_everything,
            on_batch_begin=lambda state: None,
            on_batch_end=read_everything,
            on_validation_end=read_everything,
            on_epoch_end=read_everything,
            on_train_end=read_everything,
        ),
        hears_batches=True,
    ),
    LearningRateScheduler: Case(
        lambda folder: LearningRateScheduler(lambda epoch, rate: rate)
    ),
    ModelCheckpoint: Case(
        lambda folder: ModelCheckpoint(folder / "{epoch}-{val_loss:.3f}.safetensors")
    ),
    Progress: Case(lambda folder: Progress(), hears_batches=True),
    ReduceLROnPlateau: Case(lambda folder: ReduceLROnPlateau(patience=99)),
    TensorBoard: Case(
        lambda folder: TensorBoard(
            folder / "logs", histogram_freq=1, update_freq="batch"
        ),
        hears_batches=True,
    ),
}
EXPORTED = [
    kind
    for kind in map(callbacks.__dict__.get, callbacks.__all__)
    if inspect.isclass(kind) and kind is not Callback
]
every_class = pytest.mark.parametrize("kind", EXPORTED, ids=lambda kind: kind.__name__)


@pytest.fixture(scope="module")
def data() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(70, 4, generator=generator)
    return x, (x.sum(1) > 0).long()


class Outcome(NamedTuple):
    """All that a training leaves behind."""

    history: dict[str, list[float]]
    stopped: str | None
    weights: list[torch.Tensor]
    randomness: tuple[object, ...]


def trained(data, *listeners: Callback) -> Outcome:
    """Three epochs with dropout and running statistics, always from one seed."""
    mica.set_seed(3)
    random.seed(3)
    np.random.seed(3)
    model = nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2)
    )
    x, y = data
    history = run(
        model,
        x,
        y,
        loss=nn.CrossEntropyLoss(),
        optimizer="adam",
        metrics=["accuracy"],
        validation_data=(x, y),
        epochs=3,
        batch_size=16,
        callbacks=listeners,
        verbose=0,
    )
    randomness = (
        torch.get_rng_state().tolist(),
        random.getstate(),
        np.random.get_state()[1].tolist(),
    )
    weights = [tensor.clone() for tensor in model.state_dict().values()]
    return Outcome(history.history, history.stop_reason, weights, randomness)


@pytest.fixture(scope="module")
def undisturbed(data) -> Outcome:
    return trained(data)


@every_class
def test_every_exported_callback_has_a_case(kind):
    assert kind in CASES


@every_class
def test_a_listener_leaves_training_bit_identical(
    kind, data, undisturbed, tmp_path, capsys
):
    outcome = trained(data, CASES[kind].listens(tmp_path))
    outcome.history.pop("learning_rate", None)  # an extra log is no disturbance
    assert outcome.history == undisturbed.history
    assert outcome.stopped == undisturbed.stopped
    assert all(map(torch.equal, outcome.weights, undisturbed.weights))
    assert outcome.randomness == undisturbed.randomness


def test_all_listeners_together_leave_training_bit_identical(
    data, undisturbed, tmp_path, capsys
):
    outcome = trained(data, *[case.listens(tmp_path) for case in CASES.values()])
    assert all(map(torch.equal, outcome.weights, undisturbed.weights))
    assert outcome.randomness == undisturbed.randomness


@every_class
def test_a_callback_can_be_used_again(kind, data, undisturbed, tmp_path, capsys):
    callback = CASES[kind].listens(tmp_path)
    outcomes = [trained(data, callback) for _ in range(2)]
    assert all(map(torch.equal, outcomes[1].weights, undisturbed.weights))
    assert outcomes[0].history == outcomes[1].history


@every_class
def test_making_a_callback_does_nothing_yet(kind, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    CASES[kind].listens(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr() == ("", "")


@every_class
def test_arguments_can_be_read_back(kind, tmp_path):
    callback = CASES[kind].listens(tmp_path)
    names = list(inspect.signature(kind).parameters)
    assert [name for name in names if not hasattr(callback, name)] == []


@every_class
def test_one_argument_is_positional(kind):
    parameters = list(inspect.signature(kind).parameters.values())
    assert {part.kind for part in parameters[1:]} <= {inspect.Parameter.KEYWORD_ONLY}


@every_class
def test_only_those_who_need_batches_hear_them(kind, tmp_path):
    callback = CASES[kind].listens(tmp_path)
    hears = [callback.listens_to(event) for event in ("batch_begin", "batch_end")]
    assert any(hears) is CASES[kind].hears_batches


@every_class
def test_a_callback_overrides_events_that_exist(kind):
    own = [name for name in vars(kind) if name.startswith("on_")]
    assert [name for name in own if name.removeprefix("on_") not in events.EVENTS] == []


@every_class
def test_a_callback_may_be_copied(kind, tmp_path):
    callback = CASES[kind].listens(tmp_path)
    assert vars(copy.copy(callback)).keys() == vars(callback).keys()


@every_class
def test_a_docstring_has_its_sections(kind):
    docstring = inspect.getdoc(kind) or ""
    titles = re.findall(r"^(\w+):$", docstring, flags=re.MULTILINE)
    assert [title for title in titles if title != "Source"] == [
        "Args",
        "Raises",
        "Example",
    ]
    first = docstring.splitlines()[0]
    assert first.endswith(".")
    assert first[0].isupper()
