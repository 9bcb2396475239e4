"""Configurations of the poolings: windows, whole samples, parts."""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from tests.oracle.keras_draws.drawing import Drawn, both, images, sequences, volumes

__all__ = ["DRAWS"]

INPUTS: dict[int, Callable[..., Tensor]] = {1: sequences, 2: images, 3: volumes}


def sizes(draw: random.Random, rank: int, largest: int) -> int | tuple[int, ...]:
    """One number or one for each axis."""
    if draw.random() < 0.5:
        return draw.randint(1, largest)
    return tuple(draw.randint(1, largest) for _ in range(rank))


def draw_max_pooling(rank: int, draw: random.Random) -> Drawn:
    arguments = {
        "pool_size": sizes(draw, rank, 4),
        "strides": draw.choice([None, sizes(draw, rank, 3)]),
        "padding": draw.choice(["valid", "same"]),
    }
    return both(f"MaxPooling{rank}D", arguments, INPUTS[rank](draw))


def draw_average_pooling(rank: int, draw: random.Random) -> Drawn:
    if draw.random() < 0.5:
        # Where the padding is uneven, Keras on torch repeats the edge, unlike Keras on
        # its other backends and unlike us: test_layers_closed_form.py has those.
        size, strides, padding = draw.choice([1, 3, 5]), 1, "same"
    else:
        size, padding = sizes(draw, rank, 4), "valid"
        strides = draw.choice([None, sizes(draw, rank, 3)])
    arguments = {"pool_size": size, "strides": strides, "padding": padding}
    return both(f"AveragePooling{rank}D", arguments, INPUTS[rank](draw))


def draw_global(name: str, rank: int, draw: random.Random) -> Drawn:
    x, extra = INPUTS[rank](draw), {}
    keepdims = {"keepdims": draw.random() < 0.5}
    if name == "GlobalAverage" and rank == 1 and draw.random() < 0.5:
        extra = masked(draw, x)
    return both(f"{name}Pooling{rank}D", keepdims, x, **extra)


def masked(draw: random.Random, x: Tensor) -> dict[str, Any]:
    """A mask with at least one real step in each sequence."""
    real = [draw.randint(1, x.shape[1]) for _ in x]
    mask = torch.arange(x.shape[1]) < torch.tensor(real)[:, None]
    return {"ours_call": {"mask": mask}, "theirs_call": {"mask": mask}}


def draw_adaptive(name: str, rank: int, draw: random.Random) -> Drawn:
    size = {"output_size": sizes(draw, rank, 5)}
    return both(f"{name}Pooling{rank}D", size, INPUTS[rank](draw))


DRAWS: dict[str, Callable[[random.Random], Drawn]] = {
    f"MaxPooling{rank}D": partial(draw_max_pooling, rank) for rank in INPUTS
}
DRAWS |= {
    f"AveragePooling{rank}D": partial(draw_average_pooling, rank) for rank in INPUTS
}
DRAWS |= {
    f"{name}Pooling{rank}D": partial(draw, name, rank)
    for name, draw in {
        "GlobalAverage": draw_global,
        "GlobalMax": draw_global,
        "AdaptiveAverage": draw_adaptive,
        "AdaptiveMax": draw_adaptive,
    }.items()
    for rank in INPUTS
}
