"""Heads, caches, positions and blocks: what they refuse, and what masks do."""

import re

import pytest
import torch

from mica import Model
from mica.errors import ConfigError, DataError, ShapeError, StateError
from mica.layers import (
    AttentionCache,
    DecoderCache,
    Embedding,
    GroupedQueryAttention,
    Input,
    MultiHeadAttention,
    PositionEmbedding,
    RotaryEmbedding,
    SinusoidalPositionEncoding,
    TransformerDecoder,
    TransformerEncoder,
)
from tests.tolerances import assert_close


def zeros(*shape: int) -> torch.Tensor:
    return torch.zeros(shape)


def truths(*shape: int) -> torch.Tensor:
    return torch.ones(shape, dtype=torch.bool)


X = zeros(2, 3, 4)


def heads(**options):
    return MultiHeadAttention(2, 3, **options)


def full_cache() -> AttentionCache:
    cache = AttentionCache(capacity=2)
    cache.append(zeros(1, 1, 2, 3), zeros(1, 1, 2, 3))
    return cache


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: MultiHeadAttention(0, 4),
            ConfigError,
            "MultiHeadAttention: expected num_heads to be a positive integer, got 0. "
            "Write for example num_heads=32.",
        ),
        (
            lambda: heads(rotary=True),
            ConfigError,
            "MultiHeadAttention: expected rotary to be a RotaryEmbedding or None, got "
            "True. Write rotary=mica.layers.RotaryEmbedding().",
        ),
        (
            lambda: heads(rotary=RotaryEmbedding()),
            ConfigError,
            "MultiHeadAttention: expected heads of an even size for rotary, got 3. "
            "Choose 4.",
        ),
        (
            lambda: heads(output_shape=()),
            ConfigError,
            "MultiHeadAttention: expected output_shape to hold at least one size, got "
            "(). Write None for the size of the query.",
        ),
        (
            lambda: heads(attention_axes=(1, 1)),
            ConfigError,
            "MultiHeadAttention: expected attention_axes to be different axes, got (1, "
            "1). Write None for all axes between the batch and the features.",
        ),
        (
            lambda: heads(attention_axes=2)(X),
            ShapeError,
            "MultiHeadAttention: expected attention_axes between the batch and the "
            "features, got (2,) for shape (2, 3, 4). Write attention_axes=1 for the "
            "axis after the batch.",
        ),
        (
            lambda: MultiHeadAttention(2, 4, rotary=RotaryEmbedding())(
                zeros(1, 2, 3, 4)
            ),
            ShapeError,
            "MultiHeadAttention: expected (batch, steps, features) for rotary, got "
            "shape (1, 2, 3, 4). Flatten the steps with Reshape.",
        ),
        (
            lambda: heads()(X, X, zeros(2, 5, 4)),
            ShapeError,
            "MultiHeadAttention: expected a key and a value of the same steps, got "
            "(2, 5, 4) and (2, 3, 4). Give a value for each key.",
        ),
        (
            lambda: heads()(X, value_mask=truths(2, 5)),
            ShapeError,
            "MultiHeadAttention: expected value_mask of shape (2, 3), batch by keys, "
            "got (2, 5). Give a truth value for each step.",
        ),
        (
            lambda: heads()(X, attention_mask=truths(2, 3, 5)),
            ShapeError,
            "MultiHeadAttention: expected attention_mask of shape (batch, 3, 3), "
            "queries by keys, got (2, 3, 5). Give a row for each query and a column "
            "for each key.",
        ),
        (
            lambda: heads()(X, attention_mask=zeros(3, 3)),
            DataError,
            "MultiHeadAttention: expected attention_mask to hold truth values, True "
            "where one may look, got torch.float32. Write for example attention_mask "
            "> 0.",
        ),
        (
            lambda: GroupedQueryAttention(4, 6, 4),
            ConfigError,
            "GroupedQueryAttention: expected num_query_heads to be a multiple of "
            "num_key_value_heads, got 6 and 4. Choose for example num_query_heads=4.",
        ),
        (
            lambda: full_cache().append(zeros(1, 1, 1, 3), zeros(1, 1, 1, 3)),
            StateError,
            "AttentionCache: expected at most 2 steps, got 3. Give a larger capacity, "
            "or None.",
        ),
        (
            lambda: AttentionCache(capacity=0),
            ConfigError,
            "AttentionCache: expected capacity to be a positive integer, got 0. Write "
            "for example capacity=32.",
        ),
        (
            lambda: full_cache().truncate(3),
            ConfigError,
            "AttentionCache: expected a length from 0 to 2, got 3. Keep at most the "
            "steps there are.",
        ),
        (
            lambda: PositionEmbedding(2)(X),
            ShapeError,
            "PositionEmbedding: expected positions 0 to 1, got 0 to 2. Cut the "
            "sequence, or make sequence_length larger.",
        ),
        (
            lambda: PositionEmbedding(3)(X, 1),
            ShapeError,
            "PositionEmbedding: expected positions 0 to 2, got 1 to 3. Cut the "
            "sequence, or make sequence_length larger.",
        ),
        (
            lambda: SinusoidalPositionEncoding(max_wavelength=0),
            ConfigError,
            "SinusoidalPositionEncoding: expected max_wavelength to be a finite number "
            "of at least 1e-06, got 0. Give max_wavelength another value.",
        ),
        (
            lambda: RotaryEmbedding(sequence_axis=-1),
            ConfigError,
            "RotaryEmbedding: expected sequence_axis beside the batch and the "
            "features, got -1. Write 1 for (batch, time, ..., features).",
        ),
        (
            lambda: RotaryEmbedding()(zeros(1, 2, 3)),
            ShapeError,
            "RotaryEmbedding: expected an even number of features, got 3 in shape (1, "
            "2, 3). Choose an even size.",
        ),
        (
            lambda: RotaryEmbedding(sequence_axis=2)(zeros(1, 2, 4)),
            ShapeError,
            "RotaryEmbedding: expected steps along axis 2, between the batch and the "
            "features, got shape (1, 2, 4). Choose another sequence_axis.",
        ),
        (
            lambda: TransformerEncoder(8, 2, rotary="yes"),
            ConfigError,
            "TransformerEncoder: expected rotary to be a RotaryEmbedding or None, got "
            "'yes'. Write rotary=mica.layers.RotaryEmbedding().",
        ),
        (
            lambda: TransformerEncoder(8, 3)(X),
            ShapeError,
            "TransformerEncoder: expected features that 3 heads share evenly, got 4 in "
            "shape (2, 3, 4). Choose another num_heads.",
        ),
    ],
)
def test_what_misfits_is_told(call, error, text):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        call()


