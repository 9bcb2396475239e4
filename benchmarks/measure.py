"""Timing in turns: rounds in which every candidate runs once, medians, intervals."""

import math
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

__all__ = [
    "Comparison",
    "compare",
    "interval",
    "seconds_of",
    "take_bounded_turns",
    "take_turns",
]

CONFIDENCE = 0.95
RESAMPLES = 2000


def seconds_of(work: Callable[[], object]) -> float:
    """Wall-clock time of one call, in seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def take_turns(
    candidates: Mapping[str, Callable[[], float]], rounds: int
) -> dict[str, list[float]]:
    """Run every candidate once per round, each round in the reverse of the last order.

    A drift of the machine (heat, a neighbour) then falls on all of them alike. Each
    candidate returns its own time; a first round warms up and is dropped.
    """
    times: dict[str, list[float]] = {name: [] for name in candidates}
    order = list(candidates)
    for name in order:
        candidates[name]()
    for _ in range(rounds):
        for name in order:
            times[name].append(candidates[name]())
        order.reverse()
    return times


def take_bounded_turns(
    candidates: Mapping[str, Callable[[], float]],
    seconds: float,
    *,
    fewest: int = 3,
    most: int | None = None,
    slow: float = math.inf,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Take turns until the time is over, without a warm-up.

    Rounds go on for `seconds`, for at least `fewest` and at most `most`. A candidate
    that is more than `slow` times slower than the fastest one runs two rounds; one that
    gives infinity has failed and runs no more.
    """
    times: dict[str, list[float]] = {name: [] for name in candidates}
    order = list(candidates)
    begin, done = clock(), 0
    while order and (done < fewest or clock() - begin < seconds):
        if most is not None and done >= most:
            break
        for name in order:
            times[name].append(candidates[name]())
        done += 1
        order = [name for name in reversed(order) if times[name][-1] < math.inf]
        medians = {name: statistics.median(times[name]) for name in order}
        if done >= 2 and medians:
            best = min(medians.values())
            order = [name for name in order if medians[name] <= slow * best]
    return times


def interval(values: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """Bootstrap interval of the median: draw rounds with replacement, 95 percent."""
    generator = random.Random(seed)
    medians = sorted(
        statistics.median(generator.choices(values, k=len(values)))
        for _ in range(RESAMPLES)
    )
    tail = (1 - CONFIDENCE) / 2
    return medians[int(tail * RESAMPLES)], medians[int((1 - tail) * RESAMPLES) - 1]


@dataclass(frozen=True)
class Comparison:
    """Two candidates that took turns: medians, the ratio per round, its interval."""

    name: str
    of: str
    to: str
    of_seconds: float
    to_seconds: float
    ratio: float
    ratio_low: float
    ratio_high: float
    limit: float
    rounds: int


def compare(
    name: str, times: Mapping[str, Sequence[float]], of: str, to: str, limit: float
) -> Comparison:
    """Divide the times of `of` by those of `to`, round by round."""
    ratios = [above / below for above, below in zip(times[of], times[to], strict=True)]
    low, high = interval(ratios)
    return Comparison(
        name=name,
        of=of,
        to=to,
        of_seconds=statistics.median(times[of]),
        to_seconds=statistics.median(times[to]),
        ratio=statistics.median(ratios),
        ratio_low=low,
        ratio_high=high,
        limit=limit,
        rounds=len(ratios),
    )
