"""Adaptive pooling: windows chosen so that the output has a certain size."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from mica.layers.inputs import AXES, check_floating, check_rank, check_window
from mica.layers.layer import Layer
from mica.shapes import each_axis

__all__ = [
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "AdaptivePooling",
]

Pair = tuple[int, int]


class AdaptivePooling(Layer):
    """The base of layers that reduce any input to a certain number of places.

    Abstract: write `pool`, which torch does on pictures with channels first, and set
    `rank`, the number of axes. A sequence is a picture of width 1; a volume is pooled
    as pictures, then along the depths.

    Args:
        output_size: Places of the output, or one number for all axes.
        name: What the layer is called; `None` lets the model choose.

    Raises:
        ConfigError: ``output_size`` is not made of positive integers.

    Example:
        >>> AdaptiveMaxPooling2D(3).output_size
        (3, 3)
    """

    rank: ClassVar[int]

    def __init__(
        self, output_size: int | Sequence[int], *, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.output_size = each_axis(output_size, self.rank, self.where, "output_size")

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type or size."""
        check_rank(self.where, shape, AXES[self.rank])
        check_floating(self.where, dtype)
        check_window(self.where, shape)

    def pool(self, x: Tensor, size: Pair) -> Tensor:
        """Apply torch's pooling of pictures.

        Args:
            x: (batch, channels, height, width).
            size: Height and width of the result.

        Returns:
            (batch, channels, *size).
        """
        raise NotImplementedError

    def forward(
        self, x: Float[Tensor, "batch *places channels"]
    ) -> Float[Tensor, "batch *new_places channels"]:
        """Pool every part."""
        size = self.output_size
        if self.rank == 1:
            return self._pool_steps(x, size[0])
        if self.rank == 2:
            return self._pool_pictures(x, size)  # type: ignore[arg-type]  # two
        batch, depth, height, width, channels = x.shape
        pictures = x.reshape(batch * depth, height, width, channels)
        pictures = self._pool_pictures(pictures, size[1:])  # type: ignore[arg-type]
        steps = pictures.reshape(batch, depth, size[1] * size[2] * channels)
        return self._pool_steps(steps, size[0]).reshape(batch, *size, channels)

    def _pool_steps(self, x: Tensor, size: int) -> Tensor:
        """(batch, steps, channels), as pictures of width 1."""
        return self._pool_pictures(x.unsqueeze(2), (size, 1)).squeeze(2)

    def _pool_pictures(self, x: Tensor, size: Pair) -> Tensor:
        """(batch, height, width, channels), in views of it."""
        return self.pool(x.permute(0, 3, 1, 2), size).permute(0, 2, 3, 1)


class _AdaptiveAverage(AdaptivePooling):
    """The mean of each part."""

    def pool(self, x: Tensor, size: Pair) -> Tensor:
        """Take the mean of each part."""
        if size == (1, 1):
            return x.mean((2, 3), True)  # as torch does, in fewer steps
        return functional.adaptive_avg_pool2d(x, size)


class _AdaptiveMax(AdaptivePooling):
    """The largest value of each part."""

    def pool(self, x: Tensor, size: Pair) -> Tensor:
        """Take the largest value of each part."""
        return functional.adaptive_max_pool2d(x, size)


class AdaptiveAveragePooling1D(_AdaptiveAverage):
    """A sequence of any size cut into parts, the mean of each.

    y[b, k, c] = mean over t of x[b, t, c],
    floor(k steps / output_size) <= t < ceil((k + 1) steps / output_size)

    Parts may overlap by one place, and repeat where the output is larger.

    Args:
        output_size: Steps of the output.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, steps, channels)
        y: (batch, output_size, channels)

    Raises:
        ConfigError: ``output_size`` is not a positive integer.
        ShapeError: x does not have 3 axes, or is empty.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> AdaptiveAveragePooling1D(3)(torch.zeros(2, 8, 4)).shape
        torch.Size([2, 3, 4])

    Source:
        He et al. 2014 (spatial pyramid pooling), section 2.2; the parts are torch's.
    """

    rank = 1


