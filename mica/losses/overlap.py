"""Losses of overlap: how much of two regions lies in only one of them."""

from collections.abc import Sequence
from typing import Any, ClassVar

from jaxtyping import Float, Shaped
from torch import Tensor

from mica.errors import ConfigError
from mica.losses.loss import Loss, Reduction
from mica.losses.targets import TargetKind
from mica.pairing import fit_weight, match

__all__ = ["Dice", "OverlapLoss", "Tversky"]

EPSILON = 1e-7  # keeps the divisor of an empty region from 0; Keras's

Axis = int | Sequence[int] | None


class OverlapLoss(Loss):
    """What Dice and Tversky share: the axes of a region, and weights inside its sums.

    loss = 1 - overlap of the regions along ``axis``

    With ``axis=None`` a batch is one region, and weights and masks count its entries:
    what has weight 0 might as well not be there. (Keras multiplies the one number by
    the mean weight.) With axes, there is a loss for each entry of the others, weighed
    as in any `Loss`.

    Args:
        axis: The axes of a region, e.g. (1, 2, 3) for each picture on its own; `None`
            for one region out of the whole batch.
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (batch, *rest), from 0 to 1
        target: the same, up to a last axis of size 1
        loss: (), or what is left of (batch, *rest) without reduction

    Raises:
        ConfigError: ``axis`` is no number and no list of numbers.
        ShapeError: The shapes differ.
        DataError: A target is below 0 or above 1.

    Example:
        >>> import torch
        >>> rows = torch.tensor([[1.0, 1.0], [0.0, 1.0]])
        >>> Tversky(axis=1, reduction="none")(rows, torch.ones(2, 2))
        tensor([0.0000, 0.3333])

    Source:
        Definition of the axes as in Keras 3.
    """

    target_kind: ClassVar[TargetKind] = "shares"

    def __init__(
        self, *, axis: Axis, reduction: Reduction | None, name: str | None
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        axes = [axis] if isinstance(axis, int) else axis
        if isinstance(axis, bool) or not (
            axes is None
            or (
                isinstance(axes, (list, tuple))
                and all(isinstance(each, int) for each in axes)
            )
        ):
            raise ConfigError(
                f"{self.where}: expected axis to be a whole number, a list of them or "
                f"None, got {axis!r}. For each picture on its own write axis=(1, 2, 3)."
            )
        self.axis = None if axes is None else tuple(axes)

    def overlap_loss(
        self, prediction: Tensor, target: Tensor, weight: Tensor | None
    ) -> Tensor:
        """Compute 1 - overlap along the axes; the concrete losses define it.

        Args:
            prediction: (batch, *rest), matched with the target.
            target: (batch, *rest).
            weight: What each entry counts, or `None`.

        Returns:
            What is left of (batch, *rest).

        Raises:
            NotImplementedError: The class does not define it.
        """
        raise NotImplementedError(
            f"{self.where}: expected a method overlap_loss(prediction, target, weight),"
            " got none. Define it in the class."
        )

    def per_sample(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """Compare the regions along the axes."""
        return self.overlap_loss(*match(prediction, target, self.where), None)

    def weighed(
        self,
        prediction: Any,
        target: Any,
        sample_weight: Tensor | None,
        mask: Tensor | None,
    ) -> Float[Tensor, "..."]:
        """Compute the loss; of one region, weights and mask count the entries."""
        if self.axis is not None or (sample_weight is None and mask is None):
            return super().weighed(prediction, target, sample_weight, mask)
        prediction, target = match(prediction, target, self.where)
        weight = prediction.new_ones(())
        for part in (sample_weight, mask):
            if part is not None:
                weight = weight * fit_weight(part, prediction, self.where)
        return self.overlap_loss(prediction, target, weight)

    def _sum(self, values: Tensor, weight: Tensor | None) -> Tensor:
        values = values if weight is None else values * weight
        return values.sum() if self.axis is None else values.sum(self.axis)


class Dice(OverlapLoss):
    """Share of two regions that is not common to both.

    loss = 1 - 2 sum of t p / (sum of t + sum of p + 1e-7)

    For segmentation where the region is small beside its background. An empty target
    costs 1 whatever is predicted, as in Keras.

    Args:
        axis: The axes of a region, e.g. (1, 2, 3) for each picture on its own; `None`
            for one region out of the whole batch.
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (batch, *rest), from 0 to 1
        target: the same, up to a last axis of size 1
        loss: (), or what is left of (batch, *rest) without reduction

    Raises:
        ConfigError: ``axis`` is no number and no list of numbers.
        ShapeError: The shapes differ.
        DataError: A target is below 0 or above 1.

    Example:
        >>> import torch
        >>> Dice()(torch.tensor([[1.0, 0.5, 0.5]]), torch.tensor([[1, 1, 0]]))
        tensor(0.2500)

    Source:
        Milletari et al. 2016, V-Net, section 3, without the squares, as in Keras 3.
    """

    def __init__(
        self,
        *,
        axis: Axis = None,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(axis=axis, reduction=reduction, name=name)

    def overlap_loss(
        self, prediction: Tensor, target: Tensor, weight: Tensor | None
    ) -> Tensor:
        """Compare twice the common part with both regions."""
        common = self._sum(prediction * target, weight)
        both = self._sum(target, weight) + self._sum(prediction, weight)
        return 1 - 2 * common / (both + EPSILON)


class Tversky(OverlapLoss):
    """Share of two regions that is not common, misses and false alarms told apart.

    loss = 1 - sum of t p / (sum of t p + alpha sum of t (1 - p)
    + beta sum of p (1 - t) + 1e-7)

    With alpha = beta = 1/2 it is `Dice`; a larger alpha finds more, a larger beta
    invents less.

    Args:
        alpha: What a miss weighs (t = 1, p = 0). At least 0.
        beta: What a false alarm weighs (t = 0, p = 1). At least 0.
        axis: The axes of a region, e.g. (1, 2, 3) for each picture on its own; `None`
            for one region out of the whole batch.
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (batch, *rest), from 0 to 1
        target: the same, up to a last axis of size 1
        loss: (), or what is left of (batch, *rest) without reduction

    Raises:
        ConfigError: ``alpha`` or ``beta`` is below 0, or ``axis`` is no number and no
            list of numbers.
        ShapeError: The shapes differ.
        DataError: A target is below 0 or above 1.

    Example:
        >>> import torch
        >>> prediction, target = torch.tensor([[1.0, 0.5, 0.5]]), torch.ones(1, 3)
        >>> Tversky(alpha=0.0)(prediction, target)
        tensor(0.)

    Source:
        Salehi, Erdogmus & Gholipour 2017, Tversky loss function for image
        segmentation, eq. 3, with the letters of Keras 3: its alpha weighs misses.
    """

    def __init__(
        self,
        *,
        alpha: float = 0.5,
        beta: float = 0.5,
        axis: Axis = None,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(axis=axis, reduction=reduction, name=name)
        for word, value in (("alpha", alpha), ("beta", beta)):
            if not value >= 0:
                raise ConfigError(
                    f"Tversky: expected {word} of at least 0, got {value!r}. 0.5 for "
                    "both is the Dice loss."
                )
        self.alpha = float(alpha)
        self.beta = float(beta)

    def overlap_loss(
        self, prediction: Tensor, target: Tensor, weight: Tensor | None
    ) -> Tensor:
        """Compare the common part with it and the weighed rest."""
        common = self._sum(prediction * target, weight)
        missed = self._sum((1 - prediction) * target, weight)
        invented = self._sum(prediction * (1 - target), weight)
        whole = common + self.alpha * missed + self.beta * invented
        return 1 - common / (whole + EPSILON)
