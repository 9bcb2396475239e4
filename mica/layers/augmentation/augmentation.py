"""Augmentation: the base of layers that change each image by chance in training."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from mica.errors import ConfigError
from mica.layers.arguments import real_number
from mica.layers.inputs import check_floating, check_rank, check_window
from mica.layers.noise import Noise

__all__ = [
    "IMAGE_AXES",
    "Augmentation",
    "Factor",
    "check_images",
    "read_range",
    "read_value_range",
]

Factor = float | Sequence[float]
Images = Float[Tensor, "batch height width channels"]
IMAGE_AXES = "batch height width channels"
_AXES = 4  # batch, height, width, channels
_SINGLE_BYTES = 4  # of a float32; half types are too coarse for places and sums


def _pair(value: Any) -> list[float] | None:
    """Two numbers, or None when it is something else."""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        return None
    numbers = [one for one in value if isinstance(one, (int, float))]
    return [float(one) for one in numbers] if len(numbers) == 2 else None


def read_range(
    value: Any,
    where: str,
    name: str,
    *,
    within: tuple[float, float],
    both_ways: bool = False,
) -> tuple[float, float]:
    """Read a factor: a number, or the lower and upper end of what is drawn.

    Args:
        value: What the user wrote.
        where: Who asks, for the error.
        name: The argument's name, for the error.
        within: Least and largest number allowed.
        both_ways: Whether one number f means (-f, f); else it means (0, f).

    Returns:
        (lower, upper)

    Raises:
        ConfigError: Not a number or two, or out of bounds.

    Example:
        >>> read_range(0.2, "RandomRotation", "factor", within=(-1, 1), both_ways=True)
        (-0.2, 0.2)
    """
    ends = _pair(value)
    if ends is None and isinstance(value, (int, float)) and not isinstance(value, bool):
        size = abs(float(value))
        ends = [-size if both_ways else 0.0, size]
        if not both_ways and value < 0:
            ends = None
    if ends is None or not all(within[0] <= end <= within[1] for end in ends):
        raise ConfigError(
            f"{where}: expected {name} to be a number or (lower, upper) from "
            f"{within[0]:g} to {within[1]:g}, got {value!r}. Write for example "
            f"{name}=0.2 or {name}=(0.1, 0.2)."
        )
    return min(ends), max(ends)


def read_value_range(value: Any, where: str) -> tuple[float, float]:
    """Read what the darkest and the brightest value of an image is.

    Args:
        value: What the user wrote.
        where: Who asks, for the error.

    Returns:
        (low, high)

    Raises:
        ConfigError: Not two numbers that rise.

    Example:
        >>> read_value_range([0, 1], "RandomContrast")
        (0.0, 1.0)
    """
    ends = _pair(value)
    if ends is None or not ends[0] < ends[1]:
        raise ConfigError(
            f"{where}: expected value_range to be two numbers that rise, got "
            f"{value!r}. Write (0, 1) or (0, 255), whatever the images hold."
        )
    low, high = (real_number(end, where, "value_range") for end in ends)
    return low, high


def check_images(where: str, shape: Any, dtype: torch.dtype | None) -> None:
    """Demand a batch of images of floating-point numbers.

    Args:
        where: The layer, for the error.
        shape: Shape of its input.
        dtype: Type of its input.

    Raises:
        ShapeError: Another number of axes, or images without pixels.
        DataError: No tensor, or whole numbers.

    Example:
        >>> check_images("RandomFlip", (None, 8, 8, 3), torch.float32)
    """
    check_rank(where, shape, IMAGE_AXES)
    check_floating(where, dtype)
    check_window(where, shape)


class Augmentation(Noise):
    """A layer that changes each image of a batch by chance, in training only.

    y[b] = transform(x[b], what was drawn for b)     in training
    y = x                                            otherwise

    Abstract: write `draw`, which draws for every image, and `transform`, which
    computes without chance. Half types are computed in float32.

    Args:
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, height, width, channels)

    Raises:
        ConfigError: ``seed`` is not a whole number from 0 on.
        ShapeError: x is not a batch of images.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> class RandomSign(Augmentation):
        ...     def draw(self, x):
        ...         return {"sign": 2 * self.chance((len(x), 1, 1, 1), 0.5, x) - 1}
        ...     def transform(self, x, drawn):
        ...         return x * drawn["sign"]
        >>> RandomSign()(torch.ones(2, 4, 4, 1)).abs().sum()
        tensor(32.)
    """

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input that is no batch of images."""
        check_images(self.where, shape, dtype)

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """Draw what happens to each image.

        Args:
            x: The images.

        Returns:
            Tensors whose first axis is the batch.
        """
        raise NotImplementedError

    def transform(self, x: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
        """Change the images as was drawn.

        Args:
            x: The images.
            drawn: What `draw` gave, or numbers of your own.

        Returns:
            The changed images.
        """
        raise NotImplementedError

    def forward(self, x: Images) -> Images:
        """Change each image by chance in training; else give x itself."""
        if x.ndim != _AXES:
            self.check_input(tuple(x.shape), x.dtype)
        return self.changed(x) if self.training else x

    def changed(self, x: Tensor) -> Tensor:
        """Draw, and change the images: in float32 at least.

        Args:
            x: The images.

        Returns:
            Images of the same type.
        """
        if x.ndim != _AXES:
            self.check_input(tuple(x.shape), x.dtype)
        exact = x.float() if x.element_size() < _SINGLE_BYTES else x
        return self.transform(exact, self.draw(exact)).to(x.dtype)
