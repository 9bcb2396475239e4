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
from mica.layers.adaptive_pooling import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
)
from mica.layers.added_losses import add_loss, gather_losses
from mica.layers.attention import AdditiveAttention, Attention
from mica.layers.attention_cache import AttentionCache
from mica.layers.augmentation import (
    CenterCrop,
    CutMix,
    MixUp,
    Pipeline,
    RandomBrightness,
    RandomChoice,
    RandomContrast,
    RandomCrop,
    RandomErasing,
    RandomFlip,
    RandomGrayscale,
    RandomHue,
    RandomRotation,
    RandomSaturation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)
from mica.layers.bidirectional import Bidirectional
from mica.layers.category_encoding import CategoryEncoding
from mica.layers.constraints import (
    Constraint,
    MaxNorm,
    MinMaxNorm,
    NonNegative,
    UnitNorm,
    get_constraint,
)
from mica.layers.convolution import Conv1D, Conv2D, Conv3D
from mica.layers.convolutional_recurrent import ConvLSTM1D, ConvLSTM2D, ConvLSTM3D
from mica.layers.dense import Dense
from mica.layers.depthwise_convolution import DepthwiseConv1D, DepthwiseConv2D
from mica.layers.discretization import Discretization
from mica.layers.embedding import Embedding
from mica.layers.feature_scaling import Normalization, Rescaling
from mica.layers.global_pooling import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
from mica.layers.grouped_query_attention import GroupedQueryAttention
from mica.layers.hashing import HashedCrossing, Hashing
from mica.layers.initializers import Initializer, get_initializer
from mica.layers.layer import Layer
from mica.layers.layer_normalization import (
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from mica.layers.lookup import IntegerLookup, StringLookup
from mica.layers.masking import Masking
from mica.layers.masks import attach_masks, gather_masks, masks_of, show_masks
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
from mica.layers.multi_head_attention import MultiHeadAttention
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
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from mica.layers.positions import (
    PositionEmbedding,
    RotaryEmbedding,
    SinusoidalPositionEncoding,
)
from mica.layers.probing import is_probing, probing
from mica.layers.recurrent import GRU, LSTM, RNN, SimpleRNN
from mica.layers.recurrent_cells import (
    GRUCell,
    LSTMCell,
    RecurrentCell,
    SimpleRNNCell,
    StackedRNNCells,
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
from mica.layers.separable_convolution import SeparableConv1D, SeparableConv2D
from mica.layers.sum_product import ProductNodes, SumNodes
from mica.layers.symbolic import Input, SymbolicTensor, infer_module, record
from mica.layers.text_vectorization import TextVectorization
from mica.layers.time_distributed import TimeDistributed
from mica.layers.transformer import DecoderCache, TransformerDecoder, TransformerEncoder
from mica.layers.transposed_convolution import (
    Conv1DTranspose,
    Conv2DTranspose,
    Conv3DTranspose,
)
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
    "GRU",
    "L1",
    "L1L2",
    "L2",
    "LSTM",
    "RNN",
    "Activation",
    "ActivityRegularization",
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "Add",
    "AdditiveAttention",
    "AlphaDropout",
    "Attention",
    "AttentionCache",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "BatchNormalization",
    "Bidirectional",
    "CategoryEncoding",
    "CenterCrop",
    "Concatenate",
    "Constraint",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "CutMix",
    "DecoderCache",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Discretization",
    "Dot",
    "DropConnect",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "GroupNormalization",
    "GroupedQueryAttention",
    "HashedCrossing",
    "Hashing",
    "Identity",
    "Initializer",
    "Input",
    "InstanceNormalization",
    "IntegerLookup",
    "LSTMCell",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "LowRank",
    "Masking",
    "MaxNorm",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Maximum",
    "MinMaxNorm",
    "Minimum",
    "MixUp",
    "MultiHeadAttention",
    "Multiply",
    "NonNegative",
    "Normalization",
    "OrthogonalRegularizer",
    "PReLU",
    "Permute",
    "Pipeline",
    "PositionEmbedding",
    "ProductNodes",
    "RMSNormalization",
    "RandomBrightness",
    "RandomChoice",
    "RandomContrast",
    "RandomCrop",
    "RandomErasing",
    "RandomFlip",
    "RandomGrayscale",
    "RandomHue",
    "RandomRotation",
    "RandomSaturation",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "ReLU",
    "RecurrentCell",
    "Regularizer",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Resizing",
    "RotaryEmbedding",
    "SeparableConv1D",
    "SeparableConv2D",
    "SimpleRNN",
    "SimpleRNNCell",
    "SinusoidalPositionEncoding",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "SpectralNormalization",
    "StackedRNNCells",
    "StochasticDepth",
    "StringLookup",
    "Subtract",
    "SumNodes",
    "SymbolicTensor",
    "TextVectorization",
    "TimeDistributed",
    "TransformerDecoder",
    "TransformerEncoder",
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
    "attach_masks",
    "gather_losses",
    "gather_masks",
    "get_activation",
    "get_constraint",
    "get_initializer",
    "get_regularizer",
    "infer_module",
    "is_probing",
    "masks_of",
    "probing",
    "record",
    "show_masks",
]
