"""A loss is found by Keras's names, and a misspelt one gets a hint."""

import inspect
import re

import pytest
from torch import nn

from mica import losses
from mica.errors import ConfigError
from mica.losses import get_loss
from mica.losses.lookup import LOSSES

SHORT = {
    "bce": losses.BinaryCrossentropy,
    "BCE": losses.BinaryCrossentropy,
    "kld": losses.KLDivergence,
    "mae": losses.MeanAbsoluteError,
    "mape": losses.MeanAbsolutePercentageError,
    "mse": losses.MeanSquaredError,
    "MSE": losses.MeanSquaredError,
    "msle": losses.MeanSquaredLogarithmicError,
    "perceptron": losses.PerceptronCriterion,
}


@pytest.mark.parametrize(("name", "kind"), {**LOSSES, **SHORT}.items())
def test_a_loss_is_found_by_name(name, kind):
    assert type(get_loss(name)) is kind


@pytest.mark.parametrize("kind", LOSSES.values())
def test_a_loss_is_found_by_the_name_of_its_class(kind):
    assert type(get_loss(kind.__name__)) is kind


@pytest.mark.parametrize(("name", "kind"), LOSSES.items())
def test_a_loss_is_called_by_the_name_it_is_found_by(name, kind):
    assert kind().name == name


def test_a_loss_is_itself():
    loss = losses.Huber()
    assert get_loss(loss) is loss


@pytest.mark.parametrize("kind", [losses.Huber, nn.MSELoss])
def test_a_class_is_made_into_an_object(kind):
    assert isinstance(get_loss(kind), losses.Loss)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("msee", "Did you mean 'mse' or 'msle'?"),
        ("mean_square_error", "Did you mean 'mean_squared_error'"),
        ("sparse_categorical_cross_entropy", "Did you mean 'sparse_categorical_cross"),
    ],
)
def test_a_misspelt_name_gets_a_hint(name, hint):
    sentence = f"loss: expected the name of a loss, got {name!r}. {hint}"
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}"):
        get_loss(name)


@pytest.mark.parametrize("thing", [3, None, ["mse"]])
def test_something_else_is_no_loss(thing):
    sentence = (
        f"loss: expected a name, a Loss, a torch loss or a function, got "
        f"{type(thing).__name__}. Write for example loss='mse'."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        inspect.unwrap(get_loss)(thing)  # users run without the checks of types


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("Adam", "The optimizer comes first: compile('Adam', loss)."),
        ("accuracy", "A metric has its own place: metrics=['accuracy']."),
    ],
)
def test_a_word_in_the_wrong_place_is_sent_to_its_own(name, advice):
    with pytest.raises(ConfigError) as caught:
        get_loss(name)
    assert str(caught.value) == (
        f"loss: expected the name of a loss, got {name!r}. {advice}"
    )
