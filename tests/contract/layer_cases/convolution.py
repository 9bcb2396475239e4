"""Rows of the layers in `mica/layers/convolution.py`."""

import math

from mica import layers
from tests.contract.layer_cases.case import Constant, LayerCase, Uniform

__all__ = ["CASES"]

CASES: dict[str, LayerCase] = {
    "Conv2D": LayerCase(
        lambda: layers.Conv2D(64, 3),
        (None, None, 32),
        {"weight": Uniform(math.sqrt(6 / (9 * 32 + 9 * 64))), "bias": Constant(0.0)},
    ),
    "Conv2D of one channel": LayerCase(
        lambda: layers.Conv2D(8, (3, 2), activation="relu"), (None, 7, 1)
    ),
    "Conv2D same": LayerCase(
        lambda: layers.Conv2D(4, 3, padding="same", activation="tanh"), (None, 7, 3)
    ),
    "Conv2D same with strides": LayerCase(
        lambda: layers.Conv2D(4, (3, 2), 2, padding="same", use_bias=False),
        (None, 7, 3),
    ),
    "Conv2D with groups and dilation": LayerCase(
        lambda: layers.Conv2D(6, 2, (2, 1), dilation_rate=(1, 3), groups=2),
        (None, 8, 4),
    ),
}
