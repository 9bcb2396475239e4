"""Initializers under the name that Keras users type: `mica.initializers.HeNormal`."""

from mica.layers.initializer import Initializer
from mica.layers.initializers import (
    Constant,
    FunctionInitializer,
    get_initializer,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    lecun_normal,
    lecun_uniform,
    ones,
    zeros,
)
from mica.layers.matrix_initializers import IdentityInitializer, OrthogonalInitializer
from mica.layers.random_initializers import (
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    compute_fans,
)

# Keras's other names. The named ones are `VarianceScaling` with settled numbers.
GlorotNormal = glorot_normal
GlorotUniform = glorot_uniform
HeNormal = he_normal
HeUniform = he_uniform
Identity = IdentityInitializer
LecunNormal = lecun_normal
LecunUniform = lecun_uniform
Ones = ones
Orthogonal = OrthogonalInitializer
Zeros = zeros

__all__ = [
    "Constant",
    "FunctionInitializer",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "compute_fans",
    "get_initializer",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "zeros",
]
