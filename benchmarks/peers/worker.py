"""A peer's process: trains epoch by epoch, each when it is told to, and times it.

`python -m benchmarks.peers.worker PEER WORKLOAD THREADS`; it imports its framework and
says which versions these are. At "make" it draws the data and makes the network, then
at each "go" it trains an epoch and answers with a JSON line.
"""

import importlib
import json
import os
import resource
import sys
import time
from importlib.metadata import PackageNotFoundError, version

from benchmarks.workloads import WORKLOADS

__all__ = ["Gate", "main"]

EPOCHS = 10_000  # more than any driver asks for


class Gate:
    """Stands before each epoch until the driver says "go", and tells it the time."""

    epochs = EPOCHS

    def __init__(self, answer, question) -> None:
        self._answer = answer
        self._question = question
        self._began = 0.0
        self.note = ""

    def tell(self, **facts) -> None:
        """Write one line for the driver."""
        self._answer.write(json.dumps(facts) + "\n")
        self._answer.flush()

    def wait(self, order: str) -> None:
        """Wait for an order; anything else ends the process."""
        if self._question.readline().strip() != order:
            os._exit(0)  # wherever a framework is, there is nothing to keep

    def begin(self, *_, **__) -> None:
        """Wait; then the clock starts."""
        self.wait("go")
        self._began = time.perf_counter()

    def end(self, *_, **__) -> None:
        """The epoch is over."""
        seconds = time.perf_counter() - self._began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        self.tell(seconds=seconds, peak_bytes=peak, note=self.note)


def _versions(names) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def main() -> None:
    """Train one workload in one framework until the driver has seen enough."""
    peer, workload, threads = sys.argv[1:4]
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # libraries may print
    module_name, _, variant = peer.partition("-")
    gate = Gate(answer, sys.stdin)
    try:
        module = importlib.import_module(f"benchmarks.peers.{module_name}_peer")
        gate.tell(versions=_versions(module.LIBRARIES))
        gate.wait("make")
        module.train(WORKLOADS[workload], variant, int(threads), gate)
    except Exception as error:
        gate.tell(error=f"{type(error).__name__}: {error}"[:300])
        raise


if __name__ == "__main__":
    main()
