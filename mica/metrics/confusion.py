"""Precision, recall and F1: counted hits, false alarms and misses of each class."""

from typing import ClassVar, Literal, get_args

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from mica.errors import ConfigError
from mica.metrics.accuracy import labels_for, names_classes
from mica.metrics.metric import Metric, ratio, widest
from mica.pairing import align, detached, fit_weight

__all__ = [
    "Average",
    "ConfusionMetric",
    "F1Score",
    "FBetaScore",
    "Precision",
    "Recall",
    "checked_threshold",
]

Average = Literal["macro", "micro", "weighted"]
_AVERAGES = get_args(Average)
_COUNTS = ("hits", "chosen", "actual")


def checked_threshold(threshold: object, where: str) -> float:
    """Demand one number.

    Args:
        threshold: What the user gave.
        where: Who asks, for the error.

    Returns:
        The threshold.

    Raises:
        ConfigError: It is no number.

    Example:
        >>> checked_threshold(0, "Recall")
        0.0
    """
    if isinstance(threshold, bool) or not isinstance(threshold, (int, float)):
        raise ConfigError(
            f"{where}: expected one number as threshold, got {threshold!r}. Make one "
            f"{where} for each threshold."
        )
    return float(threshold)


class ConfusionMetric(Metric):
    """What precision, recall and F1 share: three counts for each class.

    hits_k = right answers k, chosen_k = answers k, actual_k = samples of class k

    Integer labels for rows of several classes are compared with the largest
    prediction of each row. Targets of the predictions' shape are compared number by
    number with a threshold. Which of the two it was is kept with the counts.

    Range: 0 to 1, higher is better.

    Args:
        threshold: Above it a prediction means yes; `None` takes the largest prediction
            of a row of several.
        average: As in `Precision`.
        class_id: As in `Precision`.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, classes), or (batch,)
        target: the same, up to a last axis of size 1; or integer labels (*batch)

    Raises:
        ConfigError: An unknown average, or a threshold that is not a number.
        ShapeError: The shapes do not fit; nothing is broadcast.

    Example:
        >>> import torch
        >>> recall = Recall()
        >>> recall.update(torch.tensor([0.9, 0.4]), torch.tensor([1, 1]))
        >>> recall.per_class()
        tensor([0.5000], dtype=torch.float64)

    Source:
        van Rijsbergen 1979, Information retrieval, chapter 7.
    """

    higher_is_better: ClassVar[bool | None] = True

    def __init__(
        self,
        *,
        threshold: float | None,
        average: Average | None,
        class_id: int | None,
        name: str | None,
    ) -> None:
        super().__init__(name=name)
        if average is not None and average not in _AVERAGES:
            raise ConfigError(
                f"{self.where}: expected average out of {', '.join(_AVERAGES)} or None,"
                f" got {average!r}. 'macro' counts every class the same."
            )
        self.average: Average | None = average
        self.class_id = class_id
        self.threshold = threshold

    def update(
        self,
        prediction: Float[Tensor, "..."],
        target: Shaped[Tensor, "..."],
        sample_weight: Tensor | None = None,
    ) -> None:
        """Count the answers of one batch."""
        prediction = detached(prediction, self.name)
        if names_classes(prediction, target):
            labels = labels_for(prediction, target, self.name)
            self._count_labels(prediction, labels, sample_weight)
            return
        target = align(prediction, target, self.name) > 0.5
        several = prediction.ndim > 1 and prediction.shape[-1] > 1
        if self.threshold is None and several:
            classes = torch.arange(prediction.shape[-1], device=prediction.device)
            chosen = prediction.argmax(-1, keepdim=True) == classes
            self._count_answers("labels", chosen, target, sample_weight)
        else:
            cut = 0.5 if self.threshold is None else self.threshold
            self._count_answers("answers", prediction > cut, target, sample_weight)

    def _count_labels(
        self, prediction: Tensor, labels: Tensor, sample_weight: Tensor | None
    ) -> None:
        """Count rows by their label and by their largest prediction."""
        wide = widest(prediction.device)
        weight = torch.ones_like(labels, dtype=wide)
        if sample_weight is not None:
            weight = weight * fit_weight(sample_weight, labels, self.name)
        best, labels = prediction.argmax(-1).reshape(-1), labels.reshape(-1)
        weight = weight.reshape(-1)
        # index_add, not bincount: bincount waits for the device.
        empty = torch.zeros(prediction.shape[-1], dtype=wide, device=labels.device)
        hits = weight * (best == labels)
        self.add("labels hits", empty.index_add(0, labels, hits))
        self.add("labels chosen", empty.index_add(0, best, weight))
        self.add("labels actual", empty.index_add(0, labels, weight))

    def _count_answers(
        self, kind: str, chosen: Tensor, actual: Tensor, sample_weight: Tensor | None
    ) -> None:
        """Count answers column by column."""
        wide = widest(chosen.device)
        columns = chosen.shape[-1] if chosen.ndim > 1 else 1
        counts = (chosen & actual, chosen, actual)
        for name, flags in zip(_COUNTS, counts, strict=True):
            if sample_weight is None:
                amounts = flags.to(wide)
            else:
                weight = fit_weight(sample_weight, flags, self.name)
                amounts = flags * weight.to(wide)
            self.add(f"{kind} {name}", amounts.reshape(-1, columns).sum(0))

    def _scores(self, hits: Tensor, chosen: Tensor, actual: Tensor) -> Tensor:
        """The metric from counts of one class or of several."""
        raise NotImplementedError

    def _counts(self) -> tuple[Tensor, Tensor, Tensor]:
        kind = "labels" if self._counts_labels() else "answers"
        hits, chosen, actual = (self.total(f"{kind} {name}") for name in _COUNTS)
        return hits, chosen, actual

    def _counts_labels(self) -> bool:
        return "labels hits" in self._state

    def per_class(self) -> Float[Tensor, "*classes"]:
        """Give the metric of each class or column.

        Returns:
            (classes,); 0 for a class that was never seen and never answered.
        """
        return self._scores(*self._counts())

    def compute(self) -> Float[Tensor, ""]:
        """Average over the classes."""
        if not self._state:
            return torch.tensor(torch.nan, dtype=torch.float64)
        hits, chosen, actual = self._counts()
        if self.class_id is not None:
            return self.per_class()[self.class_id]
        average = self.average or ("macro" if self._counts_labels() else "micro")
        if average == "micro":
            return self._scores(hits.sum(), chosen.sum(), actual.sum())
        scores = self._scores(hits, chosen, actual)
        if average == "weighted":
            return ratio((scores * actual).sum(), actual.sum())
        # A class nobody saw or answered has no score; a column of answers always has.
        present = chosen + actual > 0 if self._counts_labels() else chosen == chosen
        return ratio((scores * present).sum(), present.sum().to(scores.dtype))


