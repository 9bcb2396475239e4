"""Plans: the fastest way to execute a step on this machine, proven and measured."""

from mica.plan.candidates import find_candidates
from mica.plan.proof import Bounds, bounds_of
from mica.plan.remembering import forget_plans
from mica.plan.search import Decision, Trial, choose_plan
from mica.training import install_planner

__all__ = [
    "Bounds",
    "Decision",
    "Trial",
    "bounds_of",
    "choose_plan",
    "find_candidates",
    "forget_plans",
]

install_planner(choose_plan)
