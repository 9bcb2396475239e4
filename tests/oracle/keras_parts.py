"""Every part that both Keras and Mica have, and how one random configuration is judged.

`PARTS[family][name](number)` draws configuration `number`, demands the same numbers and
gives the largest difference. `tools/oracle.py` counts them on a page.
"""

import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import keras
import torch
from keras.src.backend.common import dtypes

import mica.optimizers
from mica import layers
from mica.engine.precision import precision_scope
from mica.layers.activation import get_activation
from tests.oracle import (
    test_losses_keras,
    test_metrics_keras,
    test_optimizers_keras,
    test_weight_rules_keras,
)
from tests.oracle.keras_draws import DRAWS, compare
from tests.oracle.keras_draws.comparing import largest_difference
from tests.oracle.keras_draws.drawing import ACTIVATIONS, anything

__all__ = ["PARTS", "ROUNDED", "prepare_keras"]

Judge = Callable[[int], float]

# Keras gives the means of these in float32.
ROUNDED = frozenset("BinaryIoU IoU MeanIoU OneHotIoU OneHotMeanIoU".split())
# Keras's Adam adds epsilon in another place: one so small that neither notices.
UNSEEN = 1e-30
SCALE = 64  # fractions with this divisor are the same in float32


def prepare_keras(family: str) -> None:
    """Let Keras compute in float64, and keep to its own formulas, with torch below."""
    # A layer is told its dtype; what it draws on the way has that of the test.
    keras.config.set_floatx("float32" if family == "Layers" else "float64")
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
    if family in ("Losses", "Metrics"):  # these look whether the row is there
        del dtypes.BIT64_TO_BIT32_DTYPE["float64"]
    if family == "Optimizers":
        keras.optimizers.ScheduleFreeAdamW.assign_sub = _assign_to_another_place


def _assign_to_another_place(self: Any, variable: Any, value: Any) -> None:
    """Leave what Keras remembers as "before any updates" as it was, on torch too."""
    del self
    variable._value = torch.nn.Parameter(variable.value - value, False)


def judge_layer(name: str, number: int) -> float:
    """Outputs, all gradients and running statistics."""
    return compare(DRAWS[name](random.Random(f"{name} {number}")))


def judge_activation(name: str, number: int) -> float:
    """Values and slopes."""
    x = anything(random.Random(f"{name} {number}"))
    results = []
    for function in (get_activation(name, "oracle"), keras.activations.get(name)):
        leaf = x.clone().requires_grad_()
        y = function(leaf)
        weighting = torch.linspace(-1, 2, y.numel(), dtype=y.dtype).reshape(y.shape)
        (y * weighting).sum().backward()
        results.append([y, leaf.grad])
    return largest_difference(*results)


def fraction(draw: random.Random, low: int = 0, high: int = SCALE) -> float:
    """A number that float32 holds exactly."""
    return draw.randint(low, high) / SCALE


def draw_rule(name: str, draw: random.Random) -> dict[str, Any]:
    """Arguments of a regularizer or a constraint."""
    if name == "MinMaxNorm":
        low = fraction(draw)
        highest = low + fraction(draw, 1)
        return {"min_value": low, "max_value": highest, "rate": fraction(draw)}
    rows = {
        "L1": lambda: {"l1": fraction(draw, 1)},
        "L2": lambda: {"l2": fraction(draw, 1)},
        "L1L2": lambda: {"l1": fraction(draw, 1), "l2": fraction(draw, 1)},
        "MaxNorm": lambda: {"max_value": fraction(draw, 1, 3 * SCALE)},
        "OrthogonalRegularizer": lambda: {
            "factor": fraction(draw, 1),
            "mode": draw.choice(["rows", "columns"]),
        },
    }
    return rows.get(name, dict)()


def judge_regularizer(name: str, number: int) -> float:
    """What a weight costs, and the slope of it."""
    draw = random.Random(f"{name} {number}")
    arguments = draw_rule(name, draw)
    leaf = test_weight_rules_keras.kernel(draw).requires_grad_()
    ours = getattr(layers, name)(**arguments)(leaf)
    theirs = getattr(keras.regularizers, name)(**arguments)(leaf.T)
    slopes = [torch.autograd.grad(cost, leaf)[0] for cost in (ours, theirs)]
    return largest_difference([ours, slopes[0]], [theirs, slopes[1]])


