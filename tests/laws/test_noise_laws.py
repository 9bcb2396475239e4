"""Noise keeps what it promises on average, and repeats itself from its seed."""

import copy
import re

import pytest
import torch

from mica import layers
from mica.errors import ConfigError, ShapeError
from tests.tolerances import assert_close

SPATIAL = {1: (50, 4, 100), 2: (50, 4, 3, 100), 3: (50, 2, 3, 2, 100)}
MANY = (200, 100)
KEEP_THE_MEAN = {
    "Dropout": lambda rate, seed: layers.Dropout(rate, seed=seed),
    "GaussianDropout": lambda rate, seed: layers.GaussianDropout(rate, seed=seed),
    "StochasticDepth": lambda rate, seed: layers.StochasticDepth(rate, seed=seed),
    "GaussianNoise": lambda rate, seed: layers.GaussianNoise(rate, seed=seed),
}


@pytest.mark.parametrize("kind", KEEP_THE_MEAN)
def test_the_mean_stays(kind):
    x = torch.ones(20_000, 2)
    assert_close(KEEP_THE_MEAN[kind](0.3, 1)(x).mean(), 1.0, "statistical")


@pytest.mark.parametrize("rate", [0.1, 0.5])
@pytest.mark.parametrize(
    "kind", ["Dropout", "GaussianDropout"], ids=["of zeros", "of factors"]
)
def test_the_variance_is_that_of_the_rate(kind, rate):
    y = KEEP_THE_MEAN[kind](rate, 1)(torch.ones(MANY))
    assert_close(y.var(), rate / (1 - rate), "statistical")


@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_alpha_dropout_keeps_mean_and_variance(rate):
    x = torch.randn(MANY, generator=torch.Generator().manual_seed(1))
    y = layers.AlphaDropout(rate, seed=1)(x)
    assert_close(y.mean(), 0.0, "statistical")
    assert_close(y.var(), 1.0, "statistical")


@pytest.mark.parametrize("rank", SPATIAL)
def test_a_channel_is_dropped_everywhere_or_nowhere(rank):
    layer = getattr(layers, f"SpatialDropout{rank}D")(0.25)
    y = layer(torch.ones(SPATIAL[rank])).flatten(1, -2)
    assert torch.equal(y.amin(1), y.amax(1))
    assert_close((y[:, 0] == 0).double().mean(), 0.25, "statistical")


def test_a_sample_loses_its_branch_or_keeps_it():
    y = layers.StochasticDepth(0.25)(torch.ones(4000, 3))
    assert torch.equal(y.amin(1), y.amax(1))
    assert_close((y[:, 0] == 0).double().mean(), 0.25, "statistical")


SEEDED = {
    "AlphaDropout": lambda: layers.AlphaDropout(0.5, seed=3),
    "Dropout": lambda: layers.Dropout(0.5, seed=3),
    "GaussianDropout": lambda: layers.GaussianDropout(0.5, seed=3),
    "GaussianNoise": lambda: layers.GaussianNoise(0.5, seed=3),
    "SpatialDropout1D": lambda: layers.SpatialDropout1D(0.5, seed=3),
    "StochasticDepth": lambda: layers.StochasticDepth(0.5, seed=3),
}


@pytest.mark.parametrize("make", SEEDED.values(), ids=SEEDED)
def test_a_layer_with_a_seed_depends_on_nothing_else(make):
    x = torch.ones(64, 3, 5)
    one, other = make(), make()
    first = [one(x), one(x)]
    torch.rand(7)
    assert torch.equal(other(x), first[0])
    assert torch.equal(copy.deepcopy(other)(x), first[1])
    assert not torch.equal(*first)


@pytest.mark.parametrize("make", SEEDED.values(), ids=SEEDED)
def test_a_layer_with_a_seed_leaves_torch_generator_alone(make):
    before = torch.random.get_rng_state()
    make()(torch.ones(4, 3, 5))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: layers.GaussianNoise(0.1, seed=-1),
            ConfigError,
            "GaussianNoise: expected seed to be 0 or more, got -1. Give another "
            "number, or None to draw from torch's generator.",
        ),
        (
            lambda: layers.Dropout(0.5, noise_shape=(None, 0)),
            ConfigError,
            "Dropout: expected noise_shape to hold sizes and None, got (None, 0). "
            "Write 1 for an axis along which values are dropped together, None for "
            "the others.",
        ),
        (
            lambda: layers.Dropout(0.5, noise_shape=(None, 2))(torch.ones(3, 4)),
            ShapeError,
            "Dropout: expected an input that noise_shape (None, 2) repeats to, got "
            "shape (3, 4). Write None for its own sizes.",
        ),
        (
            lambda: layers.SpatialDropout1D(0.5)(torch.ones(3, 4)),
            ShapeError,
            "SpatialDropout1D: expected 3 axes (batch, steps, channels), got shape "
            "(3, 4). Add the missing axis, e.g. with Reshape.",
        ),
    ],
)
def test_what_does_not_fit_is_told(call, error, text):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        call()
