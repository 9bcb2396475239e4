"""Every exported metric: one batch = many batches = many ranks; rebuilt from config."""

import copy
import inspect
import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from mica import losses, metrics
from mica.metrics import Metric
from mica.registry import decode, encode, register
from tests.structure.rules import sections
from tests.tolerances import assert_close

SIZE = 24


@register
def distance(prediction: Tensor, target: Tensor) -> Tensor:
    return (prediction - target).abs().sum(-1)


class Case(NamedTuple):
    """How to make a metric, a point whose value is known, and what it reads."""

    make: Callable[[], Metric]
    prediction: list
    target: list
    value: float  # by hand
    labels: str = "numbers"


ROWS = [[0.1, 0.2, 0.7], [0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.2, 0.3, 0.5]]
ONE_HOT = [[0, 0, 1], [0, 1, 0], [0, 1, 0], [1, 0, 0]]
ANSWERS = [[0.9], [0.8], [0.3], [0.6]], [[1], [0], [1], [1]]
SHARES = [[0.25, 0.5, 0.25], [0.5, 0.25, 0.25]]
CASES = {
    "Accuracy": Case(metrics.Accuracy, [1, 2, 0, 3], [1, 0, 0, 3], 0.75),
    "BinaryCrossentropy": Case(
        metrics.BinaryCrossentropy,
        [[0.5], [0.25]],
        [[1], [0]],
        math.log(8 / 3) / 2,
        "answers",
    ),
    "CategoricalCrossentropy": Case(
        metrics.CategoricalCrossentropy,
        SHARES,
        [[1, 0, 0], [1, 0, 0]],
        math.log(8) / 2,
        "one_hot",
    ),
    "CategoricalHinge": Case(
        metrics.CategoricalHinge, [[2.0, 0.5]], [[0, 1]], 2.5, "one_hot"
    ),
    "Hinge": Case(metrics.Hinge, [[2.0], [0.5]], [[1], [-1]], 0.75, "answers"),
    "KLDivergence": Case(
        metrics.KLDivergence,
        SHARES,
        [[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]],
        math.log(2) / 8,
        "one_hot",
    ),
    "LogCoshError": Case(
        metrics.LogCoshError, [[1.0], [2.0]], [[0], [3]], math.log(math.cosh(1.0))
    ),
    "Mean": Case(metrics.Mean, [[2.0], [1.0]], [[0], [4]], 1.5),
    "MeanAbsolutePercentageError": Case(
        metrics.MeanAbsolutePercentageError, [[1.0], [3.0]], [[2], [4]], 37.5
    ),
    "MeanSquaredLogarithmicError": Case(
        metrics.MeanSquaredLogarithmicError,
        [[1.0], [3.0]],
        [[0], [3]],
        (math.log(2) - math.log1p(1e-7)) ** 2 / 2,
        "answers",
    ),
    "Poisson": Case(
        metrics.Poisson,
        [[1.0], [2.0]],
        [[1], [0]],
        1.5 - math.log1p(1e-7) / 2,
        "answers",
    ),
    "SparseCategoricalCrossentropy": Case(
        metrics.SparseCategoricalCrossentropy,
        SHARES,
        [0, 0],
        math.log(8) / 2,
        "classes",
    ),
    "SquaredHinge": Case(
        metrics.SquaredHinge, [[2.0], [0.5]], [[1], [-1]], 1.125, "answers"
    ),
    "Sum": Case(metrics.Sum, [[2.0], [1.0]], [[0], [4]], 3.0),
    "AUC": Case(metrics.AUC, *ANSWERS, 1 / 3, "answers"),
    "AUC of precision and recall": Case(
        lambda: metrics.AUC(curve="PR"),
        *ANSWERS,
        (1 + 2 / 3 + 3 / 4) / 3,
        "answers",
    ),
    "AUC by thresholds": Case(lambda: metrics.AUC(11), *ANSWERS, 1 / 3, "answers"),
    "AUC of classes": Case(metrics.AUC, ROWS, [2, 1, 1, 2], (7 / 8 + 1) / 2, "classes"),
    "BLEU": Case(
        lambda: metrics.BLEU(2),
        [[5, 6, 7, 0], [5, 8, 0, 0]],
        [[5, 6, 7, 9], [5, 6, 0, 0]],
        math.exp(1 - 6 / 5) * math.sqrt(4 / 5 * 2 / 3),
        "tokens",
    ),
    "BinaryIoU": Case(metrics.BinaryIoU, *ANSWERS, 1 / 4, "answers"),
    "BrierScore": Case(
        metrics.BrierScore,
        [[0.5, 0.5], [0.25, 0.75]],
        [0, 1],
        (0.5 + 0.125) / 2,
        "classes",
    ),
    "BrierScore of answers": Case(
        metrics.BrierScore, [[0.5], [0.25]], [[0], [1]], (0.25 + 0.5625) / 2, "answers"
    ),
    "CalibrationError": Case(
        lambda: metrics.CalibrationError(2), *ANSWERS, (0.7 + 0.3) / 4, "answers"
    ),
    "CalibrationError of classes": Case(
        lambda: metrics.CalibrationError(2, norm="max"),
        ROWS,
        [2, 1, 1, 0],
        0.65 - 0.5,
        "classes",
    ),
    "CohenKappa": Case(
        metrics.CohenKappa, *ANSWERS, (0.5 - 0.625) / (1 - 0.625), "answers"
    ),
    "CohenKappa of classes in an order": Case(
        lambda: metrics.CohenKappa("linear"),
        ROWS,
        [2, 1, 1, 0],
        1 - 3 / (14 / 4),
        "classes",
    ),
    "ConcordanceCorrelation": Case(
        metrics.ConcordanceCorrelation,
        [[1.0, 2.0, 3.0]],
        [[2, 3, 4]],
        (4 / 3) / (7 / 3 + 1e-7),
    ),
    "BinaryAccuracy": Case(metrics.BinaryAccuracy, *ANSWERS, 0.5, "answers"),
    "CategoricalAccuracy": Case(
        metrics.CategoricalAccuracy, ROWS, ONE_HOT, 0.5, "one_hot"
    ),
    "CosineSimilarity": Case(
        metrics.CosineSimilarity, [[3.0, 4.0], [1.0, 0.0]], [[1, 0], [0, 2]], 0.3
    ),
    "F1Score": Case(metrics.F1Score, *ANSWERS, 2 / 3, "answers"),
    "F1Score of classes": Case(
        metrics.F1Score, ROWS, [2, 1, 1, 0], (0 + 2 / 3 + 2 / 3) / 3, "classes"
    ),
    "FBetaScore": Case(
        lambda: metrics.FBetaScore(2.0, threshold=0.7),
        *ANSWERS,
        5 * 1 / (4 * 3 + 2),
        "answers",
    ),
    "FBetaScore of classes": Case(
        lambda: metrics.FBetaScore(0.5),
        ROWS,
        [2, 1, 1, 0],
        (0 + 1.25 / 1.5 + 1.25 / 2.25) / 3,
        "classes",
    ),
    "FalseNegatives": Case(metrics.FalseNegatives, *ANSWERS, 1, "answers"),
    "FalsePositives": Case(metrics.FalsePositives, *ANSWERS, 1, "answers"),
    "ForeignMetric": Case(
        lambda: metrics.ForeignMetric(metrics.MeanAbsoluteError()),
        [[2.0], [1.0]],
        [[0], [4]],
        2.5,
    ),
    "FunctionMetric": Case(
        lambda: metrics.FunctionMetric(distance), [[2.0], [1.0]], [[0], [4]], 2.5
    ),
    "IoU": Case(
        lambda: metrics.IoU(3, [1, 2]), ROWS, [2, 1, 1, 0], (0.5 + 0.5) / 2, "classes"
    ),
    "LossMetric": Case(
        lambda: metrics.LossMetric(losses.Huber()), [[0.5], [3.0]], [[0], [0]], 1.3125
    ),
    "MeanAbsoluteError": Case(
        metrics.MeanAbsoluteError, [[2.0], [1.0]], [[0], [4]], 2.5
    ),
    "MatthewsCorrelation": Case(
        metrics.MatthewsCorrelation, *ANSWERS, -1 / 3, "answers"
    ),
    "MatthewsCorrelation of classes": Case(
        metrics.MatthewsCorrelation,
        ROWS,
        [2, 1, 1, 0],
        (2 * 4 - 5) / (10 * 10) ** 0.5,
        "classes",
    ),
    "MeanAveragePrecision": Case(
        lambda: metrics.MeanAveragePrecision([0.5, 0.75]),
        [[[0, 0, 2, 2, 0.9, 0], [0, 0, 2, 3, 0.8, 1], [9, 9, 10, 10, 0.7, 1]]],
        [[[0, 0, 2, 2, 0], [0, 0, 2, 2, 1]]],
        (1 + 1 / 2) / 2,
        "boxes",
    ),
    "MeanIoU": Case(
        lambda: metrics.MeanIoU(3), ROWS, [2, 1, 1, 0], (0 + 0.5 + 0.5) / 3, "classes"
    ),
    "MeanSquaredError": Case(metrics.MeanSquaredError, [[2.0], [1.0]], [[0], [4]], 6.5),
    "OneHotIoU": Case(
        lambda: metrics.OneHotIoU(3, [1]), ROWS, ONE_HOT, 1 / 2, "one_hot"
    ),
    "OneHotMeanIoU": Case(
        lambda: metrics.OneHotMeanIoU(3), ROWS, ONE_HOT, 1 / 3, "one_hot"
    ),
    "PearsonCorrelation": Case(
        metrics.PearsonCorrelation, [[1.0, 2.0, 3.0]], [[0, 0, 6]], 0.75**0.5
    ),
    "Perplexity": Case(
        metrics.Perplexity, [[0.5, 0.5], [0.125, 0.875]], [0, 0], 4.0, "classes"
    ),
    "Precision": Case(metrics.Precision, *ANSWERS, 2 / 3, "answers"),
    "Precision of classes": Case(
        metrics.Precision, ROWS, [2, 1, 1, 0], (0 + 1 + 0.5) / 3, "classes"
    ),
    "PrecisionAtRecall": Case(
        lambda: metrics.PrecisionAtRecall(0.5), *ANSWERS, 0.75, "answers"
    ),
    "PrecisionAtRecall by thresholds": Case(
        lambda: metrics.PrecisionAtRecall(0.5, 11), *ANSWERS, 0.75, "answers"
    ),
    "PrecisionAtRecall of classes": Case(
        lambda: metrics.PrecisionAtRecall(0.75), ROWS, [2, 0, 1, 0], 0.75, "classes"
    ),
    "R2Score": Case(metrics.R2Score, [[1.0], [2.0]], [[1], [3]], 0.5),
    "Recall": Case(metrics.Recall, *ANSWERS, 2 / 3, "answers"),
    "Recall of classes": Case(
        metrics.Recall, ROWS, [2, 1, 1, 0], (0 + 0.5 + 1) / 3, "classes"
    ),
    "RecallAtPrecision": Case(
        lambda: metrics.RecallAtPrecision(0.8), *ANSWERS, 1 / 3, "answers"
    ),
    "RootMeanSquaredError": Case(
        metrics.RootMeanSquaredError, [[2.0], [1.0]], [[0], [4]], 6.5**0.5
    ),
    "RougeL": Case(
        metrics.RougeL,
        [[5, 6, 7, 8], [5, 8, 0, 0]],
        [[5, 7, 6, 8], [6, 7, 0, 0]],
        (0.75 + 0) / 2,
        "tokens",
    ),
    "SensitivityAtSpecificity": Case(
        lambda: metrics.SensitivityAtSpecificity(0.5), *ANSWERS, 1 / 3, "answers"
    ),
    "SparseCategoricalAccuracy": Case(
        metrics.SparseCategoricalAccuracy, ROWS, [2, 1, 1, 0], 0.5, "classes"
    ),
    "SparseTopKCategoricalAccuracy": Case(
        lambda: metrics.SparseTopKCategoricalAccuracy(2),
        ROWS,
        [2, 1, 1, 0],
        0.75,
        "classes",
    ),
    "SpecificityAtSensitivity": Case(
        lambda: metrics.SpecificityAtSensitivity(0.3), *ANSWERS, 1, "answers"
    ),
    "TopKCategoricalAccuracy": Case(
        lambda: metrics.TopKCategoricalAccuracy(2), ROWS, ONE_HOT, 0.75, "one_hot"
    ),
    "TrueNegatives": Case(metrics.TrueNegatives, *ANSWERS, 0, "answers"),
    "TruePositives": Case(metrics.TruePositives, *ANSWERS, 2, "answers"),
}
ABSTRACT = {"KeepingMetric", "MeanMetric", "Metric", "RegionMetric", "ScoreMetric"}
every_metric = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
OURS = {name: case for name, case in CASES.items() if name != "ForeignMetric"}
every_metric_of_ours = pytest.mark.parametrize("case", OURS.values(), ids=OURS)


