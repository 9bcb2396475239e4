"""What every recipe promises: it runs on few rows, repeats itself, can be copied."""

import ast
import inspect
import math
import re

import pytest

from mica import recipes
from mica.data import samples
from mica.errors import DataError
from mica.recipes import Recipe
from mica.report import Part
from tests.contract.small_texts import load_small

RECIPES = [recipes.find(name) for name in recipes.names()]
NEEDS_MNIST = ('samples.load("mnist")', "thousand_digits")
of_every_recipe = pytest.mark.parametrize(
    "recipe", RECIPES, ids=lambda recipe: recipe.name
)


@pytest.fixture(autouse=True)
def small_texts(monkeypatch):
    """Recipes of texts learn from some made-up ones."""
    monkeypatch.setattr(samples, "load", load_small)


def run(recipe: Recipe, request: pytest.FixtureRequest, **given) -> dict[str, float]:
    """One seed on few rows; skipped, with the reason, where the data are not here."""
    if any(text in recipe.code for text in NEEDS_MNIST):
        request.getfixturevalue("mnist_file")
    try:
        return recipe.main(0, rows=200, epochs=1, **given)
    except DataError as error:
        pytest.skip(str(error))


@of_every_recipe
def test_a_recipe_runs_on_few_rows_and_names_its_results(recipe, request, capsys):
    results = run(recipe, request)
    assert results
    assert all(math.isfinite(value) for value in results.values())
    assert {*recipe.book, *recipe.goal} <= set(results)


@of_every_recipe
def test_a_recipe_repeats_itself_to_the_bit(recipe, request, capsys):
    assert run(recipe, request) == run(recipe, request)


@of_every_recipe
def test_a_recipe_draws_parts_of_a_report_or_nothing(recipe, request, capsys):
    if not recipe.draws:
        assert "show" not in inspect.signature(recipe.main).parameters
        return
    pictures: list[object] = []
    run(recipe, request, show=pictures.append)
    assert pictures
    assert all(isinstance(picture, Part) for picture in pictures)


@of_every_recipe
def test_a_recipe_has_a_name_a_title_and_a_source(recipe):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", recipe.name)
    assert 0 < len(recipe.title) <= 80
    assert "\n" not in recipe.title
    assert re.search(r"\(\d{4}\)", recipe.source)


@of_every_recipe
def test_a_recipe_is_one_file_that_runs_when_it_is_copied(recipe):
    tree = ast.parse(recipe.code)
    assert ast.get_docstring(tree)
    assert ast.unparse(tree.body[-1]).startswith("if __name__ == '__main__':")
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert "main" in functions


def test_no_two_recipes_share_a_name():
    assert len(RECIPES) == len(set(recipes.names())) >= 2
