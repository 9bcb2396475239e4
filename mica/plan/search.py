"""Search: candidates are proven and timed on a copy of the run; the best is adopted."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from mica.data import Batch, Source
from mica.engine import (
    ExecutionPlan,
    execution_scope,
    random_state,
    restore_random_state,
)
from mica.plan.candidates import COMPILED, find_candidates
from mica.plan.compilable import is_soon_compiled
from mica.plan.copying import copy_session
from mica.plan.decision import Decision, Trial
from mica.plan.proof import bounds_of, compare, look
from mica.plan.remembering import key_of, recall_plan, remember_plan
from mica.plan.timing import Timed, adopt, in_words, take_turns, time_block
from mica.training import Session, make_step, training_mode

__all__ = ["affordable", "choose_plan", "search"]

FEWEST_STEPS = 100  # a run of fewer is over before anything could pay back
SHORT_RUN = 10.0  # seconds; a run that takes no longer is not worth a search
LONG_RUN = 1200.0  # seconds of which a compiler's minute is the share below
SHARE = 0.05  # of the run that a search may take
PATIENCE = 2  # times that share, for the fewest steps that decide anything
FEWEST_TRIED = 10  # steps of a candidate: proven, warmed up, and timed in 7 rounds
SLOW_STEP = 0.25  # seconds; such a step is not bound by launching its operations
LONGEST_SEARCH = 20.0  # seconds, unless the fewest steps take longer
BLOCK = 0.02  # seconds that are timed in one go
ROUNDS, MOST_ROUNDS = 15, 60  # the more, the less a neighbour's minute decides
THOROUGH = 0.01  # of a long run, for more rounds
ROUND = 0.08  # seconds, about: four candidates


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
    if remembered is not None and _is_good(session, found, eager, remembered[0]):
        return Decision(
            remembered[0], "Remembered from an earlier run on this machine."
        )
    begin = time.perf_counter()
    trial = _copy_of(session)
    per_step = _first_guess(trial, found, eager)
    total = per_step * steps if steps is not None else math.inf
    if total < SHORT_RUN:
        return Decision(
            eager, f"A run of about {total:.1f} s is over before a search pays back."
        )
    plans, left_out = affordable(find_candidates(eager), per_step, total)
    if len(plans) == 1:
        return Decision(eager, _why_none(left_out, steps, per_step))
    least = FEWEST_TRIED * len(plans) * per_step
    seconds, rounds = min(max(LONGEST_SEARCH, least), SHARE * total), _rounds(total)
    trials = search(
        trial, found, eager, seconds=seconds, rounds=rounds, candidates=plans
    )
    if total > LONG_RUN and is_soon_compiled(trial, found):
        _try_compiled(trial, found, trials, seconds, rounds)
    trials += [Trial(plan, Timed(), reason) for plan, reason in left_out]
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


def _is_good(
    session: Session,
    batches: Sequence[Batch],
    eager: ExecutionPlan,
    plan: ExecutionPlan,
) -> bool:
    """Whether a remembered plan is one of today's, and right for these weights."""
    if plan == eager:
        return True
    if plan not in find_candidates(eager, time_to_compile=True):
        return False
    # What a compiler makes was proven when the plan was found: it takes a minute.
    plain = replace(plan, capture="graph" if plan.is_recorded else "eager")
    if plain.precision == eager.precision and not plain.is_recorded:
        return True
    trials = [Trial(eager, Timed()), Trial(plain, Timed())]
    trial = _copy_of(session)
    _prove(trial, batches[0], trials)
    if trials[1].reason:
        return False
    if plain.is_recorded:
        try:
            _block(trial, batches, plain)()
        except Exception:  # noqa: BLE001 - whatever it is, another plan is searched for
            return False
    return True


def affordable(
    plans: Sequence[ExecutionPlan], per_step: float, total: float
) -> tuple[list[ExecutionPlan], list[tuple[ExecutionPlan, str]]]:
    """Leave out candidates whose trial would take too much of a run.

    The fewest steps that decide, 10 of each candidate, may take a tenth of it. Where
    steps are slow or few, plans that differ in how operations are launched are left
    out first: one thread, a captured step.

    Args:
        plans: The candidates, the eager one first.
        per_step: Seconds of a step, about.
        total: Seconds of the run.

    Returns:
        (those to try, the others with the reason); the eager one alone when nothing
        pays back.

    Example:
        >>> import torch
        >>> several = ExecutionPlan(torch.device("cpu"), threads=2)
        >>> plans = [several, ExecutionPlan(torch.device("cpu"), threads=1)]
        >>> [len(affordable(plans, 0.01, total)[0]) for total in (10.0, 1.0)]
        [2, 1]
        >>> affordable(plans, 1.0, 1e6)[1][0][1]
        'not tried: steps of 1 s are not bound by launching'
    """

    def fits(count: int) -> bool:
        return FEWEST_TRIED * count * per_step <= PATIENCE * SHARE * total

    eager = plans[0]
    slow = per_step >= SLOW_STEP
    if fits(len(plans)) and not slow:
        return list(plans), []
    kept = [
        plan
        for plan in plans
        if (plan.threads, plan.capture) == (eager.threads, eager.capture)
    ]
    why = "not tried: it would take too much of this run"
    if slow:
        why = f"not tried: steps of {per_step:.2g} s are not bound by launching"
    if len(kept) > 1 and not fits(len(kept)):
        kept, why = [eager], "not tried: it would take too much of this run"
    return kept, [(plan, why) for plan in plans if plan not in kept]


def _why_none(
    left_out: Sequence[tuple[ExecutionPlan, str]], steps: int | None, per_step: float
) -> str:
    """Say why nothing is tried at all."""
    if steps is None or all("launching" in reason for _, reason in left_out):
        return f"Steps of {per_step:.2g} s are not bound by launching."
    return f"{steps:,} steps of {per_step:.2g} s are over before a search pays back."


def _try_compiled(
    trial: Session,
    batches: Sequence[Batch],
    trials: list[Trial],
    seconds: float,
    rounds: int,
) -> None:
    """Compile the best plan so far, that one alone: a compiler takes a minute."""
    eager, best = trials[0], next(each for each in trials if not each.reason)
    compiled = replace(best.plan, capture=COMPILED[best.plan.capture])
    plans = [eager.plan, *([] if best is eager else [best.plan]), compiled]
    again = search(
        trial, batches, eager.plan, seconds=seconds, rounds=rounds, candidates=plans
    )
    last = again[-1]
    if not last.reason:
        best.timed, eager.timed = again[-2].timed, again[0].timed
        for each in trials:
            if each.timed.seconds:
                slower = each.timed.median / last.timed.median - 1
                each.reason = f"{slower:.0%} slower"
    trials.append(last)


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
                once = _warm_up(made[0], plan)
                steps[0] = max(1, min(200, int(BLOCK / max(once, 1e-6))))
            return time_block(made[0], steps[0], plan.device)

    return block


def _warm_up(step: Callable[[int], object], plan: ExecutionPlan) -> float:
    """Let caches, compilers and graphs get warm; give seconds of the last step."""
    taken: list[float] = []
    # A graph is recorded in its fourth step; of slow steps the first alone is slower.
    while len(taken) < 5 and (
        len(taken) < 2 or sum(taken) < SLOW_STEP or plan.is_recorded
    ):
        taken.append(time_block(lambda _: step(len(taken)), 1, plan.device))
    return taken[-1]


def _rounds(total: float) -> int:
    """How often each candidate is timed in a search for a run of so many seconds."""
    return int(min(max(ROUNDS, THOROUGH * total / ROUND), MOST_ROUNDS))
