"""A loss reduces, weighs and widens as it says, and can be written in one method."""

import inspect
import re

import numpy as np
import pytest
import torch

import mica
from mica import losses
from mica.errors import ConfigError, DataError, ShapeError
from mica.losses import Loss
from tests.tolerances import assert_close

PREDICTION = torch.tensor([[1.0], [2.0], [4.0]])
TARGET = torch.zeros(3)  # squared errors 1, 4, 16
WEIGHT = torch.tensor([1.0, 0.5, 0.0])


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [
        ("sum_over_batch_size", 7.0),
        ("mean", 7.0),
        ("mean_with_sample_weight", 7.0),
        ("sum", 21.0),
        ("none", [1.0, 4.0, 16.0]),
        (None, [1.0, 4.0, 16.0]),
    ],
)
def test_a_loss_is_reduced_as_told(reduction, expected):
    loss = losses.MeanSquaredError(reduction=reduction)
    assert_close(loss(PREDICTION, TARGET), torch.tensor(expected))


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [
        ("sum_over_batch_size", 1.0),
        ("mean_with_sample_weight", 2.0),
        ("sum", 3.0),
        ("none", [1.0, 2.0, 0.0]),
    ],
)
def test_a_weighted_loss_is_reduced_as_told(reduction, expected):
    loss = losses.MeanSquaredError(reduction=reduction)
    assert_close(loss(PREDICTION, TARGET, WEIGHT), torch.tensor(expected))


def test_weights_that_are_all_zero_give_zero():
    loss = losses.MeanSquaredError(reduction="mean_with_sample_weight")
    assert loss(PREDICTION, TARGET, torch.zeros(3)).item() == 0


def test_one_weight_per_sample_counts_for_all_steps_of_a_sequence():
    prediction = torch.ones(2, 2, 1)
    loss = losses.MeanSquaredError(reduction="none")
    weighted = loss(prediction, torch.zeros(2, 2), torch.tensor([1.0, 3.0]))
    assert weighted.tolist() == [[1.0, 1.0], [3.0, 3.0]]


def test_an_unknown_reduction_is_refused():
    sentence = (
        "MeanSquaredError: expected a reduction out of sum_over_batch_size, mean, "
        "mean_with_sample_weight, sum, none, got 'average'. Leave it out to average."
    )
    make = inspect.unwrap(losses.MeanSquaredError.__init__)  # users run without checks
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        make(losses.MeanSquaredError(), reduction="average")


def test_a_loss_without_per_sample_says_so():
    class Empty(Loss):
        pass

    sentence = (
        "Empty: expected a method per_sample(prediction, target), got none. Define it "
        "in the class."
    )
    with pytest.raises(NotImplementedError, match=f"^{re.escape(sentence)}$"):
        Empty()(PREDICTION, TARGET)


def test_a_loss_of_ones_own_needs_one_method():
    @mica.register
    class Quartic(Loss):
        def per_sample(self, prediction, target):
            return (prediction[:, 0] - target) ** 4

    assert Quartic()(PREDICTION, TARGET).item() == 91.0
    assert Quartic()(PREDICTION, TARGET, WEIGHT).item() == 3.0
    assert Quartic().name == "quartic"


def test_an_error_inside_a_loss_of_ones_own_is_not_hidden():
    class Broken(Loss):
        def per_sample(self, prediction, target):
            raise RuntimeError("a fault of its own")

    with pytest.raises(RuntimeError, match=r"^a fault of its own$"):
        Broken()(PREDICTION, TARGET)


