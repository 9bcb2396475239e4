"""Noise that acts in training only."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from mica.engine import fork_generator
from mica.errors import ConfigError, ShapeError
from mica.layers.arguments import fraction, integer, real_number
from mica.layers.elementwise import Elementwise
from mica.layers.inputs import check_rank
from mica.shapes import describe

__all__ = [
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "Noise",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "StochasticDepth",
]

# Of SELU: Klambauer et al. 2017, eq. 14; a dropped unit takes -scale * alpha.
_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


class Noise(Elementwise):
    """A layer that draws random numbers in training: from torch's, or from its own.

    Abstract: write `forward`, and draw with `chance` and `normal`.

    Args:
        seed: Where the layer's own random numbers begin; they then depend on nothing
            but the seed and the number of calls before. None draws from torch's
            generator, which `mica.set_seed` sets.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *shape)

    Raises:
        ConfigError: ``seed`` is not a whole number from 0 on.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> class Jitter(Noise):
        ...     def forward(self, x):
        ...         return x + 0.1 * self.normal(x.shape, x) if self.training else x
        >>> torch.equal(Jitter(seed=1)(torch.zeros(3)), Jitter(seed=1)(torch.zeros(3)))
        True
    """

    def __init__(self, *, seed: int | None = None, name: str | None = None) -> None:
        super().__init__(name=name)
        if seed is not None and integer(seed, self.where, "seed") < 0:
            raise ConfigError(
                f"{self.where}: expected seed to be 0 or more, got {seed!r}. Give "
                "another number, or None to draw from torch's generator."
            )
        self.seed = seed
        self._calls = 0

    def _generator(self, like: Tensor) -> torch.Generator | None:
        if self.seed is None or like.is_meta:
            return None
        self._calls += 1
        return fork_generator(self.seed, self._calls, device=like.device)

    @property
    def calls(self) -> int:
        """How often a layer with a seed of its own has drawn; `restart` sets it."""
        return self._calls

    def restart(self, calls: int = 0) -> None:
        """Let a layer with a seed of its own go on as after a number of draws.

        Args:
            calls: How many draws count as done.

        Example:
            >>> layer = GaussianNoise(1.0, seed=1)
            >>> first = layer(torch.zeros(3))
            >>> layer.restart()
            >>> torch.equal(layer(torch.zeros(3)), first)
            True
        """
        self._calls = calls

    def chance(self, shape: Sequence[int], probability: float, like: Tensor) -> Tensor:
        """Draw ones with a probability, else zeros.

        Args:
            shape: How many.
            probability: Of a one.
            like: A tensor that gives type and device.

        Returns:
            Ones and zeros, m ~ Bernoulli(probability).
        """
        drawn = torch.empty(shape, dtype=like.dtype, device=like.device)
        return drawn.bernoulli_(probability, generator=self._generator(like))

    def uniform(
        self, shape: Sequence[int], lower: float, upper: float, like: Tensor
    ) -> Tensor:
        """Draw evenly between two numbers.

        Args:
            shape: How many.
            lower: The smallest possible number.
            upper: The largest one; the same as lower gives only that.
            like: A tensor that gives type and device.

        Returns:
            The numbers.
        """
        drawn = torch.empty(shape, dtype=like.dtype, device=like.device)
        return drawn.uniform_(generator=self._generator(like)) * (upper - lower) + lower

    def integers(self, shape: Sequence[int], limit: int, like: Tensor) -> Tensor:
        """Draw whole numbers from 0 to below a limit, all equally likely.

        Args:
            shape: How many.
            limit: What they stay below.
            like: A tensor that gives the device.

        Returns:
            The numbers.
        """
        generator = self._generator(like)
        return torch.randint(limit, shape, generator=generator, device=like.device)

    def normal(self, shape: Sequence[int], like: Tensor) -> Tensor:
        """Draw from the standard normal distribution.

        Args:
            shape: How many.
            like: A tensor that gives type and device.

        Returns:
            The numbers.
        """
        drawn = torch.empty(shape, dtype=like.dtype, device=like.device)
        return drawn.normal_(generator=self._generator(like))


class Dropout(Noise):
    """In training, each value is set to 0 by chance; the others grow to make up for it.

    y = x m / (1 - rate), m ~ Bernoulli(1 - rate)     in training
    y = x                                             otherwise, or when rate is 0

    The expected value of y is x, so nothing changes when the network is used.

    Args:
        rate: The chance that a value is dropped, from 0 to below 1.
        noise_shape: Shape of m, which is repeated along axes of size 1: (None, 1, None)
            drops a channel at all steps together. None and the sizes of x's own axes
            mean each value for itself.
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *shape)

    Raises:
        ConfigError: ``rate`` is not a number from 0 to below 1, ``noise_shape`` holds
            something else than sizes and None, or ``seed`` is not a whole number.
        ShapeError: ``noise_shape`` does not repeat to x's shape.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> layer = Dropout(0.5)
        >>> layer.eval()(torch.ones(4))
        tensor([1., 1., 1., 1.])
        >>> sorted(set(layer.train()(torch.ones(100)).tolist()))
        [0.0, 2.0]

    Source:
        Srivastava et al. 2014, section 10 (the scale is applied in training).
    """

    def __init__(
        self,
        rate: float,
        *,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(seed=seed, name=name)
        self.rate = fraction(rate, self.where, "rate")
        self.noise_shape = None
        if noise_shape is not None:
            sizes = noise_shape if isinstance(noise_shape, (list, tuple)) else [0]
            if any(size is not None and _size(size) < 1 for size in sizes):
                raise ConfigError(
                    f"{self.where}: expected noise_shape to hold sizes and None, got "
                    f"{noise_shape!r}. Write 1 for an axis along which values are "
                    "dropped together, None for the others."
                )
            self.noise_shape = tuple(sizes)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input that the noise does not fit."""
        super().check_input(shape, dtype)
        wanted = self.noise_shape
        if wanted is None:
            return
        fits = len(wanted) == len(shape) and all(
            size in (None, 1, actual) or actual is None
            for size, actual in zip(wanted, shape, strict=True)
        )
        if not fits:
            raise ShapeError(
                f"{self.where}: expected an input that noise_shape {wanted} repeats "
                f"to, got shape {describe(shape)}. Write None for its own sizes."
            )

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Drop values by chance in training; the shape stays."""
        if not self.training or self.rate == 0.0:
            return x
        if self.noise_shape is None and self.seed is None:
            return torch.dropout(x, self.rate, True)
        return x * self._kept(x, self._noise_sizes(x))

    def _noise_sizes(self, x: Tensor) -> list[int]:
        wanted = self.noise_shape or (None,) * x.ndim
        if len(wanted) != x.ndim:
            self.check_input(tuple(x.shape), x.dtype)
        return [
            actual if size is None else size
            for size, actual in zip(wanted, x.shape, strict=True)
        ]

    def _kept(self, x: Tensor, sizes: Sequence[int]) -> Tensor:
        """Zeros where values are dropped, 1 / (1 - rate) where they are kept."""
        kept = 1.0 - self.rate
        return self.chance(sizes, kept, x) / kept


def _size(value: Any) -> int:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole else 0


class _SpatialDropout(Dropout):
    """Channels are dropped at all positions together."""

    _axes: ClassVar[str]

    def __init__(
        self, rate: float, *, seed: int | None = None, name: str | None = None
    ) -> None:
        super().__init__(rate, seed=seed, name=name)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input of another number of axes."""
        super().check_input(shape, dtype)
        check_rank(self.where, shape, self._axes)

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Drop channels by chance in training; the shape stays."""
        if not self.training or self.rate == 0.0:
            return x
        sizes = [x.shape[0], *[1] * (x.ndim - 2), x.shape[-1]]
        return x * self._kept(x, sizes)


class SpatialDropout1D(_SpatialDropout):
    """In training, whole channels of a sequence are set to 0 by chance.

    y[b, t, c] = x[b, t, c] m[b, c] / (1 - rate), m ~ Bernoulli(1 - rate)

    Args:
        rate: The chance that a channel is dropped, from 0 to below 1.
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, steps, channels)

    Raises:
        ConfigError: ``rate`` is not a number from 0 to below 1, or ``seed`` is not a
            whole number.
        ShapeError: x has another number of axes.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> y = SpatialDropout1D(0.5)(torch.ones(1, 10, 4))
        >>> bool((y == y[:, :1]).all())
        True

    Source:
        Tompson et al. 2015, section 3.2.
    """

    _axes = "batch steps channels"


class SpatialDropout2D(_SpatialDropout):
    """In training, whole channels of an image are set to 0 by chance.

    y[b, i, j, c] = x[b, i, j, c] m[b, c] / (1 - rate), m ~ Bernoulli(1 - rate)

    Args:
        rate: The chance that a channel is dropped, from 0 to below 1.
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, height, width, channels)

    Raises:
        ConfigError: ``rate`` is not a number from 0 to below 1, or ``seed`` is not a
            whole number.
        ShapeError: x has another number of axes.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> y = SpatialDropout2D(0.5)(torch.ones(1, 5, 5, 4))
        >>> bool((y == y[:, :1, :1]).all())
        True

    Source:
        Tompson et al. 2015, section 3.2.
    """

    _axes = "batch height width channels"


class SpatialDropout3D(_SpatialDropout):
    """In training, whole channels of a volume are set to 0 by chance.

    y[b, i, j, k, c] = x[b, i, j, k, c] m[b, c] / (1 - rate), m ~ Bernoulli(1 - rate)

    Args:
        rate: The chance that a channel is dropped, from 0 to below 1.
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, depth, height, width, channels)

    Raises:
        ConfigError: ``rate`` is not a number from 0 to below 1, or ``seed`` is not a
            whole number.
        ShapeError: x has another number of axes.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> y = SpatialDropout3D(0.5)(torch.ones(1, 2, 2, 2, 4))
        >>> bool((y == y[:, :1, :1, :1]).all())
        True

    Source:
        Tompson et al. 2015, section 3.2.
    """

    _axes = "batch depth height width channels"


class AlphaDropout(Dropout):
    """Dropout for networks of SELU units: mean and variance stay as they are.

    y = a (x m + d (1 - m)) + b, m ~ Bernoulli(1 - rate), in training
    d = -scale alpha of SELU,  a = ((1 - rate) (1 + rate d^2))^(-1/2),  b = -a d rate

    Args:
        rate: The chance that a value is dropped, from 0 to below 1.
        noise_shape: As in `Dropout`.
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *shape)

    Raises:
        ConfigError: ``rate`` is not a number from 0 to below 1, ``noise_shape`` holds
            something else than sizes and None, or ``seed`` is not a whole number.
        ShapeError: ``noise_shape`` does not repeat to x's shape.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> y = AlphaDropout(0.2, seed=0)(torch.randn(100_000))
        >>> abs(round(y.mean().item(), 1)), round(y.std().item(), 1)
        (0.0, 1.0)

    Source:
        Klambauer et al. 2017, section "New dropout technique".
    """

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Drop values by chance in training; the shape stays."""
        if not self.training or self.rate == 0.0:
            return x
        dropped = -_SELU_SCALE * _SELU_ALPHA
        scale = ((1 - self.rate) * (1 + self.rate * dropped**2)) ** -0.5
        kept = self.chance(self._noise_sizes(x), 1.0 - self.rate, x)
        shift = -scale * dropped * self.rate
        return scale * (x * kept + dropped * (1 - kept)) + shift


