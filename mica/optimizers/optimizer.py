"""Optimizer: what is to be done with gradients, before there are parameters."""

import math
import numbers
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from mica.engine.execution import Implementation
from mica.errors import ConfigError
from mica.optimizers.built import DecoupledDecay, MatchedLayouts, has_fused
from mica.optimizers.clipping import clip_by_global_norm, clip_by_norm, clip_by_value
from mica.registry import Configurable

__all__ = ["LearningRate", "Optimizer", "check_number"]

LearningRate = float | Callable[[int], float]


def check_number(
    where: str,
    name: str,
    value: Any,
    *,
    above: float | None = None,
    below: float = math.inf,
) -> float:
    """Demand a finite number in a range.

    Args:
        where: Who speaks in the error.
        name: The argument.
        value: What was given.
        above: The value must be greater; `None` allows 0 and more.
        below: The value must be smaller.

    Returns:
        The value as a float.

    Raises:
        ConfigError: It is not such a number.

    Example:
        >>> check_number("Adam", "epsilon", 1, above=0)
        1.0
    """
    number = math.nan  # what is no number is in no range
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        number = float(value)
    high_enough = number >= 0 if above is None else number > above
    if not (high_enough and number < below):
        text = "of at least 0" if above is None else f"above {above:g}"
        if below < math.inf:
            text += f" and below {below:g}"
        raise ConfigError(
            f"{where}: expected {name} {text}, got {value!r}. Give a finite number in "
            "that range."
        )
    return number


class Optimizer(Configurable):
    """The description of an optimizer; `build` makes the torch optimizer it describes.

    A description holds no parameters, can be saved, and can be built again and again.
    For an algorithm of your own, write a `torch.optim.Optimizer` and give it to
    `compile`.

    Args:
        learning_rate: A number, or a function of the step (see
            `mica.optimizers.schedules`).
        weight_decay: Share of each weight lost per update at a learning rate of 1,
            decoupled from the gradient as in AdamW and Keras; `None` for none.
        clipnorm: Bound on the length of each parameter's gradient.
        global_clipnorm: Bound on the length of all gradients together.
        clipvalue: Bound on each entry of each gradient. At most one of the three.

    Raises:
        ConfigError: A number is outside its range, or two bounds are given.

    Example:
        >>> import mica
        >>> weight = torch.nn.Parameter(torch.ones(1))
        >>> optimizer = mica.optimizers.SGD(0.5).build([weight])
        >>> weight.grad = torch.ones(1)
        >>> optimizer.step()
        >>> weight.item()
        0.5
    """

    kind: type[torch.optim.Optimizer]
    words_of_others: ClassVar[Mapping[str, str]] = {
        "decay": "Give learning_rate a schedule, e.g. "
        "mica.optimizers.schedules.cosine_decay(0.1, 1000).",
        "eps": "epsilon",
        "lr": "learning_rate",
    }
    decays_weights = False  # whether torch's class knows decoupled decay itself

    def __init__(
        self,
        learning_rate: LearningRate,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        global_clipnorm: float | None = None,
        clipvalue: float | None = None,
    ) -> None:
        where = type(self).__name__
        if not callable(learning_rate):
            learning_rate = check_number(where, "a learning_rate", learning_rate)
        self.learning_rate: LearningRate | None = learning_rate
        if weight_decay is not None:
            check_number(where, "a weight_decay", weight_decay)
        self.weight_decay = weight_decay
        bounds = {
            "clipnorm": clipnorm,
            "global_clipnorm": global_clipnorm,
            "clipvalue": clipvalue,
        }
        given = [name for name, bound in bounds.items() if bound is not None]
        for name in given:
            check_number(where, f"a {name}", bounds[name], above=0)
        if len(given) > 1:
            raise ConfigError(
                f"{where}: expected at most one of clipnorm, global_clipnorm and "
                f"clipvalue, got {' and '.join(given)}. Leave one out."
            )
        self.clipnorm = clipnorm
        self.global_clipnorm = global_clipnorm
        self.clipvalue = clipvalue

    @property
    def schedule(self) -> Callable[[int], float] | None:
        """The learning rate as a function of the step; `None` when it is a number."""
        return self.learning_rate if callable(self.learning_rate) else None

    @property
    def clips(self) -> bool:
        """Whether gradients are bounded before each update."""
        bounds = (self.clipnorm, self.global_clipnorm, self.clipvalue)
        return any(bound is not None for bound in bounds)

    def options(self) -> dict[str, Any]:
        """Give the arguments of `kind` that say the same as this description.

        Returns:
            Names and values, without the learning rate and the implementation.
        """
        return {}

    def build(
        self, parameters: Iterable[Tensor], *, implementation: Implementation = "fused"
    ) -> torch.optim.Optimizer:
        """Make the torch optimizer of some parameters.

        Clipping is not part of it: call `clip_gradients` before each step. The decay
        may be a hook, which `copy.deepcopy` of torch's optimizers drops: build again
        and load the state instead.

        Args:
            parameters: The tensors to change.
            implementation: `fused` for one kernel per update where torch has one for
                all of these parameters, else `foreach`: one per operation.

        Returns:
            A torch optimizer with the learning rate of step 0.

        Raises:
            ConfigError: There are no parameters, they are not tensors, or the schedule
                gives no learning rate.
        """
        where, tensors = type(self).__name__, list(parameters)
        if not tensors:
            raise ConfigError(
                f"{where}: expected parameters to change, got none. Build the model "
                "first, and leave a layer trainable."
            )
        for tensor in tensors:
            if not isinstance(tensor, Tensor):
                raise ConfigError(
                    f"{where}: expected tensors to change, got a "
                    f"{type(tensor).__name__}. For groups with their own settings "
                    "give compile a torch optimizer."
                )
        rate = self.learning_rate
        if self.schedule is not None:
            rate = check_number(where, "a learning_rate at step 0", self.schedule(0))
        fused = implementation == "fused" and all(
            has_fused(self.kind, device_type, dtype)
            for device_type, dtype in {(t.device.type, t.dtype) for t in tensors}
        )
        options = {"lr": rate, "fused" if fused else "foreach": True, **self.options()}
        optimizer = self.kind(tensors, **options)
        if fused:
            MatchedLayouts().attach(optimizer)
        if self.weight_decay and not self.decays_weights:
            optimizer.register_step_pre_hook(DecoupledDecay(self.weight_decay))
        return optimizer

    def clip_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Bound the gradients in place, as the description says; never waits.

        Args:
            parameters: Tensors whose `grad` was computed; those without are passed
                over.

        Example:
            >>> import mica
            >>> weight = torch.ones(1)
            >>> weight.grad = torch.tensor([5.0])
            >>> mica.optimizers.SGD(clipvalue=2.0).clip_gradients([weight])
            >>> weight.grad
            tensor([2.])
        """
        if not self.clips:
            return
        gradients = [tensor.grad for tensor in parameters if tensor.grad is not None]
        if not gradients:
            return
        if self.clipnorm is not None:
            clip_by_norm(gradients, self.clipnorm)
        elif self.global_clipnorm is not None:
            clip_by_global_norm(gradients, self.global_clipnorm)
        elif self.clipvalue is not None:
            clip_by_value(gradients, self.clipvalue)
