"""Rows of the layers in `mica/layers/layer_normalization.py`."""

from mica import layers
from tests.contract.layer_cases.case import Constant, LayerCase

__all__ = ["CASES"]

ONES_AND_ZEROS = {"weight": Constant(1.0), "bias": Constant(0.0)}
CASES: dict[str, LayerCase] = {
    "GroupNormalization": LayerCase(
        lambda: layers.GroupNormalization(2),
        (None, None, 4),
        ONES_AND_ZEROS,
        takes_any_leading_axes=False,
        takes_more_places=True,
    ),
    "GroupNormalization of rows": LayerCase(
        lambda: layers.GroupNormalization(2, center=False),
        (8,),
        takes_any_leading_axes=False,
        takes_more_places=True,
    ),
    "GroupNormalization of channels first": LayerCase(
        lambda: layers.GroupNormalization(3, axis=1, scale=False),
        (6, None, 2),
        takes_any_leading_axes=False,
    ),
    "InstanceNormalization": LayerCase(
        lambda: layers.InstanceNormalization(),
        (None, 3, 4),
        ONES_AND_ZEROS,
        takes_any_leading_axes=False,
        takes_more_places=True,
    ),
    "LayerNormalization": LayerCase(
        lambda: layers.LayerNormalization(),
        (None, 4),
        ONES_AND_ZEROS,
        takes_any_leading_axes=True,
    ),
    "LayerNormalization of images": LayerCase(
        lambda: layers.LayerNormalization(axis=(1, 2, 3)),
        (3, 4, 2),
        takes_any_leading_axes=False,
    ),
    "LayerNormalization of steps": LayerCase(
        lambda: layers.LayerNormalization(axis=1, center=False),
        (5, None),
        takes_any_leading_axes=False,
    ),
    "RMSNormalization": LayerCase(
        lambda: layers.RMSNormalization(),
        (None, 4),
        {"weight": Constant(1.0)},
        takes_any_leading_axes=True,
    ),
    "RMSNormalization of steps": LayerCase(
        lambda: layers.RMSNormalization(axis=1), (5, None), takes_any_leading_axes=False
    ),
    "UnitNormalization": LayerCase(
        lambda: layers.UnitNormalization(), (None, 4), takes_any_leading_axes=True
    ),
    "UnitNormalization of images": LayerCase(
        lambda: layers.UnitNormalization(axis=(1, 2)),
        (3, 4, 2),
        takes_any_leading_axes=False,
        takes_more_places=True,
    ),
}
