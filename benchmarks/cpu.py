"""The same training in every framework, epoch by epoch in turns, on the processor.

`python -m benchmarks cpu [--only tiny,mlp] [--seconds 60]`. Each framework is a process
that waits; the driver lets one at a time train an epoch. The first epochs warm up and
are dropped: in them libraries compile, and before them Mica looks for its plan.
"""

import json
import os
import queue
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.arithmetic import best_ceilings, flops_of_a_sample
from benchmarks.measure import interval, take_bounded_turns
from benchmarks.peers.environments import PEERS, find_python
from benchmarks.workloads import WORKLOADS, Workload

__all__ = ["HALF", "OURS", "TUNED", "Race", "Runner", "run"]

ROOT = Path(__file__).resolve().parent.parent
OURS = ("mica-auto", "mica-float32")
HALF = ("torch-bfloat16",)  # not in float32
TUNED = ("torch-tuned", "torch-bfloat16")  # by hand, for this machine
SECONDS = 60.0  # of rounds for a workload
IMPORTS_AT_ONCE = 2
SLOW = 10.0  # times the fastest: such a peer runs two rounds and no more
LONGEST_IMPORT = 120.0  # seconds; a framework that needs more is skipped
LONGEST_SEARCH = 300.0  # seconds from "make" to the end of Mica's first epoch
LONGEST_EPOCH = 90.0  # seconds


