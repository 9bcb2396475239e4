"""Amounts: what a loss divides by, so that parts of a batch can be put together."""

from functools import partial
from typing import Any, Literal

from torch import Tensor

from mica.losses.foreign import IGNORED_LABEL, FunctionLoss, TorchLoss
from mica.losses.loss import Loss
from mica.pairing import fit_weight

__all__ = ["Amount", "loss_amount"]

Amount = Tensor | Literal["rows", "sum"]


def _read(module: Any, name: str, default: Any) -> Any:
    return getattr(module, name, default)


def _foreign_amount(loss: TorchLoss | FunctionLoss, target: Any) -> Amount | None:
    """What torch's own reduction divides by; None when ours does it."""
    source: Any = loss.module if isinstance(loss, TorchLoss) else loss.function
    options = getattr(source, "keywords", {})  # of a functools.partial
    read = options.get if isinstance(loss, FunctionLoss) else partial(_read, source)
    if read("reduction", "mean") == "sum":
        return "sum"
    if not loss.reads_classes or target.is_floating_point():
        return "rows" if isinstance(loss, TorchLoss) else None
    labels = target.long()
    counted = labels != read("ignore_index", IGNORED_LABEL)
    weight = read("weight", None)
    if weight is None:
        return counted.sum()
    return (weight[labels.clamp(0, len(weight) - 1)] * counted).sum()


def loss_amount(
    loss: Loss,
    prediction: Any,
    target: Any,
    sample_weight: Tensor | None = None,
    mask: Tensor | None = None,
) -> Amount:
    """Tell what the loss of a batch was divided by.

    Args:
        loss: The loss.
        prediction: As for the loss.
        target: As for the loss.
        sample_weight: As for the loss.
        mask: As for the loss.

    Shape:
        prediction, target, sample_weight, mask: as for the loss

    Returns:
        "rows" when the loss is a mean in which each row of the batch counts the same,
        "sum" when it is not divided, else the number that divides: entries that count,
        or the sum of their weights.

    Example:
        >>> import torch
        >>> from mica.losses import SparseCategoricalCrossentropy
        >>> loss = SparseCategoricalCrossentropy(ignore_class=0)
        >>> loss_amount(loss, torch.ones(3, 2), torch.tensor([0, 1, 1]))
        tensor(2)
    """
    bare = sample_weight is None and mask is None
    if bare and isinstance(loss, (TorchLoss, FunctionLoss)):
        amount = _foreign_amount(loss, target)
        if amount is not None:
            return amount
    if loss.reduction in ("sum", "none"):
        return "sum"
    counted = loss.counted(prediction, target)
    weighs = loss.reduction == "mean_with_sample_weight" and sample_weight is not None
    if mask is None and not weighs:
        return "rows" if counted is None else counted.sum()
    values = loss.per_sample(prediction, target).detach()
    kept = values.new_ones(values.shape)
    if weighs and sample_weight is not None:
        kept = fit_weight(sample_weight, values, loss.where).expand_as(values)
    if counted is not None:
        kept = kept * counted
    if mask is not None:
        rest = (1,) * (values.ndim - mask.ndim)
        kept = kept * mask.reshape(*mask.shape, *rest)
    return kept.sum()
