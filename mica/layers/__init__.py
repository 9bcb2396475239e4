"""Layers: parts of networks, each a `torch.nn.Module` that sizes itself."""

from mica.layers.activating import (
    ELU,
    Activation,
    Identity,
    LeakyReLU,
    PReLU,
    ReLU,
    Softmax,
)
from mica.layers.activation import get_activation
from mica.layers.added_losses import add_loss, gather_losses
from mica.layers.attention import AdditiveAttention, Attention
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
from mica.layers.embedding import Embedding
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
from mica.layers.sum_product import ProductNodes, SumNodes
from mica.layers.symbolic import Input, SymbolicTensor, infer_module, record
from mica.layers.wrapping import (
    ActivityRegularization,
    DropConnect,
    Lambda,
    LowRank,
    SpectralNormalization,
    WeightNormalization,
    Wrapper,
)

__all__ = [
    "ELU",
    "L1",
    "L1L2",
    "L2",
    "Activation",
    "ActivityRegularization",
    "Add",
    "AdditiveAttention",
    "AlphaDropout",
    "Attention",
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
    "DropConnect",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling2D",
    "GroupNormalization",
    "Identity",
    "Initializer",
    "Input",
    "InstanceNormalization",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "LowRank",
    "MaxNorm",
    "MaxPooling2D",
    "Maximum",
    "MinMaxNorm",
    "Minimum",
    "Multiply",
    "NonNegative",
    "OrthogonalRegularizer",
    "PReLU",
    "Permute",
    "ProductNodes",
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
    "SpectralNormalization",
    "StochasticDepth",
    "Subtract",
    "SumNodes",
    "SymbolicTensor",
    "UnitNorm",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "WeightNormalization",
    "Wrapper",
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
