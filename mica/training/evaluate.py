"""Evaluating and predicting: the model as it is, without learning."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mica.engine import ExecutionPlan, compute_scope
from mica.errors import DataError, ShapeError
from mica.nested import flatten, pack_like
from mica.shapes import describe
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
    empty = True
    with (
        objective.set_aside(),
        evaluation_mode(model),
        torch.no_grad(),
        compute_scope(plan),
    ):
        for x, y, weight, size in batches:
            empty = False
            outputs = objective.forward(model, x)
            if judged:
                means.add(objective.compute(outputs, y, weight), size)
            objective.measure(outputs, y, weight)
        logs = {**means.read(), **objective.metric_logs()}
    if empty:
        raise DataError("evaluate: expected at least one batch, got none. Give data.")
    return logs


def _check_rows(outputs: Any, size: int) -> None:
    """Demand outputs that can be joined: rows for each sample."""
    for leaf in flatten(outputs):
        if not isinstance(leaf, Tensor):
            got = type(leaf).__name__
        elif leaf.ndim == 0 or len(leaf) % size:
            got = f"shape {describe(tuple(leaf.shape))}"
        else:
            continue
        raise ShapeError(
            f"predict: expected outputs with a row for each of the {size} samples of a "
            f"batch, got {got}. Return tensors whose first axis is the batch."
        )


def _to_numpy(tensor: Tensor) -> np.ndarray:
    if tensor.dtype in (torch.bfloat16, torch.float16):
        tensor = tensor.float()  # NumPy has no bfloat16
    return tensor.cpu().numpy()


def _join(pieces: Sequence[Tensor]) -> np.ndarray:
    first = pieces[0]
    for piece in pieces:
        if piece.shape[1:] != first.shape[1:]:
            raise ShapeError(
                "predict: expected outputs of one shape in every batch, got "
                f"{describe(tuple(first.shape))} and {describe(tuple(piece.shape))}. "
                "Pad the inputs to one length, or predict batch by batch."
            )
    return _to_numpy(torch.cat(list(pieces)))


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
        ShapeError: Outputs that are not rows of samples, or differ in shape.
    """
    parts: list[list[Tensor]] = []
    structure: Any = None
    with evaluation_mode(model), torch.inference_mode(), compute_scope(plan):
        for batch in batches:
            structure = call(model, batch.x)
            _check_rows(structure, batch.size)
            parts.append(flatten(structure))
    if not parts:
        raise DataError("predict: expected at least one batch, got none. Give data.")
    return pack_like(structure, [_join(pieces) for pieces in zip(*parts, strict=True)])