class AdaptiveAveragePooling2D(_AdaptiveAverage):
    """An image of any size cut into parts, the mean of each.

    y[b, k, l, c] = mean over i, j of x[b, i, j, c],
    floor(k height / new_height) <= i < ceil((k + 1) height / new_height), j alike

    Parts may overlap by one place, and repeat where the output is larger.

    Args:
        output_size: Height and width of the output, or one number for both.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, height, width, channels)
        y: (batch, *output_size, channels)

    Raises:
        ConfigError: ``output_size`` is not made of positive integers.
        ShapeError: x does not have 4 axes, or is empty.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> AdaptiveAveragePooling2D((3, 2))(torch.zeros(2, 8, 8, 4)).shape
        torch.Size([2, 3, 2, 4])

    Source:
        He et al. 2014 (spatial pyramid pooling), section 2.2; the parts are torch's.
    """

    rank = 2


class AdaptiveAveragePooling3D(_AdaptiveAverage):
    """A volume of any size cut into parts, the mean of each.

    y[b, k, l, m, c] = mean over h, i, j of x[b, h, i, j, c],
    floor(k depth / new_depth) <= h < ceil((k + 1) depth / new_depth), i and j alike

    Parts may overlap by one place, and repeat where the output is larger.

    Args:
        output_size: Depth, height and width of the output, or one number for all.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, depth, height, width, channels)
        y: (batch, *output_size, channels)

    Raises:
        ConfigError: ``output_size`` is not made of positive integers.
        ShapeError: x does not have 5 axes, or is empty.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> AdaptiveAveragePooling3D(2)(torch.zeros(2, 5, 6, 7, 4)).shape
        torch.Size([2, 2, 2, 2, 4])

    Source:
        He et al. 2014 (spatial pyramid pooling), section 2.2; the parts are torch's.
    """

    rank = 3


class AdaptiveMaxPooling1D(_AdaptiveMax):
    """A sequence of any size cut into parts, the largest value of each.

    y[b, k, c] = max over t of x[b, t, c],
    floor(k steps / output_size) <= t < ceil((k + 1) steps / output_size)

    Parts may overlap by one place, and repeat where the output is larger.

    Args:
        output_size: Steps of the output.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, steps, channels)
        y: (batch, output_size, channels)

    Raises:
        ConfigError: ``output_size`` is not a positive integer.
        ShapeError: x does not have 3 axes, or is empty.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> AdaptiveMaxPooling1D(3)(torch.zeros(2, 8, 4)).shape
        torch.Size([2, 3, 4])

    Source:
        He et al. 2014 (spatial pyramid pooling), section 2.2; the parts are torch's.
    """

    rank = 1


class AdaptiveMaxPooling2D(_AdaptiveMax):
    """An image of any size cut into parts, the largest value of each.

    y[b, k, l, c] = max over i, j of x[b, i, j, c],
    floor(k height / new_height) <= i < ceil((k + 1) height / new_height), j alike

    Parts may overlap by one place, and repeat where the output is larger.

    Args:
        output_size: Height and width of the output, or one number for both.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, height, width, channels)
        y: (batch, *output_size, channels)

    Raises:
        ConfigError: ``output_size`` is not made of positive integers.
        ShapeError: x does not have 4 axes, or is empty.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> AdaptiveMaxPooling2D((3, 2))(torch.zeros(2, 8, 8, 4)).shape
        torch.Size([2, 3, 2, 4])

    Source:
        He et al. 2014 (spatial pyramid pooling), section 2.2; the parts are torch's.
    """

    rank = 2


class AdaptiveMaxPooling3D(_AdaptiveMax):
    """A volume of any size cut into parts, the largest value of each.

    y[b, k, l, m, c] = max over h, i, j of x[b, h, i, j, c],
    floor(k depth / new_depth) <= h < ceil((k + 1) depth / new_depth), i and j alike

    Parts may overlap by one place, and repeat where the output is larger.

    Args:
        output_size: Depth, height and width of the output, or one number for all.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, depth, height, width, channels)
        y: (batch, *output_size, channels)

    Raises:
        ConfigError: ``output_size`` is not made of positive integers.
        ShapeError: x does not have 5 axes, or is empty.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> AdaptiveMaxPooling3D(2)(torch.zeros(2, 5, 6, 7, 4)).shape
        torch.Size([2, 2, 2, 2, 4])

    Source:
        He et al. 2014 (spatial pyramid pooling), section 2.2; the parts are torch's.
    """

    rank = 3
