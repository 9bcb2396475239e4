"""Metrics keep their symmetries for every input."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mica import metrics
from mica.metrics import Metric
from tests.tolerances import assert_close

FEW = settings(max_examples=25)  # each draws tensors of its own
seeds = st.integers(0, 2**32)
rows = st.integers(4, 30)
classes = st.integers(2, 6)


def drawn(seed: int, size: int, units: int) -> tuple[Tensor, Tensor, Tensor]:
    """Scores, integer labels of every class, and weights."""
    draw = torch.Generator().manual_seed(seed)
    scores = torch.randn(size, units, dtype=torch.float64, generator=draw)
    labels = torch.randperm(size, generator=draw) % units
    return scores, labels, torch.rand(size, dtype=torch.float64, generator=draw)


def value(metric: Metric, *batch: Tensor) -> Tensor:
    metric.update(*batch)
    return metric.compute()


CLASSIFYING = [
    metrics.SparseCategoricalAccuracy,
    metrics.SparseTopKCategoricalAccuracy,
    metrics.Precision,
    metrics.Recall,
    metrics.F1Score,
    metrics.AUC,
]
every_kind = pytest.mark.parametrize("kind", CLASSIFYING)


@every_kind
@FEW
@given(seeds, rows, classes)
def test_the_order_of_samples_does_not_matter(kind, seed, size, units):
    batch = drawn(seed, size, units)
    order = torch.randperm(size)
    moved = value(kind(), *(tensor[order] for tensor in batch))
    assert_close(moved, value(kind(), *batch), "reordered")


@every_kind
@FEW
@given(seeds, rows, st.integers(3, 6))
def test_the_order_of_classes_does_not_matter(kind, seed, size, units):
    scores, labels, weight = drawn(seed, size, units)
    order = torch.randperm(units)
    renamed = value(kind(), scores[:, order], order.argsort()[labels], weight)
    assert_close(renamed, value(kind(), scores, labels, weight), "reordered")


@every_kind
@FEW
@given(seeds, rows, classes)
def test_a_share_lies_between_zero_and_one(kind, seed, size, units):
    assert 0 <= value(kind(), *drawn(seed, size, units)).item() <= 1 + 1e-12


@every_kind
@FEW
@given(seeds, rows, classes, st.data())
def test_merging_is_the_same_in_any_order(kind, seed, size, units, data):
    batch = drawn(seed, size, units)
    cut = data.draw(st.integers(0, size))
    left, right, whole = kind(), kind(), kind()
    left.update(*(tensor[:cut] for tensor in batch))
    right.update(*(tensor[cut:] for tensor in batch))
    right.merge(left)
    assert_close(right.compute(), value(whole, *batch), "reordered")


@FEW
@given(seeds, rows, classes)
def test_micro_averages_are_the_accuracy(seed, size, units):
    batch = drawn(seed, size, units)
    accuracy = value(metrics.SparseCategoricalAccuracy(), *batch)
    for kind in (metrics.Precision, metrics.Recall, metrics.F1Score):
        assert_close(value(kind(average="micro"), *batch), accuracy, "reordered")


@FEW
@given(seeds, rows, classes)
def test_one_guess_is_the_accuracy(seed, size, units):
    batch = drawn(seed, size, units)
    accuracy = value(metrics.SparseCategoricalAccuracy(), *batch)
    assert value(metrics.SparseTopKCategoricalAccuracy(1), *batch) == accuracy


@FEW
@given(seeds, rows, classes, st.integers(1, 6))
def test_more_guesses_never_hurt(seed, size, units, k):
    batch = drawn(seed, size, units)
    fewer = value(metrics.SparseTopKCategoricalAccuracy(k), *batch)
    assert fewer <= value(metrics.SparseTopKCategoricalAccuracy(k + 1), *batch)


@FEW
@given(seeds, rows)
def test_f1_lies_between_precision_and_recall(seed, size):
    scores, labels, weight = drawn(seed, size, 2)
    batch = scores[:, 0].sigmoid(), labels, weight
    ends = [value(kind(), *batch) for kind in (metrics.Precision, metrics.Recall)]
    score = value(metrics.F1Score(), *batch)
    assert min(ends) - 1e-12 <= score <= max(ends) + 1e-12


@pytest.mark.parametrize("curve", ["ROC", "PR"])
@FEW
@given(seeds, rows)
def test_an_area_sees_only_the_order_of_scores(curve, seed, size):
    scores, labels, weight = drawn(seed, size, 2)
    plain = value(metrics.AUC(curve=curve), scores[:, 0], labels, weight)
    bent = value(metrics.AUC(curve=curve), scores[:, 0].exp(), labels, weight)
    assert_close(bent, plain, "reordered")


@FEW
@given(seeds, rows)
def test_the_opposite_ranking_has_the_opposite_area(seed, size):
    scores, labels, weight = drawn(seed, size, 2)
    area = value(metrics.AUC(), scores[:, 0], labels, weight)
    opposite = value(metrics.AUC(), -scores[:, 0], labels, weight)
    assert_close(opposite, 1 - area, "reordered")


@FEW
@given(seeds, rows, st.integers(1, 4), st.floats(0.5, 5), st.floats(-1e3, 1e3))
def test_r2_does_not_see_units_of_measurement(seed, size, units, scale, shift):
    prediction, _, weight = drawn(seed, size, units)
    target = prediction + prediction.flip(0).cos()
    plain = value(metrics.R2Score(), prediction, target, weight)
    other = [kind * scale + shift for kind in (prediction, target)]
    assert_close(value(metrics.R2Score(), *other, weight), plain, "oracle")


@FEW
@given(seeds, rows, st.integers(1, 4))
def test_the_mean_of_the_targets_explains_nothing(seed, size, units):
    target, _, _ = drawn(seed, size, units)
    prediction = target.mean(0).expand_as(target)
    score = value(metrics.R2Score(), prediction, target)
    assert_close(score, torch.zeros_like(score), "reordered")


@FEW
@given(seeds, rows, st.integers(1, 4))
def test_the_root_of_the_squared_error_is_at_least_the_absolute_one(seed, size, units):
    prediction, _, weight = drawn(seed, size, units)
    batch = prediction, prediction.roll(1, 0), weight
    absolute = value(metrics.MeanAbsoluteError(), *batch)
    assert value(metrics.RootMeanSquaredError(), *batch) >= absolute - 1e-12
