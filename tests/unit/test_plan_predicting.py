"""How a prediction is cut and computed: what is tried, dropped, kept and said."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

import mica
from mica import layers
from mica.data import BucketSource, as_source
from mica.engine import (
    ExecutionPlan,
    eager_plan,
    precision_scope,
)
from mica.plan import (
    Prediction,
    PredictionTrial,
    choose_prediction,
    forget_plans,
    remembering,
)
from mica.plan import predicting as deciding
from mica.plan.predicting import differ
from mica.plan.remembering import recall_batch_size, recall_plan, remember_plan
from mica.plan.timing import Timed
from mica.training import Objective, Session

CPU = torch.device("cpu")
EAGER = ExecutionPlan(CPU, threads=1)
MIXED = ExecutionPlan(CPU, precision="bfloat16", threads=1)
ROWS = 20_000


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    forget_plans()
    yield
    forget_plans()


class Clock:
    """Emulated seconds for a row, by precision and rows of a batch."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.asked = []

    def block(self, rows, plan):
        return lambda _: (rows, plan.precision)

    def time(self, step, steps, device):
        rows, precision = step(0)
        self.asked.append((rows, precision))
        return rows * self.seconds(rows, precision)


@pytest.fixture
def emulated(monkeypatch):
    """Let the clock say what a test wants, and bfloat16 be at hand."""

    def emulate(seconds, *, mixed=True):
        clock = Clock(seconds)
        monkeypatch.setattr(deciding._Search, "_stepper", clock.block)
        monkeypatch.setattr(deciding, "time_block", clock.time)
        plans = [EAGER, MIXED] if mixed else [EAGER]
        monkeypatch.setattr(deciding, "find_candidates", lambda _: plans)
        return clock

    return emulate


def a_session(model=None):
    mica.set_seed(0)
    return Session(model or nn.Linear(4, 3), Objective(), "sgd")


def decide(rows=ROWS, session=None, **options):
    session = session or a_session()
    source = as_source(torch.randn(rows, 4))
    return choose_prediction(session, session.model, source, EAGER, **options)


def rows_of(found):
    return [(*row[:2], row[3]) for row in found.report().rows]


def test_few_rows_are_not_looked_into():
    found = decide(rows=3_199)
    assert found.reason == "3,199 rows are over before a search pays back."
    assert (found.plan, found.batch_size, found.trials) == (EAGER, 32, [])


def test_a_stream_is_not_looked_into():
    class Pairs(torch.utils.data.Dataset):
        def __len__(self):
            return 5_000

        def __getitem__(self, row):
            return torch.ones(4), 0

    session = a_session()
    source = as_source(Pairs())
    found = choose_prediction(session, session.model, source, EAGER)
    assert found.reason == "Data that come as a stream are not read twice."


def test_texts_that_are_padded_stay_in_their_batches():
    session = a_session()
    source = BucketSource([[1], [2, 3]] * 2_000)
    found = choose_prediction(session, session.model, source, EAGER)
    expected = "Batches that are made on the way, or padded, stay as they are."
    assert found.reason == expected


def test_deterministic_mode_asks_no_clock(monkeypatch):
    monkeypatch.setattr(torch, "are_deterministic_algorithms_enabled", lambda: True)
    found = decide()
    assert found.reason == "A choice by the clock is not repeatable."
    assert found.batch_size == 32


def test_rows_that_were_asked_for_stay(emulated):
    emulated(lambda rows, precision: 1e-6)
    assert decide(batch_size=7).batch_size == 7
    assert decide(rows=10, batch_size=7).batch_size == 7


def test_a_short_prediction_needs_no_search(emulated):
    emulated(lambda rows, precision: 1e-5)
    found = decide(rows=4_000)
    assert found.reason == "A prediction of about 40 ms needs no search."
    assert found.batch_size == 2048
    assert found.trials == []


@pytest.mark.parametrize(
    ("room", "size"), [(1.0, 2048), (4e6 / 128, 128), (4e6 / 127, 64), (1e9, 32)]
)
def test_as_many_rows_as_the_caches_hold(room, size):
    assert deciding._fitting(room, CPU) == size


