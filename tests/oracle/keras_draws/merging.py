"""Configurations of the layers in `mica/layers/merging.py`."""

import random
from collections.abc import Callable
from typing import Any

import torch

from tests.oracle.keras_draws.drawing import Drawn, both

__all__ = ["DRAWS"]


def values(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64)


def draw_merge(kind: str, count: int | None = None) -> Callable[..., Drawn]:
    def draw_one(draw: random.Random) -> Drawn:
        sizes = [draw.randint(2, 4) for _ in range(draw.randint(1, 3))]
        batch = draw.randint(1, 3)
        x = []
        for _ in range(count or draw.randint(2, 4)):
            repeated = [1 if draw.random() < 0.25 else size for size in sizes]
            x.append(values(batch, *repeated))
        return both(kind, {}, x)

    return draw_one


def draw_concatenate(draw: random.Random) -> Drawn:
    rank = draw.randint(2, 4)
    axis = draw.choice([-1, *range(1, rank)])
    sizes = [draw.randint(1, 4) for _ in range(rank)]
    x = []
    for _ in range(draw.randint(2, 4)):
        sizes[axis] = draw.randint(1, 3)
        x.append(values(*sizes))
    return both("Concatenate", {"axis": axis}, x)


def draw_dot(draw: random.Random) -> Drawn:
    ranks = [draw.randint(2, 3) for _ in range(2)]
    axes = [draw.randint(1, rank - 1) for rank in ranks]
    batch, shared = draw.randint(1, 3), draw.randint(2, 4)
    x = []
    for rank, axis in zip(ranks, axes, strict=True):
        sizes = [batch, *(draw.randint(1, 4) for _ in range(rank - 1))]
        sizes[axis] = shared
        x.append(values(*sizes))
    arguments: dict[str, Any] = {"axes": axes, "normalize": draw.random() < 0.5}
    return both("Dot", arguments, x)


DRAWS: dict[str, Callable[[random.Random], Drawn]] = {
    "Concatenate": draw_concatenate,
    "Dot": draw_dot,
    "Subtract": draw_merge("Subtract", 2),
} | {
    kind: draw_merge(kind)
    for kind in ("Add", "Average", "Maximum", "Minimum", "Multiply")
}
