"""Measuring a step: plain for its length, watched for its parts, then counted."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from statistics import median
from typing import Any

import torch
from torch import nn

from mica.data import Batch, BatchReader, Source
from mica.engine import ExecutionPlan, compute_scope
from mica.plan.counting import Counting, Operation
from mica.plan.rehearsing import Rehearsal, reads_again
from mica.plan.timeline import (
    HOST,
    LOSS,
    Clock,
    Place,
    Stretch,
    Timeline,
)
from mica.training import Session, TrainStep, make_step, training_mode
from mica.training.calling import call
from mica.training.means import RunningMeans
from mica.training.weight_rules import WeightRules

__all__ = [
    "Measured",
    "doing",
    "endless",
    "hook_seconds",
    "learning",
    "measure",
    "predicting",
    "quickest",
]

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
    operations: dict[Place, list[Operation]]
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
    if not reads_again(source):
        first = source.peek(batch_size)
        while True:
            yield first
    whole = source.num_samples is None or source.num_samples >= batch_size
    with BatchReader() as reader:  # as in `fit`: what is hidden costs nothing
        for epoch in count():
            yield from reader.batches(
                source,
                epoch,
                batch_size=batch_size,
                seed=0,
                drop_last=whole,
                device=device,
            )


@contextmanager
def _inside(timeline: Timeline, owner: Any, name: str, part: str) -> Iterator[None]:
    """Let a part be at work while a method of an object runs."""
    method = getattr(owner, name)

    place = Place(part)

    def watched(*args: Any, **kwargs: Any) -> Any:
        before, timeline.is_backward = timeline.place, False
        timeline.turn_to(place)
        try:
            return method(*args, **kwargs)
        finally:
            timeline.turn_to(before if before.part != LOSS else HOST)

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
        before = timeline.place
        timeline.turn_to(Place(LOSS))
        found = method(*args, **kwargs)
        timeline.turn_to(before)
        losses = found if isinstance(found, dict) else found[0]
        timeline.claim(list(losses.values()), LOSS, timeline.follow)
        timeline.resume()
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


@contextmanager
def doing(ready: Rehearsal, plan: ExecutionPlan) -> Iterator[tuple[Step, Watch]]:
    """Bring a run into the state of a step: learning, or predicting.

    Args:
        ready: The run.
        plan: How a step is executed.

    Yields:
        (step, what is watched beside the modules).
    """
    trial = ready.session
    if not ready.trains:
        trial.model.eval()
        yield predicting(trial.model, plan)
        return
    with trial.trainability.applied():
        updater = trial.ready_updater()
        updater.constrain = WeightRules(trial.model).constrain
        training_mode(trial.model)
        step = make_step(trial.model, trial.objective, updater, plan, captured=False)
        yield learning(trial, step)


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

    Of the times the fastest quarter is averaged: what else the machine does only adds
    to them. What the hooks cost beside the stretches is measured and taken off.

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
    places = _averaged([_by_place(each, clock, hooks) for each in stretches])
    fastest = _fastest([clock.seconds(*each) for each in marks], lambda took: took)
    return Measured(sum(fastest) / len(fastest), places, operations, len(marks))


def quickest(
    step: Step, batches: Iterator[Batch], clock: Clock, *, seconds: float
) -> float:
    """Time plain steps alone.

    Args:
        step: Does a step.
        batches: As many as wanted.
        clock: What is read.
        seconds: How long it may take, about; three rounds are done in any case.

    Returns:
        Seconds of one, the fastest quarter averaged.

    Example:
        >>> from itertools import repeat
        >>> from mica.plan.timeline import WallClock
        >>> nothing = quickest(lambda _: None, repeat(None), WallClock(), seconds=0.01)
        >>> nothing < 1
        True
    """
    for _ in range(WARM_UP):
        step(next(batches))
    begin, marks = clock.mark(), []
    while len(marks) < MOST_ROUNDS:
        mark = clock.mark()
        step(next(batches))
        marks.append((mark, clock.mark()))
        late = clock.seconds(begin, clock.mark()) > seconds
        if len(marks) >= FEWEST_ROUNDS and late:
            break
    fastest = _fastest([clock.seconds(*each) for each in marks], lambda took: took)
    return sum(fastest) / len(fastest)


def _count(
    timeline: Timeline, watch: Watch, watched: Callable[[], object]
) -> dict[Place, list[Operation]]:
    found: dict[Place, list[Operation]] = {}

    def listen(operation: Operation) -> None:
        if timeline.place != DATA:  # rows are mixed once in an epoch: no usual step
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


def _fastest(steps: Sequence[Any], took: Callable[[Any], float]) -> list[Any]:
    """The fastest quarter of the steps, one at least."""
    return sorted(steps, key=took)[: (len(steps) + 3) // 4]


def _averaged(steps: Sequence[Seconds]) -> Seconds:
    """Average the parts of the fastest steps."""
    kept = _fastest(steps, lambda each: sum(each.values()))
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
            timeline.begin()
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
