"""Tables, regions, calibration, counts and trade-offs: what they promise in words."""

import re

import pytest
import torch

from mica import metrics
from mica.errors import ConfigError, ShapeError
from mica.metrics import get_metric
from tests.tolerances import assert_close

WRONG = {
    "kappa's weighting": (
        lambda: metrics.CohenKappa("cubic"),
        "CohenKappa: expected weighting out of linear, quadratic or None, got 'cubic'. "
        "None counts all mistakes alike.",
    ),
    "one class": (
        lambda: metrics.MeanIoU(1),
        "MeanIoU: expected num_classes of at least 2, got 1. Background is a class "
        "too.",
    ),
    "a class there is not": (
        lambda: metrics.IoU(3, [1, 3]),
        "IoU: expected target_class_ids from 0 to 2, got [1, 3]. Name at least one "
        "class.",
    ),
    "no class": (
        lambda: metrics.BinaryIoU([]),
        "BinaryIoU: expected target_class_ids from 0 to 1, got []. Name at least one "
        "class.",
    ),
    "no bin": (
        lambda: metrics.CalibrationError(0),
        "CalibrationError: expected at least 1 bin, got 0. 15 is the usual number.",
    ),
    "another norm": (
        lambda: metrics.CalibrationError(norm="l3"),
        "CalibrationError: expected norm out of l1, l2, max, got 'l3'. 'l1' is the "
        "expected calibration error.",
    ),
    "no beta": (
        lambda: metrics.FBetaScore(0.0),
        "FBetaScore: expected beta above 0, got 0.0. 1.0 weighs precision and recall "
        "alike.",
    ),
    "a threshold of words": (
        lambda: metrics.FBetaScore(threshold="high"),
        "FBetaScore: expected one number as threshold, got 'high'. Make one FBetaScore "
        "for each threshold.",
    ),
    "several thresholds": (
        lambda: metrics.TruePositives([0.5, 0.7]),
        "TruePositives: expected one number as threshold, got [0.5, 0.7]. Make one "
        "TruePositives for each threshold.",
    ),
    "recall": (
        lambda: metrics.PrecisionAtRecall(1.5),
        "PrecisionAtRecall: expected recall from 0 to 1, got 1.5. Give a share, such "
        "as 0.9.",
    ),
    "sensitivity": (
        lambda: metrics.SpecificityAtSensitivity(-0.1),
        "SpecificityAtSensitivity: expected sensitivity from 0 to 1, got -0.1. Give a "
        "share, such as 0.9.",
    ),
    "one step": (
        lambda: metrics.RecallAtPrecision(0.5, 1),
        "RecallAtPrecision: expected num_thresholds of at least 2, got 1. Leave it out "
        "for the exact value.",
    ),
}


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(("make", "sentence"), WRONG.values(), ids=WRONG)
def test_arguments_out_of_range_are_refused(make, sentence):
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        make()


def test_maps_of_another_size_do_not_meet():
    sentence = (
        "mean_io_u: expected targets of the predictions' shape (2, 4), got (2, 3). "
        "Give the last layer 3 units."
    )
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        metrics.MeanIoU(5).update(torch.zeros(2, 4), torch.zeros(2, 3))


def seen(metric, *batch):
    metric.update(*batch)
    return metric


@pytest.mark.parametrize("shape", [(2, 4, 4), (2, 4, 4, 1)])
def test_maps_of_scores_are_read_as_maps_of_classes(shape):
    scores, labels = torch.randn(2, 4, 4, 3), torch.randint(0, 3, (2, 4, 4))
    expected = seen(metrics.MeanIoU(3), scores.argmax(-1), labels).compute()
    assert seen(metrics.MeanIoU(3), scores, labels.reshape(shape)).compute() == expected


def test_channels_may_come_first():
    scores, labels = torch.randn(2, 3, 4, 4), torch.randint(0, 3, (2, 4, 4))
    expected = seen(metrics.MeanIoU(3), scores.argmax(1), labels).compute()
    assert seen(metrics.MeanIoU(3, axis=1), scores, labels).compute() == expected


def test_labels_that_are_no_class_do_not_count():
    labels = torch.tensor([0, 1, 255, -1])
    metric = seen(metrics.MeanIoU(2), torch.tensor([0, 1, 1, 0]), labels)
    assert metric.compute().item() == 1


def test_a_class_that_never_occurs_is_left_out_of_the_mean():
    metric = seen(metrics.MeanIoU(9), torch.tensor([0, 1]), torch.tensor([0, 1]))
    assert metric.compute().item() == 1
    assert metric.per_class()[2:].isnan().all()


EMPTY = [
    metrics.MeanIoU(3),
    metrics.BinaryIoU(),
    metrics.CohenKappa(),
    metrics.MatthewsCorrelation(),
    metrics.CalibrationError(),
    metrics.PrecisionAtRecall(0.5),
    metrics.PrecisionAtRecall(0.5, 11),
    metrics.Perplexity(),
    metrics.BrierScore(),
]