class Precision(ConfusionMetric):
    """Share of the answers "yes" (or "class k") that are right.

    precision = hits / chosen; 0 when nothing was chosen

    With integer labels for several classes it is computed for each class from the
    largest prediction, and averaged over the classes that occur ("macro"). With
    targets of the predictions' shape all numbers count together ("micro"), as in Keras.

    Range: 0 to 1, higher is better.

    Args:
        thresholds: Above it a prediction means yes; one number. 0.5 for probabilities,
            0 for logits. Not used with integer labels.
        class_id: The only class that counts; `None` for all.
        average: "macro" weighs every class the same, "weighted" by how often it
            occurs, "micro" counts all answers together; `None` decides as said above.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, classes), or (batch,)
        target: the same, up to a last axis of size 1; or integer labels (*batch)

    Raises:
        ConfigError: An unknown average, or a threshold that is not a number.
        ShapeError: The shapes do not fit; nothing is broadcast.

    Example:
        >>> import torch
        >>> precision = Precision()
        >>> precision.update(torch.tensor([0.9, 0.8, 0.3]), torch.tensor([1, 0, 1]))
        >>> precision.compute().item()
        0.5

    Source:
        van Rijsbergen 1979, Information retrieval, chapter 7. Averages as in
        scikit-learn.
    """

    def __init__(
        self,
        thresholds: float = 0.5,
        *,
        class_id: int | None = None,
        average: Average | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            threshold=checked_threshold(thresholds, "Precision"),
            average=average,
            class_id=class_id,
            name=name,
        )

    def _scores(self, hits: Tensor, chosen: Tensor, actual: Tensor) -> Tensor:
        return ratio(hits, chosen)


