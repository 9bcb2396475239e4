"""The recipes by name, and running one with several seeds."""

import statistics

from mica.errors import ConfigError, near_misses
from mica.recipes import mnist_convnet, mnist_dense
from mica.recipes.recipe import Recipe
from mica.report import Report, Table

__all__ = ["catalogue", "find", "names", "run"]

_RECIPES = {
    module.RECIPE.name: module.RECIPE for module in (mnist_convnet, mnist_dense)
}


def names() -> tuple[str, ...]:
    """List the recipes.

    Returns:
        Their names.

    Example:
        >>> "mnist-dense" in names()
        True
    """
    return tuple(_RECIPES)


def find(name: str) -> Recipe:
    """Find a recipe.

    Args:
        name: What it is called.

    Returns:
        The recipe.

    Raises:
        ConfigError: There is none of that name.
    """
    if name not in _RECIPES:
        raise ConfigError(
            f"run: expected the name of a recipe, got {name!r}. "
            f"{near_misses(name, _RECIPES)}"
        )
    return _RECIPES[name]


def catalogue() -> Table:
    """List the recipes with their sources.

    Returns:
        A table.
    """
    rows = tuple((each.name, each.title, each.source) for each in _RECIPES.values())
    return Table("Recipes", ("name", "what", "source"), rows, "mica run NAME")


def run(name: str, *, seeds: int = 1, rows: int | None = None) -> Report:
    """Run a recipe once for each seed and put its results beside the book's.

    Args:
        name: What it is called.
        seeds: How many; they are 0, 1, 2, ...
        rows: Use only so many rows of the data; None for all.

    Returns:
        The results of each seed, their mean and spread, and the book's numbers.

    Raises:
        ConfigError: An unknown name, or fewer than one seed.
    """
    recipe = find(name)
    if seeds < 1:
        raise ConfigError(
            f"run: expected at least 1 seed, got {seeds}. Leave --seeds out for one."
        )
    results = [recipe.main(seed, rows=rows) for seed in range(seeds)]
    measures = list(results[0])
    table = Table(
        "Results",
        ("seed", *measures),
        tuple(
            (seed, *(result[measure] for measure in measures))
            for seed, result in enumerate(results)
        ),
    )
    return Report(
        f"{recipe.title}", (table, Table("Mean", _COLUMNS, _means(recipe, results)))
    )


_COLUMNS = ("result", "mean", "spread", "book")


def _means(
    recipe: Recipe, results: list[dict[str, float]]
) -> tuple[tuple[object, ...], ...]:
    rows = []
    for measure in results[0]:
        values = [result[measure] for result in results]
        spread = statistics.stdev(values) if len(values) > 1 else None
        book = recipe.book.get(measure)
        rows.append((measure, statistics.fmean(values), spread, book))
    return tuple(rows)
