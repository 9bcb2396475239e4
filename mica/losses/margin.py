"""Losses of a margin: scores of the right sign, far enough from zero."""

from typing import ClassVar

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional

from mica.losses.loss import Loss, mean_of_last_axis
from mica.losses.targets import TargetKind
from mica.pairing import match

__all__ = ["CategoricalHinge", "Hinge", "PerceptronCriterion", "SquaredHinge"]


def _agreement(prediction: Tensor, target: Tensor, where: str) -> Tensor:
    """The signed score: above 0 when right; a label 0 stands for the sign -1."""
    prediction, target = match(prediction, target, where)
    return prediction * torch.where(target == 0, -1, target)


class Hinge(Loss):
    """How much a score falls short of a margin of 1: a support vector machine.

    loss = mean over units of max(0, 1 - sign * prediction), sign = -1 or 1

    Args:
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (*batch, units), or (batch,): scores, not probabilities
        target: the same, up to a last axis of size 1; -1 and 1, or 0 and 1
        loss: (), or (*batch) without reduction

    Raises:
        ShapeError: The shapes differ; (n, 1) meets (n,), nothing is broadcast.
        DataError: Labels other than -1 and 1 or 0 and 1.

    Example:
        >>> import torch
        >>> Hinge()(torch.tensor([[2.0], [0.5]]), torch.tensor([1, -1]))
        tensor(0.7500)

    Source:
        Cortes & Vapnik 1995, Support-vector networks; Aggarwal 2018, eq. 1.9.
    """

    target_kind: ClassVar[TargetKind] = "signs"

    def per_sample(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """Average over the last axis."""
        agreement = _agreement(prediction, target, self.where)
        return mean_of_last_axis(functional.relu(1 - agreement))


class SquaredHinge(Loss):
    """The square of what a score falls short of a margin of 1.

    loss = mean over units of max(0, 1 - sign * prediction)^2, sign = -1 or 1

    Args:
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (*batch, units), or (batch,): scores, not probabilities
        target: the same, up to a last axis of size 1; -1 and 1, or 0 and 1
        loss: (), or (*batch) without reduction

    Raises:
        ShapeError: The shapes differ; (n, 1) meets (n,), nothing is broadcast.
        DataError: Labels other than -1 and 1 or 0 and 1.

    Example:
        >>> import torch
        >>> SquaredHinge()(torch.tensor([[2.0], [0.5]]), torch.tensor([1, -1]))
        tensor(1.1250)

    Source:
        Lee & Mangasarian 2001, SSVM: a smooth support vector machine.
    """

    target_kind: ClassVar[TargetKind] = "signs"

    def per_sample(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """Average over the last axis."""
        agreement = _agreement(prediction, target, self.where)
        return mean_of_last_axis(functional.relu(1 - agreement).square())


class PerceptronCriterion(Loss):
    """How far a score is on the wrong side: the loss the perceptron minimises.

    loss = mean over units of max(0, -sign * prediction), sign = -1 or 1

    A score of exactly 0 counts as a mistake: its gradient is -sign, so training may
    start from weights of zero. All weights zero is also a minimum of the loss: do not
    add weight decay.

    Args:
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (*batch, units), or (batch,): scores, not probabilities
        target: the same, up to a last axis of size 1; -1 and 1, or 0 and 1
        loss: (), or (*batch) without reduction

    Raises:
        ShapeError: The shapes differ; (n, 1) meets (n,), nothing is broadcast.
        DataError: Labels other than -1 and 1 or 0 and 1.

    Example:
        >>> import torch
        >>> PerceptronCriterion()(torch.tensor([[2.0], [0.5]]), torch.tensor([1, -1]))
        tensor(0.2500)

    Source:
        Rosenblatt 1958, The perceptron; Aggarwal 2018, eq. 1.8.
    """

    target_kind: ClassVar[TargetKind] = "signs"

    def per_sample(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """Average over the last axis."""
        agreement = _agreement(prediction, target, self.where)
        # NOTE: clamp, not relu: at 0 its gradient is 1, and zero weights can learn.
        return mean_of_last_axis((-agreement).clamp_min(0))


class CategoricalHinge(Loss):
    """How much the right class's score falls short of the best other one plus 1.

    loss = max(0, 1 + max over k of (1 - t_k) prediction_k - sum over k of
    t_k prediction_k)

    Args:
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (*batch, classes): scores
        target: (*batch, classes): one-hot rows
        loss: (), or (*batch) without reduction

    Raises:
        ShapeError: The shapes differ, or the labels are integers.
        DataError: A row does not hold shares that sum to 1.

    Example:
        >>> import torch
        >>> rows = torch.tensor([[0, 1], [1, 0]])
        >>> CategoricalHinge()(torch.tensor([[2.0, 2.5], [3.0, 1.0]]), rows)
        tensor(0.2500)

    Source:
        Crammer & Singer 2001, On the algorithmic implementation of multiclass
        kernel-based vector machines. The right class's own term in the maximum is 0,
        as in Keras 3.
    """

    target_kind: ClassVar[TargetKind] = "one_hot"

    def per_sample(
        self,
        prediction: Float[Tensor, "*batch classes"],
        target: Shaped[Tensor, "..."],
    ) -> Float[Tensor, "*batch"]:
        """Compare the right class with the best of the others."""
        prediction, target = match(prediction, target, self.where)
        right = (target * prediction).sum(-1)
        # NOTE: max over the axis would send the gradient of a tie to one class only.
        other = ((1 - target) * prediction).amax(-1)
        return functional.relu(1 + other - right)
