"""Calling kernels: when they may stand in for torch's operations, and by how many."""

import ctypes
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

__all__ = [
    "are_allowed",
    "differentiate",
    "fields",
    "is_plain",
    "is_transformed",
    "is_watched",
    "threads_for",
    "wants_gradient",
    "without_kernels",
]

_allowed: ContextVar[bool] = ContextVar("allowed", default=True)


@contextmanager
def without_kernels() -> Iterator[None]:
    """Take torch's own path inside the scope.

    Example:
        >>> with without_kernels():
        ...     are_allowed()
        False
    """
    token = _allowed.set(False)
    try:
        yield
    finally:
        _allowed.reset(token)


def are_allowed() -> bool:
    """Tell whether kernels may be used: not inside `without_kernels`.

    Example:
        >>> are_allowed()
        True
    """
    return _allowed.get()


def fields(numbers: str, tensors: str) -> list[tuple[str, Any]]:
    """Describe a struct of C: 64-bit numbers, then addresses.

    Args:
        numbers: Names, divided by spaces.
        tensors: The same.

    Returns:
        As `ctypes.Structure` wants it.

    Example:
        >>> [name for name, _ in fields("rows", "x y")]
        ['rows', 'x', 'y']
    """
    return [(name, ctypes.c_int64) for name in numbers.split()] + [
        (name, ctypes.c_void_p) for name in tensors.split()
    ]


class _Process:
    """Whether this process was forked: threads of OpenMP do not survive that."""

    forked = False

    @classmethod
    def note_fork(cls) -> None:
        cls.forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_Process.note_fork)


def threads_for(parts: int) -> int:
    """Say how many threads share some parts of work.

    Args:
        parts: Rows, say; a thread takes some of its own.

    Returns:
        At least 1, at most what torch uses.

    Example:
        >>> threads_for(1)
        1
    """
    return 1 if _Process.forked else max(1, min(torch.get_num_threads(), parts))


def is_plain(tensor: Tensor) -> bool:
    """Tell whether a tensor has numbers of its own, in float32, in main memory.

    Args:
        tensor: Any tensor.

    Example:
        >>> is_plain(torch.zeros(1)), is_plain(torch.zeros(1).double())
        (True, False)
    """
    return (
        type(tensor) in (Tensor, torch.nn.Parameter)
        and tensor.dtype == torch.float32
        and tensor.device.type == "cpu"
        and tensor.layout == torch.strided
        and forward_ad.unpack_dual(tensor).tangent is None
    )


def is_transformed() -> bool:
    """Tell whether torch records or transforms: then only its operations will do.

    Example:
        >>> is_transformed()
        False
    """
    functorch = vars(torch._C)["_functorch"]  # torch tells of its stack only here
    return torch.jit.is_tracing() or functorch.peek_interpreter_stack() is not None


def is_watched() -> bool:
    """Tell whether a mode wants to see torch's operations.

    One that only watches memory says so: it has `computes_as_before`.

    Example:
        >>> is_watched()
        False
    """
    return any(
        not getattr(mode, "computes_as_before", False)
        for mode in _get_current_dispatch_mode_stack()
    )


def wants_gradient(tensors: Sequence[Tensor | None]) -> bool:
    """Tell whether a result of these tensors must know where it came from.

    Args:
        tensors: What it is made of; `None` counts nothing.

    Example:
        >>> wants_gradient([torch.zeros(1), None])
        False
    """
    wanted = any(tensor is not None and tensor.requires_grad for tensor in tensors)
    return wanted and torch.is_grad_enabled()


def differentiate(
    formula: Any,
    inputs: Sequence[Any],
    wanted: Sequence[bool],
    slopes: Sequence[Tensor | None],
) -> tuple[Tensor | None, ...]:
    """Give a gradient by torch's operations, which have gradients themselves.

    Args:
        formula: What a kernel computes, in torch's operations: a tuple of tensors.
        inputs: What it was given.
        wanted: Whether the gradient by each input is asked for.
        slopes: Of the loss by each result; `None` where it does not depend on it.

    Returns:
        A gradient for each input, or `None`.

    Example:
        >>> x = torch.ones(1, requires_grad=True)
        >>> differentiate(lambda x: (x * x,), [x], [True], [torch.ones(1)])
        (tensor([2.], grad_fn=<AddBackward0>),)
    """
    with torch.enable_grad():
        made = formula(*inputs)
    pairs = [pair for pair in zip(made, slopes, strict=True) if pair[1] is not None]
    sources = [source for source, keep in zip(inputs, wanted, strict=True) if keep]
    found = iter(
        torch.autograd.grad(
            [one for one, _ in pairs], sources, [slope for _, slope in pairs],
            create_graph=True, allow_unused=True,
        )
    )  # fmt: skip
    return tuple(next(found) if is_wanted else None for is_wanted in wanted)