def drawn_tokens() -> list[Tensor]:
    tokens = torch.randint(0, 4, (2, SIZE, 7))
    return [*tokens, torch.rand(SIZE, dtype=torch.float64)]


def drawn_boxes() -> list[Tensor]:
    """True boxes moved a little, some of them lost, some invented."""
    corners = 4 * torch.rand(SIZE, 5, 2, dtype=torch.float64)
    corners = torch.cat([corners, corners + 1 + torch.rand(SIZE, 5, 2)], dim=-1)
    classes = torch.randint(-1, 3, (SIZE, 5, 1))
    moved = corners + 0.2 * torch.randn(SIZE, 5, 4)
    scores = torch.randint(1, 9, (SIZE, 5, 1)) / 9
    found = torch.cat([moved, scores, torch.randint(-1, 3, (SIZE, 5, 1))], dim=-1)
    found[:, :3, 5:] = classes[:, :3]
    true = torch.cat([corners, classes], dim=-1)
    return [found, true, torch.rand(SIZE, dtype=torch.float64)]


OWN_DRAWS = {"tokens": drawn_tokens, "boxes": drawn_boxes}


def drawn(case: Case) -> list[Tensor]:
    """Predictions, targets the metric can read, and weights."""
    if case.labels in OWN_DRAWS:
        return OWN_DRAWS[case.labels]()
    scores = torch.randn(SIZE, 3, dtype=torch.float64)
    classes = torch.arange(SIZE) % 3
    target = {
        "numbers": torch.randn(SIZE, 3, dtype=torch.float64),
        "answers": (torch.randn(SIZE, 3) > 0).long(),
        "one_hot": torch.nn.functional.one_hot(classes, 3),
        "classes": classes,
    }[case.labels]
    weight = torch.rand(SIZE, dtype=torch.float64)
    return [scores.softmax(-1), target, weight]


