"""Variants of the classic activations: cheaper, smoother, sparser."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from mica.registry import register

__all__ = [
    "celu",
    "exponential",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu6",
    "soft_shrink",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "tanh_shrink",
    "threshold",
]


@register
def celu(x: Float[Tensor, "*shape"], *, alpha: float = 1.0) -> Float[Tensor, "*shape"]:
    """A rectifier with a smooth negative part whose slope at 0 is 1 for every alpha.

    y = max(0, x) + min(0, alpha (exp(x / alpha) - 1))

    Args:
        x: Floating-point values.
        alpha: Minus the value at minus infinity.

    Shape:
        x, y: (*shape)

    Returns:
        The values.

    Example:
        >>> celu(torch.tensor([-1.0, 2.0]))
        tensor([-0.6321,  2.0000])

    Source:
        Barron 2017, eq. 2.
    """
    return functional.celu(x, alpha)


@register
def exponential(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The exponential.

    y = exp(x)

    Args:
        x: Floating-point values.

    Shape:
        x, y: (*shape)

    Returns:
        The values.

    Example:
        >>> exponential(torch.tensor([0.0, 1.0]))
        tensor([1.0000, 2.7183])

    Source:
        As in Keras.
    """
    return torch.exp(x)


@register
def glu(x: Float[Tensor, "*shape"], *, axis: int = -1) -> Float[Tensor, "*half"]:
    """One half of the features opens or closes the other.

    y = a sigmoid(b), x = [a, b]

    Args:
        x: Floating-point values.
        axis: The axis that is halved.

    Shape:
        x: (*shape), with an even axis; y: half as long on it

    Returns:
        The values.

    Example:
        >>> glu(torch.tensor([1.0, 2.0, 0.0, 100.0]))
        tensor([0.5000, 2.0000])

    Source:
        Dauphin et al. 2017, eq. 1.
    """
    return functional.glu(x, axis)


@register
def hard_shrink(
    x: Float[Tensor, "*shape"], *, threshold: float = 0.5
) -> Float[Tensor, "*shape"]:
    """Values near 0 become 0.

    y = x if |x| > threshold else 0

    Args:
        x: Floating-point values.
        threshold: How near.

    Shape:
        x, y: (*shape)

    Returns:
        The values.

    Example:
        >>> hard_shrink(torch.tensor([0.4, 2.0]))
        tensor([0., 2.])

    Source:
        Donoho & Johnstone 1994, eq. 7 (hard thresholding).
    """
    return functional.hardshrink(x, threshold)


