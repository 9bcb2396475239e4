"""The table of operations: what torch's core operations say and do, in NumPy.

One line for each: its words, its formula, and how the reference engine composes it.
A function takes the arguments of the ATen operation of that name, in that order.
Gradients need no line: they come out of the reference engine.
"""

# Every function is handed what torch's operation of that name takes; few need all.
# The table is read by its columns: one line each, however long.
# ruff: noqa: ARG001, ARG005, E501
# pyright: reportMissingParameterType=false

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from mica.reference import Tensor, apply
from mica.reference import functions as f

__all__ = ["OPERATIONS", "Rule"]


class Rule(NamedTuple):
    """How one operation is said, written and computed.

    Args:
        words: What it does, in plain words.
        formula: Its formula; {0}, {1} stand for the arguments.
        compute: Its function on tensors of the reference engine.
    """

    words: str
    formula: str
    compute: Callable[..., Any]


def _data(x):
    return x.data if isinstance(x, Tensor) else np.asarray(x)


def _tensor(x):
    return x if isinstance(x, Tensor) else Tensor(np.asarray(x))


def _compared(function):
    """An operation without a slope: a function of plain arrays."""
    return lambda *args, **kwargs: function(*map(_data, args))


def _flat(function):
    """An operation with slope 0 wherever it has one: rounding, the sign."""

    def compute(x, **_):
        if _data(x).dtype.kind != "f":
            return function(_data(x))
        # Nowhere chosen, so that zeros flow back.
        return f.where(np.zeros(x.shape, bool), x, function(x.data))

    return compute


def _modulo(function):
    def compute(a, b):
        if _tensor(a).dtype.kind != "f":
            return {np.floor: np.remainder, np.trunc: np.fmod}[function](
                _data(a), _data(b)
            )
        return a - function(_data(a) / _data(b)) * _tensor(b)

    return compute


def _axes(dim, rank):
    """The axes an operation runs over: all of them for none given."""
    if dim is None or dim == []:
        return tuple(range(rank))
    return tuple(d % max(rank, 1) for d in ([dim] if isinstance(dim, int) else dim))


def _sized(x, shape):
    """-1 in a shape: the size the tensor has there."""
    shape = list(shape)
    new = len(shape) - x.ndim
    return [x.shape[i - new] if n == -1 else n for i, n in enumerate(shape)]


# Arithmetic.


def _add(a, b, alpha=1):
    return _tensor(a) + (_tensor(b) if alpha == 1 else _tensor(b) * alpha)


def _subtract(a, b, alpha=1):
    return _tensor(a) - (_tensor(b) if alpha == 1 else _tensor(b) * alpha)


def _divide(a, b, rounding_mode=None):
    if rounding_mode is None:
        return _real(a) / b
    rounds = {"floor": np.floor, "trunc": np.trunc}[rounding_mode]
    return rounds(_data(a) / _data(b)).astype(np.result_type(_data(a), _data(b)))


def _real(a):
    """Whole numbers and yes or no become numbers with a point."""
    a = _tensor(a)
    return a if a.dtype.kind == "f" else Tensor(a.data.astype(np.float64))


def _clamp(x, low=None, high=None):
    inside = np.ones(x.shape, bool)
    values = x.data
    for bound, outside, choose in (
        (low, np.less, np.maximum),
        (high, np.greater, np.minimum),
    ):
        if bound is not None:
            inside &= ~outside(x.data, _data(bound))
            values = choose(values, _data(bound))
    return f.where(inside, x, values)


def _hard_tanh(x, low=-1.0, high=1.0):
    inside = (x.data > low) & (x.data < high)
    return f.where(inside, x, np.clip(x.data, low, high))


def _elu(x, alpha=1.0, scale=1.0, input_scale=1.0):
    # What `where` does not choose is computed too: it must not overflow.
    low = f.where(x > 0, 0, x)
    return scale * f.where(x > 0, x, alpha * ((low * input_scale).exp() - 1))


def _gelu(x, approximate="none"):
    if approximate == "none":
        return f.gelu(x)
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)  # Hendrycks 2016, eq. 2
    return 0.5 * x * (1 + inner.tanh())


