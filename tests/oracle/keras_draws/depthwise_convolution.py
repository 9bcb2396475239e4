"""Configurations of depthwise and separable convolutions."""

import random
from collections.abc import Mapping
from functools import partial
from typing import Any

from torch import Tensor

from tests.oracle.keras_draws.drawing import (
    Drawn,
    arranged,
    both,
    images,
    sequences,
)

__all__ = ["DRAWS"]


def to_keras(multiplier: int, state: Mapping[str, Tensor]) -> list[Tensor]:
    """(channels * multiplier, 1, *window) is (*window, channels, multiplier)."""
    first, *others = state.values()
    windows = first.reshape(len(first) // multiplier, multiplier, *first.shape[2:])
    rank = windows.ndim - 2
    if "pointwise" in state:  # (filters, between)
        others[0] = arranged(others[0])[(None,) * rank]
    return [windows.permute(*range(2, rank + 2), 0, 1), *others]


def settings(rank: int, draw: random.Random) -> dict[str, Any]:
    strides = draw.choice([1, 1, 2, 3])
    return {
        "kernel_size": tuple(draw.randint(1, 4) for _ in range(rank)),
        "strides": strides,
        "padding": draw.choice(["valid", "same"]),
        "depth_multiplier": draw.choice([1, 2, 3]),
        "dilation_rate": draw.choice([1, 2]) if strides == 1 else 1,
        "activation": draw.choice([None, "relu", "tanh"]),
        "use_bias": draw.random() < 0.7,
    }


def draw_depthwise(rank: int, draw: random.Random) -> Drawn:
    arguments = settings(rank, draw)
    order = partial(to_keras, arguments["depth_multiplier"])
    # In float64 Keras on torch cannot go backwards through a single filter.
    channels = draw.randint(2, 4)
    x = (sequences if rank == 1 else images)(draw, channels=channels)
    return both(f"DepthwiseConv{rank}D", arguments, x, to_keras=order)


def draw_separable(rank: int, draw: random.Random) -> Drawn:
    arguments = settings(rank, draw) | {"filters": draw.randint(2, 4)}
    order = partial(to_keras, arguments["depth_multiplier"])
    channels = draw.randint(2, 4)
    x = (sequences if rank == 1 else images)(draw, channels=channels)
    return both(f"SeparableConv{rank}D", arguments, x, to_keras=order)


DRAWS = {
    f"{name}Conv{rank}D": partial(draw, rank)
    for name, draw in (("Depthwise", draw_depthwise), ("Separable", draw_separable))
    for rank in (1, 2)
}
