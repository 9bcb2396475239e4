"""What `mica info` says: versions, hardware and measured ceilings."""

import platform
from importlib.metadata import PackageNotFoundError, version

from mica.engine import default_device, inspect_hardware, measure_ceilings
from mica.report import Report, Table

__all__ = ["information"]

LIBRARIES = ("torch", "numpy", "safetensors", "scikit-learn", "pandas", "tensorboard")
GIGA = 1e9


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _hardware() -> Table:
    found = inspect_hardware()
    memory = found.memory_bytes
    rows = [
        ("processor", found.processor),
        ("cores", found.cores),
        ("instruction sets", ", ".join(found.instruction_sets) or "none that matter"),
        ("memory", "unknown" if memory is None else f"{memory / GIGA:.1f} GB"),
        *(
            ("accelerator", f"{each.name} ({each.device})")
            for each in found.accelerators
        ),
        ("Mica computes on", str(default_device())),
    ]
    return Table("Hardware", ("what", "value"), rows)


def _ceilings() -> Table:
    found = measure_ceilings()
    rows = [
        (
            f"matrix product, {name}",
            "not available" if speed is None else f"{speed / GIGA:,.0f} GFLOP/s",
        )
        for name, speed in (
            ("float32", found.float32_flops_per_second),
            ("bfloat16", found.bfloat16_flops_per_second),
        )
    ]
    rows.append(("copy", f"{found.copy_bytes_per_second / GIGA:.1f} GB/s"))
    return Table(f"Ceilings of {found.device}, measured", ("what", "speed"), rows)


def information(*, ceilings: bool = True) -> Report:
    """Gather what one needs to know about an installation.

    Args:
        ceilings: Whether to measure the machine's speed, which takes about 2 s.

    Returns:
        Versions, hardware and, when asked for, ceilings.
    """
    versions = Table(
        "Versions",
        ("what", "version"),
        [
            ("mica", _installed("mica-learn")),
            ("python", platform.python_version()),
            *((name, _installed(name)) for name in LIBRARIES),
        ],
    )
    parts = [versions, _hardware()]
    return Report("Mica", [*parts, _ceilings()] if ceilings else parts)
