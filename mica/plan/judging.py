"""Judging a measured step: its parts as rows, beside what this machine can do."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from mica.errors import StateError
from mica.plan.advising import Circumstances, advise, bound_of, cost_of
from mica.plan.ceilings import Limits, measure_limits, raised, remember_limits
from mica.plan.counting import Operation
from mica.plan.measuring import Measured
from mica.plan.row import Row
from mica.plan.timeline import Place

__all__ = ["check_rows", "judge_step", "make_rows"]

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


def judge_step(
    model: nn.Module,
    found: Measured,
    limits: Limits,
    around: Circumstances,
    device: torch.device,
    *,
    fixed: bool,
) -> tuple[tuple[Row, ...], Limits]:
    """Make the rows; measure ceilings anew that a layer seems to be above.

    Args:
        model: The module.
        found: Seconds and operations of its parts.
        limits: The machine's ceilings.
        around: What advice depends on.
        device: Where ceilings are measured.
        fixed: Whether the ceilings are the caller's own, not to be measured anew.

    Returns:
        (the rows, the ceilings they were judged by).

    Raises:
        StateError: A layer was faster than the ceilings, measured anew or not.

    Example:
        >>> limits = Limits("cpu", 1, {"float32": 1e13}, ((1, 1e13),), 5e-6, 1e-9)
        >>> found = Measured(1.0, {Place(""): 1.0}, {}, 1)
        >>> rows, _ = judge_step(nn.Linear(1, 1), found, limits, Circumstances(1),
        ...                      torch.device("cpu"), fixed=True)
        >>> [row.name for row in rows]
        ['host gaps']
    """
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
        limits = raised(limits, measure_limits(device))
        remember_limits(device, limits)


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
        if part == "" or (inner is not None and list(inner.children())):
            part = "(host)" if silent else part
        ways = seconds.setdefault(part, {"forward": 0.0, "backward": 0.0})
        ways[place.way] += found.places.get(place, 0.0)
        operations.setdefault(part, []).extend(found.operations.get(place, ()))
    rows = []
    alone = not list(model.children())
    between = type(model).__name__ if alone else "between layers"
    for part, ways in seconds.items():
        cost = cost_of(_multiplied(operations[part], around.precision), limits)
        took = ways["forward"] + ways["backward"]
        kind = type(modules[part]).__name__ if part in modules else ""
        rows.append(
            Row(
                _BRACKETS.get(part, part or between),
                kind,
                ways["forward"],
                ways["backward"],
                cost,
                bound_of(part, cost, on_gpu=around.on_gpu),
                advise(part, kind, took, cost, around),
            )
        )
    return tuple(sorted(rows, key=lambda row: -row.lost))


def _multiplied(operations: Sequence[Operation], precision: str) -> Sequence[Operation]:
    """Operations by the precision they multiply in: TF32 is no type of a tensor."""
    if precision != "tf32":
        return operations
    return [
        replace(each, precision="tf32") if each.precision == "float32" else each
        for each in operations
    ]


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
