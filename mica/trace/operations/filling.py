"""Filling: tensors of numbers that depend on nothing."""

# The table is read by its columns: one line each, however long.
# ruff: noqa: E501
# pyright: reportMissingParameterType=false

from __future__ import annotations

import numpy as np

from mica.reference import Tensor
from mica.trace.operations.operands import array_of, cast, tensor_of
from mica.trace.operations.rule import Row

__all__ = ["FILLING"]


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
    return array if dtype is None else array_of(cast(Tensor(array), dtype))


# fmt: off
FILLING: list[Row] = [
    ("full", "one number, repeated", "{1}", _made(None)),
    ("full_like", "one number, repeated", "{1}", _made(None)),
    ("zeros", "zeros", "0", _made(0)),
    ("zeros_like", "zeros", "0", _made(0)),
    ("ones", "ones", "1", _made(1)),
    ("ones_like", "ones", "1", _made(1)),
    ("scalar_tensor", "a number", "{0}", lambda x, dtype=None, **_: array_of(cast(tensor_of(x), dtype))),
    ("arange", "count", "0, 1, 2, ...", _counted),
    ("eye", "ones on the diagonal", "identity", lambda n, m=None, **_: np.eye(n, m)),
]
# fmt: on
