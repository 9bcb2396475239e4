"""What optimizers keep that look at a batch several times before they move on."""

import copy
import inspect
import itertools
import json
import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import mica.optimizers
from mica.optimizers import Optimizer
from mica.registry import decode, encode
from tests.tolerances import assert_close

CASES: dict[str, list[dict[str, Any]]] = {
    "LBFGS": [{}, {"line_search": None, "learning_rate": 0.5}, {"history_size": 2}],
    "ConjugateGradient": [
        {},
        {"formula": "fletcher_reeves", "curvature": 0.01},
        {"max_iterations": 3, "max_evaluations": 6},
    ],
}
NAMES = list(CASES)
VARIANTS = [
    pytest.param(name, options, id="-".join([name, *options]))
    for name, rows in CASES.items()
    for options in rows
]
SIZE = 6


def make(name: str, **options: Any) -> Optimizer:
    return getattr(mica.optimizers, name)(**options)


def bowl(weights: list[Tensor], dtype: torch.dtype) -> Tensor:
    """A quadratic whose axes differ by a factor of 20, around the point (1, ..., 1)."""
    generator = np.random.default_rng(0)
    basis, _ = np.linalg.qr(generator.standard_normal((SIZE, SIZE)))
    matrix = torch.tensor(basis * np.linspace(1, 20, SIZE) @ basis.T, dtype=dtype)
    point = torch.cat([weight.reshape(-1) for weight in weights]) - 1
    return 0.5 * point @ matrix @ point


def closure_of(optimizer: torch.optim.Optimizer, weights: list[Tensor]) -> Any:
    def look() -> Tensor:
        optimizer.zero_grad()
        loss = bowl(weights, weights[0].dtype)
        loss.backward()
        return loss

    return look


def two_weights(dtype: torch.dtype = torch.float64) -> list[Tensor]:
    values = torch.linspace(-2, 3, SIZE, dtype=dtype)
    return [
        torch.nn.Parameter(values[:4].reshape(2, 2).clone()),
        torch.nn.Parameter(values[4:].clone()),
    ]


def run(spec: Optimizer, weights: list[Tensor], calls: int = 1) -> Any:
    optimizer = spec.build(weights)
    for _ in range(calls):
        optimizer.step(closure_of(optimizer, weights))
    return optimizer


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_the_minimum_of_a_bowl_is_found(name, options):
    weights = two_weights()
    run(make(name, **options), weights, calls=10)
    for weight in weights:
        assert_close(weight, torch.ones_like(weight), "minimum")


@pytest.mark.parametrize("formula", ["polak_ribiere", "fletcher_reeves"])
def test_as_many_conjugate_steps_as_numbers_reach_the_minimum(formula):
    weights = two_weights()
    spec = make(
        "ConjugateGradient", formula=formula, max_iterations=SIZE, curvature=1e-10
    )
    run(spec, weights)
    for weight in weights:
        assert_close(weight, torch.ones_like(weight), "minimum")


def test_fewer_conjugate_steps_than_numbers_do_not():
    weights = two_weights()
    run(make("ConjugateGradient", max_iterations=SIZE - 2, curvature=1e-10), weights)
    assert any(bool(((weight - 1).abs() > 0.01).any()) for weight in weights)


def test_directions_of_a_bowl_are_conjugate():
    weights = two_weights()
    spec = make("ConjugateGradient", max_iterations=1, curvature=1e-10)
    optimizer = spec.build(weights)
    ways = []
    for _ in range(3):
        optimizer.step(closure_of(optimizer, weights))
        parts = [optimizer.state[weight]["direction"] for weight in weights]
        ways.append(torch.cat([part.reshape(-1) for part in parts]))
    bent = [
        torch.autograd.functional.hvp(
            lambda point: bowl([point], torch.float64), torch.zeros(SIZE).double(), way
        )[1]
        for way in ways
    ]
    products = [[float(a @ b) for b in bent] for a in ways]
    lengths = [product[i] ** 0.5 for i, product in enumerate(products)]
    for i in range(3):
        for j in range(i):
            assert abs(products[i][j]) < 1e-6 * lengths[i] * lengths[j]


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_a_call_never_raises_the_loss(name, options):
    weights = two_weights()
    spec = make(name, **{**options, "max_iterations": 1})
    optimizer = spec.build(weights)
    look = closure_of(optimizer, weights)
    losses = [float(look().detach())]
    for _ in range(8):
        optimizer.step(look)
        losses.append(float(look().detach()))
    assert all(after <= before for before, after in itertools.pairwise(losses))


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_resuming_from_the_state_is_the_same_to_the_bit(name, options):
    spec, whole = make(name, **{**options, "max_iterations": 2}), two_weights()
    optimizer = run(spec, whole, calls=2)
    resumed = [torch.nn.Parameter(weight.detach().clone()) for weight in whole]
    state = copy.deepcopy(optimizer.state_dict())
    optimizer.step(closure_of(optimizer, whole))
    again = spec.build(resumed)
    again.load_state_dict(state)
    again.step(closure_of(again, resumed))
    assert all(torch.equal(one, two) for one, two in zip(whole, resumed, strict=True))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", NAMES)
def test_the_type_is_kept(name, dtype):
    weights = two_weights(dtype)
    run(make(name), weights)
    assert {weight.dtype for weight in weights} == {dtype}
    assert all(bool(weight.isfinite().all()) for weight in weights)


@pytest.mark.parametrize("name", NAMES)
def test_a_weight_without_a_gradient_is_left_alone(name):
    weights = two_weights()
    idle = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
    optimizer = make(name).build([idle, *weights])
    optimizer.step(closure_of(optimizer, weights))
    assert torch.equal(idle, torch.ones(3, dtype=torch.float64))
    assert float(bowl(weights, torch.float64).detach()) < 1.0


@pytest.mark.parametrize("name", NAMES)
def test_a_flat_place_is_not_left(name):
    weights = [torch.nn.Parameter(torch.ones_like(each)) for each in two_weights()]
    run(make(name), weights, calls=2)
    assert all(torch.equal(weight, torch.ones_like(weight)) for weight in weights)


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_a_file_can_hold_it(name, options):
    spec = make(name, **options)
    again = decode(json.loads(json.dumps(encode(spec))))
    assert type(again) is type(spec)
    assert vars(again) == vars(spec)


@pytest.mark.parametrize("name", NAMES)
def test_the_docstring_has_the_formula_and_every_section(name):
    docstring = inspect.getdoc(getattr(mica.optimizers, name)) or ""
    sections = re.findall(r"^(\w+):$", docstring, flags=re.MULTILINE)
    assert sections == ["Args", "State", "Raises", "Example", "Source"]
    assert re.search(r"^w = w ", docstring.split("Args:")[0], flags=re.MULTILINE)
