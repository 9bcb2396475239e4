"""What a random configuration is: a layer twice, an input, and how they match."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from mica import layers
from mica.layers import Layer

__all__ = [
    "ACTIVATIONS",
    "Drawn",
    "anything",
    "arranged",
    "both",
    "images",
    "in_the_same_order",
    "keras_layers",
    "sequences",
    "volumes",
]

# Not sparsemax: for values far apart, what Keras gives does not add up to 1.
ACTIVATIONS = (
    "celu elu exponential gelu hard_shrink hard_sigmoid hard_silu hard_tanh leaky_relu "
    "linear log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink "
    "softmax softplus softsign sparse_plus sparse_sigmoid squareplus swish "
    "tanh tanh_shrink"
).split()


def arranged(value: Tensor) -> Tensor:
    """torch has weights as (out, in, *window), Keras as (*window, in, out)."""
    return value.permute(*range(2, value.ndim), 1, 0) if value.ndim > 1 else value


def in_the_same_order(state: Mapping[str, Tensor]) -> list[Tensor]:
    """Weights of ours as Keras holds them, when both have them in the same order."""
    return [arranged(value) for value in state.values()]


@dataclass(frozen=True)
class Drawn:
    """One configuration: the same layer twice, and an input.

    `x` is a tensor or a list of them. `to_keras` brings our weights by name (or their
    gradients) to Keras's list of all weights. `ours_call` and `theirs_call` are named
    arguments of the call, such as a mask. `outputs` picks what is compared.
    """

    ours: Layer
    theirs: Any
    x: Any
    training: bool = False
    text: str = ""
    to_keras: Callable[[Mapping[str, Tensor]], list[Tensor]] = in_the_same_order
    ours_call: Mapping[str, Any] = field(default_factory=dict)
    theirs_call: Mapping[str, Any] = field(default_factory=dict)
    # Called with ours after random weights were set, e.g. to keep a variance positive.
    prepare: Callable[[Layer], None] | None = None


def keras_layers() -> Any:
    """Keras's layers, imported when the first test needs them."""
    import keras

    return keras.layers


def sequences(draw: random.Random, *, channels: int | None = None) -> Tensor:
    """A few sequences of 7 to 12 steps."""
    channels = channels or draw.randint(1, 4)
    shape = (draw.randint(1, 3), draw.randint(7, 12), channels)
    return torch.randn(shape, dtype=torch.float64)


def images(draw: random.Random, *, channels: int | None = None) -> Tensor:
    """A few small images."""
    channels = channels or draw.randint(1, 4)
    height, width = draw.randint(7, 10), draw.randint(7, 10)
    return torch.randn(draw.randint(1, 3), height, width, channels, dtype=torch.float64)


def volumes(draw: random.Random, *, channels: int | None = None) -> Tensor:
    """A few small volumes."""
    channels = channels or draw.randint(1, 3)
    sizes = [draw.randint(5, 7) for _ in range(3)]
    return torch.randn(draw.randint(1, 2), *sizes, channels, dtype=torch.float64)


def anything(draw: random.Random) -> Tensor:
    """Values of two to four axes."""
    shape = [
        draw.randint(1, 5),
        *(draw.randint(2, 5) for _ in range(draw.randint(1, 3))),
    ]
    return torch.randn(*shape, dtype=torch.float64) * 2


def both(kind: str, arguments: dict[str, Any], x: Any, **extra: Any) -> Drawn:
    """The same class with the same arguments on both sides."""
    ours = getattr(layers, kind)(**arguments)
    theirs = getattr(keras_layers(), kind)(**arguments, dtype="float64")
    shapes = [tuple(value.shape) for value in (x if isinstance(x, list) else [x])]
    return Drawn(ours, theirs, x, text=f"{kind}({arguments}) of {shapes}", **extra)
