"""Augmentation layers say what is wrong, and draw as documented."""

import re

import pytest
import torch

import mica
from mica import layers
from mica.errors import ConfigError, DataError, ShapeError
from mica.layers.augmentation import Augmentation, Mixing, augment_batch
from mica.layers.augmentation.moving import _Move

SENTENCES = {
    "no bits": (
        lambda: layers.RandomPosterization(9),
        ConfigError,
        "RandomPosterization: expected factor to be a number of bits or (lower, upper) "
        "from 1 to 8, got 9. Write for example factor=4.",
    ),
    "bits that fall": (
        lambda: layers.RandomPosterization((5, 3)),
        ConfigError,
        "RandomPosterization: expected factor to be a number of bits or (lower, upper) "
        "from 1 to 8, got (5, 3). Write for example factor=4.",
    ),
    "one bin": (
        lambda: layers.Equalization(bins=1),
        ConfigError,
        "Equalization: expected at least 2 bins, got 1. 256 is one for each tone of a "
        "byte.",
    ),
    "an even window": (
        lambda: layers.RandomGaussianBlur(kernel_size=4),
        ConfigError,
        "RandomGaussianBlur: expected kernel_size to be one or two odd numbers, got 4. "
        "Write for example kernel_size=3.",
    ),
    "no jitter": (
        lambda: layers.RandomColorJitter(),
        ConfigError,
        "RandomColorJitter: expected at least one factor, got none. Write for example "
        "brightness_factor=0.2.",
    ),
    "a seed below 0": (
        lambda: layers.RandAugment(seed=-1),
        ConfigError,
        "RandAugment: expected seed to be 0 or more, got -1. Give another number, or "
        "None to draw from torch's generator.",
    ),
    "no picture": (
        lambda: layers.RandAugment().eval()(torch.zeros(4, 4, 3)),
        ShapeError,
        "RandAugment: expected 4 axes (batch, height, width, channels), got shape "
        "(4, 4, 3). Add the missing axis, e.g. with Reshape.",
    ),
    "a threshold out of bounds": (
        lambda: layers.Solarization(0.1, 2.0),
        ConfigError,
        "Solarization: expected threshold_factor to be a number or (lower, upper) from "
        "0 to 1, got 2.0. Write for example threshold_factor=0.2 or "
        "threshold_factor=(0.1, 0.2).",
    ),
    "a factor out of bounds": (
        lambda: layers.RandomRotation(1.5),
        ConfigError,
        "RandomRotation: expected factor to be a number or (lower, upper) from -1 to "
        "1, got 1.5. Write for example factor=0.2 or factor=(0.1, 0.2).",
    ),
    "a factor of words": (
        lambda: layers.RandomTranslation("much", 0.1),
        ConfigError,
        "RandomTranslation: expected height_factor to be a number or (lower, upper) "
        "from -1 to 1, got 'much'. Write for example height_factor=0.2 or "
        "height_factor=(0.1, 0.2).",
    ),
    "three ends": (
        lambda: layers.RandomTranslation(0.1, (0.1, 0.2, 0.3)),
        ConfigError,
        "RandomTranslation: expected width_factor to be a number or (lower, upper) "
        "from -1 to 1, got (0.1, 0.2, 0.3). Write for example width_factor=0.2 or "
        "width_factor=(0.1, 0.2).",
    ),
    "a negative shear": (
        lambda: layers.RandomShear(-0.1),
        ConfigError,
        "RandomShear: expected x_factor to be a number or (lower, upper) from 0 to 1, "
        "got -0.1. Write for example x_factor=0.2 or x_factor=(0.1, 0.2).",
    ),
    "a zoom to a point": (
        lambda: layers.RandomZoom(1.0),
        ConfigError,
        "RandomZoom: expected height_factor above -1, where the image becomes a single "
        "point, got 1.0. Write for example height_factor=(-0.5, 0.5).",
    ),
    "a range that falls": (
        lambda: layers.RandomContrast(0.1, value_range=(1, 0)),
        ConfigError,
        "RandomContrast: expected value_range to be two numbers that rise, got (1, 0). "
        "Write (0, 1) or (0, 255), whatever the images hold.",
    ),
    "a probability above 1": (
        lambda: layers.RandomGrayscale(1.5),
        ConfigError,
        "RandomGrayscale: expected factor to be a probability from 0 to 1, got 1.5. "
        "Write for example factor=0.5.",
    ),
    "paint of words": (
        lambda: layers.RandomErasing(fill_value="black"),
        ConfigError,
        "RandomErasing: expected fill_value to be a number, one for each channel, or "
        "None, got 'black'. Write for example fill_value=0.",
    ),
    "an alpha of 0": (
        lambda: layers.MixUp(0),
        ConfigError,
        "MixUp: expected alpha to be a number of at least 1e-06, got 0. Write for "
        "example alpha=0.2.",
    ),
    "no layers": (
        lambda: layers.Pipeline([]),
        ConfigError,
        "Pipeline: expected a list of layers, got []. Write for example "
        'Pipeline([mica.layers.RandomFlip("horizontal")]).',
    ),
    "words for layers": (
        lambda: layers.RandomChoice(["flip"]),
        ConfigError,
        "RandomChoice: expected a list of layers, got ['flip']. Write for example "
        'RandomChoice([mica.layers.RandomFlip("horizontal")]).',
    ),
    "one channel": (
        lambda: layers.RandomHue(0.5)(torch.zeros(2, 4, 4, 1)),
        ShapeError,
        "RandomHue: expected 3 channels (red, green, blue), got 1 in shape "
        "(2, 4, 4, 1). Leave the layer out for images without colours.",
    ),
    "one image": (
        lambda: layers.RandomFlip()(torch.zeros(4, 4, 3)),
        ShapeError,
        "RandomFlip: expected 4 axes (batch, height, width, channels), got shape "
        "(4, 4, 3). Add the missing axis, e.g. with Reshape.",
    ),
    "an image without rows": (
        lambda: layers.CenterCrop(2, 2)(torch.zeros(1, 0, 4, 3)),
        ShapeError,
        "CenterCrop: expected an image of at least 1 by 1, got height 0 in shape "
        "(1, 0, 4, 3). Look at how the input was cut.",
    ),
    "whole numbers": (
        lambda: layers.RandomFlip()(torch.zeros(1, 4, 4, 3, dtype=torch.uint8)),
        DataError,
        "RandomFlip: expected floating-point input, got torch.uint8. Convert it with "
        "x.float().",
    ),
    "images without labels": (
        lambda: layers.MixUp()(torch.zeros(2, 4, 4, 3)),
        DataError,
        "MixUp: expected samples and labels, got something else. Call it as "
        "layer([x, y]), or give it to fit(augment=...).",
    ),
    "no labels": (
        lambda: augment_batch(layers.MixUp(), torch.zeros(2, 4, 4, 3), None),
        DataError,
        "MixUp: expected samples and labels, got something else. Call it as "
        "layer([x, y]), or give it to fit(augment=...).",
    ),
    "fewer labels": (
        lambda: layers.MixUp()([torch.zeros(2, 3), torch.zeros(1, 3)]),
        ShapeError,
        "MixUp: expected as many labels as samples, got 1 for 2. Give one row of y for "
        "each of x.",
    ),
    "numbers of classes": (
        lambda: layers.CutMix()([torch.zeros(2, 3, 3, 1), torch.tensor([0, 1])]),
        DataError,
        "CutMix: expected labels as one-hot rows or floating-point numbers, got "
        "numbers of classes of shape (2,). Convert them with "
        "torch.nn.functional.one_hot(y, classes).float() and use "
        'loss="categorical_crossentropy".',
    ),
    "tables to cut": (
        lambda: layers.CutMix()([torch.zeros(2, 3), torch.eye(2)]),
        ShapeError,
        "CutMix: expected 4 axes (batch, height, width, channels), got shape (2, 3). "
        "Add the missing axis, e.g. with Reshape.",
    ),
    "layers of two shapes": (
        lambda: layers.RandomChoice([layers.RandomCrop(2, 2), layers.RandomFlip()])(
            torch.zeros(1, 4, 4, 1)
        ),
        ShapeError,
        "RandomChoice: expected layers that give images of one shape, got "
        "(1, 2, 2, 1), (1, 4, 4, 1). Put the layers that change the shape before or "
        "after.",
    ),
}


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(("call", "error", "text"), SENTENCES.values(), ids=SENTENCES)
def test_what_does_not_fit_is_told(call, error, text):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        call()


