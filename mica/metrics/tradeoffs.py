"""The best of one measure where another is at least so good: points of a curve."""

import torch
from jaxtyping import Float
from torch import Tensor

from mica.errors import ConfigError
from mica.metrics.metric import ratio
from mica.metrics.scores import ScoreMetric

__all__ = [
    "PrecisionAtRecall",
    "RecallAtPrecision",
    "SensitivityAtSpecificity",
    "SpecificityAtSensitivity",
]


class _ConstrainedMetric(ScoreMetric):
    """What the four share: the largest value where a condition holds, else 0."""

    def __init__(
        self,
        least: float,
        word: str,
        *,
        num_thresholds: int | None,
        class_id: int | None,
        name: str | None,
    ) -> None:
        super().__init__(num_thresholds, class_id=class_id, name=name)
        if not 0 <= least <= 1:
            raise ConfigError(
                f"{self.where}: expected {word} from 0 to 1, got {least!r}. Give a "
                "share, such as 0.9."
            )
        self.least = float(least)

    def _measures(self, hits: Tensor, alarms: Tensor) -> tuple[Tensor, Tensor]:
        """What must be large enough, and what shall be as large as can be."""
        raise NotImplementedError

    def compute(self) -> Float[Tensor, ""]:
        """Search the thresholds."""
        gathered = self.state()
        if not gathered:
            return torch.tensor(torch.nan, dtype=torch.float64)
        (parts,) = self.by_column(gathered)
        bound, wanted = self._measures(*self.hits_and_alarms(*parts))
        return torch.where(bound >= self.least, wanted, 0).max()


def _recall(hits: Tensor) -> Tensor:
    return ratio(hits, hits.max())


def _precision(hits: Tensor, alarms: Tensor) -> Tensor:
    return ratio(hits, hits + alarms)


def _specificity(alarms: Tensor) -> Tensor:
    return ratio(alarms.max() - alarms, alarms.max())


class PrecisionAtRecall(_ConstrainedMetric):
    """Precision at the best threshold that finds enough.

    max over thresholds t with recall(t) >= ``recall`` of precision(t); 0 where there is
    none

    Exact by default, over every distinct score; with ``num_thresholds`` over as many
    even steps from 0 to 1, as in Keras 3 (whose default is 200).

    Integer labels for rows of several classes count as one-hot rows, all columns
    together; of two classes the second one is the positive one.

    Range: 0 to 1, higher is better; NaN before anything was seen.

    Args:
        recall: What must be reached, from 0 to 1.
        num_thresholds: `None` for every distinct score, else a number of at least 2;
            predictions must then lie between 0 and 1.
        class_id: The only column that counts; `None` for all.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, units), or (batch,)
        target: the same, up to a last axis of size 1; or integer labels (*batch)

    Raises:
        ConfigError: ``recall`` is not from 0 to 1, or fewer than 2 thresholds.
        ShapeError: The shapes do not fit; nothing is broadcast.

    Example:
        >>> import torch
        >>> metric = PrecisionAtRecall(0.75)
        >>> scores = torch.tensor([0.9, 0.6, 0.4, 0.1])
        >>> metric.update(scores, torch.tensor([1, 0, 1, 0]))
        >>> round(metric.compute().item(), 4)
        0.6667

    Source:
        van Rijsbergen 1979, Information retrieval, chapter 7; arguments as in Keras 3.
    """

    def __init__(
        self,
        recall: float,
        num_thresholds: int | None = None,
        *,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            recall,
            "recall",
            num_thresholds=num_thresholds,
            class_id=class_id,
            name=name,
        )

    def _measures(self, hits: Tensor, alarms: Tensor) -> tuple[Tensor, Tensor]:
        return _recall(hits), _precision(hits, alarms)


class RecallAtPrecision(_ConstrainedMetric):
    """Recall at the best threshold whose answers are right often enough.

    max over thresholds t with precision(t) >= ``precision`` of recall(t); 0 where there
    is none

    Exact by default, over every distinct score; with ``num_thresholds`` over as many
    even steps from 0 to 1, as in Keras 3 (whose default is 200).

    Integer labels for rows of several classes count as one-hot rows, all columns
    together; of two classes the second one is the positive one.

    Range: 0 to 1, higher is better; NaN before anything was seen.

    Args:
        precision: What must be reached, from 0 to 1.
        num_thresholds: `None` for every distinct score, else a number of at least 2;
            predictions must then lie between 0 and 1.
        class_id: The only column that counts; `None` for all.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, units), or (batch,)
        target: the same, up to a last axis of size 1; or integer labels (*batch)

    Raises:
        ConfigError: ``precision`` is not from 0 to 1, or fewer than 2 thresholds.
        ShapeError: The shapes do not fit; nothing is broadcast.

    Example:
        >>> import torch
        >>> metric = RecallAtPrecision(0.75)
        >>> scores = torch.tensor([0.9, 0.6, 0.4, 0.1])
        >>> metric.update(scores, torch.tensor([1, 0, 1, 0]))
        >>> metric.compute().item()
        0.5

    Source:
        van Rijsbergen 1979, Information retrieval, chapter 7; arguments as in Keras 3.
    """

    def __init__(
        self,
        precision: float,
        num_thresholds: int | None = None,
        *,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            precision,
            "precision",
            num_thresholds=num_thresholds,
            class_id=class_id,
            name=name,
        )

    def _measures(self, hits: Tensor, alarms: Tensor) -> tuple[Tensor, Tensor]:
        return _precision(hits, alarms), _recall(hits)


