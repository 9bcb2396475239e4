"""Merging: shapes that broadcast, and the sentences for those that do not."""

import re

import pytest
import torch

import mica
from mica import layers
from mica.errors import ConfigError, DataError, ShapeError
from mica.layers import Input

A, B, C = torch.zeros(2, 3), torch.zeros(2, 4), torch.zeros(2, 3, 4)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: layers.Add()(A),
            DataError,
            "Add: expected a list of tensors, got something else. "
            "Call it as layer([a, b]).",
        ),
        (
            lambda: layers.Subtract()([A, A, A]),
            DataError,
            "Subtract: expected a list of 2 tensors, got 3 of them. "
            "Call it as layer([a, b]).",
        ),
        (
            lambda: layers.Multiply()([A, B]),
            ShapeError,
            "Multiply: expected equal shapes, or sizes of 1 that repeat, got (2, 3), "
            "(2, 4). Reshape or project them first.",
        ),
        (
            lambda: layers.Concatenate(axis=0),
            ConfigError,
            "Concatenate: expected an axis beside the batch, got axis=0. Use axis=-1 "
            "to put features side by side.",
        ),
        (
            lambda: layers.Concatenate(axis=2)([A, B]),
            ShapeError,
            "Concatenate: expected tensors that have axis 2 beside the batch, got "
            "(2, 3), (2, 4). Give another axis.",
        ),
        (
            lambda: layers.Concatenate()([A, C]),
            ShapeError,
            "Concatenate: expected tensors equal but for axis -1, got (2, 3), "
            "(2, 3, 4). Reshape them, or give another axis.",
        ),
        (
            lambda: layers.Dot(0),
            ConfigError,
            "Dot: expected axes to be an axis beside the batch, or one for each of the "
            "two tensors, got 0. Write for example axes=1.",
        ),
        (
            lambda: layers.Dot(2)([A, C]),
            ShapeError,
            "Dot: expected tensors that have the axes (2, 2) beside the batch, got "
            "(2, 3) and (2, 3, 4). Give other axes.",
        ),
        (
            lambda: layers.Dot((1, 2))([A, C]),
            ShapeError,
            "Dot: expected the same size on the axes (1, 2), got 3 and 4 in (2, 3) and "
            "(2, 3, 4). Give other axes.",
        ),
    ],
)
def test_what_cannot_be_merged_is_told(call, error, text):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        call()


def test_a_residual_connection_is_a_graph():
    x = Input((4,))
    model = mica.Model(x, layers.Add()([x, layers.Dense(4)(x)]))
    value = torch.randn(2, 4)
    (dense,) = [part for part in model.sublayers() if isinstance(part, layers.Dense)]
    assert torch.equal(model(value), value + dense(value))


def test_one_tensor_is_handed_on_as_a_copy():
    x = torch.ones(2)
    y = layers.Add()([x])
    assert torch.equal(y, x)
    assert y is not x
