"""Every exported loss: right at a known point, smooth, stable, weighed, rebuilt."""

import inspect
import math
from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from mica import losses
from mica.losses import Loss
from mica.registry import decode, encode, register
from tests.structure.rules import sections
from tests.tolerances import assert_close


@register
def cubed_distance(prediction: Tensor, target: Tensor) -> Tensor:
    return ((prediction - target).abs() ** 3).mean(-1)


class Case(NamedTuple):
    """How to make a loss, a point whose value is known, and what it can read."""

    make: Callable[..., Loss]
    prediction: list
    target: list
    value: float  # by hand
    labels: str = "numbers"
    domain: str = "numbers"
    apart: bool = True  # whether each sample has a loss of its own
    bounded: bool = True  # whether huge predictions have a finite loss


HALF = [[0.5, 0.5], [0.25, 0.75]]
CASES = {
    "BatchTriplet": Case(
        losses.BatchTriplet,
        [[0.0], [1.0], [1.5], [4.0]],
        [0, 0, 1, 1],
        (0.5 + 1.5 + 3 + 0.5) / 4,
        "classes",
        apart=False,
    ),
    "BatchTriplet of semi-hard triples": Case(
        lambda: losses.BatchTriplet(mining="semi_hard"),
        [[0.0], [1.0], [1.5], [4.0]],
        [0, 0, 1, 1],
        (0.5 + 0 + 2 + 0.5) / 4,
        "classes",
        apart=False,
    ),
    "BatchTriplet of all triples": Case(
        lambda: losses.BatchTriplet(mining="all", squared=True),
        [[0.0], [1.0], [1.5], [4.0]],
        [0, 0, 1, 1],
        ((0 + 0) / 2 + (1.75 + 0) / 2 + (5 + 7) / 2 + 0) / 4,
        "classes",
        apart=False,
    ),
    "BernoulliLikelihood": Case(
        losses.BernoulliLikelihood,
        [[0.5, 0.25], [0.25, 0.75]],
        [[1, 1], [0, 1]],
        (math.log(8) + 2 * math.log(4 / 3)) / 2,
        "answers",
        "shares",
    ),
    "BinaryCrossentropy": Case(
        losses.BinaryCrossentropy,
        [[0.5], [0.25]],
        [[1], [1]],
        (math.log(2) + math.log(4)) / 2,
        "answers",
        "shares",
    ),
    "CategoricalCrossentropy": Case(
        losses.CategoricalCrossentropy,
        HALF,
        [[0, 1], [1, 0]],
        (math.log(2) + math.log(4)) / 2,
        "one_hot",
        "shares",
    ),
    "BinaryFocalCrossentropy": Case(
        losses.BinaryFocalCrossentropy,
        [[0.5], [0.25]],
        [[1], [1]],
        (math.log(2) / 4 + math.log(4) * 9 / 16) / 2,
        "answers",
        "shares",
    ),
    "BinaryFocalCrossentropy balanced": Case(
        lambda: losses.BinaryFocalCrossentropy(apply_class_balancing=True, gamma=1.0),
        [[0.5], [0.25]],
        [[1], [0]],
        (math.log(2) / 8 + math.log(4 / 3) * 3 / 16) / 2,
        "answers",
        "shares",
    ),
    "CTC": Case(
        losses.CTC,
        [[[0.0] * 3] * 4, [[0.0] * 3] * 4],
        [[1, 2], [1, 0]],
        # 15 of the 81 paths of four steps spell "1 2", 10 of them spell "1".
        -(math.log(15 / 81) + math.log(10 / 81)) / 2,
        "rows of labels",
        "steps",
    ),
    "CategoricalFocalCrossentropy": Case(
        losses.CategoricalFocalCrossentropy,
        HALF,
        [[0, 1], [1, 0]],
        (math.log(2) / 16 + math.log(4) * 9 / 64) / 2,
        "one_hot",
        "shares",
    ),
    "CategoricalGeneralizedCrossEntropy": Case(
        losses.CategoricalGeneralizedCrossEntropy,
        [[0.75, 0.25], [0.25, 0.75]],
        [1, 0],
        1.0,
        "classes",
        "shares",
    ),
    "CategoricalHinge": Case(
        losses.CategoricalHinge,
        [[2.0, 2.5], [3.0, 1.0]],
        [[0, 1], [1, 0]],
        (0.5 + 0) / 2,
        "one_hot",
    ),
    "Circle": Case(
        lambda: losses.Circle(gamma=1.0, margin=0.25),
        [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]],
        [0, 0, 1],
        (
            math.log1p(math.exp(0.65 * 0.15 - 0.25 * 0.25))
            + math.log1p(math.exp(0.65 * 0.15 + 1.05 * 0.55))
        )
        / 2,
        "classes",
        apart=False,
    ),
    "Contrastive": Case(
        lambda: losses.Contrastive(2.0),
        [[[0.0, 0.0], [3.0, 4.0]], [[0.0, 0.0], [0.5, 0.0]]],
        [1, 0],
        (12.5 + 1.125) / 2,
        "one answer",
        "pairs",
    ),
    "CosineSimilarity": Case(
        losses.CosineSimilarity,
        [[3.0, 4.0], [1.0, 0.0]],
        [[1.0, 0.0], [0.0, 2.0]],
        -(0.6 + 0) / 2,
    ),
    "Dice": Case(
        losses.Dice,
        [[1.0, 0.5, 0.5]],
        [[1, 1, 0]],
        1 - 3 / (4 + 1e-7),
        "answers",
        "shares",
        apart=False,
    ),
    "Dice of rows": Case(
        lambda: losses.Dice(axis=-1),
        [[1.0, 0.5, 0.5], [0.0, 0.0, 1.0]],
        [[1, 1, 0], [1, 0, 0]],
        (1 - 3 / (4 + 1e-7) + 1) / 2,
        "answers",
        "shares",
    ),
    "FunctionLoss": Case(
        lambda: losses.FunctionLoss(cubed_distance), [[2.0], [1.0]], [[0], [0]], 4.5
    ),
    "GaussianKLDivergence": Case(
        losses.GaussianKLDivergence,
        [[1.0, math.log(2)], [0.0, 0.0]],
        [0, 0],
        (2 + 1 - 1 - math.log(2)) / 4,
        "none",
        "halves",
        bounded=False,
    ),
    "GaussianLikelihood": Case(
        lambda: losses.GaussianLikelihood(2.0),
        [[1.0, 2.0]],
        [[1, 6]],
        math.log(8 * math.pi) + 2,
    ),
    "GaussianLikelihood of its own scale": Case(
        lambda: losses.GaussianLikelihood(None),
        [[1.0, math.log(4)]],
        [[5]],
        (math.log(8 * math.pi) + 4) / 2,
        "two numbers",
        "halves",
        bounded=False,
    ),
    "Hinge": Case(losses.Hinge, [[2.0], [0.5]], [[1], [-1]], 0.75, "signs"),
    "Huber": Case(losses.Huber, [[0.5], [3.0]], [[0], [0]], (0.125 + 2.5) / 2),
    "InfoNCE": Case(
        lambda: losses.InfoNCE(0.5),
        [[[2.0, 0.0], [3.0, 0.0]], [[0.0, 1.0], [3.0, 4.0]]],
        [0, 0],
        (math.log(math.exp(2) + math.exp(1.2)) - 2 + math.log(1 + math.exp(1.6)) - 1.6)
        / 2,
        "none",
        "pairs",
        apart=False,
    ),
    "KLDivergence": Case(
        losses.KLDivergence,
        HALF,
        [[0.25, 0.75], [0.25, 0.75]],
        (0.25 * math.log(0.5) + 0.75 * math.log(1.5)) / 2,
        "shares",
        "shares",
    ),
    "LogCosh": Case(
        losses.LogCosh,
        [[math.log(2)], [0.0]],
        [[0], [0]],
        math.log(1.25) / 2,
    ),
    "MeanAbsoluteError": Case(
        losses.MeanAbsoluteError, [[2.0], [1.0]], [[0], [4]], 2.5
    ),
    "MeanAbsolutePercentageError": Case(
        losses.MeanAbsolutePercentageError, [[2.0], [1.0]], [[1], [4]], 87.5
    ),
    "MeanSquaredError": Case(losses.MeanSquaredError, [[2.0], [1.0]], [[0], [4]], 6.5),
    "MeanSquaredLogarithmicError": Case(
        losses.MeanSquaredLogarithmicError,
        [[math.e - 1], [math.e**3 - 1]],
        [[math.e**2 - 1], [math.e**3 - 1]],
        0.5,
        "counts",
        "positive",
    ),
    "PerceptronCriterion": Case(
        losses.PerceptronCriterion, [[2.0], [0.5]], [[1], [-1]], 0.25, "signs"
    ),
    "Poisson": Case(
        losses.Poisson,
        [[1.0], [2.0]],
        [[1], [0]],
        (1 - math.log(1 + 1e-7) + 2) / 2,
        "counts",
        "positive",
    ),
    "Quantile": Case(
        lambda: losses.Quantile(0.9), [[2.0], [1.0]], [[0], [4]], (0.2 + 2.7) / 2
    ),
    "Quantile of several": Case(
        lambda: losses.Quantile([0.1, 0.5, 0.9]),
        [[1.0, 3.0, 4.0]],
        [2.0],
        (0.1 + 0.5 + 0.2) / 3,
        "one number",
    ),
    "SparseCategoricalCrossentropy": Case(
        losses.SparseCategoricalCrossentropy,
        HALF,
        [1, 0],
        (math.log(2) + math.log(4)) / 2,
        "classes",
        "shares",
    ),
    "SparseCategoricalFocalCrossentropy": Case(
        losses.SparseCategoricalFocalCrossentropy,
        HALF,
        [1, 0],
        (math.log(2) / 16 + math.log(4) * 9 / 64) / 2,
        "classes",
        "shares",
    ),
    "SparseCategoricalFocalCrossentropy by class": Case(
        lambda: losses.SparseCategoricalFocalCrossentropy(
            alpha=[0.5, 1.0, 2.0], gamma=1.0
        ),
        [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]],
        [1, 0],
        (math.log(4) * 0.75 + math.log(4) * 0.375) / 2,
        "classes",
        "shares",
    ),
    "SquaredHinge": Case(
        losses.SquaredHinge, [[2.0], [0.5]], [[1], [-1]], 1.125, "signs"
    ),
    "TorchLoss": Case(
        lambda: losses.TorchLoss(nn.SmoothL1Loss()), [[0.5], [3.0]], [[0], [0]], 1.3125
    ),
    "Triplet": Case(
        losses.Triplet,
        [[[0.0, 0.0], [3.0, 4.0], [0.0, 5.5]], [[0.0, 0.0], [1.0, 0.0], [0.0, 9.0]]],
        [0, 0],
        0.25,
        "none",
        "triples",
    ),
    "Tversky": Case(
        lambda: losses.Tversky(alpha=0.25, beta=1.0, axis=-1),
        [[1.0, 0.5, 0.5]],
        [[1, 1, 0]],
        1 - 1.5 / (1.5 + 0.125 + 0.5 + 1e-7),
        "answers",
        "shares",
    ),
}
every_loss = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
APART = {name: case for name, case in CASES.items() if case.apart}
every_loss_of_samples = pytest.mark.parametrize("case", APART.values(), ids=APART)
BOUNDED = {name: case for name, case in CASES.items() if case.bounded}
every_bounded_loss = pytest.mark.parametrize("case", BOUNDED.values(), ids=BOUNDED)
INTEGER_LABELS = ("classes", "rows of labels")


