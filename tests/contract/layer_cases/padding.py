"""Rows of the layers in `mica/layers/padding.py`."""

from mica import layers
from tests.contract.layer_cases.case import LayerCase

__all__ = ["CASES"]

CASES: dict[str, LayerCase] = {
    "Cropping1D": LayerCase(
        lambda: layers.Cropping1D(), (None, 3), takes_any_leading_axes=False
    ),
    "Cropping1D of the beginning": LayerCase(
        lambda: layers.Cropping1D((2, 0)), (None, 3), takes_any_leading_axes=False
    ),
    "Cropping2D": LayerCase(
        lambda: layers.Cropping2D((1, 2)), (None, 6, 3), takes_any_leading_axes=False
    ),
    "Cropping2D of uneven borders": LayerCase(
        lambda: layers.Cropping2D(((0, 1), (2, 0))),
        (None, 5, 3),
        takes_any_leading_axes=False,
    ),
    "Cropping3D": LayerCase(
        lambda: layers.Cropping3D(((1, 0), (0, 0), (2, 1))),
        (None, 2, 5, 3),
        takes_any_leading_axes=False,
    ),
    "ZeroPadding1D": LayerCase(lambda: layers.ZeroPadding1D((0, 3)), (None, 3)),
    "ZeroPadding2D": LayerCase(lambda: layers.ZeroPadding2D(), (None, 4, 3)),
    "ZeroPadding2D of uneven borders": LayerCase(
        lambda: layers.ZeroPadding2D(((0, 1), (2, 0))), (None, 4, 3)
    ),
    "ZeroPadding3D": LayerCase(
        lambda: layers.ZeroPadding3D((1, 0, 2)), (None, 2, 4, 3)
    ),
}
