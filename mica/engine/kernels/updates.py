"""Updates of weights in one pass: C kernels for what torch does not do as fast."""

import ctypes
import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mica.engine.kernels.building import KernelLibrary

__all__ = ["has_update_kernels", "run_adam", "run_rmsprop"]

LIBRARY = KernelLibrary(names=("adam.c", "rmsprop.c"))


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


class _AdamFields(ctypes.Structure):
    """`struct adam` of adam.c."""

    _fields_ = (
        ("count", ctypes.c_int64),
        ("rate", ctypes.c_double),
        ("beta_1", ctypes.c_double),
        ("beta_2", ctypes.c_double),
        ("epsilon", ctypes.c_double),
        ("decay", ctypes.c_double),
        ("sizes", ctypes.c_void_p),
        ("weights", ctypes.c_void_p),
        ("gradients", ctypes.c_void_p),
        ("means", ctypes.c_void_p),
        ("squares", ctypes.c_void_p),
        ("steps", ctypes.c_void_p),
    )


@functools.cache
def _kernels() -> ctypes.CDLL | None:
    """The library with the types of its functions, or None."""
    library = LIBRARY.load()
    if library is None:
        return None
    for name, kind in (("rmsprop", _RMSpropFields), ("adam", _AdamFields)):
        function = getattr(library, f"mica_{name}")
        function.argtypes = [ctypes.POINTER(kind)]
        function.restype = None
    return library


def has_update_kernels() -> bool:
    """Tell whether there are kernels here; makes them at the first call.

    Returns:
        Whether a C compiler made them, now or before.

    Example:
        >>> isinstance(has_update_kernels(), bool)
        True
    """
    return _kernels() is not None


def _go_together(tensors: Sequence[Tensor]) -> bool:
    """Whether tensors of one weight are float32, without gaps, in the same order."""
    for each in tensors:
        known = each.dtype is torch.float32 and each.is_cpu
        if not (known and each.layout is torch.strided):
            return False
    if all(each.is_contiguous() for each in tensors):
        return True
    last = torch.channels_last
    return tensors[0].dim() == 4 and all(
        each.is_contiguous(memory_format=last) for each in tensors
    )


def _addresses(tensors: Sequence[Tensor]) -> Any:
    return (ctypes.c_void_p * len(tensors))(*(each.data_ptr() for each in tensors))


def _sizes(tensors: Sequence[Tensor]) -> Any:
    return (ctypes.c_int64 * len(tensors))(*(each.numel() for each in tensors))


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
    library = _kernels()
    columns = [
        column
        for column in (weights, gradients, squares, means, steps)
        if column is not None
    ]
    if library is None or not all(map(_go_together, zip(*columns, strict=True))):
        return False
    held = [
        None if column is None else _addresses(column)
        for column in (weights, gradients, squares, means, steps)
    ]
    sizes = _sizes(weights)
    library.mica_rmsprop(
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


def run_adam(
    weights: Sequence[Tensor],
    gradients: Sequence[Tensor],
    means: Sequence[Tensor],
    squares: Sequence[Tensor],
    steps: Sequence[Tensor],
    *,
    rate: float,
    betas: tuple[float, float],
    epsilon: float = 1e-7,
    decay: float = 0.0,
) -> bool:
    """Change weights as Adam does, and its running tensors, all in place.

    The formula is `mica.optimizers.Adam`'s, with its decoupled decay.

    Args:
        weights: On the processor, in float32.
        gradients: One for each weight, as all that follow.
        means: Running means of the gradients.
        squares: Of the squared gradients.
        steps: How many updates there were; one is added.
        rate: Learning rate.
        betas: Shares of the running means that are kept.
        epsilon: Added to the root.
        decay: Share of a weight lost at a rate of 1.

    Returns:
        Whether it was done: False without a compiler, or when a tensor is of another
        kind. Nothing is changed then.

    Example:
        >>> weight, zero = torch.ones(1), torch.zeros(1)
        >>> done = run_adam(
        ...     [weight], [torch.ones(1)], [zero.clone()], [zero.clone()], [zero],
        ...     rate=0.25, betas=(0.9, 0.99),
        ... )
        >>> round(weight.item(), 4) == (0.75 if done else 1.0)
        True
    """
    library = _kernels()
    rows = zip(weights, gradients, means, squares, strict=True)
    if library is None or not all(map(_go_together, rows)):
        return False
    if not all(each.dtype is torch.float32 and each.is_cpu for each in steps):
        return False
    held = [
        _addresses(column) for column in (weights, gradients, means, squares, steps)
    ]
    sizes = _sizes(weights)
    library.mica_adam(
        _AdamFields(
            len(weights),
            rate,
            *betas,
            epsilon,
            decay,
            ctypes.addressof(sizes),
            *map(ctypes.addressof, held),
        )
    )
    torch.autograd.graph.increment_version(weights)
    return True
