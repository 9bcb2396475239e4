"""A loss that bears wrong labels: between cross-entropy and absolute error."""

from typing import ClassVar

from jaxtyping import Float, Shaped
from torch import Tensor

from mica.errors import ConfigError
from mica.losses.loss import Loss, Reduction
from mica.losses.targets import TargetKind
from mica.pairing import align, widen

__all__ = ["CategoricalGeneralizedCrossEntropy"]

EPSILON = 1e-7  # smallest probability: the slope of p^q has no bound at 0


class CategoricalGeneralizedCrossEntropy(Loss):
    """Cross-entropy that wrong labels cannot pull without bound; labels as integers.

    loss = (1 - p_t^q) / q, t = target, p = softmax(prediction) with ``from_logits``,
    else the prediction, raised to at least 1e-7

    q near 0 is the cross-entropy, q = 1 would be the absolute error 1 - p_t, which
    hardly sees wrong labels but learns slowly.

    Args:
        q: Between 0 and 1.
        from_logits: Whether predictions are before the softmax. `None` lets training
            decide (it takes a last softmax off and computes from logits); in a direct
            call `None` means probabilities, as always in Keras.
        reduction: As in `Loss`.
        name: As in `Loss`.

    Shape:
        prediction: (*batch, classes)
        target: (*batch) or (*batch, 1), whole numbers of any dtype
        loss: (), or (*batch) without reduction

    Raises:
        ConfigError: ``q`` is not between 0 and 1.
        ShapeError: The shapes do not fit, or the labels are one-hot rows.
        DataError: A label is not one of 0 ... classes - 1.

    Example:
        >>> import torch
        >>> loss = CategoricalGeneralizedCrossEntropy()
        >>> loss(torch.tensor([[0.25, 0.75]]), torch.tensor([0]))
        tensor(1.)

    Source:
        Zhang & Sabuncu 2018, Generalized cross entropy loss for training deep neural
        networks with noisy labels, eq. 6.
    """

    target_kind: ClassVar[TargetKind] = "classes"

    def __init__(
        self,
        q: float = 0.5,
        *,
        from_logits: bool | None = None,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name)
        if not 0 < q < 1:
            raise ConfigError(
                f"CategoricalGeneralizedCrossEntropy: expected q between 0 and 1, got "
                f"{q!r}. 0.7 is the paper's value."
            )
        self.q = float(q)
        self.from_logits = from_logits

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
        """Compare the power of each label's share with 1."""
        prediction = widen(prediction)
        if target.ndim == prediction.ndim:
            target = target.squeeze(-1)
        labels = align(prediction[..., 0], target, self.where).long().unsqueeze(-1)
        if self.from_logits:
            log = prediction.log_softmax(-1).gather(-1, labels).squeeze(-1)
        else:
            log = prediction.gather(-1, labels).squeeze(-1).clamp_min(EPSILON).log()
        return -(self.q * log).expm1() / self.q
