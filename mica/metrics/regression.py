"""Metrics of regression: how far numbers are from where they should be."""

from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional

from mica.errors import ConfigError
from mica.metrics.metric import MeanMetric, Metric, widest
from mica.pairing import detached, fit_weight, match

__all__ = [
    "CosineSimilarity",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "R2Score",
    "RootMeanSquaredError",
]

EPSILON = 1e-7  # smallest length of a vector, as in Keras
_AGGREGATIONS = ("uniform_average", "variance_weighted_average")


class MeanAbsoluteError(MeanMetric):
    """Mean size of the difference, in the unit of the target.

    error = mean of |prediction - target|

    Range: 0 to infinity, lower is better.

    Args:
        name: As in `Metric`.

    Shape:
        prediction: (*batch, units), or (batch,)
        target: the same, up to a last axis of size 1

    Example:
        >>> error = MeanAbsoluteError()
        >>> error.update(torch.tensor([[1.0], [2.0]]), torch.tensor([1.0, 4.0]))
        >>> error.compute().item()
        1.0

    Source:
        Laplace 1774: least absolute deviations.
    """

    higher_is_better: ClassVar[bool | None] = False

    def values(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """Give the size of each difference."""
        prediction, target = match(prediction, target, self.name)
        return (prediction - target).abs()


class MeanSquaredError(MeanMetric):
    """Mean squared difference.

    error = mean of (prediction - target)^2

    Range: 0 to infinity, lower is better.

    Args:
        name: As in `Metric`.

    Shape:
        prediction: (*batch, units), or (batch,)
        target: the same, up to a last axis of size 1

    Example:
        >>> error = MeanSquaredError()
        >>> error.update(torch.tensor([[1.0], [2.0]]), torch.tensor([1.0, 4.0]))
        >>> error.compute().item()
        2.0

    Source:
        Gauss 1809, Theoria motus: least squares.
    """

    higher_is_better: ClassVar[bool | None] = False

    def values(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """Give the square of each difference."""
        prediction, target = match(prediction, target, self.name)
        return (prediction - target).square()


class RootMeanSquaredError(MeanMetric):
    """Square root of the mean squared difference, in the unit of the target.

    error = sqrt(mean of (prediction - target)^2), the mean over the whole epoch

    Range: 0 to infinity, lower is better.

    Args:
        name: As in `Metric`.

    Shape:
        prediction: (*batch, units), or (batch,)
        target: the same, up to a last axis of size 1

    Example:
        >>> error = RootMeanSquaredError()
        >>> error.update(torch.tensor([[1.0], [2.0]]), torch.tensor([4.0, 6.0]))
        >>> round(error.compute().item(), 4)
        3.5355

    Source:
        Gauss 1809, Theoria motus: least squares.
    """

    higher_is_better: ClassVar[bool | None] = False

    def values(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """Give the square of each difference."""
        prediction, target = match(prediction, target, self.name)
        return (prediction - target).square()

    def compute(self) -> Float[Tensor, ""]:
        """Take the root of the mean."""
        return super().compute().sqrt()


class CosineSimilarity(MeanMetric):
    """Mean cosine of the angle between prediction and target.

    similarity = mean of prediction . target / (|prediction| |target|)

    Range: -1 to 1, higher is better.

    Args:
        name: As in `Metric`.

    Shape:
        prediction: (*batch, units)
        target: (*batch, units)

    Example:
        >>> similarity = CosineSimilarity()
        >>> similarity.update(torch.tensor([[1.0, 1.0]]), torch.tensor([[0.0, 2.0]]))
        >>> round(similarity.compute().item(), 4)
        0.7071

    Source:
        Definition as in Keras 3.
    """

    higher_is_better: ClassVar[bool | None] = True

    def values(
        self,
        prediction: Float[Tensor, "*batch units"],
        target: Shaped[Tensor, "..."],
    ) -> Float[Tensor, "*batch"]:
        """Give the cosine of each row."""
        prediction, target = match(prediction, target, self.name)
        prediction = functional.normalize(prediction, dim=-1, eps=EPSILON)
        target = functional.normalize(target, dim=-1, eps=EPSILON)
        return (prediction * target).sum(-1)


def _divisor(amount: Tensor) -> Tensor:
    """The amount, or 1 where it is 0."""
    return torch.where(amount == 0, torch.ones_like(amount), amount)


class R2Score(Metric):
    """Share of the targets' variance that the predictions explain.

    score = 1 - sum_i w_i (t_i - p_i)^2 / sum_i w_i (t_i - mean t)^2,
    for each unit; then averaged over the units

    Range: minus infinity to 1, higher is better; 0 is as good as always predicting the
    mean. Where the targets do not vary: 1 for perfect predictions, else 0.

    Mean and squared deviations are updated together, so that targets far from 0 lose
    no digits.

    Args:
        class_aggregation: "uniform_average" takes the mean over the units,
            "variance_weighted_average" weighs them by their targets' variance.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, units), or (batch,)
        target: the same, up to a last axis of size 1

    Raises:
        ConfigError: An unknown aggregation.
        ShapeError: The shapes differ; (n, 1) meets (n,), nothing is broadcast.

    Example:
        >>> score = R2Score()
        >>> score.update(torch.tensor([[1.0], [2.0]]), torch.tensor([1.0, 3.0]))
        >>> score.compute().item()
        0.5

    Source:
        Wright 1921, Correlation and causation. Merging: Chan, Golub & LeVeque 1983,
        eq. 2.1. Constant targets as in scikit-learn.
    """

    higher_is_better: ClassVar[bool | None] = True

    def __init__(
        self,
        class_aggregation: Literal[
            "uniform_average", "variance_weighted_average"
        ] = "uniform_average",
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        if class_aggregation not in _AGGREGATIONS:
            raise ConfigError(
                f"R2Score: expected class_aggregation out of "
                f"{', '.join(_AGGREGATIONS)}, got {class_aggregation!r}. Leave it out "
                "for the mean over the units."
            )
        self.class_aggregation = class_aggregation

    def update(
        self,
        prediction: Float[Tensor, "..."],
        target: Shaped[Tensor, "..."],
        sample_weight: Tensor | None = None,
    ) -> None:
        """Add the squared errors and deviations of one batch."""
        prediction = detached(prediction, self.name)
        wide = widest(prediction.device)
        prediction, target = match(prediction, target, self.name)
        prediction, target = prediction.to(wide), target.to(wide)
        weight = torch.ones_like(target)
        if sample_weight is not None:
            weight = weight * fit_weight(sample_weight, target, self.name)
        units = target.shape[-1] if target.ndim > 1 else 1
        weight, target, prediction = (
            tensor.reshape(-1, units) for tensor in (weight, target, prediction)
        )
        count = weight.sum(0)
        mean = (weight * target).sum(0) / _divisor(count)
        self._take_in(
            {
                "count": count,
                "mean": mean,
                "deviation": (weight * (target - mean).square()).sum(0),
                "residual": (weight * (target - prediction).square()).sum(0),
            }
        )

    def _take_in(self, state: dict[str, Tensor]) -> None:
        """Merge the mean and squared deviation of another part of the data."""
        if not state:
            return
        if not self._state:
            self._state = {name: tensor.clone() for name, tensor in state.items()}
            return
        mine = self._state
        theirs = {name: tensor.to(mine[name].device) for name, tensor in state.items()}
        gap = theirs["mean"] - mine["mean"]
        share = theirs["count"] / _divisor(mine["count"] + theirs["count"])
        mine["deviation"] += theirs["deviation"] + gap.square() * mine["count"] * share
        mine["mean"] += gap * share
        mine["count"] += theirs["count"]
        mine["residual"] += theirs["residual"]

    def compute(self) -> Float[Tensor, ""]:
        """Compare the squared errors with the squared deviations."""
        if not self._state:
            return torch.tensor(torch.nan, dtype=torch.float64)
        deviation, residual = self._state["deviation"], self._state["residual"]
        constant = (residual == 0).to(residual.dtype)
        scores = torch.where(deviation == 0, constant, 1 - residual / deviation)
        weight = torch.ones_like(scores)
        if self.class_aggregation == "variance_weighted_average":
            weight = torch.where((deviation == 0).all(), weight, deviation)
        value = (scores * weight).sum() / weight.sum()
        return torch.where(self._state["count"].sum() > 0, value, torch.nan)
