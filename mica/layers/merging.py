"""Merging: several tensors become one."""

import functools
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from mica.errors import ConfigError, DataError, ShapeError
from mica.layers.arguments import integer
from mica.layers.layer import Layer
from mica.shapes import describe

__all__ = [
    "Add",
    "Average",
    "Concatenate",
    "Dot",
    "Maximum",
    "Minimum",
    "Multiply",
    "Subtract",
]

_TINY = 1e-12  # below the square of any length worth dividing by (as in Keras)


def _check_list(where: str, shapes: Any, count: int | None = None) -> None:
    """Demand a list of tensors, two of them when `count` says so."""
    several = isinstance(shapes, (list, tuple)) and all(
        isinstance(shape, tuple) for shape in shapes
    )
    if not several or not shapes or (count is not None and len(shapes) != count):
        wanted = "a list of tensors" if count is None else f"a list of {count} tensors"
        got = f"{len(shapes)} of them" if several else "something else"
        example = "[a, b]"
        raise DataError(
            f"{where}: expected {wanted}, got {got}. Call it as layer({example})."
        )


class _Merge(Layer):
    """A list of tensors whose shapes broadcast in, one tensor out."""

    passes_mask: ClassVar[bool] = True
    _count: ClassVar[int | None] = None

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with tensors that cannot be merged."""
        del dtype
        _check_list(self.where, shape, self._count)
        rank = max(len(one) for one in shape)
        for axis in range(1, rank + 1):
            sizes = {one[-axis] for one in shape if len(one) >= axis} - {1, None}
            if len(sizes) > 1:
                shown = ", ".join(describe(one) for one in shape)
                raise ShapeError(
                    f"{self.where}: expected equal shapes, or sizes of 1 that repeat, "
                    f"got {shown}. Reshape or project them first."
                )

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Give the steps that are real in any of the tensors; all when one has no mask.

        Args:
            x: The tensors.
            mask: One mask or None for each of them.

        Returns:
            A mask, or None.
        """
        if mask is None or any(one is None for one in mask):
            return None
        return functools.reduce(torch.logical_or, mask)

    def forward(self, x: Sequence[Tensor]) -> Tensor:
        """Merge the tensors one after the other."""
        merged = x[0]
        for other in x[1:]:
            merged = self._pair(merged, other)
        return merged if len(x) > 1 else merged.clone()

    def _pair(self, one: Tensor, other: Tensor) -> Tensor:
        raise NotImplementedError


class Add(_Merge):
    """The sum of tensors, as in a residual connection.

    y = x_1 + x_2 + ... + x_n

    Args:
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: a list of (batch, *shape); sizes of 1 repeat
        y: (batch, *shape)

    Raises:
        DataError: x is not a list of tensors.
        ShapeError: The shapes neither agree nor broadcast.

    Example:
        >>> Add()([torch.ones(1, 2), torch.ones(1, 2)])
        tensor([[2., 2.]])
    """

    def _pair(self, one: Tensor, other: Tensor) -> Tensor:
        return one + other


class Subtract(_Merge):
    """The difference of two tensors.

    y = x_1 - x_2

    Args:
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: a list of two (batch, *shape); sizes of 1 repeat
        y: (batch, *shape)

    Raises:
        DataError: x is not a list of two tensors.
        ShapeError: The shapes neither agree nor broadcast.

    Example:
        >>> Subtract()([torch.ones(1, 2), 3 * torch.ones(1, 2)])
        tensor([[-2., -2.]])
    """

    _count = 2

    def _pair(self, one: Tensor, other: Tensor) -> Tensor:
        return one - other


class Multiply(_Merge):
    """The product of tensors, value by value, as in a gate.

    y = x_1 x_2 ... x_n

    Args:
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: a list of (batch, *shape); sizes of 1 repeat
        y: (batch, *shape)

    Raises:
        DataError: x is not a list of tensors.
        ShapeError: The shapes neither agree nor broadcast.

    Example:
        >>> Multiply()([torch.full((1, 2), 3.0), torch.full((1, 2), 2.0)])
        tensor([[6., 6.]])
    """

    def _pair(self, one: Tensor, other: Tensor) -> Tensor:
        return one * other


