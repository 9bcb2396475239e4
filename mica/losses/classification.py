"""Cross-entropies: the losses of classifiers, from probabilities or from logits."""

from typing import ClassVar

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional

from mica.errors import ConfigError
from mica.losses.loss import Loss, Reduction, mean_of_last_axis
from mica.losses.targets import TargetKind, check_kind
from mica.pairing import align, match, widen
from mica.shapes import Shape

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "SparseCategoricalCrossentropy",
    "checked_smoothing",
    "log_shares",
]

EPSILON = 1e-7  # keeps log away from 0; Keras's value, a unit of float32 near 1
# torch skips labels of -100 unless told of another one; no label is ever this one.
_NO_LABEL = torch.iinfo(torch.int64).min


def checked_smoothing(label_smoothing: float, where: str) -> float:
    """Demand a share of 0 to below 1.

    Args:
        label_smoothing: What the user gave.
        where: Who asks, for the error.

    Returns:
        The share.

    Raises:
        ConfigError: It is out of range.

    Example:
        >>> checked_smoothing(0, "Loss")
        0.0
    """
    if not 0 <= label_smoothing < 1:
        raise ConfigError(
            f"{where}: expected label_smoothing from 0 to below 1, got "
            f"{label_smoothing!r}. 0.1 is a usual value."
        )
    return float(label_smoothing)


def log_shares(
    prediction: Float[Tensor, "*batch classes"],
) -> Float[Tensor, "*batch classes"]:
    """Give the logarithms of rows scaled to sum to 1, kept within [1e-7, 1 - 1e-7].

    Args:
        prediction: Probabilities, or numbers of at least 0.

    Shape:
        prediction: (*batch, classes)

    Returns:
        (*batch, classes).

    Example:
        >>> log_shares(torch.tensor([[2.0, 2.0]]))
        tensor([[-0.6931, -0.6931]])
    """
    shares = prediction / prediction.sum(-1, keepdim=True)
    return shares.clamp(EPSILON, 1 - EPSILON).log()


