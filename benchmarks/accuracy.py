"""Whether a fast plan costs accuracy: plans beside float32 over several seeds.

`python -m benchmarks accuracy [--only mnist,imdb,cats] [--seeds 5]`. Real data, short
trainings. "auto" must search here however short the run is, and starts with no
remembered plan; bfloat16 is trained as well, so that the comparison says something
where the search stays with float32.
"""

import gc
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import mica
from mica import layers
from mica.data import pad_sequences, samples
from mica.engine import eager_plan, inspect_hardware
from mica.errors import MicaError
from mica.plan import search
from mica.plan.candidates import multiplies_bfloat16

__all__ = ["TASKS", "Task", "judge", "run", "section"]

SEEDS = 5
PLANS = ("float32", "auto", "bfloat16")
BOUND = 2.0  # standard errors


@dataclass(frozen=True)
class Task:
    """Real data, a network, and how long it learns."""

    name: str
    what: str
    data: Callable[[], tuple[Any, Any, Any, Any]]
    make: Callable[[], Any]
    batch_size: int
    epochs: int
    optimizer: str
    loss: str = "sparse_categorical_crossentropy"


@cache
def _mnist():
    digits = samples.load("mnist")
    return digits.x_train, digits.y_train, digits.x_test, digits.y_test


@cache
def _imdb():
    reviews = samples.load("imdb", num_words=10_000)
    x_train, x_test = (
        pad_sequences(part, 128) for part in (reviews.x_train, reviews.x_test)
    )
    return x_train, reviews.y_train, x_test, reviews.y_test


