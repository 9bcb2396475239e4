"""Adaptive: a layer that learns from data before training, in one go or in parts."""

import reprlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mica.errors import ConfigError, DataError, StateError
from mica.layers.layer import Layer
from mica.layers.reading import is_text
from mica.registry import encode

__all__ = ["Adaptive", "as_numbers", "parts_of"]


def _inputs_of(item: Any) -> Any:
    """The inputs in what a loader gives: x, (x,), (x, y) or (x, y, sample_weight)."""
    if isinstance(item, Mapping) and "x" in item:
        return item["x"]
    # A batch of a source has its size as a fourth entry.
    if not isinstance(item, (tuple, list)) or not 1 <= len(item) <= 4 or is_text(item):
        return item
    first = item[0]
    grouped = isinstance(first, (Tensor, np.ndarray)) or is_text(first)
    nested = isinstance(item, tuple) and not isinstance(first, (int, float))
    return first if grouped or nested else item


def _is_array(data: Any) -> bool:
    if isinstance(data, (Tensor, np.ndarray, list, tuple, str)):
        return True
    return hasattr(data, "__array__") or hasattr(data, "to_numpy")


def parts_of(data: Any, steps: int | None = None) -> Iterator[Any]:
    """Walk through data part by part, whatever holds them.

    Args:
        data: An array, tensor, column or list: one part; a source, loader, dataset or
            iterator of batches (x, (x, y) or (x, y, sample_weight)): a part each.
        steps: Number of batches at most; None for all.

    Returns:
        The inputs of each part.

    Raises:
        DataError: Nothing that can be walked through.

    Example:
        >>> [len(part) for part in parts_of(iter([([1.0, 2.0], [0, 1]), [3.0]]))]
        [2, 1]
    """
    if _is_array(data):
        yield data
        return
    items: Any = data
    if hasattr(data, "batches"):
        items = data.batches(0, shuffle=False)
    elif isinstance(data, Dataset) and hasattr(data, "__getitem__"):
        items = DataLoader(data, batch_size=32)
    if not isinstance(items, Iterable):
        raise DataError(
            f"adapt: expected data, got {type(data).__name__}. Give an array, a list, "
            "or a loader of batches."
        )
    for item in islice(items, steps):
        yield _inputs_of(item)


