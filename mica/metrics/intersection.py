"""Intersection over union: how much of two regions lies in both, class by class."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from mica.errors import ConfigError
from mica.metrics.matrix import count_pairs
from mica.metrics.metric import Metric, widest
from mica.pairing import align, detached, fit_weight

__all__ = ["BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU", "RegionMetric"]


class RegionMetric(Metric):
    """What the metrics of intersection over union share: a table of label and answer.

    IoU_k = n_kk / (sum_j n_kj + sum_i n_ik - n_kk), n_ij = entries of label i with
    answer j; the metric is the mean over the classes asked for that occur

    Entries whose label or answer is none of 0 ... num_classes - 1 do not count, as in
    Keras.

    Range: 0 to 1, higher is better.

    Args:
        num_classes: How many classes there are. At least 2.
        target_class_ids: The classes that count; `None` for all.
        ignore_class: A label whose entries do not count; `None` for none.
        sparse_y_true: Whether targets are class numbers, not one-hot rows.
        sparse_y_pred: Whether predictions are class numbers, not rows of scores. Rows
            of scores beside class numbers are recognised by their shape all the same.
        axis: Where classes lie in rows of scores and one-hot rows.
        name: As in `Metric`.

    Shape:
        prediction: (*batch), or (*batch, num_classes)
        target: (*batch), or (*batch, num_classes)

    Raises:
        ConfigError: ``num_classes`` is below 2, or a class that is none of them.
        ShapeError: The shapes do not fit.

    Example:
        >>> import torch
        >>> iou = MeanIoU(2)
        >>> iou.update(torch.tensor([0, 1, 1, 1]), torch.tensor([0, 0, 1, 1]))
        >>> iou.per_class()
        tensor([0.5000, 0.6667], dtype=torch.float64)

    Source:
        Jaccard 1912; Everingham et al. 2010, The PASCAL VOC challenge, section 4.3.
    """

    higher_is_better: ClassVar[bool | None] = True

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int] | None,
        *,
        ignore_class: int | None,
        sparse_y_true: bool,
        sparse_y_pred: bool,
        axis: int,
        name: str | None,
    ) -> None:
        super().__init__(name=name)
        if num_classes < 2:
            raise ConfigError(
                f"{self.where}: expected num_classes of at least 2, got {num_classes!r}"
                ". Background is a class too."
            )
        if target_class_ids is None:
            target_class_ids = range(num_classes)
        elif not target_class_ids or not all(
            0 <= each < num_classes for each in target_class_ids
        ):
            raise ConfigError(
                f"{self.where}: expected target_class_ids from 0 to {num_classes - 1}, "
                f"got {target_class_ids!r}. Name at least one class."
            )
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis

    def _has_rows(self, values: Tensor) -> bool:
        return values.ndim > 0 and values.shape[self.axis] == self.num_classes

    def _class_numbers(
        self, prediction: Tensor, target: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Answers and labels of one shape."""
        if not self.sparse_y_true:
            target = target.argmax(self.axis)
        elif (
            target.ndim == prediction.ndim
            and target.shape[self.axis] == 1
            and self._has_rows(prediction)
        ):
            target = target.squeeze(self.axis)
        has_more = prediction.ndim == target.ndim + 1 and self._has_rows(prediction)
        if not self.sparse_y_pred or has_more:
            prediction = prediction.argmax(self.axis)
        return prediction, align(prediction, target, self.name)

    def update(
        self,
        prediction: Shaped[Tensor, "..."],
        target: Shaped[Tensor, "..."],
        sample_weight: Tensor | None = None,
    ) -> None:
        """Count the entries of one batch."""
        prediction = detached(prediction, self.name)
        answers, labels = self._class_numbers(prediction, target)
        answers, labels = answers.long(), labels.long()
        weight = torch.ones_like(labels, dtype=widest(labels.device))
        if sample_weight is not None:
            weight = weight * fit_weight(sample_weight, weight, self.name)
        kept = (labels >= 0) & (labels < self.num_classes)
        kept = kept & (answers >= 0) & (answers < self.num_classes)
        if self.ignore_class is not None:
            kept = kept & (labels != self.ignore_class)
        matrix = count_pairs(
            labels.where(kept, 0),
            answers.where(kept, 0),
            self.num_classes,
            weight * kept,
        )
        self.add("matrix", matrix)

    def per_class(self) -> Float[Tensor, "classes"]:
        """Give the value of each class asked for.

        Returns:
            (classes,); NaN for a class that was neither label nor answer.
        """
        matrix = self.total("matrix")
        if matrix.ndim == 0:
            matrix = matrix.expand(self.num_classes, self.num_classes)
        both = matrix.diagonal()
        either = matrix.sum(0) + matrix.sum(1) - both
        return (both / either)[self.target_class_ids]

    def compute(self) -> Float[Tensor, ""]:
        """Average over the classes that occur."""
        return self.per_class().nanmean()