class GaussianDropout(Noise):
    """In training, each value is multiplied by a random number around 1.

    y = x m, m ~ N(1, rate / (1 - rate))     in training
    y = x                                    otherwise, or when rate is 0

    Args:
        rate: Sets the variance to that of `Dropout` with the same rate; from 0 to
            below 1.
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *shape)

    Raises:
        ConfigError: ``rate`` is not a number from 0 to below 1, or ``seed`` is not a
            whole number.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> y = GaussianDropout(0.5, seed=0)(torch.ones(100_000))
        >>> round(y.mean().item(), 1), round(y.std().item(), 1)
        (1.0, 1.0)

    Source:
        Srivastava et al. 2014, section 10.
    """

    def __init__(
        self, rate: float, *, seed: int | None = None, name: str | None = None
    ) -> None:
        super().__init__(seed=seed, name=name)
        self.rate = fraction(rate, self.where, "rate")

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Multiply by random numbers in training; the shape stays."""
        if not self.training or self.rate == 0.0:
            return x
        deviation = math.sqrt(self.rate / (1.0 - self.rate))
        return x * (1.0 + deviation * self.normal(x.shape, x))


class GaussianNoise(Noise):
    """In training, a random number is added to each value.

    y = x + n, n ~ N(0, stddev^2)     in training
    y = x                             otherwise

    Args:
        stddev: Standard deviation of the noise, at least 0.
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *shape)

    Raises:
        ConfigError: ``stddev`` is negative or not finite, or ``seed`` is not a whole
            number.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> y = GaussianNoise(0.1, seed=0)(torch.zeros(100_000))
        >>> round(y.std().item(), 2)
        0.1

    Source:
        Bishop 1995 (training with noise is Tikhonov regularization).
    """

    def __init__(
        self, stddev: float, *, seed: int | None = None, name: str | None = None
    ) -> None:
        super().__init__(seed=seed, name=name)
        self.stddev = real_number(stddev, self.where, "stddev", minimum=0.0)

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Add random numbers in training; the shape stays."""
        if not self.training or self.stddev == 0.0:
            return x
        return x + self.stddev * self.normal(x.shape, x)


