"""Every loss gives Keras's numbers and gradients in float64."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
import torch
from keras.src.backend.common import dtypes
from torch import Tensor

from mica import losses
from tests.oracle.keras_draws.comparing import largest_difference
from tests.tolerances import assert_close

SEEDS = range(20)  # configurations drawn for each of the 25 losses
REDUCTIONS = ["sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none"]


class Case(NamedTuple):
    """One configuration: the same arguments, prediction, target and weights."""

    name: str
    arguments: dict[str, Any]
    prediction: Tensor
    target: Tensor
    keras_target: Tensor


@pytest.fixture(autouse=True)
def keras_in_float64(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keras narrows float64 to float32 outside TensorFlow; here it may not."""
    monkeypatch.delitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64")
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx(before)


def leading_shape(draw: np.random.Generator) -> tuple[int, ...]:
    return tuple(draw.integers(2, 5, size=draw.integers(1, 4)).tolist())


def normal(draw: np.random.Generator, *shape: int) -> Tensor:
    return torch.from_numpy(draw.normal(size=shape))


def smoothing(draw: np.random.Generator) -> float:
    return float(draw.choice([0.0, 0.1, 0.3]))


def logits_choice(draw: np.random.Generator) -> bool | None:
    return [None, False, True][draw.integers(3)]


def numbers(name: str, draw: np.random.Generator, **arguments: Any) -> Case:
    """A case of the regression kind; a last axis of one may miss in the target."""
    shape = (*leading_shape(draw), int(draw.integers(1, 4)))
    prediction, target = normal(draw, *shape), normal(draw, *shape)
    flat = shape[-1] == 1 and bool(draw.integers(2))
    ours = target.squeeze(-1) if flat else target
    return Case(name, arguments, prediction, ours, target)


def positive(name: str, draw: np.random.Generator) -> Case:
    case = numbers(name, draw)
    return case._replace(
        prediction=case.prediction.abs() + 0.01,
        target=case.target.abs(),
        keras_target=case.keras_target.abs(),
    )


def huber(name: str, draw: np.random.Generator) -> Case:
    return numbers(name, draw, delta=float(draw.choice([0.3, 1.0, 2.0])))


def signs(name: str, draw: np.random.Generator) -> Case:
    case = numbers(name, draw)
    low = int(draw.choice([-1, 0]))
    target, keras_target = (
        torch.where(kind > 0, 1, low) for kind in (case.target, case.keras_target)
    )
    return case._replace(target=target, keras_target=keras_target)


def rows_of_shares(name: str, draw: np.random.Generator, **arguments: Any) -> Case:
    shape = (*leading_shape(draw), int(draw.integers(2, 6)))
    prediction, target = normal(draw, *shape), normal(draw, *shape).softmax(-1)
    if not arguments.get("from_logits"):
        prediction = prediction.softmax(-1)
    return Case(name, arguments, prediction, target, target)


def vectors(name: str, draw: np.random.Generator) -> Case:
    shape = (*leading_shape(draw), int(draw.integers(2, 6)))
    prediction, target = normal(draw, *shape), normal(draw, *shape)
    return Case(name, {}, prediction, target, target)


def one_hot_scores(name: str, draw: np.random.Generator) -> Case:
    case = vectors(name, draw)
    classes = case.prediction.shape[-1]
    target = torch.nn.functional.one_hot(case.target.argmax(-1), classes)
    return case._replace(target=target, keras_target=target)


def categorical(name: str, draw: np.random.Generator) -> Case:
    arguments = {"from_logits": logits_choice(draw), "label_smoothing": smoothing(draw)}
    return rows_of_shares(name, draw, **arguments)


def binary(name: str, draw: np.random.Generator) -> Case:
    arguments = {"from_logits": logits_choice(draw), "label_smoothing": smoothing(draw)}
    case = numbers(name, draw, **arguments)
    soft = bool(draw.integers(2))
    target, keras_target = (
        kind.sigmoid() if soft else (kind > 0).long()
        for kind in (case.target, case.keras_target)
    )
    prediction = case.prediction
    if not arguments["from_logits"]:
        prediction = prediction.sigmoid()
    return case._replace(
        prediction=prediction, target=target, keras_target=keras_target
    )