@register
def hard_sigmoid(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """A sigmoid of three straight pieces, cheap to compute.

    y = min(1, max(0, x / 6 + 1/2))

    Args:
        x: Floating-point values.

    Shape:
        x, y: (*shape)

    Returns:
        The values.

    Example:
        >>> hard_sigmoid(torch.tensor([-4.0, 0.0, 3.0]))
        tensor([0.0000, 0.5000, 1.0000])

    Source:
        Courbariaux, Bengio & David 2015; the slope is that of Keras 3.
    """
    return functional.hardsigmoid(x)


@register
def hard_silu(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """A SiLU of straight and square pieces.

    y = x min(1, max(0, x / 6 + 1/2))

    Args:
        x: Floating-point values.

    Shape:
        x, y: (*shape)

    Returns:
        The values.

    Example:
        >>> hard_silu(torch.tensor([-4.0, 3.0]))
        tensor([-0., 3.])

    Source:
        Howard et al. 2019, section 5.2.
    """
    return functional.hardswish(x)


@register
def log_sigmoid(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The logarithm of the sigmoid, computed without overflow.

    y = -log(1 + exp(-x))

    Args:
        x: Floating-point values.

    Shape:
        x, y: (*shape)

    Returns:
        The values.

    Example:
        >>> log_sigmoid(torch.tensor([0.0, 1000.0]))
        tensor([-0.6931,  0.0000])

    Source:
        Goodfellow et al. 2016, section 6.2.2.2.
    """
    return functional.logsigmoid(x)


@register
def log_softmax(
    x: Float[Tensor, "*shape"], *, axis: int = -1
) -> Float[Tensor, "*shape"]:
    """The logarithm of the softmax, computed without overflow.

    y_i = x_i - log sum over j of exp(x_j)

    Args:
        x: Floating-point values.
        axis: The axis of the classes.

    Shape:
        x, y: (*shape)

    Returns:
        The values.

    Example:
        >>> log_softmax(torch.tensor([0.0, 0.0]))
        tensor([-0.6931, -0.6931])

    Source:
        Goodfellow et al. 2016, eq. 6.30.
    """
    return torch.log_softmax(x, axis)


@register
def mish(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """A smooth rectifier with a shallow dip below 0.

    y = x tanh(log(1 + exp(x)))

    Args:
        x: Floating-point values.

    Shape:
        x, y: (*shape)

    Returns:
        The values.

    Example:
        >>> mish(torch.tensor([-1.0, 2.0]))
        tensor([-0.3034,  1.9440])

    Source:
        Misra 2019, eq. 1.
    """
    return functional.mish(x)


@register
def relu6(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """A rectifier that ends at 6.

    y = min(6, max(0, x))

    Args:
        x: Floating-point values.

    Shape:
        x, y: (*shape)

    Returns:
        The values.

    Example:
        >>> relu6(torch.tensor([-1.0, 2.0, 8.0]))
        tensor([0., 2., 6.])

    Source:
        Krizhevsky 2010, section 2.
    """
    return functional.relu6(x)


@register
def soft_shrink(
    x: Float[Tensor, "*shape"], *, threshold: float = 0.5
) -> Float[Tensor, "*shape"]:
    """Values move towards 0 and stop there.

    y = sign(x) max(0, |x| - threshold)

    Args:
        x: Floating-point values.
        threshold: How far.

    Shape:
        x, y: (*shape)

    Returns:
        The values.

    Example:
        >>> soft_shrink(torch.tensor([0.4, 2.0]))
        tensor([0.0000, 1.5000])

    Source:
        Donoho & Johnstone 1994, eq. 8 (soft thresholding).
    """
    return functional.softshrink(x, threshold)


@register
def softsign(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """A sigmoid that nears its ends slowly.

    y = x / (1 + |x|)

    Args:
        x: Floating-point values.

    Shape:
        x, y: (*shape)

    Returns:
        The values.

    Example:
        >>> softsign(torch.tensor([-1.0, 3.0]))
        tensor([-0.5000,  0.7500])

    Source:
        Bergstra et al. 2009; Glorot & Bengio 2010, section 2.
    """
    return functional.softsign(x)


@register
def sparse_plus(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """A rectifier with a square bend.

    y = 0 if x <= -1, x if x >= 1, else (x + 1)^2 / 4

    Args:
        x: Floating-point values.

    Shape:
        x, y: (*shape)

    Returns:
        The values.

    Example:
        >>> sparse_plus(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([0.0000, 0.2500, 3.0000])

    Source:
        The integral of sparse_sigmoid, as in Keras.
    """
    return torch.where(x < 1, torch.square(x.clamp(-1, 1) + 1) / 4, x)


@register
def sparse_sigmoid(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """A sigmoid of three straight pieces with slope 1/2.

    y = min(1, max(0, (x + 1) / 2))

    Args:
        x: Floating-point values.

    Shape:
        x, y: (*shape)

    Returns:
        The values.

    Example:
        >>> sparse_sigmoid(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([0.0000, 0.5000, 1.0000])

    Source:
        The sparsemax of two classes: Martins & Astudillo 2016, section 2.3.
    """
    return ((x + 1) / 2).clamp(0, 1)


@register
def sparsemax(x: Float[Tensor, "*shape"], *, axis: int = -1) -> Float[Tensor, "*shape"]:
    """The point of the simplex nearest to x: probabilities, many of them 0.

    y = argmin over p of |p - x|^2, p >= 0, sum of p = 1

    Args:
        x: Floating-point values.
        axis: The axis of the classes.

    Shape:
        x, y: (*shape)

    Returns:
        The values.

    Example:
        >>> sparsemax(torch.tensor([1.0, 0.8, -1.0]))
        tensor([0.6000, 0.4000, 0.0000])

    Source:
        Martins & Astudillo 2016, algorithm 1.
    """
    ordered = x.sort(axis, descending=True).values
    total = ordered.cumsum(axis) - 1
    shape = [1] * x.ndim
    shape[axis] = -1
    rank = torch.arange(1, x.shape[axis] + 1, device=x.device, dtype=x.dtype)
    rank = rank.reshape(shape)
    # The classes that keep a probability, and what each of them gives up.
    kept = (ordered * rank > total).sum(axis, keepdim=True).clamp(min=1)
    level = total.gather(axis, kept - 1) / kept.to(x.dtype)
    return (x - level).clamp(min=0)


@register
def squareplus(
    x: Float[Tensor, "*shape"], *, b: float = 4.0
) -> Float[Tensor, "*shape"]:
    """A smooth rectifier without exponentials.

    y = (x + sqrt(x^2 + b)) / 2

    Args:
        x: Floating-point values.
        b: How round the bend is.

    Shape:
        x, y: (*shape)

    Returns:
        The values.

    Example:
        >>> squareplus(torch.tensor([-1.0, 0.0]))
        tensor([0.6180, 1.0000])

    Source:
        Barron 2021, eq. 1.
    """
    # Below 0 the sum of the formula would lose its digits; this is the same.
    larger = x.abs() + torch.sqrt(torch.square(x) + b)
    return torch.where(x > 0, larger / 2, b / (2 * larger))


@register
def tanh_shrink(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """What the hyperbolic tangent leaves over.

    y = x - tanh(x)

    Args:
        x: Floating-point values.

    Shape:
        x, y: (*shape)

    Returns:
        The values.

    Example:
        >>> tanh_shrink(torch.tensor([0.0, 3.0]))
        tensor([0.0000, 2.0049])

    Source:
        As in Keras and torch.
    """
    return functional.tanhshrink(x)


@register
def threshold(
    x: Float[Tensor, "*shape"], *, level: float = 1.0, default: float = 0.0
) -> Float[Tensor, "*shape"]:
    """Values that do not exceed a threshold become a default.

    y = x if x > level else default

    Args:
        x: Floating-point values.
        level: The threshold.
        default: What stands in.

    Shape:
        x, y: (*shape)

    Returns:
        The values.

    Example:
        >>> threshold(torch.tensor([0.5, 2.0]))
        tensor([0., 2.])

    Source:
        As in Keras and torch.
    """
    return functional.threshold(x, level, default)
