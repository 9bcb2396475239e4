"""Layers: functions with parameters, the tensors that training may change."""

# Each class says what calling it does.
# ruff: noqa: D102

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from mica.reference import functions
from mica.reference.functions import Sizes
from mica.reference.tensor import Tensor, TensorLike

__all__ = [
    "BatchNorm", "Conv2D", "Embedding", "LSTMCell", "Layer", "LayerNorm", "Linear",
    "RNNCell", "Sequential",
]  # fmt: skip

Random = np.random.Generator


def _uniform(random: Random, fan_in: int, *shape: int) -> Tensor:
    """Uniform in +-1 / sqrt(fan_in): sums of fan_in terms keep a common size."""
    limit = 1 / math.sqrt(fan_in)
    return Tensor(random.uniform(-limit, limit, shape), requires_gradient=True)


def _filled(value: float, size: int) -> Tensor:
    return Tensor(np.full(size, value), requires_gradient=True)


class Layer:
    """What can be called and has parameters: its own, and those of layers in it."""

    def parameters(self) -> list[Tensor]:
        """Every tensor to be trained, in the order of the attributes."""
        found: list[Tensor] = []
        for value in vars(self).values():
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, Layer):
                    found += part.parameters()
                elif isinstance(part, Tensor) and part.requires_gradient:
                    found.append(part)
        return found


class Linear(Layer):
    """The map x W + b: (..., features) -> (..., units), with W (features, units)."""

    def __init__(self, features: int, units: int, random: Random):
        self.weight = _uniform(random, features, features, units)
        self.bias = _filled(0.0, units)

    def __call__(self, x: Tensor) -> Tensor:
        return x @ self.weight + self.bias


class Sequential(Layer):
    """One layer (or plain function) after another."""

    def __init__(self, *layers: Callable[[Tensor], Tensor]):
        self.layers = list(layers)

    def __call__(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class Conv2D(Layer):
    """Learned filters over a picture: (B, H, W, channels) -> (B, H', W', filters).

    Settings are those of `functions.convolve`.
    """

    def __init__(
        self, channels: int, filters: int, size: Sizes, random: Random, **settings: Any
    ):
        height, width = (size, size) if isinstance(size, int) else size
        shape = (filters, channels // settings.get("groups", 1), height, width)
        self.weight = _uniform(random, math.prod(shape[1:]), *shape)
        self.bias = _filled(0.0, filters)
        self.settings = settings

    def __call__(self, x: Tensor) -> Tensor:
        return functions.convolve(x, self.weight, self.bias, **self.settings)


class Embedding(Layer):
    """A row of learned numbers for each word: indices (...) -> (..., features)."""

    def __init__(self, vocabulary: int, features: int, random: Random):
        rows = random.normal(0, 1, (vocabulary, features))
        self.weight = Tensor(rows, requires_gradient=True)

    def __call__(self, words: TensorLike) -> Tensor:
        return functions.gather(self.weight, words)


class RNNCell(Layer):
    """One step of a recurrent network: h' = tanh(x W + b + h U)."""

    def __init__(self, features: int, units: int, random: Random):
        self.input = Linear(features, units, random)
        self.recurrent = _uniform(random, units, units, units)

    def __call__(self, x: Tensor, hidden: Tensor) -> Tensor:
        return (self.input(x) + hidden @ self.recurrent).tanh()


class LSTMCell(Layer):
    """One step of a recurrent network with a memory that gates guard.

    i, f, o = sigmoid(x W + b + h U)      u = tanh(x W + b + h U)
    c' = f c + i u                        h' = o tanh(c')

    Only a product with f stands between one memory c and the next, which is why its
    gradient can travel far back through time.
    """

    def __init__(self, features: int, units: int, random: Random):
        # One product for all four; columns: i, f, u, o.
        self.input = Linear(features, 4 * units, random)
        self.recurrent = _uniform(random, units, units, 4 * units)

    def __call__(self, x: Tensor, hidden: Tensor, memory: Tensor):
        sums = self.input(x) + hidden @ self.recurrent
        units = hidden.shape[-1]
        i, f, u, o = (sums[:, n : n + units] for n in range(0, 4 * units, units))
        memory = f.sigmoid() * memory + i.sigmoid() * u.tanh()
        return o.sigmoid() * memory.tanh(), memory


class LayerNorm(Layer):
    """Mean 0 and variance 1 for each example, then a learned scale and shift."""

    def __init__(self, features: int):
        self.scale, self.shift = _filled(1.0, features), _filled(0.0, features)

    def __call__(self, x: Tensor) -> Tensor:
        mean, variance = x.mean(-1, True), functions.variance(x, -1, True)
        return functions.normalize(x, mean, variance) * self.scale + self.shift


class BatchNorm(Layer):
    """Mean 0 and variance 1 for each channel, then a learned scale and shift.

    While `training`, the statistics are the batch's own, and moving averages of them
    are kept; afterwards these are used.
    """

    def __init__(self, channels: int, momentum: float = 0.9):
        self.scale, self.shift = _filled(1.0, channels), _filled(0.0, channels)
        self.moving = np.zeros(channels), np.ones(channels)
        self.momentum, self.training = momentum, True

    def __call__(self, x: Tensor) -> Tensor:
        mean, variance = self.moving
        if self.training:
            axes, keep = range(x.ndim - 1), self.momentum
            batch = x.mean(axes), functions.variance(x, axes)
            pairs = zip(self.moving, batch, strict=True)
            self.moving = tuple(keep * m + (1 - keep) * new.data for m, new in pairs)
            mean, variance = batch
        return functions.normalize(x, mean, variance) * self.scale + self.shift
