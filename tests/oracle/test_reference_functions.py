"""Functions, layers, losses and optimizers of the reference against torch."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from mica.reference import Tensor, functions, layers, losses, optimizers
from tests.tolerances import assert_close

RANDOM = np.random.RandomState(11)


def pair(*arrays):
    """The same numbers for us and for torch, all asking for gradients."""
    ours = [Tensor(array, requires_gradient=True) for array in arrays]
    return ours, [torch.tensor(array, requires_grad=True) for array in arrays]


def assert_same(ours, theirs, our_inputs, their_inputs):
    """The same value, and the same gradient at every input."""
    assert_close(ours.data, theirs, "reordered")
    weights = np.asarray(RANDOM.randn(*ours.shape))
    ours.backward(weights)
    theirs.backward(torch.tensor(weights))
    for mine, other in zip(our_inputs, their_inputs, strict=True):
        assert_close(mine.gradient.data, other.grad, "reordered")


def channels_last(picture):
    return picture.movedim(1, -1)


def channels_first(picture):
    return picture.movedim(-1, 1)


ACTIVATIONS = {
    "relu": functional.relu,
    "leaky_relu": functional.leaky_relu,
    "elu": functional.elu,
    "softplus": functional.softplus,
    "silu": functional.silu,
    "gelu": functional.gelu,
    "softmax": lambda x: functional.softmax(x, -1),
    "log_softmax": lambda x: functional.log_softmax(x, -1),
}


@pytest.mark.parametrize("scale", [1.0, 20.0])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_agrees_with_torch(name, scale):
    ours, theirs = pair(scale * RANDOM.randn(4, 5))
    assert_same(
        getattr(functions, name)(*ours), ACTIVATIONS[name](*theirs), ours, theirs
    )


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu"])
def test_an_activation_with_a_corner_has_torchs_slope_there(name):
    ours, theirs = pair(np.zeros(1))
    assert_same(
        getattr(functions, name)(*ours), ACTIVATIONS[name](*theirs), ours, theirs
    )


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax_runs_along_any_axis(axis):
    ours, theirs = pair(RANDOM.randn(3, 4, 5))
    assert_same(
        functions.softmax(*ours, axis=axis),
        functional.softmax(*theirs, axis),
        ours,
        theirs,
    )


def test_minimum_agrees_with_torch():
    ours, theirs = pair(RANDOM.randn(3, 4), RANDOM.randn(4))
    assert_same(functions.minimum(*ours), torch.minimum(*theirs), ours, theirs)


@pytest.mark.parametrize("axis", [None, 0, (0, 2), -1])
def test_variance_agrees_with_torch(axis):
    ours, theirs = pair(RANDOM.randn(3, 4, 5))
    expected = theirs[0].var(axis, correction=0)
    assert_same(functions.variance(*ours, axis), expected, ours, theirs)


def test_gather_takes_slices_as_index_select_does():
    ours, theirs = pair(RANDOM.randn(3, 5, 2))
    words = np.array([4, 0, 4, 1])
    expected = torch.index_select(*theirs, 1, torch.tensor(words))
    assert_same(functions.gather(*ours, words, axis=1), expected, ours, theirs)


def test_take_along_agrees_with_torch():
    ours, theirs = pair(RANDOM.randn(3, 5, 2))
    places = RANDOM.randint(0, 5, (3, 2, 2))
    expected = torch.gather(*theirs, 1, torch.tensor(places))
    assert_same(functions.take_along(*ours, places, axis=1), expected, ours, theirs)


@pytest.mark.parametrize("count", [1, 2, 5, 8])
@pytest.mark.parametrize("axis", [0, -1])
def test_any_number_of_parts_is_joined_in_order(count, axis):
    ours, theirs = pair(*(RANDOM.randn(2, 2) for _ in range(count)))
    assert_same(
        functions.concatenate(ours, axis), torch.cat(theirs, axis), ours, theirs
    )


CONVOLUTIONS = [
    # places, channels, filters, size, stride, padding, dilation, groups
    ((9,), 3, 4, (3,), 1, 0, 1, 1),
    ((11,), 4, 4, (3,), 2, 2, 2, 4),
    ((6, 7), 3, 5, (3, 3), 1, 0, 1, 1),
    ((6, 7), 3, 5, (3, 2), (2, 1), (1, 0), 1, 1),
    ((9, 8), 4, 6, (3, 3), 2, 1, (2, 1), 2),
    ((5, 5), 2, 3, (1, 1), 1, 0, 1, 1),
    ((4, 5, 6), 2, 3, (2, 3, 2), (1, 2, 1), (0, 1, 1), 1, 1),
]


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolution_agrees_with_torch(case):
    places, channels, filters, size, stride, padding, dilation, groups = case
    ours, theirs = pair(
        RANDOM.randn(2, *places, channels),
        RANDOM.randn(filters, channels // groups, *size),
        RANDOM.randn(filters),
    )
    settings = {"stride": stride, "padding": padding, "dilation": dilation}
    convolution = getattr(functional, f"conv{len(size)}d")
    x, weight, bias = theirs
    result = convolution(channels_first(x), weight, bias, groups=groups, **settings)
    mine = functions.convolve(*ours, groups=groups, **settings)
    assert_same(mine, channels_last(result), ours, theirs)


POOLINGS = [((2, 2), 2, 0), ((3, 3), 2, 1), ((3, 2), (1, 2), 0)]


@pytest.mark.parametrize(("size", "stride", "padding"), POOLINGS)
@pytest.mark.parametrize("kind", ["max", "average"])
def test_pooling_agrees_with_torch(kind, size, stride, padding):
    # Whole numbers: ties, of which the first place takes the gradient.
    ours, theirs = pair(RANDOM.randint(0, 3, (2, 8, 7, 3)).astype(float))
    pool = functional.max_pool2d if kind == "max" else functional.avg_pool2d
    result = pool(channels_first(*theirs), size, stride, padding)
    mine = getattr(functions, f"{kind}_pool")(
        *ours, size, stride=stride, padding=padding
    )
    assert_same(mine, channels_last(result), ours, theirs)


def test_pooling_moves_by_its_own_size_unless_told():
    ours, theirs = pair(RANDOM.randn(2, 8, 7, 3))
    result = functional.max_pool2d(channels_first(*theirs), (3, 2))
    assert_same(functions.max_pool(*ours, (3, 2)), channels_last(result), ours, theirs)


@pytest.mark.parametrize("masked", [False, True])
def test_attention_agrees_with_torch(masked):
    ours, theirs = pair(*(RANDOM.randn(2, 4, 5, 3) for _ in range(3)))
    mask = np.tri(5, dtype=bool) if masked else np.ones((5, 5), bool)
    expected = functional.scaled_dot_product_attention(*theirs, torch.tensor(mask))
    assert_same(functions.attention(*ours, mask), expected, ours, theirs)


def test_dropout_keeps_what_the_mask_keeps():
    ours, theirs = pair(RANDOM.randn(4, 5))
    mask = RANDOM.rand(4, 5) > 0.25
    expected = theirs[0] * torch.tensor(mask) / 0.75
    assert_same(functions.dropout(*ours, mask, 0.25), expected, ours, theirs)


# Layers: torch's with our weights.


def copied(tensor):
    return torch.tensor(tensor.data, requires_grad=True)


def test_linear_agrees_with_torch():
    layer = layers.Linear(4, 3, RANDOM)
    x, theirs = pair(RANDOM.randn(2, 5, 4))
    weight, bias = map(copied, layer.parameters())
    expected = functional.linear(*theirs, weight.T, bias)
    mine = layer.parameters()
    assert_same(layer(*x), expected, [*x, *mine], [*theirs, weight, bias])


def test_a_convolution_layer_agrees_with_torch():
    layer = layers.Conv2D(4, 6, (3, 2), RANDOM, stride=2, padding=1, groups=2)
    x, theirs = pair(RANDOM.randn(2, 7, 6, 4))
    weight, bias = map(copied, layer.parameters())
    settings = {"stride": 2, "padding": 1, "groups": 2}
    expected = functional.conv2d(channels_first(*theirs), weight, bias, **settings)
    mine = layer.parameters()
    assert_same(
        layer(*x), channels_last(expected), [*x, *mine], [*theirs, weight, bias]
    )


def test_embedding_agrees_with_torch():
    layer = layers.Embedding(6, 3, RANDOM)
    words = RANDOM.randint(0, 6, (4, 5))
    weight = copied(layer.weight)
    expected = functional.embedding(torch.tensor(words), weight)
    assert_same(layer(words), expected, [layer.weight], [weight])


def test_a_recurrent_cell_agrees_with_torch_over_five_steps():
    layer, cell = layers.RNNCell(3, 4, RANDOM), torch.nn.RNNCell(3, 4).double()
    with torch.no_grad():
        cell.weight_ih.copy_(torch.tensor(layer.input.weight.data.T))
        cell.weight_hh.copy_(torch.tensor(layer.recurrent.data.T))
        cell.bias_ih.copy_(torch.tensor(layer.input.bias.data))
        cell.bias_hh.zero_()
    (x, hidden), (their_x, their_hidden) = pair(RANDOM.randn(5, 2, 3), np.zeros((2, 4)))
    ours, theirs = hidden, their_hidden
    for step in range(5):
        ours, theirs = layer(x[step], ours), cell(their_x[step], theirs)
    assert_same(ours, theirs, [x, hidden], [their_x, their_hidden])
    assert_close(layer.recurrent.gradient.data, cell.weight_hh.grad.T, "reordered")
    assert_close(layer.input.weight.gradient.data, cell.weight_ih.grad.T, "reordered")


def test_a_memory_cell_agrees_with_torch_over_five_steps():
    layer, cell = layers.LSTMCell(3, 4, RANDOM), torch.nn.LSTMCell(3, 4).double()
    with torch.no_grad():
        cell.weight_ih.copy_(torch.tensor(layer.input.weight.data.T))
        cell.weight_hh.copy_(torch.tensor(layer.recurrent.data.T))
        cell.bias_ih.copy_(torch.tensor(layer.input.bias.data))
        cell.bias_hh.zero_()
    (x, h, c), (their_x, their_h, their_c) = pair(
        RANDOM.randn(5, 2, 3), RANDOM.randn(2, 4), RANDOM.randn(2, 4)
    )
    ours, theirs, total, their_total = (h, c), (their_h, their_c), 0.0, 0.0
    for step in range(5):
        ours, theirs = layer(x[step], *ours), cell(their_x[step], theirs)
        # A loss at every step: the case on which the printed framework fails.
        total, their_total = total + ours[0], their_total + theirs[0]
    assert_same(total, their_total, [x, h, c], [their_x, their_h, their_c])
    assert_close(layer.recurrent.gradient.data, cell.weight_hh.grad.T, "reordered")


def test_layer_normalization_agrees_with_torch():
    layer = layers.LayerNorm(4)
    layer.scale.data, layer.shift.data = RANDOM.randn(4), RANDOM.randn(4)
    x, theirs = pair(RANDOM.randn(2, 3, 4))
    scale, shift = map(copied, layer.parameters())
    expected = functional.layer_norm(*theirs, (4,), scale, shift)
    mine = layer.parameters()
    assert_same(layer(*x), expected, [*x, *mine], [*theirs, scale, shift])


def test_batch_normalization_agrees_with_torch_while_training_and_after():
    layer = layers.BatchNorm(3)
    layer.scale.data, layer.shift.data = RANDOM.randn(3), RANDOM.randn(3)
    scale, shift = map(copied, layer.parameters())
    mean, variance = map(torch.tensor, layer.moving)
    for _ in range(3):
        x, theirs = pair(3 + 2 * RANDOM.randn(4, 5, 3))
        flat = theirs[0].reshape(-1, 3)
        result = functional.batch_norm(flat, None, None, scale, shift, training=True)
        # torch keeps the unbiased variance of the batch; Keras and we the plain one.
        mean = 0.9 * mean + 0.1 * flat.detach().mean(0)
        variance = 0.9 * variance + 0.1 * flat.detach().var(0, correction=0)
        scale.grad = shift.grad = layer.scale.gradient = layer.shift.gradient = None
        mine = [*x, *layer.parameters()]
        assert_same(layer(*x), result.reshape(4, 5, 3), mine, [*theirs, scale, shift])
    layer.training = False
    x, theirs = pair(RANDOM.randn(6, 3))
    expected = functional.batch_norm(*theirs, mean, variance, scale, shift)
    assert_same(layer(*x), expected, x, theirs)


# Losses.


def test_squared_error_agrees_with_torch():
    ours, theirs = pair(RANDOM.randn(4, 3))
    target = RANDOM.randn(4, 3)
    expected = functional.mse_loss(*theirs, torch.tensor(target))
    assert_same(losses.squared_error(*ours, target), expected, ours, theirs)


@pytest.mark.parametrize("size", [1.0, 100.0, 1e4])
def test_cross_entropy_agrees_with_torch_for_scores_of_any_size(size):
    ours, theirs = pair(size * RANDOM.randn(6, 5))
    labels = RANDOM.randint(0, 5, 6)
    expected = functional.cross_entropy(*theirs, torch.tensor(labels))
    assert_same(losses.cross_entropy(*ours, labels), expected, ours, theirs)


def test_cross_entropy_takes_probabilities_as_torch_does():
    ours, theirs = pair(RANDOM.randn(6, 5))
    target = RANDOM.dirichlet(np.ones(5), 6)
    expected = functional.cross_entropy(*theirs, torch.tensor(target))
    assert_same(losses.cross_entropy(*ours, target), expected, ours, theirs)


@pytest.mark.parametrize("size", [1.0, 1e4])
def test_binary_cross_entropy_agrees_with_torch_for_scores_of_any_size(size):
    ours, theirs = pair(size * RANDOM.randn(6, 1))
    target = RANDOM.randint(0, 2, (6, 1))
    expected = functional.binary_cross_entropy_with_logits(
        *theirs, torch.tensor(target, dtype=torch.float64)
    )
    mine = losses.binary_cross_entropy(*ours, target)
    assert_same(mine, expected, ours, theirs)


# Optimizers: ten steps down the same slope.

OPTIMIZERS = [
    (optimizers.SGD, {"rate": 0.1}, torch.optim.SGD, {"lr": 0.1}),
    (
        optimizers.SGD,
        {"rate": 0.1, "momentum": 0.9},
        torch.optim.SGD,
        {"lr": 0.1, "momentum": 0.9},
    ),
    (
        optimizers.RMSprop,
        {"rate": 0.01},
        torch.optim.RMSprop,
        {"lr": 0.01, "alpha": 0.9},
    ),
    (optimizers.Adam, {"rate": 0.01}, torch.optim.Adam, {"lr": 0.01}),
    (
        optimizers.Adam,
        {"rate": 0.01, "b1": 0.5, "b2": 0.9},
        torch.optim.Adam,
        {"lr": 0.01, "betas": (0.5, 0.9)},
    ),
]


@pytest.mark.parametrize(
    ("kind", "settings", "torch_kind", "torch_settings"), OPTIMIZERS
)
def test_an_optimizer_takes_torchs_steps(kind, settings, torch_kind, torch_settings):
    start, data = RANDOM.randn(3), RANDOM.randn(8, 3)
    (ours,), (theirs,) = pair(start)
    optimizer = kind([ours], **settings)
    their_optimizer = torch_kind([theirs], **torch_settings)
    for _ in range(10):
        (data @ ours).tanh().mean().backward()
        optimizer.step()
        their_optimizer.zero_grad()
        (torch.tensor(data) @ theirs).tanh().mean().backward()
        their_optimizer.step()
        assert_close(ours.data, theirs, "trajectory")


def test_a_small_network_trains_as_it_does_in_torch():
    first, second = layers.Linear(4, 8, RANDOM), layers.Linear(8, 3, RANDOM)
    model = layers.Sequential(first, functions.relu, second)
    theirs = [copied(parameter) for parameter in model.parameters()]
    x, labels = RANDOM.randn(20, 4), RANDOM.randint(0, 3, 20)
    ours = optimizers.Adam(model.parameters(), rate=0.05)
    optimizer = torch.optim.Adam(theirs, lr=0.05)
    for _ in range(20):
        loss = losses.cross_entropy(model(Tensor(x)), labels)
        loss.backward()
        ours.step()
        w1, b1, w2, b2 = theirs
        scores = torch.relu(torch.tensor(x) @ w1 + b1) @ w2 + b2
        expected = functional.cross_entropy(scores, torch.tensor(labels))
        optimizer.zero_grad()
        expected.backward()
        optimizer.step()
        assert_close(loss.data, expected, "trajectory")