def sparse(name: str, draw: np.random.Generator) -> Case:
    ignored = [None, 0, 255, -1][draw.integers(4)]
    arguments = {"from_logits": logits_choice(draw), "ignore_class": ignored}
    case = rows_of_shares(name, draw, **arguments)
    labels = case.target.argmax(-1)
    if ignored is not None:
        skipped = torch.from_numpy(draw.random(labels.shape) < 0.3)
        labels = torch.where(skipped, ignored, labels)
    dtype = [torch.int64, torch.int32, torch.float64][draw.integers(3)]
    labels = labels.to(dtype)
    ours = labels.unsqueeze(-1) if draw.integers(2) else labels
    return case._replace(target=ours, keras_target=labels)


def binary_focal(name: str, draw: np.random.Generator) -> Case:
    case = binary(name, draw)
    focal = {
        "apply_class_balancing": bool(draw.integers(2)),
        "alpha": float(draw.random()),
        "gamma": float(draw.choice([0.5, 1.0, 2.0, 3.5])),
    }
    return case._replace(arguments={**case.arguments, **focal})


def categorical_focal(name: str, draw: np.random.Generator) -> Case:
    case = categorical(name, draw)
    classes = case.prediction.shape[-1]
    alpha = draw.random(classes).tolist() if draw.integers(2) else float(draw.random())
    focal = {"alpha": alpha, "gamma": float(draw.choice([0.5, 1.0, 2.0, 3.5]))}
    return case._replace(arguments={**case.arguments, **focal})


def generalized(name: str, draw: np.random.Generator) -> Case:
    case = rows_of_shares(name, draw, q=float(draw.uniform(0.05, 0.95)))
    labels = case.target.argmax(-1)
    return case._replace(target=labels, keras_target=labels)


def regions(name: str, draw: np.random.Generator, **arguments: Any) -> Case:
    shape = (*leading_shape(draw), int(draw.integers(1, 4)))
    axes = draw.permutation(len(shape))[: draw.integers(1, len(shape) + 1)]
    axis = [None, tuple(axes.tolist()), int(axes[0])][draw.integers(3)]
    target = (normal(draw, *shape) > 0).double()
    prediction = normal(draw, *shape).sigmoid()
    return Case(name, {"axis": axis, **arguments}, prediction, target, target)


def tversky(name: str, draw: np.random.Generator) -> Case:
    return regions(name, draw, alpha=float(draw.random()), beta=float(draw.random()))


def rows_of_labels(name: str, draw: np.random.Generator) -> Case:
    batch, labels, classes = (int(size) for size in draw.integers(2, 6, size=3))
    target = torch.from_numpy(draw.integers(1, classes + 1, size=(batch, labels)))
    lengths = torch.from_numpy(draw.integers(0, labels + 1, size=(batch, 1)))
    target = torch.where(torch.arange(labels) < lengths, target, 0)
    steps = 2 * labels + int(draw.integers(3))
    return Case(name, {}, normal(draw, batch, steps, classes + 1), target, target)


def embeddings(name: str, draw: np.random.Generator) -> Case:
    rows = normal(draw, int(draw.integers(2, 9)), int(draw.integers(2, 5)))
    arguments = {
        "gamma": float(draw.choice([1.0, 8.0, 80.0])),
        "margin": float(draw.uniform(0.1, 0.6)),
        "remove_diagonal": bool(draw.integers(2)),
    }
    labels = torch.from_numpy(draw.integers(0, 3, size=len(rows)))
    rows = torch.nn.functional.normalize(rows, dim=-1)
    return Case(name, arguments, rows, labels, labels)


CASES: dict[str, Callable[[str, np.random.Generator], Case]] = {
    "BinaryCrossentropy": binary,
    "BinaryFocalCrossentropy": binary_focal,
    "CTC": rows_of_labels,
    "CategoricalCrossentropy": categorical,
    "CategoricalFocalCrossentropy": categorical_focal,
    "CategoricalGeneralizedCrossEntropy": generalized,
    "CategoricalHinge": one_hot_scores,
    "Circle": embeddings,
    "CosineSimilarity": vectors,
    "Dice": regions,
    "Hinge": signs,
    "Huber": huber,
    "KLDivergence": rows_of_shares,
    "LogCosh": numbers,
    "MeanAbsoluteError": numbers,
    "MeanAbsolutePercentageError": numbers,
    "MeanSquaredError": numbers,
    "MeanSquaredLogarithmicError": positive,
    "Poisson": positive,
    "SparseCategoricalCrossentropy": sparse,
    "SquaredHinge": signs,
    "Tversky": tversky,
}
OWN = {  # what Keras has no class for
    "BatchTriplet",
    "BernoulliLikelihood",
    "Contrastive",
    "FunctionLoss",
    "GaussianKLDivergence",
    "GaussianLikelihood",
    "InfoNCE",
    "Loss",
    "OverlapLoss",
    "PerceptronCriterion",
    "Quantile",
    "SparseCategoricalFocalCrossentropy",
    "TorchLoss",
    "Triplet",
}


