"""What holds for every augmentation: range, rest, seeds, a draw for each image."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mica import layers
from tests.tolerances import tolerance

IMAGE_LAYERS = {
    "RandomBrightness": lambda high, **o: layers.RandomBrightness(
        0.4, value_range=(0, high), **o
    ),
    "RandomContrast": lambda high, **o: layers.RandomContrast(
        0.9, value_range=(0, high), **o
    ),
    "RandomErasing": lambda high, **o: layers.RandomErasing(
        (1, 1), value_range=(0, high), **o
    ),
    "RandomFlip": lambda high, **o: layers.RandomFlip(**o),
    "RandomGrayscale": lambda high, **o: layers.RandomGrayscale(0.5, **o),
    "RandomHue": lambda high, **o: layers.RandomHue(1.0, value_range=(0, high), **o),
    "RandomColorDegeneration": lambda high, **o: layers.RandomColorDegeneration(
        0.9, value_range=(0, high), **o
    ),
    "RandomGaussianBlur": lambda high, **o: layers.RandomGaussianBlur(
        1.0, value_range=(0, high), **o
    ),
    "RandomInvert": lambda high, **o: layers.RandomInvert(
        (0.5, 0.5), value_range=(0, high), **o
    ),
    "RandomPosterization": lambda high, **o: layers.RandomPosterization(
        6, value_range=(0, high), **o
    ),
    "RandomSharpness": lambda high, **o: layers.RandomSharpness(
        1.0, value_range=(0, high), **o
    ),
    "Solarization": lambda high, **o: layers.Solarization(
        0.3, 0.8, value_range=(0, high), **o
    ),
    "RandomRotation": lambda high, **o: layers.RandomRotation(0.5, **o),
    "RandomSaturation": lambda high, **o: layers.RandomSaturation(
        1.0, value_range=(0, high), **o
    ),
    "RandomShear": lambda high, **o: layers.RandomShear(0.7, 0.7, **o),
    "RandomTranslation": lambda high, **o: layers.RandomTranslation(
        0.5, 0.5, fill_mode="wrap", **o
    ),
    "RandomZoom": lambda high, **o: layers.RandomZoom(
        0.5, 0.5, fill_mode="constant", **o
    ),
}
every_layer = pytest.mark.parametrize("make", IMAGE_LAYERS.values(), ids=IMAGE_LAYERS)
PAIRS = {"MixUp": lambda **o: layers.MixUp(1.0, **o), "CutMix": layers.CutMix}
every_pair = pytest.mark.parametrize("make", PAIRS.values(), ids=PAIRS)


@st.composite
def batches(draw, dtypes=(torch.float32, torch.float64, torch.bfloat16)):
    """Images from 0 to `high`, and `high`."""
    shape = [draw(st.integers(1, most)) for most in (4, 9, 9)]
    high = draw(st.sampled_from([1.0, 255.0]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**20)))
    x = torch.rand(*shape, 3, generator=generator) * high
    return x.to(draw(st.sampled_from(dtypes))), high


@every_layer
@given(batch=batches(), seed=st.integers(0, 2**40))
@settings(max_examples=30)
def test_shape_type_and_range_stay(make, batch, seed):
    x, high = batch
    y = make(high, seed=seed)(x)
    assert (y.shape, y.dtype) == (x.shape, x.dtype)
    slack = high * tolerance("oracle", "float32").relative
    assert y.min() >= -slack
    assert y.max() <= high + slack


@every_layer
@given(batch=batches())
@settings(max_examples=5)
def test_at_rest_it_gives_the_input_itself(make, batch):
    x, high = batch
    assert make(high).eval()(x) is x


@every_layer
@given(batch=batches(), seed=st.integers(0, 2**40))
@settings(max_examples=10)
def test_the_same_seed_gives_the_same_pictures(make, batch, seed):
    x, high = batch
    one, other = (make(high, seed=seed) for _ in range(2))
    assert torch.equal(one(x), other(x))
    torch.rand(3)
    assert torch.equal(copy.deepcopy(one)(x), other(x))


@every_layer
def test_every_image_gets_its_own_draw(make):
    picture = torch.rand(1, 8, 8, 3, generator=torch.Generator().manual_seed(1))
    y = make(1.0, seed=1)(picture.repeat(32, 1, 1, 1))
    assert len(y.flatten(1).unique(dim=0)) >= 2


@every_layer
def test_two_batches_get_two_draws(make):
    x = torch.rand(32, 8, 8, 3, generator=torch.Generator().manual_seed(1))
    layer = make(1.0, seed=1)
    assert not torch.equal(layer(x), layer(x))


@every_layer
def test_an_image_does_not_depend_on_its_batch(make):
    x = torch.rand(6, 8, 8, 3, generator=torch.Generator().manual_seed(1))
    layer = make(1.0, seed=1)
    drawn = layer.draw(x)
    alone = [
        layer.transform(x[i : i + 1], {k: v[i : i + 1] for k, v in drawn.items()})
        for i in range(len(x))
    ]
    assert torch.equal(torch.cat(alone), layer.transform(x, drawn))


@every_pair
@given(batch=batches(), classes=st.integers(2, 5), seed=st.integers(0, 2**40))
@settings(max_examples=30)
def test_mixed_labels_are_shares_of_one(make, batch, classes, seed):
    x, high = batch
    y = torch.eye(classes)[torch.arange(len(x)) % classes]
    mixed, labels = make(seed=seed)([x, y])
    assert (mixed.shape, mixed.dtype) == (x.shape, x.dtype)
    assert (labels.shape, labels.dtype) == (y.shape, y.dtype)
    slack = tolerance("oracle", "float32").relative
    assert mixed.min() >= 0.0
    assert mixed.max() <= high * (1 + slack)
    assert torch.allclose(labels.sum(1), torch.ones(len(x)), atol=slack)


@every_pair
@given(batch=batches(), seed=st.integers(0, 2**40))
@settings(max_examples=10)
def test_the_same_seed_mixes_the_same(make, batch, seed):
    x, _ = batch
    y = torch.eye(len(x))
    one, other = (make(seed=seed)([x, y]) for _ in range(2))
    assert torch.equal(one[0], other[0])
    assert torch.equal(one[1], other[1])


@every_pair
def test_at_rest_nothing_is_mixed(make):
    x, y = torch.rand(4, 3, 3, 1), torch.tensor([0, 1, 2, 0])
    mixed, labels = make().eval()([x, y])
    assert mixed is x
    assert labels is y


@given(seed=st.integers(0, 2**40))
@settings(max_examples=20)
def test_a_choice_is_one_of_the_layers_for_each_image(seed):
    x = torch.rand(8, 4, 4, 1, generator=torch.Generator().manual_seed(seed))
    steps = [
        layers.RandomBrightness((share, share), value_range=(0, 9))
        for share in (0.1, 0.5, 0.9)
    ]
    y = layers.RandomChoice(steps, seed=seed)(x)
    fits = torch.stack([(step(x) == y).flatten(1).all(1) for step in steps])
    assert (fits.sum(0) == 1).all()


def test_all_layers_of_a_choice_are_equally_likely():
    steps = [
        layers.RandomBrightness((share, share), value_range=(0, 10))
        for share in (0.1, 0.2, 0.3, 0.4)
    ]
    y = layers.RandomChoice(steps, seed=1)(torch.zeros(4000, 1, 1, 1))
    counts = y.flatten().round().long().bincount(minlength=5)[1:]
    assert ((counts - 1000).abs() < 120).all()


def test_a_choice_of_mixing_and_moving_keeps_image_and_label_together():
    x, y = torch.eye(32).reshape(32, 1, 32, 1), torch.eye(32)
    layer = layers.RandomChoice([layers.MixUp(1.0), layers.RandomBrightness(0.0)])
    mixed, labels = layer([x, y])
    assert torch.equal(mixed.flatten(1), labels)
    kept = (labels == y).all(1).sum()
    assert 4 <= kept <= 28


def test_a_pipeline_is_its_layers_in_order():
    x = torch.full((1, 1, 1, 1), 100.0)
    up, cut = layers.RandomBrightness((0.9, 0.9)), layers.RandomBrightness((-0.9, -0.9))
    assert layers.Pipeline([up, cut])(x).item() == pytest.approx(255 - 0.9 * 255)
    assert layers.Pipeline([cut, up])(x).item() == pytest.approx(0.9 * 255)
