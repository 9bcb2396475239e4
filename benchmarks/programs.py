"""Time to a result from the start of the process: import, planning, reading, training.

`python -m benchmarks time [--only mnist,photos] [--rounds 3]`. Programs as users write
them, with Mica and with torch by hand, each in a fresh process, in turns: a convnet
until 99.0 percent of MNIST's test part are right, judged after each epoch; and an epoch
on photos read from JPEG files. Mica starts with an empty cache.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from mica.engine import cache_folder

__all__ = ["CONTESTS", "reached", "run", "section"]

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path("benchmarks") / "scripts"
ROUNDS = 3
LONGEST = 400.0  # seconds for one program
GOAL = 0.99
PHOTOS = 1_000  # of each kind that are made where there are none
CONTESTS = {
    "mnist": (
        "MNIST convnet to 99.0 % of the test part, Adam, batch 64",
        {"mica": "mnist_mica.py", "torch": "mnist_torch.py"},
    ),
    "photos": (
        "cats and dogs, one epoch of 2,000 JPEG files, 150 x 150, batch 32",
        {"mica": "photos_mica.py", "torch": "photos_torch.py"},
    ),
}


def reached(lines: Iterable[str], goal: float | None) -> list[float]:
    """Accuracies that a program prints, up to the first that reaches the goal."""
    values = []
    for line in lines:
        words = line.split()
        if len(words) == 2 and words[0] == "accuracy":
            values.append(float(words[1]))
            if goal is not None and values[-1] >= goal:
                break
    return values


def make_photos(folder: Path, count: int = PHOTOS) -> Path:
    """Write JPEG files of smooth random colours, as large as the real photos."""
    from PIL import Image

    generator = np.random.default_rng(0)
    for label in ("cats", "dogs"):
        (folder / label).mkdir(parents=True)
        for number in range(count):
            coarse = generator.integers(0, 256, (12, 15, 3), dtype=np.uint8)
            picture = Image.fromarray(coarse).resize(
                (180, 144), Image.Resampling.BICUBIC
            )
            picture.save(folder / label / f"{label}.{number}.jpg", quality=85)
    return folder


def find_photos() -> Path | None:
    """The training part of cats and dogs, where MICA_DATASETS has it."""
    folders = os.environ.get("MICA_DATASETS", "").split(os.pathsep)
    found = [Path(each) / "cats_vs_dogs" / "train" for each in folders if each]
    return next((each for each in found if each.is_dir()), None)


def run_program(
    script: str, arguments: list[str], goal: float | None
) -> dict[str, Any]:
    """Start a program and stop the clock when it has reached its goal."""
    known = os.environ.get("MICA_DATASETS", "").split(os.pathsep)
    datasets = os.pathsep.join(filter(None, [*known, str(cache_folder("datasets"))]))
    with tempfile.TemporaryDirectory() as cache:
        begin = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, str(FOLDER / script), *arguments],
            cwd=ROOT,
            env={
                **os.environ,
                "MICA_DATASETS": datasets,
                "XDG_CACHE_HOME": cache,
                "PYTHONPATH": str(ROOT),
                "PYTHONUNBUFFERED": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            written, complaint = process.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return {"error": f"took more than {LONGEST:.0f} s"}
        seconds = time.perf_counter() - begin
    lines = written.splitlines()
    if process.returncode:
        said = (complaint.strip().splitlines() or ["no word"])[-1]
        return {"error": said[:200]}
    values = reached(lines, goal)
    if not values or (goal is not None and values[-1] < goal):
        last = f"{values[-1]:.4f}" if values else "nothing"
        return {"error": f"reached {last} in {len(values)} epochs"}
    plan = next((line[5:] for line in lines if line.startswith("plan ")), "")
    return {"seconds": seconds, "epochs": len(values), "value": values[-1],
            "plan": plan}  # fmt: skip


def run(
    keep: Callable[[dict[str, Any]], object],
    only: str = "",
    *,
    rounds: int | None = None,
) -> None:
    """All contests, or those named; kept after each round."""
    names = [name for name in only.split(",") if name] or list(CONTESTS)
    for name in names:
        what, programs = CONTESTS[name]
        runs: dict[str, list[dict[str, Any]]] = {each: [] for each in programs}
        with tempfile.TemporaryDirectory() as temporary:
            goal, folder = (GOAL if name == "mnist" else None), None
            if name == "photos":
                folder = find_photos()
                if folder is None:
                    folder = make_photos(Path(temporary) / "photos")
                    what += " (generated ones)"
            order = list(programs)
            for number in range(rounds or ROUNDS):
                arguments = [str(number), *([str(folder)] if folder else [])]
                for each in order:
                    done = run_program(programs[each], arguments, goal)
                    runs[each].append(done)
                    print(f"{name}, round {number}, {each}: {done}", file=sys.stderr)
                order.reverse()
                keep({"name": name, "what": what, "runs": runs})


def _row(item: dict[str, Any], each: str) -> str:
    runs = item["runs"][each]
    done = [one for one in runs if "seconds" in one]
    errors = [one["error"] for one in runs if "error" in one]
    failed = "; ".join([*(f"{len(errors)} failed: {text}" for text in errors[:1])])
    if not done:
        return f"| {item['name']}: {item['what']} | {each} | | | | {failed} |"
    seconds = [one["seconds"] for one in done]
    said = ", ".join(f"{value:.1f}" for value in seconds)
    epochs = ", ".join(str(one["epochs"]) for one in done)
    plan = " ".join(filter(None, [done[-1]["plan"], failed]))
    return (
        f"| {item['name']}: {item['what']} | {each} "
        f"| {statistics.median(seconds):.1f} s | {said} | {epochs} | {plan} |"
    )


SECTION = """
## time

`python -m benchmarks time`{where}. Seconds from the start of the process to the result:
import, reading, planning (with an empty cache), training, and judging after each epoch.
The programs are in benchmarks/scripts: Mica in a few lines, and a loop by hand of the
same network, optimizer and seeds.

| task | program | median | each | epochs | plan |
| --- | --- | ---: | ---: | ---: | --- |
{rows}
"""


def section(items: Iterable[dict[str, Any]], where: str) -> str:
    """The page's part."""
    rows = [_row(item, each) for item in items for each in item["runs"]]
    return SECTION.format(where=where, rows="\n".join(rows))
