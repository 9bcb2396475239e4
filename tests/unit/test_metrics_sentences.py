"""BLEU and ROUGE-L agree with the printed examples and with slow loops."""

import functools
import math
import re
from collections import Counter

import numpy as np
import pytest
import torch

from mica import metrics
from mica.errors import ConfigError, DataError
from tests.tolerances import assert_close


def seen(metric, *batch):
    metric.update(*batch)
    return metric.compute()


def slow_bleu(texts, references, order):
    """The formula as sacreBLEU computes it, from words, with its smoothing."""
    found, groups = [0] * order, [0] * order
    length = wanted = 0
    for words, options in zip(texts, references, strict=True):
        length += len(words)
        wanted += min((abs(len(each) - len(words)), len(each)) for each in options)[1]
        for size in range(1, order + 1):
            ours = Counter(zip(*(words[i:] for i in range(size)), strict=False))
            groups[size - 1] += sum(ours.values())
            for group, count in ours.items():
                most = max(
                    list(zip(*(each[i:] for i in range(size)), strict=False)).count(
                        group
                    )
                    for each in options
                )
                found[size - 1] += min(count, most)
    if not any(found) or 0 in groups:
        return 0.0
    product, factor = 1.0, 1.0
    for hits, count in zip(found, groups, strict=True):
        factor = factor if hits else factor * 2
        product *= hits / count if hits else 1 / (factor * count)
    brevity = 1 if length >= wanted else math.exp(1 - wanted / length)
    return brevity * product ** (1 / order)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("order", [1, 2, 4])
def test_bleu_agrees_with_a_slow_loop(order, seed):
    draw = np.random.default_rng(seed)
    texts = [draw.integers(1, 6, draw.integers(4, 12)).tolist() for _ in range(8)]
    references = [
        [draw.integers(1, 6, draw.integers(4, 12)).tolist() for _ in range(2)]
        for _ in range(8)
    ]
    sentences = [" ".join(map(str, each)) for each in texts]
    options = [[" ".join(map(str, each)) for each in pair] for pair in references]
    metric = metrics.BLEU(order)
    metric.update(sentences[:3], options[:3])
    metric.update(sentences[3:], options[3:])
    assert_close(metric.compute(), slow_bleu(texts, references, order))


def test_a_word_counts_as_often_as_a_reference_has_it():
    text = "the the the the the the the"
    references = ["the cat is on the mat", "there is a cat on the mat"]
    value = seen(metrics.BLEU(1), [text], [references])
    assert_close(value, 2 / 7)


def test_a_perfect_translation_has_1():
    text = ["it is a guide to action that ensures"]
    assert seen(metrics.BLEU(), text, text).item() == 1


def test_a_short_translation_is_punished():
    value = seen(metrics.BLEU(1), ["a b"], ["a b c d"])
    assert_close(value, math.exp(1 - 4 / 2))


def test_a_missing_order_is_smoothed_or_not():
    texts, references = ["a b c d e"], ["a x b y c"]
    smoothed = seen(metrics.BLEU(), texts, references)
    assert_close(smoothed, (3 / 5 * 1 / (2 * 4) * 1 / (4 * 3) * 1 / (8 * 2)) ** 0.25)
    assert seen(metrics.BLEU(smoothing="none"), texts, references).item() == 0


@pytest.mark.parametrize("texts", [["x y z w"], ["a"], [""]])
def test_nothing_in_common_and_too_short_texts_have_0(texts):
    assert seen(metrics.BLEU(), texts, ["a b c d"]).item() == 0


@pytest.mark.parametrize("kind", [metrics.BLEU, metrics.RougeL])
def test_scores_stand_for_their_largest_word(kind):
    scores, target = torch.randn(6, 5, 4), torch.randint(0, 4, (6, 5))
    expected = seen(kind(), scores.argmax(-1), target)
    assert seen(kind(), scores, target) == expected


@pytest.mark.parametrize("kind", [metrics.BLEU, metrics.RougeL])
@pytest.mark.parametrize("split", ["characters", list])
def test_texts_are_cut_as_told(kind, split):
    spaced = seen(kind(), ["k i t t e n"], ["s i t t i n g"])
    assert seen(kind(split=split), ["kitten"], ["sitting"]) == spaced


@pytest.mark.parametrize("kind", [metrics.BLEU, metrics.RougeL])
def test_texts_unseen_have_no_value(kind):
    assert kind().compute().isnan()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("police kill the gunman", 3 / 4),
        ("the gunman kill police", 2 / 4),
        ("gunman the killed police", 1 / 4),
    ],
)
def test_rouge_gives_the_numbers_of_its_paper(text, expected):
    value = seen(metrics.RougeL(), [text], ["police killed the gunman"])
    assert_close(value, expected)


def slow_common(left, right):
    @functools.cache
    def common(i, j):
        if i == len(left) or j == len(right):
            return 0
        if left[i] == right[j]:
            return 1 + common(i + 1, j + 1)
        return max(common(i + 1, j), common(i, j + 1))

    return common(0, 0)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_rouge_agrees_with_a_slow_loop(beta, seed):
    draw = np.random.default_rng(seed)
    pairs = [
        [draw.integers(1, 5, draw.integers(1, 15)).tolist() for _ in range(2)]
        for _ in range(6)
    ]
    expected = []
    for text, reference in pairs:
        common = slow_common(text, reference)
        precision, recall = common / len(text), common / len(reference)
        lower = recall + beta**2 * precision
        score = (1 + beta**2) * precision * recall / lower if common else 0
        expected.append(score)
    texts, references = (
        [" ".join(map(str, pair[side])) for pair in pairs] for side in range(2)
    )
    value = seen(metrics.RougeL(beta), texts, references)
    assert_close(value, np.mean(expected))


def test_the_best_reference_counts():
    value = seen(metrics.RougeL(), ["a b"], [["x y", "a b", "a y"]])
    assert value.item() == 1


WRONG = {
    "order": (
        lambda: metrics.BLEU(0),
        "BLEU: expected max_order of at least 1, got 0. 4 is the usual one.",
    ),
    "smoothing": (
        lambda: metrics.BLEU(smoothing="floor"),
        "BLEU: expected smoothing to be 'exp' or 'none', got 'floor'. 'exp' is "
        "sacreBLEU's.",
    ),
    "split": (
        lambda: metrics.RougeL(split="words"),
        "RougeL: expected split to be 'spaces', 'characters' or a function, got "
        "'words'. 'spaces' takes words between blanks.",
    ),
    "beta": (
        lambda: metrics.RougeL(0.0),
        "RougeL: expected beta above 0, got 0.0. 1.0 weighs precision and recall "
        "alike.",
    ),
}


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(("make", "sentence"), WRONG.values(), ids=WRONG)
def test_arguments_that_make_no_sense_are_refused(make, sentence):
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        make()


@pytest.mark.parametrize("target", [["a"], ["a", []]])
def test_each_text_has_a_reference(target):
    sentence = (
        "bleu: expected one reference (or list of references) for each of 2 texts, got "
        "1. Pair them up."
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        metrics.BLEU().update(["a", "b"], target)


def test_tokens_are_rows():
    sentence = (
        "rouge_l: expected tokens of shape (batch, time), got (4,). Give one row of "
        "token numbers per text."
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        metrics.RougeL().update(torch.ones(4), torch.ones(4))
