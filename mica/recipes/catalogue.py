"""The recipes by name, and running one with several seeds."""

import statistics
from collections.abc import Callable, Sequence

from mica.errors import ConfigError, near_misses
from mica.recipes import boston_kfold, jena, mnist_convnet, mnist_dense
from mica.recipes.from_scratch import (
    autodiff,
    autoencoder_svd,
    babi_linear,
    babi_rnn,
    boltzmann,
    convolution_by_hand,
    gradient_descent,
    hopfield,
    mnist_dropout,
    mnist_minibatch,
    mnist_overfit,
    mnist_tanh,
    perceptron_hinge,
    radial,
    streetlights,
    sum_product,
    word_vectors,
    xor,
)
from mica.recipes.recipe import Recipe
from mica.recipes.text import (
    imdb_best,
    imdb_bigrams,
    imdb_bilstm,
    imdb_conv1d,
    imdb_dense,
    imdb_embedding,
    imdb_glove,
    imdb_lstm,
    imdb_simple_rnn,
    imdb_transformer,
    imdb_variants,
    reuters_dense,
    sentiment_embeddings,
    spam_embedding,
    word_analogies,
)
from mica.recipes.writing import (
    char_gpt,
    char_lstm_nietzsche,
    char_lstm_shakespeare,
    spa_eng_lstm,
    spa_eng_transformer,
)
from mica.report import Part, Report, Table

__all__ = ["catalogue", "find", "names", "run"]

MODULES = (
    gradient_descent,
    streetlights,
    autodiff,
    xor,
    perceptron_hinge,
    radial,
    hopfield,
    boltzmann,
    autoencoder_svd,
    sum_product,
    mnist_overfit,
    mnist_dropout,
    mnist_minibatch,
    mnist_tanh,
    convolution_by_hand,
    word_vectors,
    babi_linear,
    babi_rnn,
    mnist_dense,
    mnist_convnet,
    boston_kfold,
    jena.dense,
    jena.gru,
    jena.gru_dropout,
    jena.stacked,
    jena.bidirectional,
    jena.conv_gru,
    imdb_dense,
    imdb_variants,
    imdb_bigrams,
    imdb_embedding,
    imdb_glove,
    imdb_simple_rnn,
    imdb_lstm,
    imdb_bilstm,
    imdb_conv1d,
    imdb_transformer,
    imdb_best,
    reuters_dense,
    sentiment_embeddings,
    word_analogies,
    spam_embedding,
    char_lstm_nietzsche,
    char_lstm_shakespeare,
    char_gpt,
    spa_eng_lstm,
    spa_eng_transformer,
)
RECIPES = {module.RECIPE.name: module.RECIPE for module in MODULES}
Results = Sequence[dict[str, float]]


def names() -> tuple[str, ...]:
    """List the recipes.

    Returns:
        Their names.

    Example:
        >>> "mnist-dense" in names()
        True
    """
    return tuple(RECIPES)


def find(name: str) -> Recipe:
    """Find a recipe.

    Args:
        name: What it is called.

    Returns:
        The recipe.

    Raises:
        ConfigError: There is none of that name.
    """
    if name not in RECIPES:
        raise ConfigError(
            f"run: expected the name of a recipe, got {name!r}. "
            f"{near_misses(name, RECIPES)}"
        )
    return RECIPES[name]


def catalogue() -> Table:
    """List the recipes.

    Returns:
        A table of names and titles.
    """
    rows = [(each.name, each.title) for each in RECIPES.values()]
    note = "mica run NAME runs one; mica run NAME --code prints it."
    return Table("Recipes", ("name", "what"), rows, note)


def _each_seed(results: Results) -> Table:
    measures = tuple(results[0])
    rows = [
        (seed, *(result[measure] for measure in measures))
        for seed, result in enumerate(results)
    ]
    return Table("Results", ("seed", *measures), rows)


def _beside_the_book(recipe: Recipe, results: Results) -> Table:
    rows = []
    for measure in results[0]:
        values = [result[measure] for result in results]
        spread = statistics.stdev(values) if len(values) > 1 else None
        book, goal = recipe.book.get(measure), recipe.goal.get(measure)
        rows.append((measure, statistics.fmean(values), spread, book, goal))
    columns = ("result", "mean", "deviation", "the book's", "our goal")
    return Table("Beside the book", columns, rows, recipe.source)


def run(
    name: str,
    *,
    seeds: int = 1,
    rows: int | None = None,
    epochs: int | None = None,
    announce: Callable[[str], object] | None = None,
) -> Report:
    """Run a recipe once for each seed and put its results beside the book's.

    Args:
        name: What it is called.
        seeds: How many; they are 0, 1, 2, ...
        rows: Use only so many rows of the data; None for all.
        epochs: Passes over the data; None for the book's.
        announce: Takes a line before each seed; None says nothing.

    Returns:
        The results of each seed, their mean and deviation, the book's numbers, and the
        pictures that the first seed draws.

    Raises:
        ConfigError: An unknown name, or fewer than one seed, row or epoch.
    """
    recipe = find(name)
    for what, number in (("seeds", seeds), ("rows", rows), ("epochs", epochs)):
        if number is not None and number < 1:
            raise ConfigError(
                f"run: expected {what} to be at least 1, got {number}. Leave it out "
                "for the recipe's own."
            )
    results: list[dict[str, float]] = []
    pictures: list[Part] = []
    for seed in range(seeds):
        if announce is not None:
            announce(f"{recipe.title}: seed {seed}")
        # One set of pictures is enough: that of the first seed.
        shown = {"show": pictures.append} if recipe.draws and seed == 0 else {}
        results.append(recipe.main(seed, rows=rows, epochs=epochs, **shown))
    tables = (_each_seed(results), _beside_the_book(recipe, results))
    return Report(recipe.title, (*tables, *pictures))
