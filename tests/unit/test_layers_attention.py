"""Attention: what it looks at, masks in a graph, and the sentences for what misfits."""

import re

import pytest
import torch

from mica import Model
from mica.errors import ConfigError, DataError, ShapeError
from mica.layers import AdditiveAttention, Attention, Embedding, Input
from tests.tolerances import assert_close

BOTH = pytest.mark.parametrize("kind", [Attention, AdditiveAttention])


def zeros(*shape: int) -> torch.Tensor:
    return torch.zeros(shape)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: Attention(score_mode="product"),
            ConfigError,
            "Attention: expected score_mode to be a known name, got 'product'. Choose "
            "from: concat, dot.",
        ),
        (
            lambda: Attention(dropout=1.0),
            ConfigError,
            "Attention: expected dropout from 0 to below 1, got 1.0. Write for example "
            "dropout=0.5 for one half.",
        ),
        (
            lambda: Attention()(zeros(1, 2, 3)),
            DataError,
            "Attention: expected a list [query, value] or [query, value, key], got "
            "something else. Call it as layer([query, value]).",
        ),
        (
            lambda: Attention()([zeros(1, 2, 3)]),
            DataError,
            "Attention: expected a list [query, value] or [query, value, key], got 1 "
            "tensors. Call it as layer([query, value]).",
        ),
        (
            lambda: AdditiveAttention()([zeros(1, 2, 3), zeros(1, 3)]),
            ShapeError,
            "AdditiveAttention: expected (batch, steps, features) in each tensor, got "
            "(1, 2, 3), (1, 3). Add the missing axis, e.g. with Reshape.",
        ),
        (
            lambda: Attention()([zeros(1, 2, 3), zeros(1, 2, 4)]),
            ShapeError,
            "Attention: expected a key with the features of the query and the steps of "
            "the value, got (1, 2, 3), (1, 2, 4). Project them first, e.g. with Dense.",
        ),
        (
            lambda: AdditiveAttention()([Input((2, None)), Input((2, None))]),
            ShapeError,
            "AdditiveAttention: expected a known number of features, got (None, 2, "
            "None). Give the size in Input, or build a new layer.",
        ),
        (
            lambda: Attention()([zeros(1, 2, 3), zeros(1, 2, 3)], mask=zeros(1, 2)),
            DataError,
            "Attention: expected mask to be a list [query mask, value mask], got "
            "Tensor. Write None for a mask that is not needed.",
        ),
        (
            lambda: Attention()(
                [zeros(1, 2, 3), zeros(1, 2, 3)], mask=[None, zeros(1, 2)]
            ),
            DataError,
            "Attention: expected mask to hold truth values, True where one may look, "
            "got torch.float32. Write for example mask > 0.",
        ),
    ],
)
def test_what_misfits_is_told(call, error, text):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        call()


@pytest.mark.usefixtures("without_shape_checks")
def test_other_features_than_it_was_built_for_are_told():
    layer = AdditiveAttention()
    layer([zeros(1, 2, 3), zeros(1, 2, 3)])
    text = (
        "AdditiveAttention: expected 3 features, got (1, 2, 4). Give the size in "
        "Input, or build a new layer."
    )
    with pytest.raises(ShapeError, match=f"^{re.escape(text)}$"):
        layer([zeros(1, 2, 4), zeros(1, 2, 4)])


@BOTH
def test_the_scores_asked_for_are_those_used(kind):
    query, value = torch.randn(2, 3, 4).double(), torch.randn(2, 5, 4).double()
    layer = kind()
    y, scores = layer([query, value], return_attention_scores=True)
    assert_close(scores @ value, y)
    assert_close(layer([query, value]), y)
    assert_close(scores.sum(dim=-1), torch.ones(2, 3).double())


@BOTH
def test_a_query_that_may_see_nothing_gives_zeros_and_no_nan(kind):
    query = torch.randn(1, 2, 4, requires_grad=True)
    value = torch.randn(1, 3, 4)
    nothing = [None, torch.zeros(1, 3, dtype=torch.bool)]
    layer = kind()
    y, scores = layer([query, value], nothing, return_attention_scores=True)
    fused = layer([query, value], nothing)
    (y.sum() + fused.sum()).backward()
    assert not y.any()
    assert not fused.any()
    assert not scores.any()
    assert query.grad is not None
    assert not query.grad.any()


@BOTH
def test_dropout_with_a_seed_draws_the_same_weights_again(kind):
    query, value = torch.randn(2, 3, 4), torch.randn(2, 5, 4)
    one, other = (kind(dropout=0.5, seed=3).train() for _ in range(2))
    other.ensure_built([query, value])
    one.ensure_built([query, value])
    other.load_state_dict(one.state_dict())
    assert torch.equal(one([query, value]), other([query, value]))


@BOTH
def test_masks_of_a_graph_reach_the_layer(kind):
    layer = kind()
    words, others = Input((3,), dtype="int64"), Input((4,), dtype="int64")
    table = Embedding(9, 5, mask_zero=True)
    y = layer([table(words), table(others)])
    model = Model([words, others], y)
    query, value = torch.tensor([[1, 2, 0]]), torch.tensor([[3, 4, 0, 0]])
    by_hand = layer([table(query), table(value)], [query != 0, value != 0])
    assert y.mask is not None
    assert torch.equal(model([query, value]), by_hand)
    assert not by_hand[0, 2].any()
    short = layer([table(query), table(value[:, :2])], [query != 0, None])
    assert_close(by_hand, short, "reordered")
