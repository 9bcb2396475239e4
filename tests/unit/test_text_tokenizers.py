"""Tokenizers: numbers and back, marks, limits, what they save and what they refuse."""

import builtins
import json
import re

import numpy as np
import pytest
import torch

from mica.data import (
    BytePairTokenizer,
    CharacterTokenizer,
    NGramTokenizer,
    WordTokenizer,
)
from mica.data.text import counted_tokenizers
from mica.errors import ConfigError, DataError, MissingDependencyError, StateError
from mica.registry import decode, encode

RUSSIAN = [
    "Утром шёл снег, и город проснулся тихим.",
    "К полудню снег растаял; дети вышли во двор — смеяться и бегать.",
    "«Снег вернётся», — сказал дедушка, глядя в окно.",
]
SCRIPTS = {
    "emoji": "ok 👍🏽 👨‍👩‍👧 🇷🇺!",
    "right to left": "שלום עולם, مرحبا بالعالم",
    "cyrillic": RUSSIAN[1],
    "combining": "नमस्ते e\u0301 й",
    "line ends": "a\nb\r\nc\t d  e ",
    "empty": "",
}
MAKERS = {
    "word": lambda **more: WordTokenizer(**more),
    "character": lambda **more: CharacterTokenizer(**more),
    "n-gram": lambda **more: NGramTokenizer(**more),
    "byte pair": lambda **more: BytePairTokenizer(400, **more),
}


def refused(error, sentence):
    return pytest.raises(error, match=f"^{re.escape(sentence)}$")


@pytest.fixture(params=MAKERS)
def fitted(request):
    return MAKERS[request.param]().fit(RUSSIAN)


# Numbers and back


def test_words_come_in_the_order_of_how_often_they_occur():
    tokenizer = WordTokenizer().fit(RUSSIAN)
    assert tokenizer.vocabulary[:4] == ("", "[UNK]", "снег", "и")
    assert tokenizer.encode("Снег, снег и дождь") == [2, 2, 3, 1]
    assert tokenizer.decode([2, 1, 3, 0, 0]) == "снег [UNK] и"
    assert len(tokenizer) == len(tokenizer.vocabulary)


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS)
def test_characters_come_back_in_every_script(text):
    tokenizer = CharacterTokenizer().fit([text, "x"])
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS)
def test_byte_pairs_write_every_script_without_having_seen_it(text):
    tokenizer = BytePairTokenizer(300).fit(["plain English only"] * 3)
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_frequent_words_become_a_single_byte_pair_token():
    tokenizer = BytePairTokenizer(400).fit(["снег и снег"] * 20)
    assert len(tokenizer.encode("снег")) == 1
    assert len(tokenizer.encode("дождь")) > 5


def test_byte_pairs_are_the_same_however_often_they_are_learned():
    first, second = (BytePairTokenizer(350).fit(RUSSIAN) for _ in range(2))
    assert first.vocabulary == second.vocabulary


def test_words_and_marks_stay_apart_when_asked():
    tokenizer = WordTokenizer(standardize="lower", split="words_and_marks")
    tokenizer.fit(["Да, да!"])
    assert tokenizer.tokens("Да, нет 👍🏽") == ["да", ",", "нет", "👍🏽"]
    assert tokenizer.encode("Да, нет!") == [2, 3, 1, 4]


@pytest.mark.parametrize(
    ("options", "text", "expected"),
    [
        ({"sizes": 2}, "To be, or", ["to", "be", "or", "to be", "be or"]),
        ({"sizes": [2], "unit": "character"}, "ab c", ["ab", "b ", " c"]),
    ],
)
def test_n_grams_are_runs_of_words_or_characters(options, text, expected):
    assert NGramTokenizer(**options).tokens(text) == expected


def test_n_grams_are_numbered_and_named():
    tokenizer = NGramTokenizer(sizes=[2]).fit(["to be or not to be"])
    assert tokenizer.vocabulary[2] == "to be"
    assert tokenizer.decode(tokenizer.encode("to be here")) == "to be [UNK]"


def test_several_texts_and_one_text_are_encoded_alike(fitted):
    assert fitted.encode(RUSSIAN) == [fitted.encode(text) for text in RUSSIAN]


@pytest.mark.parametrize("kind", [list, np.array, torch.tensor])
def test_lists_arrays_and_tensors_are_decoded_alike(kind):
    tokenizer = CharacterTokenizer().fit("ab")
    assert tokenizer.decode(kind([3, 2, 0])) == "ab"
    assert tokenizer.decode(kind([[3, 0], [2, 3]])) == ["a", "ba"]


def test_fitting_again_forgets(fitted):
    before = fitted.vocabulary
    assert fitted.fit(["другой"]).vocabulary != before
    assert fitted.fit(RUSSIAN).vocabulary == before


