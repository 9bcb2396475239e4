"""Augmentation with fixed factors is a function that other programs compute too."""

import colorsys

import numpy as np
import pytest
import scipy.ndimage
import scipy.stats
import torch
from PIL import Image, ImageFilter, ImageOps

from mica import layers
from mica.layers.augmentation.colour import hsv_to_rgb, rgb_to_hsv
from mica.layers.augmentation.geometry import warp
from tests.tolerances import assert_close

FILL_MODES = {  # ours, and scipy's names for the same
    "constant": "constant",
    "nearest": "nearest",
    "reflect": "reflect",
    "wrap": "grid-wrap",
}


def pictures(*shape, dtype=torch.float64, high=1.0):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(*shape, generator=generator, dtype=dtype) * high


def closest(candidates, actual):
    """The one of several results that chance chose."""
    return min(candidates, key=lambda one: (one - actual).abs().max())


@pytest.mark.parametrize("quarters", [-3, -2, -1, 0, 1, 2, 3, 4])
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_quarter_turns_are_those_of_numpy(quarters, interpolation):
    x = pictures(2, 5, 5, 3)
    factor = (quarters / 4, quarters / 4)
    y = layers.RandomRotation(factor, interpolation=interpolation)(x)
    assert_close(y, np.rot90(x.numpy(), quarters, axes=(1, 2)).copy())


@pytest.mark.parametrize("turns", [-0.13, 0.04, 0.37])
def test_any_turn_is_that_of_pillow(turns):
    x = pictures(1, 9, 9, 1, dtype=torch.float32)
    fixed = (turns, turns)
    y = layers.RandomRotation(fixed, fill_mode="constant", interpolation="nearest")(x)
    picture = Image.fromarray(x[0, :, :, 0].numpy())
    turned = picture.rotate(360 * turns, Image.Resampling.NEAREST)
    assert np.array_equal(y[0, :, :, 0].numpy(), np.asarray(turned))


@pytest.mark.parametrize("down", [-2, 0, 3])
@pytest.mark.parametrize("right", [-1, 0, 5])
def test_wrapped_shifts_by_whole_pixels_roll(down, right):
    x = pictures(2, 8, 10, 3)
    factors = (down / 8, down / 8), (right / 10, right / 10)
    y = layers.RandomTranslation(*factors, fill_mode="wrap")(x)
    assert_close(y, x.roll((down, right), (1, 2)))


@pytest.mark.parametrize("fill_mode", FILL_MODES)
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize("seed", range(4))
def test_any_linear_map_is_that_of_scipy(fill_mode, interpolation, seed):
    generator = torch.Generator().manual_seed(seed)
    x = pictures(1, 6, 9, 1)
    matrix = torch.randn(2, 2, generator=generator, dtype=torch.float64)
    shift = 5 * torch.randn(2, generator=generator, dtype=torch.float64)
    y = warp(
        x,
        matrix[None],
        shift[None],
        fill_mode=fill_mode,
        interpolation=interpolation,
        fill_value=0.25,
    )
    rows_first = matrix.numpy()[::-1, ::-1]
    middle = (np.array(x.shape[1:3]) - 1) / 2
    expected = scipy.ndimage.affine_transform(
        x[0, :, :, 0].numpy(),
        rows_first,
        middle - rows_first @ middle + shift.numpy()[::-1],
        order=1 if interpolation == "bilinear" else 0,
        mode="grid-constant" if fill_mode == "constant" else FILL_MODES[fill_mode],
        cval=0.25,
    )
    assert_close(y[0, :, :, 0], expected)


@pytest.mark.parametrize(
    ("fill_mode", "expected"),
    [
        ("constant", [7, 7, 7, 7, 1]),
        ("nearest", [1, 1, 1, 1, 1]),
        ("reflect", [4, 3, 2, 1, 1]),
        ("wrap", [2, 3, 4, 5, 1]),
    ],
)
def test_what_lies_beyond_the_edge_is_as_documented(fill_mode, expected):
    x = torch.arange(1.0, 6.0).reshape(1, 1, 5, 1)
    factors = 0.0, (0.8, 0.8)
    layer = layers.RandomTranslation(*factors, fill_mode=fill_mode, fill_value=7.0)
    assert_close(layer(x).flatten(), torch.tensor(expected, dtype=torch.float32))


