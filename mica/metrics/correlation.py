"""Correlations of rows: whether predictions rise and fall as their targets do."""

from typing import ClassVar

from jaxtyping import Float, Shaped
from torch import Tensor

from mica.metrics.metric import MeanMetric, ratio
from mica.pairing import match

__all__ = ["ConcordanceCorrelation", "PearsonCorrelation"]

EPSILON = 1e-7  # keeps the divisor of two constant rows from 0; Keras's


class PearsonCorrelation(MeanMetric):
    """Mean linear correlation of each row of predictions with its row of targets.

    r = cov(prediction, target) / (std prediction * std target) along ``axis``;
    the metric is the mean over all rows

    Range: -1 to 1, higher is better. 0 where one of the two does not vary.

    Args:
        axis: Along which values are compared.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, units)
        target: (*batch, units)

    Raises:
        ShapeError: The shapes differ.

    Example:
        >>> import torch
        >>> metric = PearsonCorrelation()
        >>> metric.update(torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[2, 4, 6]]))
        >>> round(metric.compute().item(), 4)
        1.0

    Source:
        Pearson 1895, Note on regression and inheritance; axis as in Keras 3.
    """

    higher_is_better: ClassVar[bool | None] = True

    def __init__(self, *, axis: int = -1, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = axis

    def values(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """Correlate each row."""
        prediction, target = match(prediction, target, self.name)
        left = prediction - prediction.mean(self.axis, keepdim=True)
        right = target - target.mean(self.axis, keepdim=True)
        lengths = left.norm(dim=self.axis) * right.norm(dim=self.axis)
        return ratio((left * right).sum(self.axis), lengths)


class ConcordanceCorrelation(MeanMetric):
    """Mean agreement of rows: correlation that also wants the same mean and spread.

    c = 2 cov(prediction, target) / (var prediction + var target
    + (mean prediction - mean target)^2 + 1e-7) along ``axis``;
    the metric is the mean over all rows

    Range: -1 to 1, higher is better.

    Args:
        axis: Along which values are compared.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, units)
        target: (*batch, units)

    Raises:
        ShapeError: The shapes differ.

    Example:
        >>> import torch
        >>> metric = ConcordanceCorrelation()
        >>> metric.update(torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[2, 3, 4]]))
        >>> round(metric.compute().item(), 4)
        0.5714

    Source:
        Lin 1989, A concordance correlation coefficient; axis and smallest divisor as in
        Keras 3.
    """

    higher_is_better: ClassVar[bool | None] = True

    def __init__(self, *, axis: int = -1, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = axis

    def values(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """Compare each row."""
        prediction, target = match(prediction, target, self.name)
        means = (
            prediction.mean(self.axis, keepdim=True),
            target.mean(self.axis, keepdim=True),
        )
        left, right = prediction - means[0], target - means[1]
        apart = (means[0] - means[1]).squeeze(self.axis).square()
        spread = left.square().mean(self.axis) + right.square().mean(self.axis)
        common = (left * right).mean(self.axis)
        return 2 * common / (spread + apart + EPSILON)
