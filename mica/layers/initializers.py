"""Initializers by name: Keras's names for the first values of weights."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from mica.layers.arguments import one_of, real_number
from mica.layers.initializer import Initializer
from mica.layers.matrix_initializers import IdentityInitializer, OrthogonalInitializer
from mica.layers.random_initializers import (
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)

__all__ = [
    "Constant",
    "FunctionInitializer",
    "InitializerLike",
    "get_initializer",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "zeros",
]


class Constant(Initializer):
    """The same value everywhere.

    w = value

    Args:
        value: The value.

    Raises:
        ConfigError: `value` is not a finite number.

    Example:
        >>> import torch
        >>> weight = torch.empty(3)
        >>> Constant(0.5).fill(weight)
        >>> weight
        tensor([0.5000, 0.5000, 0.5000])
    """

    def __init__(self, value: float = 0.0) -> None:
        self.value = real_number(value, "Constant", "value")

    def fill(self, tensor: Tensor, fans: tuple[int, int] | None = None) -> None:
        """Write the value everywhere.

        Args:
            tensor: What is filled.
            fans: Not used.
        """
        tensor.fill_(self.value)


class FunctionInitializer(Initializer):
    """A function that fills a tensor in place, e.g. one of `torch.nn.init`.

    Args:
        function: Takes the tensor; what it returns is not used.

    Example:
        >>> import torch
        >>> weight = torch.empty(2)
        >>> FunctionInitializer(torch.nn.init.ones_).fill(weight)
        >>> weight
        tensor([1., 1.])
    """

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        self.function = function

    def fill(self, tensor: Tensor, fans: tuple[int, int] | None = None) -> None:
        """Call the function.

        Args:
            tensor: What is filled.
            fans: Not used.
        """
        self.function(tensor)


def zeros() -> Initializer:
    """All zeros: the usual start of a bias.

    w = 0

    Returns:
        The initializer.

    Example:
        >>> zeros().value
        0.0
    """
    return Constant(0.0)


def ones() -> Initializer:
    """All ones: the usual start of a scale.

    w = 1

    Returns:
        The initializer.

    Example:
        >>> ones().value
        1.0
    """
    return Constant(1.0)


def glorot_uniform() -> Initializer:
    """Uniform values for layers whose units are linear or tanh.

    w ~ U(-a, a), a = sqrt(6 / (fan_in + fan_out))

    Returns:
        The initializer.

    Example:
        >>> import torch
        >>> weight = torch.empty(200, 300)
        >>> glorot_uniform().fill(weight)
        >>> round(weight.var().item() * 250, 1)
        1.0

    Source:
        Glorot & Bengio 2010, eq. 16.
    """
    return VarianceScaling(1.0, mode="fan_avg", distribution="uniform")


def glorot_normal() -> Initializer:
    """Normal values for layers whose units are linear or tanh.

    w ~ N(0, 2 / (fan_in + fan_out)), cut at two deviations

    Returns:
        The initializer.

    Example:
        >>> import torch
        >>> weight = torch.empty(200, 300)
        >>> glorot_normal().fill(weight)
        >>> round(weight.var().item() * 250, 1)
        1.0

    Source:
        Glorot & Bengio 2010, eq. 12.
    """
    return VarianceScaling(1.0, mode="fan_avg", distribution="truncated_normal")


def he_uniform() -> Initializer:
    """Uniform values for layers of rectified units.

    w ~ U(-a, a), a = sqrt(6 / fan_in)

    Returns:
        The initializer.

    Example:
        >>> import torch
        >>> weight = torch.empty(200, 300)
        >>> he_uniform().fill(weight)
        >>> round(weight.var().item() * 300, 1)
        2.0

    Source:
        He et al. 2015, eq. 10.
    """
    return VarianceScaling(2.0, mode="fan_in", distribution="uniform")


def he_normal() -> Initializer:
    """Normal values for layers of rectified units.

    w ~ N(0, 2 / fan_in), cut at two deviations

    Returns:
        The initializer.

    Example:
        >>> import torch
        >>> weight = torch.empty(200, 300)
        >>> he_normal().fill(weight)
        >>> round(weight.var().item() * 300, 1)
        2.0

    Source:
        He et al. 2015, eq. 10.
    """
    return VarianceScaling(2.0, mode="fan_in", distribution="truncated_normal")


def lecun_uniform() -> Initializer:
    """Uniform values for self-normalising layers.

    w ~ U(-a, a), a = sqrt(3 / fan_in)

    Returns:
        The initializer.

    Example:
        >>> import torch
        >>> weight = torch.empty(200, 300)
        >>> lecun_uniform().fill(weight)
        >>> round(weight.var().item() * 300, 1)
        1.0

    Source:
        LeCun et al. 1998 (Efficient BackProp), eq. 16.
    """
    return VarianceScaling(1.0, mode="fan_in", distribution="uniform")


def lecun_normal() -> Initializer:
    """Normal values for self-normalising layers.

    w ~ N(0, 1 / fan_in), cut at two deviations

    Returns:
        The initializer.

    Example:
        >>> import torch
        >>> weight = torch.empty(200, 300)
        >>> lecun_normal().fill(weight)
        >>> round(weight.var().item() * 300, 1)
        1.0

    Source:
        LeCun et al. 1998 (Efficient BackProp), eq. 16.
    """
    return VarianceScaling(1.0, mode="fan_in", distribution="truncated_normal")


_BY_NAME: dict[str, Callable[[], Initializer]] = {
    "constant": Constant,
    "glorot_normal": glorot_normal,
    "glorot_uniform": glorot_uniform,
    "he_normal": he_normal,
    "he_uniform": he_uniform,
    "identity": IdentityInitializer,
    "lecun_normal": lecun_normal,
    "lecun_uniform": lecun_uniform,
    "ones": ones,
    "orthogonal": OrthogonalInitializer,
    "random_normal": RandomNormal,
    "random_uniform": RandomUniform,
    "truncated_normal": TruncatedNormal,
    "variance_scaling": VarianceScaling,
    "zeros": zeros,
    # Keras's other words for the same
    "normal": RandomNormal,
    "one": ones,
    "uniform": RandomUniform,
    "zero": zeros,
}
InitializerLike = str | Initializer | Callable[..., Any]


def get_initializer(
    initializer: InitializerLike,
    where: str = "get_initializer",
    name: str = "initializer",
) -> Initializer:
    """Find the initializer that a name, an object or a function stands for.

    Args:
        initializer: One of Keras's names such as "he_normal", an Initializer, or a
            function that fills a tensor in place.
        where: Who asks, for the error.
        name: The argument's name, for the error.

    Returns:
        The initializer.

    Raises:
        ConfigError: The name is not known, or it is neither a name nor a function.

    Example:
        >>> get_initializer("he_normal").scale
        2.0
    """
    if isinstance(initializer, Initializer):
        return initializer
    if callable(initializer):
        # The class, or the function that makes the object: as good as its name.
        if initializer in _BY_NAME.values():
            return initializer()
        return FunctionInitializer(initializer)
    return _BY_NAME[one_of(initializer, _BY_NAME, where, name)]()
