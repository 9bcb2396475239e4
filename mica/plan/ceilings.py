"""Ceilings: the most this machine can do, measured once on random data and kept."""

import json
import math
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from mica.engine import (
    Recording,
    cache_folder,
    describe_device,
    inspect_hardware,
    resolve_device,
)
from mica.engine.multiplication import (
    multiplication_scope,
    multiplies_tf32,
    processor_products,
)
from mica.plan.timing import wait
from mica.training import atomic_file

__all__ = [
    "Limits",
    "find_limits",
    "forget_limits",
    "measure_limits",
    "raised",
    "remember_limits",
]

FORMAT = 1  # of the file; another number is not read
PRECISIONS = {
    "float32": torch.float32,
    "tf32": torch.float32,  # where the device multiplies it
    "bfloat16": torch.bfloat16,
    "float64": torch.float64,
}
COPIED_BYTES = (2**15, 2**18, 2**21, 2**24, 2**26)  # of one tensor, cache by cache
SHORTEST_TIMED = 2e-4  # seconds; what takes less is repeated
NEAR = 4  # an operation may find this share of its bytes in a faster cache

_found: dict[str, "Limits"] = {}


@dataclass(frozen=True)
class Limits:
    """The most a device was seen to do, for a number of threads.

    Args:
        device: Where it was measured.
        threads: Processor threads it was measured with.
        flops_per_second: By the numbers' precision: the faster one of matrix product
            and convolution.
        bytes_per_second: (bytes of a tensor, bytes read and written in a second), from
            tensors that the fastest cache holds to those that none does; the fastest
            one of copy, sum and addition in place.
        seconds_per_operation: What torch needs to launch one operation of a tiny layer
            in training.
        seconds_per_kernel: The least an operation takes, launched with others as one
            piece where the device can do that.

    Example:
        >>> limits = Limits("cpu", 1, {"float32": 1e11}, ((1024, 1e10),), 5e-6, 1e-6)
        >>> limits.compute_seconds(1e9, "float32"), limits.memory_seconds(1e6)
        (0.01, 0.0001)
    """

    device: str
    threads: int
    flops_per_second: Mapping[str, float]
    bytes_per_second: tuple[tuple[int, float], ...]
    seconds_per_operation: float
    seconds_per_kernel: float

    def compute_seconds(self, flops: float, precision: str) -> float:
        """Say how long arithmetic takes at least.

        flops / ceiling of the precision

        Args:
            flops: Multiplications and additions.
            precision: A name such as "float32"; an unknown one is taken for the
                fastest.

        Returns:
            Seconds.
        """
        fastest = max(self.flops_per_second.values())
        return flops / self.flops_per_second.get(precision, fastest)

    def bandwidth(self, num_bytes: float) -> float:
        """Give the fastest way to move some bytes.

        A quarter of them may still be in a faster cache, so smaller tensors count too.

        Args:
            num_bytes: Read and written in one operation.

        Returns:
            Bytes per second.
        """
        fitting = [
            rate for size, rate in self.bytes_per_second if size >= num_bytes / NEAR
        ]
        return max(fitting, default=self.bytes_per_second[-1][1])

    def memory_seconds(self, num_bytes: float) -> float:
        """Say how long an operation moves bytes at least.

        Args:
            num_bytes: Read and written in one operation.

        Returns:
            Seconds.
        """
        return num_bytes / self.bandwidth(num_bytes)


def raised(one: Limits, other: Limits) -> Limits:
    """Join two measurements of one machine: a ceiling is the most ever seen.

    Args:
        one: A measurement.
        other: Another one.

    Returns:
        The higher rates and the shorter times.

    Example:
        >>> low = Limits("cpu", 1, {"float32": 1.0}, ((1024, 2.0),), 2.0, 1.0)
        >>> high = Limits("cpu", 1, {"float32": 3.0}, ((1024, 1.0),), 1.0, 1.0)
        >>> raised(low, high).flops_per_second
        {'float32': 3.0}
    """
    return Limits(
        one.device,
        one.threads,
        {
            name: max(rate, other.flops_per_second.get(name, 0.0))
            for name, rate in one.flops_per_second.items()
        },
        tuple(
            (size, max(rate, dict(other.bytes_per_second).get(size, 0.0)))
            for size, rate in one.bytes_per_second
        ),
        min(one.seconds_per_operation, other.seconds_per_operation),
        min(one.seconds_per_kernel, other.seconds_per_kernel),
    )


