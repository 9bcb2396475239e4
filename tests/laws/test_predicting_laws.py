"""Laws of predict: folded, cut into other batches or not, the numbers are the same."""

import copy
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import mica
from mica import layers
from mica.engine import precision_scope
from mica.layers import BatchNormalization, Conv2D, Dense, Flatten
from mica.training import session as sessions
from mica.training.batch_norm_folding import fold_batch_norms
from tests.tolerances import assert_close

PICTURES = (7, 6, 4)
NORMS = (BatchNormalization, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@pytest.fixture(autouse=True)
def double():
    with precision_scope("float64"):
        yield


def shaken(model):
    """The same model with statistics and weights as after some training."""
    for part in model.modules():
        if isinstance(part, NORMS):
            with torch.no_grad():
                part.running_mean.normal_()
                part.running_var.uniform_(0.3, 3.0)
                for weight in (part.weight, part.bias):
                    if weight is not None:
                        weight.normal_()
    return model.eval()


def rows_of(shape, count=3):
    return torch.randn(count, *shape)


def check(model, shape, count):
    """The folded copy gives the numbers of the model, and the model stays."""
    model(rows_of(shape))
    shaken(model)
    before = copy.deepcopy(model.state_dict())
    folded = fold_batch_norms(model, rows_of(shape))
    assert (folded.count if folded else 0) == count
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)
    assert not any("forward" in part.__dict__ for part in model.modules())
    if folded is None:
        return
    x = rows_of(shape, 5)
    with torch.no_grad():
        given, expected = folded.network(x), model(x)
    for one, other in zip(
        mica.nested.flatten(given), mica.nested.flatten(expected), strict=True
    ):
        assert_close(one, other, "oracle")


MAKERS = {
    "dense": (lambda: Dense(5), (4,)),
    "dense on steps": (lambda: Dense(5, use_bias=False), (3, 4)),
    "conv 1d": (lambda: layers.Conv1D(4, 3, padding="causal"), (9, 4)),
    "conv 2d": (lambda: Conv2D(4, 3, strides=2, padding="same"), PICTURES),
    "conv 2d in groups": (lambda: Conv2D(6, 3, groups=2, use_bias=False), PICTURES),
    "conv 3d": (lambda: layers.Conv3D(3, 2, dilation_rate=2), (5, 5, 5, 2)),
    "depthwise 1d": (lambda: layers.DepthwiseConv1D(3, depth_multiplier=2), (9, 2)),
    "depthwise 2d": (
        lambda: layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False),
        PICTURES,
    ),
    "separable 1d": (lambda: layers.SeparableConv1D(5, 3, use_bias=False), (9, 2)),
    "separable 2d": (lambda: layers.SeparableConv2D(5, 3), PICTURES),
    "transposed 1d": (lambda: layers.Conv1DTranspose(3, 3, 2), (5, 2)),
    "transposed 2d": (
        lambda: layers.Conv2DTranspose(6, 3, 2, groups=2, padding="same"),
        PICTURES,
    ),
    "transposed 3d": (
        lambda: layers.Conv3DTranspose(3, 2, use_bias=False),
        (3, 3, 3, 2),
    ),
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("center", [True, False])
def test_every_layer_with_weights_takes_the_normalization_behind_it(name, center):
    make, shape = MAKERS[name]
    norm = BatchNormalization(center=center, scale=not center)
    model = mica.Sequential(mica.Input(shape), make(), norm, Flatten(), Dense(2))
    check(model, shape, 1)


TORCH_NETWORKS = {
    "linear": (lambda: nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5)), (4,)),
    "no affine": (
        lambda: nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5, affine=False)),
        (4,),
    ),
    "1d": (lambda: nn.Sequential(nn.Conv1d(2, 3, 3), nn.BatchNorm1d(3)), (2, 8)),
    "2d": (
        lambda: nn.Sequential(
            nn.Conv2d(
                2, 4, 3, groups=2, bias=False, padding_mode="circular", padding=1
            ),
            nn.BatchNorm2d(4),
            nn.ReLU(inplace=True),
        ),
        (2, 6, 6),
    ),
    "3d": (lambda: nn.Sequential(nn.Conv3d(2, 4, 2), nn.BatchNorm3d(4)), (2, 3, 3, 3)),
    "transposed": (
        lambda: nn.Sequential(
            nn.ConvTranspose2d(4, 6, 3, 2, 1, groups=2), nn.BatchNorm2d(6)
        ),
        (4, 5, 5),
    ),
}


@pytest.mark.parametrize("name", TORCH_NETWORKS)
def test_layers_of_torch_are_folded_too(name):
    make, shape = TORCH_NETWORKS[name]
    check(make(), shape, 1)


def branching():
    """The convolution is read by the normalization and by an addition, too."""
    x = mica.Input(PICTURES)
    y = Conv2D(4, 3)(x)
    return mica.Model(x, Dense(3)(Flatten()(BatchNormalization()(y) + y)))