class Average(_Merge):
    """The mean of tensors, value by value, as in an ensemble.

    y = (x_1 + x_2 + ... + x_n) / n

    Args:
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: a list of (batch, *shape); sizes of 1 repeat
        y: (batch, *shape)

    Raises:
        DataError: x is not a list of tensors.
        ShapeError: The shapes neither agree nor broadcast.

    Example:
        >>> Average()([torch.zeros(1, 2), torch.ones(1, 2)])
        tensor([[0.5000, 0.5000]])
    """

    def forward(self, x: Sequence[Tensor]) -> Tensor:
        """Add the tensors and divide by their number."""
        return super().forward(x) / len(x)

    def _pair(self, one: Tensor, other: Tensor) -> Tensor:
        return one + other


class Maximum(_Merge):
    """The largest of several tensors, value by value.

    y = max(x_1, x_2, ..., x_n)

    Args:
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: a list of (batch, *shape); sizes of 1 repeat
        y: (batch, *shape)

    Raises:
        DataError: x is not a list of tensors.
        ShapeError: The shapes neither agree nor broadcast.

    Example:
        >>> Maximum()([torch.tensor([[1.0, 4.0]]), torch.tensor([[2.0, 3.0]])])
        tensor([[2., 4.]])

    Source:
        As a hidden unit (maxout): Goodfellow et al. 2013.
    """

    def _pair(self, one: Tensor, other: Tensor) -> Tensor:
        return torch.maximum(one, other)


class Minimum(_Merge):
    """The smallest of several tensors, value by value.

    y = min(x_1, x_2, ..., x_n)

    Args:
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: a list of (batch, *shape); sizes of 1 repeat
        y: (batch, *shape)

    Raises:
        DataError: x is not a list of tensors.
        ShapeError: The shapes neither agree nor broadcast.

    Example:
        >>> Minimum()([torch.tensor([[1.0, 4.0]]), torch.tensor([[2.0, 3.0]])])
        tensor([[1., 3.]])
    """

    def _pair(self, one: Tensor, other: Tensor) -> Tensor:
        return torch.minimum(one, other)


