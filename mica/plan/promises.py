"""Promises: what advice said it would save, and what it saved when it was followed.

Each explanation leaves behind how fast the step was, in which setting, and what it
advised. A later one of the same network, in which just one advised thing is different,
tells what that brought. Advice to come is corrected by how such promises were kept.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import nn

from mica.data import Batch
from mica.engine import cache_folder, inspect_hardware, mica_version
from mica.errors import MicaError
from mica.nested import flatten
from mica.plan.row import Row
from mica.training import atomic_file

__all__ = [
    "Outcome",
    "Promise",
    "Run",
    "Setting",
    "corrected",
    "correction_of",
    "family_of",
    "forget_promises",
    "recall_outcomes",
    "remember_run",
    "settle",
]

FORMAT = 1  # of the files; another number is not read
MOST_RUNS = 8  # of a network that are kept
MOST_FILES = 300  # that are looked at, the newest first
FEWEST = 3  # outcomes before a promise is corrected by them
MOST_KEPT = 1.5  # times its promise that a correction expects

ARRAYS = "ArraySource"
# What following an advice changes; all else must be as it was.
CHANGES = {
    "bfloat16": "precision",
    "batch": "batch_size",
    "threads": "threads",
    "fused": "fused",
    "memory": "reads",
    "read ahead": "reads",
    "join": "elementwise",
    "sync": "waits",
}


@dataclass(frozen=True)
class Setting:
    """What may differ from one explanation of a network to the next.

    Args:
        precision: The plan's.
        batch_size: Rows in a step.
        threads: Of the processor; None for torch's own choice.
        fused: Whether the update of the weights is one operation.
        reads: How batches come: the class of their source, and its processes.
        elementwise: How many layers could be done by the one before.
        waits: How often Python waits for the device in a step.
        clock: What was read: times of two clocks are not compared.

    Example:
        >>> Setting("float32", 32, 2).fused
        True
    """

    precision: str
    batch_size: int
    threads: int | None
    fused: bool = True
    reads: str = ARRAYS
    elementwise: int = 0
    waits: int = 0
    clock: str = "WallClock"


@dataclass(frozen=True)
class Promise:
    """A share of the time that an advice is to save.

    Args:
        saved: As it was said.
        computed: Before it was corrected by earlier outcomes.
    """

    saved: float
    computed: float


@dataclass(frozen=True)
class Run:
    """An explanation, as it is remembered.

    Args:
        setting: Of its step.
        seconds_per_row: Of the whole step, for a row of the batch.
        promises: By the advice's action.
    """

    setting: Setting
    seconds_per_row: float
    promises: Mapping[str, Promise]


@dataclass(frozen=True)
class Outcome:
    """What became of an advice that was followed.

    Args:
        action: The advice's.
        promised: The share of the time it was to save.
        computed: The same before it was corrected.
        brought: The share it saved; below 0 when it took longer.

    Example:
        >>> Outcome("bfloat16", 0.5, 0.5, 0.4).sentence()
        'bfloat16: advised 2.00x, brought 1.67x.'
    """

    action: str
    promised: float
    computed: float
    brought: float

    def sentence(self) -> str:
        """Say how many times as fast it was to be, and was."""
        advised, came = (
            1 / max(1 - share, 1e-3) for share in (self.promised, self.brought)
        )
        return f"{self.action}: advised {advised:.2f}x, brought {came:.2f}x."


def family_of(model: nn.Module, batch: Batch, objective: Any, trains: bool) -> str:
    """Name a network: explanations of one name can be compared.

    The shapes of its weights and of a row count, not the layers' names: a layer without
    weights may have gone where an advice said so.

    Args:
        model: The module.
        batch: One batch; its rows may be more or fewer.
        objective: What is made small; bound to the model when the step learns.
        trains: Whether the step learns.

    Returns:
        A short text.

    Example:
        >>> batch = Batch(torch.zeros(2, 1), None, None, 2)
        >>> names = {family_of(nn.Linear(1, n), batch, None, False) for n in (1, 2, 2)}
        >>> len(names)
        2
    """
    heads = objective.heads if trains else ()
    network = {
        "format": FORMAT,
        "weights": [tuple(weight.shape) for weight in model.parameters()],
        "row": [
            (tuple(leaf.shape[1:]), str(leaf.dtype))
            for leaf in flatten(tuple(batch[:3]))
            if isinstance(leaf, torch.Tensor)
        ],
        "losses": [
            (type(head.loss).__qualname__, len(head.all_metrics)) for head in heads
        ],
        "trains": trains,
        "device": str(next((each.device for each in model.parameters()), "cpu")),
        "machine": {
            name: str(value) for name, value in asdict(inspect_hardware()).items()
        },
        "versions": [mica_version(), torch.__version__],
    }
    text = json.dumps(network, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def settle(runs: Sequence[Run], now: Run) -> list[Outcome]:
    """Find the advice that was followed, and what it brought.

    An advice is followed when what it is about is as it said, and nothing else is
    different: a larger batch is one of twice the rows.

    brought = 1 - seconds for a row now / seconds for a row then

    Args:
        runs: Earlier explanations of the same network, the oldest first.
        now: This one.

    Returns:
        One outcome for each advice, told by the newest explanation that gave it.

    Example:
        >>> advised = {"batch": Promise(0.4, 0.4)}
        >>> then = Run(Setting("float32", 32, 1), 0.002, advised)
        >>> now = Run(Setting("float32", 64, 1), 0.001, {})
        >>> [(each.action, each.brought) for each in settle([then], now)]
        [('batch', 0.5)]
    """
    found: dict[str, Outcome] = {}
    for run in runs:
        for action, promise in run.promises.items():
            if run.seconds_per_row > 0 and _follows(action, run.setting, now.setting):
                brought = 1 - now.seconds_per_row / run.seconds_per_row
                found[action] = Outcome(
                    action, promise.saved, promise.computed, brought
                )
    return list(found.values())


def _follows(action: str, before: Setting, now: Setting) -> bool:
    name = CHANGES.get(action)
    if name is None:
        return False
    if replace(before, **{name: getattr(now, name)}) != now:
        return False  # something else is different, too
    return {
        "bfloat16": now.precision == "bfloat16" != before.precision,
        "batch": now.batch_size == 2 * before.batch_size,
        "threads": now.threads == 1 != before.threads,
        "fused": now.fused and not before.fused,
        "memory": now.reads == ARRAYS != before.reads,
        "read ahead": now.reads not in (ARRAYS, before.reads),
        "join": now.elementwise < before.elementwise,
        "sync": now.waits < before.waits,
    }[action]


def remember_run(family: str, run: Run) -> list[Outcome]:
    """Keep an explanation, and what it tells of earlier advice.

    A disk that cannot be written is no matter.

    Args:
        family: From `family_of`.
        run: The explanation.

    Returns:
        The outcomes of all advice for this network that was ever followed.

    Example:
        >>> remember_run("example", Run(Setting("float32", 32, 1), 0.5, {}))
        []
        >>> forget_promises()
    """
    runs, outcomes = _read(_file(family))
    known = {each.action: each for each in outcomes}
    known |= {each.action: each for each in settle(runs, run)}
    kept = [each for each in runs if each.setting != run.setting]
    entry = {
        "format": FORMAT,
        "runs": [asdict(each) for each in [*kept, run][-MOST_RUNS:]],
        "outcomes": [asdict(each) for each in known.values()],
    }
    with suppress(OSError, MicaError), atomic_file(_file(family), where="plan") as file:
        file.write(json.dumps(entry).encode())
    return list(known.values())


def recall_outcomes() -> list[Outcome]:
    """Read what became of all advice on this computer.

    Returns:
        Outcomes of all networks; damaged and foreign files are passed over.

    Example:
        >>> forget_promises()
        >>> recall_outcomes()
        []
    """
    found: list[Outcome] = []
    with suppress(OSError):
        paths = sorted(
            cache_folder("promises").glob("*.json"),
            key=lambda path: path.stat().st_mtime,
        )
        for path in paths[-MOST_FILES:]:
            found += _read(path)[1]
    return found


def correction_of(action: str, outcomes: Sequence[Outcome]) -> tuple[float, int]:
    """Say how much of such promises was kept so far.

    median of brought / computed, between 0 and 1.5

    Args:
        action: The advice's.
        outcomes: From `recall_outcomes`.

    Returns:
        (factor, how many outcomes it is made of); 1 when they are fewer than three.

    Example:
        >>> kept = [Outcome("batch", 0.4, 0.4, brought) for brought in (0.2, 0.2, 0.4)]
        >>> correction_of("batch", kept), correction_of("batch", kept[:2])
        ((0.5, 3), (1.0, 2))
    """
    shares = [
        each.brought / each.computed
        for each in outcomes
        if each.action == action and each.computed > 0
    ]
    if len(shares) < FEWEST:
        return 1.0, len(shares)
    return min(max(median(shares), 0.0), MOST_KEPT), len(shares)


def corrected(
    rows: Sequence[Row], outcomes: Sequence[Outcome]
) -> tuple[tuple[Row, ...], dict[str, str]]:
    """Correct promises by how earlier ones were kept.

    Args:
        rows: The parts, with their advice.
        outcomes: From `recall_outcomes`.

    Returns:
        (the parts, by action a sentence that says so).

    Example:
        >>> from mica.plan.advising import Advice, Cost
        >>> row = Row("dense", "Dense", 1.0, 0.0, Cost(), "launch",
        ...           Advice("batch", "More.", 0.4))
        >>> kept = [Outcome("batch", 0.4, 0.4, 0.2)] * 3
        >>> corrected([row], kept)[0][0].advice.gain
        0.2
    """
    factors = {
        action: correction_of(action, outcomes)
        for action in {row.advice.action for row in rows} - {"none"}
    }
    changed = []
    for row in rows:
        factor, _ = factors.get(row.advice.action, (1.0, 0))
        gain = min(row.seconds, factor * row.advice.gain)
        changed.append(replace(row, advice=row.advice._replace(gain=gain)))
    said = {
        action: f"Corrected: {count} such promises brought {100 * factor:.0f} % of "
        "what was computed."
        for action, (factor, count) in factors.items()
        if count >= FEWEST
    }
    return tuple(changed), said


def forget_promises() -> None:
    """Forget all advice and what it brought.

    Example:
        >>> forget_promises()
    """
    with suppress(OSError):
        for path in cache_folder("promises").glob("*.json"):
            path.unlink()


def _file(family: str) -> Path:
    return cache_folder("promises") / f"{family}.json"


def _read(path: Path) -> tuple[list[Run], list[Outcome]]:
    """What a file holds; nothing when it is damaged, foreign or not there."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        if entry["format"] != FORMAT:
            return [], []
        runs = [
            Run(
                Setting(**each["setting"]),
                float(each["seconds_per_row"]),
                {
                    action: Promise(**{key: float(value[key]) for key in value})
                    for action, value in each["promises"].items()
                },
            )
            for each in entry["runs"]
        ]
        outcomes = [
            Outcome(
                str(each["action"]),
                *(float(each[key]) for key in ("promised", "computed", "brought")),
            )
            for each in entry["outcomes"]
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return [], []
    return runs, outcomes
