"""Decision: the plan to train by, and all that was tried for it, as a table."""

import math
from dataclasses import dataclass, field

from mica.engine import ExecutionPlan
from mica.plan.timing import Timed
from mica.report import Table

__all__ = ["Decision", "Trial"]


@dataclass
class Trial:
    """A candidate, how long its steps took, and why it was not adopted.

    Args:
        plan: How the step was executed.
        timed: Its times.
        reason: "" for the adopted plan.

    Example:
        >>> from mica.engine import eager_plan
        >>> Trial(eager_plan("cpu"), Timed([0.5])).timed.median
        0.5
    """

    plan: ExecutionPlan
    timed: Timed
    reason: str = ""


@dataclass
class Decision:
    """The plan to train by, and how it was found.

    Args:
        plan: The plan.
        reason: Why this one, in one sentence.
        trials: All that was tried; empty when nothing was.
        batch_size: Samples in a step.
        cost: Seconds the search took, a compiler's in it. When a compiled plan was
            adopted, the run itself begins by compiling once more.
        steps: Steps of the run, `None` when unknown.

    Example:
        >>> from mica.engine import eager_plan
        >>> Decision(eager_plan("cpu"), "A short run.").speed()
        ''
    """

    plan: ExecutionPlan
    reason: str
    trials: list[Trial] = field(default_factory=list)
    batch_size: int = 1
    cost: float = 0.0
    steps: int | None = None

    def speed(self) -> str:
        """Say samples per second of the plan and of the eager one."""
        if not self.trials:
            return ""
        chosen = next(trial for trial in self.trials if trial.plan == self.plan)
        eager = self.trials[0]
        text = f"{self.batch_size / chosen.timed.median:,.0f} samples/s"
        if chosen is not eager:
            rate = self.batch_size / eager.timed.median
            text += f" ({eager.plan.precision} eager: {rate:,.0f})"
        return text

    def report(self) -> Table:
        """List all candidates with their times, and why they were not adopted."""
        rows = []
        for trial in self.trials:
            seconds = trial.timed.median
            timed = bool(trial.timed.seconds)
            rows.append(
                (
                    trial.plan.describe(),
                    f"{1e3 * seconds:.3g}" if timed else "",
                    f"{self.batch_size / seconds:,.0f}" if timed else "",
                    trial.reason or "adopted",
                )
            )
        if not rows:
            rows = [(self.plan.describe(), "", "", "adopted")]
        columns = ("plan", "ms per step", "samples/s", "verdict")
        return Table("Plans", columns, tuple(rows), note=self._note())

    def _note(self) -> str:
        if not self.trials:
            return self.reason
        return f"{self.reason} {self._payback()}".strip()

    def _payback(self) -> str:
        chosen = next(trial for trial in self.trials if trial.plan == self.plan)
        saved = self.trials[0].timed.median - chosen.timed.median
        text = f"plan cost {self.cost:.1f} s"
        if saved > 0:
            steps = math.ceil(self.cost / saved)
            text += f", pays back after {steps:,} step{'' if steps == 1 else 's'}"
        if self.steps is not None:
            text += f", you have {self.steps:,}"
        return f"{text}."
