"""Do last layer, loss and labels fit each other? Asked once, before training."""

from typing import Any

import torch
from torch import Tensor, nn

from mica.errors import ConfigError
from mica.losses.classification import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)
from mica.losses.focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    SparseCategoricalFocalCrossentropy,
)
from mica.losses.foreign import TorchLoss
from mica.losses.loss import Loss
from mica.losses.margin import (
    CategoricalHinge,
    Hinge,
    PerceptronCriterion,
    SquaredHinge,
)
from mica.losses.robust import CategoricalGeneralizedCrossEntropy
from mica.losses.variational import BernoulliLikelihood
from mica.shapes import Shape

__all__ = ["check_fit", "check_target"]

_LINEAR = frozenset({None, "linear", "identity"})
_ONE_CLASS_OF_SEVERAL = (
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    SparseCategoricalCrossentropy,
    SparseCategoricalFocalCrossentropy,
)
_CROSS_ENTROPIES = (
    *_ONE_CLASS_OF_SEVERAL,
    BernoulliLikelihood,
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
)
_MARGIN_LOSSES = (Hinge, SquaredHinge, PerceptronCriterion, CategoricalHinge)
# A name that is not here may be anything, so it is not judged. Gaussian is left out:
# it gives values of 0 to 1, which a binary cross-entropy can read.
_JUDGED = frozenset(
    "linear identity softmax sigmoid tanh hard_tanh relu leaky_relu elu selu gelu silu "
    "swish softplus sign step".split()
) | {None}
# Activations that never go below zero: a score of theirs cannot vote for the class -1.
_NEVER_NEGATIVE = frozenset({"relu", "sigmoid", "softmax", "softplus", "step"})


def check_target(
    loss: Loss,
    prediction_shape: Shape,
    prediction_dtype: torch.dtype,
    target: Any,
) -> None:
    """Say what is wrong with the labels before the first step is taken.

    Whole arrays are looked at once: some passes over the labels, nothing per step.
    Losses of unknown kind (a plain function, a class of your own) check nothing.

    Args:
        loss: The loss that will read the labels.
        prediction_shape: The model's output, `None` for the batch and what may vary.
        prediction_dtype: The output's dtype.
        target: All labels of a data set, or of one batch: a tensor, or what
            `torch.as_tensor` takes.

    Raises:
        ConfigError: The predictions are not floating-point numbers.
        ShapeError: Targets of another shape; one-hot rows for labels or the reverse.
        DataError: A label outside its range.

    Example:
        >>> from mica.losses import Hinge
        >>> check_target(Hinge(), (None, 1), torch.float32, torch.tensor([1, 2]))
        Traceback (most recent call last):
        mica.errors.DataError: Hinge: expected labels -1 and 1 (or 0 and 1), got 2 at
        row 1. Write one class as 1 and the other as -1.
    """
    if not isinstance(target, Tensor):
        target = torch.as_tensor(target)
    if target.numel():
        loss.check_target(tuple(prediction_shape), prediction_dtype, target)


def _check_logits(loss: Loss, last_activation: str | None) -> None:
    """A loss that applies the last activation itself gets what comes before it."""
    if last_activation in _LINEAR:
        return
    if last_activation in ("softmax", "sigmoid"):
        remedy = f"Take the {last_activation} off the last layer."
        if isinstance(loss, _CROSS_ENTROPIES):
            remedy = (
                f"Leave out from_logits=True, or take the {last_activation} off the "
                "last layer."
            )
        raise ConfigError(
            f"{loss.where}: expected logits, got probabilities: the model ends in "
            f"{last_activation}. {remedy}"
        )
    raise ConfigError(
        f"{loss.where}: expected logits of any sign, got a model that ends in "
        f"{last_activation}. Take the {last_activation} off the last layer."
    )


