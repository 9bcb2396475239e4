"""ScheduleFreeAdamW: Adam whose averaging takes the place of a schedule."""

from collections.abc import Iterable
from typing import Any, Unpack

import torch
from torch import Tensor

from mica.errors import ConfigError
from mica.optimizers.optimizer import (
    LearningRate,
    Optimizer,
    SharedOptions,
    check_number,
)
from mica.optimizers.update import ForeachUpdate

__all__ = ["ScheduleFreeAdamW", "ScheduleFreeAdamWUpdate"]


class ScheduleFreeAdamWUpdate(ForeachUpdate):
    """The torch optimizer that `ScheduleFreeAdamW` builds, on foreach calls.

    Args:
        params: Tensors to change, or groups of them; z begins where they are now.
        **settings: The numbers of the formula.

    Example:
        >>> weight = torch.ones(1)
        >>> settings = {"betas": (0.5, 0.999), "eps": 0.0, "warmup_steps": 0}
        >>> optimizer = ScheduleFreeAdamWUpdate([weight], lr=0.5, **settings)
        >>> weight.grad = torch.tensor([3.0])
        >>> optimizer.step()
        >>> weight
        tensor([0.5000])
    """

    def __init__(self, params: Iterable[Any], **settings: Any) -> None:
        super().__init__(params, **settings)
        # NOTE: now, not at the first update, before which decay moves the weights.
        for group in self.param_groups:
            for weight in group["params"]:
                self.state[weight]["z"] = weight.detach().clone()

    def update(
        self, group: dict[str, Any], weights: list[Tensor], gradients: list[Tensor]
    ) -> None:
        """Change weights by their gradients."""
        beta_1, beta_2 = group["betas"]
        numbers, warmup = self.count(weights), group["warmup_steps"]
        squares = self.remembered(weights, "exp_avg_sq")
        z = self.remembered(weights, "z")
        torch._foreach_mul_(squares, beta_2)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta_2)
        divisors = torch._foreach_div(squares, [1 - beta_2**n for n in numbers])
        torch._foreach_sqrt_(divisors)
        torch._foreach_add_(divisors, group["eps"])
        steps = torch._foreach_div(gradients, divisors)
        torch._foreach_mul_(steps, group["lr"])
        if warmup:
            torch._foreach_mul_(steps, [min(n / warmup, 1.0) for n in numbers])
        # x, the average, is not kept: beta_1 (z - x) is z - w, which stays 0 where
        # nothing has moved.
        gaps = torch._foreach_sub(z, weights)
        torch._foreach_div_(gaps, numbers)
        torch._foreach_sub_(z, steps)
        torch._foreach_mul_(steps, [1 - beta_1 + beta_1 / n for n in numbers])
        torch._foreach_add_(weights, gaps)
        torch._foreach_sub_(weights, steps)


class ScheduleFreeAdamW(Optimizer):
    """Adam whose averaging takes the place of a learning-rate schedule.

    v = beta_2 * v + (1 - beta_2) * g^2;  v' = v / (1 - beta_2^t)
    z = z - learning_rate * min(t / warmup_steps, 1) * g / (sqrt(v') + epsilon)
    x = (1 - 1 / t) * x + z / t
    w = (1 - beta_1) * z + beta_1 * x

    z takes the steps, x is the mean of all its places, and the gradient is taken at w
    between them. No last step has to be known, and no rate to fall. As in Keras the
    model holds w, also when it is evaluated; the paper evaluates at x, which is near.
    (On its torch backend Keras 3.15 takes the new z for the old one, so that its
    numbers differ from the paper's from the second step on; these are the paper's.)

    Args:
        learning_rate: A number, or a function of the step; a constant one is the idea.
        beta_1: Where between z and x the weights are: above 0 and below 1.
        beta_2: Share of the squares that is kept: at least 0 and below 1.
        epsilon: Added to the divisor.
        warmup_steps: Updates during which the rate rises from 0; 0 for none.
        weight_decay: Decoupled decay, see `Optimizer`; `None` for none.
        **shared: Clipping, accumulation, rates of parts and averages of weights: what
            every `Optimizer` takes.

    State:
        z and v: twice the parameter's bytes.

    Raises:
        ConfigError: A number is outside its range, or options do not go together.

    Example:
        >>> weight = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = ScheduleFreeAdamW(0.25, epsilon=0.0).build([weight])
        >>> weight.grad = torch.tensor([4.0])
        >>> optimizer.step()
        >>> round(weight.item(), 4)
        0.75

    Source:
        Defazio et al. 2024, The road less scheduled, Algorithm 1.
    """

    kind = ScheduleFreeAdamWUpdate

    def __init__(
        self,
        learning_rate: LearningRate = 0.0025,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        weight_decay: float | None = None,
        **shared: Unpack[SharedOptions],
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **shared)
        where = "ScheduleFreeAdamW"
        self.beta_1 = check_number(where, "a beta_1", beta_1, above=0, below=1)
        self.beta_2 = check_number(where, "a beta_2", beta_2, below=1)
        self.epsilon = check_number(where, "an epsilon", epsilon)
        whole = isinstance(warmup_steps, int) and not isinstance(warmup_steps, bool)
        if not whole or warmup_steps < 0:
            raise ConfigError(
                f"{where}: expected warmup_steps to be a whole number of at least 0, "
                f"got {warmup_steps!r}. 0 is for none; 1000 is a usual value."
            )
        self.warmup_steps = warmup_steps

    def options(self) -> dict[str, Any]:
        """Give the arguments of `ScheduleFreeAdamWUpdate`."""
        return {
            "betas": (self.beta_1, self.beta_2),
            "eps": self.epsilon,
            "warmup_steps": self.warmup_steps,
        }
