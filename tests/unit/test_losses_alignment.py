"""What CTC promises beyond its formula: lengths, padding, labels it cannot read."""

import itertools
import math
import re

import pytest
import torch

from mica import losses
from mica.errors import ConfigError, DataError, ShapeError
from tests.tolerances import assert_close


def spelled(path: tuple[int, ...]) -> list[int]:
    """The labels of a path: repeats held, then blanks taken out."""
    held = [label for label, _ in itertools.groupby(path)]
    return [label for label in held if label != 0]


def summed_over_paths(shares: torch.Tensor, labels: list[int]) -> float:
    steps, classes = shares.shape
    return sum(
        math.prod(float(shares[step, label]) for step, label in enumerate(path))
        for path in itertools.product(range(classes), repeat=steps)
        if spelled(path) == labels
    )


@pytest.mark.parametrize("labels", [[1], [1, 2], [1, 1], [2, 1, 2], [1, 1, 2]])
def test_ctc_sums_over_every_path(labels):
    logits = torch.randn(1, 5, 3, dtype=torch.float64)
    expected = summed_over_paths(logits[0].softmax(-1), labels)
    loss = losses.CTC()(logits, torch.tensor([labels]))
    assert_close(loss, -math.log(expected))


def test_steps_from_a_length_on_are_not_looked_at():
    logits, lengths = torch.randn(2, 6, 4), torch.tensor([4, 6])
    logits.requires_grad_()
    target = torch.tensor([[1, 2], [3, 3]])
    loss = losses.CTC(reduction="none")((logits, lengths), target)
    short = losses.CTC(reduction="none")(logits[:1, :4], target[:1])
    loss.sum().backward()
    assert_close(loss[:1], short)
    assert not logits.grad[0, 4:].any()


def test_another_blank_makes_class_0_a_label():
    logits = torch.randn(1, 5, 3)
    moved = logits[..., [2, 0, 1]]
    expected = losses.CTC()(moved, torch.tensor([[1, 2]]))
    loss = losses.CTC(blank=2)(logits, torch.tensor([[0, 1]]))
    assert_close(loss, expected)


def test_negative_labels_are_padding():
    logits = torch.randn(1, 5, 3)
    expected = losses.CTC()(logits, torch.tensor([[1, 2, 0]]))
    assert_close(losses.CTC()(logits, torch.tensor([[1, 2, -1]])), expected)


@pytest.mark.parametrize(("zero_infinity", "value"), [(False, math.inf), (True, 0.0)])
def test_labels_that_do_not_fit_cost_infinity_or_nothing(zero_infinity, value):
    loss = losses.CTC(zero_infinity=zero_infinity)
    assert loss(torch.randn(1, 2, 3), torch.tensor([[1, 1]])).item() == value


@pytest.mark.parametrize("blank", [-1, True])
def test_the_blank_must_be_a_class(blank):
    sentence = (
        f"CTC: expected blank to be a class from 0 on, got {blank!r}. 0 is Keras's and "
        "torch's."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        losses.CTC(blank=blank)


LABELS = {
    "a label that is no class": (
        [[1, 2], [1, 3]],
        "CTC: expected class labels from 0 to 2, got 3 at row 1, position 1. Give the "
        "last layer 4 units, or mend the label.",
    ),
    "padding before a label": (
        [[1, 0], [0, 2]],
        "CTC: expected padding only after the labels, got a label at row 1, position 1 "
        "after padding. Move the labels to the front.",
    ),
    "too many labels": (
        [[1, 0, 0], [1, 1, 2]],
        "CTC: expected labels that fit into 3 steps, got 3 labels at row 1, which need "
        "4. Give longer inputs, or shrink time less.",
    ),
}


@pytest.mark.parametrize(("target", "sentence"), LABELS.values(), ids=LABELS)
def test_labels_are_checked_before_training(target, sentence):
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        losses.CTC().check_target((None, 3, 3), torch.float32, torch.tensor(target))


def test_a_label_that_is_no_class_is_never_read():
    with pytest.raises(DataError, match="from 0 to 2, got 900 at row 0, position 0"):
        losses.CTC()(torch.zeros(1, 3, 3), torch.tensor([[900]]))


SHAPES = {
    "no time": (
        (2, 3),
        (2, 1),
        "CTC: expected predictions of shape (batch, time, classes), got (2, 3). Let "
        "the model give one row of logits per step.",
    ),
    "flat labels": (
        (2, 4, 3),
        (2,),
        "CTC: expected targets of shape (2, labels), got (2,). Give one padded row of "
        "labels per sample.",
    ),
    "another batch": (
        (2, 4, 3),
        (5, 1),
        "CTC: expected targets of shape (2, labels), got (5, 1). Give one padded row "
        "of labels per sample.",
    ),
}


@pytest.mark.parametrize(("given", "labels", "sentence"), SHAPES.values(), ids=SHAPES)
def test_shapes_that_do_not_fit_are_named(given, labels, sentence):
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        losses.CTC()(torch.zeros(given), torch.ones(labels).long())


def test_a_batch_of_any_size_is_waited_for():
    sentence = (
        "CTC: expected targets of shape (batch, labels), got (2,). Give one padded row "
        "of labels per sample."
    )
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        losses.CTC().check_target((None, 4, 3), torch.float32, torch.ones(2))
