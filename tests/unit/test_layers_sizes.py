"""Padding, cropping, resizing and reordering: values, and sentences for what fails."""

import re

import pytest
import torch

from mica import layers
from mica.errors import ConfigError, DataError, ShapeError
from tests.tolerances import assert_close

PICTURE = torch.zeros(1, 4, 4, 3)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: layers.ZeroPadding1D(-1),
            ConfigError,
            "ZeroPadding1D: expected padding to be a whole number of at least 0, or "
            "(before, after) for one axis, got -1. Write for example padding=1.",
        ),
        (
            lambda: layers.Cropping2D((1, 2, 3)),
            ConfigError,
            "Cropping2D: expected cropping to be a whole number of at least 0, or "
            "(before, after) for each of 2 axes, got (1, 2, 3). Write for example "
            "cropping=1.",
        ),
        (
            lambda: layers.Cropping2D((0, 2))(PICTURE),
            ShapeError,
            "Cropping2D: expected width above 4, which is cut off, got 4 in shape "
            "(1, 4, 4, 3). Cut off less.",
        ),
        (
            lambda: layers.ZeroPadding2D()(torch.zeros(1, 4, 3)),
            ShapeError,
            "ZeroPadding2D: expected 4 axes (batch, height, width, channels), got "
            "shape (1, 4, 3). Add the missing axis, e.g. with Reshape.",
        ),
        (
            lambda: layers.UpSampling2D((1, 2, 3)),
            ConfigError,
            "UpSampling2D: expected size to be one whole number, or 2 of them, got "
            "(1, 2, 3). Write for example size=2.",
        ),
        (
            lambda: layers.UpSampling2D(interpolation="cubic"),
            ConfigError,
            "UpSampling2D: expected interpolation to be a known name, got 'cubic'. "
            "Did you mean 'bicubic'?",
        ),
        (
            lambda: layers.Resizing(
                4, 4, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True
            ),
            ConfigError,
            "Resizing: expected crop_to_aspect_ratio or pad_to_aspect_ratio, got both. "
            "Set one of them to False.",
        ),
        (
            lambda: layers.Resizing(4, 4)(torch.zeros(1, 2, 2, 3, dtype=torch.uint8)),
            DataError,
            "Resizing: expected floating-point input, got torch.uint8. Convert it with "
            "x.float().",
        ),
        (
            lambda: layers.Resizing(4, 4)(torch.zeros(1, 0, 2, 3)),
            ShapeError,
            "Resizing: expected an image of at least 1 by 1, got height 0 in shape "
            "(1, 0, 2, 3). Look at how the input was cut.",
        ),
        (
            lambda: layers.Permute((0, 1)),
            ConfigError,
            "Permute: expected dims to hold each number from 1 to the number of axes "
            "once, got (0, 1). Write for example dims=(2, 1).",
        ),
        (
            lambda: layers.RepeatVector(2)(PICTURE),
            ShapeError,
            "RepeatVector: expected 2 axes (batch, features), got shape (1, 4, 4, 3). "
            "Take the extra axis away, e.g. with Reshape.",
        ),
    ],
)
def test_what_does_not_fit_is_told(call, error, text):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        call()


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_cropping_undoes_padding(rank):
    x = torch.randn(2, *[3] * rank, 2)
    margins = ((1, 2), (0, 1), (3, 0))[:rank]
    padded = getattr(layers, f"ZeroPadding{rank}D")(margins)(x)
    assert torch.equal(getattr(layers, f"Cropping{rank}D")(margins)(padded), x)


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_a_picture_of_one_colour_stays_so(mode):
    x = torch.full((1, 5, 7, 3), 0.25, dtype=torch.float64)
    for smooth in (False, True):
        y = layers.Resizing(3, 11, interpolation=mode, antialias=smooth)(x)
        assert_close(y, torch.full((1, 3, 11, 3), 0.25, dtype=torch.float64))


def test_a_picture_is_resized_to_its_own_size_unchanged():
    x = torch.randn(2, 5, 7, 3, dtype=torch.float64)
    assert_close(layers.Resizing(5, 7)(x), x)


def test_borders_keep_the_aspect_ratio():
    x = torch.ones(1, 2, 4, 1)
    y = layers.Resizing(4, 4, pad_to_aspect_ratio=True, fill_value=9.0)(x)
    assert y[0, :, 0, 0].tolist() == [9.0, 1.0, 1.0, 9.0]


def test_the_middle_keeps_the_aspect_ratio():
    x = torch.arange(6.0).reshape(1, 1, 6, 1).expand(1, 2, 6, 1)
    y = layers.Resizing(2, 2, crop_to_aspect_ratio=True)(x)
    assert y[0, 0, :, 0].tolist() == [2.0, 3.0]