def point(case: Case) -> tuple[Tensor, Tensor]:
    prediction = torch.tensor(case.prediction, dtype=torch.float64)
    dtype = torch.int64 if case.labels in INTEGER_LABELS else torch.float64
    return prediction, torch.tensor(case.target, dtype=dtype)


def drawn(case: Case, size: int = 6, units: int = 3) -> tuple[Tensor, Tensor]:
    """A random prediction and a target the loss can read."""
    scores = torch.randn(size, units, dtype=torch.float64)
    noise = torch.randn(size, units, dtype=torch.float64)
    classes = noise.argmax(-1)
    target = {
        "numbers": noise,
        "answers": (noise > 0).long(),
        "signs": noise.sign(),
        "counts": noise.abs().round(),
        "shares": noise.softmax(-1),
        "one_hot": nn.functional.one_hot(classes, units),
        "classes": classes,
        "none": noise[:, 0],
        "one answer": (noise[:, 0] > 0).long(),
        "one number": noise[:, 0],
        "two numbers": noise[:, :2],
        "rows of labels": torch.tensor(
            [[1, 1], [2, 1], [1, 0], [0, 0], [2, 0], [1, 2]]
        ),
    }[case.labels]
    prediction = {
        "numbers": scores,
        "positive": scores.exp(),
        "shares": scores.softmax(-1),
        "halves": torch.randn(size, 4, dtype=torch.float64),
        "pairs": torch.randn(size, 2, units, dtype=torch.float64),
        "triples": torch.randn(size, 3, units, dtype=torch.float64),
        "steps": torch.randn(size, 5, units, dtype=torch.float64),
    }[case.domain]
    return prediction, target


