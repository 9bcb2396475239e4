"""Rows of the layers in `mica/layers/noise.py`."""

from mica import layers
from tests.contract.layer_cases.case import LayerCase

__all__ = ["CASES"]

CASES: dict[str, LayerCase] = {
    "Dropout": LayerCase(
        lambda: layers.Dropout(0.5), (None, 40), differs_in_training=True
    ),
    "Dropout of nothing": LayerCase(lambda: layers.Dropout(0), (None, 4)),
}
