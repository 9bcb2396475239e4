"""Laws of plans: a search leaves no trace, and a captured step is the same step."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

import mica
from mica import layers
from mica.data import Batch
from mica.engine import ExecutionPlan, random_state
from mica.optimizers.schedules import ExponentialDecay
from mica.plan import search as searching
from mica.plan import timing
from mica.training import Objective, TrainStep, make_step
from mica.training.updating import Updater

CPU = torch.device("cpu")
EAGER = ExecutionPlan(CPU, threads=1)
MIXED = ExecutionPlan(CPU, precision="bfloat16", threads=1)
CAPTURED = ExecutionPlan(CPU, capture="graph", threads=1)


def a_model(optimizer="adam"):
    mica.set_seed(3)
    model = mica.Sequential(
        mica.Input((6, 6, 1)),
        layers.Conv2D(4, 3, activation="relu"),
        layers.BatchNormalization(),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(3, activation="softmax"),
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def some_data():
    generator = np.random.default_rng(1)
    x = generator.normal(size=(96, 6, 6, 1)).astype("float32")
    return x, generator.integers(0, 3, size=96)


def trained(*, searched: bool, monkeypatch, tmp_path, optimizer="adam"):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    mica.plan.forget_plans()
    monkeypatch.setattr(searching, "SHORT_RUN", 0.0)
    monkeypatch.setattr(searching, "PATIENCE", 1e9)
    monkeypatch.setattr(searching, "LONGEST_SEARCH", 0.02)
    monkeypatch.setattr(searching, "BLOCK", 0.0)
    monkeypatch.setattr(
        searching, "find_candidates", lambda *_, **__: [EAGER, MIXED, CAPTURED]
    )
    # Whatever is found, it is the eager plan: what differs then is the search's doing.
    monkeypatch.setattr(timing, "is_faster", lambda *_, **__: False)
    model = a_model(optimizer)
    plan = "auto" if searched else "eager"
    with mica.engine.execution_scope(EAGER):
        history = model.fit(*some_data(), batch_size=8, epochs=10, verbose=0, plan=plan)
    if searched:
        assert len(history.plan.rows) == 3
    return model, history


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
def test_training_after_a_search_is_training_without_one_bit_for_bit(
    monkeypatch, tmp_path, optimizer
):
    runs = [
        trained(
            searched=searched,
            monkeypatch=monkeypatch,
            tmp_path=tmp_path,
            optimizer=optimizer,
        )
        for searched in (False, True)
    ]
    (plain, one), (searched, two) = runs
    assert one.history == two.history
    expected, given = plain.state_dict(), searched.state_dict()
    assert expected.keys() == given.keys()
    for name, value in expected.items():
        assert torch.equal(given[name], value), name


def test_a_search_leaves_weights_optimizer_and_random_numbers_alone(
    monkeypatch, tmp_path
):
    model, _ = trained(searched=False, monkeypatch=monkeypatch, tmp_path=tmp_path)
    session = model._session
    updater = session.ready_updater()
    kept = copy.deepcopy((model.state_dict(), updater.optimizer.state_dict()))
    steps, random = updater.step, random_state()
    source = mica.data.as_source(*some_data())
    session.prepare(source, EAGER)
    searching.choose_plan(session, source, EAGER, batch_size=8, epochs=20)
    now = (model.state_dict(), updater.optimizer.state_dict())
    torch.testing.assert_close(now, kept, rtol=0, atol=0)
    assert updater.step == steps
    assert str(random_state()) == str(random)


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop", "lion"])
def test_a_captured_step_learns_what_the_plain_step_learns(optimizer):
    """A last batch of another size, a schedule and clipping among it."""
    generator = torch.Generator().manual_seed(0)
    batches = [
        Batch(
            torch.randn(rows, 5, generator=generator),
            torch.randn(rows, 1, generator=generator),
            None,
            rows,
        )
        for rows in (8, 8, 8, 8, 8, 3, 8, 8)
    ]
    schedule = ExponentialDecay(0.01, 2, 0.5)
    spec = type(mica.optimizers.get_optimizer(optimizer))(schedule, global_clipnorm=0.5)
    results = []
    for plan in (EAGER, CAPTURED):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 1))
        objective = Objective("mse", metrics=["mae"])
        objective.bind(model, batches[0].x, batches[0].y)
        step = make_step(
            model, objective, Updater(spec, list(model.parameters())), plan
        )
        losses = [step(batch)["loss"].item() for batch in batches]
        results.append((losses, objective.metric_logs(), model.state_dict()))
    torch.testing.assert_close(results[1], results[0], rtol=0, atol=0)


def test_the_plain_step_is_made_where_capturing_is_not_wanted():
    model, x = nn.Linear(1, 1), torch.ones(2, 1)
    objective = Objective("mse")
    objective.bind(model, x, x)
    updater = Updater("sgd", list(model.parameters()))
    step = make_step(model, objective, updater, CAPTURED, captured=False)
    assert type(step) is TrainStep
