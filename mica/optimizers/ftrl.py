"""Ftrl: follow the regularized leader, for wide and sparse linear models."""

import numbers
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

__all__ = ["Ftrl", "FtrlUpdate"]


class FtrlUpdate(ForeachUpdate):
    """The torch optimizer that `Ftrl` builds, on foreach calls.

    At a learning rate of 0 nothing moves; the formula would divide by it.

    Example:
        >>> weight = torch.zeros(1)
        >>> weight.grad = torch.ones(1)
        >>> settings = {"power": 0.5, "first": 0.0, "beta": 0.0}
        >>> strengths = {"l1": 0.0, "l2": 0.0, "shrinkage": 0.0}
        >>> FtrlUpdate([weight], lr=0.5, **settings, **strengths).step()
        >>> weight
        tensor([-0.5000])
    """

    def update(
        self, group: dict[str, Any], weights: list[Tensor], gradients: list[Tensor]
    ) -> None:
        """Change weights by their gradients."""
        rate, power, l1 = group["lr"], group["power"], group["l1"]
        if not isinstance(rate, Tensor) and rate == 0:
            return
        sums = self.remembered(weights, "sum", group["first"])
        linear = self.remembered(weights, "linear")
        before = torch._foreach_pow(sums, power)
        torch._foreach_addcmul_(sums, gradients, gradients, 1.0)
        after = torch._foreach_pow(sums, power)
        torch._foreach_add_(linear, gradients)
        torch._foreach_add_(linear, weights, alpha=2 * group["shrinkage"])
        growth = torch._foreach_sub(after, before)
        torch._foreach_div_(growth, rate)
        torch._foreach_addcmul_(linear, growth, weights, -1.0)
        divisors = torch._foreach_div(after, rate)
        torch._foreach_add_(divisors, 2 * group["l2"])
        if group["beta"]:
            ones = [torch.ones_like(divisor) for divisor in divisors]
            torch._foreach_add_(
                divisors, torch._foreach_div(ones, rate / group["beta"])
            )
        # 0 / 0 where no gradient has come yet and the sum began at 0
        torch._foreach_clamp_min_(divisors, torch.finfo(weights[0].dtype).tiny)
        kept = torch._foreach_clamp_max(linear, l1)
        torch._foreach_clamp_min_(kept, -l1)
        torch._foreach_sub_(kept, linear)
        torch._foreach_div_(kept, divisors)
        torch._foreach_copy_(weights, kept)


class Ftrl(Optimizer):
    """Follow the regularized leader: weights that are not needed become exactly zero.

    n' = n + g^2;  s = (n'^p - n^p) / learning_rate        (p = -learning_rate_power)
    z = z + g + 2 * l2_shrinkage * w - s * w
    w = (clip(z, -l1, l1) - z) / ((n'^p + beta) / learning_rate + 2 * l2)
    w = w is thus found anew at every step; its first value fades within a few.

    Keras's formula exactly. For shallow models of many sparse features.

    Args:
        learning_rate: A number, or a function of the step.
        learning_rate_power: How the steps shrink as gradients add up. At most 0.
        initial_accumulator_value: What n starts with. At least 0.
        l1_regularization_strength: l1, the price of every weight that is not zero. At
            least 0.
        l2_regularization_strength: l2, which steadies the steps. At least 0.
        l2_shrinkage_regularization_strength: l2_shrinkage, the price of large weights.
            At least 0.
        beta: As in the paper. At least 0.
        weight_decay: Decoupled decay, see `Optimizer`; `None` for none.
        **shared: Clipping, accumulation, rates of parts and averages of weights: what
            every `Optimizer` takes.

    State:
        n and z: each the parameter's bytes.

    Raises:
        ConfigError: A number is outside its range, or options do not go together.

    Example:
        >>> weight = torch.nn.Parameter(torch.zeros(2))
        >>> optimizer = Ftrl(0.5, l1_regularization_strength=1.0).build([weight])
        >>> weight.grad = torch.tensor([4.0, 0.5])
        >>> optimizer.step()
        >>> [round(number, 2) for number in weight.tolist()]
        [-0.37, 0.0]

    Source:
        McMahan et al. 2013 (Ad Click Prediction), Algorithm 1.
    """

    kind = FtrlUpdate

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        *,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        weight_decay: float | None = None,
        **shared: Unpack[SharedOptions],
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **shared)
        number = isinstance(learning_rate_power, numbers.Real)
        if not number or not -float("inf") < learning_rate_power <= 0:
            raise ConfigError(
                "Ftrl: expected a learning_rate_power of at most 0, got "
                f"{learning_rate_power!r}. Write -0.5, or 0 for steps that never "
                "shrink."
            )
        self.learning_rate_power = float(learning_rate_power)
        self.initial_accumulator_value = check_number(
            "Ftrl", "an initial_accumulator_value", initial_accumulator_value
        )
        self.l1_regularization_strength = check_number(
            "Ftrl", "an l1_regularization_strength", l1_regularization_strength
        )
        self.l2_regularization_strength = check_number(
            "Ftrl", "an l2_regularization_strength", l2_regularization_strength
        )
        self.l2_shrinkage_regularization_strength = check_number(
            "Ftrl",
            "an l2_shrinkage_regularization_strength",
            l2_shrinkage_regularization_strength,
        )
        self.beta = check_number("Ftrl", "a beta", beta)

    def options(self) -> dict[str, Any]:
        """Give the arguments of `FtrlUpdate`."""
        return {
            "power": -self.learning_rate_power,
            "first": self.initial_accumulator_value,
            "l1": self.l1_regularization_strength,
            "l2": self.l2_regularization_strength,
            "shrinkage": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
        }
