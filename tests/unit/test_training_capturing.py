"""Captured steps: what cannot be captured says so."""

import re

import pytest
import torch
from torch import nn

import mica
from mica.data import Batch
from mica.engine import ExecutionPlan, Recording
from mica.errors import ConfigError
from mica.training import CapturedStep, Objective, TrainStep, make_step
from mica.training.updating import Updater

CPU = torch.device("cpu")
CAPTURED = ExecutionPlan(CPU, capture="graph")


def a_step(optimizer):
    model, x = nn.Linear(1, 1), torch.ones(2, 1)
    objective = Objective("mse")
    objective.bind(model, x, x)
    updater = Updater(optimizer, list(model.parameters()))
    return TrainStep(model, objective, updater, CAPTURED), Batch(x, 2 * x, None, 2)


@pytest.mark.parametrize(
    "optimizer",
    [mica.optimizers.SGD(0.1, gradient_accumulation_steps=2), mica.optimizers.LBFGS()],
    ids=["accumulation", "LBFGS"],
)
def test_an_update_that_gathers_cannot_be_captured(optimizer):
    said = (
        "fit: expected an optimizer that moves once after each batch to capture the "
        'step, got one that gathers several. Use plan="eager".'
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(said)}$"):
        CapturedStep(a_step(optimizer)[0])


def test_an_optimizer_without_state_on_the_device_cannot_be_replayed():
    step, _ = a_step("sgd")
    said = (
        "fit: expected an optimizer that a recorded step can hold, got SGD. Use "
        'plan="eager", or Adam.'
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(said)}$"):
        step.updater.make_replayable(CPU)


def test_rates_and_counts_move_to_the_device_for_a_replay():
    step, batch = a_step("adam")
    step(batch)
    step.updater.make_replayable(CPU)
    group = step.updater.optimizer.param_groups[0]
    assert group["capturable"] is True
    assert isinstance(group["lr"], torch.Tensor)
    step.updater.set_rate()
    assert group["lr"].item() == pytest.approx(0.001)


def test_fit_takes_a_captured_plan():
    x = torch.linspace(-1, 1, 64)[:, None]
    model = mica.Sequential(mica.Input((1,)), mica.layers.Dense(1))
    model.compile(mica.optimizers.Adam(0.1), "mse")
    history = model.fit(x, 2 * x, epochs=20, batch_size=10, verbose=0, plan=CAPTURED)
    assert history.history["loss"][-1] < 0.1 * history.history["loss"][0]


def test_the_losses_of_a_captured_step_are_those_of_its_step():
    step, batch = a_step("sgd")
    captured = make_step(step.model, step.objective, step.updater, CAPTURED)
    assert captured.losses(batch)[1]["loss"] == step.losses(batch)[1]["loss"]


def test_a_replay_before_anything_was_recorded_does_nothing():
    Recording(CPU).replay()


@pytest.mark.untyped
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_network_learns_the_same():
    step, batch = a_step("sgd")
    compiled = ExecutionPlan(CPU, capture="compile")
    other = TrainStep(step.model, step.objective, step.updater, compiled)
    assert other.losses(batch)[1]["loss"] == step.losses(batch)[1]["loss"]
