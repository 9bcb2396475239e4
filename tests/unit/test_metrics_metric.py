"""A metric adds up, forgets, merges, and can be written in two methods."""

import inspect
import re

import numpy as np
import pytest
import torch

import mica
from mica import metrics
from mica.errors import ConfigError, DataError, ShapeError
from mica.metrics import MeanMetric, Metric


@mica.register
class Bias(Metric):
    def update(self, prediction, target, sample_weight=None):
        self.add("difference", (prediction - target).sum())
        self.add("count", len(prediction))

    def compute(self):
        return self.total("difference") / self.total("count")


def test_a_metric_of_ones_own_needs_two_methods():
    bias = Bias()
    bias.update(torch.tensor([1.0, 2.0]), torch.zeros(2))
    bias.update(torch.tensor([6.0]), torch.zeros(1))
    assert bias.name == "bias"
    assert bias.compute().item() == 3


def test_sums_are_kept_in_float64():
    bias = Bias()
    bias.add("difference", torch.tensor(2.0**24))
    bias.add("difference", torch.tensor(1.0))
    assert bias.total("difference").item() == 2**24 + 1


def test_a_sum_may_be_a_vector():
    bias = Bias()
    bias.add("by column", torch.tensor([1, 2]))
    bias.add("by column", torch.tensor([1.5, 2.5]))
    assert bias.total("by column").tolist() == [2.5, 4.5]


def test_many_batch_sizes_are_counted_right():
    bias = Bias()
    for size in range(1, 41):
        bias.add("count", size)
    assert bias.total("count").item() == 820


def test_what_is_added_is_not_changed_and_keeps_no_graph():
    bias, amount = Bias(), torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    bias.add("difference", amount)
    bias.add("difference", amount)
    assert amount.item() == 1
    assert not bias.total("difference").requires_grad


def test_a_reset_keeps_the_memory_and_forgets_the_numbers():
    bias = Bias()
    bias.update(torch.ones(3), torch.zeros(3))
    place = bias.total("difference").data_ptr()
    bias.reset()
    assert bias.total("difference").item() == 0
    bias.update(torch.ones(2), torch.zeros(2))
    assert bias.total("difference").data_ptr() == place
    assert bias.compute().item() == 1


def test_a_saved_state_is_a_copy_to_go_on_from():
    first, second = Bias(), Bias()
    first.update(torch.ones(3), torch.zeros(3))
    second.load_state(first.state())
    second.update(torch.tensor([5.0]), torch.zeros(1))
    assert first.compute().item() == 1
    assert second.compute().item() == 2


def test_metrics_of_two_kinds_do_not_merge():
    sentence = "Bias.merge: expected another Bias, got AUC. Merge metrics of one kind."
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        Bias().merge(metrics.AUC())


@pytest.mark.parametrize(
    ("kind", "call", "method"),
    [
        (Metric, "update", "update(prediction, target, sample_weight=None)"),
        (Metric, "compute", "compute()"),
        (MeanMetric, "values", "values(prediction, target)"),
    ],
)
def test_a_missing_method_is_named(kind, call, method):
    metric = type("Empty", (kind,), {})()
    arguments = () if call == "compute" else (torch.zeros(1), torch.zeros(1))
    sentence = f"Empty: expected a method {method}, got none. Define it in the class."
    with pytest.raises(NotImplementedError, match=f"^{re.escape(sentence)}$"):
        getattr(metric, call)(*arguments)


@pytest.mark.parametrize(
    "metric",
    [metrics.MeanAbsoluteError(), metrics.R2Score(), metrics.AUC(), metrics.F1Score()],
)
def test_a_metric_that_saw_nothing_is_nan(metric):
    assert metric.compute().isnan()


@pytest.mark.parametrize(
    "kind", [metrics.MeanAbsoluteError, metrics.R2Score, metrics.BinaryAccuracy]
)
def test_a_metric_of_no_weight_is_nan(kind):
    metric = kind()
    metric.update(torch.rand(3, 1), torch.tensor([0, 1, 1]), torch.zeros(3))
    assert metric.compute().isnan()


