"""ExecutionPlan: valid or refused, told in one line, executed and undone."""

import dataclasses
import re

import pytest
import torch
from torch import nn

from mica.engine import execution
from mica.engine.execution import (
    ExecutionPlan,
    compute_scope,
    eager_plan,
    execution_scope,
    prepare_module,
)
from mica.engine.precision import precision_scope
from mica.errors import ConfigError

CPU = torch.device("cpu")


def plan(**changes) -> ExecutionPlan:
    return dataclasses.replace(ExecutionPlan(CPU), **changes)


def test_the_eager_plan_is_told_in_one_line():
    made = dataclasses.replace(eager_plan("cpu"), threads=2)
    assert made.describe("fused Adam") == (
        "cpu (2 cores) · float32 · channels-last · fused Adam · data in memory"
    )


def test_a_plan_for_a_gpu_names_the_product(monkeypatch):
    device = torch.device("cuda", 0)
    monkeypatch.setattr(execution, "resolve_device", lambda name: device)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H200")
    made = ExecutionPlan(device, "bfloat16", layout="contiguous", optimizer="foreach")
    assert made.describe() == (
        "NVIDIA H200 (cuda:0) · bfloat16 · contiguous · foreach optimizer · "
        "data in memory"
    )


def test_without_a_number_of_threads_the_line_shows_torch_s(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    assert plan().describe().startswith("cpu (3 cores) · ")


def test_a_name_becomes_a_device():
    assert ExecutionPlan("cpu").device == CPU


def test_a_plan_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan().precision = "float64"


@pytest.mark.parametrize(
    ("field", "value", "advice"),
    [
        ("precision", "float", "Did you mean 'float64' or 'float32'?"),
        ("layout", "channels-last", "Did you mean 'channels_last'?"),
        ("capture", "magic", "Choose from: compile, compiled graph, eager, graph."),
        ("optimizer", "fast", "Choose from: foreach, fused."),
        ("data", None, "Choose from: ahead, memory, stream."),
        ("allocator", "keeep", "Did you mean 'keep'?"),
    ],
)
def test_an_unknown_choice_is_refused(field, value, advice):
    sentence = f"ExecutionPlan: expected a known {field}, got {value!r}. {advice}"
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        plan(**{field: value})


@pytest.mark.parametrize("threads", [0, -1, 1.5, True])
def test_a_plan_needs_a_thread(threads):
    sentence = (
        f"ExecutionPlan: expected at least 1 thread, got {threads!r}. Give a whole "
        "number, or None for torch's own."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        plan(threads=threads)


def test_a_plan_for_an_absent_device_is_refused():
    with pytest.raises(
        ConfigError, match=r"^resolve_device: expected a device of this"
    ):
        ExecutionPlan(torch.device("meta"))


@pytest.mark.parametrize(
    ("chosen", "planned"),
    [(None, "float32"), ("float64", "float64"), ("bfloat16", "bfloat16")],
)
def test_the_eager_plan_computes_in_the_chosen_precision(chosen, planned):
    with precision_scope(chosen):
        assert eager_plan("cpu").precision == planned


@pytest.mark.parametrize(("torch_threads", "cores"), [(8, 2), (1, 2)])
def test_the_eager_plan_uses_no_more_threads_than_cores(
    torch_threads, cores, monkeypatch
):
    monkeypatch.setattr(torch, "get_num_threads", lambda: torch_threads)
    monkeypatch.setattr(execution, "usable_cores", lambda: cores)
    assert eager_plan("cpu").threads == min(torch_threads, cores)


class Picture(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)
        self.dense = nn.Linear(4, 2)
        self.register_buffer("grid", torch.zeros(1, 2, 3, 4))


def test_only_four_dimensional_tensors_change_their_layout():
    module = prepare_module(Picture(), plan())
    assert module.convolution.weight.stride() == (27, 1, 9, 3)
    assert module.grid.stride() == (24, 1, 8, 2)
    assert module.dense.weight.stride() == (4, 1)


def test_the_layout_is_put_back_to_rows():
    module = prepare_module(
        prepare_module(Picture(), plan()), plan(layout="contiguous")
    )
    assert module.convolution.weight.is_contiguous()


def test_an_optimizer_made_before_still_holds_the_weights():
    module = Picture()
    before = list(module.parameters())
    values = [weight.detach().clone() for weight in before]
    assert prepare_module(module, plan()) is module
    after = list(module.parameters())
    assert all(one is other for one, other in zip(before, after, strict=True))
    assert all(torch.equal(w, v) for w, v in zip(after, values, strict=True))


def test_mixed_precision_multiplies_in_bfloat16_and_keeps_float32_weights():
    module = nn.Linear(2, 2)
    with compute_scope(plan(precision="bfloat16")):
        assert module(torch.ones(1, 2)).dtype == torch.bfloat16
    assert module.weight.dtype == torch.float32


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_other_precisions_compute_as_the_layers_are(precision):
    with compute_scope(plan(precision=precision)):
        assert nn.Linear(2, 2)(torch.ones(1, 2)).dtype == torch.float32


def test_threads_are_set_for_the_block_and_put_back_after_an_error():
    before, inside = torch.get_num_threads(), []

    @execution_scope(plan(threads=before + 1))
    def fail() -> None:
        inside.append(torch.get_num_threads())
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match=r"^stop$"):
        fail()
    assert inside == [before + 1]
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(("allocator", "calls"), [("keep", 1), ("system", 0)])
def test_the_allocator_is_told_only_when_the_plan_says_so(
    allocator, calls, monkeypatch
):
    told = []
    monkeypatch.setattr(execution, "keep_freed_memory", lambda: told.append(1))
    before = torch.get_num_threads()
    with execution_scope(plan(allocator=allocator)):
        assert torch.get_num_threads() == before
    assert len(told) == calls
