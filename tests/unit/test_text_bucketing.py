"""Padding, and batches of similar lengths: what they hold, save and refuse."""

import itertools
import re

import numpy as np
import pytest
import torch

import mica
from mica.data import BucketSource, as_source, pad_sequences
from mica.errors import ConfigError, DataError


def refused(error, sentence):
    return pytest.raises(error, match=f"^{re.escape(sentence)}$")


def many(count, seed=0, longest=60):
    """Sequences of many lengths, each filled with its own number."""
    lengths = np.random.default_rng(seed).integers(0, longest, count)
    return [[row + 1] * int(length) for row, length in enumerate(lengths)]


# pad_sequences


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"padding": "left"},
            "pad_sequences: expected padding to be 'pre' or 'post', got 'left'. 'pre' "
            "is before the sequence, 'post' behind it.",
        ),
        (
            {"truncating": "end"},
            "pad_sequences: expected truncating to be 'pre' or 'post', got 'end'. "
            "'pre' is before the sequence, 'post' behind it.",
        ),
        (
            {"maxlen": 0},
            "pad_sequences: expected maxlen to be a whole number of at least 1, got 0. "
            "None takes the longest sequence's length.",
        ),
    ],
)
def test_padding_arguments_that_cannot_be_are_refused(options, sentence):
    with refused(ConfigError, sentence):
        pad_sequences([[1]], **options)


@pytest.mark.parametrize(
    ("sequences", "sentence"),
    [
        (
            [[1], 2],
            "pad_sequences: expected a list of lists of numbers, got int at place 1. "
            "Encode texts with a tokenizer; put a single sequence into a list.",
        ),
        (
            ["abc"],
            "pad_sequences: expected a list of lists of numbers, got str at place 0. "
            "Encode texts with a tokenizer; put a single sequence into a list.",
        ),
        (
            [[[1, 2]], [[3]]],
            "pad_sequences: expected rows of shape (2,) as in the first sequence, got "
            "(1,) at place 1. Give all of them one shape.",
        ),
    ],
)
def test_sequences_that_cannot_be_padded_are_refused(sequences, sentence):
    with refused(DataError, sentence):
        pad_sequences(sequences)


# Batches


def test_each_batch_is_as_long_as_its_own_longest_row():
    source = BucketSource([[5], [6, 7, 8], [9], [1, 2]], [0, 1, 0, 1])
    first, second = source.batches(0, batch_size=2, shuffle=False)
    assert first.x.tolist() == [[5, 0, 0], [6, 7, 8]]
    assert second.x.tolist() == [[9, 0], [1, 2]]
    assert second.y.tolist() == [0, 1]
    assert (first.x.dtype, first.size) == (torch.int64, 2)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"padding": "pre"}, [[0, 0, 5], [6, 7, 8]]),
        ({"maxlen": 2}, [[5, 0], [6, 7]]),
        ({"maxlen": 2, "truncating": "pre"}, [[5, 0], [7, 8]]),
        ({"value": 9}, [[5, 9, 9], [6, 7, 8]]),
    ],
)
def test_sides_length_and_filling_can_be_chosen(options, expected):
    source = BucketSource([[5], [6, 7, 8]], **options)
    assert source.peek(5).x.tolist() == expected


def test_several_inputs_and_ragged_targets_are_padded_together():
    x = {"from": [[1], [2, 3]], "to": [[4, 5, 6], [7]], "size": np.ones((2, 3))}
    batch = BucketSource(x, ([[8, 9], [10]], [0, 1]), [1.0, 2.0]).peek(2)
    assert batch.x["from"].tolist() == [[1, 0], [2, 3]]
    assert batch.x["to"].tolist() == [[4, 5, 6], [7, 0, 0]]
    assert batch.x["size"].shape == (2, 3)
    assert batch.y[0].tolist() == [[8, 9], [10, 0]]
    assert batch.y[1].tolist() == [0, 1]
    assert batch.sample_weight.tolist() == [1.0, 2.0]


def test_an_empty_document_is_a_row_of_padding():
    source = BucketSource([[], [], [1]])
    assert source.peek(2).x.tolist() == [[0], [0]]


def test_arrays_of_objects_are_taken_as_samples_give_them():
    sample = np.empty(2, dtype=object)
    sample[0], sample[1] = [1, 2], [3]
    assert BucketSource(sample).peek(2).x.tolist() == [[1, 2], [3, 0]]


def test_going_on_in_the_middle_gives_the_rest_of_the_same_epoch():
    source = BucketSource(many(100))
    whole = list(source.batches(3, batch_size=8, seed=5))
    rest = list(source.batches(3, batch_size=8, seed=5, start=6))
    assert len(rest) == len(whole) - 6
    for left, right in zip(whole[6:], rest, strict=True):
        assert torch.equal(left.x, right.x)
    assert list(source.batches(3, batch_size=8, start=13)) == []


