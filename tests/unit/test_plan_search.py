"""The search for a plan: when it is made, what it drops, and what it says."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import nn

import mica
from mica import layers
from mica.data import Batch
from mica.data.series import WindowShape, WindowSource
from mica.data.source import LimitedSource
from mica.data.text import BucketSource
from mica.engine import (
    ExecutionPlan,
    Hardware,
    deterministic_scope,
    eager_plan,
    precision_scope,
)
from mica.plan import Decision, Trial, find_candidates, forget_plans
from mica.plan import search as searching
from mica.plan.candidates import multiplies_bfloat16
from mica.plan.proof import Gradients, bounds_of, compare, look
from mica.plan.search import affordable, search
from mica.plan.timing import Timed, adopt
from mica.training import Objective, Session, TrainStep
from mica.training.updating import Updater

CPU = torch.device("cpu")
TWO_THREADS = ExecutionPlan(CPU, threads=2)
ONE_THREAD = ExecutionPlan(CPU, threads=1)
MIXED = ExecutionPlan(CPU, precision="bfloat16", threads=2)
SCHOOLED = Hardware("some", 2, ("avx2", "avx512_bf16"), None, ())
PLAIN = Hardware("some", 2, ("avx2",), None, ())


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    forget_plans()
    yield
    forget_plans()


@pytest.fixture
def eager_to_search(monkeypatch):
    """Let a small run be worth a search, and a search short."""
    monkeypatch.setattr(searching, "SHORT_RUN", 0.0)
    monkeypatch.setattr(searching, "PATIENCE", math.inf)
    monkeypatch.setattr(searching, "LONGEST_SEARCH", 0.05)
    monkeypatch.setattr(searching, "BLOCK", 0.0)
    plans = [TWO_THREADS, ONE_THREAD, MIXED]
    monkeypatch.setattr(searching, "find_candidates", lambda *_, **__: plans)


def a_model(*, rate=0.0):
    mica.set_seed(0)
    model = mica.Sequential(
        mica.Input((4,)),
        layers.Dense(8, activation="tanh"),
        layers.BatchNormalization(),
        layers.Dropout(rate),
        layers.Dense(1),
    )
    model.compile("adam", "mse", metrics=["mae"])
    return model


def some_data(rows=256):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(rows, 4)).astype("float32")
    return x, x.sum(axis=1, keepdims=True)


def a_session(model=None):
    model = model or nn.Linear(4, 1)
    x = torch.ones(8, 4)
    session = Session(model, Objective("mse"), "adam")
    session.objective.bind(model, x, torch.ones(8, 1))
    return session, [Batch(x, torch.ones(8, 1), None, 8)]


@pytest.mark.parametrize(
    ("hardware", "chosen", "expected"),
    [
        (SCHOOLED, None, ["float32", "float32", "bfloat16", "bfloat16"]),
        (PLAIN, None, ["float32", "float32"]),
        (SCHOOLED, "float32", ["float32", "float32"]),
        (SCHOOLED, "bfloat16", ["bfloat16", "bfloat16"]),
        (SCHOOLED, "float64", ["float64", "float64"]),
    ],
    ids=["bf16", "no bf16", "float32 asked", "bf16 asked", "float64 asked"],
)
def test_candidates_follow_the_chip_and_the_precision_asked(hardware, chosen, expected):
    with precision_scope(chosen):
        eager = dataclasses.replace(TWO_THREADS, precision=chosen or "float32")
        plans = find_candidates(eager, hardware=hardware)
    assert plans[0] == eager
    assert [plan.precision for plan in plans] == expected
    assert {plan.threads for plan in plans} == {1, 2}


def test_one_thread_is_not_tried_twice():
    assert find_candidates(ONE_THREAD, hardware=PLAIN) == [ONE_THREAD]


def test_a_compiler_is_tried_when_there_is_time():
    plans = find_candidates(ONE_THREAD, hardware=PLAIN, time_to_compile=True)
    assert [plan.capture for plan in plans] == ["eager", "compile"]


def test_deterministic_mode_leaves_the_eager_plan_alone():
    with deterministic_scope():
        assert find_candidates(TWO_THREADS, hardware=SCHOOLED) == [TWO_THREADS]


@pytest.mark.parametrize(
    ("device", "hardware", "expected"),
    [("cpu", SCHOOLED, True), ("cpu", PLAIN, False), ("meta", SCHOOLED, False)],
)
def test_bfloat16_is_for_chips_that_multiply_it(device, hardware, expected):
    assert multiplies_bfloat16(torch.device(device), hardware) is expected


ONES = {"weight": torch.ones(2)}
EXPECTED = Gradients(1.0, {"weight": torch.ones(2), "bias": torch.ones(1)})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (EXPECTED, None),
        (Gradients(1.005, EXPECTED.by_name), None),
        (
            Gradients(1.02, EXPECTED.by_name),
            "the loss is 1.02 instead of 1 on the same batch",
        ),
        (
            Gradients(float("nan"), EXPECTED.by_name),
            "the loss is nan instead of 1 on the same batch",
        ),
        (Gradients(1.0, ONES), "other weights have a gradient"),
        (
            Gradients(1.0, {**EXPECTED.by_name, "weight": torch.tensor([1.0, 0.0])}),
            "the gradient of weight points elsewhere (cosine 0.7071, at least 0.99 is "
            "wanted)",
        ),
        (
            Gradients(1.0, {**EXPECTED.by_name, "bias": -torch.ones(1)}),
            "the gradient of bias points elsewhere (cosine -1.0000, at least 0.99 is "
            "wanted)",
        ),
        (
            Gradients(1.0, {**EXPECTED.by_name, "bias": torch.tensor([torch.nan])}),
            "the gradient of bias points elsewhere (cosine nan, at least 0.99 is "
            "wanted)",
        ),
    ],
)
def test_numbers_that_are_off_are_told(given, said):
    assert compare(given, EXPECTED, bounds_of("bfloat16")) == said


def test_a_gradient_of_rounding_noise_is_no_reason():
    expected = Gradients(1.0, {"weight": torch.ones(2), "bias": torch.tensor([1e-9])})
    given = Gradients(1.0, {"weight": torch.ones(2), "bias": torch.tensor([-1e-9])})
    assert compare(given, expected, bounds_of("bfloat16")) is None


def test_float32_has_the_narrower_bounds():
    assert bounds_of("float32").loss < bounds_of("bfloat16").loss
    assert bounds_of("float32").cosine > bounds_of("bfloat16").cosine


def test_looking_at_a_batch_changes_no_weight_and_draws_no_dropout():
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 1))
    session, batches = a_session(model.train())
    step = TrainStep(
        model, session.objective, session.ready_updater(), eager_plan("cpu")
    )
    before = [weight.detach().clone() for weight in model.parameters()]
    one, two = look(step, batches[0]), look(step, batches[0])
    assert one.loss == two.loss
    assert model[1].training
    for weight, old in zip(model.parameters(), before, strict=True):
        assert torch.equal(weight, old)
        assert weight.grad is None


def test_a_candidate_that_cannot_run_is_dropped_with_a_sentence(monkeypatch):
    session, batches = a_session()
    made = searching.make_step

    def make_step(model, objective, updater, plan, **options):
        if plan.precision == "bfloat16":
            raise RuntimeError("no such primitive")
        return made(model, objective, updater, plan, **options)

    monkeypatch.setattr(searching, "make_step", make_step)
    trials = search(
        session, batches, ONE_THREAD, seconds=0.0, candidates=[ONE_THREAD, MIXED]
    )
    assert trials[1].reason == "dropped: it failed: RuntimeError: no such primitive"
    assert trials[0].reason == ""


def test_a_candidate_of_other_numbers_is_dropped_with_a_sentence(monkeypatch):
    session, batches = a_session()
    monkeypatch.setattr(
        searching,
        "look",
        lambda step, batch: Gradients(
            2.0 if step.plan.precision == "bfloat16" else 1.0, {}
        ),
    )
    trials = search(
        session, batches, ONE_THREAD, seconds=0.0, candidates=[ONE_THREAD, MIXED]
    )
    assert trials[1].reason == ("dropped: the loss is 2 instead of 1 on the same batch")


def with_times(monkeypatch, times):
    def take_turns(blocks, rounds, *, seconds):
        return [Timed([time] * 10) for time, _ in zip(times, blocks, strict=True)]

    monkeypatch.setattr(searching, "take_turns", take_turns)


@pytest.mark.parametrize(
    ("times", "reasons"),
    [
        ([1.0, 0.5, 0.8], ["100% slower", "", "60% slower"]),
        ([1.0, 0.99, 1.2], ["", "no faster beyond noise", "20% slower"]),
        ([1.0, 0.5, 0.501], ["100% slower", "", "no faster"]),
    ],
)
def test_the_fastest_is_adopted_and_the_others_say_why_not(monkeypatch, times, reasons):
    session, batches = a_session()
    with_times(monkeypatch, times)
    plans = [TWO_THREADS, ONE_THREAD, MIXED]
    trials = search(session, batches, TWO_THREADS, seconds=0.0, candidates=plans)
    assert [trial.reason for trial in trials] == reasons


def test_a_run_is_trained_by_the_plan_that_was_found(monkeypatch, eager_to_search):
    with_times(monkeypatch, [1.0, 0.9, 0.5])
    model = a_model()
    history = model.fit(*some_data(), batch_size=8, epochs=4, verbose=0)
    rows = [(row[0].split(" · ")[:2], row[3]) for row in history.plan.rows]
    assert rows == [
        (["cpu (2 cores)", "float32"], "100% slower"),
        (["cpu (1 core)", "float32"], "80% slower"),
        (["cpu (2 cores)", "bfloat16"], "adopted"),
    ]
    assert "pays back after" in history.plan.note
    assert history.plan.note.endswith("you have 128.")
    assert "Plans" in str(history.report())


def test_the_second_run_remembers_the_plan(monkeypatch, eager_to_search):
    with_times(monkeypatch, [1.0, 0.5, 0.9])
    model = a_model()
    model.fit(*some_data(), batch_size=8, epochs=4, verbose=0)
    history = model.fit(*some_data(), batch_size=8, epochs=4, verbose=0)
    assert history.plan.note == "Remembered from an earlier run on this machine."
    assert history.plan.rows[0][0].startswith("cpu (1 core)")


def test_a_search_really_runs_and_its_line_is_shown(eager_to_search, capsys):
    model = a_model()
    history = model.fit(*some_data(), batch_size=8, epochs=4, verbose=2)
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("plan: cpu (")
    assert " samples/s" in first
    assert [row[3] for row in history.plan.rows].count("adopted") == 1
    assert all(float(row[1]) > 0 for row in history.plan.rows if row[1])


def no_search(*_, **__):
    raise AssertionError("expected no search")


@pytest.mark.parametrize(
    ("rows", "epochs", "said"),
    [
        (32, 2, "8 steps are over before a search pays back."),
        (800, 1, "A run of about 0.0 s is over before a search pays back."),
    ],
)
def test_a_short_run_is_not_searched_for(monkeypatch, rows, epochs, said):
    monkeypatch.setattr(searching, "search", no_search)
    monkeypatch.setattr(
        searching, "find_candidates", lambda *_, **__: [TWO_THREADS, ONE_THREAD]
    )
    monkeypatch.setattr(searching, "_first_guess", lambda *_: 1e-5)
    history = a_model().fit(*some_data(rows), batch_size=8, epochs=epochs, verbose=0)
    assert history.plan.note == said


def test_data_that_come_as_a_stream_are_not_read_for_a_search(monkeypatch):
    monkeypatch.setattr(searching, "search", no_search)
    x, y = some_data()

    def batches():
        while True:
            yield x[:8], y[:8]

    history = a_model().fit(batches(), steps_per_epoch=200, verbose=0)
    assert history.plan.note == "Data that come as a stream are not read twice."


def texts():
    answers = np.array([0.0, 1.0, 2.0] * 300)
    return BucketSource([[1, 2], [3], [4, 5, 6]] * 300, answers)


def series():
    return WindowSource(
        np.sin(np.arange(900.0)), None, WindowShape(history=3, horizon=1)
    )


@pytest.mark.parametrize(
    ("source", "first"),
    [
        (texts(), layers.Embedding(9, 4)),
        (series(), layers.Dense(4)),
        (LimitedSource(series(), 110), layers.Dense(4)),
    ],
    ids=["texts", "series", "limited"],
)
def test_texts_and_series_in_memory_are_searched_for_too(monkeypatch, source, first):
    seen = []

    def one_trial(_, batches, eager, **__):
        seen.append([batch.size for batch in batches])
        return [Trial(eager, Timed([0.5]))]

    monkeypatch.setattr(searching, "search", one_trial)
    monkeypatch.setattr(
        searching, "find_candidates", lambda *_, **__: [TWO_THREADS, ONE_THREAD]
    )
    monkeypatch.setattr(searching, "_first_guess", lambda *_: 0.2)
    monkeypatch.setattr(searching, "PATIENCE", math.inf)
    model = mica.Sequential(first, layers.GlobalAveragePooling1D(), layers.Dense(1))
    model.compile("sgd", "mse")
    history = model.fit(source, batch_size=8, epochs=1, verbose=0)
    assert seen == [[8, 8, 8, 8]]
    assert history.plan.note.startswith("The fastest of those")


def test_a_step_of_ones_own_is_left_as_it_is(monkeypatch):
    monkeypatch.setattr(searching, "search", no_search)

    class Own(mica.Sequential):
        def train_step(self, batch):
            return super().train_step(batch)

    model = Own(mica.Input((4,)), layers.Dense(1))
    model.compile("adam", "mse")
    history = model.fit(*some_data(), batch_size=2, verbose=0)
    assert history.plan.note == "A step of one's own is executed as it is written."


def test_where_there_is_no_other_way_nothing_is_searched(monkeypatch):
    monkeypatch.setattr(searching, "search", no_search)
    with deterministic_scope():
        history = a_model().fit(*some_data(), batch_size=2, verbose=0)
    assert history.plan.note == "There is no other way to execute a step here."


def test_a_search_that_breaks_leaves_training_alone(monkeypatch, eager_to_search):
    def broken(*_, **__):
        raise MemoryError("not enough for a copy")

    monkeypatch.setattr(searching, "_copy_of", broken)
    history = a_model().fit(*some_data(), batch_size=2, verbose=0)
    assert history.plan.note == (
        "No plan was searched for: it failed: MemoryError: not enough for a copy."
    )
    assert len(history.history["loss"]) == 1


def test_a_plan_that_was_asked_for_is_not_questioned(monkeypatch, eager_to_search):
    monkeypatch.setattr(searching, "search", no_search)
    for plan in ("eager", ONE_THREAD):
        history = a_model().fit(*some_data(), batch_size=2, verbose=0, plan=plan)
        assert history.plan is None


def test_a_decision_says_its_speed_beside_the_eager_one():
    trials = [
        Trial(TWO_THREADS, Timed([0.02]), "100% slower"),
        Trial(MIXED, Timed([0.01])),
    ]
    decision = Decision(MIXED, "The fastest.", trials, 64, 1.8, 4690)
    assert decision.speed() == "6,400 samples/s (float32 eager: 3,200)"
    assert decision.report().note == (
        "The fastest. plan cost 1.8 s, pays back after 180 steps, you have 4,690."
    )


def test_a_decision_for_the_eager_plan_has_nothing_to_pay_back():
    trials = [Trial(TWO_THREADS, Timed([0.02])), Trial(MIXED, Timed([0.1]), "slower")]
    decision = Decision(TWO_THREADS, "The fastest.", trials, 64, 1.8, None)
    assert decision.speed() == "3,200 samples/s"
    assert decision.report().note == "The fastest. plan cost 1.8 s."


def test_updates_that_gather_batches_are_tried_as_they_are(eager_to_search):
    model = a_model()
    model.compile(mica.optimizers.Adam(0.01, gradient_accumulation_steps=4), "mse")
    history = model.fit(*some_data(), batch_size=8, epochs=4, verbose=0)
    assert len(history.plan.rows) == 3


def test_updater_of_a_copy_learns_on():
    session, _ = a_session()
    assert isinstance(session.ready_updater(), Updater)


@pytest.mark.parametrize(
    ("seconds", "rounds"), [(10.0, 15), (300.0, 37), (1e6, 60), (float("inf"), 60)]
)
def test_a_long_run_is_worth_more_rounds(seconds, rounds):
    assert searching._rounds(seconds) == rounds


def test_of_plans_that_are_alike_the_first_is_adopted():
    times = {TWO_THREADS: 1.0, ONE_THREAD: 0.7, MIXED: 0.69}
    trials = [Trial(plan, Timed([each] * 15)) for plan, each in times.items()]
    adopt(trials)
    assert [trial.reason for trial in trials] == [
        "43% slower",
        "",
        "no faster beyond noise",
    ]


def test_of_plans_that_differ_the_fastest_is_adopted():
    times = {TWO_THREADS: 1.0, ONE_THREAD: 0.7, MIXED: 0.5}
    trials = [Trial(plan, Timed([each] * 15)) for plan, each in times.items()]
    adopt(trials)
    assert [trial.reason for trial in trials] == ["100% slower", "40% slower", ""]


# What a search may cost.

# Of one thread each: two on a busy machine wait for each other.
TRIED = [
    ONE_THREAD,
    GRAPH := ExecutionPlan(CPU, capture="graph", threads=1),
    HALF := ExecutionPlan(CPU, precision="bfloat16", threads=1),
    ExecutionPlan(CPU, precision="bfloat16", capture="graph", threads=1),
]


@pytest.fixture
def quick_to_search(monkeypatch, eager_to_search):
    plans = [ONE_THREAD, GRAPH, HALF]
    monkeypatch.setattr(searching, "find_candidates", lambda *_, **__: plans)


@pytest.mark.parametrize(
    ("per_step", "steps", "kept", "said"),
    [
        (0.001, 20_000, TRIED, set()),
        (0.1, 400, TRIED, set()),
        (
            0.1,
            399,
            [ONE_THREAD, HALF],
            {"not tried: it would take too much of this run"},
        ),
        (
            0.1,
            199,
            [ONE_THREAD],
            {"not tried: it would take too much of this run"},
        ),
        (
            5.0,
            100_000,
            [ONE_THREAD, HALF],
            {"not tried: steps of 5 s are not bound by launching"},
        ),
        (5.0, 100, [ONE_THREAD], {"not tried: it would take too much of this run"}),
    ],
)
def test_a_search_takes_its_share_of_a_run_and_no_more(per_step, steps, kept, said):
    found, left_out = affordable(TRIED, per_step, per_step * steps)
    assert found == kept
    assert [plan for plan, _ in left_out] == [
        each for each in TRIED if each not in kept
    ]
    assert {reason for _, reason in left_out} == said


class Clock:
    """Time that passes when somebody takes a step."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now


