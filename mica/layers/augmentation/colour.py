"""Colours changed by chance: contrast, brightness, saturation, hue, and no colours."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mica.errors import ConfigError, ShapeError
from mica.layers.augmentation.augmentation import (
    Augmentation,
    Factor,
    read_range,
    read_value_range,
)
from mica.shapes import describe

__all__ = [
    "RandomBrightness",
    "RandomContrast",
    "RandomGrayscale",
    "RandomHue",
    "RandomSaturation",
    "ThreeColours",
    "as_grey",
    "hsv_to_rgb",
    "rgb_to_hsv",
]

_COLOURS = 3  # red, green, blue
# What the eye makes of red, green and blue: ITU-R BT.601, in the four digits of Keras.
_LUMA = (0.2989, 0.5870, 0.1140)
_EPSILON = 1e-7  # keeps the largest saturation finite (as in Keras)


def rgb_to_hsv(x: Tensor) -> Tensor:
    """Hue, saturation and value of colours from 0 to 1.

    v = max(r, g, b),  c = v - min(r, g, b),  s = c / v
    h = ((g - b) / c mod 6) / 6 where v = r, ((b - r) / c + 2) / 6 where v = g,
        ((r - g) / c + 4) / 6 where v = b; black has s = 0, and greys have h = 0

    Args:
        x: Red, green and blue along the last axis.

    Shape:
        x: (*shape, 3)

    Returns:
        Hue (share of the circle), saturation and value along the last axis.

    Example:
        >>> rgb_to_hsv(torch.tensor([0.0, 1.0, 1.0]))
        tensor([0.5000, 1.0000, 1.0000])

    Source:
        Smith 1978, "Color gamut transform pairs".
    """
    red, green, blue = x.unbind(-1)
    value, chroma = x.amax(-1), x.amax(-1) - x.amin(-1)
    divisor = torch.where(chroma > 0, chroma, 1.0)
    sector = torch.where(
        value == red,
        ((green - blue) / divisor).remainder(6.0),  # six sectors make the circle
        torch.where(
            value == green,
            (blue - red) / divisor + 2.0,
            (red - green) / divisor + 4.0,
        ),
    )
    saturation = chroma / torch.where(value > 0, value, 1.0)
    return torch.stack([sector / 6.0, saturation, value], -1)


def hsv_to_rgb(x: Tensor) -> Tensor:
    """Red, green and blue of hue, saturation and value.

    colour(n) = v - v s max(0, min(k, 4 - k, 1)),  k = (n + 6 h) mod 6
    with n = 5 for red, 3 for green, 1 for blue

    Args:
        x: Hue (share of the circle, any number), saturation and value (0 to 1) along
            the last axis.

    Shape:
        x: (*shape, 3)

    Returns:
        Red, green and blue from 0 to 1 along the last axis.

    Example:
        >>> hsv_to_rgb(torch.tensor([0.5, 1.0, 1.0]))
        tensor([0., 1., 1.])

    Source:
        Smith 1978, "Color gamut transform pairs", as one formula for all sectors.
    """
    hue, saturation, value = x.split(1, -1)
    first = torch.tensor([5.0, 3.0, 1.0], dtype=x.dtype, device=x.device)
    place = (first + 6.0 * hue).remainder(6.0)  # six sectors make the circle
    lacking = torch.minimum(place, 4.0 - place).clamp(0.0, 1.0)
    return value - value * saturation * lacking


class _Colouring(Augmentation):
    """Values between a darkest and a brightest one, changed and kept between them."""

    def __init__(
        self, *, value_range: tuple[float, float], seed: int | None, name: str | None
    ) -> None:
        super().__init__(seed=seed, name=name)
        self.value_range = read_value_range(value_range, self.where)

    def _as_shares(self, x: Tensor) -> Tensor:
        low, high = self.value_range
        return (x - low) / (high - low)

    def _as_values(self, shares: Tensor) -> Tensor:
        low, high = self.value_range
        return (shares * (high - low) + low).clamp(low, high)


class RandomContrast(_Colouring):
    """In training, each image's differences from its mean are made larger or smaller.

    y[b] = mean_b + f_b (x[b] - mean_b), kept within value_range
    f_b ~ U(1 - lower, 1 + upper),  mean_b = the mean of each channel of x[b]

    Args:
        factor: One number means lower = upper; or (lower, upper), 0 to 1 both.
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
        >>> x = torch.tensor([50.0, 150.0]).reshape(1, 1, 2, 1)
        >>> y = RandomContrast(0.5)(x)
        >>> y.mean().item(), bool(25 <= y[0, 0, 0, 0] <= 75)
        (100.0, True)
    """

    def __init__(
        self,
        factor: Factor,
        *,
        value_range: tuple[float, float] = (0, 255),
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(value_range=value_range, seed=seed, name=name)
        read_range(factor, self.where, "factor", within=(0.0, 1.0))
        # NOTE: (0.4, 0.1) is 40 % less to 10 % more: these two are not put in order.
        one = isinstance(factor, (int, float))
        lower, upper = (factor, factor) if one else factor
        self.factor = (float(lower), float(upper))

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """Draw what the differences are multiplied by."""
        lower, upper = self.factor
        shape = (len(x), 1, 1, 1)
        return {"factor": self.uniform(shape, 1.0 - lower, 1.0 + upper, x)}

    def transform(self, x: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
        """Multiply the differences from the mean."""
        mean = x.mean((1, 2), keepdim=True)  # (B, 1, 1, C)
        return (mean + drawn["factor"] * (x - mean)).clamp(*self.value_range)


class RandomBrightness(_Colouring):
    """In training, the same random number is added to all values of an image.

    y[b] = x[b] + d_b (high - low), kept within value_range = (low, high)
    d_b ~ U(lower, upper)

    Args:
        factor: f means (-f, f); or (lower, upper), -1 (black) to 1 (white).
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
        >>> x = torch.tensor([0.0, 0.5, 1.0]).reshape(1, 1, 3, 1)
        >>> RandomBrightness((0.25, 0.25), value_range=(0, 1))(x).flatten()
        tensor([0.2500, 0.7500, 1.0000])
    """

    def __init__(
        self,
        factor: Factor,
        *,
        value_range: tuple[float, float] = (0, 255),
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(value_range=value_range, seed=seed, name=name)
        self.factor = read_range(
            factor, self.where, "factor", within=(-1.0, 1.0), both_ways=True
        )

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """Draw what is added, as a share of the range."""
        return {"share": self.uniform((len(x), 1, 1, 1), *self.factor, x)}

    def transform(self, x: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
        """Add the numbers."""
        low, high = self.value_range
        return (x + drawn["share"] * (high - low)).clamp(low, high)


def as_grey(x: Tensor) -> Tensor:
    """The grey that the eye takes for as bright as each colour.

    grey = 0.2989 red + 0.5870 green + 0.1140 blue

    Args:
        x: Red, green and blue along the last axis.

    Shape:
        x: (*shape, 3)

    Returns:
        (*shape, 1).

    Example:
        >>> as_grey(torch.tensor([1.0, 0.0, 0.0]))
        tensor([0.2989])

    Source:
        ITU-R BT.601, rounded as in Keras.
    """
    weights = torch.tensor(_LUMA, dtype=x.dtype, device=x.device)
    return (x * weights).sum(-1, keepdim=True)


class ThreeColours(_Colouring):
    """The base of layers that need red, green and blue.

    Args:
        value_range: Darkest and brightest value of the images.
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Example:
        >>> issubclass(RandomHue, ThreeColours)
        True
    """

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input without three colours."""
        super().check_input(shape, dtype)
        if shape[-1] not in (None, _COLOURS):
            raise ShapeError(
                f"{self.where}: expected 3 channels (red, green, blue), got "
                f"{shape[-1]} in shape {describe(shape)}. Leave the layer out for "
                "images without colours."
            )