class Concatenate(Layer):
    """Tensors put side by side along an axis.

    y = [x_1, x_2, ..., x_n] along the axis

    Args:
        axis: Which axis grows; not 0, the batch.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: a list of tensors equal but for the axis
        y: the same, with the sum of their sizes on the axis

    Raises:
        ConfigError: ``axis`` is 0 or no integer.
        DataError: x is not a list of tensors.
        ShapeError: The shapes differ elsewhere than on the axis, or have no such axis.

    Example:
        >>> Concatenate()([torch.zeros(2, 3), torch.zeros(2, 5)]).shape
        torch.Size([2, 8])
    """

    passes_mask: ClassVar[bool] = True

    def __init__(self, *, axis: int = -1, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = integer(axis, self.where, "axis")
        if self.axis == 0:
            raise ConfigError(
                f"{self.where}: expected an axis beside the batch, got axis=0. Use "
                "axis=-1 to put features side by side."
            )

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with tensors that do not fit side by side."""
        del dtype
        _check_list(self.where, shape)
        rank, shown = len(shape[0]), ", ".join(describe(one) for one in shape)
        if not -rank < self.axis < rank:
            raise ShapeError(
                f"{self.where}: expected tensors that have axis {self.axis} beside the "
                f"batch, got {shown}. Give another axis."
            )
        for axis in range(rank):
            sizes = {one[axis] for one in shape if len(one) == rank} - {None}
            alike = len(sizes) <= 1 or axis == self.axis % rank
            if not alike or any(len(one) != rank for one in shape):
                raise ShapeError(
                    f"{self.where}: expected tensors equal but for axis {self.axis}, "
                    f"got {shown}. Reshape them, or give another axis."
                )

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Put masks side by side along time; else give the steps real in any of them.

        Args:
            x: The tensors.
            mask: One mask or None for each of them.

        Returns:
            A mask, or None when there is none.
        """
        given = [None] * len(x) if mask is None else mask
        masks = [one for one in given if one is not None]
        if not masks:
            return None
        if self.axis % len(x[0].shape) >= len(masks[0].shape):
            # Side by side in the features: a tensor without a mask is real throughout.
            all_real = len(masks) < len(x)
            return None if all_real else functools.reduce(torch.logical_or, masks)
        filled = [
            torch.ones_like(tensor[..., 0], dtype=torch.bool) if one is None else one
            for tensor, one in zip(x, given, strict=True)
        ]
        return torch.cat(filled, self.axis % len(x[0].shape))

    def forward(self, x: Sequence[Tensor]) -> Tensor:
        """Put the tensors side by side."""
        return torch.cat(tuple(x), self.axis)


class Dot(Layer):
    """The scalar product of two tensors over one axis of each.

    y[b, i, j] = sum over k of a[b, i, k] c[b, k, j], k on the axes given

    Args:
        axes: The axis of both, or a pair with one for each; not 0, the batch.
        normalize: Whether to divide each by its length over the axis first: y is
            then the cosine between them.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: a list of two tensors
        y: (batch, the other axes of the first, the other axes of the second); (batch,
            1) when there are none

    Raises:
        ConfigError: An axis is 0 or no integer.
        DataError: x is not a list of two tensors.
        ShapeError: The axes do not exist or differ in size.

    Example:
        >>> a, b = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0]])
        >>> Dot(axes=1)([a, b])
        tensor([[11.]])
    """

    def __init__(
        self,
        axes: int | Sequence[int],
        *,
        normalize: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        pair = list(axes) if isinstance(axes, (list, tuple)) else [axes, axes]
        if len(pair) != 2 or 0 in pair:
            raise ConfigError(
                f"{self.where}: expected axes to be an axis beside the batch, or one "
                f"for each of the two tensors, got {axes!r}. Write for example axes=1."
            )
        self.axes = tuple(integer(axis, self.where, "axes") for axis in pair)
        self.normalize = normalize

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with tensors that cannot be multiplied."""
        del dtype
        _check_list(self.where, shape, 2)
        shown = " and ".join(describe(one) for one in shape)
        sizes = []
        for one, axis in zip(shape, self.axes, strict=True):
            if not -len(one) < axis < len(one):
                raise ShapeError(
                    f"{self.where}: expected tensors that have the axes {self.axes} "
                    f"beside the batch, got {shown}. Give other axes."
                )
            sizes.append(one[axis])
        if None not in sizes and sizes[0] != sizes[1]:
            raise ShapeError(
                f"{self.where}: expected the same size on the axes {self.axes}, got "
                f"{sizes[0]} and {sizes[1]} in {shown}. Give other axes."
            )

    def forward(self, x: Sequence[Tensor]) -> Tensor:
        """Multiply and add along the axes."""
        one, other = (
            self._unit(tensor, axis) if self.normalize else tensor
            for tensor, axis in zip(x, self.axes, strict=True)
        )
        rows = one.movedim(self.axes[0], -1)  # (batch, *i, k)
        columns = other.movedim(self.axes[1], 1)  # (batch, k, *j)
        batch, *before, shared = rows.shape
        after = columns.shape[2:]
        product = torch.bmm(
            rows.reshape(batch, math.prod(before), shared),
            columns.reshape(batch, shared, math.prod(after)),
        )
        return product.reshape(batch, *([*before, *after] or [1]))

    @staticmethod
    def _unit(tensor: Tensor, axis: int) -> Tensor:
        length = tensor.square().sum(axis, keepdim=True).clamp(min=_TINY).sqrt()
        return tensor / length
