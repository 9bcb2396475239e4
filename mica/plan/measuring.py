"""Measuring a step: plain for its length, watched for its parts, then counted."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import nn

from mica.data import Batch, Source
from mica.engine import ExecutionPlan, compute_scope
from mica.plan.counting import Counting, Operation
from mica.plan.timeline import (
    HOST,
    LOSS,
    Clock,
    Place,
    Stretch,
    Timeline,
)
from mica.training import Session, TrainStep
from mica.training.calling import call
from mica.training.means import RunningMeans

__all__ = ["Measured", "endless", "learning", "measure", "predicting"]

DATA = Place("(data)")
WARM_UP = 2
MOST_ROUNDS = 30
FEWEST_ROUNDS = 3

Seconds = dict[Place, float]
Step = Callable[[Batch], Any]
Watch = Callable[[Timeline], Any]


@dataclass
class Measured:
    """A step, measured: its length, its parts, and what they do.

    Args:
        seconds: Of a plain step, hooks aside; batch and loop included.
        places: Seconds of each part, forward and backward.
        operations: What each part does.
        rounds: How often both were timed.

    Example:
        >>> Measured(1.0, {HOST: 0.9}, {}, 3).unexplained
        0.1
    """

    seconds: float
    places: Seconds
    operations: Mapping[Place, Sequence[Operation]]
    rounds: int

    @property
    def unexplained(self) -> float:
        """Seconds of the plain step that no part accounts for; may be negative."""
        return round(self.seconds - sum(self.places.values()), 12)


def endless(source: Source, batch_size: int, device: torch.device) -> Iterator[Batch]:
    """Give full batches, epoch after epoch.

    Args:
        source: Data that can be read again; of others the first batch, again and
            again.
        batch_size: Rows in a batch.
        device: Where they go.

    Yields:
        Batches of one size.
    """
    if not source.replayable:
        first = source.peek(batch_size)
        while True:
            yield first
    whole = source.num_samples is None or source.num_samples >= batch_size
    epoch = 0
    while True:
        yield from source.batches(
            epoch, batch_size=batch_size, seed=0, drop_last=whole, device=device
        )
        epoch += 1


@contextmanager
def _inside(timeline: Timeline, owner: Any, name: str, part: str) -> Iterator[None]:
    """Let a part be at work while a method of an object runs."""
    method = getattr(owner, name)

    def watched(*args: Any, **kwargs: Any) -> Any:
        timeline.is_backward = False
        with timeline.at(part):
            return method(*args, **kwargs)

    setattr(owner, name, watched)
    try:
        yield
    finally:
        delattr(owner, name)


@contextmanager
def _comparing(timeline: Timeline, objective: Any, name: str) -> Iterator[None]:
    """The same for the losses, whose way back begins here."""
    method = getattr(objective, name)

    def watched(*args: Any, **kwargs: Any) -> Any:
        with timeline.at(LOSS):
            found = method(*args, **kwargs)
        losses = found if isinstance(found, dict) else found[0]
        timeline.claim(list(losses.values()), LOSS, timeline.follow)
        return found

    setattr(objective, name, watched)
    try:
        yield
    finally:
        delattr(objective, name)


def learning(trial: Session, step: TrainStep) -> tuple[Step, Watch]:
    """Make a training step that can be watched.

    Args:
        trial: A run on copies.
        step: Its step.

    Returns:
        (step, what is watched beside the modules).
    """
    means = RunningMeans()

    def learn(batch: Batch) -> None:
        means.add(step(batch), batch.size)

    @contextmanager
    def watch(timeline: Timeline) -> Iterator[None]:
        updater, objective = trial.ready_updater(), trial.objective
        with (
            _comparing(timeline, objective, "compute"),
            _comparing(timeline, objective, "terms"),
            _inside(timeline, updater, "clear", "(optimizer)"),
            _inside(timeline, updater, "move", "(optimizer)"),
            _inside(timeline, updater, "count", "(optimizer)"),
            _inside(timeline, step, "measure", "(metrics)"),
        ):
            yield

    return learn, watch


def predicting(model: nn.Module, plan: ExecutionPlan) -> tuple[Step, Watch]:
    """Make a step that predicts.

    Args:
        model: In evaluation mode.
        plan: How it computes.

    Returns:
        (step, what is watched beside the modules).
    """

    def predict(batch: Batch) -> None:
        with torch.no_grad(), compute_scope(plan):
            call(model, batch.x)

    @contextmanager
    def watch(_: Timeline) -> Iterator[None]:
        yield

    return predict, watch


def measure(
    model: nn.Module,
    batches: Iterator[Batch],
    step: Step,
    watch: Watch,
    clock: Clock,
    *,
    seconds: float,
) -> Measured:
    """Time plain and watched steps in turns, then count one.

    Of the times the faster half is averaged: what else the machine does only adds to
    them. What the hooks cost beside the stretches is measured and taken off.

    Args:
        model: In training, or predicting.
        batches: As many as wanted.
        step: Does a step.
        watch: What is watched beside the model's modules.
        clock: What is read.
        seconds: How long it may take, about; three rounds are done in any case.

    Returns:
        What was found.
    """
    timeline = Timeline(model, clock)

    def plain() -> Any:
        begin = clock.mark()
        step(next(batches))
        return begin, clock.mark()

    def watched() -> list[Stretch]:
        timeline.begin()
        timeline.turn_to(DATA)
        batch = next(batches)
        timeline.turn_to(HOST)
        step(batch)
        return timeline.end()

    for _ in range(WARM_UP):
        plain()
        with timeline.watching(), watch(timeline):
            watched()
    begin = clock.mark()
    marks: list[Any] = []
    stretches: list[list[Stretch]] = []
    while len(marks) < MOST_ROUNDS:
        marks.append(plain())
        with timeline.watching(), watch(timeline):
            stretches.append(watched())
        if len(marks) >= FEWEST_ROUNDS and (
            clock.seconds(begin, clock.mark()) > seconds
        ):
            break
    operations = _count(timeline, watch, watched)
    device = next((each.device for each in model.parameters()), torch.device("cpu"))
    hooks = hook_seconds(clock, device)
    places = _faster_half([_by_place(each, clock, hooks) for each in stretches])
    plain_seconds = sorted(clock.seconds(*each) for each in marks)
    fastest = plain_seconds[: (len(plain_seconds) + 1) // 2]
    return Measured(sum(fastest) / len(fastest), places, operations, len(marks))


def _count(
    timeline: Timeline, watch: Watch, watched: Callable[[], object]
) -> dict[Place, list[Operation]]:
    found: dict[Place, list[Operation]] = {}

    def listen(operation: Operation) -> None:
        found.setdefault(timeline.place, []).append(operation)

    with timeline.watching(), watch(timeline), Counting(listen):
        watched()
    return found


def _by_place(
    stretches: Sequence[Stretch], clock: Clock, hooks: tuple[float, float]
) -> Seconds:
    """Add up a step's stretches, without what the hooks at their ends cost."""
    found: Seconds = {}
    for number, stretch in enumerate(stretches):
        took = clock.seconds(stretch.begin, stretch.end)
        follower = stretches[number + 1] if number + 1 < len(stretches) else None
        for end in (stretch, follower):
            # Each turn costs something before its first and after its last mark.
            if end is not None and number > 0:
                took -= hooks[end.place.way == "backward"] / 2
        found[stretch.place] = found.get(stretch.place, 0.0) + took
    return {place: max(0.0, took) for place, took in found.items()}


