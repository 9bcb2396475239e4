"""What every exported optimizer keeps, by a table with one row per kind."""

import copy
import inspect
import json
import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import mica.optimizers
from mica.engine.precision import precision_scope
from mica.optimizers import Optimizer, TorchOptimizer
from mica.registry import decode, encode
from tests.contract.optimizer_formulas import FORMULAS, trajectory
from tests.contract.test_optimizers_that_look_again import CASES as LOOKING
from tests.tolerances import assert_close

# One row per variant: the class and the arguments that are not its defaults.
CASES: dict[str, list[dict[str, Any]]] = {
    "SGD": [
        {"learning_rate": 0.1},
        {"learning_rate": 0.1, "momentum": 0.9},
        {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
        {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.2},
    ],
    "RMSprop": [
        {"learning_rate": 0.01},
        {"learning_rate": 0.01, "rho": 0.5, "epsilon": 0.1},
        {"learning_rate": 0.01, "momentum": 0.9},
        {"learning_rate": 0.01, "centered": True, "epsilon": 0.01},
        {"learning_rate": 0.01, "centered": True, "momentum": 0.5, "weight_decay": 0.2},
    ],
    "Adagrad": [
        {"learning_rate": 0.1},
        {"learning_rate": 0.1, "initial_accumulator_value": 0.0, "epsilon": 0.3},
        {"learning_rate": 0.1, "weight_decay": 0.2},
    ],
    "Adadelta": [
        {"learning_rate": 1.0},
        {"learning_rate": 1.0, "rho": 0.5, "epsilon": 0.1, "weight_decay": 0.2},
    ],
    "Adam": [
        {"learning_rate": 0.01},
        {"learning_rate": 0.01, "beta_1": 0.5, "beta_2": 0.8, "epsilon": 0.1},
        {"learning_rate": 0.01, "amsgrad": True, "beta_2": 0.5},
        {"learning_rate": 0.01, "weight_decay": 0.2},
    ],
    "AdamW": [
        {"learning_rate": 0.01},
        {"learning_rate": 0.01, "amsgrad": True, "weight_decay": 0.5, "beta_2": 0.5},
    ],
    "Nadam": [
        {"learning_rate": 0.01},
        {"learning_rate": 0.01, "beta_1": 0.5, "beta_2": 0.8, "epsilon": 0.1},
        {"learning_rate": 0.01, "weight_decay": 0.2},
    ],
    "Adafactor": [
        {"learning_rate": 0.1},
        {"learning_rate": 0.1, "clip_threshold": 0.5, "beta_2_decay": -0.5},
        {"learning_rate": 0.5, "relative_step": False, "weight_decay": 0.2},
    ],
    "Adamax": [
        {"learning_rate": 0.01},
        {"learning_rate": 0.01, "beta_1": 0.5, "beta_2": 0.8, "epsilon": 0.1},
        {"learning_rate": 0.01, "weight_decay": 0.2},
    ],
    "Ftrl": [
        {"learning_rate": 0.1},
        {"learning_rate": 0.1, "l1_regularization_strength": 0.1, "beta": 0.5},
        {
            "learning_rate": 0.1,
            "initial_accumulator_value": 0.0,
            "learning_rate_power": -0.3,
            "l2_regularization_strength": 0.1,
            "l2_shrinkage_regularization_strength": 0.1,
            "weight_decay": 0.2,
        },
    ],
    "Lamb": [
        {"learning_rate": 0.01},
        {"learning_rate": 0.01, "beta_1": 0.5, "beta_2": 0.8, "epsilon": 0.1},
        {"learning_rate": 0.01, "weight_decay": 0.2},
    ],
    "Lion": [
        {"learning_rate": 0.01},
        {"learning_rate": 0.01, "beta_1": 0.5, "beta_2": 0.8, "weight_decay": 0.2},
    ],
    "Muon": [
        {"learning_rate": 0.05},
        {"learning_rate": 0.05, "momentum": 0.5, "nesterov": False, "rms_rate": None},
        {
            "learning_rate": 0.05,
            "ns_steps": 3,
            "adam_lr_ratio": 0.5,
            "weight_decay": 0.2,
            "adam_weight_decay": 0.2,
        },
    ],
    "ScheduleFreeAdamW": [
        {"learning_rate": 0.01},
        {"learning_rate": 0.01, "beta_1": 0.5, "beta_2": 0.8, "epsilon": 0.1},
        {"learning_rate": 0.01, "warmup_steps": 4, "weight_decay": 0.2},
    ],
}
# Ftrl finds weights anew at each step, also where there is no gradient; see its
# docstring.
FORGETTING = {"Ftrl"}
NAMES = list(CASES)
VARIANTS = [
    pytest.param(name, options, id="-".join([name, *list(options)[1:]]))
    for name, rows in CASES.items()
    for options in rows
]
CLIPS = [{"clipnorm": 0.5}, {"global_clipnorm": 0.5}, {"clipvalue": 0.5}]
SHAPES = [(3, 4), (5,), (2, 3, 2, 2)]
STEPS = 10


def make(name: str, **options: Any) -> Optimizer:
    return getattr(mica.optimizers, name)(**options)


def decay(name: str, share: float) -> dict[str, float]:
    """The same decay for all weights."""
    parameters = inspect.signature(getattr(mica.optimizers, name)).parameters
    return {key: share for key in parameters if key.endswith("weight_decay")}


def all_options(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """The arguments, with the defaults that the signature has."""
    parameters = inspect.signature(getattr(mica.optimizers, name)).parameters
    defaults = {key: value.default for key, value in parameters.items()}
    return {**defaults, **options}


def numbers(seed: int = 0) -> tuple[list[np.ndarray], list[list[np.ndarray]]]:
    """First weights, and for each step the gradient of each weight."""
    generator = np.random.default_rng(seed)
    weights = [generator.standard_normal(shape) for shape in SHAPES]
    steps = [
        [generator.standard_normal(shape) for shape in SHAPES] for _ in range(STEPS)
    ]
    return weights, steps


def parameters_of(weights: list[np.ndarray], dtype=torch.float64) -> list[Tensor]:
    return [torch.nn.Parameter(torch.tensor(weight, dtype=dtype)) for weight in weights]


def take(
    spec: Optimizer,
    optimizer: torch.optim.Optimizer,
    parameters: list[Tensor],
    steps: list[list[np.ndarray]],
) -> None:
    for gradients in steps:
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = torch.tensor(gradient, dtype=parameter.dtype)
        spec.clip_gradients(parameters)
        optimizer.step()


def assert_formula(name: str, options: dict[str, Any], **build: Any) -> None:
    weights, steps = numbers()
    spec, parameters = make(name, **options), parameters_of(weights)
    with precision_scope("float64"):  # torch counts the products of Nadam in it
        take(spec, spec.build(parameters, **build), parameters, steps)
    expected = trajectory(name, weights, steps, all_options(name, options))
    for parameter, weight in zip(parameters, expected, strict=True):
        assert_close(parameter, weight)


def test_every_exported_optimizer_is_in_the_table():
    exported = {
        name
        for name in mica.optimizers.__all__
        if inspect.isclass(kind := getattr(mica.optimizers, name))
        and issubclass(kind, Optimizer)
        and kind not in (Optimizer, TorchOptimizer)
    }
    assert exported - set(LOOKING) == set(CASES) == set(FORMULAS)
    assert set(LOOKING) < exported


@pytest.mark.parametrize("implementation", ["fused", "foreach"])
@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_ten_steps_equal_the_formula(name, options, implementation):
    assert_formula(name, options, implementation=implementation)


@pytest.mark.parametrize("clipping", CLIPS, ids=lambda row: next(iter(row)))
@pytest.mark.parametrize("name", NAMES)
def test_ten_clipped_steps_equal_the_formula(name, clipping):
    options = {**CASES[name][0], **clipping, **decay(name, 0.1)}
    assert_formula(name, options)


@pytest.mark.parametrize("name", NAMES)
def test_float32_stays_near_the_formula(name):
    weights, steps = numbers()
    options = CASES[name][0]
    spec, parameters = make(name, **options), parameters_of(weights, torch.float32)
    take(spec, spec.build(parameters), parameters, steps)
    expected = trajectory(name, weights, steps, all_options(name, options))
    for parameter, weight in zip(parameters, expected, strict=True):
        assert_close(parameter, weight, "trajectory")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_the_type_is_kept(name, options, dtype):
    weights, steps = numbers()
    spec, parameters = make(name, **options), parameters_of(weights, dtype)
    optimizer = spec.build(parameters)
    take(spec, optimizer, parameters, steps[:2])
    kept = [parameter.dtype for parameter in parameters]
    for state in optimizer.state.values():
        kept += [
            value.dtype
            for value in state.values()
            if isinstance(value, Tensor) and value.dim() > 0
        ]
    assert set(kept) == {dtype}


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_resuming_from_the_state_is_the_same_to_the_bit(name, options):
    weights, steps = numbers()
    spec, whole = make(name, **options), parameters_of(weights, torch.float32)
    optimizer = spec.build(whole)
    take(spec, optimizer, whole, steps[:5])
    halfway = [parameter.detach().numpy().copy() for parameter in whole]
    state = copy.deepcopy(optimizer.state_dict())
    take(spec, optimizer, whole, steps[5:])

    resumed = parameters_of(halfway, torch.float32)
    again = spec.build(resumed)
    again.load_state_dict(state)
    take(spec, again, resumed, steps[5:])
    assert all(torch.equal(one, two) for one, two in zip(whole, resumed, strict=True))


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_a_convex_loss_is_lowered(name, options):
    target = torch.linspace(-1, 1, 6)
    weight = torch.nn.Parameter(torch.full((6,), 2.0))
    spec = make(name, **{**options, **decay(name, 0.0)})
    optimizer, losses = spec.build([weight]), []
    for _ in range(100):
        optimizer.zero_grad()
        loss = (weight - target).square().sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize(
    ("name", "options"), [row for row in VARIANTS if row.values[0] not in FORGETTING]
)
def test_zero_gradient_and_zero_decay_move_nothing(name, options):
    weights, _ = numbers()
    spec = make(name, **{**options, **decay(name, 0.0)})
    parameters = parameters_of(weights, torch.float32)
    before = [parameter.detach().clone() for parameter in parameters]
    zeros = [[np.zeros(shape) for shape in SHAPES]] * 3
    take(spec, spec.build(parameters), parameters, zeros)
    assert all(
        torch.equal(one, two) for one, two in zip(parameters, before, strict=True)
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_weight_without_a_gradient_is_left_alone(name):
    spec = make(name, learning_rate=0.1, weight_decay=0.5)
    moved, left = parameters_of([np.ones(2), np.ones(2)])
    optimizer = spec.build([moved, left])
    moved.grad = torch.ones(2, dtype=torch.float64)
    spec.clip_gradients([moved, left])
    optimizer.step()
    assert torch.equal(left, torch.ones(2, dtype=torch.float64))
    assert (moved < 1).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_rate_that_changes_counts_from_the_next_step(name):
    weights, steps = numbers()
    spec = make(name, **CASES[name][0])
    parameters = parameters_of(weights, torch.float32)
    optimizer = spec.build(parameters)
    take(spec, optimizer, parameters, steps[:1])
    before = [parameter.detach().clone() for parameter in parameters]
    mica.optimizers.set_learning_rate(optimizer, 0.0)
    take(spec, optimizer, parameters, steps[1:2])
    assert all(
        torch.equal(one, two) for one, two in zip(parameters, before, strict=True)
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_layout_of_the_weights_changes_no_number(name):
    weight = np.random.default_rng(0).standard_normal((4, 3, 3, 3))
    rows, last = parameters_of([weight, weight], torch.float32)
    last.data = last.data.contiguous(memory_format=torch.channels_last)
    spec = make(name, **CASES[name][0])
    for parameter in (rows, last):
        take(spec, spec.build([parameter]), [parameter], [[weight]] * 3)
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert_close(rows, last, "reordered")


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_a_file_can_hold_it(name, options):
    spec = make(name, **options)
    again = decode(json.loads(json.dumps(encode(spec))))
    assert type(again) is type(spec)
    assert again.config() == spec.config()
    assert vars(again) == vars(spec)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_can_hold_its_schedule(name):
    schedule = mica.optimizers.schedules.cosine_decay(0.5, 10)
    again = decode(json.loads(json.dumps(encode(make(name, learning_rate=schedule)))))
    assert [again.schedule(step) for step in range(12)] == [
        schedule(step) for step in range(12)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_docstring_has_the_formula_and_every_section(name):
    docstring = inspect.getdoc(getattr(mica.optimizers, name)) or ""
    sections = re.findall(r"^(\w+):$", docstring, flags=re.MULTILINE)
    assert sections == ["Args", "State", "Raises", "Example", "Source"]
    assert re.search(r"^w = ", docstring.split("Args:")[0], flags=re.MULTILINE)
