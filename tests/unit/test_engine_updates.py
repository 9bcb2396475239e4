"""Updates in C: the formula of RMSprop, and what is left to torch."""

import copy
import itertools
import re

import pytest
import torch

import mica
from mica.engine import AdamKernel, has_update_kernels, run_rmsprop
from mica.engine.kernels import updates
from mica.errors import StateError
from mica.optimizers import adam
from mica.optimizers.adam import AdamUpdate, AdamWUpdate
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
    monkeypatch.setattr(updates, "_kernels", lambda: None)
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
    monkeypatch.setattr(updates, "_kernels", lambda: None)
    for weight in weights:
        weight.grad = torch.ones_like(weight)
    before = [weight.clone() for weight in weights]
    optimizer.step()
    for weight, old in zip(weights, before, strict=True):
        assert weight.numel() == 0 or not torch.equal(weight, old)


def adam_steps(kind, weights, *, steps=5, **settings):
    """Weights after steps whose gradients grow with the weights."""
    weights = [weight.clone() for weight in weights]
    optimizer = kind(weights, lr=0.05, eps=1e-7, fused=True, **settings)
    for number in range(steps):
        for weight in weights:
            weight.grad = torch.sin(weight + number)
        optimizer.step()
    return weights, optimizer


@pytest.fixture
def asked(monkeypatch):
    """Whether each update was made in one pass."""
    answers = []

    class Asked(AdamKernel):
        def run(self, *given, **settings):
            answers.append(super().run(*given, **settings))
            return answers[-1]

    monkeypatch.setattr(adam, "AdamKernel", Asked)
    return answers


@needs_kernels
@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize(
    ("kind", "judge", "settings"),
    [
        (AdamUpdate, torch.optim.Adam, {}),
        (AdamUpdate, torch.optim.Adam, {"betas": (0.5, 0.75)}),
        (
            AdamUpdate,
            torch.optim.Adam,
            {"weight_decay": 0.3, "decoupled_weight_decay": True},
        ),
        (AdamWUpdate, torch.optim.AdamW, {"weight_decay": 0.3}),
    ],
    ids=["Adam", "other betas", "decay", "AdamW"],
)
def test_adam_in_one_pass_gives_what_torch_gives_in_float64(
    kind, judge, settings, channels_last, asked
):
    first = some_weights(torch.float32, channels_last=channels_last)
    exact, expected_state = adam_steps(judge, [w.double() for w in first], **settings)
    given, optimizer = adam_steps(kind, first, **settings)
    assert asked == [True] * 4  # torch made the state in the first
    for weight, expected in zip(given, exact, strict=True):
        assert_close(weight, expected.float(), "oracle")
        state, judged = optimizer.state[weight], expected_state.state[expected]
        assert state.keys() == judged.keys()
        for name, value in state.items():
            assert_close(value, judged[name].float(), "oracle")


@needs_kernels
@pytest.mark.parametrize(
    "settings",
    [{"amsgrad": True}, {"maximize": True}, {"weight_decay": 0.5}],
    ids=["amsgrad", "maximize", "coupled decay"],
)
def test_other_forms_of_adam_are_left_to_torch(settings, asked):
    first = some_weights(torch.float32)
    given, _ = adam_steps(AdamUpdate, first, **settings)
    expected, _ = adam_steps(torch.optim.Adam, first, **settings)
    assert asked == []
    assert all(map(torch.equal, given, expected))


@needs_kernels
def test_large_groups_and_other_types_are_left_to_torch_beside_small_ones(asked):
    def steps(kind):
        weights = [
            torch.ones(2**18 + 1),
            torch.ones(3),
            torch.ones(3, dtype=torch.float64),
        ]
        groups = [{"params": [weight]} for weight in weights]
        optimizer = kind(groups, lr=0.1, fused=True)
        for _ in range(3):
            for weight in weights:
                weight.grad = torch.sin(weight)
            optimizer.step()
        return weights

    for given, expected in zip(steps(AdamUpdate), steps(torch.optim.Adam), strict=True):
        assert_close(given, expected, "oracle")
    # The large one is not asked for; float64 twice, before and among the hooks.
    assert asked == [True, False, False] * 2


@needs_kernels
def test_hooks_of_an_update_are_called_once():
    for weights in ([torch.ones(3)], [torch.ones(3, dtype=torch.float64)]):
        optimizer = AdamUpdate(weights, fused=True)
        seen = []
        optimizer.register_step_pre_hook(lambda *_, seen=seen: seen.append("before"))
        optimizer.register_step_post_hook(lambda *_, seen=seen: seen.append("after"))
        for _ in range(2):
            weights[0].grad = torch.ones_like(weights[0])
            optimizer.step()
        assert seen == ["before", "after"] * 2