def test_fewer_labels_are_found_at_any_call():
    layer = layers.MixUp()
    layer([torch.zeros(2, 3), torch.zeros(2, 3)])
    with pytest.raises(ShapeError, match=r"^MixUp: expected as many labels as samples"):
        layer([torch.zeros(2, 3), torch.zeros(1, 3)])


@pytest.mark.parametrize(
    ("layer", "name", "expected"),
    [
        (layers.RandomRotation(-0.2), "factor", (-0.2, 0.2)),
        (layers.RandomRotation((0.3, -0.1)), "factor", (-0.1, 0.3)),
        (layers.RandomShear(0.2), "x_factor", (0.0, 0.2)),
        (layers.RandomShear(0.2), "y_factor", (0.0, 0.0)),
        (layers.RandomZoom(0.2), "width_factor", None),
        (layers.RandomHue(0.2), "factor", (0.0, 0.2)),
        (layers.RandomContrast(0.2), "factor", (0.2, 0.2)),
        (layers.RandomContrast([0.3, 0.1]), "factor", (0.3, 0.1)),
        (layers.RandomErasing(), "factor", (0.0, 1.0)),
        (layers.RandomErasing(fill_value=(1, 2)), "fill_value", (1.0, 2.0)),
        (layers.CutMix(0.5), "factor", (0.0, 0.5)),
    ],
    ids=str,
)
def test_factors_are_read_as_keras_reads_them(layer, name, expected):
    assert getattr(layer, name) == expected


