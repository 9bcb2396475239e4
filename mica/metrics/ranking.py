"""AUC: how well scores put the positives before the negatives, at every threshold."""

from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from mica.errors import ConfigError
from mica.metrics.accuracy import labels_for, names_classes
from mica.metrics.metric import Metric, ratio, widest
from mica.pairing import align, detached, fit_weight

__all__ = ["AUC"]


def _counts_by_score(
    scores: Tensor, actual: Tensor, weight: Tensor
) -> tuple[Tensor, Tensor]:
    """Positives and negatives at or above each distinct score, highest first."""
    order = scores.argsort(descending=True)
    scores, actual, weight = scores[order], actual[order], weight[order]
    last_of_ties = torch.ones_like(actual)
    last_of_ties[:-1] = scores[1:] != scores[:-1]
    positives = (weight * actual).cumsum(0)[last_of_ties]
    negatives = (weight * ~actual).cumsum(0)[last_of_ties]
    return positives, negatives


def _exact_area(curve: str, scores: Tensor, actual: Tensor, weight: Tensor) -> Tensor:
    """Area under the curve through every distinct score."""
    positives, negatives = _counts_by_score(scores, actual, weight)
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


class AUC(Metric):
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

    higher_is_better: ClassVar[bool | None] = True

    def __init__(
        self,
        num_thresholds: int | None = None,
        curve: Literal["ROC", "PR"] = "ROC",
        *,
        multi_label: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        if curve not in ("ROC", "PR"):
            raise ConfigError(
                f"AUC: expected curve to be 'ROC' or 'PR', got {curve!r}. 'ROC' is the "
                "usual one."
            )
        if num_thresholds is not None and num_thresholds < 2:
            raise ConfigError(
                f"AUC: expected num_thresholds of at least 2, got {num_thresholds!r}. "
                "Leave it out for the exact area."
            )
        self.curve = curve
        self.num_thresholds = num_thresholds
        self.multi_label = multi_label
        self._chunks: list[dict[str, Tensor]] = []

    def update(
        self,
        prediction: Float[Tensor, "..."],
        target: Shaped[Tensor, "..."],
        sample_weight: Tensor | None = None,
    ) -> None:
        """Keep the scores of one batch, or count them in buckets."""
        columns = self._columns(detached(prediction, self.name), target, sample_weight)
        if self.num_thresholds is None:
            self._chunks.append(
                {name: column.clone() for name, column in columns.items()}
            )
        else:
            self._count(self.num_thresholds, **columns)

    def _columns(
        self, scores: Tensor, target: Tensor, sample_weight: Tensor | None
    ) -> dict[str, Tensor]:
        """Scores, truth and weights as (numbers, columns)."""
        separate = self.multi_label
        if names_classes(scores, target):
            separate = True
            labels = labels_for(scores, target, self.name)
            classes = torch.arange(scores.shape[-1], device=scores.device)
            if len(classes) == 2:
                scores, classes = scores[..., 1:], classes[1:]
            actual = labels.unsqueeze(-1) == classes
        else:
            actual = align(scores, target, self.name) > 0.5
        weight = torch.ones_like(scores)
        if sample_weight is not None:
            weight = weight * fit_weight(sample_weight, scores, self.name)
        columns = scores.shape[-1] if separate and scores.ndim > 1 else 1
        return {
            "scores": scores.reshape(-1, columns),
            "actual": actual.reshape(-1, columns),
            "weight": weight.reshape(-1, columns),
        }

    def _count(self, size: int, scores: Tensor, actual: Tensor, weight: Tensor) -> None:
        """Add the weights of positives and negatives to the bucket of their score."""
        columns = scores.shape[-1]
        # Bucket i holds scores in (i, i + 1] / (size - 1); the first one holds 0 too.
        bucket = (scores.clamp(0, 1) * (size - 1)).ceil().sub(1).clamp_min(0).long()
        place = bucket + size * torch.arange(columns, device=scores.device)
        wide = widest(scores.device)
        empty = torch.zeros(columns * size, dtype=wide, device=scores.device)
        for name, flags in (("positives", actual), ("negatives", ~actual)):
            amounts = (weight.to(wide) * flags).reshape(-1)
            self.add(name, empty.index_add(0, place.reshape(-1), amounts))

    def compute(self) -> Float[Tensor, ""]:
        """Measure the area, averaged over the columns where there is one."""
        gathered = self.state()
        if not gathered:
            return torch.tensor(torch.nan, dtype=torch.float64)
        areas = [
            self._area(*parts) for parts in zip(*self._by_column(gathered), strict=True)
        ]
        return torch.stack(areas).nanmean()

    def _by_column(self, gathered: dict[str, Tensor]) -> list[Tensor]:
        """What `_area` needs, first axis: columns."""
        if self.num_thresholds is not None:
            sizes = (-1, self.num_thresholds)
            return [
                gathered[name].reshape(sizes) for name in ("positives", "negatives")
            ]
        return [gathered[name].T for name in ("scores", "actual", "weight")]

    def _area(self, *parts: Tensor) -> Tensor:
        if self.num_thresholds is not None:
            return _bucket_area(self.curve, *parts)
        scores, actual, weight = parts
        return _exact_area(self.curve, scores, actual, weight.to(widest(weight.device)))

    def reset(self) -> None:
        """Forget everything seen."""
        super().reset()
        self._chunks.clear()

    def state(self) -> dict[str, Tensor]:
        """Give all scores kept, or the buckets."""
        if self.num_thresholds is not None:
            return super().state()
        names = self._chunks[0] if self._chunks else ()
        return {
            name: torch.cat([chunk[name] for chunk in self._chunks]) for name in names
        }

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` gave."""
        if self.num_thresholds is not None:
            super().load_state(state)
        else:
            self._chunks = []
            self._take_in(state)

    def _take_in(self, state: dict[str, Tensor]) -> None:
        """Merge: buckets add up, scores are kept side by side."""
        if self.num_thresholds is not None:
            super()._take_in(state)
        elif state:
            device = self._chunks[0]["scores"].device if self._chunks else None
            self._chunks.append(
                {name: tensor.to(device, copy=True) for name, tensor in state.items()}
            )
