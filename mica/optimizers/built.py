"""A built optimizer, as torch holds it: is it fused, what is its learning rate."""

import functools
import inspect
from typing import Any

import torch
from torch import Tensor

__all__ = [
    "DecoupledDecay",
    "MatchedLayouts",
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


def _matches(tensor: Tensor, weight: Tensor) -> bool:
    """Whether both lie in memory alike; the stride of a single entry means nothing."""
    rows = zip(weight.shape, tensor.stride(), weight.stride(), strict=True)
    return all(one == other for size, one, other in rows if size != 1)


class MatchedLayouts:
    """Lays gradients and state out as their weights are: a hook for fused updates.

    A fused update walks through memory, whatever the strides say: on the processor a
    gradient or an average in another layout is added to the wrong weights, silently;
    on a GPU torch refuses. Autograd's gradients do match. Those set by hand may not,
    nor does state that was made before the weights changed their layout, or was read
    from a file.

    Example:
        >>> weight = torch.zeros(2, 2)
        >>> weight.grad = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).T
        >>> optimizer = torch.optim.SGD([weight], lr=1.0, fused=True)
        >>> MatchedLayouts().attach(optimizer)
        >>> optimizer.step()
        >>> weight
        tensor([[-1., -3.],
                [-2., -4.]])
    """

    def __init__(self) -> None:
        self._seen: dict[Tensor, tuple[int, ...]] = {}

    def attach(self, optimizer: torch.optim.Optimizer) -> None:
        """Look before each step, and at all state after some was loaded."""
        optimizer.register_step_pre_hook(self)
        optimizer.register_load_state_dict_post_hook(lambda _: self._seen.clear())

    @torch.no_grad()
    def __call__(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        """Lay out what does not match the weights of an optimizer about to step."""
        for group in optimizer.param_groups:
            for weight in group["params"]:
                gradient = weight.grad
                if gradient is None:
                    continue
                strides = weight.stride()
                if gradient.stride() != strides and not _matches(gradient, weight):
                    weight.grad = torch.empty_like(weight).copy_(gradient)
                if self._seen.get(weight) != strides:
                    self._seen[weight] = strides
                    self._match_state(optimizer.state.get(weight, {}), weight)

    def _match_state(self, state: dict[str, Any], weight: Tensor) -> None:
        for name, value in state.items():
            averages = isinstance(value, Tensor) and value.shape == weight.shape
            if averages and not _matches(value, weight):
                state[name] = torch.empty_like(weight).copy_(value)


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
        The rate; a rate that lives on a device is waited for. Parts with rates of
        their own have their share of it.

    Example:
        >>> get_learning_rate(torch.optim.SGD([torch.zeros(1)], lr=0.5))
        0.5
    """
    groups = optimizer.param_groups
    group = next((each for each in groups if each.get("rate", 1.0)), groups[0])
    return float(group["lr"]) / (group.get("rate", 1.0) or 1.0)


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Write the learning rate of a built optimizer.

    Args:
        optimizer: Any torch optimizer.
        learning_rate: The new rate of the first parameter group; the other groups keep
            their ratio to it (or get the same rate, when the first one was 0). Parts
            with rates of their own get their share of it.

    Example:
        >>> optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.5)
        >>> set_learning_rate(optimizer, 0.25)
        >>> get_learning_rate(optimizer)
        0.25
    """
    # One group has no ratio, and need not wait for its device.
    groups = optimizer.param_groups
    several = len(groups) > 1 and "rate" not in groups[0]
    first = get_learning_rate(optimizer) if several else 0.0
    for group in groups:
        ratio = float(group["lr"]) / first if first else group.get("rate", 1.0)
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(learning_rate * ratio)
        else:
            group["lr"] = learning_rate * ratio
