"""Rows of the layers in `multi_head_attention.py` and `grouped_query_attention.py`."""

import math

from mica import layers
from tests.contract.layer_cases.case import Constant, LayerCase, Uniform

__all__ = ["CASES"]

EVEN = Uniform(math.sqrt(6 / (96 + 120)))  # of each projection between 96 and 120
SMALLER = Uniform(math.sqrt(6 / (128 + 96)))
GROUPED = Uniform(math.sqrt(6 / (256 + 96)))
ZEROS = Constant(0.0)

CASES: dict[str, LayerCase] = {
    "GroupedQueryAttention": LayerCase(
        lambda: layers.GroupedQueryAttention(32, 8, 4, use_gate=True),
        (None, 96),
        {
            "query_dense.weight": GROUPED,
            "query_dense.bias": ZEROS,
            "key_dense.weight": SMALLER,
            "key_dense.bias": ZEROS,
            "gate_dense.weight": GROUPED,
            "gate_dense.bias": ZEROS,
            "value_dense.weight": SMALLER,
            "value_dense.bias": ZEROS,
            "output_dense.weight": GROUPED,
            "output_dense.bias": ZEROS,
        },
        takes_any_leading_axes=False,
        takes_more_places=True,
    ),
    "GroupedQueryAttention that turns": LayerCase(
        lambda: layers.GroupedQueryAttention(
            4, 4, 1, sliding_window=2, rotary=layers.RotaryEmbedding()
        ),
        (None, 5),
        takes_any_leading_axes=False,
        takes_more_places=True,
    ),
    "MultiHeadAttention": LayerCase(
        lambda: layers.MultiHeadAttention(6, 20, use_gate=True),
        (None, 96),
        {
            "query_dense.weight": EVEN,
            "query_dense.bias": ZEROS,
            "key_dense.weight": EVEN,
            # Every score moves alike with it: the softmax takes it away.
            "key_dense.bias": ZEROS,
            "gate_dense.weight": EVEN,
            "gate_dense.bias": ZEROS,
            "value_dense.weight": EVEN,
            "value_dense.bias": ZEROS,
            "output_dense.weight": EVEN,
            "output_dense.bias": ZEROS,
        },
        takes_any_leading_axes=False,
        takes_more_places=True,
    ),
    "MultiHeadAttention of images": LayerCase(
        lambda: layers.MultiHeadAttention(2, 3, value_dim=4, use_bias=False),
        (2, 3, 5),
        takes_any_leading_axes=False,
        takes_more_places=True,
    ),
    "MultiHeadAttention along one axis": LayerCase(
        lambda: layers.MultiHeadAttention(2, 3, attention_axes=2, output_shape=(2, 3)),
        (None, 3, 5),
        takes_any_leading_axes=False,
        takes_more_places=True,
    ),
    "MultiHeadAttention with dropout": LayerCase(
        lambda: layers.MultiHeadAttention(2, 3, dropout=0.4),
        (None, 5),
        differs_in_training=True,
        takes_any_leading_axes=False,
        takes_more_places=True,
    ),
}