def _faster_half(steps: Sequence[Seconds]) -> Seconds:
    """Average the parts of the faster half of the steps."""
    totals = [sum(each.values()) for each in steps]
    kept = [
        each
        for each, total in zip(steps, totals, strict=True)
        if total <= median(totals)
    ]
    places = dict.fromkeys(place for each in kept for place in each)
    return {
        place: sum(each.get(place, 0.0) for each in kept) / len(kept)
        for place in places
    }


class _Tiny(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return -x


def hook_seconds(clock: Clock, device: torch.device) -> tuple[float, float]:
    """Measure what watching costs outside of the stretches, for one turn.

    Args:
        clock: What is read.
        device: Where.

    Returns:
        (forward, backward).
    """
    count = 20
    chain = nn.Sequential(*(_Tiny() for _ in range(count)))
    x = torch.ones(1, device=device, requires_grad=True)
    timeline = Timeline(chain, clock)
    differences: list[tuple[float, float]] = []
    for _ in range(15):
        marks = [clock.mark()]
        y = chain(x)
        marks.append(clock.mark())
        y.backward()
        marks.append(clock.mark())
        with timeline.watching():
            timeline.begin()
            y = chain(x)
            there = timeline.end()
            timeline.place, timeline._stretches = HOST, []
            timeline._since = clock.mark()
            y.backward()
            back = timeline.end()
        spent = [
            sum(clock.seconds(each.begin, each.end) for each in part)
            for part in (there, back)
        ]
        differences.append(
            (
                (spent[0] - clock.seconds(marks[0], marks[1])) / len(there),
                (spent[1] - clock.seconds(marks[1], marks[2])) / len(back),
            )
        )
    forward, backward = (median(each) for each in zip(*differences, strict=True))
    return max(0.0, forward), max(0.0, backward)
