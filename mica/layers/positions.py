"""Positions: where in a sequence a step stands, learned or computed."""

from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from mica.errors import ConfigError, ShapeError
from mica.layers.arguments import integer, positive_integer, real_number
from mica.layers.initializers import InitializerLike, get_initializer
from mica.layers.inputs import check_axis, check_floating, check_rank
from mica.layers.layer import Layer
from mica.shapes import Shape, describe

__all__ = ["PositionEmbedding", "RotaryEmbedding", "SinusoidalPositionEncoding"]

_TINY = 1e-6  # no wave is shorter than a step's smallest fraction worth computing


def _angles(
    steps: int, features: int, start: int, wavelength: float, x: Tensor
) -> Float[Tensor, "steps pairs"]:
    """T / wavelength^(2 i / features) for each step t and pair of features i."""
    dtype = torch.float64 if x.dtype == torch.float64 else torch.float32
    pairs = torch.arange(0, features, 2, dtype=dtype, device=x.device)
    slowness = wavelength ** (pairs / features)
    times = torch.arange(start, start + steps, dtype=dtype, device=x.device)
    return times[:, None] / slowness


class PositionEmbedding(Layer):
    """A learned vector for each position, added to the step that stands there.

    y_t = x_t + weight[start_index + t]

    The sum is the layer's output, so that it stands in a row of layers; KerasHub's
    layer of this name gives the vectors alone.

    Args:
        sequence_length: How many positions there are. At least 1.
        initializer: First values of the vectors.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (*batch, time, features), time up to ``sequence_length``

    Parameters:
        weight: (sequence_length, features), uniform in
            +-sqrt(6 / (sequence_length + features)).

    Raises:
        ConfigError: ``sequence_length`` is not a positive integer, or the initializer
            is not known.
        ShapeError: The sequence is longer than ``sequence_length``, or the features
            are not those the layer was built for.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> layer = PositionEmbedding(10, initializer="ones")
        >>> layer(torch.zeros(1, 3, 2))[0, 0]
        tensor([1., 1.], grad_fn=<SelectBackward0>)

    Source:
        Gehring et al. 2017, section 3.1.
    """

    passes_mask: ClassVar[bool] = True

    def __init__(
        self,
        sequence_length: int,
        *,
        initializer: InitializerLike = "glorot_uniform",
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.sequence_length = positive_integer(
            sequence_length, self.where, "sequence_length"
        )
        self.initializer = get_initializer(initializer, self.where, "initializer")
        self.register_parameter("weight", None)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type, length or features."""
        check_rank(self.where, shape, "time features", at_least=True)
        built_for = built_dtype = None
        if self.weight is not None:
            built_for, built_dtype = self.weight.shape[1], self.weight.dtype
        check_floating(self.where, dtype, built_dtype)
        check_axis(self.where, shape, -1, built_for)
        if shape[-2] is not None:
            self._check_length(shape[-2], 0)

    def _check_length(self, steps: int, start: int) -> None:
        if start < 0 or start + steps > self.sequence_length:
            raise ShapeError(
                f"{self.where}: expected positions 0 to {self.sequence_length - 1}, "
                f"got {start} to {start + steps - 1}. Cut the sequence, or make "
                "sequence_length larger."
            )

    def build(self, shape: Shape) -> None:
        """Make a vector for each position."""
        self.weight = self.add_weight(
            (self.sequence_length, shape[-1] or 0), self.initializer
        )

    def forward(
        self, x: Float[Tensor, "*batch time features"], start_index: int = 0
    ) -> Float[Tensor, "*batch time features"]:
        """Add the vectors of the positions from `start_index` on."""
        if x.is_meta:  # a length that may vary stands there as a large number
            return torch.empty_like(x)
        steps = x.shape[-2]
        self._check_length(steps, start_index)
        return x + self.weight[start_index : start_index + steps]


class SinusoidalPositionEncoding(Layer):
    """Waves of many lengths, added to each step: they tell positions apart.

    y_(t, 2i) = x_(t, 2i) + sin(t / max_wavelength^(2i / features))
    y_(t, 2i+1) = x_(t, 2i+1) + cos(t / max_wavelength^(2i / features))

    t counts from ``start_index``. Sequences of any length fit. The sum is the layer's
    output, so that it stands in a row of layers; KerasHub's SinePositionEncoding gives
    the waves alone.

    Args:
        max_wavelength: Length of the slowest wave, over 2 pi.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (*batch, time, features)

    Raises:
        ConfigError: ``max_wavelength`` is not a positive number.
        ShapeError: x has fewer than two axes, or an unknown number of features.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> SinusoidalPositionEncoding()(torch.zeros(1, 2, 4))[0]
        tensor([[0.0000, 1.0000, 0.0000, 1.0000],
                [0.8415, 0.5403, 0.0100, 0.9999]])

    Source:
        Vaswani et al. 2017, section 3.5.
    """

    passes_mask: ClassVar[bool] = True

    def __init__(
        self, *, max_wavelength: float = 10_000.0, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.max_wavelength = real_number(
            max_wavelength, self.where, "max_wavelength", minimum=_TINY
        )

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type or features."""
        check_rank(self.where, shape, "time features", at_least=True)
        check_floating(self.where, dtype)
        check_axis(self.where, shape, -1, None)

    def forward(
        self, x: Float[Tensor, "*batch time features"], start_index: int = 0
    ) -> Float[Tensor, "*batch time features"]:
        """Add the waves of the positions from `start_index` on."""
        steps, features = x.shape[-2:]
        angles = _angles(steps, features, start_index, self.max_wavelength, x)
        waves = torch.stack([angles.sin(), angles.cos()], dim=-1)  # (T, pairs, 2)
        return x + waves.flatten(-2)[:, :features].to(x.dtype)


class RotaryEmbedding(Layer):
    """Features turned in pairs by an angle that grows with the position.

    (y_i, y_j) = (x_i cos a - x_j sin a, x_j cos a + x_i sin a), j = i + features / 2
    a = t / scaling_factor / max_wavelength^(2i / features)

    Turned queries and keys meet in a product that depends on their distance alone:
    `MultiHeadAttention(..., rotary=RotaryEmbedding())`. t counts from ``start_index``.

    Args:
        max_wavelength: Length of the slowest wave, over 2 pi.
        scaling_factor: By how much positions are squeezed, for sequences longer than
            those a model was trained on.
        sequence_axis: Which axis the steps are along; the features are last.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *shape, features), an even number of features

    Raises:
        ConfigError: ``max_wavelength`` or ``scaling_factor`` is not a positive number,
            or ``sequence_axis`` is not an integer, or is the batch.
        ShapeError: The number of features is odd or unknown, or there is no axis
            ``sequence_axis`` before them.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> x = torch.tensor([[[1.0, 0.0], [1.0, 0.0]]])
        >>> RotaryEmbedding()(x)
        tensor([[[1.0000, 0.0000],
                 [0.5403, 0.8415]]])

    Source:
        Su et al. 2021, equation 34, with the pairs half the features apart (as in
        GPT-NeoX, Llama and KerasHub).
    """

    passes_mask: ClassVar[bool] = True

    def __init__(
        self,
        *,
        max_wavelength: float = 10_000.0,
        scaling_factor: float = 1.0,
        sequence_axis: int = 1,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        where = self.where
        self.max_wavelength = real_number(
            max_wavelength, where, "max_wavelength", minimum=_TINY
        )
        self.scaling_factor = real_number(
            scaling_factor, where, "scaling_factor", minimum=_TINY
        )
        self.sequence_axis = integer(sequence_axis, where, "sequence_axis")
        if self.sequence_axis in (0, -1):
            raise ConfigError(
                f"{where}: expected sequence_axis beside the batch and the features, "
                f"got {sequence_axis!r}. Write 1 for (batch, time, ..., features)."
            )

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type or features."""
        check_rank(self.where, shape, "batch time features", at_least=True)
        check_floating(self.where, dtype)
        check_axis(self.where, shape, -1, None)
        if shape[-1] % 2:
            raise ShapeError(
                f"{self.where}: expected an even number of features, got "
                f"{shape[-1]} in shape {describe(shape)}. Choose an even size."
            )
        axis = self.sequence_axis + (len(shape) if self.sequence_axis < 0 else 0)
        if not 0 < axis < len(shape) - 1:
            raise ShapeError(
                f"{self.where}: expected steps along axis {self.sequence_axis}, "
                "between the batch and the features, got shape "
                f"{describe(shape)}. Choose another sequence_axis."
            )

    def forward(
        self, x: Float[Tensor, "*shape"], start_index: int = 0
    ) -> Float[Tensor, "*shape"]:
        """Turn the features of each step by its angles."""
        axis = self.sequence_axis % x.ndim
        features = x.shape[-1]
        angles = _angles(x.shape[axis], features, start_index, self.max_wavelength, x)
        angles = angles / self.scaling_factor
        between = [1] * (x.ndim - axis - 2)
        angles = angles.reshape(x.shape[axis], *between, features // 2)
        cosine, sine = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        low, high = x.chunk(2, dim=-1)
        turned = [low * cosine - high * sine, high * cosine + low * sine]
        return torch.cat(turned, dim=-1)
