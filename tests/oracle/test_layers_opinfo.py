"""The inputs that torch tests its own operations with, put through our layers.

Where a layer is one operation of torch, each of torch's sample inputs that the layer
can express is computed by both: outputs and gradients agree in float64. What cannot be
expressed (no batch axis, indices asked for, other divisors, ...) is left out, and the
table says how many are left at least.
"""

import functools
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mica import layers
from mica.layers import get_activation
from tests.tolerances import assert_close

FROZEN = "__allow_nonbracketed_mutation_flag"


class Expressed(NamedTuple):
    """A sample in our words."""

    network: Callable[[Tensor], Tensor]
    channels_last: bool = True
    # The weights of the sample, as they are set in the network: by their names.
    weights: dict[str, Tensor | None] = {}  # noqa: RUF012  # never changed


@functools.cache
def operations() -> dict[str, Any]:
    """torch's table; it freezes flags and seeds generators when it is imported."""
    flags = torch.backends.flags_frozen.__globals__
    before = flags[FROZEN]
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        from torch.testing._internal.common_methods_invocations import op_db
    finally:
        flags[FROZEN] = before
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
    return {f"{one.name} {one.variant_test_name}".strip(): one for one in op_db}


def each(value: Any, rank: int) -> tuple[int, ...]:
    """One number for each axis, as torch repeats them."""
    numbers = tuple(value) if isinstance(value, Sequence) else (value,)
    return numbers * rank if len(numbers) == 1 else numbers


def given(sample: Any, names: str) -> dict[str, Any]:
    """The arguments after the input, by their names."""
    by_place = dict(zip(names.split(), sample.args, strict=False))
    return by_place | sample.kwargs


def padded(kind: str, rank: int, sides: tuple[int, ...], layer: nn.Module) -> nn.Module:
    """A layer behind zeros around, or before a border that is cut off."""
    if not any(sides):
        return layer
    edge = getattr(layers, f"{kind}{rank}D")([(side, side) for side in sides])
    return nn.Sequential(*((edge, layer) if kind == "ZeroPadding" else (layer, edge)))


def named(layer: nn.Module, prefix: str) -> str:
    """The path of a weight where a layer is part of a sequence."""
    if not isinstance(layer, nn.Sequential):
        return ""
    return f"{[type(part).__name__.startswith(prefix) for part in layer].index(True)}."


def convolution(rank: int, sample: Any) -> Expressed | None:
    if sample.input.ndim != rank + 2:
        return None
    found = given(sample, "weight bias stride padding dilation groups")
    weight, padding = found["weight"], found.get("padding", 0)
    stride = each(found.get("stride", 1), rank)
    words = isinstance(padding, str)
    layer = getattr(layers, f"Conv{rank}D")(
        weight.shape[0],
        tuple(weight.shape[2:]),
        stride,
        padding=padding if words else "valid",
        dilation_rate=each(found.get("dilation", 1), rank),
        groups=found.get("groups", 1),
        use_bias=found.get("bias") is not None,
    )
    sides = (0,) * rank if words else each(padding, rank)
    network = padded("ZeroPadding", rank, sides, layer)
    place = named(network, "Conv")
    weights = {f"{place}weight": weight, f"{place}bias": found.get("bias")}
    return Expressed(network, weights=weights)


def transposed_convolution(rank: int, sample: Any) -> Expressed | None:
    names = "weight bias stride padding output_padding groups dilation"
    found = given(sample, names)
    weight, groups = found["weight"], found.get("groups", 1)
    stride = each(found.get("stride", 1), rank)
    more = each(found.get("output_padding", 0), rank)
    too_many = any(one >= step for one, step in zip(more, stride, strict=True))
    if sample.input.ndim != rank + 2 or too_many:
        return None
    layer = getattr(layers, f"Conv{rank}DTranspose")(
        weight.shape[1] * groups,
        tuple(weight.shape[2:]),
        stride,
        output_padding=more,
        dilation_rate=each(found.get("dilation", 1), rank),
        groups=groups,
        use_bias=found.get("bias") is not None,
    )
    network = padded("Cropping", rank, each(found.get("padding", 0), rank), layer)
    place = named(network, "Conv")
    weights = {f"{place}weight": weight, f"{place}bias": found.get("bias")}
    return Expressed(network, weights=weights)


def is_same(size: tuple[int, ...], stride: tuple[int, ...], sides: Any) -> bool:
    """Whether as many positions outside count as padding="same" has."""
    return max(stride) == 1 and all(
        window == 2 * side + 1 for window, side in zip(size, sides, strict=True)
    )


