"""The same weights give the same numbers as in Keras 3: outputs and all gradients.

Random configurations in float64, drawn by seed. Keras runs on its torch backend.
"""

import random
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from mica import layers
from mica.layers import Layer
from tests.tolerances import assert_close

CASES_PER_PART = 20
PARTS = range(3)


@dataclass(frozen=True)
class Drawn:
    """One configuration: the same layer twice, and an input."""

    ours: Layer
    theirs: Any
    x: Tensor
    training: bool = False
    text: str = ""


@pytest.fixture(autouse=True)
def keras_keeps_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras narrows float64 to float32 outside TensorFlow; here it may not."""
    from keras.src.backend.common import dtypes

    monkeypatch.setitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64", "float64")


def keras_layers() -> Any:
    import keras

    return keras.layers


def images(draw: random.Random, *, channels: int | None = None) -> Tensor:
    channels = channels or draw.randint(1, 4)
    height, width = draw.randint(7, 10), draw.randint(7, 10)
    return torch.randn(draw.randint(1, 3), height, width, channels, dtype=torch.float64)


def anything(draw: random.Random) -> Tensor:
    shape = [
        draw.randint(1, 5),
        *(draw.randint(2, 5) for _ in range(draw.randint(1, 3))),
    ]
    return torch.randn(*shape, dtype=torch.float64) * 2


def both(kind: str, arguments: dict[str, Any], x: Tensor, **extra: Any) -> Drawn:
    """The same class with the same arguments on both sides."""
    ours = getattr(layers, kind)(**arguments)
    theirs = getattr(keras_layers(), kind)(**arguments, dtype="float64")
    return Drawn(ours, theirs, x, text=f"{kind}({arguments}) of {x.shape}", **extra)


ACTIVATIONS = (
    "elu gelu hard_tanh leaky_relu linear relu selu sigmoid silu softmax softplus "
    "swish tanh"
).split()


def draw_activation(draw: random.Random) -> Drawn:
    return both("Activation", {"activation": draw.choice(ACTIVATIONS)}, anything(draw))


def draw_dense(draw: random.Random) -> Drawn:
    arguments = {
        "units": draw.randint(2, 6),
        "activation": draw.choice([None, *ACTIVATIONS]),
        "use_bias": draw.random() < 0.7,
    }
    return both("Dense", arguments, anything(draw))


def draw_convolution(draw: random.Random) -> Drawn:
    groups = draw.choice([1, 1, 1, 2, 3])
    strides = draw.choice([1, 1, 2, 3, (2, 1), (1, 3)])
    arguments = {
        # In float64 Keras on torch cannot go backwards through a single filter.
        "filters": groups * draw.randint(2, 3),
        "kernel_size": draw.choice([1, 2, 3, 4, (2, 3), (3, 1), (1, 4)]),
        "strides": strides,
        "padding": draw.choice(["valid", "same"]),
        # Keras refuses strides and dilation together.
        "dilation_rate": draw.choice([1, 1, 2, (1, 2)]) if strides == 1 else 1,
        "groups": groups,
        "activation": draw.choice([None, None, "relu", "tanh", "softmax"]),
        "use_bias": draw.random() < 0.7,
    }
    x = images(draw, channels=groups * draw.randint(1, 2))
    return both("Conv2D", arguments, x)


def draw_max_pooling(draw: random.Random) -> Drawn:
    arguments = {
        "pool_size": draw.choice([1, 2, 3, 4, (2, 3), (3, 1)]),
        "strides": draw.choice([None, 1, 2, 3, (2, 1), (1, 3)]),
        "padding": draw.choice(["valid", "same"]),
    }
    return both("MaxPooling2D", arguments, images(draw))


def draw_average_pooling(draw: random.Random) -> Drawn:
    arguments = {
        "pool_size": draw.choice([1, 2, 3, 4, (2, 3), (3, 1)]),
        "strides": draw.choice([None, 1, 2, 3, (2, 1), (1, 3)]),
        "padding": "valid",
    }
    if draw.random() < 0.5:
        # Where the padding is uneven, Keras on torch repeats the edge, unlike Keras on
        # its other backends and unlike us: test_layers_closed_form.py has those.
        arguments = {"pool_size": draw.choice([1, 3, 5]), "strides": 1}
        arguments["padding"] = "same"
    return both("AveragePooling2D", arguments, images(draw))


def draw_global_average(draw: random.Random) -> Drawn:
    keepdims = {"keepdims": draw.random() < 0.5}
    return both("GlobalAveragePooling2D", keepdims, images(draw))


def draw_global_max(draw: random.Random) -> Drawn:
    keepdims = {"keepdims": draw.random() < 0.5}
    return both("GlobalMaxPooling2D", keepdims, images(draw))


def draw_batch_normalization(draw: random.Random) -> Drawn:
    x = anything(draw)
    arguments = {
        "axis": draw.choice([-1, -1, *range(1, x.ndim)]),
        "momentum": draw.choice([0.99, 0.9, 0.5]),
        "epsilon": draw.choice([1e-3, 1e-5, 0.1]),
        "center": draw.random() < 0.7,
        "scale": draw.random() < 0.7,
    }
    return both("BatchNormalization", arguments, x, training=draw.random() < 0.6)


def draw_flatten(draw: random.Random) -> Drawn:
    return both("Flatten", {}, anything(draw))


def draw_reshape(draw: random.Random) -> Drawn:
    sizes = [draw.randint(1, 4) for _ in range(draw.randint(1, 3))]
    x = torch.randn(2, *sizes, dtype=torch.float64)
    target = draw.sample(sizes, len(sizes))
    if draw.random() < 0.5:
        target[draw.randrange(len(target))] = -1
    return both("Reshape", {"target_shape": tuple(target)}, x)


def draw_dropout_at_rest(draw: random.Random) -> Drawn:
    return both("Dropout", {"rate": draw.choice([0.0, 0.3, 0.9])}, anything(draw))


def draw_relu(draw: random.Random) -> Drawn:
    arguments = {
        "max_value": draw.choice([None, 1.0, 6.0]),
        "negative_slope": draw.choice([0.0, 0.3]),
        "threshold": draw.choice([0.0, 0.5]),
    }
    return both("ReLU", arguments, anything(draw))


def draw_leaky_relu(draw: random.Random) -> Drawn:
    arguments = draw.choice([{}, {"negative_slope": draw.random()}])
    return both("LeakyReLU", arguments, anything(draw))


def draw_elu(draw: random.Random) -> Drawn:
    arguments = draw.choice([{}, {"alpha": draw.random()}])
    return both("ELU", arguments, anything(draw))


def draw_softmax(draw: random.Random) -> Drawn:
    x = anything(draw)
    return both("Softmax", {"axis": draw.choice([-1, *range(1, x.ndim)])}, x)


DRAWS = {
    name.removeprefix("draw_"): function
    for name, function in dict(globals()).items()
    if name.startswith("draw_")
}


def set_random_weights(layer: Layer) -> None:
    with torch.no_grad():
        for value in layer.state_dict().values():
            value.uniform_(0.5, 1.5).mul_(torch.randn_like(value).sign())
        if hasattr(layer, "running_var"):
            layer.running_var.abs_()


def arranged(value: Tensor) -> Tensor:
    """torch has weights as (out, in, *window), Keras as (*window, in, out)."""
    return value.permute(*range(2, value.ndim), 1, 0) if value.ndim > 1 else value


def gradients(x: Tensor, y: Tensor, weights: list[Tensor]) -> list[Tensor]:
    """Of a sum weighted by fixed numbers, so that no gradient is trivially zero."""
    weighting = torch.linspace(-1, 2, y.numel(), dtype=y.dtype).reshape(y.shape)
    return list(torch.autograd.grad((y * weighting).sum(), [x, *weights]))


def assert_all_close(ours: list[Tensor], theirs: list[Any]) -> None:
    for mine, other in zip(ours, theirs, strict=True):
        assert_close(mine, other)


def compare(drawn: Drawn) -> None:
    ours, theirs = drawn.ours.train(drawn.training), drawn.theirs
    ours.ensure_built(drawn.x)
    set_random_weights(ours)
    theirs.build(tuple(drawn.x.shape))
    # Both hold them in the same order: kernel and bias; gamma, beta, mean, variance.
    state = list(ours.state_dict().values())
    for variable, value in zip(theirs.weights, state, strict=True):
        variable.assign(arranged(value).clone())

    x, their_x = (drawn.x.clone().requires_grad_() for _ in range(2))
    y = ours(x)
    their_y = theirs(their_x, training=drawn.training)
    assert_close(y, their_y)

    mine = gradients(x, y, list(ours.parameters()))
    others = [variable.value for variable in theirs.trainable_variables]
    expected = gradients(their_x, their_y, others)
    assert_close(mine[0], expected[0])
    assert_all_close([arranged(value) for value in mine[1:]], expected[1:])
    # Running statistics have moved alike.
    moved = [variable.value for variable in theirs.weights]
    assert_all_close([arranged(value) for value in state], moved)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("kind", DRAWS)
def test_outputs_gradients_and_statistics_are_those_of_keras(kind, part):
    draw = random.Random(f"{kind} {part}")
    for number in range(CASES_PER_PART):
        drawn = DRAWS[kind](draw)
        try:
            compare(drawn)
        except Exception as error:
            error.add_note(f"configuration {number}: {drawn.text}")
            raise


def test_at_least_200_configurations_are_compared():
    assert len(DRAWS) * len(PARTS) * CASES_PER_PART >= 200


@pytest.mark.parametrize("kind", DRAWS)
def test_configurations_differ(kind):
    draw = random.Random(kind)
    texts = {DRAWS[kind](draw).text for _ in range(20)}
    assert len(texts) >= 2
