"""Initializers fill as documented, and say what cannot be."""

import math

import pytest
import torch
from torch import nn

from mica.errors import ConfigError
from mica.layers import initializers
from mica.layers.initializers import Constant, FunctionInitializer, get_initializer
from mica.layers.matrix_initializers import IdentityInitializer, OrthogonalInitializer
from mica.layers.random_initializers import (
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    compute_fans,
)
from mica.registry import decode, encode
from tests.tolerances import assert_close

SHAPE = (150, 200)  # (outputs, inputs)
FAN_IN, FAN_OUT, FAN_AVERAGE = 200, 150, 175
# Name: the variance Keras documents, and the largest value in deviations.
SPREADS = {
    "glorot_normal": (1 / FAN_AVERAGE, 2 / 0.8796),
    "glorot_uniform": (1 / FAN_AVERAGE, math.sqrt(3)),
    "he_normal": (2 / FAN_IN, 2 / 0.8796),
    "he_uniform": (2 / FAN_IN, math.sqrt(3)),
    "lecun_normal": (1 / FAN_IN, 2 / 0.8796),
    "lecun_uniform": (1 / FAN_IN, math.sqrt(3)),
    "random_normal": (0.05**2, math.inf),
    "random_uniform": (0.05**2 / 3, math.sqrt(3)),
    "truncated_normal": (0.05**2 * 0.8796**2, 2 / 0.8796),
    "variance_scaling": (1 / FAN_IN, 2 / 0.8796),
}
DTYPES = [torch.float32, torch.float64, torch.bfloat16, torch.float16]


def filled(initializer, shape=SHAPE, dtype=torch.float32, fans=None):
    tensor = torch.empty(shape, dtype=dtype)
    with torch.no_grad():
        get_initializer(initializer).fill(tensor, fans)
    return tensor


@pytest.mark.parametrize("name", SPREADS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_values_are_spread_as_documented(name, dtype):
    variance, largest = SPREADS[name]
    scaled = filled(name, dtype=dtype).double() / math.sqrt(variance)
    assert_close(scaled.mean(), 0.0, "statistical")
    assert_close(scaled.square().mean(), 1.0, "statistical")
    # A half type rounds the largest values.
    assert scaled.abs().max() <= largest * (1 + torch.finfo(dtype).eps) + 1e-4


@pytest.mark.parametrize("name", ["glorot_normal", "he_normal", "lecun_normal"])
def test_a_normal_start_is_cut_at_two_deviations(name):
    variance, largest = SPREADS[name]
    scaled = filled(name).abs() / math.sqrt(variance)
    assert largest * 0.99 < scaled.max()


@pytest.mark.parametrize(
    ("name", "value"), [("zeros", 0), ("ones", 1), ("constant", 0)]
)
def test_a_constant_start_is_constant(name, value):
    assert torch.equal(filled(name, (3, 2)), torch.full((3, 2), float(value)))


def test_a_constant_takes_a_value():
    assert torch.equal(filled(Constant(0.5), (2,)), torch.tensor([0.5, 0.5]))


def test_limits_can_be_chosen():
    values = filled(RandomUniform(2.0, 3.0))
    assert values.min() >= 2
    assert values.max() <= 3


def test_mean_and_deviation_can_be_chosen():
    assert_close(filled(RandomNormal(5.0, 0.5)).mean(), 5.0, "statistical")
    assert_close(filled(TruncatedNormal(5.0, 0.5)).mean(), 5.0, "statistical")


MODES = [
    ("fan_in", "uniform", FAN_IN),
    ("fan_out", "truncated_normal", FAN_OUT),
    ("fan_avg", "untruncated_normal", FAN_AVERAGE),
]


@pytest.mark.parametrize(("mode", "distribution", "count"), MODES)
def test_scaling_divides_by_the_chosen_number(mode, distribution, count):
    values = filled(VarianceScaling(3.0, mode=mode, distribution=distribution))
    assert_close(values.double().var() * count / 3, 1.0, "statistical")


def test_given_fans_count_more_than_the_shape():
    values = filled("he_uniform", fans=(6, 1))
    assert 0.99 < values.abs().max() <= 1.0


@pytest.mark.parametrize(
    ("shape", "fans"),
    [
        ((), (1, 1)),
        ((7,), (7, 7)),
        ((10, 784), (784, 10)),
        ((32, 16, 3, 3), (144, 288)),
        ((8, 4, 5), (20, 40)),
    ],
    ids=str,
)
def test_fans_are_counted_from_the_shape(shape, fans):
    assert compute_fans(shape) == fans


@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3), (4, 2, 3, 3)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_an_orthogonal_start_is_orthogonal(shape, dtype):
    matrix = filled(OrthogonalInitializer(2.0), shape, dtype).flatten(1).double()
    matrix = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    expected = 4 * torch.eye(len(matrix), dtype=torch.float64)
    assert (matrix @ matrix.T - expected).abs().max() < 1e-5


