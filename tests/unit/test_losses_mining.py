"""What the losses that mine a batch promise, each against a loop over all triples."""

import itertools
import re

import numpy as np
import pytest
import torch

from mica import losses
from mica.errors import ConfigError, ShapeError
from tests.tolerances import assert_close

MINING = ["hard", "semi_hard", "all"]


def costs_of_anchor(
    row: np.ndarray, labels: np.ndarray, anchor: int, mining: str, margin: float
) -> list[float]:
    """The costs of the triples of one anchor, in plain words."""
    like = [j for j in np.flatnonzero(labels == labels[anchor]) if j != anchor]
    other = list(np.flatnonzero(labels != labels[anchor]))
    if not like or not other:
        return []
    if mining == "hard":
        pairs = [(max(row[like]), min(row[other]))]
    elif mining == "all":
        pairs = [(row[j], row[k]) for j, k in itertools.product(like, other)]
    else:
        pairs = []
        for j in like:
            farther = [row[k] for k in other if row[k] > row[j]]
            pairs.append((row[j], min(farther) if farther else max(row[other])))
    return [max(0.0, near - far + margin) for near, far in pairs]


@pytest.mark.parametrize("mining", MINING)
@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_mined_triples_agree_with_a_loop(mining, squared, seed):
    draw = np.random.default_rng(seed)
    rows, labels = draw.normal(size=(12, 3)), draw.integers(0, 5, size=12)
    distance = np.linalg.norm(rows[:, None] - rows[None], axis=-1)
    distance = distance**2 if squared else distance
    costs = [
        costs_of_anchor(distance[each], labels, each, mining, 0.8) for each in range(12)
    ]
    expected = np.mean([np.mean(each) for each in costs if each])
    loss = losses.BatchTriplet(0.8, mining=mining, squared=squared)
    assert_close(loss(torch.from_numpy(rows), torch.from_numpy(labels)), expected)


@pytest.mark.parametrize("mining", MINING)
def test_a_sample_without_a_like_does_not_count(mining):
    loss = losses.BatchTriplet(mining=mining, reduction="none")
    rows = torch.randn(4, 3, requires_grad=True)
    values = loss(rows, torch.tensor([[0], [0], [0], [1]]))
    values.sum().backward()
    assert values[3].item() == 0
    assert rows.grad.isfinite().all()


@pytest.mark.parametrize("mining", MINING)
@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_a_batch_without_triples_costs_nothing(mining, labels):
    rows = torch.randn(3, 2, requires_grad=True)
    loss = losses.BatchTriplet(mining=mining)(rows, torch.tensor(labels))
    loss.backward()
    assert loss.item() == 0
    assert not rows.grad.any()


@pytest.mark.parametrize("mining", MINING)
def test_embeddings_in_one_place_have_a_finite_slope(mining):
    rows = torch.ones(4, 2, requires_grad=True)
    loss = losses.BatchTriplet(mining=mining)
    loss(rows, torch.tensor([0, 0, 1, 1])).backward()
    assert rows.grad.isfinite().all()


@pytest.mark.usefixtures("without_shape_checks")
def test_an_unknown_mining_is_refused():
    sentence = (
        "BatchTriplet: expected mining out of hard, semi_hard, all, got 'easy'. 'hard' "
        "is the usual one."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        losses.BatchTriplet(mining="easy")


@pytest.mark.parametrize("kind", [losses.BatchTriplet, losses.Circle])
def test_embeddings_are_rows(kind):
    sentence = (
        f"{kind.__name__}: expected embeddings of shape (batch, features), got (4, 2, "
        "3). Put Flatten() before the last Dense layer."
    )
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        kind()(torch.zeros(4, 2, 3), torch.zeros(4))


@pytest.mark.parametrize("kind", [losses.BatchTriplet, losses.Circle])
@pytest.mark.parametrize("shape", [(3,), (4, 2)])
def test_each_embedding_has_a_label(kind, shape):
    shown = str(shape)
    sentence = (
        f"{kind.__name__}: expected integer labels of shape (4,), got {shown}. Give "
        "one label per embedding."
    )
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        kind()(torch.zeros(4, 3), torch.zeros(shape))


@pytest.mark.parametrize("kind", [losses.BatchTriplet, losses.Circle])
def test_labels_are_checked_before_training(kind):
    sentence = (
        f"{kind.__name__}: expected integer labels of shape (batch,), got (6, 3). Give "
        "one label per embedding."
    )
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        kind().check_target((None, 8), torch.float32, torch.zeros(6, 3))


@pytest.mark.parametrize("gamma", [0.0, -1.0])
def test_circles_scale_is_above_0(gamma):
    sentence = f"Circle: expected gamma above 0, got {gamma!r}. 80.0 is Keras's value."
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        losses.Circle(gamma)


@pytest.mark.parametrize("margin", [0.0, 1.0])
def test_circles_margin_lies_between_0_and_1(margin):
    sentence = (
        f"Circle: expected margin between 0 and 1, got {margin!r}. 0.4 is Keras's "
        "value."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        losses.Circle(margin=margin)


def test_a_circle_without_pairs_is_at_rest():
    rows = torch.eye(3, requires_grad=True)
    loss = losses.Circle()(rows, torch.tensor([0, 1, 2]))
    loss.backward()
    assert loss.item() == 0
    assert not rows.grad.any()
