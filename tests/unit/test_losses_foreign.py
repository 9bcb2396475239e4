"""Torch's losses and plain functions have the face of our own."""

import functools
import re

import pytest
import torch
from torch import nn
from torch.nn import functional

from mica import losses
from mica.errors import ConfigError, DataError, ShapeError
from mica.losses import FunctionLoss, TorchLoss, get_loss
from tests.tolerances import assert_close

LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.0, 1.0, -2.0]])
LABELS = torch.tensor([0, 2])
WEIGHT = torch.tensor([0.5, 2.0])


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize(
    "foreign", [nn.CrossEntropyLoss(), functional.cross_entropy, nn.CrossEntropyLoss]
)
def test_torchs_cross_entropy_is_ours(foreign, weight):
    ours = losses.SparseCategoricalCrossentropy(from_logits=True)
    loss = get_loss(foreign)
    assert_close(loss(LOGITS, LABELS, weight), ours(LOGITS, LABELS, weight))


@pytest.mark.parametrize("target", [LABELS.float(), LABELS.int(), LABELS[:, None]])
def test_torchs_cross_entropy_reads_labels_of_any_kind(target):
    loss = TorchLoss(nn.CrossEntropyLoss())
    assert_close(loss(LOGITS, target), nn.CrossEntropyLoss()(LOGITS, LABELS))


def test_torchs_cross_entropy_reads_one_hot_rows():
    rows = functional.one_hot(LABELS, 3).float()
    expected = nn.CrossEntropyLoss()(LOGITS, LABELS)
    assert_close(get_loss(nn.CrossEntropyLoss())(LOGITS, rows), expected)


@pytest.mark.parametrize("classes_last", [True, False])
def test_torchs_cross_entropy_finds_the_classes_of_pixels(classes_last):
    logits, labels = torch.randn(2, 3, 4, 5), torch.randint(5, (2, 3, 4))
    expected = functional.cross_entropy(logits.movedim(-1, 1), labels)
    given = logits if classes_last else logits.movedim(-1, 1)
    assert_close(get_loss(nn.CrossEntropyLoss())(given, labels), expected)


def test_torchs_cross_entropy_finds_the_classes_of_soft_pixels():
    logits, rows = torch.randn(2, 3, 5), torch.rand(2, 3, 5).softmax(-1)
    expected = functional.cross_entropy(logits.movedim(-1, 1), rows.movedim(-1, 1))
    assert_close(get_loss(nn.CrossEntropyLoss())(logits, rows), expected)


def test_torchs_ignored_label_stays_ignored():
    labels = torch.tensor([0, -100])
    loss = get_loss(nn.CrossEntropyLoss())
    loss.check_target((None, 3), torch.float32, labels)
    assert_close(loss(LOGITS, labels), nn.CrossEntropyLoss()(LOGITS[:1], LABELS[:1]))


@pytest.mark.parametrize("keywords", [{}, {"ignore_index": 7}])
def test_an_ignored_label_of_a_function_is_no_mistake(keywords):
    loss = get_loss(functools.partial(functional.cross_entropy, **keywords))
    label = keywords.get("ignore_index", -100)
    loss.check_target((None, 3), torch.float32, torch.tensor([0, label]))


ELEMENTWISE = [
    nn.MSELoss(),
    nn.L1Loss(),
    nn.HuberLoss(),
    nn.SmoothL1Loss(),
    nn.BCEWithLogitsLoss(),
    nn.PoissonNLLLoss(),
    functional.mse_loss,
    functional.l1_loss,
    functional.binary_cross_entropy_with_logits,
]


@pytest.mark.parametrize("foreign", ELEMENTWISE)
def test_torchs_losses_of_numbers_do_not_broadcast(foreign):
    prediction, target = torch.rand(3, 1), torch.tensor([0, 1, 1])
    expected = foreign(prediction, target.float()[:, None])
    assert_close(get_loss(foreign)(prediction, target), expected)


@pytest.mark.parametrize("foreign", ELEMENTWISE)
def test_torchs_losses_take_sample_weights(foreign):
    prediction, target = torch.rand(2, 1), torch.tensor([0.0, 1.0])
    parts = [foreign(prediction[i], target[i : i + 1]) for i in range(2)]
    expected = (parts[0] * 0.5 + parts[1] * 2.0) / 2
    assert_close(get_loss(foreign)(prediction, target, WEIGHT), expected)


def test_torchs_losses_refuse_other_shapes_by_name():
    sentence = (
        "MSELoss: expected targets of the predictions' shape (3, 2), got (3,). Give "
        "the last layer 1 unit."
    )
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        get_loss(nn.MSELoss())(torch.zeros(3, 2), torch.zeros(3))


