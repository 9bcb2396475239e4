"""Compiled and captured: both ways to launch a step at once, as one plan."""

import dataclasses
import sys

import pytest
import torch
from torch import nn

from mica.data import Batch
from mica.engine import ExecutionPlan, Hardware, execution
from mica.plan import Trial, find_candidates
from mica.plan.timing import Timed
from mica.training import CapturedStep, Objective, Session, make_step
from mica.training.updating import Updater
from tests.tolerances import assert_close

SEARCHING = sys.modules["mica.plan.search"]
CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)
MACHINE = Hardware("some", 2, (), None, ())
BOTH = ExecutionPlan(CPU, capture="compiled graph", threads=1)


def test_the_line_says_both():
    assert "· compiled, captured step ·" in BOTH.describe()


@pytest.mark.parametrize(
    ("capture", "compiled", "recorded"),
    [
        ("eager", False, False),
        ("graph", False, True),
        ("compile", True, False),
        ("compiled graph", True, True),
    ],
)
def test_a_plan_tells_what_its_capture_means(capture, compiled, recorded):
    plan = dataclasses.replace(BOTH, capture=capture)
    assert (plan.is_compiled, plan.is_recorded) == (compiled, recorded)


def test_a_gpu_with_time_to_compile_tries_each_and_both(monkeypatch):
    monkeypatch.setattr(execution, "resolve_device", lambda name: GPU)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "some GPU")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    eager = ExecutionPlan(GPU)
    plans = find_candidates(eager, hardware=MACHINE, time_to_compile=True)
    captures = [plan.capture for plan in plans]
    assert captures == ["eager", "graph", "compile", "compiled graph"]


@pytest.mark.parametrize(
    ("best", "compiled"), [("eager", "compile"), ("graph", "compiled graph")]
)
def test_the_best_plan_is_compiled_as_it_is_launched(best, compiled, monkeypatch):
    asked = []

    def search(trial, batches, eager, *, seconds, rounds, candidates):
        asked.extend(candidates)
        return [Trial(plan, Timed([1.0]), "no faster") for plan in candidates]

    monkeypatch.setattr(SEARCHING, "search", search)
    eager = dataclasses.replace(BOTH, capture="eager")
    trials = [Trial(eager, Timed([1.0]))]
    if best != "eager":
        trials[0].reason = "slower"
        trials.append(Trial(dataclasses.replace(eager, capture=best), Timed([0.5])))
    SEARCHING._try_compiled(None, [], trials, 1.0, 3)
    assert asked[0] == eager
    assert asked[-1].capture == compiled


def a_run():
    torch.manual_seed(0)
    model = nn.Linear(4, 1)  # no kernel has to be compiled for it
    x, y = torch.randn(8, 4), torch.randn(8, 1)
    session = Session(model, Objective("mse"), "adam")
    session.objective.bind(model, x, y)
    return session, Batch(x, y, None, 8), Updater("adam", list(model.parameters()))


@pytest.mark.untyped
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_and_captured_step_learns_the_same():
    weights = []
    for plan in (dataclasses.replace(BOTH, capture="eager"), BOTH):
        session, batch, updater = a_run()
        step = make_step(session.model, session.objective, updater, plan)
        assert isinstance(step, CapturedStep) == plan.is_recorded
        for _ in range(6):
            step(batch)
        weights.append([each.detach() for each in session.model.parameters()])
    for one, other in zip(*weights, strict=True):
        assert_close(one, other, "trajectory")