def _log_one_plus(x):
    # For small x the sum 1 + x would drop digits; its slope is that of the sum.
    y = (1 + x).log()
    return y + (np.log1p(x.data) - y.data)


def _exp_minus_one(x):
    y = x.exp() - 1
    return y + (np.expm1(x.data) - y.data)


# Sums and the like.


def _cast(x, dtype=None, **_):
    x = _tensor(x)
    name = str(dtype).rpartition(".")[2] if dtype is not None else x.dtype.name
    kind = np.dtype(name)
    if kind.kind == "f":
        return x if x.dtype.kind == "f" else Tensor(x.data.astype(np.float64))
    return x.data.astype(kind)


def _sum(x, dim=None, keepdim=False, dtype=None):
    if x.dtype.kind != "f" and dtype is None:
        axes = _axes(dim, x.ndim)
        return np.asarray(np.sum(x.data, axes, dtype=np.int64, keepdims=keepdim))
    x = _cast(x, dtype)
    return _tensor(x).sum(_axes(dim, _tensor(x).ndim), keepdim)


def _mean(x, dim=None, keepdim=False, dtype=None):
    return _real(x).mean(_axes(dim, x.ndim), keepdim)


def _variance(x, dim=None, correction=1, keepdim=False):
    axes = _axes(dim, x.ndim)
    count = math.prod(x.shape[a] for a in axes)
    freedom = max(count - (1 if correction is None else correction), 0)
    return f.variance(x, axes, keepdim) * (count / freedom if freedom else np.nan)


def _largest(x, dim=None, keepdim=False):
    return x.max(_axes(dim, x.ndim), keepdim)


def _smallest(x, dim=None, keepdim=False):
    return -(-x).max(_axes(dim, x.ndim), keepdim)


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
    parts = [_select(x, dim, i) for i in range(x.shape[dim])]
    y = functools.reduce(operator.mul, parts)
    return _unsqueeze(y, dim % x.ndim) if keepdim else y


def _running_product(x, dim, dtype=None):
    parts = [_select(x, dim, i) for i in range(x.shape[dim])]
    for i in range(1, len(parts)):
        parts[i] = parts[i - 1] * parts[i]
    return _stacked(parts, dim % x.ndim)


def _length(x, order=2.0, dim=None, keepdim=False, dtype=None):
    size = x * np.sign(x.data)
    axes = _axes(dim, x.ndim)
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
            x = _unsqueeze(x, axis)
        parts.append(x)
    return (parts[0] * parts[1] * parts[2]).sum(_axes(summed, parts[0].ndim))


def _running_sum(x, dim, dtype=None):
    # A matrix product with a triangle of ones.
    last = _swap(_real(x), dim, -1)
    return _swap(last @ np.triu(np.ones((last.shape[-1],) * 2)), dim, -1)


def _whether(function):
    def compute(x, dim=None, keepdim=False):
        return function(x.data, axis=_axes(dim, x.ndim), keepdims=keepdim)

    return compute


def _position(function):
    def compute(x, dim=None, keepdim=False):
        return function(x.data, axis=dim, keepdims=keepdim)

    return compute


def _sorted(x, dim=-1, descending=False, **_):
    order = np.argsort(-x.data if descending else x.data, axis=dim, kind="stable")
    return f.take_along(x, order, dim % x.ndim), order


def _top(x, k, dim=-1, largest=True, sorted=True):  # noqa: A002 - torch's name
    values, order = _sorted(x, dim, largest)
    return _slice(values, dim, 0, k), _slice(_tensor(order), dim, 0, k).data


# Moving numbers about.


def _swap(x, a, b):
    order = list(range(x.ndim))
    order[a], order[b] = order[b], order[a]
    return x.transpose(order)


def _unsqueeze(x, dim):
    shape = list(x.shape)
    shape.insert(dim % (x.ndim + 1), 1)
    return x.reshape(shape)


def _squeeze(x, dim=None):
    axes = {a for a in _axes(dim, x.ndim) if x.shape[a] == 1}
    return x.reshape([n for a, n in enumerate(x.shape) if a not in axes])


