"""Rows of the layers in `mica/layers/dense.py`."""

import math

from mica import layers
from tests.contract.layer_cases.case import Constant, LayerCase, Uniform

__all__ = ["CASES"]

CASES: dict[str, LayerCase] = {
    "Dense": LayerCase(
        lambda: layers.Dense(300),
        (200,),
        {"weight": Uniform(math.sqrt(6 / 500)), "bias": Constant(0.0)},
        takes_any_leading_axes=True,
    ),
    "Dense with an activation": LayerCase(
        lambda: layers.Dense(3, activation="silu", use_bias=False), (None, 5)
    ),
}
