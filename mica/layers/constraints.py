"""Constraints: what a weight must be after every update; it is moved there."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from mica.errors import ConfigError
from mica.layers.arguments import integer, one_of, real_number
from mica.registry import Configurable

__all__ = [
    "Constraint",
    "ConstraintLike",
    "FunctionConstraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNegative",
    "UnitNorm",
    "get_constraint",
]

_EPSILON = 1e-7  # Keras's: a weight of length 0 stays 0


class Constraint(Configurable):
    """A rule for what a weight may be; training applies it after every update.

    Write `__call__` in a subclass; a plain function of a tensor works as well.

    Example:
        >>> import torch
        >>> class Rounded(Constraint):
        ...     def __call__(self, weight):
        ...         return weight.round()
        >>> Rounded()(torch.tensor([0.6, 2.2]))
        tensor([1., 2.])
    """

    def __call__(self, weight: Tensor) -> Tensor:
        """Give the allowed weight that is nearest, or near.

        Args:
            weight: The weight after an update.

        Returns:
            A tensor of the same shape.
        """
        raise NotImplementedError


AxisLike = int | Sequence[int] | None


def _axes(axis: AxisLike, where: str) -> tuple[int, ...] | None:
    if axis is None:
        return None
    entries = axis if isinstance(axis, (list, tuple)) else [axis]
    return tuple(integer(entry, where, "axis") for entry in entries)


def _lengths(weight: Tensor, axes: tuple[int, ...] | None) -> Tensor:
    """Euclidean lengths; by default of all the values that make one output."""
    if axes is None:
        axes = tuple(range(1, weight.ndim)) or (0,)
    return weight.square().sum(axes, keepdim=True).sqrt()


class MaxNorm(Constraint):
    """Lengths of at most a maximum.

    w <- w * min(|w|, m) / |w|

    Args:
        max_value: The maximum m.
        axis: Axes over which a length is taken; None for all but the first, which
            holds the outputs in torch's layout: each output's incoming weights. This
            is Keras's axis=0 for Dense and its axis=[0, 1, 2] for Conv2D.

    Raises:
        ConfigError: A negative maximum, or axes that are not integers.

    Example:
        >>> import torch
        >>> MaxNorm(1.0)(torch.tensor([[3.0, 4.0], [0.0, 0.5]]))
        tensor([[0.6000, 0.8000],
                [0.0000, 0.5000]])

    Source:
        Srebro et al. 2004; with dropout: Srivastava et al. 2014, section 5.1.
    """

    def __init__(self, max_value: float = 2.0, axis: AxisLike = None) -> None:
        self.max_value = real_number(max_value, "MaxNorm", "max_value", minimum=0)
        self.axis = _axes(axis, "MaxNorm")

    def __call__(self, weight: Tensor) -> Tensor:
        """Shorten what is too long.

        Args:
            weight: The weight after an update.

        Returns:
            A tensor of the same shape.
        """
        lengths = _lengths(weight, self.axis)
        return weight * (lengths.clamp(0, self.max_value) / (_EPSILON + lengths))


class MinMaxNorm(Constraint):
    """Lengths between a minimum and a maximum.

    w <- w * (rate * clip(|w|, low, high) + (1 - rate) |w|) / |w|

    Args:
        min_value: The minimum.
        max_value: The maximum.
        rate: How far to go there at each update, from 0 to 1.
        axis: As in `MaxNorm`.

    Raises:
        ConfigError: A negative number, a rate outside 0 to 1, a minimum above the
            maximum, or axes that are not integers.

    Example:
        >>> import torch
        >>> MinMaxNorm(1.0, 2.0)(torch.tensor([[0.0, 0.5]]))
        tensor([[0.0000, 1.0000]])
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: AxisLike = None,
    ) -> None:
        where = "MinMaxNorm"
        self.min_value = real_number(min_value, where, "min_value", minimum=0)
        self.max_value = real_number(max_value, where, "max_value", minimum=0)
        if self.min_value > self.max_value:
            raise ConfigError(
                f"{where}: expected min_value to be at most max_value, got "
                f"{min_value!r} and {max_value!r}. Exchange them."
            )
        self.rate = real_number(rate, where, "rate", minimum=0)
        if self.rate > 1:
            raise ConfigError(
                f"{where}: expected rate to be at most 1, got {rate!r}. Write for "
                "example rate=0.5 to go half the way."
            )
        self.axis = _axes(axis, where)

    def __call__(self, weight: Tensor) -> Tensor:
        """Lengthen what is too short, shorten what is too long.

        Args:
            weight: The weight after an update.

        Returns:
            A tensor of the same shape.
        """
        lengths = _lengths(weight, self.axis)
        clipped = lengths.clamp(self.min_value, self.max_value)
        wanted = self.rate * clipped + (1 - self.rate) * lengths
        return weight * (wanted / (_EPSILON + lengths))


