"""Rows of the layers in `mica/layers/noise.py`."""

from mica import layers
from tests.contract.layer_cases.case import LayerCase

__all__ = ["CASES"]

CASES: dict[str, LayerCase] = {
    "AlphaDropout": LayerCase(
        lambda: layers.AlphaDropout(0.3), (None, 40), differs_in_training=True
    ),
    "Dropout": LayerCase(
        lambda: layers.Dropout(0.5), (None, 40), differs_in_training=True
    ),
    "Dropout of nothing": LayerCase(lambda: layers.Dropout(0), (None, 4)),
    "Dropout of steps together": LayerCase(
        lambda: layers.Dropout(0.5, noise_shape=(None, 1, None)),
        (None, 40),
        differs_in_training=True,
    ),
    "GaussianDropout": LayerCase(
        lambda: layers.GaussianDropout(0.3), (None, 4), differs_in_training=True
    ),
    "GaussianNoise": LayerCase(
        lambda: layers.GaussianNoise(0.3), (None, 4), differs_in_training=True
    ),
    "SpatialDropout1D": LayerCase(
        lambda: layers.SpatialDropout1D(0.5), (None, 40), differs_in_training=True
    ),
    "SpatialDropout2D": LayerCase(
        lambda: layers.SpatialDropout2D(0.5), (None, 3, 40), differs_in_training=True
    ),
    "SpatialDropout3D": LayerCase(
        lambda: layers.SpatialDropout3D(0.5), (None, 3, 2, 40), differs_in_training=True
    ),
    "StochasticDepth": LayerCase(
        lambda: layers.StochasticDepth(0.5), (None, 4), differs_in_training=True
    ),
}
