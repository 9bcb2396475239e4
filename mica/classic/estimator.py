"""Any Mica model as a scikit-learn estimator: pipelines, searches, cross-validation."""

import copy
import random
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import torch
from scipy.special import expit, softmax
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MultiOutputMixin,
    RegressorMixin,
)
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from mica import engine
from mica.errors import DataError, ShapeError
from mica.layers import Dense
from mica.model import Model, Sequential

__all__ = ["Classifier", "NetworkEstimator", "Regressor"]


class NetworkEstimator(BaseEstimator):
    """What `Classifier` and `Regressor` share: a new model for each `fit`.

    Args:
        model: A Mica model, of which each `fit` trains a new one of the same
            architecture; a torch module, of which it trains a copy; or a function of
            the numbers of features and outputs that gives a model. None: one hidden
            layer of 64 relu units.
        optimizer: What `Model.compile` takes.
        loss: What `Model.compile` takes; None: by the kind of estimator.
        epochs: How often to go through all rows.
        batch_size: Rows per step.
        keep_weights: Whether a Mica model's weights are where training starts.
        fit_options: More arguments of `Model.fit`, by name.
        random_state: Seed or generator of weights, order and dropout. Training leaves
            the global generators as they were.

    Afterwards `model_` is the trained model, to save, look into or train on, and
    `history_` what its `fit` returned. Weights of rows are not taken: mini-batches
    cannot make a row of weight 2 the same as two rows, which scikit-learn demands.
    """

    model_: Model
    n_features_in_: int

    def __init__(
        self,
        model: Model | torch.nn.Module | Callable[[int, int], Any] | None = None,
        *,
        optimizer: Any = "adam",
        loss: Any = None,
        epochs: int = 50,
        batch_size: int = 32,
        keep_weights: bool = False,
        fit_options: Mapping[str, Any] | None = None,
        random_state: Any = None,
    ):
        self.model = model
        self.optimizer = optimizer
        self.loss = loss
        self.epochs = epochs
        self.batch_size = batch_size
        self.keep_weights = keep_weights
        self.fit_options = fit_options
        self.random_state = random_state

    @abstractmethod
    def _default_model(self, outputs: int) -> Model:
        """The model for `model=None`."""

    def _new_model(self, features: int, outputs: int) -> Model:
        """An untrained model of our own."""
        model = self.model
        if model is None:
            return self._default_model(outputs)
        if not isinstance(model, torch.nn.Module):
            model = model(features, outputs)
            return model if isinstance(model, Model) else Sequential(model)
        if not isinstance(model, Model):
            return Sequential(copy.deepcopy(model))
        return copy.deepcopy(model) if self.keep_weights else _untrained(model)

    def _train(self, x: np.ndarray, y: np.ndarray, outputs: int) -> None:
        """Make a model, train it, and leave the world's random numbers alone."""
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        before = engine.random_state(), np.random.get_state(), random.getstate()
        engine.set_seed(seed)
        try:
            x = x.astype(np.float32)
            model = self._new_model(x.shape[-1], outputs)
            width = _width(model, x[:1])
            y, loss = self._task(y, outputs, width)
            optimizer = copy.deepcopy(self.optimizer)
            model.compile(optimizer, loss if self.loss is None else self.loss)
            self.history_ = model.fit(
                x,
                y,
                batch_size=self.batch_size,
                epochs=self.epochs,
                **{"verbose": 0, "seed": seed, **(self.fit_options or {})},
            )
        finally:
            engine.restore_random_state(before[0])
            np.random.set_state(before[1])
            random.setstate(before[2])
        self.model_ = model

    @abstractmethod
    def _task(self, y: np.ndarray, outputs: int, width: int) -> tuple[np.ndarray, str]:
        """Targets and loss for a model with `width` outputs."""

    def _outputs(self, X: Any) -> np.ndarray:
        """What the trained model says, in float64."""
        check_is_fitted(self)
        options = {"dtype": np.float32, "allow_nd": True}
        x = np.asarray(validate_data(self, X, reset=False, **options))
        # Batches of one size only: a sum of another size may be added in another order,
        # and what is said of a row must not depend on the rows beside it.
        missing = -len(x) % self.batch_size
        padded = np.concatenate([x, np.repeat(x[-1:], missing, axis=0)])
        outputs = self.model_.predict(padded, batch_size=self.batch_size)
        return outputs[: len(x)].astype(np.float64)


