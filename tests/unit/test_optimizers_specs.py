"""Optimizer descriptions: defaults, ranges, what is built, and every error."""

import functools
import inspect
import re

import numpy as np
import pytest
import torch

import mica.optimizers
from mica.engine import has_update_kernels
from mica.errors import ConfigError
from mica.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Nadam,
    Optimizer,
    RMSprop,
    describe_optimizer,
    get_learning_rate,
    schedules,
)
from mica.optimizers.optimizer import check_number
from mica.optimizers.rmsprop import RMSpropUpdate

SPECS = [SGD, RMSprop, Adagrad, Adadelta, Adam, AdamW, Nadam]


def weights() -> list[torch.nn.Parameter]:
    return [torch.nn.Parameter(torch.ones(2, 3)), torch.nn.Parameter(torch.ones(3))]


@pytest.mark.parametrize("kind", SPECS)
def test_the_learning_rate_comes_first_and_the_rest_by_name(kind):
    kind(0.5)
    parameters = list(inspect.signature(kind).parameters.values())
    assert parameters[0].name == "learning_rate"
    assert all(row.kind is inspect.Parameter.KEYWORD_ONLY for row in parameters[1:])


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        (SGD, "fused SGD"),
        (RMSprop, "fused RMSprop" if has_update_kernels() else "foreach RMSprop"),
        (Adagrad, "fused Adagrad"),
        (Adadelta, "foreach Adadelta"),
        (Adam, "fused Adam"),
        (AdamW, "fused AdamW"),
        (Nadam, "foreach NAdam"),
    ],
)
def test_the_processor_has_these_fused_updates(kind, line):
    assert describe_optimizer(kind().build(weights())) == line


@pytest.mark.parametrize("kind", SPECS)
def test_foreach_can_be_asked_for(kind):
    built = kind().build(weights(), implementation="foreach")
    assert describe_optimizer(built).startswith("foreach ")


def test_weights_that_no_fused_update_takes_get_foreach():
    complex_weight = torch.nn.Parameter(torch.ones(2, dtype=torch.complex64))
    assert describe_optimizer(Adam().build([complex_weight])) == "foreach Adam"


def test_a_description_can_be_built_again_and_again():
    spec = Adam(0.5)
    first, second = spec.build(weights()), spec.build(weights())
    assert first is not second
    assert get_learning_rate(second) == 0.5


def test_a_schedule_gives_the_first_learning_rate():
    spec = SGD(schedules.exponential_decay(0.5, 10, 0.1))
    assert spec.schedule is spec.learning_rate
    assert get_learning_rate(spec.build(weights())) == 0.5


def test_a_number_is_no_schedule():
    assert SGD(0.5).schedule is None


def test_any_function_of_the_step_is_a_schedule():
    spec = SGD(lambda step: 1 / (step + 2))
    assert get_learning_rate(spec.build(weights())) == 0.5


@pytest.mark.parametrize("rate", [1, np.float32(1.0), np.int64(1)])
def test_any_real_number_is_a_learning_rate(rate):
    assert SGD(rate).learning_rate == 1.0


