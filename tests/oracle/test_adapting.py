"""What `adapt` finds is what Keras, scikit-learn, NumPy and closed forms find."""

import hashlib
import math
import random
from collections import Counter

import numpy as np
import pytest
import torch
from keras.src.layers.preprocessing import discretization as keras_discretization
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from mica.layers import (
    Discretization,
    HashedCrossing,
    Hashing,
    IntegerLookup,
    Normalization,
    StringLookup,
    TextVectorization,
)
from mica.layers.hashing import fingerprint, mix
from tests.tolerances import assert_close

WORDS = "the cat sat on a mat and the dog lay by the door of an old house".split()
MASK = 2**64 - 1


def draw_texts(draw):
    return [
        " ".join(draw.choices(WORDS, k=draw.randint(1, 12)))
        for _ in range(draw.randint(2, 20))
    ]


@pytest.mark.parametrize("seed", range(20))
def test_the_bins_are_those_of_keras(seed):
    draw = random.Random(seed)
    values = np.array([draw.gauss(0, 3) for _ in range(draw.randint(10, 90))])
    bins = draw.randint(2, 9)
    ours = Discretization(num_bins=bins).adapt(values).bin_boundaries
    summary = keras_discretization.summarize(values.astype("float32"), 0.01)
    theirs = keras_discretization.get_bin_boundaries(summary, bins)
    assert_close(torch.tensor(ours), torch.from_numpy(theirs).float())


@pytest.mark.parametrize("seed", range(20))
def test_the_bins_are_the_quantiles_of_numpy(seed):
    draw = random.Random(seed)
    values = np.array([draw.gauss(0, 3) for _ in range(draw.randint(300, 900))])
    bins = draw.randint(2, 50)
    ours = Discretization(num_bins=bins).adapt(values).bin_boundaries
    shares = np.arange(1, bins) / bins
    theirs = np.quantile(values, shares, method="interpolated_inverted_cdf")
    found = torch.tensor(ours, dtype=torch.float64)
    assert_close(found, torch.from_numpy(theirs))


@pytest.mark.parametrize("seed", range(10))
def test_mean_and_variance_are_those_of_numpy(seed):
    x = np.random.default_rng(seed).normal(100, 3, size=(50, 4))
    layer = Normalization().adapt(x)
    config = layer.config()
    for name, expected in (("mean", x.mean(0)), ("variance", x.var(0))):
        found = torch.tensor(config[name], dtype=torch.float64)
        assert_close(found, torch.from_numpy(expected))


@pytest.mark.parametrize("ngrams", [None, 2, (2, 3)])
@pytest.mark.parametrize("seed", range(8))
def test_counts_are_those_of_scikit_learn(seed, ngrams):
    texts = draw_texts(random.Random(seed))
    sizes = {None: (1, 1), 2: (1, 2), (2, 3): (2, 3)}[ngrams]
    theirs = CountVectorizer(ngram_range=sizes, token_pattern=r"\S+").fit(texts)
    ours = TextVectorization(ngrams=ngrams, output_mode="count").adapt(texts)
    columns = [ours.get_vocabulary().index(t) for t in theirs.get_feature_names_out()]
    expected = torch.from_numpy(theirs.transform(texts).toarray()).float()
    found = ours(texts)
    assert torch.equal(found[:, columns], expected)
    assert not found[:, 0].any()


@pytest.mark.parametrize("seed", range(8))
def test_tf_idf_is_that_of_scikit_learn_with_another_logarithm(seed):
    texts = draw_texts(random.Random(seed))
    theirs = TfidfVectorizer(token_pattern=r"\S+", norm=None, smooth_idf=True)
    counts = torch.from_numpy(theirs.fit_transform(texts).toarray() / theirs.idf_)
    ours = TextVectorization(output_mode="tf_idf").adapt(texts)
    columns = [ours.get_vocabulary().index(t) for t in theirs.get_feature_names_out()]
    # Theirs is log((1 + n) / (1 + d)) + 1, Keras's and ours log(1 + n / (1 + d)).
    ratio = np.exp(theirs.idf_ - 1)  # (1 + n) / (1 + d)
    size = len(texts)
    ours_idf = np.log(1 + ratio * size / (1 + size))
    expected = counts * torch.from_numpy(ours_idf)
    assert_close(ours(texts)[:, columns].double(), expected, "rounded once")


@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_tokens_is_that_of_their_counts(seed):
    texts = draw_texts(random.Random(seed))
    counts = Counter(" ".join(texts).split())
    expected = sorted(counts, key=lambda t: (counts[t], t), reverse=True)
    layer = TextVectorization(max_tokens=8).adapt(texts)
    assert layer.get_vocabulary() == ["", "[UNK]", *expected[:6]]


@pytest.mark.parametrize("seed", range(8))
def test_numbers_of_tokens_are_their_places_in_the_vocabulary(seed):
    draw = random.Random(seed)
    texts = draw_texts(draw)
    length = draw.randint(1, 9)
    layer = TextVectorization(max_tokens=9, output_sequence_length=length).adapt(texts)
    words = layer.get_vocabulary()
    for text, row in zip(texts, layer(texts).tolist(), strict=True):
        expected = [words.index(t) if t in words else 1 for t in text.split()]
        assert row == (expected + [0] * length)[:length]


