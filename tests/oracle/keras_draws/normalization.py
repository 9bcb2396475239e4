"""Configurations of the layers in `mica/layers/normalization.py`."""

import random
from collections.abc import Mapping
from typing import Any

import torch

from tests.oracle.keras_draws.drawing import Drawn, anything, both

__all__ = ["DRAWS"]


def draw_batch_normalization(draw: random.Random) -> Drawn:
    x = anything(draw)
    arguments = {
        "axis": draw.choice([-1, -1, *range(1, x.ndim)]),
        "momentum": draw.choice([0.99, 0.9, 0.5]),
        "epsilon": draw.choice([1e-3, 1e-5, 0.1]),
        "center": draw.random() < 0.7,
        "scale": draw.random() < 0.7,
    }
    return both("BatchNormalization", arguments, x, training=draw.random() < 0.6)


def scaled(draw: random.Random) -> dict[str, Any]:
    return {
        "epsilon": draw.choice([1e-3, 1e-5, 0.1]),
        "center": draw.random() < 0.7,
        "scale": draw.random() < 0.7,
    }


def as_they_are(state: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
    """Weights of several axes are in the order of the axes on both sides."""
    return list(state.values())


def some_axes(draw: random.Random, x: torch.Tensor) -> Any:
    one = draw.choice([-1, *range(1, x.ndim)])
    several = sorted(draw.sample(range(1, x.ndim), draw.randint(1, x.ndim - 1)))
    return draw.choice([one, several])


def draw_layer_normalization(draw: random.Random) -> Drawn:
    x = anything(draw)
    # Keras on torch takes the last axes, whatever axis says: test_normalization_laws.
    first = draw.randint(1, x.ndim - 1)
    axis = draw.choice([-1, list(range(first, x.ndim))])
    arguments = {"axis": axis, **scaled(draw)}
    return both("LayerNormalization", arguments, x, to_keras=as_they_are)


def draw_group_normalization(draw: random.Random) -> Drawn:
    x = anything(draw)
    axis = draw.choice([-1, *range(1, x.ndim)])
    channels = x.shape[axis]
    groups = draw.choice([1, -1, channels, *(n for n in (2, 3) if channels % n == 0)])
    return both(
        "GroupNormalization", {"groups": groups, "axis": axis, **scaled(draw)}, x
    )


def draw_rms_normalization(draw: random.Random) -> Drawn:
    arguments = {"epsilon": draw.choice([1e-3, 1e-5, 0.1])}
    return both("RMSNormalization", arguments, anything(draw))


def draw_unit_normalization(draw: random.Random) -> Drawn:
    x = anything(draw)
    return both("UnitNormalization", {"axis": some_axes(draw, x)}, x)


DRAWS = {
    "GroupNormalization": draw_group_normalization,
    "LayerNormalization": draw_layer_normalization,
    "RMSNormalization": draw_rms_normalization,
    "UnitNormalization": draw_unit_normalization,
    "BatchNormalization": draw_batch_normalization,
}