def test_zooming_out_by_two_takes_every_other_pixel():
    x = pictures(1, 7, 7, 2)
    y = layers.RandomZoom((1.0, 1.0), fill_mode="wrap")(x)
    assert_close(y[:, 2:5, 2:5], x[:, 1:6:2, 1:6:2])


def test_zoom_of_the_width_leaves_the_height_alone():
    x = pictures(1, 5, 7, 1)
    y = layers.RandomZoom(0.0, (1.0, 1.0), fill_mode="wrap")(x)
    assert_close(y[:, :, 2:5], x[:, :, 1:6:2])


@pytest.mark.parametrize("kind", ["x_factor", "y_factor"])
def test_a_full_shear_moves_each_line_by_one_more(kind):
    x = pictures(1, 6, 6, 1)
    y = layers.RandomShear(**{kind: (1.0, 1.0)}, fill_mode="wrap", seed=1)(x)
    square, slanted = x[0, :, :, 0], y[0, :, :, 0]
    if kind == "y_factor":
        square, slanted = square.T, slanted.T
    ways = [
        torch.stack([line.roll(way * number) for number, line in enumerate(square)])
        for way in (-1, 1)
    ]
    assert_close(slanted, closest(ways, slanted))


@pytest.mark.parametrize("mode", ["horizontal", "vertical"])
def test_a_flipped_image_is_read_backwards(mode):
    x = pictures(64, 3, 4, 2)
    y = layers.RandomFlip(mode)(x)
    backwards = x.flip(2 if mode == "horizontal" else 1)
    flipped = (y == backwards).flatten(1).all(1)
    assert torch.equal(y[~flipped], x[~flipped])
    assert 10 < flipped.sum() < 54


def test_both_flips_are_drawn_apart():
    x = torch.arange(4.0).reshape(1, 2, 2, 1).repeat(200, 1, 1, 1)
    corners = layers.RandomFlip()(x)[:, 0, 0, 0].long().bincount(minlength=4)
    assert (corners > 20).all()


def in_colorsys(function, x):
    flat = x.reshape(-1, 3).tolist()
    return torch.tensor([function(*row) for row in flat], dtype=x.dtype).reshape(
        x.shape
    )


COLOURS = torch.cat(
    [
        pictures(200, 3),
        torch.cartesian_prod(*[torch.tensor([0.0, 0.5, 1.0]).double()] * 3),
    ]
)


def test_hue_saturation_and_value_are_those_of_colorsys():
    assert_close(rgb_to_hsv(COLOURS), in_colorsys(colorsys.rgb_to_hsv, COLOURS))


def test_colours_of_hues_are_those_of_colorsys():
    assert_close(hsv_to_rgb(COLOURS), in_colorsys(colorsys.hsv_to_rgb, COLOURS))


@pytest.mark.parametrize("high", [1.0, 255.0])
@pytest.mark.parametrize("factor", [0.0, 0.3, 1.0])
def test_a_turned_hue_is_that_of_colorsys(factor, high):
    x = COLOURS.reshape(1, 1, -1, 3)
    layer = layers.RandomHue((factor, factor), value_range=(0, high), seed=2)
    y = layer(high * x) / high
    ways = [
        in_colorsys(lambda r, g, b, way=way: _turned(r, g, b, way * factor / 2), x)
        for way in (-1, 1)
    ]
    assert_close(y, closest(ways, y))


def _turned(red, green, blue, turn):
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    return colorsys.hsv_to_rgb((hue + turn) % 1.0, saturation, value)


@pytest.mark.parametrize("value_range", [(0.0, 1.0), (0.0, 255.0), (-1.0, 1.0)])
@pytest.mark.parametrize("factor", [0.0, 0.2, 0.5, 0.8, 1.0])
def test_a_changed_saturation_is_that_of_colorsys(factor, value_range):
    low, high = value_range
    x = COLOURS.reshape(1, 1, -1, 3)
    layer = layers.RandomSaturation((factor, factor), value_range=value_range)
    y = (layer(low + (high - low) * x) - low) / (high - low)

    def saturated(red, green, blue):
        hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
        times = factor / (1.0 - factor + 1e-7)
        return colorsys.hsv_to_rgb(hue, min(saturation * times, 1.0), value)

    assert_close(y, in_colorsys(saturated, x))


