"""What holds for layers whatever the input: invariances, inverses, sums."""

import copy
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mica.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    Input,
    MaxPooling2D,
    Reshape,
    Softmax,
)
from mica.layers.activation import ACTIVATIONS, get_activation
from mica.nested import flatten, map_nested
from mica.shapes import window_output
from tests.contract.layer_cases import LAYERS
from tests.tolerances import assert_close

few = settings(max_examples=30)
seeds = st.integers(0, 2**31)
sizes = st.integers(1, 6)
window = st.integers(1, 4)
every_layer = pytest.mark.parametrize("case", LAYERS.values(), ids=LAYERS)


def normal(seed: int, *shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def leaves(value: Any) -> list[Tensor]:
    return [leaf for leaf in flatten(value) if leaf is not None]


def rows(x: Any, index: Any) -> Any:
    """Some samples of an input, nested as it is."""
    return map_nested(lambda tensor: tensor[index], x)


@every_layer
@settings(max_examples=5)
@given(batch=st.integers(1, 5), varying=st.integers(4, 8))
def test_a_batch_is_its_samples_one_by_one(case, batch, varying):
    layer = case.make()
    x = case.batch(batch, varying=varying, dtype=torch.float64)
    layer(x)  # moves running statistics away from 0 and 1
    layer.eval()
    singles = [leaves(layer(rows(x, slice(i, i + 1)))) for i in range(batch)]
    for whole, parts in zip(leaves(layer(x)), zip(*singles, strict=True), strict=True):
        assert_close(whole, torch.cat(parts), "reordered")


@every_layer
@settings(max_examples=5)
@given(seed=seeds)
def test_the_order_of_a_batch_does_not_matter(case, seed):
    layer = case.make()
    x = case.batch(4, dtype=torch.float64)
    layer(x)
    layer.eval()
    order = torch.randperm(4, generator=torch.Generator().manual_seed(seed))
    shuffled, straight = leaves(layer(rows(x, order))), leaves(layer(x))
    for one, other in zip(shuffled, straight, strict=True):
        assert_close(one, other[order], "reordered")


@few
@given(
    seed=seeds,
    down=st.integers(0, 3),
    right=st.integers(0, 3),
    kernel=st.tuples(window, window),
    dilation=st.integers(1, 2),
)
def test_a_shifted_image_gives_a_shifted_convolution(
    seed, down, right, kernel, dilation
):
    x = normal(seed, 1, 14, 14, 2)
    layer = Conv2D(3, kernel, dilation_rate=dilation)
    y = layer(x)
    shifted = layer(x[:, down:, right:])
    assert_close(shifted, y[:, down:, right:], "reordered")


@few
@given(seed=seeds, stride=st.integers(1, 3), steps=st.integers(0, 2))
def test_a_shift_by_strides_shifts_by_positions(seed, stride, steps):
    x = normal(seed, 1, 15, 15, 2)
    layer = Conv2D(3, 3, stride)
    assert_close(layer(x[:, steps * stride :]), layer(x)[:, steps:], "reordered")


LINEAR = {
    "Dense": lambda: Dense(3, use_bias=False),
    "Conv2D": lambda: Conv2D(3, 2, 2, padding="same", use_bias=False),
    "AveragePooling2D": lambda: AveragePooling2D(2, 1, padding="same"),
    "GlobalAveragePooling2D": lambda: GlobalAveragePooling2D(),
    "Flatten": lambda: Flatten(),
}


@pytest.mark.parametrize("make", LINEAR.values(), ids=LINEAR)
@few
@given(seed=seeds, a=st.floats(-3, 3), b=st.floats(-3, 3))
def test_a_linear_layer_is_linear(make, seed, a, b):
    layer = make()
    x, y = normal(seed, 2, 5, 4, 2), normal(seed + 1, 2, 5, 4, 2)
    assert_close(layer(a * x + b * y), a * layer(x) + b * layer(y), "reordered")


@few
@given(seed=seeds)
def test_two_linear_maps_are_one(seed):
    x = normal(seed, 4, 5)
    first, second = Dense(6, use_bias=False), Dense(3, use_bias=False)
    expected = second(first(x))
    assert_close(x @ (second.weight @ first.weight).T, expected, "reordered")


@few
@given(
    height=st.integers(4, 20),
    width=st.integers(4, 20),
    kernel=st.tuples(window, window),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.sampled_from(["valid", "same"]),
)
def test_sizes_are_those_of_the_formula(height, width, kernel, strides, padding):
    x = torch.zeros(1, height, width, 1)
    expected = tuple(
        window_output(size, tap, stride, 1, padding)
        for size, tap, stride in zip((height, width), kernel, strides, strict=True)
    )
    layers = [
        Conv2D(1, kernel, strides, padding=padding),
        MaxPooling2D(kernel, strides, padding=padding),
        AveragePooling2D(kernel, strides, padding=padding),
    ]
    assert [tuple(layer(x).shape[1:3]) for layer in layers] == [expected] * 3


@few
@given(
    open_axes=st.tuples(st.booleans(), st.booleans()),
    kernel=st.tuples(window, window),
    stride=st.integers(1, 3),
    padding=st.sampled_from(["valid", "same"]),
)
def test_an_open_axis_stays_open_and_no_other(open_axes, kernel, stride, padding):
    shape = tuple(None if is_open else 12 for is_open in open_axes)
    y = Conv2D(2, kernel, stride, padding=padding)(Input((*shape, 3)))
    assert tuple(size is None for size in y.shape) == (True, *open_axes, False)


@few
@given(seed=seeds, shape=st.lists(sizes, min_size=1, max_size=3))
def test_flattening_and_reshaping_undo_each_other(seed, shape):
    x = normal(seed, 3, *shape)
    assert torch.equal(Reshape(shape)(Flatten()(x)), x)


@few
@given(seed=seeds, shape=st.permutations([2, 3, 4]), free=st.integers(0, 2))
def test_a_free_size_is_the_known_one(seed, shape, free):
    x = normal(seed, 2, 24)
    target = [-1 if axis == free else size for axis, size in enumerate(shape)]
    assert torch.equal(Reshape(target)(x), Reshape(shape)(x))


@few
@given(seed=seeds, constant=st.floats(-50, 50))
def test_softmax_does_not_see_a_constant(seed, constant):
    x = normal(seed, 3, 5)
    assert_close(Softmax()(x + constant), Softmax()(x), "reordered")


@few
@given(seed=seeds, scale=st.floats(0, 1e4))
def test_softmax_gives_a_distribution_in_the_order_of_the_scores(seed, scale):
    x = scale * normal(seed, 3, 5)
    y = Softmax()(x)
    assert_close(y.sum(-1), torch.ones(3, dtype=torch.float64), "reordered")
    assert (y >= 0).all()
    assert (torch.gather(y, -1, x.argsort(-1)).diff() >= 0).all()


@few
@given(seed=seeds, rate=st.floats(0.05, 0.9))
def test_dropout_keeps_the_expectation(seed, rate):
    torch.manual_seed(seed)
    y = Dropout(rate)(torch.ones(40_000, dtype=torch.float64))
    deviation = math.sqrt(rate / (1 - rate))
    assert_close((y.mean() - 1) / deviation, 0.0, "statistical")


@few
@given(seed=seeds, rate=st.floats(0.0, 0.9))
def test_dropout_only_scales_or_drops(seed, rate):
    torch.manual_seed(seed)
    x = normal(seed, 50)
    y = Dropout(rate)(x)
    kept = y != 0
    assert_close(y[kept], x[kept] / (1 - rate), "reordered")


def channels(x: Tensor, axis: int) -> Tensor:
    return x.movedim(axis, 0).flatten(1)


@few
@given(
    seed=seeds,
    axis=st.sampled_from([-1, 1, 2]),
    scale=st.floats(0.1, 100),
    shift=st.floats(-100, 100),
)
def test_normalised_channels_have_mean_zero_and_variance_one(seed, axis, scale, shift):
    x = normal(seed, 4, 5, 3, 6)
    y = BatchNormalization(axis=axis, epsilon=0.0)(scale * x + shift)
    assert_close(channels(y, axis).mean(1) + 1, torch.ones(y.shape[axis]), "reordered")
    assert_close(channels(y, axis).var(1, correction=0), torch.ones(y.shape[axis]))


@few
@given(seed=seeds, scale=st.floats(0.1, 100), shift=st.floats(-100, 100))
def test_normalisation_does_not_see_scale_and_shift(seed, scale, shift):
    x = normal(seed, 8, 3)
    layer = BatchNormalization(epsilon=0.0)
    assert_close(layer(scale * x + shift), layer(x))


@few
@given(
    seed=seeds,
    momentum=st.floats(0.0, 0.99),
    steps=st.integers(1, 6),
    batch=st.integers(1, 5),
)
def test_running_statistics_are_a_geometric_mean_of_batches(
    seed, momentum, steps, batch
):
    layer = BatchNormalization(momentum=momentum)
    mean, variance = torch.zeros(3).double(), torch.ones(3).double()
    for step in range(steps):
        x = normal(seed + step, batch, 3)
        layer(x)
        mean = momentum * mean + (1 - momentum) * x.mean(0)
        variance = momentum * variance + (1 - momentum) * x.var(0, correction=0)
    assert_close(layer.running_mean, mean)
    assert_close(layer.running_var, variance)


@few
@given(seed=seeds)
def test_running_statistics_of_equal_batches_become_theirs(seed):
    x = normal(seed, 16, 3)
    layer = BatchNormalization(momentum=0.0, epsilon=0.0)
    trained = layer(x)
    assert_close(layer.eval()(x), trained)


@few
@given(
    seed=seeds, constant=st.floats(-10, 10), padding=st.sampled_from(["valid", "same"])
)
def test_pooling_moves_with_its_input(seed, constant, padding):
    x = normal(seed, 2, 7, 6, 3)
    for layer in (
        MaxPooling2D(3, 2, padding=padding),
        AveragePooling2D(2, padding=padding),
    ):
        assert_close(layer(x + constant), layer(x) + constant, "reordered")


@few
@given(
    seed=seeds, strides=st.integers(1, 3), padding=st.sampled_from(["valid", "same"])
)
def test_the_largest_is_above_the_mean_and_below_the_largest_of_all(
    seed, strides, padding
):
    x = normal(seed, 2, 7, 6, 3)
    largest = MaxPooling2D(3, strides, padding=padding)(x)
    assert (largest >= AveragePooling2D(3, strides, padding=padding)(x)).all()
    assert (largest <= GlobalMaxPooling2D(keepdims=True)(x)).all()


@few
@given(seed=seeds)
def test_the_largest_commutes_with_what_rises(seed):
    x = normal(seed, 2, 6, 6, 3)
    layer = MaxPooling2D()
    assert torch.equal(layer(torch.tanh(x)), torch.tanh(layer(x)))


@few
@given(seed=seeds)
def test_a_window_as_large_as_the_image_is_global(seed):
    x = normal(seed, 2, 5, 4, 3)
    mean, largest = AveragePooling2D((5, 4))(x), MaxPooling2D((5, 4))(x)
    assert_close(mean.flatten(1), GlobalAveragePooling2D()(x), "reordered")
    assert_close(largest.flatten(1), GlobalMaxPooling2D()(x), "reordered")


numbers = st.floats(-20, 20).map(
    lambda value: torch.tensor([value], dtype=torch.float64)
)
SYMMETRIES = {
    "tanh is odd": lambda f, x: (f("tanh")(-x), -f("tanh")(x)),
    "hard_tanh is odd": lambda f, x: (f("hard_tanh")(-x), -f("hard_tanh")(x)),
    "sign is odd": lambda f, x: (f("sign")(-x), -f("sign")(x)),
    "gaussian is even": lambda f, x: (f("gaussian")(-x), f("gaussian")(x)),
    "sigmoids add up to 1": lambda f, x: (f("sigmoid")(-x) + f("sigmoid")(x), x**0),
    "relu splits x": lambda f, x: (f("relu")(x) - f("relu")(-x), x),
    "softplus splits x": lambda f, x: (f("softplus")(x) - f("softplus")(-x), x),
    "silu splits x": lambda f, x: (f("silu")(x) - f("silu")(-x), x),
    "gelu splits x": lambda f, x: (f("gelu")(x) - f("gelu")(-x), x),
    "silu is gated": lambda f, x: (f("silu")(x), x * f("sigmoid")(x)),
    "tanh is a sigmoid": lambda f, x: (f("tanh")(x), 2 * f("sigmoid")(2 * x) - 1),
    "step is idempotent from 1": lambda f, x: (f("step")(f("step")(x)), x**0),
    "relu is idempotent": lambda f, x: (f("relu")(f("relu")(x)), f("relu")(x)),
}


@pytest.mark.parametrize("law", SYMMETRIES.values(), ids=SYMMETRIES)
@given(x=numbers)
def test_an_activation_keeps_its_symmetry(law, x):
    left, right = law(get_activation, x)
    assert_close(left, right)


# These look at a whole row, dip before they rise, or overflow (inf - inf is no number).
DIPS = (
    "exponential gaussian gelu glu hard_silu log_softmax mish silu softmax sparsemax "
    "swish"
)
RISING = sorted(set(ACTIVATIONS) - set(DIPS.split()))


@pytest.mark.parametrize("name", RISING)
@given(values=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20))
def test_an_activation_never_falls(name, values):
    x = torch.tensor(sorted(values), dtype=torch.float64)
    assert (Activation(name)(x).diff() >= 0).all()


@few
@given(seed=seeds)
def test_a_copy_learns_apart(seed):
    x = normal(seed, 4, 5)
    layer = Dense(3)
    layer(x)
    other = copy.deepcopy(layer)
    before = layer(x)
    with torch.no_grad():
        other.weight.add_(1.0)
    assert torch.equal(layer(x), before)