def test_an_orthogonal_start_works_in_half_precision():
    matrix = filled("orthogonal", (4, 4), torch.bfloat16).double()
    assert (matrix @ matrix.T - torch.eye(4)).abs().max() < 0.03


def test_an_identity_passes_its_input_on():
    weight = filled(IdentityInitializer(2.0), (3, 3))
    assert torch.equal(weight, 2 * torch.eye(3))


def test_a_function_of_torch_is_welcome():
    assert torch.equal(filled(nn.init.ones_, (2, 2)), torch.ones(2, 2))


def test_an_initializer_is_found_as_itself():
    he = initializers.he_normal()
    assert get_initializer(he) is he


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("he_normal", VarianceScaling),
        (initializers.he_normal, VarianceScaling),
        (OrthogonalInitializer, OrthogonalInitializer),
        (nn.init.zeros_, FunctionInitializer),
    ],
    ids=["name", "maker", "class", "function"],
)
def test_a_name_a_class_and_a_function_are_understood(given, expected):
    assert type(get_initializer(given)) is expected


ROUND_TRIPS = [
    Constant(3.0),
    IdentityInitializer(2.0),
    OrthogonalInitializer(),
    RandomNormal(1.0, stddev=2.0),
    RandomUniform(-1.0),
    TruncatedNormal(stddev=0.1),
    VarianceScaling(2.0, mode="fan_out", distribution="uniform"),
]


@pytest.mark.parametrize("initializer", ROUND_TRIPS, ids=lambda it: type(it).__name__)
def test_an_initializer_survives_a_file(initializer):
    other = decode(encode(initializer))
    assert type(other) is type(initializer)
    assert vars(other) == vars(initializer)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: RandomUniform(1.0, 0.0),
            "RandomUniform: expected minval <= maxval, got minval=1.0 and maxval=0.0. "
            "Exchange them.",
        ),
        (
            lambda: VarianceScaling(0.0),
            "VarianceScaling: expected scale above 0, got 0.0. Use scale=1.0 for "
            "linear units, 2.0 for rectified ones.",
        ),
        (
            lambda: VarianceScaling(mode="fan_of"),
            "VarianceScaling: expected mode to be a known name, got 'fan_of'. Did you "
            "mean 'fan_out' or 'fan_in'?",
        ),
        (
            lambda: filled("orthogonal", (3,)),
            "OrthogonalInitializer: expected a weight with at least 2 axes, got shape "
            "(3,). Choose another initializer.",
        ),
        (
            lambda: filled("identity", (3, 2, 1)),
            "IdentityInitializer: expected a weight with 2 axes, got shape (3, 2, 1). "
            "Choose another initializer.",
        ),
        (
            lambda: RandomNormal(stddev=-1.0),
            "RandomNormal: expected stddev to be a finite number of at least 0, got "
            "-1.0. Give stddev another value.",
        ),
        (
            lambda: Constant(math.nan),
            "Constant: expected value to be a finite number, got nan. Give value "
            "another value.",
        ),
        (
            lambda: get_initializer("glorot_unifrom"),
            "get_initializer: expected initializer to be a known name, got "
            "'glorot_unifrom'. Did you mean 'glorot_uniform' or 'glorot_normal'?",
        ),
        (
            lambda: get_initializer(3),
            "get_initializer: expected initializer to be a known name, got 3. Choose "
            "from: constant, glorot_normal, glorot_uniform, he_normal, he_uniform, "
            "identity, lecun_normal, lecun_uniform, normal, one, ones, orthogonal, "
            "random_normal, random_uniform, truncated_normal, uniform, "
            "variance_scaling, zero, zeros.",
        ),
    ],
)
def test_what_cannot_be_is_said(make, sentence):
    with pytest.raises(ConfigError) as caught:
        make()
    assert str(caught.value) == sentence
