"""Numbers that optimizers are made with, checked where they are given."""

import math
import numbers
from typing import Any

from mica.errors import ConfigError

__all__ = ["check_count", "check_number"]


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


def check_count(where: str, name: str, value: Any, *, least: int = 1) -> int:
    """Demand a whole number.

    Args:
        where: Who speaks in the error.
        name: The argument.
        value: What was given.
        least: The smallest one allowed.

    Returns:
        The value as an int.

    Raises:
        ConfigError: It is no whole number, or too small.

    Example:
        >>> check_count("Muon", "ns_steps", 5)
        5
    """
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or value < least:
        raise ConfigError(
            f"{where}: expected {name} of at least {least}, got {value!r}. Give a "
            "whole number."
        )
    return int(value)