def test_every_exported_loss_has_a_case():
    classes = {name for name in losses.__all__ if name[0].isupper()}
    swept = {name.split(" ")[0] for name in CASES}
    assert classes - {"Loss", "OverlapLoss"} == swept


@every_loss
def test_the_value_at_a_known_point_is_right(case):
    prediction, target = point(case)
    assert_close(case.make()(prediction, target), case.value)


@every_loss
def test_the_gradient_is_the_slope(case):
    prediction, target = drawn(case)
    loss, direction = case.make(), torch.randn_like(prediction)
    leaf = prediction.clone().requires_grad_()
    loss(leaf, target).backward()
    step = 1e-6 * direction
    rise = loss(prediction + step, target) - loss(prediction - step, target)
    slope = (leaf.grad * direction).sum()
    assert_close(slope, rise / 2e-6, "finite_difference")


@every_bounded_loss
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_huge_predictions_give_finite_numbers(case, size):
    prediction, target = (tensor.float() for tensor in drawn(case))
    if case.domain == "positive":
        size = abs(size)
    target = target.long() if case.labels in INTEGER_LABELS else target
    leaf = (prediction.sign() * size).requires_grad_()
    loss = case.make()
    loss = loss if loss.folds is None else loss.on_logits()
    value = loss(leaf, target)
    value.backward()
    assert value.isfinite()
    assert leaf.grad.isfinite().all()


