"""Recipes: whole programs to run, read and copy, each in one file."""

from mica.recipes.catalogue import catalogue, find, names, run
from mica.recipes.recipe import Recipe

__all__ = ["Recipe", "catalogue", "find", "names", "run"]