class StochasticDepth(Noise):
    """In training, whole samples are set to 0 by chance, inside a residual branch.

    y[b] = x[b] m[b] / (1 - rate), m ~ Bernoulli(1 - rate)     in training
    y = x                                                      otherwise

    Put it at the end of the branch that is added to the input: a sample whose branch
    is dropped passes through as through a shallower network.

    Args:
        rate: The chance that a sample's branch is dropped, from 0 to below 1.
        seed: Where the layer's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *shape)

    Raises:
        ConfigError: ``rate`` is not a number from 0 to below 1, or ``seed`` is not a
            whole number.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> y = StochasticDepth(0.5)(torch.ones(8, 3))
        >>> bool((y == y[:, :1]).all())
        True

    Source:
        Huang et al. 2016, section 3; scaled in training as `Dropout` is.
    """

    def __init__(
        self, rate: float, *, seed: int | None = None, name: str | None = None
    ) -> None:
        super().__init__(seed=seed, name=name)
        self.rate = fraction(rate, self.where, "rate")

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Drop samples by chance in training; the shape stays."""
        if not self.training or self.rate == 0.0:
            return x
        kept = 1.0 - self.rate
        sizes = [len(x), *[1] * (x.ndim - 1)]
        return x * (self.chance(sizes, kept, x) / kept)