def _slice(x, dim=0, start=None, end=None, step=1):
    return x[(slice(None),) * (dim % x.ndim) + (slice(start, end, step),)]


def _select(x, dim, index):
    return x[(slice(None),) * (dim % x.ndim) + (index,)]


def _split(x, sizes, dim=0):
    edges = np.cumsum([0, *sizes])
    pairs = itertools.pairwise(edges)
    return tuple(_slice(x, dim, int(a), int(b)) for a, b in pairs)


def _joined(tensors, dim=0):
    # torch lets an empty list of numbers be joined to anything.
    parts = [part for part in tensors if part.shape != (0,)] or tensors
    return f.concatenate(parts, dim)


def _stacked(tensors, dim=0):
    return f.concatenate([_unsqueeze(part, dim) for part in tensors], dim)


def _padded(x, pad, value=0.0):
    # torch counts axes from the last one; a negative width cuts off.
    pairs = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)]
    widths = [(0, 0)] * (x.ndim - len(pairs)) + pairs[::-1]
    cut = tuple(
        slice(max(-a, 0), n - max(-b, 0))
        for (a, b), n in zip(widths, x.shape, strict=True)
    )
    return f.pad(x[cut], [(max(a, 0), max(b, 0)) for a, b in widths], value)


def _flipped(x, dims):
    axes = _axes(dims, x.ndim)
    return x[tuple(slice(None, None, -1 if a in axes else 1) for a in range(x.ndim))]


def _repeated(x, repeats):
    x = x.reshape([1] * (len(repeats) - x.ndim) + list(x.shape))
    for axis, count in enumerate(repeats):
        x = f.concatenate([x] * count, axis) if count != 1 else x
    return x


def _key(indices):
    return tuple(slice(None) if i is None else _data(i) for i in indices)


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
    values = _real(values).expand(named.shape)
    put = apply("put", values, key=key, shape=x.shape)
    if accumulate:
        return x + put
    taken = np.zeros(x.shape, bool)
    taken[key] = True
    return f.where(taken, put, x)


def _index_put(x, indices, values, accumulate=False):
    return _put(x, _key(indices), values, accumulate)


def _scattered(x, dim, index, src, **_):
    return _put(x, _along(x, dim, _data(index)), _front(src, index))


def _scatter_added(x, dim, index, src):
    return _put(x, _along(x, dim, _data(index)), _front(src, index), True)


def _front(source, index):
    """As much of the source as there are indices."""
    source = _tensor(source)
    return source[tuple(map(slice, _data(index).shape))] if source.ndim else source


def _embedded(weight, indices, padding_idx=-1, *_, **__):
    if padding_idx >= 0:
        # The row of the padding is looked up and never learned.
        learned = np.ones((weight.shape[0], 1))
        learned[padding_idx] = 0
        weight = f.where(learned, weight, weight.data)
    return f.gather(weight, indices)


# Windows. torch keeps channels before the places, the reference engine after them.


def _to_back(x):
    return x.transpose((0, *range(2, x.ndim), 1))


def _to_front(x):
    return x.transpose((0, x.ndim - 1, *range(1, x.ndim - 1)))


def _every(value, rank):
    value = [value] if isinstance(value, int) else list(value)
    return value * rank if len(value) == 1 else value


