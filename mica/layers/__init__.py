"""Layers: parts of networks, each a `torch.nn.Module` that sizes itself."""

from mica.layers.activating import ELU, Activation, LeakyReLU, ReLU, Softmax
from mica.layers.activation import get_activation
from mica.layers.added_losses import add_loss, gather_losses
from mica.layers.constraints import (
    Constraint,
    MaxNorm,
    MinMaxNorm,
    NonNegative,
    UnitNorm,
    get_constraint,
)
from mica.layers.convolution import Conv2D
from mica.layers.dense import Dense
from mica.layers.initializers import Initializer, get_initializer
from mica.layers.layer import Layer
from mica.layers.layer_normalization import (
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from mica.layers.merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
)
from mica.layers.noise import (
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
    StochasticDepth,
)
from mica.layers.normalization import BatchNormalization
from mica.layers.padding import (
    Cropping1D,
    Cropping2D,
    Cropping3D,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from mica.layers.pooling import (
    AveragePooling2D,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    MaxPooling2D,
)
from mica.layers.regularizers import (
    L1,
    L1L2,
    L2,
    OrthogonalRegularizer,
    Regularizer,
    get_regularizer,
)
from mica.layers.reshaping import Flatten, Permute, RepeatVector, Reshape
from mica.layers.resizing import Resizing, UpSampling1D, UpSampling2D, UpSampling3D
from mica.layers.symbolic import Input, SymbolicTensor, infer_module, record

__all__ = [
    "ELU",
    "L1",
    "L1L2",
    "L2",
    "Activation",
    "Add",
    "AlphaDropout",
    "Average",
    "AveragePooling2D",
    "BatchNormalization",
    "Concatenate",
    "Constraint",
    "Conv2D",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "Dense",
    "Dot",
    "Dropout",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling2D",
    "GroupNormalization",
    "Initializer",
    "Input",
    "InstanceNormalization",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "MaxNorm",
    "MaxPooling2D",
    "Maximum",
    "MinMaxNorm",
    "Minimum",
    "Multiply",
    "NonNegative",
    "OrthogonalRegularizer",
    "Permute",
    "RMSNormalization",
    "ReLU",
    "Regularizer",
    "RepeatVector",
    "Reshape",
    "Resizing",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "StochasticDepth",
    "Subtract",
    "SymbolicTensor",
    "UnitNorm",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
    "add_loss",
    "gather_losses",
    "get_activation",
    "get_constraint",
    "get_initializer",
    "get_regularizer",
    "infer_module",
    "record",
]
