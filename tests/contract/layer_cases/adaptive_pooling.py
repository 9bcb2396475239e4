"""Rows of the layers in `mica/layers/adaptive_pooling.py`."""

from mica import layers
from tests.contract.layer_cases.case import LayerCase

__all__ = ["CASES"]

CASES: dict[str, LayerCase] = {
    "AdaptiveAveragePooling1D": LayerCase(
        lambda: layers.AdaptiveAveragePooling1D(4),
        (None, 3),
        takes_any_leading_axes=False,
    ),
    "AdaptiveAveragePooling2D": LayerCase(
        lambda: layers.AdaptiveAveragePooling2D((4, 2)),
        (None, 5, 3),
        takes_any_leading_axes=False,
    ),
    "AdaptiveAveragePooling2D to one": LayerCase(
        lambda: layers.AdaptiveAveragePooling2D(1),
        (None, None, 3),
        takes_any_leading_axes=False,
    ),
    "AdaptiveAveragePooling3D": LayerCase(
        lambda: layers.AdaptiveAveragePooling3D((2, 3, 4)),
        (None, 5, 3, 2),
        takes_any_leading_axes=False,
    ),
    "AdaptiveMaxPooling1D": LayerCase(
        lambda: layers.AdaptiveMaxPooling1D(4), (None, 3), takes_any_leading_axes=False
    ),
    "AdaptiveMaxPooling2D": LayerCase(
        lambda: layers.AdaptiveMaxPooling2D((4, 2)),
        (None, 5, 3),
        takes_any_leading_axes=False,
    ),
    "AdaptiveMaxPooling3D": LayerCase(
        lambda: layers.AdaptiveMaxPooling3D((2, 3, 4)),
        (None, 5, 3, 2),
        takes_any_leading_axes=False,
    ),
}
