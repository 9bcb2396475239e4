"""Whether the plans are right: never slower than eager, and as fast as the best.

`python -m benchmarks regret [--only tiny] [--seconds 2.5] [--compile]`. For each model
of the zoo the search decides; then all candidates, those it gave up early too, are
timed again, independently and in turns.
"""

import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.measure import interval, take_bounded_turns
from benchmarks.zoo import ZOO, Subject
from mica.engine import (
    ExecutionPlan,
    eager_plan,
    execution_scope,
    random_state,
    restore_random_state,
)
from mica.plan.candidates import find_candidates
from mica.plan.copying import copy_session
from mica.plan.rehearsing import rehearse
from mica.plan.search import LONGEST_SEARCH, MOST_ROUNDS, search
from mica.plan.timing import time_block
from mica.training import Session, make_step, training_mode

__all__ = ["Regret", "judge", "run", "section"]

SECONDS = 2.5  # for the judgement of a model; the search has what a long run gives it
BLOCK = 0.03  # seconds that are timed in one go
FEWEST, MOST = 5, 25  # rounds
NO_HARM, MEDIAN, WORST = 1.02, 1.02, 1.10  # promised

Batches = Sequence[Any]


@dataclass(frozen=True)
class Regret:
    """What was adopted for a model, beside eager and beside the best."""

    name: str
    adopted: str
    best: str
    to_eager: float  # time of a step by the plan over that of eager
    eager_low: float
    eager_high: float
    to_best: float
    best_low: float
    best_high: float
    milliseconds: dict[str, float]  # of a step, by candidate
    dropped: dict[str, str]  # candidates whose numbers were others
    rounds: int
    search_seconds: float

    @property
    def harms(self) -> bool:
        """Whether it is slower than eager beyond the promise and beyond noise."""
        return self.eager_low > NO_HARM


def in_short(plan: ExecutionPlan) -> str:
    """Name what plans differ in."""
    threads = f"{plan.threads} thread{'' if plan.threads == 1 else 's'}"
    return f"{plan.capture}, {plan.precision}, {threads}"


def judge(
    name: str,
    times: dict[str, list[float]],
    adopted: str,
    eager: str,
    *,
    dropped: dict[str, str],
    search_seconds: float,
) -> Regret:
    """Divide round by round; the best has the smallest median.

    Chosen by the same times, the best is also the luckiest: the regret is rather too
    large than too small.
    """
    whole = {key: found for key, found in times.items() if len(found) >= 2}
    medians = {key: statistics.median(found) for key, found in whole.items()}
    best = min(medians, key=lambda key: medians[key])

    def beside(other: str) -> tuple[float, float, float]:
        pairs = zip(times[adopted], times[other], strict=False)
        ratios = [mine / theirs for mine, theirs in pairs]
        return statistics.median(ratios), *interval(ratios)

    return Regret(
        name,
        adopted,
        best,
        *beside(eager),
        *beside(best),
        {key: 1e3 * found for key, found in medians.items()},
        dropped,
        len(times[adopted]),
        search_seconds,
    )


def _block(
    session: Session, batches: Batches, plan: ExecutionPlan
) -> Callable[[], float]:
    """Time steps by a plan on a copy of the run, after some that are not counted."""
    own = copy_session(session)
    training_mode(own.model)
    made: list[Callable[[int], object]] = []
    steps = [1]

    def block() -> float:
        with execution_scope(plan):
            if not made:
                step = make_step(own.model, own.objective, own.ready_updater(), plan)
                made.append(lambda number: step(batches[number % len(batches)]))
                for number in range(3):
                    made[0](number)
                once = time_block(made[0], 2, plan.device)
                steps[0] = max(1, min(300, int(BLOCK / max(once, 1e-6))))
            if steps[0] > 1:
                made[0](0)  # threads wake up
            return time_block(made[0], steps[0], plan.device)

    return block


