"""Numbers brought to a scale: one that was learned from data, or a given one."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from mica.errors import ConfigError, ShapeError
from mica.layers.adapting import Adaptive, as_numbers
from mica.layers.arguments import integer, real_number
from mica.layers.elementwise import Elementwise
from mica.layers.inputs import check_floating, check_rank
from mica.shapes import Shape, describe

__all__ = ["Normalization", "Rescaling"]

_SMALLEST_DEVIATION = 1e-7  # keras.config.epsilon()


def _values(given: Any, where: str, name: str, *, least: float) -> Tensor:
    """A number, or an array of them, in float64."""
    values = as_numbers(given, f"{where}: {name}")
    if isinstance(given, (int, float)):
        values = values.reshape(())
    if values.min() < least:
        raise ConfigError(
            f"{where}: expected {name} of at least {least:g}, got "
            f"{values.min().item():g}. Give the mean of the squared distances."
        )
    return values


class Normalization(Adaptive):
    """Each feature gets mean 0 and variance 1, going by the data it learned from.

    y = (x - mean) / max(sqrt(variance), 1e-7)
    x = y max(sqrt(variance), 1e-7) + mean                  with ``invert``

    The mean and variance come from `adapt(data)`; both are computed in float64, the
    variance with the number of values as its divisor. Unlike BatchNormalization,
    nothing changes in training.

    Args:
        axis: The axes along which values have a mean of their own; None for one mean of
            all values.
        mean: The mean, when it is known: one number, or one for each position along
            ``axis``.
        variance: The variance, likewise; both or none.
        invert: Whether to undo a normalisation.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *shape)

    Parameters:
        mean: the sizes of the axes, 1 elsewhere: the mean of the data. Not learned in
            training.
        deviation: likewise, the root of the variance, at least 1e-7.

    Cost:
        Bound by memory: x is read twice and written twice.

    Raises:
        ConfigError: ``axis`` is 0 or no integer, the variance is negative, or only one
            of mean and variance is given.
        StateError: Used before `adapt`.
        ShapeError: x does not have the axes, or not the sizes it learned.
        DataError: x is not a tensor of floating-point numbers; NaN in the data.

    Example:
        >>> layer = Normalization().adapt([[1.0, 10.0], [3.0, 10.0]])
        >>> layer(torch.tensor([[1.0, 10.0], [5.0, 10.0]]))
        tensor([[-1.,  0.],
                [ 3.,  0.]])

    Source:
        Parts are joined as in Chan, Golub & LeVeque 1979, eq. 2.1.
    """

    finds: ClassVar[tuple[str, ...]] = ("mean", "variance")
    passes_mask: ClassVar[bool] = True
    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        *,
        axis: int | Sequence[int] | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        entries = list(axis) if isinstance(axis, (list, tuple)) else [axis]
        if axis is None:
            entries = []
        self.axes = tuple(integer(entry, self.where, "axis") for entry in entries)
        if 0 in self.axes:
            raise ConfigError(
                f"{self.where}: expected axes beside the batch, got axis={axis!r}. Use "
                "axis=-1 for a mean of each feature, None for one of all values."
            )
        if (mean is None) is not (variance is None):
            raise ConfigError(
                f"{self.where}: expected mean and variance together, got only one of "
                "them. Give both, or none and call adapt(data)."
            )
        self.invert = invert
        self._rank = 0
        self._forget()
        if mean is not None:
            self._restore({"mean": mean, "variance": variance})
            self._given = True

    def _restore(self, learned: Mapping[str, Any]) -> None:
        where = self.where
        self._mean = _values(learned["mean"], where, "mean", least=-math.inf)
        self._variance = _values(learned["variance"], where, "variance", least=0.0)

    def _forget(self) -> None:
        self._count = 0
        self._mean: Tensor | None = None
        self._variance: Tensor | None = None

    def _learned(self) -> dict[str, Any] | None:
        if self._mean is None or self._variance is None:
            return None
        return {"mean": self._mean.tolist(), "variance": self._variance.tolist()}

    def _kept(self, rank: int) -> list[int]:
        return sorted(axis % rank for axis in self.axes)

    def _check_axes(self, shape: Any) -> None:
        check_rank(self.where, shape, "batch", at_least=True)
        if any(not -len(shape) < axis < len(shape) for axis in self.axes):
            wanted = self.axes[0] if len(self.axes) == 1 else self.axes
            raise ShapeError(
                f"{self.where}: expected an input that has axis {wanted} beside the "
                f"batch, got shape {describe(shape)}. Give another axis; axis=None "
                "takes one mean of all values."
            )

    def _update(self, part: Any) -> None:
        x = as_numbers(part, f"{self.where}.adapt")
        self._check_axes(tuple(x.shape))
        kept = self._kept(x.ndim)
        rest = [axis for axis in range(x.ndim) if axis not in kept]
        count = math.prod(x.shape[axis] for axis in rest)
        variance, mean = torch.var_mean(x, dim=rest, correction=0)
        if self._mean is None or self._variance is None:
            self._count, self._mean, self._variance = count, mean, variance
            return
        if mean.shape != self._mean.shape:
            raise ShapeError(
                f"{self.where}.adapt: expected {describe(self._mean.shape)} values "
                f"along the axes as in the part before, got {describe(mean.shape)}. "
                "Call reset() to begin anew."
            )
        share = count / (self._count + count)
        step = mean - self._mean
        spread = share * (1 - share) * step.square()
        self._variance = (1 - share) * self._variance + share * variance + spread
        self._mean = self._mean + share * step
        self._count += count

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: rank, type, or size of the axes."""
        self._check_axes(shape)
        check_floating(self.where, dtype)
        if self._mean is None or self._mean.ndim == 0:
            return
        sizes = tuple(shape[axis] for axis in self._kept(len(shape)))
        learned = tuple(self._mean.shape)
        same_rank = len(sizes) >= len(learned)
        if not same_rank or any(
            size is None or (one not in (1, size))
            for size, one in zip(
                sizes[len(sizes) - len(learned) :], learned, strict=True
            )
        ):
            raise ShapeError(
                f"{self.where}: expected {describe(learned)} values along the axes as "
                f"in the data it learned from, got {describe(sizes)} in shape "
                f"{describe(shape)}. Give the same features, or adapt anew."
            )

    def build(self, shape: Shape) -> None:
        """Put mean and deviation where they broadcast to `shape`."""
        self._rank = len(shape)
        super().build(shape)

    def _place(self) -> None:
        kept = self._kept(self._rank)
        like = self._buffers.get("mean")
        dtype = self._build_dtype or torch.get_default_dtype()
        device = self._build_device if like is None else like.device
        values = (self._mean, self._variance)
        for name, value in zip(("mean", "deviation"), values, strict=True):
            assert value is not None
            if value.ndim:
                sizes = [1] * (len(kept) - value.ndim) + list(value.shape)
                full = dict(zip(kept, sizes, strict=True))
                first = min(full)
                value = value.reshape(
                    [full.get(axis, 1) for axis in range(first, self._rank)]
                )
            if name == "deviation":
                value = value.sqrt().clamp(min=_SMALLEST_DEVIATION)
            self.register_buffer(name, value.to(device, dtype))

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Normalise; the shape stays."""
        if self.invert:
            return torch.addcmul(self.mean, x, self.deviation)
        return (x - self.mean) / self.deviation


class Rescaling(Elementwise):
    """Multiplies by a number and adds one.

    y = scale x + offset

    Images of whole numbers from 0 to 255 come into 0..1 by Rescaling(1 / 255).

    Args:
        scale: The factor, or one for each channel.
        offset: What is added, or one for each channel.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, *shape)

    Cost:
        Bound by memory: x is read once and written once.

    Raises:
        ConfigError: ``scale`` or ``offset`` is no finite number.
        ShapeError: x has another number of channels.
        DataError: x is not a tensor of floating-point numbers.

    Example:
        >>> Rescaling(1 / 127.5, offset=-1)(torch.tensor([0.0, 127.5, 255.0]))
        tensor([-1.,  0.,  1.])
    """

    def __init__(
        self,
        scale: float | Sequence[float],
        *,
        offset: float | Sequence[float] = 0.0,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.scale = self._read(scale, "scale")
        self.offset = self._read(offset, "offset")

    def _read(self, given: Any, name: str) -> Any:
        if isinstance(given, (list, tuple)):
            return [real_number(value, self.where, name) for value in given]
        return real_number(given, self.where, name)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input: type, or number of channels."""
        super().check_input(shape, dtype)
        for given in (self.scale, self.offset):
            if isinstance(given, list) and (not shape or shape[-1] != len(given)):
                raise ShapeError(
                    f"{self.where}: expected a last axis of {len(given)}, one for each "
                    f"number given, got shape {describe(shape)}. Give one number, or "
                    "one for each channel."
                )

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Multiply and add; the shape stays."""
        scale, offset = (
            torch.tensor(value, dtype=x.dtype, device=x.device)
            if isinstance(value, list)
            else value
            for value in (self.scale, self.offset)
        )
        return x * scale + offset
