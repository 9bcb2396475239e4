"""Predicting: how many rows are computed at once, and in which precision."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from mica.data import ArraySource, Batch, Source
from mica.data.batch import to_device
from mica.engine import (
    ExecutionPlan,
    compute_scope,
    execution_scope,
    free_memory_bytes,
    random_state,
    restore_random_state,
)
from mica.layers import probing
from mica.nested import flatten
from mica.plan.candidates import find_candidates
from mica.plan.memory import Watermark
from mica.plan.remembering import (
    key_of,
    recall_batch_size,
    recall_plan,
    remember_plan,
)
from mica.plan.timing import Timed, adopt, in_words, take_turns, time_block
from mica.report import Table
from mica.training import Session
from mica.training.calling import call, evaluation_mode

__all__ = ["Prediction", "PredictionTrial", "choose_prediction", "differ"]

DEFAULT_ROWS = 32  # of a batch; as in Keras
SIZES = (32, 128, 512, 2048)  # rows of a batch that are timed
MOST_ROWS = SIZES[-1]
FEWEST_BATCHES = 100  # of the default size; fewer are over before a search pays back
SHORT_RUN = 10.0  # seconds; a prediction that takes no longer stays float32
SHARE = 0.05  # of the rows that may be computed to find something out
ROUNDS = 12  # chance is ruled out though one of them goes wrong
SMALL = 16  # rows of the batch that is watched for its memory
CACHE = 4e6  # bytes of layers' outputs that a processor's caches hold beside weights
CACHES = {"cpu": CACHE}  # elsewhere many rows at once keep a device busy
SPARED = 0.25  # of the free memory that a batch may take
UNKNOWN_MEMORY = 1e9  # bytes, where the system does not tell
PROVEN = 512  # rows on which a precision is proven, at most
FEWEST_TRIED = 8  # rows; fewer say nothing about the time of many
OFF = 1e-2  # |bfloat16 or tf32 - float32| / |float32|, at most, for each output


@dataclass
class PredictionTrial:
    """A way to predict, how long a row took, and why it was not adopted.

    Args:
        plan: Where and in which precision.
        batch_size: Rows in a batch.
        timed: Seconds for a row, round by round.
        reason: "" for the adopted one.

    Example:
        >>> from mica.engine import eager_plan
        >>> PredictionTrial(eager_plan("cpu"), 32).timed.seconds
        []
    """

    plan: ExecutionPlan
    batch_size: int
    timed: Timed = field(default_factory=Timed)
    reason: str = ""


@dataclass
class Prediction:
    """How the rows of one call of `predict` are computed, and how that was found.

    Args:
        plan: Where and in which precision.
        batch_size: Rows in a batch.
        reason: Why so, in one sentence.
        trials: All that was tried; empty when nothing was.
        rows: How many rows there are.
        folded: How many batch normalizations are parts of the layers before them.
        cost: Seconds that the search took.

    Example:
        >>> from mica.engine import eager_plan
        >>> found = Prediction(eager_plan("cpu"), 32, "So few rows.", folded=2)
        >>> print(found.report().note)
        So few rows. Folded batch normalizations: 2.
    """

    plan: ExecutionPlan
    batch_size: int
    reason: str
    trials: list[PredictionTrial] = field(default_factory=list)
    rows: int = 0
    folded: int = 0
    cost: float = 0.0

    def report(self) -> Table:
        """List what was tried, with rows per second, and why it was not adopted."""
        trials = self.trials or [PredictionTrial(self.plan, self.batch_size)]
        rows = [
            (
                each.plan.precision,
                each.batch_size,
                f"{1 / each.timed.median:,.0f}" if each.timed.seconds else "",
                each.reason or "adopted",
            )
            for each in trials
        ]
        columns = ("precision", "rows in a batch", "rows/s", "verdict")
        return Table("Prediction", columns, tuple(rows), note=self._note())

    def _note(self) -> str:
        parts = [self.reason]
        if self.folded:
            parts.append(f"Folded batch normalizations: {self.folded}.")
        if self.cost:
            parts.append(f"The search took {self.cost:.1f} s.")
        return " ".join(parts)

    def show(self) -> None:
        """Print the report, or display it in a notebook."""
        self.report().show()

    def __str__(self) -> str:
        return str(self.report())

    def _repr_html_(self) -> str | None:
        return self.report()._repr_html_()


def choose_prediction(
    session: Session,
    network: nn.Module,
    source: Source,
    eager: ExecutionPlan,
    *,
    batch_size: int | None = None,
    folded: int = 0,
) -> Prediction:
    """Decide how many rows are computed at once, and in which precision.

    Few rows are computed by 32. More are computed by as many as keep the outputs of
    the layers in the processor's caches, from 32 to 2048; where it pays back, 32, 128,
    512 and 2048 are timed on the first rows. A prediction of more than 10 seconds is
    tried in TF32 and bfloat16, too, where the chip multiplies them and no precision was
    chosen: the outputs on the first rows must be within 1 % of those in float32, and
    name the same class for every row. All rows of a call are computed in one precision.

    Args:
        session: Whose model predicts.
        network: The model, or a copy with folded layers.
        source: The rows.
        eager: The plan that others are compared with.
        batch_size: Rows in a batch that were asked for; None for those of the plan.
        folded: How many batch normalizations are folded in the network.

    Returns:
        The decision.

    Example:
        >>> from mica.data import as_source
        >>> from mica.engine import eager_plan
        >>> from mica.training import Objective
        >>> model = nn.Linear(4, 1)
        >>> session = Session(model, Objective(), "sgd")
        >>> source = as_source(torch.zeros(600, 4))
        >>> choose_prediction(session, model, source, eager_plan("cpu")).reason
        '600 rows are over before a search pays back.'
    """
    rows = source.num_samples or 0
    found = Prediction(eager, batch_size or DEFAULT_ROWS, "", rows=rows, folded=folded)
    if not source.in_memory:
        found.reason = "Data that come as a stream are not read twice."
    elif not isinstance(source, ArraySource):
        found.reason = "Batches that are made on the way, or padded, stay as they are."
    elif rows < FEWEST_BATCHES * DEFAULT_ROWS:
        found.reason = f"{rows:,} rows are over before a search pays back."
    elif torch.are_deterministic_algorithms_enabled():
        found.reason = "A choice by the clock is not repeatable."
    if found.reason:
        return found
    random, begin = random_state(), time.perf_counter()
    try:
        with evaluation_mode(network), torch.inference_mode(), probing():
            _Search(session, network, source, batch_size).decide(found)
    except Exception as error:  # noqa: BLE001 - whatever it is, prediction goes on
        found.plan, found.batch_size = eager, batch_size or DEFAULT_ROWS
        found.trials = []
        found.reason = f"Nothing was tried: {in_words(error)}."
    finally:
        restore_random_state(random)
    found.cost = time.perf_counter() - begin if found.trials else 0.0
    return found


class _Search:
    """What is found out about one prediction, on its first rows."""

    def __init__(
        self,
        session: Session,
        network: nn.Module,
        source: Source,
        asked: int | None,
    ) -> None:
        self.session = session
        self.network = network
        self.source = source
        self.asked = asked
        self._batches: dict[int, Any] = {}

    def decide(self, found: Prediction) -> None:
        """Fill in a decision that is not made yet."""
        eager, rows = found.plan, found.rows
        room = self._row_bytes(eager)
        if self.asked is None:
            found.batch_size = _fitting(room, eager.device)
        per_row = self._first_guess(eager)
        total = per_row * rows
        others = self._other_sizes(found.batch_size, rows, room, eager.device)
        coarser = _coarser(eager) if total >= SHORT_RUN else []
        if not others and not coarser:
            found.reason = f"A prediction of about {_said(total)} needs no search."
            return
        key = self._key(eager, others, coarser, found.folded)
        if not self._recall(found, key):
            self._time_sizes(found, others)
            for plan in coarser:
                self._try_coarser(found, plan, eager)
            adopted = next(each for each in found.trials if not each.reason)
            seconds = adopted.timed.median
            remember_plan(key, found.plan, seconds, batch_size=found.batch_size)
            found.reason = "The fastest of those that give the same numbers."

    def batch(self, rows: int, plan: ExecutionPlan) -> Any:
        """The first rows, on the device."""
        if rows not in self._batches:
            given = self.source.peek(rows).x
            self._batches[rows] = to_device(given, plan.device)
        return self._batches[rows]

    def outputs(self, rows: int, plan: ExecutionPlan) -> list[Any]:
        """What the network gives for the first rows."""
        with execution_scope(plan), compute_scope(plan):
            return flatten(call(self.network, self.batch(rows, plan)))

    def _row_bytes(self, plan: ExecutionPlan) -> float:
        """Bytes that live at the same time for each row."""
        x = self.batch(SMALL, plan)
        mark = Watermark()
        held = [*self.network.parameters(), *self.network.buffers()]
        leaves = [leaf for leaf in tree_leaves(x) if isinstance(leaf, Tensor)]
        mark.leave_out([*held, *leaves])
        with mark:
            self.outputs(SMALL, plan)
        inputs = sum(leaf.numel() * leaf.element_size() for leaf in leaves)
        return (mark.peak + inputs) / SMALL

    def _first_guess(self, plan: ExecutionPlan) -> float:
        """Seconds for a row, roughly: from the second batch."""
        self.outputs(DEFAULT_ROWS, plan)
        step = self._stepper(DEFAULT_ROWS, plan)
        return time_block(step, 1, plan.device) / DEFAULT_ROWS

    def _stepper(self, rows: int, plan: ExecutionPlan) -> Callable[[int], object]:
        return lambda _: self.outputs(rows, plan)

    def _other_sizes(
        self, size: int, rows: int, room: float, device: torch.device
    ) -> list[int]:
        """Sizes to compare with the first one; none where that takes too long."""
        if self.asked is not None:
            return []
        most = _most_rows(room, device)
        others = [each for each in SIZES if each != size and each <= most]
        while others and (ROUNDS + 1) * (size + sum(others)) > SHARE * rows:
            others.pop()
        return others

    def _key(
        self,
        eager: ExecutionPlan,
        others: Sequence[int],
        coarser: Sequence[ExecutionPlan],
        folded: int,
    ) -> str:
        batch = Batch(self.batch(SMALL, eager), None, None, SMALL)
        situation = key_of(self.session.model, batch, None, None, eager)
        names = tuple(plan.precision for plan in coarser)
        tried = ("predict", situation, self.asked, tuple(others), names, folded)
        return hashlib.sha256(repr(tried).encode()).hexdigest()[:32]

    def _recall(self, found: Prediction, key: str) -> bool:
        """Take what was found before, if its numbers are right for these rows, too."""
        remembered, size = recall_plan(key, found.plan), recall_batch_size(key)
        if remembered is None or size is None:
            return False
        plan, _ = remembered
        eager = found.plan
        if plan.precision != eager.precision and self._is_off(found, plan, eager):
            return False
        found.plan, found.batch_size = plan, self.asked or size
        found.reason = "Remembered from an earlier prediction on this machine."
        return True

    def _is_off(
        self, found: Prediction, plan: ExecutionPlan, eager: ExecutionPlan
    ) -> str | None:
        """Say how a precision differs from float32 on the first rows, if it does."""
        rows = min(PROVEN, max(FEWEST_TRIED, found.rows // 80))
        return differ(self.outputs(rows, plan), self.outputs(rows, eager))

    def _time_sizes(self, found: Prediction, others: Sequence[int]) -> None:
        plan = found.plan
        trials = [PredictionTrial(plan, each) for each in (found.batch_size, *others)]
        if others:
            self._time(trials, [each.batch_size for each in trials])
        found.trials = trials
        found.batch_size = adopt(trials).batch_size

    def _try_coarser(
        self, found: Prediction, plan: ExecutionPlan, eager: ExecutionPlan
    ) -> None:
        """Prove and time a precision in batches of the size that was found."""
        size = found.batch_size
        trial = PredictionTrial(plan, size)
        found.trials.append(trial)
        try:
            said = self._is_off(found, plan, eager)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is dropped
            said = in_words(error)
        if said:
            trial.reason = f"dropped: {said}"
            return
        # So few that the rounds of both take no more than the share.
        rows = min(size, int(SHARE * found.rows / (2 * (ROUNDS + 1))))
        if rows < FEWEST_TRIED:
            trial.reason = "not tried: there are too few rows"
            return
        best = PredictionTrial(found.plan, size)
        self._time([best, trial], [rows, rows])
        adopted = next(each for each in found.trials if not each.reason)
        adopted.timed = best.timed
        if adopt([adopted, trial]) is trial:
            found.plan = plan

    def _time(self, trials: Sequence[PredictionTrial], rows: Sequence[int]) -> None:
        def block(trial: PredictionTrial, count: int) -> Callable[[], float]:
            step = self._stepper(count, trial.plan)
            return lambda: time_block(step, 1, trial.plan.device) / count

        for each, count in zip(trials[1:], rows[1:], strict=True):
            with _kept(each):
                self.outputs(count, each.plan)  # memory and caches get warm
        running = [
            (each, count)
            for each, count in zip(trials, rows, strict=True)
            if not each.reason
        ]
        blocks = [block(each, count) for each, count in running]
        for (each, _), timed in zip(running, take_turns(blocks, ROUNDS), strict=True):
            each.timed = timed
            each.reason = f"dropped: {timed.failure}" if timed.failure else ""


@contextmanager
def _kept(trial: PredictionTrial) -> Iterator[None]:
    """Turn an error of a candidate into the reason why it is dropped."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, it is dropped
        trial.reason = f"dropped: {in_words(error)}"


