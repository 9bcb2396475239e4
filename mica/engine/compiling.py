"""Compiling: torch.compile, and whether it is reading the code at this moment."""

import warnings

import torch
from torch import nn

__all__ = ["compile_network", "is_compiling"]


def compile_network(network: nn.Module) -> nn.Module:
    """Let torch.compile fuse what a network does, when it is first called.

    Args:
        network: Any module; its weights are shared.

    Returns:
        A module that computes the same.

    Example:
        >>> network = nn.Linear(1, 1)
        >>> compile_network(network)._orig_mod is network
        True
    """
    with warnings.catch_warnings():
        # Torch's compiler still imports parts of torch that warn of their own end.
        warnings.simplefilter("ignore", DeprecationWarning)
        # NOTE: torch's types promise a callable only; given a module it is a module.
        return torch.compile(network)  # pyright: ignore[reportReturnType]


def is_compiling() -> bool:
    """Tell whether torch.compile traces this call: values cannot be looked at then.

    Returns:
        Whether it does.

    Example:
        >>> is_compiling()
        False
    """
    return torch.compiler.is_compiling()
