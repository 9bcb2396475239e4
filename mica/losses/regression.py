"""Distances between numbers: the losses of regression."""

import math
from typing import ClassVar

from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional

from mica.errors import ConfigError
from mica.losses.loss import Loss, Reduction, mean_of_last_axis
from mica.losses.targets import TargetKind
from mica.pairing import match

__all__ = [
    "Huber",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
]

EPSILON = 1e-7  # smallest size of a divisor and of a logarithm's argument; Keras's


class MeanSquaredError(Loss):
    """Mean of the squared differences.

    loss = mean over units of (prediction - target)^2

    Args:
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (*batch, units), or (batch,)
        target: the same, up to a last axis of size 1; any dtype
        loss: (), or (*batch) without reduction

    Raises:
        ShapeError: The shapes differ; (n, 1) meets (n,), nothing is broadcast.

    Example:
        >>> import torch
        >>> MeanSquaredError()(torch.tensor([[1.0], [2.0]]), torch.tensor([1.0, 4.0]))
        tensor(2.)

    Source:
        Gauss 1809, Theoria motus: least squares.
    """

    target_kind: ClassVar[TargetKind] = "real"

    def average(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, ""]:
        """Average over all numbers in one fused call."""
        prediction, target = match(prediction, target, self.where)
        return functional.mse_loss(prediction, target)

    def per_sample(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """Average over the last axis."""
        prediction, target = match(prediction, target, self.where)
        return mean_of_last_axis(
            functional.mse_loss(prediction, target, reduction="none")
        )


class MeanAbsoluteError(Loss):
    """Mean of the sizes of the differences.

    loss = mean over units of |prediction - target|

    Args:
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (*batch, units), or (batch,)
        target: the same, up to a last axis of size 1; any dtype
        loss: (), or (*batch) without reduction

    Raises:
        ShapeError: The shapes differ; (n, 1) meets (n,), nothing is broadcast.

    Example:
        >>> import torch
        >>> MeanAbsoluteError()(torch.tensor([[1.0], [2.0]]), torch.tensor([1.0, 4.0]))
        tensor(1.)

    Source:
        Laplace 1774: least absolute deviations.
    """

    target_kind: ClassVar[TargetKind] = "real"

    def average(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, ""]:
        """Average over all numbers in one fused call."""
        prediction, target = match(prediction, target, self.where)
        return functional.l1_loss(prediction, target)

    def per_sample(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """Average over the last axis."""
        prediction, target = match(prediction, target, self.where)
        return mean_of_last_axis(
            functional.l1_loss(prediction, target, reduction="none")
        )


class Huber(Loss):
    """Squared for small differences, absolute for large ones: outliers weigh less.

    loss = mean over units of e^2 / 2 where |e| <= delta,
    else delta (|e| - delta / 2), with e = prediction - target

    Args:
        delta: Where the square ends. Above 0.
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (*batch, units), or (batch,)
        target: the same, up to a last axis of size 1; any dtype
        loss: (), or (*batch) without reduction

    Raises:
        ConfigError: ``delta`` is not above 0.
        ShapeError: The shapes differ; (n, 1) meets (n,), nothing is broadcast.

    Example:
        >>> import torch
        >>> Huber()(torch.tensor([[1.0], [2.0]]), torch.tensor([1.0, 4.0]))
        tensor(0.7500)

    Source:
        Huber 1964, Robust estimation of a location parameter.
    """

    target_kind: ClassVar[TargetKind] = "real"

    def __init__(
        self,
        delta: float = 1.0,
        *,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        if not delta > 0:
            raise ConfigError(
                f"Huber: expected delta above 0, got {delta!r}. 1.0 is the usual value."
            )
        self.delta = float(delta)

    def average(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, ""]:
        """Average over all numbers in one fused call."""
        prediction, target = match(prediction, target, self.where)
        return functional.huber_loss(prediction, target, delta=self.delta)

    def per_sample(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """Average over the last axis."""
        prediction, target = match(prediction, target, self.where)
        return mean_of_last_axis(
            functional.huber_loss(
                prediction, target, delta=self.delta, reduction="none"
            )
        )


class LogCosh(Loss):
    """Logarithm of the hyperbolic cosine of the differences: a smooth `Huber`.

    loss = mean over units of log cosh e = |e| + softplus(-2 |e|) - log 2,
    e = prediction - target

    Near 0 it is e^2 / 2, far away |e| - log 2; it has slopes of every order.

    Args:
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (*batch, units), or (batch,)
        target: the same, up to a last axis of size 1; any dtype
        loss: (), or (*batch) without reduction

    Raises:
        ShapeError: The shapes differ; (n, 1) meets (n,), nothing is broadcast.

    Example:
        >>> import torch
        >>> LogCosh()(torch.tensor([[1.0], [2.0]]), torch.tensor([1.0, 4.0]))
        tensor(0.6625)

    Source:
        Saleh & Saleh 2022, Statistical properties of the log-cosh loss function.
    """

    target_kind: ClassVar[TargetKind] = "real"

    def per_sample(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """Average over the last axis."""
        prediction, target = match(prediction, target, self.where)
        error = prediction - target
        # NOTE: e + softplus(-2 e) is symmetric, and smooth at 0 where |e| is not.
        return mean_of_last_axis(error + functional.softplus(-2 * error) - math.log(2))


class MeanAbsolutePercentageError(Loss):
    """Mean size of the differences in per cent of the target.

    loss = 100 mean over units of |prediction - target| / max(|target|, 1e-7)

    Of no use where targets are near 0.

    Args:
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (*batch, units), or (batch,)
        target: the same, up to a last axis of size 1; any dtype
        loss: (), or (*batch) without reduction

    Raises:
        ShapeError: The shapes differ; (n, 1) meets (n,), nothing is broadcast.

    Example:
        >>> import torch
        >>> loss = MeanAbsolutePercentageError()
        >>> loss(torch.tensor([[1.0], [3.0]]), torch.tensor([1.0, 4.0]))
        tensor(12.5000)

    Source:
        Makridakis 1993, Accuracy measures. The smallest divisor is Keras 3's.
    """

    target_kind: ClassVar[TargetKind] = "real"

    def per_sample(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """Average over the last axis."""
        prediction, target = match(prediction, target, self.where)
        shares = (prediction - target).abs() / target.abs().clamp_min(EPSILON)
        return 100 * mean_of_last_axis(shares)


class MeanSquaredLogarithmicError(Loss):
    """Mean squared difference of logarithms: errors count as ratios.

    loss = mean over units of (log(1 + prediction) - log(1 + target))^2,
    both raised to at least 1e-7 first

    For targets of at least 0 that span several powers of ten.

    Args:
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (*batch, units), or (batch,)
        target: the same, up to a last axis of size 1; at least 0
        loss: (), or (*batch) without reduction

    Raises:
        ShapeError: The shapes differ; (n, 1) meets (n,), nothing is broadcast.
        DataError: A target is below 0.

    Example:
        >>> import torch
        >>> loss = MeanSquaredLogarithmicError()
        >>> loss(torch.tensor([[0.0], [1.0]]), torch.tensor([0.0, 0.0]))
        tensor(0.2402)

    Source:
        Definition and smallest values as in Keras 3.
    """

    target_kind: ClassVar[TargetKind] = "counts"

    def per_sample(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """Average over the last axis."""
        prediction, target = match(prediction, target, self.where)
        ratio = (
            prediction.clamp_min(EPSILON).log1p() - target.clamp_min(EPSILON).log1p()
        )
        return mean_of_last_axis(ratio.square())
