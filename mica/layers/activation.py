"""Activations: functions of one number, or of one row for softmax, found by name."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from mica.errors import ConfigError
from mica.layers import activation_variants as variants
from mica.layers.arguments import one_of
from mica.registry import register

__all__ = [
    "ACTIVATIONS",
    "ActivationLike",
    "elu",
    "gaussian",
    "gelu",
    "get_activation",
    "hard_tanh",
    "identity",
    "leaky_relu",
    "relu",
    "selu",
    "sigmoid",
    "sign",
    "silu",
    "softmax",
    "softplus",
    "step",
    "tanh",
]


@register
def identity(x: Tensor) -> Tensor:
    """The value itself.

    y = x

    Args:
        x: Any tensor.

    Shape:
        x, y: (*shape)

    Returns:
        `x`.

    Example:
        >>> identity(torch.tensor([-1.0, 2.0]))
        tensor([-1.,  2.])
    """
    return x


@register
def sign(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The side of zero a value is on; for predictions, since its slope is 0.

    y = -1, 0 or 1 for x < 0, x = 0, x > 0

    Args:
        x: Floating-point values.

    Shape:
        x, y: (*shape)

    Returns:
        The signs; the gradient is 0 everywhere.

    Example:
        >>> sign(torch.tensor([-3.0, 0.0, 2.0]))
        tensor([-1.,  0.,  1.])

    Source:
        The perceptron's output: Rosenblatt 1958.
    """
    return torch.sign(x)


