"""Shapes as people write them: channels last, `None` where a dimension may vary."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any, Literal

from mica.errors import ConfigError

__all__ = [
    "Padding",
    "Shape",
    "describe",
    "pair",
    "same_padding",
    "window_output",
]

Shape = tuple[int | None, ...]
Padding = Literal["valid", "same"]


def describe(shape: Sequence[int | None]) -> str:
    """Write a shape as people read it.

    Args:
        shape: Sizes, `None` where any size is allowed.

    Returns:
        The text, as Python would print the tuple.

    Example:
        >>> describe((None, 28, 28, 1))
        '(None, 28, 28, 1)'
    """
    return str(tuple(shape))


def pair(value: int | Sequence[int], where: str, name: str) -> tuple[int, int]:
    """Read a size given once for both directions or as (height, width).

    Args:
        value: One positive integer or two.
        where: Who asks, for the error.
        name: The argument's name, for the error.

    Returns:
        (height, width).

    Raises:
        ConfigError: Not one or two positive integers.

    Example:
        >>> pair(3, "Conv2D", "kernel_size")
        (3, 3)
    """
    sizes: tuple[Any, ...] = (value, value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        sizes = tuple(value)
    valid = len(sizes) == 2 and all(
        isinstance(size, Integral) and not isinstance(size, bool) and int(size) >= 1
        for size in sizes
    )
    if not valid:
        raise ConfigError(
            f"{where}: expected {name} to be a positive integer or two of them, "
            f"got {value!r}. Write {name}=3 or {name}=(3, 3)."
        )
    return int(sizes[0]), int(sizes[1])


def window_output(
    size: int | None, window: int, stride: int, dilation: int, padding: Padding
) -> int | None:
    """Count the positions of a sliding window along one axis.

    valid: floor((size - reach) / stride) + 1, reach = dilation * (window - 1) + 1
    same: ceil(size / stride)

    Args:
        size: Length of the axis, `None` when it may vary.
        window: Length of the window.
        stride: Step between two positions.
        dilation: Distance between two taps of the window.
        padding: "valid" or "same".

    Returns:
        The number of positions, below 1 when the window does not fit.

    Example:
        >>> window_output(28, 3, 1, 1, "valid"), window_output(7, 3, 2, 1, "same")
        (26, 4)
    """
    if size is None:
        return None
    if padding == "same":
        return -(-size // stride)
    return (size - (dilation * (window - 1) + 1)) // stride + 1


def same_padding(size: int, window: int, stride: int, dilation: int) -> tuple[int, int]:
    """Zeros before and after an axis so that `same` gives ceil(size / stride).

    total = max((ceil(size / stride) - 1) * stride + reach - size, 0); the odd zero
    goes after, as in TensorFlow and Keras.

    Args:
        size: Length of the axis.
        window: Length of the window.
        stride: Step between two positions.
        dilation: Distance between two taps of the window.

    Returns:
        (before, after).

    Example:
        >>> same_padding(5, 2, 1, 1), same_padding(4, 3, 2, 1)
        ((0, 1), (0, 1))
    """
    reach = dilation * (window - 1) + 1
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2
