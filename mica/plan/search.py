"""Search: candidates are proven and timed on a copy of the run; the best is adopted."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mica.data import Batch, Source
from mica.engine import (
    ExecutionPlan,
    execution_scope,
    random_state,
    restore_random_state,
)
from mica.plan.candidates import find_candidates
from mica.plan.compilable import is_soon_compiled
from mica.plan.copying import copy_session
from mica.plan.proof import bounds_of, compare, look
from mica.plan.remembering import key_of, recall_plan, remember_plan
from mica.plan.timing import Timed, adopt, in_words, take_turns, time_block
from mica.report import Table
from mica.training import Session, make_step, training_mode

__all__ = ["Decision", "Trial", "choose_plan", "search"]

FEWEST_STEPS = 100  # a run of fewer is over before anything could pay back
SHORT_RUN = 10.0  # seconds; a run that takes no longer is not worth a search
LONG_RUN = 600.0  # seconds from which a compiler's minute is small
SHARE = 0.05  # of the run that a search may take
LONGEST_SEARCH = 20.0  # seconds
BLOCK = 0.02  # seconds that are timed in one go
ROUNDS, MOST_ROUNDS = 15, 60  # the more, the less a neighbour's minute decides
THOROUGH = 0.01  # of a long run, for more rounds
ROUND = 0.08  # seconds, about: four candidates


@dataclass
class Trial:
    """A candidate, how long its steps took, and why it was not adopted.

    Args:
        plan: How the step was executed.
        timed: Its times.
        reason: "" for the adopted plan.

    Example:
        >>> from mica.engine import eager_plan
        >>> Trial(eager_plan("cpu"), Timed([0.5])).timed.median
        0.5
    """

    plan: ExecutionPlan
    timed: Timed
    reason: str = ""


@dataclass
class Decision:
    """The plan to train by, and how it was found.

    Args:
        plan: The plan.
        reason: Why this one, in one sentence.
        trials: All that was tried; empty when nothing was.
        batch_size: Samples in a step.
        cost: Seconds the search took.
        steps: Steps of the run, `None` when unknown.

    Example:
        >>> from mica.engine import eager_plan
        >>> Decision(eager_plan("cpu"), "A short run.").speed()
        ''
    """

    plan: ExecutionPlan
    reason: str
    trials: list[Trial] = field(default_factory=list)
    batch_size: int = 1
    cost: float = 0.0
    steps: int | None = None

    def speed(self) -> str:
        """Say samples per second of the plan and of the eager one."""
        if not self.trials:
            return ""
        chosen = next(trial for trial in self.trials if trial.plan == self.plan)
        eager = self.trials[0]
        text = f"{self.batch_size / chosen.timed.median:,.0f} samples/s"
        if chosen is not eager:
            rate = self.batch_size / eager.timed.median
            text += f" ({eager.plan.precision} eager: {rate:,.0f})"
        return text

    def report(self) -> Table:
        """List all candidates with their times, and why they were not adopted."""
        rows = []
        for trial in self.trials:
            seconds = trial.timed.median
            timed = bool(trial.timed.seconds)
            rows.append(
                (
                    trial.plan.describe(),
                    f"{1e3 * seconds:.3g}" if timed else "",
                    f"{self.batch_size / seconds:,.0f}" if timed else "",
                    trial.reason or "adopted",
                )
            )
        if not rows:
            rows = [(self.plan.describe(), "", "", "adopted")]
        columns = ("plan", "ms per step", "samples/s", "verdict")
        return Table("Plans", columns, tuple(rows), note=self._note())

    def _note(self) -> str:
        if not self.trials:
            return self.reason
        return f"{self.reason} {self._payback()}".strip()

    def _payback(self) -> str:
        chosen = next(trial for trial in self.trials if trial.plan == self.plan)
        saved = self.trials[0].timed.median - chosen.timed.median
        text = f"plan cost {self.cost:.1f} s"
        if saved > 0:
            steps = math.ceil(self.cost / saved)
            text += f", pays back after {steps:,} step{'' if steps == 1 else 's'}"
        if self.steps is not None:
            text += f", you have {self.steps:,}"
        return f"{text}."


def choose_plan(
    session: Session,
    source: Source,
    eager: ExecutionPlan,
    *,
    batch_size: int,
    epochs: int,
) -> Decision:
    """Decide how the steps of a run are executed.

    A run that is short, that has a step of its own, or whose data cannot be read twice
    is executed eagerly; a situation met before takes its remembered plan; else the
    candidates are proven and timed. Weights, optimizer, random numbers and data stay
    as they are: everything is tried on a copy.

    Args:
        session: The run; prepared, with its optimizer made.
        source: What it learns from.
        eager: The plan that others are compared with.
        batch_size: Rows in a batch.
        epochs: Epochs that are left.

    Returns:
        The decision.

    Example:
        >>> import torch
        >>> from mica.data import as_source
        >>> from mica.engine import eager_plan
        >>> from mica.training import Objective
        >>> session = Session(torch.nn.Linear(1, 1), Objective("mse"), "sgd")
        >>> source = as_source([[0.0], [1.0]], [[1.0], [3.0]])
        >>> eager = eager_plan("cpu")
        >>> session.prepare(source, eager)
        >>> choose_plan(session, source, eager, batch_size=1, epochs=3).reason
        '6 steps are over before a search pays back.'
    """
    batches = source.num_batches(batch_size)
    steps = None if batches is None else batches * epochs
    if session.train_step is not None:
        return Decision(eager, "A step of one's own is executed as it is written.")
    if not source.in_memory:
        return Decision(eager, "Data that come as a stream are not read twice.")
    if steps is not None and steps < FEWEST_STEPS:
        return Decision(eager, f"{steps} steps are over before a search pays back.")
    if len(find_candidates(eager)) == 1:
        return Decision(eager, "There is no other way to execute a step here.")
    random = random_state()
    try:
        return _decide(session, source, eager, batch_size, steps)
    except Exception as error:  # noqa: BLE001 - whatever it is, training goes on
        return Decision(eager, f"No plan was searched for: {in_words(error)}.")
    finally:
        restore_random_state(random)


def _decide(
    session: Session,
    source: Source,
    eager: ExecutionPlan,
    batch_size: int,
    steps: int | None,
) -> Decision:
    found = _first_batches(source, eager, batch_size)
    updater = session.ready_updater()
    key = key_of(session.model, found[0], session.objective, updater, eager)
    remembered = recall_plan(key, eager)
    if remembered is not None:
        plan, _ = remembered
        return Decision(plan, "Remembered from an earlier run on this machine.")
    begin = time.perf_counter()
    trial = _copy_of(session)
    per_step = _first_guess(trial, found, eager)
    total = per_step * steps if steps is not None else float("inf")
    if total < SHORT_RUN:
        return Decision(
            eager, f"A run of about {total:.1f} s is over before a search pays back."
        )
    trials = search(
        trial,
        found,
        eager,
        seconds=min(LONGEST_SEARCH, SHARE * total),
        rounds=_rounds(total),
        time_to_compile=total > LONG_RUN and is_soon_compiled(trial, found),
    )
    adopted = next(each for each in trials if not each.reason)
    remember_plan(key, adopted.plan, adopted.timed.median)
    return Decision(
        adopted.plan,
        "The fastest of those that give the same numbers.",
        trials,
        batch_size,
        time.perf_counter() - begin,
        steps,
    )


def _first_batches(source: Source, plan: ExecutionPlan, batch_size: int) -> list[Batch]:
    found = []
    # Mixed: batches by length have the lengths of an epoch then.
    for batch in source.batches(
        0, batch_size=batch_size, shuffle=True, seed=0, device=plan.device
    ):
        found.append(batch)
        if len(found) == 4:
            break
    return [batch for batch in found if batch.size == found[0].size]


def _copy_of(session: Session) -> Session:
    """The same run on copies of weights, losses, metrics and optimizer."""
    trial = copy_session(session)
    training_mode(trial.model)
    return trial


def _stepper(
    trial: Session, batches: Sequence[Batch], plan: ExecutionPlan
) -> Callable[[int], object]:
    step = make_step(trial.model, trial.objective, trial.ready_updater(), plan)
    return lambda number: step(batches[number % len(batches)])


def _first_guess(
    trial: Session, batches: Sequence[Batch], plan: ExecutionPlan
) -> float:
    """Seconds of a step, roughly: the second one."""
    step = _stepper(trial, batches, plan)
    step(0)
    return time_block(step, 1, plan.device)


def search(
    trial: Session,
    batches: Sequence[Batch],
    eager: ExecutionPlan,
    *,
    seconds: float,
    rounds: int = ROUNDS,
    time_to_compile: bool = False,
    candidates: Sequence[ExecutionPlan] | None = None,
) -> list[Trial]:
    """Prove and time candidates; what the session holds is changed by it.

    Args:
        trial: A run on copies.
        batches: Batches of one size.
        eager: The plan that others are compared with.
        seconds: How long it may take, about.
        rounds: How often each candidate is timed.
        time_to_compile: Whether a compiler may be tried.
        candidates: The plans, the eager one first; None for those of this machine.

    Returns:
        The trials, the eager one first; the adopted one has no reason.
    """
    plans = list(candidates or find_candidates(eager, time_to_compile=time_to_compile))
    trials = [Trial(plan, Timed()) for plan in plans]
    _prove(trial, batches[0], trials)
    running = [each for each in trials if not each.reason]
    blocks = [_block(trial, batches, each.plan) for each in running]
    for each, timed in zip(
        running, take_turns(blocks, rounds, seconds=seconds), strict=True
    ):
        each.timed = timed
        each.reason = timed.failure
    adopt(trials)
    return trials


def _prove(trial: Session, batch: Batch, trials: Sequence[Trial]) -> None:
    """Drop the candidates whose numbers are not those of the eager plan."""

    def numbers(plan: ExecutionPlan) -> Any:
        with execution_scope(plan):
            updater = trial.ready_updater()
            plain = make_step(
                trial.model, trial.objective, updater, plan, captured=False
            )
            return look(plain, batch)

    expected = numbers(trials[0].plan)
    for each in trials[1:]:
        try:
            said = compare(numbers(each.plan), expected, bounds_of(each.plan.precision))
        except Exception as error:  # noqa: BLE001 - whatever it is, the plan is dropped
            said = in_words(error)
        each.reason = f"dropped: {said}" if said else ""


def _block(
    trial: Session, batches: Sequence[Batch], plan: ExecutionPlan
) -> Callable[[], float]:
    """Time steps of a plan: some in a row, the first ones not counted."""
    made: list[Callable[[int], object]] = []
    steps = [1]

    def block() -> float:
        with execution_scope(plan):
            if not made:
                made.append(_stepper(trial, batches, plan))
                for number in range(4):  # caches, compilers and graphs get warm
                    made[0](number)
                once = time_block(made[0], 1, plan.device)
                steps[0] = max(1, min(200, int(BLOCK / max(once, 1e-6))))
            return time_block(made[0], steps[0], plan.device)

    return block


def _rounds(total: float) -> int:
    """How often each candidate is timed in a search for a run of so many seconds."""
    return int(min(max(ROUNDS, THOROUGH * total / ROUND), MOST_ROUNDS))
