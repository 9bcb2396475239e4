"""What weights cost and what they must be: regularizers and constraints of a model."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mica.layers import Constraint, Layer, Regularizer

__all__ = ["WeightRules"]


class WeightRules:
    """The regularizers and constraints of all layers inside a module.

    Args:
        model: A built module; layers of Mica anywhere inside are found.

    Example:
        >>> from mica.layers import Dense
        >>> layer = Dense(1, use_bias=False, kernel_initializer="ones",
        ...     kernel_regularizer="l2", kernel_constraint=lambda w: w / 2)
        >>> _ = layer(torch.ones(1, 3))
        >>> rules = WeightRules(layer)
        >>> round(float(rules.penalty().detach()), 3)
        0.03
        >>> rules.constrain()
        >>> layer.weight.tolist()
        [[0.5, 0.5, 0.5]]
    """

    def __init__(self, model: nn.Module) -> None:
        self._regularized: list[tuple[Layer, str, Regularizer]] = []
        self._constrained: list[tuple[Layer, str, Constraint]] = []
        for part in model.modules():
            if not isinstance(part, Layer):
                continue
            for name, (regularizer, constraint) in part.weight_rules.items():
                if regularizer is not None:
                    self._regularized.append((part, name, regularizer))
                if constraint is not None:
                    self._constrained.append((part, name, constraint))

    def penalty(self) -> Tensor | None:
        """Add up what the weights in training cost; a frozen weight costs nothing.

        Returns:
            One number, differentiable; None when no weight costs anything.
        """
        costs = [
            regularizer(weight)
            for layer, name, regularizer in self._regularized
            if (weight := getattr(layer, name)).requires_grad
        ]
        return sum(costs[1:], costs[0]) if costs else None

    @property
    def constrain(self) -> Callable[[], None] | None:
        """What moves the weights where they must be; None when all are free."""
        return self._constrain if self._constrained else None

    @torch.no_grad()
    def _constrain(self) -> None:
        for layer, name, constraint in self._constrained:
            weight = getattr(layer, name)
            if weight.requires_grad:
                weight.copy_(constraint(weight))
