"""Explain: which plan it starts from, which clock it reads, and what data it takes."""

import sys
from dataclasses import replace

import numpy as np
import pandas
import pytest
import torch

import mica
from mica.data import as_source
from mica.engine import ExecutionPlan
from mica.errors import StateError
from mica.plan import Limits, explain, forget_plans, predict_memory
from mica.plan.advising import Advice, Cost
from mica.plan.remembering import key_of, remember_plan
from mica.plan.row import Row
from mica.plan.timeline import ProcessorClock
from mica.plan.trying import spread_threads
from tests.fake_clock import FakeClock

HIGH = Limits("cpu", 1, {"float32": 1e15, "bfloat16": 1e15}, ((1, 1e15),), 5e-6, 1e-9)
DENSE = mica.layers.Dense


def small_model(**compiled):
    model = mica.Sequential(mica.Input((4,)), DENSE(8, activation="relu"), DENSE(3))
    if compiled:
        model.compile(**compiled)
    return model


def rows_of(count=64):
    return np.random.rand(count, 4).astype("float32"), np.random.rand(count, 3)


def quick(model, *data, **options):
    return explain(model, *data, seconds=0.01, limits=HIGH, **options)


# One thread.


def launched(seconds, gain, bound="launch"):
    advice = Advice("batch", "More.", gain)
    return Row("dense", "Dense", seconds, 0.0, Cost(), bound, advice)


def test_one_thread_is_advised_where_it_saves_more_than_a_larger_batch():
    rows = [launched(1.0, 0.2), launched(3.0, 0.1), launched(5.0, 0.5, "compute")]
    one, two, three = spread_threads(rows, 2.0)
    assert [one.advice.action, two.advice.action] == ["threads", "threads"]
    assert [one.advice.gain, two.advice.gain] == [0.5, 1.5]
    assert three == rows[2]
    assert spread_threads(rows, 0.25) == tuple(rows)
    assert spread_threads([], 1.0) == ()


@pytest.mark.parametrize(("took", "action"), [(0.0, "threads"), (1e9, "batch")])
def test_one_thread_is_tried_where_little_is_done(monkeypatch, took, action):
    monkeypatch.setattr(
        sys.modules["mica.plan.trying"], "quickest", lambda *given, **options: took
    )
    plan = ExecutionPlan(torch.device("cpu"), threads=2)
    found = quick(small_model(optimizer="sgd", loss="mse"), rows_of(), plan=plan)
    gap = next(row for row in found.rows if row.name == "host gaps")
    assert gap.advice.action == action


@pytest.mark.parametrize(
    ("optimizer", "fused"),
    [
        ("rmsprop", True),
        ("adam", True),
        (lambda weights: torch.optim.Adam(weights, fused=True), True),
        (lambda weights: torch.optim.Adam(weights, foreach=False), False),
        (lambda weights: torch.optim.RMSprop(weights), False),
        (lambda weights: torch.optim.LBFGS(weights), True),  # there is no other
    ],
    ids=["rmsprop", "adam", "fused", "foreach", "torch's rmsprop", "lbfgs"],
)
def test_an_update_of_many_operations_should_be_fused(optimizer, fused):
    found = quick(small_model(optimizer=optimizer, loss="mse"), rows_of())
    update = next(row for row in found.rows if row.name == "optimizer")
    assert (update.advice.action == "fused") is not fused


class SlowRows(torch.utils.data.Dataset):
    """Rows that a clock moves on for."""

    def __init__(self, clock):
        self.clock = clock

    def __len__(self):
        return 64

    def __getitem__(self, row):
        self.clock.work(1)
        return torch.full((4,), float(row)), torch.zeros(3)


@pytest.mark.parametrize(
    ("free", "action"), [(10**9, "memory"), (10**3, "read ahead"), (None, "read ahead")]
)
def test_slow_rows_should_be_in_memory_where_they_fit(monkeypatch, free, action):
    module = sys.modules["mica.plan.explain"]
    monkeypatch.setattr(module, "free_memory_bytes", lambda: free)
    clock = FakeClock()
    model = small_model(optimizer="sgd", loss="mse")
    loader = torch.utils.data.DataLoader(SlowRows(clock), batch_size=8)
    found = quick(model, loader, clock=clock)
    row = next(row for row in found.rows if row.name == "data")
    assert row.seconds == 8
    assert row.bound == "input"
    assert row.advice.action == action


@pytest.mark.parametrize("look", [explain, predict_memory])
def test_a_loader_that_mixes_its_rows_is_read_on_and_put_back(look):
    generator, clock = torch.Generator().manual_seed(3), FakeClock()
    loader = torch.utils.data.DataLoader(
        SlowRows(clock), batch_size=8, shuffle=True, generator=generator
    )
    before = generator.get_state()
    model = small_model(optimizer="sgd", loss="mse")
    if look is predict_memory:
        predict_memory(model, loader)
    else:
        found = quick(model, loader, clock=clock)
        row = next(row for row in found.rows if row.name == "data")
        assert row.seconds == 8
        assert not found.remarks
    assert torch.equal(generator.get_state(), before)


def test_processes_that_read_are_another_setting():
    data = SlowRows(FakeClock())
    reading = sys.modules["mica.plan.explain"]._reading
    source = as_source(torch.utils.data.DataLoader(data, num_workers=1))
    assert reading(source) == "LoaderSource, 1 processes"
    assert reading(as_source(torch.utils.data.DataLoader(data))) == "LoaderSource"
    assert reading(as_source(torch.zeros(2, 1))) == "ArraySource"


