"""Adam and AdamW: steps by the mean of recent gradients over their spread."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Unpack

import torch
from torch import Tensor
from torch.optim.optimizer import (
    _global_optimizer_post_hooks,
    _global_optimizer_pre_hooks,
)

from mica.engine import AdamKernel
from mica.errors import ConfigError
from mica.optimizers.built import MatchedLayouts
from mica.optimizers.optimizer import (
    LearningRate,
    Optimizer,
    SharedOptions,
    check_number,
)

__all__ = ["Adam", "AdamUpdate", "AdamW", "AdamWUpdate"]

# Numbers; above, an update takes longer than Python's part, and torch has more threads.
LARGEST_IN_ONE_PASS = 2**18
_step_of_torch = inspect.unwrap(torch.optim.Adam.step)


def _is_watched(optimizer: torch.optim.Optimizer) -> bool:
    """Whether somebody hears of the step besides those who prepare it for torch."""
    before = optimizer._optimizer_step_pre_hooks.values()
    return bool(
        optimizer._optimizer_step_post_hooks
        or _global_optimizer_pre_hooks
        or _global_optimizer_post_hooks
        or torch.autograd._profiler_enabled()
        or any(type(hook) is not MatchedLayouts for hook in before)
    )


@torch.optim.Optimizer.profile_hook_step
@torch.no_grad()
def _step_among_hooks(
    self: "AdamUpdate", closure: Callable[[], Any] | None = None
) -> Any:
    loss = None
    if closure is not None:
        with torch.enable_grad():
            loss = closure()
    others = self.update_in_one_pass()
    if others:
        with _only(self, others):
            _step_of_torch(self)
    return loss


@contextmanager
def _only(
    optimizer: torch.optim.Optimizer, groups: list[dict[str, Any]]
) -> Iterator[None]:
    every = optimizer.param_groups
    optimizer.param_groups = groups
    try:
        yield
    finally:
        optimizer.param_groups = every


class AdamUpdate(torch.optim.Adam):
    """torch's Adam whose small weights are changed by one call of a kernel in C.

    What torch does in Python around its fused kernel takes longer than the update of a
    small network. On the processor, in float32 and where there is a C compiler, a
    group of at most 262,144 numbers is updated by ours: the same formula to rounding,
    with the same state. Every other group is left to torch.

    Args:
        *args: As torch's Adam.
        **kwargs: As torch's Adam.

    Example:
        >>> weight = torch.ones(1)
        >>> weight.grad = torch.tensor([4.0])
        >>> optimizer = AdamUpdate([weight], lr=0.1, fused=True)
        >>> optimizer.step()
        >>> round(weight.item(), 4)
        0.9
    """

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every weight that has a gradient.

        Args:
            closure: Computes the gradients anew and returns the loss; may be left out.

        Returns:
            What the closure returned.
        """
        if closure is not None or _is_watched(self):
            return _step_among_hooks(self, closure)
        others = self.update_in_one_pass()
        if others:
            with _only(self, others):
                _step_among_hooks(self)
        return None

    step.hooked = True  # type: ignore[attr-defined]  # or torch puts hooks around it

    def update_in_one_pass(self) -> list[dict[str, Any]]:
        """Change the groups the kernel is for.

        Returns:
            The groups that are left to torch.
        """
        kernels = self.__dict__.setdefault("_kernels", {})
        return [
            group
            for number, group in enumerate(self.param_groups)
            if not self._update(group, kernels.setdefault(number, AdamKernel()))
        ]

    def _update(self, group: dict[str, Any], kernel: AdamKernel) -> bool:
        if not group["fused"] or isinstance(group["lr"], Tensor):
            return False
        if group["amsgrad"] or group["maximize"] or group["capturable"]:
            return False
        coupled = group["weight_decay"] and not group["decoupled_weight_decay"]
        if coupled or getattr(self, "found_inf", None) is not None:
            return False
        weights = [weight for weight in group["params"] if weight.grad is not None]
        if sum(weight.numel() for weight in weights) > LARGEST_IN_ONE_PASS:
            return False
        states = [self.state[weight] for weight in weights]
        if not all(states):  # new: torch makes them
            return False
        return kernel.run(
            weights,
            [weight.grad for weight in weights],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [state["step"] for state in states],
            rate=group["lr"],
            betas=group["betas"],
            epsilon=group["eps"],
            decay=group["weight_decay"],
        )


class AdamWUpdate(AdamUpdate, torch.optim.AdamW):
    """torch's AdamW with the step of `AdamUpdate`.

    Args:
        *args: As torch's AdamW.
        **kwargs: As torch's AdamW.

    Example:
        >>> weight = torch.ones(1)
        >>> weight.grad = torch.tensor([0.0])
        >>> AdamWUpdate([weight], lr=0.1, weight_decay=0.5, fused=True).step()
        >>> round(weight.item(), 4)
        0.95
    """


