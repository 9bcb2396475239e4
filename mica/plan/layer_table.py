"""The table of a step: one row for each part, most time lost first."""

from collections.abc import Sequence
from math import floor, log10

from mica.plan.advising import Cost
from mica.plan.remedies import Remedy
from mica.plan.row import Row
from mica.report import Table

__all__ = ["COLUMNS", "layer_table"]

SHOWN = 20  # rows of the table; the smaller ones are added up in one
LONGEST = 16  # letters of a name; a longer one loses its beginning
GIGA, MEGA, MILLI = 1e9, 1e6, 1e-3
NO_WORK = frozenset({"data", "host gaps"})  # nothing is computed there

# A soft hyphen says where a narrow terminal may break a word.
COLUMNS = (
    "layer",
    "forward ms",
    "backward ms",
    "share",
    "GFLOP",
    "MB moved",
    "FLOP/byte",
    "bound",
    "attain\u00adable ms",
    "effi\u00adciency",
    "advice: gain ms",
)


def layer_table(
    title: str,
    rows: Sequence[Row],
    step_seconds: float,
    remedies: Sequence[Remedy] = (),
    note: str = "",
) -> Table:
    """Make the table of a step, most time lost first.

    Args:
        title: The heading.
        rows: The parts, sorted.
        step_seconds: Of the whole step.
        remedies: What to do; a row points to one by its number.
        note: What stands below.

    Returns:
        The table; its rows and what is unexplained add up to the step.

    Example:
        >>> from mica.plan.advising import Advice
        >>> row = Row("dense", "Dense", 0.002, 0.004, Cost(attainable=0.003), "compute",
        ...           Advice("none", "Well done.", 0.0))
        >>> layer_table("Step", [row], 0.006).rows[0][:4]
        ('dense', 2.0, 4.0, '100 %')
    """
    shown, others = rows[:SHOWN], rows[SHOWN:]
    if len(others) == 1:
        shown, others = rows, ()
    decimals = _decimals(step_seconds / MILLI)
    cells = [
        _cells(
            name,
            (row.forward, row.backward),
            row.cost if row.name not in NO_WORK else Cost(),
            row.bound,
            step_seconds,
            _pointer(row, remedies, decimals),
        )
        for name, row in zip(_names(shown), shown, strict=True)
    ]
    if others:
        total = Cost(*map(sum, zip(*(row.cost for row in others), strict=True)))
        there = sum(row.forward for row in others)
        back = sum(row.backward for row in others)
        name = f"{len(others)} others"
        cells.append(_cells(name, (there, back), total, "", step_seconds, ""))
    rest = step_seconds - sum(row.seconds for row in rows)
    backward = sum(row.backward for row in rows)
    for name, there, back, share in (
        ("unexplained", rest, 0.0, rest / step_seconds if step_seconds else 0.0),
        ("step", step_seconds - backward, backward, 1.0),
    ):
        empty = (None, None, None, "", None, "", "")
        times = (_milliseconds(there, decimals), _milliseconds(back, decimals) or None)
        cells.append((name, *times, _percent(share), *empty))
    return Table(title, COLUMNS, cells, note)


def _decimals(step: float) -> int:
    """Decimals of all milliseconds, so that they can be added up by eye."""
    return 3 if step < 10 else 2 if step < 100 else 1


def _milliseconds(seconds: float, decimals: int) -> float:
    return round(seconds / MILLI, decimals) + 0.0  # no -0.0


def _attainable(cost: Cost, decimals: int) -> float | None:
    rounded = _milliseconds(cost.attainable, decimals)
    return rounded or _short(cost.attainable / MILLI, 1)


def _short(value: float, digits: int = 3) -> float | None:
    """A number with few digits and at most four decimals; None for nothing."""
    if not value:
        return None
    size = floor(log10(abs(value)))
    return round(value, max(0, min(digits - 1 - size, max(4, -size))))


def _percent(value: float | None) -> str:
    # Half a per cent below nothing is nothing.
    return "" if value is None else f"{round(100 * value) + 0} %"


def _named(row: Row) -> str:
    """The name, with the class where the name does not say it and there is room."""
    kind = row.kind.lower()
    if not kind or kind in row.name.rpartition(".")[2].replace("_", ""):
        return row.name
    whole = f"{row.name} ({row.kind})"
    return whole if len(whole) <= LONGEST else row.name


def _names(rows: Sequence[Row]) -> list[str]:
    """Names short enough for a terminal, where they stay different."""
    whole = [_named(row) for row in rows]
    short = [
        name if len(name) <= LONGEST else f"…{name[1 - LONGEST :]}" for name in whole
    ]
    return [
        name if short.count(brief) > 1 else brief
        for name, brief in zip(whole, short, strict=True)
    ]


def _pointer(row: Row, remedies: Sequence[Remedy], decimals: int) -> str:
    """The number of the sentence about a row, and what that saves here."""
    for each in remedies:
        if each.covers(row) and row.name in each.names:
            gain = round(row.advice.gain / MILLI, decimals)
            return f"{each.number}: {gain:.{decimals}f}" if gain else f"{each.number}"
    return ""


def _cells(
    name: str,
    seconds: tuple[float, float],
    cost: Cost,
    bound: str,
    step_seconds: float,
    pointer: str,
) -> tuple[object, ...]:
    decimals = _decimals(step_seconds / MILLI)
    took, works = sum(seconds), cost.num_bytes > 0
    efficiency = min(1.0, cost.attainable / took) if works and took else None
    return (
        name,
        _milliseconds(seconds[0], decimals),
        _milliseconds(seconds[1], decimals) or None,
        _percent(took / step_seconds if step_seconds else 0.0),
        _short(cost.flops / GIGA),
        _short(cost.num_bytes / MEGA),
        _short(cost.flops / cost.num_bytes) if works else None,
        bound,
        _attainable(cost, decimals) if works else None,
        _percent(efficiency),
        pointer,
    )