def measure(subject: Subject, seconds: float, *, compiled: bool = False) -> Regret:
    """Let the search decide for a model, and time all candidates again."""
    eager = eager_plan()
    data = subject.data()
    run = rehearse(subject.model(), data, subject.batch_size, (None, None), eager)
    with execution_scope(eager):
        batches = list(
            run.source.batches(
                0,
                batch_size=subject.batch_size,
                shuffle=False,
                seed=0,
                device=eager.device,
            )
        )
        run.session.ready_updater()
    trial = copy_session(run.session)
    training_mode(trial.model)
    begin = time.perf_counter()
    with execution_scope(eager):
        trials = search(  # as for a run of some minutes or more
            trial,
            batches,
            eager,
            seconds=LONGEST_SEARCH,
            rounds=MOST_ROUNDS,
            time_to_compile=compiled,
        )
    took = time.perf_counter() - begin
    adopted = next(each.plan for each in trials if not each.reason)
    dropped = {
        in_short(each.plan): each.reason
        for each in trials
        if each.reason.startswith(("dropped", "it failed"))
    }
    plans = {
        in_short(plan): plan
        for plan in find_candidates(eager, time_to_compile=compiled)
        if in_short(plan) not in dropped
    }
    blocks = {name: _block(run.session, batches, plan) for name, plan in plans.items()}
    for block in blocks.values():
        block()
    times = take_bounded_turns(blocks, seconds, fewest=FEWEST, most=MOST, slow=5.0)
    return judge(
        subject.name,
        times,
        in_short(adopted),
        in_short(eager),
        dropped=dropped,
        search_seconds=took,
    )


def run(
    keep: Callable[[dict[str, Any]], object],
    only: str = "",
    *,
    seconds: float | None = None,
    compiled: bool = False,
) -> list[Regret]:
    """All models of the zoo, or those whose names begin so; each is kept at once."""
    starts = tuple(name for name in only.split(",") if name)
    chosen = [
        each for each in ZOO.values() if not starts or each.name.startswith(starts)
    ]
    found = []
    for subject in chosen:
        random = random_state()
        begin = time.perf_counter()
        try:
            one = measure(subject, seconds or SECONDS, compiled=compiled)
        except Exception as error:  # noqa: BLE001 - the next model is judged all the same
            print(f"{subject.name}: {type(error).__name__}: {error}", file=sys.stderr)
            continue
        finally:
            restore_random_state(random)
            gc.collect()
        keep(asdict(one))
        found.append(one)
        took = time.perf_counter() - begin
        print(f"{_row(one)} {took:.1f} s", file=sys.stderr)
    return found


def _row(one: Regret) -> str:
    best = "" if one.best == one.adopted else one.best
    return (
        f"| {one.name} | {one.adopted} | {one.to_eager:.3f} "
        f"({one.eager_low:.3f} to {one.eager_high:.3f}) | {one.to_best:.3f} "
        f"({one.best_low:.3f} to {one.best_high:.3f}) | {best} |"
    )


def summary(found: Sequence[Regret]) -> list[str]:
    """The promises and what came out."""
    safe = sum(not one.harms for one in found)
    regrets = [one.to_best for one in found]
    worst = max(found, key=lambda one: one.to_best)
    saved = statistics.median(1 / one.to_eager for one in found)
    return [
        f"Never slower than eager by more than 2 % beyond noise: {safe} of {len(found)}"
        " models (promised: all of at least 30).",
        f"Regret: median {statistics.median(regrets):.3f} (promised: at most {MEDIAN}),"
        f" worst {worst.to_best:.3f}, {worst.name} (promised: at most {WORST}).",
        f"Times as fast as eager: median {saved:.2f}, "
        f"best {max(1 / one.to_eager for one in found):.2f}.",
    ]


SECTION = """
## regret

`python -m benchmarks regret`{where}. Random data. For each model the search decides by
its own few rounds; then all candidates are timed again, independently, in turns. Time
of a step by the adopted plan over that of the eager one and over that of the best one,
with 95 percent intervals; the best is the one with the smallest median of this same
measurement, so the regret is rather too large.

{said}

| model | adopted plan | adopted / eager | adopted / best (regret) | best, if another |
| --- | --- | ---: | ---: | --- |
{rows}
{dropped}"""


def section(items: Iterable[dict[str, Any]], where: str) -> str:
    """The page's part."""
    found = [Regret(**item) for item in items]
    dropped = [
        f"- {one.name}: {plan}: {reason}"
        for one in found
        for plan, reason in one.dropped.items()
    ]
    listed = "\nCandidates that were not allowed:\n\n" + "\n".join(dropped) + "\n"
    return SECTION.format(
        where=where,
        said="\n".join(f"- {each}" for each in summary(found)),
        rows="\n".join(map(_row, found)),
        dropped=listed if dropped else "",
    )
