"""What every initializer, regularizer, constraint and activation promises, by tables.

A part that is exported needs a row here, or a test says that it has none.
"""

import inspect
import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from mica import initializers
from mica.layers import (
    Activation,
    Dense,
    activation,
    activation_variants,
    constraints,
    regularizers,
)
from mica.layers.activation import ACTIVATIONS
from mica.layers.constraints import Constraint
from mica.layers.initializer import Initializer
from mica.layers.regularizers import Regularizer
from mica.registry import Configurable, decode, encode, register
from tests.structure.rules import sections
from tests.tolerances import assert_close

DTYPES = [torch.float32, torch.float64, torch.bfloat16]
SHAPES = [(6, 4), (5, 3, 2, 2)]  # of a dense layer, of a convolution


@register
def fill_with_halves(tensor: Tensor) -> Tensor:
    return tensor.fill_(0.5)


@register
def cost_of_size(weight: Tensor) -> Tensor:
    return weight.abs().amax()


@register
def half_of_it(weight: Tensor) -> Tensor:
    return weight / 2


INITIALIZERS: dict[str, Callable[[], Initializer]] = {
    "Constant": lambda: initializers.Constant(0.5),
    "FunctionInitializer": lambda: initializers.FunctionInitializer(fill_with_halves),
    "IdentityInitializer": lambda: initializers.IdentityInitializer(2.0),
    "OrthogonalInitializer": lambda: initializers.OrthogonalInitializer(0.5),
    "RandomNormal": lambda: initializers.RandomNormal(1.0, stddev=0.1),
    "RandomUniform": lambda: initializers.RandomUniform(0.5, 1.0),
    "TruncatedNormal": lambda: initializers.TruncatedNormal(stddev=0.1),
    "VarianceScaling": lambda: initializers.VarianceScaling(2.0, mode="fan_out"),
    "glorot_normal": initializers.glorot_normal,
    "glorot_uniform": initializers.glorot_uniform,
    "he_normal": initializers.he_normal,
    "he_uniform": initializers.he_uniform,
    "lecun_normal": initializers.lecun_normal,
    "lecun_uniform": initializers.lecun_uniform,
    "ones": initializers.ones,
    "zeros": initializers.zeros,
}
REGULARIZERS: dict[str, Callable[[], Regularizer]] = {
    "FunctionRegularizer": lambda: regularizers.FunctionRegularizer(cost_of_size),
    "L1": lambda: regularizers.L1(0.1),
    "L1L2": lambda: regularizers.L1L2(0.1, 0.2),
    "L2": lambda: regularizers.L2(0.1),
    "OrthogonalRegularizer": lambda: regularizers.OrthogonalRegularizer(
        0.1, mode="columns"
    ),
}
CONSTRAINTS: dict[str, Callable[[], Constraint]] = {
    "FunctionConstraint": lambda: constraints.FunctionConstraint(half_of_it),
    "MaxNorm": lambda: constraints.MaxNorm(0.5),
    "MinMaxNorm": lambda: constraints.MinMaxNorm(0.5, 1.0),
    "NonNegative": constraints.NonNegative,
    "UnitNorm": constraints.UnitNorm,
}
ROWS: dict[str, Callable[[], Any]] = {**INITIALIZERS, **REGULARIZERS, **CONSTRAINTS}
every_part = pytest.mark.parametrize("make", ROWS.values(), ids=ROWS)
every_initializer = pytest.mark.parametrize(
    "make", INITIALIZERS.values(), ids=INITIALIZERS
)
every_regularizer = pytest.mark.parametrize(
    "make", REGULARIZERS.values(), ids=REGULARIZERS
)
every_constraint = pytest.mark.parametrize(
    "make", CONSTRAINTS.values(), ids=CONSTRAINTS
)
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=["dense", "convolution"])
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)


def exported(module: ModuleType, base: type) -> set[str]:
    """What a module offers to make an object of a kind, each by its own name."""
    found = set()
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isclass(value):
            fits = issubclass(value, base) and value is not base
        else:
            fits = inspect.isfunction(value) and not inspect.signature(value).parameters
        if fits:
            found.add(value.__name__)
    return found


@pytest.mark.parametrize(
    ("module", "base", "rows"),
    [
        (initializers, Initializer, INITIALIZERS),
        (regularizers, Regularizer, REGULARIZERS),
        (constraints, Constraint, CONSTRAINTS),
    ],
    ids=["initializers", "regularizers", "constraints"],
)
def test_every_exported_rule_has_a_row(module, base, rows):
    assert exported(module, base) == set(rows)


