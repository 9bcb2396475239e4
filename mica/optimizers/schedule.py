"""Schedule: a learning rate as a function of the step, and checks of its numbers."""

import math
import numbers
from typing import Any

from mica.errors import ConfigError
from mica.registry import Configurable

__all__ = ["Schedule", "check_rate", "check_steps", "is_number"]


def is_number(value: Any) -> bool:
    """Tell whether a value is a real number, and no truth value.

    Args:
        value: Anything.

    Returns:
        Whether it is.

    Example:
        >>> is_number(0.1), is_number(True)
        (True, False)
    """
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def check_rate(where: str, name: str, value: Any) -> None:
    """Demand a finite number of at least 0.

    Args:
        where: Who asks, for the error.
        name: The argument with its article, for the error.
        value: What the user gave.

    Raises:
        ConfigError: It is none.

    Example:
        >>> check_rate("constant", "a learning_rate", 0.1)
    """
    if not is_number(value) or not 0 <= value < math.inf:
        raise ConfigError(
            f"{where}: expected {name} of at least 0, got {value!r}. Give a finite "
            "number such as 0.001."
        )


def check_steps(where: str, name: str, value: Any, least: int = 1) -> None:
    """Demand a whole number of updates.

    Args:
        where: Who asks, for the error.
        name: The argument, for the error.
        value: What the user gave.
        least: The smallest number allowed.

    Raises:
        ConfigError: It is none, or smaller.

    Example:
        >>> check_steps("step_decay", "decay_steps", 100)
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(
            f"{where}: expected {name} of at least {least}, got {value!r}. Give a "
            "whole number of updates: epochs times steps per epoch."
        )


class Schedule(Configurable):
    """A learning rate as a pure function of the step; step 0 is the first update.

    Give one as an optimizer's `learning_rate`. Any function from a step to a number
    does; these can also be saved in a model's file.

    Example:
        >>> class Halving(Schedule):
        ...     def __call__(self, step):
        ...         return 0.1 / 2**step
        >>> Halving()(2)
        0.025
    """

    def __call__(self, step: int) -> float:
        """Give the learning rate of one update.

        Args:
            step: Number of updates made before it.

        Returns:
            The learning rate.
        """
        raise NotImplementedError
