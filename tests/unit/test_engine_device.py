"""Devices: found, chosen, named; an absent one is refused with those there are."""

import re

import pytest
import torch

from mica.engine.device import (
    available_devices,
    default_device,
    describe_device,
    resolve_device,
)
from mica.errors import ConfigError


@pytest.fixture
def processor_only(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)


@pytest.fixture
def two_gpus(monkeypatch):
    """A machine with two GPUs, the second one current."""
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(
        torch.accelerator, "current_accelerator", lambda: torch.device("cuda")
    )
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 2)
    monkeypatch.setattr(torch.accelerator, "current_device_index", lambda: 1)


def test_without_accelerators_there_is_the_processor(processor_only):
    assert available_devices() == (torch.device("cpu"),)
    assert default_device() == torch.device("cpu")


def test_accelerators_come_after_the_processor(two_gpus):
    assert [str(device) for device in available_devices()] == [
        "cpu",
        "cuda:0",
        "cuda:1",
    ]


def test_the_current_accelerator_is_the_default(two_gpus):
    assert default_device() == torch.device("cuda", 1)


@pytest.mark.parametrize(
    ("name", "device"),
    [
        (None, "cuda:1"),
        ("cpu", "cpu"),
        ("cpu:0", "cpu"),
        ("cuda", "cuda:1"),
        ("cuda:0", "cuda:0"),
        (torch.device("cuda"), "cuda:1"),
    ],
)
def test_a_name_becomes_a_device_with_its_number(name, device, two_gpus):
    assert str(resolve_device(name)) == device


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "meta", "mps", "gpu", "", 3.5])
def test_an_absent_device_is_refused_with_those_there_are(name, processor_only):
    sentence = (
        f"resolve_device: expected a device of this machine (cpu), got {str(name)!r}. "
        "Name one of these, or none to let Mica choose."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        resolve_device(name)


def test_a_number_too_high_is_refused(two_gpus):
    sentence = (
        "resolve_device: expected a device of this machine (cpu, cuda:0, cuda:1), got "
        "'cuda:2'. Name one of these, or none to let Mica choose."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        resolve_device("cuda:2")


def test_a_gpu_is_described_by_its_product(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H200")
    assert describe_device(torch.device("cuda", 0)) == "NVIDIA H200 (cuda:0)"
