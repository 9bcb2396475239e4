"""Tones changed: inverted, solarized, posterized, stretched, made even, made paler."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mica.errors import ConfigError
from mica.layers.arguments import positive_integer
from mica.layers.augmentation.augmentation import (
    Augmentation,
    Factor,
    read_range,
    read_value_range,
)
from mica.layers.augmentation.choosing import Pipeline
from mica.layers.augmentation.colour import (
    RandomBrightness,
    RandomContrast,
    RandomHue,
    RandomSaturation,
    ThreeColours,
    as_grey,
)
from mica.layers.layer import Layer

__all__ = [
    "AutoContrast",
    "Equalization",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomInvert",
    "RandomPosterization",
    "Solarization",
]

_LEVELS = 255.0  # the brightest of the tones that bytes can hold
_BITS = 8  # of a byte


class _Toning(Augmentation):
    """Values between a darkest and a brightest one, seen as tones from 0 to 255."""

    def __init__(
        self, *, value_range: tuple[float, float], seed: int | None, name: str | None
    ) -> None:
        super().__init__(seed=seed, name=name)
        self.value_range = read_value_range(value_range, self.where)

    def _as_tones(self, x: Tensor) -> Tensor:
        low, high = self.value_range
        return (x - low) * (_LEVELS / (high - low))

    def _as_values(self, tones: Tensor) -> Tensor:
        low, high = self.value_range
        return (tones * ((high - low) / _LEVELS) + low).clamp(low, high)


class RandomInvert(_Toning):
    """In training, each image becomes its negative by chance.

    y[b] = low + high - x[b] with probability p_b,  p_b ~ U(lower, upper)
    (low, high) = value_range

    Args:
        factor: Probability: f means that it is drawn from (0, f) for each image, as in
            Keras; (f, f) is f itself.
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
        >>> x = torch.tensor([0.0, 0.25]).reshape(1, 1, 2, 1)
        >>> RandomInvert((1, 1), value_range=(0, 1))(x).flatten()
        tensor([1.0000, 0.7500])
    """

    def __init__(
        self,
        factor: Factor = 1.0,
        *,
        value_range: tuple[float, float] = (0, 255),
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(value_range=value_range, seed=seed, name=name)
        self.factor = read_range(factor, self.where, "factor", within=(0.0, 1.0))

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """Draw a 1 for each image that is inverted."""
        shape = (len(x), 1, 1, 1)
        probability = self.uniform(shape, *self.factor, x)
        chosen = self.uniform(shape, 0.0, 1.0, x) < probability
        return {"chosen": chosen.to(x.dtype)}

    def transform(self, x: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
        """Invert the chosen images."""
        return torch.where(drawn["chosen"] != 0, sum(self.value_range) - x, x)


class Solarization(_Toning):
    """In training, tones above a random one are inverted, as on film lit too long.

    t = min(x + a_b, 255);  y = t where t < h_b, else 255 - t     in tones from 0 to 255
    a_b ~ 255 U(addition_factor),  h_b ~ 255 U(threshold_factor)

    Args:
        addition_factor: What is added before, as a share of the range: f means (0, f);
            or (lower, upper), 0 to 1.
        threshold_factor: From where on tones are inverted, likewise; 0 inverts all.
        value_range: Darkest and brightest value of the images.
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, height, width, channels)

    Raises:
        ConfigError: A factor is out of bounds, or ``value_range`` does not rise.
        ShapeError: x is not a batch of images.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> x = torch.tensor([0.0, 0.25, 1.0]).reshape(1, 1, 3, 1)
        >>> layer = Solarization(threshold_factor=(0.5, 0.5), value_range=(0, 1))
        >>> layer(x).flatten()
        tensor([0.0000, 0.2500, 0.0000])
    """

    def __init__(
        self,
        addition_factor: Factor = 0.0,
        threshold_factor: Factor = 0.0,
        *,
        value_range: tuple[float, float] = (0, 255),
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(value_range=value_range, seed=seed, name=name)
        self.addition_factor = read_range(
            addition_factor, self.where, "addition_factor", within=(0.0, 1.0)
        )
        self.threshold_factor = read_range(
            threshold_factor, self.where, "threshold_factor", within=(0.0, 1.0)
        )

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """Draw what is added, and where inversion begins, in tones."""
        shape = (len(x), 1, 1, 1)
        return {
            "addition": _LEVELS * self.uniform(shape, *self.addition_factor, x),
            "threshold": _LEVELS * self.uniform(shape, *self.threshold_factor, x),
        }

    def transform(self, x: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
        """Add, and invert what is bright."""
        tones = (self._as_tones(x) + drawn["addition"]).clamp(0.0, _LEVELS)
        return self._as_values(
            torch.where(tones < drawn["threshold"], tones, _LEVELS - tones)
        )


class RandomPosterization(_Toning):
    """In training, each image keeps only a few tones.

    y = floor(x / 2^(8 - n_b)) 2^(8 - n_b)     in whole tones from 0 to 255
    n_b ~ U{lower, ..., upper} bits; both ends are drawn (Keras leaves the upper one
    out)

    Args:
        factor: Bits that are kept: n means 1 to n; or (lower, upper), 1 to 8.
        value_range: Darkest and brightest value of the images.
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, height, width, channels)

    Raises:
        ConfigError: ``factor`` is no number of bits, or ``value_range`` does not rise.
        ShapeError: x is not a batch of images.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> x = torch.tensor([3.0, 130.0, 255.0]).reshape(1, 1, 3, 1)
        >>> RandomPosterization((1, 1))(x).flatten()
        tensor([  0., 128., 128.])
    """

    def __init__(
        self,
        factor: int | tuple[int, int],
        *,
        value_range: tuple[float, float] = (0, 255),
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(value_range=value_range, seed=seed, name=name)
        ends = list(factor) if isinstance(factor, (tuple, list)) else [1, factor]
        whole = [isinstance(end, int) and 1 <= end <= _BITS for end in ends]
        if len(ends) != 2 or not all(whole) or ends[0] > ends[1]:
            raise ConfigError(
                f"{self.where}: expected factor to be a number of bits or (lower, "
                f"upper) from 1 to 8, got {factor!r}. Write for example factor=4."
            )
        self.factor = (int(ends[0]), int(ends[1]))

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """Draw how many bits each image keeps."""
        lower, upper = self.factor
        more = self.integers((len(x), 1, 1, 1), upper - lower + 1, x)
        return {"bits": more.to(x.dtype) + lower}

    def transform(self, x: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
        """Round the tones down to those that are kept."""
        step = 2.0 ** (_BITS - drawn["bits"])
        tones = self._as_tones(x).clamp(0.0, _LEVELS).floor()
        return self._as_values((tones / step).floor() * step)


class AutoContrast(_Toning):
    """Each channel of each image is stretched over the whole range.

    y = low + (high - low) (x - min_bc) / (max_bc - min_bc),  (low, high) = value_range

    A channel of one value stays as it is. Nothing is drawn, and it is done outside of
    training as well.

    Args:
        value_range: Darkest and brightest value of the result.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, height, width, channels)

    Raises:
        ConfigError: ``value_range`` does not rise.
        ShapeError: x is not a batch of images.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> x = torch.tensor([100.0, 150.0, 200.0]).reshape(1, 1, 3, 1)
        >>> AutoContrast()(x).flatten()
        tensor([  0.0000, 127.5000, 255.0000])
    """

    def __init__(
        self, *, value_range: tuple[float, float] = (0, 255), name: str | None = None
    ) -> None:
        super().__init__(value_range=value_range, seed=None, name=name)

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """Draw nothing."""
        del x
        return {}

    def transform(self, x: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
        """Stretch the channels."""
        del drawn
        least, most = x.amin((1, 2), keepdim=True), x.amax((1, 2), keepdim=True)
        varied = most > least
        low, high = self.value_range
        shares = (x - least) / torch.where(varied, most - least, 1.0)
        return torch.where(varied, shares * (high - low) + low, x)

    def forward(self, x: Tensor) -> Tensor:
        """Stretch the channels, in training or not."""
        return self.changed(x)


class Equalization(_Toning):
    """In training, the tones of each channel of an image are made equally frequent.

    y = round(255 (c(x) - c_min) / (pixels - c_min))     in tones from 0 to 255
    c(t) = pixels of the channel with a tone up to t,  c_min = the smallest c above 0

    A channel of one tone stays as it is. Nothing is drawn. (Keras counts the tones of
    the whole batch together.)

    Args:
        value_range: Darkest and brightest value of the images.
        bins: Into how many tones values are sorted. At least 2.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, height, width, channels)

    Raises:
        ConfigError: ``value_range`` does not rise, or ``bins`` is below 2.
        ShapeError: x is not a batch of images.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> x = torch.tensor([10.0, 10.0, 11.0, 12.0]).reshape(1, 2, 2, 1)
        >>> Equalization()(x).flatten()
        tensor([  0.,   0., 128., 255.])
    """

    def __init__(
        self,
        *,
        value_range: tuple[float, float] = (0, 255),
        bins: int = 256,
        name: str | None = None,
    ) -> None:
        super().__init__(value_range=value_range, seed=None, name=name)
        self.bins = positive_integer(bins, self.where, "bins")
        if self.bins < 2:
            raise ConfigError(
                f"{self.where}: expected at least 2 bins, got {bins!r}. 256 is one for "
                "each tone of a byte."
            )

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """Draw nothing."""
        del x
        return {}

    def transform(self, x: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
        """Look each tone up in the table of its channel."""
        del drawn
        channels = self._as_tones(x).permute(0, 3, 1, 2).flatten(2)  # (B, C, H W)
        places = (channels * ((self.bins - 1) / _LEVELS)).clamp(0, self.bins - 1).long()
        counts = channels.new_zeros(*channels.shape[:2], self.bins)
        counts = counts.scatter_add(2, places, torch.ones_like(channels))
        sums = counts.cumsum(2)
        least = torch.where(sums > 0, sums, torch.inf).amin(2, keepdim=True)
        table = (sums - least) * _LEVELS / (sums[..., -1:] - least).clamp(min=1)
        table = table.round().clamp(0.0, _LEVELS)
        several = (counts > 0).sum(2, keepdim=True) > 1
        tones = torch.where(several, table.gather(2, places), channels)
        shape = (x.shape[0], x.shape[3], *x.shape[1:3])
        return self._as_values(tones.reshape(shape).permute(0, 2, 3, 1)).contiguous()


class RandomColorDegeneration(ThreeColours):
    """In training, each image loses a random share of its colours.

    y[b] = x[b] + f_b (grey[b] - x[b]),  f_b ~ U(lower, upper)
    grey = 0.2989 red + 0.5870 green + 0.1140 blue

    Args:
        factor: f means (0, f); or (lower, upper), 0 (all colours) to 1 (none).
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
        >>> RandomColorDegeneration((1, 1), value_range=(0, 1))(x).flatten()
        tensor([0.2989, 0.2989, 0.2989])
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
        """Draw what share of the colours is lost."""
        return {"share": self.uniform((len(x), 1, 1, 1), *self.factor, x)}

    def transform(self, x: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
        """Mix the images with their greys."""
        return (x + drawn["share"] * (as_grey(x) - x)).clamp(*self.value_range)


class RandomColorJitter(Pipeline):
    """In training, brightness, contrast, saturation and hue of each image change.

    y = hue(saturation(contrast(brightness(x)))), those that have a factor

    Args:
        value_range: Darkest and brightest value of the images.
        brightness_factor: As in `RandomBrightness`; `None` leaves it as it is.
        contrast_factor: As in `RandomContrast`.
        saturation_factor: As in `RandomSaturation`.
        hue_factor: As in `RandomHue`.
        seed: Where the random numbers of the first of them begin, the others' at the
            next numbers; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, height, width, channels); three channels for saturation and hue

    Raises:
        ConfigError: A factor is out of bounds, none is given, or ``value_range`` does
            not rise.
        ShapeError: x is not a batch of images, or without three colours.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> layer = RandomColorJitter(value_range=(0, 1), hue_factor=0.1)
        >>> layer(torch.rand(2, 4, 4, 3)).shape
        torch.Size([2, 4, 4, 3])
    """

    def __init__(
        self,
        *,
        value_range: tuple[float, float] = (0, 255),
        brightness_factor: Factor | None = None,
        contrast_factor: Factor | None = None,
        saturation_factor: Factor | None = None,
        hue_factor: Factor | None = None,
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        kinds: list[tuple[Any, Factor | None]] = [
            (RandomBrightness, brightness_factor),
            (RandomContrast, contrast_factor),
            (RandomSaturation, saturation_factor),
            (RandomHue, hue_factor),
        ]
        steps: list[Layer] = [
            kind(
                factor,
                value_range=value_range,
                seed=None if seed is None else seed + number,
            )
            for number, (kind, factor) in enumerate(kinds)
            if factor is not None
        ]
        if not steps:
            raise ConfigError(
                "RandomColorJitter: expected at least one factor, got none. Write for "
                "example brightness_factor=0.2."
            )
        super().__init__(steps, name=name)
