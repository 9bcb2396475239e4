"""Metrics give Keras's numbers in float64, over several batches."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
import torch
from keras.src.backend.common import dtypes
from torch import Tensor

from mica import metrics
from tests.oracle.keras_draws.comparing import largest_difference
from tests.tolerances import assert_close

SEEDS = range(10)  # configurations drawn for each metric


class Case(NamedTuple):
    """One configuration: the same arguments and three batches of unequal size."""

    arguments: dict[str, Any]
    prediction: Tensor
    target: Tensor


@pytest.fixture(autouse=True)
def keras_in_float64(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keras narrows float64 to float32 outside TensorFlow; here it may not."""
    monkeypatch.delitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64")
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx(before)


def normal(draw: np.random.Generator, *shape: int) -> Tensor:
    return torch.from_numpy(draw.normal(size=shape))


def rows(draw: np.random.Generator) -> int:
    return int(draw.integers(12, 40))


def binary(draw: np.random.Generator) -> Case:
    shape = (rows(draw), int(draw.integers(1, 4)))
    threshold = float(draw.choice([0.3, 0.5, 0.8]))
    target = (normal(draw, *shape) > 0).double()
    return Case({"threshold": threshold}, normal(draw, *shape).sigmoid(), target)


def yes_or_no(draw: np.random.Generator) -> Case:
    case = binary(draw)
    arguments: dict[str, Any] = {"thresholds": case.arguments["threshold"]}
    if case.prediction.shape[-1] > 1 and draw.integers(2):
        arguments["class_id"] = int(draw.integers(case.prediction.shape[-1]))
    return case._replace(arguments=arguments)


def one_hot(draw: np.random.Generator) -> Case:
    shape = (rows(draw), int(draw.integers(2, 7)))
    labels = torch.from_numpy(draw.integers(0, shape[1], size=shape[0]))
    target = torch.nn.functional.one_hot(labels, shape[1]).double()
    return Case({}, normal(draw, *shape).softmax(-1), target)


def one_hot_top(draw: np.random.Generator) -> Case:
    case = one_hot(draw)
    k = int(draw.integers(1, case.prediction.shape[-1] + 1))
    return case._replace(arguments={"k": k})


def sparse(draw: np.random.Generator) -> Case:
    case = one_hot(draw)
    return case._replace(target=case.target.argmax(-1))


def sparse_top(draw: np.random.Generator) -> Case:
    case = one_hot_top(draw)
    return case._replace(target=case.target.argmax(-1))


def numbers(draw: np.random.Generator) -> Case:
    shape = (rows(draw), int(draw.integers(1, 4)))
    return Case({}, normal(draw, *shape), normal(draw, *shape))


def vectors(draw: np.random.Generator) -> Case:
    shape = (rows(draw), int(draw.integers(2, 5)))
    return Case({}, normal(draw, *shape), normal(draw, *shape))


def variance(draw: np.random.Generator) -> Case:
    kinds = ["uniform_average", "variance_weighted_average"]
    return numbers(draw)._replace(
        arguments={"class_aggregation": kinds[draw.integers(2)]}
    )


def thresholds(draw: np.random.Generator) -> Case:
    case = binary(draw)
    arguments = {
        "num_thresholds": int(draw.choice([2, 3, 11, 200])),
        "curve": ["ROC", "PR"][draw.integers(2)],
        "multi_label": bool(draw.integers(2)),
    }
    return case._replace(arguments=arguments)


def class_numbers(draw: np.random.Generator) -> Case:
    size, classes = rows(draw), int(draw.integers(2, 6))
    prediction, target = (
        torch.from_numpy(draw.integers(0, classes, size=(size, 3))) for _ in range(2)
    )
    arguments = {"num_classes": classes}
    if draw.integers(2):
        arguments["ignore_class"] = int(draw.integers(classes))
    return Case(arguments, prediction, target)


def some_class_numbers(draw: np.random.Generator) -> Case:
    case = class_numbers(draw)
    classes = case.arguments["num_classes"]
    chosen = draw.permutation(classes)[: draw.integers(1, classes + 1)].tolist()
    return case._replace(arguments={**case.arguments, "target_class_ids": chosen})


def regions(draw: np.random.Generator) -> Case:
    case = binary(draw)
    chosen = [[0, 1], [0], [1]][draw.integers(3)]
    return case._replace(arguments={**case.arguments, "target_class_ids": chosen})


