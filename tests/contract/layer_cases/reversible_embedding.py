"""Rows of the layers in `mica/layers/reversible_embedding.py`."""

from mica import layers
from tests.contract.layer_cases.case import Integers, LayerCase, Uniform

__all__ = ["CASES"]

WHOLE = "the input is whole numbers"

CASES: dict[str, LayerCase] = {
    "ReversibleEmbedding": LayerCase(
        lambda: layers.ReversibleEmbedding(200, 60),
        (None,),
        {"weight": Uniform(0.05)},
        draw=Integers(200),
        no_gradient_because=WHOLE,
    ),
    "ReversibleEmbedding with another way back": LayerCase(
        lambda: layers.ReversibleEmbedding(
            200, 60, tie_weights=False, mask_zero=True, logit_soft_cap=30.0
        ),
        (None,),
        {"weight": Uniform(0.05), "reverse_weight": Uniform(0.05)},
        draw=Integers(200),
        no_gradient_because=WHOLE,
    ),
}
