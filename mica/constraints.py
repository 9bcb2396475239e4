"""Constraints under the name that Keras users type: `mica.constraints.MaxNorm`."""

from mica.layers.constraints import (
    Constraint,
    FunctionConstraint,
    MaxNorm,
    MinMaxNorm,
    NonNegative,
    UnitNorm,
    get_constraint,
)

NonNeg = NonNegative  # Keras's name

__all__ = [
    "Constraint",
    "FunctionConstraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "NonNegative",
    "UnitNorm",
    "get_constraint",
]