@pytest.fixture
def slow_steps(monkeypatch):
    """A machine on which each step takes five seconds of a clock that we hold."""
    clock = Clock()
    made = searching.make_step

    def make_step(*given, **options):
        step = made(*given, **options)

        class Slow(type(step)):
            def __call__(self, batch):
                clock.now += 3.0
                return super().__call__(batch)

            def losses(self, batch):
                clock.now += 2.0
                return super().losses(batch)

        step.__class__ = Slow
        return step

    monkeypatch.setattr(searching, "make_step", make_step)
    monkeypatch.setattr(searching.time, "perf_counter", clock.perf_counter)
    monkeypatch.setattr(searching, "find_candidates", lambda *_, **__: list(TRIED))
    monkeypatch.setattr(searching, "LONG_RUN", math.inf)
    return clock


def test_a_search_among_slow_steps_is_bounded(slow_steps):
    begin = slow_steps.now
    history = a_model().fit(*some_data(1600), batch_size=8, epochs=2, verbose=0)
    assert slow_steps.now - begin <= 0.1 * 400 * 5.0
    assert [row[3].partition(":")[0] for row in history.plan.rows].count(
        "not tried"
    ) == 2
    assert "you have 400." in history.plan.note


def test_a_short_run_of_slow_steps_is_not_searched_for(slow_steps):
    history = a_model().fit(*some_data(800), batch_size=8, epochs=1, verbose=0)
    assert history.plan.note == ("100 steps of 5 s are over before a search pays back.")
    assert slow_steps.now <= 15.0


