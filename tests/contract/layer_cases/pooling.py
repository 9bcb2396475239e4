"""Rows of the layers in `mica/layers/pooling.py`."""

from mica import layers
from tests.contract.layer_cases.case import LayerCase

__all__ = ["CASES"]

CASES: dict[str, LayerCase] = {
    "AveragePooling2D": LayerCase(lambda: layers.AveragePooling2D(), (None, None, 3)),
    "AveragePooling2D same": LayerCase(
        lambda: layers.AveragePooling2D((3, 2), (2, 1), padding="same"), (None, 7, 3)
    ),
    "GlobalAveragePooling2D": LayerCase(
        lambda: layers.GlobalAveragePooling2D(), (None, None, 3)
    ),
    "GlobalMaxPooling2D": LayerCase(
        lambda: layers.GlobalMaxPooling2D(keepdims=True), (None, 5, 3)
    ),
    "MaxPooling2D": LayerCase(lambda: layers.MaxPooling2D(), (None, None, 3)),
    "MaxPooling2D same": LayerCase(
        lambda: layers.MaxPooling2D(2, 1, padding="same"), (None, 5, 3)
    ),
}
