"""Rows of the layers in `mica/layers/embedding.py`."""

from mica import layers
from tests.contract.layer_cases.case import Integers, LayerCase, Uniform

__all__ = ["CASES"]

CASES: dict[str, LayerCase] = {
    "Embedding": LayerCase(
        lambda: layers.Embedding(200, 60),
        (None,),
        {"weight": Uniform(0.05)},
        takes_any_leading_axes=True,
        draw=Integers(200),
        no_gradient_because="the input is whole numbers",
    ),
    "Embedding with padding": LayerCase(
        lambda: layers.Embedding(5, 3, mask_zero=True),
        (None, 2),
        draw=Integers(5),
        no_gradient_because="the input is whole numbers",
    ),
}
