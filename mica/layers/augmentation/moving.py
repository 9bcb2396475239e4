"""Images turned, shifted, zoomed and sheared by chance."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mica.errors import ConfigError
from mica.layers.arguments import one_of, real_number
from mica.layers.augmentation.augmentation import Augmentation, Factor, read_range
from mica.layers.augmentation.geometry import FILL_MODES, INTERPOLATIONS, warp

__all__ = [
    "RandomRotation",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
]


class _Move(Augmentation):
    """Images sampled at places that a map of their own gives."""

    def __init__(
        self,
        *,
        fill_mode: str,
        interpolation: str,
        fill_value: float,
        seed: int | None,
        name: str | None,
    ) -> None:
        super().__init__(seed=seed, name=name)
        self.fill_mode = one_of(fill_mode, FILL_MODES, self.where, "fill_mode")
        self.interpolation = one_of(
            interpolation, INTERPOLATIONS, self.where, "interpolation"
        )
        self.fill_value = real_number(fill_value, self.where, "fill_value")

    def places(
        self, x: Tensor, drawn: Mapping[str, Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Give the four entries of the matrices, and the two of the shifts."""
        raise NotImplementedError

    def transform(self, x: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
        """Sample the images at the places drawn."""
        entries, shifts = self.places(x, drawn)
        return warp(
            x,
            torch.stack(entries, -1).reshape(-1, 2, 2),
            torch.stack(shifts, -1),
            fill_mode=self.fill_mode,
            interpolation=self.interpolation,
            fill_value=self.fill_value,
        )


class RandomRotation(_Move):
    """In training, each image is turned around its middle by a random angle.

    y[b, p] = x[b, c + R(a_b) (p - c)],  R(a) = (cos a, -sin a; sin a, cos a)
    a_b = 2 pi f_b,  f_b ~ U(lower, upper),  c = the middle

    A positive factor turns against the clock.

    Args:
        factor: Share of a full turn: f means (-f, f); or (lower, upper), -1 to 1.
        fill_mode: What lies beyond the edge: "constant" (k k|a b c|k k), "nearest"
            (a a|a b c|c c), "reflect" (b a|a b c|c b) or "wrap" (b c|a b c|a b).
        interpolation: "bilinear" or "nearest".
        fill_value: The k of "constant".
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, height, width, channels)

    Raises:
        ConfigError: ``factor`` is out of bounds, or a name is not known.
        ShapeError: x is not a batch of images.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> x = torch.tensor([1.0, 2.0, 3.0, 4.0]).reshape(1, 2, 2, 1)
        >>> quarter = RandomRotation((0.25, 0.25), interpolation="nearest")
        >>> quarter(x)[0, :, :, 0]
        tensor([[2., 4.],
                [1., 3.]])
    """

    def __init__(
        self,
        factor: Factor,
        *,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            fill_mode=fill_mode,
            interpolation=interpolation,
            fill_value=fill_value,
            seed=seed,
            name=name,
        )
        self.factor = read_range(
            factor, self.where, "factor", within=(-1.0, 1.0), both_ways=True
        )

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """Draw the turn of each image."""
        return {"turns": self.uniform((len(x),), *self.factor, x)}

    def places(
        self, x: Tensor, drawn: Mapping[str, Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Give the entries of the rotations; nothing is shifted."""
        angle = 2 * math.pi * drawn["turns"]
        cosine, sine = angle.cos(), angle.sin()
        still = torch.zeros_like(angle)
        return [cosine, -sine, sine, cosine], [still, still]


class RandomTranslation(_Move):
    """In training, each image is shifted by random shares of its height and width.

    y[b, i, j] = x[b, i - v_b height, j - h_b width]
    v_b ~ U(height_factor), h_b ~ U(width_factor)

    Positive factors shift down and to the right.

    Args:
        height_factor: Share of the height: f means (-f, f); or (lower, upper), -1 to 1.
        width_factor: Share of the width, likewise.
        fill_mode: What lies beyond the edge: "constant" (k k|a b c|k k), "nearest"
            (a a|a b c|c c), "reflect" (b a|a b c|c b) or "wrap" (b c|a b c|a b).
        interpolation: "bilinear" or "nearest".
        fill_value: The k of "constant".
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, height, width, channels)

    Raises:
        ConfigError: A factor is out of bounds, or a name is not known.
        ShapeError: x is not a batch of images.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> x = torch.tensor([1.0, 2.0, 3.0, 4.0]).reshape(1, 1, 4, 1)
        >>> layer = RandomTranslation(0.0, (0.25, 0.25), fill_mode="constant")
        >>> layer(x).flatten()
        tensor([0., 1., 2., 3.])
    """

    def __init__(
        self,
        height_factor: Factor,
        width_factor: Factor,
        *,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            fill_mode=fill_mode,
            interpolation=interpolation,
            fill_value=fill_value,
            seed=seed,
            name=name,
        )
        self.height_factor, self.width_factor = (
            read_range(value, self.where, which, within=(-1.0, 1.0), both_ways=True)
            for which, value in (
                ("height_factor", height_factor),
                ("width_factor", width_factor),
            )
        )

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """Draw how far each image goes, as shares of its size."""
        down = self.uniform((len(x),), *self.height_factor, x)
        return {"down": down, "right": self.uniform((len(x),), *self.width_factor, x)}

    def places(
        self, x: Tensor, drawn: Mapping[str, Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Give the identity, and where each image comes from."""
        down, right = drawn["down"], drawn["right"]
        one, zero = torch.ones_like(down), torch.zeros_like(down)
        return [one, zero, zero, one], [-right * x.shape[2], -down * x.shape[1]]


class RandomZoom(_Move):
    """In training, each image is made smaller or larger around its middle.

    y[b, p] = x[b, c + (1 + z_b) (p - c)],  c = the middle
    z_b ~ U(height_factor) for rows, U(width_factor) for columns

    Positive factors zoom out, negative ones zoom in.

    Args:
        height_factor: f means (-f, f); or (lower, upper), above -1 and up to 1.
        width_factor: Likewise; None takes what was drawn for the height.
        fill_mode: What lies beyond the edge: "constant" (k k|a b c|k k), "nearest"
            (a a|a b c|c c), "reflect" (b a|a b c|c b) or "wrap" (b c|a b c|a b).
        interpolation: "bilinear" or "nearest".
        fill_value: The k of "constant".
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, height, width, channels)

    Raises:
        ConfigError: A factor is out of bounds, or a name is not known.
        ShapeError: x is not a batch of images.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> x = torch.tensor([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1)
        >>> RandomZoom((-0.5, -0.5))(x).flatten()
        tensor([1.5000, 2.0000, 2.5000])
    """

    def __init__(
        self,
        height_factor: Factor,
        width_factor: Factor | None = None,
        *,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            fill_mode=fill_mode,
            interpolation=interpolation,
            fill_value=fill_value,
            seed=seed,
            name=name,
        )
        self.height_factor = self._read("height_factor", height_factor)
        self.width_factor = None
        if width_factor is not None:
            self.width_factor = self._read("width_factor", width_factor)

    def _read(self, name: str, value: Any) -> tuple[float, float]:
        lower, upper = read_range(
            value, self.where, name, within=(-1.0, 1.0), both_ways=True
        )
        if lower == -1.0:
            raise ConfigError(
                f"{self.where}: expected {name} above -1, where the image becomes a "
                f"single point, got {value!r}. Write for example {name}=(-0.5, 0.5)."
            )
        return lower, upper

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """Draw the zoom of each image along both axes."""
        rows = self.uniform((len(x),), *self.height_factor, x)
        columns = rows
        if self.width_factor is not None:
            columns = self.uniform((len(x),), *self.width_factor, x)
        return {"rows": rows, "columns": columns}

    def places(
        self, x: Tensor, drawn: Mapping[str, Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Give the entries of the scalings; nothing is shifted."""
        still = torch.zeros_like(drawn["rows"])
        return [1 + drawn["columns"], still, still, 1 + drawn["rows"]], [still, still]


class RandomShear(_Move):
    """In training, each image is slanted by a random amount, towards a random side.

    y[b, i, j] = x[b, i + s_b v_b j, j + s_b h_b i]
    h_b ~ U(x_factor), v_b ~ U(y_factor), s_b = 1 or -1 with probability 1/2

    The upper left corner stays where it is, as in Keras.

    Args:
        x_factor: Columns per row: f means (-f, f); or (lower, upper), 0 to 1.
        y_factor: Rows per column, likewise.
        fill_mode: What lies beyond the edge: "constant" (k k|a b c|k k), "nearest"
            (a a|a b c|c c), "reflect" (b a|a b c|c b) or "wrap" (b c|a b c|a b).
        interpolation: "bilinear" or "nearest".
        fill_value: The k of "constant".
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, height, width, channels)

    Raises:
        ConfigError: A factor is out of bounds, or a name is not known.
        ShapeError: x is not a batch of images.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> x = torch.tensor([1.0, 2.0, 3.0, 4.0]).reshape(1, 2, 2, 1)
        >>> layer = RandomShear((1.0, 1.0), fill_mode="wrap", interpolation="nearest")
        >>> layer(x)[0, :, :, 0]
        tensor([[1., 2.],
                [4., 3.]])
    """

    def __init__(
        self,
        x_factor: Factor = 0.0,
        y_factor: Factor = 0.0,
        *,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            fill_mode=fill_mode,
            interpolation=interpolation,
            fill_value=fill_value,
            seed=seed,
            name=name,
        )
        # One number f draws from (0, f); the sign is drawn for both factors together.
        self.x_factor, self.y_factor = (
            read_range(value, self.where, which, within=(0.0, 1.0))
            for which, value in (("x_factor", x_factor), ("y_factor", y_factor))
        )

    def draw(self, x: Tensor) -> dict[str, Tensor]:
        """Draw the slant of each image along both axes."""
        sign = 2 * self.chance((len(x),), 0.5, x) - 1
        across = sign * self.uniform((len(x),), *self.x_factor, x)
        down = sign * self.uniform((len(x),), *self.y_factor, x)
        return {"across": across, "down": down}

    def places(
        self, x: Tensor, drawn: Mapping[str, Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Give the entries of the shears, and what keeps the corner in its place."""
        across, down = drawn["across"], drawn["down"]
        one = torch.ones_like(across)
        middle = [(size - 1) / 2 for size in x.shape[1:3]]
        return [one, across, down, one], [across * middle[0], down * middle[1]]