def test_a_generator_of_texts_can_be_fitted(fitted):
    again = type(fitted).from_config(fitted.config()).fit(text for text in RUSSIAN)
    assert again.vocabulary == fitted.vocabulary


# Marks and limits


@pytest.mark.parametrize(
    "make",
    [
        lambda: WordTokenizer(start="[S]", end="[E]"),
        lambda: CharacterTokenizer(start="[S]", end="[E]"),
        lambda: BytePairTokenizer(300, start="[S]", end="[E]"),
    ],
)
def test_marks_of_start_and_end_stand_around_every_text(make):
    tokenizer = make().fit(["a b"])
    numbers = tokenizer.encode("a b")
    assert (numbers[0], numbers[-1]) == (
        tokenizer.number("[S]"),
        tokenizer.number("[E]"),
    )
    assert tokenizer.decode([*numbers, 0, 0]) == "a b"
    assert tokenizer.number("") == 0


@pytest.mark.parametrize("kind", ["word", "byte pair"])
def test_a_text_cannot_forge_a_mark(kind):
    tokenizer = MAKERS[kind](start="[s]", end="[e]", standardize=None)
    tokenizer.fit(["[s] a [e] a"])
    inside = tokenizer.encode("a [e] [s] a")[1:-1]
    assert not {tokenizer.number("[s]"), tokenizer.number("[e]"), 0} & set(inside)


def test_a_limit_counts_marks_and_keeps_the_most_frequent():
    tokenizer = WordTokenizer(4).fit(["a a a b b c"])
    assert tokenizer.vocabulary == ("", "[UNK]", "a", "b")


def test_a_minimum_count_leaves_rare_tokens_out():
    tokenizer = WordTokenizer(minimum_count=2).fit(["a a b b c"])
    assert tokenizer.vocabulary == ("", "[UNK]", "b", "a")


def test_a_byte_pair_limit_is_kept():
    assert len(BytePairTokenizer(280).fit(RUSSIAN * 5)) <= 280


def test_without_a_mark_for_the_unknown_an_unknown_token_is_refused():
    tokenizer = WordTokenizer(unknown=None).fit(["a b"])
    sentence = (
        "Vocabulary: expected one of 3 known tokens, got 'c'. Fit on texts that hold "
        "it, or keep a mark for the unknown."
    )
    with refused(DataError, sentence):
        tokenizer.encode("a c")


def test_without_a_mark_for_the_unknown_a_forged_mark_is_refused():
    tokenizer = WordTokenizer(
        unknown=None, padding="[p]", end="[e]", standardize=None
    ).fit(["a"])
    sentence = (
        "WordTokenizer.encode: expected texts without the marks '[p]', '[e]', got "
        "'[e]' in one. Choose other marks, or keep one for the unknown."
    )
    with refused(DataError, sentence):
        tokenizer.encode("a [e]")


# Saved and loaded


def test_what_was_learned_survives_json(fitted):
    again = decode(json.loads(json.dumps(encode(fitted))))
    assert type(again) is type(fitted)
    assert again.vocabulary == fitted.vocabulary
    assert again.encode(RUSSIAN) == fitted.encode(RUSSIAN)
    assert again.decode(fitted.encode(RUSSIAN[0])) == fitted.decode(
        fitted.encode(RUSSIAN[0])
    )


@pytest.mark.parametrize("kind", MAKERS)
def test_a_tokenizer_that_learned_nothing_is_saved_as_such(kind):
    again = decode(json.loads(json.dumps(encode(MAKERS[kind]()))))
    with pytest.raises(StateError):
        again.encode("a")


BYTES = [*BytePairTokenizer(256 + 1).fit(["a"]).vocabulary[1:]]


@pytest.mark.parametrize(
    ("cls", "state"),
    [
        (WordTokenizer, {"a": 1}),
        (WordTokenizer, [1, 2]),
        (WordTokenizer, ["a", "a"]),
        (CharacterTokenizer, [""]),
        (BytePairTokenizer, ["a"]),
        (BytePairTokenizer, {"tokens": ["a"], "merges": []}),
        (BytePairTokenizer, {"tokens": [*BYTES, "a"], "merges": []}),
        (BytePairTokenizer, {"tokens": BYTES, "merges": [["a", "b"]]}),
        (BytePairTokenizer, {"tokens": BYTES, "merges": [["a"]]}),
        (BytePairTokenizer, {"tokens": BYTES}),
    ],
)
def test_a_file_that_was_not_written_by_the_class_is_refused(cls, state):
    sentence = (
        f"{cls.__name__}.from_config: expected what the tokenizer has learned, got "
        f"{str(state)[:80]}. The file is damaged or was not written by Mica."
    )
    with refused(ConfigError, sentence):
        cls.from_config({"fitted": state})


