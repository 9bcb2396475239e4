"""What the losses of pairs and triples promise beyond their formula."""

import re

import pytest
import torch
from torch.nn import functional

from mica import losses
from mica.errors import ConfigError, ShapeError
from tests.tolerances import assert_close


@pytest.mark.parametrize(
    "kind", [losses.Contrastive, losses.Triplet, losses.BatchTriplet]
)
@pytest.mark.parametrize("margin", [0.0, -1.0, float("nan")])
def test_a_margin_is_above_0(kind, margin):
    sentence = (
        f"{kind.__name__}: expected margin above 0, got {margin!r}. 1.0 is a usual "
        "value."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        kind(margin)


@pytest.mark.usefixtures("without_shape_checks")
def test_an_unknown_distance_is_refused():
    sentence = (
        "Triplet: expected a distance out of euclidean, squared_euclidean, cosine, got "
        "'manhattan'. 'squared_euclidean' is FaceNet's."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        losses.Triplet(distance="manhattan")


@pytest.mark.parametrize("temperature", [0.0, -0.1])
def test_a_temperature_is_above_0(temperature):
    sentence = (
        f"InfoNCE: expected temperature above 0, got {temperature!r}. 0.1 is a usual "
        "value."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        losses.InfoNCE(temperature)


WRONG = {
    "triples for pairs": (
        losses.InfoNCE(),
        torch.zeros(4, 3, 5),
        "InfoNCE: expected predictions of shape (batch, 2, features), or 2 tensors of "
        "shape (batch, features), got (4, 3, 5). Stack the embeddings that belong "
        "together along axis 1.",
    ),
    "two of three": (
        losses.Triplet(),
        (torch.zeros(4, 5), torch.zeros(4, 5)),
        "Triplet: expected predictions of shape (batch, 3, features), or 3 tensors of "
        "shape (batch, features), got (4, 5), (4, 5). Stack the embeddings that belong "
        "together along axis 1.",
    ),
    "two sizes": (
        losses.InfoNCE(),
        (torch.zeros(4, 5), torch.zeros(3, 5)),
        "InfoNCE: expected predictions of shape (batch, 2, features), or 2 tensors of "
        "shape (batch, features), got (4, 5), (3, 5). Stack the embeddings that belong "
        "together along axis 1.",
    ),
}


@pytest.mark.parametrize(("loss", "given", "sentence"), WRONG.values(), ids=WRONG)
def test_parts_that_do_not_belong_together_are_refused(loss, given, sentence):
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        loss(given)


def test_each_pair_has_one_answer():
    sentence = (
        "Contrastive: expected targets of shape (4,), got (4, 2). Give 1 for each pair "
        "of the same, 0 for others."
    )
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        losses.Contrastive()(torch.zeros(4, 2, 3), torch.zeros(4, 2))


@pytest.mark.parametrize("shape", [(6,), (6, 1)])
def test_distances_do_instead_of_pairs(shape):
    pairs, same = torch.randn(6, 2, 3).double(), torch.tensor([1, 0, 0, 1, 0, 1])
    distances = (pairs[:, 0] - pairs[:, 1]).norm(dim=-1)
    loss = losses.Contrastive(3.0)
    assert_close(loss(distances.reshape(shape), same.reshape(shape)), loss(pairs, same))


@pytest.mark.parametrize("same", [0, 1])
def test_two_embeddings_in_one_place_have_a_finite_slope(same):
    pairs = torch.ones(1, 2, 3, requires_grad=True)
    losses.Contrastive()(pairs, torch.tensor([same])).backward()
    assert pairs.grad.isfinite().all()


DISTANCES = {
    "euclidean": lambda a, b: (a - b).norm(dim=-1),
    "squared_euclidean": lambda a, b: (a - b).square().sum(-1),
    "cosine": lambda a, b: 1 - functional.cosine_similarity(a, b),
}


@pytest.mark.parametrize("distance", DISTANCES)
def test_triples_agree_with_torch(distance):
    given = torch.randn(50, 3, 4, dtype=torch.float64)
    expected = functional.triplet_margin_with_distance_loss(
        *given.unbind(1), distance_function=DISTANCES[distance], margin=0.7
    )
    loss = losses.Triplet(0.7, distance=distance)
    assert_close(loss(given), expected)
    assert_close(loss(given.unbind(1)), expected)


@pytest.mark.parametrize("normalize", [False, True])
def test_info_nce_is_a_cross_entropy_over_the_batch(normalize):
    queries, keys = torch.randn(2, 9, 4, dtype=torch.float64)
    left, right = queries, keys
    if normalize:
        left, right = (functional.normalize(each, dim=-1) for each in (left, right))
    scores, labels = left @ right.T / 0.3, torch.arange(9)
    there = functional.cross_entropy(scores, labels)
    back = functional.cross_entropy(scores.T, labels)
    loss = losses.InfoNCE(0.3, normalize=normalize)
    both = losses.InfoNCE(0.3, normalize=normalize, symmetric=True)
    assert_close(loss((queries, keys)), there)
    assert_close(both((queries, keys)), (there + back) / 2)


def test_keys_that_all_look_alike_cost_the_logarithm_of_their_number():
    views = torch.ones(8, 2, 3, dtype=torch.float64)
    assert_close(losses.InfoNCE()(views), torch.tensor(8.0).double().log())


@pytest.mark.parametrize("loss", [losses.Triplet(), losses.InfoNCE()])
def test_a_target_is_not_looked_at(loss):
    given = torch.randn(4, 3 if isinstance(loss, losses.Triplet) else 2, 5)
    assert torch.equal(loss(given), loss(given, torch.randn(4)))
