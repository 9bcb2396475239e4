"""Functions composed of the table's operations: none needs a rule of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from mica.reference.tensor import Axes, Tensor, TensorLike, apply, as_tensor

__all__ = [
    "Sizes", "attention", "average_pool", "concatenate", "convolve", "dropout", "elu",
    "gather", "gelu", "leaky_relu", "log_softmax", "max_pool", "maximum", "minimum",
    "normalize", "pad", "relu", "silu", "softmax", "softplus", "take_along", "variance",
    "where", "windows",
]  # fmt: skip

Sizes: TypeAlias = int | Sequence[int]


# Choices and activations.


def where(condition: TensorLike, a: TensorLike, b: TensorLike) -> Tensor:
    """`a` where the condition holds, `b` elsewhere."""
    return apply("where", a, b, condition=as_tensor(condition).data.astype(bool))


def maximum(a: TensorLike, b: TensorLike) -> Tensor:
    """The larger of two numbers; equal ones share the gradient."""
    return apply("maximum", a, b)


def minimum(a: TensorLike, b: TensorLike) -> Tensor:
    """The smaller of two numbers."""
    return -maximum(-as_tensor(a), -as_tensor(b))


def relu(x: Tensor) -> Tensor:
    """max(x, 0), with slope 0 at 0."""
    return where(x > 0, x, 0)


def leaky_relu(x: Tensor, slope: float = 0.01) -> Tensor:
    """X where x > 0, else slope x."""
    return where(x > 0, x, slope * x)


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """X where x > 0, else alpha (e^x - 1)."""
    # What `where` does not choose is computed too: it must not overflow.
    return where(x > 0, x, alpha * (where(x > 0, 0, x).exp() - 1))


def softplus(x: Tensor) -> Tensor:
    """log(1 + e^x)."""
    return apply("softplus", x)


def silu(x: Tensor) -> Tensor:
    """X sigmoid(x)."""
    return x * x.sigmoid()


def gelu(x: Tensor) -> Tensor:
    """X times the share of a standard normal distribution that lies below x."""
    return x * (1 + apply("erf", x / math.sqrt(2))) / 2


def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """X - log(sum e^x), for scores of any size."""
    # Softmax does not change when all scores move together, so the largest is moved to
    # 0: no e^x overflows. It counts as a constant: its gradient would cancel out.
    x = x - x.detach().max(axis, keepdims=True)
    return x - x.exp().sum(axis, keepdims=True).log()


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """e^x / sum e^x, for scores of any size."""
    return log_softmax(x, axis).exp()


# Picking, joining, padding.


def gather(x: Tensor, indices: TensorLike, axis: int = 0) -> Tensor:
    """The slices of `x` at `indices` along `axis`; the indices may have any shape."""
    positions, axis = as_tensor(indices).data, axis % x.ndim
    wrong = positions[(positions < 0) | (positions >= x.shape[axis])]
    if wrong.size:
        raise IndexError(
            f"gather: expected indices from 0 to {x.shape[axis] - 1}, got {wrong[0]}. "
            "Look for a wrong index, or make the table larger."
        )
    return x[(slice(None),) * axis + (positions,)]


def take_along(x: Tensor, indices: TensorLike, axis: int = -1) -> Tensor:
    """From each line along `axis` the elements at that line's `indices`."""
    positions = as_tensor(indices).data
    # Every other axis is walked in step: np.ogrid numbers its places.
    key = list(np.ogrid[tuple(map(slice, positions.shape))])
    key[axis] = positions
    return x[tuple(key)]


def concatenate(parts: Sequence[Tensor], axis: int = 0) -> Tensor:
    """Join tensors along an axis: first neighbours, then pairs of pairs, and so on."""
    joined = list(parts)
    while len(joined) > 1:
        odd = joined[-1:] if len(joined) % 2 else []
        pairs = zip(joined[::2], joined[1::2], strict=False)
        joined = [apply("concatenate", a, b, axis=axis % a.ndim) for a, b in pairs]
        joined += odd
    return joined[0]


