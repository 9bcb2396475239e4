"""The recipes that build everything by hand: what those that take seconds reach."""

import re

import pytest

from mica.errors import DataError
from mica.recipes.from_scratch import (
    autodiff,
    autoencoder_svd,
    babi_rnn,
    babi_sentences,
    boltzmann,
    gradient_descent,
    hopfield,
    mnist_tanh,
    perceptron_hinge,
    radial,
    streetlights,
    sum_product,
    word_vectors,
    xor,
)
from mica.report import Part, Report
from tests.oracle.printed import assert_prints

PRINTED = {
    gradient_descent: """1.07995057925e-27 .8 19.8025 5.40820802026e-06 .797674444578
        -232452292.6 1.14604719983e-09 5.489031744e-05""",
    streetlights: """2.6561231104 .000533736773285 .014 1.014 -.016 ...
        .634231159844 1.50556226651e-05""",
    autodiff: """.58128304 2.33428272 1.06372865 .98874126 1.38850324
        .06849361 .00889602 .04700013 .07387834 .16527389""",
}


@pytest.mark.parametrize("recipe", PRINTED, ids=lambda recipe: recipe.RECIPE.name)
def test_a_recipe_prints_what_the_book_prints(recipe):
    assert_prints(list(recipe.main().values()), PRINTED[recipe])


def test_a_tenth_of_the_tanh_network_follows_the_books_table(mnist_file, monkeypatch):
    monkeypatch.setenv("MICA_DATASETS", str(mnist_file.parent))
    results = mnist_tanh.main(epochs=31)
    assert_prints(results["test accuracy"], "0.734")
    assert_prints(results["training accuracy"], "0.763")


def test_the_hinge_wins_when_it_has_learned_for_long():
    results = perceptron_hinge.main(rows=300, epochs=1500)
    assert results["hinge, short"] < results["perceptron, short"]
    assert results["hinge, long"] > results["perceptron, long"]
    assert results["hinge, long, deviation"] < results["perceptron, long, deviation"]


def test_prototypes_part_rings_where_a_line_cannot():
    results = radial.main()
    assert results["rings"] >= 0.98
    assert results["rings, by a line"] < 0.6
    assert results["digits"] >= 0.95


def test_a_memory_overflows():
    results = hopfield.main()
    assert results["digits, projection"] >= 0.8
    assert results["right units at 0.05"] > 0.99
    assert results["right units at 0.25"] < 0.9


def test_a_machine_mends_what_the_mean_picture_cannot():
    results = boltzmann.main(epochs=30)
    assert results["rebuilt"] < results["mean picture"] / 4
    assert (
        results["lowest quarter mended"]
        < results["lowest quarter by the mean picture"] / 1.5
    )


def test_the_autoencoder_is_the_decomposition():
    assert autoencoder_svd.main()["largest difference"] < 1e-6


def test_sums_know_what_independent_measures_do_not():
    results = sum_product.main()
    assert results["log density"] > results["log density, independent"] + 2
    assert results["accuracy"] >= 0.9


def test_queen_is_king_less_man_and_woman():
    results = word_vectors.main()
    assert results["queen"] == 1
    assert results["own kind"] >= 0.9


@pytest.mark.parametrize("seed", range(5))
def test_a_hidden_layer_says_exclusive_or(seed):
    results = xor.main(seed)
    assert results["by hand, right"] == results["two layers, right"] == 1
    assert results["one layer, last loss"] > 0.69


DRAWING = [autodiff, gradient_descent, hopfield, streetlights, sum_product, xor]


@pytest.mark.parametrize("recipe", DRAWING, ids=lambda recipe: recipe.RECIPE.name)
def test_a_recipe_draws_parts_of_a_report(recipe, tmp_path):
    parts: list[Part] = []
    recipe.main(epochs=2, show=parts.append)
    page = Report(recipe.RECIPE.title, parts).page(tmp_path / "page.html")
    assert len(parts) >= 1
    assert page.stat().st_size > 1000


@pytest.fixture
def stories(tmp_path, monkeypatch):
    """A folder with a small file of sentences, named by MICA_DATASETS."""
    lines = [
        f"{i} {who} {went} to the {room}."
        for i, (who, went, room) in enumerate(
            [("Mary", "moved", "hall"), ("John", "went", "garden")] * 6, start=1
        )
    ]
    (tmp_path / "babi").mkdir()
    (tmp_path / "babi" / babi_sentences.FILE).write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("MICA_DATASETS", str(tmp_path))


def test_sentences_are_read_without_their_numbers(stories):
    sentences = babi_sentences.load(rows=2)
    assert sentences == [
        ["mary", "moved", "to", "the", "hall."],
        ["john", "went", "to", "the", "garden."],
    ]


def test_a_cell_learns_which_room_follows_whom(stories):
    assert babi_rnn.main(epochs=400)["accuracy"] == 1


def test_a_missing_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("MICA_DATASETS", str(tmp_path))
    sentence = (
        f"babi: expected babi/{babi_sentences.FILE} in a folder of MICA_DATASETS, got "
        f"{tmp_path}. Put the file there; it is part of the bAbI tasks v1.1 (en)."
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        babi_sentences.load()
