"""Lookup: whatever a user calls an optimizer, as a description."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from mica.engine.execution import Implementation
from mica.errors import ConfigError, near_misses
from mica.optimizers.adadelta import Adadelta
from mica.optimizers.adafactor import Adafactor
from mica.optimizers.adagrad import Adagrad
from mica.optimizers.adam import Adam, AdamW
from mica.optimizers.adamax import Adamax
from mica.optimizers.conjugate_gradient import ConjugateGradient
from mica.optimizers.ftrl import Ftrl
from mica.optimizers.lamb import Lamb
from mica.optimizers.lbfgs import LBFGS
from mica.optimizers.lion import Lion
from mica.optimizers.muon import Muon
from mica.optimizers.nadam import Nadam
from mica.optimizers.optimizer import Optimizer
from mica.optimizers.rmsprop import RMSprop
from mica.optimizers.schedule_free import ScheduleFreeAdamW
from mica.optimizers.sgd import SGD

__all__ = ["TorchOptimizer", "get_optimizer"]

NAMES: dict[str, Callable[[], Optimizer]] = {
    kind.__name__.lower(): kind
    for kind in (
        SGD,
        RMSprop,
        Adagrad,
        Adadelta,
        Adafactor,
        Adam,
        Adamax,
        AdamW,
        Ftrl,
        Lamb,
        Lion,
        Muon,
        Nadam,
        ScheduleFreeAdamW,
        LBFGS,
        ConjugateGradient,
    )
}


class TorchOptimizer(Optimizer):
    """A torch optimizer, or what makes one, with the face of a description.

    It has no clipping, and its learning rate is its own affair.

    Args:
        source: A torch optimizer that holds the model's parameters, or a function that
            makes one from parameters: a class of `torch.optim`, `functools.partial`.

    State:
        The torch optimizer's.

    Raises:
        ConfigError: `build`: the optimizer holds other parameters, or the function
            made something else.

    Example:
        >>> weight = torch.nn.Parameter(torch.ones(1))
        >>> type(TorchOptimizer(torch.optim.Adamax).build([weight])).__name__
        'Adamax'

    Source:
        ours.
    """

    def __init__(
        self,
        source: torch.optim.Optimizer | Callable[[list[Tensor]], torch.optim.Optimizer],
    ) -> None:
        super().__init__(0.0)
        self.learning_rate = None
        self.source = source

    def build(
        self,
        parameters: Iterable[Tensor] | Iterable[tuple[str, Tensor]],
        *,
        module: nn.Module | None = None,
        implementation: Implementation = "fused",
    ) -> torch.optim.Optimizer:
        """Give the torch optimizer, or make it.

        Args:
            parameters: The tensors to change, or (name, tensor) of each.
            module: Not used.
            implementation: Not used: the torch optimizer decides.

        Returns:
            The torch optimizer.

        Raises:
            ConfigError: See the class.
        """
        del implementation
        tensors = [tensor for _, tensor in self._named(list(parameters), module)]
        if not isinstance(self.source, torch.optim.Optimizer):
            made = self.source(tensors)
            if not isinstance(made, torch.optim.Optimizer):
                raise ConfigError(
                    f"optimizer: expected a torch optimizer from the function, got "
                    f"a {type(made).__name__}. Let it return one, such as "
                    "torch.optim.Adam(parameters)."
                )
            return made
        known = {id(tensor) for tensor in tensors}
        groups = self.source.param_groups
        held = [tensor for group in groups for tensor in group["params"]]
        strangers = sum(id(tensor) not in known for tensor in held)
        if strangers:
            raise ConfigError(
                f"optimizer: expected a torch optimizer that holds this model's "
                f"trainable parameters, got {type(self.source).__name__} with "
                f"{strangers} of {len(held)} from elsewhere. Make it after the model "
                "is built, or give the class: functools.partial(torch.optim.Adam, "
                "lr=0.001)."
            )
        return self.source


def get_optimizer(optimizer: Any) -> Optimizer:
    """Turn whatever a user calls an optimizer into a description.

    Args:
        optimizer: A name in any case (`"adam"`), a description (`Adam(0.01)`) or its
            class, a torch optimizer, a class of `torch.optim`, or a function from
            parameters to a torch optimizer.

    Returns:
        A description; the same one when one was given.

    Raises:
        ConfigError: An unknown name, or something else altogether.

    Example:
        >>> get_optimizer("RMSprop").learning_rate
        0.001
        >>> get_optimizer("rmsprob")
        Traceback (most recent call last):
        mica.errors.ConfigError: optimizer: expected an optimizer's name,
        got 'rmsprob'. Did you mean 'rmsprop'?
    """
    if isinstance(optimizer, Optimizer):
        return optimizer
    if isinstance(optimizer, str):
        if optimizer.lower() in NAMES:
            return NAMES[optimizer.lower()]()
        raise ConfigError(
            f"optimizer: expected an optimizer's name, got {optimizer!r}. "
            f"{near_misses(optimizer.lower(), NAMES)}"
        )
    if isinstance(optimizer, torch.optim.Optimizer):
        return TorchOptimizer(optimizer)
    if callable(optimizer):
        makes: Callable[..., Any] = optimizer
        if isinstance(optimizer, type) and issubclass(optimizer, Optimizer):
            return makes()
        return TorchOptimizer(makes)
    raise ConfigError(
        f"optimizer: expected a name, a Mica optimizer or a torch optimizer, got a "
        f"{type(optimizer).__name__}. Try 'adam', or mica.optimizers.Adam(0.001)."
    )