def one_hot_regions(draw: np.random.Generator) -> Case:
    case = one_hot(draw)
    return case._replace(arguments={"num_classes": case.prediction.shape[-1]})


def some_one_hot_regions(draw: np.random.Generator) -> Case:
    case = one_hot_regions(draw)
    classes = case.arguments["num_classes"]
    chosen = draw.permutation(classes)[: draw.integers(1, classes + 1)].tolist()
    return case._replace(arguments={**case.arguments, "target_class_ids": chosen})


def counted(draw: np.random.Generator) -> Case:
    case = binary(draw)
    return case._replace(arguments={"thresholds": case.arguments["threshold"]})


def tradeoff(word: str) -> Callable[[np.random.Generator], Case]:
    def drawn(draw: np.random.Generator) -> Case:
        case = binary(draw)
        arguments: dict[str, Any] = {
            word: float(draw.choice([0.1, 0.5, 0.8, 1.0])),
            "num_thresholds": int(draw.choice([3, 11, 200])),
        }
        if draw.integers(2):
            arguments["class_id"] = int(draw.integers(case.prediction.shape[-1]))
        return case._replace(arguments=arguments)

    return drawn


def labels(draw: np.random.Generator) -> Case:
    """Whole numbers on both sides, and as many columns as there are."""
    case = class_numbers(draw)
    return case._replace(arguments={}, prediction=case.prediction.double())


def positive(draw: np.random.Generator) -> Case:
    case = numbers(draw)
    return case._replace(prediction=case.prediction.exp(), target=case.target.exp())


def signs(draw: np.random.Generator) -> Case:
    case = numbers(draw)
    return case._replace(target=case.target.sign())


def scores(draw: np.random.Generator) -> Case:
    case = one_hot(draw)
    return case._replace(prediction=normal(draw, *case.prediction.shape))


def shares(draw: np.random.Generator) -> Case:
    case = one_hot(draw)
    return case._replace(target=normal(draw, *case.target.shape).softmax(-1))


def entropy_of(
    kind: Callable[[np.random.Generator], Case], *words: str
) -> Callable[[np.random.Generator], Case]:
    """Probabilities or logits, with and without a smoothed or an ignored label."""

    def drawn(draw: np.random.Generator) -> Case:
        case = kind(draw)
        arguments: dict[str, Any] = {"from_logits": bool(draw.integers(2))}
        if arguments["from_logits"]:
            case = case._replace(prediction=case.prediction.log())
        if "label_smoothing" in words and draw.integers(2):
            arguments["label_smoothing"] = float(draw.uniform(0, 0.5))
        if "ignore_class" in words and draw.integers(2):
            arguments["ignore_class"] = int(draw.integers(case.prediction.shape[-1]))
        return case._replace(arguments=arguments)

    return drawn


CASES: dict[str, Callable[[np.random.Generator], Case]] = {
    "AUC": thresholds,
    "Accuracy": labels,
    "BinaryAccuracy": binary,
    "BinaryCrossentropy": entropy_of(binary, "label_smoothing"),
    "CategoricalAccuracy": one_hot,
    "CategoricalCrossentropy": entropy_of(one_hot, "label_smoothing"),
    "CategoricalHinge": scores,
    "BinaryIoU": regions,
    "ConcordanceCorrelation": vectors,
    "CosineSimilarity": vectors,
    "FalseNegatives": counted,
    "FalsePositives": counted,
    "Hinge": signs,
    "IoU": some_class_numbers,
    "KLDivergence": shares,
    "LogCoshError": numbers,
    "MeanAbsoluteError": numbers,
    "MeanAbsolutePercentageError": numbers,
    "MeanIoU": class_numbers,
    "MeanSquaredError": numbers,
    "MeanSquaredLogarithmicError": positive,
    "OneHotIoU": some_one_hot_regions,
    "OneHotMeanIoU": one_hot_regions,
    "PearsonCorrelation": vectors,
    "Poisson": positive,
    "Precision": yes_or_no,
    "PrecisionAtRecall": tradeoff("recall"),
    "R2Score": variance,
    "Recall": yes_or_no,
    "RecallAtPrecision": tradeoff("precision"),
    "RootMeanSquaredError": numbers,
    "SensitivityAtSpecificity": tradeoff("specificity"),
    "SparseCategoricalAccuracy": sparse,
    "SparseCategoricalCrossentropy": entropy_of(sparse, "ignore_class"),
    "SparseTopKCategoricalAccuracy": sparse_top,
    "SquaredHinge": signs,
    "SpecificityAtSensitivity": tradeoff("sensitivity"),
    "TopKCategoricalAccuracy": one_hot_top,
    "TrueNegatives": counted,
    "TruePositives": counted,
}
VALUES = {"Mean", "Sum"}  # compared by a test of their own: they take no target
NOT_COMPARED = {"MeanMetricWrapper", "Metric"}  # bases, which compute nothing
EPSILONS = {"F1Score", "FBetaScore"}  # Keras adds 1e-7; scikit-learn is the judge