def weights_for(case: Case, draw: np.random.Generator) -> Tensor | None:
    """None, or one weight for each value: what Keras and Mica mean alike."""
    if draw.integers(2):
        return None
    if case.name == "CTC":
        return torch.from_numpy(draw.random(len(case.prediction)))
    if "axis" not in case.arguments:
        return torch.from_numpy(draw.random(case.prediction.shape[:-1]))
    axis, axes = case.arguments["axis"], range(case.prediction.ndim)
    if axis is None:  # Mica weighs the entries of a region, Keras the one number
        return None
    gone = {axis} if isinstance(axis, int) else set(axis)
    kept = [case.prediction.shape[each] for each in axes if each not in gone]
    return torch.from_numpy(draw.random(kept)) if kept else None


def value_and_gradient(
    loss: Callable[[Tensor], Tensor], prediction: Tensor
) -> tuple[Tensor, Tensor]:
    leaf = prediction.clone().requires_grad_()
    value = loss(leaf)
    value.sum().backward()
    return value.detach(), leaf.grad


def keras_loss(case: Case, reduction: str) -> Any:
    arguments = dict(case.arguments)
    if "from_logits" in arguments:
        arguments["from_logits"] = bool(arguments["from_logits"])
    kind = getattr(keras.losses, case.name)
    return kind(reduction=reduction, dtype="float64", **arguments)


def keras_value(
    case: Case, reduction: str, prediction: Tensor, weight: Tensor | None
) -> Tensor:
    """Keras's loss; it cannot differentiate labels over more axes than one."""
    theirs, target, shape = keras_loss(case, reduction), case.keras_target, ()
    if case.name == "SparseCategoricalCrossentropy":
        shape = prediction.shape[:-1]
        prediction = prediction.reshape(-1, prediction.shape[-1])
        target = target.reshape(-1)
        weight = None if weight is None else weight.reshape(-1)
    value = theirs(target, prediction, weight)
    return value.reshape(shape) if value.ndim and shape else value


def compare(case: Case, weight: Tensor | None, reduction: str) -> float:
    """Demand Keras's value and gradient; give the largest difference."""
    ours = getattr(losses, case.name)(reduction=reduction, **case.arguments)
    value, gradient = value_and_gradient(
        lambda leaf: ours(leaf, case.target, weight), case.prediction
    )
    expected, expected_gradient = value_and_gradient(
        lambda leaf: keras_value(case, reduction, leaf, weight), case.prediction
    )
    # NOTE: Keras divides 0 by 0 in rows it ignores; nothing is to be learned there.
    theirs = [expected, expected_gradient.nan_to_num()]
    return largest_difference([value, gradient], theirs)


def compare_configuration(name: str, seed: int) -> float:
    """Draw one configuration of a loss and compare it with Keras's."""
    draw = np.random.default_rng([seed, *name.encode()])
    case = CASES[name](name, draw)
    weight = weights_for(case, draw)
    return compare(case, weight, REDUCTIONS[draw.integers(len(REDUCTIONS))])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CASES)
def test_a_loss_agrees_with_keras(name, seed):
    compare_configuration(name, seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_sparse_label_smoothing_agrees_with_keras_on_one_hot_rows(seed):
    draw = np.random.default_rng(seed)
    arguments = {"from_logits": logits_choice(draw), "label_smoothing": smoothing(draw)}
    case = rows_of_shares("CategoricalCrossentropy", draw, **arguments)
    labels = case.target.argmax(-1)
    one_hot = torch.nn.functional.one_hot(labels, case.target.shape[-1])
    ours = losses.SparseCategoricalCrossentropy(**arguments)
    theirs = keras_loss(case, "sum_over_batch_size")
    weight = weights_for(case, draw)
    value, gradient = value_and_gradient(
        lambda leaf: ours(leaf, labels, weight), case.prediction
    )
    expected, expected_gradient = value_and_gradient(
        lambda leaf: theirs(one_hot, leaf, weight), case.prediction
    )
    assert_close(value, expected)
    assert_close(gradient, expected_gradient)


def test_every_loss_keras_has_is_compared():
    theirs = {name for name in dir(keras.losses) if name[0].isupper()} - {"Loss"}
    classes = {name for name in losses.__all__ if name[0].isupper()}
    assert theirs == set(CASES)
    assert classes - OWN == theirs
