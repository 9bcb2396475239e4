"""Rows of the layers in `mica/layers/depthwise_convolution.py`."""

import math

from mica import layers
from tests.contract.layer_cases.case import Constant, LayerCase, Uniform

__all__ = ["CASES"]

CASES: dict[str, LayerCase] = {
    "DepthwiseConv1D": LayerCase(
        lambda: layers.DepthwiseConv1D(20, depth_multiplier=30),
        (30, 20),
        {"weight": Uniform(math.sqrt(6 / (20 * 20 + 30 * 20))), "bias": Constant(0.0)},
        takes_any_leading_axes=False,
    ),
    "DepthwiseConv1D causal": LayerCase(
        lambda: layers.DepthwiseConv1D(
            3, padding="causal", dilation_rate=2, activation="relu"
        ),
        (None, 2),
        takes_any_leading_axes=False,
    ),
    "DepthwiseConv2D": LayerCase(
        lambda: layers.DepthwiseConv2D((4, 5), depth_multiplier=30),
        (None, 6, 20),
        {"weight": Uniform(math.sqrt(6 / (20 * 20 + 30 * 20))), "bias": Constant(0.0)},
        takes_any_leading_axes=False,
    ),
    "DepthwiseConv2D same": LayerCase(
        lambda: layers.DepthwiseConv2D(3, (1, 2), padding="same", use_bias=False),
        (None, 5, 3),
        takes_any_leading_axes=False,
    ),
    "DepthwiseConv2D of one channel": LayerCase(
        lambda: layers.DepthwiseConv2D(2, activation="tanh"),
        (None, 5, 1),
        takes_any_leading_axes=False,
    ),
}
