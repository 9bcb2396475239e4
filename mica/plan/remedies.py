"""Remedies: the advice of all rows, one sentence for each thing to do, numbered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mica.plan.row import Row
from mica.report import Text

__all__ = ["Remedy", "advice_text", "find_remedies"]

WORTH = 0.01  # of a step; what saves less is not worth a word
NAMED = 3  # layers that a sentence names

REMEDIES = {
    "bfloat16": 'Compute in bfloat16: plan="auto" tries it, and proves it.',
    "batch": "Use twice the batch_size (in training look at the learning rate too).",
    "threads": 'Compute with one thread: plan="auto" tries it.',
    "capture": 'Launch the step as one piece: plan="auto" tries it.',
    "fused": 'Name one of Mica, such as optimizer="adam" or "rmsprop": they are fused.',
    "memory": "Give arrays, unless rows change from epoch to epoch: fit(x, y).",
    "read ahead": "Read ahead: DataLoader(..., num_workers=1).",
    "join": "Give activations to the layer before: activation=...",
    "sync": "Do not read numbers from the device within a step.",
}


@dataclass(frozen=True)
class Remedy:
    """One thing to do, and what it saves in all rows together.

    Args:
        number: In the list; rows of the table point to it.
        action: The advice's action; "none" for a remark without a gain.
        sentence: Why, and what to do.
        gain: Seconds of the step that it saves.
        names: The rows it is about, the greatest gain first.

    Example:
        >>> Remedy(1, "batch", "Use more.", 0.5, ("dense",)).promised(2.0)
        0.25
    """

    number: int
    action: str
    sentence: str
    gain: float
    names: tuple[str, ...]

    def promised(self, step_seconds: float) -> float:
        """Say which share of the step it is to save.

        Args:
            step_seconds: Of the whole step.

        Returns:
            Between 0 and 1.
        """
        return min(1.0, self.gain / step_seconds) if step_seconds > 0 else 0.0

    def covers(self, row: Row) -> bool:
        """Tell whether a row points here.

        Args:
            row: A part of the step.
        """
        if row.advice.action == "none":
            return self.action == "none" and row.advice.sentence == self.sentence
        return row.advice.action == self.action and row.advice.gain > 0


def find_remedies(rows: Sequence[Row], step_seconds: float) -> tuple[Remedy, ...]:
    """Gather the advice of all rows.

    Args:
        rows: The parts.
        step_seconds: Of the whole step.

    Returns:
        Remedies, the greatest gain first, then remarks without a gain; what is about
        less than a hundredth of the step is left out.

    Example:
        >>> from mica.plan.advising import Advice, Cost
        >>> row = Row("dense", "Dense", 0.002, 0.004, Cost(), "compute",
        ...           Advice("bfloat16", "Faster.", 0.003))
        >>> [(each.number, each.gain) for each in find_remedies([row], 0.006)]
        [(1, 0.003)]
    """
    found: dict[str, list[Row]] = {}
    remarks: dict[str, list[Row]] = {}
    for row in rows:
        if row.advice.action == "none":
            if row.advice.sentence and row.seconds >= WORTH * step_seconds:
                remarks.setdefault(row.advice.sentence, []).append(row)
        elif row.advice.gain > 0:
            found.setdefault(row.advice.action, []).append(row)
    gathered = []
    for action, parts in found.items():
        gain = sum(row.advice.gain for row in parts)
        if gain < WORTH * step_seconds:
            continue
        parts = sorted(parts, key=lambda row: -row.advice.gain)
        sentence = f"{parts[0].advice.sentence} {REMEDIES[action]}"
        gathered.append((action, sentence, gain, tuple(row.name for row in parts)))
    gathered.sort(key=lambda each: -each[2])
    gathered += [
        ("none", sentence, 0.0, tuple(row.name for row in parts))
        for sentence, parts in remarks.items()
    ]
    return tuple(Remedy(place, *each) for place, each in enumerate(gathered, 1))


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    shown = ", ".join(names[:NAMED])
    return f"{shown} and {more} more" if more > 0 else shown


def advice_text(
    remedies: Sequence[Remedy],
    step_seconds: float,
    corrections: Mapping[str, str] | None = None,
) -> Text | None:
    """Write the remedies as a numbered list.

    Args:
        remedies: From `find_remedies`.
        step_seconds: Of the whole step.
        corrections: By action, a sentence on how earlier promises were kept.

    Returns:
        The list; None when there is none.

    Example:
        >>> remedy = Remedy(1, "sync", "Wait less.", 0.001, ("own",))
        >>> print(advice_text([remedy], 0.002))
        Advice
        1. Wait less. Saves 1 of 2 ms: 2.00x; above all in own.
    """
    lines = []
    for each in remedies:
        line = f"{each.number}. {each.sentence}"
        if each.action == "none":
            line += f" About {_listed(each.names)}."
        else:
            left = max(step_seconds - each.gain, 1e-3 * step_seconds)
            line += (
                f" Saves {1e3 * each.gain:.3g} of {1e3 * step_seconds:.3g} ms: "
                f"{step_seconds / left:.2f}x; above all in {_listed(each.names)}."
            )
        if each.action == "batch":
            line += " Counted for as many rows as now."
        if corrections and each.action in corrections:
            line += f" {corrections[each.action]}"
        lines.append(line)
    return Text("Advice", "\n\n".join(lines)) if lines else None