FLAT = torch.ones(2000, 2, 2, 3)


@pytest.mark.parametrize(
    ("layer", "name", "lower", "upper"),
    [
        (layers.RandomRotation(0.2, seed=1), "turns", -0.2, 0.2),
        (layers.RandomTranslation(0.2, (0.1, 0.3), seed=1), "down", -0.2, 0.2),
        (layers.RandomTranslation(0.2, (0.1, 0.3), seed=1), "right", 0.1, 0.3),
        (layers.RandomZoom(0.2, (-0.3, 0.1), seed=1), "rows", -0.2, 0.2),
        (layers.RandomZoom(0.2, (-0.3, 0.1), seed=1), "columns", -0.3, 0.1),
        (layers.RandomShear(0.2, seed=1), "across", -0.2, 0.2),
        (layers.RandomContrast((0.4, 0.1), seed=1), "factor", 0.6, 1.1),
        (layers.RandomBrightness(0.2, seed=1), "share", -0.2, 0.2),
        (layers.RandomHue(0.4, seed=1), "turn", -0.2, 0.2),
    ],
    ids=str,
)
def test_numbers_are_drawn_from_the_whole_range(layer, name, lower, upper):
    drawn = layer.draw(FLAT)[name]
    width = upper - lower
    assert lower <= drawn.min() <= lower + 0.05 * width
    assert upper - 0.05 * width <= drawn.max() <= upper
    middle = (drawn.mean() - lower) / width
    assert 0.45 < middle < 0.55


def test_one_zoom_keeps_the_proportions():
    drawn = layers.RandomZoom(0.5).draw(FLAT)
    assert torch.equal(drawn["rows"], drawn["columns"])


@pytest.mark.parametrize(("factor", "expected"), [(1.0, 0.5), ((1, 1), 1.0), (0, 0.0)])
def test_the_probability_of_erasing_is_drawn_too(factor, expected):
    erased = layers.RandomErasing(factor, seed=1).draw(FLAT)["erased"]
    assert abs(erased.double().mean() - expected) < 0.05


