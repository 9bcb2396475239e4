"""Configurations of the layers that scale, cut and number their inputs."""

import random

import torch

from mica import layers
from tests.oracle.keras_draws.drawing import Drawn, anything, both, keras_layers

__all__ = ["DRAWS"]


def nothing(state):
    """Keras holds what it learned outside of its weights."""
    del state
    return []


def draw_normalization(draw: random.Random) -> Drawn:
    x = anything(draw)
    several = sorted(draw.sample(range(1, x.ndim), draw.randint(1, x.ndim - 1)))
    axis = draw.choice([-1, None, several])
    count = draw.choice([1, 2, 5])
    data = torch.cat([x.flip(0) * part for part in range(1, count + 1)])
    invert = draw.random() < 0.4
    learned = layers.Normalization(axis=axis, invert=invert).adapt(data)
    theirs = keras_layers().Normalization(axis=axis, invert=invert, dtype="float64")
    theirs.adapt(data)
    expected = {name: value.clone() for name, value in _values(learned, x).items()}

    def put_back(ours):
        for name, value in expected.items():
            getattr(ours, name).copy_(value)

    def of_keras(state):
        # mean, variance and a count, which no gradient reaches
        del state
        return [weight.value for weight in theirs.weights]

    text = f"Normalization(axis={axis}, invert={invert}) of {tuple(x.shape)}"
    return Drawn(learned, theirs, x, text=text, to_keras=of_keras, prepare=put_back)


def _values(layer, x):
    layer.ensure_built(x)
    return layer.state_dict()


def draw_rescaling(draw: random.Random) -> Drawn:
    arguments = {
        "scale": draw.choice([1 / 255, 2.0, -0.5]),
        "offset": draw.choice([0.0, -1.0, 3.5]),
    }
    return both("Rescaling", arguments, anything(draw))


def draw_discretization(draw: random.Random) -> Drawn:
    mode = draw.choice(["int", "one_hot", "multi_hot", "count"])
    boundaries = sorted(draw.uniform(-2, 2) for _ in range(draw.randint(1, 6)))
    shape = [draw.randint(2, 5), draw.randint(2, 5)]
    x = torch.randn(shape, dtype=torch.float64)
    x[0, 0] = boundaries[0]  # a boundary belongs to the bin above it
    arguments = {"bin_boundaries": boundaries, "output_mode": mode}

    def put_back(ours):
        ours.boundaries.copy_(torch.tensor(boundaries, dtype=torch.float64))

    drawn = both("Discretization", arguments, x, to_keras=nothing, prepare=put_back)
    return _with_types_of_ours(drawn)


def draw_category_encoding(draw: random.Random) -> Drawn:
    mode = draw.choice(["one_hot", "multi_hot", "count"])
    size = draw.randint(2, 7)
    x = torch.randint(0, size, (draw.randint(2, 5), draw.randint(1, 4)))
    arguments = {"num_tokens": size, "output_mode": mode}
    call = {}
    if mode == "count" and draw.random() < 0.5:
        call = {"count_weights": torch.rand(x.shape)}
    drawn = both(
        "CategoryEncoding", arguments, x, ours_call=call, theirs_call=dict(call)
    )
    return _with_types_of_ours(drawn)


class _InOurTypes:
    """A layer of Keras, its output in the type that ours gives."""

    def __init__(self, layer):
        self.layer, self.built, self.weights = layer, True, []

    def __call__(self, x, **options):
        del options["training"]
        y = self.layer(x, **options)
        return y.to(torch.float32) if y.dtype.is_floating_point else y.to(torch.int64)


def _with_types_of_ours(drawn: Drawn) -> Drawn:
    wrapped = _InOurTypes(drawn.theirs)
    return Drawn(**{**drawn.__dict__, "theirs": wrapped, "to_keras": nothing})


DRAWS = {
    "CategoryEncoding": draw_category_encoding,
    "Discretization": draw_discretization,
    "Normalization": draw_normalization,
    "Rescaling": draw_rescaling,
}
