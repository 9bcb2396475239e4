"""Wrappers: what they compute, what they save, and what they say."""

import re

import pytest
import torch
from torch import nn

import mica
from mica import layers
from mica.errors import ConfigError, ShapeError
from mica.layers import Dense, Input, LowRank, SpectralNormalization
from tests.tolerances import assert_close


def linear(layer):
    """torch's linear map with the weights of a Dense."""
    copy = nn.Linear(layer.weight.shape[1], len(layer.weight), dtype=torch.float64)
    copy.load_state_dict(layer.state_dict())
    return copy


def test_a_weight_normalization_begins_as_the_layer_inside():
    inside, x = Dense(3), torch.randn(4, 5, dtype=torch.float64)
    layer = layers.WeightNormalization(inside)
    assert_close(layer(x), inside(x))
    assert_close(layer.scale, inside.weight.norm(dim=1))


def test_a_weight_normalization_has_the_gradients_of_torch():
    inside, x = Dense(3), torch.randn(4, 5, dtype=torch.float64)
    layer = layers.WeightNormalization(inside)
    layer.ensure_built(x)
    theirs = nn.utils.parametrizations.weight_norm(linear(inside))
    for module in (layer, theirs):
        module(x).square().sum().backward()
    weights = theirs.parametrizations.weight
    assert_close(layer.scale.grad, weights.original0.grad.flatten())
    assert_close(inside.weight.grad, weights.original1.grad)


def test_a_spectral_norm_is_that_of_torch():
    inside, x = Dense(3), torch.randn(4, 5, dtype=torch.float64)
    layer = SpectralNormalization(inside)
    layer.ensure_built(x)
    theirs = nn.utils.parametrizations.spectral_norm(linear(inside))
    norm = theirs.parametrizations.weight[0]
    norm._u.copy_(layer.left)
    norm._v.copy_(layer.right)
    for _ in range(3):
        assert_close(layer(x), theirs(x))
    for module in (layer, theirs):
        module.zero_grad()
        module(x).square().sum().backward()
    assert_close(inside.weight.grad, theirs.parametrizations.weight.original.grad)


def test_the_largest_singular_value_becomes_1():
    layer = SpectralNormalization(layers.Conv2D(6, 3), power_iterations=200)
    layer(torch.randn(1, 5, 5, 2, dtype=torch.float64))
    weight = layer.weight_in_use().flatten(1)
    assert_close(torch.linalg.matrix_norm(weight, 2), 1.0, "reordered")


def test_a_frozen_spectral_norm_stays_where_it_is():
    layer, x = SpectralNormalization(Dense(3)), torch.randn(2, 4)
    layer(x)
    layer.trainable = False
    before = layer.left.clone()
    layer(x)
    assert torch.equal(layer.left, before)


def test_only_the_correction_of_low_rank_learns():
    x, y = torch.randn(32, 6), torch.randn(32, 2)
    trained = Dense(8, activation="tanh")
    model = mica.Sequential(Input((6,)), LowRank(trained, rank=2), Dense(2))
    model.compile(mica.optimizers.SGD(0.1), "mse")
    before = trained.weight.detach().clone()
    model.fit(x, y, epochs=2, verbose=0)
    adapted = model.layers[0]
    assert torch.equal(trained.weight, before)
    assert adapted.up.any()
    expected = model.predict(x, verbose=0)
    merged = adapted.merge()
    assert_close(model.predict(x, verbose=0), expected, "trajectory")
    assert merged is trained


@pytest.mark.parametrize("trainable", [True, False])
def test_what_low_rank_adapts_stays_frozen(trainable):
    layer = LowRank(Dense(3))
    layer(torch.ones(1, 2))
    layer.trainable = trainable
    learns = {name: weight.requires_grad for name, weight in layer.named_parameters()}
    assert learns == {
        "down": trainable,
        "up": trainable,
        "layer.weight": False,
        "layer.bias": False,
    }


@pytest.mark.parametrize(
    "make",
    [
        lambda: LowRank(Dense(3), 2, alpha=4.0),
        lambda: layers.DropConnect(Dense(3), 0.5),
        lambda: layers.WeightNormalization(Dense(3)),
        lambda: SpectralNormalization(Dense(3)),
        lambda: layers.Lambda(torch.tanh),
        lambda: layers.Lambda(torch.clamp, arguments={"min": 0.0}),
    ],
)
def test_a_wrapper_survives_a_file(make, tmp_path):
    model = mica.Sequential(Input((4,)), make())
    for weight in model.parameters():
        nn.init.normal_(weight)
    model.save(tmp_path / "model.mica")
    other = mica.load(tmp_path / "model.mica")
    x = torch.randn(2, 4)
    assert torch.equal(other.eval()(x), model.eval()(x))


def test_a_function_of_nobody_knows_where_is_not_saved(tmp_path):
    model = mica.Sequential(Input((4,)), layers.Lambda(lambda x: x + 1))
    with pytest.raises(ConfigError, match=r"mica\.register"):
        model.save(tmp_path / "model.mica")


def test_a_mixture_stays_between_its_parts():
    x = torch.rand(50, 4, dtype=torch.float64)
    y = layers.SumNodes(3, normalize=True)(x)
    assert (y >= x.amin(1, keepdim=True)).all()
    assert (y <= x.amax(1, keepdim=True)).all()


def test_products_of_sums_are_a_polynomial():
    x = torch.tensor([[2.0, 3.0]], dtype=torch.float64)
    sums = layers.SumNodes(2)
    y = layers.ProductNodes(2)(sums(x))
    w = nn.functional.softplus(sums.weight)
    expected = (2 * w[0, 0] + 3 * w[0, 1]) * (2 * w[1, 0] + 3 * w[1, 1])
    assert_close(y[0, 0], expected)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: LowRank(nn.Linear(2, 3)),
            ConfigError,
            "LowRank: expected a layer to wrap, got Linear. Give an object such as "
            "mica.layers.Dense(64).",
        ),
        (
            lambda: layers.DropConnect(layers.Flatten(), 0.5)(torch.ones(1, 2)),
            ConfigError,
            "DropConnect: expected a layer with a weight of two axes or more, got "
            "Flatten. Wrap Dense, a convolution or Embedding.",
        ),
        (
            lambda: layers.Lambda(3),
            ConfigError,
            "Lambda: expected a function, got 3. Give for example lambda x: x ** 2.",
        ),
        (
            lambda: layers.Lambda(torch.sum, arguments=[1]),
            ConfigError,
            "Lambda: expected arguments to be a dict, got [1]. Write for example "
            "arguments={'dim': 1}.",
        ),
        (
            lambda: layers.ProductNodes(3)(torch.ones(1, 4)),
            ShapeError,
            "ProductNodes: expected features that groups of 3 divide, got 4 in shape "
            "(1, 4). Choose another size.",
        ),
    ],
)
@pytest.mark.usefixtures("without_shape_checks")
def test_what_does_not_fit_is_told(call, error, text):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        call()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: layers.PReLU(shared_axes=0),
            ConfigError,
            "PReLU: expected shared_axes beside the batch, got 0. Write for example "
            "shared_axes=(1, 2) for images.",
        ),
        (
            lambda: layers.PReLU(shared_axes=2)(torch.ones(1, 4)),
            ShapeError,
            "PReLU: expected an input that has the axes (2,) beside the batch, got "
            "shape (1, 4). Give other axes.",
        ),
    ],
)
def test_a_leak_that_does_not_fit_is_told(call, error, text):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        call()