class IoU(RegionMetric):
    """Intersection over union of the classes asked for.

    IoU_k = n_kk / (sum_j n_kj + sum_i n_ik - n_kk), n_ij = entries of label i with
    answer j; the metric is the mean over ``target_class_ids`` that occur

    Range: 0 to 1, higher is better; NaN where none of the classes occurs.

    Args:
        num_classes: How many classes there are. At least 2.
        target_class_ids: The classes that count.
        ignore_class: A label whose entries do not count; `None` for none.
        sparse_y_true: As in `RegionMetric`.
        sparse_y_pred: As in `RegionMetric`.
        axis: As in `RegionMetric`.
        name: As in `Metric`.

    Shape:
        prediction: (*batch), or (*batch, num_classes)
        target: (*batch), or (*batch, num_classes) with ``sparse_y_true=False``

    Raises:
        ConfigError: ``num_classes`` is below 2, or a class that is none of them.
        ShapeError: The shapes do not fit.

    Example:
        >>> import torch
        >>> iou = IoU(2, [0])
        >>> iou.update(torch.tensor([0, 1, 1, 1]), torch.tensor([0, 0, 1, 1]))
        >>> iou.compute().item()
        0.5

    Source:
        Jaccard 1912; arguments as in Keras 3.
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        *,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
        name: str | None = None,
    ) -> None:
        super().__init__(
            num_classes,
            target_class_ids,
            ignore_class=ignore_class,
            sparse_y_true=sparse_y_true,
            sparse_y_pred=sparse_y_pred,
            axis=axis,
            name=name,
        )


class MeanIoU(RegionMetric):
    """Intersection over union, averaged over all classes that occur.

    IoU_k = n_kk / (sum_j n_kj + sum_i n_ik - n_kk), n_ij = entries of label i with
    answer j; the metric is the mean over the classes

    For segmentation: a map of class numbers, or the scores of a model of
    ``num_classes`` channels.

    Range: 0 to 1, higher is better; NaN before anything was seen.

    Args:
        num_classes: How many classes there are. At least 2.
        ignore_class: A label whose entries do not count; `None` for none.
        sparse_y_true: As in `RegionMetric`.
        sparse_y_pred: As in `RegionMetric`.
        axis: As in `RegionMetric`.
        name: As in `Metric`.

    Shape:
        prediction: (*batch), or (*batch, num_classes)
        target: (*batch), or (*batch, num_classes) with ``sparse_y_true=False``

    Raises:
        ConfigError: ``num_classes`` is below 2.
        ShapeError: The shapes do not fit.

    Example:
        >>> import torch
        >>> iou = MeanIoU(2)
        >>> iou.update(torch.tensor([0, 1, 1, 1]), torch.tensor([1, 0, 1, 1]))
        >>> iou.compute().item()
        0.25

    Source:
        Everingham et al. 2010, The PASCAL VOC challenge, section 4.3; arguments as in
        Keras 3.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
        name: str | None = None,
    ) -> None:
        super().__init__(
            num_classes,
            None,
            ignore_class=ignore_class,
            sparse_y_true=sparse_y_true,
            sparse_y_pred=sparse_y_pred,
            axis=axis,
            name=name,
        )


