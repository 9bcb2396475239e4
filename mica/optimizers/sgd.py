"""SGD: a step against the gradient, with momentum or without."""

from typing import Any, Unpack

import torch

from mica.errors import ConfigError
from mica.optimizers.optimizer import (
    LearningRate,
    Optimizer,
    SharedOptions,
    check_number,
)

__all__ = ["SGD"]


class SGD(Optimizer):
    """A step against the gradient, with momentum or without.

    w = w - learning_rate * g                       without momentum
    b = momentum * b + g                            (b = g at the first step)
    w = w - learning_rate * b                       with momentum
    w = w - learning_rate * (g + momentum * b)      with nesterov

    Keras keeps `learning_rate * b` instead of b. Both are the same while the learning
    rate stays; when a schedule changes it, here the new rate holds for the whole of b,
    in Keras only for the newest gradient.

    Args:
        learning_rate: A number, or a function of the step.
        momentum: Share of the last step that is kept: at least 0 and below 1.
        nesterov: Whether to look ahead along the momentum. Needs a momentum.
        weight_decay: Decoupled decay, see `Optimizer`; `None` for none.
        **shared: Clipping, accumulation, rates of parts and averages of weights: what
            every `Optimizer` takes.

    State:
        b: as many bytes as the parameter; nothing without momentum.

    Raises:
        ConfigError: A number is outside its range, options do not go together, or
            nesterov has no momentum.

    Example:
        >>> weight = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = SGD(0.5, momentum=0.5).build([weight])
        >>> for _ in range(2):
        ...     weight.grad = torch.tensor([1.0])
        ...     optimizer.step()
        >>> weight.item()
        -0.25

    Source:
        Sutskever et al. 2013, eq. 1-4, in the form of torch.optim.SGD.
    """

    kind = torch.optim.SGD

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = None,
        **shared: Unpack[SharedOptions],
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **shared)
        self.momentum = check_number("SGD", "a momentum", momentum, below=1)
        self.nesterov = bool(nesterov)
        if self.nesterov and self.momentum == 0:
            raise ConfigError(
                "SGD: expected a momentum above 0 with nesterov=True, got 0. Give "
                "momentum=0.9, or leave nesterov out."
            )

    def options(self) -> dict[str, Any]:
        """Give the arguments of torch's SGD."""
        return {"momentum": self.momentum, "nesterov": self.nesterov}
