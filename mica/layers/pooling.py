"""Pooling: one number for a window, or for a whole image."""

from collections.abc import Sequence
from typing import Any, get_args

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from mica.layers.arguments import one_of
from mica.layers.inputs import check_floating, check_rank, check_window
from mica.layers.layer import Layer
from mica.shapes import Padding, pair, same_padding

__all__ = [
    "AveragePooling2D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling2D",
    "GlobalPooling2D",
    "MaxPooling2D",
    "Pooling2D",
]

_IMAGES = "batch height width channels"


class Pooling2D(Layer):
    """The base of layers that slide a window without weights over images.

    Abstract: write `pool`, which torch's own pooling does on (B, C, H, W).

    Args:
        pool_size: Height and width of the window, or one number for both.
        strides: Steps of the window, or one number for both; `None` is the window's
            size, so that windows do not overlap.
        padding: "valid" keeps the window inside; "same" gives ceil(size / stride)
            positions, and what lies outside the image does not count.
        name: What the layer is called; `None` lets the model choose.

    Raises:
        ConfigError: A size is not a positive integer, or ``padding`` is not known.

    Example:
        >>> MaxPooling2D().pool_size
        (2, 2)
    """

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        *,
        padding: Padding = "valid",
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        where = self.where
        self.pool_size = pair(pool_size, where, "pool_size")
        self.strides = self.pool_size
        if strides is not None:
            self.strides = pair(strides, where, "strides")
        self.padding = one_of(padding, get_args(Padding), where, "padding")

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type or size."""
        check_rank(self.where, shape, _IMAGES)
        check_floating(self.where, dtype)
        check_window(
            self.where,
            shape,
            self.pool_size,
            argument="pool_size",
            fits_any=self.padding == "same",
        )

    def pool(self, x: Tensor, padding: tuple[int, int], ceil_mode: bool) -> Tensor:
        """Apply torch's pooling.

        Args:
            x: (batch, channels, height, width).
            padding: Positions outside the image on both sides of height and width.
            ceil_mode: Whether a last window may reach over the end.

        Returns:
            (batch, channels, new_height, new_width).
        """
        raise NotImplementedError

    def forward(
        self, x: Float[Tensor, "batch height width channels"]
    ) -> Float[Tensor, "batch new_height new_width channels"]:
        """Pool every window."""
        x = x.permute(0, 3, 1, 2)  # (B, C, H, W), a view
        if self.padding == "valid":
            return self.pool(x, (0, 0), False).permute(0, 2, 3, 1)
        return self._pool_same(x).permute(0, 2, 3, 1)  # (B, H, W, C)

    def _pool_same(self, x: Tensor) -> Tensor:
        """`same` without a copy of the image where the stride is above 1.

        ceil_mode lets the last window reach over the end, where it meets nothing. With
        stride 1 that is one window too few: pad both sides more, drop the first.
        """
        outside, surplus = [], []
        for size, window, stride in zip(
            x.shape[2:], self.pool_size, self.strides, strict=True
        ):
            before, after = same_padding(size, window, stride, 1)
            uneven = stride == 1 and after > before
            outside.append(after if uneven else before)
            surplus.append(1 if uneven else 0)
        y = self.pool(x, (outside[0], outside[1]), True)
        if not any(surplus):
            return y
        y = y[:, :, surplus[0] :, surplus[1] :]
        return y.contiguous(memory_format=torch.channels_last)


class MaxPooling2D(Pooling2D):
    """The largest value of each window, channel by channel.

    y[b, i, j, c] = max over p, q of x[b, i s + p, j s + q, c],  s strides

    Args:
        pool_size: Height and width of the window, or one number for both.
        strides: Steps of the window, or one number for both; `None` is the window's
            size, so that windows do not overlap.
        padding: "valid" keeps the window inside; "same" gives ceil(size / stride)
            positions, and what lies outside the image does not count.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, height, width, channels)
        y: (batch, new_height, new_width, channels)

    Raises:
        ConfigError: A size is not a positive integer, or ``padding`` is not known.
        ShapeError: x does not have 4 axes, or is smaller than the window.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> MaxPooling2D()(torch.zeros(2, 26, 26, 32)).shape
        torch.Size([2, 13, 13, 32])

    Source:
        Ranzato et al. 2007; the formula is Keras's.
    """

    def pool(self, x: Tensor, padding: tuple[int, int], ceil_mode: bool) -> Tensor:
        """Take the largest value; outside the image lies minus infinity."""
        return torch.max_pool2d(
            x, self.pool_size, self.strides, padding, ceil_mode=ceil_mode
        )


class AveragePooling2D(Pooling2D):
    """The mean of each window, channel by channel.

    y[b, i, j, c] = mean over p, q of x[b, i s + p, j s + q, c],  s strides

    With padding="same" the mean is over the part of the window that lies inside, as in
    Keras on TensorFlow and JAX; Keras on torch repeats the edge of the image where the
    two sides of the padding differ.

    Args:
        pool_size: Height and width of the window, or one number for both.
        strides: Steps of the window, or one number for both; `None` is the window's
            size, so that windows do not overlap.
        padding: "valid" keeps the window inside; "same" gives ceil(size / stride)
            positions, and what lies outside the image does not count.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, height, width, channels)
        y: (batch, new_height, new_width, channels)

    Raises:
        ConfigError: A size is not a positive integer, or ``padding`` is not known.
        ShapeError: x does not have 4 axes, or is smaller than the window.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> AveragePooling2D()(torch.zeros(2, 26, 26, 32)).shape
        torch.Size([2, 13, 13, 32])

    Source:
        LeCun et al. 1998, section II.B, without weights; the formula is Keras's.
    """

    def pool(self, x: Tensor, padding: tuple[int, int], ceil_mode: bool) -> Tensor:
        """Take the mean of what lies inside the image."""
        return functional.avg_pool2d(
            x, self.pool_size, self.strides, padding, ceil_mode, False
        )


class GlobalPooling2D(Layer):
    """The base of layers that reduce each image to one value per channel.

    Abstract: write `forward`.

    Args:
        keepdims: Whether height and width stay as axes of size 1.
        name: What the layer is called; `None` lets the model choose.

    Example:
        >>> GlobalMaxPooling2D().keepdims
        False
    """

    def __init__(self, *, keepdims: bool = False, name: str | None = None) -> None:
        super().__init__(name=name)
        self.keepdims = keepdims

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type or size."""
        check_rank(self.where, shape, _IMAGES)
        check_floating(self.where, dtype)
        check_window(self.where, shape)


class GlobalAveragePooling2D(GlobalPooling2D):
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

    def forward(
        self, x: Float[Tensor, "batch height width channels"]
    ) -> Float[Tensor, "batch *ones channels"]:
        """Take the mean of every image."""
        return x.mean((1, 2), self.keepdims)


class GlobalMaxPooling2D(GlobalPooling2D):
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

    def forward(
        self, x: Float[Tensor, "batch height width channels"]
    ) -> Float[Tensor, "batch *ones channels"]:
        """Take the largest value of every image."""
        return x.amax((1, 2), self.keepdims)
