"""Updates of weights in one pass: the C kernels for optimizers torch does not fuse."""

import ctypes
import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mica.engine.kernels.recurrent import LIBRARY

__all__ = ["has_update_kernels", "run_rmsprop"]


class _RMSpropFields(ctypes.Structure):
    """`struct rmsprop` of rmsprop.c."""

    _fields_ = (
        ("count", ctypes.c_int64),
        ("rate", ctypes.c_float),
        ("rho", ctypes.c_float),
        ("momentum", ctypes.c_float),
        ("epsilon", ctypes.c_float),
        ("sizes", ctypes.c_void_p),
        ("weights", ctypes.c_void_p),
        ("gradients", ctypes.c_void_p),
        ("squares", ctypes.c_void_p),
        ("means", ctypes.c_void_p),
        ("steps", ctypes.c_void_p),
    )


@functools.cache
def _rmsprop() -> Any:
    """The function of the library with its types, or None."""
    library = LIBRARY.load()
    if library is None:
        return None
    library.mica_rmsprop.argtypes = [ctypes.POINTER(_RMSpropFields)]
    library.mica_rmsprop.restype = None
    return library.mica_rmsprop


def has_update_kernels() -> bool:
    """Tell whether there are kernels here; makes them at the first call.

    Returns:
        Whether a C compiler made them, now or before.

    Example:
        >>> isinstance(has_update_kernels(), bool)
        True
    """
    return _rmsprop() is not None


def _go_together(tensors: Sequence[Tensor]) -> bool:
    """Whether tensors of one weight are float32, without gaps, in the same order."""
    plain = all(
        each.dtype is torch.float32
        and each.device.type == "cpu"
        and each.layout is torch.strided
        for each in tensors
    )
    if not plain:
        return False
    if all(each.is_contiguous() for each in tensors):
        return True
    last = torch.channels_last
    return tensors[0].dim() == 4 and all(
        each.is_contiguous(memory_format=last) for each in tensors
    )


def _addresses(tensors: Sequence[Tensor]) -> Any:
    return (ctypes.c_void_p * len(tensors))(*(each.data_ptr() for each in tensors))


def run_rmsprop(
    weights: Sequence[Tensor],
    gradients: Sequence[Tensor],
    squares: Sequence[Tensor],
    means: Sequence[Tensor] | None = None,
    steps: Sequence[Tensor] | None = None,
    *,
    rate: float,
    rho: float,
    momentum: float = 0.0,
    epsilon: float = 1e-7,
) -> bool:
    """Change weights as RMSprop does, and its running tensors, all in place.

    The formula is `mica.optimizers.RMSprop`'s.

    Args:
        weights: On the processor, in float32.
        gradients: One for each weight, as all that follow.
        squares: Running means of the squared gradients.
        means: Of the gradients, for the centered form.
        steps: The steps before, for momentum.
        rate: Learning rate.
        rho: Share of the running means that is kept.
        momentum: Share of the last step that is kept.
        epsilon: Added to the mean square.

    Returns:
        Whether it was done: False without a compiler, or when a tensor is of another
        kind. Nothing is changed then.

    Example:
        >>> weight = torch.ones(1)
        >>> done = run_rmsprop(
        ...     [weight], [torch.ones(1)], [torch.zeros(1)], rate=0.1, rho=0.75
        ... )
        >>> round(weight.item(), 6) == (0.8 if done else 1.0)
        True
    """
    kernel = _rmsprop()
    columns = [
        column
        for column in (weights, gradients, squares, means, steps)
        if column is not None
    ]
    if kernel is None or not all(map(_go_together, zip(*columns, strict=True))):
        return False
    held = [
        None if column is None else _addresses(column)
        for column in (weights, gradients, squares, means, steps)
    ]
    sizes = (ctypes.c_int64 * len(weights))(*(each.numel() for each in weights))
    kernel(
        _RMSpropFields(
            len(weights),
            rate,
            rho,
            momentum,
            epsilon,
            ctypes.addressof(sizes),
            *(None if each is None else ctypes.addressof(each) for each in held),
        )
    )
    # As torch's own operations do: a graph that saved these weights is stale now.
    torch.autograd.graph.increment_version(weights)
    return True
