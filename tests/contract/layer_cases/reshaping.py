"""Rows of the layers in `mica/layers/reshaping.py`."""

from mica import layers
from tests.contract.layer_cases.case import LayerCase

__all__ = ["CASES"]

CASES: dict[str, LayerCase] = {
    "Flatten": LayerCase(
        lambda: layers.Flatten(),
        (None, 4, 2),
        takes_any_leading_axes=False,
        takes_more_places=True,
    ),
    "Flatten of scalars": LayerCase(lambda: layers.Flatten(), ()),
    "Permute": LayerCase(
        lambda: layers.Permute((3, 1, 2)), (None, 4, 2), takes_any_leading_axes=False
    ),
    "RepeatVector": LayerCase(
        lambda: layers.RepeatVector(3), (4,), takes_any_leading_axes=False
    ),
    "Reshape": LayerCase(lambda: layers.Reshape((2, -1)), (None, 4)),
    "Reshape to known sizes": LayerCase(
        lambda: layers.Reshape((3, 2, 2)), (4, 3), takes_any_leading_axes=False
    ),
}
