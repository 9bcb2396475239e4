"""StringLookup: texts as their places in a vocabulary that was learned."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mica.errors import ConfigError, DataError
from mica.layers.hashing import fingerprint
from mica.layers.lookup import Lookup, Mode, check_invert
from mica.layers.reading import TextReader, as_texts

__all__ = ["StringLookup"]


class StringLookup(Lookup, TextReader):
    """Texts become their places in a vocabulary.

    y = first + place of x in the vocabulary; for an unknown x, mask + f(x) mod
    num_oov_indices, where first = mask + num_oov_indices and mask = 1 with a mask
    in mode "int", else 0

    f is the BLAKE2b fingerprint that `Hashing` describes (Keras takes FarmHash). Each
    text is one token, whole; `TextVectorization` splits texts into words. Texts are
    read on the host; at the entrance of a model `fit` and `predict` do so once.

    Args:
        max_tokens: Size of the vocabulary at most, unknown and mask among them; None
            sets no limit.
        num_oov_indices: How many numbers unknown tokens share; with 0 they are
            refused.
        mask_token: The text that means nothing is there: 0 in mode "int", left out of
            the rows in others.
        oov_token: What `invert` gives for an unknown.
        vocabulary: The tokens, when they are known.
        idf_weights: Their weights in mode "tf_idf".
        invert: Whether to turn places back into texts; an array of str comes out.
        output_mode: "int", or rows with a column for each token: "one_hot",
            "multi_hot", "count" or "tf_idf" (over the last axis).
        pad_to_max_tokens: Whether rows have ``max_tokens`` columns at all events.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch, *shape), texts, or the places that `read` gives
        y: (batch, *shape) whole numbers for "int"; else as CategoryEncoding gives

    Parameters:
        idf: (columns,), the weights in mode "tf_idf", else absent. Not learned in
            training.

    Raises:
        ConfigError: Sizes below their least values, unknown modes, or options that do
            not go together.
        StateError: Used before `adapt`.
        DataError: x holds no texts, or an unknown one with no number for it.

    Example:
        >>> layer = StringLookup().adapt(["red", "green", "red"])
        >>> layer(["green", "blue"])
        tensor([2, 0])

    Source:
        Keras 3, StringLookup.
    """

    def __init__(
        self,
        *,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str = "[UNK]",
        vocabulary: Sequence[str] | None = None,
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

    def _check_token(self, token: Any) -> str:
        if not isinstance(token, str):
            raise DataError(
                f"{self.where}: expected texts in the vocabulary, got {token!r}. Use "
                "IntegerLookup for whole numbers."
            )
        return str(token)

    def _rows_of(self, part: Any) -> Iterable[Sequence[str]]:
        texts = as_texts(part, f"{self.where}.adapt")
        return texts.reshape(len(texts), -1).tolist()

    def read(self, texts: Any) -> Tensor:
        """Turn texts into their places, before any rows are made of them.

        Args:
            texts: A list or an array of str.

        Returns:
            int64, in the shape of the texts; -1 where nothing counts.

        Raises:
            StateError: There is no vocabulary.
            DataError: Something is no text, or unknown with no number for it.
        """
        self.require_values()
        array = as_texts(texts, self.where)
        numbers = [self._number_of(text) for text in array.flat]
        return torch.tensor(numbers, dtype=torch.int64).reshape(array.shape)

    def _number_of(self, text: str) -> int:
        found = self._number.get(text)
        if found is not None:
            return found
        if text == self.mask_token:
            return self._masked
        if self.num_oov_indices == 0:
            raise DataError(
                f"{self.where}: expected texts of the vocabulary, got {text!r}. Set "
                "num_oov_indices to 1 or more for the unknown."
            )
        start, count = int(self._has_mask), self.num_oov_indices
        return start + (fingerprint(text) % count if count > 1 else 0)

    def forward(self, x: Tensor) -> Any:
        """Make rows of places, or texts of them."""
        if not self.invert:
            return self._encode(x)
        if x.is_meta:
            raise ConfigError(
                f"{self.where}: expected numbers, got an input of a model: texts "
                "cannot come out of one. Call the layer on what the model predicts."
            )
        words = [self._token_of(number) for number in x.flatten().tolist()]
        return np.array(words, dtype=object).reshape(x.shape)