class OneHotIoU(RegionMetric):
    """Intersection over union of the classes asked for; labels as one-hot rows.

    IoU_k = n_kk / (sum_j n_kj + sum_i n_ik - n_kk), n_ij = entries of label i with
    answer j, each the largest of its row

    Range: 0 to 1, higher is better; NaN where none of the classes occurs.

    Args:
        num_classes: How many classes there are. At least 2.
        target_class_ids: The classes that count.
        ignore_class: A label whose entries do not count; `None` for none.
        sparse_y_pred: As in `RegionMetric`.
        axis: As in `RegionMetric`.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, num_classes)
        target: (*batch, num_classes)

    Raises:
        ConfigError: ``num_classes`` is below 2, or a class that is none of them.
        ShapeError: The shapes do not fit.

    Example:
        >>> import torch
        >>> iou = OneHotIoU(2, [1])
        >>> iou.update(torch.eye(2), torch.tensor([[0, 1], [0, 1]]))
        >>> iou.compute().item()
        0.5

    Source:
        Jaccard 1912; arguments as in Keras 3.
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        *,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
        name: str | None = None,
    ) -> None:
        super().__init__(
            num_classes,
            target_class_ids,
            ignore_class=ignore_class,
            sparse_y_true=False,
            sparse_y_pred=sparse_y_pred,
            axis=axis,
            name=name,
        )


class OneHotMeanIoU(RegionMetric):
    """Intersection over union, averaged over all classes; labels as one-hot rows.

    IoU_k = n_kk / (sum_j n_kj + sum_i n_ik - n_kk), n_ij = entries of label i with
    answer j, each the largest of its row

    Range: 0 to 1, higher is better; NaN before anything was seen.

    Args:
        num_classes: How many classes there are. At least 2.
        ignore_class: A label whose entries do not count; `None` for none.
        sparse_y_pred: As in `RegionMetric`.
        axis: As in `RegionMetric`.
        name: As in `Metric`.

    Shape:
        prediction: (*batch, num_classes)
        target: (*batch, num_classes)

    Raises:
        ConfigError: ``num_classes`` is below 2.
        ShapeError: The shapes do not fit.

    Example:
        >>> import torch
        >>> iou = OneHotMeanIoU(2)
        >>> iou.update(torch.eye(2), torch.tensor([[0, 1], [0, 1]]))
        >>> iou.compute().item()
        0.25

    Source:
        Everingham et al. 2010, The PASCAL VOC challenge, section 4.3; arguments as in
        Keras 3.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
        name: str | None = None,
    ) -> None:
        super().__init__(
            num_classes,
            None,
            ignore_class=ignore_class,
            sparse_y_true=False,
            sparse_y_pred=sparse_y_pred,
            axis=axis,
            name=name,
        )


class BinaryIoU(RegionMetric):
    """Intersection over union of "no" and "yes", decided by a threshold.

    IoU_k = n_kk / (sum_j n_kj + sum_i n_ik - n_kk), n_ij = entries of label i with
    answer j; the answer is 1 where the prediction is at least ``threshold``

    Range: 0 to 1, higher is better; NaN where none of the classes occurs.

    Args:
        target_class_ids: The classes that count: 0, 1 or both.
        threshold: From it on a prediction means yes. 0.5 for probabilities, 0 for
            logits.
        name: As in `Metric`.

    Shape:
        prediction: (batch, *rest)
        target: the same, up to a last axis of size 1

    Raises:
        ConfigError: A class other than 0 and 1.
        ShapeError: The shapes do not fit.

    Example:
        >>> import torch
        >>> iou = BinaryIoU()
        >>> iou.update(torch.tensor([0.1, 0.9, 0.8]), torch.tensor([0, 0, 1]))
        >>> iou.compute().item()
        0.5

    Source:
        Jaccard 1912; arguments as in Keras 3.
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(
            2,
            target_class_ids,
            ignore_class=None,
            sparse_y_true=True,
            sparse_y_pred=True,
            axis=-1,
            name=name,
        )
        self.threshold = float(threshold)

    def _class_numbers(
        self, prediction: Tensor, target: Tensor
    ) -> tuple[Tensor, Tensor]:
        answers = (prediction >= self.threshold).long()
        return answers, align(answers, target, self.name)
