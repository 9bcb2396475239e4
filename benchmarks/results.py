"""Results as files: one JSON per benchmark, and the page that shows them all."""

import json
import os
import platform
import time
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks.measure import Comparison

__all__ = ["PAGE", "describe_machine", "line", "render", "store"]

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"

TEMPLATE = """\
# Benchmarks

<!-- Written by `python -m benchmarks page` from benchmarks/results. -->

Candidates take turns in one run, so that a drift of the machine falls on all alike.
Times are medians over the rounds; the ratio is the median of the rounds' ratios, with
its 95 percent bootstrap interval.
"""
SECTION = """
## {name}

`python -m benchmarks {name}`, {date}: {machine}.

| what | candidate | against | time | time against | ratio | interval | promise |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |
{rows}
"""
ROW = (
    "| {name} | {of} | {to} | {of_seconds:.3f} s | {to_seconds:.3f} s | {ratio:.3f} "
    "| {ratio_low:.3f} to {ratio_high:.3f} | {limit} |"
)


def processor_name() -> str:
    """What the processor calls itself, where the system says so."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor() or platform.machine()


def describe_machine() -> str:
    """Processor, cores and versions, in one line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    return (
        f"{processor_name()}, {cores or os.cpu_count()} cores, "
        f"{torch.get_num_threads()} threads, Python {platform.python_version()}, "
        f"torch {torch.__version__}"
    )


def line(row: Comparison) -> str:
    """One row of a table."""
    return ROW.format(**asdict(row))


def store(name: str, rows: list[Comparison]) -> Path:
    """Write one benchmark's rows, with the machine and the day."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.json"
    result = {
        "name": name,
        "date": time.strftime("%Y-%m-%d"),
        "machine": describe_machine(),
        "rows": [asdict(row) for row in rows],
    }
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return path


def render(folder: Path = FOLDER) -> str:
    """The page: one section per stored result."""
    page = TEMPLATE
    for path in sorted(folder.glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        rows = "\n".join(ROW.format(**row) for row in result["rows"])
        page += SECTION.format(**{**result, "rows": rows})
    return page
