"""Summing: operations along axes, from sums to sorting, and matrix products."""

# Every function is handed what torch's operation of that name takes; few need all.
# The table is read by its columns: one line each, however long.
# ruff: noqa: ARG001, E501
# pyright: reportMissingParameterType=false

from __future__ import annotations

import functools
import math
import operator

import numpy as np

from mica.reference import functions as f
from mica.trace.operations.moving import (
    select_along,
    slice_along,
    stacked,
    swap,
    unsqueeze,
)
from mica.trace.operations.operands import axes_of, cast, real, tensor_of
from mica.trace.operations.rule import Row

__all__ = ["SUMMING"]


def _sum(x, dim=None, keepdim=False, dtype=None):
    if x.dtype.kind != "f" and dtype is None:
        axes = axes_of(dim, x.ndim)
        return np.asarray(np.sum(x.data, axes, dtype=np.int64, keepdims=keepdim))
    x = cast(x, dtype)
    return tensor_of(x).sum(axes_of(dim, tensor_of(x).ndim), keepdim)


def _mean(x, dim=None, keepdim=False, dtype=None):
    return real(x).mean(axes_of(dim, x.ndim), keepdim)


def _variance(x, dim=None, correction=1, keepdim=False):
    axes = axes_of(dim, x.ndim)
    count = math.prod(x.shape[a] for a in axes)
    freedom = max(count - (1 if correction is None else correction), 0)
    return f.variance(x, axes, keepdim) * (count / freedom if freedom else np.nan)


def _largest(x, dim=None, keepdim=False):
    return x.max(axes_of(dim, x.ndim), keepdim)


def _smallest(x, dim=None, keepdim=False):
    return -(-x).max(axes_of(dim, x.ndim), keepdim)


def _picked(pick):
    """The largest or smallest along one axis, and where it stands."""

    def compute(x, dim, keepdim=False):
        places = np.expand_dims(pick(x.data, dim), dim)
        values = f.take_along(x, places, dim % x.ndim)
        if not keepdim:
            return values.reshape(np.squeeze(places, dim).shape), places.squeeze(dim)
        return values, places

    return compute


def _product(x, dim=None, keepdim=False, dtype=None):
    if dim is None:
        flat = x.reshape(-1)
        return functools.reduce(operator.mul, [flat[i] for i in range(flat.size)])
    parts = [select_along(x, dim, i) for i in range(x.shape[dim])]
    y = functools.reduce(operator.mul, parts)
    return unsqueeze(y, dim % x.ndim) if keepdim else y


def _running_product(x, dim, dtype=None):
    parts = [select_along(x, dim, i) for i in range(x.shape[dim])]
    for i in range(1, len(parts)):
        parts[i] = parts[i - 1] * parts[i]
    return stacked(parts, dim % x.ndim)


def _length(x, order=2.0, dim=None, keepdim=False, dtype=None):
    size = x * np.sign(x.data)
    axes = axes_of(dim, x.ndim)
    if order == math.inf:
        return size.max(axes, keepdim)
    if order == 1:
        return size.sum(axes, keepdim)
    total = (size**order).sum(axes, keepdim)
    # Where all numbers are 0 the root has no slope; torch's answer is 0.
    safe = f.where(total > 0, total, 1.0)
    return f.where(total > 0, safe ** (1 / order), 0.0)


def _three_products(a, b, c, new_a, new_b, new_c, summed, unroll=1):
    parts = []
    for x, axes in ((a, new_a), (b, new_b), (c, new_c)):
        for axis in axes:
            x = unsqueeze(x, axis)
        parts.append(x)
    return (parts[0] * parts[1] * parts[2]).sum(axes_of(summed, parts[0].ndim))


def _running_sum(x, dim, dtype=None):
    # A matrix product with a triangle of ones.
    last = swap(real(x), dim, -1)
    return swap(last @ np.triu(np.ones((last.shape[-1],) * 2)), dim, -1)


def _sorted(x, dim=-1, descending=False, **_):
    order = np.argsort(-x.data if descending else x.data, axis=dim, kind="stable")
    return f.take_along(x, order, dim % x.ndim), order


def _top(x, k, dim=-1, largest=True, sorted=True):  # noqa: A002 - torch's name
    values, order = _sorted(x, dim, largest)
    return slice_along(values, dim, 0, k), slice_along(tensor_of(order), dim, 0, k).data


# fmt: off
SUMMING: list[Row] = [
    # Along axes.
    ("sum", "add up", "sum {0}", _sum),
    ("mean", "average", "mean {0}", _mean),
    ("var", "mean squared distance from the mean", "var {0}", _variance),
    ("amax", "the largest", "max {0}", _largest),
    ("amin", "the smallest", "min {0}", _smallest),
    ("max", "the largest, and where", "max {0}", lambda x, *dim, **s: _picked(np.argmax)(x, *dim, **s) if dim or s else x.max()),
    ("min", "the smallest, and where", "min {0}", lambda x, *dim, **s: _picked(np.argmin)(x, *dim, **s) if dim or s else -(-x).max()),
    ("prod", "multiply all", "product {0}", _product),
    ("cumsum", "running sum", "running sum {0}", _running_sum),
    ("cumprod", "running product", "running product {0}", _running_product),
    ("linalg_vector_norm", "length", "length of {0}", _length),
    ("_trilinear", "sum of products of three", "sum {0} * {1} * {2}", _three_products),
    ("sort", "sort", "sort {0}", _sorted),
    ("topk", "the largest few", "top {1} of {0}", _top),

    # Matrix products.
    ("mm", "matrix product", "{0} @ {1}", lambda a, b: a @ b),
    ("bmm", "matrix product, one for each", "{0} @ {1}", lambda a, b: a @ b),
    ("dot", "sum of products", "{0} . {1}", lambda a, b: (a * b).sum()),
    ("mv", "matrix times vector", "{0} @ {1}", lambda a, b: a @ b),
    ("addmm", "matrix product plus bias", "{0} + {1} @ {2}", lambda b, x, w, beta=1, alpha=1: beta * b + alpha * (x @ w)),
    ("baddbmm", "matrix product plus bias", "{0} + {1} @ {2}", lambda b, x, w, beta=1, alpha=1: beta * b + alpha * (x @ w)),
]
# fmt: on
