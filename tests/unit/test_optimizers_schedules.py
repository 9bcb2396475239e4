"""Schedules: their ends and corners, pure functions of the step, every error."""

import functools
import json
import re

import pytest
import torch
from torch.optim import lr_scheduler

from mica.errors import ConfigError
from mica.optimizers import schedules
from mica.optimizers.schedules import (
    CosineDecayRestarts,
    InverseTimeDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
    PolynomialDecay,
    Schedule,
    constant,
    cosine_decay,
    exponential_decay,
    from_torch,
    one_cycle,
    step_decay,
)
from mica.registry import decode, encode

CASES = [
    pytest.param(constant(0.1), id="constant"),
    pytest.param(step_decay(0.1, 10), id="step"),
    pytest.param(exponential_decay(0.1, 10, 0.9), id="exponential"),
    pytest.param(cosine_decay(0.1, 20, alpha=0.1), id="cosine"),
    pytest.param(
        cosine_decay(0.0, 20, warmup_target=0.1, warmup_steps=5), id="warm-up"
    ),
    pytest.param(exponential_decay(0.1, 10, 0.9, staircase=True), id="staircase"),
    pytest.param(PolynomialDecay(0.1, 20, 0.01, 2.0), id="polynomial"),
    pytest.param(PolynomialDecay(0.1, 7, 0.01, cycle=True), id="polynomials"),
    pytest.param(InverseTimeDecay(0.1, 10, 0.5), id="inverse-time"),
    pytest.param(InverseTimeDecay(0.1, 10, 0.5, staircase=True), id="inverse-stairs"),
    pytest.param(PiecewiseConstantDecay([5, 20], [0.1, 0.05, 0.0]), id="pieces"),
    pytest.param(CosineDecayRestarts(0.1, 5), id="restarts"),
    pytest.param(CosineDecayRestarts(0.1, 5, 1.0, 0.9, 0.1), id="even-restarts"),
    pytest.param(one_cycle(0.1, 20), id="one-cycle"),
    pytest.param(one_cycle(0.1, 20, anneal="linear"), id="one-cycle-linear"),
]


@pytest.mark.parametrize("schedule", CASES)
def test_a_schedule_is_a_pure_function_of_the_step(schedule):
    forwards = [schedule(step) for step in range(40)]
    assert [schedule(step) for step in reversed(range(40))] == forwards[::-1]
    assert all(type(rate) is float and 0 <= rate <= 0.1 for rate in forwards)


@pytest.mark.parametrize("schedule", CASES)
def test_a_file_can_hold_a_schedule(schedule):
    again = decode(json.loads(json.dumps(encode(schedule))))
    assert isinstance(again, Schedule)
    assert [again(step) for step in range(30)] == [schedule(step) for step in range(30)]


def test_a_schedule_goes_by_its_name_in_keras():
    assert LearningRateSchedule is Schedule


def test_a_constant_may_be_zero():
    assert constant(0)(5) == 0.0


def test_a_schedule_that_was_not_written_says_so():
    with pytest.raises(NotImplementedError):
        Schedule()(0)


def test_cosine_decay_stays_at_its_end():
    schedule = cosine_decay(0.5, 10, alpha=0.5)
    assert [schedule(step) for step in (10, 11, 1000)] == [0.25] * 3


@pytest.mark.parametrize("anneal", ["cosine", "linear"])
def test_one_cycle_stays_at_its_end(anneal):
    schedule = one_cycle(0.5, 10, final_divisor=2.0, anneal=anneal)
    assert [schedule(step) for step in (9, 10, 1000)] == [0.01] * 3


@pytest.mark.parametrize(
    ("fraction", "rates"),
    [(0.0, [0.5, 0.01]), (0.5, [0.5, 0.01]), (1.0, [0.02, 0.5])],
)
def test_the_shortest_cycle_has_its_peak_and_one_end(fraction, rates):
    schedule = one_cycle(0.5, 2, warmup_fraction=fraction, final_divisor=2.0)
    assert [round(schedule(step), 12) for step in range(2)] == rates


def test_a_cycle_that_only_warms_up_stays_at_its_peak():
    schedule = one_cycle(0.5, 4, warmup_fraction=1, anneal="linear")
    assert [round(schedule(step), 6) for step in range(6)] == [
        0.02, 0.18, 0.34, 0.5, 0.5, 0.5,
    ]  # fmt: skip