class Recall(ConfusionMetric):
    """Share of the samples that are "yes" (or "class k") that were found.

    recall = hits / actual; 0 when there was nothing to find

    With integer labels for several classes it is computed for each class from the
    largest prediction, and averaged over the classes that occur ("macro"). With
    targets of the predictions' shape all numbers count together ("micro"), as in Keras.

    Range: 0 to 1, higher is better.

    Args:
        thresholds: Above it a prediction means yes; one number. 0.5 for probabilities,
            0 for logits. Not used with integer labels.
        class_id: The only class that counts; `None` for all.
        average: "macro" weighs every class the same, "weighted" by how often it
            occurs, "micro" counts all answers together; `None` decides as said above.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, classes), or (batch,)
        target: the same, up to a last axis of size 1; or integer labels (*batch)

    Raises:
        ConfigError: An unknown average, or a threshold that is not a number.
        ShapeError: The shapes do not fit; nothing is broadcast.

    Example:
        >>> import torch
        >>> recall = Recall()
        >>> recall.update(torch.tensor([0.9, 0.8, 0.3]), torch.tensor([1, 0, 1]))
        >>> recall.compute().item()
        0.5

    Source:
        van Rijsbergen 1979, Information retrieval, chapter 7. Averages as in
        scikit-learn.
    """

    def __init__(
        self,
        thresholds: float = 0.5,
        *,
        class_id: int | None = None,
        average: Average | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            threshold=checked_threshold(thresholds, "Recall"),
            average=average,
            class_id=class_id,
            name=name,
        )

    def _scores(self, hits: Tensor, chosen: Tensor, actual: Tensor) -> Tensor:
        return ratio(hits, actual)


class F1Score(ConfusionMetric):
    """Harmonic mean of precision and recall.

    F1 = 2 hits / (chosen + actual); 0 when both are 0

    Range: 0 to 1, higher is better.

    Keras 3 adds 1e-7 to each divisor and gives one value per class by default; here
    the formula is exact, as in scikit-learn, and the default is the mean over the
    classes that occur (`per_class()` gives them all).

    Args:
        average: "macro" weighs every class the same, "weighted" by how often it
            occurs, "micro" counts all answers together.
        threshold: Above it a prediction means yes. `None` takes the largest prediction
            of a row of several classes, and 0.5 for a single column. Set it (0.5)
            where several classes can be right at once.
        class_id: The only class that counts; `None` for all.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, classes), or (batch,)
        target: the same, up to a last axis of size 1; or integer labels (*batch)

    Raises:
        ConfigError: An unknown average, or a threshold that is not a number.
        ShapeError: The shapes do not fit; nothing is broadcast.

    Example:
        >>> import torch
        >>> score = F1Score()
        >>> score.update(torch.tensor([0.9, 0.8, 0.3]), torch.tensor([1, 0, 1]))
        >>> score.compute().item()
        0.5

    Source:
        van Rijsbergen 1979, Information retrieval, chapter 7. Averages as in
        scikit-learn.
    """

    def __init__(
        self,
        average: Average = "macro",
        threshold: float | None = None,
        *,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        if threshold is not None:
            threshold = checked_threshold(threshold, "F1Score")
        super().__init__(
            threshold=threshold, average=average, class_id=class_id, name=name
        )

    def _scores(self, hits: Tensor, chosen: Tensor, actual: Tensor) -> Tensor:
        return ratio(2 * hits, chosen + actual)


class FBetaScore(ConfusionMetric):
    """Weighed harmonic mean of precision and recall.

    F = (1 + b^2) hits / (b^2 actual + chosen), b = ``beta``; 0 when both are 0

    With beta = 2 recall counts twice as much as precision, with 0.5 half as much, with
    1 it is `F1Score`.

    Range: 0 to 1, higher is better.

    Keras 3 adds 1e-7 to each divisor and gives one value per class by default; here
    the formula is exact, and the default is the mean over the classes that occur.

    Args:
        beta: How many times as much recall counts as precision. Above 0.
        average: As in `F1Score`.
        threshold: As in `F1Score`.
        class_id: The only class that counts; `None` for all.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, classes), or (batch,)
        target: the same, up to a last axis of size 1; or integer labels (*batch)

    Raises:
        ConfigError: ``beta`` is not above 0, an unknown average, or a threshold that is
            not a number.
        ShapeError: The shapes do not fit; nothing is broadcast.

    Example:
        >>> import torch
        >>> score = FBetaScore(2.0)
        >>> score.update(torch.tensor([0.9, 0.3, 0.3]), torch.tensor([1, 0, 1]))
        >>> round(score.compute().item(), 4)
        0.5556

    Source:
        van Rijsbergen 1979, Information retrieval, chapter 7. Averages as in
        scikit-learn.
    """

    def __init__(
        self,
        beta: float = 1.0,
        *,
        average: Average = "macro",
        threshold: float | None = None,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        if threshold is not None:
            threshold = checked_threshold(threshold, "FBetaScore")
        super().__init__(
            threshold=threshold, average=average, class_id=class_id, name=name
        )
        if not beta > 0:
            raise ConfigError(
                f"FBetaScore: expected beta above 0, got {beta!r}. 1.0 weighs "
                "precision and recall alike."
            )
        self.beta = float(beta)

    def _scores(self, hits: Tensor, chosen: Tensor, actual: Tensor) -> Tensor:
        square = self.beta**2
        return ratio((1 + square) * hits, square * actual + chosen)
