"""The Hopfield network: memories as the valleys of an energy."""

from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from mica.errors import ConfigError

__all__ = ["HopfieldNetwork"]


class HopfieldNetwork(TransformerMixin, BaseEstimator):
    """Stores patterns of +1 and -1, and recalls the nearest from a damaged one.

    Store:  W = sum of x x^T / features (Hebb), with a zero diagonal
    Recall: s_i <- sign(sum_j W_ij s_j), unit after unit, until none changes
    Energy: E(s) = -s^T W s / 2, which no step of the recall raises

    Numbers that are not +1 or -1 count as +1 from `threshold` on. A unit whose sum is 0
    stays as it is. `hebb` stores about 0.138 patterns per feature with few wrong units;
    `projection` stores any patterns that are linearly independent, without a wrong one.

    Args:
        rule: `hebb`, or `projection`: W is the projection on the patterns.
        threshold: Where +1 begins.
        max_sweeps: How often all units are visited at most.

    Shape:
        X: (patterns, features)

    Raises:
        ConfigError: `rule` is not known, or `max_sweeps` is below 1.

    Example:
        >>> memories = [[1, 1, 1, 1, -1, -1], [-1, 1, -1, 1, -1, 1]]
        >>> HopfieldNetwork().fit(memories).transform([[1, 1, 1, -1, -1, -1]])
        array([[ 1.,  1.,  1.,  1., -1., -1.]])

    Source:
        Hopfield, Neural networks and physical systems with emergent collective
        computational abilities, 1982; projection: Personnaz, Guyon & Dreyfus, 1985.
    """

    def __init__(
        self,
        rule: Literal["hebb", "projection"] = "hebb",
        *,
        threshold: float = 0.0,
        max_sweeps: int = 100,
    ):
        self.rule = rule
        self.threshold = threshold
        self.max_sweeps = max_sweeps

    def fit(self, X: Any, y: Any = None) -> Self:
        """Store the rows of X."""
        if self.rule not in ("hebb", "projection"):
            raise ConfigError(
                "HopfieldNetwork: expected the rule 'hebb' or 'projection', got "
                f"{self.rule!r}. Choose one of them."
            )
        if self.max_sweeps < 1:
            raise ConfigError(
                "HopfieldNetwork: expected max_sweeps of at least 1, got "
                f"{self.max_sweeps}. Raise it."
            )
        patterns = self._binary(validate_data(self, X, dtype=np.float64))
        if self.rule == "hebb":
            self.weights_ = patterns.T @ patterns / patterns.shape[1]
        else:
            self.weights_ = np.linalg.pinv(patterns) @ patterns
        np.fill_diagonal(self.weights_, 0)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """What the network makes of each row: the memory it falls into.

        Shape:
            X: (points, features)
            result: (points, features), of +1 and -1
        """
        check_is_fitted(self)
        state = self._binary(validate_data(self, X, reset=False, dtype=np.float64))
        for _ in range(self.max_sweeps):
            before = state.copy()
            for unit, weights in enumerate(self.weights_):
                # Summed product by product: a row's result must not depend on the rest.
                total = (state * weights).sum(1)
                # What rounding leaves of a sum of zero is no reason to change.
                strong = np.abs(total) > 1e-12 * np.abs(weights).sum()
                state[strong, unit] = np.sign(total[strong])
            if (state == before).all():
                break
        return state

    def energy(self, X: Any) -> np.ndarray:
        """-s^T W s / 2 for each row: low in a memory.

        Shape:
            X: (points, features)
            result: (points,)
        """
        check_is_fitted(self)
        state = self._binary(validate_data(self, X, reset=False, dtype=np.float64))
        return -((state @ self.weights_) * state).sum(1) / 2

    def _binary(self, x: Any) -> np.ndarray:
        return np.where(x >= self.threshold, 1.0, -1.0)
