"""Planning: how a run is executed, as its caller says or a planner decides."""

from collections.abc import Callable
from typing import Any, Literal

from mica.engine import ExecutionPlan, eager_plan
from mica.errors import ConfigError

__all__ = [
    "PlanChoice",
    "Planner",
    "choose_plan",
    "find_planner",
    "find_prediction_planner",
    "install_planner",
    "install_prediction_planner",
]

PlanChoice = Literal["auto", "eager"] | ExecutionPlan
# Decides how a run is executed: (session, source, eager plan, batch size, epochs) to an
# object with `plan`, `speed()` and `report()`; see `mica.plan`.
Planner = Callable[..., Any]
_planners: list[Planner] = []  # the one that `install_planner` was given
_prediction_planners: list[Planner] = []


def install_planner(planner: Planner) -> None:
    """Let runs with plan "auto" be executed as a planner decides; eagerly before.

    Args:
        planner: `mica.plan.choose_plan`, which lies above this package.

    Example:
        >>> from mica.plan import choose_plan
        >>> install_planner(choose_plan)
    """
    _planners[:] = [planner]


def find_planner() -> Planner | None:
    """The planner of trainings, when one is installed."""
    return _planners[0] if _planners else None


def install_prediction_planner(planner: Planner) -> None:
    """Let long predictions with plan "auto" be made as a planner decides.

    Args:
        planner: `mica.plan.choose_prediction`, which lies above this package: from
            (session, network, source, eager plan, rows of a batch that were asked for,
            number of folded layers) to an object with `plan`, `batch_size` and
            `report()`.

    Example:
        >>> from mica.plan import choose_prediction
        >>> install_prediction_planner(choose_prediction)
    """
    _prediction_planners[:] = [planner]


def find_prediction_planner() -> Planner | None:
    """The planner of predictions, when one is installed."""
    return _prediction_planners[0] if _prediction_planners else None


def choose_plan(choice: PlanChoice) -> ExecutionPlan:
    """The plan a run begins with: the one that was given, else the eager one."""
    if isinstance(choice, ExecutionPlan):
        return choice
    if isinstance(choice, str) and choice in ("auto", "eager"):
        return eager_plan()
    raise ConfigError(
        f'fit: expected a plan out of "auto", "eager" or an ExecutionPlan, got '
        f"{choice!r}. Leave it out for the best one."
    )
