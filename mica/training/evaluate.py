"""Evaluating and predicting: the model as it is, without learning."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mica.engine import ExecutionPlan, compute_scope
from mica.errors import DataError
from mica.nested import flatten, pack_like
from mica.training.calling import call, evaluation_mode
from mica.training.means import RunningMeans
from mica.training.objective import Objective

__all__ = ["evaluate", "predict"]


def evaluate(
    model: nn.Module, batches: Iterable[Any], objective: Objective, plan: ExecutionPlan
) -> dict[str, float]:
    """Measure loss and metrics, exact over all samples whatever the batch size.

    Args:
        model: A module that `objective` is bound to.
        batches: Batches with targets.
        objective: Losses and metrics.
        plan: Where and in which precision.

    Returns:
        Values by name.

    Raises:
        DataError: There was no batch.
    """
    means = RunningMeans()
    judged = any(head.loss is not None for head in objective.heads)
    objective.reset()
    empty = True
    with evaluation_mode(model), torch.no_grad(), compute_scope(plan):
        for x, y, weight, size in batches:
            empty = False
            outputs = objective.forward(model, x)
            if judged:
                means.add(objective.compute(outputs, y, weight), size)
            objective.measure(outputs, y, weight)
    if empty:
        raise DataError("evaluate: expected at least one batch, got none. Give data.")
    logs = {**means.read(), **objective.metric_logs()}
    objective.reset()
    return logs


def _to_numpy(tensor: Tensor) -> np.ndarray:
    if tensor.dtype in (torch.bfloat16, torch.float16):
        tensor = tensor.float()  # NumPy has no bfloat16
    return tensor.cpu().numpy()


def predict(model: nn.Module, batches: Iterable[Any], plan: ExecutionPlan) -> Any:
    """Compute the outputs for all samples.

    Args:
        model: Any built module.
        batches: Batches; targets in them are not looked at.
        plan: Where and in which precision.

    Returns:
        NumPy arrays, nested as the model's outputs are.

    Raises:
        DataError: There was no batch.
    """
    parts: list[list[Tensor]] = []
    structure: Any = None
    with evaluation_mode(model), torch.inference_mode(), compute_scope(plan):
        for batch in batches:
            structure = call(model, batch.x)
            parts.append(flatten(structure))
    if not parts:
        raise DataError("predict: expected at least one batch, got none. Give data.")
    joined = [_to_numpy(torch.cat(pieces)) for pieces in zip(*parts, strict=True)]
    return pack_like(structure, joined)