# Printed in the documentation of Keras 3 (StringLookup and IntegerLookup).
def test_string_lookup_gives_the_documented_examples_of_keras():
    vocabulary = ["a", "b", "c", "d"]
    rows = [["a", "c", "d"], ["d", "z", "b"]]
    layer = StringLookup(vocabulary=vocabulary)
    assert layer(rows).tolist() == [[1, 3, 4], [4, 0, 2]]
    one_hot = StringLookup(vocabulary=vocabulary, output_mode="one_hot")
    expected = torch.eye(5)[[1, 2, 3, 4, 0]]
    assert torch.equal(one_hot(["a", "b", "c", "d", "z"]), expected)
    multi_hot = StringLookup(vocabulary=vocabulary, output_mode="multi_hot")
    rows = [["a", "c", "d", "d"], ["d", "z", "b", "z"]]
    assert multi_hot(rows).tolist() == [[0, 1, 0, 1, 1], [1, 0, 1, 0, 1]]
    count = StringLookup(vocabulary=vocabulary, output_mode="count")
    assert count(rows).tolist() == [[0, 1, 0, 1, 2], [2, 0, 1, 0, 1]]


def test_integer_lookup_gives_the_documented_examples_of_keras():
    layer = IntegerLookup(vocabulary=[12, 36, 1138, 42])
    x = torch.tensor([[12, 1138, 42], [42, 1000, 36]])
    assert layer(x).tolist() == [[1, 3, 4], [4, 0, 2]]
    layer = IntegerLookup(vocabulary=[12, 36, 1138, 42], num_oov_indices=2)
    x = torch.tensor([[12, 1138, 42], [37, 1000, 36]])
    assert layer(x).tolist() == [[2, 4, 5], [1, 0, 3]]


@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        (StringLookup, [["a", "c", "d", "d"], ["d", "z", "b", "z"]]),
        (IntegerLookup, torch.tensor([[12, 1138, 42, 42], [42, 7, 36, 7]])),
    ],
)
def test_tf_idf_of_lookups_gives_the_documented_example_of_keras(kind, rows):
    words = {
        StringLookup: ["a", "b", "c", "d"],
        IntegerLookup: [12, 36, 1138, 42],
    }[kind]
    weights = [0.25, 0.75, 0.6, 0.4]
    layer = kind(vocabulary=words, idf_weights=weights, output_mode="tf_idf")
    expected = [[0.0, 0.25, 0.0, 0.6, 0.8], [1.0, 0.0, 0.75, 0.0, 0.4]]
    assert_close(layer(rows), torch.tensor(expected))


def test_idf_has_its_closed_form():
    layer = StringLookup(output_mode="tf_idf")
    layer.adapt(np.array([["a", "b"], ["a", "a"], ["c", "a"]]))
    assert layer.get_vocabulary() == ["[UNK]", "a", "c", "b"]
    expected = [math.log(1 + 3 / 4), math.log(1 + 3 / 2), math.log(1 + 3 / 2)]
    found = layer.config()["idf_weights"]
    assert_close(torch.tensor(found), torch.tensor(expected))


def splitmix(number):
    """In whole numbers of Python, reduced to 64 bits after each step."""
    number = (number + 0x9E3779B97F4A7C15) & MASK
    number = ((number ^ number >> 30) * 0xBF58476D1CE4E5B9) & MASK
    number = ((number ^ number >> 27) * 0x94D049BB133111EB) & MASK
    return number ^ number >> 31


NUMBERS = [0, 1, -1, 7, 2**62, -(2**63), 2**63 - 1, 123456789]


@pytest.mark.parametrize("number", NUMBERS)
def test_mixing_is_that_of_splitmix64(number):
    assert int(mix(torch.tensor(number))) & MASK == splitmix(number & MASK)


# The first numbers of the generator splitmix64 with seed 1234567, as published.
@pytest.mark.parametrize(
    ("step", "printed"),
    [(0, 6457827717110365317), (1, 3203168211198807973), (2, 9817491932198370423)],
)
def test_mixing_gives_the_published_numbers(step, printed):
    state = (1234567 + step * 0x9E3779B97F4A7C15) & MASK
    signed = state - 2**64 if state >= 2**63 else state
    assert int(mix(torch.tensor(signed))) & MASK == printed


@pytest.mark.parametrize("number", NUMBERS)
def test_bins_of_whole_numbers_have_their_closed_form(number):
    found = int(Hashing(1000)(torch.tensor([number]))[0])
    assert found == (splitmix(number & MASK) % 2**63) % 1000
    crossed = HashedCrossing(1000)([torch.tensor([5]), torch.tensor([number])])
    expected = splitmix(splitmix(5) ^ (number & MASK)) % 2**63
    assert crossed.tolist() == [expected % 1000]


@pytest.mark.parametrize("text", ["", "red", "ß ∑ 猫", "\ud800"])
def test_fingerprints_of_texts_are_blake2b(text):
    data = text.encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(data, digest_size=8).hexdigest()
    number = int.from_bytes(bytes.fromhex(digest), "little")
    assert fingerprint(text) == number % 2**63
    found = int(Hashing(7)([text])[0])
    assert found == (splitmix(fingerprint(text)) % 2**63) % 7
