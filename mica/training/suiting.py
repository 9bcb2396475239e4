"""Suiting: a plan says the precision that the weights really compute in."""

from dataclasses import replace

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from mica.engine import ExecutionPlan
from mica.errors import ConfigError

__all__ = ["suited"]


def suited(plan: ExecutionPlan, model: nn.Module, *, asked: bool) -> ExecutionPlan:
    """Make a plan true for the weights there are.

    Weights of float64 compute in float64 whatever a plan says, and those of float32
    never do.

    Args:
        plan: How a step is executed.
        model: Whose weights exist.
        asked: Whether the caller gave this very plan.

    Returns:
        The plan, its precision that of the weights where these decide.

    Raises:
        ConfigError: The caller asked for a precision that these weights cannot have.

    Example:
        >>> plan = ExecutionPlan(torch.device("cpu"))
        >>> suited(plan, nn.Linear(1, 1).double(), asked=False).precision
        'float64'
    """
    dtypes = {
        tensor.dtype
        for tensor in model.parameters()
        if not is_lazy(tensor) and tensor.is_floating_point()
    }
    if dtypes == {torch.float64} and plan.precision != "float64":
        if asked and plan.precision != "float32":  # which may be left out, not asked
            raise ConfigError(_mismatch(plan, "float32", "float64"))
        return replace(plan, precision="float64")
    if dtypes == {torch.float32} and plan.precision == "float64":
        if asked:
            raise ConfigError(_mismatch(plan, "float64", "float32"))
        return replace(plan, precision="float32")
    return plan


def _mismatch(plan: ExecutionPlan, wanted: str, got: str) -> str:
    return (
        f"fit: expected weights in {wanted} for a plan in {plan.precision}, got "
        f'{got}. Call mica.set_precision("{wanted}") before the model is made.'
    )
