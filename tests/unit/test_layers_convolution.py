"""Convolutions of every rank: sizes, sentences, weights."""

import re

import pytest
import torch

from mica import layers
from mica.errors import ConfigError, DataError, ShapeError
from mica.layers import Input
from mica.shapes import transposed_cut
from tests.tolerances import assert_close

ARGUMENTS = {
    "two sizes for a sequence": (
        lambda: layers.Conv1D(3, (3, 3)),
        "Conv1D: expected kernel_size to be a positive integer, got (3, 3). Write "
        "kernel_size=3.",
    ),
    "two sizes for a volume": (
        lambda: layers.MaxPooling3D((2, 2)),
        "MaxPooling3D: expected pool_size to be a positive integer or three of them, "
        "got (2, 2). Write pool_size=3 or pool_size=(3, 3, 3).",
    ),
    "no size": (
        lambda: layers.AdaptiveMaxPooling2D(0),
        "AdaptiveMaxPooling2D: expected output_size to be a positive integer or two "
        "of them, got 0. Write output_size=3 or output_size=(3, 3).",
    ),
    "a causal image": (
        lambda: layers.Conv2D(3, 3, padding="causal"),
        "Conv2D: expected padding to be a known name, got 'causal'. Choose from: same, "
        "valid.",
    ),
    "a causal transposed convolution": (
        lambda: layers.Conv1DTranspose(3, 3, padding="causal"),
        "Conv1DTranspose: expected padding to be a known name, got 'causal'. Choose "
        "from: same, valid.",
    ),
    "groups that share no filters": (
        lambda: layers.Conv3DTranspose(10, 3, groups=3),
        "Conv3DTranspose: expected filters to be a multiple of groups, got filters=10 "
        "and groups=3. Change one of them.",
    ),
    "groups that share no channels": (
        lambda: layers.Conv1DTranspose(4, 3, groups=2)(torch.zeros(1, 8, 3)),
        "Conv1DTranspose: expected channels to be a multiple of groups, got 3 in shape "
        "(1, 8, 3) and groups=2. Change groups.",
    ),
    "half a multiplier": (
        lambda: layers.DepthwiseConv2D(3, depth_multiplier=0.5),
        "DepthwiseConv2D: expected depth_multiplier to be a positive integer, got 0.5. "
        "Write for example depth_multiplier=32.",
    ),
    "a rule that is not known": (
        lambda: layers.SeparableConv1D(3, 3, pointwise_regularizer="l3"),
        "SeparableConv1D: expected pointwise_regularizer to be a known name, got 'l3'. "
        "Choose from: l1, l1_l2, l2, orthogonal, orthogonal_regularizer.",
    ),
}


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(("make", "sentence"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_a_wrong_argument_has_its_sentence(make, sentence):
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        make()


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    "more", [2, -1, 0.5, True, "1", (0, 2), (1,), (0, 0, 0)], ids=str
)
def test_more_positions_are_below_the_stride(more):
    sentence = (
        "Conv2DTranspose: expected output_padding from 0 to below strides, one number "
        f"or one for each axis, got {more!r} and strides=(2, 2). Write "
        "output_padding=None for the usual size."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        layers.Conv2DTranspose(3, 3, 2, output_padding=more)


def built(layer, *shape):
    layer(torch.zeros(shape))
    return layer


INPUTS = {
    "an image for a sequence": (
        lambda: layers.Conv1D(3, 3),
        torch.zeros(1, 8, 8, 3),
        ShapeError,
        "Conv1D: expected 3 axes (batch, steps, channels), got shape (1, 8, 8, 3). "
        "Take the extra axis away, e.g. with Reshape.",
    ),
    "an image for a pooling of sequences": (
        lambda: layers.AveragePooling1D(),
        torch.zeros(1, 8, 8, 3),
        ShapeError,
        "AveragePooling1D: expected 3 axes (batch, steps, channels), got shape (1, 8, "
        "8, 3). Take the extra axis away, e.g. with Reshape.",
    ),
    "an image for a pooling of volumes": (
        lambda: layers.MaxPooling3D(),
        torch.zeros(1, 8, 8, 3),
        ShapeError,
        "MaxPooling3D: expected 5 axes (batch, depth, height, width, channels), got "
        "shape (1, 8, 8, 3). Add the missing axis, e.g. with Reshape.",
    ),
    "an image for a global pooling of sequences": (
        lambda: built(layers.GlobalAveragePooling1D(), 1, 8, 3),
        torch.zeros(1, 8, 8, 3),
        ShapeError,
        "GlobalAveragePooling1D: expected 3 axes (batch, steps, channels), got shape "
        "(1, 8, 8, 3). Take the extra axis away, e.g. with Reshape.",
    ),
    "a volume for a global pooling of images": (
        lambda: built(layers.GlobalMaxPooling2D(), 1, 8, 8, 3),
        torch.zeros(1, 8, 8, 8, 3),
        ShapeError,
        "GlobalMaxPooling2D: expected 4 axes (batch, height, width, channels), got "
        "shape (1, 8, 8, 8, 3). Take the extra axis away, e.g. with Reshape.",
    ),
    "an image for parts of volumes": (
        lambda: layers.AdaptiveAveragePooling3D(2),
        torch.zeros(1, 8, 8, 3),
        ShapeError,
        "AdaptiveAveragePooling3D: expected 5 axes (batch, depth, height, width, "
        "channels), got shape (1, 8, 8, 3). Add the missing axis, e.g. with Reshape.",
    ),
    "a short sequence": (
        lambda: built(layers.Conv1D(3, 3, dilation_rate=2), 1, 9, 2),
        torch.zeros(1, 4, 2),
        ShapeError,
        "Conv1D: expected steps of at least 5 for its window, got 4 in shape (1, 4, "
        '2). Use a smaller kernel_size, or padding="same".',
    ),
    "a flat volume": (
        lambda: layers.AveragePooling3D(2),
        torch.zeros(1, 4, 4, 1, 2),
        ShapeError,
        "AveragePooling3D: expected width of at least 2 for its window, got 1 in shape "
        '(1, 4, 4, 1, 2). Use a smaller pool_size, or padding="same".',
    ),
    "no steps": (
        lambda: layers.Conv1D(3, 3, padding="causal"),
        torch.zeros(1, 0, 2),
        ShapeError,
        "Conv1D: expected a sequence of at least 1 step, got steps 0 in shape (1, 0, "
        "2). Look at how the input was cut.",
    ),
    "no depth": (
        lambda: layers.GlobalMaxPooling3D(),
        torch.zeros(1, 0, 2, 2, 2),
        ShapeError,
        "GlobalMaxPooling3D: expected a volume of at least 1 by 1 by 1, got depth 0 in "
        "shape (1, 0, 2, 2, 2). Look at how the input was cut.",
    ),
    "other channels": (
        lambda: built(layers.DepthwiseConv1D(3, depth_multiplier=2), 1, 8, 3),
        torch.zeros(1, 8, 4),
        ShapeError,
        "DepthwiseConv1D: expected last axis of size 3, got 4 in shape (1, 8, 4). "
        "Build a new layer for the new size.",
    ),
    "other channels, mixed later": (
        lambda: built(layers.SeparableConv2D(5, 3, depth_multiplier=2), 1, 8, 8, 3),
        torch.zeros(1, 8, 8, 4),
        ShapeError,
        "SeparableConv2D: expected last axis of size 3, got 4 in shape (1, 8, 8, 4). "
        "Build a new layer for the new size.",
    ),
    "other channels, transposed": (
        lambda: built(layers.Conv2DTranspose(5, 3), 1, 8, 8, 3),
        torch.zeros(1, 8, 8, 4),
        ShapeError,
        "Conv2DTranspose: expected last axis of size 3, got 4 in shape (1, 8, 8, 4). "
        "Build a new layer for the new size.",
    ),
    "nothing left": (
        lambda: layers.Conv1DTranspose(5, 2, 2, padding="same", output_padding=0),
        torch.zeros(1, 1, 3),
        ShapeError,
        "Conv1DTranspose: expected steps large enough to leave something after the "
        "cut, got 1 in shape (1, 1, 3). Leave output_padding out.",
    ),
    "whole numbers": (
        lambda: layers.Conv3D(3, 1),
        torch.zeros(1, 2, 2, 2, 1, dtype=torch.int64),
        DataError,
        "Conv3D: expected floating-point input, got torch.int64. Convert it with "
        "x.float().",
    ),
    "another type": (
        lambda: built(layers.Conv3DTranspose(3, 1), 1, 2, 2, 2, 1),
        torch.zeros(1, 2, 2, 2, 1, dtype=torch.float64),
        DataError,
        "Conv3DTranspose: expected input of type torch.float32 as its weights, got "
        "torch.float64. Convert it with x.to(torch.float32).",
    ),
}


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(("make", "x", "kind", "sentence"), INPUTS.values(), ids=INPUTS)
def test_a_wrong_input_has_its_sentence(make, x, kind, sentence):
    layer = make()
    with pytest.raises(kind, match=f"^{re.escape(sentence)}$"):
        layer(x)


@pytest.mark.parametrize(
    ("arguments", "steps"),
    [
        ({"kernel_size": 3}, 9),
        ({"kernel_size": 3, "strides": 2}, 15),
        ({"kernel_size": 2, "strides": 5}, 35),
        ({"kernel_size": 2, "strides": 5, "output_padding": 0}, 32),
        ({"kernel_size": 3, "strides": 2, "output_padding": 1}, 16),
        ({"kernel_size": 3, "strides": 2, "padding": "same"}, 14),
        ({"kernel_size": 4, "strides": 3, "padding": "same"}, 21),
        ({"kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 1}, 14),
        ({"kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 0}, 13),
        ({"kernel_size": 2, "strides": 2, "padding": "same", "output_padding": 0}, 12),
        ({"kernel_size": 3, "strides": 2, "dilation_rate": 3}, 19),
    ],
    ids=str,
)
def test_a_transposed_convolution_has_the_size_of_keras(arguments, steps):
    layer = layers.Conv1DTranspose(2, **arguments)
    assert layer(Input((7, 3))).shape == (None, steps, 2)
    assert layer(torch.zeros(1, 7, 3)).shape == (1, steps, 2)


@pytest.mark.parametrize("window", [1, 2, 3, 4])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("more", [None, 0, 1, 2])
def test_a_cut_leaves_the_promised_positions(window, stride, more):
    before, after = transposed_cut(window, stride, 1, "same", more)
    left = 4 * stride + window - before - after  # of five places
    expected = 5 * stride if more is None else 4 * stride + window % 2 + more
    assert left == expected


def test_a_kernel_keeps_its_rules_in_its_layout():
    layer = layers.Conv2D(4, 3, kernel_regularizer="l2", bias_constraint="non_neg")
    layer(torch.zeros(1, 5, 5, 2))
    rules = layer.weight_rules
    assert set(rules) == {"weight", "bias"}
    cost = rules["weight"].regularizer(layer.weight)
    assert_close(cost, 0.01 * layer.weight.square().sum(), "reordered")
    assert layer.weight.is_contiguous(memory_format=torch.channels_last)


RULES = {
    "transposed": lambda rules: layers.Conv1DTranspose(2, 2, **rules("kernel")),
    "depthwise": lambda rules: layers.DepthwiseConv1D(2, **rules("depthwise")),
    "separable": lambda rules: layers.SeparableConv1D(2, 2, **rules("pointwise")),
}


@pytest.mark.parametrize("make", RULES.values(), ids=RULES)
def test_every_weight_may_have_a_rule(make):
    layer = make(
        lambda name: {f"{name}_regularizer": "l1", f"{name}_constraint": "max_norm"}
    )
    layer(torch.zeros(1, 4, 2))
    (rule,) = layer.weight_rules.values()
    assert None not in rule


def test_a_causal_convolution_is_a_convolution_after_zeros():
    x, layer = torch.randn(2, 9, 3), layers.Conv1D(4, 3, padding="causal")
    y = layer(x)
    late = layers.ZeroPadding1D((2, 0))(x)
    layer.padding, layer._zeros = "valid", (0,)
    assert torch.equal(layer(late), y)


def test_a_separable_convolution_is_a_depthwise_one_and_a_dense_layer():
    x = torch.randn(2, 6, 5, 3, dtype=torch.float64)
    both = layers.SeparableConv2D(4, 3, depth_multiplier=2)
    y = both(x)
    first = layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False)
    second = layers.Dense(4)
    second(first(x))
    first.load_state_dict({"weight": both.depthwise.detach()})
    second.load_state_dict({"weight": both.pointwise.detach(), "bias": both.bias})
    assert_close(second(first(x)), y, "reordered")


def test_a_depthwise_channel_sees_no_other():
    x = torch.randn(1, 6, 5, 3, requires_grad=True)
    layer = layers.DepthwiseConv2D(2, depth_multiplier=2)
    (slope,) = torch.autograd.grad(layer(x)[..., 2:4].sum(), x)  # of channel 1
    assert slope.abs().sum((0, 1, 2)).bool().tolist() == [False, True, False]
