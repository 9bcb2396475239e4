"""Timing: plans take turns on the same batches, and chance is told from gain."""

import math
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import torch

__all__ = [
    "Timed",
    "adopt",
    "in_words",
    "is_faster",
    "take_turns",
    "time_block",
    "wait",
]

GAIN = 0.03  # the least share of time that must be saved
_CHANCE = 0.01  # of calling a plan faster that is not, in one comparison
_DECISIVE = 7  # rounds, all won: equal plans do so with a probability of 1 / 128
_PATIENCE = 3  # times the given seconds, while it is open whether one is faster


class _Tried(Protocol):
    """Anything that was timed, and why it was not adopted."""

    timed: "Timed"
    reason: str


_Candidate = TypeVar("_Candidate", bound=_Tried)


@dataclass
class Timed:
    """Seconds a step took, round by round, and why a plan was given up.

    Args:
        seconds: One entry for each round.
        failure: What went wrong, if something did.

    Example:
        >>> Timed([0.2, 0.1, 0.3]).median
        0.2
    """

    seconds: list[float] = field(default_factory=list)
    failure: str = ""

    @property
    def median(self) -> float:
        """The median of the rounds; infinite when there is none."""
        return statistics.median(self.seconds) if self.seconds else math.inf


def time_block(
    step: Callable[[int], object], steps: int, device: torch.device
) -> float:
    """Time some steps in a row.

    Args:
        step: Does a step, given its number.
        steps: How many.
        device: Waited for before and after.

    Returns:
        Seconds for one step.

    Example:
        >>> time_block(lambda number: None, 10, torch.device("cpu")) < 1
        True
    """
    wait(device)
    begin = time.perf_counter()
    for number in range(steps):
        step(number)
    wait(device)
    return (time.perf_counter() - begin) / steps


def wait(device: torch.device) -> None:
    """Wait until a device has done all it was given.

    Args:
        device: The device; a processor is never behind.

    Example:
        >>> wait(torch.device("cpu"))
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def take_turns(
    blocks: Sequence[Callable[[], float]],
    rounds: int,
    *,
    seconds: float = math.inf,
    give_up_above: float = 2.0,
) -> list[Timed]:
    """Let candidates run one after the other, round by round, in alternating order.

    Args:
        blocks: Each times some steps and gives seconds for one. The first is never
            given up.
        rounds: How often each runs.
        seconds: When to end early; three rounds are done in any case, and up to seven,
            which a sign test needs, while one was faster than the first in each round
            and not more than three times these seconds are over.
        give_up_above: A candidate whose median after three rounds is this many times
            the best one's runs no more.

    Returns:
        The times; a candidate that raised has its failure in words.

    Example:
        >>> [timed.median for timed in take_turns([lambda: 1.0, lambda: 2.0], 4)]
        [1.0, 2.0]
    """
    timed = [Timed() for _ in blocks]
    running = set(range(len(blocks)))
    begin = time.perf_counter()
    for number in range(rounds):
        order: Iterable[int] = sorted(running, reverse=bool(number % 2))
        for index in order:
            try:
                timed[index].seconds.append(blocks[index]())
            except Exception as error:  # whatever a library raises: training goes on
                if index == 0:
                    raise
                timed[index] = Timed(failure=in_words(error))
                running.discard(index)
        if number < 2:
            continue
        best = min(timed[index].median for index in running)
        running = {
            index
            for index in running
            if index == 0 or timed[index].median <= give_up_above * best
        }
        if len(running) == 1:
            break
        over = time.perf_counter() - begin
        undecided = number + 1 < _DECISIVE and _is_one_ahead(timed, running)
        if over > (_PATIENCE * seconds if undecided else seconds):
            break
    return timed


def _is_one_ahead(timed: Sequence[Timed], running: Iterable[int]) -> bool:
    """Whether a candidate was faster than the first in every round so far."""
    first = timed[0].seconds
    return any(
        all(one < other for one, other in zip(timed[index].seconds, first, strict=True))
        for index in running
        if index
    )


def in_words(error: BaseException) -> str:
    """Give the first sentence of an error.

    Args:
        error: What was raised.

    Returns:
        Its kind and its first line, shortened.

    Example:
        >>> in_words(ValueError("no such thing"))
        'it failed: ValueError: no such thing'
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = 2 if lines and lines[0].endswith(":") else 1  # a heading says nothing
    first = " ".join(lines[:said])
    shown = first if len(first) <= 120 else first[:117] + "..."
    return f"it failed: {type(error).__name__}: {shown}"


def is_faster(seconds: Sequence[float], eager: Sequence[float], *, gain: float) -> bool:
    """Decide whether a plan is faster than another one beyond noise.

    It is when its median is lower by the gain, and when a sign test on the rounds, of
    which each pairs neighbouring times, would call equal plans different with a
    probability of at most 1 %.

    Args:
        seconds: Of the candidate, round by round.
        eager: Of the plan it is compared with, in the same rounds.
        gain: The least share of time saved, such as 0.03.

    Returns:
        Whether to prefer it.

    Example:
        >>> is_faster([1.0] * 10, [2.0] * 10, gain=0.03)
        True
        >>> is_faster([1.0, 3.0] * 5, [2.0] * 10, gain=0.03)
        False
    """
    pairs = list(zip(seconds, eager, strict=False))
    if not pairs:
        return False
    mine, others = zip(*pairs, strict=True)
    if statistics.median(mine) > (1 - gain) * statistics.median(others):
        return False
    wins = sum(one < other for one, other in pairs)
    count = len(pairs)
    tail = sum(math.comb(count, won) for won in range(wins, count + 1)) / 2**count
    return tail <= _CHANCE


def adopt(trials: Sequence[_Candidate]) -> _Candidate:
    """Leave one trial without a reason: the fastest beyond noise, the first if alike.

    The simpler ones come first, and a later one must beat the best before it beyond
    noise: of eight that are alike, the luckiest is not adopted.

    Args:
        trials: What was timed, the plain way first; those with a reason are out.

    Returns:
        The adopted one; all others have a reason then.

    Example:
        >>> from types import SimpleNamespace
        >>> slow, fast = (
        ...     SimpleNamespace(timed=Timed([seconds] * 10), reason="")
        ...     for seconds in (1.5, 1.0)
        ... )
        >>> adopt([slow, fast]) is fast, slow.reason
        (True, '50% slower')
    """
    adopted = trials[0]
    for each in trials[1:]:
        if not each.reason and is_faster(
            each.timed.seconds, adopted.timed.seconds, gain=GAIN
        ):
            adopted = each
    for each in trials:
        if each is not adopted and not each.reason:
            slower = each.timed.median / adopted.timed.median - 1
            each.reason = "no faster"
            if slower >= 0.005:
                each.reason = f"{slower:.0%} slower"
            elif slower <= -0.005:
                each.reason += " beyond noise"
    return adopted