def test_partners_are_an_order_of_the_batch():
    layer = layers.MixUp(seed=1)
    orders = torch.stack([layer.partners(torch.zeros(5)) for _ in range(50)])
    assert torch.equal(orders.sort(1).values, torch.arange(5).expand(50, 5))
    assert len(orders.unique(dim=0)) > 20


def test_one_hot_rows_of_whole_numbers_become_parts():
    x, y = torch.zeros(2, 3), torch.tensor([[1, 0], [0, 1]])
    _, labels = layers.MixUp(1.0)([x, y])
    assert labels.dtype == torch.float32
    assert torch.allclose(labels.sum(1), torch.ones(2))


@pytest.mark.parametrize("missing", ["draw", "transform"])
@pytest.mark.parametrize("kind", [Augmentation, Mixing])
def test_an_abstract_augmentation_does_nothing(kind, missing):
    x = torch.zeros(1, 2, 2, 1)
    arguments = {"draw": (x,), "transform": (x, {})}[missing]
    if kind is Mixing and missing == "transform":
        arguments = (x, x, {})
    with pytest.raises(NotImplementedError):
        getattr(kind(), missing)(*arguments)


def test_a_map_of_places_must_be_written():
    layer = _Move(
        fill_mode="wrap", interpolation="nearest", fill_value=0, seed=None, name=None
    )
    with pytest.raises(NotImplementedError):
        layer.transform(torch.zeros(1, 2, 2, 1), {})


def test_a_model_with_augmentation_is_saved_and_read(tmp_path):
    model = mica.Sequential(
        layers.Pipeline([layers.RandomFlip("horizontal", seed=1)]),
        layers.RandomChoice([layers.RandomZoom(0.1), layers.RandomRotation(0.1)]),
        layers.Flatten(),
        layers.Dense(2),
    )
    x = torch.rand(3, 4, 4, 1)
    y = model.eval()(x)
    model.save(tmp_path / "model.mica")
    assert torch.equal(mica.load(tmp_path / "model.mica").eval()(x), y)


def test_jitter_is_its_layers_one_after_the_other():
    x = torch.rand(5, 6, 6, 3)
    options = {"value_range": (0, 1)}
    jitter = layers.RandomColorJitter(
        brightness_factor=0.3,
        contrast_factor=0.4,
        saturation_factor=0.5,
        hue_factor=0.6,
        seed=7,
        **options,
    )
    y = x
    for seed, layer in enumerate(
        [
            layers.RandomBrightness(0.3, seed=7, **options),
            layers.RandomContrast(0.4, seed=8, **options),
            layers.RandomSaturation(0.5, seed=9, **options),
            layers.RandomHue(0.6, seed=10, **options),
        ],
        start=7,
    ):
        assert layer.seed == seed
        y = layer(y)
    assert torch.equal(jitter(x), y)


def test_all_numbers_of_bits_are_drawn():
    layer = layers.RandomPosterization((3, 5), seed=1)
    bits = layer.draw(torch.zeros(200, 1, 1, 1))["bits"]
    assert sorted(set(bits.flatten().tolist())) == [3.0, 4.0, 5.0]


def test_images_of_a_batch_do_not_share_their_tones():
    x = torch.rand(3, 6, 6, 2) * 255
    layer = layers.Equalization()
    alone = torch.cat([layer(one[None]) for one in x])
    assert torch.equal(layer(x), alone)


def test_a_window_may_be_longer_one_way():
    x = torch.zeros(1, 5, 5, 1)
    x[0, 2, 2] = 1.0
    layer = layers.RandomGaussianBlur((1, 1), kernel_size=(1, 3), sigma=(1, 1))
    touched = layer(x)[0, :, :, 0] > 0
    assert touched.nonzero().tolist() == [[2, 1], [2, 2], [2, 3]]


def test_random_changes_of_a_seed_are_the_same_again():
    x = torch.rand(4, 8, 8, 3)
    one, other = (layers.RandAugment(value_range=(0, 1), seed=3) for _ in range(2))
    assert torch.equal(one(x), other(x))
    assert not torch.equal(one(x), one(x))
