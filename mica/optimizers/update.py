"""Update: the torch optimizers of our own, one foreach call per operation."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

__all__ = ["ForeachUpdate"]

Settings = dict[str, Any]


class ForeachUpdate(torch.optim.Optimizer):
    """What every torch optimizer of our own shares; one defines `update`.

    Weights are changed together, by one call per operation for all of a kind and
    place: torch makes a few kernels of it on a GPU, and one pass per weight and
    operation over memory on the processor.

    Args:
        params: Tensors to change, or groups of them, as in all torch optimizers.
        lr: Learning rate; a tensor may hold it on the weights' device.
        foreach: Always true; it is how the plan's line names this.
        **settings: The numbers of the formula.

    Example:
        >>> class Halving(ForeachUpdate):
        ...     def update(self, group, weights, gradients):
        ...         torch._foreach_mul_(weights, group["share"])
        >>> weight = torch.ones(1)
        >>> weight.grad = torch.ones(1)
        >>> Halving([weight], share=0.5).step()
        >>> weight
        tensor([0.5000])
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 0.001,
        *,
        foreach: bool = True,
        **settings: Any,
    ) -> None:
        super().__init__(params, {"lr": lr, **settings, "foreach": foreach})

    def update(
        self, group: Settings, weights: list[Tensor], gradients: list[Tensor]
    ) -> None:
        """Change weights by their gradients; a class defines this.

        Args:
            group: The settings of their group.
            weights: Of one device and type.
            gradients: One for each.

        Raises:
            NotImplementedError: The class does not define it.
        """
        raise NotImplementedError(
            f"{type(self).__name__}: expected a method update(group, weights, "
            "gradients), got none. Define it in the class."
        )

    def remembered(
        self, weights: list[Tensor], name: str, first: float = 0.0
    ) -> list[Tensor]:
        """Give one running tensor per weight, in the weight's layout.

        Args:
            weights: Whose.
            name: What it is called in the state.
            first: What it is filled with when it is new.

        Returns:
            The tensors, to be changed in place.
        """
        for weight in weights:
            if name not in self.state[weight]:
                self.state[weight][name] = torch.full_like(weight, first)
        return [self.state[weight][name] for weight in weights]

    def count(self, weights: list[Tensor]) -> list[int]:
        """Count one more update of each weight.

        Args:
            weights: Those about to change.

        Returns:
            The number of this update, from 1.
        """
        numbers = [self.state[weight].get("step", 0) + 1 for weight in weights]
        for weight, number in zip(weights, numbers, strict=True):
            self.state[weight]["step"] = number
        return numbers

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every weight that has a gradient.

        Args:
            closure: Computes the gradients anew and returns the loss; may be left out.

        Returns:
            What the closure returned.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            alike: dict[Any, tuple[list[Tensor], list[Tensor]]] = {}
            for weight in group["params"]:
                if weight.grad is not None:
                    kind = (weight.device, weight.dtype)
                    weights, gradients = alike.setdefault(kind, ([], []))
                    weights.append(weight)
                    gradients.append(weight.grad)
            for weights, gradients in alike.values():
                self.update(group, weights, gradients)
        return loss
