"""Explain: where the time of a step goes, layer by layer, beside what is attainable."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any, Literal

from torch import Tensor, nn

from mica.data import ArraySource
from mica.engine import (
    ExecutionPlan,
    execution_scope,
    inspect_hardware,
    random_state,
    restore_random_state,
)
from mica.engine.precision import precision
from mica.errors import StateError
from mica.plan.advising import (
    Advice,
    Circumstances,
    advise,
    bound_of,
    cost_of,
)
from mica.plan.candidates import multiplies_bfloat16
from mica.plan.ceilings import (
    Limits,
    find_limits,
    measure_limits,
    raised,
    remember_limits,
)
from mica.plan.counting import Operation
from mica.plan.measuring import Measured, doing, endless, measure, quickest
from mica.plan.rehearsing import Rehearsal, eager_form, rehearse
from mica.plan.roofline import (
    Row,
    advice_table,
    layer_table,
    remedy_table,
    roofline,
)
from mica.plan.timeline import Clock, DeviceClock, Place, WallClock
from mica.report import Finding, Highlight, Highlights, Report
from mica.training import Session
from mica.training.calling import number_scope

__all__ = ["Explanation", "check_rows", "explain", "make_rows", "scale_advice"]

EXPLAINED = 0.05  # of a step may stay unexplained without a word
ROUNDING = 0.05  # of a ceiling that a measurement of the same work may differ by
TOO_SHORT = 30e-6  # seconds; the clock and the hooks are too coarse to judge less
AGAIN = 2  # times the ceilings are measured anew when a layer is above them

_BRACKETS = {
    "(data)": "data",
    "(host)": "host gaps",
    "(loss)": "loss",
    "(metrics)": "metrics",
    "(optimizer)": "optimizer",
}
_ELEMENTWISE = frozenset(
    "Activation Dropout ELU GELU Hardswish LeakyReLU Mish PReLU ReLU ReLU6 SELU SiLU "
    "Sigmoid Softplus Softsign Swish Tanh".split()
)


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

    @property
    def unexplained(self) -> float:
        """Seconds of the step that no row accounts for; may be negative."""
        return self.seconds - sum(row.seconds for row in self.rows)

    def report(self) -> Report:
        """Give highlights, the table, remedies and the roofline."""
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
        remedies = remedy_table(self.rows, found)
        table = layer_table("Layers, most time lost first", self.rows, found)
        parts = [
            Highlights("", items),
            *self.remarks,
            table,
            advice_table(self.rows),
            *([] if remedies is None else [remedies]),
            roofline(self.rows, self.limits),
        ]
        return Report(self.title, parts, f"{self.plan.describe()}\n{self._shares()}")

    def _shares(self) -> str:
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


def _digits(value: float) -> float:
    return float(f"{value:.3g}")


def explain(
    model: nn.Module,
    data: Any = None,
    *,
    batch_size: int | None = None,
    loss: Any = None,
    optimizer: Any = "rmsprop",
    plan: ExecutionPlan | Literal["eager"] = "eager",
    seconds: float = 2.0,
    limits: Limits | None = None,
    clock: Clock | None = None,
) -> Explanation:
    """Explain where the time of a step goes, layer by layer.

    A compiled model, or one with a ``loss``, is trained for some steps on a copy: its
    weights, optimizer, statistics and random numbers stay as they are, to the bit. Any
    other model predicts. Rows, forward and backward, and what is unexplained add up to
    the plain step.

    Args:
        model: Any torch module; a compiled model brings loss and optimizer.
        data: Arrays (x, y) or (x, y, sample_weight), x alone, or an object that gives
            batches; None draws random numbers for the model's `Input`.
        batch_size: Rows in a step; None for the data's own, else 32.
        loss: For a module that is not compiled: what it learns by.
        optimizer: The same: how.
        plan: How the step is executed; one that is captured or compiled cannot be
            looked into and is explained as its eager form.
        seconds: How long to measure, about; the machine's ceilings come on top, once.
        limits: The machine's ceilings; None for those measured and kept.
        clock: What is read; None for the device's own.

    Returns:
        The explanation: `show()` prints it, `report()` gives its tables.

    Raises:
        ConfigError: No module, or a plan that is none; no data, and a model that does
            not say its input.
        DataError: Data that cannot be learned from.
        StateError: A layer was faster than this machine's ceilings.

    Example:
        >>> import mica
        >>> model = mica.Sequential(mica.Input((4,)), mica.layers.Dense(3))
        >>> model.compile("adam", "mse")
        >>> limits = Limits("cpu", 1, {"float32": 1e13}, ((1, 1e13),), 5e-6, 1e-9)
        >>> found = explain(model, seconds=0.01, limits=limits)
        >>> {"dense", "loss", "optimizer", "data"} <= {row.name for row in found.rows}
        True
    """
    chosen = eager_form(model, plan)
    before = random_state()
    try:
        with execution_scope(chosen), number_scope(model):
            return _explain(
                model, data, batch_size, (loss, optimizer), chosen, seconds, limits,
                clock,
            )  # fmt: skip
    finally:
        restore_random_state(before)


def _explain(
    model: nn.Module,
    data: Any,
    batch_size: int | None,
    objective: tuple[Any, Any],
    plan: ExecutionPlan,
    seconds: float,
    limits: Limits | None,
    clock: Clock | None,
) -> Explanation:
    ready = rehearse(model, data, batch_size, objective, plan)
    trial, trains, remarks = ready.session, ready.trains, list(ready.remarks)
    wanted = clock or (
        DeviceClock(plan.device) if plan.device.type == "cuda" else WallClock()
    )
    batches = endless(ready.source, ready.batch_size, plan.device)
    rows = ready.source.peek(ready.batch_size).size
    with doing(ready, plan) as (step, watch):
        found = measure(trial.model, batches, step, watch, wanted, seconds=seconds)
    if trains:
        _count_update(trial, found)
    ceilings = limits or find_limits(plan.device)
    around = Circumstances(
        rows,
        plan.precision,
        plan.device.type == "cuda",
        _bfloat16_gain(plan, ceilings),
        found.seconds,
        not trains or _is_fused(trial),
        isinstance(ready.source, ArraySource),
        _ELEMENTWISE,
    )
    parts, ceilings = _judged(
        trial.model, found, ceilings, around, plan, fixed=limits is not None
    )
    if any(row.advice.action == "bfloat16" for row in parts):
        parts = _tried(parts, found.seconds, ready, plan, wanted, seconds / 3)
    name = getattr(model, "name", None) or type(model).__name__
    return Explanation(
        f"{name}: where a step's time goes",
        parts,
        found.seconds,
        ceilings,
        rows,
        plan,
        trains,
        (*remarks, *_doubts(found)),
    )


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


def _doubts(found: Measured) -> list[Finding]:
    """Say when too much of a step is unexplained."""
    if abs(found.unexplained) <= EXPLAINED * found.seconds:
        return []
    share = found.unexplained / found.seconds
    return [
        Finding(
            "warning",
            "the step",
            f"{100 * share:.0f} % of its time is unexplained.",
            "The machine may be busy with something else.",
            "Explain it again, with seconds=10 for more rounds.",
        )
    ]


def _tried(
    rows: tuple[Row, ...],
    step_seconds: float,
    ready: Rehearsal,
    plan: ExecutionPlan,
    clock: Clock,
    seconds: float,
) -> tuple[Row, ...]:
    """Try bfloat16 before it is advised: some operations have no fast way in it."""
    half = replace(plan, precision="bfloat16")
    batches = endless(ready.source, ready.batch_size, plan.device)
    try:
        with doing(ready, half) as (step, _):
            took = quickest(step, batches, clock, seconds=seconds)
    except Exception:  # noqa: BLE001 - whatever it is, it is not advised
        took = step_seconds
    return scale_advice(rows, step_seconds - took)


def scale_advice(rows: Sequence[Row], saved: float) -> tuple[Row, ...]:
    """Let the gains promised of bfloat16 add up to what it was seen to save.

    Args:
        rows: The parts.
        saved: Seconds of the step; nothing when it is not above 0.

    Returns:
        The parts, their advice corrected.

    Example:
        >>> from mica.plan.advising import Cost
        >>> row = Row("dense", "Dense", 1.0, 2.0, Cost(), "compute",
        ...           Advice("bfloat16", "Faster.", 2.0))
        >>> scale_advice([row], 1.5)[0].advice.gain
        1.5
        >>> scale_advice([row], -1.0)[0].advice.sentence
        'bfloat16 was tried: it is no faster here.'
    """
    promised = sum(row.advice.gain for row in rows if row.advice.action == "bfloat16")
    factor = saved / promised if promised > 0 else 0.0
    none = Advice("none", "bfloat16 was tried: it is no faster here.", 0.0)
    corrected = []
    for row in rows:
        if row.advice.action == "bfloat16":
            gain = min(row.seconds, factor * row.advice.gain)
            advice = none if gain <= 0 else row.advice._replace(gain=gain)
            row = replace(row, advice=advice)
        corrected.append(row)
    return tuple(corrected)


def _is_fused(trial: Session) -> bool:
    groups = trial.ready_updater().optimizer.param_groups
    # One without the word has no other way.
    return all(group.get("fused", True) for group in groups)


def _bfloat16_gain(plan: ExecutionPlan, limits: Limits) -> float:
    chosen = precision() is not None  # by the user: nothing else is advised
    if chosen or not multiplies_bfloat16(plan.device, inspect_hardware()):
        return 1.0
    rates = limits.flops_per_second
    return rates.get("bfloat16", 0.0) / rates.get(plan.precision, max(rates.values()))


def _judged(
    model: nn.Module,
    found: Measured,
    limits: Limits,
    around: Circumstances,
    plan: ExecutionPlan,
    *,
    fixed: bool,
) -> tuple[tuple[Row, ...], Limits]:
    """Make the rows; measure ceilings anew that a layer seems to be above."""
    left = 0 if fixed else AGAIN
    while True:
        rows = make_rows(model, found, limits, around)
        try:
            check_rows(rows)
            return rows, limits
        except StateError:
            if not left:
                raise
        left -= 1
        limits = raised(limits, measure_limits(plan.device))
        remember_limits(plan.device, limits)


def make_rows(
    model: nn.Module, found: Measured, limits: Limits, around: Circumstances
) -> tuple[Row, ...]:
    """Make a row of each part that was measured.

    A module that calls others and computes nothing itself is no row: its time is a gap
    between operations.

    Args:
        model: The module.
        found: Seconds and operations of its parts.
        limits: The machine's ceilings.
        around: What advice depends on.

    Returns:
        The rows, most time lost first.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 2))
        >>> found = Measured(3.0, {Place("0"): 1.0, Place("0", "backward"): 2.0}, {}, 1)
        >>> limits = Limits("cpu", 1, {"float32": 1e13}, ((1, 1e13),), 5e-6, 1e-9)
        >>> (row,) = make_rows(model, found, limits, Circumstances(32))
        >>> row.name, row.forward, row.backward
        ('0', 1.0, 2.0)
    """
    modules = dict(model.named_modules())
    seconds: dict[str, dict[str, float]] = {}
    operations: dict[str, list[Operation]] = {}
    for place in dict.fromkeys((*found.places, *found.operations)):
        part = place.part
        silent = not any(
            found.operations.get(Place(part, way)) for way in ("forward", "backward")
        )
        inner = modules.get(part)
        if part == "" or (inner is not None and any(inner.children())):
            part = "(host)" if silent else part
        ways = seconds.setdefault(part, {"forward": 0.0, "backward": 0.0})
        ways[place.way] += found.places.get(place, 0.0)
        operations.setdefault(part, []).extend(found.operations.get(place, ()))
    rows = []
    for part, ways in seconds.items():
        cost = cost_of(operations[part], limits)
        took = ways["forward"] + ways["backward"]
        kind = type(modules[part]).__name__ if part in modules else ""
        rows.append(
            Row(
                _BRACKETS.get(part, part or "between layers"),
                kind,
                ways["forward"],
                ways["backward"],
                cost,
                bound_of(part, cost, on_gpu=around.on_gpu),
                advise(part, kind, took, cost, around),
            )
        )
    return tuple(sorted(rows, key=lambda row: -row.lost))


def check_rows(rows: Sequence[Row]) -> None:
    """Refuse a part that is faster than this machine's ceilings.

    Args:
        rows: The parts.

    Raises:
        StateError: There is one: the time, the count or the ceiling is wrong.

    Example:
        >>> check_rows([])
    """
    for row in rows:
        above = row.cost.attainable - (1 + ROUNDING) * row.seconds
        if above > TOO_SHORT:
            share = row.cost.attainable / max(row.seconds, 1e-12)
            raise StateError(
                f"explain: expected {row.name} to take at least "
                f"{1e3 * row.cost.attainable:.3g} ms at this machine's ceilings, got "
                f"{1e3 * row.seconds:.3g} ms, {100 * share:.0f} % of what is possible. "
                "The machine was busy when its ceilings were measured: call "
                "mica.plan.forget_limits() and explain again."
            )
