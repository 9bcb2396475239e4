"""Regularizers and constraints give Keras's numbers on the same weights."""

import random

import pytest
import torch

from mica import layers
from tests.tolerances import assert_close

CASES = range(20)


@pytest.fixture(autouse=True)
def keras_keeps_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras narrows float64 to float32 outside TensorFlow; here it may not."""
    from keras.src.backend.common import dtypes

    monkeypatch.setitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64", "float64")


def kernel(draw):
    """A weight in torch's layout."""
    return torch.randn(draw.randint(2, 6), draw.randint(2, 6), dtype=torch.float64)


def gradient(cost, weight):
    return torch.autograd.grad(cost, weight)[0]


REGULARIZERS = {
    "L1": lambda draw: {"l1": draw.random()},
    "L2": lambda draw: {"l2": draw.random()},
    "L1L2": lambda draw: {"l1": draw.random(), "l2": draw.random()},
    "OrthogonalRegularizer": lambda draw: {
        "factor": draw.random(),
        "mode": draw.choice(["rows", "columns"]),
    },
}
CONSTRAINTS = {
    "MaxNorm": lambda draw: {"max_value": draw.uniform(0.2, 3)},
    "MinMaxNorm": lambda draw: {
        "min_value": draw.uniform(0, 1.5),
        "max_value": draw.uniform(1.5, 3),
        "rate": draw.random(),
    },
    "UnitNorm": lambda draw: {},
    "NonNegative": lambda draw: {},
}


@pytest.mark.parametrize("kind", REGULARIZERS)
@pytest.mark.parametrize("number", CASES)
def test_a_weight_costs_what_it_does_in_keras(kind, number):
    import keras

    draw = random.Random(f"{kind} {number}")
    arguments = REGULARIZERS[kind](draw)
    weight = kernel(draw).requires_grad_()
    ours = getattr(layers, kind)(**arguments)(weight)
    theirs = getattr(keras.regularizers, kind)(**arguments)(weight.T)
    # Keras keeps its factors in float32.
    assert_close(ours.float(), theirs.float())
    assert_close(gradient(ours, weight).float(), gradient(theirs, weight).float())


@pytest.mark.parametrize("kind", CONSTRAINTS)
@pytest.mark.parametrize("number", CASES)
def test_a_weight_is_moved_where_keras_moves_it(kind, number):
    import keras

    draw = random.Random(f"{kind} {number}")
    arguments, weight = CONSTRAINTS[kind](draw), kernel(draw)
    name = {"NonNegative": "NonNeg"}.get(kind, kind)
    ours = getattr(layers, kind)(**arguments)(weight)
    theirs = getattr(keras.constraints, name)(**arguments)(weight.T)
    # Keras rounds its bounds to float32.
    assert_close(ours.T.float(), theirs.float())


@pytest.mark.parametrize("kind", ["MaxNorm", "MinMaxNorm", "UnitNorm"])
def test_a_convolution_is_constrained_filter_by_filter(kind):
    import keras

    weight = torch.randn(4, 3, 2, 2, dtype=torch.float64)
    theirs = getattr(keras.constraints, kind)(axis=[0, 1, 2])
    ours = getattr(layers, kind)()(weight)
    expected = theirs(weight.permute(2, 3, 1, 0))
    assert_close(ours.permute(2, 3, 1, 0).float(), expected.float())
