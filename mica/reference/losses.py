"""Losses: one number that says how wrong a prediction is."""

from __future__ import annotations

import numpy as np

from mica.reference.functions import log_softmax, softplus, take_along
from mica.reference.tensor import Tensor, TensorLike, as_tensor

__all__ = ["binary_cross_entropy", "cross_entropy", "squared_error"]


def squared_error(prediction: Tensor, target: TensorLike) -> Tensor:
    """Mean of (prediction - target)^2."""
    target = as_tensor(target)
    if prediction.shape != target.shape:
        # NOTE: (n, 1) minus (n,) would broadcast to (n, n) and train on nonsense.
        raise ValueError(
            f"squared_error: expected a target of shape {prediction.shape}, got "
            f"{target.shape}. Reshape the target."
        )
    difference = prediction - target
    return (difference * difference).mean()


def cross_entropy(scores: Tensor, target: TensorLike) -> Tensor:
    """Mean of -log softmax(scores)[right class], for scores (..., classes).

    `target` holds the numbers of the right classes (...), or a probability for each
    class (..., classes) when it is made of floats.
    """
    target, classes = as_tensor(target), scores.shape[-1]
    logs = log_softmax(scores)
    if target.dtype.kind == "f":
        return -(logs * target).sum(-1).mean()
    wrong = target.data[(target.data < 0) | (target.data >= classes)]
    if wrong.size:
        raise ValueError(
            f"cross_entropy: expected labels from 0 to {classes - 1}, got {wrong[0]}. "
            "Number the classes from 0, or give the scores more columns."
        )
    return -take_along(logs, target.data[..., None]).mean()


def binary_cross_entropy(scores: Tensor, target: TensorLike) -> Tensor:
    """Mean of -log of the probability given to the right answer, 0 or 1.

    For a score x the probability of 1 is sigmoid(x), and the loss log(1 + e^x) - x t:
    no logarithm of a rounded zero, however large the score.
    """
    return (softplus(scores) - scores * np.asarray(as_tensor(target).data)).mean()
