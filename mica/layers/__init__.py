"""Layers: parts of networks, each a `torch.nn.Module` that sizes itself."""

from mica.layers.activating import ELU, Activation, LeakyReLU, ReLU, Softmax
from mica.layers.activation import get_activation
from mica.layers.convolution import Conv2D
from mica.layers.dense import Dense
from mica.layers.initializers import Initializer, get_initializer
from mica.layers.layer import Layer
from mica.layers.noise import Dropout
from mica.layers.normalization import BatchNormalization
from mica.layers.pooling import (
    AveragePooling2D,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    MaxPooling2D,
)
from mica.layers.reshaping import Flatten, Reshape
from mica.layers.symbolic import Input, SymbolicTensor, infer_module, record

__all__ = [
    "ELU",
    "Activation",
    "AveragePooling2D",
    "BatchNormalization",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling2D",
    "Initializer",
    "Input",
    "Layer",
    "LeakyReLU",
    "MaxPooling2D",
    "ReLU",
    "Reshape",
    "Softmax",
    "SymbolicTensor",
    "get_activation",
    "get_initializer",
    "infer_module",
    "record",
]