def test_a_loss_that_folds_nothing_says_so():
    sentence = (
        "Huber: expected a loss that can be computed from logits, got one that cannot. "
        "Use a cross-entropy."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        losses.Huber().on_logits()


def test_predictions_and_targets_meet_by_rows_never_by_broadcasting():
    prediction = torch.tensor([[1.0], [2.0]], requires_grad=True)
    losses.MeanSquaredError()(prediction, torch.tensor([1.0, 4.0])).backward()
    assert prediction.grad.tolist() == [[0.0], [-2.0]]


def test_a_flat_prediction_is_one_number_per_sample():
    loss = losses.MeanSquaredError(reduction="none")
    assert loss(torch.tensor([1.0, 3.0]), torch.zeros(2, 1)).tolist() == [1.0, 9.0]


def test_half_precision_is_computed_in_float32():
    prediction = torch.zeros(2, 1, dtype=torch.bfloat16, requires_grad=True)
    loss = losses.MeanSquaredError()(prediction, torch.tensor([1 / 3, 1 / 3]))
    loss.backward()
    assert loss.dtype is torch.float32
    assert prediction.grad.dtype is torch.bfloat16


def test_misplaced_weights_are_named():
    sentence = (
        "MeanSquaredError: expected sample weights of shape (3,), one per sample, got "
        "(2,). Give one weight per row of the data."
    )
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        losses.MeanSquaredError()(PREDICTION, TARGET, torch.ones(2))


def test_a_loss_shows_its_arguments():
    assert repr(losses.Huber(2.0, reduction="sum")) == (
        "Huber(delta=2.0, reduction='sum')"
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("kl_divergence", losses.KLDivergence),
        ("mean_squared_error", losses.MeanSquaredError),
        ("sparse_categorical_crossentropy", losses.SparseCategoricalCrossentropy),
    ],
)
def test_a_loss_is_called_by_kerass_name(name, kind):
    assert kind().name == name


def test_a_loss_can_be_called_otherwise():
    assert losses.Huber(name="distance").name == "distance"


@pytest.mark.parametrize("number", [np.zeros((2, 3)), [[0.0, 1.0]], 1.0])
@pytest.mark.parametrize("kind", [losses.MeanSquaredError, losses.Huber])
@pytest.mark.usefixtures("without_shape_checks")
def test_arrays_and_lists_are_no_tensors(kind, number):
    with pytest.raises(DataError) as caught:
        kind()(number, number)
    assert str(caught.value) == (
        f"{kind.__name__}: expected tensors, got {type(number).__name__}. Convert it "
        "with torch.as_tensor(...)."
    )


MASK = torch.tensor([True, True, False])


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [
        ("sum_over_batch_size", 2.5),
        ("mean_with_sample_weight", 2.5),
        ("sum", 5.0),
        ("none", [1.0, 4.0, 0.0]),
    ],
)
def test_what_is_masked_counts_in_neither_sum(reduction, expected):
    loss = losses.MeanSquaredError(reduction=reduction)
    assert_close(loss(PREDICTION, TARGET, mask=MASK), torch.tensor(expected))


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [("sum_over_batch_size", 1.5), ("mean_with_sample_weight", 2.0), ("sum", 3.0)],
)
def test_mask_and_weights_go_together(reduction, expected):
    loss = losses.MeanSquaredError(reduction=reduction)
    assert_close(loss(PREDICTION, TARGET, WEIGHT, MASK), torch.tensor(expected))


def test_a_mask_of_samples_counts_for_all_their_steps():
    loss = losses.MeanSquaredError(reduction="none")
    masked = loss(torch.ones(2, 2, 1), torch.zeros(2, 2), mask=torch.tensor([1, 0]))
    assert masked.tolist() == [[1.0, 1.0], [0.0, 0.0]]


def test_padding_may_hold_anything():
    prediction = torch.tensor([[1.0], [float("nan")]], requires_grad=True)
    mask = torch.tensor([True, False])
    loss = losses.MeanSquaredError()(prediction, torch.zeros(2, 1), mask=mask)
    assert loss.item() == 1


def test_a_mask_joins_an_ignored_class():
    loss = losses.SparseCategoricalCrossentropy(ignore_class=-1)
    shares, labels = torch.full((3, 2), 0.5), torch.tensor([0, -1, 1])
    assert loss(shares, labels, mask=MASK).item() == loss(shares[:1], labels[:1]).item()


def test_a_mask_that_does_not_fit_is_refused():
    sentence = (
        "MeanSquaredError: expected a mask of the leading axes of (3,), got (2,). Give "
        "True for each entry that counts."
    )
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        losses.MeanSquaredError()(PREDICTION, TARGET, mask=MASK[:2])


@pytest.mark.usefixtures("without_shape_checks")
def test_a_loss_needs_a_target():
    sentence = (
        "MeanSquaredError: expected a target, got none. Call the loss with prediction "
        "and target."
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        losses.MeanSquaredError()(PREDICTION)
