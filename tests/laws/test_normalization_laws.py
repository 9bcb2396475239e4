"""Normalization inside a sample: means, variances and lengths come out as said."""

import re

import pytest
import torch

from mica import layers
from mica.errors import ConfigError, ShapeError
from tests.tolerances import assert_close

SHAPE = (3, 4, 5, 6)


def values(*shape):
    return 5 + 2 * torch.randn(shape, dtype=torch.float64)


def randomised(layer, x):
    layer.ensure_built(x)
    for weight in layer.parameters():
        torch.nn.init.normal_(weight)
    return layer


@pytest.mark.parametrize("axis", [1, 2, -1, (1, 3), (2, 1), [1, 2, 3]], ids=str)
def test_a_layer_normalization_is_its_formula_on_any_axes(axis):
    x = values(*SHAPE)
    layer = randomised(layers.LayerNormalization(axis=axis, epsilon=0.1), x)
    axes = [axis] if isinstance(axis, int) else list(axis)
    variance, mean = torch.var_mean(x, axes, correction=0, keepdim=True)
    normal = (x - mean) / (variance + 0.1).sqrt()
    order = [[1, 2, 3][a - 1 if a > 0 else a] for a in axes]
    shape = [SHAPE[a] if a in order else 1 for a in range(4)]
    ascending = [order.index(a) for a in sorted(order)]
    weight, bias = (w.permute(ascending).reshape(shape) for w in layer.parameters())
    assert_close(layer(x), normal * weight + bias)


@pytest.mark.parametrize("axis", [1, (1, 2), (3, 1)], ids=str)
def test_a_root_mean_square_is_its_formula_on_any_axes(axis):
    x = values(*SHAPE)
    y = layers.RMSNormalization(axis=axis, epsilon=0.1)(x)
    mean = x.square().mean(axis, keepdim=True)
    assert_close(y, x / (mean + 0.1).sqrt())


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_each_group_has_mean_0_and_variance_1(groups):
    y = layers.GroupNormalization(groups, epsilon=0.0)(values(*SHAPE))
    grouped = y.reshape(3, 20, groups, 6 // groups).permute(0, 2, 1, 3).flatten(2)
    assert_close(grouped.mean(2), torch.zeros(3, groups))
    assert_close(grouped.var(2, correction=0), torch.ones(3, groups))


def test_an_instance_is_a_group_of_one_channel():
    x = values(*SHAPE)
    one, other = layers.InstanceNormalization(), layers.GroupNormalization(6)
    assert torch.equal(one(x), other(x))


def test_a_layer_normalization_is_a_single_group():
    x = values(*SHAPE)
    group = layers.GroupNormalization(1, center=False, scale=False)
    layer = layers.LayerNormalization(axis=(1, 2, 3), center=False, scale=False)
    assert_close(group(x), layer(x), "reordered")


@pytest.mark.parametrize("factor", [0.5, 100.0])
def test_a_layer_normalization_does_not_see_scale_and_shift(factor):
    x = values(4, 8)
    layer = layers.LayerNormalization(epsilon=0.0)
    assert_close(layer(factor * x + 3), layer(x))


def test_a_unit_vector_has_length_1_and_zero_stays():
    y = layers.UnitNormalization()(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    assert_close(y.norm(dim=1), torch.tensor([1.0, 0.0]))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: layers.LayerNormalization(axis=0),
            ConfigError,
            "LayerNormalization: expected axes beside the batch, got axis=0. Use "
            "axis=-1 to normalise over the features.",
        ),
        (
            lambda: layers.LayerNormalization(axis=(1, 3))(torch.ones(2, 3)),
            ShapeError,
            "LayerNormalization: expected an input that has axis (1, 3) beside the "
            "batch, got shape (2, 3). Give another axis.",
        ),
        (
            lambda: layers.GroupNormalization(0),
            ConfigError,
            "GroupNormalization: expected groups to be at least 1, or -1 for one for "
            "each channel, got 0. Write for example groups=8.",
        ),
        (
            lambda: layers.GroupNormalization(4)(torch.ones(2, 6)),
            ShapeError,
            "GroupNormalization: expected channels that 4 groups divide, got 6 in "
            "shape (2, 6). Choose another number of groups.",
        ),
    ],
)
def test_what_does_not_fit_is_told(call, error, text):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        call()
