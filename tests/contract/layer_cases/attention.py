"""Rows of the layers in `mica/layers/attention.py`."""

import math

from mica import layers
from tests.contract.layer_cases.case import Constant, LayerCase, Uniform

__all__ = ["CASES"]

TWO: list[tuple[int | None, ...]] = [(None, 4), (5, 4)]
THREE: list[tuple[int | None, ...]] = [(None, 4), (5, 3), (5, 4)]
WIDE: list[tuple[int | None, ...]] = [(2, 10_000), (3, 10_000)]

CASES: dict[str, LayerCase] = {
    "AdditiveAttention": LayerCase(
        lambda: layers.AdditiveAttention(),
        WIDE,
        {"scale": Uniform(math.sqrt(3 / 10_000))},
    ),
    "AdditiveAttention of keys": LayerCase(
        lambda: layers.AdditiveAttention(use_scale=False), THREE
    ),
    "AdditiveAttention with dropout": LayerCase(
        lambda: layers.AdditiveAttention(dropout=0.3), TWO, differs_in_training=True
    ),
    "Attention": LayerCase(lambda: layers.Attention(), TWO),
    "Attention by sums": LayerCase(
        lambda: layers.Attention(use_scale=True, score_mode="concat"),
        THREE,
        {"scale": Constant(1.0), "concat_score_weight": Constant(1.0)},
    ),
    "Attention of keys": LayerCase(lambda: layers.Attention(use_scale=True), THREE),
    "Attention with dropout": LayerCase(
        lambda: layers.Attention(dropout=0.3), TWO, differs_in_training=True
    ),
}