def pooling(kind: str, rank: int, sample: Any) -> Expressed | None:
    names = "kernel_size stride padding ceil_mode count_include_pad divisor_override"
    found = given(sample, names)  # torch's samples name those of the largest
    size = each(found["kernel_size"], rank)
    stride = each(found.get("stride") or size, rank)
    sides, network = each(found.get("padding", 0), rank), None
    plain = (
        sample.input.ndim == rank + 2
        and not found.get("ceil_mode")
        and not found.get("return_indices")
        and found.get("divisor_override") is None
        and max(each(found.get("dilation", 1), rank)) == 1
    )
    zeros_count = kind == "Average" and found.get("count_include_pad", True)
    make = getattr(layers, f"{kind}Pooling{rank}D")
    if not any(sides) or zeros_count:
        network = padded("ZeroPadding", rank, sides, make(size, stride))
    elif is_same(size, stride, sides):
        network = make(size, stride, padding="same")
    return Expressed(network) if plain and network is not None else None


def adaptive_pooling(kind: str, rank: int, sample: Any) -> Expressed | None:
    found = given(sample, "output_size return_indices")
    if sample.input.ndim != rank + 2 or found.get("return_indices"):
        return None
    pairs = zip(each(found["output_size"], rank), sample.input.shape[2:], strict=True)
    size = tuple(length if one is None else one for one, length in pairs)
    return Expressed(getattr(layers, f"Adaptive{kind}Pooling{rank}D")(size))


def layer_normalization(sample: Any) -> Expressed | None:
    found = given(sample, "normalized_shape weight bias eps")
    epsilon, rank = found.get("eps", 1e-5), len(found["normalized_shape"])
    if epsilon < 0 or rank >= sample.input.ndim:
        return None
    layer = layers.LayerNormalization(
        axis=tuple(range(-rank, 0)),
        epsilon=epsilon,
        scale=found.get("weight") is not None,
        center=found.get("bias") is not None,
    )
    weights = {"weight": found.get("weight"), "bias": found.get("bias")}
    return Expressed(layer, channels_last=False, weights=weights)


def rms_normalization(sample: Any) -> Expressed | None:
    found = given(sample, "normalized_shape weight eps")
    epsilon, rank = found.get("eps"), len(found["normalized_shape"])
    epsilon = torch.finfo(torch.float64).eps if epsilon is None else epsilon
    lone = rank >= sample.input.ndim
    if epsilon < 0 or lone or found.get("weight") is None:
        return None
    axes = tuple(range(-rank, 0))
    layer = layers.RMSNormalization(axis=axes, epsilon=epsilon)
    return Expressed(layer, channels_last=False, weights={"weight": found["weight"]})


def group_normalization(sample: Any) -> Expressed | None:
    found = given(sample, "num_groups weight bias eps")
    epsilon = found.get("eps", 1e-5)
    if epsilon < 0 or sample.input.ndim < 2:
        return None
    layer = layers.GroupNormalization(
        found["num_groups"],
        epsilon=epsilon,
        scale=found.get("weight") is not None,
        center=found.get("bias") is not None,
    )
    weights = {"weight": found.get("weight"), "bias": found.get("bias")}
    return Expressed(layer, weights=weights)


def dense(sample: Any) -> Expressed | None:
    found = given(sample, "weight bias")
    weight, bias = found["weight"], found.get("bias")
    if sample.input.ndim < 2 or weight.ndim < 2:
        return None
    layer = layers.Dense(len(weight), use_bias=bias is not None)
    weights = {"weight": weight, "bias": bias}
    return Expressed(layer, channels_last=False, weights=weights)


def activation(name: str, sample: Any) -> Expressed:
    del sample
    function = get_activation(name)
    assert function is not None
    return Expressed(function, channels_last=False)


def gelu(sample: Any) -> Expressed | None:
    exact = sample.kwargs.get("approximate", "none") == "none"
    return activation("gelu", sample) if exact else None


def leaky(sample: Any) -> Expressed | None:
    slope = given(sample, "negative_slope").get("negative_slope", 0.01)
    layer = layers.LeakyReLU(slope) if slope >= 0 else None
    return None if layer is None else Expressed(layer, channels_last=False)


def softmax(sample: Any) -> Expressed | None:
    axis = given(sample, "dim")["dim"]
    if axis % max(sample.input.ndim, 1) == 0:
        return None  # the first axis is the batch
    return Expressed(layers.Softmax(axis), channels_last=False)


