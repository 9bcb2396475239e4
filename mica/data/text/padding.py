"""Padding: sequences of several lengths as one array, as in Keras."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from mica.errors import ConfigError, DataError

__all__ = ["Side", "check_side", "pad_sequences"]

Side = Literal["pre", "post"]


def check_side(side: str, name: str, where: str) -> None:
    """Demand "pre" or "post".

    Args:
        side: What was given.
        name: The argument's name, for errors.
        where: Who asks, for errors.

    Raises:
        ConfigError: It is another word.
    """
    if side not in ("pre", "post"):
        raise ConfigError(
            f"{where}: expected {name} to be 'pre' or 'post', got {side!r}. 'pre' is "
            "before the sequence, 'post' behind it."
        )


def _as_array(sequence: Any, place: int) -> np.ndarray:
    if isinstance(sequence, str) or not hasattr(sequence, "__len__"):
        raise DataError(
            f"pad_sequences: expected a list of lists of numbers, got "
            f"{type(sequence).__name__} at place {place}. Encode texts with a "
            "tokenizer; put a single sequence into a list."
        )
    return np.asarray(sequence)


def pad_sequences(
    sequences: Sequence[Any] | np.ndarray,
    maxlen: int | None = None,
    dtype: DTypeLike = "int32",
    padding: Side = "pre",
    truncating: Side = "pre",
    value: float = 0.0,
) -> np.ndarray:
    """Bring sequences to one length: cut the longer ones, fill up the shorter ones.

    The arguments and defaults are Keras's.

    Args:
        sequences: Lists or arrays of numbers, or of rows of numbers of one size.
        maxlen: The length; None is that of the longest.
        dtype: The type of the result.
        padding: The side that is filled up, "pre" or "post".
        truncating: The side that is cut, "pre" or "post".
        value: What is filled in.

    Shape:
        returns: (len(sequences), maxlen, *row)

    Returns:
        The array.

    Raises:
        ConfigError: A side of another name, or a ``maxlen`` below 1.
        DataError: Something that is no sequence, or rows of several sizes.

    Example:
        >>> pad_sequences([[1, 2, 3], [4]], maxlen=2)
        array([[2, 3],
               [0, 4]], dtype=int32)

    Source:
        Keras 3, keras.utils.pad_sequences.
    """
    check_side(padding, "padding", "pad_sequences")
    check_side(truncating, "truncating", "pad_sequences")
    if maxlen is not None and (not isinstance(maxlen, int) or maxlen < 1):
        raise ConfigError(
            f"pad_sequences: expected maxlen to be a whole number of at least 1, got "
            f"{maxlen!r}. None takes the longest sequence's length."
        )
    arrays = [_as_array(sequence, place) for place, sequence in enumerate(sequences)]
    length = max(map(len, arrays), default=0) if maxlen is None else maxlen
    row = next((array.shape[1:] for array in arrays if len(array)), ())
    padded = np.full((len(arrays), length, *row), value, dtype=dtype)
    for place, array in enumerate(arrays):
        if len(array) == 0:
            continue
        if array.shape[1:] != row:
            raise DataError(
                f"pad_sequences: expected rows of shape {row} as in the first "
                f"sequence, got {array.shape[1:]} at place {place}. Give all of them "
                "one shape."
            )
        kept = array[-length:] if truncating == "pre" else array[:length]
        if padding == "pre":
            padded[place, length - len(kept) :] = kept
        else:
            padded[place, : len(kept)] = kept
    return padded
