"""Rows of the layers in `mica/layers/einsum_dense.py`."""

import math

from mica import layers
from tests.contract.layer_cases.case import Constant, LayerCase, Uniform

__all__ = ["CASES"]

NO_RULE = "mica.trace has no rule for einsum"

CASES: dict[str, LayerCase] = {
    "EinsumDense": LayerCase(
        lambda: layers.EinsumDense("...x,xy->...y", 300, bias_axes="y"),
        (200,),
        {"weight": Uniform(math.sqrt(6 / 500)), "bias": Constant(0.0)},
        no_walk_because=NO_RULE,
    ),
    "EinsumDense of heads": LayerCase(
        lambda: layers.EinsumDense(
            "abc,cde->abde", (None, 2, 3), bias_axes="de", activation="silu"
        ),
        (None, 5),
        no_walk_because=NO_RULE,
        takes_any_leading_axes=False,
    ),
    "EinsumDense before other axes": LayerCase(
        lambda: layers.EinsumDense("ab...,bc->ac...", 4, bias_axes="c"),
        (5, 3),
        no_walk_because=NO_RULE,
        takes_any_leading_axes=False,
    ),
    "EinsumDense of places": LayerCase(
        lambda: layers.EinsumDense("abc,bcd->abd", (4, 3)),
        (4, 5),
        no_walk_because=NO_RULE,
        takes_any_leading_axes=False,
    ),
}
