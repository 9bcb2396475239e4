"""Configurations of the layers in `mica/layers/noise.py`."""

import random

from tests.oracle.keras_draws.drawing import Drawn, anything, both

__all__ = ["DRAWS"]


def draw_dropout_at_rest(draw: random.Random) -> Drawn:
    return both("Dropout", {"rate": draw.choice([0.0, 0.3, 0.9])}, anything(draw))


DRAWS = {
    "Dropout": draw_dropout_at_rest,
}
