"""Padding gives what Keras gives."""

import random

import keras
import numpy as np
import pytest

from mica.data import pad_sequences


def draw(seed):
    """Sequences and arguments of `pad_sequences`."""
    chooser = random.Random(seed)
    shape = chooser.choice([(), (), (3,)])
    sequences = [
        np.array(
            [
                np.full(shape, chooser.randrange(100)).tolist()
                for _ in range(chooser.randrange(1, 9))
            ]
        ).tolist()
        for _ in range(chooser.randrange(1, 7))
    ]
    options = {
        "maxlen": chooser.choice([None, 1, 4, 12]),
        "dtype": chooser.choice(["int32", "float32", "int64"]),
        "padding": chooser.choice(["pre", "post"]),
        "truncating": chooser.choice(["pre", "post"]),
        "value": chooser.choice([0, 7]),
    }
    return sequences, options


@pytest.mark.parametrize("seed", range(60))
def test_padded_sequences_are_keras_s(seed):
    sequences, options = draw(seed)
    ours = pad_sequences(sequences, **options)
    theirs = keras.utils.pad_sequences(sequences, **options)
    assert ours.dtype == theirs.dtype
    assert np.array_equal(ours, theirs)


def test_defaults_are_keras_s():
    sequences = [[1, 2, 3], [4], []]
    ours, theirs = pad_sequences(sequences), keras.utils.pad_sequences(sequences)
    assert ours.dtype == theirs.dtype
    assert np.array_equal(ours, theirs)
