"""Metrics of a table: how often label i was answered by class j."""

from typing import ClassVar, Literal, get_args

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from mica.errors import ConfigError
from mica.metrics.accuracy import labels_for, names_classes
from mica.metrics.metric import Metric, ratio, widest
from mica.pairing import align, detached, fit_weight

__all__ = [
    "CohenKappa",
    "MatthewsCorrelation",
    "Weighting",
    "class_answers",
    "count_pairs",
]

Weighting = Literal["linear", "quadratic"]
_WEIGHTINGS = get_args(Weighting)


def class_answers(
    prediction: Tensor, target: Tensor, threshold: float, where: str
) -> tuple[Tensor, Tensor, int]:
    """Read class numbers from scores and labels of any usual form.

    Args:
        prediction: Scores of several classes, or of "yes" in a single column.
        target: Integer labels, one-hot rows, or answers to a single column.
        threshold: Above it a single column means class 1.
        where: Who asks, for the error.

    Shape:
        prediction: (*batch, classes), (*batch, 1) or (batch,)
        target: (*batch), (*batch, 1) or (*batch, classes)

    Returns:
        Answers and labels of shape (*batch), and the number of classes.

    Raises:
        ShapeError: The shapes do not fit.

    Example:
        >>> class_answers(torch.eye(2), torch.tensor([0, 0]), 0.5, "metric")
        (tensor([0, 1]), tensor([0, 0]), 2)
    """
    if names_classes(prediction, target):
        labels = labels_for(prediction, target, where)
        return prediction.argmax(-1), labels, prediction.shape[-1]
    target = align(prediction, target, where)
    if prediction.ndim > 1 and prediction.shape[-1] > 1:
        return prediction.argmax(-1), target.argmax(-1), prediction.shape[-1]
    answers, labels = (prediction > threshold).long(), (target > 0.5).long()
    if prediction.ndim > 1:
        answers, labels = answers.squeeze(-1), labels.squeeze(-1)
    return answers, labels, 2


def count_pairs(
    labels: Tensor, answers: Tensor, classes: int, weight: Tensor | None
) -> Tensor:
    """Count how often each label met each answer, without waiting for a device.

    Args:
        labels: Class numbers from 0 to classes - 1.
        answers: The same for what was answered.
        classes: How many classes there are.
        weight: What each pair counts; `None` for 1.

    Shape:
        labels: (*batch)
        answers: (*batch)
        weight: (*batch)

    Returns:
        (classes, classes): rows are labels, columns answers.

    Example:
        >>> count_pairs(torch.tensor([0, 1]), torch.tensor([1, 1]), 2, None)
        tensor([[0., 1.],
                [0., 1.]], dtype=torch.float64)
    """
    places = (labels.long() * classes + answers.long()).reshape(-1)
    wide = widest(places.device)
    amounts = torch.ones_like(places, dtype=wide)
    if weight is not None:
        amounts = weight.to(wide).reshape(-1)
    empty = torch.zeros(classes * classes, dtype=wide, device=places.device)
    # index_add, not bincount: bincount waits for the device.
    return empty.index_add(0, places, amounts).reshape(classes, classes)


class _AgreementMetric(Metric):
    """What kappa and Matthews's coefficient share: the table of labels and answers."""

    higher_is_better: ClassVar[bool | None] = True

    def __init__(self, *, threshold: float, name: str | None) -> None:
        super().__init__(name=name)
        self.threshold = float(threshold)

    def update(
        self,
        prediction: Float[Tensor, "..."],
        target: Shaped[Tensor, "..."],
        sample_weight: Tensor | None = None,
    ) -> None:
        """Count the answers of one batch."""
        prediction = detached(prediction, self.name)
        answers, labels, classes = class_answers(
            prediction, target, self.threshold, self.name
        )
        weight = None
        if sample_weight is not None:
            weight = torch.ones_like(labels, dtype=widest(labels.device))
            weight = weight * fit_weight(sample_weight, weight, self.name)
        self.add("matrix", count_pairs(labels, answers, classes, weight))