def _check_probabilities(
    loss: Loss, last_activation: str | None, units: int | None
) -> None:
    """A cross-entropy of probabilities gets the activation that makes them."""
    wanted = loss.folds
    if last_activation == wanted:
        return
    expected = f"{loss.where}: expected probabilities from a last {wanted}, got"
    if last_activation in _LINEAR:
        raise ConfigError(
            f"{expected} a linear last layer. End in activation={wanted!r}, or pass "
            "from_logits=True."
        )
    if last_activation == "sigmoid":
        raise ConfigError(
            f"{expected} sigmoid. End in softmax, or use BinaryCrossentropy when "
            "several classes can be right at once."
        )
    if last_activation == "softmax" and units != 1:
        raise ConfigError(
            f"{expected} softmax. Use CategoricalCrossentropy when one class is right, "
            "or end in sigmoid when several can be."
        )
    raise ConfigError(
        f"{expected} {last_activation}. Replace it by activation={wanted!r}."
    )


def _check_units(loss: Loss, units: int | None, num_classes: int | None) -> None:
    """As many units as there are classes."""
    if not isinstance(loss, (*_ONE_CLASS_OF_SEVERAL, CategoricalHinge)):
        return
    if units == 1:
        raise ConfigError(
            f"{loss.where}: expected a unit for each class, got 1 unit. For two "
            "classes use 2 softmax units, or 1 sigmoid unit and BinaryCrossentropy."
        )
    if units is not None and num_classes is not None and units < num_classes:
        raise ConfigError(
            f"{loss.where}: expected a unit for each of the {num_classes} classes, got "
            f"{units}. Give the last layer {num_classes} units."
        )


def check_fit(
    loss: Loss,
    last_activation: str | None,
    output_shape: Shape,
    *,
    num_classes: int | None = None,
) -> None:
    """Say when a model's last layer and its loss do not belong together.

    Args:
        loss: The loss as the user gave it, before any activation is folded into it.
        last_activation: Name of the function the output went through last; `None`,
            "linear" or "identity" for none. Any name that is not one of Mica's, such
            as "unknown" for a module of the user's own, is not judged.
        output_shape: The model's output, `None` for the batch and what may vary.
        num_classes: How many classes the labels have, where that is known.

    Raises:
        ConfigError: One softmax unit; softmax or sigmoid before a loss that reads
            logits; a linear layer, relu, tanh, ... before a cross-entropy; sigmoid and
            categorical cross-entropy, or softmax and binary; an activation without
            negative values before a margin loss; fewer units than classes.

    Example:
        >>> from mica.losses import SparseCategoricalCrossentropy
        >>> check_fit(SparseCategoricalCrossentropy(), "softmax", (None, 10))
        >>> check_fit(SparseCategoricalCrossentropy(), "relu", (None, 10))
        Traceback (most recent call last):
        mica.errors.ConfigError: SparseCategoricalCrossentropy: expected probabilities
        from a last softmax, got relu. Replace it by activation='softmax'.
    """
    units = output_shape[-1] if len(output_shape) > 1 else 1
    if last_activation == "softmax" and units == 1:
        raise ConfigError(
            f"{loss.where}: expected several softmax units, got one, which always "
            "gives 1. End in 1 sigmoid unit, or in a softmax unit for each class."
        )
    _check_units(loss, units, num_classes)
    if last_activation not in _JUDGED:
        return
    if loss.reads_logits:
        _check_logits(loss, last_activation)
    elif isinstance(loss, _CROSS_ENTROPIES):
        _check_probabilities(loss, last_activation, units)
    elif isinstance(loss, _MARGIN_LOSSES) and last_activation in _NEVER_NEGATIVE:
        raise ConfigError(
            f"{loss.where}: expected scores of both signs, got a model that ends in "
            f"{last_activation}. End in a linear layer or in tanh."
        )
    elif isinstance(loss, TorchLoss):
        _check_torch(loss.module, loss.where, last_activation)


def _check_torch(module: nn.Module, where: str, last_activation: str | None) -> None:
    """The torch losses that read something other than logits."""
    wanted = {nn.NLLLoss: "log_softmax", nn.BCELoss: "sigmoid"}.get(type(module))
    if wanted is not None and last_activation != wanted:
        shown = "a linear last layer" if last_activation in _LINEAR else last_activation
        instead = (
            "torch.nn.CrossEntropyLoss and a linear last layer"
            if wanted == "log_softmax"
            else "torch.nn.BCEWithLogitsLoss and a linear last layer"
        )
        raise ConfigError(
            f"{where}: expected a model that ends in {wanted}, got {shown}. Use "
            f"{instead}."
        )
