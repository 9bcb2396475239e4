"""Schedules give the numbers of Keras's and torch's own."""

import functools
import os

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler

from mica.optimizers.schedules import (
    CosineDecayRestarts,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
    constant,
    cosine_decay,
    exponential_decay,
    from_torch,
    one_cycle,
    step_decay,
)
from tests.tolerances import assert_close

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")

STEPS = range(60)


@pytest.fixture(autouse=True)
def double_precision():
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx(before)


def keras_rates(schedule) -> list[float]:
    # A float64 tensor: Keras computes in the type of the rate, float32 for a number.
    return [float(schedule(torch.tensor(step, dtype=torch.float64))) for step in STEPS]


@pytest.mark.parametrize("seed", range(10))
def test_exponential_and_step_decay_are_keras_s(seed):
    generator = np.random.default_rng(seed)
    rate, decay = generator.uniform(0.001, 1), generator.uniform(0.1, 0.99)
    steps = int(generator.integers(1, 30))
    theirs = keras.optimizers.schedules.ExponentialDecay
    smooth = exponential_decay(rate, steps, decay)
    stairs = step_decay(rate, steps, decay)
    also_stairs = exponential_decay(rate, steps, decay, staircase=True)
    assert [stairs(step) for step in STEPS] == [also_stairs(step) for step in STEPS]
    assert_close([smooth(s) for s in STEPS], keras_rates(theirs(rate, steps, decay)))
    assert_close(
        [stairs(s) for s in STEPS], keras_rates(theirs(rate, steps, decay, True))
    )


@pytest.mark.parametrize("warms_up", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_cosine_decay_is_keras_s(seed, warms_up):
    generator = np.random.default_rng(seed)
    options: dict = {"alpha": generator.uniform(0, 0.5)}
    if warms_up:
        options["warmup_target"] = generator.uniform(0.001, 1)
        options["warmup_steps"] = int(generator.integers(1, 20))
    rate, steps = generator.uniform(0, 0.5), int(generator.integers(1, 40))
    ours = cosine_decay(rate, steps, **options)
    theirs = keras.optimizers.schedules.CosineDecay(rate, steps, **options)
    assert_close([ours(step) for step in STEPS], keras_rates(theirs))


def assert_keras_s(kind, *arguments) -> None:
    theirs = getattr(keras.optimizers.schedules, kind.__name__)(*arguments)
    ours = kind(*arguments)
    assert_close([ours(step) for step in STEPS], keras_rates(theirs))


@pytest.mark.parametrize("cycle", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_polynomial_decay_is_keras_s(seed, cycle):
    draw = np.random.default_rng(seed)
    steps, power = int(draw.integers(1, 40)), float(draw.choice([0.5, 1.0, 2.0]))
    rate, end = draw.uniform(0.1, 1), draw.uniform(0, 0.1)
    assert_keras_s(PolynomialDecay, rate, steps, end, power, cycle)


@pytest.mark.parametrize("staircase", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_inverse_time_decay_is_keras_s(seed, staircase):
    draw = np.random.default_rng(seed)
    rate, decay = draw.uniform(0.001, 1), draw.uniform(0, 2)
    steps = int(draw.integers(1, 30))
    assert_keras_s(InverseTimeDecay, rate, steps, decay, staircase)


@pytest.mark.parametrize("seed", range(10))
def test_pieces_are_keras_s(seed):
    draw = np.random.default_rng(seed)
    count = int(draw.integers(1, 5))
    boundaries = sorted(draw.choice(50, size=count, replace=False).tolist())
    assert_keras_s(PiecewiseConstantDecay, boundaries, draw.uniform(0, 1, count + 1))


@pytest.mark.parametrize("t_mul", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("seed", range(10))
def test_cosines_with_restarts_are_keras_s(seed, t_mul):
    draw = np.random.default_rng(seed)
    rate, m_mul, alpha = draw.uniform(0.1, 1), draw.uniform(0.5, 1.2), draw.uniform()
    steps = int(draw.integers(1, 20))
    assert_keras_s(CosineDecayRestarts, rate, steps, t_mul, m_mul, alpha)


def torch_rates(factory, rate: float, steps: range) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=rate)
    scheduler, rates = factory(optimizer), []
    for _ in steps:
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize("anneal", ["cosine", "linear"])
@pytest.mark.parametrize(
    ("total", "fraction", "initial", "final"),
    [(60, 0.3, 25.0, 1e4), (61, 0.45, 10.0, 100.0), (100, 0.05, 2.0, 1.0)],
)
def test_one_cycle_is_torch_s(total, fraction, initial, final, anneal):
    ours = one_cycle(
        0.7,
        total,
        warmup_fraction=fraction,
        initial_divisor=initial,
        final_divisor=final,
        anneal=anneal,
    )
    factory = functools.partial(
        lr_scheduler.OneCycleLR,
        max_lr=0.7,
        total_steps=total,
        pct_start=fraction,
        div_factor=initial,
        final_div_factor=final,
        anneal_strategy={"cosine": "cos", "linear": "linear"}[anneal],
        cycle_momentum=False,
    )
    steps = range(total - 1)
    assert_close([ours(step) for step in steps], torch_rates(factory, 0.7, steps))


@pytest.mark.parametrize(
    ("ours", "factory"),
    [
        (constant(0.5), functools.partial(lr_scheduler.ConstantLR, factor=1.0)),
        (
            step_decay(0.5, 7, 0.3),
            functools.partial(lr_scheduler.StepLR, step_size=7, gamma=0.3),
        ),
        (
            exponential_decay(0.5, 1, 0.9),
            functools.partial(lr_scheduler.ExponentialLR, gamma=0.9),
        ),
        (
            cosine_decay(0.5, 59, alpha=0.1),
            functools.partial(lr_scheduler.CosineAnnealingLR, T_max=59, eta_min=0.05),
        ),
    ],
    ids=["constant", "step", "exponential", "cosine"],
)
def test_the_same_schedule_in_torch_gives_the_same_rates(ours, factory):
    expected = torch_rates(factory, 0.5, STEPS)
    assert_close([ours(step) for step in STEPS], expected)
    borrowed = from_torch(factory, 0.5)
    assert [borrowed(step) for step in STEPS] == expected
