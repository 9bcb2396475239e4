"""Dense, Dropout, BatchNormalization, Flatten, Reshape and activations as layers."""

import functools

import pytest
import torch

from mica.layers import (
    ELU,
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Input,
    LeakyReLU,
    ReLU,
    Reshape,
    Softmax,
)
from mica.layers.activation import relu, softmax
from tests.tolerances import assert_close


def test_a_bias_can_be_left_out():
    layer = Dense(3, use_bias=False)
    layer(torch.zeros(2, 5))
    assert layer.bias is None
    assert list(layer.state_dict()) == ["weight"]


def test_an_activation_comes_last():
    layer = Dense(3, activation="relu", bias_initializer="ones")
    y = layer(torch.zeros(2, 5))
    assert torch.equal(y, torch.ones(2, 3))
    assert layer.activation is relu


def test_an_activation_can_be_taken_off():
    layer = Dense(3, activation="softmax")
    x = torch.randn(2, 5)
    probabilities = layer(x)
    layer.activation = None
    assert_close(softmax(layer(x)), probabilities)


def test_initial_values_can_be_chosen():
    layer = Dense(3, kernel_initializer="zeros", bias_initializer="ones")
    assert torch.equal(layer(torch.randn(2, 5)), torch.ones(2, 3))


def test_dropout_keeps_or_scales_each_value():
    y = Dropout(0.75)(torch.ones(1000))
    assert y.unique().tolist() == [0.0, 4.0]


def test_dropout_drops_the_stated_part():
    y = Dropout(0.3)(torch.ones(100_000))
    assert_close((y == 0).double().mean(), 0.3, "statistical")


@pytest.mark.parametrize("rate", [0.0, 0.9])
def test_dropout_at_rest_returns_its_input(rate):
    x = torch.randn(5)
    layer = Dropout(rate)
    if rate:
        layer.eval()
    assert layer(x) is x


def test_dropout_drops_the_same_values_of_the_gradient():
    x = torch.ones(100, requires_grad=True)
    y = Dropout(0.5)(x)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())


def test_a_frozen_normalisation_uses_running_values():
    layer, x = BatchNormalization(), torch.randn(8, 3) * 5
    layer.ensure_built(x)
    layer.trainable = False
    before = {key: value.clone() for key, value in layer.state_dict().items()}
    assert_close(layer(x), x / (1 + 1e-3) ** 0.5, "reordered")
    assert all(torch.equal(layer.state_dict()[key], before[key]) for key in before)


def test_normalisation_without_scale_and_centre_learns_nothing():
    layer = BatchNormalization(scale=False, center=False)
    layer(torch.randn(8, 3))
    assert list(layer.parameters()) == []
    assert list(layer.state_dict()) == ["running_mean", "running_var"]


def test_initial_values_of_a_normalisation_can_be_chosen():
    layer = BatchNormalization(
        beta_initializer="ones",
        gamma_initializer="zeros",
        moving_mean_initializer="ones",
        moving_variance_initializer="zeros",
    )
    layer(Input((3,)))
    assert [value[0].item() for value in layer.state_dict().values()] == [0, 1, 1, 0]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_statistics_of_half_types_are_gathered_in_float32(dtype):
    layer = BatchNormalization()
    y = layer(torch.randn(16, 3).to(dtype))
    assert y.dtype == dtype
    assert layer.running_mean.dtype == torch.float32


def test_normalising_twice_before_going_backwards_works():
    layer = BatchNormalization()
    x = torch.randn(8, 3, requires_grad=True)
    (layer(x) * layer(2 * x)).sum().backward()
    assert torch.isfinite(x.grad).all()


def test_evaluating_before_going_backwards_works():
    layer = BatchNormalization()
    x = torch.randn(8, 3, requires_grad=True)
    y = layer(x)
    layer.eval()(x)
    y.square().sum().backward()
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize(
    ("target", "shape"),
    [
        ((2, 6), (None, 2, 6)),
        ((-1,), (None, 12)),
        ((2, -1, 3), (None, 2, 2, 3)),
        ([3, 4], (None, 3, 4)),
    ],
    ids=str,
)
def test_a_sample_takes_the_target_shape(target, shape):
    assert Reshape(target)(Input((4, 3))).shape == shape


def test_a_size_that_varies_is_taken_by_the_free_one():
    assert Reshape((-1, 6))(Input((None, 3))).shape == (None, None, 6)


def test_flat_rows_and_scalars_stay_rows():
    assert Flatten()(torch.zeros(3, 5)).shape == (3, 5)
    assert Flatten()(torch.zeros(3)).shape == (3, 1)


def test_flattening_copies_nothing():
    x = torch.randn(2, 3, 4)
    assert Flatten()(x).data_ptr() == x.data_ptr()


def test_flattening_runs_along_the_last_axis_first():
    x = torch.arange(12).reshape(1, 2, 2, 3)
    assert Flatten()(x).flatten().tolist() == list(range(12))


def test_flattening_takes_whole_numbers():
    assert Flatten()(torch.ones(2, 3, dtype=torch.int64)).dtype == torch.int64


def test_an_activation_layer_takes_a_name_or_a_function():
    x = torch.tensor([[-1.0, 2.0]])
    assert torch.equal(Activation("relu")(x), Activation(torch.relu)(x))
    assert Activation(None)(x) is x


def test_the_default_numbers_are_those_of_keras():
    x = torch.tensor([[-1.0, 9.0]])
    assert_close(LeakyReLU()(x), [[-0.3, 9.0]])
    assert_close(ReLU()(x), [[0.0, 9.0]])
    assert_close(ELU()(x), [[-0.6321205588, 9.0]])


def test_a_softmax_of_the_last_axis_is_recognised():
    assert Softmax().activation is softmax
    assert isinstance(Softmax(1).activation, functools.partial)


def test_a_softmax_sums_to_one_along_its_axis():
    y = Softmax(1)(torch.randn(2, 3, 4))
    assert_close(y.sum(1), torch.ones(2, 4), "reordered")
