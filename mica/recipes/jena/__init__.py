"""Recipes that forecast the weather of Jena, a day ahead."""

from mica.recipes.jena import (
    bidirectional,
    conv_gru,
    dense,
    gru,
    gru_dropout,
    stacked,
    weather,
)

__all__ = [
    "bidirectional",
    "conv_gru",
    "dense",
    "gru",
    "gru_dropout",
    "stacked",
    "weather",
]
