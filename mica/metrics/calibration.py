"""Calibration: whether of all answers given with 80 % certainty 80 % are right."""

from typing import ClassVar, Literal, get_args

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional

from mica.errors import ConfigError
from mica.metrics.accuracy import labels_for, names_classes
from mica.metrics.metric import MeanMetric, Metric, ratio, widest
from mica.pairing import align, detached, fit_weight, match

__all__ = ["BrierScore", "CalibrationError", "Norm"]

Norm = Literal["l1", "l2", "max"]
_NORMS = get_args(Norm)


class CalibrationError(Metric):
    """How far certainty and hit rate lie apart, in bins of certainty.

    error = sum over bins of share of samples in the bin * |hit rate - mean certainty|
    ("l2": root of the mean square; "max": the largest difference)

    Of several classes the certainty is the largest probability of a row, and a hit a
    right answer; of a single column it is the prediction itself, and a hit a "yes".
    Bins are closed on the right.

    Range: 0 to 1, lower is better; NaN before anything was seen.

    Args:
        bins: Number of bins of equal width. At least 1.
        norm: "l1" for the expected calibration error, "l2" or "max".
        name: As in `Metric`.

    Shape:
        prediction: (*batch, classes), (*batch, 1) or (batch,): probabilities
        target: integer labels (*batch), one-hot rows, or answers to a single column

    Raises:
        ConfigError: ``bins`` is below 1, or another norm.
        ShapeError: The shapes do not fit.

    Example:
        >>> import torch
        >>> error = CalibrationError(bins=2)
        >>> error.update(torch.tensor([0.25, 0.75, 0.75]), torch.tensor([0, 1, 1]))
        >>> error.compute().item()
        0.25

    Source:
        Guo et al. 2017, On calibration of modern neural networks, eqs. 3 and 5.
    """

    higher_is_better: ClassVar[bool | None] = False

    def __init__(
        self, bins: int = 15, *, norm: Norm = "l1", name: str | None = None
    ) -> None:
        super().__init__(name=name)
        if bins < 1:
            raise ConfigError(
                f"CalibrationError: expected at least 1 bin, got {bins!r}. 15 is the "
                "usual number."
            )
        if norm not in _NORMS:
            raise ConfigError(
                f"CalibrationError: expected norm out of {', '.join(_NORMS)}, got "
                f"{norm!r}. 'l1' is the expected calibration error."
            )
        self.bins = bins
        self.norm: Norm = norm

    def update(
        self,
        prediction: Float[Tensor, "..."],
        target: Shaped[Tensor, "..."],
        sample_weight: Tensor | None = None,
    ) -> None:
        """Sort the answers of one batch into bins."""
        prediction = detached(prediction, self.name)
        certainty, hit = self._judged(prediction, target)
        weight = torch.ones_like(certainty, dtype=widest(certainty.device))
        if sample_weight is not None:
            weight = weight * fit_weight(sample_weight, weight, self.name)
        place = (certainty * self.bins).ceil().sub(1).clamp(0, self.bins - 1).long()
        empty = torch.zeros(self.bins, dtype=weight.dtype, device=weight.device)
        for name, amounts in (
            ("count", weight),
            ("certainty", weight * certainty),
            ("hits", weight * hit),
        ):
            added = empty.index_add(0, place.reshape(-1), amounts.reshape(-1))
            self.add(name, added)

    def _judged(self, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """How certain each answer was, and whether it was right."""
        if names_classes(prediction, target):
            certainty, answers = prediction.max(-1)
            return certainty, answers == labels_for(prediction, target, self.name)
        target = align(prediction, target, self.name)
        if prediction.ndim > 1 and prediction.shape[-1] > 1:
            certainty, answers = prediction.max(-1)
            return certainty, answers == target.argmax(-1)
        return prediction, target > 0.5

    def reliability(self) -> tuple[Tensor, Tensor, Tensor]:
        """Give what a reliability diagram shows.

        Returns:
            Mean certainty, hit rate and share of the samples of each bin, of shape
            (bins,) each; 0 for empty bins.
        """
        counts = [
            self.total(name).expand(self.bins)
            for name in ("count", "certainty", "hits")
        ]
        count, certainty, hits = counts
        return ratio(certainty, count), ratio(hits, count), ratio(count, count.sum())

    def compute(self) -> Float[Tensor, ""]:
        """Bring the differences of all bins together."""
        if not self._state:
            return torch.tensor(torch.nan, dtype=torch.float64)
        certainty, rate, share = self.reliability()
        apart = (rate - certainty).abs()
        if self.norm == "max":
            return apart.max()
        if self.norm == "l2":
            return (share * apart.square()).sum().sqrt()
        return (share * apart).sum()


class BrierScore(MeanMetric):
    """Mean squared distance of probabilities from what happened.

    score = mean over samples of sum over classes of (p_k - t_k)^2; of a single column
    the mean of (p - t)^2

    Both calibrated and sharp predictions lower it.

    Range: 0 to 2, to 1 for a single column; lower is better.

    Args:
        name: As in `Metric`.

    Shape:
        prediction: (*batch, classes), (*batch, 1) or (batch,): probabilities
        target: integer labels (*batch), one-hot rows, or answers to a single column

    Raises:
        ShapeError: The shapes do not fit.

    Example:
        >>> import torch
        >>> score = BrierScore()
        >>> score.update(torch.tensor([[0.5, 0.5], [0.0, 1.0]]), torch.tensor([0, 1]))
        >>> score.compute().item()
        0.25

    Source:
        Brier 1950, Verification of forecasts expressed in terms of probability.
    """

    higher_is_better: ClassVar[bool | None] = False

    def values(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """Give the squared distance of each row."""
        if names_classes(prediction, target):
            labels = labels_for(prediction, target, self.name)
            target = functional.one_hot(labels, prediction.shape[-1])
        prediction, target = match(prediction, target, self.name)
        square = (prediction - target).square()
        return square.sum(-1) if square.ndim > 1 else square