def test_a_compiler_is_asked_once_for_the_best_plan(monkeypatch, quick_to_search):
    asked = []
    network = searching.make_step

    def make_step(model, objective, updater, plan, **options):
        if plan.is_compiled:
            asked.append(plan)
            plan = dataclasses.replace(plan, capture="eager")
        return network(model, objective, updater, plan, **options)

    monkeypatch.setattr(searching, "make_step", make_step)
    monkeypatch.setattr(searching, "LONG_RUN", 0.0)
    times = iter([[1.0, 0.5, 0.8], [1.0, 0.5, 0.2]])

    def take_turns(blocks, rounds, *, seconds):
        return [Timed([time] * 10) for time, _ in zip(next(times), blocks, strict=True)]

    monkeypatch.setattr(searching, "take_turns", take_turns)
    monkeypatch.setattr(
        Session, "_planned_step", lambda self, plan: self.default_step()
    )
    history = a_model().fit(*some_data(), batch_size=8, epochs=4, verbose=0)
    compiled = dataclasses.replace(TRIED[1], capture="compiled graph")
    assert set(asked) == {compiled}
    assert [row[3] for row in history.plan.rows] == [
        "400% slower",
        "150% slower",
        "300% slower",
        "adopted",
    ]


def test_a_compiled_plan_that_is_no_faster_says_so(monkeypatch, quick_to_search):
    monkeypatch.setattr(searching, "LONG_RUN", 0.0)
    network = searching.make_step

    def make_step(model, objective, updater, plan, **options):
        plan = dataclasses.replace(plan, capture="eager")
        return network(model, objective, updater, plan, **options)

    monkeypatch.setattr(searching, "make_step", make_step)
    times = iter([[1.0, 0.5, 0.8], [1.0, 0.5, 0.6]])

    def take_turns(blocks, rounds, *, seconds):
        return [Timed([time] * 10) for time, _ in zip(next(times), blocks, strict=True)]

    monkeypatch.setattr(searching, "take_turns", take_turns)
    history = a_model().fit(*some_data(), batch_size=8, epochs=4, verbose=0)
    assert [row[3] for row in history.plan.rows] == [
        "100% slower",
        "adopted",
        "60% slower",
        "20% slower",
    ]


