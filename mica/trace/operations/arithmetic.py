"""Arithmetic: numbers put together one by one, and functions of one number."""

# Every function is handed what torch's operation of that name takes; few need all.
# The table is read by its columns: one line each, however long.
# ruff: noqa: ARG005, E501
# pyright: reportMissingParameterType=false

from __future__ import annotations

import math

import numpy as np

from mica.reference import functions as f
from mica.trace.operations.operands import array_of, real, tensor_of
from mica.trace.operations.rule import Row

__all__ = ["ARITHMETIC"]


def _add(a, b, alpha=1):
    return tensor_of(a) + (tensor_of(b) if alpha == 1 else tensor_of(b) * alpha)


def _subtract(a, b, alpha=1):
    return tensor_of(a) - (tensor_of(b) if alpha == 1 else tensor_of(b) * alpha)


def _divide(a, b, rounding_mode=None):
    if rounding_mode is None:
        return real(a) / b
    rounds = {"floor": np.floor, "trunc": np.trunc}[rounding_mode]
    return rounds(array_of(a) / array_of(b)).astype(
        np.result_type(array_of(a), array_of(b))
    )


def _modulo(function):
    def compute(a, b):
        if tensor_of(a).dtype.kind != "f":
            return {np.floor: np.remainder, np.trunc: np.fmod}[function](
                array_of(a), array_of(b)
            )
        return a - function(array_of(a) / array_of(b)) * tensor_of(b)

    return compute


def _clamp(x, low=None, high=None):
    inside = np.ones(x.shape, bool)
    values = x.data
    for bound, outside, choose in (
        (low, np.less, np.maximum),
        (high, np.greater, np.minimum),
    ):
        if bound is not None:
            inside &= ~outside(x.data, array_of(bound))
            values = choose(values, array_of(bound))
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


def _flat(function):
    """An operation with slope 0 wherever it has one: rounding, the sign."""

    def compute(x, **_):
        if array_of(x).dtype.kind != "f":
            return function(array_of(x))
        # Nowhere chosen, so that zeros flow back.
        return f.where(np.zeros(x.shape, bool), x, function(x.data))

    return compute


# fmt: off
ARITHMETIC: list[Row] = [
    # Arithmetic, element by element.
    ("add", "add", "{0} + {1}", _add),
    ("sub", "subtract", "{0} - {1}", _subtract),
    ("rsub", "subtract from", "{1} - {0}", lambda a, b, alpha=1: _subtract(b, a, alpha)),
    ("mul", "multiply", "{0} * {1}", lambda a, b: tensor_of(a) * b),
    ("div", "divide", "{0} / {1}", _divide),
    ("pow", "raise to a power", "{0} ^ {1}", lambda a, b: tensor_of(a) ** b),
    ("neg", "change the sign", "-{0}", lambda x: -x),
    ("reciprocal", "one divided by it", "1 / {0}", lambda x: 1.0 / x),
    ("abs", "size without the sign", "|{0}|", lambda x: x * np.sign(x.data)),
    ("sqrt", "square root", "sqrt({0})", lambda x: real(x) ** 0.5),
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
    ("log", "natural logarithm", "log({0})", lambda x: real(x).log()),
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
]
# fmt: on
