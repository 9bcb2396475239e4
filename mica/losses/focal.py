"""Focal cross-entropies: what is already right hardly counts, hard cases do."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional

from mica.errors import ConfigError, ShapeError
from mica.losses.classification import EPSILON, checked_smoothing, log_shares
from mica.losses.loss import Loss, Reduction, mean_of_last_axis
from mica.losses.targets import TargetKind, check_kind
from mica.pairing import align, match, widen
from mica.shapes import Shape

__all__ = [
    "BinaryFocalCrossentropy",
    "CategoricalFocalCrossentropy",
    "SparseCategoricalFocalCrossentropy",
]

Weights = float | Sequence[float]


def _checked_gamma(gamma: float, where: str) -> float:
    if not gamma >= 0:
        raise ConfigError(
            f"{where}: expected gamma of at least 0, got {gamma!r}. 2.0 is the paper's "
            "value; 0 gives the plain cross-entropy."
        )
    return float(gamma)


def _checked_weights(alpha: Weights, where: str) -> float | list[float]:
    """One weight for all classes, or one for each."""
    one = isinstance(alpha, (int, float)) and not isinstance(alpha, bool)
    values = [alpha] if one else alpha
    if (
        not isinstance(values, (list, tuple))
        or not values
        or not all(isinstance(each, (int, float)) and each >= 0 for each in values)
    ):
        raise ConfigError(
            f"{where}: expected alpha to be a number of at least 0, or one for each "
            f"class, got {alpha!r}. 0.25 is the paper's value."
        )
    return float(values[0]) if one else [float(value) for value in values]


def _power(missing: Tensor, gamma: float) -> Tensor:
    """`missing` to the gamma, with a finite slope at 0 whatever gamma is."""
    if gamma < 1:
        missing = missing.clamp_min(torch.finfo(missing.dtype).tiny)
    return missing.pow(gamma)


class BinaryFocalCrossentropy(Loss):
    """Cross-entropy of yes-or-no answers, each weighed by how wrong it is.

    loss = mean over units of b (1 - q)^gamma CE(t, p),
    q = t p + (1 - t) (1 - p), CE = -(t log p + (1 - t) log(1 - p)),
    t = target (1 - s) + s / 2 with s = ``label_smoothing``,
    b = t alpha + (1 - t) (1 - alpha) with ``apply_class_balancing``, else 1,
    p = sigmoid(prediction) with ``from_logits``, else the prediction; logarithms of
    values kept within [1e-7, 1 - 1e-7].

    For rare positives among many easy negatives. From logits nothing is clipped.

    Args:
        apply_class_balancing: Whether to weigh the two answers by alpha.
        alpha: The weight of a yes, from 0 to 1; a no has 1 - alpha.
        gamma: How fast easy answers stop counting. At least 0; 0 counts all alike.
        from_logits: Whether predictions are before the sigmoid. `None` lets training
            decide (it takes a last sigmoid off and computes from logits); in a direct
            call `None` means probabilities.
        label_smoothing: s, from 0 to below 1.
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (*batch, units), or (batch,)
        target: the same, up to a last axis of size 1; any dtype
        loss: (), or (*batch) without reduction

    Raises:
        ConfigError: ``gamma``, ``alpha`` or ``label_smoothing`` is out of range.
        ShapeError: The shapes differ.
        DataError: A label is below 0 or above 1.

    Example:
        >>> import torch
        >>> loss = BinaryFocalCrossentropy(from_logits=True)
        >>> loss(torch.zeros(2, 1), torch.tensor([0, 1]))
        tensor(0.1733)

    Source:
        Lin et al. 2017, Focal loss for dense object detection, eqs. 4 and 5. Smoothing
        and clipping as in Keras 3.
    """

    target_kind: ClassVar[TargetKind] = "binary"

    def __init__(
        self,
        *,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool | None = None,
        label_smoothing: float = 0.0,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        if not 0 <= alpha <= 1:
            raise ConfigError(
                f"BinaryFocalCrossentropy: expected alpha from 0 to 1, got {alpha!r}. "
                "0.25 is the paper's value."
            )
        self.apply_class_balancing = apply_class_balancing
        self.alpha = float(alpha)
        self.gamma = _checked_gamma(gamma, self.where)
        self.from_logits = from_logits
        self.label_smoothing = checked_smoothing(label_smoothing, self.where)

    @property
    def folds(self) -> str | None:
        """The sigmoid, unless predictions are logits already."""
        return None if self.from_logits else "sigmoid"

    def on_logits(self) -> Loss:
        """Give the same loss for the unit before its sigmoid.

        Returns:
            A loss with ``from_logits=True``.
        """
        return self._with(from_logits=True)

    def per_sample(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """Average over the last axis."""
        prediction, target = match(prediction, target, self.where)
        if self.label_smoothing:
            target = target * (1 - self.label_smoothing) + self.label_smoothing / 2
        if self.from_logits:
            yes, no = prediction.sigmoid(), (-prediction).sigmoid()
            entropy = functional.binary_cross_entropy_with_logits(
                prediction, target, reduction="none"
            )
        else:
            yes, no = prediction, 1 - prediction
            chance = prediction.clamp(EPSILON, 1 - EPSILON)
            entropy = -(target * chance.log() + (1 - target) * (-chance).log1p())
        # What the right answer lacks of 1, without a difference of near numbers.
        missing = target * no + (1 - target) * yes
        values = _power(missing, self.gamma) * entropy
        if self.apply_class_balancing:
            values = values * (target * self.alpha + (1 - target) * (1 - self.alpha))
        return mean_of_last_axis(values)


def _log_chances(prediction: Tensor, from_logits: bool | None) -> Tensor:
    return prediction.log_softmax(-1) if from_logits else log_shares(prediction)


def _weight_tensor(alpha: list[float], like: Tensor, where: str) -> Tensor:
    if len(alpha) != like.shape[-1]:
        raise ShapeError(
            f"{where}: expected alpha for each of {like.shape[-1]} classes, got "
            f"{len(alpha)} numbers. Give one number per class, or one for all."
        )
    return torch.tensor(alpha, dtype=like.dtype, device=like.device)


class CategoricalFocalCrossentropy(Loss):
    """Cross-entropy of one class out of several, weighed by how wrong it is.

    loss = sum over classes of alpha_k (1 - p_k)^gamma (-t_k log p_k),
    t = target (1 - s) + s / classes with s = ``label_smoothing``,
    p = softmax(prediction) with ``from_logits``, else the prediction divided by its
    sum and kept within [1e-7, 1 - 1e-7].

    Args:
        alpha: One weight for all classes, or a list of one for each. At least 0.
        gamma: How fast easy samples stop counting. At least 0; 0 counts all alike.
        from_logits: Whether predictions are before the softmax. `None` lets training
            decide (it takes a last softmax off and computes from logits); in a direct
            call `None` means probabilities.
        label_smoothing: s, from 0 to below 1.
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (*batch, classes)
        target: (*batch, classes)
        loss: (), or (*batch) without reduction

    Raises:
        ConfigError: ``gamma``, ``alpha`` or ``label_smoothing`` is out of range.
        ShapeError: The shapes differ, the labels are integers, or ``alpha`` has
            another length than there are classes.
        DataError: A row does not hold shares that sum to 1.

    Example:
        >>> import torch
        >>> rows = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
        >>> CategoricalFocalCrossentropy(from_logits=True)(torch.zeros(2, 2), rows)
        tensor(0.0433)

    Source:
        Lin et al. 2017, Focal loss for dense object detection, eq. 5, for several
        classes as in Keras 3.
    """

    target_kind: ClassVar[TargetKind] = "one_hot"

    def __init__(
        self,
        *,
        alpha: Weights = 0.25,
        gamma: float = 2.0,
        from_logits: bool | None = None,
        label_smoothing: float = 0.0,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        self.alpha = _checked_weights(alpha, self.where)
        self.gamma = _checked_gamma(gamma, self.where)
        self.from_logits = from_logits
        self.label_smoothing = checked_smoothing(label_smoothing, self.where)

    @property
    def folds(self) -> str | None:
        """The softmax, unless predictions are logits already."""
        return None if self.from_logits else "softmax"

    def on_logits(self) -> Loss:
        """Give the same loss for the units before their softmax.

        Returns:
            A loss with ``from_logits=True``.
        """
        return self._with(from_logits=True)

    def per_sample(
        self,
        prediction: Float[Tensor, "*batch classes"],
        target: Shaped[Tensor, "..."],
    ) -> Float[Tensor, "*batch"]:
        """Sum over the classes of each row."""
        prediction, target = match(prediction, target, self.where)
        if self.label_smoothing:
            target = target * (1 - self.label_smoothing)
            target = target + self.label_smoothing / target.shape[-1]
        logs = _log_chances(prediction, self.from_logits)
        values = _power(-logs.expm1(), self.gamma) * -target * logs
        if isinstance(self.alpha, list):
            return (values * _weight_tensor(self.alpha, logs, self.where)).sum(-1)
        return self.alpha * values.sum(-1)


class SparseCategoricalFocalCrossentropy(Loss):
    """Cross-entropy of whole-number labels, weighed by how wrong the answer is.

    loss = -alpha_t (1 - p_t)^gamma log p_t, t = target,
    p = softmax(prediction) with ``from_logits``, else the prediction divided by its
    sum and kept within [1e-7, 1 - 1e-7].

    The same numbers as `CategoricalFocalCrossentropy` on one-hot rows, without making
    them. Keras has no such loss.

    Args:
        alpha: One weight for all classes, or a list of one for each. At least 0.
        gamma: How fast easy samples stop counting. At least 0; 0 counts all alike.
        from_logits: Whether predictions are before the softmax. `None` lets training
            decide (it takes a last softmax off and computes from logits); in a direct
            call `None` means probabilities.
        ignore_class: A label whose entries count neither in the sum nor in the number
            it is divided by; `None` for none.
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (*batch, classes)
        target: (*batch) or (*batch, 1), whole numbers of any dtype
        loss: (), or (*batch) without reduction

    Raises:
        ConfigError: ``gamma`` or ``alpha`` is out of range.
        ShapeError: The shapes do not fit, the labels are one-hot rows, or ``alpha``
            has another length than there are classes.
        DataError: A label is not one of 0 ... classes - 1.

    Example:
        >>> import torch
        >>> loss = SparseCategoricalFocalCrossentropy(from_logits=True)
        >>> loss(torch.zeros(2, 2), torch.tensor([1, 0]))
        tensor(0.0433)

    Source:
        Lin et al. 2017, Focal loss for dense object detection, eq. 5.
    """

    target_kind: ClassVar[TargetKind] = "classes"

    def __init__(
        self,
        *,
        alpha: Weights = 0.25,
        gamma: float = 2.0,
        from_logits: bool | None = None,
        ignore_class: int | None = None,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        self.alpha = _checked_weights(alpha, self.where)
        self.gamma = _checked_gamma(gamma, self.where)
        self.from_logits = from_logits
        self.ignore_class = ignore_class

    @property
    def folds(self) -> str | None:
        """The softmax, unless predictions are logits already."""
        return None if self.from_logits else "softmax"

    def on_logits(self) -> Loss:
        """Give the same loss for the units before their softmax.

        Returns:
            A loss with ``from_logits=True``.
        """
        return self._with(from_logits=True)

    def check_target(
        self, prediction_shape: Shape, prediction_dtype: torch.dtype, target: Tensor
    ) -> None:
        """Say which label is wrong; ``ignore_class`` is a label too."""
        check_kind(
            self.target_kind,
            self.where,
            prediction_shape,
            prediction_dtype,
            target,
            ignore_class=self.ignore_class,
        )

    def _labels(self, prediction: Tensor, target: Tensor) -> Tensor:
        if target.ndim == prediction.ndim:
            target = target.squeeze(-1)
        return align(prediction[..., 0], target, self.where).long()

    def per_sample(
        self,
        prediction: Float[Tensor, "*batch classes"],
        target: Shaped[Tensor, "..."],
    ) -> Float[Tensor, "*batch"]:
        """Weigh minus the logarithm of each label's share."""
        prediction = widen(prediction)
        labels = self._labels(prediction, target)
        kept = labels != self.ignore_class if self.ignore_class is not None else None
        if kept is not None:
            labels = torch.where(kept, labels, 0)
        logs = _log_chances(prediction, self.from_logits)
        log = logs.gather(-1, labels.unsqueeze(-1)).squeeze(-1)
        values = _power(-log.expm1(), self.gamma) * -log
        if isinstance(self.alpha, list):
            values = values * _weight_tensor(self.alpha, logs, self.where)[labels]
        else:
            values = values * self.alpha
        return values if kept is None else values * kept

    def counted(self, prediction: Tensor, target: Tensor) -> Tensor | None:
        """Tell which labels are not ``ignore_class``."""
        if self.ignore_class is None:
            return None
        return self._labels(prediction, target) != self.ignore_class