def test_no_more_rows_than_memory_holds(monkeypatch):
    monkeypatch.setattr(deciding, "free_memory_bytes", lambda _: 4e6)
    assert deciding._fitting(1e4, torch.device("meta")) == 64
    monkeypatch.setattr(deciding, "free_memory_bytes", lambda _: None)
    assert deciding._fitting(1e7, torch.device("meta")) == 32


def test_the_fastest_size_is_taken_where_trying_pays_back(emulated):
    emulated(lambda rows, precision: 1e-6 if rows == 128 else 2e-6)
    found = decide(rows=800_000)
    assert found.batch_size == 128
    assert found.reason == "The fastest of those that give the same numbers."
    assert rows_of(found) == [
        ("float32", 2048, "100% slower"),
        ("float32", 32, "100% slower"),
        ("float32", 128, "adopted"),
        ("float32", 512, "100% slower"),
    ]
    assert found.report().rows[2][2] == "1,000,000"


def test_where_nothing_is_faster_the_first_size_stays(emulated):
    emulated(lambda rows, precision: 1e-6)
    found = decide(rows=800_000)
    assert found.batch_size == 2048
    assert [each.reason for each in found.trials] == ["", *["no faster"] * 3]


def test_what_was_found_is_remembered(emulated):
    clock = emulated(lambda rows, precision: 1e-6 if rows == 128 else 2e-6)
    first = decide(rows=800_000)
    clock.asked.clear()
    found = decide(rows=800_000)
    assert found.reason == "Remembered from an earlier prediction on this machine."
    assert (
        (found.plan, found.batch_size)
        == (first.plan, first.batch_size)
        == (
            EAGER,
            128,
        )
    )
    assert clock.asked == [(32, "float32")]


@pytest.mark.parametrize("size", [0, -1, True, 2.5, "32", None])
def test_rows_that_are_none_are_not_recalled(size):
    remember_plan("key", EAGER, 1.0, batch_size=size)
    assert recall_batch_size("key") is None
    assert recall_plan("key", EAGER) == (EAGER, 1.0)


def test_a_damaged_memory_is_searched_again(emulated, tmp_path):
    emulated(lambda rows, precision: 1e-6 if rows == 128 else 2e-6)
    decide(rows=800_000)
    for path in (tmp_path / "mica" / "plans").glob("*.json"):
        path.write_text("[1, 2")
    remembering._recalled.clear()
    assert decide(rows=800_000).reason.startswith("The fastest")


def slow(rows, precision):
    return 1e-3 if precision == "float32" else 5e-4


def test_a_long_prediction_is_made_in_bfloat16_where_that_is_faster(emulated):
    emulated(slow)
    found = decide(rows=ROWS, batch_size=32)
    assert found.plan == MIXED
    assert found.batch_size == 32
    assert rows_of(found) == [
        ("float32", 32, "100% slower"),
        ("bfloat16", 32, "adopted"),
    ]


def test_bfloat16_that_was_remembered_is_proven_again(emulated, monkeypatch):
    emulated(slow)
    assert decide(batch_size=32).plan == MIXED
    assert decide(batch_size=32).reason.startswith("Remembered")
    monkeypatch.setattr(deciding, "differ", lambda *_: "output 0 is another one")
    found = decide(batch_size=32)
    assert found.plan == EAGER
    assert found.trials[1].reason == "dropped: output 0 is another one"


@pytest.mark.parametrize(
    ("each", "said"),
    [
        (0.98e-3, "no faster beyond noise"),
        (0.999e-3, "no faster"),
        (2e-3, "100% slower"),
    ],
)
def test_bfloat16_that_gains_too_little_is_not_taken(emulated, each, said):
    emulated(lambda rows, precision: 1e-3 if precision == "float32" else each)
    found = decide(batch_size=32)
    assert found.plan == EAGER
    assert found.trials[1].reason == said


def test_a_prediction_of_ten_seconds_stays_float32(emulated):
    emulated(lambda rows, precision: 1e-4 if precision == "float32" else 1e-9)
    found = decide(batch_size=32)
    assert found.plan == EAGER
    assert found.reason == "A prediction of about 2.0 s needs no search."


