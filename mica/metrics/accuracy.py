"""Accuracies: the share of answers that are right."""

from typing import ClassVar

from jaxtyping import Bool, Float, Int64, Shaped
from torch import Tensor

from mica.errors import ConfigError, DataError, ShapeError
from mica.metrics.metric import MeanMetric
from mica.pairing import align
from mica.shapes import describe

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "labels_for",
    "names_classes",
]


def labels_for(
    prediction: Shaped[Tensor, "*batch classes"],
    target: Shaped[Tensor, "..."],
    where: str,
) -> Int64[Tensor, "*batch"]:
    """Read integer labels that belong to rows of class scores.

    Args:
        prediction: A score for each class.
        target: One label per row, of any dtype.
        where: Who asks, for the error.

    Shape:
        prediction: (*batch, classes)
        target: (*batch) or (*batch, 1)

    Returns:
        The labels as int64 of shape (*batch).

    Raises:
        ShapeError: Another number of labels, or one-hot rows.

    Example:
        >>> import torch
        >>> labels_for(torch.zeros(2, 3), torch.tensor([[1.0], [2.0]]), "accuracy")
        tensor([1, 2])
    """
    if target.ndim == prediction.ndim and target.shape[-1] == 1:
        target = target.squeeze(-1)
    if target.shape != prediction.shape[:-1]:
        raise ShapeError(
            f"{where}: expected integer labels of shape "
            f"{describe(prediction.shape[:-1])} for predictions of shape "
            f"{describe(prediction.shape)}, got {describe(target.shape)}. For one-hot "
            "rows use the metric without 'sparse' in its name."
        )
    return target.long()


def names_classes(
    prediction: Shaped[Tensor, "..."], target: Shaped[Tensor, "..."]
) -> bool:
    """Whether targets are integer labels for rows of several class scores.

    Args:
        prediction: What the model gave.
        target: What it should have given.

    Shape:
        prediction: (*batch, classes)
        target: (*batch) or (*batch, 1) when the answer is yes

    Returns:
        True for labels, False for numbers of the predictions' shape.

    Example:
        >>> import torch
        >>> names_classes(torch.zeros(4, 3), torch.zeros(4))
        True
    """
    shape = prediction.shape
    if prediction.ndim < 2 or shape[-1] == 1:
        return False
    return target.shape in (shape[:-1], (*shape[:-1], 1))


def _one_hot_labels(prediction: Tensor, target: Tensor, where: str) -> Tensor:
    """The classes that one-hot rows name."""
    if target.shape != prediction.shape:
        raise ShapeError(
            f"{where}: expected one-hot rows of the predictions' shape "
            f"{describe(prediction.shape)}, got {describe(target.shape)}. For integer "
            "labels use the metric with 'sparse' in its name."
        )
    return target.argmax(-1)


