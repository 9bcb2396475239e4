"""Operands: what an operation is handed, as tensors, arrays, numbers and axes."""

# pyright: reportMissingParameterType=false

from __future__ import annotations

import numpy as np

from mica.reference import Tensor

__all__ = ["array_of", "axes_of", "cast", "real", "tensor_of"]


def array_of(x):
    """A tensor's numbers, or a plain value, as an array."""
    return x.data if isinstance(x, Tensor) else np.asarray(x)


def tensor_of(x):
    """A tensor as it is; a plain value as one that learns nothing."""
    return x if isinstance(x, Tensor) else Tensor(np.asarray(x))


def axes_of(dim, rank):
    """The axes an operation runs over: all of them for none given."""
    if dim is None or dim == []:
        return tuple(range(rank))
    return tuple(d % max(rank, 1) for d in ([dim] if isinstance(dim, int) else dim))


def real(a):
    """Whole numbers and yes or no become numbers with a point."""
    a = tensor_of(a)
    return a if a.dtype.kind == "f" else Tensor(a.data.astype(np.float64))


def cast(x, dtype=None, **_):
    """Numbers of another type: an array where they no longer have a slope."""
    x = tensor_of(x)
    name = str(dtype).rpartition(".")[2] if dtype is not None else x.dtype.name
    kind = np.dtype(name)
    if kind.kind == "f":
        return x if x.dtype.kind == "f" else Tensor(x.data.astype(np.float64))
    return x.data.astype(kind)