@needs_kernels
def test_adam_gives_the_loss_of_its_closure(asked):
    weight = torch.ones(2, requires_grad=True)
    optimizer = AdamUpdate([weight], lr=0.1, fused=True)

    def loss():
        optimizer.zero_grad()
        value = (weight**2).sum()
        value.backward()
        return value

    assert float(optimizer.step(loss).detach()) == 2.0
    assert float(optimizer.step(loss).detach()) < 2.0
    assert asked == [True]


@needs_kernels
def test_adams_state_goes_from_torch_to_the_kernel_and_back():
    first = some_weights(torch.float32)
    expected, _ = adam_steps(torch.optim.Adam, first, steps=3)
    weights, known = adam_steps(torch.optim.Adam, first, steps=1)
    for kind, number in ((AdamUpdate, 1), (torch.optim.Adam, 2)):
        optimizer = kind(weights, lr=0.05, eps=1e-7, fused=True)
        optimizer.load_state_dict(known.state_dict())
        for weight in weights:
            weight.grad = torch.sin(weight + number)
        optimizer.step()
        known = optimizer
    for given, exact in zip(weights, expected, strict=True):
        assert_close(given, exact, "oracle")


def test_adam_without_a_compiler_is_torchs(monkeypatch):
    monkeypatch.setattr(updates, "_kernels", lambda: None)
    first = some_weights(torch.float32)
    given, _ = adam_steps(AdamUpdate, first)
    expected, _ = adam_steps(torch.optim.Adam, first)
    assert all(map(torch.equal, given, expected))


@needs_kernels
@pytest.mark.parametrize("steps", [torch.zeros((), dtype=torch.float64), 0])
def test_a_count_of_another_kind_is_left_alone(steps):
    weight, zeros = torch.ones(2), torch.zeros(2)
    count = torch.as_tensor(steps)
    columns = [weight], [zeros + 1], [zeros], [zeros], [count]
    assert not AdamKernel().run(*columns, rate=0.1, betas=(0.9, 0.99))
    assert torch.equal(weight, torch.ones(2))


@needs_kernels
def test_a_gradient_in_another_order_is_laid_out_as_its_weight():
    first = [torch.randn(2, 3)]
    expected, _ = adam_steps(torch.optim.Adam, first, steps=1)
    weights, _ = adam_steps(AdamUpdate, first, steps=1)
    turned = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    for kind, (weight,) in ((AdamUpdate, weights), (torch.optim.Adam, expected)):
        optimizer = mica.optimizers.Adam(0.05).build([weight])
        assert type(optimizer) is AdamUpdate
        for _ in range(3):
            weight.grad = turned.T if kind is AdamUpdate else turned.T.contiguous()
            optimizer.step()
    assert_close(weights[0], expected[0], "oracle")


@needs_kernels
def test_moved_weights_and_loaded_state_are_found_again(asked):
    weight = torch.ones(3)
    optimizer = AdamUpdate([weight], lr=0.1, fused=True)
    judge = torch.ones(3)
    other = torch.optim.Adam([judge], lr=0.1, fused=True)
    for number in range(6):
        if number == 2:
            weight.data = weight.data.clone()
        if number == 4:
            optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        weight.grad, judge.grad = torch.sin(weight), torch.sin(judge)
        optimizer.step()
        other.step()
        assert_close(weight, judge, "oracle")
    assert asked == [True] * 5


@needs_kernels
def test_a_copy_of_adam_has_its_own_weights():
    weight = torch.ones(3)
    optimizer = AdamUpdate([weight], lr=0.1, fused=True)
    for _ in range(2):
        weight.grad = torch.ones(3)
        optimizer.step()
    twin = copy.deepcopy(optimizer)
    (copied,) = twin.param_groups[0]["params"]
    copied.grad = torch.ones(3)
    before = weight.clone()
    twin.step()
    assert torch.equal(weight, before)
    assert not torch.equal(copied, before)


@needs_kernels
def test_a_weight_of_another_form_at_the_same_address_is_seen():
    memory = torch.ones(8)
    kernel = AdamKernel()
    for size in (8, 3):
        weight = memory[:size]
        columns = [torch.zeros(size) for _ in range(2)]
        kernel._held = []  # so that the state may lie where it lay before
        done = kernel.run(
            [weight], [torch.ones(size)], *([each] for each in columns),
            [torch.zeros(())], rate=0.25, betas=(0.9, 0.99),
        )  # fmt: skip
        assert done
    assert_close(memory, torch.tensor([0.5] * 3 + [0.75] * 5), "oracle")


@needs_kernels
def test_state_that_is_replaced_is_found_again():
    weight = torch.ones(3)
    optimizer = AdamUpdate([weight], lr=0.1, fused=True)
    judge = torch.ones(3)
    other = torch.optim.Adam([judge], lr=0.1, fused=True)
    for _ in range(4):
        for each, its in ((weight, optimizer), (judge, other)):
            each.grad = torch.sin(each)
            its.step()
            state = its.state[each]
            state["exp_avg"] = state["exp_avg"].clone()
            state["step"] = state["step"].clone()
    assert_close(weight, judge, "oracle")