def _shortest(
    run: Callable[[], object],
    device: torch.device,
    seconds: float,
    clock: Callable[[], float],
) -> float:
    """The shortest of all runs that fit into some seconds; noise only adds to it.

    Short runs are timed several in a row: the processor's clock moves in steps.
    """

    def timed(times: int) -> float:
        wait(device)
        started = clock()
        for _ in range(times):
            run()
        wait(device)
        return (clock() - started) / times

    timed(1)  # pays for what is set up once
    times = min(1000, max(1, math.ceil(SHORTEST_TIMED / max(timed(1), 1e-9))))
    best, begin, rounds = math.inf, clock(), 0
    while rounds < 3 or best == math.inf or clock() - begin < seconds:
        took = timed(times)
        best = min(best, took) if took > 0 else best
        rounds += 1
    return best


def measure_limits(
    device: str | torch.device | None = None,
    *,
    seconds: float = 2.0,
    clock: Callable[[], float] | None = None,
) -> Limits:
    """Measure what a device can do, on random data.

    Matrix products and convolutions in each precision that the device has, copies and
    additions from the size of the fastest cache to beyond the slowest, and the launch
    of tiny operations.

    Args:
        device: Where; None for the default one.
        seconds: How long it takes, about.
        clock: Gives seconds; None for the wall's, and with one thread the processor's
            own, which does not count what else the machine does.

    Returns:
        The limits.

    Example:
        >>> measure_limits("cpu", seconds=0.01).flops_per_second["float32"] > 1e6
        True
    """
    place = resolve_device(device)
    on_processor = place.type == "cpu"
    generator = torch.Generator(place).manual_seed(0)
    if clock is None:
        alone = on_processor and torch.get_num_threads() == 1
        clock = time.thread_time if alone else time.perf_counter
    read: Callable[[], float] = clock

    def drawn(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, device=place, generator=generator)

    def flops(name: str) -> float:
        dtype = PRECISIONS[name]
        size = 768 if on_processor else 8192
        if dtype is torch.float64:
            size //= 2
        left, right = drawn(size, size).to(dtype), drawn(size, size).to(dtype)
        product = _shortest(lambda: left @ right, place, seconds / 8, read)
        rows = 8 if on_processor else 256
        images = drawn(rows, 64, 32, 32).to(dtype, memory_format=torch.channels_last)
        kernel = drawn(64, 64, 3, 3).to(dtype, memory_format=torch.channels_last)
        convolved = _shortest(
            lambda: functional.conv2d(images, kernel), place, seconds / 16, clock
        )
        counted = 2 * rows * 30 * 30 * 64 * 64 * 9
        return max(2 * size**3 / product, counted / convolved)

    largest = drawn(COPIED_BYTES[-1] // 4)
    other = largest.clone()

    def bandwidth(num_bytes: int) -> float:
        share = seconds / 60
        source, target = (each[: num_bytes // 4] for each in (largest, other))
        ways = (
            (2, lambda: target.copy_(source)),
            (2, lambda: target.mul_(0.5)),
            (3, lambda: target.add_(source)),
            (1, source.sum),
        )
        return max(
            moved * num_bytes / _shortest(way, place, share, read)
            for moved, way in ways
        )

    with torch.no_grad():
        rates = {}
        for name in _precisions(place):
            with multiplication_scope(place, name):
                rates[name] = flops(name)
        moved = tuple((size, bandwidth(size)) for size in COPIED_BYTES)
        kernel = _kernel_seconds(place, seconds / 30, read)
    return Limits(
        describe_device(place),
        torch.get_num_threads(),
        rates,
        moved,
        max(_operation_seconds(place, seconds / 30, read), kernel),
        kernel,
    )


def _precisions(device: torch.device) -> list[str]:
    tf32 = multiplies_tf32(device)
    return [name for name in PRECISIONS if name != "tf32" or tf32]


def _kernel_seconds(
    device: torch.device, seconds: float, clock: Callable[[], float]
) -> float:
    """The least an operation takes: many tiny ones, launched together if possible."""
    number, count = torch.ones(1, device=device), 100
    recording = Recording(device)

    def many() -> None:
        for _ in range(count):
            number.neg_()

    with recording.warm_up():
        many()
    recording.record(many)
    return _shortest(recording.replay, device, seconds, clock) / count


def _operation_seconds(
    device: torch.device, seconds: float, clock: Callable[[], float]
) -> float:
    """What launching costs in training: a tiny layer forward and back, by operation."""
    layers = [torch.nn.Linear(4, 4, device=device) for _ in range(10)]
    operations = 4 * len(layers)  # a product; and backward two products and a sum
    network = torch.nn.Sequential(*layers)
    row = torch.ones(1, 4, device=device)

    def there_and_back() -> None:
        torch.autograd.grad(network(row), tuple(network.parameters()), row)

    return _shortest(there_and_back, device, seconds, clock) / operations


def find_limits(device: str | torch.device | None = None) -> Limits:
    """Give what a device can do: remembered, or measured now and remembered.

    Kept for the hardware, the threads and torch's version in the user's cache folder; a
    file that is damaged or from elsewhere is measured anew.

    Args:
        device: Where; None for the default one.

    Returns:
        The limits.

    Example:
        >>> limits = find_limits("cpu")
        >>> find_limits("cpu") == limits
        True
    """
    place = resolve_device(device)
    key = _key(place)
    if key not in _found:
        read = _read(key, _precisions(place))
        if read is None:
            read = measure_limits(place)
            remember_limits(place, read)
        _found[key] = read
    return _found[key]


def remember_limits(device: str | torch.device | None, limits: Limits) -> None:
    """Keep limits for the next time; a disk that cannot be written is no matter.

    Args:
        device: Where they were measured.
        limits: What was found.
    """
    key = _key(resolve_device(device))
    _found[key] = limits
    with suppress(OSError):
        kept = _entries()
        kept[key] = asdict(limits)
        text = json.dumps({"format": FORMAT, "limits": kept})
        # Whole or not at all: another process may be reading.
        with atomic_file(_file(), where="explain") as file:
            file.write(text.encode())


def forget_limits() -> None:
    """Forget what was measured, here and on the disk.

    Example:
        >>> forget_limits()
    """
    _found.clear()
    with suppress(OSError):
        _file().unlink()


def _file() -> Path:
    return cache_folder("ceilings") / "limits.json"


def _key(device: torch.device) -> str:
    """All that the limits depend on."""
    hardware = inspect_hardware()
    return " | ".join(
        (
            hardware.processor,
            f"{hardware.cores} cores",
            describe_device(device),
            f"{torch.get_num_threads()} threads",
            processor_products(),
            f"torch {torch.__version__}",
            platform.system(),
        )
    )


def _entries() -> dict[str, Any]:
    with suppress(OSError, ValueError):
        kept = json.loads(_file().read_text(encoding="utf-8"))
        if isinstance(kept, dict) and kept.get("format") == FORMAT:
            entries = kept.get("limits")
            return entries if isinstance(entries, dict) else {}
    return {}


def _read(key: str, precisions: Sequence[str]) -> Limits | None:
    """What was kept, when it is whole and can be true."""
    try:
        entry = _entries()[key]
        limits = Limits(
            str(entry["device"]),
            int(entry["threads"]),
            {name: float(entry["flops_per_second"][name]) for name in precisions},
            tuple((int(size), float(r)) for size, r in entry["bytes_per_second"]),
            float(entry["seconds_per_operation"]),
            float(entry["seconds_per_kernel"]),
        )
    except (KeyError, TypeError, ValueError):
        return None
    numbers = [
        *limits.flops_per_second.values(),
        *(rate for _, rate in limits.bytes_per_second),
        limits.seconds_per_operation,
        limits.seconds_per_kernel,
    ]
    sizes = tuple(size for size, _ in limits.bytes_per_second)
    whole = all(math.isfinite(number) and number > 0 for number in numbers)
    return limits if whole and sizes == COPIED_BYTES else None
