"""Masking: which steps of a sequence are real, told from their values."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from mica.layers.arguments import real_number
from mica.layers.inputs import check_floating, check_rank
from mica.layers.layer import Layer

__all__ = ["Masking"]


class Masking(Layer):
    """Steps in which every feature has a certain value are taken for padding.

    real[b, t] = any over f of x[b, t, f] != mask_value
    y[b, t, f] = x[b, t, f] where real, else 0

    The mask travels with y to the layers that follow, up to the loss.

    Args:
        mask_value: The value of padding.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, time, features)
        mask: (batch, time)

    Raises:
        ConfigError: ``mask_value`` is not a number.
        ShapeError: x has fewer than three axes.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> layer = Masking(mask_value=-1.0)
        >>> x = torch.tensor([[[1.0, -1.0], [-1.0, -1.0]]])
        >>> layer.compute_mask(x)
        tensor([[ True, False]])
        >>> layer(x)
        tensor([[[ 1., -1.],
                 [ 0.,  0.]]])
    """

    def __init__(self, mask_value: float = 0.0, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.mask_value = real_number(mask_value, self.where, "mask_value")

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input that is no sequence."""
        check_rank(self.where, shape, "batch time features", at_least=True)
        check_floating(self.where, dtype)

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Find the steps that are real.

        Args:
            x: The sequences.
            mask: What was known before; a step must be real in both.

        Returns:
            (batch, time) of truth values.
        """
        real = torch.ne(x, self.mask_value).any(-1)
        return real if mask is None else torch.logical_and(real, mask)

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Set padding to zero; the shape stays."""
        real = (x != self.mask_value).any(-1, keepdim=True)
        return torch.where(real, x, torch.zeros_like(x))
