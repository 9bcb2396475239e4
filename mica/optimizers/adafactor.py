"""Adafactor: Adam's divisor kept by rows and columns, and steps in shares of w."""

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

__all__ = ["Adafactor", "AdafactorUpdate"]


def _root_mean_square(tensor: Tensor) -> Tensor:
    return tensor.square().mean().sqrt()


class AdafactorUpdate(ForeachUpdate):
    """The torch optimizer that `Adafactor` builds: weight by weight.

    torch.optim.Adafactor factors the last two axes, which in the kernel of a
    convolution are its few rows and columns, and rounds differently where gradients
    vanish.

    Example:
        >>> weight = torch.ones(2, 2)
        >>> weight.grad = torch.ones(2, 2)
        >>> epsilons = {"epsilon_1": 1e-30, "epsilon_2": 1e-3}
        >>> settings = {"decay": -0.8, "threshold": 1.0, "relative": True, **epsilons}
        >>> AdafactorUpdate([weight], lr=0.5, **settings).step()
        >>> weight
        tensor([[0.5000, 0.5000],
                [0.5000, 0.5000]])
    """

    def update(
        self, group: dict[str, Any], weights: list[Tensor], gradients: list[Tensor]
    ) -> None:
        """Change weights by their gradients."""
        counts = self.count(weights)
        for weight, gradient, number in zip(weights, gradients, counts, strict=True):
            fresh = number ** group["decay"]  # share of the newest square
            square = gradient.square().add_(group["epsilon_1"])
            step = gradient / self._variance(weight, square, fresh).sqrt()
            excess = _root_mean_square(step) / group["threshold"]
            length = _root_mean_square(weight).clamp_min(group["epsilon_2"])
            rate = group["lr"]
            if group["relative"]:
                bound = number**-0.5
                rate = (
                    rate.clamp(max=bound)
                    if isinstance(rate, Tensor)
                    else min(rate, bound)
                )
            weight.sub_(step.mul_(length / excess.clamp_min(1.0) * rate))

    def _variance(self, weight: Tensor, square: Tensor, fresh: float) -> Tensor:
        """The running mean of squares: whole for vectors, else rows times columns."""
        state = self.state[weight]
        if weight.ndim < 2:
            [variance] = self.remembered([weight], "variance")
            return variance.lerp_(square, fresh)
        # The first two axes: outputs and inputs, in Dense and in convolutions.
        for name, axis in (("row", 1), ("column", 0)):
            mean = square.mean(axis, keepdim=True)
            if name not in state:
                state[name] = torch.zeros_like(mean)
            state[name].lerp_(mean, fresh)
        rows, columns = state["row"], state["column"]
        return rows / rows.mean(0, keepdim=True) * columns


class Adafactor(Optimizer):
    """Adam's divisor remembered by rows and columns, and steps in shares of the weight.

    b = t^beta_2_decay;  s = g^2 + epsilon_1
    r = (1 - b) * r + b * mean of s over columns;  c likewise over rows
    v = r c / mean(r)                       (of a vector: v = (1 - b) * v + b * s)
    d = g / sqrt(v);  d' = d / max(1, rms(d) / clip_threshold)
    w = w - max(epsilon_2, rms(w)) * min(learning_rate, 1 / sqrt(t)) * d'

    Keras's formula; rows and columns are outputs and inputs, in convolutions too. A
    matrix of n by k numbers needs a memory of n + k.

    Args:
        learning_rate: A number, or a function of the step.
        beta_2_decay: How fast the newest square loses weight. Below 0.
        epsilon_1: Added to the squares. Above 0.
        epsilon_2: The least a weight's size counts for. Above 0.
        clip_threshold: The largest root mean square of a step. Above 0.
        relative_step: Whether the rate is at most 1 / sqrt(t). (Keras bounds it so
            whatever is said here.)
        weight_decay: Decoupled decay, see `Optimizer`; `None` for none.
        **shared: Clipping, accumulation, rates of parts and averages of weights: what
            every `Optimizer` takes.

    State:
        r and c: the bytes of a row and a column of the parameter; of a vector v: its
        bytes; a step count.

    Raises:
        ConfigError: A number is outside its range, or options do not go together.

    Example:
        >>> weight = torch.nn.Parameter(torch.tensor([2.0]))
        >>> optimizer = Adafactor(0.25).build([weight])
        >>> weight.grad = torch.tensor([4.0])
        >>> optimizer.step()
        >>> weight.item()
        1.5

    Source:
        Shazeer & Stern 2018, Algorithms 4 and 5.
    """

    kind = AdafactorUpdate

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        *,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        weight_decay: float | None = None,
        **shared: Unpack[SharedOptions],
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **shared)
        number = isinstance(beta_2_decay, numbers.Real)
        if not number or not -float("inf") < beta_2_decay < 0:
            raise ConfigError(
                f"Adafactor: expected a beta_2_decay below 0, got {beta_2_decay!r}. "
                "Write -0.8."
            )
        self.beta_2_decay = float(beta_2_decay)
        where = "Adafactor"
        self.epsilon_1 = check_number(where, "an epsilon_1", epsilon_1, above=0)
        self.epsilon_2 = check_number(where, "an epsilon_2", epsilon_2, above=0)
        self.clip_threshold = check_number(
            where, "a clip_threshold", clip_threshold, above=0
        )
        self.relative_step = bool(relative_step)

    def options(self) -> dict[str, Any]:
        """Give the arguments of `AdafactorUpdate`."""
        return {
            "decay": self.beta_2_decay,
            "epsilon_1": self.epsilon_1,
            "epsilon_2": self.epsilon_2,
            "threshold": self.clip_threshold,
            "relative": self.relative_step,
        }
