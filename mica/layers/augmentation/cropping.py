"""Windows cut out of images: a random one, or the middle."""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from mica.layers.arguments import positive_integer
from mica.layers.augmentation.augmentation import Augmentation, check_images
from mica.layers.layer import Layer
from mica.layers.resizing import Resizing

__all__ = ["CenterCrop", "RandomCrop"]


class RandomCrop(Augmentation):
    """In training, a window at a random place of each image.

    y[b, i, j] = x[b, i + t_b, j + l_b]
    t_b ~ U{0, ..., H - height}, l_b ~ U{0, ..., W - width},  H, W = sizes of x

    Otherwise, and for images smaller than the window, the largest window of the same
    proportions in the middle is resized. Each image gets its own place. (In Keras all
    images of a batch share one.)

    Args:
        height: Rows of y.
        width: Columns of y.
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, any height, any width, channels)
        y: (batch, height, width, channels)

    Raises:
        ConfigError: A size is not a positive integer, or ``seed`` is not a whole
            number.
        ShapeError: x is not a batch of images.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> layer = RandomCrop(1, 2)
        >>> x = torch.tensor([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1)
        >>> sorted({tuple(layer(x).flatten().tolist()) for _ in range(50)})
        [(1.0, 2.0), (2.0, 3.0)]
    """

    def __init__(
        self,
        height: int,
        width: int,
        *,
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(seed=seed, name=name)
        self.height = positive_integer(height, self.where, "height")
        self.width = positive_integer(width, self.where, "width")
        self.resize = Resizing(self.height, self.width, crop_to_aspect_ratio=True)

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """Draw the first row and the first column of each window."""
        return {
            "top": self.integers((len(x),), x.shape[1] - self.height + 1, x),
            "left": self.integers((len(x),), x.shape[2] - self.width + 1, x),
        }

    def transform(self, x: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
        """Cut the windows out."""
        device = x.device
        samples = torch.arange(len(x), device=device)[:, None, None]
        rows = drawn["top"][:, None] + torch.arange(self.height, device=device)
        columns = drawn["left"][:, None] + torch.arange(self.width, device=device)
        return x[samples, rows[:, :, None], columns[:, None, :]]

    def forward(
        self, x: Float[Tensor, "batch _ _ channels"]
    ) -> Float[Tensor, "batch _ _ channels"]:
        """Cut by chance in training, resize the middle otherwise."""
        fits = x.shape[1] >= self.height and x.shape[2] >= self.width
        if not (self.training and fits):
            return self.resize(x)
        return self.transform(x, self.draw(x))


class CenterCrop(Layer):
    """The window in the middle of each image, in training or not.

    y[i, j] = x[i + (H - height) // 2, j + (W - width) // 2],  H, W = sizes of x

    In images smaller than the window, the largest window of the same proportions is
    resized.

    Args:
        height: Rows of y.
        width: Columns of y.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, any height, any width, channels)
        y: (batch, height, width, channels)

    Raises:
        ConfigError: A size is not a positive integer.
        ShapeError: x is not a batch of images.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> x = torch.tensor([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1)
        >>> CenterCrop(1, 1)(x).item()
        2.0
    """

    def __init__(self, height: int, width: int, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.height = positive_integer(height, self.where, "height")
        self.width = positive_integer(width, self.where, "width")
        self.resize = Resizing(self.height, self.width, crop_to_aspect_ratio=True)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input that is no batch of images."""
        check_images(self.where, shape, dtype)

    def forward(
        self, x: Float[Tensor, "batch _ _ channels"]
    ) -> Float[Tensor, "batch _ _ channels"]:
        """Cut the middle out."""
        top, left = x.shape[1] - self.height, x.shape[2] - self.width
        if top < 0 or left < 0:
            return self.resize(x)
        top, left = top // 2, left // 2
        return x[:, top : top + self.height, left : left + self.width].contiguous()