def test_a_metric_shows_its_name():
    assert repr(metrics.AUC(name="area")) == "AUC(name='area')"


def test_updates_leave_no_trace_in_the_graph():
    prediction = torch.rand(4, 1, requires_grad=True)
    metric = metrics.MeanSquaredError()
    metric.update(prediction, torch.zeros(4))
    assert not metric.compute().requires_grad


MISSHAPEN = [
    (
        metrics.BinaryAccuracy(),
        (4, 3),
        (4,),
        "binary_accuracy: expected targets of the predictions' shape (4, 3), got (4,). "
        "Give the last layer 1 unit.",
    ),
    (
        metrics.SparseCategoricalAccuracy(),
        (4, 3),
        (4, 3),
        "sparse_categorical_accuracy: expected integer labels of shape (4,) for "
        "predictions of shape (4, 3), got (4, 3). For one-hot rows use the metric "
        "without 'sparse' in its name.",
    ),
    (
        metrics.CategoricalAccuracy(),
        (4, 3),
        (4,),
        "categorical_accuracy: expected one-hot rows of the predictions' shape (4, 3), "
        "got (4,). For integer labels use the metric with 'sparse' in its name.",
    ),
    (
        metrics.Precision(),
        (4, 3),
        (4, 2),
        "precision: expected targets of the predictions' shape (4, 3), got (4, 2). "
        "Give the last layer 2 units.",
    ),
    (
        metrics.AUC(),
        (4, 3),
        (5,),
        "auc: expected targets of the predictions' shape (4, 3), got (5,). Give the "
        "model outputs of the targets' shape.",
    ),
]


@pytest.mark.parametrize(("metric", "prediction", "target", "sentence"), MISSHAPEN)
def test_targets_of_another_shape_are_refused(metric, prediction, target, sentence):
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        metric.update(torch.zeros(prediction), torch.zeros(target))


WRONG_ARGUMENTS = [
    (
        metrics.TopKCategoricalAccuracy,
        {"k": 0},
        "TopKCategoricalAccuracy: expected k to be a whole number of at least 1, got "
        "0. 5 is the usual value.",
    ),
    (
        metrics.SparseTopKCategoricalAccuracy,
        {"k": 2.5},
        "SparseTopKCategoricalAccuracy: expected k to be a whole number of at least 1, "
        "got 2.5. 5 is the usual value.",
    ),
    (
        metrics.AUC,
        {"curve": "roc"},
        "AUC: expected curve to be 'ROC' or 'PR', got 'roc'. 'ROC' is the usual one.",
    ),
    (
        metrics.AUC,
        {"num_thresholds": 1},
        "AUC: expected num_thresholds of at least 2, got 1. Leave it out for the exact "
        "value.",
    ),
    (
        metrics.R2Score,
        {"class_aggregation": "mean"},
        "R2Score: expected class_aggregation out of uniform_average, "
        "variance_weighted_average, got 'mean'. Leave it out for the mean over the "
        "units.",
    ),
]


@pytest.mark.parametrize(("kind", "arguments", "sentence"), WRONG_ARGUMENTS)
def test_arguments_that_cannot_work_are_refused(kind, arguments, sentence):
    make = inspect.unwrap(kind.__init__)  # users run without the checks of types
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        make(kind(), **arguments)


@pytest.mark.parametrize(
    "kind",
    [metrics.AUC, metrics.MeanAbsoluteError, metrics.Precision, metrics.R2Score],
)
@pytest.mark.usefixtures("without_shape_checks")
def test_arrays_that_predict_gives_are_asked_to_be_tensors(kind):
    with pytest.raises(DataError) as caught:
        kind(name="score").update(np.zeros((2, 1)), np.zeros((2, 1)))
    assert str(caught.value) == (
        "score: expected predictions as a tensor, got ndarray. Convert predictions and "
        "targets with torch.as_tensor(...)."
    )
