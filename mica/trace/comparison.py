"""Comparison: the reference engine's numbers against torch's, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mica.report import Finding, Report, Table
from mica.trace.replay import Replay
from mica.trace.step import Source, Step, difference

__all__ = ["LARGEST_DIFFERENCE", "compare"]

# Both compute in float64, with 16 digits, in another order; a wrong rule shows in the
# first few digits.
LARGEST_DIFFERENCE = 1e-9


def _layer(step: Step) -> str:
    return "loss" if step.phase == "compare" else step.path or step.kind


def _eager_rows(replay: Replay) -> list[tuple[str, float]]:
    """The model itself, run by torch as it stands, against the walk."""
    eager = replay.capture.eager
    if eager is None:
        return []
    rows = []
    if replay.capture.loss is not None:
        value = replay.values[replay.capture.loss].data
        rows.append(("loss", difference(value, eager["loss"].numpy())))
    for index, name in enumerate(replay.capture.outputs):
        value = replay.values[name].data
        rows.append(("outputs", difference(value, eager[f"output {index}"].numpy())))
    for beginning in replay.capture.beginnings:
        if beginning.trained and replay.gradients:
            expected = eager.get(beginning.title)
            expected = None if expected is None else expected.numpy()
            found = replay.gradients.get(beginning.name)
            rows.append(("gradients", difference(found, expected)))
    return rows


def compare(
    title: str, sources: Sequence[Source], steps: Sequence[Step], replay: Replay
) -> Report:
    """Find the worst difference of each layer, in values and in gradients.

    max |found - expected| / max(1, max |expected|)

    Args:
        title: What was walked through.
        sources: What the walk starts from.
        steps: What it does.
        replay: The walk on the reference engine.

    Returns:
        A finding ("good", or "problem" where a difference exceeds 1e-9), a row for
        each layer, and the steps without a rule.
    """
    values: dict[str, float] = {}
    gradients: dict[str, float] = {}
    counts: dict[str, int] = {}
    for step in steps:
        layer = _layer(step)
        counts[layer] = counts.get(layer, 0) + 1
        worst = 0.0 if step.value is None else difference(step.value, step.expected)
        values[layer] = max(values.get(layer, 0.0), worst)
        worst = difference(step.gradient, step.expected_gradient)
        gradients[layer] = max(gradients.get(layer, 0.0), _unless(replay, worst))
    for source in sources:
        worst = difference(source.gradient, source.expected_gradient)
        layer = source.path if source.path in counts else source.path or source.name
        counts.setdefault(layer, 0)
        values.setdefault(layer, 0.0)
        gradients[layer] = max(gradients.get(layer, 0.0), _unless(replay, worst))
    eager: dict[str, float] = {}
    for name, worst in _eager_rows(replay):
        eager[name] = max(eager.get(name, 0.0), worst)
    all_of_them = [*values.values(), *gradients.values(), *eager.values()]
    worst = max(all_of_them, default=0.0)
    parts = [
        _verdict(worst, len(steps), replay),
        Table(
            "Largest difference by layer",
            ("layer", "steps", "values", "gradients"),
            [(name, counts[name], values[name], gradients[name]) for name in counts],
        ),
    ]
    if eager:
        parts.append(
            Table(
                "Against the model itself, run by torch",
                ("what", "difference"),
                list(eager.items()),
            )
        )
    unknown = [
        Finding(
            "note",
            _layer(step),
            f"The step {step.name!r} ({step.operation}) has no rule; its numbers are "
            "torch's and were not judged.",
        )
        for step in steps
        if not step.is_known
    ]
    return Report(title, [*parts, *unknown])


def _unless(replay: Replay, worst: float) -> float:
    """Nothing flows back from a loss that is not finite: nothing to judge."""
    return 0.0 if replay.not_finite else worst


def _verdict(worst: float, num_steps: int, replay: Replay) -> Finding:
    agrees = bool(np.isfinite(worst)) and worst <= LARGEST_DIFFERENCE
    remark = replay.capture.remark
    told = f" {remark}" if remark else ""
    judged = num_steps - len(replay.unknown)
    return Finding(
        "good" if agrees else "problem",
        "",
        f"{'Values and gradients agree' if agrees else 'Numbers differ'}: torch and "
        f"the reference engine, both in float64.{told}",
        f"{judged} of {num_steps} steps judged; largest difference {worst:.2g}, "
        f"allowed {LARGEST_DIFFERENCE:g}.",
    )