ranked = {
    f"nn.functional.{name}{rank}d": (functools.partial(express, *kind, rank), least)
    for name, (express, kind, counts) in {
        "conv": (convolution, (), (5, 15, 10)),
        "conv_transpose": (transposed_convolution, (), (5, 5, 4)),
        "max_pool": (pooling, ("Max",), (48, 48, 24)),
        "avg_pool": (pooling, ("Average",), (5, 1, 3)),
        "adaptive_avg_pool": (adaptive_pooling, ("Average",), (3, 5, 6)),
        "adaptive_max_pool": (adaptive_pooling, ("Max",), (2, 6, 5)),
    }.items()
    for rank, least in zip((1, 2, 3), counts, strict=True)
}
# The operation: how its samples are expressed, and how many are at least.
TABLE: dict[str, tuple[Callable[[Any], Expressed | None], int]] = ranked | {
    "nn.functional.layer_norm": (layer_normalization, 3),
    "nn.functional.group_norm": (group_normalization, 17),
    "nn.functional.rms_norm": (rms_normalization, 2),
    "nn.functional.linear": (dense, 14),
    "nn.functional.relu": (functools.partial(activation, "relu"), 4),
    "nn.functional.elu": (functools.partial(activation, "elu"), 3),
    "nn.functional.selu": (functools.partial(activation, "selu"), 3),
    "nn.functional.silu": (functools.partial(activation, "silu"), 3),
    "sigmoid": (functools.partial(activation, "sigmoid"), 3),
    "tanh": (functools.partial(activation, "tanh"), 1),
    "nn.functional.gelu": (gelu, 4),
    "nn.functional.leaky_relu": (leaky, 9),
    "softmax": (softmax, 4),
}


def expressed(name: str) -> Iterator[tuple[Any, Expressed]]:
    """torch's samples of an operation that a layer of ours can express."""
    express, _ = TABLE[name]
    samples = operations()[name].sample_inputs("cpu", torch.float64, True)
    for sample in samples:
        found = express(sample)
        if found is not None:
            yield sample, found


def set_weights(found: Expressed, x: Tensor) -> list[tuple[Tensor, nn.Parameter]]:
    """Give our network the sample's weights; the pairs whose gradients must agree."""
    if not isinstance(found.network, nn.Module):
        return []
    found.network(x)  # builds
    held, pairs = dict(found.network.named_parameters()), []
    for name, value in found.weights.items():
        if value is not None:
            held[name].data.copy_(value.detach().reshape(held[name].shape))
            pairs.append((value, held[name]))
    assert len(pairs) == len(held)
    return pairs


def compare(operation: Any, sample: Any, found: Expressed) -> None:
    theirs = operation.op(sample.input, *sample.args, **sample.kwargs)
    x = sample.input.detach().clone()
    x = x.movedim(1, -1).contiguous() if found.channels_last else x
    x.requires_grad_()
    pairs = set_weights(found, x)
    ours = found.network(x)
    ours = ours.movedim(-1, 1) if found.channels_last else ours
    assert_close(ours, theirs)
    if not theirs.requires_grad or not theirs.numel():
        return
    weighting = torch.linspace(-1, 2, theirs.numel()).double().reshape(theirs.shape)
    expected = torch.autograd.grad(
        (theirs * weighting).sum(), [sample.input, *(one for one, _ in pairs)]
    )
    slopes = torch.autograd.grad(
        (ours * weighting).sum(), [x, *(mine for _, mine in pairs)]
    )
    first = slopes[0].movedim(-1, 1) if found.channels_last else slopes[0]
    for mine, other in zip([first, *slopes[1:]], expected, strict=True):
        assert_close(mine, other.reshape(mine.shape))


# torch warns that it may copy, which we always do.
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("name", TABLE)
def test_a_layer_computes_what_torch_computes_of_its_own_samples(name: str):
    number = 0
    for number, (sample, found) in enumerate(expressed(name), start=1):
        try:
            compare(operations()[name], sample, found)
        except Exception as error:
            shape = tuple(sample.input.shape)
            error.add_note(f"{number}: {shape}, {sample.args}, {sample.kwargs}")
            raise
    assert number >= TABLE[name][1]


def test_torchs_table_leaves_its_flags_as_they_were():
    operations()
    assert not torch.backends.flags_frozen()


def test_pictures_are_padded_as_torch_pads_them():
    x = torch.randn(1, 2, 3, 4, dtype=torch.float64)
    network = padded("ZeroPadding", 2, (1, 2), nn.Identity())
    expected = functional.pad(x, (2, 2, 1, 1))
    assert torch.equal(network(x.movedim(1, -1)).movedim(-1, 1), expected)
