"""Laws of delayed relus: the same numbers to the bit, wherever they are delayed."""

import copy

import pytest
import torch
from torch import nn

import mica
from mica import layers
from mica.data import Batch
from mica.engine import eager_plan
from mica.layers import Conv2D, Dense, Flatten, MaxPooling2D
from mica.training import Objective, TrainStep
from mica.training.delaying import find_delays
from mica.training.updating import Updater

PICTURES = (9, 9, 2)


def sequential(*middle):
    return mica.Sequential(mica.Input(PICTURES), *middle, Flatten(), Dense(3))


def branching():
    """The relu is read by the pooling and by an addition, too."""
    x = mica.Input(PICTURES)
    y = Conv2D(4, 3, padding="same", activation="relu")(x)
    pooled = layers.UpSampling2D(3)(MaxPooling2D(3)(y))
    return mica.Model(x, Dense(3)(Flatten()(y + pooled)))


def two_outputs():
    x = mica.Input(PICTURES)
    y = Conv2D(4, 3, activation="relu")(x)
    return mica.Model(x, [MaxPooling2D(2)(y), y])


def pooled_twice():
    x = mica.Input(PICTURES)
    y = Conv2D(4, 3, activation="relu")(x)
    pool = MaxPooling2D(2)
    return mica.Model(x, pool(pool(y)))


def shared():
    """One convolution, used twice."""
    x = mica.Input(PICTURES)
    conv = Conv2D(2, 3, padding="same", activation="relu")
    return mica.Model(x, MaxPooling2D(3)(conv(MaxPooling2D(1)(conv(x)))))


class OwnModel(mica.Model):
    def __init__(self):
        super().__init__()
        self.conv, self.pool = Conv2D(4, 3, activation="relu"), MaxPooling2D(2)

    def forward(self, x):
        return self.pool(self.conv(x))


MODELS = {
    "an activation": (
        lambda: sequential(Conv2D(4, 3, activation="relu"), MaxPooling2D()),
        1,
    ),
    "a layer": (lambda: sequential(Conv2D(4, 3), layers.ReLU(), MaxPooling2D()), 1),
    "a layer with a limit": (
        lambda: sequential(Conv2D(4, 3), layers.ReLU(max_value=1.0), MaxPooling2D()),
        0,
    ),
    "by name": (
        lambda: sequential(Conv2D(4, 3), layers.Activation("relu"), MaxPooling2D(2)),
        1,
    ),
    "same": (
        lambda: sequential(
            Conv2D(4, 3, activation="relu"), MaxPooling2D(3, 2, padding="same")
        ),
        1,
    ),
    "two": (
        lambda: sequential(
            Conv2D(4, 3, activation="relu"),
            MaxPooling2D(2),
            Conv2D(5, 2, activation="relu"),
            MaxPooling2D(2),
        ),
        2,
    ),
    "tanh": (lambda: sequential(Conv2D(4, 3, activation="tanh"), MaxPooling2D()), 0),
    "gelu": (lambda: sequential(Conv2D(4, 3, activation="gelu"), MaxPooling2D()), 0),
    "average": (
        lambda: sequential(Conv2D(4, 3, activation="relu"), layers.AveragePooling2D()),
        0,
    ),
    "between": (
        lambda: sequential(
            Conv2D(4, 3, activation="relu"), layers.BatchNormalization(), MaxPooling2D()
        ),
        0,
    ),
    "charged": (
        lambda: sequential(
            Conv2D(4, 3, activation="relu", activity_regularizer="l2"), MaxPooling2D()
        ),
        0,
    ),
    "branching": (branching, 0),
    "two outputs": (two_outputs, 0),
    "pooled twice": (pooled_twice, 0),
    "shared": (shared, 0),
    "own": (OwnModel, 0),
}


def learned(model, *, delays: bool):
    """Loss, gradients and outputs of a step; both begin alike."""
    model = copy.deepcopy(model).train()
    torch.manual_seed(0)
    # Whole numbers tie often; zero is where relu turns.
    x = torch.randint(-2, 3, (6, *PICTURES)).float()
    outputs = model(x)
    y = [torch.randn_like(leaf) for leaf in mica.nested.flatten(outputs)]
    y = y if len(y) > 1 else y[0]
    objective = Objective("mse" if torch.is_tensor(y) else ["mse"] * len(y))
    objective.bind(model, x, y)
    if not delays:
        objective._delays = []
    updater = Updater("sgd", list(model.parameters()))
    step = TrainStep(model, objective, updater, eager_plan("cpu"))
    torch.manual_seed(1)
    outputs, losses = step.learn(Batch(x, y, None, 6))
    slopes = [parameter.grad for parameter in model.parameters()]
    return objective, [*mica.nested.flatten(outputs), losses["loss"], *slopes]


@pytest.mark.parametrize("name", MODELS)
def test_relus_read_by_a_pooling_alone_are_delayed_and_nothing_changes(name):
    make, count = MODELS[name]
    mica.set_seed(0)
    model = make()
    model(torch.zeros(1, *PICTURES))
    _, expected = learned(model, delays=False)
    delayed, given = learned(model, delays=True)
    assert len(delayed._delays) == count
    for one, other in zip(given, expected, strict=True):
        assert torch.equal(one, other)


def test_after_a_step_every_layer_gives_what_it_says():
    model = MODELS["an activation"][0]()
    learned_model = copy.deepcopy(model)
    x = torch.randn(2, *PICTURES)
    objective = Objective("mse")
    objective.bind(learned_model, x, torch.zeros(2, 3))
    objective.forward(learned_model, x)
    convolution, pooling = learned_model.layers[:2]
    assert "forward" not in pooling.__dict__
    assert convolution(x).min() >= 0


def test_a_torch_network_is_delayed_too():
    network = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 1)
    )
    assert len(find_delays(network, lambda: network(torch.ones(1, 1, 8, 8)))) == 1


def test_where_somebody_looks_the_relu_stays_in_its_place():
    model = MODELS["an activation"][0]()
    x = torch.randn(2, *PICTURES)
    objective = Objective("mse")
    objective.bind(model, x, torch.zeros(2, 3))
    seen = []
    model.layers[0].register_forward_hook(
        lambda part, given, output: seen.append(output)
    )
    objective.forward(model, x)
    assert seen[0].min() >= 0


def test_numbers_that_are_none_stay_none():
    model = MODELS["an activation"][0]()
    x = torch.randn(2, *PICTURES)
    x[0, 4, 4, 0] = torch.nan
    objective = Objective("mse")
    objective.bind(model, torch.randn(2, *PICTURES), torch.zeros(2, 3))
    given = objective.forward(model, x)
    objective._delays = []
    torch.testing.assert_close(
        given, objective.forward(model, x), rtol=0, atol=0, equal_nan=True
    )


def test_a_convnet_learns_the_same_weights_to_the_bit(monkeypatch):
    results = []
    x = torch.randn(32, *PICTURES)
    y = torch.randint(0, 3, (32,))
    for delays in (True, False):
        if not delays:
            monkeypatch.setattr("mica.training.objective.find_delays", lambda *_: [])
        mica.set_seed(0)
        model = MODELS["two"][0]()
        model.compile(
            "adam", mica.losses.SparseCategoricalCrossentropy(from_logits=True)
        )
        model.fit(x, y, epochs=3, batch_size=8, verbose=0)
        results.append(model.state_dict())
    torch.testing.assert_close(results[0], results[1], rtol=0, atol=0)
