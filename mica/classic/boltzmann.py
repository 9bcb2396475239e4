"""The restricted Boltzmann machine, alone and stacked to start a deep network."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from scipy.special import expit
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from mica.errors import ConfigError, ShapeError, StateError

__all__ = ["BoltzmannMachine", "BoltzmannStack"]


class BoltzmannMachine(TransformerMixin, BaseEstimator):
    """Visible and hidden units of 0 and 1, joined across but not among themselves.

    E(v, h) = -a v - b h - v W h,    P(v, h) proportional to exp(-E)
    P(h = 1 | v) = sigmoid(v W + b),    P(v = 1 | h) = sigmoid(h W^T + a)

    Learned by contrastive divergence: make W more like the data's v h, and less like
    what a short chain of samples, started at the data, makes of it. Numbers between 0
    and 1 count as probabilities; larger and smaller ones are moved there.

    Args:
        num_hidden: Hidden units.
        learning_rate: Step, for the mean over a batch.
        momentum: Share of the last step added to the next.
        weight_decay: Of W alone.
        epochs: How often to go through all points.
        batch_size: Points per step.
        num_steps: Length of the chain: the k of CD-k.
        random_state: Seed or generator of weights, order and samples.

    Shape:
        X: (points, visible units)

    Raises:
        ConfigError: `num_hidden`, `epochs`, `batch_size` or `num_steps` is below 1.

    Example:
        >>> x = np.repeat(np.eye(2), 50, axis=0)
        >>> machine = BoltzmannMachine(4, epochs=200, random_state=0).fit(x)
        >>> machine.reconstruct([[1, 0]]).round()
        array([[1., 0.]])

    Source:
        Hinton, Training products of experts by minimizing contrastive divergence, 2002;
        A practical guide to training restricted Boltzmann machines, 2010.
    """

    n_features_in_: int

    def __init__(
        self,
        num_hidden: int = 64,
        *,
        learning_rate: float = 0.1,
        momentum: float = 0.5,
        weight_decay: float = 1e-4,
        epochs: int = 10,
        batch_size: int = 20,
        num_steps: int = 1,
        random_state: Any = None,
    ):
        self.num_hidden = num_hidden
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.epochs = epochs
        self.batch_size = batch_size
        self.num_steps = num_steps
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the distribution of the rows of X."""
        for name in ("num_hidden", "epochs", "batch_size", "num_steps"):
            if getattr(self, name) < 1:
                raise ConfigError(
                    f"BoltzmannMachine: expected {name} of at least 1, got "
                    f"{getattr(self, name)}. Raise it."
                )
        x = np.clip(validate_data(self, X, dtype=np.float64), 0, 1)
        random = check_random_state(self.random_state)
        # The bias that alone makes a unit as often 1 as it is in the data.
        share = np.clip(x.mean(0), 0.01, 0.99)
        self.visible_bias_ = np.log(share / (1 - share))
        self.hidden_bias_ = np.zeros(self.num_hidden)
        self.weights_ = random.normal(0, 0.01, (x.shape[1], self.num_hidden))
        self.errors_ = []
        steps = [np.zeros_like(p) for p in self._parameters()]

        for _ in range(self.epochs):
            error = 0.0
            order = random.permutation(len(x))
            for first in range(0, len(x), self.batch_size):
                data = x[order[first : first + self.batch_size]]
                hidden = self._hidden(data)
                model, model_hidden = data, hidden
                for _ in range(self.num_steps):
                    on = random.uniform(size=model_hidden.shape) < model_hidden
                    model = self._visible(on)
                    model_hidden = self._hidden(model)
                slopes = (
                    (data.T @ hidden - model.T @ model_hidden) / len(data)
                    - self.weight_decay * self.weights_,
                    (data - model).mean(0),
                    (hidden - model_hidden).mean(0),
                )
                for parameter, step, slope in zip(
                    self._parameters(), steps, slopes, strict=True
                ):
                    step[...] = self.momentum * step + self.learning_rate * slope
                    parameter += step
                error += ((data - model) ** 2).sum()
            self.errors_.append(error / x.size)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """The probability that each hidden unit is on.

        Shape:
            X: (points, visible units)
            result: (points, hidden units)
        """
        return self._hidden(self._read(X))

    def reconstruct(self, X: Any) -> np.ndarray:
        """What the hidden units remember of each row.

        Shape:
            X: (points, visible units)
            result: (points, visible units), probabilities
        """
        return self._visible(self._hidden(self._read(X)))

    def free_energy(self, X: Any) -> np.ndarray:
        """F(v) = -a v - sum log(1 + exp(v W + b)): low where the model expects data.

        Shape:
            X: (points, visible units)
            result: (points,)
        """
        x = self._read(X)
        softplus = np.logaddexp(0, x @ self.weights_ + self.hidden_bias_)
        return -x @ self.visible_bias_ - softplus.sum(1)

    def sample(
        self, num_samples: int = 1, *, num_steps: int = 1000, random_state: Any = None
    ) -> np.ndarray:
        """Draw visible units from the model, by as many chains of Gibbs samples.

        Args:
            num_samples: Rows to draw.
            num_steps: Length of the chains; longer ones forget their start.
            random_state: Seed or generator.

        Shape:
            result: (num_samples, visible units), of 0 and 1
        """
        check_is_fitted(self)
        random = check_random_state(random_state)
        visible = random.uniform(size=(num_samples, self.n_features_in_)) < 0.5
        for _ in range(num_steps):
            chance = self._hidden(visible)
            chance = self._visible(random.uniform(size=chance.shape) < chance)
            visible = random.uniform(size=chance.shape) < chance
        return visible.astype(np.float64)

    def _parameters(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.weights_, self.visible_bias_, self.hidden_bias_

    def _hidden(self, visible: np.ndarray) -> np.ndarray:
        return expit(visible @ self.weights_ + self.hidden_bias_)

    def _visible(self, hidden: np.ndarray) -> np.ndarray:
        return expit(hidden @ self.weights_.T + self.visible_bias_)

    def _read(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        x = validate_data(self, X, reset=False, dtype=np.float64)
        return np.clip(x, 0, 1)


class BoltzmannStack(TransformerMixin, BaseEstimator):
    """Boltzmann machines one on the other, each trained on what the last one sees.

    Layer by layer, without labels: a start for the weights of a deep network with
    sigmoid layers of the same sizes, which `initialize` puts there.

    Args:
        sizes: Hidden units of each machine.
        learning_rate: Of each machine, and so the rest.
        epochs: See `BoltzmannMachine`.
        batch_size: See `BoltzmannMachine`.
        num_steps: See `BoltzmannMachine`.
        random_state: Seed or generator of all of them.

    Shape:
        X: (points, visible units)

    Raises:
        ConfigError: `sizes` is empty, or a machine refuses its settings.

    Example:
        >>> x = np.repeat(np.eye(3), 20, axis=0)
        >>> BoltzmannStack((4, 2), epochs=2, random_state=0).fit_transform(x).shape
        (60, 2)

    Source:
        Hinton, Osindero & Teh, A fast learning algorithm for deep belief nets, 2006.
    """

    def __init__(
        self,
        sizes: Sequence[int] = (64, 32),
        *,
        learning_rate: float = 0.1,
        epochs: int = 10,
        batch_size: int = 20,
        num_steps: int = 1,
        random_state: Any = None,
    ):
        self.sizes = sizes
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.num_steps = num_steps
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Train one machine after the other."""
        if len(self.sizes) == 0:
            raise ConfigError(
                "BoltzmannStack: expected at least 1 size, got none. "
                "Say how many hidden units each machine has."
            )
        x = np.asarray(validate_data(self, X, dtype=np.float64))
        random = check_random_state(self.random_state)
        self.machines_ = []
        for size in self.sizes:
            machine = BoltzmannMachine(
                size,
                learning_rate=self.learning_rate,
                epochs=self.epochs,
                batch_size=self.batch_size,
                num_steps=self.num_steps,
                random_state=random,
            )
            x = machine.fit_transform(x)
            self.machines_.append(machine)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """The topmost hidden units' probabilities.

        Shape:
            X: (points, visible units)
            result: (points, sizes[-1])
        """
        check_is_fitted(self)
        x = np.asarray(validate_data(self, X, reset=False, dtype=np.float64))
        for machine in self.machines_:
            x = machine.transform(x)
        return x

    def initialize(self, layers: Sequence[torch.nn.Module]) -> None:
        """Start the Dense (or torch Linear) layers of a deep network from the machines.

        Args:
            layers: As many as machines, from the input on, built, and of their sizes.

        Raises:
            StateError: A layer is not built yet.
            ShapeError: There are fewer or more layers than machines, or a layer has
                another size than its machine.
        """
        check_is_fitted(self)
        if len(layers) != len(self.machines_):
            raise ShapeError(
                f"BoltzmannStack: expected {len(self.machines_)} layers, one for each "
                f"machine, got {len(layers)}. Leave out the layers above."
            )
        for layer, machine in zip(layers, self.machines_, strict=True):
            weight = getattr(layer, "weight", None)
            if not isinstance(weight, torch.Tensor):
                raise StateError(
                    "BoltzmannStack: expected layers that are built, got "
                    f"{type(layer).__name__} without a weight. "
                    "Give the model its Input, or call it once."
                )
            if tuple(weight.shape) != machine.weights_.T.shape:
                raise ShapeError(
                    "BoltzmannStack: expected a weight of shape "
                    f"{machine.weights_.T.shape}, got {tuple(weight.shape)}. "
                    "Build the layers with the sizes of the stack."
                )
        with torch.no_grad():
            for layer, machine in zip(layers, self.machines_, strict=True):
                starts = {"weight": machine.weights_.T, "bias": machine.hidden_bias_}
                for name, start in starts.items():
                    parameter = getattr(layer, name, None)
                    if isinstance(parameter, torch.Tensor):
                        parameter.copy_(torch.as_tensor(start))
