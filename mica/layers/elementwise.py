"""Elementwise: the base of layers that keep the shape, whatever it is."""

from typing import Any, ClassVar

import torch

from mica.layers.inputs import check_floating, check_rank
from mica.layers.layer import Layer

__all__ = ["Elementwise"]


class Elementwise(Layer):
    """A layer without weights: floating-point numbers in, the same shape out.

    Abstract: write `forward`.

    Args:
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *shape)

    Raises:
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> class Cube(Elementwise):
        ...     def forward(self, x):
        ...         return x**3
        >>> Cube()(torch.tensor([2.0]))
        tensor([8.])
    """

    passes_mask: ClassVar[bool] = True

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input that is no floating-point tensor."""
        check_rank(self.where, shape, "", at_least=True)
        check_floating(self.where, dtype)
