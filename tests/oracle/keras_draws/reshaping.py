"""Configurations of the layers in `mica/layers/reshaping.py`."""

import random
from collections.abc import Callable
from typing import Any

import torch

from tests.oracle.keras_draws.drawing import (
    Drawn,
    anything,
    both,
    images,
    sequences,
    volumes,
)

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


def margins(draw: random.Random, rank: int) -> Any:
    """One number, one for each axis, or a pair for each axis."""
    pairs = [(draw.randint(0, 2), draw.randint(0, 2)) for _ in range(rank)]
    choices: list[Any] = [draw.randint(0, 2), tuple(pairs)]
    choices[1] = pairs[0] if rank == 1 else choices[1]
    if rank > 1:
        choices.append(tuple(draw.randint(0, 2) for _ in range(rank)))
    return draw.choice(choices)


ARRAYS = {1: sequences, 2: images, 3: volumes}


def draw_margins(kind: str, argument: str, rank: int) -> Callable[..., Drawn]:
    def draw_one(draw: random.Random) -> Drawn:
        arguments = {argument: margins(draw, rank)}
        return both(f"{kind}{rank}D", arguments, ARRAYS[rank](draw))

    return draw_one


def draw_up_sampling(rank: int) -> Callable[..., Drawn]:
    def draw_one(draw: random.Random) -> Drawn:
        sizes = tuple(draw.randint(1, 3) for _ in range(rank))
        arguments: dict[str, Any] = {"size": sizes[0] if rank == 1 else sizes}
        if rank == 2:
            modes = ["nearest", "bilinear", "bicubic"]
            arguments["interpolation"] = draw.choice(modes)
        return both(f"UpSampling{rank}D", arguments, ARRAYS[rank](draw))

    return draw_one


def draw_resizing(draw: random.Random) -> Drawn:
    arguments = {
        "height": draw.randint(3, 14),
        "width": draw.randint(3, 14),
        # Keras's nearest looks at corners on torch, at centres on its other backends.
        "interpolation": draw.choice(["bilinear", "bicubic"]),
        "antialias": draw.random() < 0.3,
        "crop_to_aspect_ratio": draw.random() < 0.3,
    }
    return both("Resizing", arguments, images(draw))


def draw_permute(draw: random.Random) -> Drawn:
    x = anything(draw)
    dims = draw.sample(range(1, x.ndim), x.ndim - 1)
    return both("Permute", {"dims": tuple(dims)}, x)


def draw_repeat_vector(draw: random.Random) -> Drawn:
    x = torch.randn(draw.randint(1, 3), draw.randint(1, 5), dtype=torch.float64)
    return both("RepeatVector", {"n": draw.randint(1, 4)}, x)


DRAWS = {
    "Flatten": draw_flatten,
    "Permute": draw_permute,
    "RepeatVector": draw_repeat_vector,
    "Reshape": draw_reshape,
    "Resizing": draw_resizing,
}
for _rank in (1, 2, 3):
    DRAWS[f"ZeroPadding{_rank}D"] = draw_margins("ZeroPadding", "padding", _rank)
    DRAWS[f"Cropping{_rank}D"] = draw_margins("Cropping", "cropping", _rank)
    DRAWS[f"UpSampling{_rank}D"] = draw_up_sampling(_rank)