# A remembered plan is one of today's, and right for these weights.


@pytest.fixture
def remembered_half(monkeypatch, quick_to_search):
    """A machine that has found out that bfloat16 is fastest for the small model."""
    with_times(monkeypatch, [1.0, 0.9, 0.5])
    history = a_model().fit(*some_data(), batch_size=8, epochs=4, verbose=0)
    assert "bfloat16" in history.plan.rows[2][0]


def test_float32_that_is_asked_for_binds_what_is_remembered(remembered_half):
    mica.set_precision("float32")
    try:
        history = a_model().fit(*some_data(), batch_size=8, epochs=4, verbose=0)
    finally:
        mica.set_precision(None)
    assert history.plan.note != "Remembered from an earlier run on this machine."


def test_a_remembered_plan_that_is_no_candidate_today_is_not_taken(
    remembered_half, monkeypatch
):
    monkeypatch.setattr(
        searching, "find_candidates", lambda *_, **__: [ONE_THREAD, GRAPH]
    )
    with_times(monkeypatch, [1.0, 0.5])
    history = a_model().fit(*some_data(), batch_size=8, epochs=4, verbose=0)
    assert [row[3] for row in history.plan.rows] == ["100% slower", "adopted"]


def test_a_remembered_precision_is_proven_for_the_weights_of_today(
    remembered_half, monkeypatch
):
    monkeypatch.setattr(searching, "compare", lambda *_: "the loss is nan instead of 1")
    with_times(monkeypatch, [1.0])
    history = a_model().fit(*some_data(), batch_size=8, epochs=4, verbose=0)
    assert "dropped: the loss is nan instead of 1" in [
        row[3] for row in history.plan.rows
    ]


