"""Compare every part that both have with Keras 3, and write docs/oracle.md.

python tools/oracle.py                  all parts, 30 random configurations each
python tools/oracle.py --cases 100      more of them
python tools/oracle.py Conv2D Metrics   these parts anew, the others as they are stored
python tools/oracle.py --new            parts that are not stored yet
python tools/oracle.py --page           only the page, from docs/oracle.json
python tools/oracle.py --check          fail when a part is missing or the page is old
"""

import argparse
import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # tests/ is no package of the environment

import keras  # noqa: E402
import torch  # noqa: E402

from tests.oracle.keras_parts import PARTS, ROUNDED, prepare_keras  # noqa: E402
from tests.tolerances import tolerance  # noqa: E402

STORE = ROOT / "docs" / "oracle.json"
PAGE = ROOT / "docs" / "oracle.md"
CASES = 30
LEAST = 3000  # configurations over all parts

HEAD = """\
# Beside Keras 3, number by number

<!-- Written by `python tools/oracle.py`. -->

Random configurations of every part that both Keras and Mica have, drawn by seed: the
same arguments, the same weights, the same float64 input in both. Compared are the
outputs and the gradients of inputs and weights (layers, activations, losses), results
over several weighted batches (metrics), weights after ten steps (optimizers), values
and slopes (regularizers, constraints). The error is the largest difference of all
numbers, relative to 1 or to Keras's value if that is larger.

{parts} parts, {cases} configurations, worst error {worst:.1e}; {rounded}

| kind | part | configurations | worst error |
| --- | --- | ---: | ---: |
"""
SOFT = "{names} come out of Keras in float32: their limit is {limit:.0e}."
FOOT = (
    "\nThe limit of all others is {limit:.0e}. Keras {keras}, torch {torch}, {date}.\n"
)


def judge(family: str, name: str, cases: int) -> dict[str, Any]:
    """Compare one part; the first configuration that differs ends the command."""
    worst = 0.0
    for number in range(cases):
        torch.manual_seed(number)
        try:
            worst = max(worst, PARTS[family][name](number))
        except Exception as error:
            error.add_note(f"{family}: {name}, configuration {number}")
            raise
    return {"kind": family, "part": name, "cases": cases, "worst": worst}


def read() -> dict[str, Any]:
    """What is stored; no rows before the first run."""
    if not STORE.exists():
        return {"rows": []}
    return json.loads(STORE.read_text(encoding="utf-8"))


def render(stored: dict[str, Any]) -> str:
    """The page, from what is stored."""
    rows = stored["rows"]
    page = HEAD.format(
        parts=len(rows),
        cases=sum(row["cases"] for row in rows),
        worst=max(row["worst"] for row in rows if row["part"] not in ROUNDED),
        rounded=SOFT.format(
            names=", ".join(sorted(ROUNDED)),
            limit=tolerance("keras float32").absolute,
        ),
    )
    for row in rows:
        page += "| {kind} | {part} | {cases} | {worst:.1e} |\n".format(**row)
    made = {key: stored[key] for key in ("keras", "torch", "date")}
    return page + FOOT.format(limit=tolerance("oracle").absolute, **made)


def check() -> str:
    """'' when the page is whole and current, else what is wrong with it."""
    stored = read()
    found = {(row["kind"], row["part"]) for row in stored["rows"]}
    wanted = {(family, name) for family, names in PARTS.items() for name in names}
    if found != wanted:
        parts = ", ".join(sorted({name for _, name in found ^ wanted}))
        return f"oracle.json differs in {parts}. Run: python tools/oracle.py --new"
    for row in stored["rows"]:
        limit = "keras float32" if row["part"] in ROUNDED else "oracle"
        if row["worst"] > tolerance(limit).absolute:
            return f"{row['part']}: expected no more than {limit}, got {row['worst']}"
    cases = sum(row["cases"] for row in stored["rows"])
    if cases < LEAST:
        return f"expected {LEAST} configurations, got {cases}. Raise --cases"
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != render(stored):
        return "oracle.md is out of date. Run: python tools/oracle.py --page"
    return ""


def missing() -> list[str]:
    """Parts that have draws and no row."""
    found = {(row["kind"], row["part"]) for row in read()["rows"]}
    every = [(family, name) for family, names in PARTS.items() for name in names]
    return [name for family, name in every if (family, name) not in found]


def measure(names: list[str], cases: int) -> None:
    """Judge all parts, or those and the families of `names`, and store the errors."""
    known = {(row["kind"], row["part"]): row for row in read()["rows"]}
    warnings.filterwarnings("ignore", "__array__ impl", DeprecationWarning)
    for family, judges in PARTS.items():
        prepare_keras(family)
        for name in judges:
            if not names or {name, family} & set(names):
                row = known[family, name] = judge(family, name, cases)
                print(f"{family:<12} {name:<36} {row['worst']:.1e}", flush=True)
                _store(known)
    _store(known)


def _store(known: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Write the rows, those of parts that are gone left out."""
    every = [(family, name) for family, names in PARTS.items() for name in names]
    stored = {
        "rows": [known[part] for part in every if part in known],
        "keras": keras.__version__,
        "torch": torch.__version__.partition("+")[0],
        "date": time.strftime("%Y-%m-%d"),
    }
    STORE.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Judge and write the page; with --page or --check only the page."""
    parser = argparse.ArgumentParser(prog="python tools/oracle.py")
    parser.add_argument("parts", nargs="*")
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--new", action="store_true")
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--check", action="store_true")
    chosen = parser.parse_args()
    if chosen.check:
        sys.exit(check() or 0)
    names = missing() if chosen.new else chosen.parts
    if not chosen.page and (names or not chosen.new):
        measure(names, chosen.cases)
    PAGE.write_text(render(read()), encoding="utf-8")


if __name__ == "__main__":
    main()