class Accuracy(MeanMetric):
    """Share of predicted labels that are the true ones.

    accuracy = mean of [prediction = target]

    For predictions that are labels already, such as those of `decode` or of a rule.
    ``metrics=["accuracy"]`` asks for another one: the accuracy that fits the loss.

    Range: 0 to 1, higher is better.

    Args:
        name: As in `Metric`.

    Shape:
        prediction: (*batch): labels, of any dtype
        target: the same, up to a last axis of size 1

    Raises:
        ShapeError: The shapes differ.

    Example:
        >>> import torch
        >>> accuracy = Accuracy()
        >>> accuracy.update(torch.tensor([3, 1, 2, 0]), torch.tensor([3, 1, 0, 0]))
        >>> accuracy.compute().item()
        0.75

    Source:
        Definition as in Keras 3.
    """

    higher_is_better: ClassVar[bool | None] = True

    def values(
        self, prediction: Shaped[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Bool[Tensor, "..."]:
        """Tell which labels are right."""
        return prediction == align(prediction, target, self.name)


class BinaryAccuracy(MeanMetric):
    """Share of yes-or-no answers that are right.

    accuracy = mean of [(prediction > threshold) = (target > 0.5)]

    Range: 0 to 1, higher is better.

    Args:
        threshold: Above it a prediction means yes. 0.5 for probabilities; use 0 for
            logits and for scores of a margin loss.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, units), or (batch,)
        target: the same, up to a last axis of size 1; 0 and 1, or -1 and 1

    Raises:
        DataError: Before training, targets that are no answers to yes or no.

    Example:
        >>> import torch
        >>> accuracy = BinaryAccuracy()
        >>> accuracy.update(torch.tensor([[0.2], [0.7]]), torch.tensor([1, 1]))
        >>> accuracy.compute().item()
        0.5

    Source:
        Definition as in Keras 3.
    """

    higher_is_better: ClassVar[bool | None] = True

    def __init__(self, threshold: float = 0.5, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.threshold = float(threshold)

    def check_target(self, target: Shaped[Tensor, "..."]) -> None:
        """Refuse measured values, which an accuracy would silently cut in two."""
        wrong = (target > 1) | ((target < 0) & (target != -1))
        if wrong.any():
            row = int(wrong.nonzero()[0, 0])
            raise DataError(
                f"{self.name}: expected yes or no as targets (0 and 1, or -1 and 1), "
                f"got {target[wrong][0].item():g} at row {row}. For measured values "
                "use metrics such as 'mae' or 'r2_score'."
            )

    def values(
        self, prediction: Float[Tensor, "..."], target: Shaped[Tensor, "..."]
    ) -> Bool[Tensor, "..."]:
        """Tell which answers are right."""
        target = align(prediction, target, self.name)
        return (prediction > self.threshold) == (target > 0.5)


class CategoricalAccuracy(MeanMetric):
    """Share of rows whose largest prediction stands at the class of a one-hot row.

    accuracy = mean of [argmax prediction = argmax target]

    Range: 0 to 1, higher is better. Logits and probabilities give the same value.

    Args:
        name: As in `Metric`.

    Shape:
        prediction: (*batch, classes)
        target: (*batch, classes)

    Example:
        >>> import torch
        >>> accuracy = CategoricalAccuracy()
        >>> rows = torch.tensor([[0, 1], [1, 0]])
        >>> accuracy.update(torch.tensor([[0.2, 0.8], [0.4, 0.6]]), rows)
        >>> accuracy.compute().item()
        0.5

    Source:
        Definition as in Keras 3.
    """

    higher_is_better: ClassVar[bool | None] = True
    accepts_logits: ClassVar[bool] = True

    def values(
        self,
        prediction: Float[Tensor, "*batch classes"],
        target: Shaped[Tensor, "..."],
    ) -> Bool[Tensor, "*batch"]:
        """Tell which rows are right."""
        labels = _one_hot_labels(prediction, target, self.name)
        return prediction.argmax(-1) == labels


class SparseCategoricalAccuracy(MeanMetric):
    """Share of rows whose largest prediction stands at the label's class.

    accuracy = mean of [argmax prediction = target]

    Range: 0 to 1, higher is better. Logits and probabilities give the same value.

    Args:
        name: As in `Metric`.

    Shape:
        prediction: (*batch, classes)
        target: (*batch) or (*batch, 1): whole numbers

    Example:
        >>> import torch
        >>> accuracy = SparseCategoricalAccuracy()
        >>> scores = torch.tensor([[0.2, 0.8], [0.4, 0.6]])
        >>> accuracy.update(scores, torch.tensor([1, 0]))
        >>> accuracy.compute().item()
        0.5

    Source:
        Definition as in Keras 3.
    """

    higher_is_better: ClassVar[bool | None] = True
    accepts_logits: ClassVar[bool] = True

    def values(
        self,
        prediction: Float[Tensor, "*batch classes"],
        target: Shaped[Tensor, "..."],
    ) -> Bool[Tensor, "*batch"]:
        """Tell which rows are right."""
        return prediction.argmax(-1) == labels_for(prediction, target, self.name)


def _checked_k(k: object, where: str) -> int:
    if not isinstance(k, int) or isinstance(k, bool) or k < 1:
        raise ConfigError(
            f"{where}: expected k to be a whole number of at least 1, got {k!r}. 5 is "
            "the usual value."
        )
    return k


def _in_top(prediction: Tensor, labels: Tensor, k: int) -> Tensor:
    """Fewer than k classes have a larger prediction than the label's."""
    own = prediction.gather(-1, labels.unsqueeze(-1))
    # NOTE: counted so that NaN never wins: no comparison with it is true.
    beaten = (prediction <= own).sum(-1)
    return beaten > prediction.shape[-1] - k


class TopKCategoricalAccuracy(MeanMetric):
    """Share of rows whose class is among the k largest predictions.

    accuracy = mean of [number of classes with a larger prediction < k]

    Range: 0 to 1, higher is better. Logits and probabilities give the same value.

    Args:
        k: How many guesses are allowed. At least 1.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, classes)
        target: (*batch, classes): one-hot rows

    Raises:
        ConfigError: ``k`` is below 1.
        ShapeError: The shapes differ.

    Example:
        >>> import torch
        >>> accuracy = TopKCategoricalAccuracy(2)
        >>> rows = torch.tensor([[1, 0, 0], [0, 0, 1]])
        >>> scores = torch.tensor([[0.1, 0.3, 0.6], [0.2, 0.5, 0.3]])
        >>> accuracy.update(scores, rows)
        >>> accuracy.compute().item()
        0.5

    Source:
        Definition, ties included, as in Keras 3.
    """

    higher_is_better: ClassVar[bool | None] = True
    accepts_logits: ClassVar[bool] = True

    def __init__(self, k: int = 5, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.k = _checked_k(k, self.where)

    def values(
        self,
        prediction: Float[Tensor, "*batch classes"],
        target: Shaped[Tensor, "..."],
    ) -> Bool[Tensor, "*batch"]:
        """Tell which rows are right."""
        labels = _one_hot_labels(prediction, target, self.name)
        return _in_top(prediction, labels, self.k)


class SparseTopKCategoricalAccuracy(MeanMetric):
    """Share of rows whose label is among the k largest predictions.

    accuracy = mean of [number of classes with a larger prediction < k]

    Range: 0 to 1, higher is better. Logits and probabilities give the same value.

    Args:
        k: How many guesses are allowed. At least 1.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, classes)
        target: (*batch) or (*batch, 1): whole numbers

    Raises:
        ConfigError: ``k`` is below 1.
        ShapeError: Another number of labels.

    Example:
        >>> import torch
        >>> accuracy = SparseTopKCategoricalAccuracy(2)
        >>> scores = torch.tensor([[0.1, 0.3, 0.6], [0.2, 0.5, 0.3]])
        >>> accuracy.update(scores, torch.tensor([0, 2]))
        >>> accuracy.compute().item()
        0.5

    Source:
        Definition, ties included, as in Keras 3.
    """

    higher_is_better: ClassVar[bool | None] = True
    accepts_logits: ClassVar[bool] = True

    def __init__(self, k: int = 5, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.k = _checked_k(k, self.where)

    def values(
        self,
        prediction: Float[Tensor, "*batch classes"],
        target: Shaped[Tensor, "..."],
    ) -> Bool[Tensor, "*batch"]:
        """Tell which rows are right."""
        labels = labels_for(prediction, target, self.name)
        return _in_top(prediction, labels, self.k)
