"""Poolings of every rank: what counts, what torch and other ranks say."""

import pytest
import torch
from torch.nn import functional

from mica import Input, Sequential, layers
from tests.tolerances import assert_close


def channels_first(x):
    return x.movedim(-1, 1)


@pytest.mark.parametrize("strides", [None, 1, (1, 2, 3)])
@pytest.mark.parametrize("size", [1, 2, (3, 1, 2)])
@pytest.mark.parametrize(
    ("kind", "theirs"),
    [("Max", functional.max_pool3d), ("Average", functional.avg_pool3d)],
)
def test_a_window_of_a_volume_is_one_of_a_picture_and_then_of_depths(
    kind, theirs, size, strides
):
    x = torch.randn(2, 5, 6, 7, 3, dtype=torch.float64)
    y = getattr(layers, f"{kind}Pooling3D")(size, strides)(x)
    assert_close(channels_first(y), theirs(channels_first(x), size, strides))


@pytest.mark.parametrize("strides", [1, 2, 3])
def test_of_equal_values_the_first_one_learns_as_in_torch(strides):
    x = torch.randint(0, 2, (2, 5, 6, 4, 3)).double().requires_grad_()
    (slope,) = torch.autograd.grad(layers.MaxPooling3D(2, strides)(x).sum(), x)
    expected = functional.max_pool3d(channels_first(x), 2, strides)
    (theirs,) = torch.autograd.grad(expected.sum(), x)
    assert torch.equal(slope, theirs)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("kind", ["Average", "Max"])
def test_what_lies_outside_does_not_count_in_any_rank(kind, rank):
    x = torch.full((1, *[3] * rank, 1), -7.0)
    layer = getattr(layers, f"{kind}Pooling{rank}D")(2, padding="same")
    assert layer(x).unique().tolist() == [-7.0]


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("kind", ["Average", "Max"])
def test_one_part_is_the_whole(kind, rank):
    x = torch.randn(2, *range(3, 3 + rank), 3, dtype=torch.float64)
    parts = getattr(layers, f"Adaptive{kind}Pooling{rank}D")(1)(x)
    whole = getattr(layers, f"Global{kind}Pooling{rank}D")(keepdims=True)(x)
    assert_close(parts, whole, "reordered")


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("kind", ["Average", "Max"])
def test_as_many_parts_as_places_change_nothing(kind, rank):
    x = torch.randn(2, *range(3, 3 + rank), 3)
    size = tuple(x.shape[1:-1])
    assert torch.equal(getattr(layers, f"Adaptive{kind}Pooling{rank}D")(size)(x), x)


REAL = torch.tensor([[True, True, False], [False, False, False], [True, True, True]])


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("Average", [[1.5], [0.0], [-2.0]]),
        ("Max", [[2.0], [0.0], [-1.0]]),
    ],
)
def test_only_real_steps_count(kind, keepdims, expected):
    x = torch.tensor([[1.0, 2, torch.nan], [4, 5, 6], [-1, -2, -3]]).unsqueeze(-1)
    layer = getattr(layers, f"Global{kind}Pooling1D")(keepdims=keepdims)
    y = layer(x, mask=REAL)
    assert y.shape == ((3, 1, 1) if keepdims else (3, 1))
    assert y.flatten(1).tolist() == expected


@pytest.mark.parametrize("kind", ["Average", "Max"])
def test_a_mask_that_says_nothing_changes_nothing(kind):
    x = torch.randn(2, 5, 3, dtype=torch.float64)
    layer = getattr(layers, f"Global{kind}Pooling1D")()
    everything = torch.ones(2, 5, dtype=torch.bool)
    assert_close(layer(x, mask=everything), layer(x), "reordered")


@pytest.mark.parametrize("kind", ["Average", "Max"])
def test_a_mask_comes_through_a_network(kind):
    pooling = getattr(layers, f"Global{kind}Pooling1D")()
    embedding = layers.Embedding(9, 4, mask_zero=True)
    network = Sequential(Input((None,), dtype=torch.int64), embedding, pooling)
    short, long = torch.tensor([[3, 5]]), torch.tensor([[3, 5, 0, 0]])
    assert_close(network(long), network(short), "reordered")


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("name", ["MaxPooling", "AveragePooling", "AdaptiveMaxPooling"])
def test_a_size_that_varies_stays_open_in_any_rank(name, rank):
    layer = getattr(layers, f"{name}{rank}D")(2)
    open_sizes = layer(Input((*[None] * rank, 3))).shape
    places = 2 if name.startswith("Adaptive") else None
    assert open_sizes == (None, *[places] * rank, 3)
