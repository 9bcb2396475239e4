"""Noise that acts in training only."""

import torch
from jaxtyping import Float
from torch import Tensor

from mica.layers.arguments import fraction
from mica.layers.elementwise import Elementwise

__all__ = ["Dropout"]


class Dropout(Elementwise):
    """In training, each value is set to 0 by chance; the others grow to make up for it.

    y = x m / (1 - rate), m ~ Bernoulli(1 - rate)     in training
    y = x                                             otherwise, or when rate is 0

    The expected value of y is x, so nothing changes when the network is used.

    Args:
        rate: The chance that a value is dropped, from 0 to below 1.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *shape)

    Raises:
        ConfigError: ``rate`` is not a number from 0 to below 1.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> layer = Dropout(0.5)
        >>> layer.eval()(torch.ones(4))
        tensor([1., 1., 1., 1.])
        >>> sorted(set(layer.train()(torch.ones(100)).tolist()))
        [0.0, 2.0]

    Source:
        Srivastava et al. 2014, section 10 (the scale is applied in training).
    """

    def __init__(self, rate: float, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.rate = fraction(rate, self.where, "rate")

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Drop values by chance in training; the shape stays."""
        if self.training and self.rate > 0.0:
            return torch.dropout(x, self.rate, True)
        return x
