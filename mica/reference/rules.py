"""The table of rules: for each operation, its value and the gradient of each input.

One line per rule: ``name: (forward, gradient of input 1, gradient of input 2, ...)``.

``forward`` works on NumPy arrays. A gradient works on Tensors and is made of the very
operations of this table, which is why it can be differentiated again. It is handed

    g        the gradient of the root with respect to the operation's output
    y        that output
    a, b     the inputs
    settings whatever else the operation was given (an axis, a shape, an index)

and returns g times the local derivative. Broadcasting needs no thought here: the walk
in ``tensor.py`` sums every gradient back to the shape of its input.
"""

# Every rule is handed the same things, of types said above; few rules need them all.
# ruff: noqa: ARG001, ARG005
# pyright: reportMissingParameterType=false

from __future__ import annotations

import math

import numpy as np

__all__ = ["RULES"]


def _sigmoid(a):
    # The exponent is never positive, so that nothing can overflow.
    small = np.exp(-np.abs(a))
    return np.where(a >= 0, 1, small) / (1 + small)


def _softplus(a):
    return np.logaddexp(a, 0)  # log(1 + e^a)


def _erf(a):
    # NumPy has no error function; the standard library has one for single numbers.
    return np.vectorize(math.erf, otypes=[a.dtype])(a)


def _base_part(g, y, a, b):
    # b a^(b - 1), but b a^0 where b is 0: a constant has slope 0, at a = 0 too.
    return g * b * a ** (b - (b.data != 0))


def _exponent_part(g, y, a, b):
    # y log a, with log 0 read as 0: 0 ** b stays 0 whichever way a positive b moves.
    return g * y * (a + (a.data == 0)).log()


def _won(a, b):
    """1 where `a` is larger, a half where they are equal."""
    return ((a.data > b.data) + 0.5 * (a.data == b.data)).astype(a.dtype)


def _attained(a, y, axis):
    """1 where `a` is the maximum, split evenly when several elements are."""
    attained = a.data == y.data
    return (attained / attained.sum(axis, keepdims=True)).astype(a.dtype)


def _inside(widths, a):
    """The index that cuts the padding `widths` around `a` off again."""
    pairs = zip(widths, a.shape, strict=True)
    return tuple(slice(before, before + size) for (before, _), size in pairs)


def _part(axis, start, stop):
    """The index that takes start:stop along `axis`."""
    return (slice(None),) * axis + (slice(start, stop),)


def _put(g, key, shape):
    """Zeros of `shape` with `g` added at `key`; places named twice get both."""
    result = np.zeros(shape, g.dtype)
    np.add.at(result, key, g)
    return result


def _windows(a, axis, size, stride, dilation):
    """Every window along `axis`: (..., positions, ...) and a new last axis (size)."""
    reach = dilation * (size - 1) + 1
    view = np.lib.stride_tricks.sliding_window_view(a, reach, axis)
    positions = (slice(None),) * axis + (slice(None, None, stride), ...)
    return view[(*positions, slice(None, None, dilation))]


def _fold(g, axis, size, stride, dilation, length):
    """Put windows back where they were cut out, adding up where they overlap."""
    positions = g.shape[axis]
    result = np.zeros((*g.shape[:axis], length, *g.shape[axis + 1 : -1]), g.dtype)
    for k in range(size):
        first = k * dilation
        steps = slice(first, first + stride * (positions - 1) + 1, stride)
        result[(slice(None),) * axis + (steps,)] += g[..., k]
    return result


def _long(a, settings):
    """The length of the axis that windows were cut from."""
    return {"length": a.shape[settings["axis"]]}


# fmt: off
RULES = {
    # Arithmetic, element by element.
    "add":         (np.add, lambda g, y, a, b: g, lambda g, y, a, b: g),
    "subtract":    (np.subtract, lambda g, y, a, b: g, lambda g, y, a, b: -g),
    "multiply":    (np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a),
    "divide":      (np.divide, lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b),
    "negative":    (np.negative, lambda g, y, a: -g),
    "power":       (np.power, _base_part, _exponent_part),

    # Functions of one number.
    "exp":         (np.exp, lambda g, y, a: g * y),
    "log":         (np.log, lambda g, y, a: g / a),
    "sin":         (np.sin, lambda g, y, a: g * a.apply("cos")),
    "cos":         (np.cos, lambda g, y, a: -g * a.apply("sin")),
    "tanh":        (np.tanh, lambda g, y, a: g * (1 - y * y)),
    "sigmoid":     (_sigmoid, lambda g, y, a: g * y * (1 - y)),
    "softplus":    (_softplus, lambda g, y, a: g * a.sigmoid()),
    "erf":         (_erf, lambda g, y, a: g * (-a * a).exp() * 2 / math.sqrt(math.pi)),

    # Choices: the gradient goes where the value came from.
    "maximum":     (np.maximum, lambda g, y, a, b: g * _won(a, b),
                                lambda g, y, a, b: g * _won(b, a)),
    "where":       (lambda a, b, condition: np.where(condition, a, b),
                    lambda g, y, a, b, condition: g * condition,
                    lambda g, y, a, b, condition: g * ~condition),

    # Along axes: keepdims is true, so that an axis summed over stays, with size 1.
    "sum":         (np.sum, lambda g, y, a, **s: g.expand(a.shape)),
    "max":         (np.max, lambda g, y, a, axis, keepdims: g * _attained(a, y, axis)),
    "matmul":      (np.matmul, lambda g, y, a, b: g @ b.mT,
                               lambda g, y, a, b: a.mT @ g),

    # Moving numbers about: the gradient is moved back.
    "expand":      (np.broadcast_to, lambda g, y, a, shape: g),
    "reshape":     (np.reshape, lambda g, y, a, shape: g.reshape(a.shape)),
    "transpose":   (np.transpose, lambda g, y, a, axes: g.transpose(np.argsort(axes))),
    "pad":         (np.pad, lambda g, y, a, pad_width, **s: g[_inside(pad_width, a)]),
    "concatenate": (lambda a, b, axis: np.concatenate((a, b), axis),
                    lambda g, y, a, b, axis: g[_part(axis, 0, a.shape[axis])],
                    lambda g, y, a, b, axis: g[_part(axis, a.shape[axis], None)]),

    # Pairs: each is the gradient of the other.
    "index":       (lambda a, key: a[key],
                    lambda g, y, a, key: g.apply("put", key=key, shape=a.shape)),
    "put":         (_put, lambda g, y, a, key, shape: g[key]),
    "windows":     (_windows, lambda g, y, a, **s: g.apply("fold", **s, **_long(a, s))),
    "fold":        (_fold, lambda g, y, a, length, **s: g.apply("windows", **s)),
}
# fmt: on
