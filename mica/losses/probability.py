"""Distances between distributions, counts and directions."""

from typing import ClassVar

from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional

from mica.losses.loss import Loss, mean_of_last_axis
from mica.losses.targets import TargetKind
from mica.pairing import match

__all__ = ["CosineSimilarity", "KLDivergence", "Poisson"]

EPSILON = 1e-7  # smallest argument of a logarithm and smallest length; Keras's


class KLDivergence(Loss):
    """Information lost when the prediction stands in for the true distribution.

    loss = sum over classes of t_k log(t_k / p_k), both kept within [1e-7, 1]

    Args:
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (*batch, classes): probabilities
        target: (*batch, classes): probabilities
        loss: (), or (*batch) without reduction

    Raises:
        ShapeError: The shapes differ.
        DataError: A target is below 0 or above 1.

    Example:
        >>> import torch
        >>> even = torch.tensor([[0.5, 0.5]])
        >>> KLDivergence()(even, torch.tensor([[0.25, 0.75]]))
        tensor(0.1308)

    Source:
        Kullback & Leibler 1951, On information and sufficiency. Clipping as in Keras 3.
    """

    target_kind: ClassVar[TargetKind] = "shares"

    def per_sample(
        self,
        prediction: Float[Tensor, "*batch classes"],
        target: Shaped[Tensor, "..."],
    ) -> Float[Tensor, "*batch"]:
        """Sum over the last axis."""
        prediction, target = match(prediction, target, self.where)
        prediction = prediction.clamp(EPSILON, 1)
        target = target.clamp(EPSILON, 1)
        return (target * (target / prediction).log()).sum(-1)


class Poisson(Loss):
    """How unlikely counts are when the prediction is their mean.

    loss = mean over units of prediction - target log(prediction + 1e-7)

    The model must end in something positive, such as softplus or exp.

    Args:
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (*batch, units), or (batch,): at least 0
        target: the same, up to a last axis of size 1; at least 0
        loss: (), or (*batch) without reduction

    Raises:
        ShapeError: The shapes differ; (n, 1) meets (n,), nothing is broadcast.
        DataError: A target is below 0.

    Example:
        >>> import torch
        >>> Poisson()(torch.tensor([[1.0], [2.0]]), torch.tensor([1, 0]))
        tensor(1.5000)

    Source:
        McCullagh & Nelder 1989, Generalized linear models, chapter 6, without the
        term that does not depend on the prediction. Smallest value as in Keras 3.
    """

    target_kind: ClassVar[TargetKind] = "counts"

    def per_sample(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """Average over the last axis."""
        prediction, target = match(prediction, target, self.where)
        return mean_of_last_axis(prediction - target * (prediction + EPSILON).log())


class CosineSimilarity(Loss):
    """Minus the cosine of the angle between prediction and target.

    loss = -prediction . target / (|prediction| |target|), lengths at least 1e-7

    From -1 (same direction) to 1 (opposite); 0 where one of them is all zeros.

    Args:
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (*batch, units)
        target: (*batch, units)
        loss: (), or (*batch) without reduction

    Raises:
        ShapeError: The shapes differ.

    Example:
        >>> import torch
        >>> CosineSimilarity()(torch.tensor([[1.0, 1.0]]), torch.tensor([[0.0, 2.0]]))
        tensor(-0.7071)

    Source:
        Definition and sign as in Keras 3.
    """

    target_kind: ClassVar[TargetKind] = "real"

    def per_sample(
        self,
        prediction: Float[Tensor, "*batch units"],
        target: Shaped[Tensor, "..."],
    ) -> Float[Tensor, "*batch"]:
        """Multiply the two directions."""
        prediction, target = match(prediction, target, self.where)
        prediction = functional.normalize(prediction, dim=-1, eps=EPSILON)
        target = functional.normalize(target, dim=-1, eps=EPSILON)
        return -(prediction * target).sum(-1)
