"""Metrics: numbers that judge an epoch, whatever its batches were."""

from mica.metrics.accuracy import (
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from mica.metrics.confusion import F1Score, Precision, Recall
from mica.metrics.foreign import ForeignMetric, FunctionMetric, LossMetric
from mica.metrics.lookup import get_metric
from mica.metrics.metric import MeanMetric, Metric
from mica.metrics.ranking import AUC
from mica.metrics.regression import (
    CosineSimilarity,
    MeanAbsoluteError,
    MeanSquaredError,
    R2Score,
    RootMeanSquaredError,
)

__all__ = [
    "AUC",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "CosineSimilarity",
    "F1Score",
    "ForeignMetric",
    "FunctionMetric",
    "LossMetric",
    "MeanAbsoluteError",
    "MeanMetric",
    "MeanSquaredError",
    "Metric",
    "Precision",
    "R2Score",
    "Recall",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "get_metric",
]
