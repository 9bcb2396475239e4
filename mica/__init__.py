"""Mica: deep learning of thin, transparent layers."""

import importlib
from typing import Any

from mica import (
    activations,
    callbacks,
    constraints,
    data,
    engine,
    initializers,
    layers,
    losses,
    metrics,
    model,
    optimizers,
    plan,
    regularizers,
    training,
    view,
)
from mica.engine import set_precision, set_seed
from mica.layers import Input, Layer
from mica.model import Model, Sequential
from mica.model import load_model as load
from mica.registry import register
from mica.training import Callback, History

__version__ = "0.1.0"

# Imported when first named, so that `import mica` stays near `import torch`.
_ON_DEMAND = (
    "classic",
    "cli",
    "generate",
    "recipes",
    "reference",
    "trace",
    "tune",
    "workflow",
)

__all__ = [
    "Callback",
    "History",
    "Input",
    "Layer",
    "Model",
    "Sequential",
    "activations",
    "callbacks",
    "constraints",
    "data",
    "engine",
    "initializers",
    "layers",
    "load",
    "losses",
    "metrics",
    "model",
    "optimizers",
    "plan",
    "register",
    "regularizers",
    "set_precision",
    "set_seed",
    "training",
    "view",
]


def __getattr__(name: str) -> Any:
    if name in _ON_DEMAND:
        return importlib.import_module(f"mica.{name}")
    if name in ("Classifier", "Regressor"):  # scikit-learn is imported with them
        return getattr(importlib.import_module("mica.classic"), name)
    raise AttributeError(f"module 'mica' has no attribute {name!r}")