@register
def step(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The threshold unit; for predictions, since its slope is 0.

    y = 1 if x >= 0 else 0

    Args:
        x: Floating-point values.

    Shape:
        x, y: (*shape)

    Returns:
        Zeros and ones; the gradient is 0 everywhere.

    Example:
        >>> step(torch.tensor([-3.0, 0.0, 2.0]))
        tensor([0., 1., 1.])

    Source:
        McCulloch & Pitts 1943.
    """
    return torch.sign(torch.sign(x) + 1)


@register
def sigmoid(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """A probability from a log-odds.

    y = 1 / (1 + exp(-x))

    Args:
        x: Floating-point values.

    Shape:
        x, y: (*shape)

    Returns:
        Values between 0 and 1.

    Example:
        >>> sigmoid(torch.tensor([0.0, 2.0]))
        tensor([0.5000, 0.8808])
    """
    return torch.sigmoid(x)


@register
def tanh(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """A sigmoid stretched to lie between -1 and 1.

    y = (exp(x) - exp(-x)) / (exp(x) + exp(-x))

    Args:
        x: Floating-point values.

    Shape:
        x, y: (*shape)

    Returns:
        Values between -1 and 1.

    Example:
        >>> tanh(torch.tensor([0.0, 1.0]))
        tensor([0.0000, 0.7616])
    """
    return torch.tanh(x)


@register
def hard_tanh(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The value, kept between -1 and 1.

    y = max(-1, min(1, x))

    Args:
        x: Floating-point values.

    Shape:
        x, y: (*shape)

    Returns:
        Values from -1 to 1.

    Example:
        >>> hard_tanh(torch.tensor([-3.0, 0.5, 2.0]))
        tensor([-1.0000,  0.5000,  1.0000])

    Source:
        Collobert 2004, section 5.1.
    """
    return functional.hardtanh(x)


@register
def relu(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The value where it is positive.

    y = max(0, x)

    Args:
        x: Floating-point values.

    Shape:
        x, y: (*shape)

    Returns:
        Values of at least 0; the gradient at 0 is 0.

    Example:
        >>> relu(torch.tensor([-1.0, 2.0]))
        tensor([0., 2.])

    Source:
        Nair & Hinton 2010; Glorot, Bordes & Bengio 2011.
    """
    return torch.relu(x)


@register
def leaky_relu(
    x: Float[Tensor, "*shape"], *, negative_slope: float = 0.2
) -> Float[Tensor, "*shape"]:
    """A rectifier that lets a part of negative values through.

    y = x if x > 0 else negative_slope * x

    Args:
        x: Floating-point values.
        negative_slope: The part; 0.2 as in Keras's function (its layer has 0.3).

    Shape:
        x, y: (*shape)

    Returns:
        The values.

    Example:
        >>> leaky_relu(torch.tensor([-1.0, 2.0]))
        tensor([-0.2000,  2.0000])

    Source:
        Maas, Hannun & Ng 2013, eq. 2.
    """
    return functional.leaky_relu(x, negative_slope)


@register
def elu(x: Float[Tensor, "*shape"], *, alpha: float = 1.0) -> Float[Tensor, "*shape"]:
    """A rectifier with a smooth, bounded negative part.

    y = x if x > 0 else alpha * (exp(x) - 1)

    Args:
        x: Floating-point values.
        alpha: Minus the value at minus infinity.

    Shape:
        x, y: (*shape)

    Returns:
        Values above -alpha.

    Example:
        >>> elu(torch.tensor([-1.0, 2.0]))
        tensor([-0.6321,  2.0000])

    Source:
        Clevert, Unterthiner & Hochreiter 2016, eq. 15.
    """
    return functional.elu(x, alpha)


@register
def selu(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """An ELU whose two constants keep mean 0 and variance 1 through dense layers.

    y = 1.0507 * (x if x > 0 else 1.6733 * (exp(x) - 1))

    Args:
        x: Floating-point values; initialise the weights with "lecun_normal".

    Shape:
        x, y: (*shape)

    Returns:
        The values.

    Example:
        >>> selu(torch.tensor([-1.0, 2.0]))
        tensor([-1.1113,  2.1014])

    Source:
        Klambauer et al. 2017, eq. 2 and 14.
    """
    return functional.selu(x)


@register
def gelu(
    x: Float[Tensor, "*shape"], *, approximate: bool = False
) -> Float[Tensor, "*shape"]:
    """The value times the chance that a standard normal lies below it.

    y = x * Phi(x) = x / 2 * (1 + erf(x / sqrt(2)))

    Args:
        x: Floating-point values.
        approximate: Whether to use the tanh formula, as older transformers did.

    Shape:
        x, y: (*shape)

    Returns:
        The values.

    Example:
        >>> gelu(torch.tensor([-1.0, 2.0]))
        tensor([-0.1587,  1.9545])

    Source:
        Hendrycks & Gimpel 2016, section 2.
    """
    return functional.gelu(x, approximate="tanh" if approximate else "none")


@register
def silu(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The value times its sigmoid, also called swish.

    y = x / (1 + exp(-x))

    Args:
        x: Floating-point values.

    Shape:
        x, y: (*shape)

    Returns:
        The values.

    Example:
        >>> silu(torch.tensor([-1.0, 2.0]))
        tensor([-0.2689,  1.7616])

    Source:
        Elfwing, Uchibe & Doya 2018; Ramachandran, Zoph & Le 2017.
    """
    return functional.silu(x)


@register
def softmax(x: Float[Tensor, "*shape"], *, axis: int = -1) -> Float[Tensor, "*shape"]:
    """Probabilities from scores that may differ by a constant.

    y_k = exp(x_k) / sum_j exp(x_j)

    Args:
        x: Floating-point values.
        axis: Along which the results sum to 1.

    Shape:
        x, y: (*shape)

    Returns:
        Values between 0 and 1.

    Example:
        >>> softmax(torch.tensor([0.0, 1.0, 2.0]))
        tensor([0.0900, 0.2447, 0.6652])

    Source:
        Bridle 1990.
    """
    return torch.softmax(x, axis)


@register
def softplus(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """A smooth rectifier.

    y = log(1 + exp(x))

    Args:
        x: Floating-point values; above 20 the result is x itself.

    Shape:
        x, y: (*shape)

    Returns:
        Positive values.

    Example:
        >>> softplus(torch.tensor([-1.0, 2.0]))
        tensor([0.3133, 2.1269])

    Source:
        Dugas et al. 2001.
    """
    return functional.softplus(x)


@register
def gaussian(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """A bell: 1 at zero, falling to 0 on both sides.

    y = exp(-x^2)

    Args:
        x: Floating-point values.

    Shape:
        x, y: (*shape)

    Returns:
        Values between 0 and 1.

    Example:
        >>> gaussian(torch.tensor([0.0, 1.0]))
        tensor([1.0000, 0.3679])

    Source:
        The unit of radial-basis networks: Broomhead & Lowe 1988.
    """
    return torch.exp(-torch.square(x))


ACTIVATIONS: dict[str, Callable[..., Tensor]] = {
    "elu": elu,
    "gaussian": gaussian,
    "gelu": gelu,
    "hard_tanh": hard_tanh,
    "identity": identity,
    "leaky_relu": leaky_relu,
    "linear": identity,  # Keras's name
    "relu": relu,
    "selu": selu,
    "sigmoid": sigmoid,
    "sign": sign,
    "silu": silu,
    "softmax": softmax,
    "softplus": softplus,
    "step": step,
    "swish": silu,  # the name in Keras and in the paper that made it known
    "tanh": tanh,
    **{name: getattr(variants, name) for name in variants.__all__},
}

ActivationLike = str | Callable[..., Tensor] | None


def get_activation(
    activation: ActivationLike, where: str = "get_activation"
) -> Callable[..., Tensor] | None:
    """Find the function that a name or a function stands for.

    Args:
        activation: A name such as "relu"; a function or module of a tensor; or `None`.
        where: Who asks, for the error.

    Returns:
        The function; `None` for `None`, so that no activation costs no call.

    Raises:
        ConfigError: The name is not known, or it is neither a name nor a function.

    Example:
        >>> get_activation("relu") is relu
        True
    """
    if activation is None:
        return None
    if isinstance(activation, type):
        raise ConfigError(
            f"{where}: expected activation to be a function or an object, got the "
            f"class {activation.__name__}. Write {activation.__name__}()."
        )
    if callable(activation):
        return activation
    return ACTIVATIONS[one_of(activation, ACTIVATIONS, where, "activation")]
