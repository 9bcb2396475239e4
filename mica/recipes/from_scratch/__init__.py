"""Recipes that build everything by hand, as the books do to let the reader see it."""