def test_only_the_last_batch_is_smaller_and_can_be_left_out():
    source = BucketSource(many(103))
    sizes = [batch.size for batch in source.batches(0, batch_size=10)]
    assert sizes == [10] * 10 + [3]
    assert source.num_batches(10) == 11
    whole = list(source.batches(0, batch_size=10, drop_last=True))
    assert len(whole) == source.num_batches(10, drop_last=True) == 10


def test_batches_come_in_no_order_of_length():
    source = BucketSource(many(2000))
    lengths = [batch.x.shape[1] for batch in source.batches(0, batch_size=10)]
    rises = sum(left < right for left, right in itertools.pairwise(lengths))
    assert 60 < rises < 140


def test_rows_can_be_taken():
    source = BucketSource([[1], [2, 2], [3]], [0, 1, 2], [1.0, 2.0, 3.0])
    batch = source.take(torch.tensor([1, 0])).peek(5)
    assert batch.x.tolist() == [[2, 2], [1, 0]]
    assert batch.y.tolist() == [1, 0]
    assert batch.sample_weight.tolist() == [2.0, 1.0]


def test_buckets_save_most_of_the_padding_and_say_so():
    padding = BucketSource(many(3000)).padding(32)
    batches = list(BucketSource(many(3000)).batches(0, batch_size=32))
    assert padding.places == sum(batch.x.numel() for batch in batches)
    assert padding.tokens == sum(map(len, many(3000)))
    assert padding.fraction < 0.03
    assert padding.saved_fraction > 0.4
    assert str(padding) == (
        f"{padding.places:,} places for {padding.tokens:,} tokens: "
        f"{padding.fraction:.1%} padding; in random order "
        f"{padding.places_unsorted:,} places, all as long as the longest "
        f"{padding.places_whole:,}."
    )
    assert padding.tokens < padding.places < padding.places_unsorted
    assert padding.places_unsorted < padding.places_whole == 3000 * 59


def test_buckets_are_a_source_like_others():
    source = BucketSource([[1], [2, 2]])
    assert as_source(source) is source
    assert source.replayable
    assert source.batch_size is None
    assert source.num_samples == 2


def test_a_model_trains_on_buckets():
    mica.set_seed(0)
    x = [[1] * n for n in range(1, 40)] + [[2] * n for n in range(1, 40)]
    y = [0.0] * 39 + [1.0] * 39

    class Mean(mica.Layer):
        def build(self, shape):
            self.table = self.add_weight((3, 2), initializer="random_uniform")

        def forward(self, x):
            return self.table[x].mean(dim=1)

    model = mica.Sequential(Mean(), mica.layers.Dense(1, activation="sigmoid"))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(BucketSource(x, y), epochs=2, batch_size=16, verbose=0)
    assert len(history.history["loss"]) == 2


@pytest.mark.parametrize(
    ("arguments", "options", "error", "sentence"),
    [
        (
            ([[1]],),
            {"maxlen": 0},
            ConfigError,
            "BucketSource: expected maxlen to be a whole number of at least 1, got 0. "
            "None cuts no sequence.",
        ),
        (
            ([[1]],),
            {"padding": "left"},
            ConfigError,
            "BucketSource: expected padding to be 'pre' or 'post', got 'left'. 'pre' "
            "is before the sequence, 'post' behind it.",
        ),
        (
            (np.ones((2, 3)),),
            {},
            DataError,
            "BucketSource: expected a list of lists of token numbers in x, got arrays "
            "only. Arrays need no padding: give them to fit as they are.",
        ),
        (
            ([[1], [2]], [0]),
            {},
            DataError,
            "BucketSource: expected parts with the same number of rows, got 2, 1. Give "
            "every sample one row in each.",
        ),
        (
            (np.array(["ab", [1]], dtype=object),),
            {},
            DataError,
            "x: expected lists of whole numbers, got a text at row 0. Encode the texts "
            "with a tokenizer.",
        ),
        (
            ({"a": [[1.5]]},),
            {},
            DataError,
            "x['a']: expected lists of whole numbers, got float64 of shape (1,) at row "
            "0. Give token numbers, a list for each row.",
        ),
        (
            (([[[1]]],),),
            {},
            DataError,
            "x[0]: expected lists of whole numbers, got int64 of shape (1, 1) at row "
            "0. Give token numbers, a list for each row.",
        ),
    ],
)
def test_what_cannot_be_bucketed_is_refused(arguments, options, error, sentence):
    with refused(error, sentence):
        BucketSource(*arguments, **options)
