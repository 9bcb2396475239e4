"""Optimizers: how a gradient changes a parameter. They work on plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from mica.reference.tensor import Tensor

__all__ = ["SGD", "Adam", "Optimizer", "RMSprop"]

Array: TypeAlias = np.ndarray
Tensors: TypeAlias = Sequence[Tensor]


class Optimizer:
    """Changes parameters by their gradients, one `step` at a time."""

    def __init__(self, parameters: Tensors, rate: float, *numbers: float):
        self.parameters, self.rate, self.numbers = list(parameters), rate, numbers
        self.steps = 0
        # Two memories of the past for each parameter.
        self.first = [np.zeros_like(p.data) for p in self.parameters]
        self.second = [np.zeros_like(p.data) for p in self.parameters]

    def _change(self, g: Array, first: Array, second: Array) -> Array:
        """What gradient `g` takes off its parameter, before the learning rate."""
        raise NotImplementedError

    def step(self) -> None:
        """Change every parameter that a gradient reached, and forget the gradients."""
        self.steps += 1
        memories = zip(self.parameters, self.first, self.second, strict=True)
        for p, first, second in memories:
            if p.gradient is not None:
                # A new array: the graph of the step before keeps the old one.
                p.data = p.data - self.rate * self._change(
                    p.gradient.data, first, second
                )
            p.gradient = None


class SGD(Optimizer):
    """v = momentum v + g;  p = p - rate v."""

    def __init__(self, parameters: Tensors, rate: float = 0.01, momentum: float = 0.0):
        super().__init__(parameters, rate, momentum)

    def _change(self, g: Array, first: Array, second: Array) -> Array:
        (momentum,) = self.numbers
        first[...] = momentum * first + g
        return first


class RMSprop(Optimizer):
    """s = rho s + (1 - rho) g^2;  p = p - rate g / (sqrt(s) + 1e-8)."""

    def __init__(self, parameters: Tensors, rate: float = 0.001, rho: float = 0.9):
        super().__init__(parameters, rate, rho)

    def _change(self, g: Array, first: Array, second: Array) -> Array:
        (rho,) = self.numbers
        second[...] = rho * second + (1 - rho) * g * g
        return g / (np.sqrt(second) + 1e-8)


class Adam(Optimizer):
    """p = p - rate m' / (sqrt(s') + 1e-8).

    m = b1 m + (1 - b1) g        m' = m / (1 - b1^t)
    s = b2 s + (1 - b2) g^2      s' = s / (1 - b2^t)

    The division undoes that both averages start at 0; t counts the steps.
    """

    def __init__(
        self,
        parameters: Tensors,
        rate: float = 0.001,
        *,
        b1: float = 0.9,
        b2: float = 0.999,
    ):
        super().__init__(parameters, rate, b1, b2)

    def _change(self, g: Array, first: Array, second: Array) -> Array:
        b1, b2 = self.numbers
        first[...] = b1 * first + (1 - b1) * g
        second[...] = b2 * second + (1 - b2) * g * g
        mean, square = first / (1 - b1**self.steps), second / (1 - b2**self.steps)
        return mean / (np.sqrt(square) + 1e-8)
