"""Updates of weights in one pass: C kernels for what torch does not do as fast."""

import ctypes
import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mica.engine.kernels.building import KernelLibrary

__all__ = ["AdamKernel", "has_update_kernels", "run_rmsprop"]

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


class AdamKernel:
    """Adam's update of some weights, all in place, in one call of a kernel.

    The formula is `mica.optimizers.Adam`'s, with its decoupled decay. What does not
    change from step to step is made ready once: for a small network, that takes longer
    than the update.

    Example:
        >>> weight, zero = torch.ones(1), torch.zeros(1)
        >>> done = AdamKernel().run(
        ...     [weight], [torch.ones(1)], [zero.clone()], [zero.clone()], [zero],
        ...     rate=0.25, betas=(0.9, 0.99),
        ... )
        >>> round(weight.item(), 4) == (0.75 if done else 1.0)
        True
    """

    def __init__(self) -> None:
        self._known: list[Any] = []  # addresses and forms that were found good
        self._fields = _AdamFields()
        self._gradients: Any = None
        self._held: list[Any] = []

    def run(
        self,
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
        """Change weights, and their running tensors.

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
            Whether it was done: False without a compiler, or when a tensor is of
            another kind. Nothing is changed then.
        """
        library = _kernels()
        if library is None:
            return False
        columns = (weights, means, squares, steps)
        known: list[Any] = [each.data_ptr() for column in columns for each in column]
        for weight in weights:  # another tensor may come to lie at an address
            known += [weight.dtype, weight.shape, weight.stride()]
        if known != self._known and not self._make_ready(known, *columns):
            return False
        for weight, gradient in zip(weights, gradients, strict=True):
            if gradient.dtype is not torch.float32 or not gradient.is_cpu:
                return False
            if gradient.layout is not torch.strided:
                return False
            if gradient.stride() != weight.stride():
                return False
        self._gradients[:] = [each.data_ptr() for each in gradients]
        fields = self._fields
        fields.rate, fields.epsilon, fields.decay = rate, epsilon, decay
        fields.beta_1, fields.beta_2 = betas
        library.mica_adam(fields)
        # As torch's own operations do: a graph that saved these weights is stale now.
        torch.autograd.graph.increment_version(weights)
        return True

    def _make_ready(
        self,
        known: list[Any],
        weights: Sequence[Tensor],
        means: Sequence[Tensor],
        squares: Sequence[Tensor],
        steps: Sequence[Tensor],
    ) -> bool:
        self._known = []
        counted = all(each.dtype is torch.float32 and each.is_cpu for each in steps)
        rows = zip(weights, means, squares, strict=True)
        if not counted or not all(map(_go_together, rows)):
            return False
        held = [_sizes(weights), *map(_addresses, (weights, means, squares, steps))]
        self._gradients = (ctypes.c_void_p * len(weights))()
        fields = self._fields
        fields.count = len(weights)
        names = ("sizes", "weights", "means", "squares", "steps", "gradients")
        for name, array in zip(names, [*held, self._gradients], strict=True):
            setattr(fields, name, ctypes.addressof(array))
        # Arrays live as long as the fields, and what is held is at no other's address.
        self._held, self._known = [*held, *means, *squares, *steps], known
        return True
