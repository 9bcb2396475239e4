"""A built optimizer, as torch holds it: is it fused, what is its learning rate."""

import functools
import inspect
from typing import Any

import torch
from torch import Tensor

__all__ = [
    "DecoupledDecay",
    "describe_optimizer",
    "get_learning_rate",
    "has_fused",
    "set_learning_rate",
]


@functools.cache
def has_fused(
    kind: type[torch.optim.Optimizer], device_type: str, dtype: torch.dtype
) -> bool:
    """Try whether torch updates such parameters with one fused kernel.

    Args:
        kind: A class of `torch.optim`.
        device_type: `cpu`, `cuda`, ...
        dtype: Of the parameters.

    Returns:
        Whether a fused step on one number works here; asked once per process.

    Example:
        >>> has_fused(torch.optim.Adam, "cpu", torch.float32)
        True
        >>> has_fused(torch.optim.Adadelta, "cpu", torch.float32)
        False
    """
    if "fused" not in inspect.signature(kind).parameters:
        return False
    options: dict[str, Any] = {"lr": 0.0, "fused": True}
    try:
        parameter = torch.zeros(1, dtype=dtype, device=device_type)
        parameter.grad = torch.zeros_like(parameter)
        kind([parameter], **options).step()
    except RuntimeError:  # torch's answer for a device or dtype without the kernel
        return False
    return True


class DecoupledDecay:
    """Shrinks weights before each update: a hook for optimizers that cannot.

    w = w * (1 - learning_rate * weight_decay)

    Only weights that have a gradient shrink, as in Keras. In torch's own
    `weight_decay` the decay is added to the gradient instead, and so passes through
    momentum and scaling.

    Args:
        weight_decay: Share of a weight lost per update at a learning rate of 1.

    Example:
        >>> weight = torch.ones(1)
        >>> weight.grad = torch.zeros(1)
        >>> optimizer = torch.optim.SGD([weight], lr=0.5)
        >>> hook = optimizer.register_step_pre_hook(DecoupledDecay(0.5))
        >>> optimizer.step()
        >>> weight
        tensor([0.7500])

    Source:
        Loshchilov & Hutter 2017 (Decoupled Weight Decay), Algorithm 1.
    """

    def __init__(self, weight_decay: float) -> None:
        self.weight_decay = weight_decay

    @torch.no_grad()
    def __call__(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        """Shrink the weights of an optimizer that is about to step."""
        for group in optimizer.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if weights:
                torch._foreach_mul_(weights, 1 - group["lr"] * self.weight_decay)


def describe_optimizer(optimizer: torch.optim.Optimizer) -> str:
    """Say what a built optimizer is, for the line that shows the plan.

    Args:
        optimizer: Any torch optimizer.

    Returns:
        How it updates and what it is called.

    Example:
        >>> describe_optimizer(torch.optim.Adam([torch.zeros(1)], fused=True))
        'fused Adam'
        >>> describe_optimizer(torch.optim.LBFGS([torch.zeros(1)]))
        'LBFGS'
    """
    # Our own updates are called after the spec they execute.
    name = type(optimizer).__name__.removesuffix("Update")
    for implementation in ("fused", "foreach"):
        if optimizer.param_groups[0].get(implementation):
            return f"{implementation} {name}"
    return name


def get_learning_rate(optimizer: torch.optim.Optimizer) -> float:
    """Read the learning rate of a built optimizer's first group of parameters.

    Args:
        optimizer: Any torch optimizer.

    Returns:
        The rate; a rate that lives on a device is waited for.

    Example:
        >>> get_learning_rate(torch.optim.SGD([torch.zeros(1)], lr=0.5))
        0.5
    """
    return float(optimizer.param_groups[0]["lr"])


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Write the learning rate of a built optimizer.

    Args:
        optimizer: Any torch optimizer.
        learning_rate: The new rate of the first parameter group; the other groups keep
            their ratio to it (or get the same rate, when the first one was 0).

    Example:
        >>> optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.5)
        >>> set_learning_rate(optimizer, 0.25)
        >>> get_learning_rate(optimizer)
        0.25
    """
    # One group has no ratio, and need not wait for its device.
    several = len(optimizer.param_groups) > 1
    first = get_learning_rate(optimizer) if several else 0.0
    for group in optimizer.param_groups:
        ratio = float(group["lr"]) / first if first else 1.0
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(learning_rate * ratio)
        else:
            group["lr"] = learning_rate * ratio
