"""Configurations of the layers in `mica/layers/noise.py`, at rest: no chance in it."""

import random
from collections.abc import Callable
from typing import Any

from tests.oracle.keras_draws.drawing import (
    Drawn,
    anything,
    both,
    images,
    sequences,
    volumes,
)

__all__ = ["DRAWS"]

RATES = dict.fromkeys(("AlphaDropout", "Dropout", "GaussianDropout"), "rate") | {
    "GaussianNoise": "stddev"
}
SPATIAL: dict[str, Callable[..., Any]] = {
    "SpatialDropout1D": sequences,
    "SpatialDropout2D": images,
    "SpatialDropout3D": volumes,
}


def draw_at_rest(
    kind: str, argument: str, make: Callable[..., Any]
) -> Callable[..., Drawn]:
    def draw_one(draw: random.Random) -> Drawn:
        return both(kind, {argument: draw.choice([0.0, 0.3, 0.9])}, make(draw))

    return draw_one


DRAWS = {
    kind: draw_at_rest(kind, argument, anything) for kind, argument in RATES.items()
} | {kind: draw_at_rest(kind, "rate", make) for kind, make in SPATIAL.items()}
