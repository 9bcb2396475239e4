"""The door: `python -m benchmarks overhead|import|page [--rounds N]`."""

import argparse
import sys

from benchmarks import importing, overhead, results

BENCHMARKS = {"overhead": overhead.run, "import": importing.run}


def main() -> None:
    """Run one benchmark, store its rows, write the page; fail on a broken promise."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("name", choices=[*BENCHMARKS, "page"])
    parser.add_argument("--rounds", type=int, default=15)
    chosen = parser.parse_args()
    rows = []
    if chosen.name != "page":
        rows = BENCHMARKS[chosen.name](chosen.rounds)
        results.store(chosen.name, rows)
        print(*map(results.line, rows), sep="\n")
    results.PAGE.write_text(results.render(), encoding="utf-8")
    broken = [row.name for row in rows if row.ratio > row.limit]
    sys.exit(f"above the promise: {broken}" if broken else 0)


if __name__ == "__main__":
    main()
