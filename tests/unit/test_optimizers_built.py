"""Built optimizers: fused or not, decay, layouts, learning rates."""

import copy

import pytest
import torch

from mica.optimizers import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    get_learning_rate,
    set_learning_rate,
)
from mica.optimizers.built import DecoupledDecay, has_fused
from tests.tolerances import assert_close

FUSED = [SGD(0.1, momentum=0.9), Adagrad(0.1), Adam(0.1), AdamW(0.1)]


@pytest.mark.parametrize(
    ("kind", "device", "dtype", "expected"),
    [
        (torch.optim.Adam, "cpu", torch.float32, True),
        (torch.optim.Adam, "cpu", torch.complex64, False),
        (torch.optim.Adam, "meta", torch.float32, False),
        (torch.optim.RMSprop, "cpu", torch.float32, False),
    ],
)
def test_a_fused_update_is_found_by_trying(kind, device, dtype, expected):
    assert has_fused(kind, device, dtype) is expected


def test_a_device_without_the_kernel_falls_back(monkeypatch):
    def refuse(self, closure=None):
        raise RuntimeError("no fused kernel here")

    monkeypatch.setattr(torch.optim.Adagrad, "step", refuse)
    has_fused.cache_clear()
    assert has_fused(torch.optim.Adagrad, "cpu", torch.float64) is False
    has_fused.cache_clear()


def test_trying_draws_nothing_and_leaves_no_gradient_mode():
    before = torch.get_rng_state()
    has_fused.cache_clear()
    has_fused(torch.optim.SGD, "cpu", torch.float32)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.is_grad_enabled()


def test_decay_takes_a_learning_rate_that_lives_on_the_device():
    weight = torch.nn.Parameter(torch.ones(2))
    weight.grad = torch.zeros(2)
    optimizer = torch.optim.SGD([weight], lr=torch.tensor(0.5))
    optimizer.register_step_pre_hook(DecoupledDecay(0.5))
    optimizer.step()
    assert weight.tolist() == [0.75, 0.75]


@pytest.mark.parametrize("rate", [0.5, torch.tensor(0.5)])
def test_a_learning_rate_is_written_where_it_lives(rate):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=rate)
    set_learning_rate(optimizer, 0.25)
    assert get_learning_rate(optimizer) == 0.25
    assert type(optimizer.param_groups[0]["lr"]) is type(rate)


def test_groups_keep_the_ratio_of_their_rates():
    groups = [{"params": [torch.zeros(1)], "lr": rate} for rate in (0.5, 0.125)]
    optimizer = torch.optim.SGD(groups)
    set_learning_rate(optimizer, 0.25)
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.0625]


def test_groups_after_a_rate_of_zero_get_the_same_rate():
    groups = [{"params": [torch.zeros(1)], "lr": rate} for rate in (0.0, 0.125)]
    optimizer = torch.optim.SGD(groups)
    set_learning_rate(optimizer, 0.25)
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.25]


def pair(last: bool) -> torch.nn.Parameter:
    weight = torch.arange(36.0).reshape(2, 2, 3, 3) / 36
    order = torch.channels_last if last else torch.contiguous_format
    return torch.nn.Parameter(weight.contiguous(memory_format=order))


def gradient(step: int) -> torch.Tensor:
    return torch.linspace(-1, 1 + step, 36).reshape(2, 2, 3, 3)


def take(optimizer: torch.optim.Optimizer, steps: range) -> torch.Tensor:
    [weight] = optimizer.param_groups[0]["params"]
    for step in steps:
        weight.grad = gradient(step)
        optimizer.step()
    return weight


@pytest.mark.parametrize("spec", FUSED, ids=lambda spec: type(spec).__name__)
def test_a_gradient_in_another_layout_reaches_the_right_weights(spec):
    expected = take(spec.build([pair(last=False)]), range(3))
    weight = take(spec.build([pair(last=True)]), range(3))
    assert_close(weight, expected, "reordered")


@pytest.mark.parametrize("spec", FUSED, ids=lambda spec: type(spec).__name__)
def test_a_transposed_gradient_reaches_the_right_weights(spec):
    one, two = (torch.nn.Parameter(torch.ones(3, 3)) for _ in range(2))
    values = torch.arange(9.0).reshape(3, 3)
    one.grad, two.grad = values.T, values.T.contiguous()
    spec.build([one]).step()
    spec.build([two]).step()
    assert torch.equal(one, two)


@pytest.mark.parametrize("spec", FUSED, ids=lambda spec: type(spec).__name__)
def test_weights_may_change_their_layout_between_steps(spec):
    expected = take(spec.build([pair(last=False)]), range(4))
    optimizer = spec.build([pair(last=False)])
    weight = take(optimizer, range(2))
    weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    assert_close(take(optimizer, range(2, 4)), expected, "reordered")


@pytest.mark.parametrize("spec", FUSED, ids=lambda spec: type(spec).__name__)
def test_state_from_a_file_comes_in_rows_and_still_fits(spec):
    expected = take(spec.build([pair(last=True)]), range(4))
    optimizer = spec.build([pair(last=True)])
    weight = take(optimizer, range(2))
    state = copy.deepcopy(optimizer.state_dict())
    [values] = state["state"].values()
    for name in values:
        values[name] = values[name].contiguous()
    again = spec.build([weight])
    take(again, range(1))  # what it remembers of this step is to be forgotten
    weight.data.copy_(take(spec.build([pair(last=True)]), range(2)))
    again.load_state_dict(state)
    assert torch.equal(take(again, range(2, 4)), expected)


def test_a_layout_that_differs_in_single_entries_only_costs_no_copy():
    weight = torch.nn.Parameter(torch.ones(2, 1, 3, 3))
    weight.grad = torch.ones(2, 1, 3, 3).as_strided((2, 1, 3, 3), (9, 1, 3, 1))
    before = weight.grad.data_ptr()
    SGD().build([weight]).step()
    assert weight.grad.data_ptr() == before
