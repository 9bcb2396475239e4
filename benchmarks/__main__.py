"""The door: `python -m benchmarks NAME`; see docs/benchmarks.md for what came out."""

import argparse
import sys

from benchmarks import (
    calls,
    cpu,
    importing,
    overhead,
    reading,
    recurrent,
    results,
)
from benchmarks.peers.environments import install_all

BENCHMARKS = {
    "overhead": overhead.run,
    "calls": calls.run,
    "import": importing.run,
    "input": reading.run,
    "recurrent": recurrent.run,
}


def main() -> None:
    """Run one benchmark, store its rows, write the page; fail on a broken promise."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("name", choices=[*BENCHMARKS, "cpu", "peers", "page"])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="", help="workloads of cpu, by commas")
    chosen = parser.parse_args()
    rows = []
    if chosen.name == "peers":
        install_all()
    elif chosen.name == "cpu":
        results.store_races("cpu", cpu.run(chosen.rounds, chosen.only))
    elif chosen.name != "page":
        rows = BENCHMARKS[chosen.name](chosen.rounds)
        results.store(chosen.name, rows)
        print(*map(results.line, rows), sep="\n")
    results.PAGE.write_text(results.render(), encoding="utf-8")
    broken = [row.name for row in rows if row.ratio > row.limit]
    sys.exit(f"above the promise: {broken}" if broken else 0)


if __name__ == "__main__":
    main()
