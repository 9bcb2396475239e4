"""Rows of the layers in `mica/layers/merging.py`."""

from mica import layers
from tests.contract.layer_cases.case import LayerCase

__all__ = ["CASES"]

TWO: list[tuple[int | None, ...]] = [(None, 4), (None, 4)]
THREE: list[tuple[int | None, ...]] = [(5, 4), (1, 4), (5, 1)]

CASES: dict[str, LayerCase] = {
    "Add": LayerCase(lambda: layers.Add(), TWO),
    "Add of three that repeat": LayerCase(lambda: layers.Add(), THREE),
    "Average": LayerCase(lambda: layers.Average(), THREE),
    "Concatenate": LayerCase(lambda: layers.Concatenate(), [(None, 4), (None, 2)]),
    "Concatenate of steps": LayerCase(
        lambda: layers.Concatenate(axis=1),
        [(2, 4), (3, 4), (1, 4)],
        takes_any_leading_axes=False,
    ),
    "Dot": LayerCase(
        lambda: layers.Dot(-1),
        [(3, 4), (2, 4)],
        takes_any_leading_axes=False,
        takes_more_places=True,
    ),
    "Dot of vectors": LayerCase(
        lambda: layers.Dot(1, normalize=True),
        [(4,), (4,)],
        takes_any_leading_axes=False,
        takes_more_places=True,
    ),
    "Maximum": LayerCase(lambda: layers.Maximum(), TWO),
    "Minimum": LayerCase(lambda: layers.Minimum(), THREE),
    "Multiply": LayerCase(lambda: layers.Multiply(), THREE),
    "Subtract": LayerCase(lambda: layers.Subtract(), TWO),
}
