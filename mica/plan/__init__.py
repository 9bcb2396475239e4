"""Plans: the fastest way to execute a step on this machine, proven and measured."""

from mica.plan.candidates import find_candidates
from mica.plan.ceilings import Limits, find_limits, forget_limits, measure_limits
from mica.plan.decision import Decision, Trial
from mica.plan.explain import Explanation, explain
from mica.plan.memory import MemoryNeed, advise_batch, predict_memory
from mica.plan.predicting import Prediction, PredictionTrial, choose_prediction
from mica.plan.promises import forget_promises
from mica.plan.proof import Bounds, bounds_of
from mica.plan.remembering import forget_plans
from mica.plan.search import choose_plan
from mica.plan.timeline import ProcessorClock, WallClock
from mica.training import (
    install_memory_adviser,
    install_planner,
    install_prediction_planner,
)

__all__ = [
    "Bounds",
    "Decision",
    "Explanation",
    "Limits",
    "MemoryNeed",
    "Prediction",
    "PredictionTrial",
    "ProcessorClock",
    "Trial",
    "WallClock",
    "bounds_of",
    "choose_plan",
    "choose_prediction",
    "explain",
    "find_candidates",
    "find_limits",
    "forget_limits",
    "forget_plans",
    "forget_promises",
    "measure_limits",
    "predict_memory",
]

install_planner(choose_plan)
install_prediction_planner(choose_prediction)
install_memory_adviser(advise_batch)
