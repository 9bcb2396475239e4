"""Hashing: texts and whole numbers as bins, without a vocabulary to learn."""

import functools
import hashlib
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from mica.errors import ConfigError, ShapeError
from mica.layers.arguments import integer, one_of, positive_integer
from mica.layers.category_encoding import check_whole, encode_numbers
from mica.layers.inputs import check_rank
from mica.layers.reading import TextReader, as_texts

__all__ = ["HashedCrossing", "Hashing", "fingerprint", "fingerprints", "mix"]

_POSITIVE = 2**63 - 1  # all bits but the sign's
# The constants of splitmix64: Steele, Lea & Flood 2014, figure 14 and its public code.
_GOLDEN = 0x9E3779B97F4A7C15 - 2**64
_FIRST = 0xBF58476D1CE4E5B9 - 2**64
_SECOND = 0x94D049BB133111EB - 2**64
_SHIFTS = (30, 27, 31)


def fingerprint(text: str) -> int:
    """Give a text a number that is the same in every run, on every machine.

    The first 8 bytes of BLAKE2b of its UTF-8, as a little-endian number without sign,
    less the highest bit.

    Args:
        text: Any text.

    Returns:
        A number from 0 to below 2^63.

    Example:
        >>> fingerprint("mica")
        2227640007293912728

    Source:
        BLAKE2b: RFC 7693.
    """
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "little") & _POSITIVE


def fingerprints(texts: Any, where: str) -> Tensor:
    """Give each of several texts its number.

    Args:
        texts: A list or array of texts.
        where: Who asks, for errors.

    Returns:
        int64, in the shape of the texts.

    Raises:
        DataError: Something among them is no text.
    """
    array = as_texts(texts, where)
    once = functools.cache(fingerprint)
    numbers = torch.tensor([once(text) for text in array.flat], dtype=torch.int64)
    return numbers.reshape(array.shape)


