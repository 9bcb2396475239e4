"""The parts of the evidence lower bound agree with torch's distributions."""

import re

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from mica import losses
from mica.errors import ConfigError, ShapeError
from tests.tolerances import assert_close


@pytest.mark.parametrize("shape", [(5, 3), (5, 2, 3), (4, 1)])
def test_the_divergence_is_torchs(shape):
    mean, log_variance = torch.randn(2, *shape, dtype=torch.float64)
    posterior = Normal(mean, (log_variance / 2).exp())
    prior = Normal(torch.zeros_like(mean), torch.ones_like(mean))
    expected = kl_divergence(posterior, prior).sum(-1)
    loss = losses.GaussianKLDivergence(reduction="none")
    assert_close(loss((mean, log_variance)), expected)
    assert_close(loss(torch.cat([mean, log_variance], -1)), expected)


def test_the_standard_normal_is_at_no_distance_from_itself():
    given = torch.zeros(3, 4, requires_grad=True)
    loss = losses.GaussianKLDivergence()(given)
    loss.backward()
    assert loss.item() == 0
    assert not given.grad.any()


HALVES = "GaussianKLDivergence: expected mean and log-variance as two tensors of one "
HALVES += "shape, or as halves of a last axis of even size, got {}. Give the last layer"
HALVES += " two units for each number."


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (torch.zeros(4, 3), "(4, 3)"),
        ((torch.zeros(4, 3), torch.zeros(4, 2)), "(4, 3), (4, 2)"),
        ((torch.zeros(4, 3),), "(4, 3)"),
    ],
)
def test_mean_and_log_variance_belong_together(given, shown):
    sentence = HALVES.format(shown)
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        losses.GaussianKLDivergence()(given)


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("shape", [(6,), (6, 3), (2, 4, 4, 1)])
def test_a_gaussian_likelihood_is_torchs(scale, shape):
    mean, target = torch.randn(2, *shape, dtype=torch.float64)
    expected = -Normal(mean, scale).log_prob(target).reshape(shape[0], -1).sum(-1)
    loss = losses.GaussianLikelihood(scale, reduction="none")
    assert_close(loss(mean, target), expected)


@pytest.mark.parametrize("shape", [(6, 3), (2, 4, 4, 1)])
def test_a_gaussian_says_itself_how_sure_it_is(shape):
    mean, log_variance, target = torch.randn(3, *shape, dtype=torch.float64)
    chances = Normal(mean, (log_variance / 2).exp()).log_prob(target)
    expected = -chances.reshape(shape[0], -1).sum(-1)
    loss = losses.GaussianLikelihood(None, reduction="none")
    assert_close(loss((mean, log_variance), target), expected)
    assert_close(loss(torch.cat([mean, log_variance], -1), target), expected)


@pytest.mark.parametrize("scale", [0.0, -1.0])
def test_a_scale_is_above_0(scale):
    sentence = (
        f"GaussianLikelihood: expected scale above 0 or None, got {scale!r}. 1.0 is "
        "the usual value."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        losses.GaussianLikelihood(scale)


@pytest.mark.parametrize("shape", [(6,), (6, 3), (2, 4, 4, 1)])
@pytest.mark.parametrize("from_logits", [False, True])
def test_a_bernoulli_likelihood_is_torchs(from_logits, shape):
    logits = torch.randn(shape, dtype=torch.float64)
    target = (torch.randn(shape) > 0).double()
    chances = Bernoulli(logits=logits).log_prob(target)
    expected = -chances.reshape(shape[0], -1).sum(-1)
    loss = losses.BernoulliLikelihood(from_logits=from_logits, reduction="none")
    assert_close(loss(logits if from_logits else logits.sigmoid(), target), expected)


def test_a_bernoulli_likelihood_folds_its_sigmoid():
    loss = losses.BernoulliLikelihood()
    assert loss.folds == "sigmoid"
    assert loss.on_logits().folds is None


def test_a_certain_mistake_costs_a_finite_number():
    loss = losses.BernoulliLikelihood()
    shares = torch.tensor([[0.0, 1.0]], requires_grad=True)
    value = loss(shares, torch.tensor([[1, 0]]))
    value.backward()
    assert value.isfinite()