@pytest.mark.parametrize("rate", [-0.1, float("nan"), float("inf"), "fast", None, True])
@pytest.mark.parametrize("kind", SPECS)
def test_a_learning_rate_out_of_range_is_refused(kind, rate):
    sentence = (
        f"{kind.__name__}: expected a learning_rate of at least 0, got {rate!r}. "
        "Give a finite number in that range."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        kind(rate)


RANGES = {
    "weight_decay": ("a weight_decay of at least 0", [-0.1, "much"]),
    "clipnorm": ("a clipnorm above 0", [0, -1.0]),
    "global_clipnorm": ("a global_clipnorm above 0", [0.0, float("nan")]),
    "clipvalue": ("a clipvalue above 0", [-0.5, True]),
    "epsilon": ("an epsilon above 0", [0, -1e-7]),
    "momentum": ("a momentum of at least 0 and below 1", [-0.1, 1.0]),
    "rho": ("a rho of at least 0 and below 1", [-0.1, 1]),
    "beta_1": ("a beta_1 of at least 0 and below 1", [-0.1, 1.0]),
    "beta_2": ("a beta_2 of at least 0 and below 1", [1.5, None]),
    "initial_accumulator_value": (
        "an initial_accumulator_value of at least 0",
        [-0.1, float("inf")],
    ),
}
OUT_OF_RANGE = [
    (kind, name, text, value)
    for kind in SPECS
    for name, (text, values) in RANGES.items()
    if name in inspect.signature(kind).parameters
    for value in values
]


@pytest.mark.parametrize(("kind", "name", "text", "value"), OUT_OF_RANGE)
def test_an_argument_out_of_range_is_refused(kind, name, text, value):
    sentence = (
        f"{kind.__name__}: expected {text}, got {value!r}. Give a finite number in "
        "that range."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        kind(**{name: value})


def test_a_range_may_have_any_ends():
    sentence = (
        "SGD: expected a share above 0.5 and below 2, got 2. Give a finite number in "
        "that range."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        check_number("SGD", "a share", 2, above=0.5, below=2)


@pytest.mark.parametrize("kind", SPECS)
def test_two_clips_are_refused(kind):
    sentence = (
        f"{kind.__name__}: expected at most one of clipnorm, global_clipnorm and "
        "clipvalue, got clipnorm and clipvalue. Leave one out."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        kind(clipvalue=1.0, clipnorm=1.0)


def test_nesterov_without_momentum_is_refused():
    sentence = (
        "SGD: expected a momentum above 0 with nesterov=True, got 0. Give "
        "momentum=0.9, or leave nesterov out."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        SGD(nesterov=True)


def test_adamw_without_decay_is_refused():
    sentence = "AdamW: expected a weight_decay, got None. Give a number, or use Adam."
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        AdamW(weight_decay=None)


def test_no_parameters_are_refused():
    sentence = (
        "Adam: expected parameters to change, got none. Build the model first, and "
        "leave a layer trainable."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        Adam().build([])


def test_groups_of_parameters_are_refused():
    sentence = (
        "Adam: expected tensors to change, got a dict. For groups with their own "
        "settings give compile a torch optimizer."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        Adam().build([{"params": weights()}])


@pytest.mark.parametrize("rate", [-1.0, None, "fast"])
def test_a_schedule_that_gives_no_rate_is_refused(rate):
    sentence = (
        f"SGD: expected a learning_rate at step 0 of at least 0, got {rate!r}. Give a "
        "finite number in that range."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        SGD(lambda step: rate).build(weights())


def test_rmsprop_takes_a_learning_rate_that_lives_on_the_device():
    number, tensor = weights(), weights()
    for momentum in (0.0, 0.5):
        for parameters, rate in ((number, 0.5), (tensor, torch.tensor(0.5))):
            optimizer = RMSpropUpdate(parameters, lr=rate, momentum=momentum)
            for parameter in parameters:
                parameter.grad = parameter.detach() * 2
            optimizer.step()
    assert all(torch.equal(one, two) for one, two in zip(number, tensor, strict=True))


def test_rmsprop_takes_a_closure_as_torch_optimizers_do():
    [weight, _] = weights()
    optimizer = RMSprop(0.1).build([weight])

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = weight.square().sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 6
    assert (weight < 1).all()


def test_rmsprop_without_gradients_moves_nothing():
    parameters = weights()
    assert RMSprop().build(parameters).step() is None
    assert torch.equal(parameters[0], torch.ones(2, 3))


def test_a_torch_scheduler_moves_a_built_optimizer():
    optimizer = RMSprop(0.5).build(weights())
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    optimizer.step()
    scheduler.step()
    assert get_learning_rate(optimizer) == 0.25


def test_the_own_description_of_a_user_is_accepted():
    class Plain(Optimizer):
        kind = torch.optim.SGD

    spec = mica.optimizers.get_optimizer(functools.partial(Plain, 0.5)())
    assert describe_optimizer(spec.build(weights())) == "fused SGD"
