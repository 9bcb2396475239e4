"""Losses keep their symmetries for every input."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from mica import losses
from tests.tolerances import assert_close

FEW = settings(max_examples=25)  # each draws tensors of its own
seeds = st.integers(0, 2**32)
sizes = st.integers(1, 6)
scales = st.floats(0.1, 10)

DISTANCES = [losses.MeanSquaredError(), losses.MeanAbsoluteError(), losses.Huber()]
every_distance = pytest.mark.parametrize("loss", DISTANCES)
SPARSE = losses.SparseCategoricalCrossentropy(from_logits=True)
BINARY = losses.BinaryCrossentropy(from_logits=True)


def pair(seed: int, rows: int, units: int) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    shape = (2, rows, units)
    return tuple(torch.randn(shape, dtype=torch.float64, generator=draw))


@every_distance
@FEW
@given(seeds, sizes, sizes)
def test_a_distance_is_the_same_both_ways(loss, seed, rows, units):
    prediction, target = pair(seed, rows, units)
    assert_close(loss(prediction, target), loss(target, prediction), "reordered")


@every_distance
@FEW
@given(seeds, sizes, sizes)
def test_a_distance_is_zero_only_at_the_target(loss, seed, rows, units):
    prediction, target = pair(seed, rows, units)
    assert loss(target, target).item() == 0
    assert loss(prediction, target).item() > 0


@every_distance
@FEW
@given(seeds, sizes, sizes)
def test_a_distance_does_not_see_where_zero_is(loss, seed, rows, units):
    prediction, target = pair(seed, rows, units)
    moved = loss(prediction + 3, target + 3)
    assert_close(moved, loss(prediction, target), "reordered")


@FEW
@given(seeds, sizes, sizes, scales)
def test_errors_scale_as_their_power_says(seed, rows, units, scale):
    prediction, target = pair(seed, rows, units)
    scaled = prediction * scale, target * scale
    for power, loss in ((2, DISTANCES[0]), (1, DISTANCES[1])):
        expected = loss(prediction, target) * scale**power
        assert_close(loss(*scaled), expected, "reordered")


@FEW
@given(seeds, sizes, sizes, scales)
def test_huber_lies_below_the_square_and_the_size(seed, rows, units, delta):
    prediction, target = pair(seed, rows, units)
    huber = losses.Huber(delta)(prediction, target).item()
    assert huber <= DISTANCES[0](prediction, target).item() / 2 + 1e-12
    assert huber <= DISTANCES[1](prediction, target).item() * delta + 1e-12


@FEW
@given(seeds, sizes, st.integers(2, 6), st.floats(-100, 100))
def test_a_softmax_does_not_see_a_shift(seed, rows, classes, shift):
    logits, other = pair(seed, rows, classes)
    labels = other.argmax(-1)
    assert_close(SPARSE(logits + shift, labels), SPARSE(logits, labels))


@FEW
@given(seeds, sizes, st.integers(2, 6))
def test_the_order_of_classes_does_not_matter(seed, rows, classes):
    logits, other = pair(seed, rows, classes)
    order = torch.randperm(classes)
    renamed = order.argsort()[other.argmax(-1)]
    expected = SPARSE(logits, other.argmax(-1))
    assert_close(SPARSE(logits[:, order], renamed), expected, "reordered")


@FEW
@given(seeds, sizes, st.integers(2, 6))
def test_one_hot_rows_and_labels_give_one_loss(seed, rows, classes):
    logits, other = pair(seed, rows, classes)
    labels = other.argmax(-1)
    one_hot = functional.one_hot(labels, classes)
    loss = losses.CategoricalCrossentropy(from_logits=True)
    assert_close(loss(logits, one_hot), SPARSE(logits, labels), "reordered")


@FEW
@given(seeds, sizes)
def test_two_softmax_units_are_one_sigmoid_unit(seed, rows):
    logits, other = pair(seed, rows, 2)
    labels = other.argmax(-1)
    difference = logits[:, 1:] - logits[:, :1]
    assert_close(BINARY(difference, labels), SPARSE(logits, labels), "reordered")


@FEW
@given(seeds, sizes, sizes)
def test_yes_and_no_may_change_places(seed, rows, units):
    logits, other = pair(seed, rows, units)
    answers = (other > 0).double()
    assert_close(BINARY(-logits, 1 - answers), BINARY(logits, answers), "reordered")


@FEW
@given(seeds, sizes, st.integers(2, 6), st.floats(0, 0.9))
def test_smoothing_mixes_with_the_even_distribution(seed, rows, classes, smoothing):
    logits, other = pair(seed, rows, classes)
    labels, even = other.argmax(-1), torch.full_like(logits, 1 / classes)
    loss = losses.CategoricalCrossentropy(from_logits=True)
    mixed = (1 - smoothing) * SPARSE(logits, labels) + smoothing * loss(logits, even)
    smooth = losses.SparseCategoricalCrossentropy(
        from_logits=True, label_smoothing=smoothing
    )
    assert_close(smooth(logits, labels), mixed)


@FEW
@given(seeds, sizes, st.integers(2, 6))
def test_a_divergence_is_never_negative(seed, rows, classes):
    first, second = (kind.softmax(-1) for kind in pair(seed, rows, classes))
    assert losses.KLDivergence()(first, second).item() >= 0


@FEW
@given(seeds, sizes, st.integers(1, 6), scales)
def test_a_cosine_does_not_see_lengths(seed, rows, units, scale):
    prediction, target = pair(seed, rows, units)
    loss = losses.CosineSimilarity()
    assert_close(loss(prediction * scale, target), loss(prediction, target))


@FEW
@given(seeds, sizes, sizes)
def test_a_margin_costs_most_and_the_perceptron_least(seed, rows, units):
    scores, other = pair(seed, rows, units)
    signs = other.sign()
    hinge = losses.Hinge()(scores, signs).item()
    assert losses.PerceptronCriterion()(scores, signs).item() <= hinge


EVERY = [
    SPARSE,
    BINARY,
    *DISTANCES,
    losses.Hinge(),
    losses.SquaredHinge(),
    losses.PerceptronCriterion(),
]


@pytest.mark.parametrize("loss", EVERY)
@FEW
@given(seeds, st.integers(2, 6), st.integers(2, 4))
def test_the_order_of_samples_does_not_matter(loss, seed, rows, units):
    prediction, target = pair(seed, rows, units)
    target = target.argmax(-1) if loss is SPARSE else target.sign().abs()
    order, weight = torch.randperm(rows), torch.rand(rows, dtype=torch.float64)
    moved = loss(prediction[order], target[order], weight[order])
    assert_close(moved, loss(prediction, target, weight), "reordered")
