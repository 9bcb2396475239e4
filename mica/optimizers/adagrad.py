"""Adagrad: each step divided by the root of the sum of all squared gradients."""

from typing import Any, Unpack

import torch

from mica.optimizers.optimizer import (
    LearningRate,
    Optimizer,
    SharedOptions,
    check_number,
)

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """Each step divided by the root of the sum of all squared gradients so far.

    s = s + g^2                       (s = initial_accumulator_value + epsilon at first)
    w = w - learning_rate * g / sqrt(s)

    Keras's formula exactly. Keras adds epsilon under the root at each step, torch
    outside it; with epsilon in the first value of s and none in torch, both agree.

    Args:
        learning_rate: A number, or a function of the step.
        initial_accumulator_value: What the sum starts with. At least 0.
        epsilon: Added under the root. Above 0.
        weight_decay: Decoupled decay, see `Optimizer`; `None` for none.
        **shared: Clipping, accumulation, rates of parts and averages of weights: what
            every `Optimizer` takes.

    State:
        s: the parameter's bytes; a step count.

    Raises:
        ConfigError: A number is outside its range, or options do not go together.

    Example:
        >>> weight = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = Adagrad(0.1, initial_accumulator_value=0.75).build([weight])
        >>> weight.grad = torch.tensor([0.5])
        >>> optimizer.step()
        >>> round(weight.item(), 4)
        0.95

    Source:
        Duchi et al. 2011, section 1.1 (the diagonal form).
    """

    kind = torch.optim.Adagrad

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        *,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        **shared: Unpack[SharedOptions],
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **shared)
        self.initial_accumulator_value = check_number(
            "Adagrad", "an initial_accumulator_value", initial_accumulator_value
        )
        self.epsilon = check_number("Adagrad", "an epsilon", epsilon, above=0)

    def options(self) -> dict[str, Any]:
        """Give the arguments of torch's Adagrad."""
        first = self.initial_accumulator_value + self.epsilon
        return {"initial_accumulator_value": first, "eps": 0.0}