def pad(x: Tensor, widths: Sequence[tuple[int, int]], value: float = 0.0) -> Tensor:
    """Put `value` around `x`: (before, after) for each axis."""
    return apply("pad", x, pad_width=tuple(widths), constant_values=value)


# Windows: convolution and pooling. Channels are the last axis.


def _each(value: Sizes, rank: int) -> Sequence[int]:
    """One number for each of `rank` axes."""
    return (value,) * rank if isinstance(value, int) else tuple(value)


def windows(
    x: Tensor,
    size: Sequence[int],
    stride: Sizes = 1,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    value: float = 0.0,
) -> Tensor:
    """Every window: (batch, *places, channels) -> (batch, *positions, channels, *size).

    One axis after the other: a window in the plane is a window of windows.
    """
    rank = len(size)
    if any(_each(padding, rank)):
        widths = [(p, p) for p in _each(padding, rank)]
        x = pad(x, [(0, 0), *widths, (0, 0)], value)
    steps = zip(size, _each(stride, rank), _each(dilation, rank), strict=True)
    for i, (n, s, d) in enumerate(steps):
        x = apply("windows", x, axis=1 + i, size=n, stride=s, dilation=d)
    return x


def convolve(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    groups: int = 1,
    **settings: Any,
) -> Tensor:
    """Slide filters over lines, pictures or volumes: a matrix product of windows.

    x is (batch, *places, channels), weight (filters, channels / groups, *size) as torch
    keeps it, the result (batch, *positions, filters). Settings: those of `windows`.
    """
    filters, channels, *size = weight.shape
    if x.ndim != weight.ndim or x.shape[-1] != channels * groups:
        raise ValueError(
            f"convolve: expected {channels * groups} channels on the last of "
            f"{weight.ndim} axes, got shape {x.shape}. "
            "Move the channels to the end, or build the weight for this input."
        )
    cut = windows(x, size, **settings)
    places = cut.shape[: weight.ndim - 1]
    # Each group is a matrix product of its own: (groups, B * positions, inputs).
    inputs = channels * math.prod(size)
    cut = cut.reshape(-1, groups, inputs).transpose((1, 0, 2))
    kernels = weight.reshape(groups, filters // groups, inputs)
    y = (cut @ kernels.mT).transpose((1, 0, 2)).reshape(*places, filters)
    return y if bias is None else y + bias


def max_pool(x: Tensor, size: Sequence[int], **settings: Any) -> Tensor:
    """The largest number of each window; of equal ones the first takes the gradient."""
    cut = windows(x, size, **{"stride": size, "value": -np.inf, **settings})
    cut = cut.reshape(*cut.shape[: -len(size)], -1)  # (B, *positions, C, window)
    return take_along(cut, cut.data.argmax(-1)[..., None])[..., 0]


def average_pool(x: Tensor, size: Sequence[int], **settings: Any) -> Tensor:
    """The mean of each window; padding counts as zeros."""
    cut = windows(x, size, **{"stride": size, **settings})
    return cut.mean(range(-len(size), 0))


# Normalization, attention, dropout.


def variance(x: Tensor, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Mean squared distance from the mean."""
    return ((x - x.mean(axis, keepdims=True)) ** 2).mean(axis, keepdims)


def normalize(
    x: Tensor, mean: TensorLike, variance: TensorLike, epsilon: float = 1e-5
) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon).

    The statistics of each example make it layer normalization; those of the batch,
    batch normalization: the gradient then flows through them as well.
    """
    return (x - mean) / (as_tensor(variance) + epsilon) ** 0.5


def attention(
    query: Tensor, key: Tensor, value: Tensor, mask: TensorLike = True
) -> Tensor:
    """softmax(Q K^T / sqrt(features)) V: each query takes the values it resembles.

    query (..., Q, features), key (..., K, features), value (..., K, any). Where `mask`
    (..., Q, K) is false, the query does not look.
    """
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    return softmax(where(mask, scores, -np.inf)) @ value


def dropout(x: Tensor, mask: TensorLike, rate: float) -> Tensor:
    """Keep what `mask` keeps, enlarged so that the expected sum stays the same.

    The mask is given, not drawn, so that a step can be repeated exactly.
    """
    return x * mask / (1 - rate)