def test_a_full_grayscale_is_the_weighted_sum_of_the_colours():
    x = pictures(2, 3, 3, 3)
    grey = (0.2989 * x[..., 0] + 0.587 * x[..., 1] + 0.114 * x[..., 2])[..., None]
    assert_close(layers.RandomGrayscale(1.0)(x), grey.expand_as(x))


@pytest.mark.parametrize("factor", [-1.0, -0.3, 0.0, 0.3, 1.0])
@pytest.mark.parametrize("value_range", [(0.0, 1.0), (0.0, 255.0), (-1.0, 1.0)])
def test_brightness_adds_a_share_of_the_range(factor, value_range):
    low, high = value_range
    x = low + (high - low) * pictures(2, 3, 3, 1)
    layer = layers.RandomBrightness((factor, factor), value_range=value_range)
    assert_close(layer(x), np.clip(x.numpy() + factor * (high - low), low, high))


def test_contrast_keeps_the_mean_of_each_channel_and_scales_the_rest():
    x = 100 + pictures(500, 4, 4, 2, high=30.0)
    y = layers.RandomContrast((0.4, 0.1), seed=1)(x)
    assert_close(y.mean((1, 2)), x.mean((1, 2)))
    factors = (y.std((1, 2)) / x.std((1, 2)))[:, 0]
    assert 0.6 <= factors.min() < 0.65
    assert 1.05 < factors.max() <= 1.1


def test_one_number_for_contrast_goes_both_ways():
    x = 100 + pictures(500, 4, 4, 1, high=30.0)
    factors = (layers.RandomContrast(0.4)(x).std((1, 2)) / x.std((1, 2)))[:, 0]
    assert 0.6 <= factors.min() < 0.65
    assert 1.35 < factors.max() <= 1.4


@pytest.mark.parametrize("channels", [1, 3])
def test_an_erased_box_has_the_size_and_the_colour_asked_for(channels):
    x = torch.ones(20, 10, 20, channels)
    layer = layers.RandomErasing((1, 1), scale=(0.25, 0.25), fill_value=0.5)
    holes = layer(x)[..., 0] == 0.5
    assert set(holes.any(2).sum(1).tolist()) <= {5, 6}
    assert set(holes.any(1).sum(1).tolist()) <= {10, 11}
    assert torch.equal(holes, holes.any(2)[:, :, None] & holes.any(1)[:, None])


def test_noise_that_erases_stays_within_the_range():
    y = layers.RandomErasing((1, 1), scale=(1, 1), value_range=(0, 9))(
        torch.ones(4, 8, 8, 3)
    )
    assert y.min() == 0.0
    assert 5 < y.max() <= 9
    assert len(y.unique()) > 100


def test_every_place_of_a_random_crop_is_drawn():
    x = torch.arange(20.0).reshape(1, 4, 5, 1).repeat(400, 1, 1, 1)
    y = layers.RandomCrop(3, 3)(x)
    corners = y[:, 0, 0, 0]
    assert set(corners.tolist()) == {0.0, 1.0, 2.0, 5.0, 6.0, 7.0}
    steps = torch.tensor([[0.0, 1, 2], [5, 6, 7], [10, 11, 12]])
    assert torch.equal(y[..., 0], corners[:, None, None] + steps)


def test_a_random_crop_at_rest_is_the_middle_resized():
    x = pictures(2, 8, 12, 3)
    expected = layers.Resizing(4, 4)(x[:, :, 2:10])
    assert_close(layers.RandomCrop(4, 4).eval()(x), expected)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_are_spread_as_the_beta_distribution(alpha):
    drawn = layers.MixUp(seed=1).shares(torch.full((4000,), alpha).double())
    test = scipy.stats.kstest(drawn.numpy(), scipy.stats.beta(alpha, alpha).cdf)
    assert test.pvalue > 0.01


