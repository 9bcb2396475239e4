"""Ten steps of every optimizer end where Keras's end, in float64."""

import inspect
import os
from typing import Any

import numpy as np
import pytest
import torch

import mica.optimizers
from mica.engine.precision import precision_scope
from mica.optimizers import schedules
from tests.tolerances import assert_close

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")

# NumPy 2 finds fault with how Keras turns its variables into arrays.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ impl:DeprecationWarning")

SHAPES = [(3, 4), (5,), (2, 3, 2, 2)]
DECAY = {"weight_decay": 0.1}
EXACT = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True, **DECAY}),
    ("RMSprop", {}),
    ("RMSprop", {"rho": 0.5, "momentum": 0.9, "epsilon": 0.01}),
    ("RMSprop", {"centered": True, "momentum": 0.5, **DECAY}),
    ("Adagrad", {}),
    ("Adagrad", {"initial_accumulator_value": 0.0, "epsilon": 0.01, **DECAY}),
    ("Adadelta", {}),
    ("Adadelta", {"learning_rate": 1.0, "rho": 0.5, "epsilon": 0.01, **DECAY}),
    ("Nadam", {}),
    ("Nadam", {"beta_1": 0.5, "beta_2": 0.8, "epsilon": 0.01, **DECAY}),
    ("Adamax", {}),
    ("Adamax", {"beta_1": 0.5, "beta_2": 0.8, "epsilon": 0.01, **DECAY}),
    ("Adafactor", {}),
    ("Adafactor", {"learning_rate": 0.1, "clip_threshold": 0.5, **DECAY}),
    ("Adafactor", {"learning_rate": 0.9, "beta_2_decay": -0.5, "epsilon_1": 0.01}),
    ("Adafactor", {"relative_step": False, "epsilon_2": 2.0}),
    ("Lion", {}),
    ("Lion", {"beta_1": 0.5, "beta_2": 0.8, **DECAY}),
    ("Lamb", {}),
    ("Lamb", {"beta_1": 0.5, "beta_2": 0.8, "epsilon": 0.01, **DECAY}),
    ("Muon", {}),
    ("Muon", {"learning_rate": 0.1, "momentum": 0.5, "nesterov": False}),
    ("Muon", {"rms_rate": None, "ns_steps": 3, "adam_lr_ratio": 0.3, **DECAY}),
    ("ScheduleFreeAdamW", {}),
    ("ScheduleFreeAdamW", {"beta_1": 0.5, "beta_2": 0.8, "epsilon": 0.01, **DECAY}),
    ("ScheduleFreeAdamW", {"warmup_steps": 4, **DECAY}),
    ("Ftrl", {}),
    ("Ftrl", {"learning_rate": 0.1, "l1_regularization_strength": 0.7, **DECAY}),
    (
        "Ftrl",
        {
            "learning_rate": 0.1,
            "learning_rate_power": -0.3,
            "initial_accumulator_value": 0.4,
            "l2_regularization_strength": 0.2,
            "l2_shrinkage_regularization_strength": 0.1,
            "beta": 0.5,
        },
    ),
]
SCHEDULED = [
    *("SGD", "RMSprop", "Adagrad", "Adadelta", "Nadam"),
    *("Adamax", "Adafactor", "Lion", "Lamb", "Muon", "Ftrl", "ScheduleFreeAdamW"),
]
# The same but for the place of epsilon: see the docstring of Adam.
NEAR = [
    ("Adam", {}),
    ("Adam", {"beta_1": 0.5, "beta_2": 0.8, **DECAY}),
    ("Adam", {"amsgrad": True, "beta_2": 0.5}),
    ("AdamW", {}),
    ("AdamW", {"weight_decay": 0.5, "amsgrad": True}),
]

# Keras rounds within these formulas; ours meet a NumPy reference in the contract tests.
ROUNDED = {"Adafactor", "Muon"}
OURS_ALONE = {"averaging", "rates"}
KERAS_ALONE = {"kwargs", "loss_scale_factor", "name"}


@pytest.fixture(autouse=True)
def old_places_stay_old(monkeypatch):
    """Keras's ScheduleFreeAdamW keeps z "before any updates"; in torch it moves on."""

    def assign_sub(self, reference, value):
        reference._value = torch.nn.Parameter(reference.value - value, False)

    kind = keras.optimizers.ScheduleFreeAdamW
    monkeypatch.setattr(kind, "assign_sub", assign_sub)


@pytest.fixture(autouse=True)
def double_precision():
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    with precision_scope("float64"):
        yield
    keras.config.set_floatx(before)


