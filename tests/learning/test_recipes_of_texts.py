"""The recipes of texts: what they reach on some made-up ones, and what they count."""

import numpy as np
import pytest

from mica.data import samples
from mica.layers import TextVectorization
from mica.recipes.text import (
    imdb_best,
    imdb_conv1d,
    imdb_dense,
    imdb_glove,
    imdb_lstm,
    imdb_transformer,
    reuters_dense,
    sentiment_embeddings,
    spam_embedding,
    word_analogies,
)
from mica.recipes.text.terms import distinct_terms
from mica.report import Table
from tests.contract.small_texts import BAD, load_small


@pytest.fixture(autouse=True)
def small_texts(monkeypatch):
    """A hundred short texts, whose words say of which class they are."""
    monkeypatch.setattr(samples, "load", load_small)


@pytest.mark.parametrize(
    ("recipe", "epochs"),
    [
        (imdb_dense, 40),
        (imdb_best, 10),
        (imdb_conv1d, 40),
        (imdb_lstm, 40),
        (imdb_transformer, 20),
        (sentiment_embeddings, 30),
        (spam_embedding, 3),
    ],
    ids=lambda value: value.RECIPE.name if hasattr(value, "RECIPE") else None,
)
def test_a_recipe_learns_which_words_say_what(recipe, epochs, capsys):
    assert recipe.main(epochs=epochs)["test accuracy"] >= 0.9


def test_topics_are_told_apart_and_guesses_are_not(capsys):
    results = reuters_dense.main(epochs=60)
    assert results["test accuracy"] >= 0.8
    assert results["most frequent topic"] == pytest.approx(0.2)
    assert results["random topics"] < 0.5
    lost = results["test accuracy"] - results["test accuracy, bottleneck"]
    assert results["lost by the bottleneck"] == pytest.approx(lost)


def test_the_frozen_vectors_are_those_of_their_words():
    glove = load_small("glove")
    reviews = load_small("imdb", num_words=imdb_glove.WORDS)
    table = glove.matrix(["", "", "", "", *reviews.word_index])
    number = reviews.word_index["great"] + reviews.index_from
    assert table[number] == pytest.approx(glove.vectors[glove.words.index("great")])


def test_a_ratio_is_counted_with_one_more_on_each_side():
    reviews = [np.array([2, 3]), np.array([2]), np.array([4])]
    found = imdb_best._log_ratio(reviews, np.array([1, 1, 0]), 5)
    # Friendly: terms 0 to 4 counted 1, 1, 3, 2, 1 of 8; unfriendly: 1, 1, 1, 1, 2 of 6.
    shares = [(3 / 8) / (1 / 6), (2 / 8) / (1 / 6), (1 / 8) / (2 / 6)]
    assert found.tolist() == pytest.approx([0, 0, *np.log(shares)])


def test_a_term_of_every_mail_is_worth_less_than_a_rare_one():
    mails = [np.array([2, 3]), np.array([2])]
    found = spam_embedding._rarity(mails, 5).tolist()
    assert found == pytest.approx([0, 0, 1, 1 + np.log(3 / 2), 0])


def test_distinct_terms_are_the_columns_that_are_not_empty():
    texts = load_small("imdb", raw=True).x_train
    numbered = TextVectorization(ngrams=2).adapt(texts)
    counted = TextVectorization(ngrams=2, output_mode="multi_hot").adapt(texts)
    for numbers, row in zip(
        distinct_terms(numbered, texts), counted(texts), strict=True
    ):
        # Counts have no column for padding.
        assert numbers.tolist() == (row.nonzero()[:, 0] + 1).tolist()


def test_words_that_say_the_same_lie_together(capsys):
    tables: list[Table] = []
    sentiment_embeddings.main(epochs=200, show=tables.append)
    nearest = [word for word, _ in tables[1].rows[:8]]
    assert set(nearest) == {*BAD, "topic1"} - {"terrible"}


def test_the_words_of_a_question_are_no_answer():
    words = ("king", "man", "woman", "queen", "film")
    vectors = np.array([[1, 1], [1, 0], [0.2, 1], [0, 1.5], [-1, -1]], np.float32)
    sample = samples.VectorSample("two", words, vectors, "Made up.")
    answers = word_analogies._answers(sample, "king", "man", "woman")
    assert [word for word, _ in answers[:2]] == ["queen", "film"]
    assert word_analogies._answers(sample, "king", "man", "nobody") == []
