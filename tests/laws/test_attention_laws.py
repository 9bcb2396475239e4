"""Attention: nothing comes from the future or from padding; caches change nothing."""

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from mica.layers import (
    AdditiveAttention,
    Attention,
    AttentionCache,
    DecoderCache,
    GroupedQueryAttention,
    Layer,
    MultiHeadAttention,
    RotaryEmbedding,
    TransformerDecoder,
    TransformerEncoder,
)
from tests.tolerances import assert_close

FEATURES = 4
few = settings(max_examples=12)  # layers of several parts are slow to make
seeds = some.integers(0, 10**6)
steps = some.integers(2, 6)


def heads(**options) -> Layer:
    return MultiHeadAttention(2, 4, **options)


def groups(**options) -> Layer:
    return GroupedQueryAttention(4, 4, 2, **options)


def turning(make: Callable[..., Layer]) -> Layer:
    return make(rotary=RotaryEmbedding())


CAUSAL = {
    "Attention": lambda x: Attention()([x, x], use_causal_mask=True),
    "Attention with scores": lambda x: Attention()(
        [x, x], use_causal_mask=True, return_attention_scores=True
    )[0],
    "AdditiveAttention": lambda x: AdditiveAttention()([x, x], use_causal_mask=True),
    "MultiHeadAttention": lambda x: heads()(x, use_causal_mask=True),
    "MultiHeadAttention with scores": lambda x: heads()(
        x, use_causal_mask=True, return_attention_scores=True
    )[0],
    "MultiHeadAttention with a mask": lambda x: heads()(
        x, use_causal_mask=True, value_mask=torch.ones(x.shape[:2]).bool()
    ),
    "MultiHeadAttention in a window": lambda x: heads(sliding_window=2)(
        x, use_causal_mask=True
    ),
    "GroupedQueryAttention": lambda x: turning(groups)(x, use_causal_mask=True),
    "TransformerEncoder": lambda x: TransformerEncoder(5, 2, use_causal_mask=True)(x),
    "TransformerDecoder": lambda x: TransformerDecoder(5, 2)(x),
    "TransformerDecoder that looks across": lambda x: TransformerDecoder(5, 2)(
        x, torch.ones_like(x)
    ),
}


@pytest.mark.parametrize("run", CAUSAL.values(), ids=CAUSAL)
@few
@given(seed=seeds, count=steps, data=some.data())
def test_no_gradient_comes_from_the_future(run, seed, count, data):
    torch.manual_seed(seed)
    x = torch.randn(1, count, FEATURES, dtype=torch.float64, requires_grad=True)
    now = data.draw(some.integers(0, count - 2))
    y = run(x)
    (gradient,) = torch.autograd.grad(y[:, now].square().sum(), x)
    assert gradient[:, : now + 1].any()
    assert not gradient[:, now + 1 :].any()


MASKED = {
    "Attention": (
        lambda: Attention(),
        lambda layer, x, y, real: layer([x, y], [None, real]),
    ),
    "AdditiveAttention": (
        lambda: AdditiveAttention(),
        lambda layer, x, y, real: layer([x, y], [None, real]),
    ),
    "MultiHeadAttention": (
        heads,
        lambda layer, x, y, real: layer(x, y, value_mask=real),
    ),
    "MultiHeadAttention with scores": (
        heads,
        lambda layer, x, y, real: layer(
            x, y, value_mask=real, return_attention_scores=True
        )[0],
    ),
    "GroupedQueryAttention": (
        groups,
        lambda layer, x, y, real: layer(x, y, key_mask=real),
    ),
    "TransformerDecoder": (
        lambda: TransformerDecoder(5, 2),
        lambda layer, x, y, real: layer(x, y, encoded_mask=real),
    ),
}


@pytest.mark.parametrize(("make", "run"), MASKED.values(), ids=MASKED)
@few
@given(seed=seeds, count=steps, padding=some.integers(1, 4))
def test_padding_changes_nothing(make, run, seed, count, padding):
    torch.manual_seed(seed)
    x = torch.randn(2, 3, FEATURES, dtype=torch.float64)
    value = torch.randn(2, count, FEATURES, dtype=torch.float64)
    junk = 100 * torch.randn(2, padding, FEATURES, dtype=torch.float64)
    layer = make()
    plain = run(layer, x, value, torch.ones(2, count, dtype=torch.bool))
    real = torch.arange(count + padding).expand(2, -1) < count
    padded = torch.cat([value, junk], dim=1).requires_grad_()
    y = run(layer, x, padded, real)
    assert_close(y, plain, "reordered")
    (gradient,) = torch.autograd.grad(y.square().sum(), padded)
    assert not gradient[:, count:].any()


