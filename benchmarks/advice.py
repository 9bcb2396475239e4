"""Whether advice brings what it promises: followed, and timed beside what was before.

`python -m benchmarks advice [--only tiny-batch,...] [--seconds 5]`. In each situation
`mica.plan.explain` is asked; the advice the situation was made for is followed, and
`fit` is timed for an epoch with and without it, in turns. Promises are those of a
computer that has not yet seen how its promises were kept.
"""

import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset

import mica
from benchmarks.measure import interval, seconds_of, take_bounded_turns
from mica import layers
from mica.engine import ExecutionPlan, eager_plan
from mica.plan import explain
from mica.plan.remedies import find_remedies

__all__ = ["CASES", "Case", "Followed", "judge", "run", "section"]

SECONDS = 5.0  # of turns for a case
EXPLAINING = 1.0  # seconds of measuring for an explanation, about
FEWEST, MOST = 5, 40  # rounds
WORTH = 0.03  # of the time; a smaller promise cannot be told from noise
ROWS = 2048  # of datasets that are read row by row
HALF = 0.5  # of its promise that an advice is to bring
GOAL = 0.8  # of the advice

Data = tuple[Any, ...]


@dataclass(frozen=True)
class Work:
    """What is trained for an epoch."""

    make: Callable[[], Any]  # the model, compiled
    data: Data
    rows: int
    batch_size: int | None
    plan: ExecutionPlan


@dataclass(frozen=True)
class Case:
    """A situation, the advice that belongs to it, and what it becomes by it."""

    name: str
    what: str
    action: str
    before: Callable[[], Work]
    follow: Callable[[Work], Work]


@dataclass(frozen=True)
class Followed:
    """What a promise said, and what came of it; shares of the time."""

    promised: float
    brought: float
    low: float
    high: float

    @property
    def is_kept(self) -> bool:
        """Whether it brought half of what it promised."""
        return self.brought >= HALF * self.promised


def _plan(**changes: Any) -> ExecutionPlan:
    return replace(eager_plan(), **changes)


def _compiled(build: Callable[[], Any], optimizer: Any, loss: str) -> Callable[[], Any]:
    def make() -> Any:
        mica.set_seed(0)
        model = build()
        model.compile(optimizer() if callable(optimizer) else optimizer, loss)
        return model

    return make


def _arrays(rows: int, shape: tuple[int, ...], classes: int) -> Data:
    generator = np.random.default_rng(0)
    x = generator.standard_normal((rows, *shape), dtype=np.float32)
    return x, generator.integers(0, classes, rows)


def _tokens(rows: int, length: int, vocabulary: int) -> Data:
    generator = np.random.default_rng(0)
    x = generator.integers(0, vocabulary, (rows, length))
    return x, generator.integers(0, 2, rows)


def _tiny() -> Any:
    return mica.Sequential(
        mica.Input((20,)),
        layers.Dense(64, activation="relu"),
        layers.Dense(64, activation="relu"),
        layers.Dense(2, activation="softmax"),
    )


def _dense() -> Any:
    return mica.Sequential(
        mica.Input((784,)),
        layers.Dense(512, activation="relu"),
        layers.Dense(10, activation="softmax"),
    )


def _deep() -> Any:
    return mica.Sequential(
        mica.Input((64,)),
        *(layers.Dense(64, activation="relu") for _ in range(12)),
        layers.Dense(10, activation="softmax"),
    )


def _convnet() -> Any:
    return mica.Sequential(
        mica.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(64, activation="relu"),
        layers.Dense(10, activation="softmax"),
    )


def _lstm() -> Any:
    return mica.Sequential(
        mica.Input((100,), dtype="int64"),
        layers.Embedding(10_000, 64),
        layers.LSTM(64),
        layers.Dense(2, activation="softmax"),
    )


def _words() -> Any:
    return mica.Sequential(
        mica.Input((32,), dtype="int64"),
        layers.Embedding(20_000, 64),
        layers.GlobalAveragePooling1D(),
        layers.Dense(2, activation="softmax"),
    )


def _transformer() -> Any:
    tokens = mica.Input((64,), dtype="int64")
    x = layers.Embedding(1000, 128)(tokens)
    x = layers.TransformerEncoder(256, 4)(x)
    x = layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling1D()(x))
    return mica.Model(tokens, x)


def _photos(joined: bool) -> Callable[[], Any]:
    def build() -> Any:
        parts: list[Any] = []
        for filters in (32, 32):
            parts.append(
                layers.Conv2D(
                    filters, 3, padding="same", activation="silu" if joined else None
                )
            )
            if not joined:
                parts.append(torch.nn.SiLU())
        return mica.Sequential(
            mica.Input((64, 64, 3)),
            *parts,
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax"),
        )

    return build


