"""Text cut into tokens: spellings, scripts, n-grams, counts and numbers."""

import re
from collections import Counter

import pytest

from mica.errors import ConfigError, DataError
from mica.text import (
    Vocabulary,
    count_tokens,
    most_frequent,
    ngrams,
    split_characters,
    split_words,
    split_words_and_marks,
    standardize,
)


def refused(error, sentence):
    return pytest.raises(error, match=f"^{re.escape(sentence)}$")


@pytest.mark.parametrize(
    ("how", "text", "expected"),
    [
        (None, "As It, is", "As It, is"),
        ("lower", "ПРИВЕТ Ä Σ", "привет ä σ"),
        ("strip_punctuation", "Don't. (well-known)", "Dont wellknown"),
        ("strip_punctuation", "don’t", "dont"),
        ("strip_punctuation", "так—и «сяк»…", "так и  сяк "),
        ("strip_punctuation", "צה״ל", "צהל"),
        ("strip_punctuation", "👍 ¡sí!", "👍  sí"),
        ("lower_and_strip_punctuation", "A-B, c", "ab c"),
        ("strip_accents", "Café Ångström ή", "Cafe Angstrom η"),
        ("strip_accents", "Йод, ёлка", "Йод, ёлка"),
        ("strip_accents", "हिन्दी", "हिन्दी"),
        ("strip_tags", "a<br />b < c", "a b < c"),
        ("compose", "и\u0306", "й"),
        (["lower", "strip_accents"], "É", "e"),
        ([], "É", "É"),
    ],
)
def test_a_text_is_standardised(how, text, expected):
    assert standardize(text, how) == expected


def test_an_unknown_standardisation_is_refused():
    sentence = (
        "standardize: expected the name of a standardisation, got 'lowercase'. "
        "Did you mean 'lower'?"
    )
    with refused(ConfigError, sentence):
        standardize("a", "lowercase")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't stop, it's 9.5!", ["Don't", "stop", ",", "it's", "9", ".", "5", "!"]),
        ("'quoted' snake_case _x", ["'", "quoted", "'", "snake_case", "_", "x"]),
        ("Да-да, «нет»", ["Да", "-", "да", ",", "«", "нет", "»"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("שָׁלוֹם, עולם", ["שָׁלוֹם", ",", "עולם"]),
        ("مَرْحَبًا!", ["مَرْحَبًا", "!"]),
        ("ok👨‍👩‍👧👍🏽🇷🇺🇫🇷", ["ok", "👨‍👩‍👧", "👍🏽", "🇷🇺", "🇫🇷"]),
        ("", []),
        (" \n\t", []),
    ],
)
def test_words_and_marks_come_apart_in_every_script(text, expected):
    assert split_words_and_marks(text) == expected


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        (split_words, ["a", "b,", "c"]),
        (split_characters, list(" a b,\u00a0c")),
    ],
)
def test_a_text_is_split(split, expected):
    assert split(" a b,\u00a0c") == expected


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        (1, ["a", "b", "c"]),
        (2, ["a", "b", "c", "a b", "b c"]),
        ((2, 1), ["a b", "b c", "a", "b", "c"]),
        ([4], []),
    ],
)
def test_neighbours_are_joined_by_size(sizes, expected):
    assert ngrams(["a", "b", "c"], sizes) == expected


@pytest.mark.parametrize("sizes", [0, [], [2, 0], (-1,)])
def test_a_size_below_one_is_refused(sizes):
    sentence = (
        f"ngrams: expected sizes of at least 1, got {sizes!r}. "
        "2 gives single tokens and pairs."
    )
    with refused(ConfigError, sentence):
        ngrams(["a"], sizes)


def test_counts_of_parts_add_up():
    first, second = [["a", "b"], ["a"]], [["b", "c"]]
    together = count_tokens(first + second)
    assert count_tokens(first) + count_tokens(second) == together
    assert together == Counter(a=2, b=2, c=1)


@pytest.mark.parametrize("document", ["cczaabbc", "zccbbaac"])
@pytest.mark.parametrize(
    ("limit", "minimum_count", "expected"),
    [(None, 1, ["c", "b", "a", "z"]), (2, 1, ["c", "b"]), (None, 2, ["c", "b", "a"])],
)
def test_the_most_frequent_come_first_and_ties_do_not_depend_on_the_order(
    limit, minimum_count, expected, document
):
    counts = count_tokens([document])
    assert most_frequent(counts, limit, minimum_count=minimum_count) == expected


def test_a_vocabulary_numbers_there_and_back():
    vocabulary = Vocabulary(["", "[UNK]", "a"], unknown="[UNK]")
    assert vocabulary.numbers(["a", "x", ""]) == [2, 1, 0]
    assert vocabulary.words([2, 0]) == ["a", ""]
    assert vocabulary.number("a") == 2
    assert len(vocabulary) == 3
    assert "a" in vocabulary
    assert "x" not in vocabulary
    assert list(vocabulary) == ["", "[UNK]", "a"]


@pytest.mark.parametrize(
    ("tokens", "unknown", "error", "sentence"),
    [
        (
            [],
            None,
            DataError,
            "Vocabulary: expected at least one token, got none. Give texts with words "
            "in them, or a lower minimum_count.",
        ),
        (
            ["a", "b", "a"],
            None,
            DataError,
            "Vocabulary: expected every token once, got 'a' 2 times. Leave the others "
            "out.",
        ),
        (
            ["a"],
            "?",
            ConfigError,
            "Vocabulary: expected the token for unknown words among the tokens, got "
            "'?'. Add it to them.",
        ),
    ],
)
def test_a_vocabulary_that_cannot_be_is_refused(tokens, unknown, error, sentence):
    with refused(error, sentence):
        Vocabulary(tokens, unknown=unknown)


def test_a_token_without_a_number_is_refused():
    sentence = (
        "Vocabulary: expected one of 1 known tokens, got 'b'. Fit on texts that hold "
        "it, or keep a mark for the unknown."
    )
    with refused(DataError, sentence):
        Vocabulary(["a"]).numbers(["a", "b"])


@pytest.mark.parametrize("number", [-1, 1])
def test_a_number_without_a_token_is_refused(number):
    sentence = (
        f"Vocabulary: expected numbers from 0 to 0, got {number}. "
        "Decode with the vocabulary that encoded."
    )
    with refused(DataError, sentence):
        Vocabulary(["a"]).words([number])
