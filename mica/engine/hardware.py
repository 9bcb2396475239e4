"""Hardware: what this machine is, and how fast it can possibly compute and copy."""

import functools
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from mica.engine.device import available_devices, describe_device, resolve_device

__all__ = [
    "Accelerator",
    "Ceilings",
    "Hardware",
    "inspect_hardware",
    "measure_ceilings",
    "usable_cores",
]

HERE = Path("/")  # below it `proc` and `sys` are found
# Instruction sets that decide how fast matrix products are, narrowest first, in the
# words of Linux's /proc/cpuinfo.
INSTRUCTION_SETS = (
    "avx2",
    "avx512f",
    "avx512_bf16",
    "amx_tile",
    "amx_bf16",
    "amx_int8",
    "asimd",
    "sve",
    "bf16",
)
UNLIMITED_BYTES = 2**60  # cgroup v1 writes about 2**63 for "no limit"


@dataclass(frozen=True)
class Accelerator:
    """One GPU or the like.

    Args:
        device: Its name in torch.
        name: The product's name.
        memory_bytes: Its own memory; `None` when unknown.

    Example:
        >>> Accelerator("cuda:0", "NVIDIA H200", 150 * 10**9).name
        'NVIDIA H200'
    """

    device: str
    name: str
    memory_bytes: int | None


@dataclass(frozen=True)
class Hardware:
    """What this process may use of this machine.

    Args:
        processor: The product's name.
        cores: Physical cores this process may use: its affinity and its container's
            quota count, hyperthreads do not.
        instruction_sets: Those that decide the speed of matrix products.
        memory_bytes: Main memory, or the container's share; `None` when unknown.
        accelerators: GPUs and the like.

    Example:
        >>> inspect_hardware().cores >= 1
        True
    """

    processor: str
    cores: int
    instruction_sets: tuple[str, ...]
    memory_bytes: int | None
    accelerators: tuple[Accelerator, ...]


@dataclass(frozen=True)
class Ceilings:
    """The most a device was seen to do: FLOP/s of matrix products, bytes/s of copies.

    Args:
        device: Where it was measured.
        float32_flops_per_second: Product of two float32 matrices.
        bfloat16_flops_per_second: Product of two bfloat16 matrices.
        copy_bytes_per_second: Bytes read plus bytes written, for a copy that no
            cache holds.

    Example:
        >>> Ceilings("cpu", 2e11, 4e11, 4e10).device
        'cpu'
    """

    device: str
    float32_flops_per_second: float
    bfloat16_flops_per_second: float
    copy_bytes_per_second: float


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _processors(root: Path) -> list[dict[str, str]]:
    """One table of fields per logical processor, as /proc/cpuinfo lists them."""
    tables = []
    for block in _read(root / "proc/cpuinfo").strip().split("\n\n"):
        pairs = (line.partition(":") for line in block.splitlines())
        tables.append({key.strip(): value.strip() for key, _, value in pairs})
    return [table for table in tables if "processor" in table]


def _cgroup_folders(root: Path) -> list[Path]:
    """The control groups that limit this process, its own first, then its parents."""
    top = root / "sys/fs/cgroup"
    folders = [top, top / "cpu", top / "memory"]
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        base = top / controllers if controllers else top
        parts = Path(path.lstrip("/"))
        folders += [base / folder for folder in (parts, *parts.parents)]
    return folders


def _quota_cores(root: Path) -> float:
    """Processors' worth of time the container may use; infinite without a limit."""
    quotas = [float("inf")]
    for folder in _cgroup_folders(root):
        words = _read(folder / "cpu.max").split()
        if not words:
            words = _read(folder / "cpu.cfs_quota_us").split()
            words += _read(folder / "cpu.cfs_period_us").split()
        if len(words) == 2 and words[0] not in ("max", "-1"):
            quotas.append(int(words[0]) / int(words[1]))
    return min(quotas)


def usable_cores(root: Path = HERE) -> int:
    """Count the physical cores this process may use.

    min(physical cores in the process's affinity, container's quota), at least 1

    The affinity is asked each time; a quota that changes while the process runs is not
    seen.

    Args:
        root: Where `proc` and `sys` are found.

    Returns:
        The count; logical processors where the system does not tell which belong to
        one core.

    Example:
        >>> usable_cores() >= 1
        True
    """
    if hasattr(os, "sched_getaffinity"):
        allowed = os.sched_getaffinity(0)
    else:
        allowed = set(range(os.cpu_count() or 1))
    known = root == HERE  # asked in every call of predict: the files are read once
    return (_count_cores_once if known else _count_cores)(root, frozenset(allowed))


