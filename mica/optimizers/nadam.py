"""Nadam: Adam that looks one step of momentum ahead."""

from typing import Any, Unpack

import torch

from mica.optimizers.optimizer import (
    LearningRate,
    Optimizer,
    SharedOptions,
    check_number,
)

__all__ = ["Nadam"]


class Nadam(Optimizer):
    """Adam that looks one step of momentum ahead.

    c(t) = beta_1 * (1 - 0.96^t / 2);  p(t) = c(1) * c(2) * ... * c(t)
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g^2;  v' = v / (1 - beta_2^t)
    m' = c(t+1) * m / (1 - p(t+1)) + (1 - c(t)) * g / (1 - p(t))
    w = w - learning_rate * m' / (sqrt(v') + epsilon)

    Keras's formula exactly: torch's NAdam with its `momentum_decay` at 1 (torch's
    default of 0.004 lets c change 250 times as slowly).

    Args:
        learning_rate: A number, or a function of the step.
        beta_1: Share of the mean that is kept: at least 0 and below 1.
        beta_2: Share of the mean square that is kept: at least 0 and below 1.
        epsilon: Added to the root. Above 0.
        weight_decay: Decoupled decay, see `Optimizer`; `None` for none.
        **shared: Clipping, accumulation, rates of parts and averages of weights: what
            every `Optimizer` takes.

    State:
        m and v: each the parameter's bytes; a step count and p.

    Raises:
        ConfigError: A number is outside its range, or options do not go together.

    Example:
        >>> weight = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = Nadam(0.1).build([weight])
        >>> weight.grad = torch.tensor([4.0])
        >>> optimizer.step()
        >>> weight.item() < 0.9
        True

    Source:
        Dozat 2016, Algorithm 8, with the schedule of c from section 3.1.
    """

    kind = torch.optim.NAdam
    decays_weights = True

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
        self.beta_1 = check_number("Nadam", "a beta_1", beta_1, below=1)
        self.beta_2 = check_number("Nadam", "a beta_2", beta_2, below=1)
        self.epsilon = check_number("Nadam", "an epsilon", epsilon, above=0)

    def options(self) -> dict[str, Any]:
        """Give the arguments of torch's NAdam."""
        return {
            "betas": (self.beta_1, self.beta_2),
            "eps": self.epsilon,
            "momentum_decay": 1.0,
            "weight_decay": self.weight_decay or 0.0,
            "decoupled_weight_decay": True,
        }
