"""Memory: freed memory is kept where it can be, and the peak is told."""

import platform
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from mica.engine import memory
from mica.engine.memory import KeptMemory, keep_freed_memory, peak_memory_bytes

on_glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="needs Linux with glibc"
)


@pytest.fixture(autouse=True)
def user_decided_nothing(monkeypatch):
    for name in (*memory.ENVIRONMENT, "GLIBC_TUNABLES"):
        monkeypatch.delenv(name, raising=False)
    memory._told_once.cache_clear()
    yield
    memory._told_once.cache_clear()


@pytest.fixture
def linux(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")


def fake_library(monkeypatch, largest: int) -> list[tuple[int, int]]:
    """A glibc that refuses to keep blocks above `largest` bytes; what it was told."""
    told = []

    def mallopt(parameter: int, value: int) -> int:
        told.append((parameter, value))
        return int(parameter != memory.M_MMAP_THRESHOLD or value <= largest)

    library = SimpleNamespace(mallopt=mallopt, gnu_get_libc_version=None)
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: library)
    return told


COUNT_FAULTS = """
import resource, torch
from mica.engine.memory import keep_freed_memory
{call}
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(2**24)  # 64 MiB: 16,384 pages of 4 KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(max([faults() for _ in range(8)][4:]))
"""


@on_glibc
def test_memory_that_was_kept_costs_no_page_faults():
    script = COUNT_FAULTS.format(call="keep_freed_memory()")
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 100


@on_glibc
def test_real_glibc_takes_the_settings():
    kept = keep_freed_memory()
    assert kept.kept_block_bytes in memory.KEPT_BLOCK_BYTES
    assert kept.reason == "glibc keeps blocks up to this size"


def test_freed_memory_is_never_trimmed(linux, monkeypatch):
    told = fake_library(monkeypatch, largest=2**30)
    assert keep_freed_memory().kept_block_bytes == 2**30
    assert told == [
        (memory.M_MMAP_THRESHOLD, 2**30),
        (memory.M_TRIM_THRESHOLD, -1),
        (memory.M_TOP_PAD, 2**26),
    ]


def test_the_c_library_is_told_once_in_a_process(linux, monkeypatch):
    told = fake_library(monkeypatch, largest=2**30)
    assert keep_freed_memory() is keep_freed_memory()
    assert len(told) == 3


def test_an_older_glibc_gets_a_smaller_block(linux, monkeypatch):
    fake_library(monkeypatch, largest=2**25)
    assert keep_freed_memory().kept_block_bytes == 2**25


def test_a_glibc_that_refuses_is_told(linux, monkeypatch):
    fake_library(monkeypatch, largest=0)
    assert keep_freed_memory() == KeptMemory(0, "glibc refused the settings")


@pytest.mark.parametrize("library", [SimpleNamespace(), OSError("no such library")])
def test_another_c_library_is_left_alone(library, linux, monkeypatch):
    def load(name: str) -> SimpleNamespace:
        if isinstance(library, OSError):
            raise library
        return library

    monkeypatch.setattr(memory.ctypes, "CDLL", load)
    assert keep_freed_memory() == KeptMemory(0, "the C library is not glibc")


def test_another_system_is_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_freed_memory() == KeptMemory(0, "darwin has its own allocator")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MALLOC_TRIM_THRESHOLD_", "1000"),
        ("GLIBC_TUNABLES", "glibc.malloc.trim_threshold=1000"),
    ],
)
def test_a_user_s_own_settings_stay(name, value, linux, monkeypatch):
    monkeypatch.setenv(name, value)
    assert keep_freed_memory() == KeptMemory(0, f"{name} is set in the environment")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_the_peak_remembers_memory_that_is_gone():
    before = peak_memory_bytes()
    torch.ones(2**26)  # 256 MiB
    after = peak_memory_bytes()
    assert before is not None
    assert after is not None
    assert after >= 2**28
    assert after - before <= 2**29


def test_the_peak_comes_from_the_system_where_there_is_no_status_file(monkeypatch):
    monkeypatch.setattr(memory, "_status_peak_bytes", lambda: None)
    pytest.importorskip("resource")
    assert (peak_memory_bytes() or 0) > 2**20


def test_a_system_that_does_not_tell_gives_none(monkeypatch, tmp_path):
    assert memory._status_peak_bytes(str(tmp_path / "absent")) is None
    (tmp_path / "status").write_text("Name: python\n")
    assert memory._status_peak_bytes(str(tmp_path / "status")) is None
    monkeypatch.setattr(memory, "_status_peak_bytes", lambda: None)
    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_memory_bytes(torch.device("cpu")) is None


def test_the_status_file_counts_in_kibibytes(tmp_path: Path):
    (tmp_path / "status").write_text("VmPeak:\t 9 kB\nVmHWM:\t  2048 kB\n")
    assert memory._status_peak_bytes(str(tmp_path / "status")) == 2**21


def test_a_gpu_tells_the_peak_of_its_tensors(monkeypatch):
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 42)
    assert peak_memory_bytes(torch.device("cuda", 0)) == 42
