"""Checks of a layer's input, each with its sentence; run only when something failed."""

from collections.abc import Sequence
from typing import Any

import torch

from mica.errors import DataError, ShapeError
from mica.shapes import describe

__all__ = ["AXES", "check_axis", "check_floating", "check_rank", "check_window"]

AXES = {1: "batch steps channels", 2: "batch height width channels"} | {
    3: "batch depth height width channels"
}
_NOT_EMPTY = {1: "a sequence of at least 1 step", 2: "an image of at least 1 by 1"} | {
    3: "a volume of at least 1 by 1 by 1"
}
_RANK_OF_PICTURES = 4  # batch, height, width, channels
_CHANNELS_LAST = "Put the channels last: x.permute(0, 2, 3, 1), or numpy.moveaxis."


def check_floating(
    where: str, dtype: torch.dtype | None, weights: torch.dtype | None = None
) -> None:
    """Refuse whole numbers where a layer multiplies, and a type unlike its weights'.

    Args:
        where: The layer, for the error.
        dtype: Type of its input; `None` when it has none.
        weights: Type of the layer's weights; `None` when it has none yet.

    Raises:
        DataError: The type is not a floating-point one, or not that of the weights.

    Example:
        >>> check_floating("Dense", torch.float32)
    """
    if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
        raise DataError(
            f"{where}: expected floating-point input, got {dtype}. "
            "Convert it with x.float()."
        )
    if dtype is not None and weights is not None and dtype != weights:
        raise DataError(
            f"{where}: expected input of type {weights} as its weights, got {dtype}. "
            f"Convert it with x.to({weights})."
        )


def _check_one_tensor(where: str, shape: Any) -> None:
    plain_list = isinstance(shape, list) and not any(
        isinstance(part, tuple) for part in shape
    )
    if shape is None or plain_list:
        raise DataError(
            f"{where}: expected a tensor, got something else. "
            "Convert it with torch.as_tensor(x)."
        )
    one = isinstance(shape, tuple) and not any(
        isinstance(size, (tuple, list, dict)) for size in shape
    )
    if not one:
        raise ShapeError(
            f"{where}: expected one tensor, got several of shapes {shape}. "
            "Join them first, e.g. with torch.cat."
        )


def check_rank(where: str, shape: Any, axes: str, *, at_least: bool = False) -> None:
    """Demand one tensor with the right number of axes.

    Args:
        where: The layer, for the error.
        shape: Shape of its input.
        axes: Names of the axes, separated by spaces.
        at_least: Whether more axes are welcome.

    Raises:
        DataError: There is no tensor.
        ShapeError: There are several tensors, or another number of axes.

    Example:
        >>> check_rank("Conv2D", (None, 28, 28, 1), "batch height width channels")
    """
    _check_one_tensor(where, shape)
    names = axes.split()
    rank, few = len(names), len(shape) < len(names)
    if few or (len(shape) > rank and not at_least):
        least = "at least " if at_least else ""
        advice = "Add the missing axis" if few else "Take the extra axis away"
        axes = f"{rank} axis" if rank == 1 else f"{rank} axes"
        raise ShapeError(
            f"{where}: expected {least}{axes} ({', '.join(names)}), got shape "
            f"{describe(shape)}. {advice}, e.g. with Reshape."
        )


def check_axis(where: str, shape: Any, axis: int, expected: int | None) -> None:
    """Demand that an axis has a size a weight can be made for, or was made for.

    Args:
        where: The layer, for the error.
        shape: Shape of its input.
        axis: Which axis the weights belong to.
        expected: Its size when the layer was built; `None` before.

    Raises:
        ShapeError: The size is not known, is zero, or is another one.

    Example:
        >>> check_axis("Dense", (None, 5), -1, expected=5)
    """
    size = shape[axis]
    name = "last axis" if axis in (-1, len(shape) - 1) else f"axis {axis}"
    if size is None:
        raise ShapeError(
            f"{where}: expected a known {name}, got None in shape {describe(shape)}. "
            "Give the size in Input."
        )
    if size == 0:
        raise ShapeError(
            f"{where}: expected a {name} of at least 1, got 0 in shape "
            f"{describe(shape)}. Look at how the input was cut."
        )
    if expected is not None and size != expected:
        advice = "Build a new layer for the new size."
        if len(shape) == _RANK_OF_PICTURES and shape[1] == expected:
            advice = _CHANNELS_LAST
        raise ShapeError(
            f"{where}: expected {name} of size {expected}, got {size} in shape "
            f"{describe(shape)}. {advice}"
        )


def _is_channels_first(shape: Any) -> bool:
    """Whether a shape looks like torch's order: 1 or 3 channels, then a square."""
    return shape[1] in (1, 3) and shape[2] == shape[3] and shape[3] > shape[1]


def check_window(
    where: str,
    shape: Any,
    reach: Sequence[int] | None = None,
    *,
    argument: str = "window",
    fits_any: bool = False,
) -> None:
    """Demand that there is something to look at, and that a window fits into it.

    Args:
        where: The layer, for the error.
        shape: (batch, height, width, channels), or with one or three axes in between.
        reach: What the window covers of each, gaps included; `None` for 1.
        argument: The name of the window's size, for the error.
        fits_any: Whether padding makes the window fit anything.

    Raises:
        ShapeError: The window is larger than the input, or the input is empty.

    Example:
        >>> check_window("Conv2D", (None, 28, 28, 1), (3, 3), argument="kernel_size")
    """
    rank = len(shape) - 2
    names = AXES[rank].split()[1:-1]
    for name, size, window in zip(
        names, shape[1:-1], reach or (1,) * rank, strict=True
    ):
        if size == 0:
            raise ShapeError(
                f"{where}: expected {_NOT_EMPTY[rank]}, got {name} 0 in shape "
                f"{describe(shape)}. Look at how the input was cut."
            )
        if size is not None and size < window and not fits_any:
            advice = f'Use a smaller {argument}, or padding="same".'
            if rank == _RANK_OF_PICTURES - 2 and _is_channels_first(shape):
                advice = _CHANNELS_LAST
            raise ShapeError(
                f"{where}: expected {name} of at least {window} for its window, got "
                f"{size} in shape {describe(shape)}. {advice}"
            )
