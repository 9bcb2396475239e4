"""Metrics: numbers that judge an epoch, whatever its batches were."""

from mica.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from mica.metrics.amounts import Mean, Sum
from mica.metrics.calibration import BrierScore, CalibrationError
from mica.metrics.confusion import F1Score, FBetaScore, Precision, Recall
from mica.metrics.correlation import ConcordanceCorrelation, PearsonCorrelation
from mica.metrics.counts import (
    FalseNegatives,
    FalsePositives,
    TrueNegatives,
    TruePositives,
)
from mica.metrics.detection import MeanAveragePrecision
from mica.metrics.foreign import ForeignMetric, FunctionMetric, LossMetric
from mica.metrics.from_losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsolutePercentageError,
    MeanSquaredLogarithmicError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from mica.metrics.intersection import (
    BinaryIoU,
    IoU,
    MeanIoU,
    OneHotIoU,
    OneHotMeanIoU,
    RegionMetric,
)
from mica.metrics.keeping import KeepingMetric
from mica.metrics.lookup import get_metric
from mica.metrics.matrix import CohenKappa, MatthewsCorrelation
from mica.metrics.metric import MeanMetric, Metric
from mica.metrics.perplexity import Perplexity
from mica.metrics.ranking import AUC
from mica.metrics.regression import (
    CosineSimilarity,
    MeanAbsoluteError,
    MeanSquaredError,
    R2Score,
    RootMeanSquaredError,
)
from mica.metrics.scores import ScoreMetric
from mica.metrics.sentences import BLEU, RougeL
from mica.metrics.tradeoffs import (
    PrecisionAtRecall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
)

__all__ = [
    "AUC",
    "BLEU",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "BinaryIoU",
    "BrierScore",
    "CalibrationError",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CohenKappa",
    "ConcordanceCorrelation",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "ForeignMetric",
    "FunctionMetric",
    "Hinge",
    "IoU",
    "KLDivergence",
    "KeepingMetric",
    "LogCoshError",
    "LossMetric",
    "MatthewsCorrelation",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanAveragePrecision",
    "MeanIoU",
    "MeanMetric",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "OneHotIoU",
    "OneHotMeanIoU",
    "PearsonCorrelation",
    "Perplexity",
    "Poisson",
    "Precision",
    "PrecisionAtRecall",
    "R2Score",
    "Recall",
    "RecallAtPrecision",
    "RegionMetric",
    "RootMeanSquaredError",
    "RougeL",
    "ScoreMetric",
    "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SpecificityAtSensitivity",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "get_metric",
]
