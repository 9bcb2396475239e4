"""Global pooling: one number for a whole sequence, image or volume."""

from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mica.layers.inputs import AXES, check_floating, check_rank, check_window
from mica.layers.layer import Layer

__all__ = [
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "GlobalPooling",
]

_PLACES = {1: (1,), 2: (1, 2), 3: (1, 2, 3)}  # axes between batch and channels


class GlobalPooling(Layer):
    """The base of layers that reduce each sample to one value per channel.

    Abstract: write `forward`; set `rank`, the number of axes that go.

    Args:
        keepdims: Whether these axes stay with size 1.
        name: What the layer is called; `None` lets the model choose.

    Example:
        >>> GlobalMaxPooling2D().keepdims
        False
    """

    rank: ClassVar[int]

    def __init__(self, *, keepdims: bool = False, name: str | None = None) -> None:
        super().__init__(name=name)
        self.keepdims = keepdims

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type or size."""
        check_rank(self.where, shape, AXES[self.rank])
        check_floating(self.where, dtype)
        check_window(self.where, shape)

    def _checked(self, x: Tensor) -> Tensor:
        """Demand the rank: a mean over two axes exists for other ranks as well."""
        if x.ndim != self.rank + 2:
            self.check_input(tuple(x.shape), x.dtype)
        return x


class _GlobalAverage(GlobalPooling):
    """The mean over all places."""

    def forward(
        self, x: Float[Tensor, "batch *places channels"]
    ) -> Float[Tensor, "batch *ones channels"]:
        """Take the mean of every sample."""
        return self._checked(x).mean(_PLACES[self.rank], self.keepdims)


class _GlobalMax(GlobalPooling):
    """The largest value over all places."""

    def forward(
        self, x: Float[Tensor, "batch *places channels"]
    ) -> Float[Tensor, "batch *ones channels"]:
        """Take the largest value of every sample."""
        return self._checked(x).amax(_PLACES[self.rank], self.keepdims)


class GlobalAveragePooling1D(GlobalPooling):
    """The mean over the steps of a sequence, channel by channel.

    y[b, c] = mean over t with mask[b, t] of x[b, t, c]

    Steps that are not real do not count; a sequence without real steps gives zeros.

    Args:
        keepdims: Whether the steps stay as an axis of size 1.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, steps, channels)
        mask: (batch, steps) of truth values, or `None` when all steps are real
        y: (batch, channels), or (batch, 1, channels) with ``keepdims``

    Raises:
        ShapeError: x does not have 3 axes, or is empty.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> GlobalAveragePooling1D()(torch.zeros(2, 7, 32)).shape
        torch.Size([2, 32])

    Source:
        Lin, Chen & Yan 2014, section 3.2.
    """

    rank = 1

    def forward(
        self,
        x: Float[Tensor, "batch steps channels"],
        mask: Bool[Tensor, "batch steps"] | None = None,
    ) -> Float[Tensor, "batch *ones channels"]:
        """Take the mean of the real steps of every sequence."""
        if mask is None:
            return self._checked(x).mean(1, self.keepdims)
        real = mask.unsqueeze(-1)
        count = real.sum(1, self.keepdims).clamp(min=1)
        return x.masked_fill(~real, 0.0).sum(1, self.keepdims) / count.to(x.dtype)


class GlobalAveragePooling2D(_GlobalAverage):
    """The mean over height and width, channel by channel.

    y[b, c] = mean over i, j of x[b, i, j, c]

    Args:
        keepdims: Whether height and width stay as axes of size 1.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, height, width, channels)
        y: (batch, channels), or (batch, 1, 1, channels) with ``keepdims``

    Raises:
        ShapeError: x does not have 4 axes, or is empty.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> GlobalAveragePooling2D()(torch.zeros(2, 7, 7, 32)).shape
        torch.Size([2, 32])

    Source:
        Lin, Chen & Yan 2014, section 3.2.
    """

    rank = 2


class GlobalAveragePooling3D(_GlobalAverage):
    """The mean over depth, height and width, channel by channel.

    y[b, c] = mean over h, i, j of x[b, h, i, j, c]

    Args:
        keepdims: Whether depth, height and width stay as axes of size 1.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, depth, height, width, channels)
        y: (batch, channels), or (batch, 1, 1, 1, channels) with ``keepdims``

    Raises:
        ShapeError: x does not have 5 axes, or is empty.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> GlobalAveragePooling3D()(torch.zeros(2, 4, 4, 4, 32)).shape
        torch.Size([2, 32])

    Source:
        Lin, Chen & Yan 2014, section 3.2.
    """

    rank = 3


class GlobalMaxPooling1D(GlobalPooling):
    """The largest value over the steps of a sequence, channel by channel.

    y[b, c] = max over t with mask[b, t] of x[b, t, c]

    Steps that are not real do not count; a sequence without real steps gives zeros.
    Keras's layer takes no mask.

    Args:
        keepdims: Whether the steps stay as an axis of size 1.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, steps, channels)
        mask: (batch, steps) of truth values, or `None` when all steps are real
        y: (batch, channels), or (batch, 1, channels) with ``keepdims``

    Raises:
        ShapeError: x does not have 3 axes, or is empty.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> GlobalMaxPooling1D()(torch.zeros(2, 7, 32)).shape
        torch.Size([2, 32])

    Source:
        Oquab et al. 2015, section 3.2.
    """

    rank = 1

    def forward(
        self,
        x: Float[Tensor, "batch steps channels"],
        mask: Bool[Tensor, "batch steps"] | None = None,
    ) -> Float[Tensor, "batch *ones channels"]:
        """Take the largest value of the real steps of every sequence."""
        if mask is None:
            return self._checked(x).amax(1, self.keepdims)
        real = mask.unsqueeze(-1)
        largest = x.masked_fill(~real, -torch.inf).amax(1, self.keepdims)
        return largest.masked_fill(~real.any(1, self.keepdims), 0.0)


class GlobalMaxPooling2D(_GlobalMax):
    """The largest value over height and width, channel by channel.

    y[b, c] = max over i, j of x[b, i, j, c]

    Args:
        keepdims: Whether height and width stay as axes of size 1.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, height, width, channels)
        y: (batch, channels), or (batch, 1, 1, channels) with ``keepdims``

    Raises:
        ShapeError: x does not have 4 axes, or is empty.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> GlobalMaxPooling2D()(torch.zeros(2, 7, 7, 32)).shape
        torch.Size([2, 32])

    Source:
        Oquab et al. 2015, section 3.2.
    """

    rank = 2


class GlobalMaxPooling3D(_GlobalMax):
    """The largest value over depth, height and width, channel by channel.

    y[b, c] = max over h, i, j of x[b, h, i, j, c]

    Args:
        keepdims: Whether depth, height and width stay as axes of size 1.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, depth, height, width, channels)
        y: (batch, channels), or (batch, 1, 1, 1, channels) with ``keepdims``

    Raises:
        ShapeError: x does not have 5 axes, or is empty.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> GlobalMaxPooling3D()(torch.zeros(2, 4, 4, 4, 32)).shape
        torch.Size([2, 32])

    Source:
        Oquab et al. 2015, section 3.2.
    """

    rank = 3