def _untrained(model: Model) -> Model:
    """A model of the same architecture with new weights."""
    return type(model).from_config(model.config())


def _width(model: Model, x: np.ndarray) -> int:
    """The size of the model's last axis."""
    was_training = model.training
    model.eval()
    with torch.no_grad():
        width = model(torch.as_tensor(x)).shape[-1]
    model.train(was_training)
    return int(width)


class Classifier(ClassifierMixin, NetworkEstimator):
    """A Mica model as a scikit-learn classifier.

    The model ends in a softmax over the classes or, for two classes, in one sigmoid; or
    in neither, with a loss that takes logits. Arguments and what is learned:
    `NetworkEstimator`.

    Raises:
        DataError: All labels are the same.
        ShapeError: The model's outputs do not fit the number of classes.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> x, y = load_iris(return_X_y=True)
        >>> model = make_pipeline(StandardScaler(), Classifier(random_state=0))
        >>> bool(model.fit(x, y).score(x, y) > 0.9)
        True
    """

    classes_: np.ndarray

    def fit(self, X: Any, y: Any) -> Self:
        """Train a new model on rows X and their labels y."""
        options = {"dtype": np.float32, "allow_nd": True}
        X, y = validate_data(self, X, y, **options)
        check_classification_targets(y)
        self.classes_, positions = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise DataError(
                "Classifier: expected labels of at least 2 classes, got 1 class, "
                f"{self.classes_.tolist()[0]!r}. Add examples of another."
            )
        self._train(np.asarray(X), positions, len(self.classes_))
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class.

        Shape:
            X: (rows, ...)
            result: (rows, classes)
        """
        chances = self._outputs(X)
        if self._from_logits():
            chances = expit(chances) if chances.shape[1] == 1 else softmax(chances, 1)
        if chances.shape[1] == 1:
            chances = np.hstack([1 - chances, chances])
        return chances / chances.sum(1, keepdims=True)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row."""
        chances = self.predict_proba(X)
        return self.classes_[chances.argmax(1)]

    def _from_logits(self) -> bool:
        """Whether the user's loss makes probabilities of the model's outputs itself."""
        torch_losses = torch.nn.CrossEntropyLoss, torch.nn.BCEWithLogitsLoss
        is_torch = isinstance(self.loss, torch_losses)
        return is_torch or getattr(self.loss, "from_logits", None) is True

    def _default_model(self, outputs: int) -> Model:
        last = Dense(outputs, activation="softmax")
        return Sequential(Dense(64, activation="relu"), last)

    def _task(self, y: np.ndarray, outputs: int, width: int) -> tuple[np.ndarray, str]:
        if width == outputs:
            return y, "sparse_categorical_crossentropy"
        if width == 1 and outputs == 2:
            return y[:, None].astype(np.float32), "binary_crossentropy"
        raise ShapeError(
            f"Classifier: expected a model with {outputs} outputs, one for each class, "
            f"got {width}. Give its last layer {outputs} units."
        )


class Regressor(MultiOutputMixin, RegressorMixin, NetworkEstimator):
    """A Mica model as a scikit-learn regressor, for one number or several.

    Arguments and what is learned: `NetworkEstimator`.

    Raises:
        ShapeError: The model has another number of outputs than y.

    Example:
        >>> x = np.linspace(-1, 1, 100)[:, None]
        >>> model = Regressor(epochs=100, random_state=0).fit(x, x[:, 0] ** 2)
        >>> bool(model.score(x, x[:, 0] ** 2) > 0.9)
        True
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train a new model on rows X and their targets y."""
        options = {"dtype": np.float32, "allow_nd": True}
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=True, **options)
        targets = np.asarray(y, np.float32)
        self._single = targets.ndim == 1
        columns = targets.reshape(len(targets), -1)
        self._train(np.asarray(X), columns, columns.shape[1])
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The model's output for each row."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._single else outputs

    def _default_model(self, outputs: int) -> Model:
        return Sequential(Dense(64, activation="relu"), Dense(outputs))

    def _task(self, y: np.ndarray, outputs: int, width: int) -> tuple[np.ndarray, str]:
        if width != outputs:
            raise ShapeError(
                f"Regressor: expected a model with {outputs} outputs, one for each "
                f"target, got {width}. Give its last layer {outputs} units."
            )
        return y, "mean_squared_error"
