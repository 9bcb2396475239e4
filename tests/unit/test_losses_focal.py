"""What focal and noise-bearing cross-entropies promise beyond their formula."""

import re

import pytest
import torch
from torch.nn import functional

from mica import losses
from mica.errors import ConfigError, ShapeError
from tests.tolerances import assert_close

FOCAL = [
    losses.BinaryFocalCrossentropy,
    losses.CategoricalFocalCrossentropy,
    losses.SparseCategoricalFocalCrossentropy,
]
BY_CLASS = FOCAL[1:]


@pytest.mark.parametrize("kind", FOCAL)
@pytest.mark.parametrize("gamma", [-0.1, float("nan")])
def test_gamma_must_not_be_negative(kind, gamma):
    sentence = (
        f"{kind.__name__}: expected gamma of at least 0, got {gamma!r}. 2.0 is the "
        "paper's value; 0 gives the plain cross-entropy."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        kind(gamma=gamma)


@pytest.mark.parametrize("alpha", [-0.1, 1.5, float("nan")])
def test_the_weight_of_a_yes_is_a_share(alpha):
    sentence = (
        f"BinaryFocalCrossentropy: expected alpha from 0 to 1, got {alpha!r}. 0.25 is "
        "the paper's value."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        losses.BinaryFocalCrossentropy(alpha=alpha)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("kind", BY_CLASS)
@pytest.mark.parametrize("alpha", [-1.0, [0.5, -0.5], "balanced", True, []])
def test_weights_of_classes_must_not_be_negative(kind, alpha):
    sentence = (
        f"{kind.__name__}: expected alpha to be a number of at least 0, or one for "
        f"each class, got {alpha!r}. 0.25 is the paper's value."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        kind(alpha=alpha)


@pytest.mark.parametrize("kind", BY_CLASS)
def test_there_is_a_weight_for_each_class(kind):
    sentence = (
        f"{kind.__name__}: expected alpha for each of 3 classes, got 2 numbers. Give "
        "one number per class, or one for all."
    )
    target = torch.tensor([0, 2])
    if kind is losses.CategoricalFocalCrossentropy:
        target = functional.one_hot(target, 3)
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        kind(alpha=[0.5, 0.5], from_logits=True)(torch.zeros(2, 3), target)


PLAIN = {
    "binary": (
        losses.BinaryFocalCrossentropy(gamma=0.0),
        losses.BinaryCrossentropy(),
        torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]]),
    ),
    "categorical": (
        losses.CategoricalFocalCrossentropy(gamma=0.0, alpha=1.0),
        losses.CategoricalCrossentropy(),
        torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]),
    ),
    "sparse": (
        losses.SparseCategoricalFocalCrossentropy(gamma=0.0, alpha=1.0),
        losses.SparseCategoricalCrossentropy(),
        torch.tensor([1, 0]),
    ),
}


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize(("focal", "plain", "target"), PLAIN.values(), ids=PLAIN)
def test_gamma_0_is_the_plain_cross_entropy(focal, plain, target, folded):
    prediction = torch.randn(2, 3, dtype=torch.float64)
    if folded:
        focal, plain = focal.on_logits(), plain.on_logits()
    else:
        prediction = prediction.softmax(-1)
    assert_close(focal(prediction, target), plain(prediction, target), "reordered")


@pytest.mark.parametrize("folded", [False, True])
def test_labels_and_one_hot_rows_give_one_focal_loss(folded):
    prediction, labels = torch.randn(4, 5, 3, dtype=torch.float64), torch.arange(20) % 3
    labels, alpha = labels.reshape(4, 5), [0.1, 0.5, 2.0]
    sparse = losses.SparseCategoricalFocalCrossentropy(alpha=alpha, gamma=1.5)
    rows = losses.CategoricalFocalCrossentropy(alpha=alpha, gamma=1.5)
    if folded:
        sparse, rows = sparse.on_logits(), rows.on_logits()
    else:
        prediction = prediction.softmax(-1)
    expected = rows(prediction, functional.one_hot(labels, 3))
    assert_close(sparse(prediction, labels), expected, "reordered")


def test_an_ignored_class_counts_in_neither_sum():
    loss = losses.SparseCategoricalFocalCrossentropy(from_logits=True, ignore_class=-1)
    logits = torch.randn(3, 4, requires_grad=True)
    value = loss(logits, torch.tensor([1, -1, 3]))
    value.backward()
    assert_close(value, loss(logits[[0, 2]], torch.tensor([1, 3])))
    assert not logits.grad[1].any()


def test_an_ignored_class_is_a_good_label():
    loss = losses.SparseCategoricalFocalCrossentropy(ignore_class=-1)
    loss.check_target((None, 4), torch.float32, torch.tensor([1, -1, 3]))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("size", [0.0, 200.0, -200.0])
def test_a_focal_slope_is_finite_where_nothing_is_missing(gamma, size):
    loss = losses.BinaryFocalCrossentropy(gamma=gamma, from_logits=True)
    logits = torch.full((2, 1), size, requires_grad=True)
    loss(logits, torch.tensor([0, 1])).backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("q", [0.0, 1.0, -0.5, float("nan")])
def test_q_lies_between_0_and_1(q):
    sentence = (
        f"CategoricalGeneralizedCrossEntropy: expected q between 0 and 1, got {q!r}. "
        "0.7 is the paper's value."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        losses.CategoricalGeneralizedCrossEntropy(q)


def test_generalized_cross_entropy_is_the_same_from_logits():
    logits, labels = torch.randn(4, 3, dtype=torch.float64), torch.tensor([0, 2, 1, 1])
    loss = losses.CategoricalGeneralizedCrossEntropy(0.7)
    expected = loss(logits.softmax(-1), labels.unsqueeze(-1))
    assert_close(loss.on_logits()(logits, labels), expected)


def test_a_small_q_comes_near_the_cross_entropy():
    shares, labels = torch.rand(2, 3).double().softmax(-1), torch.tensor([0, 1])
    near = losses.CategoricalGeneralizedCrossEntropy(1e-12)(shares, labels)
    plain = losses.SparseCategoricalCrossentropy()(shares, labels)
    assert_close(near, plain)


def test_a_wrong_label_pulls_no_more_than_1_over_q():
    shares = torch.tensor([[1.0, 0.0]])
    loss = losses.CategoricalGeneralizedCrossEntropy(0.5)
    assert loss(shares, torch.tensor([1])).item() <= 2
