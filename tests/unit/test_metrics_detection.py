"""Mean average precision matches boxes, ranks them and averages as COCO does."""

import re

import numpy as np
import pytest
import torch

from mica import metrics
from mica.errors import ConfigError, DataError, ShapeError
from mica.metrics.detection import box_overlaps
from tests.tolerances import assert_close


def seen(found, true, **arguments):
    metric = metrics.MeanAveragePrecision(**{"overlaps": 0.5, **arguments})
    metric.update(found, true)
    return metric


BOX = [0.0, 0.0, 2.0, 2.0]
AWAY = [5.0, 5.0, 6.0, 6.0]


def boxes(*rows):
    return [torch.tensor(rows, dtype=torch.float64).reshape(len(rows), -1)]


def test_overlaps_are_shares_of_the_common_area():
    left = torch.tensor([BOX, AWAY])
    right = torch.tensor([[1.0, 1.0, 3.0, 3.0], BOX, [2.0, 0.0, 4.0, 2.0]])
    overlaps = box_overlaps(left, right)
    assert_close(overlaps, torch.tensor([[1 / 7, 1.0, 0.0], [0.0, 0.0, 0.0]]))


def test_a_box_is_found_once():
    found = boxes([*BOX, 0.9, 0], [*BOX, 0.8, 0])
    true = boxes([*BOX, 0], [*AWAY, 0])
    # Recall stays at 1/2 with a precision of 1, so 51 of the 101 steps have 1.
    assert_close(seen(found, true).compute(), 51 / 101)


def test_a_false_alarm_before_a_hit_halves_the_precision():
    found = boxes([*AWAY, 0.9, 0], [*BOX, 0.8, 0])
    assert_close(seen(found, boxes([*BOX, 0])).compute(), 0.5)


def test_a_false_alarm_after_the_hits_costs_nothing():
    found = boxes([*BOX, 0.9, 0], [*AWAY, 0.8, 0])
    assert_close(seen(found, boxes([*BOX, 0])).compute(), 1.0)


@pytest.mark.parametrize(("overlap", "expected"), [(0.5, 1.0), (0.6, 0.0)])
def test_a_box_must_overlap_enough(overlap, expected):
    found = boxes([0.0, 0.0, 2.0, 1.0, 0.9, 0])
    assert seen(found, boxes([*BOX, 0]), overlaps=overlap).compute().item() == expected


def test_the_better_of_two_true_boxes_is_taken():
    near = [0.0, 0.0, 2.0, 1.9]
    found = boxes([*BOX, 0.9, 0], [*near, 0.8, 0])
    true = boxes([*near, 0], [*BOX, 0])
    assert_close(seen(found, true, overlaps=0.99).compute(), 1.0)


def test_a_box_of_another_class_or_image_is_no_hit():
    found = [*boxes([*BOX, 0.9, 1]), *boxes([*BOX, 0.9, 0])]
    true = [*boxes([*BOX, 0]), *boxes([*BOX, 1])]
    assert seen(found, true).per_class() == {0: 0.0, 1: 0.0}


def test_classes_without_true_boxes_do_not_count():
    found = boxes([*BOX, 0.9, 0], [*BOX, 0.9, 7])
    assert seen(found, boxes([*BOX, 0])).per_class() == {0: 1.0}


def test_an_image_may_be_empty():
    empty = torch.zeros(0, 6), torch.zeros(0, 5)
    metric = seen([empty[0]], [empty[1]])
    assert metric.compute().isnan()
    metric.update(boxes([*BOX, 0.9, 0]), boxes([*BOX, 0]))
    metric.update([empty[0]], boxes([*BOX, 0]))
    assert_close(metric.compute(), 51 / 101)


def test_metrics_unseen_have_no_value():
    assert metrics.MeanAveragePrecision().compute().isnan()


def test_only_the_best_detections_count():
    found = boxes([*AWAY, 0.9, 0], [*BOX, 0.8, 0])
    assert seen(found, boxes([*BOX, 0]), max_detections=1).compute().item() == 0


def slow_value(found, true, overlap):
    """One class: matched and averaged in plain loops; scores are all different."""
    rows = []
    for image, (ours, theirs) in enumerate(zip(found, true, strict=True)):
        taken = set()
        for row in sorted(ours.tolist(), key=lambda each: -each[4]):
            overlaps = box_overlaps(torch.tensor([row[:4]]).double(), theirs[:, :4])[0]
            free = [j for j in range(len(theirs)) if j not in taken]
            best = max(free, key=lambda j: overlaps[j], default=None)
            hit = best is not None and bool(overlaps[best] >= overlap)
            taken |= {best} if hit else set()
            rows.append((row[4], hit, image))
    hits = np.array([hit for _, hit, _ in sorted(rows, reverse=True)])
    precision = hits.cumsum() / np.arange(1, len(hits) + 1)
    found_so_far, whole = hits.cumsum(), sum(len(each) for each in true)
    steps = [
        max(precision[100 * found_so_far >= percent * whole], default=0)
        for percent in range(101)
    ]
    return np.mean(steps)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("overlap", [0.3, 0.5, 0.7])
def test_random_boxes_agree_with_a_slow_loop(overlap, seed):
    draw = np.random.default_rng(seed)
    found, true = [], []
    for _ in range(5):
        corners = draw.uniform(0, 3, size=(draw.integers(1, 7), 2))
        truths = np.concatenate([corners, corners + draw.uniform(1, 2, 2)], 1)
        moved = truths + draw.normal(scale=0.2, size=truths.shape)
        scores, label = draw.random((len(moved), 1)), np.zeros((len(moved), 1))
        found.append(torch.from_numpy(np.concatenate([moved, scores, label], 1)))
        kept = truths[draw.random(len(truths)) < 0.8]
        true.append(torch.from_numpy(np.concatenate([kept, label[: len(kept)]], 1)))
    ours = seen(found, true, overlaps=overlap).compute()
    assert_close(ours, slow_value(found, true, overlap))


@pytest.mark.parametrize("overlaps", [0.0, 1.5, [0.5, -0.1], []])
def test_an_overlap_lies_between_0_and_1(overlaps):
    sentence = (
        "MeanAveragePrecision: expected overlaps above 0 and at most 1, got "
        f"{overlaps!r}. 0.5 is the usual one."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        metrics.MeanAveragePrecision(overlaps)


def test_some_detections_must_count():
    sentence = (
        "MeanAveragePrecision: expected max_detections of at least 1, got 0. 100 is "
        "COCO's."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        metrics.MeanAveragePrecision(max_detections=0)


@pytest.mark.parametrize(
    ("found", "true", "columns", "what", "shown"),
    [
        (torch.zeros(1, 2, 5), torch.zeros(1, 2, 5), 6, "score and class", "(2, 5)"),
        (torch.zeros(1, 2, 6), torch.zeros(1, 2, 4), 5, "class", "(2, 4)"),
    ],
)
def test_boxes_have_their_columns(found, true, columns, what, shown):
    sentence = (
        f"mean_average_precision: expected boxes of shape (boxes, {columns}), corners, "
        f"{what}, got {shown}. Give one such tensor for each image."
    )
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        metrics.MeanAveragePrecision().update(found, true)


def test_each_image_has_true_boxes():
    sentence = (
        "mean_average_precision: expected true boxes for each of 2 images, got 1. Give "
        "an empty tensor for an image without any."
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        metrics.MeanAveragePrecision().update(
            torch.zeros(2, 1, 6), torch.zeros(1, 1, 5)
        )
