"""What regression, margin and probability losses promise beyond their formula."""

import re

import pytest
import torch

from mica import losses
from mica.errors import ConfigError, ShapeError
from tests.tolerances import assert_close


@pytest.mark.parametrize("delta", [0.0, -1.0, float("nan")])
def test_hubers_delta_must_be_positive(delta):
    sentence = f"Huber: expected delta above 0, got {delta!r}. 1.0 is the usual value."
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        losses.Huber(delta)


def test_huber_is_half_the_square_near_zero():
    prediction, target = torch.tensor([[0.3]]), torch.tensor([[0.1]])
    half = losses.MeanSquaredError()(prediction, target) / 2
    assert_close(losses.Huber()(prediction, target), half)


MARGIN_LOSSES = [losses.Hinge, losses.SquaredHinge, losses.PerceptronCriterion]


@pytest.mark.parametrize("kind", MARGIN_LOSSES)
def test_labels_zero_and_minus_one_mean_the_same(kind):
    scores = torch.randn(6, 1)
    signs = torch.tensor([1, -1, 1, 1, -1, -1])
    assert_close(kind()(scores, (signs + 1) // 2), kind()(scores, signs))


@pytest.mark.parametrize("kind", MARGIN_LOSSES)
@pytest.mark.parametrize("label", [0, 1])
def test_a_batch_of_one_class_is_read_the_same_way(kind, label):
    scores = torch.randn(3, 1)
    sign = 2.0 * label - 1
    labels, signs = torch.full((3, 1), label), torch.full((3, 1), sign)
    assert_close(kind()(scores, labels), kind()(scores, signs))


def test_a_perceptron_starts_from_zero_weights():
    weight = torch.zeros(2, 1, requires_grad=True)
    points, signs = torch.tensor([[1.0, 2.0], [-3.0, 1.0]]), torch.tensor([1, -1])
    losses.PerceptronCriterion(reduction="sum")(points @ weight, signs).backward()
    assert weight.grad.tolist() == [[-4.0], [-1.0]]


def test_a_perceptron_learns_from_mistakes_only():
    scores = torch.tensor([[2.0], [-1.0], [0.5]], requires_grad=True)
    signs = torch.tensor([1, 1, -1])
    losses.PerceptronCriterion(reduction="sum")(scores, signs).backward()
    assert scores.grad.tolist() == [[0.0], [-1.0], [1.0]]


def test_a_hinge_stops_at_its_margin():
    scores = torch.tensor([[1.0], [0.5]], requires_grad=True)
    losses.Hinge(reduction="sum")(scores, torch.tensor([1, 1])).backward()
    assert scores.grad.tolist() == [[0.0], [-1.0]]


def test_the_cosine_of_nothing_is_zero():
    prediction = torch.zeros(1, 3, requires_grad=True)
    loss = losses.CosineSimilarity()(prediction, torch.ones(1, 3))
    loss.backward()
    assert loss.item() == 0
    assert prediction.grad.isfinite().all()


def test_the_divergence_of_equal_distributions_is_zero():
    shares = torch.tensor([[0.2, 0.3, 0.5], [0.0, 1.0, 0.0]])
    assert losses.KLDivergence()(shares, shares).item() == 0


ALIGNED = [
    losses.BinaryCrossentropy,
    losses.Hinge,
    losses.Huber,
    losses.MeanAbsoluteError,
    losses.MeanAbsolutePercentageError,
    losses.MeanSquaredError,
    losses.MeanSquaredLogarithmicError,
    losses.PerceptronCriterion,
    losses.Poisson,
    losses.SquaredHinge,
]


@pytest.mark.parametrize("kind", ALIGNED)
def test_a_column_meets_a_flat_target(kind):
    prediction, target = torch.tensor([[0.2], [0.7], [0.4]]), torch.tensor([0, 1, 1])
    expected = kind()(prediction, target.unsqueeze(-1))
    assert_close(kind()(prediction, target), expected)
    assert_close(kind()(prediction.squeeze(-1), target.unsqueeze(-1)), expected)


@pytest.mark.parametrize("kind", ALIGNED)
def test_a_row_of_units_does_not_meet_a_flat_target(kind):
    noun = "targets"
    if kind in (losses.BinaryCrossentropy, *MARGIN_LOSSES):
        noun = "labels"
    sentence = (
        f"{kind.__name__}: expected {noun} of the predictions' shape (3, 2), got (3,). "
        "Give the last layer 1 unit."
    )
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        kind()(torch.rand(3, 2), torch.tensor([0.0, 1.0, 1.0]))
