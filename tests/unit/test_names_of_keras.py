"""Keras's other names lead to the same parts, and files hold the first name."""

import pytest
import torch

import mica
from mica import activations, constraints, initializers, layers, regularizers
from mica.layers import other_names
from mica.registry import decode, encode
from tests.contract.layer_cases import LAYERS

DOORS = [activations, constraints, initializers, regularizers]


@pytest.mark.parametrize("name", other_names.__all__)
def test_another_name_of_a_layer_is_the_layer(name):
    kind = getattr(layers, name)
    assert kind is getattr(layers, kind.__name__)
    assert kind.__name__ != name


def test_a_file_holds_the_first_name():
    stored = encode(layers.MaxPool2D(3))
    assert stored == {"$object": "mica.layers.MaxPooling2D", "config": {"pool_size": 3}}
    assert type(decode(stored)) is layers.MaxPooling2D


def test_every_other_name_is_of_a_layer_that_is_judged():
    judged = {type(case.make()).__name__ for case in LAYERS.values()}
    assert {getattr(layers, name).__name__ for name in other_names.__all__} <= judged


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_a_door_opens_what_layers_use(door):
    for name in door.__all__:
        part = getattr(door, name)
        assert part.__module__.startswith("mica.layers."), name


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (initializers.GlorotNormal, "glorot_normal"),
        (initializers.GlorotUniform, "glorot_uniform"),
        (initializers.HeNormal, "he_normal"),
        (initializers.HeUniform, "he_uniform"),
        (initializers.LecunNormal, "lecun_normal"),
        (initializers.LecunUniform, "lecun_uniform"),
        (initializers.Identity, "identity"),
        (initializers.Ones, "ones"),
        (initializers.Orthogonal, "orthogonal"),
        (initializers.Zeros, "zeros"),
    ],
)
def test_a_class_of_keras_fills_as_its_name_does(theirs, ours):
    filled = []
    for given in (theirs(), theirs, ours):
        mica.set_seed(7)
        layer = layers.Dense(4, kernel_initializer=given)
        layer(torch.zeros(1, 4))
        filled.append(layer.weight)
    assert torch.equal(filled[0], filled[2])
    assert torch.equal(filled[1], filled[2])


def test_a_constraint_goes_by_its_name_in_keras():
    given = layers.Dense(2, kernel_constraint=constraints.NonNeg).kernel_constraint
    assert isinstance(given, constraints.NonNegative)


def test_an_activation_goes_by_its_name_in_keras():
    dense = layers.Dense(2, activation="swish")
    assert dense.activation is activations.swish
    assert activations.swish is activations.silu
    assert activations.hard_swish is activations.hard_silu
    assert activations.linear is activations.identity


MERGING = {
    "add": layers.Add,
    "average": layers.Average,
    "concatenate": layers.Concatenate,
    "maximum": layers.Maximum,
    "minimum": layers.Minimum,
    "multiply": layers.Multiply,
    "subtract": layers.Subtract,
}


@pytest.mark.parametrize(("name", "kind"), MERGING.items(), ids=MERGING)
def test_a_function_that_merges_is_its_layer(name, kind):
    pair = [torch.randn(2, 3), torch.randn(2, 3)]
    assert torch.equal(getattr(layers, name)(pair), kind()(pair))
    entrances = [mica.Input((3,)), mica.Input((3,))]
    merged = getattr(layers, name)(entrances, name="together")
    model = mica.Model(entrances, merged)
    assert type(model.get_layer("together")) is kind
    assert torch.equal(model(pair), kind()(pair))


def test_a_dot_product_takes_its_axes():
    pair = [torch.randn(2, 3, 4), torch.randn(2, 5, 4)]
    assert torch.equal(layers.dot(pair, 2), layers.Dot(2)(pair))
    assert layers.concatenate(pair, axis=1).shape == (2, 8, 4)