def _most_rows(room: float, device: torch.device) -> float:
    free = free_memory_bytes(device)
    return SPARED * (UNKNOWN_MEMORY if free is None else free) / max(room, 1.0)


def _fitting(room: float, device: torch.device) -> int:
    """Rows whose outputs of layers fit into the caches: 32 times a power of two."""
    bytes_held = CACHES.get(device.type)
    size = DEFAULT_ROWS
    most = _most_rows(room, device)
    while size < MOST_ROWS and 2 * size <= most:
        if bytes_held is not None and 2 * size * room > bytes_held:
            break
        size *= 2
    return size


def _coarser(eager: ExecutionPlan) -> list[ExecutionPlan]:
    """The same plan in the precisions that the chip has and nobody forbade."""
    names = dict.fromkeys(plan.precision for plan in find_candidates(eager))
    return [replace(eager, precision=name) for name in names if name != eager.precision]


def _said(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 0.1 else f"{1e3 * seconds:.2g} ms"


def differ(given: Sequence[Any], expected: Sequence[Any]) -> str | None:
    """Say how outputs in another precision differ from those in float32, if they do.

    Each output must be near, as a whole: |given - expected| <= 0.01 |expected|. Where
    a row is a list of numbers, the largest must be at the same place in every row;
    where it is one number from 0 to 1, on the same side of one half.

    Args:
        given: The outputs, a list of tensors.
        expected: Those in float32.

    Returns:
        A sentence, or None when all is well.

    Example:
        >>> differ([torch.tensor([[1.0, 2.0]])], [torch.tensor([[1.0, 2.1]])])
        'output 0 is off by 4.3 % (at most 1 % is allowed)'
    """
    for number, (one, other) in enumerate(zip(given, expected, strict=True)):
        if not other.is_floating_point():
            if not torch.equal(one, other):
                return f"output {number} is another one"
            continue
        mine = one.to(other.dtype)
        length = float(other.norm())
        distance = float((mine - other).norm())
        # Written so that NaN is off, too.
        if not distance <= OFF * length:
            share = 100 * distance / length if length else float("inf")
            return f"output {number} is off by {share:.1f} % (at most 1 % is allowed)"
        changed = _changed_classes(mine, other)
        if changed:
            return (
                f"output {number} names another class in {changed} of {len(other)} rows"
            )
    return None


def _changed_classes(mine: Tensor, other: Tensor) -> int:
    if other.ndim != 2 or other.numel() == 0:
        return 0
    if other.shape[1] > 1:
        return int((mine.argmax(1) != other.argmax(1)).sum())
    if float(other.min()) < 0 or float(other.max()) > 1:
        return 0
    return int(((mine > 0.5) != (other > 0.5)).sum())
