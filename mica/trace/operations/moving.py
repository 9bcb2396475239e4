"""Moving numbers about: other shapes, other places, parts and copies."""

# Every function is handed what torch's operation of that name takes; few need all.
# The table is read by its columns: one line each, however long.
# ruff: noqa: ARG005, E501
# pyright: reportMissingParameterType=false

from __future__ import annotations

import itertools

import numpy as np

from mica.reference import apply
from mica.reference import functions as f
from mica.trace.operations.operands import array_of, axes_of, cast, real, tensor_of
from mica.trace.operations.rule import Row

__all__ = [
    "MOVING",
    "flipped",
    "padded",
    "select_along",
    "slice_along",
    "squeeze",
    "stacked",
    "swap",
    "unsqueeze",
]


def swap(x, a, b):
    """Two axes exchanged."""
    order = list(range(x.ndim))
    order[a], order[b] = order[b], order[a]
    return x.transpose(order)


def unsqueeze(x, dim):
    """A new axis of size 1."""
    shape = list(x.shape)
    shape.insert(dim % (x.ndim + 1), 1)
    return x.reshape(shape)


def squeeze(x, dim=None):
    """Without the axes of size 1, or those of them that are named."""
    axes = {a for a in axes_of(dim, x.ndim) if x.shape[a] == 1}
    return x.reshape([n for a, n in enumerate(x.shape) if a not in axes])


def _sized(x, shape):
    """-1 in a shape: the size the tensor has there."""
    shape = list(shape)
    new = len(shape) - x.ndim
    return [x.shape[i - new] if n == -1 else n for i, n in enumerate(shape)]


def slice_along(x, dim=0, start=None, end=None, step=1):
    """A part along one axis."""
    return x[(slice(None),) * (dim % x.ndim) + (slice(start, end, step),)]


def select_along(x, dim, index):
    """One place along one axis, which is gone then."""
    return x[(slice(None),) * (dim % x.ndim) + (index,)]


def _split(x, sizes, dim=0):
    edges = np.cumsum([0, *sizes])
    pairs = itertools.pairwise(edges)
    return tuple(slice_along(x, dim, int(a), int(b)) for a, b in pairs)


def _joined(tensors, dim=0):
    # torch lets an empty list of numbers be joined to anything.
    parts = [part for part in tensors if part.shape != (0,)] or tensors
    return f.concatenate(parts, dim)


def stacked(tensors, dim=0):
    """Tensors beside each other along a new axis."""
    return f.concatenate([unsqueeze(part, dim) for part in tensors], dim)


def padded(x, pad, value=0.0):
    """A margin of one value; torch counts axes from the last one."""
    # torch counts axes from the last one; a negative width cuts off.
    pairs = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)]
    widths = [(0, 0)] * (x.ndim - len(pairs)) + pairs[::-1]
    cut = tuple(
        slice(max(-a, 0), n - max(-b, 0))
        for (a, b), n in zip(widths, x.shape, strict=True)
    )
    return f.pad(x[cut], [(max(a, 0), max(b, 0)) for a, b in widths], value)


def flipped(x, dims):
    """Turned around along some axes."""
    axes = axes_of(dims, x.ndim)
    return x[tuple(slice(None, None, -1 if a in axes else 1) for a in range(x.ndim))]


def _repeated(x, repeats):
    x = x.reshape([1] * (len(repeats) - x.ndim) + list(x.shape))
    for axis, count in enumerate(repeats):
        x = f.concatenate([x] * count, axis) if count != 1 else x
    return x


def _key(indices):
    return tuple(slice(None) if i is None else array_of(i) for i in indices)


def _gathered(x, dim, index, **_):
    return f.take_along(x, index, dim % max(x.ndim, 1))


def _along(x, dim, index):
    """The key that walks every other axis in step, as `gather` does."""
    key = list(np.ogrid[tuple(map(slice, index.shape))])
    key[dim % x.ndim] = index
    return tuple(key)


