"""Embedding: looking up, masks, and the sentences for numbers without a vector."""

import re

import numpy as np
import pytest
import torch

import mica
from mica import layers
from mica.errors import ConfigError, DataError
from mica.layers import Embedding, Input
from mica.layers.initializers import FunctionInitializer


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: Embedding(5, 2)(torch.zeros(2, 3)),
            DataError,
            "Embedding: expected whole numbers of type int32 or int64, got "
            'torch.float32. Convert them with x.long(), or write dtype="int64" in '
            "Input.",
        ),
        (
            lambda: Embedding(5, 2)(Input((3,))),
            DataError,
            "Embedding: expected whole numbers of type int32 or int64, got "
            'torch.float32. Convert them with x.long(), or write dtype="int64" in '
            "Input.",
        ),
        (
            lambda: Embedding(5, 2, name="words")(torch.tensor([[1, 5]])),
            DataError,
            "Embedding 'words': expected numbers from 0 to 4, got 5. Make input_dim "
            "larger than the largest number.",
        ),
        (
            lambda: Embedding(5, 2)(torch.tensor([[1, -1]])),
            DataError,
            "Embedding: expected numbers from 0 to 4, got -1. Make input_dim larger "
            "than the largest number.",
        ),
        (
            lambda: Embedding(0, 2),
            ConfigError,
            "Embedding: expected input_dim to be a positive integer, got 0. Write for "
            "example input_dim=32.",
        ),
        (
            lambda: Embedding(5, 2, input_length=7),
            TypeError,
            "Embedding: expected no argument 'input_length', got 7. Leave it out: "
            "sequences of any length fit.",
        ),
    ],
)
def test_what_has_no_vector_is_told(call, error, text):
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        call()


def test_zero_is_padding_only_when_asked_for():
    words = torch.tensor([[3, 0, 1]])
    assert Embedding(5, 2).compute_mask(words) is None
    real = Embedding(5, 2, mask_zero=True).compute_mask(words)
    assert real.tolist() == [[True, False, True]]


def test_the_mask_travels_with_the_vectors_in_a_graph():
    words = Input((None,), dtype="int64")
    mask = Embedding(5, 2, mask_zero=True)(words).mask
    assert mask.shape == (None, None)
    assert mask.dtype == torch.bool
    assert Embedding(5, 2)(words).mask is None


def test_vectors_learned_elsewhere_can_be_the_first_values():
    vectors = torch.arange(6.0).reshape(3, 2)

    def copy(tensor: torch.Tensor) -> None:
        tensor.copy_(vectors)

    layer = Embedding(3, 2, embeddings_initializer=FunctionInitializer(copy))
    assert layer(torch.tensor([2, 0])).tolist() == [[4.0, 5.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    "numbers",
    [np.arange(12).reshape(4, 3), np.arange(12, dtype=np.int32).reshape(4, 3).tolist()],
    ids=["an array", "lists"],
)
def test_a_model_that_begins_with_an_embedding_takes_whole_numbers(numbers):
    model = mica.Sequential(layers.Embedding(12, 2), layers.Flatten(), layers.Dense(1))
    model.compile("sgd", "mse")
    model.fit(numbers, np.zeros((4, 1)), verbose=0)
    assert model.predict(numbers).shape == (4, 1)
    assert model.evaluate(numbers, np.zeros((4, 1)), verbose=0) >= 0


def test_measurements_beside_an_embedding_stay_measurements():
    words, amounts = mica.Input((3,), dtype="int64"), mica.Input((2,))
    flat = layers.Flatten()(layers.Embedding(12, 2)(words))
    outputs = layers.Dense(1)(layers.Concatenate()([flat, layers.Dense(2)(amounts)]))
    model = mica.Model([words, amounts], outputs)
    model.compile("sgd", "mse")
    data = (np.arange(12).reshape(4, 3), np.arange(8).reshape(4, 2))
    model.fit(data, np.zeros((4, 1)), verbose=0)
    assert model.predict(data).shape == (4, 1)
