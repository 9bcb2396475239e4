"""Lookup: names, descriptions, classes, torch optimizers and functions."""

import functools
import re

import pytest
import torch

from mica.errors import ConfigError
from mica.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Nadam,
    RMSprop,
    TorchOptimizer,
    describe_optimizer,
    get_learning_rate,
    get_optimizer,
)


def weights() -> list[torch.nn.Parameter]:
    return [torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(3))]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("sgd", SGD),
        ("SGD", SGD),
        ("rmsprop", RMSprop),
        ("RMSProp", RMSprop),
        ("adagrad", Adagrad),
        ("Adadelta", Adadelta),
        ("adam", Adam),
        ("AdamW", AdamW),
        ("nadam", Nadam),
        ("NAdam", Nadam),
    ],
)
def test_a_name_in_any_case_gives_the_defaults(name, kind):
    spec = get_optimizer(name)
    assert type(spec) is kind
    assert spec.config() == {}


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("rmsprob", "Did you mean 'rmsprop'?"),
        ("Adma", "Did you mean 'adamax' or 'adam'?"),
        (
            "zzz",
            "Choose from: adadelta, adafactor, adagrad, adam, adamax, adamw, "
            "conjugategradient, ftrl, lamb, lbfgs, lion, muon, nadam, rmsprop, "
            "schedulefreeadamw, sgd.",
        ),
    ],
)
def test_an_unknown_name_is_refused_with_what_may_be_meant(name, advice):
    sentence = f"optimizer: expected an optimizer's name, got {name!r}. {advice}"
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        get_optimizer(name)


def test_a_description_is_given_back():
    spec = Adam(0.5)
    assert get_optimizer(spec) is spec


def test_a_class_of_descriptions_gives_its_defaults():
    assert type(get_optimizer(RMSprop)) is RMSprop


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (torch.optim.Adamax, "Adamax"),
        (functools.partial(torch.optim.Adam, lr=0.5, fused=True), "fused Adam"),
        (lambda parameters: torch.optim.SGD(parameters, lr=0.5, foreach=True), None),
    ],
)
def test_what_makes_a_torch_optimizer_is_called_with_the_parameters(source, line):
    parameters = weights()
    built = get_optimizer(source).build(parameters)
    assert built.param_groups[0]["params"] == parameters
    assert describe_optimizer(built) == (line or "foreach SGD")


def test_a_torch_optimizer_is_used_as_it_is():
    parameters = weights()
    optimizer = torch.optim.SGD([parameters[0]], lr=0.5)
    spec = get_optimizer(optimizer)
    assert spec.build(parameters) is optimizer
    assert spec.learning_rate is None
    assert spec.schedule is None
    assert get_learning_rate(optimizer) == 0.5


def test_a_torch_optimizer_never_clips():
    parameters = weights()
    parameters[0].grad = torch.tensor([100.0, 0.0])
    get_optimizer(torch.optim.SGD).clip_gradients(parameters)
    assert parameters[0].grad.tolist() == [100.0, 0.0]


def test_a_torch_optimizer_of_another_model_is_refused():
    parameters, others = weights(), weights()
    optimizer = torch.optim.Adam([*parameters, others[0]])
    sentence = (
        "optimizer: expected a torch optimizer that holds this model's trainable "
        "parameters, got Adam with 1 of 3 from elsewhere. Make it after the model is "
        "built, or give the class: functools.partial(torch.optim.Adam, lr=0.001)."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        get_optimizer(optimizer).build(parameters)


def test_a_function_that_makes_something_else_is_refused():
    sentence = (
        "optimizer: expected a torch optimizer from the function, got a list. Let "
        "it return one, such as torch.optim.Adam(parameters)."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        TorchOptimizer(list).build(weights())


@pytest.mark.parametrize("optimizer", [None, 0.001, {"name": "adam"}])
def test_anything_else_is_refused(optimizer):
    sentence = (
        "optimizer: expected a name, a Mica optimizer or a torch optimizer, got a "
        f"{type(optimizer).__name__}. Try 'adam', or mica.optimizers.Adam(0.001)."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        get_optimizer(optimizer)
