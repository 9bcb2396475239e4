"""Configurations of the layers in `mica/layers/pooling.py`."""

import random

from tests.oracle.keras_draws.drawing import Drawn, both, images

__all__ = ["DRAWS"]


def draw_max_pooling(draw: random.Random) -> Drawn:
    arguments = {
        "pool_size": draw.choice([1, 2, 3, 4, (2, 3), (3, 1)]),
        "strides": draw.choice([None, 1, 2, 3, (2, 1), (1, 3)]),
        "padding": draw.choice(["valid", "same"]),
    }
    return both("MaxPooling2D", arguments, images(draw))


def draw_average_pooling(draw: random.Random) -> Drawn:
    arguments = {
        "pool_size": draw.choice([1, 2, 3, 4, (2, 3), (3, 1)]),
        "strides": draw.choice([None, 1, 2, 3, (2, 1), (1, 3)]),
        "padding": "valid",
    }
    if draw.random() < 0.5:
        # Where the padding is uneven, Keras on torch repeats the edge, unlike Keras on
        # its other backends and unlike us: test_layers_closed_form.py has those.
        arguments = {"pool_size": draw.choice([1, 3, 5]), "strides": 1}
        arguments["padding"] = "same"
    return both("AveragePooling2D", arguments, images(draw))


def draw_global_average(draw: random.Random) -> Drawn:
    keepdims = {"keepdims": draw.random() < 0.5}
    return both("GlobalAveragePooling2D", keepdims, images(draw))


def draw_global_max(draw: random.Random) -> Drawn:
    keepdims = {"keepdims": draw.random() < 0.5}
    return both("GlobalMaxPooling2D", keepdims, images(draw))


DRAWS = {
    "MaxPooling2D": draw_max_pooling,
    "AveragePooling2D": draw_average_pooling,
    "GlobalAveragePooling2D": draw_global_average,
    "GlobalMaxPooling2D": draw_global_max,
}