@pytest.mark.parametrize("make", [heads, groups], ids=["heads", "groups"])
@few
@given(seed=seeds, count=steps)
def test_the_order_of_keys_does_not_matter(make, seed, count):
    torch.manual_seed(seed)
    x = torch.randn(2, 3, FEATURES, dtype=torch.float64)
    value = torch.randn(2, count, FEATURES, dtype=torch.float64)
    layer = make()
    shuffled = value[:, torch.randperm(count)]
    assert_close(layer(x, shuffled), layer(x, value), "reordered")


CACHED = {
    "MultiHeadAttention": heads,
    "MultiHeadAttention that turns": lambda: turning(heads),
    "MultiHeadAttention in a window": lambda: heads(sliding_window=2),
    "GroupedQueryAttention": groups,
    "GroupedQueryAttention that turns": lambda: turning(groups),
    "TransformerEncoder": lambda: TransformerEncoder(5, 2, use_causal_mask=True),
    "TransformerEncoder that turns": lambda: TransformerEncoder(
        5, 2, use_causal_mask=True, normalize_first=True, rotary=RotaryEmbedding()
    ),
}


def in_parts(draw: some.DataObject, count: int) -> list[slice]:
    cuts = draw.draw(some.sets(some.integers(1, count - 1)))
    edges = [0, *sorted(cuts), count]
    return [slice(*pair) for pair in pairwise(edges)]


@pytest.mark.parametrize("make", CACHED.values(), ids=CACHED)
@pytest.mark.parametrize("capacity", [None, 6])
@few
@given(seed=seeds, count=steps, data=some.data())
def test_step_by_step_with_a_cache_is_the_whole(make, capacity, seed, count, data):
    torch.manual_seed(seed)
    x = torch.randn(2, count, FEATURES, dtype=torch.float64)
    layer = make().eval()
    options = {} if isinstance(layer, TransformerEncoder) else {"use_causal_mask": True}
    cache = AttentionCache(capacity=capacity)
    with torch.no_grad():
        whole = layer(x, **options)
        found = [layer(x[:, part], cache=cache) for part in in_parts(data, count)]
    assert_close(torch.cat(found, dim=1), whole)
    assert len(cache) == count


@few
@given(seed=seeds, count=steps, first=some.booleans(), data=some.data())
def test_a_decoder_with_a_cache_is_the_whole(seed, count, first, data):
    torch.manual_seed(seed)
    x = torch.randn(2, count, FEATURES, dtype=torch.float64)
    encoded = torch.randn(2, 3, 5, dtype=torch.float64)
    real = torch.tensor([[True, True, False], [True, True, True]])
    layer = TransformerDecoder(6, 2, normalize_first=first, rotary=RotaryEmbedding())
    layer.ensure_built(x, encoded)
    cache = DecoderCache()
    with torch.no_grad():
        whole = layer.eval()(x, encoded, encoded_mask=real)
        found = [
            layer(x[:, part], encoded, encoded_mask=real, cache=cache)
            for part in in_parts(data, count)
        ]
    assert_close(torch.cat(found, dim=1), whole)


@few
@given(seed=seeds, shift=some.integers(0, 1000))
def test_turned_products_depend_on_the_distance_alone(seed, shift):
    torch.manual_seed(seed)
    layer = RotaryEmbedding()
    query, key = torch.randn(2, 1, 5, 6, dtype=torch.float64)
    here = layer(query) @ layer(key).mT
    there = layer(query, shift) @ layer(key, shift).mT
    assert_close(there, here)


@few
@given(seed=seeds, gate=some.booleans(), bias=some.booleans())
def test_as_many_groups_as_heads_are_plain_heads(seed, gate, bias):
    torch.manual_seed(seed)
    x = torch.randn(2, 3, FEATURES, dtype=torch.float64)
    one = MultiHeadAttention(3, 4, use_gate=gate, use_bias=bias)
    other = GroupedQueryAttention(4, 3, 3, use_gate=gate, use_bias=bias)
    one.ensure_built(x)
    other.ensure_built(x)
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(x), other(x))


@pytest.mark.parametrize("make", [heads, groups], ids=["heads", "groups"])
@few
@given(seed=seeds, causal=some.booleans(), window=some.sampled_from([None, 1, 2]))
def test_asking_for_scores_changes_no_number(make, seed, causal, window):
    torch.manual_seed(seed)
    x = torch.randn(2, 5, FEATURES, dtype=torch.float64)
    layer = make(sliding_window=window)
    y, scores = layer(x, use_causal_mask=causal, return_attention_scores=True)
    assert_close(layer(x, use_causal_mask=causal), y)
    assert_close(scores.sum(dim=-1), torch.ones(2, scores.shape[1], 5).double())