# What is refused


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("texts", [[], ["", ""]])
def test_texts_with_nothing_in_them_are_refused(kind, texts):
    tokenizer = MAKERS[kind]()
    sentence = (
        f"{type(tokenizer).__name__}.fit: expected texts with tokens in them, got none "
        f"in {len(texts)} texts. Look at the texts, or at how they are split."
    )
    with refused(DataError, sentence):
        tokenizer.fit(texts)


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize(("what", "given"), [("encode", "a"), ("decode", [1])])
def test_using_before_fitting_is_refused(kind, what, given):
    tokenizer = MAKERS[kind]()
    sentence = (
        f"{type(tokenizer).__name__}: expected fit(texts) before {what}, got a "
        "tokenizer that has learned nothing. Fit it on the training part."
    )
    with refused(StateError, sentence):
        getattr(tokenizer, what)(given)


def test_something_that_is_no_text_is_refused(fitted):
    name = type(fitted).__name__
    sentence = (
        f"{name}.encode: expected texts, got float at place 1. Turn it into text with "
        "str(), or leave it out."
    )
    with refused(DataError, sentence):
        fitted.encode(["a", 1.5])


@pytest.mark.parametrize("wrong", [-1, 10_000])
def test_a_number_no_token_has_is_refused(fitted, wrong):
    sentence = (
        f"{type(fitted).__name__}.decode: expected numbers from 0 to "
        f"{len(fitted) - 1}, got {wrong}. Decode with the tokenizer that encoded."
    )
    with refused(DataError, sentence):
        fitted.decode([wrong])


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: WordTokenizer(2),
            "WordTokenizer: expected a limit of at least 3 tokens, got 2. Marks count "
            "too; None sets no limit.",
        ),
        (
            lambda: BytePairTokenizer(256),
            "BytePairTokenizer: expected a limit of at least 257 tokens, got 256. "
            "Marks count too; None sets no limit.",
        ),
        (
            lambda: WordTokenizer(unknown=""),
            "WordTokenizer: expected marks that differ, got '', ''. Give each its own.",
        ),
        (
            lambda: WordTokenizer(minimum_count=0),
            "WordTokenizer: expected minimum_count to be a whole number of at least 1, "
            "got 0. 1 keeps every token.",
        ),
        (
            lambda: BytePairTokenizer(minimum_count=0),
            "BytePairTokenizer: expected minimum_count to be a whole number of at "
            "least 1, got 0. 2 is the usual choice.",
        ),
        (
            lambda: WordTokenizer(split="character"),
            "WordTokenizer: expected split to be one of whitespace, words_and_marks, "
            "got 'character'. CharacterTokenizer splits into characters.",
        ),
        (
            lambda: NGramTokenizer(unit="letter"),
            "NGramTokenizer: expected unit to be 'word' or 'character', got 'letter'. "
            "Words are split at white space.",
        ),
        (
            lambda: NGramTokenizer(sizes=0),
            "ngrams: expected sizes of at least 1, got 0. 2 gives single tokens and "
            "pairs.",
        ),
        (
            lambda: BytePairTokenizer(standardize="upper"),
            "standardize: expected the name of a standardisation, got 'upper'. Choose "
            "from: compose, lower, lower_and_strip_punctuation, strip_accents, "
            "strip_punctuation, strip_tags.",
        ),
        (
            lambda: CharacterTokenizer().number("[END]"),
            "CharacterTokenizer: expected one of the marks '', '[UNK]', got '[END]'. "
            "Name it when you make the tokenizer.",
        ),
    ],
)
def test_an_argument_that_cannot_be_is_refused(make, sentence):
    with refused(ConfigError, sentence):
        make()


def test_byte_pairs_without_their_library_say_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name == "tokenizers":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    sentence = (
        "BytePairTokenizer: expected the library tokenizers, got none. Install it "
        "with: pip install tokenizers."
    )
    with refused(MissingDependencyError, sentence):
        BytePairTokenizer().fit(["a"])


# Long texts


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("size", [1, 7, 40])
def test_a_long_text_split_in_pieces_is_split_as_ever(kind, size, monkeypatch):
    text = " ".join(RUSSIAN) + "\n" + "нетпробелов" * 9
    whole = MAKERS[kind]().fit([text])
    monkeypatch.setattr(counted_tokenizers, "PIECE_CHARACTERS", size)
    pieces = MAKERS[kind]().fit([text])
    assert pieces.vocabulary == whole.vocabulary
    assert pieces.encode(text) == whole.encode(text)
