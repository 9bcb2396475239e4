"""RMSprop: each step divided by the root mean square of the recent gradients."""

from collections.abc import Iterable
from typing import Any, Unpack

import torch
from torch import Tensor

from mica.engine import has_update_kernels, run_rmsprop
from mica.errors import StateError
from mica.optimizers.optimizer import (
    LearningRate,
    Optimizer,
    SharedOptions,
    check_number,
)
from mica.optimizers.update import ForeachUpdate

__all__ = ["RMSprop", "RMSpropUpdate"]


class RMSpropUpdate(ForeachUpdate):
    """The torch optimizer that `RMSprop` builds: Keras's formula.

    On the processor and in float32 one pass over each weight does it, where a C
    compiler made the kernel; else there is one foreach call per operation.

    torch.optim.RMSprop adds epsilon outside the root. With Keras's epsilon of 1e-7
    that is a smallest divisor of 1e-7 instead of 3.2e-4: another algorithm for weights
    whose gradients are small.

    Args:
        params: Tensors to change, or groups of them.
        lr: Learning rate.
        rho: Share of the averages that is kept.
        momentum: Share of the last step that is kept.
        eps: Added to the mean square.
        centered: Whether to subtract the squared mean.
        fused: Whether to take the kernel.
        foreach: Always true; it is how the plan's line names this without the kernel.

    Raises:
        StateError: The kernel is asked for where there is none.

    Example:
        >>> weight = torch.ones(1)
        >>> weight.grad = torch.ones(1)
        >>> RMSpropUpdate([weight], lr=0.1, rho=0.75).step()
        >>> weight
        tensor([0.8000])
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 0.001,
        *,
        rho: float = 0.9,
        momentum: float = 0.0,
        eps: float = 1e-7,
        centered: bool = False,
        fused: bool = False,
        foreach: bool = True,
    ) -> None:
        super().__init__(
            params,
            lr,
            rho=rho,
            momentum=momentum,
            eps=eps,
            centered=centered,
            fused=fused,
            foreach=foreach,
        )
        if fused and not self._can_be_fused():
            raise StateError(
                "RMSpropUpdate: expected float32 weights on the processor and a C "
                "compiler for the fused update, got other ones. Use foreach."
            )

    def _can_be_fused(self) -> bool:
        weights = [each for group in self.param_groups for each in group["params"]]
        plain = all(
            each.dtype is torch.float32 and each.device.type == "cpu"
            for each in weights
        )
        return plain and has_update_kernels()

    def update(
        self, group: dict[str, Any], weights: list[Tensor], gradients: list[Tensor]
    ) -> None:
        """Change weights by their gradients."""
        rate, rho, momentum = group["lr"], group["rho"], group["momentum"]
        squares = self.remembered(weights, "square_avg")
        if group.get("fused") and self._updated_in_one_pass(
            group, weights, gradients, squares
        ):
            return
        torch._foreach_mul_(squares, rho)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - rho)
        divisors = torch._foreach_add(squares, group["eps"])
        if group["centered"]:
            means = self.remembered(weights, "grad_avg")
            torch._foreach_mul_(means, rho)
            torch._foreach_add_(means, gradients, alpha=1 - rho)
            torch._foreach_addcmul_(divisors, means, means, -1)
        torch._foreach_sqrt_(divisors)
        if isinstance(rate, Tensor):  # addcdiv takes numbers only
            gradients, rate = list(torch._foreach_mul(gradients, rate)), 1.0
        if momentum == 0:
            torch._foreach_addcdiv_(weights, gradients, divisors, -rate)
            return
        steps = self.remembered(weights, "momentum_buffer")
        torch._foreach_mul_(steps, momentum)
        torch._foreach_addcdiv_(steps, gradients, divisors, rate)
        torch._foreach_sub_(weights, steps)

    def _updated_in_one_pass(
        self,
        group: dict[str, Any],
        weights: list[Tensor],
        gradients: list[Tensor],
        squares: list[Tensor],
    ) -> bool:
        means = self.remembered(weights, "grad_avg") if group["centered"] else None
        momentum = group["momentum"]
        steps = self.remembered(weights, "momentum_buffer") if momentum else None
        return run_rmsprop(
            weights,
            gradients,
            squares,
            means,
            steps,
            rate=float(group["lr"]),
            rho=group["rho"],
            momentum=momentum,
            epsilon=group["eps"],
        )


class RMSprop(Optimizer):
    """Each step divided by the root mean square of the recent gradients.

    v = rho * v + (1 - rho) * g^2
    w = w - learning_rate * g / sqrt(v + epsilon)
    a = rho * a + (1 - rho) * g;  sqrt(v - a^2 + epsilon)      when centered
    b = momentum * b + learning_rate * g / sqrt(v + epsilon);  w = w - b  with momentum

    Keras's formula exactly; torch's differs in epsilon and keeps the learning rate out
    of b. On the processor a kernel in C does it in one pass where there is a compiler;
    else, and on a GPU, there is one call per operation: torch has no fused one.

    Args:
        learning_rate: A number, or a function of the step.
        rho: Share of the averages that is kept: at least 0 and below 1.
        momentum: Share of the last step that is kept: at least 0 and below 1.
        epsilon: Added to the mean square before the root. Above 0.
        centered: Whether to divide by the standard deviation instead.
        weight_decay: Decoupled decay, see `Optimizer`; `None` for none.
        **shared: Clipping, accumulation, rates of parts and averages of weights: what
            every `Optimizer` takes.

    State:
        v, and a when centered, and b with momentum: each the parameter's bytes.

    Raises:
        ConfigError: A number is outside its range, or options do not go together.

    Example:
        >>> weight = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = RMSprop(0.1, rho=0.75).build([weight])
        >>> weight.grad = torch.tensor([4.0])
        >>> optimizer.step()
        >>> round(weight.item(), 4)
        0.8

    Source:
        Hinton 2012, Neural Networks for Machine Learning, lecture 6e; centered:
        Graves 2013, eq. 38-45.
    """

    kind = RMSpropUpdate

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        *,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        weight_decay: float | None = None,
        **shared: Unpack[SharedOptions],
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **shared)
        self.rho = check_number("RMSprop", "a rho", rho, below=1)
        self.momentum = check_number("RMSprop", "a momentum", momentum, below=1)
        self.epsilon = check_number("RMSprop", "an epsilon", epsilon, above=0)
        self.centered = bool(centered)

    def options(self) -> dict[str, Any]:
        """Give the arguments of `RMSpropUpdate`."""
        return {
            "rho": self.rho,
            "momentum": self.momentum,
            "eps": self.epsilon,
            "centered": self.centered,
        }
