"""Rows of the layers in `mica/layers/separable_convolution.py`."""

import math

from mica import layers
from tests.contract.layer_cases.case import Constant, LayerCase, Uniform

__all__ = ["CASES"]

FIRST_VALUES = {
    "depthwise": Uniform(math.sqrt(6 / (20 * 20 + 30 * 20))),
    "pointwise": Uniform(math.sqrt(6 / (600 + 20))),
    "bias": Constant(0.0),
}
CASES: dict[str, LayerCase] = {
    "SeparableConv1D": LayerCase(
        lambda: layers.SeparableConv1D(20, 20, depth_multiplier=30),
        (24, 20),
        FIRST_VALUES,
        takes_any_leading_axes=False,
    ),
    "SeparableConv1D causal": LayerCase(
        lambda: layers.SeparableConv1D(4, 3, 2, padding="causal", activation="relu"),
        (None, 2),
        takes_any_leading_axes=False,
    ),
    "SeparableConv2D": LayerCase(
        lambda: layers.SeparableConv2D(20, (4, 5), depth_multiplier=30),
        (None, 6, 20),
        FIRST_VALUES,
        takes_any_leading_axes=False,
    ),
    "SeparableConv2D same": LayerCase(
        lambda: layers.SeparableConv2D(
            4, 2, (2, 1), padding="same", dilation_rate=(1, 2), use_bias=False
        ),
        (None, 5, 3),
        takes_any_leading_axes=False,
    ),
}