def test_a_remembered_capture_that_fails_today_is_searched_anew(
    monkeypatch, quick_to_search
):
    plans = [ONE_THREAD, GRAPH]
    monkeypatch.setattr(searching, "find_candidates", lambda *_, **__: plans)
    with_times(monkeypatch, [1.0, 0.5])
    first = a_model().fit(*some_data(), batch_size=8, epochs=4, verbose=0)
    assert first.plan.rows[1][3] == "adopted"
    second = a_model().fit(*some_data(), batch_size=8, epochs=4, verbose=0)
    assert second.plan.note == "Remembered from an earlier run on this machine."

    def broken(*_, **__):
        raise RuntimeError("no memory for a graph")

    monkeypatch.setattr(searching, "_block", broken)
    monkeypatch.setattr(
        searching, "search", lambda *_, **__: [Trial(ONE_THREAD, Timed([1.0]))]
    )
    third = a_model().fit(*some_data(), batch_size=8, epochs=4, verbose=0)
    assert third.plan.note.startswith("The fastest of those")


def test_an_update_that_gathers_does_not_inherit_a_captured_plan(
    monkeypatch, quick_to_search
):
    plans = [ONE_THREAD, GRAPH]
    monkeypatch.setattr(searching, "find_candidates", lambda *_, **__: plans)
    with_times(monkeypatch, [1.0, 0.5])
    first = a_model().fit(*some_data(), batch_size=8, epochs=4, verbose=0)
    assert first.plan.rows[1][3] == "adopted"
    model = a_model()
    optimizer = mica.optimizers.Adam(gradient_accumulation_steps=4)
    model.compile(optimizer, "mse", metrics=["mae"])
    monkeypatch.undo()
    monkeypatch.setattr(searching, "SHORT_RUN", math.inf)
    history = model.fit(*some_data(), batch_size=8, epochs=4, verbose=0)
    assert len(history.history["loss"]) == 4


def test_slow_steps_without_another_precision_say_so(monkeypatch):
    monkeypatch.setattr(
        searching, "find_candidates", lambda *_, **__: [ONE_THREAD, GRAPH]
    )
    monkeypatch.setattr(searching, "_first_guess", lambda *_: 2.0)
    history = a_model().fit(*some_data(), batch_size=2, verbose=0)
    assert history.plan.note == "Steps of 2 s are not bound by launching."