def seen(metric: Metric, batches: Iterable[list[Tensor]]) -> Tensor:
    for batch in batches:
        metric.update(*batch)
    return metric.compute()


def split(batch: list[Tensor], *sizes: int) -> list[list[Tensor]]:
    return [list(parts) for parts in zip(*(t.split(sizes) for t in batch), strict=True)]


def test_every_exported_metric_has_a_case():
    classes = {name for name in metrics.__all__ if name[0].isupper()}
    swept = {name.split(" ")[0] for name in CASES}
    assert classes - ABSTRACT == swept


@every_metric
def test_the_value_at_a_known_point_is_right(case):
    prediction = torch.tensor(case.prediction, dtype=torch.float64)
    value = seen(case.make(), [[prediction, torch.tensor(case.target)]])
    assert_close(value, case.value)


@every_metric_of_ours
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("sizes", [[1] * SIZE, [7, 17], [23, 1]])
def test_one_batch_is_many_batches(case, weighted, sizes):
    batch = drawn(case)[: 2 + weighted]
    whole = seen(case.make(), [batch])
    assert_close(seen(case.make(), split(batch, *sizes)), whole, "reordered")


@every_metric_of_ours
def test_one_rank_is_many_ranks(case):
    batch = drawn(case)
    ranks = [case.make() for _ in range(3)]
    for rank, part in zip(ranks, split(batch, 5, 18, 1), strict=True):
        rank.update(*part)
    first, *others = ranks
    for other in others:
        first.merge(other)
    assert_close(first.compute(), seen(case.make(), [batch]), "reordered")


