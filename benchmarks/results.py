"""Results as files: one JSON per benchmark, and the page that shows them all."""

import json
import os
import platform
import time
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch

from benchmarks import accuracy, advice, programs, regret
from benchmarks.cpu import HALF, OURS, TUNED, Race
from benchmarks.measure import Comparison
from benchmarks.peers.environments import PEERS

__all__ = ["PAGE", "describe_machine", "keep", "line", "render", "store"]

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"

TEMPLATE = """\
# Benchmarks

<!-- Written by `python -m benchmarks page` from benchmarks/results. -->

Candidates take turns in one run, so that a drift of the machine falls on all alike.
Times are medians over the rounds; the ratio is the median of the rounds' ratios, with
its 95 percent bootstrap interval. Every part says its command, machine and day. `cpu`,
`regret`, `accuracy`, `advice` and `time` store what they have after every item, and
`--only` measures some items anew and leaves the others. Data sets are found through
MICA_DATASETS. A machine that does something else at the same time spoils them all.
"""
# The parts of the page; others follow by the alphabet.
ORDER = ("cpu", "time", "regret", "accuracy", "advice")
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

RACES = """
## {name}

`python -m benchmarks peers` makes the environments, `python -m benchmarks {name}` lets
the frameworks train, epoch by epoch in turns, each in its own process: same networks,
data in memory, Adam. The medians over the rounds, in samples per second; in brackets
the largest memory of the process. Versions: {versions}.

| workload | {peers} |
| --- | {rules} |
{rows}

How many times as fast as another framework, with its 95 percent bootstrap interval:
Mica as it is, and in float32 (`set_precision`), beside the best of the frameworks and
the plain loop as people write them, which the promises speak of ("tiny": of the loop);
and beside the best of the loops tuned by hand for this machine, in float32 that one.
The promises are for two cores with AMX, which multiply bfloat16 five times as fast as
float32.

| workload | Mica | promise | float32 | promise | tuned loops | float32 | rounds, day |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |
{ratios}

How fast that is: GFLOP/s of products and convolutions, forward and backward, of Mica
and the best other one, each as it is and in float32, and what a product of two matrices
of 1,024 x 1,024 reached in the same minutes. Where a framework is near that, no other
one can be much faster in the same precision.

| workload | MFLOP | Mica | float32 | other | float32 | product | bfloat16 product |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{arithmetic}

Plans that Mica found, and peers that could not run:

{notes}
"""

# Benchmarks whose rows are not comparisons write their own part of the page.
SECTIONS = {
    "accuracy": accuracy.section,
    "advice": advice.section,
    "regret": regret.section,
    "time": programs.section,
}


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


def keep(name: str, item: dict[str, Any]) -> Path:
    """Add one item to a benchmark's results; an older one of its name gives way.

    The others stay, each with its own day and machine: an interrupted run loses nothing
    and a run of some items leaves the rest alone.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.json"
    items = {}
    if path.exists():
        known = json.loads(path.read_text(encoding="utf-8"))
        items = {each["name"]: each for each in known["items"]}
    day = time.strftime("%Y-%m-%d")
    items[item["name"]] = {**item, "date": day, "machine": describe_machine()}
    result = {"name": name, "items": list(items.values())}
    written = path.with_suffix(".part")
    written.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    written.replace(path)
    return path


def _where(items: list[dict[str, Any]]) -> str:
    """The days and machines of some items."""
    found = sorted({(each["date"], each["machine"]) for each in items})
    return "".join(f", {day}: {machine}" for day, machine in found)


def _bare(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Items as they were kept, without day and machine."""
    added = ("date", "machine")
    return [
        {key: value for key, value in each.items() if key not in added}
        for each in items
    ]


def _against(found: Race, peer: str, others: list[str]) -> str:
    best = found.best(others)
    if best is None or peer not in found.seconds:
        return ""
    if found.against in others and found.against in found.seconds:
        best = found.against
    middle, low, high = found.ratio(peer, best)
    return f"{middle:.2f} ({low:.2f} to {high:.2f}; {best.strip('-')})"


def _arithmetic(found: Race, others: list[str], whole: list[str]) -> str:
    """GFLOP/s of a workload, beside those of matrix products."""
    best = (found.best(others), found.best(whole))
    peers = ("mica-auto", "mica-float32", *best)
    rates = [
        f"{found.flops * found.rate(peer) / 1e9:,.0f}" if peer in found.seconds else ""
        for peer in peers
    ]
    products = [
        f"{found.ceilings[kind] / 1e9:,.0f}" for kind in ("float32", "bfloat16")
    ]
    cells = [found.name, f"{found.flops / 1e6:,.2f}", *rates, *products]
    return f"| {' | '.join(cells)} |"


def _races(result: dict[str, Any]) -> str:
    rows, ratios, notes, versions, arithmetic = [], [], [], {}, []
    for each in result["items"]:
        names = {field.name for field in fields(Race)}
        found = Race(**{key: value for key, value in each.items() if key in names})
        versions |= found.versions
        cells = [
            f"{found.rate(peer):,.0f} ({found.peak_bytes[peer] / 1e9:.1f} GB)"
            if peer in found.seconds
            else ""
            for peer in PEERS
        ]
        rows.append(f"| {found.name}: {found.what} | {' | '.join(cells)} |")
        others = [peer for peer in PEERS if peer not in OURS]
        whole = [peer for peer in others if peer not in HALF]
        plain = [peer for peer in others if peer not in TUNED]
        rounds = max(map(len, found.seconds.values()), default=0)
        cells = [
            found.name,
            _against(found, "mica-auto", plain),
            f"{found.promises['auto'] or ''}",
            _against(found, "mica-float32", plain),
            f"{found.promises['float32'] or ''}",
            _against(found, "mica-auto", list(TUNED)),
            _against(found, "mica-float32", [each for each in TUNED if each in whole]),
            f"{rounds}, {each['date']}, {each['machine']}",
        ]
        ratios.append(f"| {' | '.join(cells)} |")
        if found.ceilings:
            arithmetic.append(_arithmetic(found, others, whole))
        notes += [
            f"- {found.name}, {peer.strip('-')}: {note}"
            for peer, note in found.notes.items()
        ]
    return RACES.format(
        name=result["name"],
        versions=", ".join(f"{key} {value}" for key, value in sorted(versions.items())),
        peers=" | ".join(peer.strip("-") for peer in PEERS),
        rules=" | ".join("---:" for _ in PEERS),
        rows="\n".join(rows),
        ratios="\n".join(ratios),
        arithmetic="\n".join(arithmetic),
        notes="\n".join(notes) or "None.",
    )


def render(folder: Path | None = None) -> str:
    """The page: one section per stored result."""
    page = TEMPLATE

    def place(path: Path) -> tuple[int, str]:
        known = path.stem in ORDER
        return ORDER.index(path.stem) if known else len(ORDER), path.stem

    for path in sorted((folder or FOLDER).glob("*.json"), key=place):
        result = json.loads(path.read_text(encoding="utf-8"))
        if result["name"] in SECTIONS:
            write = SECTIONS[result["name"]]
            page += write(_bare(result["items"]), _where(result["items"]))
            continue
        if "items" in result:
            page += _races(result)
            continue
        rows = "\n".join(ROW.format(**row) for row in result["rows"])
        page += SECTION.format(**{**result, "rows": rows})
    return page
