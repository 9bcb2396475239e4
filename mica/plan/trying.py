"""Trying what is advised before it is advised: the gain is then one that was seen."""

from collections.abc import Sequence
from dataclasses import replace

from mica.engine import ExecutionPlan, execution_scope
from mica.plan.advising import Advice
from mica.plan.measuring import doing, endless, quickest
from mica.plan.rehearsing import Rehearsal
from mica.plan.row import Row
from mica.plan.timeline import Clock

__all__ = ["scale_advice", "spread_threads", "try_plans"]

WORTH = 0.03  # of a step that one thread must save
CROWDED = 0.2  # of a step bound by launching, from which one thread may be faster


def try_plans(
    rows: tuple[Row, ...],
    step_seconds: float,
    ready: Rehearsal,
    plan: ExecutionPlan,
    clock: Clock,
    seconds: float,
) -> tuple[Row, ...]:
    """Try bfloat16 where it is advised, and one thread where launching takes long.

    Args:
        rows: The parts, with their advice.
        step_seconds: Of the whole step.
        ready: A run on copies.
        plan: How its step was executed.
        clock: What is read.
        seconds: How long each may take, about.

    Returns:
        The parts, their advice corrected.
    """

    def saved(other: ExecutionPlan) -> float:
        batches = endless(ready.source, ready.batch_size, plan.device)
        try:
            with execution_scope(other), doing(ready, other) as (step, _):
                took = quickest(step, batches, clock, seconds=seconds)
        except Exception:  # noqa: BLE001 - whatever it is, it is not advised
            return 0.0
        return step_seconds - took

    if any(row.advice.action == "bfloat16" for row in rows):
        rows = scale_advice(rows, saved(replace(plan, precision="bfloat16")))
    launching = sum(row.seconds for row in rows if row.bound == "launch")
    several = plan.device.type == "cpu" and (plan.threads or 1) > 1
    if several and launching > CROWDED * step_seconds:
        gain = saved(replace(plan, threads=1))
        if gain > WORTH * step_seconds:
            rows = spread_threads(rows, gain)
    return rows


def spread_threads(rows: Sequence[Row], saved: float) -> tuple[Row, ...]:
    """Advise one thread where operations are launched, if that saves more.

    Args:
        rows: The parts, with their advice.
        saved: Seconds of the step that one thread was seen to save.

    Returns:
        The parts; as they were when what they advise saves more.

    Example:
        >>> from mica.plan.advising import Cost
        >>> row = Row("dense", "Dense", 1.0, 1.0, Cost(), "launch",
        ...           Advice("batch", "More.", 0.5))
        >>> spread_threads([row], 1.0)[0].advice.gain
        1.0
        >>> spread_threads([row], 0.2)[0].advice.action
        'batch'
    """
    touched = [row for row in rows if row.bound == "launch"]
    total = sum(row.seconds for row in touched)
    if not total or saved <= sum(row.advice.gain for row in touched):
        return tuple(rows)
    words = "One thread was tried: so little work is not worth sharing."
    return tuple(
        replace(
            row,
            advice=Advice(
                "threads", words, min(row.seconds, saved * row.seconds / total)
            ),
        )
        if row.bound == "launch"
        else row
        for row in rows
    )


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
