"""Text: what holds for every text, every vocabulary and every set of lengths."""

import json

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from mica.data import (
    BucketSource,
    BytePairTokenizer,
    CharacterTokenizer,
    WordTokenizer,
    pad_sequences,
)
from mica.registry import decode, encode
from mica.text import (
    count_tokens,
    most_frequent,
    ngrams,
    split_words_and_marks,
    standardize,
)

TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)
BYTE_PAIRS = BytePairTokenizer(320).fit(["снег и снег, the snow"] * 5)
LENGTHS = st.lists(st.integers(0, 30), min_size=1, max_size=80)


@given(TEXTS)
def test_byte_pairs_lose_nothing(text):
    assert BYTE_PAIRS.decode(BYTE_PAIRS.encode(text)) == text


@given(TEXTS)
def test_known_characters_lose_nothing(text):
    tokenizer = CharacterTokenizer().fit([text + "x"])
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(st.lists(TEXTS, min_size=1, max_size=5), TEXTS)
def test_a_word_tokenizer_saved_and_loaded_gives_the_same_numbers(texts, other):
    tokenizer = WordTokenizer().fit([*texts, "word"])
    again = decode(json.loads(json.dumps(encode(tokenizer))))
    assert again.encode([*texts, other]) == tokenizer.encode([*texts, other])


@given(st.lists(TEXTS, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_the_texts_does_not_change_the_vocabulary(texts, chooser):
    texts = [*texts, "word"]
    before = WordTokenizer().fit(texts).vocabulary
    chooser.shuffle(texts)
    assert WordTokenizer().fit(texts).vocabulary == before


@given(TEXTS)
def test_words_and_marks_hold_every_letter(text):
    assert "".join(split_words_and_marks(text)) == "".join(text.split())


@given(
    TEXTS,
    st.sampled_from(["strip_punctuation", "strip_accents", "strip_tags", "compose"]),
)
def test_standardising_twice_is_standardising_once(text, how):
    once = standardize(text, how)
    assert standardize(once, how) == once


@given(st.lists(st.sampled_from("abc"), max_size=12), st.integers(1, 4))
def test_there_is_a_run_at_every_place(tokens, size):
    runs = ngrams(tokens, [size])
    assert len(runs) == max(0, len(tokens) - size + 1)
    assert all(run.split() == tokens[i : i + size] for i, run in enumerate(runs))


@given(st.lists(st.lists(st.sampled_from("abcd"), max_size=9), max_size=5))
def test_the_most_frequent_tokens_are_never_rarer_than_the_next(documents):
    counts = count_tokens(documents)
    order = [counts[token] for token in most_frequent(counts)]
    assert order == sorted(counts.values(), reverse=True)


def rows_of(lengths):
    return [[row + 1] * length for row, length in enumerate(lengths)]


@given(LENGTHS, st.integers(1, 9), st.integers(0, 99), st.integers(0, 5), st.booleans())
def test_buckets_lose_no_row_and_repeat_none(lengths, size, seed, epoch, shuffle):
    source = BucketSource(rows_of(lengths), list(range(len(lengths))))
    batches = list(source.batches(epoch, batch_size=size, seed=seed, shuffle=shuffle))
    seen = torch.cat([batch.y for batch in batches]).tolist()
    assert sorted(seen) == list(range(len(lengths)))
    for batch in batches:
        expected = pad_sequences(
            [rows_of(lengths)[row] for row in batch.y.tolist()], padding="post"
        )
        width = max(1, expected.shape[1])
        assert batch.x.shape == (batch.size, width)
        assert np.array_equal(batch.x[:, : expected.shape[1]], expected)


@given(LENGTHS, st.integers(1, 9), st.integers(0, 99))
def test_buckets_compute_no_more_than_padding_all_rows_alike(lengths, size, seed):
    padding = BucketSource(rows_of(lengths)).padding(size, seed=seed)
    assert padding.tokens <= padding.places <= padding.places_whole
    assert padding.places_unsorted <= padding.places_whole


@given(LENGTHS, st.integers(1, 9), st.integers(0, 99), st.data())
def test_an_epoch_goes_on_where_it_stopped(lengths, size, seed, data):
    source = BucketSource(rows_of(lengths), list(range(len(lengths))))
    whole = list(source.batches(1, batch_size=size, seed=seed))
    start = data.draw(st.integers(0, len(whole)))
    rest = list(source.batches(1, batch_size=size, seed=seed, start=start))
    assert [batch.y.tolist() for batch in rest] == [
        batch.y.tolist() for batch in whole[start:]
    ]
