"""Shapes as people write them: channels last, `None` where a dimension may vary."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any, Literal

from mica.errors import ConfigError

__all__ = [
    "Padding",
    "PaddingInTime",
    "Shape",
    "describe",
    "each_axis",
    "same_padding",
    "transposed_cut",
    "window_output",
]

Shape = tuple[int | None, ...]
Padding = Literal["valid", "same"]
PaddingInTime = Literal["valid", "same", "causal"]

_SEVERAL = {1: ("", ""), 2: (" or two of them", "(3, 3)")} | {
    3: (" or three of them", "(3, 3, 3)")
}


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


def each_axis(
    value: int | Sequence[int], rank: int, where: str, name: str
) -> tuple[int, ...]:
    """Read a size given once for all axes of a window, or one for each.

    Args:
        value: One positive integer, or `rank` of them.
        rank: The number of axes: 1 for sequences, 2 for images, 3 for volumes.
        where: Who asks, for the error.
        name: The argument's name, for the error.

    Returns:
        One size for each axis, in the order of the input's.

    Raises:
        ConfigError: Not one or `rank` positive integers.

    Example:
        >>> each_axis(3, 2, "Conv2D", "kernel_size")
        (3, 3)
    """
    sizes: tuple[Any, ...] = (value,) * rank
    if isinstance(value, Sequence) and not isinstance(value, str):
        sizes = tuple(value)
    valid = len(sizes) == rank and all(
        isinstance(size, Integral) and not isinstance(size, bool) and int(size) >= 1
        for size in sizes
    )
    if not valid:
        several, example = _SEVERAL[rank]
        or_written = f" or {name}={example}" if example else ""
        raise ConfigError(
            f"{where}: expected {name} to be a positive integer{several}, "
            f"got {value!r}. Write {name}=3{or_written}."
        )
    return tuple(int(size) for size in sizes)


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


def transposed_cut(
    window: int, stride: int, dilation: int, padding: str, more: int | None
) -> tuple[int, int]:
    """Positions that a transposed convolution drops at both ends of an axis.

    Before the cut there are (size - 1) * stride + reach of them, with
    reach = dilation * (window - 1) + 1. After it, as in Keras:

    valid: max(reach, stride) stands for reach; with `more`, reach + more
    same: size * stride; with `more`, (size - 1) * stride + reach % 2 + more

    Args:
        window: Length of the window.
        stride: Distance between two inputs in the output.
        dilation: Distance between two taps of the window.
        padding: "valid" or "same".
        more: `output_padding`, below the stride; `None` for the usual size.

    Returns:
        (before, after); after is negative where zeros are added.

    Example:
        >>> transposed_cut(3, 2, 1, "same", None), transposed_cut(2, 3, 1, "valid", 0)
        ((0, 1), (0, 0))
    """
    reach = dilation * (window - 1) + 1
    if padding == "valid":
        return 0, -(max(stride - reach, 0) if more is None else more)
    kept = reach - 2 + (stride if more is None else reach % 2 + more)
    first = min(kept - kept // 2, reach - 1)
    return reach - 1 - first, reach - 1 - (kept - first)
