"""Windows: convolution, pooling and resizing.

torch keeps channels before the places, the reference engine after them.
"""

# Every function is handed what torch's operation of that name takes; few need all.
# The table is read by its columns: one line each, however long.
# ruff: noqa: ARG001, E501
# pyright: reportMissingParameterType=false

from __future__ import annotations

import math

import numpy as np

from mica.reference import Tensor, apply
from mica.reference import functions as f
from mica.trace.operations.moving import flipped, padded, squeeze, swap, unsqueeze
from mica.trace.operations.rule import Row

__all__ = ["WINDOWS"]


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
    x = padded(x, flat)
    inputs, filters = weight.shape[:2]
    kernels = weight.reshape(groups, inputs // groups, filters, *size)
    kernels = kernels.transpose((0, 2, 1, *range(3, kernels.ndim)))
    kernels = kernels.reshape(groups * filters, inputs // groups, *size)
    kernels = flipped(kernels, list(range(2, kernels.ndim)))
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
        x = unsqueeze(x, 0) if lone else x
        settings = (_every(padding, rank), _every(dilation, rank), ceil_mode)
        cut = _windows(x, size, stride, *settings, -np.inf)
        cut = cut.reshape(*cut.shape[:-rank], -1)  # (B, *positions, C, window)
        best = f.take_along(cut, cut.data.argmax(-1)[..., None])[..., 0]
        y = _to_front(best)
        return (squeeze(y, 0) if lone else y), None

    return compute


def _average_pooled(rank):
    def compute(
        x, size, stride=(), padding=0, ceil_mode=False, counts=True, divisor=None
    ):
        size = _every(size, rank)
        stride = _every(stride, rank) if stride else size
        padding, ones = _every(padding, rank), [1] * rank
        lone = x.ndim == rank + 1
        x = unsqueeze(x, 0) if lone else x
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
        return squeeze(y, 0) if lone else y

    return compute


def _adaptive_average(x, output_size):
    for axis, count in zip(range(-len(output_size), 0), output_size, strict=True):
        length = x.shape[axis]
        matrix = np.zeros((length, count))
        for i in range(count):
            first, last = i * length // count, -(-(i + 1) * length // count)
            matrix[first:last, i] = 1 / (last - first)
        x = swap(swap(x, axis, -1) @ matrix, axis, -1)
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
        x = squeeze(f.take_along(cut, best, inside), inside)
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
            x = swap(swap(x, axis, -1) @ matrix, axis, -1)
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


# fmt: off
WINDOWS: list[Row] = [
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
]
# fmt: on
