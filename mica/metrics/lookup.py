"""From a name, a function or a foreign object to a Metric."""

from typing import Any

from mica.errors import ConfigError, near_misses
from mica.metrics.accuracy import (
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
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
from mica.metrics.foreign import (
    ForeignMetric,
    FunctionMetric,
    LossMetric,
    PerSampleLoss,
)
from mica.metrics.intersection import BinaryIoU
from mica.metrics.matrix import CohenKappa, MatthewsCorrelation
from mica.metrics.metric import Metric
from mica.metrics.perplexity import Perplexity
from mica.metrics.ranking import AUC
from mica.metrics.regression import (
    CosineSimilarity,
    MeanAbsoluteError,
    MeanSquaredError,
    R2Score,
    RootMeanSquaredError,
)
from mica.metrics.sentences import BLEU, RougeL
from mica.registry import decode
from mica.shapes import Shape

__all__ = ["METRICS", "get_metric"]

METRICS: dict[str, type[Metric]] = {
    "auc": AUC,
    "binary_accuracy": BinaryAccuracy,
    "binary_io_u": BinaryIoU,
    "bleu": BLEU,
    "brier_score": BrierScore,
    "calibration_error": CalibrationError,
    "categorical_accuracy": CategoricalAccuracy,
    "cohen_kappa": CohenKappa,
    "concordance_correlation": ConcordanceCorrelation,
    "cosine_similarity": CosineSimilarity,
    "f1_score": F1Score,
    "f_beta_score": FBetaScore,
    "false_negatives": FalseNegatives,
    "false_positives": FalsePositives,
    "matthews_correlation": MatthewsCorrelation,
    "mean_absolute_error": MeanAbsoluteError,
    "mean_average_precision": MeanAveragePrecision,
    "mean_squared_error": MeanSquaredError,
    "pearson_correlation": PearsonCorrelation,
    "perplexity": Perplexity,
    "precision": Precision,
    "r2_score": R2Score,
    "recall": Recall,
    "root_mean_squared_error": RootMeanSquaredError,
    "rouge_l": RougeL,
    "sparse_categorical_accuracy": SparseCategoricalAccuracy,
    "sparse_top_k_categorical_accuracy": SparseTopKCategoricalAccuracy,
    "top_k_categorical_accuracy": TopKCategoricalAccuracy,
    "true_negatives": TrueNegatives,
    "true_positives": TruePositives,
}
# Losses that are metrics too, by the names of their classes in mica.losses.
LOSS_NAMES = {
    "binary_crossentropy": "BinaryCrossentropy",
    "binary_focal_crossentropy": "BinaryFocalCrossentropy",
    "categorical_crossentropy": "CategoricalCrossentropy",
    "categorical_focal_crossentropy": "CategoricalFocalCrossentropy",
    "categorical_generalized_cross_entropy": "CategoricalGeneralizedCrossEntropy",
    "categorical_hinge": "CategoricalHinge",
    "ctc": "CTC",
    "hinge": "Hinge",
    "huber": "Huber",
    "kl_divergence": "KLDivergence",
    "log_cosh": "LogCosh",
    "mean_absolute_percentage_error": "MeanAbsolutePercentageError",
    "mean_squared_logarithmic_error": "MeanSquaredLogarithmicError",
    "perceptron_criterion": "PerceptronCriterion",
    "poisson": "Poisson",
    "quantile": "Quantile",
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
    "sparse_categorical_focal_crossentropy": "SparseCategoricalFocalCrossentropy",
    "squared_hinge": "SquaredHinge",
}
_SHORT = {
    "bce": "binary_crossentropy",
    "binary_iou": "binary_io_u",
    "ece": "calibration_error",
    "f1": "f1_score",
    "fbeta_score": "f_beta_score",
    "kld": "kl_divergence",
    "logcosh": "log_cosh",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "mcc": "matthews_correlation",
    "mse": "mean_squared_error",
    "msle": "mean_squared_logarithmic_error",
    "r2": "r2_score",
    "rmse": "root_mean_squared_error",
}
_CLASS_NAMES = {kind.__name__: name for name, kind in METRICS.items()} | {
    kind: name for name, kind in LOSS_NAMES.items()
}


def _reads_scores(loss: Any) -> bool:
    """Whether the loss wants scores around 0 rather than probabilities."""
    signs = getattr(loss, "target_kind", None) == "signs"
    return signs or bool(getattr(loss, "reads_logits", False))


def _accuracy_kind(
    loss: Any, prediction_shape: Shape | None, target_shape: Shape | None
) -> type[Metric]:
    """The accuracy Keras would pick from shapes; a multi-label loss goes first."""
    kind = getattr(loss, "target_kind", None)
    if prediction_shape is None or target_shape is None:
        by_loss = {
            "binary": BinaryAccuracy,
            "signs": BinaryAccuracy,
            "classes": SparseCategoricalAccuracy,
            "one_hot": CategoricalAccuracy,
        }
        if kind not in by_loss:
            raise ConfigError(
                "accuracy: expected shapes of prediction and target to choose the kind "
                "of accuracy by, got none. Name it: binary_accuracy, "
                "categorical_accuracy or sparse_categorical_accuracy."
            )
        return by_loss[kind]
    if len(prediction_shape) < 2 or prediction_shape[-1] == 1:
        return BinaryAccuracy
    if len(target_shape) < len(prediction_shape) or target_shape[-1] == 1:
        return SparseCategoricalAccuracy
    return BinaryAccuracy if kind in ("binary", "signs") else CategoricalAccuracy


def _named(
    identifier: str,
    loss: Any,
    prediction_shape: Shape | None,
    target_shape: Shape | None,
) -> Metric:
    word = _CLASS_NAMES.get(identifier, identifier.lower())
    name = _SHORT.get(word, word)
    if name in LOSS_NAMES:
        config = {"from_logits": True} if _reads_same_logits(loss, name) else {}
        stored = {"$object": f"mica.losses.{LOSS_NAMES[name]}", "config": config}
        return LossMetric(decode(stored), name=identifier)
    if name in ("accuracy", "acc"):
        kind = _accuracy_kind(loss, prediction_shape, target_shape)
    elif name in METRICS:
        kind = METRICS[name]
    else:
        known = ["accuracy", *METRICS, *LOSS_NAMES, *_SHORT]
        raise ConfigError(
            f"metric: expected the name of a metric, got {identifier!r}. "
            f"{near_misses(identifier, known)}"
        )
    return kind(
        name=identifier, **_decision(kind, loss, prediction_shape, target_shape)
    )


def _reads_same_logits(loss: Any, name: str) -> bool:
    """Whether a cross-entropy asked for by name gets the logits the loss gets."""
    return name.endswith(("_crossentropy", "_cross_entropy")) and bool(
        getattr(loss, "reads_logits", False)
    )


# Metrics with a threshold, by what Keras calls it.
_DECIDING = (BinaryAccuracy, BinaryIoU, CohenKappa, MatthewsCorrelation)
_DECIDING_BY_KERAS = (
    FalseNegatives,
    FalsePositives,
    Precision,
    Recall,
    TrueNegatives,
    TruePositives,
)


def _decision(
    kind: type[Metric],
    loss: Any,
    prediction_shape: Shape | None,
    target_shape: Shape | None,
) -> dict[str, Any]:
    """Where yes begins, for a metric asked for by name alone."""
    cut = 0.0 if _reads_scores(loss) else 0.5
    if kind in _DECIDING:
        return {"threshold": cut}
    if kind in _DECIDING_BY_KERAS:
        return {"thresholds": cut}
    if kind is Perplexity:
        return {"from_logits": bool(getattr(loss, "reads_logits", False))}
    if (
        kind not in (F1Score, FBetaScore)
        or prediction_shape is None
        or target_shape is None
    ):
        return {}
    # Labels, and one-hot rows, are compared with the largest prediction of a row.
    one_of_several = len(prediction_shape) > 1 and prediction_shape[-1] != 1
    if getattr(loss, "target_kind", None) in ("binary", "signs"):
        one_of_several = len(target_shape) < len(prediction_shape)
    return {} if one_of_several else {"threshold": cut}


def get_metric(
    identifier: Any,
    *,
    loss: Any = None,
    prediction_shape: Shape | None = None,
    target_shape: Shape | None = None,
) -> Metric:
    """Make a Metric from what a user names it by.

    "accuracy" (or "acc") becomes the binary, categorical or sparse one by the shapes,
    as in Keras; where targets are rows of yes-or-no answers (a binary loss), it is the
    binary one. Metrics with a threshold asked for by name decide at 0 when the loss
    reads logits or scores, else at 0.5.

    Args:
        identifier: Keras's name of a metric or of a loss, a Metric or a Metric class,
            a loss, a function of prediction and target, or an object with `update`,
            `compute` and `reset`.
        loss: The loss of the same output, as the user gave it (before training folds
            an activation into it).
        prediction_shape: The output's shape, `None` where it may vary.
        target_shape: The targets' shape.

    Returns:
        The metric itself when it is one, else a new one; called by the name the user
        gave.

    Raises:
        ConfigError: An unknown name, "accuracy" without shapes or a loss that tells,
            or something that cannot be called.

    Example:
        >>> get_metric("acc", prediction_shape=(None, 10), target_shape=(None,))
        SparseCategoricalAccuracy(name='acc')
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, str):
        return _named(identifier, loss, prediction_shape, target_shape)
    if isinstance(identifier, type):
        return get_metric(identifier())
    if all(hasattr(identifier, word) for word in ("update", "compute", "reset")):
        return ForeignMetric(identifier)
    if isinstance(identifier, PerSampleLoss):
        return LossMetric(identifier)
    if callable(identifier):
        return FunctionMetric(identifier)
    raise ConfigError(
        f"metric: expected a name, a Metric or a function, got "
        f"{type(identifier).__name__}. Write for example metrics=['accuracy']."
    )