class SlowRows(Dataset[Any]):
    """Rows that are worked on one by one, as files are decoded."""

    def __init__(self, rows: int) -> None:
        self.x, self.y = (torch.as_tensor(part) for part in _arrays(rows, (784,), 10))

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, row: int) -> tuple[Any, Any]:
        x = self.x[row]
        return torch.sort(x + x.flip(0)).values, self.y[row]


class StreamedRows(IterableDataset[Any]):
    """The same rows, of which nobody knows how many there are."""

    def __init__(self, rows: int) -> None:
        self.rows = SlowRows(rows)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return (self.rows[row] for row in range(len(self.rows)))


def _loader(rows: Any, workers: int = 0) -> Data:
    keeps = workers > 0
    return (DataLoader(rows, 128, num_workers=workers, persistent_workers=keeps),)


def _gathered() -> Data:
    rows = SlowRows(ROWS)
    x, y = zip(*(rows[row] for row in range(ROWS)), strict=True)
    return torch.stack(x), torch.stack(y)


def _reading(rows: type[Any]) -> Callable[[], Work]:
    make = _compiled(_dense, "adam", CROSS)
    return lambda: Work(make, _loader(rows(ROWS)), ROWS, None, _plan(threads=1))


def _unfused(name: str) -> Callable[[], Any]:
    def choose() -> Any:
        made = getattr(torch.optim, name)
        return lambda parameters: made(parameters, lr=1e-3, foreach=False)

    return choose


CROSS = "sparse_categorical_crossentropy"


def _work(
    build: Callable[[], Any],
    data: Data,
    batch_size: int,
    optimizer: Any = "adam",
    **plan: Any,
) -> Callable[[], Work]:
    make = _compiled(build, optimizer, CROSS)
    return lambda: Work(make, data, len(data[0]), batch_size, _plan(**plan))


def _twice(work: Work) -> Work:
    return replace(work, batch_size=2 * (work.batch_size or 32))


def _half(work: Work) -> Work:
    return replace(work, plan=replace(work.plan, precision="bfloat16"))


def _alone(work: Work) -> Work:
    return replace(work, plan=replace(work.plan, threads=1))


def _remade(build: Callable[[], Any], optimizer: Any) -> Callable[[Work], Work]:
    make = _compiled(build, optimizer, CROSS)
    return lambda work: replace(work, make=make)


TABLE = _arrays(8192, (20,), 2)
DIGITS = _arrays(2048, (28, 28, 1), 10)
FLAT = _arrays(4096, (784,), 10)
REVIEWS = _tokens(1024, 100, 10_000)
SHORT = _tokens(4096, 32, 20_000)
PHRASES = _tokens(512, 64, 1000)

CASES = {
    each.name: each
    for each in (
        Case("tiny-batch", "20-64-64-2, batch 32", "batch",
             _work(_tiny, TABLE, 32, threads=1), _twice),
        Case("dense-batch", "784-512-10, batch 64", "batch",
             _work(_dense, FLAT, 64, threads=1), _twice),
        Case("embedding-batch", "embedding of 20,000 words, batch 64", "batch",
             _work(_words, SHORT, 64), _twice),
        Case("dense-bfloat16", "784-512-10, batch 512", "bfloat16",
             _work(_dense, FLAT, 512), _half),
        Case("convnet-bfloat16", "convnet of 93,322, batch 64", "bfloat16",
             _work(_convnet, DIGITS, 64), _half),
        Case("lstm-bfloat16", "LSTM of 64 over 100 words, batch 128", "bfloat16",
             _work(_lstm, REVIEWS, 128), _half),
        Case("transformer-batch", "an encoder of 128 over 64 words, batch 8", "batch",
             _work(_transformer, PHRASES, 8), _twice),
        Case("lstm-batch", "LSTM of 64 over 100 words, batch 32", "batch",
             _work(_lstm, REVIEWS, 32), _twice),
        Case("tiny-threads", "20-64-64-2, batch 32, all cores", "threads",
             _work(_tiny, TABLE, 32), _alone),
        Case("deep-batch", "12 layers of 64, batch 64", "batch",
             _work(_deep, _arrays(8192, (64,), 10), 64, threads=1), _twice),
        Case("adam-fused", "784-512-10, torch's Adam one by one", "fused",
             _work(_dense, FLAT, 64, _unfused("Adam"), threads=1),
             _remade(_dense, "adam")),
        Case("rmsprop-fused", "12 layers of 64, torch's RMSprop one by one", "fused",
             _work(_deep, _arrays(8192, (64,), 10), 64, _unfused("RMSprop"), threads=1),
             _remade(_deep, "rmsprop")),
        Case("silu-join", "two convolutions, each with a layer SiLU behind it", "join",
             _work(_photos(False), _arrays(128, (64, 64, 3), 2), 32,
                   precision="bfloat16"),
             _remade(_photos(True), "adam")),
        Case("rows-in-memory", "784-512-10, rows made one by one", "memory",
             _reading(SlowRows),
             lambda work: replace(work, data=_gathered(), batch_size=128)),
        Case("rows-read-ahead", "784-512-10, rows made one by one, a stream",
             "read ahead", _reading(StreamedRows),
             lambda work: replace(work, data=_loader(StreamedRows(ROWS), 1))),
    )
}  # fmt: skip


