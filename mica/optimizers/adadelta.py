"""Adadelta: steps as large as the recent steps were, in units of the gradient."""

from typing import Any, Unpack

import torch

from mica.optimizers.optimizer import (
    LearningRate,
    Optimizer,
    SharedOptions,
    check_number,
)

__all__ = ["Adadelta"]


class Adadelta(Optimizer):
    """Steps as large as the recent steps were, in units of the gradient.

    v = rho * v + (1 - rho) * g^2
    d = g * sqrt(u + epsilon) / sqrt(v + epsilon)
    u = rho * u + (1 - rho) * d^2
    w = w - learning_rate * d

    Keras's and torch's formula. The default learning rate is Keras's 0.001; the paper
    has none, which is 1.

    Args:
        learning_rate: A number, or a function of the step.
        rho: Share of the averages that is kept: at least 0 and below 1.
        epsilon: Added under both roots. Above 0.
        weight_decay: Decoupled decay, see `Optimizer`; `None` for none.
        **shared: Clipping, accumulation, rates of parts and averages of weights: what
            every `Optimizer` takes.

    State:
        v and u: each the parameter's bytes; a step count.

    Raises:
        ConfigError: A number is outside its range, or options do not go together.

    Example:
        >>> weight = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = Adadelta(1.0, rho=0.75, epsilon=0.01).build([weight])
        >>> weight.grad = torch.tensor([2.0])
        >>> optimizer.step()
        >>> round(weight.item(), 4)
        0.801

    Source:
        Zeiler 2012, Algorithm 1.
    """

    kind = torch.optim.Adadelta

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        *,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        **shared: Unpack[SharedOptions],
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **shared)
        self.rho = check_number("Adadelta", "a rho", rho, below=1)
        self.epsilon = check_number("Adadelta", "an epsilon", epsilon, above=0)

    def options(self) -> dict[str, Any]:
        """Give the arguments of torch's Adadelta."""
        return {"rho": self.rho, "eps": self.epsilon}