def _put(x, key, values, accumulate=False):
    """`x` with values put in, or added, at a key."""
    named = np.zeros(x.shape)[key]
    values = real(values).expand(named.shape)
    put = apply("put", values, key=key, shape=x.shape)
    if accumulate:
        return x + put
    taken = np.zeros(x.shape, bool)
    taken[key] = True
    return f.where(taken, put, x)


def _index_put(x, indices, values, accumulate=False):
    return _put(x, _key(indices), values, accumulate)


def _scattered(x, dim, index, src, **_):
    return _put(x, _along(x, dim, array_of(index)), _front(src, index))


def _front(source, index):
    """As much of the source as there are indices."""
    source = tensor_of(source)
    return source[tuple(map(slice, array_of(index).shape))] if source.ndim else source


def _scatter_added(x, dim, index, src):
    return _put(x, _along(x, dim, array_of(index)), _front(src, index), True)


def _embedded(weight, indices, padding_idx=-1, *_, **__):
    if padding_idx >= 0:
        # The row of the padding is looked up and never learned.
        learned = np.ones((weight.shape[0], 1))
        learned[padding_idx] = 0
        weight = f.where(learned, weight, weight.data)
    return f.gather(weight, indices)


def _as_given(x, *_, **__):
    return x


# fmt: off
MOVING: list[Row] = [
    ("view", "the same numbers in another shape", "reshape {0}", lambda x, shape: x.reshape(shape)),
    ("reshape", "the same numbers in another shape", "reshape {0}", lambda x, shape: x.reshape(shape)),
    ("_unsafe_view", "the same numbers in another shape", "reshape {0}", lambda x, shape: x.reshape(shape)),
    ("permute", "change the order of the axes", "transpose {0}", lambda x, dims: x.transpose(dims)),
    ("transpose", "exchange two axes", "transpose {0}", swap),
    ("t", "rows become columns", "transpose {0}", lambda x: x.transpose()),
    ("unsqueeze", "a new axis of size 1", "unsqueeze {0}", unsqueeze),
    ("squeeze", "drop axes of size 1", "squeeze {0}", squeeze),
    ("expand", "repeat", "repeat {0}", lambda x, size, implicit=False: x.expand(_sized(x, size))),
    ("repeat", "repeat", "repeat {0}", _repeated),
    ("slice", "cut out", "part of {0}", slice_along),
    ("select", "pick one", "{0}[{2}] along axis {1}", select_along),
    ("split_with_sizes", "cut into parts", "split {0}", _split),
    ("cat", "join", "join {0}", _joined),
    ("stack", "stack", "stack {0}", stacked),
    ("constant_pad_nd", "put a margin around", "pad {0}", padded),
    ("flip", "turn around", "flip {0}", flipped),
    ("index", "pick by position", "{0}[{1}]", lambda x, indices: x[_key(indices)]),
    ("index_select", "pick by position", "{0}[{2}]", lambda x, dim, index: f.gather(x, index, dim)),
    ("gather", "pick one from each line", "{0}[{2}]", _gathered),
    ("embedding", "look up rows of a table", "{0}[{1}]", _embedded),
    ("index_put", "put in at positions", "{0}, {2} at {1}", _index_put),
    ("scatter", "put in at positions", "{0}, {3} at {2}", _scattered),
    ("scatter_add", "add at positions", "{0} + {3} at {2}", _scatter_added),
    ("clone", "copy", "{0}", _as_given),
    ("alias", "the same", "{0}", _as_given),
    ("contiguous", "copy", "{0}", _as_given),
    ("lift_fresh_copy", "copy", "{0}", _as_given),
    ("stop_gradient", "no gradient from here", "{0}", lambda x: x.detach()),
    ("detach", "no gradient from here", "{0}", lambda x: x.detach()),
    ("_to_copy", "change the type of number", "{0}", cast),
    ("getitem", "one of the results", "{0}[{1}]", lambda x, index: x[index]),
]
# fmt: on
