"""Biases before batch normalization: left out of training, and nothing is another."""

import copy

import pytest
import torch
from torch import nn

import mica
from mica import layers
from mica.data import Batch
from mica.engine import ExecutionPlan, eager_plan
from mica.engine.precision import precision_scope
from mica.layers import BatchNormalization, Conv1D, Conv2D, Conv3D, Dense
from mica.training import Objective, TrainStep
from mica.training.idle_biases import IdleBias, find_idle_biases
from mica.training.updating import Updater

CPU = torch.device("cpu")
PICTURES = (6, 6, 2)
EXACT = {"rtol": 1e-12, "atol": 1e-14}  # float64


@pytest.fixture(autouse=True)
def small_ones_count_too(monkeypatch):
    monkeypatch.setattr("mica.training.idle_biases.LEAST", 1)


def network(*middle, shape=PICTURES):
    return mica.Sequential(mica.Input(shape), *middle, layers.Flatten(), Dense(3))


def convolution(**options):
    return Conv2D(4, 3, bias_initializer="normal", **options)


def branching():
    x = mica.Input(PICTURES)
    made = convolution()(x)
    both = layers.Add()([BatchNormalization()(made), made])
    return mica.Model(x, Dense(3)(layers.Flatten()(both)))


def normalized_twice():
    x = mica.Input(PICTURES)
    made = convolution()(x)
    both = layers.Add()([BatchNormalization()(made), BatchNormalization()(made)])
    return mica.Model(x, Dense(3)(layers.Flatten()(both)))


def shared():
    x = mica.Input(PICTURES)
    layer = convolution(padding="same")
    first = BatchNormalization()(layer(x))
    both = layers.Add()([first, BatchNormalization()(layer(layers.ReLU()(x)))])
    return mica.Model(x, Dense(3)(layers.Flatten()(both)))


def two_of_them():
    return network(
        convolution(padding="same"),
        BatchNormalization(),
        layers.ReLU(),
        convolution(),
        BatchNormalization(momentum=0.5),
    )


def one_of_two():
    x = mica.Input(PICTURES)
    first = convolution(padding="same")(x)
    second = BatchNormalization()(convolution(padding="same")(x))
    both = layers.Concatenate()([BatchNormalization()(first), second, first])
    return mica.Model(x, Dense(3)(layers.Flatten()(both)))


def frozen_bias():
    model = network(convolution(), BatchNormalization())
    model.layers[0].trainable = False
    return model


class OwnLayer(mica.Layer):
    def forward(self, x):
        return 2 * x


MODELS = {
    "a series": (
        lambda: network(
            Conv1D(4, 3, bias_initializer="normal"),
            BatchNormalization(),
            shape=(9, 2),
        ),
        1,
    ),
    "a picture": (lambda: network(convolution(), BatchNormalization()), 1),
    "a volume": (
        lambda: network(
            Conv3D(3, 2, bias_initializer="normal"),
            BatchNormalization(),
            shape=(3, 4, 3, 2),
        ),
        1,
    ),
    "two": (two_of_them, 2),
    "one of two": (one_of_two, 1),
    "strided, dilated and in groups": (
        lambda: network(
            convolution(strides=2, padding="same"),
            BatchNormalization(),
            convolution(dilation_rate=2, padding="same", groups=2),
            BatchNormalization(scale=False),
        ),
        2,
    ),
    "a frozen bias": (
        frozen_bias,
        1,
    ),
    "charged and bounded": (
        lambda: network(
            convolution(bias_regularizer="l2", bias_constraint="max_norm"),
            BatchNormalization(),
        ),
        1,
    ),
    "no bias": (lambda: network(convolution(use_bias=False), BatchNormalization()), 0),
    "a relu between": (
        lambda: network(convolution(activation="relu"), BatchNormalization()),
        0,
    ),
    "outputs are charged": (
        lambda: network(convolution(activity_regularizer="l2"), BatchNormalization()),
        0,
    ),
    "another axis": (lambda: network(convolution(), BatchNormalization(axis=1)), 0),
    "no shift": (lambda: network(convolution(), BatchNormalization(center=False)), 0),
    "dense": (lambda: network(Dense(4), BatchNormalization()), 0),
    "branching": (branching, 0),
    "normalized twice": (normalized_twice, 0),
    "shared": (shared, 0),
    "own": (lambda: network(convolution(), BatchNormalization(), OwnLayer()), 0),
}


def learned(model, *, idle, steps=5, plan=None, optimizer=None, dtype=torch.float64):
    """Losses of some steps and all that the model holds then; both begin alike."""
    model = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(0)
    kinds = {Conv1D: (9, 2), Conv3D: (3, 4, 3, 2)}
    shape = (steps, 8, *kinds.get(type(model.layers[0]), PICTURES))
    xs = list(1 + torch.randn(shape, generator=generator, dtype=dtype))
    y = torch.randn(8, 3, generator=generator, dtype=dtype)
    objective = Objective("mse")
    objective.bind(model, xs[0], y)
    found = list(objective._idle)
    if not idle:
        objective._idle = []
    model.train()
    optimizer = optimizer or mica.optimizers.SGD(
        0.01, momentum=0.9, weight_decay=0.01, global_clipnorm=1.0
    )
    updater = Updater(optimizer, list(model.parameters()))
    step = TrainStep(model, objective, updater, plan or eager_plan("cpu"))
    losses = [step(Batch(x, y, None, 8))["loss"] for x in xs]
    updater.finish()
    model.eval()
    with torch.no_grad():
        losses.append(model(xs[0]))
    numbers = torch.cat([loss.flatten() for loss in losses])
    return found, {**model.state_dict(), "losses": numbers}