class RandomSaturation(ThreeColours):
    """In training, the colours of each image are made paler or stronger.

    s' = min(s_b f_b / (1 - f_b), 1),  f_b ~ U(lower, upper)
    s = saturation of hue, saturation and value; hue and value stay

    Args:
        factor: f means (0, f); or (lower, upper), 0 (no colours) to 1 (full colours);
            0.5 changes nothing.
        value_range: Darkest and brightest value of the images.
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, height, width, 3)

    Raises:
        ConfigError: ``factor`` is out of bounds, or ``value_range`` does not rise.
        ShapeError: x is not a batch of images of three channels.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> x = torch.tensor([1.0, 0.5, 0.0]).reshape(1, 1, 1, 3)
        >>> RandomSaturation((0.0, 0.0), value_range=(0, 1))(x).flatten()
        tensor([1., 1., 1.])
    """

    def __init__(
        self,
        factor: Factor,
        *,
        value_range: tuple[float, float] = (0, 255),
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(value_range=value_range, seed=seed, name=name)
        self.factor = read_range(factor, self.where, "factor", within=(0.0, 1.0))

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """Draw what the saturation is multiplied by."""
        share = self.uniform((len(x), 1, 1, 1), *self.factor, x)
        return {"factor": share / (1.0 - share + _EPSILON)}

    def transform(self, x: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
        """Multiply how far each colour lies below the brightest, up to black."""
        shares = self._as_shares(x)
        value = shares.amax(-1, keepdim=True)
        chroma = value - shares.amin(-1, keepdim=True)
        # Saturation is chroma / value, so this multiple of it is 1.
        largest = value / torch.where(chroma > 0, chroma, 1.0)
        factor = torch.minimum(drawn["factor"], largest)
        return self._as_values(value - (value - shares) * factor)


class RandomHue(ThreeColours):
    """In training, the hues of each image are turned along the circle of colours.

    h' = h + s_b f_b / 2 (share of the circle),  f_b ~ U(lower, upper)
    s_b = 1 or -1 with probability 1/2; saturation and value stay

    Args:
        factor: f means (0, f); or (lower, upper), 0 (no change) to 1 (half the circle).
        value_range: Darkest and brightest value of the images.
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, height, width, 3)

    Raises:
        ConfigError: ``factor`` is out of bounds, or ``value_range`` does not rise.
        ShapeError: x is not a batch of images of three channels.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> x = torch.tensor([1.0, 0.0, 0.0]).reshape(1, 1, 1, 3)
        >>> RandomHue((1.0, 1.0), value_range=(0, 1))(x).flatten()
        tensor([0., 1., 1.])
    """

    def __init__(
        self,
        factor: Factor,
        *,
        value_range: tuple[float, float] = (0, 255),
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(value_range=value_range, seed=seed, name=name)
        self.factor = read_range(factor, self.where, "factor", within=(0.0, 1.0))

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """Draw how far the hues are turned, as a share of the circle."""
        shape = (len(x), 1, 1)
        sign = 2 * self.chance(shape, 0.5, x) - 1
        return {"turn": sign * self.uniform(shape, *self.factor, x) / 2}

    def transform(self, x: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
        """Turn the hues."""
        hue, saturation, value = rgb_to_hsv(self._as_shares(x)).unbind(-1)
        turned = torch.stack([hue + drawn["turn"], saturation, value], -1)
        return self._as_values(hsv_to_rgb(turned))


class RandomGrayscale(ThreeColours):
    """In training, each image loses its colours by chance.

    y[b] = 0.2989 red + 0.5870 green + 0.1140 blue, in all channels, with probability
    factor

    Args:
        factor: The probability, 0 to 1.
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, height, width, 3)

    Raises:
        ConfigError: ``factor`` is not a number from 0 to 1.
        ShapeError: x is not a batch of images of three channels.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> x = torch.tensor([1.0, 0.0, 0.0]).reshape(1, 1, 1, 3)
        >>> RandomGrayscale(1.0)(x).flatten()
        tensor([0.2989, 0.2989, 0.2989])

    Source:
        ITU-R BT.601, rounded as in Keras.
    """

    def __init__(
        self,
        factor: float = 0.5,
        *,
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(value_range=(0, 1), seed=seed, name=name)
        number = isinstance(factor, (int, float)) and not isinstance(factor, bool)
        if not (number and 0.0 <= factor <= 1.0):
            raise ConfigError(
                f"{self.where}: expected factor to be a probability from 0 to 1, got "
                f"{factor!r}. Write for example factor=0.5."
            )
        self.factor = float(factor)

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """Draw a 1 for each image that loses its colours."""
        return {"chosen": self.chance((len(x), 1, 1, 1), self.factor, x)}

    def transform(self, x: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
        """Give the chosen images one value for all channels."""
        return torch.where(drawn["chosen"] != 0, as_grey(x), x)