def rate_sentence(where: str, name: str, value: object) -> str:
    return (
        f"{where}: expected {name} of at least 0, got {value!r}. Give a finite number "
        "such as 0.001."
    )


def steps_sentence(where: str, name: str, least: int, value: object) -> str:
    return (
        f"{where}: expected {name} of at least {least}, got {value!r}. Give a whole "
        "number of updates: epochs times steps per epoch."
    )


def divisor_sentence(name: str, value: object) -> str:
    return (
        f"one_cycle: expected a {name} of at least 1, got {value!r}. The rates at both "
        "ends are below the highest one."
    )


INITIAL = "an initial_learning_rate"
REFUSED = [
    (
        functools.partial(PolynomialDecay, -1, 5),
        rate_sentence("PolynomialDecay", INITIAL, -1),
    ),
    (
        functools.partial(PolynomialDecay, 0.1, 0),
        steps_sentence("PolynomialDecay", "decay_steps", 1, 0),
    ),
    (
        functools.partial(PolynomialDecay, 0.1, 5, -1),
        rate_sentence("PolynomialDecay", "an end_learning_rate", -1),
    ),
    (
        functools.partial(PolynomialDecay, 0.1, 5, 0.1, -1),
        rate_sentence("PolynomialDecay", "a power", -1),
    ),
    (
        functools.partial(InverseTimeDecay, -1, 5, 1),
        rate_sentence("InverseTimeDecay", INITIAL, -1),
    ),
    (
        functools.partial(InverseTimeDecay, 0.1, 0, 1),
        steps_sentence("InverseTimeDecay", "decay_steps", 1, 0),
    ),
    (
        functools.partial(InverseTimeDecay, 0.1, 5, -1),
        rate_sentence("InverseTimeDecay", "a decay_rate", -1),
    ),
    (
        functools.partial(PiecewiseConstantDecay, [0.5], [1, 2]),
        steps_sentence("PiecewiseConstantDecay", "a boundary", 0, 0.5),
    ),
    *[
        (
            functools.partial(PiecewiseConstantDecay, boundaries, [1, 2, 3]),
            f"PiecewiseConstantDecay: expected boundaries that rise, got {boundaries}. "
            "Give the last step of each rate but the last, e.g. [1000, 2000].",
        )
        for boundaries in ([], [5, 5], [5, 3])
    ],
    (
        functools.partial(PiecewiseConstantDecay, [5], [1, 2, 3]),
        "PiecewiseConstantDecay: expected 2 values, one more than boundaries, got 3. "
        "The last one is for all later steps.",
    ),
    (
        functools.partial(PiecewiseConstantDecay, [5], [1, -2]),
        rate_sentence("PiecewiseConstantDecay", "values", -2),
    ),
    (
        functools.partial(CosineDecayRestarts, -1, 5),
        rate_sentence("CosineDecayRestarts", INITIAL, -1),
    ),
    (
        functools.partial(CosineDecayRestarts, 0.1, 0),
        steps_sentence("CosineDecayRestarts", "first_decay_steps", 1, 0),
    ),
    (
        functools.partial(CosineDecayRestarts, 0.1, 5, 0.5),
        "CosineDecayRestarts: expected t_mul of at least 1, got 0.5. 2.0 makes each "
        "wave twice as long as the one before.",
    ),
    (
        functools.partial(CosineDecayRestarts, 0.1, 5, 2.0, -1),
        rate_sentence("CosineDecayRestarts", "an m_mul", -1),
    ),
    (
        functools.partial(CosineDecayRestarts, 0.1, 5, 2.0, 1.0, -1),
        rate_sentence("CosineDecayRestarts", "an alpha", -1),
    ),
    (
        functools.partial(constant, -0.1),
        rate_sentence("constant", "a learning_rate", -0.1),
    ),
    (
        functools.partial(constant, "x"),
        rate_sentence("constant", "a learning_rate", "x"),
    ),
    (
        functools.partial(step_decay, None, 1),
        rate_sentence("step_decay", INITIAL, None),
    ),
    (
        functools.partial(step_decay, 0.1, 0),
        steps_sentence("step_decay", "decay_steps", 1, 0),
    ),
    (
        functools.partial(step_decay, 0.1, 1, -0.5),
        rate_sentence("step_decay", "a decay_rate", -0.5),
    ),
    (
        functools.partial(exponential_decay, True, 1, 0.5),
        rate_sentence("exponential_decay", INITIAL, True),
    ),
    (
        functools.partial(exponential_decay, 0.1, 1.5, 0.5),
        steps_sentence("exponential_decay", "decay_steps", 1, 1.5),
    ),
    (
        functools.partial(exponential_decay, 0.1, 1, float("inf")),
        rate_sentence("exponential_decay", "a decay_rate", float("inf")),
    ),
    (
        functools.partial(cosine_decay, float("nan"), 1),
        rate_sentence("cosine_decay", INITIAL, float("nan")),
    ),
    (
        functools.partial(cosine_decay, 0.1, True),
        steps_sentence("cosine_decay", "decay_steps", 1, True),
    ),
    (
        functools.partial(cosine_decay, 0.1, 1, alpha=-1),
        rate_sentence("cosine_decay", "an alpha", -1),
    ),
    (
        functools.partial(cosine_decay, 0.1, 1, warmup_target=1, warmup_steps=-1),
        steps_sentence("cosine_decay", "warmup_steps", 0, -1),
    ),
    (
        functools.partial(cosine_decay, 0.1, 1, warmup_target=-1, warmup_steps=1),
        rate_sentence("cosine_decay", "a warmup_target", -1),
    ),
    (
        functools.partial(cosine_decay, 0.1, 1, warmup_steps=5),
        "cosine_decay: expected warmup_target and warmup_steps together, got None and "
        "5. Give both or neither.",
    ),
    (
        functools.partial(cosine_decay, 0.1, 1, warmup_target=0.5),
        "cosine_decay: expected warmup_target and warmup_steps together, got 0.5 and "
        "0. Give both or neither.",
    ),
    (
        functools.partial(one_cycle, -1, 10),
        rate_sentence("one_cycle", "a max_learning_rate", -1),
    ),
    (
        functools.partial(one_cycle, 0.1, 1),
        steps_sentence("one_cycle", "total_steps", 2, 1),
    ),
    (
        functools.partial(one_cycle, 0.1, 10, warmup_fraction=30),
        "one_cycle: expected a warmup_fraction from 0 to 1, got 30. 0.3 warms up for "
        "three tenths of the steps.",
    ),
    (
        functools.partial(one_cycle, 0.1, 10, initial_divisor=0.5),
        divisor_sentence("initial_divisor", 0.5),
    ),
    (
        functools.partial(one_cycle, 0.1, 10, final_divisor="x"),
        divisor_sentence("final_divisor", "x"),
    ),
    (
        functools.partial(one_cycle, 0.1, 10, anneal="cosinus"),
        "one_cycle: expected an anneal, got 'cosinus'. Did you mean 'cosine'?",
    ),
    (
        functools.partial(from_torch, lr_scheduler.ExponentialLR, -1),
        rate_sentence("from_torch", INITIAL, -1),
    ),
    (
        functools.partial(
            from_torch, lr_scheduler.ExponentialLR, 0.1, steps_per_call=0
        ),
        steps_sentence("from_torch", "steps_per_call", 1, 0),
    ),
    (
        functools.partial(from_torch, lr_scheduler.ReduceLROnPlateau, 0.1),
        "from_torch: expected a torch scheduler that depends on the step alone, got "
        "ReduceLROnPlateau. Use a callback for a rate that depends on how training "
        "goes.",
    ),
    (
        functools.partial(from_torch, lambda optimizer: "halve it", 0.1),
        "from_torch: expected a torch scheduler that depends on the step alone, got "
        "str. Use a callback for a rate that depends on how training goes.",
    ),
]


@pytest.mark.parametrize(("make", "sentence"), REFUSED)
def test_a_bad_argument_is_refused(make, sentence):
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        make()


@pytest.mark.parametrize("steps", [5, 3, 0, 4])
def test_a_torch_scheduler_can_be_asked_out_of_order(steps):
    halve = functools.partial(lr_scheduler.ExponentialLR, gamma=0.5)
    schedule = from_torch(halve, 1.0)
    assert [schedule(5), schedule(steps)] == [0.5**5, 0.5**steps]


def test_a_torch_scheduler_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    from_torch(functools.partial(lr_scheduler.StepLR, step_size=2), 0.1)(10)
    assert torch.equal(before, torch.get_rng_state())


def test_every_exported_schedule_is_tried():
    makers = {name for name in schedules.__all__ if name.islower()}
    tried = {make.func.__name__ for make, _ in REFUSED}
    assert makers <= tried
