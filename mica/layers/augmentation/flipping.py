"""RandomFlip: images mirrored by chance."""

from collections.abc import Mapping

import torch
from torch import Tensor

from mica.layers.arguments import one_of
from mica.layers.augmentation.augmentation import Augmentation

__all__ = ["RandomFlip"]

_FLIPS = {"horizontal": (True, False), "vertical": (False, True)} | {
    "horizontal_and_vertical": (True, True)
}


class RandomFlip(Augmentation):
    """In training, each image is mirrored by chance.

    y[b, i, j] = x[b, i, width - 1 - j] with probability 1/2    horizontal
    y[b, i, j] = x[b, height - 1 - i, j] with probability 1/2   vertical

    With "horizontal_and_vertical" the two are drawn apart, so that each of the four
    pictures is as likely as the others. (Keras flips both ways or not at all.)

    Args:
        mode: "horizontal", "vertical" or "horizontal_and_vertical".
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, height, width, channels)

    Raises:
        ConfigError: The mode is not known, or ``seed`` is not a whole number.
        ShapeError: x is not a batch of images.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> x = torch.tensor([1.0, 2.0]).reshape(1, 1, 2, 1)
        >>> layer = RandomFlip("horizontal")
        >>> sorted({tuple(layer(x).flatten().tolist()) for _ in range(50)})
        [(1.0, 2.0), (2.0, 1.0)]
        >>> layer.eval()(x) is x
        True
    """

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        *,
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(seed=seed, name=name)
        self.mode = one_of(mode, _FLIPS, self.where, "mode")

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """Draw a 1 for each image that is mirrored, along each way of the mode."""
        ways = zip(("across", "down"), _FLIPS[self.mode], strict=True)
        shape = (len(x), 1, 1, 1)
        return {name: self.chance(shape, 0.5, x) for name, wanted in ways if wanted}

    def transform(self, x: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
        """Mirror the images whose number is not 0."""
        for name, axis in (("across", 2), ("down", 1)):
            if name in drawn:
                x = torch.where(drawn[name] != 0, x.flip(axis), x)
        return x