@every_metric_of_ours
def test_a_rank_that_saw_nothing_changes_nothing(case):
    batch = drawn(case)
    whole, empty = case.make(), case.make()
    value = seen(whole, [batch]).clone()
    whole.merge(empty)
    empty.merge(whole)
    assert torch.equal(whole.compute(), value)
    assert torch.equal(empty.compute(), value)


@every_metric_of_ours
def test_merging_leaves_the_other_alone(case):
    first, second, third = (case.make() for _ in range(3))
    second_value = seen(second, [drawn(case)]).clone()
    first.merge(second)
    seen(first, [drawn(case)])
    third.load_state(second.state())
    seen(third, [drawn(case)])
    assert torch.equal(second.compute(), second_value)


@every_metric_of_ours
def test_weights_count_samples(case):
    prediction, target, _ = drawn(case)
    counts = torch.arange(SIZE) % 4
    repeated = [kind.repeat_interleave(counts, dim=0) for kind in (prediction, target)]
    weighted = seen(case.make(), [[prediction, target, counts.double()]])
    assert_close(weighted, seen(case.make(), [repeated]), "reordered")


@every_metric
def test_a_metric_that_was_reset_is_new(case):
    metric, first, second = case.make(), drawn(case)[:2], drawn(case)[:2]
    seen(metric, [first])
    metric.reset()
    assert_close(seen(metric, [second]), seen(case.make(), [second]), "reordered")


