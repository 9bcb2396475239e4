"""The door: `python -m benchmarks NAME`; docs/benchmarks.md has what came out.

overhead, calls, import, input, recurrent, block: Mica beside torch; regret: plans
beside eager and the best; accuracy: plans beside float32; advice: what `explain`
promises, and what that brings; time: from the start of a process to a result; cpu: all
frameworks, whose environments `peers` makes; page: the page alone.
"""

import argparse
import sys
from functools import partial

from benchmarks import (
    accuracy,
    advice,
    blocks,
    calls,
    cpu,
    importing,
    overhead,
    programs,
    reading,
    recurrent,
    regret,
    results,
)
from benchmarks.peers.environments import install_all

# Rows with a promise that breaks the command; all are stored at the end.
COMPARISONS = {
    "overhead": overhead.run,
    "calls": calls.run,
    "import": importing.run,
    "input": reading.run,
    "recurrent": recurrent.run,
    "block": blocks.run,
}
ROUNDS = 15  # of comparisons
# Stored item by item: interrupted runs lose nothing, `--only` adds to what is there.
GROWING = ("cpu", "regret", "accuracy", "advice", "time")


def _grow(chosen: argparse.Namespace) -> None:
    keep = partial(results.keep, chosen.name)
    if chosen.name == "cpu":
        cpu.run(keep, chosen.only, seconds=chosen.seconds, rounds=chosen.rounds)
    elif chosen.name == "regret":
        regret.run(keep, chosen.only, seconds=chosen.seconds, compiled=chosen.compile)
    elif chosen.name == "accuracy":
        accuracy.run(keep, chosen.only, seeds=chosen.seeds, rows=chosen.rows)
    elif chosen.name == "advice":
        advice.run(keep, chosen.only, seconds=chosen.seconds)
    else:
        programs.run(keep, chosen.only, rounds=chosen.rounds)


def main() -> None:
    """Run one benchmark, store its rows, write the page; fail on a broken promise."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("name", choices=[*COMPARISONS, *GROWING, "peers", "page"])
    parser.add_argument("--rounds", type=int, help="at most so many")
    parser.add_argument("--seconds", type=float, help="for a workload or a model")
    parser.add_argument("--seeds", type=int, help="of accuracy")
    parser.add_argument("--rows", type=int, help="of accuracy's data; to try it")
    parser.add_argument("--only", default="", help="workloads or models, by commas")
    parser.add_argument("--compile", action="store_true", help="regret: torch.compile")
    chosen = parser.parse_args()
    rows = []
    try:
        if chosen.name == "peers":
            install_all()
        elif chosen.name in GROWING:
            _grow(chosen)
        elif chosen.name != "page":
            rows = COMPARISONS[chosen.name](chosen.rounds or ROUNDS)
            results.store(chosen.name, rows)
            print(*map(results.line, rows), sep="\n")
    finally:  # also after Ctrl-C
        results.PAGE.write_text(results.render(), encoding="utf-8")
    broken = [row.name for row in rows if row.ratio > row.limit]
    sys.exit(f"above the promise: {broken}" if broken else 0)


if __name__ == "__main__":
    main()
