"""Radial basis function networks: prototypes found, weights taught."""

from typing import Any, Self

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MultiOutputMixin,
    RegressorMixin,
)
from sklearn.cluster import KMeans
from sklearn.utils.validation import check_is_fitted, validate_data

from mica.classic.linear import read_classes
from mica.errors import ConfigError

__all__ = ["RadialClassifier", "RadialNetwork", "RadialRegressor"]


class RadialNetwork(BaseEstimator):
    """Two layers: how near to each prototype, and a weighted sum of that.

    h_j = exp(-||x - m_j||^2 / (2 s^2)),    y = W h + b

    The first layer is unsupervised: k-means puts its prototypes m_j among the points.
    The second is linear least squares with weight decay, solved exactly.

    Args:
        num_prototypes: How many; all points where there are fewer.
        width: s, as a multiple of the mean distance between a prototype and the one
            nearest to it.
        weight_decay: lambda of lambda ||W||^2; b does not decay.
        random_state: Seed or generator of k-means.

    Raises:
        ConfigError: `num_prototypes` is below 1, or `width` or `weight_decay` is not
            above 0.
    """

    def __init__(
        self,
        num_prototypes: int = 20,
        *,
        width: float = 2.0,
        weight_decay: float = 1e-3,
        random_state: Any = None,
    ):
        self.num_prototypes = num_prototypes
        self.width = width
        self.weight_decay = weight_decay
        self.random_state = random_state

    def activations(self, X: Any) -> np.ndarray:
        """How near each row is to each prototype: 1 on it, 0 far away.

        Shape:
            X: (points, features)
            result: (points, prototypes)
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        return np.exp(-(cdist(X, self.prototypes_) ** 2) / (2 * self.width_**2))

    def _learn(self, x: np.ndarray, targets: np.ndarray) -> None:
        """Find the prototypes, and the weights that turn nearness into `targets`."""
        name = type(self).__name__
        if self.num_prototypes < 1:
            raise ConfigError(
                f"{name}: expected num_prototypes of at least 1, got "
                f"{self.num_prototypes}. Raise it."
            )
        for argument in ("width", "weight_decay"):
            if not getattr(self, argument) > 0:
                raise ConfigError(
                    f"{name}: expected {argument} above 0, got "
                    f"{getattr(self, argument)}. Raise it."
                )
        count = min(self.num_prototypes, len(np.unique(x, axis=0)))
        clusters = KMeans(count, n_init="auto", random_state=self.random_state).fit(x)
        self.prototypes_ = clusters.cluster_centers_
        apart = cdist(self.prototypes_, self.prototypes_)
        np.fill_diagonal(apart, np.inf)
        nearest = apart.min(1)
        self.width_ = self.width * (nearest.mean() if count > 1 else 1.0)

        hidden = self.activations(x)
        mean, middle = hidden.mean(0), targets.mean(0)
        centred = hidden - mean
        square = centred.T @ centred + self.weight_decay * np.eye(count)
        self.weights_ = np.linalg.solve(square, centred.T @ (targets - middle))
        self.bias_ = middle - mean @ self.weights_

    def _scores(self, X: Any) -> np.ndarray:
        return self.activations(X) @ self.weights_ + self.bias_


class RadialClassifier(ClassifierMixin, RadialNetwork):
    """A radial basis function network that tells classes apart.

    The second layer is taught 1 for a row's class and 0 for the others; the largest
    output wins. The network and its arguments: `RadialNetwork`.

    Example:
        >>> x, y = [[0, 0], [1, 1], [0, 1], [1, 0]], ["even", "even", "odd", "odd"]
        >>> RadialClassifier(random_state=0).fit(x, y).predict([[0.1, 0.0]])
        array(['even'], dtype='<U4')

    Source:
        Broomhead & Lowe, Multivariable functional interpolation and adaptive networks,
        1988; Aggarwal, Neural Networks and Deep Learning, section 1.6.2.
    """

    classes_: np.ndarray

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from rows X and their labels y."""
        x, positions = read_classes(self, X, y)
        self._learn(x, np.eye(len(self.classes_))[positions])
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """The second layer's output for each class; for two, their difference."""
        scores = self._scores(X)
        return scores if len(self.classes_) > 2 else scores[:, 1] - scores[:, 0]

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row."""
        scores = self.decision_function(X)
        chosen = (scores >= 0).astype(int) if scores.ndim == 1 else scores.argmax(1)
        return self.classes_[chosen]


class RadialRegressor(MultiOutputMixin, RegressorMixin, RadialNetwork):
    """A radial basis function network that predicts numbers.

    The network and its arguments: `RadialNetwork`.

    Example:
        >>> x = np.linspace(0, 6, 50)[:, None]
        >>> model = RadialRegressor(random_state=0).fit(x, np.sin(x[:, 0]))
        >>> bool(abs(model.predict([[1.5]])[0] - np.sin(1.5)) < 0.01)
        True

    Source:
        Broomhead & Lowe, Multivariable functional interpolation and adaptive networks,
        1988; Aggarwal, Neural Networks and Deep Learning, section 1.6.2.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from rows X and their targets y, one number each or several."""
        options = {"dtype": np.float64, "multi_output": True, "y_numeric": True}
        X, y = validate_data(self, X, y, **options)
        targets = np.asarray(y, np.float64)
        self._learn(np.asarray(X), targets)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """W h + b for each row."""
        return self._scores(X)