@pytest.mark.parametrize("metric", EMPTY, ids=lambda metric: metric.name)
def test_what_saw_nothing_has_no_value(metric):
    assert metric.compute().isnan()


def test_kappa_is_undefined_where_chance_is_always_right():
    metric = seen(metrics.CohenKappa(), torch.ones(4), torch.ones(4))
    assert metric.compute().isnan()


def test_matthews_correlation_is_0_where_nothing_varies():
    metric = seen(metrics.MatthewsCorrelation(), torch.ones(2), torch.tensor([0, 1]))
    assert metric.compute().item() == 0


def test_a_reliability_diagram_shows_every_bin():
    metric = metrics.CalibrationError(4)
    metric.update(torch.tensor([0.1, 0.2, 0.9, 1.0]), torch.tensor([0, 1, 1, 1]))
    certainty, rate, share = metric.reliability()
    assert_close(certainty, torch.tensor([0.15, 0, 0, 0.95]).double(), "rounded once")
    assert rate.tolist() == [0.5, 0, 0, 1]
    assert share.tolist() == [0.5, 0, 0, 0.5]


CERTAIN = torch.tensor([0.1, 0.2, 0.9, 1.0], dtype=torch.float64)


@pytest.mark.parametrize(("norm", "expected"), [("l1", 0.2), ("max", 0.35)])
def test_the_norm_says_how_bins_are_brought_together(norm, expected):
    metric = metrics.CalibrationError(4, norm=norm)
    metric.update(CERTAIN, torch.tensor([0, 1, 1, 1]))
    assert_close(metric.compute(), expected)


def test_the_root_of_the_mean_square_lies_between():
    metric = metrics.CalibrationError(4, norm="l2")
    metric.update(CERTAIN, torch.tensor([0, 1, 1, 1]))
    assert_close(metric.compute(), ((0.35**2 + 0.05**2) / 2) ** 0.5)


@pytest.mark.parametrize("from_logits", [False, True])
def test_perplexity_skips_padding(from_logits):
    scores, labels = torch.randn(2, 3, 5).double(), torch.tensor([[1, 2, 0], [3, 0, 0]])
    given = scores if from_logits else scores.softmax(-1)
    metric = metrics.Perplexity(from_logits=from_logits, ignore_class=0)
    logs = scores.log_softmax(-1)
    expected = -(logs[0, 0, 1] + logs[0, 1, 2] + logs[1, 0, 3]) / 3
    assert_close(seen(metric, given, labels).compute(), expected.exp())


def test_weights_of_steps_mask_perplexity_too():
    scores, labels = torch.randn(2, 3, 5), torch.randint(0, 5, (2, 3))
    mask = torch.tensor([[1.0, 1, 0], [1, 0, 0]])
    weighted = seen(metrics.Perplexity(from_logits=True), scores, labels, mask)
    kept = mask.bool()
    cut = seen(metrics.Perplexity(from_logits=True), scores[kept], labels[kept])
    assert_close(weighted.compute(), cut.compute(), "reordered")


class Logits:
    reads_logits = True


@pytest.mark.parametrize(
    ("name", "attribute", "value"),
    [
        ("perplexity", "from_logits", True),
        ("binary_iou", "threshold", 0.0),
        ("mcc", "threshold", 0.0),
        ("true_positives", "threshold", 0.0),
    ],
)
def test_a_metric_asked_for_by_name_reads_what_the_loss_reads(name, attribute, value):
    metric = get_metric(name, loss=Logits())
    assert getattr(metric, attribute) == value
    assert getattr(get_metric(name), attribute) != value


def test_the_second_of_two_classes_is_the_positive_one():
    shares, labels = torch.rand(20, 2).softmax(-1), torch.arange(20) % 2
    rows = seen(metrics.PrecisionAtRecall(0.5), shares, labels).compute()
    column = seen(metrics.PrecisionAtRecall(0.5), shares[:, 1], labels).compute()
    assert rows == column


@pytest.mark.parametrize("class_id", [0, 1, 2])
def test_one_column_can_be_asked_for(class_id):
    shares, labels = torch.rand(20, 3).softmax(-1), torch.arange(20) % 3
    metric = metrics.SensitivityAtSpecificity(0.6, class_id=class_id)
    alone = metrics.SensitivityAtSpecificity(0.6)
    expected = seen(alone, shares[:, class_id], labels == class_id).compute()
    assert seen(metric, shares, labels).compute() == expected


@pytest.mark.parametrize("kind", [metrics.PearsonCorrelation])
def test_a_constant_row_has_no_correlation(kind):
    metric = seen(kind(), torch.ones(1, 3), torch.tensor([[1.0, 2.0, 3.0]]))
    assert metric.compute().item() == 0


def test_beta_1_is_f1():
    scores, labels = torch.randn(30, 4), torch.randint(0, 4, (30,))
    f1 = seen(metrics.F1Score(), scores, labels).compute()
    assert_close(seen(metrics.FBetaScore(1.0), scores, labels).compute(), f1)
