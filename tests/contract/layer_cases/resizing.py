"""Rows of the layers in `mica/layers/resizing.py`."""

from mica import layers
from tests.contract.layer_cases.case import LayerCase

__all__ = ["CASES"]

CASES: dict[str, LayerCase] = {
    "Resizing": LayerCase(
        lambda: layers.Resizing(5, 7), (None, 6, 2), takes_any_leading_axes=False
    ),
    "Resizing smoothly": LayerCase(
        lambda: layers.Resizing(3, 2, interpolation="bicubic", antialias=True),
        (None, 6, 2),
        no_walk_because="trace has no rule for bicubic interpolation",
        takes_any_leading_axes=False,
    ),
    "Resizing with the middle kept": LayerCase(
        lambda: layers.Resizing(4, 4, crop_to_aspect_ratio=True),
        (6, 8, 2),
        takes_any_leading_axes=False,
    ),
    "Resizing with borders": LayerCase(
        lambda: layers.Resizing(4, 4, pad_to_aspect_ratio=True, fill_value=1.0),
        (6, 7, 2),
        takes_any_leading_axes=False,
    ),
    "UpSampling1D": LayerCase(
        lambda: layers.UpSampling1D(3), (None, 2), takes_any_leading_axes=False
    ),
    "UpSampling2D": LayerCase(
        lambda: layers.UpSampling2D(), (None, 3, 2), takes_any_leading_axes=False
    ),
    "UpSampling2D bilinear": LayerCase(
        lambda: layers.UpSampling2D((1, 2), interpolation="bilinear"),
        (None, 3, 2),
        takes_any_leading_axes=False,
    ),
    "UpSampling3D": LayerCase(
        lambda: layers.UpSampling3D((1, 2, 3)),
        (None, 2, 3, 2),
        takes_any_leading_axes=False,
    ),
}
