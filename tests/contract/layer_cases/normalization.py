"""Rows of the layers in `mica/layers/normalization.py`."""

from mica import layers
from tests.contract.layer_cases.case import Constant, LayerCase

__all__ = ["CASES"]

CASES: dict[str, LayerCase] = {
    "BatchNormalization": LayerCase(
        lambda: layers.BatchNormalization(),
        (None, None, 4),
        {
            "weight": Constant(1.0),
            "bias": Constant(0.0),
            "running_mean": Constant(0.0),
            "running_var": Constant(1.0),
        },
        differs_in_training=True,
    ),
    "BatchNormalization of rows": LayerCase(
        lambda: layers.BatchNormalization(scale=False), (4,), differs_in_training=True
    ),
    "BatchNormalization of sequences": LayerCase(
        lambda: layers.BatchNormalization(center=False),
        (None, 4),
        differs_in_training=True,
    ),
    "BatchNormalization of channels first": LayerCase(
        lambda: layers.BatchNormalization(axis=1),
        (4, None, 3),
        differs_in_training=True,
        takes_any_leading_axes=False,
    ),
}
