"""The first 1,000 digits of MNIST as rows of numbers, and the 10,000 of its test."""

from dataclasses import dataclass

import numpy as np

from mica.data import samples

__all__ = ["ThousandDigits", "load", "picture_rows"]

LEARNED = 1000  # pictures the book learns from
BRIGHTEST = 255.0  # of an 8-bit pixel


@dataclass(frozen=True)
class ThousandDigits:
    """Pictures as rows, (pictures, 784), and labels as ten numbers, one of them 1.

    Args:
        x_train: Pictures to learn from.
        y_train: Their digits, (pictures, 10).
        x_test: Pictures to judge by.
        y_test: Their digits, (pictures, 10).

    Example:
        >>> x, y = np.zeros((2, 784)), np.eye(10)[[3, 3]]
        >>> ThousandDigits(x, y, x, y).y_train.argmax(1)
        array([3, 3])
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def load(rows: int | None = None) -> ThousandDigits:
    """Load them, in double precision: pixels are whole numbers divided by 255.

    Args:
        rows: Use only so many rows of each part; None for the book's.

    Returns:
        The digits.

    Raises:
        DataError: MNIST is not here and cannot be had.
    """
    digits = samples.load("mnist")
    few = slice(LEARNED if rows is None else min(rows, LEARNED))
    return ThousandDigits(
        x_train=picture_rows(digits.x_train[few]),
        y_train=np.eye(10)[digits.y_train[few]],
        x_test=picture_rows(digits.x_test[:rows]),
        y_test=np.eye(10)[digits.y_test[:rows]],
    )


def picture_rows(images: np.ndarray) -> np.ndarray:
    """Lay pictures out as rows, in double precision.

    Args:
        images: Pixels from 0 to 1.

    Shape:
        images: (pictures, 28, 28, 1)
        result: (pictures, 784)
    """
    pixels = np.asarray(images, np.float64).reshape(len(images), -1)
    # Single precision has rounded them: back to the whole number, and divide again.
    return np.round(pixels * BRIGHTEST) / BRIGHTEST