@every_loss_of_samples
def test_weights_count_samples(case):
    prediction, target = drawn(case)
    loss, counts = case.make(), torch.tensor([0, 1, 2, 3, 0, 2])
    repeated = [kind.repeat_interleave(counts, dim=0) for kind in (prediction, target)]
    weighted = loss(prediction, target, counts.double()) * len(counts)
    assert_close(weighted, loss(*repeated) * counts.sum(), "reordered")


@every_loss
def test_equal_weights_change_nothing(case):
    prediction, target = drawn(case)
    loss = case.make()
    unweighted = loss(prediction, target)
    weighted = loss(prediction, target, torch.ones(len(prediction)))
    assert_close(weighted, unweighted, "reordered")


@every_loss_of_samples
def test_the_mean_is_the_mean_of_the_samples(case):
    prediction, target = drawn(case)
    loss = case.make()
    parts = [loss(prediction[i : i + 1], target[i : i + 1]) for i in range(6)]
    assert_close(loss(prediction, target), torch.stack(parts).mean(), "reordered")


@every_loss
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_loss_has_the_dtype_of_the_prediction(case, dtype):
    prediction, target = drawn(case)
    assert case.make()(prediction.to(dtype), target).dtype is dtype


@every_loss
def test_half_predictions_are_judged_in_float32_or_their_own_type(case):
    prediction, target = drawn(case)
    half = prediction.to(torch.bfloat16).requires_grad_()
    loss = case.make()(half, target)
    loss.backward()
    assert loss.dtype in (torch.float32, torch.bfloat16)
    assert loss.isfinite()
    assert half.grad.dtype is torch.bfloat16
    assert half.grad.isfinite().all()


@every_loss
def test_neither_prediction_nor_target_is_changed(case):
    prediction, target = drawn(case)
    before = prediction.clone(), target.clone()
    case.make()(prediction, target, torch.rand(len(prediction)))
    assert torch.equal(prediction, before[0])
    assert torch.equal(target, before[1])


@every_loss
def test_good_targets_pass_the_check(case):
    prediction, target = drawn(case)
    shape = (None, *prediction.shape[1:])
    case.make().check_target(shape, prediction.dtype, target)


NAMED = {name: case for name, case in CASES.items() if name != "TorchLoss"}


@pytest.mark.parametrize("case", NAMED.values(), ids=NAMED)
def test_a_loss_is_rebuilt_from_its_config(case):
    loss, (prediction, target) = case.make(), drawn(case)
    rebuilt = decode(encode(loss))
    assert type(rebuilt) is type(loss)
    assert rebuilt.config() == loss.config()
    assert torch.equal(rebuilt(prediction, target), loss(prediction, target))


@every_loss_of_samples
def test_a_mask_leaves_samples_out_whatever_stands_there(case):
    prediction, target = drawn(case)
    kept, weight = torch.tensor([1, 0, 1, 1, 0, 1]).bool(), torch.rand(6).double()
    leaf = prediction.masked_fill(~kept.reshape(-1, *[1] * (prediction.ndim - 1)), 0.5)
    leaf.requires_grad_()
    loss = case.make()
    masked = loss(leaf, target, weight, kept)
    masked.backward()
    expected = loss(prediction[kept], target[kept], weight[kept])
    assert_close(masked, expected, "reordered")
    assert not leaf.grad[~kept].any()


@pytest.mark.parametrize("name", sorted({name.split(" ")[0] for name in CASES}))
def test_the_docstring_has_its_sections(name):
    titles = sections(inspect.getdoc(getattr(losses, name)) or "")
    assert {"Args", "Shape", "Raises", "Example", "Source"} <= set(titles)