class Runner:
    """A framework's process, which trains an epoch whenever it is asked."""

    def __init__(self, peer: str, command: Sequence[str] | str, threads: int) -> None:
        self.peer = peer
        self.facts: dict[str, Any] = {}
        self.skipped = command if isinstance(command, str) else ""
        self._answers: queue.Queue[str] = queue.Queue()
        self._process: subprocess.Popen[str] | None = None
        if isinstance(command, str):
            return
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
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        """Put lines where they can be waited for; "" when there are no more."""
        stream = self._process.stdout if self._process is not None else None
        for line in stream or ():
            self._answers.put(line)
        self._answers.put("")

    def read(self, seconds: float, what: str) -> dict[str, Any]:
        """The next answer; a process that is late, failed or ended is skipped."""
        try:
            line = self._answers.get(timeout=seconds)
            answer = json.loads(line) if line else {"error": "its process ended"}
        except queue.Empty:
            answer = {"error": f"{what} took more than {seconds:.0f} s"}
        except json.JSONDecodeError:
            answer = {"error": f"{what} ended with a line that is no answer"}
        if "error" in answer:
            self.skipped = answer["error"]
            self.end()
        else:
            self.facts.update(answer)
        return answer

    def ask(self, order: str) -> None:
        """Send a line, unless the process is gone."""
        if self._process is None or self._process.stdin is None:
            return
        try:
            self._process.stdin.write(f"{order}\n")
            self._process.stdin.flush()
        except OSError:
            self.skipped = "its process ended"

    def epoch(self, seconds: float = LONGEST_EPOCH) -> float:
        """Let it train one epoch; gives the seconds, infinite if it failed."""
        if self.skipped:
            return float("inf")
        self.ask("go")
        return self.read(seconds, "an epoch").get("seconds", float("inf"))

    def first_epoch(self) -> float:
        """Let it make its network, find its plan, and train an epoch."""
        if self.skipped:
            return float("inf")
        self.ask("make")
        return self.epoch(LONGEST_SEARCH if self.peer in OURS else LONGEST_EPOCH)

    def end(self) -> None:
        """Close the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        self._listener.join()
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):  # a line that nobody reads any more
                if stream is not None:
                    stream.close()


@dataclass(frozen=True)
class Race:
    """What the frameworks did with one workload."""

    name: str
    what: str
    samples: int
    seconds: dict[str, list[float]]  # of each round; of the first two if it is slow
    peak_bytes: dict[str, int]
    notes: dict[str, str]  # plans, and why a peer was skipped
    versions: dict[str, str]
    promises: dict[str, float | None] = field(default_factory=dict)
    against: str = ""  # the peer the promises speak of; "" for the best one
    flops: float = 0.0  # of a sample
    ceilings: dict[str, float] = field(default_factory=dict)  # FLOP/s by precision

    def rate(self, peer: str) -> float:
        """Median samples per second."""
        return self.samples / statistics.median(self.seconds[peer])

    def best(self, peers: Iterable[str]) -> str | None:
        """The fastest of some peers."""
        return max((each for each in peers if each in self.seconds), key=self.rate,
                   default=None)  # fmt: skip

    def ratio(self, peer: str, other: str) -> tuple[float, float, float]:
        """How many times as fast, with its interval: by the rounds of both."""
        pairs = zip(self.seconds[other], self.seconds[peer], strict=False)
        ratios = [theirs / ours for theirs, ours in pairs]
        return statistics.median(ratios), *interval(ratios)


def _command(peer: str, workload: str, threads: int) -> list[str] | str:
    python = find_python(peer)
    if isinstance(python, str):
        return python
    module = "benchmarks.peers.worker"
    return [str(python), "-m", module, peer, workload, str(threads)]


def _start(peer: str, workload: str, threads: int) -> Runner:
    runner = Runner(peer, _command(peer, workload, threads), threads)
    if not runner.skipped:
        runner.read(LONGEST_IMPORT, "its import")
    return runner


def race(
    workload: Workload,
    threads: int,
    *,
    seconds: float = SECONDS,
    rounds: int | None = None,
) -> Race:
    """Let all frameworks train a workload in turns.

    They are imported two at once. From then on one works at a time, since Mica times
    its plans before its first epoch, and a neighbour would decide for it.
    """
    with ThreadPoolExecutor(IMPORTS_AT_ONCE) as pool:
        started = pool.map(lambda peer: _start(peer, workload.name, threads), PEERS)
    runners = {runner.peer: runner for runner in started}
    ceilings = best_ceilings()
    try:
        first = {}
        for peer, runner in runners.items():
            begin = time.perf_counter()
            first[peer] = runner.first_epoch()
            took = time.perf_counter() - begin
            said = runner.skipped or f"{first[peer]:.1f} s"
            print(f"{workload.name}, {peer.strip('-')}: ready in {took:.1f} s, "
                  f"first epoch {said}", file=sys.stderr)  # fmt: skip
        fastest = min(first.values())
        for peer, runner in runners.items():
            if first[peer] <= SLOW * fastest:  # the others are as warm as they need
                runner.epoch()
        running = {
            peer: each.epoch for peer, each in runners.items() if not each.skipped
        }
        times = take_bounded_turns(running, seconds, most=rounds, slow=SLOW)
    finally:
        for runner in runners.values():
            runner.end()
    ceilings = best_ceilings(ceilings)
    found = {
        "float32": ceilings.float32_flops_per_second,
        "bfloat16": ceilings.bfloat16_flops_per_second,
    }
    return _judge(workload, runners, times, found)


def _judge(
    workload: Workload,
    runners: dict[str, Runner],
    times: dict[str, list[float]],
    ceilings: dict[str, float],
) -> Race:
    done = [peer for peer in times if not runners[peer].skipped]
    notes, versions = {}, {}
    longest = max((len(times[peer]) for peer in done), default=0)
    for peer, each in runners.items():
        note = each.skipped or each.facts.get("note", "")
        if peer in done and len(times[peer]) < longest:
            note += f" {len(times[peer])} rounds: more than {SLOW:.0f} times slower."
        notes |= {peer: note.strip()} if note else {}
        versions |= each.facts.get("versions", {})
    return Race(
        workload.name,
        workload.what,
        workload.samples,
        {peer: times[peer] for peer in done},
        {peer: runners[peer].facts["peak_bytes"] for peer in done},
        notes,
        {name: found for name, found in versions.items() if found != "absent"},
        {"auto": workload.auto, "float32": workload.float32},
        workload.against,
        flops_of_a_sample(workload),
        ceilings,
    )


def run(
    keep: Callable[[dict[str, Any]], object],
    only: str = "",
    *,
    seconds: float | None = None,
    rounds: int | None = None,
) -> None:
    """All workloads, or those named; each is kept when it is done.

    Threads are as many as there are cores.
    """
    names = [name for name in only.split(",") if name] or list(WORKLOADS)
    threads = len(os.sched_getaffinity(0))
    for name in names:
        begin = time.perf_counter()
        found = race(
            WORKLOADS[name], threads, seconds=seconds or SECONDS, rounds=rounds
        )
        keep(asdict(found))
        took = time.perf_counter() - begin
        print(*summary(found), f"  in {took:.0f} s", sep="\n", file=sys.stderr)


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
