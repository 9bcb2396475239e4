"""Metrics of scores at every threshold: kept one by one, or counted in buckets."""

from typing import ClassVar

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from mica.errors import ConfigError
from mica.metrics.accuracy import labels_for, names_classes
from mica.metrics.keeping import KeepingMetric
from mica.metrics.metric import Metric, widest
from mica.pairing import align, detached, fit_weight

__all__ = ["ScoreMetric", "counts_by_score"]


def counts_by_score(
    scores: Tensor, actual: Tensor, weight: Tensor
) -> tuple[Tensor, Tensor]:
    """Count positives and negatives at or above each distinct score, highest first.

    Args:
        scores: What the model gave.
        actual: Whether each is a positive.
        weight: What each counts.

    Shape:
        scores: (numbers,)
        actual: (numbers,)
        weight: (numbers,)

    Returns:
        Positives and negatives, of shape (distinct scores,) each.

    Example:
        >>> scores, actual = torch.tensor([0.9, 0.2, 0.2]), torch.tensor([1, 0, 1]) > 0
        >>> counts_by_score(scores, actual, torch.ones(3))
        (tensor([1., 2.]), tensor([0., 1.]))
    """
    order = scores.argsort(descending=True)
    scores, actual, weight = scores[order], actual[order], weight[order]
    last_of_ties = torch.ones_like(actual)
    last_of_ties[:-1] = scores[1:] != scores[:-1]
    positives = (weight * actual).cumsum(0)[last_of_ties]
    negatives = (weight * ~actual).cumsum(0)[last_of_ties]
    return positives, negatives


class ScoreMetric(KeepingMetric):
    """What the metrics of all thresholds share: scores and truth, column by column.

    hits(t) = weight of positives with a score above t,
    alarms(t) = weight of negatives with a score above t

    Exact by default: scores are kept (about 13 bytes per number with float32
    predictions) until `compute` sorts them. With ``num_thresholds`` only as many
    buckets are kept, as in Keras 3.

    Range: as the metric says.

    Args:
        num_thresholds: `None` for every distinct score, else the number of thresholds,
            at least 2; predictions must then lie between 0 and 1.
        class_id: The only column that counts; `None` for all.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, units), or (batch,)
        target: the same, up to a last axis of size 1; or integer labels (*batch)

    Raises:
        ConfigError: Fewer than 2 thresholds.
        ShapeError: The shapes do not fit; nothing is broadcast.

    Example:
        >>> import torch
        >>> metric = ScoreMetric(None, class_id=None, name="scores")
        >>> metric.update(torch.tensor([0.1, 0.4]), torch.tensor([0, 1]))
        >>> metric.state()["actual"].tolist()
        [[False], [True]]

    Source:
        Ours.
    """

    higher_is_better: ClassVar[bool | None] = True

    def __init__(
        self, num_thresholds: int | None, *, class_id: int | None, name: str | None
    ) -> None:
        super().__init__(name=name)
        if num_thresholds is not None and num_thresholds < 2:
            raise ConfigError(
                f"{self.where}: expected num_thresholds of at least 2, got "
                f"{num_thresholds!r}. Leave it out for the exact value."
            )
        self.num_thresholds = num_thresholds
        self.class_id = class_id

    def _separates(self, labelled: bool) -> bool:
        """Whether each column has a value of its own."""
        del labelled
        return False

    def update(
        self,
        prediction: Float[Tensor, "..."],
        target: Shaped[Tensor, "..."],
        sample_weight: Tensor | None = None,
    ) -> None:
        """Keep the scores of one batch, or count them in buckets."""
        columns = self._columns(detached(prediction, self.name), target, sample_weight)
        if self.num_thresholds is None:
            self.keep(**columns)
        else:
            self._count(self.num_thresholds, **columns)

    def _columns(
        self, scores: Tensor, target: Tensor, sample_weight: Tensor | None
    ) -> dict[str, Tensor]:
        """Scores, truth and weights as (numbers, columns)."""
        labelled = names_classes(scores, target)
        if labelled:
            labels = labels_for(scores, target, self.name)
            classes = torch.arange(scores.shape[-1], device=scores.device)
            if len(classes) == 2 and self.class_id is None:
                scores, classes = scores[..., 1:], classes[1:]
            actual = labels.unsqueeze(-1) == classes
        else:
            actual = align(scores, target, self.name) > 0.5
        weight = torch.ones_like(scores)
        if sample_weight is not None:
            weight = weight * fit_weight(sample_weight, scores, self.name)
        given = {"scores": scores, "actual": actual, "weight": weight}
        if self.class_id is not None:
            given = {name: each[..., self.class_id] for name, each in given.items()}
            return {name: each.reshape(-1, 1) for name, each in given.items()}
        separate = self._separates(labelled) and scores.ndim > 1
        columns = scores.shape[-1] if separate else 1
        return {name: each.reshape(-1, columns) for name, each in given.items()}

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

    def by_column(self, gathered: dict[str, Tensor]) -> list[tuple[Tensor, ...]]:
        """Give what `state` holds, column by column.

        Args:
            gathered: What `state` gave.

        Returns:
            Positives and negatives in each bucket; or scores, truth and weights.
        """
        if self.num_thresholds is not None:
            sizes = (-1, self.num_thresholds)
            names = ("positives", "negatives")
            parts = [gathered[name].reshape(sizes) for name in names]
        else:
            parts = [gathered[name].T for name in ("scores", "actual", "weight")]
            parts[2] = parts[2].to(widest(parts[2].device))
        return list(zip(*parts, strict=True))

    def hits_and_alarms(self, *parts: Tensor) -> tuple[Tensor, Tensor]:
        """Count the positives and negatives above each threshold of one column.

        Args:
            parts: A column as `by_column` gives it.

        Returns:
            Hits and alarms, of one shape, one of them both zero and one of them all.
        """
        if self.num_thresholds is not None:
            hits, alarms = (each.flip(0).cumsum(0).flip(0) for each in parts)
            return hits, alarms
        positives, negatives = counts_by_score(*parts)
        zero = positives.new_zeros(1)
        return torch.cat([zero, positives]), torch.cat([zero, negatives])

    def state(self) -> dict[str, Tensor]:
        """Give all scores kept, or the buckets."""
        if self.num_thresholds is not None:
            return Metric.state(self)
        return super().state()

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` gave."""
        if self.num_thresholds is not None:
            Metric.load_state(self, state)
        else:
            super().load_state(state)

    def _take_in(self, state: dict[str, Tensor]) -> None:
        """Merge: buckets add up, scores are kept side by side."""
        if self.num_thresholds is not None:
            Metric._take_in(self, state)
        else:
            super()._take_in(state)
