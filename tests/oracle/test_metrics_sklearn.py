"""Precision, recall, F1, AUC and R2 give scikit-learn's numbers."""

from itertools import pairwise

import numpy as np
import pytest
import sklearn.metrics
import torch
from torch import Tensor

from mica import metrics
from mica.metrics import Metric
from tests.tolerances import assert_close

SEEDS = range(15)


def seen(metric: Metric, *arrays: np.ndarray | None) -> Tensor:
    """The metric after three batches of unequal size."""
    given = [array for array in arrays if array is not None]
    for start, stop in pairwise([0, 7, 8, len(given[0])]):
        metric.update(*(torch.from_numpy(array[start:stop]) for array in given))
    return metric.compute()


def some_weights(draw: np.random.Generator, size: int) -> np.ndarray | None:
    return draw.random(size) if draw.integers(2) else None


def softmax(scores: np.ndarray) -> np.ndarray:
    return torch.from_numpy(scores).softmax(-1).numpy()


AVERAGES = ["macro", "micro", "weighted"]
KINDS = {
    "Precision": sklearn.metrics.precision_score,
    "Recall": sklearn.metrics.recall_score,
    "F1Score": sklearn.metrics.f1_score,
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", KINDS)
def test_integer_labels_agree_with_sklearn(name, seed):
    draw = np.random.default_rng([seed, 1])
    size, classes = int(draw.integers(9, 40)), int(draw.integers(2, 8))
    scores, labels = draw.normal(size=(size, classes)), draw.integers(0, classes, size)
    if draw.integers(2):  # class 0 neither occurs nor is ever guessed
        scores[:, 0], labels = -9, np.maximum(labels, 1)
    average, weight = AVERAGES[seed % 3], some_weights(draw, size)
    ours = seen(getattr(metrics, name)(average=average), scores, labels, weight)
    theirs = KINDS[name](
        labels,
        scores.argmax(-1),
        average=average,
        sample_weight=weight,
        zero_division=0,
    )
    assert_close(ours, np.float64(theirs))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", KINDS)
def test_one_column_agrees_with_sklearn(name, seed):
    draw = np.random.default_rng([seed, 2])
    size = int(draw.integers(9, 40))
    scores, labels = draw.random((size, 1)), draw.integers(0, 2, size)
    weight = some_weights(draw, size)
    ours = seen(getattr(metrics, name)(), scores, labels, weight)
    theirs = KINDS[name](
        labels, scores[:, 0] > 0.5, sample_weight=weight, zero_division=0
    )
    assert_close(ours, np.float64(theirs))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", KINDS)
def test_several_columns_agree_with_sklearn(name, seed):
    draw = np.random.default_rng([seed, 3])
    shape = (int(draw.integers(9, 40)), int(draw.integers(2, 5)))
    scores, answers = draw.random(shape), draw.integers(0, 2, shape)
    average, weight = AVERAGES[seed % 3], some_weights(draw, shape[0])
    cut = {"threshold" if name == "F1Score" else "thresholds": 0.4}
    ours = seen(getattr(metrics, name)(average=average, **cut), scores, answers, weight)
    theirs = KINDS[name](
        answers, scores > 0.4, average=average, sample_weight=weight, zero_division=0
    )
    assert_close(ours, np.float64(theirs))


@pytest.mark.parametrize("seed", SEEDS)
def test_f1_of_one_hot_rows_agrees_with_sklearn(seed):
    draw = np.random.default_rng([seed, 4])
    size, classes = int(draw.integers(9, 40)), int(draw.integers(2, 8))
    scores, labels = draw.normal(size=(size, classes)), draw.integers(0, classes, size)
    average = AVERAGES[seed % 3]
    ours = seen(metrics.F1Score(average), scores, np.eye(classes)[labels], None)
    theirs = sklearn.metrics.f1_score(labels, scores.argmax(-1), average=average)
    assert_close(ours, np.float64(theirs))


def rounded(draw: np.random.Generator, *shape: int) -> np.ndarray:
    """Scores with many ties."""
    return draw.random(shape).round(int(draw.integers(1, 3)))


AREAS = {
    "ROC": sklearn.metrics.roc_auc_score,
    "PR": sklearn.metrics.average_precision_score,
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("curve", AREAS)
def test_the_exact_area_agrees_with_sklearn(curve, seed):
    draw = np.random.default_rng([seed, 5])
    size = int(draw.integers(9, 80))
    scores, labels = rounded(draw, size), draw.permutation(np.arange(size) % 2)
    weight = some_weights(draw, size)
    ours = seen(metrics.AUC(curve=curve), scores, labels, weight)
    assert_close(ours, np.float64(AREAS[curve](labels, scores, sample_weight=weight)))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("curve", AREAS)
def test_the_exact_area_of_several_labels_agrees_with_sklearn(curve, seed):
    draw = np.random.default_rng([seed, 6])
    shape = (int(draw.integers(9, 80)), int(draw.integers(2, 5)))
    scores = rounded(draw, *shape)
    answers = draw.permuted(np.arange(shape[0] * shape[1]).reshape(shape) % 2, axis=0)
    answers[:2] = [[0], [1]]
    average = ["micro", "macro"][seed % 2]
    metric = metrics.AUC(curve=curve, multi_label=average == "macro")
    weight = some_weights(draw, shape[0])
    theirs = AREAS[curve](answers, scores, average=average, sample_weight=weight)
    assert_close(seen(metric, scores, answers, weight), np.float64(theirs))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("curve", AREAS)
def test_the_exact_area_of_integer_labels_agrees_with_sklearn(curve, seed):
    draw = np.random.default_rng([seed, 7])
    size, classes = int(draw.integers(9, 80)), int(draw.integers(2, 6))
    scores = softmax(draw.normal(size=(size, classes)))
    labels = draw.permutation(np.arange(size) % classes)
    weight = some_weights(draw, size)
    ours = seen(metrics.AUC(curve=curve), scores, labels, weight)
    options = {"multi_class": "ovr"} if curve == "ROC" and classes > 2 else {}
    columns = scores if classes > 2 else scores[:, 1]
    theirs = AREAS[curve](labels, columns, sample_weight=weight, **options)
    assert_close(ours, np.float64(theirs))


@pytest.mark.parametrize("offset", [0.0, 1e3])
@pytest.mark.parametrize("seed", SEEDS)
def test_r2_agrees_with_sklearn(seed, offset):
    draw = np.random.default_rng([seed, 8])
    shape = (int(draw.integers(9, 40)), int(draw.integers(1, 4)))
    target = draw.normal(size=shape) + offset
    prediction = target + draw.normal(size=shape)
    kind = ["uniform_average", "variance_weighted_average"][seed % 2]
    weight = some_weights(draw, shape[0])
    ours = seen(metrics.R2Score(kind), prediction, target, weight)
    theirs = sklearn.metrics.r2_score(
        target,
        prediction,
        sample_weight=weight,
        multioutput=kind.replace("weighted_average", "weighted"),
    )
    assert_close(ours, np.float64(theirs))


@pytest.mark.parametrize("prediction", [[3.0, 3.0, 3.0], [3.0, 3.0, 4.0]])
def test_r2_of_constant_targets_agrees_with_sklearn(prediction):
    target, guess = np.full(3, 3.0), np.array(prediction)
    ours = metrics.R2Score()
    ours.update(torch.from_numpy(guess), torch.from_numpy(target))
    assert_close(ours.compute(), np.float64(sklearn.metrics.r2_score(target, guess)))


@pytest.mark.parametrize("seed", SEEDS)
def test_top_k_agrees_with_sklearn(seed):
    draw = np.random.default_rng([seed, 9])
    size, classes = int(draw.integers(9, 40)), int(draw.integers(3, 8))
    scores, labels = draw.normal(size=(size, classes)), draw.integers(0, classes, size)
    k, weight = int(draw.integers(1, classes)), some_weights(draw, size)
    ours = seen(metrics.SparseTopKCategoricalAccuracy(k), scores, labels, weight)
    theirs = sklearn.metrics.top_k_accuracy_score(
        labels, scores, k=k, sample_weight=weight, labels=range(classes)
    )
    assert_close(ours, np.float64(theirs))
