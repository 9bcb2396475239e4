"""Questions: operations that compare, choose and point; an answer has no slope."""

# Every function is handed what torch's operation of that name takes; few need all.
# ruff: noqa: ARG005
# pyright: reportMissingParameterType=false

from __future__ import annotations

import numpy as np

from mica.reference import functions as f
from mica.trace.operations.operands import array_of, axes_of
from mica.trace.operations.rule import Row

__all__ = ["QUESTIONS"]


def _compared(function):
    """An operation without a slope: a function of plain arrays."""
    return lambda *args, **kwargs: function(*map(array_of, args))


def _whether(function):
    def compute(x, dim=None, keepdim=False):
        return function(x.data, axis=axes_of(dim, x.ndim), keepdims=keepdim)

    return compute


def _position(function):
    def compute(x, dim=None, keepdim=False):
        return function(x.data, axis=dim, keepdims=keepdim)

    return compute


# fmt: off
QUESTIONS: list[Row] = [
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
]
# fmt: on
