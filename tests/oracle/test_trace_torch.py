"""Walks through torch's own modules and functions: torch itself is the oracle."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import mica
from mica.trace import is_verified, walk
from tests.oracle.printed import assert_prints
from tests.tolerances import assert_close


class First(nn.Module):
    """The first output of a module that gives several."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, *inputs):
        return self.module(*inputs)[0]


class Scaled(nn.Module):
    """A function behind one weight, so that a gradient flows through it."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.scale = nn.Parameter(torch.tensor(0.9))

    def forward(self, x):
        return self.function(self.scale * x)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        return self.inner(x, x, x)[0]


MODULES = {
    "LSTM": (lambda: First(nn.LSTM(3, 4, batch_first=True)), (2, 2, 3)),
    "GRU": (lambda: First(nn.GRU(3, 4)), (2, 2, 3)),
    "MultiheadAttention": (Attention, (2, 4, 8)),
    "TransformerEncoderLayer": (
        lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
        (2, 4, 8),
    ),
    "ConvTranspose2d": (
        lambda: nn.ConvTranspose2d(
            4, 6, 3, stride=2, padding=1, output_padding=1, groups=2, dilation=2
        ),
        (2, 4, 5, 6),
    ),
    "Conv3d": (lambda: nn.Conv3d(2, 3, 2), (2, 2, 4, 4, 4)),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), (2, 4, 5, 5)),
    "LayerNorm": (lambda: nn.LayerNorm((4, 5)), (2, 4, 5)),
    "dropout": (lambda: nn.Sequential(nn.Linear(4, 9), nn.Dropout(0.4)), (3, 4)),
    "max pooling with a rest": (
        lambda: Scaled(nn.MaxPool2d(3, 2, 1, ceil_mode=True)),
        (2, 3, 8, 7),
    ),
    "average pooling with a rest": (
        lambda: Scaled(nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False)),
        (2, 3, 8, 7),
    ),
    "adaptive pooling": (lambda: Scaled(nn.AdaptiveAvgPool2d((3, 2))), (2, 3, 8, 7)),
    "bilinear resizing": (
        lambda: Scaled(nn.Upsample(scale_factor=2, mode="bilinear")),
        (2, 3, 4, 5),
    ),
    "causal attention": (
        lambda: Scaled(
            lambda x: functional.scaled_dot_product_attention(x, x, x, is_causal=True)
        ),
        (2, 2, 4, 4),
    ),
    "many functions of one number": (
        lambda: Scaled(
            lambda x: sum(
                function(x)
                for function in (
                    functional.celu,
                    functional.mish,
                    functional.hardswish,
                    functional.logsigmoid,
                    functional.softplus,
                    functional.hardtanh,
                    functional.selu,
                    functional.softsign,
                    functional.softshrink,
                    functional.gelu,
                    torch.expm1,
                    torch.abs,
                    torch.sin,
                )
            )
        ),
        (4, 4),
    ),
    "many ways to sum up": (
        lambda: Scaled(
            lambda x: (
                x.std(1)
                + x.norm(dim=1)
                + x.logsumexp(1)
                + x.prod(1)
                + x.amax(1)
                + x.min(1)[0]
                + x.cumsum(1)[:, -1]
                + x.cumprod(1)[:, 1]
                + x.sort(1)[0][:, 0]
                + x.topk(2, 1)[0][:, 1]
            )
        ),
        (3, 4),
    ),
    "many ways to move": (
        lambda: Scaled(
            lambda x: (
                torch.cat([x.flip(1).roll(1, 0), x.tril()])
                .masked_fill(torch.eye(8, 4) > 0, 2.0)
                .index_fill(1, torch.tensor([1]), 0.5)
            )
        ),
        (4, 4),
    ),
    "a gradient that is stopped": (
        lambda: Scaled(lambda x: x * x.detach().sin() + x.round()),
        (2, 3),
    ),
    "a cast to a narrow type": (lambda: Scaled(lambda x: x.float().sin()), (2, 3)),
    "random numbers": (lambda: Scaled(lambda x: x * torch.randn_like(x)), (2, 3)),
}


@pytest.mark.parametrize("name", MODULES)
def test_values_and_gradients_agree_with_torch(name):
    make, shape = MODULES[name]
    module, x = make(), torch.randn(shape)
    one = walk(module, x, torch.randn(module(x).shape), loss=nn.MSELoss())
    assert is_verified(one.verify()), str(one.verify())
    assert not one.unknown


class WithoutGradient(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 4)

    def forward(self, x):
        with torch.no_grad():
            fixed = self.inner(x)
        return self.inner(x) * fixed


def test_no_grad_inside_a_model_stops_the_gradient_as_it_does_in_torch():
    one = walk(WithoutGradient(), torch.randn(2, 4), torch.ones(2, 4), loss="mse")
    assert is_verified(one.verify())
    assert "stop_gradient" in {step.operation for step in one.steps}


def test_behind_a_step_without_a_rule_the_gradients_are_still_right():
    def inverted(x):
        return torch.linalg.inv(x).sin()

    one = walk(Scaled(inverted), torch.randn(3, 3), torch.ones(3, 3), loss="mse")
    assert one.unknown == {"linalg_inv_ex": "no rule"}
    report = one.verify()
    assert is_verified(report)
    assert report.parts[-1].fact == (
        "The step 'linalg_inv_ex' (linalg_inv_ex) has no rule; its numbers are torch's "
        "and were not judged."
    )


LOSSES = {
    "binary_crossentropy": ("sigmoid", [[1.0], [0.0]], 1),
    "categorical_crossentropy": ("softmax", [[1.0, 0, 0], [0, 0, 1]], 3),
    "sparse_categorical_crossentropy": ("softmax", [2, 0], 3),
    "huber": (None, [[3.0], [0.1]], 1),
    "hinge": (None, [[1.0], [-1.0]], 1),
    "cosine_similarity": (None, [[1.0, 2], [0.5, 1]], 2),
    "kl_divergence": ("softmax", [[0.3, 0.7], [1.0, 0]], 2),
    "poisson": ("softplus", [[1.0], [2.0]], 1),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_compiled_model_brings_its_loss_and_learning_rate(loss):
    activation, y, units = LOSSES[loss]
    model = mica.Sequential(
        mica.Input((3,)), mica.layers.Dense(units, activation=activation)
    )
    model.compile(mica.optimizers.SGD(0.25), loss)
    x = np.random.default_rng(0).normal(size=(2, 3))
    one = walk(model, x, np.array(y))
    assert is_verified(one.verify()), str(one.verify())
    assert one.learning_rate == 0.25
    before = model.layers[-1].weight.detach().clone()
    model.train_on_batch(x.astype(np.float32), np.array(y))
    after = model.layers[-1].weight.detach()
    moved = one.weight("dense.weight")
    assert_close(moved.before, before)
    assert_close(moved.after, after)


STREETS = np.array([[1, 0, 1], [0, 1, 1], [0, 0, 1], [1, 1, 1.0]])
CROSSING = np.array([[1], [1], [0], [0.0]])


def half_squared_error(prediction, target):
    return ((prediction - target) ** 2).sum() / 2


def test_a_walk_prints_the_streetlights_numbers_of_trask_chapter_6():
    # The book's program draws both weights after np.random.seed(1), and learns row
    # by row; its error of the tenth pass is printed.
    random = np.random.RandomState(1)
    first, second = 2 * random.rand(3, 4) - 1, 2 * random.rand(4, 1) - 1
    network = nn.Sequential(
        nn.Linear(3, 4, bias=False), nn.ReLU(), nn.Linear(4, 1, bias=False)
    ).double()
    for iteration in range(10):
        total = 0.0
        for row, goal in zip(STREETS, CROSSING, strict=True):
            before = first, second
            hidden = np.maximum(row @ first, 0)
            error = hidden @ second - goal
            back = np.outer(row, (error * second.T)[0] * (hidden > 0))
            first, second = first - 0.2 * back, second - 0.2 * np.outer(hidden, error)
            if iteration == 9:
                one = _walked(network, *before, row[None], goal[None])
                total += 2 * one.loss
                learned = [one.weight(f"{place}.weight").after.T for place in (0, 2)]
                assert_close(learned[0], first, "reordered")
                assert_close(learned[1], second, "reordered")
    assert_prints(total, ".634231159844")


def _walked(network, first, second, row, goal):
    with torch.no_grad():
        network[0].weight.copy_(torch.as_tensor(first.T))
        network[2].weight.copy_(torch.as_tensor(second.T))
    return walk(network, row, goal, loss=half_squared_error, learning_rate=0.2)