class SensitivityAtSpecificity(_ConstrainedMetric):
    """Sensitivity at the best threshold that seldom gives a false alarm.

    max over thresholds t with specificity(t) >= ``specificity`` of sensitivity(t),
    sensitivity = share of the positives found, specificity = share of the negatives
    left alone

    Exact by default, over every distinct score; with ``num_thresholds`` over as many
    even steps from 0 to 1, as in Keras 3 (whose default is 200).

    Integer labels for rows of several classes count as one-hot rows, all columns
    together; of two classes the second one is the positive one.

    Range: 0 to 1, higher is better; NaN before anything was seen.

    Args:
        specificity: What must be reached, from 0 to 1.
        num_thresholds: `None` for every distinct score, else a number of at least 2;
            predictions must then lie between 0 and 1.
        class_id: The only column that counts; `None` for all.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, units), or (batch,)
        target: the same, up to a last axis of size 1; or integer labels (*batch)

    Raises:
        ConfigError: ``specificity`` is not from 0 to 1, or fewer than 2 thresholds.
        ShapeError: The shapes do not fit; nothing is broadcast.

    Example:
        >>> import torch
        >>> metric = SensitivityAtSpecificity(0.75)
        >>> scores = torch.tensor([0.9, 0.6, 0.4, 0.1])
        >>> metric.update(scores, torch.tensor([1, 0, 1, 0]))
        >>> metric.compute().item()
        0.5

    Source:
        Yerushalmy 1947, Statistical problems in assessing methods of medical diagnosis;
        arguments as in Keras 3.
    """

    def __init__(
        self,
        specificity: float,
        num_thresholds: int | None = None,
        *,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            specificity,
            "specificity",
            num_thresholds=num_thresholds,
            class_id=class_id,
            name=name,
        )

    def _measures(self, hits: Tensor, alarms: Tensor) -> tuple[Tensor, Tensor]:
        return _specificity(alarms), _recall(hits)


class SpecificityAtSensitivity(_ConstrainedMetric):
    """Specificity at the best threshold that finds enough.

    max over thresholds t with sensitivity(t) >= ``sensitivity`` of specificity(t),
    sensitivity = share of the positives found, specificity = share of the negatives
    left alone

    Exact by default, over every distinct score; with ``num_thresholds`` over as many
    even steps from 0 to 1, as in Keras 3 (whose default is 200).

    Integer labels for rows of several classes count as one-hot rows, all columns
    together; of two classes the second one is the positive one.

    Range: 0 to 1, higher is better; NaN before anything was seen.

    Args:
        sensitivity: What must be reached, from 0 to 1.
        num_thresholds: `None` for every distinct score, else a number of at least 2;
            predictions must then lie between 0 and 1.
        class_id: The only column that counts; `None` for all.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, units), or (batch,)
        target: the same, up to a last axis of size 1; or integer labels (*batch)

    Raises:
        ConfigError: ``sensitivity`` is not from 0 to 1, or fewer than 2 thresholds.
        ShapeError: The shapes do not fit; nothing is broadcast.

    Example:
        >>> import torch
        >>> metric = SpecificityAtSensitivity(0.75)
        >>> scores = torch.tensor([0.9, 0.6, 0.4, 0.1])
        >>> metric.update(scores, torch.tensor([1, 0, 1, 0]))
        >>> metric.compute().item()
        0.5

    Source:
        Yerushalmy 1947, Statistical problems in assessing methods of medical diagnosis;
        arguments as in Keras 3.
    """

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int | None = None,
        *,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            sensitivity,
            "sensitivity",
            num_thresholds=num_thresholds,
            class_id=class_id,
            name=name,
        )

    def _measures(self, hits: Tensor, alarms: Tensor) -> tuple[Tensor, Tensor]:
        return _recall(hits), _specificity(alarms)
