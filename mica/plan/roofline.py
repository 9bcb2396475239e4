"""The roofline: layers between the machine's two limits, as tables and a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

from mica.plan.advising import Advice, Bound, Cost
from mica.plan.ceilings import Limits
from mica.report import Chart, Mark, Series, Table

__all__ = ["Row", "advice_table", "layer_table", "remedy_table", "roofline"]

SHOWN = 20  # rows of the table; the smaller ones are added up in one
MARKED = 3  # layers with a name in the picture
POINTS = 60  # of a line in the picture
GIGA, MEGA, MILLI = 1e9, 1e6, 1e-3

COLUMNS = (
    "layer",
    "forward ms",
    "backward ms",
    "share",
    "GFLOP",
    "MB moved",
    "FLOP/byte",
    "bound",
    "attainable ms",
    "efficiency",
)
REMEDIES = {
    "bfloat16": 'Compute in bfloat16: plan="auto" tries it, and proves it.',
    "batch": "Use twice the batch_size (in training look at the learning rate too).",
    "capture": 'Launch the step as one piece: plan="auto" tries it.',
    "fused": "Use a fused optimizer, such as Adam or AdamW.",
    "read ahead": "Read ahead: DataLoader(..., num_workers=1).",
    "join": "Give activations to the layer before: activation=...",
    "sync": "Do not read numbers from the device within a step.",
}


@dataclass(frozen=True)
class Row:
    """A part of a step: what it takes, what it needs, what to do.

    Args:
        name: The layer's path in the model, or "loss", "metrics", "optimizer", "data"
            or "host gaps".
        kind: The layer's class; "" for the others.
        forward: Seconds.
        backward: Seconds.
        cost: What its operations need at the ceilings.
        bound: What limits it.
        advice: What to do.

    Example:
        >>> row = Row("dense", "Dense", 0.002, 0.004, Cost(attainable=0.003), "compute",
        ...           Advice("none", "", 0.0))
        >>> row.seconds, row.efficiency, row.lost
        (0.006, 0.5, 0.003)
    """

    name: str
    kind: str
    forward: float
    backward: float
    cost: Cost
    bound: Bound
    advice: Advice

    @property
    def seconds(self) -> float:
        """Forward and backward."""
        return self.forward + self.backward

    @property
    def efficiency(self) -> float | None:
        """Attainable / measured; None where there is nothing to attain."""
        if self.cost.attainable <= 0 or self.seconds <= 0:
            return None
        return min(1.0, self.cost.attainable / self.seconds)

    @property
    def lost(self) -> float:
        """Seconds beyond the attainable ones."""
        return max(0.0, self.seconds - self.cost.attainable)

    @property
    def intensity(self) -> float | None:
        """FLOP for each byte moved; None where no byte is."""
        return self.cost.flops / self.cost.num_bytes if self.cost.num_bytes else None


def _short(value: float | None, digits: int = 3) -> float | None:
    """A number with few digits, so that a column can be read."""
    if value is None or value == 0:
        return value
    return round(value, max(0, digits - 1 - int(log10(abs(value)) // 1)))


def _percent(value: float | None) -> str:
    return "" if value is None else f"{round(100 * value)} %"


def _named(row: Row) -> str:
    """The name, with the class where the name does not say it."""
    kind = row.kind.lower()
    if not kind or kind in row.name.rpartition(".")[2].replace("_", ""):
        return row.name
    return f"{row.name} ({row.kind})"


def layer_table(
    title: str, rows: Sequence[Row], step_seconds: float, note: str = ""
) -> Table:
    """Make the table of a step, most time lost first.

    Args:
        title: The heading.
        rows: The parts, sorted.
        step_seconds: Of the whole step.
        note: What stands below.

    Returns:
        The table; its rows and what is unexplained add up to the step.

    Example:
        >>> row = Row("dense", "Dense", 0.002, 0.004, Cost(attainable=0.003), "compute",
        ...           Advice("none", "Well done.", 0.0))
        >>> layer_table("Step", [row], 0.006).rows[0][:4]
        ('dense', 2.0, 4.0, '100 %')
    """
    shown, others = rows[:SHOWN], rows[SHOWN:]
    if len(others) == 1:
        shown, others = rows, ()
    cells = [
        _cells(
            _named(row),
            row.forward,
            row.backward,
            row.cost,
            row.bound,
            step_seconds,
        )
        for row in shown
    ]
    if others:
        total = Cost(*map(sum, zip(*(row.cost for row in others), strict=True)))
        cells.append(
            _cells(
                f"{len(others)} others",
                sum(row.forward for row in others),
                sum(row.backward for row in others),
                total,
                "",
                step_seconds,
            )
        )
    known = sum(row.seconds for row in rows)
    rest = step_seconds - known
    forward = sum(row.forward for row in rows) + rest
    backward = sum(row.backward for row in rows)
    for name, *values, share in (
        ("unexplained", rest, 0.0, _of(rest, step_seconds)),
        ("the step", forward, backward, 1.0),
    ):
        there, back = (_short(value / MILLI) for value in values)
        empty = (None, None, None, "", None, "")
        cells.append((name, there, back or None, _percent(share), *empty))
    return Table(title, COLUMNS, cells, note)


def _of(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _cells(
    name: str,
    forward: float,
    backward: float,
    cost: Cost,
    bound: str,
    step_seconds: float,
) -> tuple[object, ...]:
    seconds = forward + backward
    works = cost.num_bytes > 0
    efficiency = min(1.0, _of(cost.attainable, seconds)) if works else None
    return (
        name,
        _short(forward / MILLI),
        _short(backward / MILLI) if backward else None,
        _percent(_of(seconds, step_seconds)),
        _short(cost.flops / GIGA) or None,
        _short(cost.num_bytes / MEGA) if works else None,
        _short(cost.flops / cost.num_bytes) or None if works else None,
        bound,
        _short(cost.attainable / MILLI) if works else None,
        _percent(efficiency),
    )


def advice_table(rows: Sequence[Row]) -> Table:
    """Say of each part what to do, and what that is to save.

    Args:
        rows: The parts, sorted as in the table of layers.

    Returns:
        A sentence and a gain for each.

    Example:
        >>> row = Row("0", "Linear", 0.002, 0.004, Cost(), "compute",
        ...           Advice("bfloat16", "Faster.", 0.003))
        >>> advice_table([row]).rows
        (('0 (Linear)', 3.0, 'Faster.'),)
    """
    cells = [
        (_named(row), _short(row.advice.gain / MILLI, 2) or None, row.advice.sentence)
        for row in rows[:SHOWN]
    ]
    return Table("Layer by layer", ("layer", "saves ms", "what to do"), cells)


def remedy_table(rows: Sequence[Row], step_seconds: float) -> Table | None:
    """Add up, remedy by remedy, what the parts would save.

    Args:
        rows: The parts.
        step_seconds: Of the whole step.

    Returns:
        The remedies, the greatest gain first; None when there is none worth a word.

    Example:
        >>> row = Row("dense", "Dense", 0.002, 0.004, Cost(), "compute",
        ...           Advice("bfloat16", "Faster.", 0.003))
        >>> remedy_table([row], 0.006).rows[0][1:]
        (3.0, 3.0, 'dense')
    """
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row.advice.action != "none" and row.advice.gain > 0:
            found.setdefault(row.advice.action, []).append(row)
    cells = []
    for action, parts in found.items():
        gain = sum(row.advice.gain for row in parts)
        if gain < 0.01 * step_seconds:
            continue
        parts = sorted(parts, key=lambda row: -row.advice.gain)
        names = ", ".join(row.name for row in parts[:3])
        if len(parts) > 3:
            names += f" and {len(parts) - 3} more"
        left = max(0.0, step_seconds - gain)
        cells.append(
            (REMEDIES[action], _short(gain / MILLI), _short(left / MILLI), names)
        )
    if not cells:
        return None
    cells.sort(key=lambda row: -float(row[1] or 0.0))
    note = "A batch of twice the size counts for half: for as many rows as now."
    uses_batch = any(row[0] == REMEDIES["batch"] for row in cells)
    columns = ("remedy", "saves ms", "step then ms", "above all in")
    return Table("All in all", columns, cells, note if uses_batch else "")


def roofline(rows: Sequence[Row], limits: Limits, title: str = "Roofline") -> Chart:
    """Draw the layers between the machine's two limits.

    FLOP/s <= min(ceiling of arithmetic, bandwidth * FLOP/byte)

    Args:
        rows: The parts; those without products or convolutions have no place here.
        limits: The machine's ceilings.
        title: The heading.

    Returns:
        A chart: FLOP/byte to the right, GFLOP/s upwards, both in powers of ten.

    Example:
        >>> limits = Limits("cpu", 1, {"float32": 1e11}, ((1024, 1e10),), 5e-6, 1e-6)
        >>> [series.name for series in roofline([], limits).series]
        ['float32 (100 GFLOP/s)']
    """
    placed = [row for row in rows if row.cost.flops and row.seconds]
    names = [row.intensity or 1.0 for row in placed]
    low, high = min([0.1, *names]) / 2, max([1000.0, *names]) * 2
    bandwidth = limits.bytes_per_second[-1][1]
    steps = [low * (high / low) ** (number / POINTS) for number in range(POINTS + 1)]
    series = [
        Series(
            f"{name} ({ceiling / GIGA:,.0f} GFLOP/s)",
            steps,
            [min(ceiling, bandwidth * each) / GIGA for each in steps],
            "line",
        )
        for name, ceiling in limits.flops_per_second.items()
        if name != "float64"
    ]
    marks = []
    if placed:
        speeds = [row.cost.flops / row.seconds / GIGA for row in placed]
        series.append(Series("layers", names, speeds, "points"))
        order = sorted(range(len(placed)), key=lambda each: -placed[each].lost)
        marks = [
            Mark(names[each], speeds[each], placed[each].name)
            for each in order[:MARKED]
        ]
    return Chart(
        title,
        series,
        "FLOP/byte",
        "GFLOP/s",
        x_scale="log",
        y_scale="log",
        marks=marks,
        note=f"The slope is main memory's {bandwidth / GIGA:.0f} GB/s. What the caches "
        "hold may lie above it.",
    )
