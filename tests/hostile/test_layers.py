"""Wrong arguments and wrong inputs of layers: each has its sentence, whole."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mica.errors import ConfigError, DataError, MicaError, ShapeError
from mica.layers import (
    ELU,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalMaxPooling2D,
    Input,
    Layer,
    LeakyReLU,
    MaxPooling2D,
    ReLU,
    Reshape,
    Softmax,
)

ARGUMENTS = {
    "no units": (
        lambda: Dense(0),
        "Dense: expected units to be a positive integer, got 0. Write for example "
        "units=32.",
    ),
    "half a unit": (
        lambda: Dense(2.5),
        "Dense: expected units to be a positive integer, got 2.5. Write for example "
        "units=32.",
    ),
    "units in words": (
        lambda: Dense("many"),
        "Dense: expected units to be a positive integer, got 'many'. Write for example "
        "units=32.",
    ),
    "units as a choice": (
        lambda: Dense(True),
        "Dense: expected units to be a positive integer, got True. Write for example "
        "units=32.",
    ),
    "an activation that is not known": (
        lambda: Dense(3, activation="rellu"),
        "Dense: expected activation to be a known name, got 'rellu'. Did you mean "
        "'relu' or 'relu6'?",
    ),
    "an initializer that is not known": (
        lambda: Conv2D(3, 3, kernel_initializer="he_norm"),
        "Conv2D: expected kernel_initializer to be a known name, got 'he_norm'. Did "
        "you mean 'he_normal' or 'he_uniform'?",
    ),
    "negative filters": (
        lambda: Conv2D(-1, 3),
        "Conv2D: expected filters to be a positive integer, got -1. Write for example "
        "filters=32.",
    ),
    "no window": (
        lambda: Conv2D(3, 0),
        "Conv2D: expected kernel_size to be a positive integer or two of them, got 0. "
        "Write kernel_size=3 or kernel_size=(3, 3).",
    ),
    "a window of three sizes": (
        lambda: MaxPooling2D((2, 2, 2)),
        "MaxPooling2D: expected pool_size to be a positive integer or two of them, got "
        "(2, 2, 2). Write pool_size=3 or pool_size=(3, 3).",
    ),
    "a stride of half a step": (
        lambda: AveragePooling2D(2, 0.5),
        "AveragePooling2D: expected strides to be a positive integer or two of them, "
        "got 0.5. Write strides=3 or strides=(3, 3).",
    ),
    "a padding in capitals": (
        lambda: Conv2D(3, 3, padding="full"),
        "Conv2D: expected padding to be a known name, got 'full'. Choose from: same, "
        "valid.",
    ),
    "groups that do not divide the filters": (
        lambda: Conv2D(10, 3, groups=3),
        "Conv2D: expected filters to be a multiple of groups, got filters=10 and "
        "groups=3. Change one of them.",
    ),
    "groups that do not divide the channels": (
        lambda: Conv2D(4, 3, groups=2)(torch.zeros(1, 8, 8, 3)),
        "Conv2D: expected channels to be a multiple of groups, got 3 in shape (1, 8, "
        "8, 3) and groups=2. Change groups.",
    ),
    "a rate of one": (
        lambda: Dropout(1.0),
        "Dropout: expected rate from 0 to below 1, got 1.0. Write for example rate=0.5 "
        "for one half.",
    ),
    "a rate of fifty": (
        lambda: Dropout(50),
        "Dropout: expected rate from 0 to below 1, got 50. Write for example rate=0.5 "
        "for one half.",
    ),
    "a rate in words": (
        lambda: Dropout("half"),
        "Dropout: expected rate from 0 to below 1, got 'half'. Write for example "
        "rate=0.5 for one half.",
    ),
    "a negative rate": (
        lambda: Dropout(-0.1),
        "Dropout: expected rate from 0 to below 1, got -0.1. Write for example "
        "rate=0.5 for one half.",
    ),
    "a momentum of one": (
        lambda: BatchNormalization(momentum=1.0),
        "BatchNormalization: expected momentum from 0 to below 1, got 1.0. Write for "
        "example momentum=0.5 for one half.",
    ),
    "a negative epsilon": (
        lambda: BatchNormalization(epsilon=-1e-3),
        "BatchNormalization: expected epsilon to be a finite number of at least 0, got "
        "-0.001. Give epsilon another value.",
    ),
    "normalising along the batch": (
        lambda: BatchNormalization(axis=0),
        "BatchNormalization: expected the axis of the channels, got axis=0, the batch. "
        "Use axis=-1, or axis=1 for channels first.",
    ),
    "an axis in words": (
        lambda: Softmax("last"),
        "Softmax: expected axis to be an integer, got 'last'. Write for example "
        "axis=-1.",
    ),
    "a slope downwards": (
        lambda: LeakyReLU(-0.2),
        "LeakyReLU: expected negative_slope to be a finite number of at least 0, got "
        "-0.2. Give negative_slope another value.",
    ),
    "a slope without end": (
        lambda: ELU(math.inf),
        "ELU: expected alpha to be a finite number of at least 0, got inf. Give alpha "
        "another value.",
    ),
    "a ceiling below the floor": (
        lambda: ReLU(max_value=-1.0),
        "ReLU: expected max_value to be a finite number of at least 0, got -1.0. Give "
        "max_value another value.",
    ),
    "two free sizes": (
        lambda: Reshape((-1, 2, -1)),
        "Reshape: expected target_shape to hold positive integers and at most one -1, "
        "got (-1, 2, -1). Write the shape of one sample.",
    ),
    "a size of nothing": (
        lambda: Reshape((0, 2)),
        "Reshape: expected target_shape to hold positive integers and at most one -1, "
        "got (0, 2). Write the shape of one sample.",
    ),
    "a target of one number": (
        lambda: Reshape(12),
        "Reshape: expected target_shape to hold positive integers and at most one -1, "
        "got 12. Write the shape of one sample.",
    ),
    "a broken size": (
        lambda: Reshape((2.5, 2)),
        "Reshape: expected target_shape to hold positive integers and at most one -1, "
        "got (2.5, 2). Write the shape of one sample.",
    ),
}


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(("make", "sentence"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_a_wrong_argument_is_said(make, sentence):
    with pytest.raises(ConfigError) as caught:
        make()
    assert str(caught.value) == sentence


def built(layer: Layer, *shape: int) -> Layer:
    layer(torch.zeros(shape))
    return layer


INPUTS: dict[str, tuple[Any, Any, type[MicaError], str]] = {
    "another size": (
        lambda: built(Dense(3), 2, 5),
        torch.zeros(2, 4),
        ShapeError,
        "Dense: expected last axis of size 5, got 4 in shape (2, 4). Build a new layer "
        "for the new size.",
    ),
    "another size, named": (
        lambda: built(Dense(3, name="head"), 2, 5),
        torch.zeros(2, 4),
        ShapeError,
        "Dense 'head': expected last axis of size 5, got 4 in shape (2, 4). Build a "
        "new layer for the new size.",
    ),
    "another size, before there are data": (
        lambda: built(Dense(3), 2, 5),
        Input((4,)),
        ShapeError,
        "Dense: expected last axis of size 5, got 4 in shape (None, 4). Build a new "
        "layer for the new size.",
    ),
    "a row without features": (
        lambda: Dense(3),
        torch.zeros(2),
        ShapeError,
        "Dense: expected at least 2 axes (batch, features), got shape (2,). Add the "
        "missing axis, e.g. with Reshape.",
    ),
    "a size that varies": (
        lambda: Dense(3),
        Input((None,)),
        ShapeError,
        "Dense: expected a known last axis, got None in shape (None, None). Give the "
        "size in Input.",
    ),
    "a size that varies, after Flatten": (
        lambda: Dense(3),
        Flatten()(Input((None, 4))),
        ShapeError,
        "Dense: expected a known last axis, got None in shape (None, None). Give the "
        "size in Input.",
    ),
    "no features": (
        lambda: Dense(3),
        torch.zeros(2, 0),
        ShapeError,
        "Dense: expected a last axis of at least 1, got 0 in shape (2, 0). Look at how "
        "the input was cut.",
    ),
    "whole numbers": (
        lambda: Dense(3),
        torch.zeros(2, 5, dtype=torch.int64),
        DataError,
        "Dense: expected floating-point input, got torch.int64. Convert it with "
        "x.float().",
    ),
    "whole numbers, later": (
        lambda: built(Dense(3), 2, 5),
        torch.zeros(2, 5, dtype=torch.uint8),
        DataError,
        "Dense: expected floating-point input, got torch.uint8. Convert it with "
        "x.float().",
    ),
    "whole numbers, before there are data": (
        lambda: Conv2D(3, 3),
        Input((8, 8, 3), dtype=torch.uint8),
        DataError,
        "Conv2D: expected floating-point input, got torch.uint8. Convert it with "
        "x.float().",
    ),
    "another type": (
        lambda: built(Dense(3), 2, 5),
        torch.zeros(2, 5, dtype=torch.float64),
        DataError,
        "Dense: expected input of type torch.float32 as its weights, got "
        "torch.float64. Convert it with x.to(torch.float32).",
    ),
    "a list of tensors": (
        lambda: Dense(3),
        [torch.zeros(2, 5), torch.zeros(2, 4)],
        ShapeError,
        "Dense: expected one tensor, got several of shapes [(2, 5), (2, 4)]. Join them "
        "first, e.g. with torch.cat.",
    ),
    "a pair of tensors": (
        lambda: Dropout(0.5),
        (torch.zeros(2, 5), torch.zeros(2, 4)),
        ShapeError,
        "Dropout: expected one tensor, got several of shapes ((2, 5), (2, 4)). Join "
        "them first, e.g. with torch.cat.",
    ),
    "no tensor": (
        lambda: Dense(3),
        "text",
        DataError,
        "Dense: expected a tensor, got something else. Convert it with "
        "torch.as_tensor(x).",
    ),
    "an array, once built": (
        lambda: built(Dense(3), 2, 5),
        np.zeros((2, 5)),
        DataError,
        "Dense: expected a tensor, got something else. Convert it with "
        "torch.as_tensor(x).",
    ),
    "lists of numbers": (
        lambda: Dense(3),
        [[1.0, 2.0], [3.0, 4.0]],
        DataError,
        "Dense: expected a tensor, got something else. Convert it with "
        "torch.as_tensor(x).",
    ),
    "an image without channels": (
        lambda: Conv2D(3, 3),
        torch.zeros(2, 28, 28),
        ShapeError,
        "Conv2D: expected 4 axes (batch, height, width, channels), got shape (2, 28, "
        "28). Add the missing axis, e.g. with Reshape.",
    ),
    "a film": (
        lambda: MaxPooling2D(),
        torch.zeros(2, 9, 28, 28, 3),
        ShapeError,
        "MaxPooling2D: expected 4 axes (batch, height, width, channels), got shape (2, "
        "9, 28, 28, 3). Take the extra axis away, e.g. with Reshape.",
    ),
    "a row for a global pooling": (
        lambda: GlobalMaxPooling2D(),
        torch.zeros(2, 9),
        ShapeError,
        "GlobalMaxPooling2D: expected 4 axes (batch, height, width, channels), got "
        "shape (2, 9). Add the missing axis, e.g. with Reshape.",
    ),
    "other channels": (
        lambda: built(Conv2D(3, 3), 1, 8, 8, 3),
        torch.zeros(1, 8, 8, 1),
        ShapeError,
        "Conv2D: expected last axis of size 3, got 1 in shape (1, 8, 8, 1). Build a "
        "new layer for the new size.",
    ),
    "channels first, later": (
        lambda: built(Conv2D(3, 3), 1, 8, 8, 3),
        torch.zeros(1, 3, 8, 8),
        ShapeError,
        "Conv2D: expected last axis of size 3, got 8 in shape (1, 3, 8, 8). Put the "
        "channels last: x.permute(0, 2, 3, 1), or numpy.moveaxis.",
    ),
    "channels first": (
        lambda: Conv2D(3, 3),
        Input((1, 28, 28)),
        ShapeError,
        "Conv2D: expected height of at least 3 for its window, got 1 in shape (None, "
        "1, 28, 28). Put the channels last: x.permute(0, 2, 3, 1), or numpy.moveaxis.",
    ),
    "an image below the window": (
        lambda: Conv2D(3, 5),
        Input((3, 3, 1)),
        ShapeError,
        "Conv2D: expected height of at least 5 for its window, got 3 in shape (None, "
        '3, 3, 1). Use a smaller kernel_size, or padding="same".',
    ),
    "an image below the window, later": (
        lambda: built(Conv2D(3, (1, 3), dilation_rate=2), 1, 8, 8, 3),
        torch.zeros(1, 8, 4, 3),
        ShapeError,
        "Conv2D: expected width of at least 5 for its window, got 4 in shape (1, 8, 4, "
        '3). Use a smaller kernel_size, or padding="same".',
    ),
    "an image below the pool": (
        lambda: MaxPooling2D(3),
        torch.zeros(1, 2, 2, 3),
        ShapeError,
        "MaxPooling2D: expected height of at least 3 for its window, got 2 in shape "
        '(1, 2, 2, 3). Use a smaller pool_size, or padding="same".',
    ),
    "an image of nothing": (
        lambda: Conv2D(3, 3, padding="same"),
        torch.zeros(1, 0, 2, 3),
        ShapeError,
        "Conv2D: expected an image of at least 1 by 1, got height 0 in shape (1, 0, 2, "
        "3). Look at how the input was cut.",
    ),
    "an image of nothing, at the end": (
        lambda: GlobalMaxPooling2D(),
        torch.zeros(1, 4, 0, 3),
        ShapeError,
        "GlobalMaxPooling2D: expected an image of at least 1 by 1, got width 0 in "
        "shape (1, 4, 0, 3). Look at how the input was cut.",
    ),
    "an axis that is not there": (
        lambda: BatchNormalization(axis=3),
        torch.zeros(2, 5),
        ShapeError,
        "BatchNormalization: expected an input that has axis 3 beside the batch, got "
        "shape (2, 5). Give another axis.",
    ),
    "the batch as an axis": (
        lambda: BatchNormalization(axis=-2),
        torch.zeros(2, 5),
        ShapeError,
        "BatchNormalization: expected an input that has axis -2 beside the batch, got "
        "shape (2, 5). Give another axis.",
    ),
    "other channels in the middle": (
        lambda: built(BatchNormalization(axis=1), 1, 3, 8, 8),
        torch.zeros(1, 4, 8, 8),
        ShapeError,
        "BatchNormalization: expected axis 1 of size 3, got 4 in shape (1, 4, 8, 8). "
        "Build a new layer for the new size.",
    ),
    "an axis that softmax lacks": (
        lambda: Softmax(2),
        torch.zeros(2, 5),
        ShapeError,
        "Softmax: expected an input that has axis 2, got shape (2, 5). Give another "
        "axis.",
    ),
    "too many values": (
        lambda: Reshape((28, 28)),
        torch.zeros(2, 100),
        ShapeError,
        "Reshape: expected 784 values per sample for target_shape (28, 28), got 100 in "
        "shape (2, 100). Change target_shape.",
    ),
    "a rest": (
        lambda: Reshape((-1, 7)),
        torch.zeros(2, 100),
        ShapeError,
        "Reshape: expected a multiple of 7 values per sample for target_shape (-1, 7), "
        "got 100 in shape (2, 100). Change target_shape.",
    ),
    "values that vary": (
        lambda: Reshape((28, 28)),
        Input((None, 28)),
        ShapeError,
        "Reshape: expected known sizes for target_shape (28, 28), got (None, None, "
        "28). Give the sizes in Input, or write -1 for the one that varies.",
    ),
    "no batch": (
        lambda: Flatten(),
        torch.tensor(3.0),
        ShapeError,
        "Flatten: expected at least 1 axis (batch), got shape (). Add the missing "
        "axis, e.g. with Reshape.",
    ),
}


@pytest.mark.parametrize(("make", "x", "kind", "sentence"), INPUTS.values(), ids=INPUTS)
def test_a_wrong_input_is_said(make, x, kind, sentence):
    layer = make()
    with pytest.raises(MicaError) as caught:
        layer(x)
    assert type(caught.value) is kind
    assert str(caught.value) == sentence


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    "name", [name for name, case in INPUTS.items() if isinstance(case[1], Tensor)]
)
def test_the_sentence_is_the_same_without_shape_checks(name):
    make, x, kind, sentence = INPUTS[name]
    layer = make()
    with pytest.raises(kind) as caught:
        layer(x)
    assert str(caught.value) == sentence


def test_a_failed_call_leaves_the_layer_as_it_was():
    layer = built(Dense(3), 2, 5)
    before = layer(torch.ones(2, 5))
    with pytest.raises(ShapeError, match=r"^Dense: expected last axis of size 5, "):
        layer(torch.zeros(2, 4))
    assert torch.equal(layer(torch.ones(2, 5)), before)


def test_a_failed_first_call_leaves_the_layer_unbuilt():
    layer = Dense(3)
    with pytest.raises(DataError, match=r"^Dense: expected floating-point input, "):
        layer(torch.zeros(2, 5, dtype=torch.int64))
    assert not layer.built
    assert layer(torch.zeros(2, 4)).shape == (2, 3)