def read_photos(folder: Path, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Photos of a folder of two classes, as numbers from 0 to 1."""
    from PIL import Image

    x, y = [], []
    for number, label in enumerate(("cats", "dogs")):
        for path in sorted((folder / label).iterdir()):
            with Image.open(path) as photo:
                photo.draft("RGB", (size, size))
                x.append(np.asarray(photo.convert("RGB").resize((size, size))))
            y.append(number)
    order = np.random.default_rng(0).permutation(len(x))  # the first ones: both kinds
    return np.stack(x)[order].astype(np.float32) / 255, np.array(y)[order]


@cache
def _cats():
    photos = samples.load("cats_vs_dogs")
    return *read_photos(photos.train, 64), *read_photos(photos.test, 64)


def _convnet():
    return mica.Sequential(
        mica.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(64, activation="relu"),
        layers.Dense(10, activation="softmax"),
    )


def _words():
    return mica.Sequential(
        mica.Input((128,), dtype="int64"),
        layers.Embedding(10_000, 32),
        layers.Conv1D(32, 7, activation="relu"),
        layers.GlobalMaxPooling1D(),
        layers.Dense(1, activation="sigmoid"),
    )


def _photo_net():
    parts: list[Any] = []
    for filters in (32, 64, 128):
        parts.append(layers.Conv2D(filters, 3, activation="relu"))
        parts.append(layers.MaxPooling2D(2))
    return mica.Sequential(
        *parts,
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dense(2, activation="softmax"),
    )


TASKS = {
    each.name: each
    for each in (
        Task("mnist", "60,000 digits, convnet of 93,322, 1 epoch, batch 64",
             _mnist, _convnet, 64, 1, "adam"),
        Task("imdb", "25,000 reviews of 128 words, embedding 32, conv1d, 2 epochs",
             _imdb, _words, 128, 2, "adam", "binary_crossentropy"),
        Task("cats", "2,000 photos, 64 x 64, 3 convolutions, 6 epochs, batch 32",
             _cats, _photo_net, 32, 6, "adam"),
    )
}  # fmt: skip


@contextmanager
def always_searching():
    """Let a search take place in short runs too, whatever plans are remembered."""
    ours = {
        "SHORT_RUN": 0.0, "SHARE": 0.2, "PATIENCE": 5,
        "recall_plan": lambda *_: None, "remember_plan": lambda *_: None,
    }  # fmt: skip
    known = {name: getattr(search, name) for name in ours}
    for name, value in ours.items():
        setattr(search, name, value)
    try:
        yield
    finally:
        for name, value in known.items():
            setattr(search, name, value)


def train(task: Task, seed: int, plan: str, rows: int | None) -> dict[str, Any]:
    """Train once; the accuracy on the test part, and what was adopted."""
    x_train, y_train, x_test, y_test = task.data()
    mica.set_seed(seed)
    model = task.make()
    model.compile(task.optimizer, task.loss, metrics=["accuracy"])
    eager = eager_plan()
    chosen = {"auto": "auto", "float32": eager}.get(
        plan, replace(eager, precision="bfloat16")
    )
    lines: list[str] = []

    class Listener(mica.Callback):
        """Keeps what is said of the plan."""

        def on_train_begin(self, state) -> None:
            """Keep it."""
            lines.append(state.plan_line.partition(":")[0])

    begin = time.perf_counter()
    model.fit(
        x_train[:rows],
        y_train[:rows],
        batch_size=task.batch_size,
        epochs=task.epochs,
        callbacks=[Listener()],
        plan=chosen,
        verbose=0,
    )
    took = time.perf_counter() - begin
    logs = model.evaluate(x_test[:rows], y_test[:rows], batch_size=500, plan=chosen,
                          verbose=0)  # fmt: skip
    return {"seed": seed, "accuracy": float(logs[1]), "plan": lines[0], "seconds": took}


@dataclass(frozen=True)
class Verdict:
    """A plan's accuracies beside those of float32."""

    mean: float
    difference: float
    two_errors: float
    within: bool


def judge(values: Sequence[float], reference: Sequence[float]) -> Verdict:
    """Compare means: within two standard errors of their difference or not."""

    def squared_error(numbers: Sequence[float]) -> float:
        return statistics.variance(numbers) / len(numbers) if len(numbers) > 1 else 0.0

    difference = statistics.fmean(values) - statistics.fmean(reference)
    errors = BOUND * math.sqrt(squared_error(values) + squared_error(reference))
    within = abs(difference) <= errors
    return Verdict(statistics.fmean(values), difference, errors, within)


def run(
    keep: Callable[[dict[str, Any]], object],
    only: str = "",
    *,
    seeds: int | None = None,
    rows: int | None = None,
) -> None:
    """All tasks, or those named; kept after each seed, all plans of a seed in turns."""
    names = [name for name in only.split(",") if name] or list(TASKS)
    plans = list(PLANS)
    if not multiplies_bfloat16(eager_plan().device, inspect_hardware()):
        plans.remove("bfloat16")
    for name in names:
        task = TASKS[name]
        try:
            task.data()
        except MicaError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
            continue
        runs: dict[str, list[dict[str, Any]]] = {plan: [] for plan in plans}
        for seed in range(seeds or SEEDS):
            for plan in plans:
                with always_searching():
                    done = train(task, seed, plan, rows)
                runs[plan].append(done)
                gc.collect()
                said = f"{done['accuracy']:.4f} in {done['seconds']:.1f} s"
                print(f"{name}, seed {seed}, {plan}: {said}, {done['plan']}",
                      file=sys.stderr)  # fmt: skip
            keep({"name": name, "what": task.what, "rows": rows, "runs": runs})


def _rows(item: dict[str, Any]) -> list[str]:
    runs = item["runs"]
    reference = [each["accuracy"] for each in runs["float32"]]
    lines = []
    for plan, found in runs.items():
        values = [each["accuracy"] for each in found]
        verdict = judge(values, reference)
        beside = "| | "
        if plan != "float32":
            said = "within" if verdict.within else "outside"
            beside = f"| {verdict.difference:+.4f} | {verdict.two_errors:.4f}, {said} "
        adopted: dict[str, int] = {}
        for each in found:
            adopted[each["plan"]] = adopted.get(each["plan"], 0) + 1
        plans = "; ".join(f"{count} x {line}" for line, count in adopted.items())
        seconds = statistics.median(each["seconds"] for each in found)
        few = f" (only {item['rows']} rows)" if item.get("rows") else ""
        lines.append(
            f"| {item['name']}: {item['what']}{few} | {plan} | {len(values)} "
            f"| {verdict.mean:.4f} {beside}| {seconds:.1f} s | {plans} |"
        )
    return lines


SECTION = """
## accuracy

`python -m benchmarks accuracy`{where}. Accuracy on the test part after short trainings
on real data, seeds 0, 1, 2, ...: the mean, its difference to that of float32, and two
standard errors of that difference. In "auto" the search is made to take place however
short the run is, and no plan is remembered; the time includes it.

| data | plan | seeds | accuracy | difference | two errors | time | adopted |
| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |
{rows}
"""


def section(items: Iterable[dict[str, Any]], where: str) -> str:
    """The page's part."""
    rows = [line for item in items for line in _rows(item)]
    return SECTION.format(where=where, rows="\n".join(rows))
