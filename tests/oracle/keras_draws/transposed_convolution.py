"""Configurations of the layers in `mica/layers/transposed_convolution.py`."""

import random
from collections.abc import Callable
from functools import partial

from torch import Tensor

from tests.oracle.keras_draws.drawing import Drawn, both, images, sequences, volumes

__all__ = ["DRAWS"]

INPUTS: dict[int, Callable[..., Tensor]] = {
    1: sequences,
    2: images,
    3: volumes,
}


def draw_transposed(rank: int, draw: random.Random) -> Drawn:
    strides = tuple(draw.choice([1, 1, 2, 3, 4]) for _ in range(rank))
    whole = max(strides) == 1
    arguments = {
        "filters": draw.randint(2, 3),
        "kernel_size": tuple(draw.randint(1, 4) for _ in range(rank)),
        "strides": strides,
        "padding": draw.choice(["valid", "same"]),
        "output_padding": draw.choice(
            [None, None, tuple(draw.randrange(stride) for stride in strides)]
        ),
        # Keras refuses strides and dilation together.
        "dilation_rate": draw.choice([1, 2]) if whole else 1,
        "activation": draw.choice([None, "relu", "tanh"]),
        "use_bias": draw.random() < 0.7,
    }
    # In float64 Keras on torch cannot go backwards from a single channel.
    x = INPUTS[rank](draw, channels=draw.randint(2, 3))
    return both(f"Conv{rank}DTranspose", arguments, x)


DRAWS = {f"Conv{rank}DTranspose": partial(draw_transposed, rank) for rank in INPUTS}
