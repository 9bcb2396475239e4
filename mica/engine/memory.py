"""Memory: an allocator that keeps what it has freed, and the peak of a process."""

import ctypes
import functools
import os
import sys
from typing import NamedTuple

import torch

__all__ = [
    "KeptMemory",
    "free_memory_bytes",
    "give_back_memory",
    "is_out_of_memory",
    "keep_freed_memory",
    "peak_memory_bytes",
]

# glibc, malloc.h: the numbers of mallopt's parameters.
M_TRIM_THRESHOLD = -1
M_TOP_PAD = -2
M_MMAP_THRESHOLD = -3

NEVER = -1  # glibc's own word for "do not trim"
# Blocks up to this size are kept: bytes. Older glibc refuses more than the second.
KEPT_BLOCK_BYTES = (2**30, 2**25)
TOP_PAD_BYTES = 2**26  # the heap grows by at least this much at a time

# A user who set one of these has decided already.
ENVIRONMENT = (
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_TRIM_THRESHOLD_",
    "MALLOC_MMAP_MAX_",
    "MALLOC_TOP_PAD_",
)


class KeptMemory(NamedTuple):
    """What `keep_freed_memory` did.

    Example:
        >>> KeptMemory(0, "the C library is not glibc").reason
        'the C library is not glibc'
    """

    kept_block_bytes: int  # largest block that is kept for reuse; 0 when nothing is
    reason: str


def keep_freed_memory() -> KeptMemory:
    """Tell the C library to keep freed memory instead of returning it to the system.

    It is told once in a process, however often this is called.

    Every training step allocates and frees the same activations. Left alone, glibc
    gives large blocks and the free end of its heap back at once, and each step pays
    page faults to get them again. Kept, they are reused: convolutional networks gain
    most, and the process holds its peak until it ends. Only on Linux with glibc;
    elsewhere nothing is done and the result says so. It cannot be undone: glibc does
    not tell which settings it had.

    Returns:
        The largest block kept, and why it is that.

    Example:
        >>> keep_freed_memory() == keep_freed_memory()
        True
    """
    return _told_once()


def _tell() -> KeptMemory:
    if not sys.platform.startswith("linux"):
        return KeptMemory(0, f"{sys.platform} has its own allocator")
    for name in ENVIRONMENT:
        if name in os.environ:
            return KeptMemory(0, f"{name} is set in the environment")
    if "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", ""):
        return KeptMemory(0, "GLIBC_TUNABLES is set in the environment")
    try:
        library = ctypes.CDLL("libc.so.6")
        library.gnu_get_libc_version  # noqa: B018  # looked up: musl has none
        mallopt = library.mallopt
    except (OSError, AttributeError):
        return KeptMemory(0, "the C library is not glibc")
    for block_bytes in KEPT_BLOCK_BYTES:
        if mallopt(M_MMAP_THRESHOLD, block_bytes) == 1:
            mallopt(M_TRIM_THRESHOLD, NEVER)
            mallopt(M_TOP_PAD, TOP_PAD_BYTES)
            return KeptMemory(block_bytes, "glibc keeps blocks up to this size")
    return KeptMemory(0, "glibc refused the settings")


_told_once = functools.cache(_tell)


# What torch's allocator for the processor says when it gets no memory.
_REFUSALS = ("can't allocate memory", "not enough memory", "out of memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory ran out.

    Args:
        error: What was raised.

    Returns:
        Whether Python or torch got no memory, of a device or of the machine.

    Example:
        >>> is_out_of_memory(MemoryError()), is_out_of_memory(ValueError("no"))
        (True, False)
    """
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    said = str(error).lower()
    return isinstance(error, RuntimeError) and any(word in said for word in _REFUSALS)


def free_memory_bytes(
    device: torch.device | None = None, root: str = "/"
) -> int | None:
    """Tell how much memory this process can still take.

    Args:
        device: A GPU, or None or the processor for main memory.
        root: Where `proc` and `sys` are found.

    Returns:
        Bytes, within the container's limit; None where the system does not tell.

    Example:
        >>> (free_memory_bytes() or 2**30) > 0
        True
    """
    if device is not None and device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        reserved = torch.cuda.memory_reserved(device)
        return free + reserved - torch.cuda.memory_allocated(device)
    found = []
    for line in _lines(f"{root}/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            found.append(int(line.split()[1]) * 1024)  # the kernel writes KiB
    for limit, usage in (
        ("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory.current"),
        (
            "sys/fs/cgroup/memory/memory.limit_in_bytes",
            "sys/fs/cgroup/memory/memory.usage_in_bytes",
        ),
    ):
        words = [*_lines(f"{root}/{limit}")[:1], *_lines(f"{root}/{usage}")[:1]]
        if len(words) == 2 and all(word.strip().isdigit() for word in words):
            found.append(max(0, int(words[0]) - int(words[1])))
    return min(found, default=None)


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="ascii", errors="replace") as lines:
            return list(lines)
    except OSError:
        return []


def give_back_memory(device: torch.device) -> None:
    """Give memory that nobody uses back to a GPU; on the processor there is no need.

    Args:
        device: Where.

    Example:
        >>> give_back_memory(torch.device("cpu"))
    """
    if device.type == "cuda":
        torch.cuda.empty_cache()


def _status_peak_bytes(path: str = "/proc/self/status") -> int | None:
    """Linux's high-water mark; getrusage's would include the parent's before exec."""
    try:
        with open(path, encoding="ascii", errors="replace") as lines:
            for line in lines:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024  # the kernel writes KiB
    except OSError:
        pass
    return None


def _usage_peak_bytes() -> int | None:
    try:
        import resource
    except ImportError:  # Windows has none
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def peak_memory_bytes(device: torch.device | None = None) -> int | None:
    """Tell the most memory this process has held at once.

    Args:
        device: A GPU, for the most its tensors have held; `None` or the processor for
            the process's resident memory.

    Returns:
        Bytes; `None` where the system does not tell.

    Example:
        >>> peak_memory_bytes() > 2**20
        True
    """
    if device is not None and device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return _status_peak_bytes() or _usage_peak_bytes()
