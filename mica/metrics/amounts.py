"""Mean and Sum: of numbers that need no target."""

from typing import Any

from torch import Tensor

from mica.metrics.metric import MeanMetric, Metric, widest
from mica.pairing import detached, fit_weight

__all__ = ["Mean", "Sum"]


class Mean(MeanMetric):
    """Weighted mean of numbers, whatever their targets are.

    mean = sum_i weight_i value_i / sum_i weight_i

    For numbers that a loop or a model computes itself, such as a loss or the length
    of an answer.

    Range: that of the numbers.

    Args:
        name: As in `Metric`.

    Shape:
        prediction: (batch, *rest): the numbers
        target: anything; it is not read
        sample_weight: a leading part of the numbers' shape

    Example:
        >>> import torch
        >>> mean = Mean()
        >>> mean.update(torch.tensor([1.0, 3.0]))
        >>> mean.update(torch.tensor([8.0]), sample_weight=torch.tensor([2.0]))
        >>> mean.compute().item()
        5.0

    Source:
        Definition as in Keras 3.
    """

    def values(self, prediction: Any, target: Any) -> Tensor:
        """Give the numbers themselves."""
        del target
        return prediction

    def update(
        self, prediction: Any, target: Any = None, sample_weight: Tensor | None = None
    ) -> None:
        """Add the numbers of one batch."""
        super().update(prediction, target, sample_weight)


class Sum(Metric):
    """Weighted sum of numbers, whatever their targets are.

    sum = sum_i weight_i value_i

    Range: that of sums of the numbers; 0 when nothing was seen.

    Args:
        name: As in `Metric`.

    Shape:
        prediction: (batch, *rest): the numbers
        target: anything; it is not read
        sample_weight: a leading part of the numbers' shape

    Example:
        >>> import torch
        >>> total = Sum()
        >>> total.update(torch.tensor([1.0, 3.0]))
        >>> total.update(torch.tensor([8.0]), sample_weight=torch.tensor([2.0]))
        >>> total.compute().item()
        20.0

    Source:
        Definition as in Keras 3.
    """

    def update(
        self, prediction: Any, target: Any = None, sample_weight: Tensor | None = None
    ) -> None:
        """Add the numbers of one batch."""
        del target
        values = detached(prediction, self.name)
        values = values.to(widest(values.device))
        if sample_weight is not None:
            values = values * fit_weight(sample_weight, values, self.name)
        self.add("total", values.sum())

    def compute(self) -> Tensor:
        """Give the sum."""
        return self.total("total")
