"""TF32 as a candidate: listed, proven, timed, remembered, judged by its own ceiling."""

import sys

import pytest
import torch
from torch import nn

import mica
from mica import layers
from mica.data import Batch, as_source
from mica.engine import (
    ExecutionPlan,
    Hardware,
    execution,
    inspect_hardware,
)
from mica.engine.precision import precision_scope
from mica.plan import (
    Limits,
    find_candidates,
    find_limits,
    forget_limits,
    forget_plans,
    remembering,
)
from mica.plan import predicting as deciding
from mica.plan.advising import Circumstances
from mica.plan.ceilings import COPIED_BYTES
from mica.plan.counting import Operation
from mica.plan.judging import make_rows
from mica.plan.measuring import Measured
from mica.plan.proof import Gradients, bounds_of, compare
from mica.plan.remembering import key_of, recall_plan, remember_plan
from mica.plan.search import search
from mica.plan.timeline import Place
from mica.plan.timing import Timed
from mica.training import Objective, Session

CEILINGS = sys.modules["mica.plan.ceilings"]
SEARCHING = sys.modules["mica.plan.search"]
CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)
EAGER = ExecutionPlan(CPU, threads=1)
MACHINE = Hardware("some", 2, (), None, ())


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    forget_plans()
    forget_limits()
    yield
    forget_plans()
    forget_limits()


@pytest.fixture
def a_gpu(monkeypatch):
    """A machine with a GPU of a compute capability, as far as plans can tell."""

    def make(capability):
        monkeypatch.setattr(execution, "resolve_device", lambda name: GPU)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "some GPU")
        monkeypatch.setattr(
            torch.cuda, "get_device_capability", lambda device: capability
        )
        return ExecutionPlan(GPU)

    return make


@pytest.fixture
def emulated(monkeypatch):
    """A processor that takes TF32 for float32: the way is the same, the gain is not."""
    monkeypatch.setattr(execution, "multiplies_tf32", lambda device: True)
    return ExecutionPlan(CPU, "tf32", threads=1)


@pytest.mark.parametrize(
    ("capability", "chosen", "expected"),
    [
        ((7, 5), None, {"float32"}),
        ((8, 0), None, {"float32", "tf32", "bfloat16"}),
        ((9, 0), None, {"float32", "tf32", "bfloat16"}),
        ((9, 0), "float32", {"float32"}),
        ((9, 0), "bfloat16", {"bfloat16"}),
        ((9, 0), "tf32", {"tf32"}),
    ],
)
def test_candidates_follow_the_gpu_and_the_precision_asked(
    capability, chosen, expected, a_gpu
):
    a_gpu(capability)
    with precision_scope(chosen):
        eager = ExecutionPlan(GPU, chosen or "float32")
        plans = find_candidates(eager, hardware=MACHINE)
    assert plans[0] == eager
    assert {plan.precision for plan in plans} == expected
    # Each with each: one by one and as one graph.
    assert len(plans) == 2 * len(expected)


def test_a_processor_has_no_such_candidate():
    plans = find_candidates(EAGER, hardware=inspect_hardware())
    assert "tf32" not in {plan.precision for plan in plans}


def test_deterministic_mode_leaves_the_eager_plan_alone(a_gpu, monkeypatch):
    eager = a_gpu((9, 0))
    monkeypatch.setattr(torch, "are_deterministic_algorithms_enabled", lambda: True)
    assert find_candidates(eager, hardware=MACHINE) == [eager]


@pytest.mark.parametrize(
    ("loss", "said"),
    [(1.0009, None), (1.002, "the loss is 1.002 instead of 1 on the same batch")],
)
def test_the_loss_may_be_off_by_a_thousandth(loss, said):
    expected = Gradients(1.0, {"weight": torch.ones(2)})
    assert compare(Gradients(loss, expected.by_name), expected, bounds_of("tf32")) == (
        said
    )


@pytest.mark.parametrize(
    ("angle", "said"),
    [
        (0.04, None),
        (
            0.06,
            "the gradient of weight points elsewhere (cosine 0.9982, at least 0.999 is "
            "wanted)",
        ),
    ],
)
def test_gradients_point_in_the_same_direction(angle, said):
    turned = torch.tensor([angle]).cos().item(), torch.tensor([angle]).sin().item()
    expected = Gradients(1.0, {"weight": torch.tensor([1.0, 0.0])})
    given = Gradients(1.0, {"weight": torch.tensor(turned)})
    assert compare(given, expected, bounds_of("tf32")) == said


