"""Mean average precision: how well boxes around objects are found and ranked."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from mica.errors import ConfigError, DataError, ShapeError
from mica.metrics.keeping import KeepingMetric
from mica.metrics.metric import ratio, widest
from mica.metrics.scores import counts_by_score
from mica.shapes import describe

__all__ = ["MeanAveragePrecision", "box_overlaps"]

_OVERLAPS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))  # COCO's
_RECALLS = 101  # COCO reads the curve at 0, 0.01, ... 1
_BOX = 4  # numbers of a box: left, top, right, bottom


def box_overlaps(
    left: Float[Tensor, "first 4"], right: Float[Tensor, "second 4"]
) -> Float[Tensor, "first second"]:
    """Give the intersection over union of each box with each other one.

    Args:
        left: Boxes as left, top, right, bottom.
        right: Boxes of the same form.

    Shape:
        left: (first, 4)
        right: (second, 4)

    Returns:
        (first, second), from 0 to 1.

    Example:
        >>> box = torch.tensor([[0.0, 0.0, 2.0, 2.0]])
        >>> box_overlaps(box, torch.tensor([[1.0, 0.0, 3.0, 2.0]]))
        tensor([[0.3333]])
    """
    low = torch.maximum(left[:, None, :2], right[None, :, :2])
    high = torch.minimum(left[:, None, 2:], right[None, :, 2:])
    common = (high - low).clamp_min(0).prod(-1)
    areas = [(each[:, 2:] - each[:, :2]).prod(-1) for each in (left, right)]
    return ratio(common, areas[0][:, None] + areas[1] - common)


def _matched(overlaps: Tensor, least: float) -> list[bool]:
    """Whether each box, best score first, gets a true box nobody got before it."""
    free = torch.ones(overlaps.shape[1], dtype=torch.bool)
    hits = []
    for row in overlaps:
        open_row = row.where(free, -1.0)
        best = int(open_row.argmax()) if len(open_row) else -1
        hit = best >= 0 and bool(open_row[best] >= least)
        if hit:
            free[best] = False
        hits.append(hit)
    return hits


class MeanAveragePrecision(KeepingMetric):
    """Area under precision over recall of found boxes, averaged over all classes.

    AP = mean over recall r = 0, 0.01 ... 1 of the largest precision at a recall of at
    least r; the metric is its mean over classes that have true boxes and over the
    overlaps demanded

    A box is a hit when it overlaps a true box of its class, which no box of a higher
    score has taken, by at least the overlap demanded (intersection over union).
    Boxes of one score enter the curve together, so that no order matters.

    Range: 0 to 1, higher is better. NaN while no true box was seen.

    Args:
        overlaps: The overlaps demanded, between 0 and 1; one number or several. 0.5 is
            PASCAL VOC's, the default COCO's.
        max_detections: How many boxes of each image and class count, best first.
        name: As in `Metric`.

    Shape:
        prediction: (batch, boxes, 6), or one (boxes, 6) per image: left, top, right,
            bottom, score, class; rows of a class below 0 are padding
        target: (batch, boxes, 5), or one (boxes, 5) per image: left, top, right,
            bottom, class; rows of a class below 0 are padding

    Raises:
        ConfigError: An overlap that is not above 0 and at most 1, or no detections.
        ShapeError: Boxes of another form.
        DataError: Not as many targets as predictions.

    Example:
        >>> metric = MeanAveragePrecision(0.5)
        >>> boxes = torch.tensor([[[0.0, 0, 2, 2, 0.9, 0], [5.0, 5, 6, 6, 0.8, 0]]])
        >>> metric.update(boxes, torch.tensor([[[0.0, 0, 2, 2, 0]]]))
        >>> metric.compute().item()
        1.0

    Source:
        Everingham et al. 2010, The PASCAL VOC challenge, section 4.2; Lin et al. 2014,
        Microsoft COCO, for overlaps and recalls.
    """

    higher_is_better: ClassVar[bool | None] = True

    def __init__(
        self,
        overlaps: float | Sequence[float] = _OVERLAPS,
        *,
        max_detections: int = 100,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        listed = [overlaps] if isinstance(overlaps, (int, float)) else list(overlaps)
        if not listed or not all(0 < each <= 1 for each in listed):
            raise ConfigError(
                f"MeanAveragePrecision: expected overlaps above 0 and at most 1, got "
                f"{overlaps!r}. 0.5 is the usual one."
            )
        if max_detections < 1:
            raise ConfigError(
                f"MeanAveragePrecision: expected max_detections of at least 1, got "
                f"{max_detections!r}. 100 is COCO's."
            )
        self.overlaps = listed
        self.max_detections = max_detections

    def _boxes(self, given: Any, columns: int) -> list[Tensor]:
        """The boxes of each image on the host, padding left out."""
        images = []
        for image in given:
            if image.ndim != 2 or image.shape[-1] != columns:
                what = "score and class" if columns > _BOX + 1 else "class"
                raise ShapeError(
                    f"{self.name}: expected boxes of shape (boxes, {columns}), "
                    f"corners, {what}, got {describe(image.shape)}. Give one such "
                    "tensor for each image."
                )
            image = image.detach().cpu().to(torch.float64)
            images.append(image[image[:, -1] >= 0])
        return images

    def update(
        self, prediction: Any, target: Any, sample_weight: Tensor | None = None
    ) -> None:
        """Match the boxes of one batch of images."""
        found = self._boxes(prediction, _BOX + 2)
        true = self._boxes(target, _BOX + 1)
        if len(found) != len(true):
            raise DataError(
                f"{self.name}: expected true boxes for each of {len(found)} images, "
                f"got {len(true)}. Give an empty tensor for an image without any."
            )
        weights = [1.0] * len(true)
        if sample_weight is not None:
            weights = sample_weight.reshape(-1).tolist()
        for boxes, truths, weight in zip(found, true, weights, strict=True):
            self._match_image(boxes, truths, weight)

    def _match_image(self, found: Tensor, true: Tensor, weight: float) -> None:
        parts = [found.new_zeros(0, 2 + len(self.overlaps))]
        for label in found[:, -1].unique():
            boxes = found[found[:, -1] == label]
            order = boxes[:, _BOX].argsort(descending=True, stable=True)
            boxes = boxes[order[: self.max_detections]]
            overlaps = box_overlaps(
                boxes[:, :_BOX], true[true[:, -1] == label][:, :_BOX]
            )
            hits = [_matched(overlaps, least) for least in self.overlaps]
            columns = torch.tensor(hits, dtype=boxes.dtype).reshape(len(hits), -1).T
            parts.append(torch.cat([boxes[:, _BOX:], columns], dim=1))
        rows = torch.cat(parts)
        self.keep(
            found=rows,
            found_weight=rows.new_full((len(rows),), weight),
            true=true[:, -1],
            true_weight=true.new_full((len(true),), weight),
        )

    def per_class(self) -> dict[int, float]:
        """Give the average precision of each class that has true boxes.

        Returns:
            A number for each class, the mean over the overlaps demanded.
        """
        gathered = self.state()
        if not gathered:
            return {}
        classes = gathered["true"].unique().tolist()
        return {int(label): self._class_value(gathered, label) for label in classes}

    def _class_value(self, gathered: dict[str, Tensor], label: float) -> float:
        ours = gathered["found"][:, 1] == label
        rows, weight = gathered["found"][ours], gathered["found_weight"][ours]
        whole = gathered["true_weight"][gathered["true"] == label].sum()
        if not len(rows) or whole == 0:
            return 0.0
        values = [
            _average_precision(rows[:, 0], column > 0, weight, whole)
            for column in rows[:, 2:].T
        ]
        return float(torch.stack(values).mean())

    def compute(self) -> Float[Tensor, ""]:
        """Average over the classes."""
        values = list(self.per_class().values())
        if not values:
            return torch.tensor(torch.nan, dtype=widest(torch.device("cpu")))
        return torch.tensor(values, dtype=torch.float64).mean()


def _average_precision(
    scores: Tensor, hits: Tensor, weight: Tensor, whole: Tensor
) -> Tensor:
    """Mean of the falling hull of precision at even steps of recall."""
    positives, negatives = counts_by_score(scores, hits, weight)
    recall = positives / whole
    precision = ratio(positives, positives + negatives)
    hull = precision.flip(0).cummax(0).values.flip(0)
    steps = torch.linspace(0, 1, _RECALLS, dtype=recall.dtype)
    # NOTE: sums of weights may miss 1 by a rounding; the last step must find them.
    place = torch.searchsorted(recall + 1e-12, steps)
    reached = torch.cat([hull, hull.new_zeros(1)])
    return reached[place].mean()
