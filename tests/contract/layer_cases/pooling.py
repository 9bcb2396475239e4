"""Rows of the layers in `mica/layers/pooling.py`."""

from mica import layers
from tests.contract.layer_cases.case import LayerCase

__all__ = ["CASES"]

CASES: dict[str, LayerCase] = {
    "AveragePooling1D": LayerCase(
        lambda: layers.AveragePooling1D(), (None, 3), takes_any_leading_axes=False
    ),
    "AveragePooling1D same": LayerCase(
        lambda: layers.AveragePooling1D(2, 1, padding="same"),
        (None, 1),
        takes_any_leading_axes=False,
    ),
    "AveragePooling2D": LayerCase(
        lambda: layers.AveragePooling2D(), (None, None, 3), takes_any_leading_axes=False
    ),
    "AveragePooling2D same": LayerCase(
        lambda: layers.AveragePooling2D((3, 2), (2, 1), padding="same"),
        (None, 7, 3),
        takes_any_leading_axes=False,
    ),
    "AveragePooling3D": LayerCase(
        lambda: layers.AveragePooling3D((2, 3, 1)),
        (None, None, 4, 3),
        takes_any_leading_axes=False,
    ),
    "AveragePooling3D same": LayerCase(
        lambda: layers.AveragePooling3D(2, (1, 2, 3), padding="same"),
        (4, None, 5, 1),
        takes_any_leading_axes=False,
    ),
    "MaxPooling1D": LayerCase(
        lambda: layers.MaxPooling1D(3, 1), (None, 3), takes_any_leading_axes=False
    ),
    "MaxPooling1D same": LayerCase(
        lambda: layers.MaxPooling1D(4, 3, padding="same"),
        (None, 1),
        takes_any_leading_axes=False,
    ),
    "MaxPooling2D": LayerCase(
        lambda: layers.MaxPooling2D(), (None, None, 3), takes_any_leading_axes=False
    ),
    "MaxPooling2D same": LayerCase(
        lambda: layers.MaxPooling2D(2, 1, padding="same"),
        (None, 5, 3),
        takes_any_leading_axes=False,
    ),
    "MaxPooling3D": LayerCase(
        lambda: layers.MaxPooling3D(), (None, None, 4, 3), takes_any_leading_axes=False
    ),
    "MaxPooling3D same": LayerCase(
        lambda: layers.MaxPooling3D((2, 3, 1), 1, padding="same"),
        (4, None, 5, 1),
        takes_any_leading_axes=False,
    ),
}
