"""Accumulating: means over different things, put together batch by batch."""

import pytest
import torch
from torch import nn

from mica.training.accumulating import GradientSum, Term


def test_terms_of_one_key_are_divided_by_their_amounts():
    weight = nn.Parameter(torch.ones(()))
    total = GradientSum([weight])
    total.add([Term("a", 2 * weight, torch.tensor(3)), Term("sum", weight, None)])
    total.add([Term("a", 6 * weight, torch.tensor(1)), Term("b", 5 * weight, 7)])
    assert total.batches == 2
    assert float(total.loss()) == (2 * 3 + 6) / 4 + 1 + 5
    total.finish()
    assert weight.grad is not None
    assert float(weight.grad) == (2 * 3 + 6) / 4 + 1 + 5


def test_nothing_that_counts_is_nothing_to_learn():
    weight = nn.Parameter(torch.ones(()))
    total = GradientSum([weight])
    total.add([Term("steps", 0 * weight, torch.tensor(0))])
    total.finish()
    assert weight.grad is not None
    assert float(weight.grad) == 0


def test_a_weight_that_no_term_uses_has_no_gradient():
    used, idle = (nn.Parameter(torch.ones(())) for _ in range(2))
    total = GradientSum([used, idle])
    total.add([Term("a", 2 * used, 1), Term("b", 3 * used, 1)])
    total.finish()
    assert idle.grad is None


def test_what_is_forgotten_does_not_count():
    weight = nn.Parameter(torch.ones(()))
    total = GradientSum([weight])
    total.add([Term("rows", 9 * weight, 1)])
    total.forget()
    total.add([Term("rows", 2 * weight, 1)])
    total.finish()
    assert weight.grad is not None
    assert float(weight.grad) == 2


def test_a_loss_that_depends_on_no_weight_is_torch_s_error():
    total = GradientSum([nn.Parameter(torch.ones(()))])
    with pytest.raises(RuntimeError, match="does not require grad"):
        total.add([Term("rows", torch.ones(()), 1)])
