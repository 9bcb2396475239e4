"""Rows of the layers in `mica/layers/convolution.py`."""

import math

from mica import layers
from tests.contract.layer_cases.case import Constant, LayerCase, Uniform

__all__ = ["CASES"]

CASES: dict[str, LayerCase] = {
    "Conv1D": LayerCase(
        lambda: layers.Conv1D(80, 3),
        (None, 64),
        {"weight": Uniform(math.sqrt(6 / (3 * 64 + 3 * 80))), "bias": Constant(0.0)},
        takes_any_leading_axes=False,
    ),
    "Conv1D causal": LayerCase(
        lambda: layers.Conv1D(4, 3, 2, padding="causal", dilation_rate=2),
        (None, 3),
        takes_any_leading_axes=False,
    ),
    "Conv1D of one channel": LayerCase(
        lambda: layers.Conv1D(4, 3, padding="same", activation="relu"),
        (None, 1),
        takes_any_leading_axes=False,
    ),
    "Conv1D same with groups": LayerCase(
        lambda: layers.Conv1D(6, 2, 2, padding="same", groups=2, use_bias=False),
        (None, 4),
        takes_any_leading_axes=False,
    ),
    "Conv2D": LayerCase(
        lambda: layers.Conv2D(64, 3),
        (None, None, 32),
        {"weight": Uniform(math.sqrt(6 / (9 * 32 + 9 * 64))), "bias": Constant(0.0)},
        takes_any_leading_axes=False,
    ),
    "Conv2D of one channel": LayerCase(
        lambda: layers.Conv2D(8, (3, 2), activation="relu"),
        (None, 7, 1),
        takes_any_leading_axes=False,
    ),
    "Conv2D same": LayerCase(
        lambda: layers.Conv2D(4, 3, padding="same", activation="tanh"),
        (None, 7, 3),
        takes_any_leading_axes=False,
    ),
    "Conv2D same with strides": LayerCase(
        lambda: layers.Conv2D(4, (3, 2), 2, padding="same", use_bias=False),
        (None, 7, 3),
        takes_any_leading_axes=False,
    ),
    "Conv2D with groups and dilation": LayerCase(
        lambda: layers.Conv2D(6, 2, (2, 1), dilation_rate=(1, 3), groups=2),
        (None, 8, 4),
        takes_any_leading_axes=False,
    ),
    "Conv3D": LayerCase(
        lambda: layers.Conv3D(32, 3),
        (None, 4, 4, 16),
        {"weight": Uniform(math.sqrt(6 / (27 * 16 + 27 * 32))), "bias": Constant(0.0)},
        takes_any_leading_axes=False,
    ),
    "Conv3D same": LayerCase(
        lambda: layers.Conv3D(4, (2, 1, 3), (1, 2, 1), padding="same", groups=2),
        (5, None, 4, 2),
        takes_any_leading_axes=False,
    ),
    "Conv3D of one channel": LayerCase(
        lambda: layers.Conv3D(1, 2, dilation_rate=2, activation="tanh"),
        (4, 5, None, 1),
        takes_any_leading_axes=False,
    ),
}
