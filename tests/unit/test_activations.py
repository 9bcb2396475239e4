"""Activations are found by name, survive a file, and say what cannot be."""

import functools
import inspect

import pytest
import torch
from torch import nn

from mica.errors import ConfigError
from mica.layers import Dense, activation, activation_variants
from mica.layers.activation import ACTIVATIONS, get_activation
from mica.registry import decode, encode
from tests.tolerances import assert_close

FUNCTIONS = sorted(set(ACTIVATIONS.values()), key=lambda function: function.__name__)
every_function = pytest.mark.parametrize(
    "function", FUNCTIONS, ids=lambda function: function.__name__
)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_name_finds_its_function(name):
    assert get_activation(name) is ACTIVATIONS[name]


@pytest.mark.parametrize(("alias", "name"), [("linear", "identity"), ("swish", "silu")])
def test_the_names_of_keras_mean_the_same(alias, name):
    assert get_activation(alias) is get_activation(name)


def test_nothing_costs_no_call():
    assert get_activation(None) is None
    assert Dense(3).activation is None


@pytest.mark.parametrize(
    "given",
    [torch.relu, nn.ReLU(), functools.partial(torch.softmax, dim=-1)],
    ids=["function", "module", "partial"],
)
def test_a_function_or_module_is_taken_as_it_is(given):
    assert get_activation(given) is given


@every_function
def test_a_function_survives_a_file(function):
    assert decode(encode(function)) is function


@every_function
def test_a_function_gives_its_formula(function):
    assert "y" in (inspect.getdoc(function) or "").split("\n\n")[1]
    homes = (activation, activation_variants)
    assert any(function.__name__ in home.__all__ for home in homes)


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"glu"}))  # it halves
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_shape_and_type_stay(name, dtype):
    x = torch.randn(2, 3, 4, dtype=dtype)
    y = ACTIVATIONS[name](x)
    assert (y.shape, y.dtype) == (x.shape, x.dtype)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_huge_values_give_no_nan(name):
    x = torch.tensor([-1e30, -1e4, 0.0, 1e-4, 1e4, 1e30])
    assert not ACTIVATIONS[name](x).isnan().any()


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_sparsemax_is_the_nearest_point_of_the_simplex(axis):
    x = 3 * torch.randn(4, 5, 6, dtype=torch.float64)
    y = activation_variants.sparsemax(x, axis=axis)
    assert (y >= 0).all()
    assert_close(y.sum(axis), torch.ones_like(y.sum(axis)))
    # Nearest: x - y is the same number where y > 0, and no more elsewhere.
    given_up = (x - y).movedim(axis, -1)
    most = given_up.amax(-1, keepdim=True).expand_as(given_up)
    used = (y > 0).movedim(axis, -1)
    assert_close(given_up[used], most[used])


def test_the_default_slope_is_that_of_the_function_in_keras():
    assert activation.leaky_relu(torch.tensor([-1.0])).item() == pytest.approx(-0.2)


def test_a_module_with_weights_learns_with_the_layer():
    layer = Dense(3, activation=nn.PReLU())
    layer(torch.zeros(1, 2))
    assert {name for name, _ in layer.named_parameters()} == {
        "weight",
        "bias",
        "activation.weight",
    }


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            "rleu",
            "get_activation: expected activation to be a known name, got 'rleu'. Did "
            "you mean 'relu' or 'relu6'?",
        ),
        (
            nn.ReLU,
            "get_activation: expected activation to be a function or an object, got "
            "the class ReLU. Write ReLU().",
        ),
    ],
    ids=["a slip", "a class"],
)
def test_what_is_no_activation_is_said(given, sentence):
    with pytest.raises(ConfigError) as caught:
        get_activation(given)
    assert str(caught.value) == sentence
