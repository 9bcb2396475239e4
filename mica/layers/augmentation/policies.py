"""RandAugment: a few random changes out of many, one after the other."""

from typing import Any

import torch

from mica.errors import ConfigError
from mica.layers.arguments import positive_integer
from mica.layers.augmentation.augmentation import (
    IMAGE_AXES,
    Factor,
    check_images,
    read_range,
)
from mica.layers.augmentation.choosing import Pipeline, RandomChoice
from mica.layers.augmentation.colour import RandomBrightness, RandomContrast
from mica.layers.augmentation.moving import (
    RandomRotation,
    RandomShear,
    RandomTranslation,
)
from mica.layers.augmentation.smoothing import RandomSharpness
from mica.layers.augmentation.tones import (
    AutoContrast,
    Equalization,
    RandomColorDegeneration,
    RandomPosterization,
    Solarization,
)
from mica.layers.layer import Layer

__all__ = ["RandAugment"]

CHANGES = 11  # layers to choose from
_BITS = 8  # of a byte


class RandAugment(Pipeline):
    """In training, a few random changes out of eleven, one after the other.

    y = change_n(... change_1(x)),  each of them drawn for each image

    The changes: shear, translation, rotation, brightness, contrast, sharpness, loss of
    colours, solarization, posterization, `AutoContrast` and `Equalization`. Every one
    is computed for the whole batch and one is kept for each image: a step costs eleven
    changes. (Keras keeps the same one for the whole batch, at the same cost.)

    Args:
        value_range: Darkest and brightest value of the images.
        num_ops: How many changes, one after the other. At least 1.
        factor: Strength of each: f means (0, f); or (lower, upper), 0 to 1.
        interpolation: Of those that move: "bilinear" or "nearest".
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, height, width, 3)

    Raises:
        ConfigError: A number is out of bounds, or ``value_range`` does not rise.
        ShapeError: x is not a batch of images of three channels.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> import torch
        >>> RandAugment(value_range=(0, 1))(torch.rand(2, 8, 8, 3)).shape
        torch.Size([2, 8, 8, 3])

    Source:
        Cubuk et al. 2019, RandAugment: Practical automated data augmentation with a
        reduced search space.
    """

    def __init__(
        self,
        *,
        value_range: tuple[float, float] = (0, 255),
        num_ops: int = 2,
        factor: Factor = 0.5,
        interpolation: str = "bilinear",
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        where = "RandAugment"
        count = positive_integer(num_ops, where, "num_ops")
        lower, upper = read_range(factor, where, "factor", within=(0.0, 1.0))
        if seed is not None and (not isinstance(seed, int) or seed < 0):
            raise ConfigError(
                f"{where}: expected seed to be 0 or more, got {seed!r}. Give another "
                "number, or None to draw from torch's generator."
            )
        steps: list[Layer] = []
        for number in range(count):
            # Each layer has random numbers of its own, far from the others'.
            first = None if seed is None else seed + number * (CHANGES + 1)
            seeds = [None if first is None else first + i for i in range(CHANGES + 1)]
            tone: dict[str, Any] = {"value_range": value_range}
            share = (lower, upper)
            move: dict[str, Any] = {"interpolation": interpolation}
            changes: list[Layer] = [
                RandomShear(share, share, seed=seeds[0], **move),
                RandomTranslation(share, share, seed=seeds[1], **move),
                RandomRotation(share, seed=seeds[2], **move),
                RandomBrightness(share, seed=seeds[3], **tone),
                RandomColorDegeneration(share, seed=seeds[4], **tone),
                RandomContrast(share, seed=seeds[5], **tone),
                RandomSharpness(share, seed=seeds[6], **tone),
                Solarization(share, share, seed=seeds[7], **tone),
                RandomPosterization(max(1, int(_BITS * upper)), seed=seeds[8], **tone),
                AutoContrast(**tone),
                Equalization(**tone),
            ]
            steps.append(RandomChoice(changes, seed=seeds[CHANGES]))
        super().__init__(steps, name=name)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input that is no batch of images."""
        check_images(self.where, shape, dtype)

    def forward(self, x: Any) -> Any:
        """Pass the images through all steps."""
        if x.ndim != len(IMAGE_AXES.split()):
            self.check_input(tuple(x.shape), x.dtype)
        return super().forward(x)
