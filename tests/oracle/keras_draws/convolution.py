"""Configurations of the layers in `mica/layers/convolution.py`."""

import random

from tests.oracle.keras_draws.drawing import Drawn, both, images, sequences, volumes

__all__ = ["DRAWS"]


def draw_sequence_convolution(draw: random.Random) -> Drawn:
    groups, strides = draw.choice([1, 1, 2, 3]), draw.choice([1, 1, 2, 3])
    arguments = {
        "filters": groups * draw.randint(2, 3),
        "kernel_size": draw.randint(1, 4),
        "strides": strides,
        "padding": draw.choice(["valid", "same", "causal"]),
        "dilation_rate": draw.choice([1, 2]) if strides == 1 else 1,
        "groups": groups,
        "activation": draw.choice([None, "relu", "tanh"]),
        "use_bias": draw.random() < 0.7,
    }
    x = sequences(draw, channels=groups * draw.randint(1, 2))
    return both("Conv1D", arguments, x)


def draw_convolution(draw: random.Random) -> Drawn:
    groups = draw.choice([1, 1, 1, 2, 3])
    strides = draw.choice([1, 1, 2, 3, (2, 1), (1, 3)])
    arguments = {
        # In float64 Keras on torch cannot go backwards through a single filter.
        "filters": groups * draw.randint(2, 3),
        "kernel_size": draw.choice([1, 2, 3, 4, (2, 3), (3, 1), (1, 4)]),
        "strides": strides,
        "padding": draw.choice(["valid", "same"]),
        # Keras refuses strides and dilation together.
        "dilation_rate": draw.choice([1, 1, 2, (1, 2)]) if strides == 1 else 1,
        "groups": groups,
        "activation": draw.choice([None, None, "relu", "tanh", "softmax"]),
        "use_bias": draw.random() < 0.7,
    }
    x = images(draw, channels=groups * draw.randint(1, 2))
    return both("Conv2D", arguments, x)


def draw_volume_convolution(draw: random.Random) -> Drawn:
    groups, strides = draw.choice([1, 1, 2]), draw.choice([1, 1, 2, (2, 1, 3)])
    arguments = {
        "filters": groups * draw.randint(2, 3),
        "kernel_size": draw.choice([1, 2, 3, (2, 3, 1), (1, 2, 4)]),
        "strides": strides,
        "padding": draw.choice(["valid", "same"]),
        "dilation_rate": draw.choice([1, 1, (1, 2, 1)]) if strides == 1 else 1,
        "groups": groups,
        "activation": draw.choice([None, "relu", "tanh"]),
        "use_bias": draw.random() < 0.7,
    }
    x = volumes(draw, channels=groups * draw.randint(1, 2))
    return both("Conv3D", arguments, x)


DRAWS = {
    "Conv1D": draw_sequence_convolution,
    "Conv2D": draw_convolution,
    "Conv3D": draw_volume_convolution,
}
