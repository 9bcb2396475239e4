"""Discretization: numbers as the bins they fall into."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from mica.errors import ConfigError, DataError
from mica.layers.adapting import Adaptive, as_numbers
from mica.layers.arguments import one_of, positive_integer
from mica.layers.category_encoding import encode_numbers
from mica.layers.inputs import check_rank

__all__ = ["Discretization"]

_MODES = ("int", "one_hot", "multi_hot", "count")


class Discretization(Adaptive):
    """Each number becomes the number of the bin it falls into.

    y = how many of the boundaries are <= x

    With ``num_bins``, `adapt(data)` puts the boundaries where each bin holds an equal
    share of the values: the k-th is the k / num_bins quantile of all values, found
    exactly (Keras finds it to within its epsilon, which is not needed here). There are
    fewer bins when boundaries would coincide.

    Args:
        bin_boundaries: The boundaries in rising order, when they are known.
        num_bins: How many bins to learn; this or the boundaries.
        output_mode: "int", or rows with a column for each bin: "one_hot", "multi_hot"
            or "count" (over the last axis).
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, *shape), numbers
        y: (batch, *shape) whole numbers for "int"; else as CategoryEncoding gives

    Parameters:
        boundaries: (bins - 1,), the boundaries. Not learned in training.

    Raises:
        ConfigError: Neither or both of boundaries and ``num_bins`` are given, the
            boundaries do not rise, or an unknown mode.
        StateError: Used before `adapt`.
        DataError: NaN in the data; x is no tensor of numbers.

    Example:
        >>> Discretization([0.0, 1.0])(torch.tensor([[-1.0, 0.0, 5.0]]))
        tensor([[0, 1, 2]])
        >>> Discretization(num_bins=2).adapt([1.0, 2.0, 3.0, 4.0]).bin_boundaries
        [2.0]

    Source:
        Quantiles: Hyndman & Fan 1996, definition 4, which Keras interpolates too.
    """

    finds: ClassVar[tuple[str, ...]] = ("bin_boundaries",)
    boundaries: Tensor

    def __init__(
        self,
        bin_boundaries: Sequence[float] | None = None,
        *,
        num_bins: int | None = None,
        output_mode: Literal["int", "one_hot", "multi_hot", "count"] = "int",
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.output_mode = one_of(output_mode, _MODES, self.where, "output_mode")
        if bin_boundaries is None and num_bins is None:
            raise ConfigError(
                f"{self.where}: expected bin_boundaries or num_bins, got neither. Give "
                "the boundaries, or the number of bins and call adapt(data)."
            )
        self.num_bins = None
        if num_bins is not None:
            self.num_bins = positive_integer(num_bins, self.where, "num_bins")
        self._forget()
        if bin_boundaries is not None:
            self._restore({"bin_boundaries": bin_boundaries})
            self._given = True

    def _read(self, given: Any) -> list[float]:
        if len(given) == 0 and self.num_bins is not None:
            return []
        values = as_numbers(given, f"{self.where}: bin_boundaries").tolist()
        if any(later <= earlier for earlier, later in pairwise(values)):
            raise ConfigError(
                f"{self.where}: expected bin_boundaries that rise, got {values}. Sort "
                "them and leave out what occurs twice."
            )
        return values

    @property
    def bin_boundaries(self) -> list[float] | None:
        """The boundaries in rising order; None before `adapt`."""
        return self._boundaries

    def _restore(self, learned: Mapping[str, Any]) -> None:
        self._boundaries = self._read(learned["bin_boundaries"])

    def _forget(self) -> None:
        self._boundaries: list[float] | None = None
        self._values, self._counts = np.empty(0), np.empty(0, dtype=np.int64)

    def _learned(self) -> dict[str, Any] | None:
        if self._boundaries is None:
            return None
        return {"bin_boundaries": self._boundaries}

    def reset(self) -> "Discretization":
        """Forget the boundaries, to learn them from other data.

        Returns:
            The layer.

        Raises:
            ConfigError: There is no number of bins to learn.
        """
        if self.num_bins is None:
            raise ConfigError(
                f"{self.where}: expected num_bins, got only bin_boundaries. Make a "
                "layer with num_bins=... to learn from data."
            )
        return super().reset()

    def _update(self, part: Any) -> None:
        found = as_numbers(part, f"{self.where}.adapt").numpy().ravel()
        values = np.concatenate([self._values, found])
        counts = np.concatenate([self._counts, np.ones(len(found), dtype=np.int64)])
        # Each value once with its count: columns of data repeat themselves.
        self._values, places = np.unique(values, return_inverse=True)
        self._counts = np.bincount(places, weights=counts).astype(np.int64)
        assert self.num_bins is not None
        reached = np.cumsum(self._counts)
        total = int(reached[-1])
        wanted = [k * total / self.num_bins for k in range(1, self.num_bins)]
        self._boundaries = sorted({self._quantile(rank, reached) for rank in wanted})

    def _quantile(self, rank: float, reached: np.ndarray) -> float:
        """The value of a rank that is not whole, between its two neighbours."""
        lower = int(np.searchsorted(reached, max(1, np.floor(rank))))
        upper = int(np.searchsorted(reached, max(1, np.ceil(rank))))
        share = max(rank, 1.0) - np.floor(max(rank, 1.0))
        low, high = self._values[lower], self._values[upper]
        return float(low + share * (high - low))

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input that is no tensor of numbers."""
        check_rank(self.where, shape, "batch", at_least=True)
        if dtype is None or dtype.is_complex or dtype is torch.bool:
            raise DataError(
                f"{self.where}: expected numbers, got {dtype}. Convert them with "
                "x.float()."
            )

    def _place(self) -> None:
        like = self._buffers.get("boundaries")
        device = self._build_device if like is None else like.device
        dtype = self._build_dtype or torch.get_default_dtype()
        boundaries = torch.tensor(self._boundaries, dtype=torch.float64)
        self.register_buffer("boundaries", boundaries.to(device, dtype))

    def forward(self, x: Tensor) -> Tensor:
        """Count the boundaries that x has reached."""
        numbers = torch.bucketize(
            x.to(self.boundaries.dtype).contiguous(), self.boundaries, right=True
        )
        size = len(self.boundaries) + 1
        return encode_numbers(numbers, self.output_mode, size)
