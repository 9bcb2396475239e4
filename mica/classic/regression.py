"""Regressions as networks of one layer, trained by gradient descent.

W <- W (1 - alpha lambda) + alpha sum over the batch of E(x) x

They differ in E alone, the slope of the loss. The sum is a sum, not a mean; the decay
is that of (lambda / 2) ||W||^2, and the bias decays as every other weight.
"""

from abc import abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from mica.classic.linear import LinearClassifier, as_signs, read_classes, with_bias
from mica.errors import ConfigError, DivergenceError

__all__ = [
    "GradientRule",
    "LeastSquares",
    "LogisticRegression",
    "MultinomialRegression",
    "WidrowHoff",
]


class GradientRule(BaseEstimator):
    """What follows the gradient of a smooth loss until the weights stand still.

    Args:
        learning_rate: alpha. None: the largest that is sure not to diverge, 1 over the
            steepest curvature of the loss.
        epochs: How often to go through all points at most.
        batch_size: Points per change of the weights; their changes are added. None:
            all, which makes it plain gradient descent.
        weight_decay: lambda.
        tolerance: Training stops when no weight has moved by more than this share of
            the largest one in an epoch.
        use_bias: Whether there is a feature that is always 1.
        random_state: Seed or generator of the order of the points.

    Raises:
        ConfigError: `epochs` or `batch_size` is below 1.
        DivergenceError: The weights grew beyond all bounds.
    """

    def __init__(
        self,
        learning_rate: float | None = None,
        *,
        epochs: int = 1000,
        batch_size: int | None = None,
        weight_decay: float = 0.0,
        tolerance: float = 1e-6,
        use_bias: bool = True,
        random_state: Any = None,
    ):
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.tolerance = tolerance
        self.use_bias = use_bias
        self.random_state = random_state

    # The largest second derivative of the loss by a score.
    curvature: ClassVar[float] = 1.0

    @abstractmethod
    def _error(self, y: np.ndarray, score: np.ndarray) -> np.ndarray:
        """E(x): minus the slope of the loss by the scores W x."""

    def _rate(self, x: np.ndarray, batch_size: int) -> float:
        """What the user chose, or 1 over a bound of the loss's curvature."""
        if self.learning_rate is not None:
            return self.learning_rate
        whole = np.linalg.norm(x, 2) ** 2  # the largest eigenvalue of X^T X
        batch = batch_size * (x * x).sum(1).max()
        return float(1 / (self.curvature * min(whole, batch) + self.weight_decay))

    def _descend(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The (features, outputs) weights that the update rule comes to."""
        batch_size = len(x) if self.batch_size is None else self.batch_size
        for name, value in (("epochs", self.epochs), ("batch_size", batch_size)):
            if value < 1:
                raise ConfigError(
                    f"{type(self).__name__}: expected {name} of at least 1, got "
                    f"{value}. Raise it."
                )
        random = check_random_state(self.random_state)
        rate = self._rate(x, batch_size)
        weights = np.zeros((x.shape[1], y.shape[1]))
        for epoch in range(1, self.epochs + 1):
            before = weights
            order = random.permutation(len(x))
            for first in range(0, len(x), batch_size):
                batch = order[first : first + batch_size]
                error = self._error(y[batch], x[batch] @ weights)
                weights = weights * (1 - rate * self.weight_decay)
                weights = weights + rate * x[batch].T @ error
            largest = np.abs(weights).max()
            # 1e100: far beyond any useful weight, and its square is still finite.
            if not largest < 1e100:
                raise DivergenceError(
                    f"{type(self).__name__}: expected weights that settle, got weights "
                    f"beyond 1e100 in epoch {epoch}. Lower the learning_rate, or pass "
                    "None."
                )
            self.n_iter_ = epoch
            if np.abs(weights - before).max() <= self.tolerance * largest:
                break
        return weights


class LeastSquares(MultiOutputMixin, RegressorMixin, GradientRule):
    """Linear regression: identity and squared error; one output or several.

    E(x) = y - W x, the slope of half the squared error

    It comes to the ridge regression whose penalty is (lambda / 2) ||W||^2. Features of
    very different sizes make the way there long: standardise them first. Arguments and
    what is learned: `GradientRule`.

    Example:
        >>> model = LeastSquares().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
        >>> model.predict([[3.0]]).round(3)
        array([7.])

    Source:
        Aggarwal, Neural Networks and Deep Learning, sections 1.2.1.3 and 1.4.1.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from rows X and their targets y, one number each or several."""
        options = {"dtype": np.float64, "multi_output": True, "y_numeric": True}
        X, y = validate_data(self, X, y, **options)
        x, targets = np.asarray(X), np.asarray(y, np.float64)
        columns = targets.reshape(len(x), -1)
        weights = self._descend(with_bias(x, self.use_bias), columns)
        if targets.ndim == 1:
            weights = weights[:, 0]
        self.coef_ = weights[: x.shape[1]].T
        self.intercept_ = weights[-1] if self.use_bias else np.zeros_like(weights[0])
        return self

    def predict(self, X: Any) -> np.ndarray:
        """W x + b for each row."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        return X @ self.coef_.T + self.intercept_

    def _error(self, y: np.ndarray, score: np.ndarray) -> np.ndarray:
        return y - score


class LogisticRegression(LinearClassifier, GradientRule):
    """Logistic regression: a score and the loss log(1 + exp(-y W x)), y = +1 or -1.

    E(x) = y sigmoid(-y W x), a mistake counted by its probability

    Many classes are learned each against the rest. Arguments and what is learned:
    `GradientRule`.

    Example:
        >>> model = LogisticRegression(weight_decay=1.0).fit([[-1.0], [1.0]], [0, 1])
        >>> model.predict_proba([[0.0]])
        array([[0.5, 0.5]])

    Source:
        Aggarwal, Neural Networks and Deep Learning, eq. 1.14.
    """

    curvature: ClassVar[float] = 0.25

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from rows X and their labels y."""
        x, positions = read_classes(self, X, y)
        signs = as_signs(positions, len(self.classes_))
        self._keep(self._descend(with_bias(x, self.use_bias), signs))
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class; those of many are divided by their sum.

        Shape:
            X: (points, features)
            result: (points, classes)
        """
        chance = expit(self.decision_function(X))
        if chance.ndim == 1:
            return np.stack([1 - chance, chance], 1)
        return chance / chance.sum(1, keepdims=True)

    def _error(self, y: np.ndarray, score: np.ndarray) -> np.ndarray:
        return y * expit(-y * score)


class MultinomialRegression(LinearClassifier, GradientRule):
    """Multinomial logistic regression: scores, softmax, cross-entropy.

    E(x) = (1 for the right class, else 0) - softmax(W x)

    With two classes it is logistic regression with two mirrored rows of weights.
    Arguments and what is learned: `GradientRule`.

    Example:
        >>> x, y = [[-1.0], [0.0], [1.0]], ["low", "middle", "high"]
        >>> MultinomialRegression().fit(x, y).predict([[-5.0], [5.0]])
        array(['low', 'high'], dtype='<U6')

    Source:
        Aggarwal, Neural Networks and Deep Learning, eq. 1.12 and 1.15.
    """

    curvature: ClassVar[float] = 0.5

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from rows X and their labels y."""
        x, positions = read_classes(self, X, y)
        one_hot = np.eye(len(self.classes_))[positions]
        self._keep(self._descend(with_bias(x, self.use_bias), one_hot))
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """softmax(W x): the probability of each class.

        Shape:
            X: (points, features)
            result: (points, classes)
        """
        scores = self.decision_function(X)
        if scores.ndim == 1:
            scores = np.stack([np.zeros_like(scores), scores], 1)
        return softmax(scores, axis=1)

    def _error(self, y: np.ndarray, score: np.ndarray) -> np.ndarray:
        return y - softmax(score, axis=1)


class WidrowHoff(LinearClassifier):
    """The Widrow-Hoff rule (Adaline): squared error from the labels +1 and -1.

    W <- W + alpha (y - W x) x / (x x), for one point after the other

    Args:
        learning_rate: alpha, between 0 and 2. The division by the squared length of x,
            which is in the original rule, makes all of these stable.
        epochs: How often to go through all points.
        use_bias: Whether there is a feature that is always 1.
        random_state: Seed or generator of the order of the points.

    Raises:
        ConfigError: `learning_rate` is not between 0 and 2.
        DataError: All labels are the same.

    Example:
        >>> WidrowHoff(random_state=0).fit([[-1.0], [1.0]], [0, 1]).predict([[3.0]])
        array([1])

    Source:
        Widrow & Hoff, Adaptive switching circuits, 1960; Aggarwal, section 1.6.1.
    """

    def __init__(
        self,
        learning_rate: float = 0.05,
        *,
        epochs: int = 20,
        use_bias: bool = True,
        random_state: Any = None,
    ):
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.use_bias = use_bias
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from rows X and their labels y."""
        if not 0 < self.learning_rate < 2:
            raise ConfigError(
                "WidrowHoff: expected a learning_rate between 0 and 2, got "
                f"{self.learning_rate}. Outside, every step makes the error larger."
            )
        x, positions = read_classes(self, X, y)
        x, y = with_bias(x, self.use_bias), as_signs(positions, len(self.classes_))
        length = (x * x).sum(1)
        random = check_random_state(self.random_state)
        weights = np.zeros((x.shape[1], y.shape[1]))
        for _ in range(self.epochs):
            for i in random.permutation(np.flatnonzero(length)):
                error = y[i] - x[i] @ weights
                weights += self.learning_rate / length[i] * np.outer(x[i], error)
        self._keep(weights)
        return self