class Adam(Optimizer):
    """Steps by the mean of recent gradients, divided by their root mean square.

    m = beta_1 * m + (1 - beta_1) * g;    m' = m / (1 - beta_1^t)
    v = beta_2 * v + (1 - beta_2) * g^2;  v' = v / (1 - beta_2^t)
    w = w - learning_rate * m' / (sqrt(v') + epsilon)
    v' from the largest v so far                                    with amsgrad

    The paper's Algorithm 1, which is torch's. Keras has the paper's shorter form, whose
    epsilon is larger by 1 / sqrt(1 - beta_2^t): 32 times at the first step, 1.6 times
    at the 500th. An update differs by less than epsilon / sqrt(v) of itself.

    Args:
        learning_rate: A number, or a function of the step.
        beta_1: Share of the mean that is kept: at least 0 and below 1.
        beta_2: Share of the mean square that is kept: at least 0 and below 1.
        epsilon: Added to the root. Above 0; Keras's 1e-7, where the paper has 1e-8.
        amsgrad: Whether the divisor may only grow.
        weight_decay: Decoupled decay, see `Optimizer`; `None` for none.
        **shared: Clipping, accumulation, rates of parts and averages of weights: what
            every `Optimizer` takes.

    State:
        m and v, and the largest v with amsgrad: each the parameter's bytes; a step
        count.

    Raises:
        ConfigError: A number is outside its range, or options do not go together.

    Example:
        >>> weight = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = Adam(0.1).build([weight])
        >>> weight.grad = torch.tensor([4.0])
        >>> optimizer.step()
        >>> round(weight.item(), 4)
        0.9

    Source:
        Kingma & Ba 2014, Algorithm 1; amsgrad: Reddi et al. 2018, Algorithm 2.
    """

    kind = AdamUpdate
    decays_weights = True

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        weight_decay: float | None = None,
        **shared: Unpack[SharedOptions],
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **shared)
        self.beta_1 = check_number("Adam", "a beta_1", beta_1, below=1)
        self.beta_2 = check_number("Adam", "a beta_2", beta_2, below=1)
        self.epsilon = check_number("Adam", "an epsilon", epsilon, above=0)
        self.amsgrad = bool(amsgrad)

    def options(self) -> dict[str, Any]:
        """Give the arguments of torch's Adam."""
        return {
            "betas": (self.beta_1, self.beta_2),
            "eps": self.epsilon,
            "amsgrad": self.amsgrad,
            "weight_decay": self.weight_decay or 0.0,
            "decoupled_weight_decay": True,
        }


class AdamW(Optimizer):
    """Adam whose weights shrink a little before each step.

    w = w * (1 - learning_rate * weight_decay), then Adam's update

    `Adam(weight_decay=...)` computes the same; this one decays by default.

    Args:
        learning_rate: A number, or a function of the step.
        weight_decay: Share of each weight lost per update at a learning rate of 1.
            At least 0; Keras's 0.004.
        beta_1: Share of the mean that is kept: at least 0 and below 1.
        beta_2: Share of the mean square that is kept: at least 0 and below 1.
        epsilon: Added to the root, see `Adam`. Above 0.
        amsgrad: Whether the divisor may only grow.
        **shared: Clipping, accumulation, rates of parts and averages of weights: what
            every `Optimizer` takes.

    State:
        As Adam's.

    Raises:
        ConfigError: A number is outside its range or missing, or options do not go
            together.

    Example:
        >>> weight = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = AdamW(0.1, weight_decay=0.5).build([weight])
        >>> weight.grad = torch.tensor([0.0])
        >>> optimizer.step()
        >>> round(weight.item(), 4)
        0.95

    Source:
        Loshchilov & Hutter 2017 (Decoupled Weight Decay), Algorithm 2, with the decay
        multiplied by the learning rate as in Keras and torch.
    """

    kind = AdamWUpdate
    decays_weights = True

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        *,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **shared: Unpack[SharedOptions],
    ) -> None:
        if weight_decay is None:
            raise ConfigError(
                "AdamW: expected a weight_decay, got None. Give a number, or use Adam."
            )
        super().__init__(learning_rate, weight_decay=weight_decay, **shared)
        self.beta_1 = check_number("AdamW", "a beta_1", beta_1, below=1)
        self.beta_2 = check_number("AdamW", "a beta_2", beta_2, below=1)
        self.epsilon = check_number("AdamW", "an epsilon", epsilon, above=0)
        self.amsgrad = bool(amsgrad)

    def options(self) -> dict[str, Any]:
        """Give the arguments of torch's AdamW."""
        return {
            "betas": (self.beta_1, self.beta_2),
            "eps": self.epsilon,
            "amsgrad": self.amsgrad,
            "weight_decay": self.weight_decay,
        }
