"""Images blurred or sharpened by chance."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from mica.errors import ConfigError
from mica.layers.augmentation.augmentation import (
    Augmentation,
    Factor,
    read_range,
    read_value_range,
)

__all__ = ["RandomGaussianBlur", "RandomSharpness"]

_TINY = 1e-6  # keeps a deviation above 0, as in Keras
# The smoothing of Pillow's ImageFilter.SMOOTH: 5 in the middle of eight 1s.
_MIDDLE, _SUM = 5.0, 13.0


def _along(x: Tensor, weights: Sequence[Tensor], axis: int) -> Tensor:
    """Weighted sums of neighbours along an axis; beyond the edge lies 0."""
    reach, size = len(weights) // 2, x.shape[axis]
    around = [0, 0] * (x.ndim - 1 - axis) + [reach, reach]
    wide = functional.pad(x, around)
    parts = [
        weight * wide.narrow(axis, place, size) for place, weight in enumerate(weights)
    ]
    return torch.stack(parts).sum(0)


class RandomGaussianBlur(Augmentation):
    """In training, each image is blurred by chance, by a random amount.

    y[b, i, j] = sum_pq w_bp w'_bq x[b, i + p, j + q] with probability p_b
    w_bp = exp(-p^2 / (2 s_b^2)) / sum,  w' likewise with s'_b;  s_b, s'_b ~ U(sigma)

    Beyond the edge lies 0, as in Keras; Keras draws one s for the whole batch.

    Args:
        factor: Probability: f means that it is drawn from (0, f) for each image;
            (f, f) is f itself.
        kernel_size: Odd height and width of the window, or one number for both.
        sigma: Deviation in pixels: s means (0, s); or (lower, upper), 0 to 1.
        value_range: Darkest and brightest value of the images.
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, height, width, channels)

    Raises:
        ConfigError: A factor is out of bounds, the window is not odd, or
            ``value_range`` does not rise.
        ShapeError: x is not a batch of images.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> x = torch.zeros(1, 3, 3, 1)
        >>> x[0, 1, 1] = 1.0
        >>> layer = RandomGaussianBlur((1, 1), sigma=(1, 1), value_range=(0, 1))
        >>> layer(x)[0, 1, :, 0]
        tensor([0.1238, 0.2042, 0.1238])
    """

    def __init__(
        self,
        factor: Factor = 1.0,
        *,
        kernel_size: int | Sequence[int] = 3,
        sigma: Factor = 1.0,
        value_range: tuple[float, float] = (0, 255),
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(seed=seed, name=name)
        self.factor = read_range(factor, self.where, "factor", within=(0.0, 1.0))
        one = isinstance(kernel_size, int)
        sizes = [kernel_size, kernel_size] if one else list(kernel_size)
        odd = [isinstance(size, int) and size > 0 and size % 2 == 1 for size in sizes]
        if len(sizes) != 2 or not all(odd):
            raise ConfigError(
                f"{self.where}: expected kernel_size to be one or two odd numbers, got "
                f"{kernel_size!r}. Write for example kernel_size=3."
            )
        self.kernel_size = (int(sizes[0]), int(sizes[1]))
        self.sigma = read_range(sigma, self.where, "sigma", within=(0.0, 1.0))
        self.value_range = read_value_range(value_range, self.where)

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """Draw a 1 for each image that is blurred, and its two deviations."""
        shape = (len(x), 1, 1, 1)
        probability = self.uniform(shape, *self.factor, x)
        chosen = self.uniform(shape, 0.0, 1.0, x) < probability
        return {
            "chosen": chosen.to(x.dtype),
            "sigma": self.uniform((len(x), 2), *self.sigma, x) + _TINY,
        }

    def transform(self, x: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
        """Blur the chosen images, along each axis for itself."""
        y = x
        for axis, size in enumerate(self.kernel_size, 1):
            places = torch.arange(size, dtype=x.dtype, device=x.device) - size // 2
            sigma = drawn["sigma"][:, axis - 1, None]
            weights = (-0.5 * (places / sigma) ** 2).exp()
            weights = weights / weights.sum(1, keepdim=True)
            each = [one.reshape(-1, 1, 1, 1) for one in weights.unbind(1)]
            y = _along(y, each, axis)
        return torch.where(drawn["chosen"] != 0, y, x).clamp(*self.value_range)


class RandomSharpness(Augmentation):
    """In training, each image is made smoother or sharper.

    y[b] = x[b] + (1 - 2 f_b) (smooth[b] - x[b]), kept within value_range
    smooth = (sum of the 8 neighbours + 5 x) / 13,  f_b ~ U(lower, upper)

    Beyond the edge lies 0, as in Keras.

    Args:
        factor: f means (0, f); or (lower, upper), 0 (smooth) to 1 (sharp); 0.5 changes
            nothing.
        value_range: Darkest and brightest value of the images.
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, height, width, channels)

    Raises:
        ConfigError: ``factor`` is out of bounds, or ``value_range`` does not rise.
        ShapeError: x is not a batch of images.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> x = torch.zeros(1, 3, 3, 1)
        >>> x[0, 1, 1] = 13.0
        >>> RandomSharpness((0, 0))(x)[0, 1, :, 0]
        tensor([1., 5., 1.])
    """

    def __init__(
        self,
        factor: Factor,
        *,
        value_range: tuple[float, float] = (0, 255),
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(seed=seed, name=name)
        self.factor = read_range(factor, self.where, "factor", within=(0.0, 1.0))
        self.value_range = read_value_range(value_range, self.where)

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """Draw how sharp each image becomes."""
        return {"factor": self.uniform((len(x), 1, 1, 1), *self.factor, x)}

    def transform(self, x: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
        """Move the images towards their smooth selves, or away from them."""
        ones = [torch.ones((), dtype=x.dtype, device=x.device)] * 3
        square = _along(_along(x, ones, 1), ones, 2)
        smooth = (square + (_MIDDLE - 1) * x) / _SUM
        y = x + (1 - 2 * drawn["factor"]) * (smooth - x)
        return y.clamp(*self.value_range)
