"""Last layer and loss that do not belong together are named before training."""

import functools
import re

import pytest
from torch import nn
from torch.nn import functional

from mica import losses
from mica.errors import ConfigError
from mica.losses import check_fit, get_loss

BINARY, CATEGORICAL, SPARSE = (
    losses.BinaryCrossentropy,
    losses.CategoricalCrossentropy,
    losses.SparseCategoricalCrossentropy,
)
TEN, ONE = (None, 10), (None, 1)


@pytest.mark.parametrize(
    ("loss", "activation", "shape"),
    [
        (SPARSE(), "softmax", TEN),
        (SPARSE(), "softmax", (None, 28, 28, 10)),
        (SPARSE(from_logits=False), "softmax", TEN),
        (SPARSE(from_logits=True), None, TEN),
        (SPARSE(from_logits=True), "linear", TEN),
        (CATEGORICAL(), "softmax", TEN),
        (BINARY(), "sigmoid", ONE),
        (BINARY(), "sigmoid", (None,)),
        (BINARY(), "gaussian", ONE),
        (BINARY(), "sigmoid", TEN),
        (BINARY(from_logits=True), "identity", ONE),
        (SPARSE(), "unknown", TEN),
        (SPARSE(from_logits=True), "a_function_of_mine", TEN),
        (losses.MeanSquaredError(), None, ONE),
        (losses.MeanSquaredError(), "relu", ONE),
        (losses.MeanSquaredError(), "softmax", TEN),
        (losses.Hinge(), "tanh", ONE),
        (losses.Hinge(), None, ONE),
        (losses.KLDivergence(), "softmax", TEN),
        (get_loss(nn.CrossEntropyLoss()), None, TEN),
        (get_loss(nn.BCELoss()), "sigmoid", ONE),
        (get_loss(nn.NLLLoss()), "log_softmax", TEN),
        (get_loss(nn.MSELoss()), "relu", ONE),
        (get_loss(lambda prediction, target: prediction), "relu", ONE),
    ],
)
def test_what_belongs_together_passes(loss, activation, shape):
    check_fit(loss, activation, shape)


MISFITS = [
    (
        SPARSE(),
        None,
        TEN,
        "SparseCategoricalCrossentropy: expected probabilities from a last softmax, "
        "got a linear last layer. End in activation='softmax', or pass "
        "from_logits=True.",
    ),
    (
        BINARY(from_logits=False),
        "linear",
        ONE,
        "BinaryCrossentropy: expected probabilities from a last sigmoid, got a linear "
        "last layer. End in activation='sigmoid', or pass from_logits=True.",
    ),
    (
        CATEGORICAL(),
        "relu",
        TEN,
        "CategoricalCrossentropy: expected probabilities from a last softmax, got "
        "relu. Replace it by activation='softmax'.",
    ),
    (
        BINARY(),
        "tanh",
        ONE,
        "BinaryCrossentropy: expected probabilities from a last sigmoid, got tanh. "
        "Replace it by activation='sigmoid'.",
    ),
    (
        SPARSE(),
        "sigmoid",
        TEN,
        "SparseCategoricalCrossentropy: expected probabilities from a last softmax, "
        "got sigmoid. End in softmax, or use BinaryCrossentropy when several classes "
        "can be right at once.",
    ),
    (
        BINARY(),
        "softmax",
        TEN,
        "BinaryCrossentropy: expected probabilities from a last sigmoid, got softmax. "
        "Use CategoricalCrossentropy when one class is right, or end in sigmoid when "
        "several can be.",
    ),
    (
        BINARY(),
        "softmax",
        ONE,
        "BinaryCrossentropy: expected several softmax units, got one, which always "
        "gives 1. End in 1 sigmoid unit, or in a softmax unit for each class.",
    ),
    (
        losses.MeanSquaredError(),
        "softmax",
        ONE,
        "MeanSquaredError: expected several softmax units, got one, which always gives "
        "1. End in 1 sigmoid unit, or in a softmax unit for each class.",
    ),
    (
        SPARSE(),
        "sigmoid",
        ONE,
        "SparseCategoricalCrossentropy: expected a unit for each class, got 1 unit. "
        "For two classes use 2 softmax units, or 1 sigmoid unit and "
        "BinaryCrossentropy.",
    ),
    (
        SPARSE(from_logits=True),
        "softmax",
        TEN,
        "SparseCategoricalCrossentropy: expected logits, got probabilities: the model "
        "ends in softmax. Leave out from_logits=True, or take the softmax off the last "
        "layer.",
    ),
    (
        BINARY(from_logits=True),
        "sigmoid",
        ONE,
        "BinaryCrossentropy: expected logits, got probabilities: the model ends in "
        "sigmoid. Leave out from_logits=True, or take the sigmoid off the last layer.",
    ),
    (
        get_loss(nn.CrossEntropyLoss()),
        "softmax",
        TEN,
        "CrossEntropyLoss: expected logits, got probabilities: the model ends in "
        "softmax. Take the softmax off the last layer.",
    ),
    (
        get_loss(functools.partial(functional.cross_entropy, label_smoothing=0.1)),
        "softmax",
        TEN,
        "cross_entropy: expected logits, got probabilities: the model ends in softmax. "
        "Take the softmax off the last layer.",
    ),
    (
        get_loss(nn.BCEWithLogitsLoss()),
        "sigmoid",
        ONE,
        "BCEWithLogitsLoss: expected logits, got probabilities: the model ends in "
        "sigmoid. Take the sigmoid off the last layer.",
    ),
    (
        SPARSE(from_logits=True),
        "relu",
        TEN,
        "SparseCategoricalCrossentropy: expected logits of any sign, got a model that "
        "ends in relu. Take the relu off the last layer.",
    ),
    (
        losses.Hinge(),
        "sigmoid",
        ONE,
        "Hinge: expected scores of both signs, got a model that ends in sigmoid. End "
        "in a linear layer or in tanh.",
    ),
    (
        get_loss(nn.NLLLoss()),
        "softmax",
        TEN,
        "NLLLoss: expected a model that ends in log_softmax, got softmax. Use "
        "torch.nn.CrossEntropyLoss and a linear last layer.",
    ),
    (
        get_loss(nn.BCELoss()),
        None,
        ONE,
        "BCELoss: expected a model that ends in sigmoid, got a linear last layer. Use "
        "torch.nn.BCEWithLogitsLoss and a linear last layer.",
    ),
]


@pytest.mark.parametrize(("loss", "activation", "shape", "sentence"), MISFITS)
def test_what_does_not_belong_together_is_named(loss, activation, shape, sentence):
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        check_fit(loss, activation, shape)


@pytest.mark.parametrize("kind", [SPARSE, CATEGORICAL])
def test_too_few_units_for_the_classes_are_named(kind):
    sentence = (
        f"{kind.__name__}: expected a unit for each of the 12 classes, got 10. Give "
        "the last layer 12 units."
    )
    check_fit(kind(), "softmax", TEN, num_classes=10)
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        check_fit(kind(), "softmax", TEN, num_classes=12)
