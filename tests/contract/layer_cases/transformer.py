"""Rows of the layers in `mica/layers/transformer.py`."""

import math

from mica import layers
from tests.contract.layer_cases.case import Constant, FirstValues, LayerCase, Uniform

__all__ = ["CASES"]

ONES, ZEROS = Constant(1.0), Constant(0.0)


def attention(name: str, features: int) -> dict[str, FirstValues]:
    limit = Uniform(math.sqrt(6 / (2 * features)))
    values: dict[str, FirstValues] = {}
    for part in ("query", "key", "value", "output"):
        values[f"{name}.{part}_dense.weight"] = limit
        values[f"{name}.{part}_dense.bias"] = ZEROS
    values[f"{name}_norm.weight"] = ONES
    values[f"{name}_norm.bias"] = ZEROS
    return values


def block(features: int, hidden: int) -> dict[str, FirstValues]:
    limit = Uniform(math.sqrt(6 / (features + hidden)))
    return {
        **attention("self_attention", features),
        "feedforward_intermediate.weight": limit,
        "feedforward_intermediate.bias": ZEROS,
        "feedforward_output.weight": limit,
        "feedforward_output.bias": ZEROS,
        "feedforward_norm.weight": ONES,
        "feedforward_norm.bias": ZEROS,
    }


CASES: dict[str, LayerCase] = {
    "TransformerDecoder": LayerCase(
        lambda: layers.TransformerDecoder(100, 4, activation="tanh"),
        (None, 100),
        block(100, 100),
        takes_any_leading_axes=False,
        takes_more_places=True,
    ),
    "TransformerDecoder that turns": LayerCase(
        lambda: layers.TransformerDecoder(
            6, 2, normalize_first=True, rotary=layers.RotaryEmbedding()
        ),
        (None, 8),
        takes_any_leading_axes=False,
        takes_more_places=True,
    ),
    "TransformerEncoder": LayerCase(
        lambda: layers.TransformerEncoder(100, 4, activation="gelu"),
        (None, 100),
        block(100, 100),
        takes_any_leading_axes=False,
        takes_more_places=True,
    ),
    "TransformerEncoder that only looks back": LayerCase(
        lambda: layers.TransformerEncoder(
            7, 2, normalize_first=True, use_causal_mask=True, activation="silu"
        ),
        (None, 6),
        takes_any_leading_axes=False,
        takes_more_places=True,
    ),
    "TransformerEncoder with dropout": LayerCase(
        lambda: layers.TransformerEncoder(7, 3, dropout=0.3, activation="tanh"),
        (4, 6),
        differs_in_training=True,
        takes_any_leading_axes=False,
        takes_more_places=True,
    ),
}
