"""Automatic differentiation from scratch, on NumPy alone: to learn from, to judge with.

Read in this order: ``tensor`` (the graph and the walk), ``rules`` (the table),
``functions``, ``layers``, ``losses``, ``optimizers``. README.md explains how it works.
"""

from mica.reference import functions, layers, losses, optimizers
from mica.reference.rules import RULES
from mica.reference.tensor import Tensor, apply, backward, gradients

__all__ = [
    "RULES",
    "Tensor",
    "apply",
    "backward",
    "functions",
    "gradients",
    "layers",
    "losses",
    "optimizers",
]
