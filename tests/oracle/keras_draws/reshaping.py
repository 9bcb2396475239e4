"""Configurations of the layers in `mica/layers/reshaping.py`."""

import random

import torch

from tests.oracle.keras_draws.drawing import Drawn, anything, both

__all__ = ["DRAWS"]


def draw_flatten(draw: random.Random) -> Drawn:
    return both("Flatten", {}, anything(draw))


def draw_reshape(draw: random.Random) -> Drawn:
    sizes = [draw.randint(1, 4) for _ in range(draw.randint(1, 3))]
    x = torch.randn(2, *sizes, dtype=torch.float64)
    target = draw.sample(sizes, len(sizes))
    if draw.random() < 0.5:
        target[draw.randrange(len(target))] = -1
    return both("Reshape", {"target_shape": tuple(target)}, x)


DRAWS = {
    "Flatten": draw_flatten,
    "Reshape": draw_reshape,
}