@pytest.mark.parametrize("below", [1e-30, 1e-10, 0.01, 0.5])
def test_shares_of_a_small_alpha_reach_down_as_far_as_they_should(below):
    drawn = layers.MixUp(seed=1).shares(torch.full((20_000,), 0.01).double())
    expected = scipy.stats.beta(0.01, 0.01).cdf(below)
    assert_close((drawn < below).double().mean(), expected, "statistical")


def test_the_smallest_alpha_mixes_nothing():
    x = torch.eye(64)
    mixed, labels = layers.MixUp(1e-6, seed=1)([x, x])
    assert torch.equal(mixed, mixed.round())
    assert torch.equal(mixed, labels)


def test_mixup_takes_means_of_rows():
    x, y = pictures(5, 3, 3, 2), torch.eye(5).double()
    mixed, labels = layers.MixUp(1.0)([x, y])
    assert_close(mixed, torch.einsum("bp,phwc->bhwc", labels, x))


def test_cutmix_labels_are_the_shares_of_pixels():
    x = torch.arange(6.0).reshape(6, 1, 1, 1).expand(6, 7, 5, 2).contiguous()
    mixed, labels = layers.CutMix(seed=1)([x, torch.eye(6)])
    shares = [(mixed[..., 0] == number).double().mean((1, 2)) for number in range(6)]
    assert_close(labels, torch.stack(shares, 1).float())
    assert ((labels > 0) & (labels < 1)).any()


def test_a_pasted_box_stands_where_it_stood():
    x = pictures(6, 7, 5, 2)
    mixed, _ = layers.CutMix(seed=1)([x, torch.eye(6)])
    found = (mixed[:, None] == x[None]).all(-1).any(1)
    assert found.all()


def of_pillow(change, x: torch.Tensor) -> np.ndarray:
    """What Pillow makes of an image of bytes."""
    picture = Image.fromarray(x[0].to(torch.uint8).numpy())
    return np.asarray(change(picture)).astype(np.float32)[None]


@pytest.mark.parametrize(
    ("layer", "change"),
    [
        (layers.RandomInvert((1, 1)), ImageOps.invert),
        (layers.Solarization(0.0, (128 / 255, 128 / 255)), ImageOps.solarize),
        *[
            (
                layers.RandomPosterization((bits, bits)),
                lambda picture, bits=bits: ImageOps.posterize(picture, bits),
            )
            for bits in (1, 4, 8)
        ],
    ],
)
def test_tones_are_changed_as_in_pillow(layer, change):
    x = pictures(1, 9, 11, 3, dtype=torch.float32, high=256.0).floor()
    assert np.array_equal(layer(x).numpy(), of_pillow(change, x))


def test_contrast_is_stretched_as_in_pillow():
    x = 40 + pictures(1, 9, 11, 3, dtype=torch.float32, high=100.0).floor()
    stretched = layers.AutoContrast()(x).numpy()
    assert np.abs(stretched - of_pillow(ImageOps.autocontrast, x)).max() <= 1


def test_the_inside_of_an_image_is_smoothed_as_in_pillow():
    x = pictures(1, 9, 11, 3, dtype=torch.float32, high=256.0).floor()
    smooth = layers.RandomSharpness((0, 0))(x).numpy()
    theirs = of_pillow(lambda picture: picture.filter(ImageFilter.SMOOTH), x)
    assert np.abs(smooth - theirs)[:, 1:-1, 1:-1].max() <= 0.51


@pytest.mark.parametrize("sigma", [0.4, 1.0])
def test_a_blur_is_that_of_scipy(sigma):
    x = pictures(2, 9, 11, 3)
    blurred = layers.RandomGaussianBlur(
        (1, 1), kernel_size=5, sigma=(sigma, sigma), value_range=(0, 1)
    )
    expected = scipy.ndimage.gaussian_filter(
        x.numpy(), (0, sigma, sigma, 0), mode="constant", radius=2
    )
    ones = torch.ones(2, 2, dtype=torch.float64)
    drawn = {"chosen": ones[:, :1, None, None], "sigma": sigma * ones}
    assert_close(blurred.transform(x, drawn), expected)
