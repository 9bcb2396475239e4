"""Class weights as sample weights: how much a row counts because of its class."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch

from mica.data.tensors import as_sample_weight, as_tensors
from mica.errors import ConfigError, DataError

__all__ = ["balanced_class_weight", "class_sample_weight"]


def _labels(y: Any) -> torch.Tensor:
    """Class numbers of integer labels, of one column, or of one-hot rows."""
    labels = as_tensors(y, "y", role="y")
    if not isinstance(labels, torch.Tensor):
        raise ConfigError(
            "class_weight: expected one target, got several. Give sample_weight for "
            "each output instead."
        )
    if labels.ndim == 2 and labels.shape[1] > 1:
        return labels.argmax(dim=1)  # (rows,)
    if labels.ndim > 2:
        raise ConfigError(
            "class_weight: expected one label per row, got targets of shape "
            f"{tuple(labels.shape)}. Give sample_weight instead."
        )
    labels = labels.reshape(-1)  # (rows,)
    if labels.is_floating_point() and not torch.equal(labels, labels.round()):
        raise ConfigError(
            "class_weight: expected class labels, got numbers such as "
            f"{labels[labels != labels.round()][0].item():g}. Class weights belong to "
            "classification; give sample_weight instead."
        )
    return labels.to(torch.int64)


def balanced_class_weight(y: Any) -> dict[int, float]:
    """Weights that let every class count the same in all.

    weight of class c = rows / (classes * rows of class c)

    Args:
        y: Labels.

    Shape:
        y: (rows,), (rows, 1) or one-hot (rows, classes)

    Returns:
        A weight for each class that occurs; the mean over the rows is 1.

    Raises:
        ConfigError: The targets are no class labels.

    Example:
        >>> balanced_class_weight([0, 0, 0, 1])
        {0: 0.6666666666666666, 1: 2.0}

    Source:
        King & Zeng 2001, "Logistic regression in rare events data", section 4.
    """
    classes, counts = _labels(y).unique(return_counts=True)
    total = int(counts.sum())
    return {
        int(label): total / (len(classes) * int(count))
        for label, count in zip(classes, counts, strict=True)
    }


def class_sample_weight(
    y: Any,
    class_weight: Mapping[int, float] | Literal["balanced"],
    sample_weight: Any = None,
) -> torch.Tensor:
    """Turn class weights into one weight per row.

    weight of a row = class_weight[its label] * its sample_weight

    Args:
        y: Labels.
        class_weight: A weight of at least 0 per label, 1 for labels left out; or
            "balanced" (see `balanced_class_weight`).
        sample_weight: Weights the rows already have, or None.

    Shape:
        y: (rows,), (rows, 1) or one-hot (rows, classes)
        returns: (rows,)

    Returns:
        Weights in torch's default type.

    Raises:
        ConfigError: ``class_weight`` is of another kind, or names a label that does
            not occur.
        DataError: The targets or the weights cannot be used.

    Example:
        >>> class_sample_weight([0, 1, 1], {1: 2.0})
        tensor([1., 2., 2.])
    """
    labels = _labels(y)
    if isinstance(class_weight, str) and class_weight == "balanced":
        class_weight = balanced_class_weight(labels)
    if not isinstance(class_weight, Mapping):
        raise ConfigError(
            "class_weight: expected a dict such as {0: 1.0, 1: 5.0} or 'balanced', "
            f"got {class_weight!r}. Name each label and its weight."
        )
    known = set(labels.unique().tolist())
    weight = torch.ones(len(labels), device=labels.device)
    for label, value in class_weight.items():
        if label not in known:
            shown = ", ".join(str(label) for label in sorted(known)[:10])
            raise ConfigError(
                f"class_weight: expected labels that occur in y ({shown}), got "
                f"{label!r}. Use the numbers of the classes."
            )
        if not isinstance(value, (int, float, np.number)) or not 0 <= value < np.inf:
            raise ConfigError(
                f"class_weight: expected a finite weight of at least 0 for class "
                f"{label}, got {value!r}. 1 leaves a class as it is."
            )
        weight[labels == label] = float(value)
    if sample_weight is None:
        return as_sample_weight(weight, "class_weight")
    own = as_sample_weight(sample_weight)
    if len(own) != len(weight):
        raise DataError(
            f"sample_weight: expected {len(weight)} rows as in y, got {len(own)}. "
            "Give every sample one weight."
        )
    return weight * own.to(weight.device)
