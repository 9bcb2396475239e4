"""Resizing: more or fewer positions, with values repeated or interpolated."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from mica.errors import ConfigError
from mica.layers.arguments import one_of, positive_integer, real_number
from mica.layers.inputs import AXES, check_floating, check_rank, check_window
from mica.layers.layer import Layer

__all__ = ["Resizing", "UpSampling1D", "UpSampling2D", "UpSampling3D"]

_MODES = ("nearest", "bilinear", "bicubic")


def _interpolate(x: Tensor, size: tuple[int, int], mode: str, smooth: bool) -> Tensor:
    """Images of another size, the centres of the corner pixels not aligned.

    x: (batch, height, width, channels).
    """
    if mode == "nearest":
        mode, smooth = "nearest-exact", False
    # Half types have no smooth kernel on the CPU, and are coarse for sums of pixels.
    exact = x.float() if smooth and x.element_size() < 4 else x  # bytes of a float32
    pictures = exact.permute(0, 3, 1, 2)  # (B, C, H, W), a view
    corners = None if mode == "nearest-exact" else False
    resized = functional.interpolate(
        pictures, size, mode=mode, align_corners=corners, antialias=smooth
    )
    return resized.permute(0, 2, 3, 1).contiguous().to(x.dtype)


class _UpSampling(Layer):
    """Every position repeated a whole number of times."""

    _rank: ClassVar[int]

    def __init__(
        self, size: int | Sequence[int] = 2, *, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        sizes = list(size) if isinstance(size, (list, tuple)) else [size] * self._rank
        if len(sizes) != self._rank:
            raise ConfigError(
                f"{self.where}: expected size to be one whole number, or {self._rank} "
                f"of them, got {size!r}. Write for example size=2."
            )
        self.size = tuple(positive_integer(one, self.where, "size") for one in sizes)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input of another number of axes."""
        del dtype
        check_rank(self.where, shape, AXES[self._rank])

    def forward(self, x: Tensor) -> Tensor:
        """Repeat every position."""
        if x.ndim != self._rank + 2:
            self.check_input(tuple(x.shape), x.dtype)
        for axis, times in enumerate(self.size, start=1):
            if times > 1:
                x = x.repeat_interleave(times, axis)
        return x.clone() if all(times == 1 for times in self.size) else x


class UpSampling1D(_UpSampling):
    """Every step of a sequence repeated.

    y[t] = x[t // size]

    Args:
        size: How often.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, steps, channels)
        y: (batch, size * steps, channels)

    Raises:
        ConfigError: ``size`` is not a positive integer.
        ShapeError: x has another number of axes.

    Example:
        >>> UpSampling1D(2)(torch.tensor([[[1.0], [2.0]]])).flatten()
        tensor([1., 1., 2., 2.])
    """

    _rank = 1


class UpSampling2D(_UpSampling):
    """An image made larger by whole factors.

    nearest:  y[i, j] = x[i // rows, j // columns]
    bilinear: y[i, j] = the plane through the four pixels around, at the place whose
              share of the height and the width is the same

    Args:
        size: The factor, or (rows, columns).
        interpolation: "nearest", "bilinear" or "bicubic".
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, height, width, channels)
        y: (batch, rows * height, columns * width, channels)

    Raises:
        ConfigError: ``size`` is not made of positive integers, or the interpolation is
            not known.
        ShapeError: x has another number of axes.

    Example:
        >>> layer = UpSampling2D((1, 2), interpolation="bilinear")
        >>> layer(torch.tensor([0.0, 4.0]).reshape(1, 1, 2, 1)).flatten()
        tensor([0., 1., 3., 4.])
    """

    _rank = 2

    def __init__(
        self,
        size: int | Sequence[int] = 2,
        *,
        interpolation: str = "nearest",
        name: str | None = None,
    ) -> None:
        super().__init__(size, name=name)
        self.interpolation = one_of(interpolation, _MODES, self.where, "interpolation")

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input that is no image."""
        super().check_input(shape, dtype)
        if self.interpolation != "nearest":
            check_floating(self.where, dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Repeat or interpolate."""
        if self.interpolation == "nearest" or len(x) == 0:
            return super().forward(x)
        height, width = x.shape[1] * self.size[0], x.shape[2] * self.size[1]
        return _interpolate(x, (height, width), self.interpolation, smooth=False)


class UpSampling3D(_UpSampling):
    """Every position of a volume repeated.

    y[i, j, k] = x[i // s_1, j // s_2, k // s_3]

    Args:
        size: How often, or one number for each axis.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, depth, height, width, channels)
        y: the same, each axis longer by its factor

    Raises:
        ConfigError: ``size`` is not made of positive integers.
        ShapeError: x has another number of axes.

    Example:
        >>> UpSampling3D((1, 2, 3))(torch.zeros(1, 2, 2, 2, 3)).shape
        torch.Size([1, 2, 4, 6, 3])
    """

    _rank = 3


class Resizing(Layer):
    """Images of any size brought to one size.

    y[i, j] = x at the place whose share of the height and the width is the same,
    interpolated between pixels

    Args:
        height: Rows of y.
        width: Columns of y.
        interpolation: "bilinear", "nearest" or "bicubic".
        crop_to_aspect_ratio: Whether to cut off what would be squeezed, keeping the
            middle.
        pad_to_aspect_ratio: Whether to put borders around instead of squeezing; with
            an odd number of missing pixels, the last side gets one more.
        fill_value: What the borders hold.
        antialias: Whether to smooth before making images smaller.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, any height, any width, channels)
        y: (batch, height, width, channels)

    Raises:
        ConfigError: A size is not a positive integer, the interpolation is not known,
            or both cropping and padding are asked for.
        ShapeError: x is not a batch of images with at least one pixel.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> Resizing(150, 150)(torch.zeros(1, 120, 180, 3)).shape
        torch.Size([1, 150, 150, 3])
    """

    def __init__(
        self,
        height: int,
        width: int,
        *,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_value: float = 0.0,
        antialias: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.height = positive_integer(height, self.where, "height")
        self.width = positive_integer(width, self.where, "width")
        self.interpolation = one_of(interpolation, _MODES, self.where, "interpolation")
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ConfigError(
                f"{self.where}: expected crop_to_aspect_ratio or pad_to_aspect_ratio, "
                "got both. Set one of them to False."
            )
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_value = real_number(fill_value, self.where, "fill_value")
        self.antialias = antialias

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input that is no batch of images."""
        check_rank(self.where, shape, AXES[2])
        check_floating(self.where, dtype)
        check_window(self.where, shape)

    def forward(self, x: Tensor) -> Tensor:
        """Resize every image."""
        if self.crop_to_aspect_ratio:
            x = self._cropped(x)
        elif self.pad_to_aspect_ratio:
            x = self._padded(x)
        if len(x) == 0:
            return x.new_zeros((0, self.height, self.width, x.shape[3]))
        size = (self.height, self.width)
        return _interpolate(x, size, self.interpolation, self.antialias)

    def _cropped(self, x: Tensor) -> Tensor:
        height, width = x.shape[1:3]
        rows = max(min(height, width * self.height // self.width), 1)
        columns = max(min(width, height * self.width // self.height), 1)
        top, left = (height - rows) // 2, (width - columns) // 2
        return x[:, top : top + rows, left : left + columns]

    def _padded(self, x: Tensor) -> Tensor:
        height, width = x.shape[1:3]
        rows = max(height, width * self.height // self.width) - height
        columns = max(width, height * self.width // self.height) - width
        sides = [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2]
        return functional.pad(x, [0, 0, *sides], value=self.fill_value)
