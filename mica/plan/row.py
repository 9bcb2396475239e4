"""A row: one part of a step, what it takes, what it needs, and what to do about it."""

from dataclasses import dataclass

from mica.plan.advising import Advice, Bound, Cost

__all__ = ["Row"]


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
