"""Adamax: Adam whose divisor is the largest recent gradient."""

from typing import Any, Unpack

import torch
from torch import Tensor

from mica.optimizers.optimizer import (
    LearningRate,
    Optimizer,
    SharedOptions,
    check_number,
)
from mica.optimizers.update import ForeachUpdate

__all__ = ["Adamax", "AdamaxUpdate"]


class AdamaxUpdate(ForeachUpdate):
    """The torch optimizer that `Adamax` builds: Keras's formula on foreach calls.

    torch.optim.Adamax adds epsilon to the gradient before the maximum is taken, so
    that it stays in the divisor where gradients are zero.

    Example:
        >>> weight = torch.ones(1)
        >>> weight.grad = torch.ones(1)
        >>> settings = {"betas": (0.9, 0.999), "eps": 1e-7}
        >>> AdamaxUpdate([weight], lr=0.5, **settings).step()
        >>> weight
        tensor([0.5000])
    """

    def update(
        self, group: dict[str, Any], weights: list[Tensor], gradients: list[Tensor]
    ) -> None:
        """Change weights by their gradients."""
        beta_1, beta_2 = group["betas"]
        numbers = self.count(weights)
        means = self.remembered(weights, "exp_avg")
        largest = self.remembered(weights, "exp_inf")
        torch._foreach_lerp_(means, gradients, 1 - beta_1)
        torch._foreach_mul_(largest, beta_2)
        torch._foreach_maximum_(largest, torch._foreach_abs(gradients))
        divisors = torch._foreach_add(largest, group["eps"])
        torch._foreach_mul_(divisors, [1 - beta_1**number for number in numbers])
        steps = torch._foreach_div(means, divisors)
        torch._foreach_mul_(steps, group["lr"])
        torch._foreach_sub_(weights, steps)


class Adamax(Optimizer):
    """Adam whose divisor is the largest recent gradient.

    m = beta_1 * m + (1 - beta_1) * g
    u = max(beta_2 * u, |g|)
    w = w - learning_rate / (1 - beta_1^t) * m / (u + epsilon)

    Keras's formula exactly. No update is larger than the learning rate by much, however
    rare a gradient is.

    Args:
        learning_rate: A number, or a function of the step.
        beta_1: Share of the mean that is kept: at least 0 and below 1.
        beta_2: Share of the largest gradient that is kept: at least 0 and below 1.
        epsilon: Added to the divisor. Above 0.
        weight_decay: Decoupled decay, see `Optimizer`; `None` for none.
        **shared: Clipping, accumulation, rates of parts and averages of weights: what
            every `Optimizer` takes.

    State:
        m and u: each the parameter's bytes; a step count.

    Raises:
        ConfigError: A number is outside its range, or options do not go together.

    Example:
        >>> weight = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = Adamax(0.25).build([weight])
        >>> weight.grad = torch.tensor([4.0])
        >>> optimizer.step()
        >>> round(weight.item(), 4)
        0.75

    Source:
        Kingma & Ba 2014, Algorithm 2.
    """

    kind = AdamaxUpdate

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        **shared: Unpack[SharedOptions],
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **shared)
        self.beta_1 = check_number("Adamax", "a beta_1", beta_1, below=1)
        self.beta_2 = check_number("Adamax", "a beta_2", beta_2, below=1)
        self.epsilon = check_number("Adamax", "an epsilon", epsilon, above=0)

    def options(self) -> dict[str, Any]:
        """Give the arguments of `AdamaxUpdate`."""
        return {"betas": (self.beta_1, self.beta_2), "eps": self.epsilon}
