"""Rows of the layers in `mica/layers/global_pooling.py`."""

from mica import layers
from tests.contract.layer_cases.case import LayerCase

__all__ = ["CASES"]

CASES: dict[str, LayerCase] = {
    "GlobalAveragePooling1D": LayerCase(
        lambda: layers.GlobalAveragePooling1D(), (None, 3)
    ),
    "GlobalAveragePooling2D": LayerCase(
        lambda: layers.GlobalAveragePooling2D(), (None, None, 3)
    ),
    "GlobalAveragePooling3D": LayerCase(
        lambda: layers.GlobalAveragePooling3D(keepdims=True), (None, 2, None, 3)
    ),
    "GlobalMaxPooling1D": LayerCase(
        lambda: layers.GlobalMaxPooling1D(keepdims=True), (None, 3)
    ),
    "GlobalMaxPooling2D": LayerCase(
        lambda: layers.GlobalMaxPooling2D(keepdims=True), (None, 5, 3)
    ),
    "GlobalMaxPooling3D": LayerCase(
        lambda: layers.GlobalMaxPooling3D(), (None, 2, None, 3)
    ),
}