def _shifted(x: Tensor, bits: int) -> Tensor:
    """Shift to the right and fill with zeros; torch fills with the sign."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def mix(x: Tensor) -> Tensor:
    """Scatter whole numbers over all of int64, one to one.

    z = x + g;  z = (z xor z >> 30) a;  z = (z xor z >> 27) b;  y = z xor z >> 31

    with 64 bits, as splitmix64 does.

    Args:
        x: int64.

    Returns:
        int64; two numbers that differ in one bit differ in half of them.

    Example:
        >>> mix(torch.tensor([0, 1]))
        tensor([-2152535657050944081, -7995527694508729151])

    Source:
        Steele, Lea & Flood 2014.
    """
    x = x + _GOLDEN
    x = (x ^ _shifted(x, _SHIFTS[0])) * _FIRST
    x = (x ^ _shifted(x, _SHIFTS[1])) * _SECOND
    return x ^ _shifted(x, _SHIFTS[2])


class _Hasher(TextReader):
    """Texts enter as fingerprints; whole numbers as they are."""

    @property
    def way_of_reading(self) -> Any:
        """Every layer that hashes reads in the same way."""
        return "fingerprints"

    def read(self, texts: Any) -> Tensor:
        """Give each text its fingerprint.

        Args:
            texts: A list or an array of str.

        Returns:
            int64, in the shape of the texts.

        Raises:
            DataError: Something among them is no text.
        """
        return fingerprints(texts, self.where)


class Hashing(_Hasher):
    """Texts or whole numbers fall into a fixed number of bins, by a hash.

    y = h(f(x)) mod num_bins, or 1 + h(f(x)) mod (num_bins - 1) with a ``mask_value``

    f is `fingerprint` for texts (BLAKE2b) and the number itself for whole numbers; h is
    splitmix64 of f xor a number made of ``salt``. Nothing is learned, and nothing
    depends on the run or the machine. Different values may share a bin. The bins are
    not Keras's, which hashes by FarmHash and takes 7 and "7" for the same.

    Args:
        num_bins: How many bins there are.
        mask_value: A value, text or number, whose bin is 0, for nothing else.
        salt: A number, or two, that choose another hash.
        output_mode: "int", or rows with a column for each bin: "one_hot", "multi_hot"
            or "count" (over the last axis).
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, *shape), texts or whole numbers
        y: (batch, *shape) whole numbers for "int"; else as CategoryEncoding gives

    Raises:
        ConfigError: ``num_bins`` is below 1 (below 2 with a mask), a salt that is no
            whole number, or an unknown mode.
        DataError: x holds neither texts nor whole numbers.

    Example:
        >>> Hashing(10)(["red", "green", "red"])
        tensor([5, 9, 5])
        >>> Hashing(10)(torch.tensor([[3], [4]]))
        tensor([[3],
                [8]])

    Source:
        The idea: Weinberger et al. 2009.
    """

    def __init__(
        self,
        num_bins: int,
        *,
        mask_value: str | int | None = None,
        salt: int | Sequence[int] | None = None,
        output_mode: Literal["int", "one_hot", "multi_hot", "count"] = "int",
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.num_bins = positive_integer(num_bins, self.where, "num_bins")
        if mask_value is not None and self.num_bins == 1:
            raise ConfigError(
                f"{self.where}: expected at least 2 bins with a mask_value, got 1. "
                "Raise num_bins: bin 0 holds the mask alone."
            )
        if mask_value is not None and not isinstance(mask_value, str):
            mask_value = integer(mask_value, self.where, "mask_value")
        self.mask_value = mask_value
        modes = ("int", "one_hot", "multi_hot", "count")
        self.output_mode = one_of(output_mode, modes, self.where, "output_mode")
        salts = (
            [] if salt is None else salt if isinstance(salt, (list, tuple)) else [salt]
        )
        self.salt = [integer(value, self.where, "salt") for value in salts]
        self._salt = 0
        for value in self.salt:
            self._salt = int(mix(torch.tensor(self._salt ^ value, device="cpu")))

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input that holds no whole numbers."""
        check_rank(self.where, shape, "batch", at_least=True)
        check_whole(self.where, dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Find the bins."""
        bins = mix(x.long() ^ self._salt) & _POSITIVE
        if self.mask_value is None:
            bins = bins.remainder(self.num_bins)
        else:
            masked = self.mask_value
            masked = fingerprint(masked) if isinstance(masked, str) else masked
            bins = bins.remainder(self.num_bins - 1) + 1
            bins = bins.masked_fill(x == masked, 0)
        return encode_numbers(bins, self.output_mode, self.num_bins)


class HashedCrossing(_Hasher):
    """Several categories together fall into a fixed number of bins, by a hash.

    y = h(... h(h(f(x_1)) xor f(x_2)) ... xor f(x_n)) mod num_bins

    f and h are those of `Hashing`. A crossing of colour and size can tell that red
    and small go together, which a sum over both cannot. The order counts.

    Args:
        num_bins: How many bins there are.
        output_mode: "int" or "one_hot".
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: a list or tuple of at least two, each (batch,) or (batch, 1), texts or whole
            numbers
        y: as each of x for "int"; (batch, num_bins) for "one_hot"

    Raises:
        ConfigError: ``num_bins`` is below 1, or an unknown mode.
        ShapeError: Fewer than two inputs, or inputs of several shapes.
        DataError: x holds neither texts nor whole numbers.

    Example:
        >>> HashedCrossing(100)([["red", "red"], torch.tensor([1, 2])])
        tensor([71, 61])

    Source:
        The name and the arguments: Keras 3.
    """

    takes_integers: ClassVar[bool] = True

    def __init__(
        self,
        num_bins: int,
        *,
        output_mode: Literal["int", "one_hot"] = "int",
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.num_bins = positive_integer(num_bins, self.where, "num_bins")
        modes = ("int", "one_hot")
        self.output_mode = one_of(output_mode, modes, self.where, "output_mode")

    def _read_nested(self, value: Any) -> Any:
        """Read each input for itself: two lists are two inputs, not a table."""
        if not isinstance(value, (list, tuple)):
            return super()._read_nested(value)
        return type(value)(super(HashedCrossing, self)._read_nested(v) for v in value)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with the inputs: number, shapes or types."""
        several = isinstance(shape, (list, tuple)) and all(
            isinstance(part, tuple) for part in shape
        )
        if not several or len(shape) < 2 or len(set(shape)) > 1:
            raise ShapeError(
                f"{self.where}: expected at least two inputs of the same shape, got "
                f"{shape}. Give a list: layer([colour, size])."
            )
        if len(shape[0]) not in (1, 2) or (len(shape[0]) == 2 and shape[0][1] != 1):
            raise ShapeError(
                f"{self.where}: expected inputs of shape (batch,) or (batch, 1), got "
                f"{shape[0]}. Cross one column with another."
            )
        check_whole(self.where, dtype)

    def forward(self, x: Sequence[Tensor]) -> Tensor:
        """Find the bins."""
        if len({tuple(part.shape) for part in x}) > 1:
            self.check_input([tuple(part.shape) for part in x], x[0].dtype)
        for part in x:
            check_whole(self.where, part.dtype)
        found = torch.zeros_like(x[0], dtype=torch.int64)
        for part in x:
            found = mix(found ^ part.long())
        bins = (found & _POSITIVE).remainder(self.num_bins)
        return encode_numbers(bins, self.output_mode, self.num_bins)
