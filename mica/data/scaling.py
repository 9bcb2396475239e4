"""Scaling arrays for a network, fitted on the training part, saved with the model."""

from typing import Any, Self

import numpy as np

from mica.data.table.target import Task
from mica.errors import DataError, StateError
from mica.registry import Configurable

__all__ = ["ArrayEncoder"]

PICTURE_RANK = 4  # (rows, height, width, channels)


class ArrayEncoder(Configurable):
    """Raw arrays as a network likes them, and its answers back in their own words.

    Pictures are divided by the largest value of the training part; columns get mean 0
    and deviation 1; so do the targets of a regression.

    Args:
        task: "classification" or "regression".
        label_names: The classes in the order of their numbers.
        shape: Shape of one row, None before `fit`.
        shift: What is subtracted, one number or one per column.
        scale: What divides.
        target_mean: Mean of the training targets.
        target_scale: Their deviation.

    Example:
        >>> encoder = ArrayEncoder("regression").fit([[1.0], [3.0]], [10.0, 30.0])
        >>> encoder.transform([[3.0]]), encoder.decode([[1.0]])
        (array([[1.]], dtype=float32), array([30.]))
    """

    def __init__(
        self,
        task: Task,
        *,
        label_names: tuple[str, ...] = (),
        shape: tuple[int, ...] | None = None,
        shift: list[float] | None = None,
        scale: list[float] | None = None,
        target_mean: float = 0.0,
        target_scale: float = 1.0,
    ) -> None:
        self.task: Task = task
        self.label_names = tuple(label_names)
        self.shape = None if shape is None else tuple(shape)
        self.shift = shift
        self.scale = scale
        self.target_mean = target_mean
        self.target_scale = target_scale

    def fit(self, x: Any, y: Any) -> Self:
        """Learn range, means and deviations from the training part.

        Args:
            x: (rows, features) or (rows, height, width, channels).
            y: Targets of the rows.

        Returns:
            An encoder that is fitted; this one stays as it is.
        """
        x = np.asarray(x, dtype=np.float64)
        if x.ndim == PICTURE_RANK:
            shift, scale = [0.0], [float(np.abs(x).max()) or 1.0]
        else:
            deviation = x.std(axis=0)
            shift = x.mean(axis=0).tolist()
            scale = np.where(deviation > 0, deviation, 1.0).tolist()
        mean, spread = 0.0, 1.0
        if self.task == "regression":
            targets = np.asarray(y, dtype=np.float64)
            mean, spread = float(targets.mean()), float(targets.std()) or 1.0
        return type(self)(
            self.task,
            label_names=self.label_names,
            shape=x.shape[1:],
            shift=shift,
            scale=scale,
            target_mean=mean,
            target_scale=spread,
        )

    def transform(self, x: Any) -> np.ndarray:
        """Scale rows.

        Args:
            x: Raw rows of the training part's shape; a picture's channel axis may be
                missing when it has one channel.

        Returns:
            float32 array of the same shape.

        Raises:
            StateError: `fit` was not called.
            DataError: Rows of another shape, or not numbers.
        """
        if self.shape is None:
            raise StateError(
                "ArrayEncoder: expected a fitted encoder, got a new one. Call "
                "fit(x, y) first and use what it returns."
            )
        try:
            rows = np.asarray(x, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"ArrayEncoder: expected an array of numbers, got {error}. Give rows "
                f"of shape {self.shape}."
            ) from error
        if rows.shape[1:] == self.shape[:-1] and self.shape[-1:] == (1,):
            rows = rows[..., np.newaxis]
        if rows.shape[1:] != self.shape:
            raise DataError(
                f"ArrayEncoder: expected rows of shape {self.shape}, got "
                f"{rows.shape[1:]}. Give data like the model was trained on."
            )
        shift = np.asarray(self.shift, dtype=np.float32)
        scale = np.asarray(self.scale, dtype=np.float32)
        return (rows - shift) / scale

    def encode_target(self, y: Any) -> np.ndarray:
        """Turn targets into what the network learns.

        Args:
            y: Class numbers, or numbers in their own unit.

        Returns:
            int64 class numbers, or float32 standardised numbers.
        """
        if self.task == "classification":
            return np.asarray(y, dtype=np.int64)
        values = (
            np.asarray(y, dtype=np.float64) - self.target_mean
        ) / self.target_scale
        return values.astype(np.float32)

    def decode(self, prediction: Any) -> np.ndarray:
        """Turn the network's answers into labels, or numbers in their own unit.

        Args:
            prediction: (rows, classes), or (rows, 1).

        Returns:
            (rows,) texts or float64 numbers.
        """
        values = np.asarray(prediction, dtype=np.float64)
        if self.task == "classification":
            return np.array(self.label_names)[values.argmax(axis=-1)]
        return values.reshape(-1) * self.target_scale + self.target_mean
