"""Any object of torchmetrics is a metric: it gives what it would give by itself."""

import pytest
import torch
from torch import nn

import mica
from mica.metrics import ForeignMetric, get_metric
from tests.tolerances import assert_close

torchmetrics = pytest.importorskip(
    "torchmetrics"
)  # it stands in no requirement of ours

MAKERS = {
    "accuracy of answers": lambda: torchmetrics.Accuracy(task="binary"),
    "f1 of answers": lambda: torchmetrics.F1Score(task="binary"),
    "area under a curve": lambda: torchmetrics.AUROC(task="binary"),
    "mean squared error": lambda: torchmetrics.MeanSquaredError(),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_an_object_of_torchmetrics_gives_its_own_number(make):
    prediction, target = torch.rand(30), (torch.rand(30) > 0.5).long()
    ours, theirs = get_metric(make()), make()
    assert isinstance(ours, ForeignMetric)
    for part in (slice(0, 7), slice(7, 30)):
        ours.update(prediction[part], target[part])
        theirs.update(prediction[part], target[part])
    assert_close(ours.compute(), theirs.compute())
    ours.reset()
    ours.update(prediction[:7], target[:7])
    assert_close(ours.compute(), make()(prediction[:7], target[:7]))


def test_training_follows_an_object_of_torchmetrics():
    mica.set_seed(0)
    x = torch.randn(60, 4)
    y = (x.sum(1, keepdim=True) > 0).float()
    model = mica.Sequential([mica.layers.Dense(1, activation="sigmoid")])
    followed = ["accuracy", MAKERS["accuracy of answers"]()]
    model.compile("adam", "binary_crossentropy", metrics=followed)
    logs = model.fit(x, y, epochs=2, validation_split=0.2, verbose=0).history
    for word in ("", "val_"):
        ours, theirs = logs[f"{word}accuracy"], logs[f"{word}BinaryAccuracy"]
        assert_close(torch.tensor(theirs), torch.tensor(ours))


def test_a_network_of_torch_is_followed_as_well():
    target = torch.zeros(8, dtype=torch.long)
    metric = get_metric(torchmetrics.Accuracy(task="multiclass", num_classes=3))
    metric.update(nn.Linear(4, 3)(torch.randn(8, 4)), target)
    assert not metric.compute().requires_grad
