"""What `import mica` costs beside `import torch`, each in a fresh process."""

import subprocess
import sys
from functools import partial

from benchmarks.measure import Comparison, compare, take_turns

__all__ = ["run"]

# Timed inside the process, so that starting Python counts for neither.
PROGRAM = (
    "import time; started = time.perf_counter(); import {module}; "
    "print(time.perf_counter() - started)"
)


def seconds_to_import(module: str) -> float:
    """Time of one import in a new interpreter, in seconds."""
    command = [sys.executable, "-c", PROGRAM.format(module=module)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def run(rounds: int = 15) -> list[Comparison]:
    """One row: mica against torch."""
    modules = ("mica", "torch")
    candidates = {module: partial(seconds_to_import, module) for module in modules}
    times = take_turns(candidates, rounds)
    return [compare("import", times, of="mica", to="torch", limit=1.3)]