class CohenKappa(_AgreementMetric):
    """Agreement of answers and labels beyond what chance would give.

    kappa = 1 - sum_ij w_ij O_ij / sum_ij w_ij E_ij, O = counts of label i and answer j,
    E_ij = count of label i * count of answer j / number of samples,
    w_ij = 1 where i and j differ ("linear": |i - j|, "quadratic": (i - j)^2), else 0

    Range: -1 to 1, higher is better; 0 is chance. NaN when labels and answers are all
    one class, where chance could not do otherwise.

    Args:
        weighting: `None` counts all mistakes alike; "linear" or "quadratic" for classes
            in an order, where a near miss is half right.
        threshold: Above it a single column means yes.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, classes), (*batch, 1) or (batch,)
        target: integer labels (*batch), one-hot rows, or answers to a single column

    Raises:
        ConfigError: Another weighting.
        ShapeError: The shapes do not fit.

    Example:
        >>> import torch
        >>> kappa = CohenKappa()
        >>> kappa.update(torch.tensor([0.9, 0.8, 0.3, 0.1]), torch.tensor([1, 0, 0, 0]))
        >>> kappa.compute().item()
        0.5

    Source:
        Cohen 1960, A coefficient of agreement for nominal scales; Cohen 1968, Weighted
        kappa.
    """

    def __init__(
        self,
        weighting: Weighting | None = None,
        *,
        threshold: float = 0.5,
        name: str | None = None,
    ) -> None:
        super().__init__(threshold=threshold, name=name)
        if weighting is not None and weighting not in _WEIGHTINGS:
            raise ConfigError(
                f"CohenKappa: expected weighting out of {', '.join(_WEIGHTINGS)} or "
                f"None, got {weighting!r}. None counts all mistakes alike."
            )
        self.weighting: Weighting | None = weighting

    def compute(self) -> Float[Tensor, ""]:
        """Compare what was counted with what chance would give."""
        if not self._state:
            return torch.tensor(torch.nan, dtype=torch.float64)
        matrix = self.total("matrix")
        places = torch.arange(len(matrix), device=matrix.device)
        apart = (places.unsqueeze(1) - places).abs().to(matrix.dtype)
        if self.weighting is None:
            apart = apart.clamp_max(1)
        elif self.weighting == "quadratic":
            apart = apart.square()
        expected = matrix.sum(1, keepdim=True) * matrix.sum(0) / matrix.sum()
        return 1 - (apart * matrix).sum() / (apart * expected).sum()


class MatthewsCorrelation(_AgreementMetric):
    """Correlation of answers and labels, fair to classes of any size.

    r = (c n - sum_k a_k l_k) / sqrt((n^2 - sum_k a_k^2) (n^2 - sum_k l_k^2)),
    c = right answers, n = samples, a_k = answers k, l_k = labels k;
    0 where a root is 0

    Range: -1 to 1, higher is better; 0 is chance.

    Args:
        threshold: Above it a single column means yes.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, classes), (*batch, 1) or (batch,)
        target: integer labels (*batch), one-hot rows, or answers to a single column

    Raises:
        ShapeError: The shapes do not fit.

    Example:
        >>> import torch
        >>> metric = MatthewsCorrelation()
        >>> metric.update(torch.tensor([0.9, 0.8, 0.3]), torch.tensor([1, 0, 0]))
        >>> metric.compute().item()
        0.5

    Source:
        Matthews 1975; for several classes Gorodkin 2004, eq. 8.
    """

    def __init__(self, *, threshold: float = 0.5, name: str | None = None) -> None:
        super().__init__(threshold=threshold, name=name)

    def compute(self) -> Float[Tensor, ""]:
        """Correlate."""
        if not self._state:
            return torch.tensor(torch.nan, dtype=torch.float64)
        matrix = self.total("matrix")
        labels, answers, size = matrix.sum(1), matrix.sum(0), matrix.sum()
        common = matrix.trace() * size - (labels * answers).sum()
        spread = (size**2 - answers.square().sum()) * (size**2 - labels.square().sum())
        return ratio(common, spread.clamp_min(0).sqrt())
