"""A call with arguments of other names, or too many, is told which ones there are."""

import copy

import numpy as np
import pytest

import mica
from mica.errors import ArgumentError, ConfigError
from mica.layers import Conv2D, Dense, Dropout
from mica.optimizers import SGD, Adam
from mica.registry import Configurable

pytestmark = pytest.mark.usefixtures("without_shape_checks")

CALLS = {
    "torch's rate": (
        lambda: Adam(lr=0.01),
        "Adam: expected no argument 'lr', got 0.01. Write learning_rate=0.01.",
    ),
    "an old decay": (
        lambda: Adam(0.1, decay=1e-4),
        "Adam: expected no argument 'decay', got 0.0001. Give learning_rate a "
        "schedule, e.g. mica.optimizers.schedules.cosine_decay(0.1, 1000).",
    ),
    "the shape in a layer": (
        lambda: Dense(3, input_shape=(4,)),
        "Dense: expected no argument 'input_shape', got (4,). Put mica.Input(shape) "
        "first in the model.",
    ),
    "torch's sizes": (
        lambda: Dense(in_features=4, out_features=3),
        "Dense: expected no argument 'in_features', got 4. Leave it out: a layer "
        "takes the size of its input from the data.",
    ),
    "torch's units": (
        lambda: Dense(out_features=3),
        "Dense: expected no argument 'out_features', got 3. Write units=3.",
    ),
    "channels first": (
        lambda: Conv2D(3, 3, data_format="channels_first"),
        "Conv2D: expected no argument 'data_format', got 'channels_first'. Mica's "
        "images are (batch, height, width, channels).",
    ),
    "a slip": (
        lambda: Dense(3, activaton="relu"),
        "Dense: expected no argument 'activaton', got 'relu'. Did you mean "
        "'activation'?",
    ),
    "an unknown word": (
        lambda: Dropout(0.5, zzz=1),
        "Dropout: expected no argument 'zzz', got 1. Choose from: name, noise_shape, "
        "rate, seed.",
    ),
    "a large value": (
        lambda: Dropout(0.5, zzz=list(range(1000))),
        "Dropout: expected no argument 'zzz', got [0, 1, 2, 3, 4, 5, ...]. Choose "
        "from: name, noise_shape, rate, seed.",
    ),
    "an activation by position": (
        lambda: Dense(3, "relu"),
        "Dense: expected at most 1 argument without a name (units), got 2. Give the "
        "others by name, e.g. activation='relu'.",
    ),
    "Keras's order": (
        lambda: Conv2D(32, (3, 3), (1, 1), "same"),
        "Conv2D: expected at most 3 arguments without a name (filters, kernel_size, "
        "strides), got 4. Give the others by name, e.g. padding='same'.",
    ),
    "momentum by position": (
        lambda: SGD(0.01, 0.9, True),
        "SGD: expected at most 1 argument without a name (learning_rate), got 3. Give "
        "the others by name, e.g. momentum=0.9.",
    ),
    "a class without arguments": (
        lambda: type("Bare", (Configurable,), {"__init__": lambda self: None})(1),
        "Bare: expected no argument without a name, got 1. Leave it out.",
    ),
    "twice": (
        lambda: Dense(3, units=4),
        "Dense: expected each argument once, got units twice. Leave one out.",
    ),
}


@pytest.mark.parametrize(("call", "sentence"), CALLS.values(), ids=CALLS)
def test_a_call_that_fits_no_constructor_says_what_fits(call, sentence):
    with pytest.raises(ArgumentError) as caught:
        call()
    assert str(caught.value) == sentence


def test_a_wrong_argument_is_caught_as_python_and_as_mica_raise_it():
    assert issubclass(ArgumentError, TypeError)
    assert issubclass(ArgumentError, ConfigError)


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy])
def test_copies_need_no_arguments(clone):
    assert clone(Dense(3)).units == 3


def test_a_description_shows_the_arguments_it_was_made_with():
    assert repr(Adam(0.01, beta_1=0.5)) == "Adam(learning_rate=0.01, beta_1=0.5)"


def test_a_count_from_numpy_makes_a_layer():
    model = mica.Sequential(mica.Input((np.int64(4),)), Dense(np.int64(3)))
    assert model.count_parameters() == 15
