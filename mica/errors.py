"""The kinds of error Mica raises: each is also the built-in error users expect."""

import difflib
from collections.abc import Iterable

__all__ = [
    "ArgumentError",
    "CheckpointError",
    "ConfigError",
    "DataError",
    "DivergenceError",
    "MicaError",
    "MissingDependencyError",
    "OutOfMemoryError",
    "ShapeError",
    "StateError",
    "count_others",
    "near_misses",
]


class MicaError(Exception):
    """An error Mica raises on purpose: where, what it expected, what came, the cure."""


class ConfigError(MicaError, ValueError):
    """An argument, or a combination of arguments, that cannot work."""


class ArgumentError(ConfigError, TypeError):
    """A call with other arguments than the class or function takes."""


class ShapeError(MicaError, ValueError):
    """A tensor whose shape does not fit where it was given."""


class DataError(MicaError, ValueError):
    """Data that are missing, malformed or do not fit the task."""


class StateError(MicaError, RuntimeError):
    """A call that came too early, too late, or twice."""


class CheckpointError(MicaError, OSError):
    """A model file that cannot be written, read or trusted."""


class MissingDependencyError(MicaError, ImportError):
    """An optional library that a feature needs and that is not installed."""


class OutOfMemoryError(MicaError, MemoryError):
    """A batch whose step needs more memory than there is; nothing is lost."""


class DivergenceError(MicaError, ArithmeticError):
    """Training whose loss became NaN or infinite; weights are as they were before."""


def count_others(count: int) -> str:
    """Say how many other names there are.

    Args:
        count: Their number.

    Example:
        >>> count_others(1), count_others(2)
        ('1 other', '2 others')
    """
    return "1 other" if count == 1 else f"{count} others"


def near_misses(name: str, known: Iterable[str]) -> str:
    """Offer what the user may have meant, as the end of an error's advice.

    Args:
        name: What the user wrote.
        known: Every valid name.

    Returns:
        `Did you mean 'adam'?` when something is close, else `Choose from: ...`.

    Example:
        >>> near_misses("adm", ["adam", "sgd"])
        "Did you mean 'adam'?"
        >>> near_misses("xyz", ["sgd", "adam"])
        'Choose from: adam, sgd.'
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=2, cutoff=0.6)
    close = close or [known for known in names if name and known.startswith(name)][:2]
    if close:
        return f"Did you mean {' or '.join(repr(match) for match in close)}?"
    return f"Choose from: {', '.join(names)}."
