"""Whether torch.compile is reading the code at this moment."""

import torch

__all__ = ["is_compiling"]


def is_compiling() -> bool:
    """Tell whether torch.compile traces this call: values cannot be looked at then.

    Returns:
        Whether it does.

    Example:
        >>> is_compiling()
        False
    """
    return torch.compiler.is_compiling()
