"""Lamb: Adam's direction, in steps as long as each layer's weights allow."""

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

__all__ = ["Lamb", "LambUpdate"]


class LambUpdate(ForeachUpdate):
    """The torch optimizer that `Lamb` builds, on foreach calls.

    Example:
        >>> weight = torch.tensor([3.0, 4.0])
        >>> weight.grad = torch.tensor([1.0, 1.0])
        >>> settings = {"betas": (0.9, 0.999), "eps": 1e-7}
        >>> LambUpdate([weight], lr=0.5, **settings).step()
        >>> weight
        tensor([1.2322, 2.2322])
    """

    def update(
        self, group: dict[str, Any], weights: list[Tensor], gradients: list[Tensor]
    ) -> None:
        """Change weights by their gradients."""
        beta_1, beta_2 = group["betas"]
        numbers = self.count(weights)
        means = self.remembered(weights, "exp_avg")
        squares = self.remembered(weights, "exp_avg_sq")
        torch._foreach_lerp_(means, gradients, 1 - beta_1)
        torch._foreach_mul_(squares, beta_2)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta_2)
        divisors = torch._foreach_div(squares, [1 - beta_2**n for n in numbers])
        torch._foreach_sqrt_(divisors)
        torch._foreach_add_(divisors, group["eps"])
        steps = torch._foreach_div(means, divisors)
        torch._foreach_div_(steps, [1 - beta_1**n for n in numbers])
        lengths = torch.stack(list(torch._foreach_norm(weights)))
        wanted = torch.stack(list(torch._foreach_norm(steps)))
        ratios = torch.where((lengths > 0) & (wanted > 0), lengths / wanted, 1.0)
        torch._foreach_mul_(steps, list((ratios * group["lr"]).unbind()))
        torch._foreach_sub_(weights, steps)


class Lamb(Optimizer):
    """Adam's direction, in steps as long as each layer's weights allow.

    m = beta_1 * m + (1 - beta_1) * g;    m' = m / (1 - beta_1^t)
    v = beta_2 * v + (1 - beta_2) * g^2;  v' = v / (1 - beta_2^t)
    d = m' / (sqrt(v') + epsilon)
    w = w - learning_rate * ||w|| / ||d|| * d       (1 for a ratio of or by zero)

    Keras's formula exactly. For batches of thousands: every layer moves by the same
    share of its length, so that a learning rate which suits one suits all.

    Args:
        learning_rate: A number, or a function of the step.
        beta_1: Share of the mean that is kept: at least 0 and below 1.
        beta_2: Share of the mean square that is kept: at least 0 and below 1.
        epsilon: Added to the root. Above 0.
        weight_decay: Decoupled decay, see `Optimizer`; `None` for none.
        **shared: Clipping, accumulation, rates of parts and averages of weights: what
            every `Optimizer` takes.

    State:
        m and v: each the parameter's bytes; a step count.

    Raises:
        ConfigError: A number is outside its range, or options do not go together.

    Example:
        >>> weight = torch.nn.Parameter(torch.tensor([2.0]))
        >>> optimizer = Lamb(0.25).build([weight])
        >>> weight.grad = torch.tensor([4.0])
        >>> optimizer.step()
        >>> weight.item()
        1.5

    Source:
        You et al. 2019 (Large Batch Optimization), Algorithm 2.
    """

    kind = LambUpdate

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
        self.beta_1 = check_number("Lamb", "a beta_1", beta_1, below=1)
        self.beta_2 = check_number("Lamb", "a beta_2", beta_2, below=1)
        self.epsilon = check_number("Lamb", "an epsilon", epsilon, above=0)

    def options(self) -> dict[str, Any]:
        """Give the arguments of `LambUpdate`."""
        return {"betas": (self.beta_1, self.beta_2), "eps": self.epsilon}
