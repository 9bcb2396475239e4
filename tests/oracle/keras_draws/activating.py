"""Configurations of the layers in `mica/layers/activating.py`."""

import random
from collections.abc import Mapping

import torch

from tests.oracle.keras_draws.drawing import ACTIVATIONS, Drawn, anything, both

__all__ = ["DRAWS"]


def draw_activation(draw: random.Random) -> Drawn:
    return both("Activation", {"activation": draw.choice(ACTIVATIONS)}, anything(draw))


def draw_relu(draw: random.Random) -> Drawn:
    arguments = {
        "max_value": draw.choice([None, 1.0, 6.0]),
        "negative_slope": draw.choice([0.0, 0.3]),
        "threshold": draw.choice([0.0, 0.5]),
    }
    return both("ReLU", arguments, anything(draw))


def draw_leaky_relu(draw: random.Random) -> Drawn:
    arguments = draw.choice([{}, {"negative_slope": draw.random()}])
    return both("LeakyReLU", arguments, anything(draw))


def draw_elu(draw: random.Random) -> Drawn:
    arguments = draw.choice([{}, {"alpha": draw.random()}])
    return both("ELU", arguments, anything(draw))


def draw_softmax(draw: random.Random) -> Drawn:
    x = anything(draw)
    return both("Softmax", {"axis": draw.choice([-1, *range(1, x.ndim)])}, x)


def as_they_are(state: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
    return list(state.values())


def draw_prelu(draw: random.Random) -> Drawn:
    x = anything(draw)
    shared = draw.sample(range(1, x.ndim), draw.randint(0, x.ndim - 2))
    return both("PReLU", {"shared_axes": shared or None}, x, to_keras=as_they_are)


DRAWS = {
    "PReLU": draw_prelu,
    "Activation": draw_activation,
    "ReLU": draw_relu,
    "LeakyReLU": draw_leaky_relu,
    "ELU": draw_elu,
    "Softmax": draw_softmax,
}
