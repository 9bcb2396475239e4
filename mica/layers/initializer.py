"""Initializer: a rule for the first values of a weight."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mica.registry import Configurable

__all__ = ["Initializer", "draw"]


class Initializer(Configurable):
    """A rule for the first values of a weight; it fills a tensor in place.

    Write `fill` in a subclass; a plain function of a tensor works as well.

    Example:
        >>> from mica.layers.initializers import ones
        >>> weight = torch.empty(2)
        >>> ones().fill(weight)
        >>> weight
        tensor([1., 1.])
    """

    def fill(self, tensor: Tensor, fans: tuple[int, int] | None = None) -> None:
        """Write the first values; the caller has switched gradients off.

        Args:
            tensor: What is filled.
            fans: (inputs, outputs) of one value; `None` takes them from the shape.
        """
        raise NotImplementedError


def draw(tensor: Tensor, write: Callable[[Tensor], Any]) -> None:
    """Draw in float32 at least: half types are too coarse for tails and roots.

    Args:
        tensor: What is filled.
        write: Fills a tensor of at least float32.
    """
    if tensor.element_size() >= 4:  # bytes of a float32
        write(tensor)
        return
    values = torch.empty(tensor.shape, dtype=torch.float32, device=tensor.device)
    write(values)
    tensor.copy_(values)
