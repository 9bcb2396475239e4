"""Labels that a loss cannot read are named with their row, before the first step."""

import re

import numpy as np
import pytest
import torch
from torch.nn import functional

from mica import losses
from mica.errors import ConfigError, DataError, ShapeError
from mica.losses import check_target

BINARY, CATEGORICAL, SPARSE = (
    losses.BinaryCrossentropy(),
    losses.CategoricalCrossentropy(),
    losses.SparseCategoricalCrossentropy(),
)
MSE, HINGE, POISSON = losses.MeanSquaredError(), losses.Hinge(), losses.Poisson()
LABELS = torch.tensor([0, 2, 1, 2])
ONE_HOT = functional.one_hot(LABELS, 3)

GOOD = [
    (SPARSE, (None, 3), LABELS),
    (SPARSE, (None, 3), LABELS.float()),
    (SPARSE, (None, 3), LABELS.to(torch.uint8)),
    (SPARSE, (None, 3), LABELS[:, None]),
    (SPARSE, (None, 3), LABELS.numpy()),
    (SPARSE, (None, None, 3), LABELS.reshape(2, 2)),
    (SPARSE, (None, 5), LABELS),
    (
        losses.SparseCategoricalCrossentropy(ignore_class=255),
        (None, 3),
        LABELS * 0 + 255,
    ),
    (CATEGORICAL, (None, 3), ONE_HOT),
    (CATEGORICAL, (None, 3), ONE_HOT * 0.7 + 0.1),
    (BINARY, (None, 1), LABELS % 2),
    (BINARY, (None, 1), (LABELS % 2).bool()),
    (BINARY, (None,), (LABELS % 2)[:, None]),
    (BINARY, (None, 3), ONE_HOT),
    (BINARY, (None, 1), torch.rand(4)),
    (HINGE, (None, 1), torch.tensor([-1, 1, 1])),
    (HINGE, (None, 1), torch.tensor([0, 1, 1])),
    (MSE, (None, 1), torch.randn(4)),
    (MSE, (None, 2), torch.randn(4, 2)),
    (MSE, (None, 2), torch.randn(0, 2)),
    (MSE, (None, None, None, 2), torch.randn(4, 5, 6, 2)),
    (POISSON, (None, 1), LABELS),
    (losses.get_loss(lambda prediction, target: prediction), (None, 3), LABELS),
]


@pytest.mark.parametrize(("loss", "shape", "target"), GOOD)
def test_labels_that_fit_pass(loss, shape, target):
    check_target(loss, shape, torch.float32, target)


