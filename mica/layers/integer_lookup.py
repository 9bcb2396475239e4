"""IntegerLookup: whole numbers as their places in a vocabulary that was learned."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from mica.errors import DataError
from mica.layers.adapting import as_numbers
from mica.layers.arguments import integer
from mica.layers.category_encoding import check_whole
from mica.layers.inputs import check_rank
from mica.layers.lookup import Lookup, Mode, check_invert

__all__ = ["IntegerLookup"]


class IntegerLookup(Lookup):
    """Whole numbers become their places in a vocabulary.

    y = first + place of x in the vocabulary; for an unknown x, mask + x mod
    num_oov_indices, where first = mask + num_oov_indices and mask = 1 with a mask
    in mode "int", else 0

    For numbers that name things (identifiers, codes) and have gaps between them. It
    computes on the device of x.

    Args:
        max_tokens: Size of the vocabulary at most, unknown and mask among them; None
            sets no limit.
        num_oov_indices: How many numbers unknown tokens share; with 0 they are
            refused.
        mask_token: The number that means nothing is there: 0 in mode "int", left out
            of the rows in others.
        oov_token: What `invert` gives for an unknown.
        vocabulary: The tokens, when they are known.
        idf_weights: Their weights in mode "tf_idf".
        invert: Whether to turn places back into tokens.
        output_mode: "int", or rows with a column for each token: "one_hot",
            "multi_hot", "count" or "tf_idf" (over the last axis).
        pad_to_max_tokens: Whether rows have ``max_tokens`` columns at all events.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, *shape), whole numbers
        y: (batch, *shape) whole numbers for "int"; else as CategoryEncoding gives

    Parameters:
        tokens: (tokens,), the vocabulary in rising order. Not learned in training.
        places: (tokens,), the number of each.
        idf: (columns,), the weights in mode "tf_idf", else absent.

    Raises:
        ConfigError: Sizes below their least values, unknown modes, or options that do
            not go together.
        StateError: Used before `adapt`.
        DataError: x holds no whole numbers, or an unknown one with no number for it.

    Example:
        >>> layer = IntegerLookup().adapt([700, 700, 42])
        >>> layer(torch.tensor([[42, 700, 5]]))
        tensor([[2, 1, 0]])

    Source:
        Keras 3, IntegerLookup.
    """

    takes_integers: ClassVar[bool] = True
    tokens: Tensor
    places: Tensor

    def __init__(
        self,
        *,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Sequence[int] | None = None,
        idf_weights: Sequence[float] | None = None,
        invert: bool = False,
        output_mode: Mode = "int",
        pad_to_max_tokens: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(
            max_tokens=max_tokens,
            num_oov_indices=num_oov_indices,
            mask_token=mask_token,
            oov_token=oov_token,
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            output_mode=output_mode,
            pad_to_max_tokens=pad_to_max_tokens,
            name=name,
        )
        self.invert = invert
        check_invert(self.where, invert, output_mode)

    def _check_token(self, token: Any) -> int:
        return integer(token, self.where, "a token of the vocabulary")

    def _rows_of(self, part: Any) -> Iterable[Sequence[int]]:
        where = f"{self.where}.adapt"
        numbers = as_numbers(part, where)
        whole = numbers.long()
        odd = whole != numbers
        if odd.any():
            raise DataError(
                f"{where}: expected whole numbers, got {numbers[odd][0].item():g}. Use "
                "Discretization for measurements."
            )
        return whole.reshape(len(whole), -1).tolist()

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input that holds no whole numbers."""
        check_rank(self.where, shape, "batch", at_least=True)
        check_whole(self.where, dtype)

    def _place(self) -> None:
        super()._place()
        like = self._buffers.get("tokens")
        device = self._build_device if like is None else like.device
        tokens, order = torch.tensor(self._tokens, dtype=torch.int64).sort()
        self.register_buffer("tokens", tokens.to(device))
        self.register_buffer("places", (order + self._first).to(device))

    def forward(self, x: Tensor) -> Tensor:
        """Find the places."""
        x = x.long().contiguous()  # torch copies others, and warns
        if self.invert:
            return self._inverted(x)
        near = torch.searchsorted(self.tokens, x).clamp(max=self.tokens.shape[0] - 1)
        known = self.tokens[near] == x
        numbers = torch.where(known, self.places[near], self._unknown(x))
        if self.mask_token is not None:
            masked = x == self.mask_token
            known = known | masked
            numbers = numbers.masked_fill(masked, self._masked)
        if self.num_oov_indices == 0 and not x.is_meta and not bool(known.all()):
            raise DataError(
                f"{self.where}: expected numbers of the vocabulary, got "
                f"{x[~known][0].item()}. Set num_oov_indices to 1 or more for the "
                "unknown."
            )
        return self._encode(numbers)

    def _unknown(self, x: Tensor) -> Tensor:
        start = int(self._has_mask)
        if self.num_oov_indices <= 1:
            return torch.full_like(x, start)
        return x.remainder(self.num_oov_indices) + start

    def _inverted(self, x: Tensor) -> Tensor:
        by_place = self.tokens[self.places.argsort()]
        place = x - self._first
        inside = (place >= 0) & (place < by_place.shape[0])
        found = by_place[place.clamp(0, by_place.shape[0] - 1)]
        found = torch.where(inside, found, self.oov_token)
        if self._has_mask and self.mask_token is not None:
            found = found.masked_fill(x == 0, self.mask_token)
        return found
