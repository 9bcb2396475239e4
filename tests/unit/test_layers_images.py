"""Layers for images keep them channels-last in memory, without copies."""

import pytest
import torch
from torch import nn

from mica.layers import (
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    Input,
    MaxPooling2D,
)

SIZES = {
    "usual": (2, 8, 7, 3),
    "one channel": (2, 8, 7, 1),
    "one image": (1, 8, 7, 3),
    "one image of one channel": (1, 8, 7, 1),
    "as large as the window": (2, 3, 3, 4),
    "as large as the window, one channel": (2, 3, 3, 1),
}
LAYERS = {
    "valid": lambda: Conv2D(4, 3),
    "one filter": lambda: Conv2D(1, 3),
    "same": lambda: Conv2D(4, 3, padding="same"),
    "uneven": lambda: Conv2D(4, 2, 2, padding="same"),
    "1 x 1": lambda: Conv2D(4, 1),
    "1 x 1, one filter": lambda: Conv2D(1, 1),
    "with an activation": lambda: Conv2D(4, 3, activation="relu"),
    "max": lambda: MaxPooling2D(3),
    "max, same": lambda: MaxPooling2D(2, padding="same"),
    "max, one after the other": lambda: MaxPooling2D(2, 1, padding="same"),
    "average": lambda: AveragePooling2D(3),
    "average, same": lambda: AveragePooling2D(2, 1, padding="same"),
    "normalisation": lambda: BatchNormalization(),
}
every_size = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
every_layer = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)


@every_size
@every_layer
def test_outputs_are_channels_last_in_memory(size, make):
    assert make()(torch.randn(size)).is_contiguous()


@every_size
@every_layer
def test_gradients_of_inputs_are_channels_last_in_memory(size, make):
    x = torch.randn(size, requires_grad=True)
    y = make()(x)
    y.backward(torch.randn(y.shape))
    assert x.grad.is_contiguous()


STRANGE = {
    "a new axis of NumPy": lambda: torch.as_strided(
        torch.randn(2, 8, 7), (2, 8, 7, 1), (56, 7, 1, 0)
    ),
    "channels first in memory": lambda: torch.randn(2, 3, 8, 7).permute(0, 2, 3, 1),
    "one of three channels": lambda: torch.randn(2, 8, 7, 3)[..., :1],
}


@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
def test_a_convolution_brings_any_layout_in_order(strange):
    y = Conv2D(4, 3)(strange())
    assert y.is_contiguous()


@every_size
def test_a_convolution_copies_no_image(size):
    """The layout oneDNN is given is the one the image has: strides of NHWC."""
    x, layer = torch.randn(size), Conv2D(4, 3)
    layer(x)
    seen = x.permute(0, 3, 1, 2)
    assert seen.data_ptr() == x.data_ptr()
    assert layer.weight.is_contiguous(memory_format=torch.channels_last)
    assert layer.weight.stride(1) == 1


def test_a_gradient_of_a_kernel_has_the_layout_of_the_kernel():
    layer = Conv2D(4, 3)
    layer(torch.randn(2, 8, 7, 3)).sum().backward()
    assert layer.weight.grad.stride() == layer.weight.stride()


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({"kernel_size": 3}, (None, 26, 24, 8)),
        ({"kernel_size": (3, 5)}, (None, 26, 22, 8)),
        ({"kernel_size": 3, "strides": 2}, (None, 13, 12, 8)),
        ({"kernel_size": 3, "strides": (1, 3)}, (None, 26, 8, 8)),
        ({"kernel_size": 3, "padding": "same"}, (None, 28, 26, 8)),
        ({"kernel_size": 4, "strides": 3, "padding": "same"}, (None, 10, 9, 8)),
        ({"kernel_size": 3, "dilation_rate": (2, 1)}, (None, 24, 24, 8)),
    ],
    ids=str,
)
def test_a_convolution_has_the_size_of_keras(arguments, shape):
    assert Conv2D(8, **arguments)(Input((28, 26, 4))).shape == shape


def test_a_size_that_varies_stays_open():
    x = Input((None, 26, 4))
    assert Conv2D(8, 3, padding="same")(x).shape == (None, None, 26, 8)
    assert MaxPooling2D()(x).shape == (None, None, 13, 4)


def test_groups_share_the_channels():
    layer = Conv2D(6, 3, groups=3)
    layer(Input((8, 8, 9)))
    assert layer.weight.shape == (6, 3, 3, 3)


def test_a_start_of_a_kernel_is_drawn_as_torch_lays_it_out():
    layer = Conv2D(6, (2, 3), kernel_initializer=nn.init.dirac_)
    layer(Input((8, 8, 6)))
    expected = nn.init.dirac_(torch.empty(6, 6, 2, 3))
    assert torch.equal(layer.weight, expected)


def test_a_stride_of_pooling_is_its_window_unless_given():
    assert MaxPooling2D((3, 2)).strides == (3, 2)
    assert MaxPooling2D(3, 1).strides == (1, 1)


def test_what_lies_outside_does_not_count():
    x = torch.full((1, 3, 3, 1), -7.0)
    assert MaxPooling2D(2, padding="same")(x).unique().tolist() == [-7.0]
    assert AveragePooling2D(2, padding="same")(x).unique().tolist() == [-7.0]


def test_axes_can_be_kept():
    x = torch.randn(2, 4, 5, 3)
    assert GlobalAveragePooling2D()(x).shape == (2, 3)
    assert GlobalMaxPooling2D(keepdims=True)(x).shape == (2, 1, 1, 3)


def test_ties_share_the_gradient_of_the_largest_value():
    x = torch.ones(1, 2, 2, 1, requires_grad=True)
    GlobalMaxPooling2D()(x).sum().backward()
    assert x.grad.flatten().tolist() == [0.25] * 4
