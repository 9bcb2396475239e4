"""Pictures scaled for a network: fitted on the training part, saved with the model."""

import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from mica.data.table.columns import are_finite
from mica.errors import ConfigError, DataError, StateError
from mica.registry import Configurable

__all__ = ["PictureEncoder"]

TOO_BRIGHT = 2.0  # times the brightest of training: another scale, not another picture


def _as_numbers(x: Any) -> np.ndarray:
    try:
        return np.asarray(x, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"pictures: expected an array of numbers, got: {error}. Give one number "
            "for each pixel and channel."
        ) from error


class PictureEncoder(Configurable):
    """Pictures from 0 to 1, and the network's answers as the names of classes.

    y = x / (largest absolute value of the training part)

    Args:
        label_names: The classes in the order of their numbers.
        shape: (height, width, channels) of a picture; None before `fit`.
        brightest: What divides.

    Raises:
        ConfigError: A shape or a value that no training gives.

    Example:
        >>> pictures = np.array([[[[0.0], [4.0]]]])
        >>> encoder = PictureEncoder(("cat", "dog")).fit(pictures)
        >>> encoder.transform(pictures).ravel(), encoder.decode([[0.1, 0.9]])
        (array([0., 1.], dtype=float32), array(['dog'], dtype='<U3'))
    """

    def __init__(
        self,
        label_names: Sequence[str],
        *,
        shape: tuple[int, ...] | None = None,
        brightest: float = 1.0,
    ) -> None:
        sizes = () if shape is None else tuple(shape)
        whole = all(isinstance(size, int) and size > 0 for size in sizes)
        if not (whole and len(sizes) in (0, 3)):
            raise ConfigError(
                f"PictureEncoder: expected a shape (height, width, channels), got "
                f"{shape!r}. The file is damaged or was not written by Mica."
            )
        if not (are_finite(brightest) and brightest > 0):
            raise ConfigError(
                f"PictureEncoder: expected brightest to be finite and above 0, got "
                f"{brightest!r}. The file is damaged or was not written by Mica."
            )
        self.label_names = tuple(label_names)
        self.shape = sizes or None
        self.brightest = brightest

    def fit(self, x: Any) -> Self:
        """Learn shape and range from the training part.

        Args:
            x: The pictures.

        Shape:
            x: (batch, height, width, channels)

        Returns:
            An encoder that is fitted; this one stays as it is.

        Raises:
            DataError: Not such pictures.
        """
        pictures = _as_numbers(x)
        if pictures.ndim != 4 or not pictures.size:
            raise DataError(
                "pictures: expected an array (rows, height, width, channels), got the "
                f"shape {pictures.shape}. Add an axis of size 1 for a single channel."
            )
        brightest = float(np.abs(pictures).max())
        if not math.isfinite(brightest):
            raise DataError(
                f"pictures: expected finite numbers, got {brightest}. Leave such "
                "pictures out."
            )
        return type(self)(
            self.label_names, shape=pictures.shape[1:], brightest=brightest or 1.0
        )

    def transform(self, x: Any) -> np.ndarray:
        """Scale pictures.

        Args:
            x: Pictures of the training part's shape and range; the channel axis may
                be missing when there is one channel.

        Shape:
            x: (batch, height, width, channels) or (batch, height, width)
            returns: (batch, height, width, channels), float32

        Returns:
            Scaled pictures.

        Raises:
            StateError: `fit` was not called.
            DataError: Pictures of another shape or range.
        """
        if self.shape is None:
            raise StateError(
                "PictureEncoder.transform: expected a fitted encoder, got a new one. "
                "Call fit(training_pictures) and use what it returns."
            )
        pictures = _as_numbers(x)
        if pictures.shape[1:] == self.shape[:2] and self.shape[2] == 1:
            pictures = pictures[..., np.newaxis]  # (B, H, W, 1)
        if pictures.shape[1:] != self.shape or not len(pictures):
            raise DataError(
                f"pictures: expected at least one of shape {self.shape} as in "
                f"training, got an array of shape {pictures.shape}. Bring them to that "
                "size first."
            )
        brightest = float(np.abs(pictures).max())
        if not brightest <= TOO_BRIGHT * self.brightest:  # NaN is too bright, too
            raise DataError(
                f"pictures: expected values up to {self.brightest:g} as in training, "
                f"got {brightest:g}. Bring them to that scale first."
            )
        return pictures / np.float32(self.brightest)

    def decode(self, prediction: Any) -> np.ndarray:
        """Name the most probable class of each picture.

        Args:
            prediction: A probability for each class.

        Shape:
            prediction: (batch, classes)
            returns: (batch,)

        Returns:
            Label names.

        Raises:
            DataError: Another number of columns than of classes.
        """
        values = np.asarray(prediction)
        if values.ndim != 2 or values.shape[1] != len(self.label_names):
            raise DataError(
                f"decode: expected {len(self.label_names)} columns, one per class, got "
                f"the shape {values.shape}. Give what predict returned."
            )
        return np.array(self.label_names)[values.argmax(axis=1)]
