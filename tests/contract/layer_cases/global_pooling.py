"""Rows of the layers in `mica/layers/global_pooling.py`."""

from mica import layers
from tests.contract.layer_cases.case import LayerCase

__all__ = ["CASES"]

CASES: dict[str, LayerCase] = {
    "GlobalAveragePooling1D": LayerCase(
        lambda: layers.GlobalAveragePooling1D(), (None, 3), takes_any_leading_axes=False
    ),
    "GlobalAveragePooling2D": LayerCase(
        lambda: layers.GlobalAveragePooling2D(),
        (None, None, 3),
        takes_any_leading_axes=False,
    ),
    "GlobalAveragePooling3D": LayerCase(
        lambda: layers.GlobalAveragePooling3D(keepdims=True),
        (None, 2, None, 3),
        takes_any_leading_axes=False,
    ),
    "GlobalMaxPooling1D": LayerCase(
        lambda: layers.GlobalMaxPooling1D(keepdims=True),
        (None, 3),
        takes_any_leading_axes=False,
    ),
    "GlobalMaxPooling2D": LayerCase(
        lambda: layers.GlobalMaxPooling2D(keepdims=True),
        (None, 5, 3),
        takes_any_leading_axes=False,
    ),
    "GlobalMaxPooling3D": LayerCase(
        lambda: layers.GlobalMaxPooling3D(),
        (None, 2, None, 3),
        takes_any_leading_axes=False,
    ),
}
