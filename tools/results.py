"""Run recipes and the main job, and write docs/results.md from what came out.

python tools/results.py                    every recipe
python tools/results.py mnist-dense        these
python tools/results.py digits             `mica train digits`, five seeds
python tools/results.py --page             only the page, from docs/results/*.json
python tools/results.py --check            fail when the page is not current
"""

import argparse
import contextlib
import io
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # benchmarks/ is no package of the environment

from benchmarks.results import describe_machine  # noqa: E402
from mica import recipes, workflow  # noqa: E402

FOLDER = ROOT / "docs" / "results"
PAGE = ROOT / "docs" / "results.md"
SEEDS = 5  # of the results we promise; a program with the book's own seed runs once
DEMO = "digits"
DEMO_TITLE = "The main job on 1,797 handwritten digits: `make demo`"
DEMO_GOAL = 0.985  # test accuracy

HEAD = """\
# Results

<!-- Written by `python tools/results.py`; a row by `python tools/results.py NAME`. -->

What the recipes and the main job reach, beside the book's number and the least mean
we hold ourselves to. `mica run NAME` runs a recipe, `mica run NAME --code` prints it.
The test part of the data decides nothing: it is looked at once, at the end of a run.

| name | result | book | goal | mean | spread | seeds | seconds |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |
"""
FOOT = "\nRun on {machine}; {date}. Seconds are of one run, on a shared machine.\n"


def _demo(seed: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as runs:
        outcome = workflow.train(DEMO, seed=seed, runs=runs, verbose=0)
    return {outcome.verdict.measure: outcome.verdict.score}


def _measure(main: Callable[[int], dict[str, float]], seeds: int) -> dict[str, Any]:
    results, seconds = [], []
    for seed in range(seeds):
        began = time.perf_counter()
        # What a program prints belongs to its reader, not to this page.
        with contextlib.redirect_stdout(io.StringIO()):
            results.append(main(seed))
        seconds.append(time.perf_counter() - began)
        print(f"  seed {seed}: {results[-1]} ({seconds[-1]:.1f} s)", flush=True)
    return {
        "results": results,
        "seconds": seconds,
        "machine": describe_machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "date": time.strftime("%Y-%m-%d"),
    }


def measure(name: str, seeds: int | None) -> None:
    """Run one recipe, or the main job, and store what came out."""
    print(name, flush=True)
    if name == DEMO:
        found = _measure(_demo, seeds or SEEDS)
        found |= {"title": DEMO_TITLE, "book": {}}
        found["goal"] = dict.fromkeys(found["results"][0], DEMO_GOAL)
    else:
        recipe = recipes.find(name)
        promised = set(recipe.goal) & set(recipe.book)
        found = _measure(recipe.main, seeds or (SEEDS if promised else 1))
        found |= {
            "title": recipe.title,
            "book": dict(recipe.book),
            "goal": dict(recipe.goal),
        }
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps(found, indent=1, sort_keys=True)
    (FOLDER / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e4 or value == 0 else f"{value:.4g}"


def _rows(name: str, found: dict[str, Any]) -> list[str]:
    rows = []
    for measured in found["results"][0]:
        values = [result[measured] for result in found["results"]]
        spread = statistics.stdev(values) if len(values) > 1 else None
        cells = (
            f"`{name}`",
            measured,
            _number(found["book"].get(measured)),
            _number(found["goal"].get(measured)),
            _number(statistics.fmean(values)),
            _number(spread),
            str(len(values)),
            f"{statistics.median(found['seconds']):.0f}",
        )
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def page() -> str:
    """The page, from the stored results, in the order of the recipes."""
    lines: list[str] = []
    machines, dates = set(), set()
    for name in (DEMO, *recipes.names()):
        path = FOLDER / f"{name}.json"
        if path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            lines += _rows(name, found)
            machines.add(found["machine"])
            dates.add(found["date"])
    foot = FOOT.format(
        machine="; ".join(sorted(machines)), date=", ".join(sorted(dates))
    )
    return HEAD + "\n".join(lines) + "\n" + foot


def main() -> None:
    """Run what was asked for, then write or check the page."""
    parser = argparse.ArgumentParser(description="Run recipes, write results.")
    parser.add_argument("names", nargs="*", help="recipes, or digits; none for all")
    parser.add_argument("--seeds", type=int, help="instead of each one's own number")
    parser.add_argument("--page", action="store_true", help="write the page only")
    parser.add_argument("--check", action="store_true", help="is the page current?")
    chosen = parser.parse_args()
    if chosen.check:
        missing = [
            name
            for name in (DEMO, *recipes.names())
            if not (FOLDER / f"{name}.json").exists()
        ]
        if missing or PAGE.read_text(encoding="utf-8") != page():
            sys.exit(
                f"docs/results.md: expected the page of every recipe, got an old one "
                f"(not run: {', '.join(missing) or 'none'}). Run python "
                "tools/results.py NAME or --page."
            )
        return
    if not chosen.page:
        for name in chosen.names or (DEMO, *recipes.names()):
            measure(name, chosen.seeds)
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
