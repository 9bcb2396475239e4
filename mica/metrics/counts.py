"""Counts of right and wrong answers: true and false, positives and negatives."""

from typing import ClassVar

from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from mica.metrics.confusion import checked_threshold
from mica.metrics.metric import Metric, widest
from mica.pairing import align, detached, fit_weight

__all__ = ["FalseNegatives", "FalsePositives", "TrueNegatives", "TruePositives"]


class _Count(Metric):
    """What the four counts share."""

    def __init__(self, thresholds: float, *, name: str | None) -> None:
        super().__init__(name=name)
        self.threshold = checked_threshold(thresholds, self.where)

    def _counts(
        self, chosen: Bool[Tensor, "..."], actual: Bool[Tensor, "..."]
    ) -> Bool[Tensor, "..."]:
        raise NotImplementedError

    def update(
        self,
        prediction: Float[Tensor, "..."],
        target: Shaped[Tensor, "..."],
        sample_weight: Tensor | None = None,
    ) -> None:
        """Count the answers of one batch."""
        prediction = detached(prediction, self.name)
        actual = align(prediction, target, self.name) > 0.5
        counted = self._counts(prediction > self.threshold, actual)
        if sample_weight is None:
            self.add("count", counted.count_nonzero())
        else:
            weight = fit_weight(sample_weight, prediction, self.name)
            wide = widest(prediction.device)
            self.add("count", (weight.to(wide) * counted).sum())

    def compute(self) -> Float[Tensor, ""]:
        """Give the (weighted) number."""
        count = self.total("count")
        return count.clone()


class TruePositives(_Count):
    """Number of "yes" answers that are right.

    count = sum_i weight_i [prediction_i > threshold and target_i = 1]

    Range: 0 up, higher is better.

    Args:
        thresholds: Above it a prediction means yes; one number. 0.5 for probabilities,
            0 for logits.
        name: As in `Metric`.

    Shape:
        prediction: (batch, *rest)
        target: the same, up to a last axis of size 1

    Raises:
        ConfigError: A threshold that is not a number.
        ShapeError: The shapes do not fit; nothing is broadcast.

    Example:
        >>> import torch
        >>> count = TruePositives()
        >>> count.update(torch.tensor([0.9, 0.8, 0.3]), torch.tensor([1, 0, 1]))
        >>> count.compute().item()
        1.0

    Source:
        van Rijsbergen 1979, Information retrieval, chapter 7.
    """

    higher_is_better: ClassVar[bool | None] = True

    def __init__(self, thresholds: float = 0.5, *, name: str | None = None) -> None:
        super().__init__(thresholds, name=name)

    def _counts(
        self, chosen: Bool[Tensor, "..."], actual: Bool[Tensor, "..."]
    ) -> Bool[Tensor, "..."]:
        return chosen & actual


class TrueNegatives(_Count):
    """Number of "no" answers that are right.

    count = sum_i weight_i [prediction_i <= threshold and target_i = 0]

    Range: 0 up, higher is better.

    Args:
        thresholds: Above it a prediction means yes; one number. 0.5 for probabilities,
            0 for logits.
        name: As in `Metric`.

    Shape:
        prediction: (batch, *rest)
        target: the same, up to a last axis of size 1

    Raises:
        ConfigError: A threshold that is not a number.
        ShapeError: The shapes do not fit; nothing is broadcast.

    Example:
        >>> import torch
        >>> count = TrueNegatives()
        >>> count.update(torch.tensor([0.9, 0.2, 0.3]), torch.tensor([1, 0, 1]))
        >>> count.compute().item()
        1.0

    Source:
        van Rijsbergen 1979, Information retrieval, chapter 7.
    """

    higher_is_better: ClassVar[bool | None] = True

    def __init__(self, thresholds: float = 0.5, *, name: str | None = None) -> None:
        super().__init__(thresholds, name=name)

    def _counts(
        self, chosen: Bool[Tensor, "..."], actual: Bool[Tensor, "..."]
    ) -> Bool[Tensor, "..."]:
        return ~chosen & ~actual


class FalsePositives(_Count):
    """Number of "yes" answers that are wrong: false alarms.

    count = sum_i weight_i [prediction_i > threshold and target_i = 0]

    Range: 0 up, lower is better.

    Args:
        thresholds: Above it a prediction means yes; one number. 0.5 for probabilities,
            0 for logits.
        name: As in `Metric`.

    Shape:
        prediction: (batch, *rest)
        target: the same, up to a last axis of size 1

    Raises:
        ConfigError: A threshold that is not a number.
        ShapeError: The shapes do not fit; nothing is broadcast.

    Example:
        >>> import torch
        >>> count = FalsePositives()
        >>> count.update(torch.tensor([0.9, 0.8, 0.3]), torch.tensor([1, 0, 1]))
        >>> count.compute().item()
        1.0

    Source:
        van Rijsbergen 1979, Information retrieval, chapter 7.
    """

    higher_is_better: ClassVar[bool | None] = False

    def __init__(self, thresholds: float = 0.5, *, name: str | None = None) -> None:
        super().__init__(thresholds, name=name)

    def _counts(
        self, chosen: Bool[Tensor, "..."], actual: Bool[Tensor, "..."]
    ) -> Bool[Tensor, "..."]:
        return chosen & ~actual


class FalseNegatives(_Count):
    """Number of "no" answers that are wrong: misses.

    count = sum_i weight_i [prediction_i <= threshold and target_i = 1]

    Range: 0 up, lower is better.

    Args:
        thresholds: Above it a prediction means yes; one number. 0.5 for probabilities,
            0 for logits.
        name: As in `Metric`.

    Shape:
        prediction: (batch, *rest)
        target: the same, up to a last axis of size 1

    Raises:
        ConfigError: A threshold that is not a number.
        ShapeError: The shapes do not fit; nothing is broadcast.

    Example:
        >>> import torch
        >>> count = FalseNegatives()
        >>> count.update(torch.tensor([0.9, 0.8, 0.3]), torch.tensor([1, 0, 1]))
        >>> count.compute().item()
        1.0

    Source:
        van Rijsbergen 1979, Information retrieval, chapter 7.
    """

    higher_is_better: ClassVar[bool | None] = False

    def __init__(self, thresholds: float = 0.5, *, name: str | None = None) -> None:
        super().__init__(thresholds, name=name)

    def _counts(
        self, chosen: Bool[Tensor, "..."], actual: Bool[Tensor, "..."]
    ) -> Bool[Tensor, "..."]:
        return ~chosen & actual