def _convolved(x, weight, bias, stride, padding, dilation, transposed, out, groups):
    rank = weight.ndim - 2
    stride, padding = _every(stride, rank), _every(padding, rank)
    dilation = _every(dilation, rank)
    if not transposed:
        settings = {"stride": stride, "padding": padding, "dilation": dilation}
        y = f.convolve(_to_back(x), weight, bias, groups=groups, **settings)
        return _to_front(y)
    # The adjoint: zeros between the numbers, then filters turned around.
    x = _to_back(x)
    places = x.shape[1:-1]
    spread = [s * (n - 1) + 1 for s, n in zip(stride, places, strict=True)]
    key = (slice(None), *(slice(None, None, s) for s in stride))
    x = apply("put", x, key=key, shape=(x.shape[0], *spread, x.shape[-1]))
    size = weight.shape[2:]
    reach = [d * (n - 1) for d, n in zip(dilation, size, strict=True)]
    more = _every(out, rank)
    widths = [(r - p, r - p + o) for r, p, o in zip(reach, padding, more, strict=True)]
    flat = [n for pair in [(0, 0), *widths[::-1]] for n in pair]
    x = _padded(x, flat)
    inputs, filters = weight.shape[:2]
    kernels = weight.reshape(groups, inputs // groups, filters, *size)
    kernels = kernels.transpose((0, 2, 1, *range(3, kernels.ndim)))
    kernels = kernels.reshape(groups * filters, inputs // groups, *size)
    kernels = _flipped(kernels, list(range(2, kernels.ndim)))
    return _to_front(f.convolve(x, kernels, bias, groups=groups, dilation=dilation))


def _ceiling(x, size, stride, padding, dilation, ceil_mode):
    """Places beyond the padding that the last window reaches into."""
    if not ceil_mode:
        return [0] * len(size)
    extra = []
    for n, k, s, p, d in zip(x.shape[2:], size, stride, padding, dilation, strict=True):
        count = math.ceil((n + 2 * p - d * (k - 1) - 1) / s) + 1
        if (count - 1) * s >= n + p:
            count -= 1  # a window may not start beyond the numbers
        extra.append(max((count - 1) * s + d * (k - 1) + 1 - (n + 2 * p), 0))
    return extra


def _windows(x, size, stride, padding, dilation, ceil_mode, value):
    """(batch, channels, *places) -> (batch, *positions, channels, *size)."""
    extra = _ceiling(x, size, stride, padding, dilation, ceil_mode)
    around = [(p, p + e) for p, e in zip(padding, extra, strict=True)]
    x = f.pad(_to_back(x), [(0, 0), *around, (0, 0)], value)
    return f.windows(x, size, stride=stride, dilation=dilation)


def _max_pooled(rank):
    def compute(x, size, stride=(), padding=0, dilation=1, ceil_mode=False):
        size = _every(size, rank)
        stride = _every(stride, rank) if stride else size
        lone = x.ndim == rank + 1
        x = _unsqueeze(x, 0) if lone else x
        settings = (_every(padding, rank), _every(dilation, rank), ceil_mode)
        cut = _windows(x, size, stride, *settings, -np.inf)
        cut = cut.reshape(*cut.shape[:-rank], -1)  # (B, *positions, C, window)
        best = f.take_along(cut, cut.data.argmax(-1)[..., None])[..., 0]
        y = _to_front(best)
        return (_squeeze(y, 0) if lone else y), None

    return compute


def _average_pooled(rank):
    def compute(
        x, size, stride=(), padding=0, ceil_mode=False, counts=True, divisor=None
    ):
        size = _every(size, rank)
        stride = _every(stride, rank) if stride else size
        padding, ones = _every(padding, rank), [1] * rank
        lone = x.ndim == rank + 1
        x = _unsqueeze(x, 0) if lone else x
        inner = range(-rank, 0)
        total = _windows(x, size, stride, padding, ones, ceil_mode, 0.0).sum(inner)
        # Which places count: all numbers, and the padding where it was asked for.
        field = np.ones(x.shape)
        around = [(0, 0), (0, 0), *((p, p) for p in padding)]
        field = Tensor(np.pad(field, around, constant_values=float(counts)))
        extra = _ceiling(x, size, stride, padding, ones, ceil_mode)
        beyond = [(0, 0), *((0, e) for e in extra), (0, 0)]
        field = f.pad(_to_back(field), beyond)
        count = f.windows(field, size, stride=stride).sum(inner)
        y = _to_front(total / (divisor or count))
        return _squeeze(y, 0) if lone else y

    return compute


def _adaptive_average(x, output_size):
    for axis, count in zip(range(-len(output_size), 0), output_size, strict=True):
        length = x.shape[axis]
        matrix = np.zeros((length, count))
        for i in range(count):
            first, last = i * length // count, -(-(i + 1) * length // count)
            matrix[first:last, i] = 1 / (last - first)
        x = _swap(_swap(x, axis, -1) @ matrix, axis, -1)
    return x


def _adaptive_largest(x, output_size):
    for axis in range(x.ndim - 1, x.ndim - 1 - len(output_size), -1):
        length, count = x.shape[axis], output_size[axis - x.ndim]
        first = np.arange(count) * length // count
        last = -(-np.arange(1, count + 1) * length // count) - 1
        # (count, longest): shorter parts repeat their last place.
        steps = np.arange((last - first).max() + 1)
        places = np.minimum(first[:, None] + steps, last[:, None])
        cut, inside = f.gather(x, places, axis), axis + 1
        best = np.expand_dims(cut.data.argmax(inside), inside)
        x = _squeeze(f.take_along(cut, best, inside), inside)
    return x, None


def _resized(positions):
    """Pictures in another size: each axis times a matrix of shares."""

    def compute(x, output_size, *rest, **_):
        aligned = any(entry for entry in rest if isinstance(entry, bool))
        scales = next((entry for entry in rest if isinstance(entry, list)), [])
        if output_size is None:
            sizes = zip(x.shape[2:], scales, strict=True)
            output_size = [int(n * scale) for n, scale in sizes]
        for k, count in enumerate(output_size):
            axis = k - len(output_size)
            length = x.shape[axis]
            scale = scales[k] if k < len(scales) and scales[k] else count / length
            matrix = np.zeros((length, count))
            for i in range(count):
                for place, share in positions(i, length, count, scale, aligned):
                    matrix[place, i] += share
            x = _swap(_swap(x, axis, -1) @ matrix, axis, -1)
        return x

    return compute


def _nearest(i, length, count, scale, aligned):
    return [(min(int(i / scale), length - 1), 1.0)]


def _between(i, length, count, scale, aligned):
    """The two neighbours of a place, each with its share."""
    if aligned:
        place = i * (length - 1) / (count - 1) if count > 1 else 0.0
    else:
        place = max((i + 0.5) / scale - 0.5, 0.0)
    first = min(int(place), length - 1)
    share = place - first
    return [(first, 1 - share), (min(first + 1, length - 1), share)]


# Normalization, dropout, attention.


def _scaled(y, weight, bias, shape):
    y = y if weight is None else y * weight.reshape(shape)
    return y if bias is None else y + bias.reshape(shape)


def _layer_norm(x, shape, weight, bias, epsilon):
    axes = range(-len(shape), 0)
    mean, spread = x.mean(axes, True), f.variance(x, axes, True)
    y = _scaled(f.normalize(x, mean, spread, epsilon), weight, bias, shape)
    return y, mean, (spread + epsilon) ** -0.5


def _group_norm(x, weight, bias, batch, channels, places, groups, epsilon):
    cut = x.reshape(batch, groups, -1)
    mean, spread = cut.mean(-1, True), f.variance(cut, -1, True)
    y = f.normalize(cut, mean, spread, epsilon).reshape(x.shape)
    y = _scaled(y, weight, bias, (1, channels, *[1] * (x.ndim - 2)))
    return y, mean[..., 0], ((spread + epsilon) ** -0.5)[..., 0]


def _batch_norm(x, weight, bias, mean, variance, training, momentum, epsilon):
    shape = (1, -1, *[1] * (x.ndim - 2))
    axes = (0, *range(2, x.ndim))
    if training:
        mean, variance = x.mean(axes, True), f.variance(x, axes, True)
    else:
        mean, variance = mean.reshape(shape), variance.reshape(shape)
    y = f.normalize(x, mean, variance, epsilon)
    # The other results belong to the running statistics, not to this step.
    return _scaled(y, weight, bias, shape), None, None, None, None


def _dropped(x, rate, train=True, *, drawn):
    kept = drawn[1].astype(float)
    if not train or rate == 0:
        return x, drawn[1]
    return (x * kept if rate == 1 else f.dropout(x, kept, rate)), drawn[1]


def _made(value):
    """A tensor of a given size, filled with one number."""

    def compute(size, *rest, dtype=None, **_):
        size = size.shape if isinstance(size, Tensor) else size
        number = value if value is not None else rest[0]
        kind = np.dtype(str(dtype).rpartition(".")[2]) if dtype is not None else None
        array = np.full(size, number)
        return array.astype(kind) if kind is not None else array

    return compute


def _counted(*args, dtype=None, start=None, end=None, step=1, **_):
    given = [a for a in (start, *args, end) if a is not None]
    first, last, pace = {1: (0, *given, step), 2: (*given, step), 3: given}[len(given)]
    array = np.arange(first, last, pace)
    return array if dtype is None else _data(_cast(Tensor(array), dtype))


def _as_given(x, *_, **__):
    return x


# fmt: off
_ROWS: list[tuple[str, str, str, Callable[..., Any]]] = [
    # Arithmetic, element by element.
    ("add", "add", "{0} + {1}", _add),
    ("sub", "subtract", "{0} - {1}", _subtract),
    ("rsub", "subtract from", "{1} - {0}", lambda a, b, alpha=1: _subtract(b, a, alpha)),
    ("mul", "multiply", "{0} * {1}", lambda a, b: _tensor(a) * b),
    ("div", "divide", "{0} / {1}", _divide),
    ("pow", "raise to a power", "{0} ^ {1}", lambda a, b: _tensor(a) ** b),
    ("neg", "change the sign", "-{0}", lambda x: -x),
    ("reciprocal", "one divided by it", "1 / {0}", lambda x: 1.0 / x),
    ("abs", "size without the sign", "|{0}|", lambda x: x * np.sign(x.data)),
    ("sqrt", "square root", "sqrt({0})", lambda x: _real(x) ** 0.5),
    ("rsqrt", "one divided by the root", "1 / sqrt({0})", lambda x: x**-0.5),
    ("remainder", "what a division leaves", "{0} mod {1}", _modulo(np.floor)),
    ("fmod", "what a division leaves", "{0} mod {1}", _modulo(np.trunc)),
    ("maximum", "the larger one", "max({0}, {1})", lambda a, b: f.maximum(a, b)),
    ("minimum", "the smaller one", "min({0}, {1})", lambda a, b: f.minimum(a, b)),
    ("clamp", "keep within bounds", "clamp({0})", _clamp),
    ("clamp_min", "not below", "max({0}, {1})", lambda x, low: _clamp(x, low)),
    ("clamp_max", "not above", "min({0}, {1})", lambda x, high: _clamp(x, None, high)),

    # Functions of one number.
    ("exp", "e to its power", "exp({0})", lambda x: x.exp()),
    ("expm1", "e to its power, minus one", "exp({0}) - 1", _exp_minus_one),
    ("exp2", "two to its power", "2 ^ {0}", lambda x: (x * math.log(2)).exp()),
    ("log", "natural logarithm", "log({0})", lambda x: _real(x).log()),
    ("log1p", "logarithm of one plus it", "log(1 + {0})", _log_one_plus),
    ("log2", "logarithm to base 2", "log2({0})", lambda x: x.log() / math.log(2)),
    ("log10", "logarithm to base 10", "log10({0})", lambda x: x.log() / math.log(10)),
    ("sin", "sine", "sin({0})", lambda x: x.apply("sin")),
    ("cos", "cosine", "cos({0})", lambda x: x.apply("cos")),
    ("tan", "tangent", "tan({0})", lambda x: x.apply("sin") / x.apply("cos")),
    ("sinh", "hyperbolic sine", "sinh({0})", lambda x: (x.exp() - (-x).exp()) / 2),
    ("cosh", "hyperbolic cosine", "cosh({0})", lambda x: (x.exp() + (-x).exp()) / 2),
    ("tanh", "squash to -1..1", "tanh({0})", lambda x: x.tanh()),
    ("sigmoid", "squash to 0..1", "1 / (1 + exp(-{0}))", lambda x: x.sigmoid()),
    ("erf", "error function", "erf({0})", lambda x: x.apply("erf")),
    ("relu", "cut off below zero", "max({0}, 0)", f.relu),
    ("leaky_relu", "shrink below zero", "{0} if {0} > 0 else slope * {0}", f.leaky_relu),
    ("elu", "bend below zero", "{0} if {0} > 0 else alpha (exp({0}) - 1)", _elu),
    ("gelu", "weigh by the normal distribution", "{0} * Phi({0})", _gelu),
    ("silu", "weigh by its sigmoid", "{0} / (1 + exp(-{0}))", f.silu),
    ("softplus", "soft cut below zero", "log(1 + exp({0}))", lambda x, beta=1, threshold=20: f.softplus(x * beta) / beta),
    ("hardtanh", "cut off at both ends", "clamp({0})", _hard_tanh),
    ("sign", "sign", "sign({0})", _flat(np.sign)),
    ("floor", "round down", "floor({0})", _flat(np.floor)),
    ("ceil", "round up", "ceil({0})", _flat(np.ceil)),
    ("round", "round", "round({0})", _flat(np.round)),
    ("trunc", "drop the decimals", "trunc({0})", _flat(np.trunc)),
    ("_softmax", "share out: positive, sum 1", "exp({0}) / sum exp({0})", lambda x, dim, half=False: f.softmax(x, dim)),
    ("_log_softmax", "logarithm of the shares", "{0} - log sum exp({0})", lambda x, dim, half=False: f.log_softmax(x, dim)),

    # Questions: an answer of yes or no has no slope.
    ("eq", "equal?", "{0} = {1}", _compared(np.equal)),
    ("ne", "different?", "{0} != {1}", _compared(np.not_equal)),
    ("gt", "larger?", "{0} > {1}", _compared(np.greater)),
    ("ge", "at least?", "{0} >= {1}", _compared(np.greater_equal)),
    ("lt", "smaller?", "{0} < {1}", _compared(np.less)),
    ("le", "at most?", "{0} <= {1}", _compared(np.less_equal)),
    ("logical_and", "both?", "{0} and {1}", _compared(np.logical_and)),
    ("logical_or", "either?", "{0} or {1}", _compared(np.logical_or)),
    ("logical_xor", "just one?", "{0} xor {1}", _compared(np.logical_xor)),
    ("logical_not", "not?", "not {0}", _compared(np.logical_not)),
    ("bitwise_and", "both?", "{0} and {1}", _compared(np.bitwise_and)),
    ("bitwise_or", "either?", "{0} or {1}", _compared(np.bitwise_or)),
    ("bitwise_xor", "just one?", "{0} xor {1}", _compared(np.bitwise_xor)),
    ("bitwise_not", "not?", "not {0}", _compared(np.invert)),
    ("isnan", "not a number?", "is {0} NaN", _compared(np.isnan)),
    ("isinf", "infinite?", "is {0} infinite", _compared(np.isinf)),
    ("where", "choose", "{1} where {0} else {2}", lambda c, a, b: f.where(c, a, b)),
    ("any", "any of them?", "any {0}", _whether(np.any)),
    ("all", "all of them?", "all {0}", _whether(np.all)),
    ("argmax", "where the largest stands", "argmax {0}", _position(np.argmax)),
    ("argmin", "where the smallest stands", "argmin {0}", _position(np.argmin)),

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

    # Moving numbers about.
    ("view", "the same numbers in another shape", "reshape {0}", lambda x, shape: x.reshape(shape)),
    ("reshape", "the same numbers in another shape", "reshape {0}", lambda x, shape: x.reshape(shape)),
    ("_unsafe_view", "the same numbers in another shape", "reshape {0}", lambda x, shape: x.reshape(shape)),
    ("permute", "change the order of the axes", "transpose {0}", lambda x, dims: x.transpose(dims)),
    ("transpose", "exchange two axes", "transpose {0}", _swap),
    ("t", "rows become columns", "transpose {0}", lambda x: x.transpose()),
    ("unsqueeze", "a new axis of size 1", "unsqueeze {0}", _unsqueeze),
    ("squeeze", "drop axes of size 1", "squeeze {0}", _squeeze),
    ("expand", "repeat", "repeat {0}", lambda x, size, implicit=False: x.expand(_sized(x, size))),
    ("repeat", "repeat", "repeat {0}", _repeated),
    ("slice", "cut out", "part of {0}", _slice),
    ("select", "pick one", "{0}[{2}] along axis {1}", _select),
    ("split_with_sizes", "cut into parts", "split {0}", _split),
    ("cat", "join", "join {0}", _joined),
    ("stack", "stack", "stack {0}", _stacked),
    ("constant_pad_nd", "put a margin around", "pad {0}", _padded),
    ("flip", "turn around", "flip {0}", _flipped),
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
    ("_to_copy", "change the type of number", "{0}", _cast),
    ("getitem", "one of the results", "{0}[{1}]", lambda x, index: x[index]),

    # Windows.
    ("convolution", "slide filters over it", "{1} * {0} + {2}", _convolved),
    ("max_pool2d_with_indices", "the largest of each window", "max of windows of {0}", _max_pooled(2)),
    ("max_pool3d_with_indices", "the largest of each window", "max of windows of {0}", _max_pooled(3)),
    ("avg_pool1d", "the mean of each window", "mean of windows of {0}", _average_pooled(1)),
    ("avg_pool2d", "the mean of each window", "mean of windows of {0}", _average_pooled(2)),
    ("avg_pool3d", "the mean of each window", "mean of windows of {0}", _average_pooled(3)),
    ("_adaptive_avg_pool1d", "the mean of each part", "mean of parts of {0}", _adaptive_average),
    ("_adaptive_avg_pool2d", "the mean of each part", "mean of parts of {0}", _adaptive_average),
    ("_adaptive_avg_pool3d", "the mean of each part", "mean of parts of {0}", _adaptive_average),
    ("adaptive_max_pool2d", "the largest of each part", "max of parts of {0}", _adaptive_largest),
    ("adaptive_max_pool3d", "the largest of each part", "max of parts of {0}", _adaptive_largest),
    ("upsample_nearest1d", "resize", "resize {0}", _resized(_nearest)),
    ("upsample_nearest2d", "resize", "resize {0}", _resized(_nearest)),
    ("upsample_bilinear2d", "resize", "resize {0}", _resized(_between)),

    # Normalization and dropout.
    ("native_layer_norm", "normalize each sample", "({0} - mean) / spread * {2} + {3}", _layer_norm),
    ("native_group_norm", "normalize groups of channels", "({0} - mean) / spread * {1} + {2}", _group_norm),
    ("_native_batch_norm_legit_functional", "normalize over the batch", "({0} - mean) / spread * {1} + {2}", _batch_norm),
    ("_native_batch_norm_legit_no_training", "normalize with running statistics", "({0} - {3}) / sqrt({4}) * {1} + {2}", lambda x, w, b, m, v, momentum, epsilon: _batch_norm(x, w, b, m, v, False, momentum, epsilon)),
    ("_native_batch_norm_legit", "normalize over the batch", "({0} - mean) / spread * {1} + {2}", lambda x, w, b, training, momentum, epsilon: _batch_norm(x, w, b, None, None, training, momentum, epsilon)),
    ("native_dropout", "put some to zero, enlarge the rest", "{0} * mask / (1 - {1})", _dropped),

    # Numbers that depend on nothing.
    ("full", "one number, repeated", "{1}", _made(None)),
    ("full_like", "one number, repeated", "{1}", _made(None)),
    ("zeros", "zeros", "0", _made(0)),
    ("zeros_like", "zeros", "0", _made(0)),
    ("ones", "ones", "1", _made(1)),
    ("ones_like", "ones", "1", _made(1)),
    ("scalar_tensor", "a number", "{0}", lambda x, dtype=None, **_: _data(_cast(_tensor(x), dtype))),
    ("arange", "count", "0, 1, 2, ...", _counted),
    ("eye", "ones on the diagonal", "identity", lambda n, m=None, **_: np.eye(n, m)),
]
# fmt: on

OPERATIONS: dict[str, Rule] = {
    name: Rule(words, formula, compute) for name, words, formula, compute in _ROWS
}
