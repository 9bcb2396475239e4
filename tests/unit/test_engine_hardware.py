"""Hardware: what is counted is what this process may use."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from mica.engine import hardware
from mica.engine.hardware import inspect_hardware, measure_ceilings, usable_cores


def processor(number: int, core: int, socket: int = 0) -> str:
    return (
        f"processor\t: {number}\nmodel name\t: Some CPU\nphysical id\t: {socket}\n"
        f"core id\t\t: {core}\nflags\t\t: fpu sse2 amx_bf16 avx2 amx_tile\n"
    )


def write(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("DOT", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Two cores of two threads each, 8 GiB, all of it for this process."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    blocks = [processor(0, 0), processor(1, 1), processor(2, 0), processor(3, 1)]
    return write(
        tmp_path,
        proc__cpuinfo="\n".join(blocks),
        proc__meminfo=f"MemTotal:  {8 * 2**20} kB\nMemFree: 1 kB\n",
        proc__self__cgroup="0::/group/job\n",
    )


def test_hyperthreads_are_not_cores(machine):
    assert usable_cores(machine) == 2


def test_the_same_core_number_on_two_sockets_is_two_cores(machine):
    blocks = [processor(0, 0, socket=0), processor(1, 0, socket=1)]
    write(machine, proc__cpuinfo="\n".join(blocks))
    assert usable_cores(machine) == 2


def test_cores_outside_the_affinity_are_not_ours(machine, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2}, raising=False)
    assert usable_cores(machine) == 1


@pytest.mark.parametrize(
    ("quota", "cores"),
    [
        ("100000 100000", 1),
        ("150000 100000", 1),
        ("20000 100000", 1),
        ("max 100000", 2),
    ],
)
def test_a_container_s_quota_counts(quota, cores, machine):
    write(machine, sys__fs__cgroup__group__job__cpuDOTmax=quota)
    assert usable_cores(machine) == cores


def test_a_quota_above_the_container_counts_too(machine):
    write(machine, sys__fs__cgroup__group__cpuDOTmax="100000 100000")
    assert usable_cores(machine) == 1


@pytest.mark.parametrize(("quota", "cores"), [("50000", 1), ("-1", 2)])
def test_the_older_kind_of_quota_counts(quota, cores, machine):
    write(
        machine,
        proc__self__cgroup="2:cpu,cpuacct:/job\n",
        **{
            "sys__fs__cgroup__cpu,cpuacct__job__cpuDOTcfs_quota_us": quota,
            "sys__fs__cgroup__cpu,cpuacct__job__cpuDOTcfs_period_us": "100000",
        },
    )
    assert usable_cores(machine) == cores


def test_without_any_file_the_processors_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    assert usable_cores(tmp_path) == 3


def test_without_affinity_the_processors_are_counted(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert usable_cores(tmp_path) == 5


def test_the_hardware_is_named(machine, monkeypatch):
    monkeypatch.setattr(hardware, "_accelerators", tuple)
    found = inspect_hardware(machine)
    assert found.processor == "Some CPU"
    assert found.instruction_sets == ("avx2", "amx_tile", "amx_bf16")
    assert found.memory_bytes == 8 * 2**30
    assert found.accelerators == ()


@pytest.mark.parametrize(
    ("limit", "expected"), [("1073741824\n", 2**30), ("max\n", 8 * 2**30)]
)
def test_a_container_s_share_of_memory_counts(limit, expected, machine):
    write(machine, sys__fs__cgroup__group__job__memoryDOTmax=limit)
    assert inspect_hardware(machine).memory_bytes == expected


def test_a_machine_that_tells_nothing_has_unknown_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(hardware.sys, "platform", "win32")
    found = inspect_hardware(tmp_path)
    assert found.memory_bytes is None
    assert found.processor


def test_gpus_are_listed_with_their_memory(monkeypatch):
    monkeypatch.setattr(
        hardware,
        "available_devices",
        lambda: (torch.device("cpu"), torch.device("cuda", 0)),
    )
    properties = SimpleNamespace(total_memory=10, name="NVIDIA H200")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    [gpu] = inspect_hardware().accelerators
    assert gpu == hardware.Accelerator("cuda:0", "NVIDIA H200", 10)


def test_another_kind_of_accelerator_is_listed_by_its_device(monkeypatch):
    devices = (torch.device("cpu"), torch.device("mps", 0))
    monkeypatch.setattr(hardware, "available_devices", lambda: devices)
    assert inspect_hardware().accelerators == (
        hardware.Accelerator("mps:0", "mps:0", None),
    )


def test_ceilings_are_rates_a_machine_can_have():
    ceilings = measure_ceilings("cpu", seconds=0.05)
    assert ceilings.device == "cpu"
    assert 1e7 < ceilings.float32_flops_per_second < 1e15
    assert 1e6 < ceilings.bfloat16_flops_per_second < 1e16
    assert 1e7 < ceilings.copy_bytes_per_second < 1e13


def test_measuring_draws_nothing_from_the_global_generator():
    before = torch.get_rng_state()
    measure_ceilings("cpu", seconds=0.0)
    assert torch.equal(before, torch.get_rng_state())


def test_the_files_of_this_machine_are_read_once(monkeypatch):
    expected = usable_cores()
    monkeypatch.setattr("mica.engine.hardware._read", lambda path: 1 / 0)
    assert usable_cores() == expected
