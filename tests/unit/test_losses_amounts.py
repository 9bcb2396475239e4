"""Amounts: a loss times what it divided by is the sum of what it averaged."""

import functools
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mica import losses
from mica.losses.amounts import loss_amount
from tests.tolerances import assert_close

ROWS, STEPS, CLASSES = 5, 3, 4
WEIGHT = torch.tensor([0.5, 0.0, 2.0, 1.0, 3.0], dtype=torch.float64)
MASK = torch.arange(ROWS * STEPS).reshape(ROWS, STEPS) % 4 > 0


def pair() -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(0)
    prediction = torch.randn((ROWS, STEPS, CLASSES), generator=draw).double()
    return prediction, torch.randint(0, CLASSES, (ROWS, STEPS), generator=draw)


def sparse(**options: Any) -> Any:
    return losses.SparseCategoricalCrossentropy(from_logits=True, **options)


KINDS = {
    "ignored": lambda **options: sparse(ignore_class=1, **options),
    "plain": sparse,
}


@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["even", "weighted"])
@pytest.mark.parametrize("reduction", ["mean", "mean_with_sample_weight"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_mean_times_its_amount_is_the_sum(kind, reduction, weight, mask):
    row = (*pair(), weight, mask)
    mean = KINDS[kind](reduction=reduction)
    amount = loss_amount(mean, *row)
    amount = ROWS * STEPS if amount == "rows" else amount
    assert_close(mean(*row) * amount, KINDS[kind](reduction="sum")(*row), "reordered")


@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
def test_a_sum_is_divided_by_nothing(mask):
    assert loss_amount(sparse(reduction="sum"), *pair(), WEIGHT, mask) == "sum"


CLASS_WEIGHT = torch.tensor([0.5, 1.0, 2.0, 3.0], dtype=torch.float64)
FOREIGN = {
    "module": nn.CrossEntropyLoss,
    "module of weights": functools.partial(nn.CrossEntropyLoss, weight=CLASS_WEIGHT),
    "module that ignores": functools.partial(nn.CrossEntropyLoss, ignore_index=2),
    "likelihood": functools.partial(nn.NLLLoss, weight=CLASS_WEIGHT, ignore_index=0),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_torch_loss_times_its_amount_is_its_sum(name):
    prediction, target = pair()
    row = prediction[:, 0], target[:, 0]
    mean = losses.TorchLoss(FOREIGN[name]())
    whole = losses.TorchLoss(FOREIGN[name](reduction="sum"))
    assert_close(mean(*row) * loss_amount(mean, *row), whole(*row), "reordered")
    assert loss_amount(whole, *row) == "sum"


def test_a_function_of_torch_may_ignore_a_class():
    prediction, target = pair()
    row = prediction[:, 0], target[:, 0]
    function = functools.partial(functional.cross_entropy, ignore_index=2)
    loss = losses.FunctionLoss(function)
    assert int(loss_amount(loss, *row)) == int((row[1] != 2).sum())


@pytest.mark.parametrize(
    "loss",
    [
        losses.TorchLoss(nn.MSELoss()),
        losses.FunctionLoss(lambda y_true, y_pred: (y_true - y_pred).square()),
        losses.TorchLoss(nn.CrossEntropyLoss()),
        losses.MeanAbsoluteError(),
    ],
    ids=["module", "function", "probabilities", "ours"],
)
def test_a_mean_in_which_all_rows_count_the_same_says_so(loss):
    prediction, _ = pair()
    prediction = prediction[:, 0]
    assert loss_amount(loss, prediction, prediction.softmax(-1)) == "rows"


def test_a_function_that_sums_says_so():
    function = functools.partial(functional.mse_loss, reduction="sum")
    prediction, _ = pair()
    assert loss_amount(losses.FunctionLoss(function), prediction, prediction) == "sum"