class BinaryCrossentropy(Loss):
    """Cross-entropy of yes-or-no answers, each of them on its own.

    loss = mean over units of -(t log p + (1 - t) log(1 - p)),
    t = target (1 - s) + s / 2 with s = ``label_smoothing``,
    p = sigmoid(prediction) with ``from_logits``, else the prediction kept within
    [1e-7, 1 - 1e-7].

    For one sigmoid unit, or several whose answers do not exclude each other.

    Args:
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
        ConfigError: ``label_smoothing`` is out of range.
        ShapeError: The shapes differ.
        DataError: A label is below 0 or above 1.

    Example:
        >>> import torch
        >>> loss = BinaryCrossentropy(from_logits=True)
        >>> loss(torch.zeros(2, 1), torch.tensor([0, 1]))
        tensor(0.6931)

    Source:
        Cox 1958, The regression analysis of binary sequences. Label smoothing:
        Szegedy et al. 2016, section 7. Clipping as in Keras 3.
    """

    target_kind: ClassVar[TargetKind] = "binary"

    def __init__(
        self,
        *,
        from_logits: bool | None = None,
        label_smoothing: float = 0.0,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name)
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

    def _pair(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        prediction, target = match(prediction, target, self.where)
        if self.label_smoothing:
            target = target * (1 - self.label_smoothing) + self.label_smoothing / 2
        return prediction, target

    def average(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, ""]:
        """Average over all answers; one fused call from logits."""
        if not self.from_logits:
            return super().average(prediction, target)
        prediction, target = self._pair(prediction, target)
        return functional.binary_cross_entropy_with_logits(prediction, target)

    def per_sample(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """Average over the last axis."""
        prediction, target = self._pair(prediction, target)
        if self.from_logits:
            values = functional.binary_cross_entropy_with_logits(
                prediction, target, reduction="none"
            )
        else:  # written out: autocast refuses torch's binary_cross_entropy
            chance = prediction.clamp(EPSILON, 1 - EPSILON)
            values = -(target * chance.log() + (1 - target) * (-chance).log1p())
        return mean_of_last_axis(values)


class CategoricalCrossentropy(Loss):
    """Cross-entropy of one class out of several, labels as one-hot rows.

    loss = -sum over classes of t_k log p_k,
    t = target (1 - s) + s / classes with s = ``label_smoothing``,
    p = softmax(prediction) with ``from_logits``, else the prediction divided by its
    sum and kept within [1e-7, 1 - 1e-7].

    Args:
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
        ConfigError: ``label_smoothing`` is out of range.
        ShapeError: The shapes differ, or the labels are integers.
        DataError: A row does not hold shares that sum to 1.

    Example:
        >>> import torch
        >>> rows = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
        >>> CategoricalCrossentropy(from_logits=True)(torch.zeros(2, 2), rows)
        tensor(0.6931)

    Source:
        Bridle 1990, Probabilistic interpretation of feedforward classification network
        outputs. Label smoothing: Szegedy et al. 2016, section 7. Clipping: Keras 3.
    """

    target_kind: ClassVar[TargetKind] = "one_hot"

    def __init__(
        self,
        *,
        from_logits: bool | None = None,
        label_smoothing: float = 0.0,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name)
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

    def average(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, ""]:
        """Average over all rows; one fused call from logits."""
        if not self.from_logits:
            return super().average(prediction, target)
        prediction, target = self._rows(prediction, target)
        return functional.cross_entropy(
            prediction, target, label_smoothing=self.label_smoothing
        )

    def _rows(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Both as (rows, classes)."""
        prediction, target = match(prediction, target, self.where)
        if prediction.ndim != 2:
            classes = prediction.shape[-1]
            prediction = prediction.reshape(-1, classes)
            target = target.reshape(-1, classes)
        return prediction, target

    def per_sample(
        self,
        prediction: Float[Tensor, "*batch classes"],
        target: Shaped[Tensor, "..."],
    ) -> Float[Tensor, "*batch"]:
        """Sum over the classes of each row."""
        shape = prediction.shape[:-1]
        prediction, target = self._rows(prediction, target)
        if self.from_logits:
            return functional.cross_entropy(
                prediction,
                target,
                reduction="none",
                label_smoothing=self.label_smoothing,
            ).reshape(shape)
        if self.label_smoothing:
            target = target * (1 - self.label_smoothing)
            target = target + self.label_smoothing / target.shape[-1]
        return -(target * log_shares(prediction)).sum(-1).reshape(shape)


class SparseCategoricalCrossentropy(Loss):
    """Cross-entropy of one class out of several, labels as whole numbers.

    loss = -(1 - s) log p_target - s mean over classes of log p_k,
    s = ``label_smoothing``, p = softmax(prediction) with ``from_logits``, else the
    prediction divided by its sum and kept within [1e-7, 1 - 1e-7].

    The same numbers as `CategoricalCrossentropy` on one-hot rows, without making
    them. Any axes may stand before the classes: per pixel, per token.

    Args:
        from_logits: Whether predictions are before the softmax. `None` lets training
            decide (it takes a last softmax off and computes from logits); in a direct
            call `None` means probabilities.
        ignore_class: A label whose entries count neither in the sum nor in the number
            it is divided by; `None` for none.
        label_smoothing: s, from 0 to below 1.
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (*batch, classes)
        target: (*batch) or (*batch, 1), whole numbers of any dtype
        loss: (), or (*batch) without reduction

    Raises:
        ConfigError: ``label_smoothing`` is out of range.
        ShapeError: The shapes do not fit, or the labels are one-hot rows.
        DataError: A label is not one of 0 ... classes - 1.

    Example:
        >>> import torch
        >>> loss = SparseCategoricalCrossentropy(from_logits=True)
        >>> loss(torch.zeros(2, 4), torch.tensor([0, 3]))
        tensor(1.3863)

    Source:
        Bridle 1990, Probabilistic interpretation of feedforward classification network
        outputs. Label smoothing: Szegedy et al. 2016, section 7. Clipping: Keras 3.
    """

    target_kind: ClassVar[TargetKind] = "classes"

    def __init__(
        self,
        *,
        from_logits: bool | None = None,
        ignore_class: int | None = None,
        label_smoothing: float = 0.0,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.label_smoothing = checked_smoothing(label_smoothing, self.where)
        self._skipped = _NO_LABEL if ignore_class is None else ignore_class

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

    def _rows(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Predictions as (rows, classes), labels as (rows,) of int64."""
        if target.ndim == prediction.ndim:
            target = target.squeeze(-1)
        if target.dtype is not torch.int64:
            target = target.long()
        prediction = widen(prediction)
        if prediction.ndim != 2:
            target = align(prediction[..., 0], target, self.where).reshape(-1)
            prediction = prediction.reshape(-1, prediction.shape[-1])
        return prediction, target

    def average(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, ""]:
        """Average over the labels that count; one fused call from logits."""
        rows, labels = self._rows(prediction, target)
        if self.ignore_class is None:
            if self.from_logits:
                return functional.cross_entropy(
                    rows,
                    labels,
                    ignore_index=_NO_LABEL,
                    label_smoothing=self.label_smoothing,
                )
            return self._row_losses(rows, labels).mean()
        amount = (labels != self.ignore_class).sum().clamp_min(1)
        return self._row_losses(rows, labels).sum() / amount

    def _row_losses(self, rows: Tensor, labels: Tensor) -> Tensor:
        """The loss of each row, 0 where the label is ``ignore_class``."""
        if self.from_logits:
            return functional.cross_entropy(
                rows,
                labels,
                ignore_index=self._skipped,
                reduction="none",
                label_smoothing=self.label_smoothing,
            )
        logs = log_shares(rows)
        losses = functional.nll_loss(
            logs, labels, ignore_index=self._skipped, reduction="none"
        )
        if self.label_smoothing:
            even = -logs.mean(-1) * (labels != self._skipped)
            losses = losses.lerp(even, self.label_smoothing)
        return losses

    def per_sample(
        self,
        prediction: Float[Tensor, "*batch classes"],
        target: Shaped[Tensor, "..."],
    ) -> Float[Tensor, "*batch"]:
        """Give minus the logarithm of each label's share."""
        rows, labels = self._rows(prediction, target)
        return self._row_losses(rows, labels).reshape(prediction.shape[:-1])

    def counted(self, prediction: Tensor, target: Tensor) -> Tensor | None:
        """Tell which labels are not ``ignore_class``."""
        if self.ignore_class is None:
            return None
        return (target != self.ignore_class).reshape(prediction.shape[:-1])
