"""Accuracy, precision, recall, F1 and AUC count what they say they count."""

import inspect
import re

import pytest
import torch

from mica import metrics
from mica.errors import ConfigError

SCORES = torch.tensor(
    [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.5, 0.3, 0.2], [0.2, 0.2, 0.6]]
)
LABELS = torch.tensor([0, 1, 1, 2])  # the third row is taken for class 0


def seen(metric, *batch):
    metric.update(*batch)
    return metric


@pytest.mark.parametrize(
    ("kind", "average", "expected"),
    [
        (metrics.Precision, None, (1 / 2 + 1 + 1) / 3),
        (metrics.Recall, None, (1 + 1 / 2 + 1) / 3),
        (metrics.F1Score, "macro", (2 / 3 + 2 / 3 + 1) / 3),
        (metrics.Precision, "micro", 3 / 4),
        (metrics.Recall, "weighted", (1 + 2 / 2 + 1) / 4),
    ],
)
@pytest.mark.parametrize("labels", [LABELS, LABELS[:, None], LABELS.float()])
def test_integer_labels_are_counted_class_by_class(kind, average, expected, labels):
    metric = seen(kind(average=average), SCORES, labels)
    assert metric.compute().item() == pytest.approx(expected)


def test_each_class_has_its_own_value():
    metric = seen(metrics.Precision(), SCORES, LABELS)
    assert metric.per_class().tolist() == [0.5, 1.0, 1.0]


@pytest.mark.parametrize(("class_id", "expected"), [(0, 0.5), (1, 1.0)])
def test_one_class_can_be_asked_for(class_id, expected):
    metric = seen(metrics.Precision(class_id=class_id), SCORES, LABELS)
    assert metric.compute().item() == expected


def test_a_class_that_nobody_met_does_not_lower_the_average():
    wide = torch.cat([SCORES, torch.zeros(4, 2)], dim=1)
    narrow = seen(metrics.Recall(), SCORES, LABELS).compute()
    assert seen(metrics.Recall(), wide, LABELS).compute() == narrow


def test_sequences_of_labels_are_counted_step_by_step():
    metric = metrics.F1Score()
    metric.update(SCORES.reshape(2, 2, 3), LABELS.reshape(2, 2), torch.tensor([1.0, 2]))
    flat = metrics.F1Score()
    flat.update(SCORES, LABELS, torch.tensor([1.0, 1, 2, 2]))
    assert metric.compute() == flat.compute()


def test_nothing_chosen_gives_zero():
    metric = seen(metrics.Precision(), torch.zeros(3, 1), torch.tensor([1, 0, 1]))
    assert metric.compute().item() == 0


def test_a_saved_confusion_still_knows_its_average():
    first, second = seen(metrics.Precision(), SCORES, LABELS), metrics.Precision()
    second.load_state(first.state())
    assert second.compute() == first.compute()


def test_logits_are_cut_at_zero_on_request():
    logits, answers = torch.tensor([-1.0, 0.2, 0.4]), torch.tensor([0, 1, 1])
    assert seen(metrics.Recall(0.0), logits, answers).compute().item() == 1
    assert seen(metrics.BinaryAccuracy(0.0), logits, answers).compute().item() == 1


@pytest.mark.parametrize("kind", [metrics.Precision, metrics.Recall])
@pytest.mark.parametrize("thresholds", [[0.5, 0.7], None, True])
def test_several_thresholds_need_several_metrics(kind, thresholds):
    name = kind.__name__
    sentence = (
        f"{name}: expected one number as threshold, got {thresholds!r}. Make one "
        f"{name} for each threshold."
    )
    make = inspect.unwrap(kind.__init__)  # users run without the checks of types
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        make(kind(), thresholds)


def test_an_unknown_average_is_refused():
    class Odd(metrics.confusion.ConfusionMetric):
        """A confusion metric that never gets as far as counting."""

    sentence = (
        "Odd: expected average out of macro, micro, weighted or None, got 'mean'. "
        "'macro' counts every class the same."
    )
    make = inspect.unwrap(metrics.confusion.ConfusionMetric.__init__)
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        make(Odd.__new__(Odd), threshold=None, average="mean", class_id=None, name=None)


@pytest.mark.parametrize("sign", [0, -1])
def test_binary_accuracy_reads_signs_and_zeros(sign):
    answers = torch.tensor([1, sign, sign])
    metric = seen(metrics.BinaryAccuracy(), torch.tensor([0.9, 0.2, 0.8]), answers)
    assert metric.compute().item() == pytest.approx(2 / 3)


def test_a_tie_is_in_the_top():
    scores, labels = torch.tensor([[0.3, 0.3, 0.4]]), torch.tensor([0])
    metric = seen(metrics.SparseTopKCategoricalAccuracy(2), scores, labels)
    assert metric.compute().item() == 1


def test_nan_is_never_in_the_top():
    scores = torch.full((1, 3), torch.nan)
    metric = seen(metrics.SparseTopKCategoricalAccuracy(1), scores, torch.tensor([0]))
    assert metric.compute().item() == 0


def test_more_guesses_than_classes_are_always_right():
    metric = seen(metrics.SparseTopKCategoricalAccuracy(9), SCORES, LABELS)
    assert metric.compute().item() == 1


def test_of_two_classes_the_second_is_the_positive_one():
    shares, labels = torch.rand(9, 2).softmax(-1), torch.arange(9) % 2
    both = seen(metrics.AUC(), shares, labels).compute()
    assert both == seen(metrics.AUC(), shares[:, 1], labels).compute()


@pytest.mark.parametrize("num_thresholds", [None, 20])
def test_an_area_of_one_kind_of_sample_is_nan(num_thresholds):
    metric = seen(metrics.AUC(num_thresholds), torch.rand(5), torch.ones(5))
    assert metric.compute().isnan()


@pytest.mark.parametrize("num_thresholds", [None, 20])
def test_a_class_without_an_area_is_left_out_of_the_average(num_thresholds):
    shares, labels = torch.rand(12, 4).softmax(-1), torch.arange(12) % 3
    area = seen(metrics.AUC(num_thresholds), shares, labels)
    single = [
        seen(metrics.AUC(num_thresholds), shares[:, k], labels == k).compute()
        for k in range(3)
    ]
    assert area.compute().item() == pytest.approx(sum(single).item() / 3)


def test_kept_scores_do_not_follow_a_buffer_that_is_used_again():
    buffer, answers = torch.tensor([0.1, 0.9]), torch.tensor([0, 1])
    metric = seen(metrics.AUC(), buffer, answers)
    buffer.copy_(torch.tensor([0.9, 0.1]))
    assert metric.compute().item() == 1


def test_many_thresholds_come_near_the_exact_area():
    scores, answers = torch.rand(400, dtype=torch.float64), torch.arange(400) % 2
    exact = seen(metrics.AUC(), scores, answers).compute()
    assert seen(metrics.AUC(100_001), scores, answers).compute() == pytest.approx(exact)


def test_r2_of_targets_far_from_zero_keeps_its_digits():
    target = torch.arange(10.0, dtype=torch.float64)
    near, far = metrics.R2Score(), metrics.R2Score()
    for part in (slice(0, 3), slice(3, 10)):
        near.update(target[part] + 0.5, target[part])
        far.update(target[part] + 1e9 + 0.5, target[part] + 1e9)
    assert far.compute().item() == pytest.approx(near.compute().item(), rel=0)
