"""Regularizers, constraints and added losses: their numbers and their sentences."""

import copy
import re

import pytest
import torch

import mica
from mica.errors import ConfigError
from mica.layers import (
    L1L2,
    Activation,
    Dense,
    Input,
    Layer,
    MaxNorm,
    MinMaxNorm,
    NonNegative,
    OrthogonalRegularizer,
    UnitNorm,
    add_loss,
    gather_losses,
    get_constraint,
    get_regularizer,
)
from mica.training import Objective
from tests.tolerances import assert_close


class Charging(Layer):
    """Adds the mean of what it sees to the loss."""

    def forward(self, x):
        self.add_loss(x.mean())
        return x


def compiled(*layers, loss="mse", rate=0.1):
    model = mica.Sequential(Input((3,)), *layers)
    model.compile(mica.optimizers.SGD(rate), loss)
    return model


def rows(outputs=2):
    return torch.randn(8, 3), torch.randn(8, outputs)


def sentence(text):
    return f"^{re.escape(text)}$"


def test_the_loss_holds_what_weights_cost():
    model = compiled(Dense(2, kernel_regularizer="l2", bias_regularizer="l1"))
    x, y = rows()
    layer = model.layers[0]
    plain = torch.nn.functional.mse_loss(model(x), y).detach()
    cost = 0.01 * layer.weight.square().sum() + 0.01 * layer.bias.abs().sum()
    assert model.evaluate(x, y, verbose=0) == pytest.approx(
        (plain + cost.detach()).item()
    )


def test_a_frozen_weight_costs_nothing():
    frozen = Dense(3, kernel_regularizer=L1L2(l2=100.0))
    frozen.trainable = False
    model = compiled(frozen, Dense(2))
    x, y = rows()
    plain = torch.nn.functional.mse_loss(model(x), y).detach()
    assert model.evaluate(x, y, verbose=0) == pytest.approx(plain.item())


def test_a_price_moves_weights_towards_zero():
    x, y = torch.zeros(8, 3), torch.zeros(8, 2)
    model = compiled(Dense(2, kernel_regularizer=L1L2(l2=0.5)), rate=0.1)
    before = model.layers[0].weight.detach().clone()
    model.fit(x, y, epochs=1, batch_size=8, verbose=0)
    assert_close(model.layers[0].weight, 0.9 * before)


@pytest.mark.parametrize("how", ["fit", "train_on_batch"])
def test_a_constraint_holds_after_every_update(how):
    model = compiled(
        Dense(2, kernel_constraint="unit_norm", bias_constraint=NonNegative())
    )
    x, y = rows()
    if how == "fit":
        model.fit(x, y, epochs=2, batch_size=3, verbose=0)
    else:
        model.train_on_batch(x, y)
    layer = model.layers[0]
    assert_close(layer.weight.norm(dim=1), torch.ones(2))
    assert (layer.bias >= 0).all()


def test_rules_survive_a_copy_and_a_file(tmp_path):
    model = compiled(Dense(2, kernel_constraint="max_norm", kernel_regularizer="l1"))
    model.save(tmp_path / "model.mica")
    for other in (copy.deepcopy(model), mica.load(tmp_path / "model.mica")):
        (rule,) = other.layers[0].weight_rules.values()
        assert str(rule) == str(model.layers[0].weight_rules["weight"])


def test_what_a_layer_adds_joins_the_loss():
    model = compiled(Charging(), Dense(2))
    x, y = rows()
    plain = torch.nn.functional.mse_loss(model(x), y)
    expected = (plain + x.mean()).item()
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected)
    assert model.train_on_batch(x, y)["loss"] == pytest.approx(expected)


def test_an_activity_price_joins_the_loss_once():
    model = compiled(Dense(2, activity_regularizer=L1L2(l1=0.5)))
    x, y = rows()
    outputs = model(x)
    plain = torch.nn.functional.mse_loss(outputs, y)
    expected = (plain + 0.5 * outputs.abs().sum()).item()
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected)


@pytest.mark.parametrize(
    "last",
    [
        [Dense(2, activation="softmax", activity_regularizer="l2")],
        [Dense(2), Activation("softmax"), Charging()],
    ],
    ids=["regularized", "charged behind"],
)
def test_a_priced_activation_is_not_left_out(last):
    model = mica.Sequential(Input((3,)), *last)
    x = torch.randn(4, 3)
    objective = Objective("sparse_categorical_crossentropy")
    objective.bind(model, x, torch.zeros(4, dtype=torch.int64))
    assert [head.fold for head in objective.heads] == [None]


def test_nothing_is_kept_outside_of_a_step():
    layer = Charging()
    layer(torch.ones(2))
    with gather_losses() as losses:
        pass
    assert losses == []


def test_an_inner_gathering_does_not_disturb_the_outer():
    with gather_losses() as outer:
        with gather_losses() as inner:
            add_loss(torch.tensor(1.0))
        add_loss(torch.tensor(2.0))
    assert [float(value) for value in inner + outer] == [1.0, 2.0]


def test_a_layer_with_an_activity_price_compiles_and_copies():
    layer = copy.deepcopy(Dense(2, activity_regularizer="l2"))
    with gather_losses() as losses:
        layer(torch.ones(1, 3))
    assert len(losses) == 1


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: get_regularizer("l3"),
            "get_regularizer: expected regularizer to be a known name, got 'l3'. "
            "Choose from: l1, l1_l2, l2, orthogonal, orthogonal_regularizer.",
        ),
        (
            lambda: get_constraint("unit"),
            "get_constraint: expected constraint to be a known name, got 'unit'. "
            "Did you mean 'unit_norm'?",
        ),
        (
            lambda: L1L2(l1=-1),
            "L1L2: expected l1 to be a finite number of at least 0, got -1. "
            "Give l1 another value.",
        ),
        (
            lambda: OrthogonalRegularizer()(torch.ones(3)),
            "OrthogonalRegularizer: expected a weight of two axes, got one of shape "
            "(3,). Use it on Dense or Embedding.",
        ),
        (
            lambda: MinMaxNorm(2.0, 1.0),
            "MinMaxNorm: expected min_value to be at most max_value, got 2.0 and 1.0. "
            "Exchange them.",
        ),
        (
            lambda: MinMaxNorm(rate=2),
            "MinMaxNorm: expected rate to be at most 1, got 2. Write for example "
            "rate=0.5 to go half the way.",
        ),
    ],
    ids=["regularizer", "constraint", "factor", "axes", "order", "rate"],
)
def test_wrong_arguments_are_told(make, text):
    with pytest.raises(ConfigError, match=sentence(text)):
        make()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("max_norm", MaxNorm), ("non_neg", NonNegative), (UnitNorm, UnitNorm)],
)
def test_a_constraint_goes_by_its_name_or_class(name, kind):
    assert isinstance(get_constraint(name), kind)


def test_a_function_will_do():
    assert get_regularizer(torch.sum)(torch.ones(3)) == 3
    assert get_constraint(torch.abs)(-torch.ones(1)) == 1
