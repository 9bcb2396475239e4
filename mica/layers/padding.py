"""Padding and cropping: zeros put around, or borders cut off."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from mica.errors import ConfigError, ShapeError
from mica.layers.inputs import AXES, check_rank
from mica.layers.layer import Layer
from mica.shapes import describe

__all__ = [
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
]

Margins = tuple[tuple[int, int], ...]
MarginsLike = int | Sequence[int] | Sequence[Sequence[int]]


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _margins(value: Any, rank: int, where: str, name: str) -> Margins:
    """(before, after) for each axis, from one number, one for each axis, or pairs."""
    entries = list(value) if isinstance(value, (list, tuple)) else [value] * rank
    if rank == 1 and len(entries) == 2 and all(map(_is_count, entries)):
        entries = [tuple(entries)]  # (before, after) of the one axis there is
    pairs = [
        tuple(entry) if isinstance(entry, (list, tuple)) else (entry, entry)
        for entry in entries
    ]
    valid = len(pairs) == rank and all(
        len(pair) == 2 and all(map(_is_count, pair)) for pair in pairs
    )
    if not valid:
        axes = "one axis" if rank == 1 else f"each of {rank} axes"
        raise ConfigError(
            f"{where}: expected {name} to be a whole number of at least 0, or "
            f"(before, after) for {axes}, got {value!r}. Write for example {name}=1."
        )
    return tuple((int(before), int(after)) for before, after in pairs)


class _Padding(Layer):
    """Zeros around the positions of an array with channels last."""

    _rank: ClassVar[int]

    def __init__(self, padding: MarginsLike = 1, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.padding = _margins(padding, self._rank, self.where, "padding")

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input of another number of axes."""
        del dtype
        check_rank(self.where, shape, AXES[self._rank])

    def forward(self, x: Tensor) -> Tensor:
        """Put the zeros around."""
        sides = [0, 0]  # torch counts from the last axis, the channels
        for before, after in reversed(self.padding):
            sides += [before, after]
        return functional.pad(x, sides)


class ZeroPadding1D(_Padding):
    """Zeros before and after a sequence.

    y = (0, ..., 0, x, 0, ..., 0)

    Args:
        padding: How many on both ends, or (before, after).
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, steps, channels)
        y: (batch, before + steps + after, channels)

    Raises:
        ConfigError: ``padding`` is not made of whole numbers of at least 0.
        ShapeError: x has another number of axes.

    Example:
        >>> ZeroPadding1D((2, 0))(torch.ones(1, 1, 1)).flatten()
        tensor([0., 0., 1.])
    """

    _rank = 1


class ZeroPadding2D(_Padding):
    """Zeros around an image.

    y[i + top, j + left] = x[i, j], and 0 elsewhere

    Args:
        padding: How many on all sides; (height, width); or ((top, bottom), (left,
            right)).
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, height, width, channels)
        y: (batch, top + height + bottom, left + width + right, channels)

    Raises:
        ConfigError: ``padding`` is not made of whole numbers of at least 0.
        ShapeError: x has another number of axes.

    Example:
        >>> ZeroPadding2D(((0, 0), (1, 2)))(torch.zeros(1, 4, 4, 3)).shape
        torch.Size([1, 4, 7, 3])
    """

    _rank = 2


class ZeroPadding3D(_Padding):
    """Zeros around a volume.

    y[i + front, j + top, k + left] = x[i, j, k], and 0 elsewhere

    Args:
        padding: How many on all sides; one for each axis; or a pair for each axis.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, depth, height, width, channels)
        y: the same, each axis longer by its two margins

    Raises:
        ConfigError: ``padding`` is not made of whole numbers of at least 0.
        ShapeError: x has another number of axes.

    Example:
        >>> ZeroPadding3D((1, 0, 2))(torch.zeros(1, 4, 4, 4, 3)).shape
        torch.Size([1, 6, 4, 8, 3])
    """

    _rank = 3


class _Cropping(Layer):
    """The borders of an array with channels last cut off."""

    _rank: ClassVar[int]

    def __init__(self, cropping: MarginsLike = 1, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.cropping = _margins(cropping, self._rank, self.where, "cropping")

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input of which nothing would be left."""
        del dtype
        check_rank(self.where, shape, AXES[self._rank])
        names = AXES[self._rank].split()[1:]
        for name, size, cut in zip(names, shape[1:], self.cropping, strict=False):
            if size is not None and sum(cut) >= size:
                raise ShapeError(
                    f"{self.where}: expected {name} above {sum(cut)}, which is cut "
                    f"off, got {size} in shape {describe(shape)}. Cut off less."
                )

    def forward(self, x: Tensor) -> Tensor:
        """Cut the borders off."""
        kept = [
            slice(before, size - after)
            for size, (before, after) in zip(x.shape[1:], self.cropping, strict=False)
        ]
        if x.ndim != self._rank + 2 or any(part.start >= part.stop for part in kept):
            self.check_input(tuple(x.shape), x.dtype)
        return x[:, *kept].contiguous()


class Cropping1D(_Cropping):
    """The ends of a sequence cut off.

    y = (x[before], ..., x[steps - after - 1])

    Args:
        cropping: How many on both ends, or (before, after).
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, steps, channels)
        y: (batch, steps - before - after, channels)

    Raises:
        ConfigError: ``cropping`` is not made of whole numbers of at least 0.
        ShapeError: x has another number of axes, or nothing would be left.

    Example:
        >>> Cropping1D((1, 0))(torch.arange(3.0).reshape(1, 3, 1)).flatten()
        tensor([1., 2.])
    """

    _rank = 1


class Cropping2D(_Cropping):
    """The borders of an image cut off.

    y[i, j] = x[i + top, j + left]

    Args:
        cropping: How many on all sides; (height, width); or ((top, bottom), (left,
            right)).
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, height, width, channels)
        y: (batch, height - top - bottom, width - left - right, channels)

    Raises:
        ConfigError: ``cropping`` is not made of whole numbers of at least 0.
        ShapeError: x has another number of axes, or nothing would be left.

    Example:
        >>> Cropping2D((1, 2))(torch.zeros(1, 8, 8, 3)).shape
        torch.Size([1, 6, 4, 3])
    """

    _rank = 2


class Cropping3D(_Cropping):
    """The borders of a volume cut off.

    y[i, j, k] = x[i + front, j + top, k + left]

    Args:
        cropping: How many on all sides; one for each axis; or a pair for each axis.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, depth, height, width, channels)
        y: the same, each axis shorter by its two margins

    Raises:
        ConfigError: ``cropping`` is not made of whole numbers of at least 0.
        ShapeError: x has another number of axes, or nothing would be left.

    Example:
        >>> Cropping3D(((1, 0), (0, 0), (2, 2)))(torch.zeros(1, 6, 6, 6, 3)).shape
        torch.Size([1, 5, 6, 2, 3])
    """

    _rank = 3