class UnitNorm(Constraint):
    """Lengths of 1.

    w <- w / |w|

    Args:
        axis: As in `MaxNorm`.

    Raises:
        ConfigError: Axes that are not integers.

    Example:
        >>> import torch
        >>> UnitNorm()(torch.tensor([[3.0, 4.0]]))
        tensor([[0.6000, 0.8000]])
    """

    def __init__(self, axis: AxisLike = None) -> None:
        self.axis = _axes(axis, "UnitNorm")

    def __call__(self, weight: Tensor) -> Tensor:
        """Divide by the length.

        Args:
            weight: The weight after an update.

        Returns:
            A tensor of the same shape.
        """
        return weight / (_EPSILON + _lengths(weight, self.axis))


class NonNegative(Constraint):
    """No value below 0.

    w <- max(w, 0)

    Example:
        >>> import torch
        >>> NonNegative()(torch.tensor([-1.0, 2.0]))
        tensor([0., 2.])

    Source:
        Lee & Seung 1999 (parts of objects), for why one would want it.
    """

    def __call__(self, weight: Tensor) -> Tensor:
        """Replace negative values by 0.

        Args:
            weight: The weight after an update.

        Returns:
            A tensor of the same shape.
        """
        return weight.clamp(min=0)


class FunctionConstraint(Constraint):
    """A plain function of a weight as a Constraint.

    w <- function(w)

    Args:
        function: Takes a tensor and gives one of the same shape.

    Example:
        >>> import torch
        >>> FunctionConstraint(torch.abs)(torch.tensor([-1.0]))
        tensor([1.])
    """

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self.function = function

    def __call__(self, weight: Tensor) -> Tensor:
        """Call the function.

        Args:
            weight: The weight after an update.

        Returns:
            What the function gives.
        """
        return self.function(weight)


ConstraintLike = str | Constraint | Callable[[Tensor], Any] | None

_BY_NAME: dict[str, Callable[[], Constraint]] = {
    "max_norm": MaxNorm,
    "min_max_norm": MinMaxNorm,
    "non_neg": NonNegative,
    "non_negative": NonNegative,
    "unit_norm": UnitNorm,
}


def get_constraint(
    given: ConstraintLike,
    where: str = "get_constraint",
    name: str = "constraint",
) -> Constraint | None:
    """Turn whatever a user calls a constraint into one.

    Args:
        given: "max_norm", "min_max_norm", "non_negative" (Keras's "non_neg"),
            "unit_norm", a Constraint, a function of a tensor, or None.
        where: Who asks, for the error.
        name: The argument's name, for the error.

    Returns:
        The constraint; None for None.

    Raises:
        ConfigError: The name is not known, or it is neither a name nor a function.

    Example:
        >>> get_constraint("max_norm").max_value
        2.0
    """
    if given is None or isinstance(given, Constraint):
        return given
    if callable(given):
        # The class: as good as its name.
        if given in _BY_NAME.values():
            return given()  # type: ignore[call-arg]  # a class of the table
        return FunctionConstraint(given)
    return _BY_NAME[one_of(given, _BY_NAME, where, name)]()