def _count_cores(root: Path, allowed: frozenset[int]) -> int:
    cores = {
        (table.get("physical id"), table.get("core id", table["processor"]))
        for table in _processors(root)
        if int(table["processor"]) in allowed
    }
    return max(1, int(min(len(cores) or len(allowed), _quota_cores(root))))


_count_cores_once = functools.cache(_count_cores)


def _memory_bytes(root: Path) -> int | None:
    limits = []
    for line in _read(root / "proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            limits.append(int(line.split()[1]) * 1024)  # the kernel writes KiB
    for folder in _cgroup_folders(root):
        for name in ("memory.max", "memory.limit_in_bytes"):
            text = _read(folder / name).strip()
            if text.isdigit() and int(text) < UNLIMITED_BYTES:
                limits.append(int(text))
    if not limits and sys.platform == "darwin":
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return min(limits, default=None)


def _accelerators() -> tuple[Accelerator, ...]:
    found = []
    for device in available_devices()[1:]:
        memory, name = None, str(device)
        if device.type == "cuda":
            properties = torch.cuda.get_device_properties(device)
            memory, name = properties.total_memory, properties.name
        found.append(Accelerator(str(device), name, memory))
    return tuple(found)


def inspect_hardware(root: Path = Path("/")) -> Hardware:
    """Look up what this process may use of this machine.

    Args:
        root: Where `proc` and `sys` are found.

    Returns:
        Names, counts and sizes; nothing is measured.

    Example:
        >>> len(inspect_hardware().processor) > 0
        True
    """
    first = next(iter(_processors(root)), {})
    flags = set((first.get("flags") or first.get("Features") or "").split())
    processor = first.get("model name") or platform.processor() or platform.machine()
    return Hardware(
        processor=processor,
        cores=usable_cores(root),
        instruction_sets=tuple(flag for flag in INSTRUCTION_SETS if flag in flags),
        memory_bytes=_memory_bytes(root),
        accelerators=_accelerators(),
    )


def _shortest_seconds(
    run: Callable[[], object], device: torch.device, seconds: float
) -> float:
    """The shortest of as many runs as fit: what the machine can do undisturbed."""

    def once() -> float:
        started = time.perf_counter()
        run()
        if device.type != "cpu":
            torch.accelerator.synchronize(device)
        return time.perf_counter() - started

    deadline = time.perf_counter() + seconds
    shortest = once()  # the first run also warms up and may be the only one
    while time.perf_counter() < deadline:
        shortest = min(shortest, once())
    return shortest


def measure_ceilings(
    device: str | torch.device | None = None, *, seconds: float = 2.0
) -> Ceilings:
    """Measure how fast a device multiplies matrices and copies memory.

    FLOP/s = 2 size**3 / shortest time; bytes/s = 2 bytes / shortest time. Random data:
    some processors are faster on zeros.

    Args:
        device: Where; `None` means `default_device()`.
        seconds: About how long to take, divided over the three measurements.

    Returns:
        The ceilings, a lower bound of what the device can do.

    Raises:
        ConfigError: `device` is not one of this machine.

    Example:
        >>> measure_ceilings("cpu", seconds=0.01).copy_bytes_per_second > 1e6
        True
    """
    place = resolve_device(device)
    on_processor = place.type == "cpu"
    size = 1024 if on_processor else 8192
    copied_bytes = 2**27 if on_processor else 2**30
    generator = torch.Generator(place).manual_seed(0)
    share = seconds / 3

    def product_flops_per_second(dtype: torch.dtype) -> float:
        left, right = (
            torch.rand(size, size, device=place, generator=generator).to(dtype)
            for _ in range(2)
        )
        out = torch.empty_like(left)
        run = _shortest_seconds(lambda: torch.mm(left, right, out=out), place, share)
        return 2 * size**3 / run

    source = torch.rand(copied_bytes // 4, device=place, generator=generator)
    target = torch.empty_like(source)
    copy_seconds = _shortest_seconds(lambda: target.copy_(source), place, share)
    return Ceilings(
        device=describe_device(place),
        float32_flops_per_second=product_flops_per_second(torch.float32),
        bfloat16_flops_per_second=product_flops_per_second(torch.bfloat16),
        copy_bytes_per_second=2 * copied_bytes / copy_seconds,
    )
