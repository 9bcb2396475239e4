"""From a name, a torch loss or a function to a Loss."""

from collections.abc import Callable
from typing import Any

from torch import nn

from mica.errors import ConfigError, near_misses
from mica.losses.alignment import CTC
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
from mica.losses.loss import Loss
from mica.losses.margin import (
    CategoricalHinge,
    Hinge,
    PerceptronCriterion,
    SquaredHinge,
)
from mica.losses.mining import BatchTriplet, Circle
from mica.losses.overlap import Dice, Tversky
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

__all__ = ["LOSSES", "get_loss"]

LOSSES: dict[str, type[Loss]] = {
    "batch_triplet": BatchTriplet,
    "bernoulli_likelihood": BernoulliLikelihood,
    "binary_crossentropy": BinaryCrossentropy,
    "binary_focal_crossentropy": BinaryFocalCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "categorical_focal_crossentropy": CategoricalFocalCrossentropy,
    "categorical_generalized_cross_entropy": CategoricalGeneralizedCrossEntropy,
    "categorical_hinge": CategoricalHinge,
    "circle": Circle,
    "contrastive": Contrastive,
    "cosine_similarity": CosineSimilarity,
    "ctc": CTC,
    "dice": Dice,
    "gaussian_kl_divergence": GaussianKLDivergence,
    "gaussian_likelihood": GaussianLikelihood,
    "hinge": Hinge,
    "huber": Huber,
    "info_nce": InfoNCE,
    "kl_divergence": KLDivergence,
    "log_cosh": LogCosh,
    "mean_absolute_error": MeanAbsoluteError,
    "mean_absolute_percentage_error": MeanAbsolutePercentageError,
    "mean_squared_error": MeanSquaredError,
    "mean_squared_logarithmic_error": MeanSquaredLogarithmicError,
    "perceptron_criterion": PerceptronCriterion,
    "poisson": Poisson,
    "quantile": Quantile,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
    "sparse_categorical_focal_crossentropy": SparseCategoricalFocalCrossentropy,
    "squared_hinge": SquaredHinge,
    "triplet": Triplet,
    "tversky": Tversky,
}
_SHORT = {
    "bce": "binary_crossentropy",
    "kld": "kl_divergence",
    "logcosh": "log_cosh",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "mse": "mean_squared_error",
    "msle": "mean_squared_logarithmic_error",
    "perceptron": "perceptron_criterion",
}
_CLASS_NAMES = {kind.__name__: kind for kind in LOSSES.values()}


# Words that end up in the place of a loss when arguments are mixed up.
_METRICS = frozenset({"acc", "accuracy", "auc", "precision", "recall"})
_OPTIMIZERS = frozenset({"adam", "adamw", "rmsprop", "sgd"})


def _named(name: str) -> Loss:
    kind = LOSSES.get(_SHORT.get(name.lower(), name)) or _CLASS_NAMES.get(name)
    if kind is None:
        advice = near_misses(name, [*LOSSES, *_SHORT])
        if name.lower() in _OPTIMIZERS:
            advice = f"The optimizer comes first: compile({name!r}, loss)."
        elif name.lower() in _METRICS:
            advice = f"A metric has its own place: metrics=[{name!r}]."
        raise ConfigError(f"loss: expected the name of a loss, got {name!r}. {advice}")
    return kind()


def get_loss(identifier: str | Loss | nn.Module | Callable[..., Any]) -> Loss:
    """Make a Loss from what a user names it by.

    Args:
        identifier: Keras's name of a loss (`"mse"`, `"mean_squared_error"`,
            `"MeanSquaredError"`), a Loss or a Loss class, a loss of `torch.nn`, or a
            function of prediction and target.

    Returns:
        The loss itself when it is one, else a new one.

    Raises:
        ConfigError: An unknown name, or something that cannot be called.

    Example:
        >>> get_loss("mse").name
        'mean_squared_error'
        >>> get_loss("msee")
        Traceback (most recent call last):
        mica.errors.ConfigError: loss: expected the name of a loss, got 'msee'. Did you
        mean 'mse' or 'msle'?
    """
    if isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, str):
        return _named(identifier)
    if isinstance(identifier, type) and issubclass(identifier, nn.Module):
        return get_loss(identifier())
    if isinstance(identifier, nn.Module):
        return TorchLoss(identifier)
    if callable(identifier):
        return FunctionLoss(identifier)
    raise ConfigError(
        f"loss: expected a name, a Loss, a torch loss or a function, got "
        f"{type(identifier).__name__}. Write for example loss='mse'."
    )