def two_outputs():
    x = mica.Input(PICTURES)
    y = Conv2D(4, 3)(x)
    return mica.Model(x, [BatchNormalization()(y), y])


def two_readers():
    x = mica.Input(PICTURES)
    y = Conv2D(4, 3)(x)
    return mica.Model(x, BatchNormalization()(y) * BatchNormalization()(y))


def read_by_a_sign():
    """A reader that no poisoned number would betray."""
    x = mica.Input(PICTURES)
    y = Conv2D(4, 3)(x)
    return mica.Model(x, [BatchNormalization()(y), y > 1e9])


def shared_layer():
    x = mica.Input(PICTURES)
    conv = Conv2D(4, 3, padding="same")
    return mica.Model(x, conv(BatchNormalization()(conv(x))))


def shared_norm():
    x = mica.Input(PICTURES)
    norm = BatchNormalization()
    return mica.Model(x, norm(Conv2D(4, 3)(x)) + norm(Conv2D(4, 3)(x)))


def residual():
    x = mica.Input(PICTURES)
    y = layers.ReLU()(BatchNormalization()(Conv2D(4, 3, padding="same")(x)))
    y = BatchNormalization()(Conv2D(4, 3, padding="same", use_bias=False)(y))
    return mica.Model(x, Dense(2)(Flatten()(layers.ReLU()(y + x))))


def nested():
    inner = mica.Sequential(mica.Input(PICTURES), Conv2D(4, 3), BatchNormalization())
    return mica.Sequential(mica.Input(PICTURES), inner, Flatten(), residual_of_dense())


def residual_of_dense():
    return mica.Sequential(Dense(6), BatchNormalization(), layers.ReLU())


