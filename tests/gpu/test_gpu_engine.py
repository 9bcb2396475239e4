"""The engine on a GPU: found, chosen, described, seeded, measured."""

import pytest
import torch
from torch import nn

from mica.engine import (
    deterministic_scope,
    eager_plan,
    fork_generator,
    inspect_hardware,
    measure_ceilings,
    peak_memory_bytes,
    prepare_module,
    random_state,
    resolve_device,
    restore_random_state,
    set_seed,
)

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


def test_the_gpu_is_the_default_and_equals_the_device_of_its_tensors():
    assert resolve_device() == torch.ones(1, device="cuda").device
    assert resolve_device("cuda") == resolve_device()


def test_the_plan_names_the_gpu():
    name = torch.cuda.get_device_name()
    line = eager_plan().describe("fused Adam")
    assert line == (
        f"{name} (cuda:0) · float32 · channels-last · fused Adam · data in memory"
    )


def test_a_module_moves_to_the_gpu_and_keeps_its_parameters():
    module = nn.Conv2d(3, 4, 3)
    weight = module.weight
    prepare_module(module, eager_plan())
    assert module.weight is weight
    assert weight.is_cuda
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_a_seed_decides_what_the_gpu_draws():
    set_seed(1)
    first = torch.rand(3, device="cuda")
    set_seed(1)
    assert torch.equal(first, torch.rand(3, device="cuda"))


def test_the_state_of_the_gpu_s_generator_is_put_back():
    state = random_state()
    first = torch.rand(3, device="cuda")
    assert restore_random_state(state) == ()
    assert torch.equal(first, torch.rand(3, device="cuda"))


def test_a_forked_generator_draws_on_the_gpu():
    one, two = (fork_generator(0, "noise", device="cuda") for _ in range(2))
    draws = [torch.rand(5, generator=g, device="cuda") for g in (one, two)]
    assert torch.equal(*draws)


def test_an_operation_without_a_deterministic_form_is_refused_in_the_scope():
    bins = torch.zeros(10, device="cuda")
    with deterministic_scope(), pytest.raises(RuntimeError, match="deterministic"):
        torch.histc(bins, 5)


def test_ceilings_are_rates_a_gpu_can_have():
    ceilings = measure_ceilings(seconds=0.3)
    assert 1e12 < ceilings.float32_flops_per_second < 1e16
    assert ceilings.bfloat16_flops_per_second > ceilings.float32_flops_per_second
    assert 1e11 < ceilings.copy_bytes_per_second < 1e14


def test_the_gpu_is_listed_with_its_memory_and_tells_its_peak():
    device = resolve_device()
    kept = torch.ones(2**20, device=device)
    assert inspect_hardware().accelerators[0].memory_bytes > 2**30
    assert peak_memory_bytes(device) >= kept.nbytes
