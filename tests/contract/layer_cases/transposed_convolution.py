"""Rows of the layers in `mica/layers/transposed_convolution.py`."""

import math

from mica import layers
from tests.contract.layer_cases.case import Constant, LayerCase, Uniform

__all__ = ["CASES"]

CASES: dict[str, LayerCase] = {
    "Conv1DTranspose": LayerCase(
        lambda: layers.Conv1DTranspose(80, 3, 2),
        (None, 64),
        {"weight": Uniform(math.sqrt(6 / (3 * 64 + 3 * 80))), "bias": Constant(0.0)},
        takes_any_leading_axes=False,
    ),
    "Conv1DTranspose same": LayerCase(
        lambda: layers.Conv1DTranspose(4, 3, 2, padding="same", activation="relu"),
        (None, 1),
        takes_any_leading_axes=False,
    ),
    "Conv1DTranspose of a long stride": LayerCase(
        lambda: layers.Conv1DTranspose(1, 2, 5, use_bias=False),
        (None, 3),
        takes_any_leading_axes=False,
    ),
    "Conv2DTranspose": LayerCase(
        lambda: layers.Conv2DTranspose(64, 3),
        (None, 4, 32),
        {"weight": Uniform(math.sqrt(6 / (9 * 32 + 9 * 64))), "bias": Constant(0.0)},
        takes_any_leading_axes=False,
    ),
    "Conv2DTranspose same": LayerCase(
        lambda: layers.Conv2DTranspose(4, (3, 4), (2, 3), padding="same", groups=2),
        (None, 3, 2),
        takes_any_leading_axes=False,
    ),
    "Conv2DTranspose with dilation": LayerCase(
        lambda: layers.Conv2DTranspose(4, 2, dilation_rate=(2, 1), activation="tanh"),
        (3, None, 1),
        takes_any_leading_axes=False,
    ),
    "Conv2DTranspose of a chosen size": LayerCase(
        lambda: layers.Conv2DTranspose(
            4, 3, (2, 3), padding="same", output_padding=(0, 2)
        ),
        (None, 3, 2),
        takes_any_leading_axes=False,
    ),
    "Conv3DTranspose": LayerCase(
        lambda: layers.Conv3DTranspose(32, 3),
        (None, 2, 2, 16),
        {"weight": Uniform(math.sqrt(6 / (27 * 16 + 27 * 32))), "bias": Constant(0.0)},
        takes_any_leading_axes=False,
    ),
    "Conv3DTranspose same": LayerCase(
        lambda: layers.Conv3DTranspose(3, (2, 1, 3), (1, 2, 2), padding="same"),
        (3, None, 2, 2),
        takes_any_leading_axes=False,
    ),
}
