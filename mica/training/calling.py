"""Calling a module with nested inputs, in the mode that is meant."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn

from mica.engine import Precision, precision_scope
from mica.layers import Layer

__all__ = ["call", "evaluation_mode", "number_scope", "training_mode"]

_NUMBERS: dict[torch.dtype, Precision] = {
    torch.float32: "float32",
    torch.float64: "float64",
}


def call(module: nn.Module, x: Any) -> Any:
    """Call a module with one batch of inputs.

    Args:
        module: Any torch module.
        x: A tensor is the one argument; a tuple or list gives the arguments in order;
            a dict gives them by name.

    Returns:
        The outputs, nested as the module gives them.

    Example:
        >>> import torch
        >>> call(nn.Bilinear(2, 2, 1), (torch.ones(3, 2), torch.ones(3, 2))).shape
        torch.Size([3, 1])
    """
    if isinstance(x, (tuple, list)):
        return module(*x)
    if isinstance(x, dict):
        return module(**x)
    return module(x)


@contextmanager
def evaluation_mode(module: nn.Module) -> Iterator[None]:
    """Switch dropout and the like off inside the block; the modes return after it.

    Args:
        module: Any torch module.
    """
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def number_scope(module: nn.Module) -> AbstractContextManager[object]:
    """Read data in the type of a module's weights, float32 or float64, inside a block.

    Args:
        module: Any torch module; one without weights keeps torch's default.

    Returns:
        A context manager.

    Example:
        >>> import torch
        >>> with number_scope(nn.Linear(1, 1).double()):
        ...     torch.zeros(1).dtype
        torch.float64
    """
    dtypes = (each.dtype for each in module.parameters() if each.is_floating_point())
    dtype = next(dtypes, None)
    if dtype not in _NUMBERS or dtype == torch.get_default_dtype():
        return nullcontext()
    return precision_scope(_NUMBERS[dtype])


def training_mode(module: nn.Module) -> None:
    """Switch dropout and the like on, except in layers that are frozen.

    A frozen batch normalization keeps its statistics, as in Keras.

    Args:
        module: Any torch module.

    Example:
        >>> module = nn.Dropout(0.5).eval()
        >>> training_mode(module)
        >>> module.training
        True
    """
    module.train()
    # From the outside in: a part that was freed inside a frozen one learns.
    for part in module.modules():
        if isinstance(part, Layer) and part.trainable != part.training:
            part.train(part.trainable)