@pytest.mark.parametrize(
    ("foreign", "where"),
    [
        (nn.CrossEntropyLoss(), "CrossEntropyLoss"),
        (functional.cross_entropy, "cross_entropy"),
    ],
)
def test_torchs_cross_entropy_names_a_wrong_label(foreign, where):
    sentence = (
        f"{where}: expected class labels from 0 to 2, got 3 at row 1. Give the last "
        "layer 4 units, or mend the label."
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        get_loss(foreign)(LOGITS, torch.tensor([0, 3]))


def test_a_torch_loss_keeps_its_class_weights_and_moves_with_its_wrapper():
    module = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 3.0]))
    loss = TorchLoss(module).to(torch.float64)
    assert_close(loss(LOGITS.double(), LABELS), module(LOGITS.double(), LABELS))
    assert loss(LOGITS.double(), LABELS, WEIGHT.double()).dtype is torch.float64


class OneNumber(nn.Module):
    def forward(self, prediction, target):
        return (prediction - target).abs().max()


UNWEIGHABLE = (
    "expected a loss with one value per sample to apply sample weights to, got a "
    "single number. Train without weights, or return one value per sample."
)


@pytest.mark.parametrize(
    ("foreign", "where"),
    [(OneNumber(), "OneNumber"), (lambda p, t: (p - t).max(), "<lambda>")],
)
def test_a_single_number_cannot_be_weighted(foreign, where):
    loss = get_loss(foreign)
    assert loss(torch.ones(2), torch.zeros(2)).item() == 1
    with pytest.raises(ConfigError, match=f"^{re.escape(f'{where}: {UNWEIGHABLE}')}$"):
        loss(torch.ones(2), torch.zeros(2), WEIGHT)


def signed(y_true, y_pred):
    return y_pred - y_true


def test_a_function_in_kerass_order_is_called_in_kerass_order():
    assert FunctionLoss(signed)(torch.ones(2, 1), torch.zeros(2)).item() == 1


def test_a_function_without_telling_names_is_called_in_torchs_order():
    loss = FunctionLoss(lambda a, b: a - b)
    assert loss(torch.ones(2, 1), torch.zeros(2)).item() == 1


def test_a_function_of_a_column_and_a_flat_target_does_not_broadcast():
    loss = FunctionLoss(signed, reduction="none")
    assert loss(torch.ones(2, 1), torch.zeros(2)).shape == (2, 1)
    assert loss(torch.ones(2), torch.zeros(2, 1)).shape == (2,)


def test_a_function_with_values_per_sample_takes_weights():
    loss = FunctionLoss(signed)
    assert loss(torch.ones(2, 1), torch.zeros(2), WEIGHT).item() == 1.25


def test_a_built_in_function_is_a_loss():
    assert FunctionLoss(torch.dist)(torch.ones(4), torch.zeros(4)).item() == 2


def test_nested_predictions_reach_the_function():
    loss = FunctionLoss(lambda prediction, target: prediction["a"] - target)
    assert loss({"a": torch.ones(2)}, torch.zeros(2)).item() == 1


def test_names_come_from_the_wrapped():
    assert TorchLoss(nn.MSELoss()).name == "MSELoss"
    assert FunctionLoss(functools.partial(signed)).name == "signed"
    assert FunctionLoss(signed, name="mine").name == "mine"


@pytest.mark.parametrize(
    ("foreign", "reads"),
    [
        (nn.CrossEntropyLoss(), True),
        (nn.BCEWithLogitsLoss(), True),
        (functools.partial(functional.cross_entropy, label_smoothing=0.1), True),
        (nn.MSELoss(), False),
        (nn.NLLLoss(), False),
        (signed, False),
    ],
)
def test_it_is_known_which_losses_read_logits(foreign, reads):
    assert get_loss(foreign).reads_logits is reads


PREDICTION = torch.zeros(3, 1, requires_grad=True)
NO_LOSSES = {
    "nothing": (
        lambda y_true, y_pred: None,
        "<lambda>: expected a function that returns a tensor, got NoneType. Compute "
        "with torch on what it is given, and return the result.",
    ),
    "a number": (
        lambda y_true, y_pred: float((y_pred - y_true).mean()),
        "<lambda>: expected a function that returns a tensor, got float. Compute with "
        "torch on what it is given, and return the result.",
    ),
    "no gradient": (
        lambda y_true, y_pred: (y_pred - y_true).detach() ** 2,
        "<lambda>: expected a value computed from the predictions with torch, got one "
        "without a gradient. Leave out detach(), item(), rounding and the like.",
    ),
}


@pytest.mark.parametrize(("function", "sentence"), NO_LOSSES.values(), ids=NO_LOSSES)
@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad")
def test_a_function_that_gives_no_loss_is_refused(function, sentence):
    with pytest.raises(ConfigError) as caught:
        FunctionLoss(function)(PREDICTION, torch.ones(3, 1))
    assert str(caught.value) == sentence


def test_a_function_loss_needs_no_gradient_where_none_is_asked_for():
    loss = FunctionLoss(lambda y_true, y_pred: (y_pred - y_true) ** 2)
    with torch.no_grad():
        assert loss(PREDICTION, torch.ones(3, 1)).item() == 1.0


def test_a_function_of_one_argument_is_no_loss():
    with pytest.raises(ConfigError) as caught:
        get_loss(lambda y_pred: y_pred.mean())
    assert str(caught.value) == (
        "<lambda>: expected a function of two arguments, got one of (y_pred). Write "
        "def function(y_true, y_pred): ... and return a tensor."
    )