def test_where_the_chip_has_no_bfloat16_it_is_not_tried(emulated):
    emulated(slow, mixed=False)
    found = decide(batch_size=32)
    assert found.reason == "A prediction of about 20.0 s needs no search."


@pytest.mark.parametrize("chosen", ["float32", "bfloat16", "float64"])
def test_a_precision_that_was_chosen_stays(chosen, monkeypatch):
    clock = Clock(lambda rows, precision: 1e-3)
    monkeypatch.setattr(deciding._Search, "_stepper", clock.block)
    monkeypatch.setattr(deciding, "time_block", clock.time)
    with precision_scope(chosen):
        eager = dataclasses.replace(eager_plan("cpu"), precision=chosen)
        session = a_session(nn.Linear(4, 3))
        source = as_source(torch.randn(ROWS, 4))
        found = choose_prediction(session, session.model, source, eager, batch_size=32)
    assert found.plan.precision == chosen
    assert found.trials == []


def test_bfloat16_that_fails_is_dropped_with_a_sentence(emulated, monkeypatch):
    emulated(slow)
    given = deciding._Search.outputs

    def outputs(self, rows, plan):
        if plan.precision == "bfloat16":
            raise RuntimeError("no such primitive")
        return given(self, rows, plan)

    monkeypatch.setattr(deciding._Search, "outputs", outputs)
    found = decide(batch_size=32)
    assert found.plan == EAGER
    expected = "dropped: it failed: RuntimeError: no such primitive"
    assert found.trials[1].reason == expected


def test_a_size_that_fails_is_dropped_with_a_sentence(emulated, monkeypatch):
    emulated(lambda rows, precision: 1e-6)
    given = deciding._Search.outputs

    def outputs(self, rows, plan):
        if rows == 128:
            raise RuntimeError("out of memory")
        return given(self, rows, plan)

    monkeypatch.setattr(deciding._Search, "outputs", outputs)
    found = decide(rows=800_000)
    expected = "dropped: it failed: RuntimeError: out of memory"
    assert {each.batch_size: each.reason for each in found.trials}[128] == expected


def test_a_failure_in_the_timed_rounds_is_dropped_with_a_sentence(emulated):
    def seconds(rows, precision):
        if precision == "bfloat16":
            raise RuntimeError("lost")
        return 1e-3

    emulated(seconds)
    found = decide(batch_size=32)
    assert found.trials[1].reason == "dropped: it failed: RuntimeError: lost"


def test_of_large_rows_too_few_are_there_to_try_bfloat16(emulated):
    emulated(lambda rows, precision: 1.0)
    found = decide(rows=3_200, batch_size=3)
    assert found.trials[1].reason == "not tried: there are too few rows"
    assert found.plan == EAGER


def test_a_search_that_fails_harms_nothing(monkeypatch):
    monkeypatch.setattr(deciding, "key_of", lambda *_: 1 / 0)
    found = decide(rows=800_000)
    expected = "Nothing was tried: it failed: ZeroDivisionError: division by zero."
    assert found.reason == expected
    assert (found.plan, found.batch_size, found.trials) == (EAGER, 32, [])


def test_a_search_leaves_the_random_numbers_and_the_modes_as_they_are(emulated):
    emulated(slow)
    model = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5)).train()
    session = a_session(model)
    torch.manual_seed(1)
    expected = torch.rand(1)
    source = as_source(torch.randn(ROWS, 4))
    torch.manual_seed(1)
    choose_prediction(session, model, source, EAGER, batch_size=32)
    assert torch.equal(torch.rand(1), expected)
    assert all(part.training for part in model.modules())


ONE = torch.tensor([[1.0, 2.0], [4.0, 3.0]])