@every_metric
def test_reading_a_metric_does_not_end_it(case):
    metric, batches = case.make(), split(drawn(case)[:2], 11, 13)
    metric.update(*batches[0])
    metric.compute()
    metric.update(*batches[1])
    assert_close(metric.compute(), seen(case.make(), batches), "reordered")


@every_metric
def test_a_copy_goes_its_own_way(case):
    metric = case.make()
    value = seen(metric, [drawn(case)[:2]]).clone()
    seen(copy.deepcopy(metric), [drawn(case)[:2]])
    assert torch.equal(metric.compute(), value)


@every_metric
def test_the_result_is_one_float64_number(case):
    value = seen(case.make(), [[drawn(case)[0].float(), drawn(case)[1]]])
    assert value.shape == ()
    assert value.dtype is torch.float64


ACCEPTING = {name: case for name, case in OURS.items() if case.make().accepts_logits}


@pytest.mark.parametrize("case", ACCEPTING.values(), ids=ACCEPTING)
def test_logits_do_where_a_metric_says_so(case):
    prediction, target, weight = drawn(case)
    shares = seen(case.make(), [[prediction, target, weight]])
    logits = seen(case.make(), [[prediction.log() + 3, target, weight]])
    assert torch.equal(logits, shares)


@every_metric_of_ours
def test_a_metric_is_rebuilt_from_its_config(case):
    metric, batch = case.make(), drawn(case)
    rebuilt = decode(encode(metric))
    assert type(rebuilt) is type(metric)
    assert rebuilt.config() == metric.config()
    assert torch.equal(seen(rebuilt, [batch]), seen(metric, [batch]))


@pytest.mark.parametrize("name", sorted({name.split(" ")[0] for name in CASES}))
def test_the_docstring_has_its_sections(name):
    docstring = inspect.getdoc(getattr(metrics, name)) or ""
    assert {"Args", "Shape", "Example", "Source"} <= set(sections(docstring))
    assert "Range: " in docstring
