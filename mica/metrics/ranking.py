"""AUC: how well scores put the positives before the negatives, at every threshold."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from mica.errors import ConfigError
from mica.metrics.metric import ratio
from mica.metrics.scores import ScoreMetric, counts_by_score

__all__ = ["AUC"]


def _exact_area(curve: str, scores: Tensor, actual: Tensor, weight: Tensor) -> Tensor:
    """Area under the curve through every distinct score."""
    positives, negatives = counts_by_score(scores, actual, weight)
    if curve == "ROC":
        zero = positives.new_zeros(1)
        area = torch.trapezoid(
            torch.cat([zero, positives]), torch.cat([zero, negatives])
        )
        return area / (positives[-1] * negatives[-1])
    precision = ratio(positives, positives + negatives)
    gained = positives.diff(prepend=positives.new_zeros(1))
    return (gained * precision).sum() / positives[-1]


def _bucket_area(curve: str, positives: Tensor, negatives: Tensor) -> Tensor:
    """Area from weights in buckets of the score, low to high, by interpolation."""
    hits = positives.flip(0).cumsum(0).flip(0)
    alarms = negatives.flip(0).cumsum(0).flip(0)
    if curve == "ROC":
        area = torch.trapezoid(hits, alarms).neg()
        return area / (hits[0] * alarms[0])
    # Between two thresholds hits grow linearly with hits + alarms, so precision is
    # slope + intercept / chosen, and its integral over hits has a logarithm.
    chosen = hits + alarms
    gained = hits[:-1] - hits[1:]
    slope = ratio(gained, chosen[:-1] - chosen[1:])
    intercept = hits[1:] - slope * chosen[1:]
    both = (chosen[:-1] > 0) & (chosen[1:] > 0)
    growth = torch.where(both, ratio(chosen[:-1], chosen[1:]), 1)
    return (slope * (gained + intercept * growth.log())).sum() / hits[0]


class AUC(ScoreMetric):
    """Area under the ROC curve or the precision-recall curve.

    ROC: the chance that a positive sample gets a higher score than a negative one,
    ties counting half
    PR: sum over distinct scores of (recall gained) * precision

    Exact by default: scores are kept (about 13 bytes per number with float32
    predictions) until `compute` sorts them. With ``num_thresholds`` only as many
    buckets are kept, and the area is interpolated as in Keras 3.

    Integer labels for rows of several classes: one class against the rest, averaged
    over the classes for which both exist; of two classes the second one is the
    positive one. Targets of the predictions' shape: all numbers together, or column by
    column with ``multi_label``.

    Range: 0 to 1, higher is better; 0.5 is chance for ROC, the share of positives for
    PR. NaN while only one kind of sample was seen (PR: no positive one).

    Args:
        num_thresholds: `None` for the exact area, else the number of thresholds, at
            least 2; predictions must then lie between 0 and 1. Keras's default is 200.
        curve: "ROC" or "PR".
        multi_label: Whether to average over columns of answers.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, units), or (batch,)
        target: the same, up to a last axis of size 1; or integer labels (*batch)

    Raises:
        ConfigError: Another curve, or fewer than 2 thresholds.
        ShapeError: The shapes do not fit; nothing is broadcast.

    Example:
        >>> import torch
        >>> area = AUC()
        >>> area.update(torch.tensor([0.1, 0.4, 0.35]), torch.tensor([0, 0, 1]))
        >>> area.update(torch.tensor([0.8]), torch.tensor([1]))
        >>> area.compute().item()
        0.75

    Source:
        Hanley & McNeil 1982, The meaning and use of the area under a ROC curve. Exact
        PR: scikit-learn's average precision. Interpolated PR: Davis & Goadrich 2006,
        section 4.
    """

    def __init__(
        self,
        num_thresholds: int | None = None,
        curve: Literal["ROC", "PR"] = "ROC",
        *,
        multi_label: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(num_thresholds, class_id=None, name=name)
        if curve not in ("ROC", "PR"):
            raise ConfigError(
                f"AUC: expected curve to be 'ROC' or 'PR', got {curve!r}. 'ROC' is the "
                "usual one."
            )
        self.curve = curve
        self.multi_label = multi_label

    def _separates(self, labelled: bool) -> bool:
        return labelled or self.multi_label

    def compute(self) -> Float[Tensor, ""]:
        """Measure the area, averaged over the columns where there is one."""
        gathered = self.state()
        if not gathered:
            return torch.tensor(torch.nan, dtype=torch.float64)
        areas = [self._area(*parts) for parts in self.by_column(gathered)]
        return torch.stack(areas).nanmean()

    def _area(self, *parts: Tensor) -> Tensor:
        if self.num_thresholds is not None:
            return _bucket_area(self.curve, *parts)
        return _exact_area(self.curve, *parts)
