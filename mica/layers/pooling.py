"""Pooling: one number for a window, channel by channel."""

from collections.abc import Sequence
from typing import Any, ClassVar, get_args

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from mica.layers.arguments import one_of
from mica.layers.inputs import AXES, check_floating, check_rank, check_window
from mica.layers.layer import Layer
from mica.shapes import Padding, each_axis, same_padding

__all__ = [
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Pooling",
]

Pair = tuple[int, int]


class Pooling(Layer):
    """The base of layers that slide a window without weights over their input.

    Abstract: write `pool`, which torch does on pictures with channels first, and set
    `rank`, the number of axes that the window moves along. A sequence is a picture of
    width 1; the window of a volume is a window of a picture and then one of depths.

    Args:
        pool_size: Sizes of the window, or one number for all axes.
        strides: Steps of the window, or one number for all axes; `None` is the
            window's size, so that windows do not overlap.
        padding: "valid" keeps the window inside; "same" gives ceil(size / stride)
            positions, and what lies outside does not count.
        name: What the layer is called; `None` lets the model choose.

    Raises:
        ConfigError: A size is not a positive integer, or ``padding`` is not known.

    Example:
        >>> MaxPooling2D().pool_size
        (2, 2)
    """

    rank: ClassVar[int]

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        *,
        padding: Padding = "valid",
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        where, rank = self.where, self.rank
        self.pool_size = each_axis(pool_size, rank, where, "pool_size")
        self.strides = self.pool_size
        if strides is not None:
            self.strides = each_axis(strides, rank, where, "strides")
        self.padding = one_of(padding, get_args(Padding), where, "padding")

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type or size."""
        check_rank(self.where, shape, AXES[self.rank])
        check_floating(self.where, dtype)
        check_window(
            self.where,
            shape,
            self.pool_size,
            argument="pool_size",
            fits_any=self.padding == "same",
        )

    def pool(
        self, x: Tensor, window: Pair, strides: Pair, padding: Pair, ceil_mode: bool
    ) -> Tensor:
        """Apply torch's pooling of pictures.

        Args:
            x: (batch, channels, height, width).
            window: Height and width.
            strides: Steps in both directions.
            padding: Positions outside the picture on both sides of height and width.
            ceil_mode: Whether a last window may reach over the end.

        Returns:
            (batch, channels, new_height, new_width).
        """
        raise NotImplementedError

    def forward(
        self, x: Float[Tensor, "batch *places channels"]
    ) -> Float[Tensor, "batch *new_places channels"]:
        """Pool every window."""
        window, strides = self.pool_size, self.strides
        if self.rank == 1:
            return self._pool_steps(x, window[0], strides[0])
        if self.rank == 2:
            return self._pool_pictures(x, window, strides)  # type: ignore[arg-type]  # two
        batch, depth, height, width, channels = x.shape
        pictures = x.reshape(batch * depth, height, width, channels)
        pictures = self._pool_pictures(
            pictures,
            window[1:],  # type: ignore[arg-type]  # two
            strides[1:],  # type: ignore[arg-type]
        )
        _, height, width, _ = pictures.shape
        steps = pictures.reshape(batch, depth, height * width * channels)
        steps = self._pool_steps(steps, window[0], strides[0])
        return steps.reshape(batch, steps.shape[1], height, width, channels)

    def _pool_steps(self, x: Tensor, window: int, stride: int) -> Tensor:
        """(batch, steps, channels), as pictures of width 1."""
        return self._pool_pictures(x.unsqueeze(2), (window, 1), (stride, 1)).squeeze(2)

    def _pool_pictures(self, x: Tensor, window: Pair, strides: Pair) -> Tensor:
        """(batch, height, width, channels), in views of it."""
        x = x.permute(0, 3, 1, 2)  # (B, C, H, W), a view
        if self.padding == "valid":
            y = self.pool(x, window, strides, (0, 0), False)
        else:
            y = self._pool_same(x, window, strides)
        return y.permute(0, 2, 3, 1)  # (B, H, W, C)

    def _pool_same(self, x: Tensor, window: Pair, strides: Pair) -> Tensor:
        """`same` without a copy of the picture where the stride is above 1.

        ceil_mode lets the last window reach over the end, where it meets nothing. With
        stride 1 that is one window too few: pad both sides more, drop the first.
        """
        outside, surplus = [], []
        for size, length, stride in zip(x.shape[2:], window, strides, strict=True):
            before, after = same_padding(size, length, stride, 1)
            uneven = stride == 1 and after > before
            outside.append(after if uneven else before)
            surplus.append(1 if uneven else 0)
        y = self.pool(x, window, strides, (outside[0], outside[1]), True)
        if not any(surplus):
            return y
        y = y[:, :, surplus[0] :, surplus[1] :]
        return y.contiguous(memory_format=torch.channels_last)


class _Max(Pooling):
    """The largest value of each window."""

    def pool(
        self, x: Tensor, window: Pair, strides: Pair, padding: Pair, ceil_mode: bool
    ) -> Tensor:
        """Take the largest value; outside the picture lies minus infinity."""
        return torch.max_pool2d(x, window, strides, padding, ceil_mode=ceil_mode)


class _Average(Pooling):
    """The mean of each window."""

    def pool(
        self, x: Tensor, window: Pair, strides: Pair, padding: Pair, ceil_mode: bool
    ) -> Tensor:
        """Take the mean of what lies inside the picture."""
        return functional.avg_pool2d(x, window, strides, padding, ceil_mode, False)


class MaxPooling1D(_Max):
    """The largest value of each window of a sequence, channel by channel.

    y[b, t, c] = max over p of x[b, t s + p, c],  s strides

    Args:
        pool_size: Length of the window.
        strides: Steps of the window; `None` is its length, so that windows do not
            overlap.
        padding: "valid" keeps the window inside; "same" gives ceil(steps / stride)
            positions, and what lies outside the sequence does not count.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, steps, channels)
        y: (batch, new_steps, channels)

    Raises:
        ConfigError: A size is not a positive integer, or ``padding`` is not known.
        ShapeError: x does not have 3 axes, or is smaller than the window.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> MaxPooling1D()(torch.zeros(2, 26, 32)).shape
        torch.Size([2, 13, 32])

    Source:
        Ranzato et al. 2007; the formula is Keras's.
    """

    rank = 1


class MaxPooling2D(_Max):
    """The largest value of each window of an image, channel by channel.

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

    rank = 2


