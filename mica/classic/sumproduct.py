"""The sum-product network: mixtures and independence, and exact answers to both."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.cluster import KMeans
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from mica.errors import ConfigError

__all__ = ["SumProductNetwork"]


@dataclass(frozen=True)
class _Leaf:
    """A normal distribution of one feature; 1, so log 1 = 0, where it is unknown."""

    feature: int
    mean: float
    deviation: float

    def log(self, x: np.ndarray) -> np.ndarray:
        distance = (x[:, self.feature] - self.mean) / self.deviation
        size = np.log(self.deviation * np.sqrt(2 * np.pi))
        return np.nan_to_num(-(distance**2) / 2 - size, nan=0.0)

    def draw(self, row: np.ndarray, random: np.random.RandomState) -> None:
        row[self.feature] = random.normal(self.mean, self.deviation)


@dataclass(frozen=True)
class _Product:
    """Groups of features that do not depend on each other: their densities multiply."""

    parts: tuple[Any, ...]

    def log(self, x: np.ndarray) -> np.ndarray:
        return np.sum([part.log(x) for part in self.parts], axis=0)

    def draw(self, row: np.ndarray, random: np.random.RandomState) -> None:
        for part in self.parts:
            part.draw(row, random)


@dataclass(frozen=True)
class _Sum:
    """Groups of points: their densities are mixed with positive weights of sum 1."""

    parts: tuple[Any, ...]
    weights: tuple[float, ...]

    def log(self, x: np.ndarray) -> np.ndarray:
        logs = np.array([part.log(x) for part in self.parts])
        weights = np.array(self.weights)[:, None]
        return np.asarray(logsumexp(logs, axis=0, b=weights))

    def draw(self, row: np.ndarray, random: np.random.RandomState) -> None:
        self.parts[random.choice(len(self.parts), p=self.weights)].draw(row, random)


_Node = _Leaf | _Product | _Sum


def _independent_groups(x: np.ndarray, threshold: float) -> list[np.ndarray]:
    """Sets of columns; between two sets no correlation is above `threshold`."""
    spread = x.std(0)
    moving = np.flatnonzero(spread > 0)
    joined = np.eye(x.shape[1], dtype=bool)
    if len(moving) > 1:
        correlation = np.corrcoef(x[:, moving], rowvar=False)
        joined[np.ix_(moving, moving)] = np.abs(correlation) > threshold
    left, groups = set(range(x.shape[1])), []
    while left:
        group, reached = set(), {min(left)}
        while reached:
            group |= reached
            touched = joined[list(reached)].any(0)
            reached = set(np.flatnonzero(touched).tolist()) - group
        groups.append(np.array(sorted(group)))
        left -= group
    return groups


class SumProductNetwork(DensityMixin, BaseEstimator):
    """A density made of sums and products, learned from the points.

    product node: P(x) = P(x_1, x_2) P(x_3) ... over groups of independent features
    sum node:     P(x) = sum_k w_k P_k(x) over groups of similar points, all w_k > 0
    leaf:         a normal distribution of one feature

    Sums and products take turns: features that hardly correlate are parted, then points
    are parted by k-means, until one feature or few points are left. Multiplying is the
    only nonlinearity. In any such network a marginal is exact and costs no more than
    the whole: a NaN in a row stands for a feature that is not known.

    Args:
        correlation: Features whose correlation is at most this count as independent.
        min_points: Groups of fewer points are not parted further.
        num_parts: Groups that a sum node parts the points into.
        min_deviation: Smallest standard deviation of a leaf, as a share of that of its
            feature over all points (of 1 for a feature that does not vary).
        random_state: Seed or generator of k-means.

    Shape:
        X: (points, features)

    Raises:
        ConfigError: `num_parts` or `min_points` is below 2, or `min_deviation` is not
            above 0.

    Example:
        >>> x = np.array([[-3.0, -3.0], [-2.0, -2.0], [2.0, 2.0], [3.0, 3.0]])
        >>> network = SumProductNetwork(min_points=3, random_state=0).fit(x)
        >>> together, apart = network.score_samples([[2.5, 2.5], [2.5, -2.5]])
        >>> bool(together > apart)
        True

    Source:
        Poon & Domingos, Sum-product networks, 2011; learning: Gens & Domingos, 2013;
        Aggarwal, Neural Networks and Deep Learning, section 1.5.3.2.
    """

    n_features_in_: int

    def __init__(
        self,
        *,
        correlation: float = 0.3,
        min_points: int = 20,
        num_parts: int = 2,
        min_deviation: float = 0.01,
        random_state: Any = None,
    ):
        self.correlation = correlation
        self.min_points = min_points
        self.num_parts = num_parts
        self.min_deviation = min_deviation
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the density of the rows of X."""
        for name in ("num_parts", "min_points"):
            if getattr(self, name) < 2:
                raise ConfigError(
                    f"SumProductNetwork: expected {name} of at least 2, got "
                    f"{getattr(self, name)}. Raise it."
                )
        if not self.min_deviation > 0:
            raise ConfigError(
                "SumProductNetwork: expected min_deviation above 0, got "
                f"{self.min_deviation}. Raise it."
            )
        x = np.asarray(validate_data(self, X, dtype=np.float64))
        random = check_random_state(self.random_state)
        spread = x.std(0)
        floor = self.min_deviation * np.where(spread > 0, spread, 1.0)
        self.root_ = self._grow(x, np.arange(x.shape[1]), floor, random)
        return self

    def score_samples(self, X: Any) -> np.ndarray:
        """The logarithm of P(x) for each row; features that are NaN are summed over.

        Shape:
            X: (points, features)
            result: (points,)
        """
        check_is_fitted(self)
        options = {"dtype": np.float64, "ensure_all_finite": "allow-nan"}
        x = validate_data(self, X, reset=False, **options)
        return self.root_.log(np.asarray(x))

    # The mixin's own `score` is empty, and typed so.
    def score(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, X: Any, y: Any = None
    ) -> float:
        """The mean of log P(x): larger is better."""
        return float(self.score_samples(X).mean())

    def sample(self, num_samples: int = 1, *, random_state: Any = None) -> np.ndarray:
        """Draw points: a sum chooses one of its parts, a product asks all.

        Args:
            num_samples: Rows to draw.
            random_state: Seed or generator.

        Shape:
            result: (num_samples, features)
        """
        check_is_fitted(self)
        random = check_random_state(random_state)
        drawn = np.empty((num_samples, self.n_features_in_))
        for row in drawn:
            self.root_.draw(row, random)
        return drawn

    def _grow(
        self,
        x: np.ndarray,
        features: np.ndarray,
        floor: np.ndarray,
        random: np.random.RandomState,
    ) -> _Node:
        """The node for these points (all columns of x) and these of the features."""
        part = x[:, features]
        if len(features) == 1 or len(x) < self.min_points:
            leaves = tuple(
                _Leaf(
                    int(f), float(x[:, f].mean()), float(max(x[:, f].std(), floor[f]))
                )
                for f in features
            )
            return leaves[0] if len(leaves) == 1 else _Product(leaves)
        groups = _independent_groups(part, self.correlation)
        if len(groups) > 1:
            return _Product(
                tuple(self._grow(x, features[g], floor, random) for g in groups)
            )
        # One group: its features vary, so there are at least two different points.
        scaled = part / np.maximum(part.std(0), floor[features])
        count = min(self.num_parts, len(np.unique(scaled, axis=0)))
        seed = random.randint(2**31 - 1)
        labels = KMeans(count, n_init="auto", random_state=seed).fit_predict(scaled)
        chosen = [labels == k for k in range(count)]
        parts = tuple(self._grow(x[rows], features, floor, random) for rows in chosen)
        return _Sum(parts, tuple(float(rows.mean()) for rows in chosen))
