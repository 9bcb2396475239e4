"""Random initializers: values drawn one by one, each from the same distribution."""

import math
from typing import Literal, get_args

from torch import Tensor, nn

from mica.errors import ConfigError
from mica.layers.arguments import one_of, real_number
from mica.layers.initializer import Initializer, draw

__all__ = [
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "compute_fans",
]

# Standard deviation of a standard normal cut off at +-2: the integral of x^2 phi(x)
# over [-2, 2] divided by that of phi(x), and its root.
_TRUNCATED_DEVIATION = 0.87962566103423978

Mode = Literal["fan_in", "fan_out", "fan_avg"]
Distribution = Literal["truncated_normal", "untruncated_normal", "uniform"]


class RandomUniform(Initializer):
    """Values between two limits, all equally likely.

    w ~ U(minval, maxval)

    Args:
        minval: The lower limit.
        maxval: The upper limit.

    Raises:
        ConfigError: A limit is not a finite number, or they are in the wrong order.

    Example:
        >>> import torch
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
        draw(tensor, lambda values: values.uniform_(self.minval, self.maxval))


class RandomNormal(Initializer):
    """Values of a normal distribution.

    w ~ N(mean, stddev^2)

    Args:
        mean: Where the distribution is centred.
        stddev: Its standard deviation, at least 0.

    Raises:
        ConfigError: An argument is not a finite number, or `stddev` is negative.

    Example:
        >>> import torch
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
        draw(tensor, lambda values: values.normal_(self.mean, self.stddev))


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
        >>> import torch
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
        draw(tensor, self._write)

    def _write(self, values: Tensor) -> None:
        nn.init.trunc_normal_(values).mul_(self.stddev).add_(self.mean)


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
        >>> import torch
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
