"""Suiting: a plan's precision is that of the weights, or somebody is told."""

import re

import pytest
import torch
from torch import nn

import mica
from mica.engine import ExecutionPlan, precision_scope
from mica.errors import ConfigError
from mica.training.suiting import suited

CPU = torch.device("cpu")
DOUBLE = nn.Linear(4, 1).double()
SINGLE = nn.Linear(4, 1).float()


def a_plan(precision):
    return ExecutionPlan(CPU, precision=precision, threads=1)


@pytest.mark.parametrize(
    ("model", "precision", "asked", "expected"),
    [
        (DOUBLE, "float32", False, "float64"),
        (DOUBLE, "bfloat16", False, "float64"),
        (DOUBLE, "float32", True, "float64"),
        (DOUBLE, "float64", True, "float64"),
        (SINGLE, "float64", False, "float32"),
        (SINGLE, "float32", True, "float32"),
        (SINGLE, "bfloat16", True, "bfloat16"),
        (nn.LazyLinear(2), "float64", True, "float64"),
        (nn.ReLU(), "bfloat16", True, "bfloat16"),
    ],
)
def test_the_weights_decide_where_nobody_asked(model, precision, asked, expected):
    assert suited(a_plan(precision), model, asked=asked).precision == expected


@pytest.mark.parametrize(
    ("model", "precision", "wanted", "got"),
    [
        (SINGLE, "float64", "float64", "float32"),
        (DOUBLE, "bfloat16", "float32", "float64"),
    ],
)
def test_a_precision_that_the_weights_cannot_have_is_refused(
    model, precision, wanted, got
):
    said = (
        f"fit: expected weights in {wanted} for a plan in {precision}, got {got}. Call "
        f'mica.set_precision("{wanted}") before the model is made.'
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(said)}$"):
        suited(a_plan(precision), model, asked=True)


def test_fit_does_not_compute_in_float32_what_was_asked_in_float64():
    model = mica.Sequential(mica.Input((4,)), mica.layers.Dense(1))
    model.compile("sgd", "mse")
    said = "fit: expected weights in float64 for a plan in float64, got float32. "
    with pytest.raises(ConfigError, match=f"^{re.escape(said)}"):
        model.fit(
            torch.zeros(8, 4), torch.zeros(8, 1), plan=a_plan("float64"), verbose=0
        )


def test_the_line_says_float64_where_that_is_computed(capsys):
    with precision_scope("float64"):
        model = mica.Sequential(mica.Input((4,)), mica.layers.Dense(1))
        model.compile("sgd", "mse")
        x, y = torch.zeros(8, 4), torch.zeros(8, 1)
        model.fit(x, y, plan=ExecutionPlan(CPU, threads=1), verbose=2)
    assert "plan: cpu (1 core) · float64 · " in capsys.readouterr().out
