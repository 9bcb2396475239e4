"""Losses: how wrong predictions are, as one number to make small."""

from mica.losses.alignment import CTC
from mica.losses.checks import check_fit, check_target
from mica.losses.classification import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)
from mica.losses.focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    SparseCategoricalFocalCrossentropy,
)
from mica.losses.foreign import FunctionLoss, TorchLoss
from mica.losses.lookup import get_loss
from mica.losses.loss import Loss
from mica.losses.margin import (
    CategoricalHinge,
    Hinge,
    PerceptronCriterion,
    SquaredHinge,
)
from mica.losses.overlap import Dice, OverlapLoss, Tversky
from mica.losses.probability import CosineSimilarity, KLDivergence, Poisson
from mica.losses.quantile import Quantile
from mica.losses.regression import (
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
)
from mica.losses.robust import CategoricalGeneralizedCrossEntropy

__all__ = [
    "CTC",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Dice",
    "FunctionLoss",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "OverlapLoss",
    "PerceptronCriterion",
    "Poisson",
    "Quantile",
    "SparseCategoricalCrossentropy",
    "SparseCategoricalFocalCrossentropy",
    "SquaredHinge",
    "TorchLoss",
    "Tversky",
    "check_fit",
    "check_target",
    "get_loss",
]
