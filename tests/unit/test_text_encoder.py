"""Texts for a model that reads them: cut, named, and back from a file."""

import re

import numpy as np
import pytest

from mica.data import TextEncoder
from mica.errors import ConfigError, DataError
from mica.registry import decode, encode


def test_a_long_document_is_cut_and_a_short_one_is_not():
    encoder = TextEncoder(("bad", "good"), most_characters=3)
    assert encoder.transform(["ab", "abcdef"]).tolist() == ["ab", "abc"]


def test_the_most_probable_class_is_named():
    encoder = TextEncoder(("плохо", "хорошо"))
    shares = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert encoder.decode(shares).tolist() == ["плохо", "хорошо"]


def test_everything_comes_back_from_a_file():
    encoder = TextEncoder(("a", "b"), text="text", target="label", most_characters=9)
    assert decode(encode(encoder)).config() == encoder.config()


REFUSED = {
    "one class": (
        {"label_names": ("a",)},
        "TextEncoder: expected the names of at least two classes, got ('a',). Give "
        "them in the order of their numbers.",
    ),
    "numbers of classes": (
        {"label_names": (0, 1)},
        "TextEncoder: expected the names of at least two classes, got (0, 1). Give "
        "them in the order of their numbers.",
    ),
    "no characters": (
        {"most_characters": 0},
        "TextEncoder: expected most_characters of at least 1, got 0. 20000 are some "
        "eight pages.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused(case):
    words, sentence = REFUSED[case]
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        TextEncoder(**{"label_names": ("a", "b"), **words})


def test_a_number_is_no_text():
    sentence = (
        "TextEncoder: expected texts, got int at place 1. Turn it into text with str()."
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        TextEncoder(("a", "b")).transform(["x", 5])


def test_answers_of_another_model_are_refused():
    sentence = (
        "decode: expected 2 columns, one per class, got the shape (4, 3). Give what "
        "predict returned."
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        TextEncoder(("a", "b")).decode(np.zeros((4, 3)))