def as_numbers(data: Any, where: str) -> Tensor:
    """Give numbers as a tensor of float64 on the host, checked.

    Args:
        data: A tensor, array, column or list of numbers.
        where: Who asks, for errors.

    Returns:
        The numbers.

    Raises:
        DataError: Texts or objects, no rows, or NaN or infinity, named with its row.

    Example:
        >>> as_numbers([1, 2], "Normalization")
        tensor([1., 2.], dtype=torch.float64)
    """
    if is_text(data):
        raise DataError(
            f"{where}: expected numbers, got texts. Use StringLookup or "
            "TextVectorization for texts."
        )
    try:
        if isinstance(data, Tensor):
            numbers = data.detach().to("cpu", torch.float64)
        else:
            numbers = torch.from_numpy(np.array(data, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{where}: expected numbers, got {type(data).__name__} that NumPy cannot "
            "make an array of. Give rows of one length, numbers only."
        ) from error
    if numbers.ndim == 0:
        numbers = numbers.reshape(1)
    if numbers.numel() == 0:
        raise DataError(
            f"{where}: expected at least one row, got none. Look at how the data were "
            "cut."
        )
    odd = ~numbers.isfinite()
    if odd.any():
        place = odd.nonzero()[0]
        raise DataError(
            f"{where}: expected finite numbers, got {numbers[tuple(place)].item():g} "
            f"in row {int(place[0])}. Fill the gap or leave the row out."
        )
    return numbers


class Adaptive(Layer):
    """A layer whose values come from data, not from a loss.

    Abstract: write `_update` (take in one part), `_learned` (the values as arguments of
    the constructor), `_forget` and `_place` (put the values where `forward` finds
    them). What was learned is saved with the layer: its `config()` has it as the
    arguments that a constructor takes.

    Example:
        >>> from mica.layers import Normalization
        >>> layer = Normalization().adapt([[1.0], [3.0]])
        >>> layer.config()
        {'mean': [2.0], 'variance': [1.0]}
    """

    # Names of the constructor's arguments that adapt finds out.
    finds: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._given = False  # by the constructor, or by a file

    def _update(self, part: Any) -> None:
        """Take in one part of the data."""
        raise NotImplementedError

    def _learned(self) -> dict[str, Any] | None:
        """The values as arguments of the constructor; None when there are none."""
        raise NotImplementedError

    def _restore(self, learned: Mapping[str, Any]) -> None:
        """Take over what `_learned` gave."""
        raise NotImplementedError

    def restore_learned(self, learned: Mapping[str, Any]) -> None:
        """Take over what another layer learned.

        Args:
            learned: Values by the names of the constructor's arguments.
        """
        self._restore(learned)
        self._given = True
        self._renew()

    def learned(self) -> dict[str, Any]:
        """Give what was learned, under the names of the constructor's arguments.

        Returns:
            The values as numbers, texts and lists of them; {} before `adapt`.

        Example:
            >>> from mica.layers import StringLookup
            >>> StringLookup().adapt(["a", "b", "b"]).learned()
            {'vocabulary': ['b', 'a']}
        """
        return self._learned() or {}

    def _forget(self) -> None:
        """Begin anew."""
        raise NotImplementedError

    def _place(self) -> None:
        """Put the values into buffers, when there are any; the layer is being built."""

    @property
    def adapted(self) -> bool:
        """Whether there are values to work with."""
        return self._learned() is not None

    def adapt(self, data: Any, *, steps: int | None = None) -> Any:
        """Learn from data; a second call goes on where the first one ended.

        Learning from several parts gives what learning from all data at once gives.
        Use data of the training part alone.

        Args:
            data: An array, tensor, column, list, source, or a loader or iterator of
                batches x, (x, y) or (x, y, sample_weight).
            steps: Number of batches to take from a loader; None for all.

        Returns:
            The layer.

        Raises:
            StateError: The values were given, by the constructor or by a file.
            ConfigError: ``steps`` is below 1.
            DataError: Data that cannot be learned from.
        """
        if self._given:
            raise StateError(
                f"{self.where}: expected to learn all there is to learn, got "
                f"{' and '.join(self.finds)} from the constructor or a file. Call "
                "reset() first to begin anew."
            )
        if steps is not None and (
            not isinstance(steps, int) or isinstance(steps, bool) or steps < 1
        ):
            raise ConfigError(
                f"{self.where}.adapt: expected steps to be at least 1, got {steps!r}. "
                "Leave it out to use all the data."
            )
        count = 0
        for part in parts_of(data, steps):
            self._update(part)
            count += 1
        if count == 0:
            raise DataError(
                f"{self.where}.adapt: expected at least one batch, got none. An "
                "iterator can be read only once; make a new one."
            )
        self._renew()
        return self

    def reset(self) -> Any:
        """Forget what was learned or given, to learn from other data.

        Returns:
            The layer.
        """
        self._given = False
        self._forget()
        self.built = False
        return self

    def _renew(self) -> None:
        """Let the values take effect in a layer that is built already."""
        if self.built and self.adapted:
            self._place()

    def require_values(self) -> None:
        """Demand that there are values.

        Raises:
            StateError: `adapt` was not called.
        """
        if not self.adapted:
            raise StateError(
                f"{self.where}: expected {' and '.join(self.finds[:2])}, got none. "
                f"Call adapt(data) first, or give {self.finds[0]}=..."
            )

    def build(self, shape: Any) -> None:
        """Put the values where `forward` finds them."""
        del shape
        self.require_values()
        self._place()

    def config(self) -> dict[str, Any]:
        """Describe the layer with what it learned as JSON values.

        Returns:
            The constructor's arguments, those that `adapt` found among them.
        """
        learned = self._learned() or {}
        arguments = {
            name: value
            for name, value in super().config().items()
            if learned or name not in self.finds
        }
        return {**arguments, **{key: encode(value) for key, value in learned.items()}}

    def extra_repr(self) -> str:
        """Show the arguments, long ones shortened."""
        arguments = self.__dict__.get("_arguments", {})
        return ", ".join(
            f"{key}={reprlib.repr(value)}" for key, value in arguments.items()
        )
