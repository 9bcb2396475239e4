"""Checks of constructor arguments, each with its sentence."""

import math
import operator
from collections.abc import Iterable
from typing import Any

from mica.errors import ConfigError, near_misses

__all__ = ["fraction", "integer", "one_of", "positive_integer", "real_number"]


def _as_integer(value: Any) -> int | None:
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None


def integer(value: Any, where: str, name: str) -> int:
    """Read an integer of either sign.

    Args:
        value: What the user wrote; NumPy's integers are welcome.
        where: Who asks, for the error.
        name: The argument's name, for the error.

    Returns:
        The integer.

    Raises:
        ConfigError: Not an integer.

    Example:
        >>> integer(-1, "Softmax", "axis")
        -1
    """
    number = _as_integer(value)
    if number is None:
        raise ConfigError(
            f"{where}: expected {name} to be an integer, got {value!r}. "
            f"Write for example {name}=-1."
        )
    return number


def positive_integer(value: Any, where: str, name: str) -> int:
    """Read a count of at least 1.

    Args:
        value: What the user wrote; NumPy's integers are welcome.
        where: Who asks, for the error.
        name: The argument's name, for the error.

    Returns:
        The integer.

    Raises:
        ConfigError: Not an integer, or below 1.

    Example:
        >>> positive_integer(64, "Dense", "units")
        64
    """
    number = _as_integer(value)
    if number is None or number < 1:
        raise ConfigError(
            f"{where}: expected {name} to be a positive integer, got {value!r}. "
            f"Write for example {name}=32."
        )
    return number


def _as_float(value: Any) -> float:
    try:
        return math.nan if isinstance(value, (bool, str)) else float(value)
    except (TypeError, ValueError):
        return math.nan


def real_number(
    value: Any, where: str, name: str, *, minimum: float = -math.inf
) -> float:
    """Read a finite number.

    Args:
        value: What the user wrote.
        where: Who asks, for the error.
        name: The argument's name, for the error.
        minimum: The smallest value allowed.

    Returns:
        The number.

    Raises:
        ConfigError: Not a number, not finite, or too small.

    Example:
        >>> real_number(1e-3, "BatchNormalization", "epsilon", minimum=0.0)
        0.001
    """
    number = _as_float(value)
    if not (math.isfinite(number) and number >= minimum):
        least = "" if minimum == -math.inf else f" of at least {minimum:g}"
        raise ConfigError(
            f"{where}: expected {name} to be a finite number{least}, got {value!r}. "
            f"Give {name} another value."
        )
    return number


def fraction(value: Any, where: str, name: str) -> float:
    """Read a number from 0 to below 1.

    Args:
        value: What the user wrote.
        where: Who asks, for the error.
        name: The argument's name, for the error.

    Returns:
        The number.

    Raises:
        ConfigError: Not a number, negative, or not below 1.

    Example:
        >>> fraction(0.5, "Dropout", "rate")
        0.5
    """
    number = _as_float(value)
    if not 0.0 <= number < 1.0:
        raise ConfigError(
            f"{where}: expected {name} from 0 to below 1, got {value!r}. "
            f"Write for example {name}=0.5 for one half."
        )
    return number


def one_of(value: Any, choices: Iterable[str], where: str, name: str) -> str:
    """Read one of a few words.

    Args:
        value: What the user wrote.
        choices: The words that are known.
        where: Who asks, for the error.
        name: The argument's name, for the error.

    Returns:
        The word.

    Raises:
        ConfigError: Another word, or no word.

    Example:
        >>> one_of("same", ("valid", "same"), "Conv2D", "padding")
        'same'
    """
    known = tuple(choices)
    if not isinstance(value, str) or value not in known:
        advice = near_misses(str(value), known)
        raise ConfigError(
            f"{where}: expected {name} to be a known name, got {value!r}. {advice}"
        )
    return value
