"""Rows of the layers in `mica/layers/wrapping.py` and `sum_product.py`."""

import math

import torch

from mica import layers
from tests.contract.layer_cases.case import (
    Constant,
    Derived,
    LayerCase,
    Normal,
    Uniform,
)

__all__ = ["CASES"]

GLOROT = {
    "layer.weight": Uniform(math.sqrt(6 / 500)),
    "layer.bias": Constant(0.0),
}
SPECTRAL = "test_a_spectral_norm_is_that_of_torch"
LENGTHS = "test_a_weight_normalization_begins_as_the_layer_inside"
CONVOLUTION = {"kernel_size": 2, "use_bias": False}

CASES: dict[str, LayerCase] = {
    "ActivityRegularization": LayerCase(
        lambda: layers.ActivityRegularization(l2=0.1), (None, 4)
    ),
    "DropConnect": LayerCase(
        lambda: layers.DropConnect(layers.Dense(300), 0.5),
        (200,),
        GLOROT,
        differs_in_training=True,
    ),
    "DropConnect of a convolution": LayerCase(
        lambda: layers.DropConnect(layers.Conv2D(4, **CONVOLUTION), 0.3),
        (None, 5, 3),
        differs_in_training=True,
        takes_any_leading_axes=False,
    ),
    "Lambda": LayerCase(lambda: layers.Lambda(torch.tanh), (None, 4)),
    "LowRank": LayerCase(
        lambda: layers.LowRank(layers.Dense(300), rank=100),
        (200,),
        {**GLOROT, "down": Normal(200**-0.5), "up": Constant(0.0)},
    ),
    "ProductNodes": LayerCase(
        lambda: layers.ProductNodes(3), (None, 6), takes_any_leading_axes=True
    ),
    "SpectralNormalization": LayerCase(
        lambda: layers.SpectralNormalization(layers.Dense(300)),
        (200,),
        {**GLOROT, "left": Derived(SPECTRAL), "right": Derived(SPECTRAL)},
        no_walk_because="each pass in training moves its vectors",
    ),
    "SumNodes": LayerCase(
        lambda: layers.SumNodes(3000),
        (4,),
        {"weight": Uniform(math.sqrt(6 / 3004))},
        takes_any_leading_axes=True,
    ),
    "SumNodes that mix": LayerCase(
        lambda: layers.SumNodes(3, normalize=True), (None, 4)
    ),
    "WeightNormalization": LayerCase(
        lambda: layers.WeightNormalization(layers.Dense(300)),
        (200,),
        {**GLOROT, "scale": Derived(LENGTHS)},
    ),
    "WeightNormalization of a convolution": LayerCase(
        lambda: layers.WeightNormalization(layers.Conv2D(4, **CONVOLUTION)),
        (None, 5, 3),
        takes_any_leading_axes=False,
    ),
}