def judge_constraint(name: str, number: int) -> float:
    """Where a weight is moved to."""
    draw = random.Random(f"{name} {number}")
    arguments, weight = draw_rule(name, draw), test_weight_rules_keras.kernel(draw)
    theirs = {"NonNegative": "NonNeg"}.get(name, name)
    moved = getattr(keras.constraints, theirs)(**arguments)(weight.T)
    return largest_difference([getattr(layers, name)(**arguments)(weight).T], [moved])


def draw_options(name: str, draw: random.Random) -> dict[str, Any]:
    """Arguments of an optimizer, those of its own and the decay of weights."""
    within = draw.uniform
    ranges: dict[str, Callable[[], Any]] = {
        "learning_rate": lambda: within(0.001, 0.1),
        "momentum": lambda: draw.choice([0.0, within(0.1, 0.95)]),
        "nesterov": lambda: draw.random() < 0.5,
        "rho": lambda: within(0.3, 0.99),
        "beta_1": lambda: within(0.3, 0.95),
        "beta_2": lambda: within(0.3, 0.999),
        "epsilon": lambda: within(0.0001, 0.1),
        "centered": lambda: draw.random() < 0.5,
        "amsgrad": lambda: draw.random() < 0.5,
        "initial_accumulator_value": lambda: within(0.0, 1.0),
        "weight_decay": lambda: draw.choice([0.004, 0.1]),
        "beta_2_decay": lambda: -within(0.5, 0.9),
        "clip_threshold": lambda: within(0.5, 1.5),
        "relative_step": lambda: draw.random() < 0.5,
        "learning_rate_power": lambda: -within(0.2, 0.8),
        "l1_regularization_strength": lambda: within(0.0, 0.5),
        "l2_regularization_strength": lambda: within(0.0, 0.5),
        "l2_shrinkage_regularization_strength": lambda: within(0.0, 0.3),
        "beta": lambda: within(0.0, 1.0),
        "ns_steps": lambda: draw.randint(2, 6),
        "adam_lr_ratio": lambda: within(0.1, 1.0),
    }
    takes = test_optimizers_keras.inspect.signature(getattr(mica.optimizers, name))
    known = [word for word in ranges if word in takes.parameters]
    chosen = {word: ranges[word]() for word in known if draw.random() < 0.7}
    if name in ("Adam", "AdamW"):
        chosen["epsilon"] = UNSEEN
    if name == "SGD" and not chosen.get("momentum"):
        chosen.pop("nesterov", None)
    return chosen


def judge_optimizer(name: str, number: int) -> float:
    """Where ten steps end."""
    options = draw_options(name, random.Random(f"{name} {number}"))
    with precision_scope("float64"):
        ours = test_optimizers_keras.mica_steps(name, options)
        theirs = test_optimizers_keras.keras_steps(name, options)
    return largest_difference(
        [torch.as_tensor(weight) for weight in ours],
        [torch.as_tensor(weight) for weight in theirs],
    )


def _each(judge: Callable[[str, int], float], names: Any) -> dict[str, Judge]:
    return {name: partial(judge, name) for name in sorted(names)}


OPTIMIZERS = {name for name, _ in [*test_optimizers_keras.EXACT, ("Adam", {})]}
PARTS: Mapping[str, Mapping[str, Judge]] = {
    "Layers": _each(judge_layer, DRAWS),
    "Activations": _each(judge_activation, set(ACTIVATIONS) - {"swish"}),
    "Losses": _each(test_losses_keras.compare_configuration, test_losses_keras.CASES),
    "Metrics": _each(
        test_metrics_keras.compare_configuration, test_metrics_keras.CASES
    ),
    "Optimizers": _each(judge_optimizer, OPTIMIZERS | {"AdamW"}),
    "Regularizers": _each(judge_regularizer, test_weight_rules_keras.REGULARIZERS),
    "Constraints": _each(judge_constraint, test_weight_rules_keras.CONSTRAINTS),
}
