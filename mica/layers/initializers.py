"""Initializers: the first values of weights, as Keras draws them."""

import math
from collections.abc import Callable
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from mica.errors import ConfigError
from mica.layers.arguments import one_of, real_number
from mica.registry import Configurable
from mica.shapes import describe

__all__ = [
    "Constant",
    "FunctionInitializer",
    "IdentityInitializer",
    "Initializer",
    "InitializerLike",
    "OrthogonalInitializer",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "compute_fans",
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

# Standard deviation of a standard normal cut off at +-2: the integral of x^2 phi(x)
# over [-2, 2] divided by that of phi(x), and its root.
_TRUNCATED_DEVIATION = 0.87962566103423978

Mode = Literal["fan_in", "fan_out", "fan_avg"]
Distribution = Literal["truncated_normal", "untruncated_normal", "uniform"]


def compute_fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Count the inputs and outputs a weight connects, from its shape.

    fan_in = inputs * receptive field, fan_out = outputs * receptive field

    Args:
        shape: Sizes in torch's layout, (outputs, inputs, *receptive field).

    Returns:
        (fan_in, fan_out).

    Example:
        >>> compute_fans((10, 784)), compute_fans((32, 16, 3, 3))
        ((784, 10), (144, 288))
    """
    if len(shape) < 2:
        fan = shape[0] if shape else 1
        return fan, fan
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


class Initializer(Configurable):
    """A rule for the first values of a weight; it fills a tensor in place.

    Write `fill` in a subclass; a plain function of a tensor works as well.

    Example:
        >>> weight = torch.empty(2)
        >>> ones().fill(weight)
        >>> weight
        tensor([1., 1.])
    """

    def fill(self, tensor: Tensor, fans: tuple[int, int] | None = None) -> None:
        """Write the first values; the caller has switched gradients off.

        Args:
            tensor: What is filled.
            fans: (inputs, outputs) of one value; `None` takes them from the shape.
        """
        raise NotImplementedError


def _draw(tensor: Tensor, write: Callable[[Tensor], Any]) -> None:
    """Draw in float32 at least: half types are too coarse for tails and roots."""
    if tensor.element_size() >= 4:  # bytes of a float32
        write(tensor)
        return
    values = torch.empty(tensor.shape, dtype=torch.float32, device=tensor.device)
    write(values)
    tensor.copy_(values)


class Constant(Initializer):
    """The same value everywhere.

    w = value

    Args:
        value: The value.

    Raises:
        ConfigError: `value` is not a finite number.

    Example:
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


class RandomUniform(Initializer):
    """Values between two limits, all equally likely.

    w ~ U(minval, maxval)

    Args:
        minval: The lower limit.
        maxval: The upper limit.

    Raises:
        ConfigError: A limit is not a finite number, or they are in the wrong order.

    Example:
        >>> weight = torch.empty(1000)
        >>> RandomUniform().fill(weight)
        >>> bool(weight.abs().max() <= 0.05)
        True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05) -> None:
        self.minval = real_number(minval, "RandomUniform", "minval")
        self.maxval = real_number(maxval, "RandomUniform", "maxval")
        if self.minval > self.maxval:
            raise ConfigError(
                f"RandomUniform: expected minval <= maxval, got minval={minval!r} and "
                f"maxval={maxval!r}. Exchange them."
            )

    def fill(self, tensor: Tensor, fans: tuple[int, int] | None = None) -> None:
        """Draw every value.

        Args:
            tensor: What is filled.
            fans: Not used.
        """
        _draw(tensor, lambda values: values.uniform_(self.minval, self.maxval))


class RandomNormal(Initializer):
    """Values of a normal distribution.

    w ~ N(mean, stddev^2)

    Args:
        mean: Where the distribution is centred.
        stddev: Its standard deviation, at least 0.

    Raises:
        ConfigError: An argument is not a finite number, or `stddev` is negative.

    Example:
        >>> weight = torch.empty(10000)
        >>> RandomNormal(stddev=0.1).fill(weight)
        >>> round(weight.std().item(), 2)
        0.1
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05) -> None:
        self.mean = real_number(mean, "RandomNormal", "mean")
        self.stddev = real_number(stddev, "RandomNormal", "stddev", minimum=0.0)

    def fill(self, tensor: Tensor, fans: tuple[int, int] | None = None) -> None:
        """Draw every value.

        Args:
            tensor: What is filled.
            fans: Not used.
        """
        _draw(tensor, lambda values: values.normal_(self.mean, self.stddev))