# The plan it starts from.


@pytest.fixture
def remembered(monkeypatch, tmp_path):
    """A machine on which `fit` found a plan for the small model."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = small_model(optimizer="adam", loss="mse")
    keys = []
    monkeypatch.setattr(
        sys.modules["mica.plan.search"],
        "key_of",
        lambda *given: keys.append(key_of(*given)) or keys[-1],
    )
    model.fit(*rows_of(640), epochs=10, verbose=0, batch_size=16)
    plan = ExecutionPlan(torch.device("cpu"), "bfloat16", capture="compile", threads=1)
    remember_plan(keys[-1], plan, 0.001)
    yield model
    forget_plans()


def test_it_starts_from_the_plan_that_fit_would_take(remembered):
    found = quick(remembered, rows_of(640), batch_size=16)
    assert found.plan.precision == "bfloat16"
    assert found.plan.threads == 1
    assert found.plan.capture == "eager"
    assert (
        "Plan: the plan that an earlier run of this model on this machine adopted, "
        "looked into as its eager form."
    ) in found.header
    assert found.header in found.report().note


def test_another_batch_is_another_situation(remembered):
    found = quick(remembered, rows_of(640), batch_size=32)
    assert found.plan.precision == "float32"
    assert (
        "Plan: eager: no plan is remembered for this model, data and machine. "
        "Timed by the wall clock: what else the machine does is in it."
    ) in found.header


def test_a_plan_that_is_asked_for_is_taken(remembered):
    found = quick(remembered, rows_of(640), batch_size=16, plan="eager")
    assert found.plan.precision == "float32"
    assert "Plan: eager, as was asked for." in found.header
    plan = ExecutionPlan(torch.device("cpu"), threads=1, capture="graph")
    found = quick(remembered, rows_of(640), batch_size=16, plan=plan)
    assert (
        "Plan: the plan that was asked for, looked into as its eager form."
    ) in found.header


def test_the_header_says_the_optimizer_and_the_clock():
    model = small_model(optimizer="adam", loss="mse")
    found = quick(model, rows_of(), clock=ProcessorClock())
    assert "fused Adam" in found.header
    assert (
        "Timed by the processor's own clock: waiting, and what else the machine does, "
        "is not in it."
    ) in found.header
    found = quick(small_model(), rows_of()[0], clock=FakeClock())
    assert "Timed by FakeClock." in found.header


def test_a_header_is_the_plan_when_there_is_no_other():
    found = replace(quick(small_model(), rows_of()[0]), header="")
    assert found.report().note.startswith(found.plan.describe())


# What fit accepts.


def test_x_and_y_and_weights_are_given_as_to_fit():
    x, y = rows_of()
    model = small_model(optimizer="sgd", loss="mse")
    for given in ((x, y), (x, y, np.ones(64)), ((x, y),), ((x, y, np.ones(64)),)):
        assert quick(model, *given, batch_size=16).trains


def test_several_inputs_are_no_targets():
    a, b = mica.Input((3,), name="a"), mica.Input((2,), name="b")
    model = mica.Model([a, b], mica.layers.Concatenate()([DENSE(1)(a), DENSE(2)(b)]))
    model.compile("sgd", "mse")
    x = (np.random.rand(8, 3), np.random.rand(8, 2))
    assert quick(model, x, np.random.rand(8, 3)).trains


def text_model(adapted=True):
    reader = mica.layers.TextVectorization(max_tokens=20, output_sequence_length=6)
    if adapted:
        reader.adapt(["good film", "bad film", "what a film"])
    model = mica.Sequential(
        reader,
        mica.layers.Embedding(20, 4),
        mica.layers.GlobalAveragePooling1D(),
        DENSE(1, activation="sigmoid"),
    )
    model.compile("adam", "binary_crossentropy")
    return model


@pytest.mark.parametrize("kind", ["list", "array", "series", "loader"])
def test_raw_texts_are_read_as_by_fit(kind):
    texts, labels = ["good film", "bad"] * 8, [1, 0] * 8
    pairs = list(zip(texts, torch.tensor(labels), strict=True))
    given = {
        "list": lambda: (texts, labels),
        "array": lambda: (np.array(texts), np.array(labels)),
        "series": lambda: (pandas.Series(texts), pandas.Series(labels)),
        "loader": lambda: (torch.utils.data.DataLoader(pairs, batch_size=4),),
    }[kind]()
    found = quick(text_model(), *given, batch_size=4)
    assert found.trains
    assert found.batch_size == 4
    assert "embedding" in {row.name for row in found.rows}
    data = given if len(given) > 1 else given[0]
    assert predict_memory(text_model(), data, batch_size=4).peak > 0


def test_texts_without_a_vocabulary_are_refused():
    with pytest.raises(StateError, match="adapt"):
        quick(text_model(adapted=False), ["good film"] * 4, [1] * 4)


def test_frames_of_numbers():
    x, y = rows_of()
    found = quick(
        small_model(optimizer="sgd", loss="mse"),
        pandas.DataFrame(x, columns=list("abcd")),
        pandas.DataFrame(y, columns=list("xyz")),
    )
    assert found.trains
