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
from mica.losses.mining import BatchTriplet, Circle
from mica.losses.overlap import Dice, OverlapLoss, Tversky
from mica.losses.pairs import Contrastive, InfoNCE, Triplet
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
from mica.losses.variational import (
    BernoulliLikelihood,
    GaussianKLDivergence,
    GaussianLikelihood,
)

__all__ = [
    "CTC",
    "BatchTriplet",
    "BernoulliLikelihood",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "Contrastive",
    "CosineSimilarity",
    "Dice",
    "FunctionLoss",
    "GaussianKLDivergence",
    "GaussianLikelihood",
    "Hinge",
    "Huber",
    "InfoNCE",
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
    "Triplet",
    "Tversky",
    "check_fit",
    "check_target",
    "get_loss",
]
