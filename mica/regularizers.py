"""Regularizers under the name that Keras users type: `mica.regularizers.L2`."""

from mica.layers.regularizers import (
    L1,
    L1L2,
    L2,
    FunctionRegularizer,
    OrthogonalRegularizer,
    Regularizer,
    get_regularizer,
)

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "FunctionRegularizer",
    "OrthogonalRegularizer",
    "Regularizer",
    "get_regularizer",
]
