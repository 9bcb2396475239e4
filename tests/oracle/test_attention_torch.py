"""Heads and blocks against torch's own, same weights: outputs and all gradients."""

import math
import random

import pytest
import torch
from torch import Tensor, nn

from mica.layers import (
    MultiHeadAttention,
    PositionEmbedding,
    RotaryEmbedding,
    SinusoidalPositionEncoding,
    TransformerDecoder,
    TransformerEncoder,
)
from tests.tolerances import assert_close

PARTS = range(3)
CASES_PER_PART = 20


def values(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, requires_grad=True)


def truths(draw: random.Random, *shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(draw.randint(0, 10**6))
    mask = torch.rand(shape, generator=generator) < 0.7
    mask[..., 0] = True
    return mask


def compare(ours: list[Tensor], theirs: list[Tensor], inputs, pairs) -> None:
    """Outputs, gradients of inputs, and those of pairs (ours, theirs) of weights."""
    totals = []
    for outputs in (ours, theirs):
        parts = (
            (y * torch.linspace(-1, 2, y.numel()).reshape(y.shape)).sum()
            for y in outputs
        )
        totals.append(sum(parts))
    for mine, other in zip(ours, theirs, strict=True):
        assert_close(mine, other)
    my_weights = [pair[0] for pair in pairs]
    their_weights = [pair[1] for pair in pairs]
    mine = torch.autograd.grad(totals[0], [*inputs, *my_weights])
    other = torch.autograd.grad(totals[1], [*inputs, *their_weights])
    for left, right in zip(mine, other, strict=True):
        assert_close(left, right)


def shared_attention(ours: MultiHeadAttention, theirs: nn.MultiheadAttention):
    """Torch gets our weights; gives pairs of weights that are kept apart there."""
    dense = [ours.query_dense, ours.key_dense, ours.value_dense]
    with torch.no_grad():
        for part in [*dense, ours.output_dense]:
            part.weight.normal_()
            if part.bias is not None:
                part.bias.normal_()
        if theirs.in_proj_weight is not None:
            theirs.in_proj_weight.copy_(torch.cat([part.weight for part in dense]))
        else:
            names = ("q_proj_weight", "k_proj_weight", "v_proj_weight")
            for name, part in zip(names, dense, strict=True):
                getattr(theirs, name).copy_(part.weight)
        if theirs.in_proj_bias is not None:
            theirs.in_proj_bias.copy_(torch.cat([part.bias for part in dense]))
            theirs.out_proj.bias.copy_(ours.output_dense.bias)
        theirs.out_proj.weight.copy_(ours.output_dense.weight)
    return [(ours.output_dense.weight, theirs.out_proj.weight)]


@pytest.mark.parametrize("part", PARTS)
def test_heads_are_those_of_torch(part):
    draw = random.Random(f"heads {part}")
    for _ in range(CASES_PER_PART):
        heads, size = draw.randint(1, 3), draw.randint(1, 4)
        features, batch = heads * size, draw.randint(1, 3)
        queries, keys = draw.randint(1, 5), draw.randint(1, 5)
        sizes = draw.choice([(features, features), (3, 5)])
        bias = draw.random() < 0.7
        x = values(batch, queries, features)
        value, key = values(batch, keys, sizes[0]), values(batch, keys, sizes[1])
        ours = MultiHeadAttention(heads, size, use_bias=bias)
        ours.ensure_built(x, value, key)
        theirs = nn.MultiheadAttention(
            features,
            heads,
            bias=bias,
            kdim=sizes[1],
            vdim=sizes[0],
            batch_first=True,
            dtype=torch.float64,
        )
        pairs = shared_attention(ours, theirs)
        may_look = truths(draw, queries, keys) if draw.random() < 0.5 else None
        real = truths(draw, batch, keys) if draw.random() < 0.5 else None
        with_weights = draw.random() < 0.5
        mine = ours(
            x,
            value,
            key,
            attention_mask=may_look,
            value_mask=real,
            return_attention_scores=with_weights,
        )
        other = theirs(
            x,
            key,
            value,
            attn_mask=None if may_look is None else ~may_look,
            key_padding_mask=None if real is None else ~real,
            need_weights=with_weights,
            average_attn_weights=False,
        )
        mine = list(mine) if with_weights else [mine]
        other = list(other) if with_weights else [other[0]]
        compare(mine, other, [x, value, key], pairs)


def shared_block(ours, theirs):
    pairs = shared_attention(ours.self_attention, theirs.self_attn)
    modules = [
        (ours.feedforward_intermediate, theirs.linear1),
        (ours.feedforward_output, theirs.linear2),
        (ours.self_attention_norm, theirs.norm1),
    ]
    if isinstance(ours, TransformerDecoder):
        pairs += shared_attention(ours.cross_attention, theirs.multihead_attn)
        modules.append((ours.cross_attention_norm, theirs.norm2))
        modules.append((ours.feedforward_norm, theirs.norm3))
    else:
        modules.append((ours.feedforward_norm, theirs.norm2))
    for mine, other in modules:
        for name in ("weight", "bias"):
            with torch.no_grad():
                getattr(mine, name).normal_()
                getattr(other, name).copy_(getattr(mine, name))
            pairs.append((getattr(mine, name), getattr(other, name)))
    return pairs


def drawn_blocks(draw: random.Random, kind: type, torch_kind: type):
    heads = draw.randint(1, 3)
    features, hidden = heads * draw.randint(1, 4), draw.randint(1, 6)
    first, epsilon = draw.random() < 0.5, draw.choice([1e-5, 1e-2])
    activation = draw.choice(["relu", "gelu"])
    ours = kind(
        hidden,
        heads,
        activation=activation,
        normalize_first=first,
        layer_norm_epsilon=epsilon,
    )
    theirs = torch_kind(
        features,
        heads,
        hidden,
        dropout=0.0,
        activation=activation,
        layer_norm_eps=epsilon,
        batch_first=True,
        norm_first=first,
        dtype=torch.float64,
    )
    return ours, theirs, features


@pytest.mark.parametrize("part", PARTS)
def test_an_encoder_is_torch_s(part):
    draw = random.Random(f"encoder {part}")
    for _ in range(CASES_PER_PART):
        ours, theirs, features = drawn_blocks(
            draw, TransformerEncoder, nn.TransformerEncoderLayer
        )
        batch, steps = draw.randint(1, 3), draw.randint(1, 5)
        x = values(batch, steps, features)
        ours.ensure_built(x)
        ours.use_causal_mask = draw.random() < 0.5
        pairs = shared_block(ours, theirs)
        real = truths(draw, batch, steps) if draw.random() < 0.5 else None
        hidden = torch.ones(steps, steps, dtype=torch.bool).triu(1)
        other = theirs(
            x,
            src_mask=hidden if ours.use_causal_mask else None,
            src_key_padding_mask=None if real is None else ~real,
        )
        compare([ours(x, real)], [other], [x], pairs)


@pytest.mark.parametrize("part", PARTS)
def test_a_decoder_is_torch_s(part):
    draw = random.Random(f"decoder {part}")
    for _ in range(CASES_PER_PART):
        ours, theirs, features = drawn_blocks(
            draw, TransformerDecoder, nn.TransformerDecoderLayer
        )
        batch, steps, others = (
            draw.randint(1, 3),
            draw.randint(1, 5),
            draw.randint(1, 5),
        )
        x, encoded = values(batch, steps, features), values(batch, others, features)
        ours.ensure_built(x, encoded)
        pairs = shared_block(ours, theirs)
        real = truths(draw, batch, steps) if draw.random() < 0.5 else None
        encoded_real = truths(draw, batch, others) if draw.random() < 0.5 else None
        other = theirs(
            x,
            encoded,
            tgt_mask=torch.ones(steps, steps, dtype=torch.bool).triu(1),
            tgt_key_padding_mask=None if real is None else ~real,
            memory_key_padding_mask=None if encoded_real is None else ~encoded_real,
        )
        mine = ours(x, encoded, real, encoded_mask=encoded_real)
        compare([mine], [other], [x, encoded], pairs)


@pytest.mark.parametrize("features", [1, 2, 5, 8])
@pytest.mark.parametrize("start", [0, 3])
def test_waves_are_the_formula_s(features, start):
    layer = SinusoidalPositionEncoding(max_wavelength=50.0)
    y = layer(torch.zeros(1, 4, features, dtype=torch.float64), start)
    expected = [
        [
            (math.cos if i % 2 else math.sin)(t / 50.0 ** (2 * (i // 2) / features))
            for i in range(features)
        ]
        for t in range(start, start + 4)
    ]
    assert_close(y[0], expected)


@pytest.mark.parametrize("pairs", [1, 3])
@pytest.mark.parametrize("start", [0, 3])
@pytest.mark.parametrize("axis", [1, 2])
def test_turning_is_a_product_of_complex_numbers(pairs, start, axis):
    layer = RotaryEmbedding(max_wavelength=50.0, scaling_factor=2.0, sequence_axis=axis)
    x = torch.randn(2, 4, 5, 2 * pairs, dtype=torch.float64)
    numbers = torch.complex(x[..., :pairs], x[..., pairs:])
    times = torch.arange(x.shape[axis], dtype=torch.float64) + start
    slowness = 50.0 ** (torch.arange(pairs).double() / pairs)
    angles = times[:, None] / 2.0 / slowness
    angles = angles[:, None] if axis == 1 else angles
    turned = numbers * torch.polar(torch.ones_like(angles), angles)
    assert_close(layer(x, start), torch.cat([turned.real, turned.imag], dim=-1))


def test_learned_positions_are_added_from_the_one_asked_for():
    layer = PositionEmbedding(7)
    x = torch.randn(2, 3, 4, dtype=torch.float64)
    layer.ensure_built(x)
    assert_close(layer(x), x + layer.weight[:3])
    assert_close(layer(x, 4), x + layer.weight[4:])