class MaxPooling3D(_Max):
    """The largest value of each window of a volume, channel by channel.

    y[b, h, i, j, c] = max over p, q, r of x[b, h s + p, i s + q, j s + r, c]
    s strides

    Args:
        pool_size: Depth, height and width of the window, or one number for all.
        strides: Steps of the window, or one number for all; `None` is the window's
            size, so that windows do not overlap.
        padding: "valid" keeps the window inside; "same" gives ceil(size / stride)
            positions, and what lies outside the volume does not count.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, depth, height, width, channels)
        y: (batch, new_depth, new_height, new_width, channels)

    Raises:
        ConfigError: A size is not a positive integer, or ``padding`` is not known.
        ShapeError: x does not have 5 axes, or is smaller than the window.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> MaxPooling3D()(torch.zeros(2, 8, 8, 8, 4)).shape
        torch.Size([2, 4, 4, 4, 4])

    Source:
        Ranzato et al. 2007; the formula is Keras's.
    """

    rank = 3


class AveragePooling1D(_Average):
    """The mean of each window of a sequence, channel by channel.

    y[b, t, c] = mean over p of x[b, t s + p, c],  s strides

    With padding="same" the mean is over the part of the window that lies inside, as in
    Keras on TensorFlow and JAX; Keras on torch repeats the edge where the two sides of
    the padding differ.

    Args:
        pool_size: Length of the window.
        strides: Steps of the window; `None` is its length, so that windows do not
            overlap.
        padding: "valid" keeps the window inside; "same" gives ceil(steps / stride)
            positions, and what lies outside the sequence does not count.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, steps, channels)
        y: (batch, new_steps, channels)

    Raises:
        ConfigError: A size is not a positive integer, or ``padding`` is not known.
        ShapeError: x does not have 3 axes, or is smaller than the window.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> AveragePooling1D()(torch.zeros(2, 26, 32)).shape
        torch.Size([2, 13, 32])

    Source:
        LeCun et al. 1998, section II.B, without weights; the formula is Keras's.
    """

    rank = 1


class AveragePooling2D(_Average):
    """The mean of each window of an image, channel by channel.

    y[b, i, j, c] = mean over p, q of x[b, i s + p, j s + q, c],  s strides

    With padding="same" the mean is over the part of the window that lies inside, as in
    Keras on TensorFlow and JAX; Keras on torch repeats the edge where the two sides of
    the padding differ.

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

    rank = 2


class AveragePooling3D(_Average):
    """The mean of each window of a volume, channel by channel.

    y[b, h, i, j, c] = mean over p, q, r of x[b, h s + p, i s + q, j s + r, c]
    s strides

    With padding="same" the mean is over the part of the window that lies inside, as in
    Keras on TensorFlow and JAX; Keras on torch repeats the edge where the two sides of
    the padding differ.

    Args:
        pool_size: Depth, height and width of the window, or one number for all.
        strides: Steps of the window, or one number for all; `None` is the window's
            size, so that windows do not overlap.
        padding: "valid" keeps the window inside; "same" gives ceil(size / stride)
            positions, and what lies outside the volume does not count.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, depth, height, width, channels)
        y: (batch, new_depth, new_height, new_width, channels)

    Raises:
        ConfigError: A size is not a positive integer, or ``padding`` is not known.
        ShapeError: x does not have 5 axes, or is smaller than the window.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> AveragePooling3D()(torch.zeros(2, 8, 8, 8, 4)).shape
        torch.Size([2, 4, 4, 4, 4])

    Source:
        LeCun et al. 1998, section II.B, without weights; the formula is Keras's.
    """

    rank = 3
