"""The same training in every framework, epoch by epoch in turns, on the processor.

`python -m benchmarks cpu [--only tiny,mlp] [--rounds 7]`. Every framework is a process
that waits; the driver lets one at a time train an epoch. The first epochs warm up and
are dropped: in them libraries compile, and Mica looks for its plan.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.measure import interval, take_turns
from benchmarks.peers.environments import PEERS, find_python
from benchmarks.workloads import WORKLOADS, Workload

__all__ = ["Race", "run"]

ROOT = Path(__file__).resolve().parent.parent
WARM_UP = 1  # epochs before those that `take_turns` drops, too
OURS = ("mica-auto", "mica-float32")
HALF = ("torch-bfloat16",)  # not in float32


class Runner:
    """A framework's process, which trains an epoch whenever it is asked."""

    def __init__(self, peer: str, workload: str, threads: int) -> None:
        self.peer = peer
        self.seconds: list[float] = []
        self.facts: dict[str, Any] = {}
        self.skipped = ""
        python = find_python(peer)
        self._process: subprocess.Popen[str] | None = None
        if isinstance(python, str):
            self.skipped = python
            return
        command = [
            str(python), "-m", "benchmarks.peers.worker", peer, workload, str(threads)
        ]  # fmt: skip
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={
                **os.environ,
                "OMP_NUM_THREADS": str(threads),
                "PYTHONWARNINGS": "ignore",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"error": "its process ended"}
        if "error" in answer:
            self.skipped = answer["error"]
            self.end()
        else:
            self.facts.update(answer)
        return answer

    def epoch(self) -> float:
        """Let it train one epoch; gives the seconds, infinite if it failed."""
        if self.skipped:
            return float("inf")
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write("go\n")
            self._process.stdin.flush()
        except OSError:
            self.skipped = "its process ended"
        return self._read().get("seconds", float("inf"))

    def end(self) -> None:
        """Close the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@dataclass(frozen=True)
class Race:
    """What the frameworks did with one workload."""

    name: str
    what: str
    samples: int
    seconds: dict[str, list[float]]  # of each round
    peak_bytes: dict[str, int]
    notes: dict[str, str]  # plans, and why a peer was skipped
    versions: dict[str, str]
    promises: dict[str, float | None] = field(default_factory=dict)

    def rate(self, peer: str) -> float:
        """Median samples per second."""
        return self.samples / statistics.median(self.seconds[peer])

    def best(self, peers: Iterable[str]) -> str | None:
        """The fastest of some peers."""
        return max((each for each in peers if each in self.seconds), key=self.rate,
                   default=None)  # fmt: skip

    def ratio(self, peer: str, other: str) -> tuple[float, float, float]:
        """How many times as fast, with its interval: round by round."""
        pairs = zip(self.seconds[other], self.seconds[peer], strict=True)
        ratios = [theirs / ours for theirs, ours in pairs]
        return statistics.median(ratios), *interval(ratios)


def race(workload: Workload, rounds: int, threads: int) -> Race:
    """Let all frameworks train a workload in turns."""
    runners = {}
    for peer in PEERS:
        runner = Runner(peer, workload.name, threads)
        for _ in range(WARM_UP):
            runner.epoch()
        runners[peer] = runner
    running = {
        peer: runner.epoch for peer, runner in runners.items() if not runner.skipped
    }
    times = take_turns(running, rounds)
    for runner in runners.values():
        runner.end()
    done = [peer for peer in running if not runners[peer].skipped]
    notes = {peer: each.facts.get("note", "") for peer, each in runners.items()}
    notes |= {peer: each.skipped for peer, each in runners.items() if each.skipped}
    versions: dict[str, str] = {}
    for each in runners.values():
        versions |= each.facts.get("versions", {})
    return Race(
        workload.name,
        workload.what,
        workload.samples,
        {peer: times[peer] for peer in done},
        {peer: runners[peer].facts["peak_bytes"] for peer in done},
        {peer: note for peer, note in notes.items() if note},
        {name: found for name, found in versions.items() if found != "absent"},
        {"auto": workload.auto, "float32": workload.float32},
    )


def run(
    rounds: int = 7, only: str = "", threads: int | None = None
) -> list[dict[str, Any]]:
    """All workloads, or those named; threads as many as there are cores."""
    names = [name for name in only.split(",") if name] or list(WORKLOADS)
    threads = threads or len(os.sched_getaffinity(0))
    races = []
    for name in names:
        found = race(WORKLOADS[name], rounds, threads)
        races.append(asdict(found))
        print(*summary(found), sep="\n", file=sys.stderr)
    return races


def summary(found: Race) -> list[str]:
    """A workload's lines for the terminal."""
    lines = [f"{found.name}: {found.what}"]
    for peer in PEERS:
        if peer in found.seconds:
            said = f"{found.rate(peer):,.0f} samples/s"
            lines.append(f"  {peer.strip('-'):18} {said}  {found.notes.get(peer, '')}")
        else:
            lines.append(f"  {peer.strip('-'):18} skipped: {found.notes.get(peer, '')}")
    return lines
