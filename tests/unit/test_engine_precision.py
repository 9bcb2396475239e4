"""Precision: chosen for the process, told, and put back."""

import re

import pytest
import torch

from mica.engine.precision import precision, precision_scope, set_precision
from mica.errors import ConfigError


@pytest.fixture(autouse=True)
def put_back():
    yield
    set_precision(None)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("float32", torch.float32),
        ("float64", torch.float64),
        ("bfloat16", torch.float32),
        ("tf32", torch.float32),
        (None, torch.float32),
    ],
)
def test_weights_are_made_in_the_type_the_precision_asks_for(name, dtype):
    set_precision(name)
    assert precision() == name
    assert torch.zeros(1).dtype == dtype


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        (torch.float64, "float64"),
        (torch.bfloat16, "bfloat16"),
        (torch.float32, None),
    ],
)
def test_torch_s_own_default_dtype_is_a_choice(dtype, name):
    torch.set_default_dtype(dtype)
    assert precision() == name


def test_going_back_to_float32_by_hand_withdraws_float64():
    set_precision("float64")
    torch.set_default_dtype(torch.float32)
    assert precision() is None


def test_a_scope_puts_back_what_was_there_even_after_an_error():
    set_precision("bfloat16")

    @precision_scope("float64")
    def fail() -> None:
        raise RuntimeError(str(torch.get_default_dtype()))

    with pytest.raises(RuntimeError, match=r"^torch\.float64$"):
        fail()
    assert precision() == "bfloat16"
    assert torch.get_default_dtype() == torch.float32


def test_a_scope_leaves_the_user_s_default_dtype_as_it_was():
    torch.set_default_dtype(torch.float16)
    with precision_scope("float32"):
        assert torch.get_default_dtype() == torch.float32
    assert torch.get_default_dtype() == torch.float16


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("bf16", "Did you mean 'bfloat16'?"),
        ("half", "Choose from: bfloat16, float32, float64, tf32."),
        (16, "Choose from: bfloat16, float32, float64, tf32."),
    ],
)
def test_an_unknown_precision_is_refused_and_nothing_changes(name, advice):
    set_precision("float64")
    sentence = f"set_precision: expected a precision or None, got {name!r}. {advice}"
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        set_precision(name)
    assert precision() == "float64"
