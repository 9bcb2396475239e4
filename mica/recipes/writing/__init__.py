"""Recipes of models that write: letter by letter, and from one language to another."""
