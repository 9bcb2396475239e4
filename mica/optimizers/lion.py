"""Lion: steps of one size, in the direction that momentum and gradient agree on."""

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

__all__ = ["Lion", "LionUpdate"]


class LionUpdate(ForeachUpdate):
    """The torch optimizer that `Lion` builds, on foreach calls.

    Example:
        >>> weight = torch.ones(2)
        >>> weight.grad = torch.tensor([3.0, -0.1])
        >>> LionUpdate([weight], lr=0.5, betas=(0.9, 0.99)).step()
        >>> weight
        tensor([0.5000, 1.5000])
    """

    def update(
        self, group: dict[str, Any], weights: list[Tensor], gradients: list[Tensor]
    ) -> None:
        """Change weights by their gradients."""
        beta_1, beta_2 = group["betas"]
        means = self.remembered(weights, "exp_avg")
        steps = torch._foreach_mul(means, beta_1)
        torch._foreach_add_(steps, gradients, alpha=1 - beta_1)
        torch._foreach_sign_(steps)
        torch._foreach_mul_(steps, group["lr"])
        torch._foreach_sub_(weights, steps)
        torch._foreach_mul_(means, beta_2)
        torch._foreach_add_(means, gradients, alpha=1 - beta_2)


class Lion(Optimizer):
    """Steps of one size, in the direction that momentum and gradient agree on.

    w = w - learning_rate * sign(beta_1 * m + (1 - beta_1) * g)
    m = beta_2 * m + (1 - beta_2) * g

    Keras's formula exactly. Half of Adam's memory. Every number moves by the whole
    learning rate, so choose one 3 to 10 times smaller than for Adam, and a
    `weight_decay` as many times larger.

    Args:
        learning_rate: A number, or a function of the step.
        beta_1: Share of the momentum in the step: above 0 and at most 1.
        beta_2: Share of the momentum that is kept: at least 0 and below 1.
        weight_decay: Decoupled decay, see `Optimizer`; `None` for none.
        **shared: Clipping, accumulation, rates of parts and averages of weights: what
            every `Optimizer` takes.

    State:
        m: the parameter's bytes.

    Raises:
        ConfigError: A number is outside its range, or options do not go together.

    Example:
        >>> weight = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = Lion(0.25).build([weight])
        >>> weight.grad = torch.tensor([4.0])
        >>> optimizer.step()
        >>> weight.item()
        0.75

    Source:
        Chen et al. 2023, Algorithm 2.
    """

    kind = LionUpdate

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        weight_decay: float | None = None,
        **shared: Unpack[SharedOptions],
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **shared)
        self.beta_1 = check_number("Lion", "a beta_1", beta_1, above=0, below=1)
        self.beta_2 = check_number("Lion", "a beta_2", beta_2, below=1)

    def options(self) -> dict[str, Any]:
        """Give the arguments of `LionUpdate`."""
        return {"betas": (self.beta_1, self.beta_2)}