def test_a_cache_of_another_batch_is_told():
    cache = AttentionCache()
    cache.append(zeros(1, 2, 3, 4), zeros(1, 2, 3, 4))
    text = (
        "AttentionCache: expected keys of shape (1, 2, 1, 4) as before, got (2, 2, 1, "
        "4). Call reset() before another batch."
    )
    with pytest.raises(ShapeError, match=f"^{re.escape(text)}$"):
        cache.append(zeros(2, 2, 1, 4), zeros(2, 2, 1, 4))
    cache.reset()
    cache.append(zeros(2, 2, 1, 4), zeros(2, 2, 1, 4))
    assert len(cache) == 1


@pytest.mark.parametrize(
    ("first", "then", "text"),
    [
        (
            (X,),
            (X, X),
            "TransformerDecoder: expected no encoder's output as in the first call, "
            "got one. Use one layer for each way.",
        ),
        (
            (X, X),
            (X,),
            "TransformerDecoder: expected an encoder's output as in the first call, "
            "got none. Use one layer for each way.",
        ),
    ],
)
def test_a_decoder_keeps_to_what_it_was_built_for(first, then, text):
    layer = TransformerDecoder(8, 2)
    layer(*first)
    with pytest.raises(StateError, match=f"^{re.escape(text)}$"):
        layer(*then)


@pytest.mark.parametrize(
    "make",
    [
        lambda: MultiHeadAttention(2, 3),
        lambda: GroupedQueryAttention(3, 4, 2),
        lambda: TransformerEncoder(8, 2),
        lambda: TransformerDecoder(8, 2),
    ],
    ids=["heads", "groups", "encoder", "decoder"],
)
def test_the_mask_of_a_graph_hides_padding(make):
    words, layer = Input((None,), dtype="int64"), make()
    table = Embedding(9, 4, mask_zero=True)
    y = layer(table(words))
    model = Model(words, y).eval()
    short = torch.tensor([[3, 1, 2]])
    long = torch.tensor([[3, 1, 2, 0, 0]])
    assert y.mask is not None
    assert_close(model(long)[:, :3], model(short), "reordered")


