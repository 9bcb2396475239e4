"""The parts of the evidence lower bound: reconstruction, and distance to the prior."""

import math
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional

from mica.errors import ConfigError, ShapeError
from mica.losses.classification import EPSILON
from mica.losses.loss import Loss, Reduction
from mica.losses.targets import TargetKind, check_kind
from mica.pairing import match, widen
from mica.shapes import Shape, describe

__all__ = ["BernoulliLikelihood", "GaussianKLDivergence", "GaussianLikelihood"]


def _sum_of_sample(values: Tensor) -> Tensor:
    """All but the first axis summed: the logarithm of a product of chances."""
    return values.reshape(len(values), -1).sum(-1)


def _halves(prediction: Any, where: str) -> tuple[Tensor, Tensor]:
    """Mean and log-variance, given as two tensors or as halves of the last axis."""
    if isinstance(prediction, Tensor):
        if prediction.ndim and prediction.shape[-1] % 2 == 0:
            mean, log_variance = widen(prediction).chunk(2, dim=-1)
            return mean, log_variance
        shapes = [describe(prediction.shape)]
    else:
        shapes = [describe(part.shape) for part in prediction]
        if len(shapes) == 2 and shapes[0] == shapes[1]:
            mean, log_variance = (widen(part) for part in prediction)
            return mean, log_variance
    raise ShapeError(
        f"{where}: expected mean and log-variance as two tensors of one shape, or as "
        f"halves of a last axis of even size, got {', '.join(shapes)}. Give the last "
        "layer two units for each number."
    )


class GaussianKLDivergence(Loss):
    """How far a Gaussian is from the standard normal: the prior's part of the bound.

    loss = sum over units of (exp(v) + m^2 - 1 - v) / 2, m = mean, v = log-variance

    For variational autoencoders: ``self.add_loss(beta * kl((mean, log_variance)))`` in
    a layer's `forward`, beside a likelihood as the loss of the model. Needs no target.

    Args:
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (*batch, 2 * units): mean and log-variance side by side; or two
            tensors of shape (*batch, units)
        target: not looked at
        loss: (), or (*batch) without reduction

    Raises:
        ShapeError: The predictions are not halves, nor two tensors of one shape.

    Example:
        >>> import torch
        >>> GaussianKLDivergence()((torch.tensor([[1.0, 2.0]]), torch.zeros(1, 2)))
        tensor(2.5000)

    Source:
        Kingma & Welling 2014, Auto-encoding variational Bayes, appendix B.
    """

    needs_target: ClassVar[bool] = False

    def per_sample(self, prediction: Any, target: Any) -> Float[Tensor, "*batch"]:
        """Sum over the latent units."""
        del target
        mean, log_variance = _halves(prediction, self.where)
        terms = log_variance.expm1() + mean.square() - log_variance
        return terms.sum(-1) / 2


class GaussianLikelihood(Loss):
    """Minus the log-likelihood of measured numbers under a Gaussian.

    loss = sum over units of (log(2 pi) + v + (target - m)^2 exp(-v)) / 2,
    m = mean, v = log-variance

    With the default scale of 1 it is half the squared distance plus a constant. With
    ``scale=None`` the model says how sure it is, sample by sample.

    Args:
        scale: Standard deviation of every unit, above 0; `None` when predictions hold
            mean and log-variance.
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (batch, *rest) of the mean; with ``scale=None`` its last axis is
            twice as long, mean and log-variance side by side, or two tensors
        target: (batch, *rest)
        loss: (), or (batch,) without reduction

    Raises:
        ConfigError: ``scale`` is not above 0.
        ShapeError: The shapes do not fit.

    Example:
        >>> import torch
        >>> GaussianLikelihood()(torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 4.0]]))
        tensor(3.8379)

    Source:
        Kingma & Welling 2014, Auto-encoding variational Bayes, appendix C.2.
    """

    target_kind: ClassVar[TargetKind] = "real"

    def __init__(
        self,
        scale: float | None = 1.0,
        *,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        if scale is not None and not scale > 0:
            raise ConfigError(
                f"GaussianLikelihood: expected scale above 0 or None, got {scale!r}. "
                "1.0 is the usual value."
            )
        self.scale = scale if scale is None else float(scale)

    def check_target(
        self, prediction_shape: Shape, prediction_dtype: torch.dtype, target: Tensor
    ) -> None:
        """Say which shapes do not fit; two predictions meet one target."""
        shape = prediction_shape
        if self.scale is None and shape[-1] is not None:
            shape = (*shape[:-1], shape[-1] // 2)
        check_kind(self.target_kind, self.where, shape, prediction_dtype, target)

    def per_sample(
        self, prediction: Any, target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "batch"]:
        """Sum over the numbers of each sample."""
        if self.scale is None:
            mean, log_variance = _halves(prediction, self.where)
            mean, target = match(mean, target, self.where)
            log_variance = log_variance.reshape(mean.shape)
        else:
            mean, target = match(prediction, target, self.where)
            log_variance = torch.full_like(mean, 2 * math.log(self.scale))
        square = (target - mean).square() * (-log_variance).exp()
        return _sum_of_sample((math.log(2 * math.pi) + log_variance + square) / 2)


class BernoulliLikelihood(Loss):
    """Minus the log-likelihood of yes-or-no numbers, summed over each sample.

    loss = sum over units of -(t log p + (1 - t) log(1 - p)),
    p = sigmoid(prediction) with ``from_logits``, else the prediction kept within
    [1e-7, 1 - 1e-7]

    `BinaryCrossentropy` summed instead of averaged: what stands beside a divergence in
    the evidence lower bound of pictures in black and white.

    Args:
        from_logits: Whether predictions are before the sigmoid. `None` lets training
            decide (it takes a last sigmoid off and computes from logits); in a direct
            call `None` means probabilities.
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (batch, *rest)
        target: the same, up to a last axis of size 1; from 0 to 1
        loss: (), or (batch,) without reduction

    Raises:
        ShapeError: The shapes differ.
        DataError: A label is below 0 or above 1.

    Example:
        >>> import torch
        >>> BernoulliLikelihood()(torch.full((1, 3), 0.5), torch.tensor([[1, 0, 1]]))
        tensor(2.0794)

    Source:
        Kingma & Welling 2014, Auto-encoding variational Bayes, appendix C.1.
    """

    target_kind: ClassVar[TargetKind] = "binary"

    def __init__(
        self,
        *,
        from_logits: bool | None = None,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        self.from_logits = from_logits

    @property
    def folds(self) -> str | None:
        """The sigmoid, unless predictions are logits already."""
        return None if self.from_logits else "sigmoid"

    def on_logits(self) -> Loss:
        """Give the same loss for the units before their sigmoid.

        Returns:
            A loss with ``from_logits=True``.
        """
        return self._with(from_logits=True)

    def per_sample(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "batch"]:
        """Sum over the numbers of each sample."""
        prediction, target = match(prediction, target, self.where)
        if self.from_logits:
            terms = functional.binary_cross_entropy_with_logits(
                prediction, target, reduction="none"
            )
        else:
            terms = functional.binary_cross_entropy(
                prediction.clamp(EPSILON, 1 - EPSILON), target, reduction="none"
            )
        return _sum_of_sample(terms)
