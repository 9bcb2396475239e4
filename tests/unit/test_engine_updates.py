"""Updates in C: the formula of RMSprop, and what is left to torch."""

import itertools
import re

import pytest
import torch

import mica
from mica.engine import has_update_kernels, run_rmsprop
from mica.engine.kernels import updates
from mica.errors import StateError
from mica.optimizers.rmsprop import RMSpropUpdate
from tests.tolerances import assert_close

needs_kernels = pytest.mark.skipif(
    not has_update_kernels(), reason="no C compiler made the kernels"
)
SHAPES = [(3, 5), (7,), (4, 3, 2, 2), (), (1, 1), (0, 3), (4, 3, 1, 1), (1000,)]


def some_weights(dtype, *, channels_last=False):
    generator = torch.Generator().manual_seed(0)
    weights = []
    for shape in SHAPES:
        weight = torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
        if channels_last and weight.dim() == 4:
            weight = weight.contiguous(memory_format=torch.channels_last)
        weights.append(weight)
    return weights


def trained(weights, *, fused, centered, momentum):
    """Weights after five steps whose gradients grow with the weights."""
    weights = [weight.clone() for weight in weights]
    settings = {"centered": centered, "momentum": momentum, "rho": 0.8}
    optimizer = RMSpropUpdate(weights, lr=0.05, fused=fused, **settings)
    for number in range(5):
        for weight in weights:
            weight.grad = torch.sin(weight + number)
        optimizer.step()
    return weights, optimizer


@needs_kernels
@pytest.mark.parametrize(
    ("centered", "momentum", "channels_last"),
    list(itertools.product([False, True], [0.0, 0.7], [False, True])),
)
def test_one_pass_gives_what_torch_gives_in_float64(centered, momentum, channels_last):
    settings = {"centered": centered, "momentum": momentum}
    first = some_weights(torch.float32, channels_last=channels_last)
    exact, _ = trained([each.double() for each in first], fused=False, **settings)
    given, optimizer = trained(first, fused=True, **settings)
    for weight, expected in zip(given, exact, strict=True):
        assert_close(weight, expected.float(), "oracle")
        for value in optimizer.state[weight].values():
            assert value.stride() == weight.stride()


@needs_kernels
def test_a_gradient_of_nan_stays_in_its_place():
    weight = torch.ones(20)
    weight.grad = torch.ones(20)
    weight.grad[7] = torch.nan
    RMSpropUpdate([weight], lr=0.1, fused=True).step()
    assert torch.isnan(weight).nonzero().flatten().tolist() == [7]


@needs_kernels
def test_weights_that_changed_are_stale_for_gradients():
    weight = torch.ones(3, requires_grad=True)
    loss = (weight * weight).sum()
    weight.grad = torch.ones(3)
    RMSpropUpdate([weight], lr=0.1, fused=True).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@needs_kernels
@pytest.mark.parametrize(
    "odd",
    [
        torch.ones(3, dtype=torch.float64),
        torch.ones(3, dtype=torch.bfloat16),
        torch.ones(6)[::2],
        torch.ones(2, 3).T,
    ],
    ids=["float64", "bfloat16", "gaps", "another order"],
)
def test_other_tensors_are_left_alone(odd):
    zeros = torch.zeros(odd.shape)
    before = odd.clone()
    assert not run_rmsprop([odd], [zeros + 1], [zeros], rate=0.1, rho=0.9)
    assert torch.equal(odd, before)
    assert torch.equal(zeros, torch.zeros(odd.shape))


@needs_kernels
def test_rmsprop_is_fused_on_the_processor():
    parameters = [torch.zeros(2, requires_grad=True)]
    optimizer = mica.optimizers.RMSprop().build(parameters)
    assert mica.optimizers.describe_optimizer(optimizer) == "fused RMSprop"


def test_float64_is_not_fused():
    parameters = [torch.zeros(2, requires_grad=True, dtype=torch.float64)]
    optimizer = mica.optimizers.RMSprop().build(parameters)
    assert mica.optimizers.describe_optimizer(optimizer) == "foreach RMSprop"


SAID = (
    "RMSpropUpdate: expected float32 weights on the processor and a C compiler for the "
    "fused update, got other ones. Use foreach."
)


def test_a_fused_update_of_other_numbers_is_refused():
    with pytest.raises(StateError, match=f"^{re.escape(SAID)}$"):
        RMSpropUpdate([torch.zeros(1, dtype=torch.float64)], fused=True)


def test_without_a_compiler_everything_works_by_torch(monkeypatch):
    monkeypatch.setattr(updates, "_rmsprop", lambda: None)
    assert not has_update_kernels()
    weight = torch.ones(2)
    assert not run_rmsprop([weight], [weight], [weight], rate=0.1, rho=0.9)
    with pytest.raises(StateError, match=f"^{re.escape(SAID)}$"):
        RMSpropUpdate([weight], fused=True)


@needs_kernels
def test_a_state_of_a_fused_run_goes_on_without_kernels(monkeypatch):
    weights, optimizer = trained(
        some_weights(torch.float32), fused=True, centered=False, momentum=0.5
    )
    monkeypatch.setattr(updates, "_rmsprop", lambda: None)
    for weight in weights:
        weight.grad = torch.ones_like(weight)
    before = [weight.clone() for weight in weights]
    optimizer.step()
    for weight, old in zip(weights, before, strict=True):
        assert weight.numel() == 0 or not torch.equal(weight, old)
