"""Configurations of the layers in `mica/layers/dense.py`."""

import random

from tests.oracle.keras_draws.drawing import ACTIVATIONS, Drawn, anything, both

__all__ = ["DRAWS"]


def draw_dense(draw: random.Random) -> Drawn:
    arguments = {
        "units": draw.randint(2, 6),
        "activation": draw.choice([None, *ACTIVATIONS]),
        "use_bias": draw.random() < 0.7,
    }
    return both("Dense", arguments, anything(draw))


DRAWS = {
    "Dense": draw_dense,
}