WRONG_VALUES = [
    (
        SPARSE,
        (None, 3),
        torch.tensor([0, 1, 3, 1]),
        "SparseCategoricalCrossentropy: expected class labels from 0 to 2, got 3 at "
        "row 2. Give the last layer 4 units, or mend the label.",
    ),
    (
        SPARSE,
        (None, 3),
        torch.tensor([1, 3, 2]),
        "SparseCategoricalCrossentropy: expected class labels from 0 to 2, got 3 at "
        "row 1. The labels run from 1 to 3: subtract 1.",
    ),
    (
        SPARSE,
        (None, 3),
        torch.tensor([1, -1, 2]),
        "SparseCategoricalCrossentropy: expected class labels from 0 to 2, got -1 at "
        "row 1. Number the classes from 0.",
    ),
    (
        SPARSE,
        (None, 4, 4, 3),
        torch.zeros(2, 4, 4, dtype=torch.long).index_put(
            (torch.tensor(1), torch.tensor(2), torch.tensor(3)), torch.tensor(7)
        ),
        "SparseCategoricalCrossentropy: expected class labels from 0 to 2, got 7 at "
        "row 1, position (2, 3). Give the last layer 8 units, or mend the label.",
    ),
    (
        SPARSE,
        (None, 3),
        torch.tensor([0.0, 1.5]),
        "SparseCategoricalCrossentropy: expected whole numbers as class labels, got "
        "1.5 at row 1. Use MeanSquaredError for measured values, or number the classes "
        "from 0.",
    ),
    (
        BINARY,
        (None, 1),
        torch.tensor([0, 1, 2]),
        "BinaryCrossentropy: expected labels between 0 and 1, got 2 at row 2. For 3 "
        "classes end in 3 softmax units and use SparseCategoricalCrossentropy.",
    ),
    (
        BINARY,
        (None, 1),
        torch.tensor([1, -1, -1]),
        "BinaryCrossentropy: expected labels between 0 and 1, got -1 at row 1. Replace "
        "-1 by 0, or use Hinge.",
    ),
    (
        BINARY,
        (None, 1),
        torch.tensor([0.5, 1.25]),
        "BinaryCrossentropy: expected labels between 0 and 1, got 1.25 at row 1. "
        "Divide or number the labels so that they lie between 0 and 1.",
    ),
    (
        CATEGORICAL,
        (None, 3),
        torch.tensor([[1, 0, 0], [0, 1, 1]]),
        "CategoricalCrossentropy: expected rows that sum to 1, got a sum of 2 at row "
        "1. For several labels per row end in sigmoid and use BinaryCrossentropy.",
    ),
    (
        CATEGORICAL,
        (None, 3),
        torch.tensor([[2.0, -1.0, 0.0]]),
        "CategoricalCrossentropy: expected labels between 0 and 1, got 2 at row 0. "
        "Divide or number the labels so that they lie between 0 and 1.",
    ),
    (
        HINGE,
        (None, 1),
        torch.tensor([1, -1, 2]),
        "Hinge: expected labels -1 and 1 (or 0 and 1), got 2 at row 2. Write one class "
        "as 1 and the other as -1.",
    ),
    (
        HINGE,
        (None, 1),
        torch.tensor([1, -1, 0]),
        "Hinge: expected labels -1 and 1 (or 0 and 1), got 0 at row 2. Write one class "
        "as 1 and the other as -1.",
    ),
    (
        POISSON,
        (None, 1),
        torch.tensor([1.0, -2.0]),
        "Poisson: expected targets of at least 0, got -2 at row 1. Use "
        "MeanSquaredError for values of both signs.",
    ),
]


@pytest.mark.parametrize(("loss", "shape", "target", "sentence"), WRONG_VALUES)
def test_a_label_out_of_range_is_named_with_its_row(loss, shape, target, sentence):
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        check_target(loss, shape, torch.float32, target)


WRONG_SHAPES = [
    (
        SPARSE,
        (None, 3),
        ONE_HOT,
        "SparseCategoricalCrossentropy: expected integer labels of shape (4,), got "
        "one-hot rows of shape (4, 3). Use CategoricalCrossentropy, or give "
        "labels.argmax(-1).",
    ),
    (
        SPARSE,
        (None, 3),
        functional.one_hot(LABELS, 5),
        "SparseCategoricalCrossentropy: expected integer labels of shape (4,), got "
        "one-hot rows of shape (4, 5). Use CategoricalCrossentropy, or give "
        "labels.argmax(-1).",
    ),
    (
        SPARSE,
        (None, 3),
        torch.randn(4, 3),
        "SparseCategoricalCrossentropy: expected integer labels of shape (4,) for "
        "predictions of shape (None, 3), got (4, 3). Give one label per prediction.",
    ),
    (
        CATEGORICAL,
        (None, 3),
        LABELS,
        "CategoricalCrossentropy: expected one-hot rows of shape (4, 3), got integer "
        "labels of shape (4,). Give torch.nn.functional.one_hot(labels, 3), or use "
        "SparseCategoricalCrossentropy.",
    ),
    (
        CATEGORICAL,
        (None, 3),
        LABELS[:, None],
        "CategoricalCrossentropy: expected one-hot rows of shape (4, 3), got integer "
        "labels of shape (4, 1). Give torch.nn.functional.one_hot(labels, 3), or use "
        "SparseCategoricalCrossentropy.",
    ),
    (
        losses.CategoricalHinge(),
        (None, 3),
        LABELS,
        "CategoricalHinge: expected one-hot rows of shape (4, 3), got integer labels "
        "of shape (4,). Give torch.nn.functional.one_hot(labels, 3).",
    ),
    (
        CATEGORICAL,
        (None, 3),
        functional.one_hot(LABELS, 4),
        "CategoricalCrossentropy: expected one-hot rows of the predictions' shape "
        "(None, 3), got (4, 4). Give the last layer 4 units.",
    ),
    (
        BINARY,
        (None, 3),
        LABELS,
        "BinaryCrossentropy: expected labels of the predictions' shape (None, 3), got "
        "(4,). Give the last layer 1 unit.",
    ),
    (
        MSE,
        (None, 3),
        torch.randn(4, 2),
        "MeanSquaredError: expected targets of the predictions' shape (None, 3), got "
        "(4, 2). Give the last layer 2 units.",
    ),
    (
        MSE,
        (None, 8, 8, 3),
        torch.randn(4, 6, 6, 3),
        "MeanSquaredError: expected targets of the predictions' shape (None, 8, 8, 3), "
        "got (4, 6, 6, 3). Give the model outputs of the targets' shape.",
    ),
    (
        MSE,
        (None, 3),
        LABELS,
        "MeanSquaredError: expected targets of the predictions' shape (None, 3), got "
        "(4,). Give the last layer 1 unit; labels of several classes go with "
        "SparseCategoricalCrossentropy.",
    ),
    (
        SPARSE,
        (None, 6, 6, 3),
        LABELS,
        "SparseCategoricalCrossentropy: expected integer labels of shape (4, 6, 6) for "
        "predictions of shape (None, 6, 6, 3), got (4,). Put Flatten() before the last "
        "Dense layers.",
    ),
    (
        BINARY,
        (None, 6, 6, 1),
        LABELS[:, None],
        "BinaryCrossentropy: expected labels of the predictions' shape (None, 6, 6, 1)"
        ", got (4, 1). Put Flatten() before the last Dense layers.",
    ),
]


