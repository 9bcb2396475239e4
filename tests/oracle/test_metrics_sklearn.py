"""Precision, recall, F1, AUC and R2 give scikit-learn's numbers."""

from itertools import pairwise

import numpy as np
import pytest
import sklearn.metrics
import torch
from sklearn.calibration import calibration_curve
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


def labelled(draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    size, classes = int(draw.integers(9, 60)), int(draw.integers(2, 6))
    scores = softmax(draw.normal(size=(size, classes)))
    return scores, np.concatenate([np.arange(2), draw.integers(0, classes, size - 2)])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("weighting", [None, "linear", "quadratic"])
def test_kappa_agrees_with_sklearn(weighting, seed):
    draw = np.random.default_rng([seed, 21])
    scores, labels = labelled(draw)
    weight = some_weights(draw, len(labels))
    ours = seen(metrics.CohenKappa(weighting), scores, labels, weight)
    theirs = sklearn.metrics.cohen_kappa_score(
        labels,
        scores.argmax(-1),
        labels=range(scores.shape[-1]),
        weights=weighting,
        sample_weight=weight,
    )
    assert_close(ours, np.float64(theirs))


@pytest.mark.parametrize("seed", SEEDS)
def test_matthews_correlation_agrees_with_sklearn(seed):
    draw = np.random.default_rng([seed, 22])
    scores, labels = labelled(draw)
    weight = some_weights(draw, len(labels))
    ours = seen(metrics.MatthewsCorrelation(), scores, labels, weight)
    theirs = sklearn.metrics.matthews_corrcoef(
        labels, scores.argmax(-1), sample_weight=weight
    )
    assert_close(ours, np.float64(theirs))


@pytest.mark.parametrize("seed", SEEDS)
def test_brier_scores_agree_with_sklearn(seed):
    draw = np.random.default_rng([seed, 23])
    scores, labels = labelled(draw)
    weight = some_weights(draw, len(labels))
    ours = seen(metrics.BrierScore(), scores, labels, weight)
    theirs = sklearn.metrics.brier_score_loss(
        labels,
        scores if scores.shape[-1] > 2 else scores[:, 1],
        sample_weight=weight,
        labels=range(scores.shape[-1]),
        scale_by_half=False,
    )
    assert_close(ours, np.float64(theirs))


@pytest.mark.parametrize("seed", SEEDS)
def test_calibration_agrees_with_sklearn(seed):
    draw = np.random.default_rng([seed, 24])
    chances, bins = draw.random(50), int(draw.integers(1, 12))
    answers = (draw.random(50) < chances).astype(int)
    rate, certainty = calibration_curve(answers, chances, n_bins=bins)
    edges = np.linspace(0, 1, bins + 1)
    counts = np.histogram(chances, edges)[0]
    expected = (np.abs(rate - certainty) * counts[counts > 0]).sum() / 50
    ours = seen(metrics.CalibrationError(bins), chances, answers)
    assert_close(ours, np.float64(expected))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("beta", [0.5, 2.0])
def test_f_beta_agrees_with_sklearn(beta, seed):
    draw = np.random.default_rng([seed, 25])
    scores, labels = labelled(draw)
    average, weight = AVERAGES[seed % 3], some_weights(draw, len(labels))
    metric = metrics.FBetaScore(beta, average=average)
    ours = seen(metric, scores, labels, weight)
    theirs = sklearn.metrics.fbeta_score(
        labels,
        scores.argmax(-1),
        beta=beta,
        average=average,
        sample_weight=weight,
        zero_division=0,
    )
    assert_close(ours, np.float64(theirs))


@pytest.mark.parametrize("seed", SEEDS)
def test_mean_iou_agrees_with_sklearn(seed):
    draw = np.random.default_rng([seed, 26])
    scores, labels = labelled(draw)
    weight = some_weights(draw, len(labels))
    ours = seen(metrics.MeanIoU(scores.shape[-1]), scores, labels, weight)
    theirs = sklearn.metrics.jaccard_score(
        labels, scores.argmax(-1), average="macro", sample_weight=weight
    )
    assert_close(ours, np.float64(theirs))


@pytest.mark.parametrize("seed", SEEDS)
def test_exact_points_of_the_roc_curve_agree_with_sklearn(seed):
    draw = np.random.default_rng([seed, 27])
    scores, answers = draw.integers(0, 20, 40) / 20, draw.integers(0, 2, 40)
    least, weight = float(draw.random()), some_weights(draw, 40)
    alarms, hits, _ = sklearn.metrics.roc_curve(
        answers, scores, sample_weight=weight, drop_intermediate=False
    )
    sensitivity = seen(metrics.SensitivityAtSpecificity(least), scores, answers, weight)
    specificity = seen(metrics.SpecificityAtSensitivity(least), scores, answers, weight)
    assert_close(sensitivity, hits[1 - alarms >= least].max())
    assert_close(specificity, (1 - alarms)[hits >= least].max())


@pytest.mark.parametrize("seed", SEEDS)
def test_exact_points_of_the_precision_curve_agree_with_sklearn(seed):
    draw = np.random.default_rng([seed, 28])
    scores, answers = draw.integers(0, 20, 40) / 20, draw.integers(0, 2, 40)
    least, weight = float(draw.random()), some_weights(draw, 40)
    precision, recall, _ = sklearn.metrics.precision_recall_curve(
        answers, scores, sample_weight=weight
    )
    precision, recall = precision[:-1], recall[:-1]  # 1 where nothing was chosen
    ours = seen(metrics.PrecisionAtRecall(least), scores, answers, weight)
    assert_close(ours, precision[recall >= least].max())
    ours = seen(metrics.RecallAtPrecision(least), scores, answers, weight)
    assert_close(ours, np.max(recall, where=precision >= least, initial=0))