class OwnModel(mica.Model):
    """Takes another way where the numbers are large."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = Conv2D(4, 3), BatchNormalization()

    def forward(self, x):
        y = self.conv(x)
        return y if x.max() > 100 else self.norm(y)


def frozen():
    model = residual()
    model.trainable = False
    return model


MODELS = {
    "residual": (residual, 2),
    "nested": (nested, 2),
    "frozen": (frozen, 2),
    "branching": (branching, 0),
    "two outputs": (two_outputs, 0),
    "two readers": (two_readers, 0),
    "read by a sign": (read_by_a_sign, 0),
    "shared layer": (shared_layer, 0),
    "shared norm": (shared_norm, 0),
    "own": (OwnModel, 0),
    "another axis": (
        lambda: mica.Sequential(Conv2D(4, 3), BatchNormalization(axis=1), Flatten()),
        0,
    ),
    "an activation": (
        lambda: mica.Sequential(Conv2D(4, 3, activation="relu"), BatchNormalization()),
        0,
    ),
    "behind a pooling": (
        lambda: mica.Sequential(
            Conv2D(4, 3), layers.AveragePooling2D(2), BatchNormalization()
        ),
        0,
    ),
    "charged": (
        lambda: mica.Sequential(
            Conv2D(4, 3, activity_regularizer="l2"), BatchNormalization()
        ),
        1,
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_folded_right_or_left_alone(name):
    make, count = MODELS[name]
    check(make(), PICTURES, count)


def test_torch_layers_that_mean_another_axis_are_left_alone():
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    check(model, (3, 4), 0)  # the normalization's channels are the steps


@settings(max_examples=15)
@given(st.lists(st.sampled_from("cbrdn"), min_size=1, max_size=9), st.integers(0, 9))
def test_drawn_networks_give_the_same_numbers(letters, seed):
    mica.set_seed(seed)
    kinds = {
        "c": lambda: Conv2D(4, 3, padding="same"),
        "b": BatchNormalization,
        "r": layers.ReLU,
        "d": lambda: Dense(4),
        "n": lambda: mica.Sequential(Conv2D(4, 1), BatchNormalization()),
    }
    model = mica.Sequential(mica.Input((4, 4, 2)), *(kinds[one]() for one in letters))
    model(torch.zeros(1, 4, 4, 2))
    text = "".join(letters).replace("n", "cb.")
    check(model, (4, 4, 2), text.count("cb") + text.count("db"))


def data(rows=1100):
    return np.random.default_rng(0).normal(size=(rows, *PICTURES))


def test_predict_is_folded_and_changes_no_bit_of_the_model():
    model = shaken(residual())
    model.compile("adam", "mse")
    before = copy.deepcopy(model.state_dict())
    given, expected = model.predict(data()), model.predict(data(), plan="eager")
    assert model.session.predicting is None
    model.predict(data())
    assert model.session.predicting.folded == 2
    assert_close(given, expected, "oracle")
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)


def test_few_rows_are_predicted_as_ever(monkeypatch):
    monkeypatch.setattr(sessions, "fold_batch_norms", lambda *_: 1 / 0)
    model = shaken(residual())
    model.compile("adam", "mse")
    assert np.array_equal(
        model.predict(data(1023)), model.predict(data(1023), plan="eager")
    )


def test_a_folding_that_fails_harms_nothing(monkeypatch):
    monkeypatch.setattr(sessions, "fold_batch_norms", lambda *_: 1 / 0)
    model = shaken(residual())
    expected = model.predict(data(), plan="eager")
    assert_close(model.predict(data()), expected, "reordered")


def test_after_an_error_in_the_middle_the_model_is_as_before(monkeypatch):
    model = shaken(residual())
    before, modules = copy.deepcopy(model.state_dict()), str(model)
    expected = model.predict(data(8))
    calls = []

    def fail(*_):
        calls.append(None)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return {}

    monkeypatch.setattr("mica.training.evaluate._check_rows", fail)
    with pytest.raises(KeyboardInterrupt):
        model.predict(data())
    monkeypatch.undo()
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)
    assert str(model) == modules
    assert np.array_equal(model.predict(data(8)), expected)


@pytest.mark.parametrize("batch_size", [32, 77, 1100])
def test_the_rows_of_a_batch_change_nothing_beyond_rounding(batch_size):
    model = shaken(residual())
    given = model.predict(data(), batch_size=batch_size)
    assert_close(given, model.predict(data()), "reordered")


@pytest.mark.parametrize("kind", ["hook", "pre-hook", "hook on all"])
def test_who_looks_sees_what_every_layer_gives(kind):
    model = shaken(residual())
    convolution = next(each for each in model.layers if isinstance(each, Conv2D))
    seen = []

    def look(part, *rest):
        if part is convolution:
            seen.append(rest[-1])

    if kind == "hook":
        handle = convolution.register_forward_hook(look)
    elif kind == "pre-hook":
        handle = convolution.register_forward_pre_hook(look)
    else:
        handle = nn.modules.module.register_module_forward_hook(look)
    try:
        assert fold_batch_norms(model, torch.as_tensor(data(4))) is None
        model.predict(data())
    finally:
        handle.remove()
    total = sum(len(each[0] if isinstance(each, tuple) else each) for each in seen)
    assert total >= 1100


def test_a_forward_of_the_users_own_is_left_in_its_place():
    model = shaken(residual())
    convolution = next(each for each in model.layers if isinstance(each, Conv2D))
    convolution.forward = lambda x: type(convolution).forward(convolution, x) * 2
    assert fold_batch_norms(model, torch.as_tensor(data(4))) is None


def test_numbers_that_folding_would_harm_are_not_folded():
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3, eps=0.0))
    with torch.no_grad():
        model[0].weight.mul_(1e-9)
        model[0].bias.fill_(1e3)
        model[1].running_mean.fill_(1e3)
        model[1].running_var.fill_(1e-18)
    assert fold_batch_norms(model, torch.randn(8, 4)) is None


def test_weights_that_are_no_numbers_are_not_folded():
    model = shaken(residual())
    with torch.no_grad():
        next(model.parameters()).fill_(torch.nan)
    assert fold_batch_norms(model, torch.as_tensor(data(4))) is None


def test_layers_that_remember_their_state_are_left_alone():
    model = mica.Sequential(
        layers.LSTM(3, stateful=True), Dense(3), BatchNormalization()
    )
    x = torch.randn(4, 5, 2)
    model(x)
    assert fold_batch_norms(model, x) is None


def test_a_model_that_was_trained_is_folded_without_its_history():
    mica.set_seed(0)
    model = mica.Sequential(Dense(8), BatchNormalization(), layers.ReLU(), Dense(1))
    model.compile("adam", "mse", metrics=["mae"])
    x = np.random.default_rng(0).normal(size=(1100, 4))
    model.fit(x, x[:, :1], epochs=1, verbose=0)
    optimizer = model.session.updater
    expected = model.predict(x, plan="eager")
    assert_close(model.predict(x), expected, "oracle")
    assert model.session.predicting.folded == 1
    assert model.session.updater is optimizer


def test_many_threads_may_predict_with_one_model():
    model = shaken(residual())
    x = data()
    expected = model.predict(x, plan="eager")
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: model.predict(x), range(8)))
    for each in found:
        assert_close(each, expected, "oracle")


def test_predict_leaves_modes_random_numbers_and_attributes():
    model = shaken(residual())
    model.table = np.zeros(9)
    model.train()
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    model.predict(data())
    assert torch.equal(torch.rand(1), expected)
    assert all(part.training for part in model.modules())
    assert model.table.shape == (9,)


def test_a_copy_shares_all_weights_but_those_that_are_folded():
    model = shaken(residual())
    network = fold_batch_norms(model, torch.as_tensor(data(4))).network
    held = {id(weight) for weight in model.parameters()}
    others = [name for name, each in network.named_parameters() if id(each) in held]
    assert len(others) == 4 + 2  # of both normalizations, and of the dense layer
    assert network.layers[-1].weight is model.layers[-1].weight
