"""Rows of the layers in `mica/layers/positions.py`."""

import math

from mica import layers
from tests.contract.layer_cases.case import LayerCase, Uniform

__all__ = ["CASES"]

CASES: dict[str, LayerCase] = {
    "PositionEmbedding": LayerCase(
        lambda: layers.PositionEmbedding(200),
        (None, 60),
        {"weight": Uniform(math.sqrt(6 / 260))},
        takes_any_leading_axes=True,
    ),
    "RotaryEmbedding": LayerCase(
        lambda: layers.RotaryEmbedding(),
        (None, 4),
        takes_any_leading_axes=False,
        takes_more_places=True,
    ),
    "RotaryEmbedding of heads": LayerCase(
        lambda: layers.RotaryEmbedding(sequence_axis=-2, scaling_factor=2.0),
        (3, None, 6),
    ),
    "SinusoidalPositionEncoding": LayerCase(
        lambda: layers.SinusoidalPositionEncoding(),
        (None, 5),
        takes_any_leading_axes=True,
    ),
}