def test_the_mask_of_the_encoder_reaches_the_decoder():
    table = Embedding(9, 4, mask_zero=True)
    words, others = Input((None,), dtype="int64"), Input((None,), dtype="int64")
    y = TransformerDecoder(8, 2)(table(words), table(others))
    model = Model([words, others], y).eval()
    x = torch.tensor([[3, 1, 2]])
    short, long = torch.tensor([[5, 6]]), torch.tensor([[5, 6, 0, 0]])
    assert_close(model([x, long]), model([x, short]), "reordered")


def test_a_query_that_may_see_nothing_gets_nothing_from_any_head():
    layer = MultiHeadAttention(2, 3, use_bias=False)
    x = torch.randn(1, 2, 4, requires_grad=True)
    nothing = torch.zeros(1, 2, dtype=torch.bool)
    y, scores = layer(x, value_mask=nothing, return_attention_scores=True)
    fused = layer(x, value_mask=nothing)
    (y.sum() + fused.sum()).backward()
    assert not y.any()
    assert not fused.any()
    assert not scores.any()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


def test_dropout_with_a_seed_draws_the_same_again():
    x = torch.randn(2, 3, 4)
    one, other = (MultiHeadAttention(2, 3, dropout=0.5, seed=1) for _ in range(2))
    one.ensure_built(x)
    other.ensure_built(x)
    other.load_state_dict(one.state_dict())
    assert torch.equal(one.train()(x), other.train()(x))
    assert not torch.equal(one(x), one.eval()(x))


def test_an_unbuilt_layer_that_is_frozen_makes_frozen_parts():
    layer = TransformerDecoder(8, 2)
    layer.trainable = False
    layer(X, X)
    assert not any(weight.requires_grad for weight in layer.parameters())


def test_a_cache_that_is_cut_goes_on_from_there():
    layer, x, cache = heads().eval(), torch.randn(1, 4, 4), AttentionCache()
    layer.ensure_built(x)
    layer(x[:, :3], cache=cache)
    cache.truncate(2)
    again = layer(x[:, 2:], cache=cache)
    assert_close(again, layer(x, use_causal_mask=True)[:, 2:])


def test_a_cache_can_go_on_from_other_rows():
    layer, x = TransformerDecoder(8, 2).eval(), torch.randn(3, 4, 4)
    encoded, rows = torch.randn(3, 5, 4), torch.tensor([2, 0, 0])
    layer.ensure_built(x, encoded)
    cache = DecoderCache()
    layer(x[:, :3], encoded, encoded_mask=truths(3, 5), cache=cache)
    cache.reorder(rows)
    last = layer(x[rows, 3:], encoded[rows], cache=cache)
    assert_close(last, layer(x, encoded)[rows, 3:])


def test_a_decoder_s_cache_can_be_cut_and_emptied():
    layer, x, cache = TransformerDecoder(8, 2).eval(), X, DecoderCache(capacity=3)
    layer(x, cache=cache)
    cache.truncate(1)
    assert len(cache) == 1
    cache.reset()
    assert len(cache) == 0
    assert cache.steps.key is None
    assert cache.steps.value is None


def test_a_gradient_flows_through_a_cache():
    layer, x = heads(), torch.randn(1, 3, 4, requires_grad=True)
    cache = AttentionCache()
    steps = [layer(x[:, t : t + 1], cache=cache) for t in range(3)]
    (joined,) = torch.autograd.grad(torch.cat(steps, dim=1).square().sum(), x)
    whole = layer(x, use_causal_mask=True).square().sum()
    assert_close(joined, torch.autograd.grad(whole, x)[0])


def test_a_cache_remembers_which_steps_were_padding():
    layer, x = heads().eval(), torch.randn(2, 4, 4)
    real = torch.tensor([[False, True], [True, True]])
    with torch.no_grad():
        cache = AttentionCache()
        layer(x[:, :2], query_mask=real, cache=cache)
        last = layer(x[:, 2:], cache=cache)
        alone = layer(x[:1, 1:], use_causal_mask=True)
    assert cache.mask is not None
    assert cache.mask.shape == (2, 4)
    assert_close(last[:1], alone[:, 1:])