def in_float64(name):
    make, count = MODELS[name]
    with precision_scope("float64"):
        mica.set_seed(0)
        model = make()
    return model, count


def check_equal(given, expected, **tolerance):
    assert given.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(given[name], value, **tolerance)


@pytest.mark.parametrize("name", MODELS)
def test_idle_biases_are_left_out_and_nothing_is_another(name):
    model, count = in_float64(name)
    with precision_scope("float64"):
        _, expected = learned(model, idle=False)
        found, given = learned(model, idle=True)
    assert len(found) == count
    check_equal(given, expected, **EXACT)


def test_gradients_gathered_over_batches_are_the_same():
    model, _ = in_float64("two")
    optimizer = mica.optimizers.SGD(
        0.01, momentum=0.9, gradient_accumulation_steps=2, clipnorm=0.1
    )
    with precision_scope("float64"):
        _, expected = learned(model, idle=False, optimizer=optimizer)
        _, given = learned(model, idle=True, optimizer=optimizer)
    check_equal(given, expected, **EXACT)


def test_in_float32_and_bfloat16_only_rounding_is_another():
    mica.set_seed(0)
    model = two_of_them()
    for precision, tolerance in (("float32", 1e-4), ("bfloat16", 0.05)):
        plan = ExecutionPlan(CPU, precision)
        _, expected = learned(model, idle=False, plan=plan, dtype=torch.float32)
        found, given = learned(model, idle=True, plan=plan, dtype=torch.float32)
        assert len(found) == 2
        check_equal(given, expected, rtol=tolerance, atol=tolerance)


def one_step(model, prepare=lambda model: None):
    """A step's gradients, and whether the bias was added in it."""
    x = 1 + torch.randn(8, *PICTURES, dtype=torch.float64)
    y = torch.zeros(8, 3, dtype=torch.float64)
    objective = Objective("mse")
    objective.bind(model, x, y)
    assert len(objective._idle) == 1
    model.train()
    prepare(model)
    added = []
    given = type(model.layers[0]).slide

    def slide(self, x, weight, bias, groups):
        added.append(bias is not None)
        return given(self, x, weight, bias, groups)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(model.layers[0]), "slide", slide)
        updater = Updater("sgd", list(model.parameters()))
        TrainStep(model, objective, updater, eager_plan("cpu")).learn(
            Batch(x, y, None, 8)
        )
    return added == [True]


def test_its_gradient_is_zero_and_not_missing():
    model, _ = in_float64("a picture")
    seen = []
    bias = model.layers[0].bias
    bias.register_hook(seen.append)
    assert not one_step(model)
    assert torch.equal(seen[0], torch.zeros_like(bias))


def test_after_a_step_every_layer_does_its_own_part_again():
    model, _ = in_float64("a picture")
    one_step(model)
    convolution, norm = model.layers[:2]
    for part in (convolution, norm):
        assert not {"forward", "bias"} & part.__dict__.keys()
    zeros = torch.zeros(1, *PICTURES, dtype=torch.float64)
    torch.testing.assert_close(
        convolution(zeros), convolution.bias.expand(1, 4, 4, 4).clone()
    )


def freeze(model):
    model.layers[1].trainable = False


def look_at_the_convolution(model):
    model.layers[0].register_forward_hook(lambda *_: None)


def look_at_the_norm(model):
    model.layers[1].register_forward_pre_hook(lambda *_: None)


def rest(model):
    model.layers[1].eval()


def forget_at_once(model):
    model.layers[1].momentum = 0.0


@pytest.mark.parametrize(
    "prepare",
    [freeze, rest, look_at_the_convolution, look_at_the_norm, forget_at_once],
)
def test_where_the_mean_is_not_taken_or_somebody_looks_it_is_added(prepare):
    model, _ = in_float64("a picture")
    assert one_step(model, prepare)


def test_positions_that_a_mask_hides_are_not_in_the_mean():
    with precision_scope("float64"):
        layer = Conv1D(3, 1, bias_initializer="normal")
        norm = BatchNormalization()
        x = torch.randn(4, 5, 2)
        norm(layer(x))
        mask = torch.rand(4, 5) > 0.4
        norm.train()
        other = copy.deepcopy(norm)
        expected = other(layer(x), mask)
        idle = IdleBias(layer, norm)
        idle.leave_out()
        given = norm(layer(x), mask)
        idle.put_back()
    torch.testing.assert_close(given, expected, **EXACT)
    check_equal(norm.state_dict(), other.state_dict(), **EXACT)


def test_an_empty_batch_moves_nothing():
    layer, norm = Conv1D(3, 1, bias_initializer="normal"), BatchNormalization()
    norm(layer(torch.randn(4, 5, 2)))
    norm.train()
    before = copy.deepcopy(norm.state_dict())
    idle = IdleBias(layer, norm)
    idle.leave_out()
    norm(layer(torch.zeros(0, 5, 2)))
    idle.put_back()
    check_equal(norm.state_dict(), before, rtol=0.0, atol=0.0)


def test_few_outputs_are_not_worth_it(monkeypatch):
    monkeypatch.undo()
    model = network(convolution(), BatchNormalization())
    x = torch.zeros(2, *PICTURES)
    assert find_idle_biases(model, lambda: model(x)) == []


def test_a_torch_network_of_mica_s_layers_has_idle_biases_too():
    network = nn.Sequential(Conv2D(4, 3), BatchNormalization(), nn.ReLU())
    x = torch.randn(2, *PICTURES)
    network(x)
    assert len(find_idle_biases(network, lambda: network(x))) == 1
