"""Layers against their formula written out in NumPy, and against torch's layers."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mica import layers
from mica.layers import activation
from tests.tolerances import assert_close, tolerance


def image(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def windows(size: int, window: int, stride: int, dilation: int, padding: str):
    """For every position, the (tap, index) pairs that lie inside the axis."""
    reach = dilation * (window - 1) + 1
    count, before = (size - reach) // stride + 1, 0
    if padding == "same":
        count = math.ceil(size / stride)
        before = max((count - 1) * stride + reach - size, 0) // 2
    for position in range(count):
        start = position * stride - before
        taps = [(tap, start + tap * dilation) for tap in range(window)]
        yield [(tap, index) for tap, index in taps if 0 <= index < size]


def convolve(x, weight, strides, dilation, padding, groups):
    """The formula of Conv2D with loops: nothing in common with torch."""
    filters, per_group, *kernel = weight.shape
    rows = list(windows(x.shape[1], kernel[0], strides[0], dilation[0], padding))
    columns = list(windows(x.shape[2], kernel[1], strides[1], dilation[1], padding))
    y = np.zeros((x.shape[0], len(rows), len(columns), filters))
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            for f in range(filters):
                first = f // (filters // groups) * per_group
                for p, h in row:
                    for q, w in column:
                        pixel = x[:, h, w, first : first + per_group]
                        y[:, i, j, f] += pixel @ weight[f, :, p, q]
    return y


CONVOLUTIONS = [
    {"filters": 1, "kernel_size": 3, "padding": "same"},
    {"filters": 1, "kernel_size": (2, 4), "padding": "same"},
    {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"},
    {"filters": 2, "kernel_size": (1, 2), "strides": (3, 2), "padding": "same"},
    {"filters": 4, "kernel_size": 2, "groups": 2, "padding": "valid"},
    # Keras refuses strides with dilation.
    {"filters": 2, "kernel_size": 2, "strides": 2, "dilation_rate": (2, 1)},
    {
        "filters": 2,
        "kernel_size": 3,
        "strides": 2,
        "dilation_rate": 2,
        "padding": "same",
    },
]


@pytest.mark.parametrize("arguments", CONVOLUTIONS, ids=str)
@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("size", [(6, 7), (7, 6)], ids=str)
def test_convolution_is_its_formula(arguments, channels, size):
    x = image(2, *size, channels)
    layer = layers.Conv2D(**arguments, bias_initializer="random_normal")
    layer.ensure_built(x)
    expected = convolve(
        x.numpy(),
        layer.weight.detach().numpy(),
        layer.strides,
        layer.dilation_rate,
        layer.padding,
        layer.groups,
    )
    assert_close(layer(x), expected + layer.bias.detach().numpy())


def pool(x, reduce, pool_size, strides, padding):
    rows = list(windows(x.shape[1], pool_size[0], strides[0], 1, padding))
    columns = list(windows(x.shape[2], pool_size[1], strides[1], 1, padding))
    y = np.empty((x.shape[0], len(rows), len(columns), x.shape[3]))
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            h, w = [index for _, index in row], [index for _, index in column]
            y[:, i, j] = reduce(x[:, h][:, :, w], axis=(1, 2))
    return y


POOLINGS = [
    ("MaxPooling2D", np.max),
    ("AveragePooling2D", np.mean),
]


@pytest.mark.parametrize(("kind", "reduce"), POOLINGS)
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", [None, 1, 2, 3, (1, 2), (2, 1)], ids=str)
@pytest.mark.parametrize("pool_size", [1, 2, 3, 4, (2, 3), (1, 4)], ids=str)
def test_pooling_is_its_formula(kind, reduce, padding, strides, pool_size):
    x = image(2, 7, 8, 3) - 5  # below zero: a zero of the padding would show
    layer = getattr(layers, kind)(pool_size, strides, padding=padding)
    expected = pool(x.numpy(), reduce, layer.pool_size, layer.strides, padding)
    assert_close(layer(x), expected)
    assert layer(x).is_contiguous()


ACTIVATIONS = {
    "celu": lambda x: x if x > 0 else math.expm1(x),
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "exponential": math.exp,
    "gaussian": lambda x: math.exp(-x * x),
    "gelu": lambda x: x / 2 * (1 + math.erf(x / math.sqrt(2))),
    "hard_shrink": lambda x: x if abs(x) > 0.5 else 0.0,
    "hard_sigmoid": lambda x: max(0.0, min(1.0, (x + 3) / 6)),
    "hard_silu": lambda x: x * max(0.0, min(1.0, (x + 3) / 6)),
    "hard_tanh": lambda x: max(-1.0, min(1.0, x)),
    "identity": lambda x: x,
    "leaky_relu": lambda x: x if x > 0 else 0.2 * x,
    "linear": lambda x: x,
    "log_sigmoid": lambda x: -math.log1p(math.exp(-x)),
    "mish": lambda x: x * math.tanh(math.log1p(math.exp(x))),
    "relu": lambda x: max(0.0, x),
    "relu6": lambda x: max(0.0, min(6.0, x)),
    "selu": lambda x: (
        1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * math.expm1(x))
    ),
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "sign": lambda x: float((x > 0) - (x < 0)),
    "silu": lambda x: x / (1 + math.exp(-x)),
    "soft_shrink": lambda x: math.copysign(max(abs(x) - 0.5, 0.0), x),
    "softplus": lambda x: math.log1p(math.exp(x)),
    "softsign": lambda x: x / (1 + abs(x)),
    "sparse_plus": lambda x: x if x >= 1 else max(x + 1, 0.0) ** 2 / 4,
    "sparse_sigmoid": lambda x: max(0.0, min(1.0, (x + 1) / 2)),
    "squareplus": lambda x: (x + math.sqrt(x * x + 4)) / 2,
    "step": lambda x: float(x >= 0),
    "swish": lambda x: x / (1 + math.exp(-x)),
    "tanh": math.tanh,
    "tanh_shrink": lambda x: x - math.tanh(x),
    "threshold": lambda x: x if x > 1 else 0.0,
}
# These look at more than one value; tests of their own do too.
OF_AN_AXIS = {"glu", "log_softmax", "softmax", "sparsemax"}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_its_formula(name):
    x = torch.linspace(-4, 4, 33, dtype=torch.float64)
    expected = [ACTIVATIONS[name](value) for value in x.tolist()]
    assert_close(activation.get_activation(name)(x), np.array(expected))


def test_every_name_of_an_activation_has_a_formula():
    assert set(activation.ACTIVATIONS) == {*ACTIVATIONS, *OF_AN_AXIS}


def test_glu_and_log_softmax_are_their_formulas():
    x = torch.linspace(-4, 4, 24, dtype=torch.float64).reshape(4, 6)
    values = x.numpy()
    glu = values[:, :3] / (1 + np.exp(-values[:, 3:]))
    assert_close(activation.get_activation("glu")(x), glu)
    logarithm = values - np.log(np.exp(values).sum(-1, keepdims=True))
    assert_close(activation.get_activation("log_softmax")(x), logarithm)


def test_softmax_is_its_formula():
    x = image(3, 4)
    powers = np.exp(x.numpy())
    assert_close(activation.softmax(x), powers / powers.sum(-1, keepdims=True))
    assert_close(activation.softmax(x, axis=0), powers / powers.sum(0))


def test_the_approximate_gelu_is_its_formula():
    x = torch.linspace(-4, 4, 33, dtype=torch.float64)
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    assert_close(activation.gelu(x, approximate=True), x / 2 * (1 + torch.tanh(inner)))


DIFFERENTIABLE = [
    layers.Activation("gaussian"),
    layers.AveragePooling2D(2, 1, padding="same"),
    layers.AveragePooling2D(2, padding="same"),
    layers.BatchNormalization(),
    layers.BatchNormalization(axis=1),
    layers.BatchNormalization(axis=2),
    layers.Conv2D(1, 2, padding="same"),
    layers.Conv2D(2, 3, 2, padding="same", activation="silu"),
    layers.MaxPooling2D(2, 1, padding="same"),
    layers.MaxPooling2D(2, padding="same"),
    layers.ReLU(max_value=1.0, negative_slope=0.2, threshold=0.3),
]


@pytest.mark.parametrize("layer", DIFFERENTIABLE, ids=repr)
def test_the_gradient_is_the_finite_difference(layer):
    x = image(2, 4, 5, 3).requires_grad_()
    layer.ensure_built(x)
    names = [name for name, _ in layer.named_parameters()]

    def function(x: Tensor, *weights: Tensor) -> Tensor:
        given = dict(zip(names, weights, strict=True))
        return torch.func.functional_call(layer, given, (x,))

    row = tolerance("finite_difference")
    assert torch.autograd.gradcheck(
        function, (x, *layer.parameters()), rtol=row.relative, atol=row.absolute
    )


STEPS = ["sign", "step"]


@pytest.mark.parametrize("name", STEPS)
def test_the_gradient_of_a_step_is_zero(name):
    x = image(5).requires_grad_()
    activation.get_activation(name)(x).sum().backward()
    assert torch.equal(x.grad, torch.zeros_like(x))


def statistics(x, axis):
    others = tuple(index for index in range(x.ndim) if index != axis % x.ndim)
    return x.mean(others, keepdim=True), x.var(others, keepdim=True, correction=0)


@pytest.mark.parametrize("axis", [-1, 1, 2])
@pytest.mark.parametrize("shape", [(5, 4, 3), (2, 4, 5, 3), (2, 3, 4, 2, 3)], ids=str)
def test_batch_normalization_is_its_formula(axis, shape):
    x = image(*shape) * 3 + 2
    layer = layers.BatchNormalization(axis=axis, momentum=0.9, epsilon=0.01)
    mean, variance = statistics(x, axis)
    assert_close(layer(x), (x - mean) / (variance + 0.01).sqrt())
    assert_close(layer.running_mean, 0.1 * mean.flatten())
    assert_close(layer.running_var, 0.9 + 0.1 * variance.flatten())


def test_batch_normalization_uses_running_values_in_evaluation():
    layer, x = layers.BatchNormalization(epsilon=0.5), image(4, 3)
    layer(x)
    expected = (x - layer.running_mean) / (layer.running_var + 0.5).sqrt()
    assert_close(layer.eval()(x), expected)


def test_batch_normalization_of_one_value_keeps_the_variance_biased():
    layer = layers.BatchNormalization(momentum=0.9)
    layer(torch.tensor([[2.0, -1.0]], dtype=torch.float64))
    assert_close(layer.running_mean, [0.2, -0.1])
    assert_close(layer.running_var, [0.9, 0.9])


TWINS = [
    (
        nn.Linear(5, 3),
        layers.Dense(3),
        lambda x: x,
        torch.randn(4, 5),
    ),
    (
        nn.Conv2d(4, 6, 3, 2, 1, groups=2),
        layers.Conv2D(6, 3, 2, padding="same", groups=2),
        lambda x: x.permute(0, 3, 1, 2),
        torch.randn(2, 7, 7, 4),
    ),
    (
        nn.BatchNorm2d(4, eps=1e-3, momentum=0.01),
        layers.BatchNormalization(),
        lambda x: x.permute(0, 3, 1, 2),
        torch.randn(2, 5, 5, 4),
    ),
]


@pytest.mark.parametrize(
    ("theirs", "ours", "arranged", "x"), TWINS, ids=["Dense", "Conv2D", "BatchNorm"]
)
def test_a_layer_takes_the_state_of_torch(theirs, ours, arranged, x):
    ours.ensure_built(x)
    ours.load_state_dict(theirs.state_dict())
    assert_close(arranged(ours(x)), theirs(arranged(x)), "reordered")


@pytest.mark.parametrize(
    ("theirs", "ours", "x"),
    [(theirs, ours, x) for theirs, ours, _, x in TWINS[:2]],
    ids=["Dense", "Conv2D"],
)
def test_torch_takes_the_state_of_a_layer(theirs, ours, x):
    ours.ensure_built(x)
    theirs.load_state_dict(ours.state_dict())
    assert all(
        torch.equal(value, ours.state_dict()[key])
        for key, value in theirs.state_dict().items()
    )
