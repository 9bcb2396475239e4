"""What the classic one-layer models share: labels as signs, planes, separability."""

from typing import Any

import numpy as np
from scipy.optimize import linprog
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from mica.errors import DataError

__all__ = ["LinearClassifier", "as_signs", "is_separable", "read_classes", "with_bias"]


def with_bias(x: np.ndarray, use_bias: bool) -> np.ndarray:
    """Points with a last feature that is always 1; its weight is the bias."""
    return np.hstack([x, np.ones((len(x), 1))]) if use_bias else x


def read_classes(estimator: Any, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Check x and y, remember the classes, and give x and each label's position.

    Args:
        estimator: Who asks; gets `classes_` and `n_features_in_`.
        x: Rows of numbers.
        y: A label for each row.

    Raises:
        DataError: All labels are the same.
    """
    x, y = validate_data(estimator, x, y, dtype=np.float64)
    check_classification_targets(y)
    classes, positions = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise DataError(
            f"{type(estimator).__name__}: expected labels of at least 2 classes, got "
            f"1 class, {classes.tolist()[0]!r}. Add examples of another."
        )
    estimator.classes_ = classes
    return x, positions


def as_signs(positions: np.ndarray, num_classes: int) -> np.ndarray:
    """+1 for the class and -1 for the rest: a column for each class, one for two.

    Args:
        positions: Each label's position among the classes.
        num_classes: How many classes there are.

    Shape:
        positions: (points,)
        result: (points, num_classes), or (points, 1) for two classes

    Example:
        >>> as_signs(np.array([0, 1, 1]), 2).ravel()
        array([-1.,  1.,  1.])
    """
    columns = [1] if num_classes == 2 else list(range(num_classes))
    return np.where(positions[:, None] == np.array(columns), 1.0, -1.0)


class LinearClassifier(ClassifierMixin, BaseEstimator):
    """What predicts by the side of a plane; for many classes, each against the rest.

    Subclasses learn `coef_` (outputs, features) and `intercept_` (outputs,).
    """

    classes_: np.ndarray
    n_features_in_: int

    def decision_function(self, X: Any) -> np.ndarray:
        """W x + b: how far on the second class's side; for many classes, one each."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        scores = X @ self.coef_.T + self.intercept_
        if scores.shape[1] == 1:
            return scores[:, 0]
        return scores if len(self.classes_) > 2 else scores[:, 1] - scores[:, 0]

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row. A point on the plane itself belongs to the second."""
        scores = self.decision_function(X)
        chosen = (scores >= 0).astype(int) if scores.ndim == 1 else scores.argmax(1)
        return self.classes_[chosen]

    def _keep(self, weights: np.ndarray) -> None:
        """Store (features [+ 1], outputs) weights under scikit-learn's names."""
        self.coef_ = weights[: self.n_features_in_].T
        bias = weights[self.n_features_in_ :]
        self.intercept_ = bias[0] if len(bias) else np.zeros(weights.shape[1])


def is_separable(x: Any, y: Any, *, use_bias: bool = True) -> bool:
    """Whether some plane has all points of one class strictly on one side.

    Decided by a linear program: is there a W with y (W x) >= 1 for all points?

    Args:
        x: Points, one in each row.
        y: Labels of two classes.
        use_bias: Whether the plane may pass beside the origin.

    Shape:
        x: (points, features)
        y: (points,)

    Raises:
        DataError: There are not two classes.

    Example:
        >>> is_separable([[0, 0], [1, 1], [0, 1], [1, 0]], [0, 0, 1, 1])
        False

    Source:
        Aggarwal, Neural Networks and Deep Learning, section 1.2.1, figure 1.4.
    """
    points = with_bias(np.asarray(x, np.float64), use_bias)
    classes, positions = np.unique(np.asarray(y), return_inverse=True)
    if len(classes) != 2:
        raise DataError(
            f"is_separable: expected labels of 2 classes, got {len(classes)}. "
            "Ask for one class against the rest."
        )
    signs = as_signs(positions, 2)
    found = linprog(
        np.zeros(points.shape[1]),
        A_ub=-signs * points,
        b_ub=-np.ones(len(points)),
        bounds=(None, None),
    )
    return bool(found.status == 0)