@contextmanager
def _own_cache() -> Iterator[None]:
    """Promises as on a computer that remembers nothing."""
    folder = os.environ.get("XDG_CACHE_HOME")
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["XDG_CACHE_HOME"] = temporary
        try:
            yield
        finally:
            if folder is None:
                del os.environ["XDG_CACHE_HOME"]
            else:
                os.environ["XDG_CACHE_HOME"] = folder


def _epoch(work: Work) -> Callable[[], float]:
    """Train for an epoch; seconds for a row."""
    model = work.make()

    def fit() -> object:
        return model.fit(
            *work.data, batch_size=work.batch_size, epochs=1, verbose=0, plan=work.plan
        )

    fit()  # builds, and warms up
    return lambda: seconds_of(fit) / work.rows


def promise_of(work: Work, action: str) -> float:
    """The share of a step that an explanation promises of an action; 0 for none."""
    found = explain(
        work.make(), *work.data, batch_size=work.batch_size, plan=work.plan,
        seconds=EXPLAINING,
    )  # fmt: skip
    for remedy in find_remedies(found.rows, found.seconds):
        if remedy.action == action:
            return remedy.promised(found.seconds)
    return 0.0


def measure(case: Case, seconds: float) -> dict[str, Any]:
    """Ask, follow, and time both."""
    before = case.before()
    promised = promise_of(before, case.action)
    item: dict[str, Any] = {
        "name": case.name,
        "what": case.what,
        "action": case.action,
        "promised": promised,
        "before": [],
        "after": [],
    }
    if promised:
        works = {"before": before, "after": case.follow(before)}
        item |= take_bounded_turns(
            {name: _epoch(work) for name, work in works.items()},
            seconds,
            fewest=FEWEST,
            most=MOST,
        )
    return item


def judge(item: dict[str, Any]) -> Followed | None:
    """What came of a promise, round by round; None where nothing was promised."""
    if not item["before"]:
        return None
    saved = [
        1 - after / before
        for before, after in zip(item["before"], item["after"], strict=True)
    ]
    low, high = interval(saved)
    return Followed(item["promised"], statistics.median(saved), low, high)


def run(
    keep: Callable[[dict[str, Any]], object],
    only: str = "",
    *,
    seconds: float | None = None,
) -> None:
    """All cases, or those named; each is kept as soon as it is done."""
    names = [name for name in only.split(",") if name] or list(CASES)
    found = []
    with _own_cache():
        for name in names:
            item = measure(CASES[name], SECONDS if seconds is None else seconds)
            keep(item)
            found.append(item)
            print(_line(item), file=sys.stderr)
    print(_share(found), file=sys.stderr)


def _times(share: float) -> str:
    return f"{1 / max(1 - share, 1e-3):.2f}x"


def _line(item: dict[str, Any]) -> str:
    head = f"| {item['name']}: {item['what']} | {item['action']} "
    done = judge(item)
    if done is None:
        return f"{head}| not advised | | | |"
    said = "yes" if done.is_kept else "no"
    if done.promised < WORTH:
        said = "too small to tell"
    return (
        f"{head}| {_times(done.promised)} | {_times(done.brought)} "
        f"| {_times(done.low)} to {_times(done.high)} | {said} |"
    )


def _share(items: Iterable[dict[str, Any]]) -> str:
    judged = [done for done in map(judge, items) if done and done.promised >= WORTH]
    kept = sum(done.is_kept for done in judged)
    share = f" ({kept / len(judged):.0%})" if judged else ""
    return (
        f"{kept} of {len(judged)} pieces of advice{share} brought half of what they "
        f"promised; the goal is {GOAL:.0%}."
    )


SECTION = """
## advice

`python -m benchmarks advice`{where}. In each situation `mica.plan.explain` is asked and
one of its pieces of advice is followed; an epoch of `fit` is timed before and after, in
turns. {share}

| situation | advice | promised | brought | interval | half |
| --- | --- | ---: | ---: | ---: | --- |
{rows}
"""


def section(items: Iterable[dict[str, Any]], where: str) -> str:
    """The page's part."""
    items = list(items)
    rows = "\n".join(map(_line, items))
    return SECTION.format(where=where, share=_share(items), rows=rows)
