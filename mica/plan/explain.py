"""Explain: where the time of a step goes, layer by layer, beside what is attainable."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import Any, Literal

import torch
from torch import Tensor, nn

from mica.data import Batch, Source
from mica.engine import (
    ExecutionPlan,
    execution_scope,
    free_memory_bytes,
    inspect_hardware,
    random_state,
    restore_random_state,
    usable_cores,
)
from mica.engine.precision import precision
from mica.errors import ConfigError
from mica.nested import flatten
from mica.optimizers import describe_optimizer
from mica.plan.advising import Circumstances
from mica.plan.candidates import multiplies_bfloat16
from mica.plan.ceilings import Limits, find_limits
from mica.plan.counting import Operation
from mica.plan.judging import judge_step
from mica.plan.layer_table import layer_table
from mica.plan.measuring import Measured, doing, endless, measure
from mica.plan.promises import (
    Outcome,
    Promise,
    Run,
    Setting,
    corrected,
    family_of,
    recall_outcomes,
    remember_run,
)
from mica.plan.rehearsing import Rehearsal, eager_form, kept_order, rehearse
from mica.plan.remedies import advice_text, find_remedies
from mica.plan.remembering import key_of, recall_plan
from mica.plan.roofline import roofline
from mica.plan.row import Row
from mica.plan.timeline import Clock, DeviceClock, Place, ProcessorClock, WallClock
from mica.plan.trying import try_plans
from mica.report import Finding, Highlight, Highlights, Report
from mica.training import Session
from mica.training.calling import number_scope

__all__ = ["Explanation", "explain"]

EXPLAINED = 0.05  # of a step may stay unexplained without a word
SMALL = 0.1  # of the free memory that a dataset may take as arrays
KEPT = 0.5  # of its promise, from which an advice was good

_ELEMENTWISE = frozenset(
    "Activation ELU GELU Hardswish LeakyReLU Mish PReLU ReLU ReLU6 SELU SiLU Sigmoid "
    "Softplus Softsign Swish Tanh".split()
)
_CLOCKS = {
    WallClock: "Timed by the wall clock: what else the machine does is in it.",
    ProcessorClock: "Timed by the processor's own clock: waiting, and what else the "
    "machine does, is not in it.",
    DeviceClock: "Timed by the device's own clock.",
}
GIVEN = "the plan that was asked for"
REMEMBERED = "the plan that an earlier run of this model on this machine adopted"
NONE_REMEMBERED = "eager: no plan is remembered for this model, data and machine"


@dataclass(frozen=True)
class Explanation:
    """Where the time of a step goes.

    Args:
        title: What was explained.
        rows: The parts, most time lost first.
        seconds: Of a plain step: fetching a batch, and all that is done with it.
        limits: What the machine can do.
        batch_size: Rows in the step.
        plan: How it was executed.
        trains: Whether the step learns; else it predicts.
        remarks: What a reader must know.
        header: The plan in words, where it comes from, and which clock was read.
        corrections: By action, a sentence on how earlier promises were kept.

    Example:
        >>> import mica
        >>> model = mica.Sequential(mica.Input((4,)), mica.layers.Dense(3))
        >>> limits = Limits("cpu", 1, {"float32": 1e13}, ((1, 1e13),), 5e-6, 1e-9)
        >>> found = explain(model, seconds=0.01, limits=limits)
        >>> sorted(row.name for row in found.rows)
        ['data', 'dense', 'host gaps']
    """

    title: str
    rows: tuple[Row, ...]
    seconds: float
    limits: Limits
    batch_size: int
    plan: ExecutionPlan
    trains: bool = True
    remarks: tuple[Finding, ...] = ()
    header: str = ""
    corrections: Mapping[str, str] = field(default_factory=dict)

    @property
    def unexplained(self) -> float:
        """Seconds of the step that no row accounts for; may be negative."""
        return self.seconds - sum(row.seconds for row in self.rows)

    def report(self) -> Report:
        """Give highlights, the table, the advice in sentences and the roofline."""
        found = self.seconds
        attainable = sum(row.cost.attainable for row in self.rows)
        what = "training step" if self.trains else "prediction"
        rest = abs(self.unexplained) / found if found else 0.0
        items = [
            Highlight(f"{what}, ms", _digits(1e3 * found), f"batch {self.batch_size}"),
            Highlight("samples/s", _digits(self.batch_size / found)),
            Highlight(
                "attainable, ms",
                _digits(1e3 * attainable),
                "these operations at this machine's ceilings",
            ),
            Highlight("unexplained", f"{100 * rest:.1f} %"),
        ]
        remedies = find_remedies(self.rows, found)
        advice = advice_text(remedies, found, self.corrections)
        parts = [
            Highlights("", items),
            *self.remarks,
            layer_table("The step, most time lost first", self.rows, found, remedies),
            *([] if advice is None else [advice]),
            roofline(self.rows, self.limits),
        ]
        header = self.header or self.plan.describe()
        return Report(self.title, parts, f"{header}\n{self._bounds()}")

    def _bounds(self) -> str:
        """Say in words what most of the time is bound by."""
        by_bound: dict[str, float] = {}
        for row in self.rows:
            by_bound[row.bound] = by_bound.get(row.bound, 0.0) + row.seconds
        total = sum(by_bound.values()) or 1.0
        count = sum(row.cost.operations for row in self.rows)
        words = {
            "compute": "by arithmetic",
            "memory": "by memory",
            "launch": f"by launching {count:,} operations from Python",
            "input": "by waiting for batches",
            "sync": "by waiting for the device",
        }
        order = sorted(by_bound, key=lambda bound: -by_bound[bound])
        shares = [
            f"{100 * by_bound[bound] / total:.0f} % of the step is bound {words[bound]}"
            if place == 0
            else f"{100 * by_bound[bound] / total:.0f} % {words[bound]}"
            for place, bound in enumerate(order)
            if by_bound[bound] >= 0.005 * total
        ]
        return ", ".join(shares) + "." if shares else ""

    def show(self) -> None:
        """Print the report, or display it in a notebook."""
        self.report().show()

    def plot(self, path: str | PathLike[str] | None = None) -> Any:
        """Draw the roofline.

        Args:
            path: Where to save the picture.

        Returns:
            A matplotlib figure.
        """
        return roofline(self.rows, self.limits, self.title).plot(path)

    def __str__(self) -> str:
        return str(self.report())

    def _repr_html_(self) -> str | None:
        return self.report()._repr_html_()


def _digits(value: float) -> float:
    return float(f"{value:.3g}")


def explain(
    model: nn.Module,
    data: Any = None,
    y: Any = None,
    sample_weight: Any = None,
    *,
    batch_size: int | None = None,
    loss: Any = None,
    optimizer: Any = "rmsprop",
    plan: ExecutionPlan | Literal["auto", "eager"] = "auto",
    seconds: float = 2.0,
    limits: Limits | None = None,
    clock: Clock | None = None,
) -> Explanation:
    """Explain where the time of a step goes, layer by layer.

    A compiled model, or one with a ``loss``, is trained for some steps on a copy: its
    weights, optimizer, statistics and random numbers stay as they are, to the bit. Any
    other model predicts. Rows, forward and backward, and what is unexplained add up to
    the plain step.

    What is advised is remembered in the user's cache folder. When a later explanation
    of the same network finds it done, it says what that brought; advice whose kind was
    followed three times is corrected by how it was kept.

    Args:
        model: Any torch module; a compiled model brings loss and optimizer.
        data: What `fit` takes as x: arrays, a frame, raw texts for a model that reads
            texts, or an object that gives batches; (x, y) or (x, y, sample_weight);
            None draws random numbers for the model's `Input`.
        y: Targets, when ``data`` is x alone.
        sample_weight: One weight per row.
        batch_size: Rows in a step; None for the data's own, else 32.
        loss: For a module that is not compiled: what it learns by.
        optimizer: The same: how.
        plan: How the step is executed: "auto" for the plan that an earlier run of this
            model on this machine adopted, else the eager one. A plan that is captured
            or compiled cannot be looked into and is explained as its eager form.
        seconds: How long to measure, about; the machine's ceilings come on top, once.
        limits: The machine's ceilings; None for those measured and kept. Under ceilings
            of one's own nothing is remembered.
        clock: What is read; None for the device's own, of a processor the wall's.

    Returns:
        The explanation: `show()` prints it, `report()` gives its tables.

    Raises:
        ConfigError: No module, or a plan that is none; no data, and a model that does
            not say its input; seconds that are no number above 0.
        DataError: Data that cannot be learned from.
        StateError: A layer was faster than this machine's ceilings, or reads texts and
            has not learned its vocabulary.

    Example:
        >>> import mica
        >>> model = mica.Sequential(mica.Input((4,)), mica.layers.Dense(3))
        >>> model.compile("adam", "mse")
        >>> limits = Limits("cpu", 1, {"float32": 1e13}, ((1, 1e13),), 5e-6, 1e-9)
        >>> found = explain(model, seconds=0.01, limits=limits)
        >>> {"dense", "loss", "optimizer", "data"} <= {row.name for row in found.rows}
        True
    """
    number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not number or not 0 < seconds < math.inf:
        shown = f"{seconds:g}" if number else repr(seconds)
        raise ConfigError(
            f"explain: expected seconds above 0, got {shown}. 2 is enough for most "
            "models."
        )
    auto = isinstance(plan, str) and plan == "auto"
    eager = eager_form(model, "eager" if auto else plan)
    if y is not None or sample_weight is not None:
        data = (data, y) if sample_weight is None else (data, y, sample_weight)
    before = random_state()
    try:
        with execution_scope(eager), number_scope(model), kept_order(data):
            ready = rehearse(model, data, batch_size, (loss, optimizer), eager)
            origin, chosen = GIVEN, eager
            if auto:
                origin, chosen = NONE_REMEMBERED, _remembered(ready, eager) or eager
            if auto and chosen is not eager:
                origin = REMEMBERED
            elif isinstance(plan, str):
                origin = origin if auto else "eager, as was asked for"
            asked = plan if isinstance(plan, ExecutionPlan) else chosen
            if asked.capture != "eager":
                origin += ", looked into as its eager form"
            chosen = replace(chosen, capture="eager", data=ready.source.placement)
            with execution_scope(chosen):
                return _explain(model, ready, chosen, origin, seconds, limits, clock)
    finally:
        restore_random_state(before)


def _remembered(ready: Rehearsal, eager: ExecutionPlan) -> ExecutionPlan | None:
    """The plan that `fit` would take without a search, if there is one."""
    trial = ready.session
    if not ready.trains or not ready.source.in_memory:
        return None  # such runs are executed eagerly
    with trial.trainability.applied():
        updater = trial.ready_updater()
        batches = ready.source.batches(
            0, batch_size=ready.batch_size, shuffle=True, seed=0, device=eager.device
        )
        first = next(iter(batches))
        key = key_of(trial.model, first, trial.objective, updater, eager)
    found = recall_plan(key, eager)
    return None if found is None else found[0]


def _explain(
    model: nn.Module,
    ready: Rehearsal,
    plan: ExecutionPlan,
    origin: str,
    seconds: float,
    limits: Limits | None,
    clock: Clock | None,
) -> Explanation:
    trial, trains = ready.session, ready.trains
    wanted = clock or (
        DeviceClock(plan.device) if plan.device.type == "cuda" else WallClock()
    )
    batches = endless(ready.source, ready.batch_size, plan.device)
    first = ready.source.peek(ready.batch_size)
    with doing(ready, plan) as (step, watch):
        found = measure(trial.model, batches, step, watch, wanted, seconds=seconds)
    if trains:
        _count_update(trial, found)
    ceilings = limits or find_limits(plan.device)
    fused = not trains or _is_fused(trial)
    around = Circumstances(
        first.size,
        plan.precision,
        plan.device.type == "cuda",
        _bfloat16_gain(plan, ceilings),
        found.seconds,
        fused,
        ready.source.in_memory,
        _ELEMENTWISE,
        ready.source.reads_ahead,
        _fits(ready.source, first),
        (plan.threads or usable_cores()) < usable_cores(),
    )
    parts, ceilings = judge_step(
        trial.model, found, ceilings, around, plan.device, fixed=limits is not None
    )
    parts = try_plans(parts, found.seconds, ready, plan, wanted, seconds / 3)
    outcomes: list[Outcome] = []
    corrections: dict[str, str] = {}
    if limits is None:  # else it is a game with numbers
        computed = _shares(parts, found.seconds)
        parts, corrections = corrected(parts, recall_outcomes())
        setting = Setting(
            plan.precision,
            first.size,
            plan.threads,
            fused,
            _reading(ready.source),
            sum(type(part).__name__ in _ELEMENTWISE for part in trial.model.modules()),
            sum(row.cost.waits for row in parts),
            type(wanted).__name__,
        )
        said = _shares(parts, found.seconds)
        promises = {
            action: Promise(share, computed.get(action, share))
            for action, share in said.items()
        }
        family = family_of(trial.model, first, trial.objective, trains)
        run = Run(setting, found.seconds / first.size, promises)
        outcomes = remember_run(family, run)
    name = getattr(model, "name", None) or type(model).__name__
    update = describe_optimizer(trial.ready_updater().optimizer) if trains else None
    return Explanation(
        f"{name}: where a step's time goes",
        parts,
        found.seconds,
        ceilings,
        first.size,
        plan,
        trains,
        (*ready.remarks, *_kept(outcomes), *_doubts(found, plan, wanted)),
        f"{plan.describe(update)}\nPlan: {origin}. {_clock_line(wanted)}".strip(),
        corrections,
    )


def _shares(rows: Sequence[Row], step_seconds: float) -> dict[str, float]:
    """What the remedies promise, as shares of the step."""
    return {
        each.action: each.promised(step_seconds)
        for each in find_remedies(rows, step_seconds)
        if each.action != "none"
    }


def _fits(source: Source, batch: Batch) -> bool:
    """Whether all rows of a dataset of torch would fit into memory as arrays."""
    count, free = source.num_samples, free_memory_bytes()
    if count is None or free is None or not batch.size:
        return False
    held = sum(
        leaf.numel() * leaf.element_size()
        for leaf in flatten(tuple(batch[:3]))
        if isinstance(leaf, Tensor)
    )
    return count * held / batch.size < SMALL * free


def _reading(source: Source) -> str:
    """How batches come, in words that change when advice about it is followed."""
    loader = getattr(source, "loader", source)
    workers = getattr(loader, "num_workers", 0)
    name = type(source).__name__
    return f"{name}, {workers} processes" if workers else name


def _clock_line(clock: Clock) -> str:
    return _CLOCKS.get(type(clock), f"Timed by {type(clock).__name__}.")


def _kept(outcomes: Sequence[Outcome]) -> list[Finding]:
    """Say what advice brought that was followed."""
    return [
        Finding(
            "good" if each.brought >= KEPT * each.promised else "note",
            "advice that was followed",
            each.sentence(),
        )
        for each in outcomes
    ]


def _count_update(trial: Session, found: Measured) -> None:
    """Count an update that our own kernel does, which torch's operations do not show.

    Weights and moments are read and written, gradients are read.
    """
    updater = trial.ready_updater()
    place = Place("(optimizer)")
    weights = sum(each.numel() * each.element_size() for each in updater.parameters)
    seen = found.operations.get(place, [])
    if sum(each.num_bytes for each in seen) >= weights:
        return
    moments = sum(
        leaf.numel() * leaf.element_size()
        for state in updater.optimizer.state.values()
        for leaf in state.values()
        if isinstance(leaf, Tensor)
    )
    moved = float(3 * weights + 2 * moments)
    update = Operation("update", 0.0, moved, "float32")
    found.operations[place] = [*seen, update]


def _doubts(found: Measured, plan: ExecutionPlan, clock: Clock) -> list[Finding]:
    """Say when too much of a step is unexplained."""
    if abs(found.unexplained) <= EXPLAINED * found.seconds:
        return []
    share = found.unexplained / found.seconds
    quiet = isinstance(clock, WallClock) and not isinstance(clock, ProcessorClock)
    alone = quiet and plan.device.type == "cpu" and plan.threads == 1
    other = ", or by clock=mica.plan.ProcessorClock()" if alone else ""
    return [
        Finding(
            "warning",
            "the step",
            f"{100 * share:.0f} % of its time is unexplained.",
            "The machine may be busy with something else.",
            f"Explain it again, with seconds=10 for more rounds{other}.",
        )
    ]


def _is_fused(trial: Session) -> bool:
    optimizer = trial.ready_updater().optimizer
    # Of those without the word torch's RMSprop alone has a faster twin: ours.
    single = type(optimizer) is not torch.optim.RMSprop
    return all(group.get("fused", single) for group in optimizer.param_groups)


def _bfloat16_gain(plan: ExecutionPlan, limits: Limits) -> float:
    chosen = precision() is not None  # by the user: nothing else is advised
    if chosen or not multiplies_bfloat16(plan.device, inspect_hardware()):
        return 1.0
    rates = limits.flops_per_second
    return rates.get("bfloat16", 0.0) / rates.get(plan.precision, max(rates.values()))