@pytest.mark.parametrize(
    ("given", "expected", "said"),
    [
        (ONE, ONE, None),
        (ONE.bfloat16(), ONE, None),
        (ONE * 1.009, ONE, None),
        (ONE * 1.02, ONE, "output 0 is off by 2.0 % (at most 1 % is allowed)"),
        (ONE * torch.nan, ONE, "output 0 is off by nan % (at most 1 % is allowed)"),
        (ONE, ONE * 0, "output 0 is off by inf % (at most 1 % is allowed)"),
        (ONE * 0, ONE * 0, None),
        (
            torch.tensor([[1.0, 1.001], [9.0, 3.0]]),
            torch.tensor([[1.001, 1.0], [9.0, 3.0]]),
            "output 0 names another class in 1 of 2 rows",
        ),
        (
            torch.tensor([[0.501], [0.9]]),
            torch.tensor([[0.499], [0.9]]),
            "output 0 names another class in 1 of 2 rows",
        ),
        (torch.tensor([[0.501], [2.9]]), torch.tensor([[0.499], [2.9]]), None),
        (torch.tensor([1, 2]), torch.tensor([1, 3]), "output 0 is another one"),
        (torch.tensor([1, 2]), torch.tensor([1, 2]), None),
        (torch.zeros(0, 2), torch.zeros(0, 2), None),
    ],
)
def test_outputs_that_differ_are_told(given, expected, said):
    assert differ([given], [expected]) == said


def test_the_second_output_is_looked_at_too():
    said = differ([ONE, ONE * 2], [ONE, ONE])
    assert said == "output 1 is off by 100.0 % (at most 1 % is allowed)"


def test_a_decision_prints_as_a_table(capsys):
    trials = [
        PredictionTrial(EAGER, 32, Timed([2e-3]), "100% slower"),
        PredictionTrial(MIXED, 32, Timed([1e-3])),
    ]
    found = Prediction(MIXED, 32, "Why.", trials, rows=9, folded=2, cost=1.25)
    table = found.report()
    assert table.columns == ("precision", "rows in a batch", "rows/s", "verdict")
    assert table.rows == (
        ("float32", 32, "500", "100% slower"),
        ("bfloat16", 32, "1,000", "adopted"),
    )
    said = "Why. Folded batch normalizations: 2. The search took 1.2 s."
    assert table.note == said
    found.show()
    assert "Prediction" in capsys.readouterr().out
    assert "bfloat16" in str(found)


def test_a_decision_without_trials_says_what_is_done():
    table = Prediction(EAGER, 32, "Why.").report()
    assert table.rows == (("float32", 32, "", "adopted"),)
    assert table.note == "Why."


def test_predict_is_made_as_decided(monkeypatch):
    seen = []

    def choose(session, network, source, eager, *, batch_size, folded):
        seen.append((batch_size, folded))
        return Prediction(MIXED, 100, "So.")

    monkeypatch.setattr("mica.training.planning._prediction_planners", [choose])
    mica.set_seed(0)
    model = mica.Sequential(
        mica.Input((4,)), layers.Dense(8), layers.BatchNormalization(), layers.Dense(3)
    )
    model.compile("adam", "mse")
    sizes = []
    model.layers[-1].register_forward_pre_hook(
        lambda part, given: sizes.append(len(given[0]))
    )
    x = np.random.default_rng(0).normal(size=(1100, 4)).astype("float32")
    outputs = model.predict(x)
    assert sizes[-11:] == [100] * 11
    assert outputs.dtype == np.float32
    assert seen == [(None, 0)]
    expected = model.predict(x, plan="eager")
    assert 0 < np.abs(outputs - expected).max() < 0.05
    assert model.session.predicting is None


def test_small_and_eager_predictions_ask_nobody(monkeypatch):
    monkeypatch.setattr(
        "mica.training.planning._prediction_planners", [lambda *_, **__: 1 / 0]
    )
    model = mica.Sequential(mica.Input((4,)), layers.Dense(3))
    model.predict(torch.zeros(1023, 4))
    model.predict(torch.zeros(1100, 4), plan="eager")
    model.predict(torch.zeros(1100, 4), plan=MIXED)


def test_a_notebook_shows_the_decision():
    found = Prediction(EAGER, 32, "Few rows.")
    assert found._repr_html_() == found.report()._repr_html_()
    assert "Few rows." in found._repr_html_()