def test_every_exported_activation_has_a_name():
    homes = (activation, activation_variants)
    functions = {
        name
        for home in homes
        for name in home.__all__
        if inspect.isfunction(getattr(home, name)) and not name.startswith("get_")
    }
    assert functions == {function.__name__ for function in ACTIVATIONS.values()}


@every_part
def test_a_config_in_json_makes_the_same_rule(make):
    rule = make()
    assert isinstance(rule, Configurable)
    again = decode(json.loads(json.dumps(encode(rule))))
    assert type(again) is type(rule)
    assert again.config() == rule.config()
    assert vars(again) == vars(rule)


@every_part
def test_a_rule_explains_itself(make):
    kind = type(make())
    docstring = inspect.getdoc(kind) or ""
    assert "Example" in sections(docstring)
    formula = [*docstring.split("\n\n"), ""][1]
    assert any(sign in formula for sign in ("=", "~", "<-")) or "Function" in str(kind)


@every_initializer
@every_dtype
@every_shape
def test_first_values_are_finite_and_of_the_type_of_the_weight(make, dtype, shape):
    if make().__class__ is initializers.IdentityInitializer and len(shape) > 2:
        pytest.skip("an identity is a matrix")
    weight = torch.full(shape, torch.nan, dtype=dtype)
    make().fill(weight, None)
    assert weight.dtype is dtype
    assert weight.isfinite().all()


@every_initializer
def test_the_same_seed_gives_the_same_first_values(make):
    weights = []
    for _ in range(2):
        torch.manual_seed(7)
        weights.append(torch.empty(6, 4))
        make().fill(weights[-1], None)
    assert torch.equal(*weights)


@every_regularizer
@every_dtype
@every_shape
def test_a_cost_is_one_number_above_zero_with_a_finite_slope(make, dtype, shape):
    if make().__class__ is regularizers.OrthogonalRegularizer and len(shape) > 2:
        pytest.skip("rows and columns are those of a matrix")
    weight = torch.randn(shape, dtype=dtype).requires_grad_()
    cost = make()(weight)
    cost.backward()
    assert (cost.shape, cost.dtype) == ((), dtype)
    assert cost > 0
    assert weight.grad.isfinite().all()
    assert weight.grad.any()


@every_regularizer
def test_nothing_costs_nothing_and_has_a_finite_slope(make):
    weight = torch.zeros(6, 4, dtype=torch.float64, requires_grad=True)
    cost = make()(weight)
    cost.backward()
    assert cost == 0
    assert weight.grad.isfinite().all()


@every_regularizer
def test_a_layer_charges_what_the_rule_says(make):
    layer = Dense(3, kernel_regularizer=make())
    layer(torch.ones(2, 4))
    rule = layer.weight_rules["weight"].regularizer
    assert_close(rule(layer.weight), make()(layer.weight))


@every_constraint
@every_dtype
@every_shape
def test_a_constraint_keeps_shape_and_type(make, dtype, shape):
    weight = torch.randn(shape, dtype=dtype)
    before = weight.clone()
    moved = make()(weight)
    assert (moved.shape, moved.dtype) == (weight.shape, dtype)
    assert moved.isfinite().all()
    assert torch.equal(weight, before)


@every_constraint
@every_shape
def test_what_fits_already_is_left_alone(make, shape):
    if make().__class__ is constraints.FunctionConstraint:
        pytest.skip("what a function does is its own affair")
    once = make()(torch.randn(shape, dtype=torch.float64))
    # Lengths are divided by 1e-7 more than they have.
    assert_close(make()(once), once, "epsilon")


@every_constraint
def test_a_weight_of_zeros_stays_finite(make):
    assert make()(torch.zeros(6, 4)).isfinite().all()


@pytest.mark.parametrize("name", ACTIVATIONS)
@every_dtype
def test_a_slope_is_finite_and_of_the_type_of_the_input(name, dtype):
    x = torch.tensor([[-30.0, -1.5, -0.25, 0.0], [0.25, 1.5, 3.0, 30.0]], dtype=dtype)
    x.requires_grad_()
    y = ACTIVATIONS[name](x)
    assert y.dtype is dtype
    if y.requires_grad:  # a step has no slope anywhere
        y.sum().backward()
        assert x.grad.dtype is dtype
        assert x.grad.isfinite().all()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_layer_finds_every_activation_by_name(name):
    x = torch.randn(3, 4)
    assert torch.equal(Activation(name)(x), ACTIVATIONS[name](x))
