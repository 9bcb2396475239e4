"""The linear autoencoder: a narrow network that finds what the SVD finds."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from mica.errors import ConfigError

__all__ = ["LinearAutoencoder"]


class LinearAutoencoder(TransformerMixin, BaseEstimator):
    """Two linear layers with a narrow middle, taught to give back what they are given.

    minimise ||X - X W V||^2,    W: (features, middle), V: (middle, features)

    Each layer in its turn is a least-squares problem and is solved exactly, until the
    error stands still. What comes out is the truncated singular value decomposition:
    X W V is the best approximation of X of that rank. With ``centre=True`` it is
    principal component analysis.

    Args:
        num_components: Size of the middle; all features where there are fewer.
        centre: Whether the mean of each feature is taken off first.
        epochs: How often both layers are solved at most.
        tolerance: It ends when V X changes by less than this share in an epoch.
        random_state: Seed or generator of the first weights.

    Shape:
        X: (points, features)

    Raises:
        ConfigError: `num_components` or `epochs` is below 1.

    Example:
        >>> x = np.outer([1.0, 2.0, 3.0], [4.0, 5.0])
        >>> model = LinearAutoencoder(1, random_state=0).fit(x)
        >>> bool(np.allclose(model.inverse_transform(model.transform(x)), x))
        True

    Source:
        Bourlard & Kamp, Auto-association by multilayer perceptrons and singular value
        decomposition, 1988; Aggarwal, Neural Networks and Deep Learning, section 1.2.2.
    """

    def __init__(
        self,
        num_components: int = 2,
        *,
        centre: bool = False,
        epochs: int = 10_000,
        tolerance: float = 1e-12,
        random_state: Any = None,
    ):
        self.num_components = num_components
        self.centre = centre
        self.epochs = epochs
        self.tolerance = tolerance
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Train on the rows of X."""
        for name in ("num_components", "epochs"):
            if getattr(self, name) < 1:
                raise ConfigError(
                    f"LinearAutoencoder: expected {name} of at least 1, got "
                    f"{getattr(self, name)}. Raise it."
                )
        x = np.asarray(validate_data(self, X, dtype=np.float64))
        self.mean_ = x.mean(0) if self.centre else np.zeros(x.shape[1])
        x = x - self.mean_
        random = check_random_state(self.random_state)
        size = min(self.num_components, x.shape[1])
        decoder = np.linalg.qr(random.normal(size=(x.shape[1], size)))[0].T
        before = np.zeros_like(x)
        scale = max(np.abs(x).max(), np.finfo(float).tiny)
        for epoch in range(1, self.epochs + 1):
            # The code that this decoder makes the most of, then the decoder that makes
            # the most of this code.
            code = x @ np.linalg.pinv(decoder)
            decoder = np.linalg.pinv(code) @ x
            # The same layer with rows at right angles: numbers that stay of one size.
            decoder = np.linalg.svd(decoder, full_matrices=False)[2]
            rebuilt = x @ decoder.T @ decoder
            self.n_iter_ = epoch
            if np.abs(rebuilt - before).max() <= self.tolerance * scale:
                break
            before = rebuilt
        # Any invertible map may stand between the layers; we turn to the SVD's own.
        _, _, turn = np.linalg.svd(x @ decoder.T, full_matrices=False)
        self.decoder_ = turn @ decoder
        self.encoder_ = self.decoder_.T
        return self

    def transform(self, X: Any) -> np.ndarray:
        """The middle layer: x W.

        Shape:
            X: (points, features)
            result: (points, num_components)
        """
        check_is_fitted(self)
        x = np.asarray(validate_data(self, X, reset=False, dtype=np.float64))
        return (x - self.mean_) @ self.encoder_

    def inverse_transform(self, X: Any) -> np.ndarray:
        """The output for a given middle layer: z V.

        Shape:
            X: (points, num_components)
            result: (points, features)
        """
        check_is_fitted(self)
        return np.asarray(X, np.float64) @ self.decoder_ + self.mean_