class TruncatedNormal(Initializer):
    """Values of a normal distribution without its tails.

    w ~ N(mean, stddev^2), drawn again while |w - mean| > 2 stddev

    The result's own deviation is 0.8796 stddev.

    Args:
        mean: Where the distribution is centred.
        stddev: Its standard deviation before the tails are cut, at least 0.

    Raises:
        ConfigError: An argument is not a finite number, or `stddev` is negative.

    Example:
        >>> weight = torch.empty(10000)
        >>> TruncatedNormal(stddev=0.1).fill(weight)
        >>> bool(weight.abs().max() <= 0.2)
        True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05) -> None:
        self.mean = real_number(mean, "TruncatedNormal", "mean")
        self.stddev = real_number(stddev, "TruncatedNormal", "stddev", minimum=0.0)

    def fill(self, tensor: Tensor, fans: tuple[int, int] | None = None) -> None:
        """Draw every value.

        Args:
            tensor: What is filled.
            fans: Not used.
        """
        _draw(tensor, self._write)

    def _write(self, values: Tensor) -> None:
        nn.init.trunc_normal_(values).mul_(self.stddev).add_(self.mean)


class VarianceScaling(Initializer):
    """Values whose spread keeps the size of signals from layer to layer.

    Var(w) = scale / n, n = fan_in, fan_out or their mean

    Args:
        scale: The numerator, above 0: 1 for linear units, 2 for rectified ones.
        mode: Which n: "fan_in", "fan_out" or "fan_avg".
        distribution: "uniform" in +-sqrt(3 scale / n); "truncated_normal", cut at two
            deviations and widened so that the variance stays right; or
            "untruncated_normal".

    Raises:
        ConfigError: `scale` is not above 0, or a word is not known.

    Example:
        >>> weight = torch.empty(100, 300)
        >>> VarianceScaling(2.0, mode="fan_in").fill(weight)
        >>> round(weight.var().item() * 300, 1)
        2.0

    Source:
        Glorot & Bengio 2010, eq. 16; He et al. 2015, eq. 10; LeCun et al. 1998, eq. 16.
    """

    def __init__(
        self,
        scale: float = 1.0,
        *,
        mode: Mode = "fan_in",
        distribution: Distribution = "truncated_normal",
    ) -> None:
        where = "VarianceScaling"
        self.scale = real_number(scale, where, "scale")
        if self.scale <= 0.0:
            raise ConfigError(
                f"{where}: expected scale above 0, got {scale!r}. "
                "Use scale=1.0 for linear units, 2.0 for rectified ones."
            )
        self.mode = one_of(mode, get_args(Mode), where, "mode")
        self.distribution = one_of(
            distribution, get_args(Distribution), where, "distribution"
        )

    def fill(self, tensor: Tensor, fans: tuple[int, int] | None = None) -> None:
        """Draw every value.

        Args:
            tensor: What is filled.
            fans: (inputs, outputs) of one value; `None` takes them from the shape.
        """
        fan_in, fan_out = fans or compute_fans(tuple(tensor.shape))
        average = (fan_in + fan_out) / 2
        count = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": average}[self.mode]
        deviation = math.sqrt(self.scale / max(1.0, count))
        if self.distribution == "uniform":
            limit = math.sqrt(3.0) * deviation
            RandomUniform(-limit, limit).fill(tensor)
        elif self.distribution == "truncated_normal":
            TruncatedNormal(0.0, deviation / _TRUNCATED_DEVIATION).fill(tensor)
        else:
            RandomNormal(0.0, deviation).fill(tensor)


class OrthogonalInitializer(Initializer):
    """A matrix whose rows, or columns if they are fewer, are orthonormal.

    W W^T = gain^2 I (or W^T W), W = gain * Q * sign(diag R), QR = a normal matrix

    A weight with more than two axes is seen as (outputs, everything else).

    Args:
        gain: The length of every row or column.

    Raises:
        ConfigError: `gain` is not a finite number, or the weight has fewer than two
            axes.

    Example:
        >>> weight = torch.empty(3, 5)
        >>> OrthogonalInitializer().fill(weight)
        >>> torch.allclose(weight @ weight.T, torch.eye(3), atol=1e-5)
        True

    Source:
        Saxe et al. 2014, section 3.
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = real_number(gain, "OrthogonalInitializer", "gain")

    def fill(self, tensor: Tensor, fans: tuple[int, int] | None = None) -> None:
        """Draw the matrix.

        Args:
            tensor: What is filled.
            fans: Not used.

        Raises:
            ConfigError: The weight has fewer than two axes.
        """
        if tensor.ndim < 2:
            raise ConfigError(
                "OrthogonalInitializer: expected a weight with at least 2 axes, got "
                f"shape {describe(tensor.shape)}. Choose another initializer."
            )
        _draw(tensor, lambda values: nn.init.orthogonal_(values, self.gain))


class IdentityInitializer(Initializer):
    """Ones on the diagonal, zeros elsewhere: at first the layer passes its input on.

    W = gain * I

    Args:
        gain: The value on the diagonal.

    Raises:
        ConfigError: `gain` is not a finite number, or the weight is no matrix.

    Example:
        >>> weight = torch.empty(2, 3)
        >>> IdentityInitializer().fill(weight)
        >>> weight
        tensor([[1., 0., 0.],
                [0., 1., 0.]])
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = real_number(gain, "IdentityInitializer", "gain")

    def fill(self, tensor: Tensor, fans: tuple[int, int] | None = None) -> None:
        """Write the matrix.

        Args:
            tensor: What is filled.
            fans: Not used.

        Raises:
            ConfigError: The weight does not have two axes.
        """
        if tensor.ndim != 2:
            raise ConfigError(
                "IdentityInitializer: expected a weight with 2 axes, got shape "
                f"{describe(tensor.shape)}. Choose another initializer."
            )
        tensor.zero_()
        tensor.diagonal().fill_(self.gain)


class FunctionInitializer(Initializer):
    """A function that fills a tensor in place, e.g. one of `torch.nn.init`.

    Args:
        function: Takes the tensor; what it returns is not used.

    Example:
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