def numbers() -> tuple[list[np.ndarray], list[list[np.ndarray]]]:
    """First weights, and per step gradients between 0.5 and 1.5 of either sign."""
    generator = np.random.default_rng(0)
    weights = [generator.standard_normal(shape) for shape in SHAPES]
    steps = [
        [
            generator.uniform(0.5, 1.5, shape) * generator.choice([-1, 1], shape)
            for shape in SHAPES
        ]
        for _ in range(10)
    ]
    return weights, steps


def keras_axes(array: np.ndarray) -> np.ndarray:
    """A convolution's kernel as Keras has it: outputs and inputs last."""
    return np.moveaxis(array, (0, 1), (-1, -2)) if array.ndim > 2 else array


def our_axes(array: np.ndarray) -> np.ndarray:
    return np.moveaxis(array, (-1, -2), (0, 1)) if array.ndim > 2 else array


def keras_steps(name: str, options: dict[str, Any]) -> list[np.ndarray]:
    weights, steps = numbers()
    weights = [keras_axes(weight) for weight in weights]
    steps = [[keras_axes(gradient) for gradient in gradients] for gradients in steps]
    optimizer = getattr(keras.optimizers, name)(**options)
    variables = [keras.Variable(weight) for weight in weights]
    for gradients in steps:
        optimizer.apply([torch.as_tensor(g) for g in gradients], variables)
    return [our_axes(variable.value.detach().numpy()) for variable in variables]


def mica_steps(name: str, options: dict[str, Any]) -> list[np.ndarray]:
    weights, steps = numbers()
    spec = getattr(mica.optimizers, name)(**options)
    parameters = [torch.nn.Parameter(torch.tensor(weight)) for weight in weights]
    optimizer = spec.build(parameters)
    for step, gradients in enumerate(steps):
        if spec.schedule is not None:
            mica.optimizers.set_learning_rate(optimizer, spec.schedule(step))
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = torch.tensor(gradient)
        spec.clip_gradients(parameters)
        optimizer.step()
    return [parameter.detach().numpy() for parameter in parameters]


def assert_as_keras(name: str, options: dict[str, Any], kind: str = "oracle") -> None:
    kind = "keras float32" if name in ROUNDED else kind
    pairs = zip(mica_steps(name, options), keras_steps(name, options), strict=True)
    for ours, theirs in pairs:
        assert_close(ours, theirs, kind)


@pytest.mark.parametrize(("name", "options"), EXACT)
def test_ten_steps_are_keras_s(name, options):
    assert_as_keras(name, options)


@pytest.mark.parametrize(("name", "options"), NEAR)
def test_ten_steps_are_keras_s_but_for_the_place_of_epsilon(name, options):
    assert_as_keras(name, options, "epsilon")


@pytest.mark.parametrize("clipping", ["clipnorm", "global_clipnorm", "clipvalue"])
@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adadelta"])
def test_clipped_steps_are_keras_s(name, clipping):
    assert_as_keras(name, {"learning_rate": 0.1, clipping: 0.7}, "keras clipping")


@pytest.mark.parametrize("name", SCHEDULED)
def test_steps_under_a_schedule_are_keras_s(name):
    theirs = keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5)
    ours = schedules.exponential_decay(0.1, 5, 0.5)
    expected = keras_steps(name, {"learning_rate": theirs, **DECAY})
    for one, other in zip(
        mica_steps(name, {"learning_rate": ours, **DECAY}), expected, strict=True
    ):
        assert_close(one, other, "keras float32" if name in ROUNDED else "oracle")


def test_momentum_under_a_schedule_is_torch_s_not_keras_s():
    theirs = keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5)
    ours = schedules.exponential_decay(0.1, 5, 0.5)
    [one, *_] = mica_steps("SGD", {"learning_rate": ours, "momentum": 0.9})
    [other, *_] = keras_steps("SGD", {"learning_rate": theirs, "momentum": 0.9})
    assert np.abs(one - other).max() > 0.01


@pytest.mark.parametrize("name", sorted({name for name, _ in EXACT + NEAR}))
def test_the_defaults_are_keras_s(name):
    theirs, ours = (
        {
            key: row.default
            for key, row in inspect.signature(getattr(module, name)).parameters.items()
        }
        for module in (keras.optimizers, mica.optimizers)
    )
    assert {key: ours[key] for key in ours if key not in OURS_ALONE} == {
        key: theirs[key] for key in theirs if key not in KERAS_ALONE
    }
