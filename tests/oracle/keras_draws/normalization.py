"""Configurations of the layers in `mica/layers/normalization.py`."""

import random

from tests.oracle.keras_draws.drawing import Drawn, anything, both

__all__ = ["DRAWS"]


def draw_batch_normalization(draw: random.Random) -> Drawn:
    x = anything(draw)
    arguments = {
        "axis": draw.choice([-1, -1, *range(1, x.ndim)]),
        "momentum": draw.choice([0.99, 0.9, 0.5]),
        "epsilon": draw.choice([1e-3, 1e-5, 0.1]),
        "center": draw.random() < 0.7,
        "scale": draw.random() < 0.7,
    }
    return both("BatchNormalization", arguments, x, training=draw.random() < 0.6)


DRAWS = {
    "BatchNormalization": draw_batch_normalization,
}