@pytest.mark.parametrize(("loss", "shape", "target", "sentence"), WRONG_SHAPES)
def test_targets_of_another_shape_are_named(loss, shape, target, sentence):
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        check_target(loss, shape, torch.float32, target)


@pytest.mark.parametrize("loss", [SPARSE, MSE, BINARY])
def test_whole_numbers_are_no_predictions(loss):
    sentence = (
        f"{type(loss).__name__}: expected floating-point predictions, got int64. Let "
        "the model end in a layer that computes, such as Dense."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        check_target(loss, (None, 3), torch.int64, LABELS)


ONE_STEP = [
    (
        losses.SparseCategoricalCrossentropy(from_logits=True),
        torch.zeros(4, 3),
        torch.tensor([0, 1, 3, 1]),
        WRONG_VALUES[0][3],
    ),
    (
        losses.SparseCategoricalCrossentropy(from_logits=True),
        torch.zeros(4, 3),
        ONE_HOT,
        WRONG_SHAPES[0][3],
    ),
    (
        losses.CategoricalCrossentropy(from_logits=True),
        torch.zeros(4, 3),
        LABELS,
        WRONG_SHAPES[3][3],
    ),
    (
        losses.SparseCategoricalCrossentropy(),
        torch.full((5, 3), 1 / 3),
        LABELS,
        "SparseCategoricalCrossentropy: expected integer labels of shape (5,) for "
        "predictions of shape (5, 3), got (4,). Give one label per prediction.",
    ),
    (
        MSE,
        torch.zeros(4, 3, dtype=torch.long),
        torch.zeros(4, 3),
        "MeanSquaredError: expected floating-point predictions, got int64. Let the "
        "model end in a layer that computes, such as Dense.",
    ),
]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("loss", "prediction", "target", "sentence"), ONE_STEP)
def test_a_step_that_fails_says_the_same(loss, prediction, target, sentence, weighted):
    weight = torch.ones(len(prediction)) if weighted else None
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        loss(prediction, target, weight)


def test_a_million_labels_are_checked_at_once():
    labels = np.zeros(1_000_000, np.int64)
    labels[-1] = 10
    sentence = (
        "SparseCategoricalCrossentropy: expected class labels from 0 to 9, got 10 at "
        "row 999999. Give the last layer 11 units, or mend the label."
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        check_target(SPARSE, (None, 10), torch.float32, labels)
