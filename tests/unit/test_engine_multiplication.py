"""TF32: torch's switches are thrown for a plan on a GPU, and put back to what was."""

import re

import pytest
import torch

from mica.engine import execution, multiplication
from mica.engine.execution import ExecutionPlan, eager_plan, execution_scope
from mica.engine.multiplication import (
    multiplication_scope,
    multiplies_tf32,
    processor_products,
    rounds_products,
)
from mica.engine.precision import precision_scope
from mica.errors import ConfigError

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)
BACKENDS = torch.backends


def thrown():
    """All that torch says of its switches; older ones may refuse to be read."""
    said = []
    for read in (
        lambda: BACKENDS.cuda.matmul.fp32_precision,
        lambda: BACKENDS.cudnn.conv.fp32_precision,
        lambda: BACKENDS.cudnn.rnn.fp32_precision,
        lambda: BACKENDS.mkldnn.matmul.fp32_precision,
        lambda: BACKENDS.cuda.matmul.allow_tf32,
        lambda: BACKENDS.cudnn.allow_tf32,
        torch.get_float32_matmul_precision,
    ):
        try:
            said.append(read())
        except RuntimeError:
            said.append("refused")
    return said


@pytest.fixture(autouse=True)
def as_torch_begins():
    yield
    torch.set_float32_matmul_precision("highest")
    BACKENDS.cudnn.allow_tf32 = True
    BACKENDS.cuda.matmul.fp32_precision = "none"
    BACKENDS.cudnn.conv.fp32_precision = "tf32"
    BACKENDS.cudnn.rnn.fp32_precision = "tf32"
    BACKENDS.mkldnn.matmul.fp32_precision = "none"


@pytest.fixture
def an_ampere(monkeypatch):
    """A machine whose GPU has tensor cores, as far as plans can tell."""
    monkeypatch.setattr(execution, "resolve_device", lambda name: GPU)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA A100")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))


@pytest.mark.parametrize(
    ("device", "capability", "expected"),
    [
        (CPU, (8, 0), False),
        (GPU, (7, 5), False),
        (GPU, (8, 0), True),
        (GPU, (9, 0), True),
    ],
)
def test_tf32_is_for_gpus_with_tensor_cores(device, capability, expected, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert multiplies_tf32(device) is expected


@pytest.mark.parametrize(
    ("precision", "expected"),
    [
        ("tf32", ["tf32", "tf32", "tf32", True, True, "high"]),
        ("float32", ["ieee", "ieee", "ieee", False, False, "highest"]),
    ],
)
@pytest.mark.parametrize("user", ["highest", "high"])
def test_both_of_torch_s_interfaces_tell_the_plan_s_precision(
    precision, expected, user
):
    torch.set_float32_matmul_precision(user)
    with multiplication_scope(GPU, precision):
        said = thrown()
    assert said[:3] + said[4:] == expected


def leave_alone():
    pass


def high():
    torch.set_float32_matmul_precision("high")


def medium():
    torch.set_float32_matmul_precision("medium")


def older():
    BACKENDS.cuda.matmul.allow_tf32 = True
    BACKENDS.cudnn.allow_tf32 = False


def newer():
    BACKENDS.cuda.matmul.fp32_precision = "tf32"
    BACKENDS.cudnn.conv.fp32_precision = "ieee"


def partly():
    BACKENDS.cudnn.rnn.fp32_precision = "ieee"


@pytest.mark.parametrize("precision", ["tf32", "float32", "bfloat16", "float64"])
@pytest.mark.parametrize("user", [leave_alone, high, medium, older, newer, partly])
def test_what_the_user_left_is_put_back_even_after_an_error(user, precision):
    user()
    before = thrown()
    with (
        pytest.raises(ZeroDivisionError),
        multiplication_scope(GPU, precision),
        multiplication_scope(GPU, "tf32"),
    ):
        1 / 0  # noqa: B018
    assert thrown() == before


@pytest.mark.parametrize("device", [CPU, GPU])
@pytest.mark.parametrize("precision", ["bfloat16", "float64"])
def test_other_precisions_leave_the_switches_alone(device, precision):
    high()
    before = thrown()
    with multiplication_scope(device, precision):
        assert thrown() == before


@pytest.mark.parametrize("precision", ["float32", "tf32"])
def test_a_processor_has_no_such_switches(precision):
    before = thrown()
    with multiplication_scope(CPU, precision):
        assert thrown() == before


def test_a_plan_throws_the_switches_for_as_long_as_it_is_executed(an_ampere):
    before = thrown()
    with execution_scope(ExecutionPlan(GPU, "tf32")):
        assert thrown()[0] == "tf32"
        with execution_scope(ExecutionPlan(GPU)):
            assert thrown()[:3] == ["ieee", "ieee", "ieee"]
        assert thrown()[0] == "tf32"
    assert thrown() == before


def test_the_plan_is_told_in_its_line(an_ampere):
    assert ExecutionPlan(GPU, "tf32").describe() == (
        "NVIDIA A100 (cuda:0) · tf32 · channels-last · fused optimizer · data in memory"
    )


def test_tf32_is_refused_where_nothing_multiplies_it():
    sentence = (
        "ExecutionPlan: expected a CUDA device of compute capability 8.0 or more for "
        "tf32, got cpu. Choose float32 or bfloat16, or no precision at all."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        ExecutionPlan(CPU, "tf32")
    with (
        precision_scope("tf32"),
        pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"),
    ):
        eager_plan("cpu")


def test_an_older_gpu_is_named(an_ampere, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 0))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Tesla V100")
    sentence = (
        "ExecutionPlan: expected a CUDA device of compute capability 8.0 or more for "
        "tf32, got Tesla V100 (cuda:0). Choose float32 or bfloat16, or no precision at "
        "all."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        ExecutionPlan(GPU, "tf32")


@pytest.mark.parametrize(
    ("user", "chosen", "expected"),
    [
        (leave_alone, None, "float32"),
        (high, None, "tf32"),
        (newer, None, "tf32"),
        (high, "float32", "float32"),
        (high, "bfloat16", "bfloat16"),
        (leave_alone, "tf32", "tf32"),
    ],
)
def test_torch_s_own_switch_is_a_choice_unless_mica_s_says_more(
    user, chosen, expected, an_ampere
):
    user()
    with precision_scope(chosen):
        assert eager_plan("cuda").precision == expected


def test_a_plan_inside_of_a_plan_follows_the_user_and_not_the_outer_one(an_ampere):
    with execution_scope(ExecutionPlan(GPU, "tf32")):
        assert eager_plan("cuda").precision == "float32"
    high()
    with execution_scope(ExecutionPlan(GPU)):
        assert eager_plan("cuda").precision == "tf32"
    assert multiplication._outside is None


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (leave_alone, "ieee"),
        (lambda: torch.set_float32_matmul_precision("highest"), "ieee"),
        (high, "tf32"),
        (medium, "bf16"),
        (newer, "ieee"),
    ],
)
def test_what_a_processor_may_round_to_can_always_be_read(user, expected):
    user()
    assert processor_products() == expected


def test_on_a_processor_torch_s_switch_does_not_count():
    high()
    assert not rounds_products(CPU)
    assert eager_plan("cpu").precision == "float32"