def test_bounds_are_between_those_of_float32_and_bfloat16():
    fine, middle, coarse = map(bounds_of, ("float32", "tf32", "bfloat16"))
    assert fine.loss < middle.loss < coarse.loss
    assert fine.cosine > middle.cosine > coarse.cosine


def test_numbers_rounded_to_ten_bits_are_within_the_bounds():
    # What tensor cores do to the factors of each product, done by hand.
    torch.manual_seed(0)

    def rounded(x):
        bits = x.view(torch.int32)
        return ((bits + (1 << 12)) & ~((1 << 13) - 1)).view(torch.float32)

    x, y = torch.randn(64, 50), torch.randn(64, 10)
    weight = torch.randn(50, 10) / 50**0.5
    found = []
    for change in (lambda tensor: tensor, rounded):
        error = change(x) @ change(weight) - y
        gradient = change(x).T @ change(2 * error / error.numel())
        found.append(Gradients(float((error**2).mean()), {"weight": gradient}))
    assert not torch.equal(found[0].by_name["weight"], found[1].by_name["weight"])
    assert compare(found[1], found[0], bounds_of("tf32")) is None


def a_session():
    mica.set_seed(0)
    model = mica.Sequential(mica.Input((4,)), layers.Dense(3))
    model.compile("sgd", "mse")
    x, y = torch.randn(32, 4), torch.randn(32, 3)
    model.fit(x, y, epochs=1, verbose=0, plan="eager")
    return model.session, Batch(x, y, None, 32)


def test_it_is_proven_timed_and_adopted_as_others_are(emulated, monkeypatch):
    def turns(blocks, rounds, seconds):
        return [Timed([time] * 20) for time in (1.0, 0.5)]

    monkeypatch.setattr(SEARCHING, "take_turns", turns)
    session, batch = a_session()
    trials = search(session, [batch], EAGER, seconds=1.0, candidates=[EAGER, emulated])
    assert [trial.reason for trial in trials] == ["100% slower", ""]
    assert " · tf32 · " in trials[1].plan.describe()


def test_it_is_dropped_where_the_numbers_are_off(emulated, monkeypatch):
    session, batch = a_session()
    given = SEARCHING.look

    def look(step, batch):
        found = given(step, batch)
        off = 1.002 if step.plan.precision == "tf32" else 1.0
        return Gradients(off, found.by_name)

    monkeypatch.setattr(SEARCHING, "look", look)
    trials = search(session, [batch], EAGER, seconds=0.0, candidates=[EAGER, emulated])
    assert trials[1].reason == (
        "dropped: the loss is 1.002 instead of 1 on the same batch"
    )


def test_it_is_remembered(emulated):
    remember_plan("some", emulated, 0.25)
    remembering._recalled.clear()  # as a new process has it
    assert recall_plan("some", EAGER) == (emulated, 0.25)


