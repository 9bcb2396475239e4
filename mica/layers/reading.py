"""Reading: what layers do with texts, on the host, before there is a tensor."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from mica.errors import DataError
from mica.layers.layer import Layer
from mica.layers.symbolic import TEXT, Input, SymbolicTensor
from mica.shapes import Shape

__all__ = ["TEXT", "TextReader", "as_texts", "holds_text", "is_text"]

_LONGEST_GROUP = 8  # entries looked at to tell a pair of arrays from a list of texts


def _first(value: Any) -> Any:
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    return value


def _is_group(entry: Any) -> bool:
    """Whether an entry holds several things itself."""
    return isinstance(entry, (Tensor, SymbolicTensor, Mapping, list, tuple, np.ndarray))


def is_text(value: Any) -> bool:
    """Tell whether a single array, series or list holds texts.

    Args:
        value: Anything.

    Returns:
        Whether its first entry is a text.

    Example:
        >>> is_text(["a", "b"]), is_text([1.0, 2.0]), is_text(np.array([["a"]]))
        (True, False, True)
    """
    if isinstance(value, (Tensor, SymbolicTensor, Mapping)):
        return False
    if isinstance(value, str):
        return True
    if isinstance(value, (list, tuple)):
        # A pair of texts and labels has few entries; a list of texts is no pair.
        entries = value[:_LONGEST_GROUP]
        if not entries or not isinstance(_first(entries[0]), str):
            return False
        if isinstance(entries[0], str):
            return not any(map(_is_group, entries))
        return all(
            isinstance(part, (list, tuple)) and isinstance(_first(part), str)
            for part in entries
        )
    array = _as_array(value)
    if array is None:
        return False
    if array.dtype.kind == "O":
        return isinstance(next(array.flat, None), str)
    return array.dtype.kind in "UT"


def _as_array(value: Any) -> np.ndarray | None:
    """A NumPy array, or a column of a frame as one."""
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "to_numpy") and not hasattr(value, "columns"):
        return np.asarray(value.to_numpy())
    return None


def holds_text(value: Any) -> bool:
    """Tell whether nested inputs hold texts anywhere.

    Args:
        value: An array or list, or dicts, tuples and lists of them.

    Returns:
        Whether one of them is text.

    Example:
        >>> holds_text({"a": np.zeros(2), "b": ["x", "y"]})
        True
    """
    if isinstance(value, Mapping):
        return any(map(holds_text, value.values()))
    if is_text(value):
        return True
    if isinstance(value, (list, tuple)) and not isinstance(_first(value), (int, float)):
        return any(map(holds_text, value))
    return False


def as_texts(value: Any, where: str) -> np.ndarray:
    """Give texts as an array of Python strings.

    Args:
        value: A text, or a list, array or column of texts.
        where: Who asks, for errors.

    Returns:
        An array of objects, (rows,) or with further axes.

    Raises:
        DataError: An entry is no text, or the rows differ in length.

    Example:
        >>> as_texts(["a", "b"], "StringLookup")
        array(['a', 'b'], dtype=object)
    """
    array = _as_array(value)
    if array is None:
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, (list, tuple)):
            raise DataError(
                f"{where}: expected texts, got {type(value).__name__}. Give a list or "
                "an array of str."
            )
        if value and isinstance(value[0], (list, tuple)):
            lengths = {
                len(row) if isinstance(row, (list, tuple)) else -1 for row in value
            }
            if len(lengths) > 1:
                raise DataError(
                    f"{where}: expected rows of one length, got several. Give each row "
                    "as many texts, or one text each."
                )
        array = np.array(value, dtype=object)
    texts = array.astype(object)
    for place, entry in enumerate(texts.flat):
        if not isinstance(entry, str):
            index = np.unravel_index(place, texts.shape)[0]
            raise DataError(
                f"{where}: expected texts, got {entry!r} of type "
                f"{type(entry).__name__} in row {index}. Turn it into text with str(), "
                "or leave it out."
            )
    return texts


class TextReader(Layer):
    """A layer that texts enter the model by: it numbers them on the host.

    Abstract: write `read`, and a `forward` for the numbers it gives. `fit`, `evaluate`
    and `predict` read all texts once, before they make batches; only numbers travel.

    Example:
        >>> from mica.layers import StringLookup
        >>> StringLookup.takes_text
        True
    """

    takes_text: ClassVar[bool] = True
    takes_integers: ClassVar[bool] = True

    def read(self, texts: Any) -> Tensor:
        """Turn texts into numbers that `forward` takes.

        Args:
            texts: A list or an array of str, one or more for each row.

        Returns:
            Whole numbers, one row for each row of texts.
        """
        raise NotImplementedError

    @property
    def way_of_reading(self) -> Any:
        """What decides `read`: layers for which it is equal may share an input."""
        return id(self)

    def entrance(self, shape: Shape, dtype: torch.dtype | None) -> SymbolicTensor:
        """Make the symbolic input of a model that begins with this layer.

        Args:
            shape: Shape of some rows that were read.
            dtype: Their type.

        Returns:
            The input.
        """
        return Input(shape[1:], dtype=dtype)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input that is neither texts nor whole numbers."""
        del shape
        if dtype is None or dtype.is_floating_point or dtype.is_complex:
            got = "something else" if dtype is None else str(dtype)
            raise DataError(
                f"{self.where}: expected texts, or the whole numbers that read() "
                f"gives, got {got}. Give a list or an array of str."
            )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Read what is text, then call the layer as any other."""
        if args and not isinstance(args[0], (Tensor, SymbolicTensor)):
            args = (self._read_nested(args[0]), *args[1:])
        return super().__call__(*args, **kwargs)

    def _read_nested(self, value: Any) -> Any:
        if is_text(value):
            return self.read(value)
        if isinstance(value, (list, tuple)):
            return type(value)(self._read_nested(part) for part in value)
        return value
