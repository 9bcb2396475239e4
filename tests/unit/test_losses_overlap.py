"""What Dice, Tversky, quantile and log-cosh promise beyond their formula."""

import re

import pytest
import torch

from mica import losses
from mica.errors import ConfigError, DataError, ShapeError
from mica.losses import OverlapLoss
from tests.tolerances import assert_close

OVERLAPS = [losses.Dice, losses.Tversky]


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("kind", OVERLAPS)
@pytest.mark.parametrize("axis", [True, "all", [1, "x"], 1.5])
def test_an_axis_is_a_number(kind, axis):
    sentence = (
        f"{kind.__name__}: expected axis to be a whole number, a list of them or None, "
        f"got {axis!r}. For each picture on its own write axis=(1, 2, 3)."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        kind(axis=axis)


@pytest.mark.parametrize("word", ["alpha", "beta"])
def test_tverskys_weights_are_not_negative(word):
    sentence = (
        f"Tversky: expected {word} of at least 0, got -0.1. 0.5 for both is the Dice "
        "loss."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        losses.Tversky(**{word: -0.1})


def test_an_overlap_of_your_own_says_what_it_must_define():
    class Jaccard(OverlapLoss):
        pass

    sentence = (
        "Jaccard: expected a method overlap_loss(prediction, target, weight), got "
        "none. Define it in the class."
    )
    loss = Jaccard(axis=None, reduction="sum", name=None)
    with pytest.raises(NotImplementedError, match=f"^{re.escape(sentence)}$"):
        loss(torch.rand(2, 3), torch.ones(2, 3))


def test_tversky_of_halves_is_dice():
    prediction = torch.rand(2, 5, 5, 1, dtype=torch.float64)
    target = (torch.rand(2, 5, 5, 1) > 0.5).double()
    dice = losses.Dice(axis=(1, 2, 3))(prediction, target)
    tversky = losses.Tversky(axis=(1, 2, 3))(prediction, target)
    assert abs(dice - tversky).item() < 1e-7  # the two epsilons differ by a half


@pytest.mark.parametrize("kind", OVERLAPS)
@pytest.mark.parametrize("where", ["weight", "mask"])
def test_what_weighs_nothing_is_not_in_the_region(kind, where):
    prediction, target = torch.rand(6, 4).double(), (torch.rand(6, 4) > 0.5).double()
    kept = torch.rand(6, 4) > 0.3
    given = {"mask": kept} if where == "mask" else {"sample_weight": kept.double()}
    expected = kind()(prediction[kept], target[kept])
    assert_close(kind()(prediction, target, **given), expected, "reordered")


@pytest.mark.parametrize("kind", OVERLAPS)
def test_a_sample_of_weight_2_is_there_twice(kind):
    prediction, target = torch.rand(3, 4).double(), (torch.rand(3, 4) > 0.5).double()
    counts = torch.tensor([1, 2, 0])
    twice = [each.repeat_interleave(counts, dim=0) for each in (prediction, target)]
    weighted = kind()(prediction, target, counts.double())
    assert_close(weighted, kind()(*twice), "reordered")


def test_overlap_meets_shares_only():
    sentence = (
        "Dice: expected labels between 0 and 1, got 2 at row 0, position (1,). Divide "
        "or number the labels so that they lie between 0 and 1."
    )
    target = torch.tensor([[0.0, 2.0]])
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        losses.Dice().check_target((None, 2), torch.float32, target)


@pytest.mark.parametrize("quantiles", [0.0, 1.0, [0.1, 1.2], []])
def test_quantiles_lie_between_0_and_1(quantiles):
    sentence = (
        f"Quantile: expected quantiles between 0 and 1, got {quantiles!r}. 0.5 is the "
        "median."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        losses.Quantile(quantiles)


@pytest.mark.parametrize("shape", [(4, 3), (2,)])
def test_there_is_a_unit_for_each_quantile(shape):
    sentence = (
        f"Quantile: expected predictions of shape (..., 2), one for each quantile, got "
        f"{shape}. Give the last layer 2 units."
    )
    shown = re.escape(sentence)
    with pytest.raises(ShapeError, match=f"^{shown}$"):
        losses.Quantile([0.1, 0.9])(torch.zeros(shape), torch.zeros(shape[0]))
    with pytest.raises(ShapeError, match=f"^{shown}$"):
        losses.Quantile([0.1, 0.9]).check_target(
            shape, torch.float32, torch.zeros(shape[0])
        )


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_one_target_meets_every_quantile(shape):
    prediction, target = torch.randn(4, 2), torch.randn(4)
    low = losses.Quantile(0.1)(prediction[:, 0], target)
    high = losses.Quantile(0.9)(prediction[:, 1], target)
    both = losses.Quantile([0.1, 0.9])(prediction, target.reshape(shape))
    assert_close(both, (low + high) / 2)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_the_least_quantile_loss_is_at_the_quantile(share):
    numbers = torch.arange(101.0)
    candidates = torch.arange(101.0)
    loss = losses.Quantile(share)
    costs = [loss(torch.full((101,), float(each)), numbers) for each in candidates]
    assert torch.stack(costs).argmin().item() == round(100 * share)


def test_the_median_is_half_the_absolute_error():
    prediction, target = torch.randn(4, 3).double(), torch.randn(4, 3).double()
    half = losses.MeanAbsoluteError()(prediction, target) / 2
    assert_close(losses.Quantile()(prediction, target), half, "reordered")


def test_log_cosh_is_the_logarithm_of_the_hyperbolic_cosine():
    error = torch.linspace(-5, 5, 21, dtype=torch.float64)
    expected = error.cosh().log()
    loss = losses.LogCosh(reduction="none")
    assert_close(loss(error, torch.zeros(21)), expected)


def test_log_cosh_is_smooth_at_0():
    error = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    loss = losses.LogCosh()(error, torch.zeros(1))
    (slope,) = torch.autograd.grad(loss, error, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), error)
    assert slope.item() == 0
    assert_close(curvature, [1.0])