def batches(case: Case, weight: Tensor | None) -> Iterator[tuple[Tensor, ...]]:
    cuts = [0, 5, 6, len(case.prediction)]
    for start, stop in pairwise(cuts):
        part = slice(start, stop)
        weights = () if weight is None else (weight[part],)
        yield case.prediction[part], case.target[part], *weights


def some_weights(draw: np.random.Generator, size: int) -> Tensor | None:
    """None, or multiples of 1/64: Keras's AUC narrows weights to float32."""
    if draw.integers(2):
        return None
    return torch.from_numpy(draw.integers(0, 65, size=size) / 64)


def compare_configuration(name: str, seed: int) -> float:
    """Draw one configuration of a metric and compare it with Keras's."""
    draw = np.random.default_rng([seed, *name.encode()])
    case = CASES[name](draw)
    weight = some_weights(draw, len(case.prediction))
    ours = getattr(metrics, name)(**case.arguments)
    theirs = getattr(keras.metrics, name)(dtype="float64", **case.arguments)
    for prediction, target, *weights in batches(case, weight):
        ours.update(prediction, target, *weights)
        if name in ("BinaryIoU", "IoU", "MeanIoU"):  # Keras wants one per entry
            weights = [each[:, None].expand(target.shape) for each in weights]
        if "ignore_class" in case.arguments:  # Keras counts such samples, with loss 0
            counted = (target != case.arguments["ignore_class"]).double()
            weights = [counted * each for each in weights] or [counted]
        theirs.update_state(target, prediction, *weights)
    # In float32 where Keras rounds on the way: the tolerance follows the coarser type.
    return largest_difference([ours.compute()], [torch.as_tensor(theirs.result())])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CASES)
def test_a_metric_agrees_with_keras(name, seed):
    compare_configuration(name, seed)


LOSSES: dict[str, Callable[[np.random.Generator], Case]] = {
    "binary_crossentropy": binary,
    "categorical_crossentropy": one_hot,
    "huber": numbers,
    "kl_divergence": one_hot,
    "mean_absolute_percentage_error": numbers,
    "sparse_categorical_crossentropy": sparse,
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_as_a_metric_agrees_with_keras(name, seed):
    draw = np.random.default_rng([seed, *name.encode()])
    case = LOSSES[name](draw)
    weight = some_weights(draw, len(case.prediction))
    ours = metrics.get_metric(name)
    function = getattr(keras.losses, name)
    theirs = keras.metrics.MeanMetricWrapper(function, dtype="float64")
    for prediction, target, *weights in batches(case, weight):
        ours.update(prediction, target, *weights)
        theirs.update_state(target, prediction, *weights)
    assert_close(ours.compute(), theirs.result())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", sorted(VALUES))
def test_numbers_without_targets_agree_with_keras(name, seed):
    draw = np.random.default_rng([seed, *name.encode()])
    case = numbers(draw)
    weight = some_weights(draw, len(case.prediction))
    ours = getattr(metrics, name)()
    theirs = getattr(keras.metrics, name)(dtype="float64")
    for values, _, *weights in batches(case, weight):
        ours.update(values, sample_weight=weights[0] if weights else None)
        if weights:  # Keras's Sum takes one for each number, Mean as many as fit
            weights = [weights[0][:, None].expand(values.shape)]
        theirs.update_state(values, *weights)
    assert_close(ours.compute(), theirs.result())


def test_every_metric_keras_has_is_compared_or_named():
    theirs = {name for name in dir(keras.metrics) if name[0].isupper()}
    assert theirs - NOT_COMPARED - VALUES - EPSILONS == set(CASES)


def test_keras_s_log_cosh_error_is_a_loss_by_name():
    prediction, target = torch.randn(2, 6, 3, dtype=torch.float64)
    ours, theirs = metrics.get_metric("logcosh"), keras.metrics.LogCoshError()
    ours.update(prediction, target)
    theirs.update_state(target, prediction)
    assert_close(ours.compute(), theirs.result())
