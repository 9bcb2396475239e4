"""Perceptrons: models of one layer that learn from their mistakes only.

W <- W (1 - alpha lambda) + alpha sum over the batch of E(x) x

They differ in E alone: in which points count as mistakes, and how much. The sum is a
sum, not a mean. The bias is the weight of a feature that is always 1, and a weight like
any other: weight decay acts on it too.
"""

from abc import abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils import check_random_state

from mica.classic.linear import LinearClassifier, as_signs, read_classes, with_bias
from mica.errors import ConfigError

__all__ = [
    "HingeClassifier",
    "MarginPerceptron",
    "MistakeRule",
    "Perceptron",
    "PerceptronCriterion",
    "PocketPerceptron",
]


class MistakeRule(LinearClassifier):
    """What learns from its mistakes, batch by batch, until an epoch has none.

    `converged_` says whether that happened, `outcome_` the same in words, `mistakes_`
    how many there were in each epoch, `n_iter_` how many epochs it took. With
    ``shuffle=False`` equal weights after two epochs prove that the weights will cycle
    for ever, and training stops. A point on the plane itself counts as a mistake, so
    that learning leaves W = 0; predictions give it to the second class.

    Args:
        learning_rate: alpha. From W = 0 and without decay it only scales the weights.
        epochs: How often to go through all points at most.
        batch_size: Points per change of the weights; their changes are added.
        shuffle: Whether each epoch has a random order of its own.
        weight_decay: lambda.
        use_bias: Whether the plane may pass beside the origin.
        random_state: Seed or generator of the order.

    Raises:
        ConfigError: `epochs` or `batch_size` is below 1.
        DataError: All labels are the same.
    """

    keeps_the_best: ClassVar[bool] = False

    def __init__(
        self,
        learning_rate: float = 1.0,
        *,
        epochs: int = 100,
        batch_size: int = 1,
        shuffle: bool = True,
        weight_decay: float = 0.0,
        use_bias: bool = True,
        random_state: Any = None,
    ):
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.weight_decay = weight_decay
        self.use_bias = use_bias
        self.random_state = random_state

    @abstractmethod
    def _error(self, y: np.ndarray, score: np.ndarray) -> np.ndarray:
        """E(x) for labels of +1 and -1 and scores W x; 0 where there is no mistake."""

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from rows X and their labels y."""
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ConfigError(
                    f"{type(self).__name__}: expected {name} of at least 1, got "
                    f"{getattr(self, name)}. Raise it."
                )
        x, positions = read_classes(self, X, y)
        x, y = with_bias(x, self.use_bias), as_signs(positions, len(self.classes_))
        random = check_random_state(self.random_state)
        weights = np.zeros((x.shape[1], y.shape[1]))
        pocket, fewest = weights.copy(), np.full(y.shape[1], len(x) + 1)
        after = {weights.tobytes(): 0}
        self.converged_, self.mistakes_ = False, []

        for epoch in range(1, self.epochs + 1):
            order = random.permutation(len(x)) if self.shuffle else np.arange(len(x))
            mistakes = 0
            for first in range(0, len(x), self.batch_size):
                batch = order[first : first + self.batch_size]
                error = self._error(y[batch], x[batch] @ weights)
                if self.weight_decay:
                    weights = weights * (1 - self.learning_rate * self.weight_decay)
                if error.any():
                    weights = weights + self.learning_rate * x[batch].T @ error
                    mistakes += np.count_nonzero(error)
                    if self.keeps_the_best:
                        wrong = (y * (x @ weights) <= 0).sum(0)
                        better = wrong < fewest
                        pocket[:, better] = weights[:, better]
                        fewest = np.minimum(fewest, wrong)
            self.mistakes_.append(mistakes)
            self.n_iter_ = epoch
            self.outcome_ = (
                f"not separated in {epoch} epochs, {mistakes} mistakes in the last; "
                "mica.classic.is_separable tells whether more epochs would help"
            )
            if mistakes == 0:
                self.converged_ = True
                self.outcome_ = f"separated: no mistake in epoch {epoch}"
                break
            earlier = after.setdefault(weights.tobytes(), epoch)
            if earlier < epoch and not self.shuffle:
                when = f"after epoch {earlier}" if earlier else "at the start"
                self.outcome_ = (
                    f"not separable: cycling, the weights after epoch {epoch} are "
                    f"those {when} again"
                )
                break

        self._keep(pocket if self.keeps_the_best else weights)
        return self


class Perceptron(MistakeRule):
    """Rosenblatt's perceptron.

    W <- W + alpha (y - sign(W x)) x

    The error is -2, 0 or +2, so that a step is twice that of `PerceptronCriterion`.
    Arguments and what is learned: `MistakeRule`.

    Example:
        >>> model = Perceptron(random_state=0).fit([[0, 0], [0, 1], [1, 1]], [0, 0, 1])
        >>> model.outcome_
        'separated: no mistake in epoch 4'
        >>> model.predict([[2, 2], [-1, 0]])
        array([1, 0])

    Source:
        Aggarwal, Neural Networks and Deep Learning, eq. 1.4-1.6 and 1.33.
    """

    def _error(self, y: np.ndarray, score: np.ndarray) -> np.ndarray:
        return 2 * y * (y * score <= 0)


class PerceptronCriterion(MistakeRule):
    """Gradient descent on the perceptron criterion max(-y W x, 0).

    W <- W + alpha sum of y x over the points with y W x <= 0

    W = 0 has the smallest possible loss for any data, which is why points on the plane
    count as mistakes. Arguments and what is learned: `MistakeRule`.

    Example:
        >>> model = PerceptronCriterion(shuffle=False)
        >>> print(model.fit([[0, 0], [1, 1], [0, 1], [1, 0]], [0, 0, 1, 1]).outcome_)
        not separable: cycling, the weights after epoch 2 are those after epoch 1 again

    Source:
        Aggarwal, Neural Networks and Deep Learning, eq. 1.8 and 1.10.
    """

    def _error(self, y: np.ndarray, score: np.ndarray) -> np.ndarray:
        return y * (y * score <= 0)


class PocketPerceptron(MistakeRule):
    """A perceptron that keeps the weights with the fewest mistakes seen so far.

    For data that no plane separates: after each change all points are judged, and the
    best weights stay in the pocket. Arguments and what is learned: `MistakeRule`.

    Cost:
        One pass over all points for each change of the weights.

    Example:
        >>> x, y = [[1], [2], [3], [4], [5], [6]], [0, 0, 1, 0, 1, 1]
        >>> round(PocketPerceptron(random_state=0).fit(x, y).score(x, y), 2)
        0.83

    Source:
        Gallant, Perceptron-based learning algorithms, 1990; Aggarwal, section 1.2.1.1.
    """

    keeps_the_best: ClassVar[bool] = True

    def _error(self, y: np.ndarray, score: np.ndarray) -> np.ndarray:
        return y * (y * score <= 0)


class MarginPerceptron(MistakeRule):
    """A perceptron that wants every point to be right by a margin.

    W <- W + alpha sum of y x over the points with y W x < margin

    Args:
        margin: How large y W x should be; 0 makes it the perceptron criterion.
        learning_rate: As in `MistakeRule`, and so the rest.
        epochs: See `MistakeRule`.
        batch_size: See `MistakeRule`.
        shuffle: See `MistakeRule`.
        weight_decay: See `MistakeRule`.
        use_bias: See `MistakeRule`.
        random_state: See `MistakeRule`.

    Example:
        >>> model = MarginPerceptron(5.0, random_state=0)
        >>> model.fit([[-1.0], [1.0]], [0, 1]).decision_function([[1.0]]) >= 5
        array([ True])

    Source:
        Aggarwal, Neural Networks and Deep Learning, section 1.2.1.2.
    """

    def __init__(
        self,
        margin: float = 1.0,
        *,
        learning_rate: float = 1.0,
        epochs: int = 100,
        batch_size: int = 1,
        shuffle: bool = True,
        weight_decay: float = 0.0,
        use_bias: bool = True,
        random_state: Any = None,
    ):
        super().__init__(
            learning_rate,
            epochs=epochs,
            batch_size=batch_size,
            shuffle=shuffle,
            weight_decay=weight_decay,
            use_bias=use_bias,
            random_state=random_state,
        )
        self.margin = margin

    def _error(self, y: np.ndarray, score: np.ndarray) -> np.ndarray:
        short = (y * score < self.margin) | (y * score <= 0)
        return y * short


class HingeClassifier(MistakeRule):
    """The linear support vector machine: gradient descent on max(1 - y W x, 0).

    W <- W (1 - alpha lambda) + alpha sum of y x over the points with y W x < 1

    With weight decay it prefers the plane that is farthest from the points. Arguments
    and what is learned: `MistakeRule`.

    Example:
        >>> model = HingeClassifier(0.1, weight_decay=0.1, random_state=0)
        >>> model.fit([[0, 0], [0, 1], [1, 1]], [0, 0, 1]).predict([[2, 1]])
        array([1])

    Source:
        Aggarwal, Neural Networks and Deep Learning, eq. 1.9 and 1.33.
    """

    def _error(self, y: np.ndarray, score: np.ndarray) -> np.ndarray:
        return y * (y * score < 1)
