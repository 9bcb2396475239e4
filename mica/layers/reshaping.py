"""Layers that only rearrange: the same values in another shape."""

import math
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor

from mica.errors import ConfigError, ShapeError
from mica.layers.arguments import positive_integer
from mica.layers.inputs import check_rank
from mica.layers.layer import Layer
from mica.shapes import describe

__all__ = ["Flatten", "Permute", "RepeatVector", "Reshape"]


class Flatten(Layer):
    """One row per sample.

    y[b] = all values of x[b], the last axis running fastest

    Args:
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, *shape)
        y: (batch, product of shape)

    Raises:
        DataError: x is not a tensor.
        ShapeError: x has no batch axis.

    Example:
        >>> Flatten()(torch.zeros(2, 4, 4, 3)).shape
        torch.Size([2, 48])
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input that is no batch."""
        check_rank(self.where, shape, "batch", at_least=True)

    def forward(self, x: Shaped[Tensor, "batch *shape"]) -> Shaped[Tensor, "batch _"]:
        """Join all axes but the first."""
        return x.flatten(1) if x.ndim > 1 else x.unsqueeze(1)


def _is_size(size: Any) -> bool:
    if not isinstance(size, Integral) or isinstance(size, bool):
        return False
    return size == -1 or int(size) >= 1


class Reshape(Layer):
    """The values of each sample in another shape.

    y[b] = x[b] in shape target_shape, the last axis running fastest in both

    Args:
        target_shape: Sizes without the batch; one of them may be -1, which takes what
            is left.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, *shape)
        y: (batch, *target_shape)

    Raises:
        ConfigError: ``target_shape`` holds something else than positive integers and
            at most one -1.
        DataError: x is not a tensor.
        ShapeError: The number of values per sample does not fit.

    Example:
        >>> Reshape((28, -1))(torch.zeros(2, 784)).shape
        torch.Size([2, 28, 28])
    """

    def __init__(self, target_shape: Sequence[int], *, name: str | None = None) -> None:
        super().__init__(name=name)
        valid = isinstance(target_shape, Sequence) and all(
            _is_size(size) for size in target_shape
        )
        if not valid or list(target_shape).count(-1) > 1:
            raise ConfigError(
                f"{self.where}: expected target_shape to hold positive integers and "
                f"at most one -1, got {target_shape!r}. Write the shape of one sample."
            )
        self.target_shape = tuple(int(size) for size in target_shape)
        self._known = math.prod(size for size in self.target_shape if size != -1)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input whose samples have another size."""
        check_rank(self.where, shape, "batch", at_least=True)
        free = -1 in self.target_shape
        if None in shape[1:]:
            if free:
                return
            raise ShapeError(
                f"{self.where}: expected known sizes for target_shape "
                f"{self.target_shape}, got {describe(shape)}. Give the sizes in Input, "
                "or write -1 for the one that varies."
            )
        count = math.prod(shape[1:])
        if count % self._known or not (free or count == self._known):
            multiple = "a multiple of " if free else ""
            raise ShapeError(
                f"{self.where}: expected {multiple}{self._known} values per sample for "
                f"target_shape {self.target_shape}, got {count} in shape "
                f"{describe(shape)}. Change target_shape."
            )

    def forward(self, x: Shaped[Tensor, "batch *shape"]) -> Shaped[Tensor, "batch *_"]:
        """Give each sample the new shape."""
        left = math.prod(x.shape[1:]) // self._known
        sizes = [left if size == -1 else size for size in self.target_shape]
        return x.reshape(x.shape[0], *sizes)


class Permute(Layer):
    """The axes of each sample in another order.

    y[b, i_1, ..., i_n] = x[b, j_1, ..., j_n] where i_k = j_{dims[k]}

    Args:
        dims: The old axes in their new order, counted from 1; the batch stays first.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, *shape)
        y: (batch, *shape in the new order)

    Raises:
        ConfigError: ``dims`` is not made of the numbers 1 to n, each once.
        ShapeError: x has another number of axes.

    Example:
        >>> Permute((2, 1))(torch.zeros(2, 3, 4)).shape
        torch.Size([2, 4, 3])
    """

    def __init__(self, dims: Sequence[int], *, name: str | None = None) -> None:
        super().__init__(name=name)
        valid = isinstance(dims, Sequence) and not isinstance(dims, str)
        if not valid or sorted(dims) != list(range(1, len(dims) + 1)) or not dims:
            raise ConfigError(
                f"{self.where}: expected dims to hold each number from 1 to the number "
                f"of axes once, got {dims!r}. Write for example dims=(2, 1)."
            )
        self.dims = tuple(int(axis) for axis in dims)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input of another number of axes."""
        del dtype
        axes = " ".join(f"axis_{number}" for number in sorted(self.dims))
        check_rank(self.where, shape, f"batch {axes}")

    def forward(self, x: Shaped[Tensor, "batch *shape"]) -> Shaped[Tensor, "batch *_"]:
        """Reorder the axes."""
        return x.permute(0, *self.dims).contiguous()


class RepeatVector(Layer):
    """Each vector repeated, as a sequence of equal steps.

    y[b, t] = x[b] for every t below n

    Args:
        n: How often.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, features)
        y: (batch, n, features)

    Raises:
        ConfigError: ``n`` is not a positive integer.
        ShapeError: x has another number of axes.

    Example:
        >>> RepeatVector(3)(torch.zeros(2, 4)).shape
        torch.Size([2, 3, 4])
    """

    def __init__(self, n: int, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.n = positive_integer(n, self.where, "n")

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input that is no batch of vectors."""
        del dtype
        check_rank(self.where, shape, "batch features")

    def forward(
        self, x: Shaped[Tensor, "batch features"]
    ) -> Shaped[Tensor, "batch {self.n} features"]:
        """Repeat each vector."""
        return x.unsqueeze(1).repeat(1, self.n, 1)