def test_where_the_machine_has_none_a_remembered_one_is_ignored(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(execution, "multiplies_tf32", lambda device: True)
        remember_plan("some", ExecutionPlan(CPU, "tf32"), 0.25)
    assert recall_plan("some", EAGER) is None


@pytest.mark.parametrize(
    ("seconds", "adopted"),
    [
        ({"float32": 1e-3, "tf32": 6e-4, "bfloat16": 4e-4}, "bfloat16"),
        ({"float32": 1e-3, "tf32": 4e-4, "bfloat16": 6e-4}, "tf32"),
        ({"float32": 1e-3, "tf32": 2e-3, "bfloat16": 6e-4}, "bfloat16"),
        ({"float32": 1e-3, "tf32": 2e-3, "bfloat16": 2e-3}, "float32"),
    ],
)
def test_a_long_prediction_takes_the_fastest_precision(
    seconds, adopted, emulated, monkeypatch
):
    def clock(step, steps, device):
        rows, precision = step(0)
        return rows * seconds[precision]

    plans = [EAGER, emulated, ExecutionPlan(CPU, "bfloat16", threads=1)]
    monkeypatch.setattr(deciding, "find_candidates", lambda _: plans)
    monkeypatch.setattr(deciding, "time_block", clock)
    monkeypatch.setattr(
        deciding._Search,
        "_stepper",
        lambda self, rows, plan: lambda _: (rows, plan.precision),
    )
    mica.set_seed(0)
    session = Session(nn.Linear(4, 3), Objective(), "sgd")
    source = as_source(torch.randn(20_000, 4))
    found = deciding.choose_prediction(
        session, session.model, source, EAGER, batch_size=32
    )
    assert found.plan.precision == adopted
    assert [each.plan.precision for each in found.trials] == list(seconds)
    assert sum(not each.reason for each in found.trials) == 1


def test_each_coarser_precision_is_proven_against_float32(emulated, monkeypatch):
    # Not against the one that was adopted before it.
    plans = [EAGER, emulated, ExecutionPlan(CPU, "bfloat16", threads=1)]
    compared = []
    given = deciding._Search.outputs

    def outputs(self, rows, plan):
        if rows == deciding.PROVEN // 2:
            compared.append(plan.precision)
        return given(self, rows, plan)

    monkeypatch.setattr(deciding, "find_candidates", lambda _: plans)
    monkeypatch.setattr(deciding, "SHORT_RUN", 0.0)
    monkeypatch.setattr(deciding, "adopt", lambda trials: trials[-1])
    monkeypatch.setattr(deciding._Search, "outputs", outputs)
    session = Session(nn.Linear(4, 3), Objective(), "sgd")
    source = as_source(torch.randn(80 * deciding.PROVEN // 2, 4))
    deciding.choose_prediction(session, session.model, source, EAGER, batch_size=32)
    assert compared == ["tf32", "float32", "bfloat16", "float32"]


LIMITS = Limits(
    "cpu",
    1,
    {"float32": 1e9, "tf32": 8e9, "bfloat16": 16e9, "float64": 5e8},
    tuple((size, 1e12) for size in COPIED_BYTES),
    1e-9,
    1e-9,
)


@pytest.mark.parametrize(
    ("precision", "seconds"), [("float32", 1e-3), ("tf32", 1.25e-4)]
)
def test_a_layer_is_judged_by_the_ceiling_of_the_plan_s_products(precision, seconds):
    model = nn.Sequential(nn.Linear(2, 2))
    product = Operation("addmm", 1e6, 1.0, "float32")
    found = Measured(1.0, {Place("0"): 1.0}, {Place("0"): [product]}, 1)
    (row,) = make_rows(model, found, LIMITS, Circumstances(32, precision))
    assert row.cost.compute == pytest.approx(seconds)


@pytest.mark.parametrize("precision", ["float32", "tf32"])
def test_bfloat16_is_advised_to_both(precision):
    model = nn.Sequential(nn.Linear(2, 2))
    product = Operation("addmm", 1e9, 1.0, "float32")
    found = Measured(2.0, {Place("0"): 2.0}, {Place("0"): [product]}, 1)
    around = Circumstances(32, precision, bfloat16_gain=2.0)
    (row,) = make_rows(model, found, LIMITS, around)
    assert row.advice.sentence == "bfloat16 multiplies 2 times as fast here."


def test_a_device_with_tf32_has_a_ceiling_for_it(monkeypatch):
    monkeypatch.setattr(CEILINGS, "multiplies_tf32", lambda device: True)
    found = CEILINGS.measure_limits("cpu", seconds=0.01)
    assert set(found.flops_per_second) == {"float32", "tf32", "bfloat16", "float64"}


def test_what_was_kept_without_tf32_is_measured_anew_where_there_is_some(monkeypatch):
    asked = []
    monkeypatch.setattr(
        CEILINGS, "measure_limits", lambda place: asked.append(place) or LIMITS
    )
    find_limits("cpu")
    CEILINGS._found.clear()
    assert "tf32" not in find_limits("cpu").flops_per_second  # not of this device
    monkeypatch.setattr(CEILINGS, "multiplies_tf32", lambda device: True)
    CEILINGS._found.clear()
    assert find_limits("cpu") == LIMITS
    assert len(asked) == 1


def test_torch_s_newer_switches_stop_neither_ceilings_nor_memory():
    # Torch refuses to read the older switch then.
    torch.backends.cuda.matmul.fp32_precision = "tf32"
    try:
        assert CEILINGS._key(CPU).startswith(inspect_hardware().processor)
        assert key_of(nn.Linear(1, 1), Batch(None, None, None, 1), None, None, EAGER)
    finally:
        torch.backends.cuda.matmul.fp32_precision = "none"
