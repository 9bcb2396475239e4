"""Updating: gradients to new weights, by one optimizer over the trained parameters."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mica.errors import ConfigError
from mica.optimizers import get_optimizer, set_learning_rate

__all__ = ["Updater"]


class Updater:
    """An optimizer on its parameters, with its schedule, clipping and step count.

    Args:
        optimizer: A name, an optimizer of Mica, a torch optimizer, or a function from
            parameters to one.
        parameters: What it may change.
        step: Updates done before (a run that goes on).

    Raises:
        ConfigError: There is nothing to train.

    Example:
        >>> module = nn.Linear(1, 1)
        >>> updater = Updater("sgd", list(module.parameters()))
        >>> module(torch.ones(1, 1)).sum().backward()
        >>> updater.apply()
        >>> updater.step
        1
    """

    def __init__(
        self, optimizer: Any, parameters: Sequence[nn.Parameter], *, step: int = 0
    ) -> None:
        if not parameters:
            raise ConfigError(
                "fit: expected at least one weight to train, got none. Set "
                "trainable = True on a layer and compile again."
            )
        self.spec = get_optimizer(optimizer)
        self.parameters = list(parameters)
        self.optimizer: torch.optim.Optimizer = self.spec.build(self.parameters)
        self.step = step
        self.constrain: Callable[[], None] | None = None
        self._schedule = self.spec.schedule
        self._clips = self.spec.clips
        closure = inspect.signature(self.optimizer.step).parameters.get("closure")
        self._looks_again = closure is not None and closure.default is closure.empty

    def __getstate__(self) -> dict[str, Any]:
        # Torch's optimizers lose their hooks when copied, and with them decay.
        return {"spec": self.spec, "parameters": self.parameters, **self.state()}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        Updater.__init__(self, saved["spec"], saved["parameters"])
        self.load(saved)

    def clear(self) -> None:
        """Forget the gradients of the step before."""
        for parameter in self.parameters:
            parameter.grad = None

    def apply(self, again: Callable[[], Tensor] | None = None) -> None:
        """Clip, set the rate, and change the weights.

        Args:
            again: Computes loss and gradients of the batch once more, for an optimizer
                such as torch's LBFGS that looks several times before it moves.

        Raises:
            ConfigError: The optimizer needs `again` and gets None.
        """
        if self._clips:
            self.spec.clip_gradients(self.parameters)
        if self._schedule is not None:
            set_learning_rate(self.optimizer, self._schedule(self.step))
        if self._looks_again:
            self._apply_looking(again)
        else:
            self.optimizer.step()
        if self.constrain is not None:
            self.constrain()
        self.step += 1

    def _apply_looking(self, again: Callable[[], Tensor] | None) -> None:
        if again is None:
            raise ConfigError(
                "learn: expected an optimizer that is content with one gradient, got "
                f"{type(self.optimizer).__name__}. Train with fit's own step, or "
                "choose another optimizer."
            )
        self.optimizer.step(again)  # type: ignore[arg-type]  # a 0-d tensor will do

    def state(self) -> dict[str, Any]:
        """Give what must be saved to go on later: moments, rates, the step count."""
        return {"step": self.step, "optimizer": self.optimizer.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a saved state.

        Args:
            state: What `state` gave.
        """
        self.step = int(state["step"])
        self.optimizer.load_state_dict(state["optimizer"])
