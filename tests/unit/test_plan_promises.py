"""Promises: what advice brought is found out, kept, and corrects advice to come."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import mica
from mica.data import Batch
from mica.engine import cache_folder
from mica.plan import Limits, explain, forget_promises
from mica.plan.advising import Advice, Cost
from mica.plan.promises import (
    FORMAT,
    MOST_RUNS,
    Outcome,
    Promise,
    Run,
    Setting,
    corrected,
    correction_of,
    family_of,
    recall_outcomes,
    remember_run,
    settle,
)
from mica.plan.row import Row
from mica.plan.timeline import ProcessorClock

PLAIN = Setting("float32", 32, 2, False, "LoaderSource", elementwise=1, waits=1)
PROMISE = Promise(0.4, 0.5)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def run(setting=PLAIN, seconds=1.0, *actions):
    return Run(setting, seconds, dict.fromkeys(actions, PROMISE))


# Which advice was followed.


@pytest.mark.parametrize(
    ("action", "change"),
    [
        ("bfloat16", {"precision": "bfloat16"}),
        ("batch", {"batch_size": 64}),
        ("threads", {"threads": 1}),
        ("fused", {"fused": True}),
        ("memory", {"reads": "ArraySource"}),
        ("read ahead", {"reads": "LoaderSource, 1 processes"}),
        ("join", {"elementwise": 0}),
        ("sync", {"waits": 0}),
    ],
)
def test_an_advice_that_was_followed_is_found(action, change):
    then = run(PLAIN, 1.0, "bfloat16", "batch", "threads", "fused", "join", "sync")
    then.promises[action] = PROMISE
    found = settle([then], run(replace(PLAIN, **change), 0.75))
    assert found == [Outcome(action, 0.4, 0.5, 0.25)]


@pytest.mark.parametrize(
    ("action", "change"),
    [
        ("bfloat16", {}),
        ("bfloat16", {"precision": "bfloat16", "threads": 1}),  # which of them was it?
        ("bfloat16", {"precision": "bfloat16", "clock": "ProcessorClock"}),
        ("batch", {"batch_size": 128}),  # the advice was about twice the rows
        ("batch", {"batch_size": 16}),
        ("threads", {"threads": 4}),
        ("join", {"elementwise": 2}),
        ("memory", {"reads": "LoaderSource, 1 processes"}),
        ("read ahead", {"reads": "ArraySource"}),
        ("capture", {"precision": "bfloat16"}),  # a graph cannot be looked into
    ],
)
def test_what_was_not_advised_is_no_outcome(action, change):
    assert settle([run(PLAIN, 1.0, action)], run(replace(PLAIN, **change), 0.5)) == []


def test_what_was_undone_is_no_outcome():
    fused = replace(PLAIN, fused=True)
    assert settle([run(fused, 1.0, "fused")], run(PLAIN, 2.0)) == []


def test_the_newest_explanation_counts():
    older, newer = run(PLAIN, 1.0, "batch"), run(PLAIN, 2.0, "batch")
    (found,) = settle([older, newer], run(replace(PLAIN, batch_size=64), 1.0))
    assert found.brought == 0.5


def test_a_step_without_time_tells_nothing():
    now = run(replace(PLAIN, batch_size=64))
    assert settle([run(PLAIN, 0.0, "batch")], now) == []


def test_an_outcome_in_words():
    outcome = Outcome("batch", 0.5, 0.5, 0.2)
    assert outcome.sentence() == "batch: advised 2.00x, brought 1.25x."
    worse = Outcome("batch", 0.5, 0.5, -1.0)
    assert worse.sentence() == "batch: advised 2.00x, brought 0.50x."


# Kept on the disk.


def test_outcomes_are_remembered():
    assert remember_run("network", run(PLAIN, 1.0, "batch", "fused")) == []
    (found,) = remember_run("network", run(replace(PLAIN, batch_size=64), 0.8))
    assert found.brought == pytest.approx(0.2)
    # Another explanation, and the outcome is still known.
    assert remember_run("network", run(replace(PLAIN, batch_size=64), 0.9))[0] == (
        Outcome("batch", 0.4, 0.5, pytest.approx(0.1))
    )
    assert remember_run("network", run(replace(PLAIN, threads=8))) == recall_outcomes()
    assert remember_run("another", run()) == []
    forget_promises()
    assert recall_outcomes() == []


def test_only_the_last_runs_are_kept():
    for size in range(1, 30):
        remember_run("network", run(replace(PLAIN, batch_size=1000 + size)))
    (path,) = cache_folder("promises").glob("*.json")
    assert len(json.loads(path.read_text())["runs"]) == MOST_RUNS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"format": 0, "runs": [], "outcomes": []}',
        f'{{"format": {FORMAT}, "runs": [{{}}], "outcomes": []}}',
        f'{{"format": {FORMAT}, "runs": [], "outcomes": [{{"action": 1}}]}}',
        f'{{"format": {FORMAT}, "runs": 5, "outcomes": []}}',
    ],
)
def test_a_damaged_or_foreign_file_is_passed_over(text):
    folder = cache_folder("promises")
    folder.mkdir(parents=True)
    (folder / "network.json").write_text(text)
    assert recall_outcomes() == []
    assert remember_run("network", run()) == []  # and written anew
    assert json.loads((folder / "network.json").read_text())["format"] == FORMAT


def test_a_disk_that_cannot_be_written_is_no_matter(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert remember_run("network", run()) == []
    assert recall_outcomes() == []
    forget_promises()


# Which networks are the same.


def name_of(model=None, row=2, rows=4, trains=False):
    model = model or nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    batch = Batch(torch.zeros(rows, row), None, None, rows)
    return family_of(model, batch, None, trains)


def test_a_network_is_known_by_its_weights_and_rows():
    one = name_of()
    assert one == name_of(rows=64)
    assert one == name_of(nn.Linear(2, 3))  # the relu went into the layer
    assert one != name_of(nn.Linear(2, 4))
    assert one != name_of(row=5)


# Corrections.


def outcomes(*brought, action="batch"):
    return [Outcome(action, 0.4, 0.5, each) for each in brought]


@pytest.mark.parametrize(
    ("brought", "factor"),
    [
        ((0.5, 0.1), 1.0),  # too few
        ((0.25, 0.25, 0.5), 0.5),
        ((-0.5, -0.25, 0.0), 0.0),  # nothing is promised any more
        ((2.0, 2.0, 2.0), 1.5),
    ],
)
def test_a_correction_is_the_median_of_what_was_kept(brought, factor):
    kept = [*outcomes(*brought), *outcomes(9.0, 9.0, 9.0, action="fused")]
    assert correction_of("batch", kept) == (factor, len(brought))


def row(action, gain, seconds=1.0):
    advice = Advice(action, "So.", gain)
    return Row("dense", "Dense", seconds, 0.0, Cost(), "launch", advice)


def test_advice_is_corrected_and_says_so():
    rows = [row("batch", 0.4), row("bfloat16", 0.3), row("none", 0.0)]
    changed, said = corrected(rows, outcomes(0.25, 0.25, 0.25))
    assert [each.advice.gain for each in changed] == [0.2, 0.3, 0.0]
    assert said == {
        "batch": "Corrected: 3 such promises brought 50 % of what was computed."
    }


def test_no_correction_promises_more_than_there_is():
    ((changed,), _) = corrected([row("batch", 0.9)], outcomes(2.0, 2.0, 2.0))
    assert changed.advice.gain == 1.0


# From one explanation to the next.

HIGH = Limits("cpu", 1, {"float32": 1e15, "bfloat16": 1e15}, ((1, 1e15),), 5e-6, 1e-9)


@pytest.fixture
def known_machine(monkeypatch):
    monkeypatch.setattr(
        sys.modules["mica.plan.explain"], "find_limits", lambda device: HIGH
    )


def data():
    return np.random.rand(64, 4).astype("float32"), np.random.rand(64, 3)


def learner():
    model = mica.Sequential(mica.Input((4,)), mica.layers.Dense(3))
    model.compile("sgd", "mse")
    return model


@pytest.mark.usefixtures("known_machine")
def test_the_next_explanation_says_what_the_last_advice_brought():
    options = {"seconds": 0.01, "clock": ProcessorClock(), "plan": "eager"}
    first = explain(learner(), *data(), batch_size=8, **options)
    assert not [each for each in first.remarks if "advised" in each.fact]
    assert any(each.advice.action == "batch" for each in first.rows)
    second = explain(learner(), *data(), batch_size=16, **options)
    (said,) = [each for each in second.remarks if "advised" in each.fact]
    assert said.where == "advice that was followed"
    assert said.fact.startswith("batch: advised ")
    assert said.fact in str(second)
    assert len(recall_outcomes()) == 1


@pytest.mark.usefixtures("known_machine")
def test_promises_that_were_not_kept_are_smaller_the_next_time():
    for number in range(3):
        name = f"network {number}"
        remember_run(name, run(PLAIN, 1.0, "batch"))
        remember_run(name, run(replace(PLAIN, batch_size=64), 0.95))
    found = explain(learner(), *data(), seconds=0.01, plan="eager")
    assert found.corrections["batch"] == (
        "Corrected: 3 such promises brought 10 % of what was computed."
    )


def test_ceilings_of_one_s_own_leave_nothing_behind():
    explain(learner(), *data(), seconds=0.01, limits=HIGH)
    assert not list(cache_folder("promises").glob("*"))
