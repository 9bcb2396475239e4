"""Winnow: a linear model whose weights are multiplied, not added to."""

from typing import Any, Self

import numpy as np
from sklearn.utils import check_random_state

from mica.classic.linear import LinearClassifier, as_signs, read_classes, with_bias
from mica.errors import ConfigError

__all__ = ["Winnow"]


class Winnow(LinearClassifier):
    """Learns from mistakes by multiplication: at home among many irrelevant features.

    U <- U exp(alpha y x), V <- V exp(-alpha y x) where y (U - V) x <= 0

    The balanced form: weights W = U - V of both signs. The number of its mistakes grows
    with the logarithm of the number of features, a perceptron's with the number itself.
    Features are divided by their largest size first; `coef_` is for features as given.

    Args:
        learning_rate: alpha.
        epochs: How often to go through all points at most; it ends after one without
            a mistake.
        shuffle: Whether each epoch has a random order of its own.
        use_bias: Whether there is a feature that is always 1.
        random_state: Seed or generator of the order.

    Raises:
        ConfigError: `epochs` is below 1.
        DataError: All labels are the same.

    Example:
        >>> x = np.eye(4)[[0, 1, 2, 3, 0, 1]]
        >>> Winnow(random_state=0).fit(x, x[:, 0] > 0).predict(np.eye(4))
        array([ True, False, False, False])

    Source:
        Littlestone, Learning quickly when irrelevant attributes abound, 1988; Aggarwal,
        Neural Networks and Deep Learning, bibliographic notes of chapter 1.
    """

    def __init__(
        self,
        learning_rate: float = 0.1,
        *,
        epochs: int = 100,
        shuffle: bool = True,
        use_bias: bool = True,
        random_state: Any = None,
    ):
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.shuffle = shuffle
        self.use_bias = use_bias
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from rows X and their labels y."""
        if self.epochs < 1:
            raise ConfigError(
                f"Winnow: expected epochs of at least 1, got {self.epochs}. Raise it."
            )
        x, positions = read_classes(self, X, y)
        x, y = with_bias(x, self.use_bias), as_signs(positions, len(self.classes_))
        size = np.abs(x).max(0)
        size[size == 0] = 1
        x = x / size
        random = check_random_state(self.random_state)
        # W = U - V = (e^log - e^-log) / features: one number for both of the pair.
        log = np.zeros((x.shape[1], y.shape[1]))
        self.mistakes_, self.converged_ = [], False
        for epoch in range(1, self.epochs + 1):
            order = random.permutation(len(x)) if self.shuffle else np.arange(len(x))
            mistakes = 0
            for i in order:
                wrong = y[i] * (x[i] @ np.sinh(log)) <= 0
                if wrong.any():
                    mistakes += np.count_nonzero(wrong)
                    step = self.learning_rate * np.outer(x[i], y[i] * wrong)
                    # 300: e^300 is still a number, and so is the sum of many.
                    log = np.clip(log + step, -300, 300)
            self.mistakes_.append(mistakes)
            self.n_iter_ = epoch
            if mistakes == 0:
                self.converged_ = True
                break
        self._keep(2 * np.sinh(log) / len(log) / size[:, None])
        return self
