"""What the contract needs to know of a layer, and how its weights begin."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from mica.layers import Layer

__all__ = [
    "Constant",
    "Derived",
    "Integers",
    "LayerCase",
    "Normal",
    "Orthogonal",
    "Uniform",
]

Sizes = tuple[int | None, ...]


@dataclass(frozen=True)
class Uniform:
    """First values spread evenly between -limit and limit."""

    limit: float


@dataclass(frozen=True)
class Normal:
    """First values of a normal distribution around 0, cut off or not."""

    deviation: float


@dataclass(frozen=True)
class Constant:
    """First values all the same, or a list of values along the first axis."""

    value: float | Sequence[float]


@dataclass(frozen=True)
class Orthogonal:
    """First values whose rows, or columns, are orthogonal and of length `gain`."""

    gain: float = 1.0


@dataclass(frozen=True)
class Derived:
    """First values computed from other weights; a test of their own says how."""

    test: str


FirstValues = Uniform | Normal | Constant | Orthogonal | Derived


@dataclass(frozen=True)
class Integers:
    """Draws whole numbers below `limit`, for layers that look things up."""

    limit: int

    def __call__(self, *shape: int, dtype: torch.dtype = torch.int64) -> torch.Tensor:
        """A tensor of int64, whatever floating type the test is about."""
        del dtype
        return torch.randint(0, self.limit, shape)


@dataclass(frozen=True)
class LayerCase:
    """One way to make a layer, what it takes, what it promises.

    `make` takes nothing and gives a new layer; `sample` is the shape of one sample,
    None where it may vary; a list of shapes for a layer that takes a list of tensors.
    `first_values` gives each weight's documented distribution; a row with enough
    weights for statistics is best.
    """

    make: Callable[[], Layer]
    sample: Sizes | list[Sizes]
    first_values: Mapping[str, Uniform | Normal | Constant | Orthogonal | Derived] = (
        field(default_factory=dict)
    )
    differs_in_training: bool = False
    # Axes before those of a sample all count as batch; if not, more axes are refused,
    # or they count as places of one sample, as the axes of an image do for attention.
    takes_any_leading_axes: bool = True
    takes_more_places: bool = False
    draw: Callable[..., torch.Tensor] = torch.randn
    # Why a promise cannot hold for this layer; empty where it holds.
    no_gradient_because: str = ""  # the input is whole numbers, the output is counts
    no_compilation_because: str = ""  # data decide shapes, or it computes on the host
    no_walk_because: str = ""  # mica.trace has no rule for one of its operations
    no_empty_batch_because: str = ""

    def batch(
        self, size: int = 3, *, varying: int = 6, dtype: torch.dtype = torch.float32
    ) -> Any:
        """An input of `size` samples, in which None became `varying`."""
        if isinstance(self.sample, list):
            return [self._draw(size, shape, varying, dtype) for shape in self.sample]
        return self._draw(size, self.sample, varying, dtype)

    def _draw(
        self, size: int, sample: Sizes, varying: int, dtype: torch.dtype
    ) -> torch.Tensor:
        shape = [varying if axis is None else axis for axis in sample]
        return self.draw(size, *shape, dtype=dtype)
