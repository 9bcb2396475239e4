"""RandomErasing: a box of each image painted over."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mica.errors import ConfigError
from mica.layers.augmentation.augmentation import (
    Augmentation,
    Factor,
    read_range,
    read_value_range,
)
from mica.layers.augmentation.geometry import inside_boxes

__all__ = ["RandomErasing"]


class RandomErasing(Augmentation):
    """In training, a random box of each image is painted over by chance.

    y[b, i, j] = fill inside the box of b, with probability p_b;  x[b, i, j] elsewhere
    p_b ~ U(factor),  height and width of the box = sqrt(U(scale)) of the image's

    Args:
        factor: Probability: f means that it is drawn from (0, f) for each image, as
            in Keras; (1, 1) erases always.
        scale: Share of the image that a square box covers: f means (0, f); or (lower,
            upper), 0 to 1. Height and width are drawn apart.
        fill_value: What is painted: a number, one for each channel, or None for noise
            of the normal distribution times the brightest value.
        value_range: Darkest and brightest value of the images; the fill stays within.
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, height, width, channels)

    Raises:
        ConfigError: A factor is out of bounds, ``value_range`` does not rise, or
            ``fill_value`` is something else.
        ShapeError: x is not a batch of images.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> layer = RandomErasing((1, 1), scale=(0.25, 0.25), fill_value=0)
        >>> int((layer(torch.ones(1, 8, 8, 1)) == 0).sum())
        16

    Source:
        Zhong et al. 2020, "Random erasing data augmentation".
    """

    def __init__(
        self,
        factor: Factor = 1.0,
        *,
        scale: Factor = (0.02, 0.33),  # of the paper, section 4.3, up to its 0.4
        fill_value: float | Sequence[float] | None = None,
        value_range: tuple[float, float] = (0, 255),
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(seed=seed, name=name)
        self.factor = read_range(factor, self.where, "factor", within=(0.0, 1.0))
        self.scale = read_range(scale, self.where, "scale", within=(0.0, 1.0))
        self.value_range = read_value_range(value_range, self.where)
        self.fill_value = None
        if fill_value is not None:
            self.fill_value = self._read_fill(fill_value)

    def _read_fill(self, value: float | Sequence[float]) -> tuple[float, ...]:
        entries = list(value) if isinstance(value, (list, tuple)) else [value]
        numbers = [float(one) for one in entries if isinstance(one, (int, float))]
        if len(numbers) != len(entries):
            raise ConfigError(
                f"{self.where}: expected fill_value to be a number, one for each "
                f"channel, or None, got {value!r}. Write for example fill_value=0."
            )
        return tuple(numbers)

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """Draw which images lose a box, the boxes, and the paint."""
        batch = len(x)
        probability = self.uniform((batch,), *self.factor, x)
        drawn = {
            "erased": self.uniform((batch,), 0.0, 1.0, x) < probability,
            "share": self.uniform((batch, 2), *self.scale, x).sqrt(),
            "place": self.uniform((batch, 2), 0.0, 1.0, x),
        }
        if self.fill_value is None:
            drawn["fill"] = self.normal(x.shape, x) * self.value_range[1]
        return drawn

    def transform(self, x: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
        """Paint the boxes."""
        inside = inside_boxes(x, drawn["share"], drawn["place"])
        fill = drawn.get("fill")
        if fill is None:
            fill = torch.tensor(self.fill_value, dtype=x.dtype, device=x.device)
        painted = inside & drawn["erased"].reshape(-1, 1, 1, 1)
        return torch.where(painted, fill.clamp(*self.value_range), x)
