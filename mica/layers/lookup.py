"""Lookup: a vocabulary that was learned, and what becomes of its tokens' numbers."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from mica.errors import ConfigError, DataError, StateError
from mica.layers.adapting import Adaptive, as_numbers
from mica.layers.arguments import integer, one_of, positive_integer
from mica.layers.category_encoding import encode_numbers
from mica.text import most_frequent

__all__ = ["Lookup", "Mode", "check_invert"]

_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")
Mode = Literal["int", "one_hot", "multi_hot", "count", "tf_idf"]


def check_invert(where: str, invert: bool, mode: str) -> None:
    """Demand mode "int" where places become tokens again.

    Args:
        where: Who asks, for the error.
        invert: Whether places become tokens.
        mode: The output mode.

    Raises:
        ConfigError: Another mode.
    """
    if invert and mode != "int":
        raise ConfigError(
            f"{where}: expected output_mode 'int' with invert, got {mode!r}. Leave one "
            "of them out."
        )


class Lookup(Adaptive):
    """A vocabulary of tokens, learned by counting, and what becomes of their numbers.

    Abstract: write `_rows_of`, which gives the tokens of each row of data. The numbers
    begin with the mask (only in mode "int"), then those for unknown tokens, then the
    vocabulary: the most frequent first, equally frequent ones in falling order.

    idf(t) = log(1 + documents / (1 + documents with t))

    An unknown token weighs the mean of the others.

    Example:
        >>> from mica.layers import StringLookup
        >>> StringLookup().adapt(["a", "b", "b"]).get_vocabulary()
        ['[UNK]', 'b', 'a']

    Source:
        Order and weights: Keras 3, IndexLookup.
    """

    finds: ClassVar[tuple[str, ...]] = ("vocabulary", "idf_weights")
    idf: Tensor

    def __init__(
        self,
        *,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        vocabulary: Any,
        idf_weights: Any,
        output_mode: str,
        pad_to_max_tokens: bool,
        name: str | None,
    ) -> None:
        super().__init__(name=name)
        where = self.where
        self.output_mode = one_of(output_mode, _MODES, where, "output_mode")
        self.num_oov_indices = integer(num_oov_indices, where, "num_oov_indices")
        if self.num_oov_indices < 0:
            raise ConfigError(
                f"{where}: expected num_oov_indices to be 0 or more, got "
                f"{num_oov_indices}. 1 lets all unknown tokens share a number."
            )
        self.mask_token = mask_token
        self.oov_token = oov_token
        self.max_tokens = max_tokens
        self._check_limit()
        self.pad_to_max_tokens = pad_to_max_tokens
        if pad_to_max_tokens and max_tokens is None:
            raise ConfigError(
                f"{where}: expected max_tokens with pad_to_max_tokens, got None. Give "
                "max_tokens, the number of columns."
            )
        self._forget()
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)
        elif idf_weights is not None:
            raise ConfigError(
                f"{where}: expected a vocabulary with idf_weights, got none. Give "
                "both, or none and call adapt(data)."
            )

    def _check_limit(self) -> None:
        if self.max_tokens is None:
            return
        limit = positive_integer(self.max_tokens, self.where, "max_tokens")
        if limit <= self._first:
            raise ConfigError(
                f"{self.where}: expected max_tokens of at least {self._first + 1}, got "
                f"{limit}. The mask and the unknown count too; None sets no limit."
            )
        self.max_tokens = limit

    @property
    def _has_mask(self) -> bool:
        """Whether the mask has a number; else masked places count for nothing."""
        return self.mask_token is not None and self.output_mode == "int"

    @property
    def _first(self) -> int:
        """The number of the vocabulary's first token."""
        return int(self._has_mask) + self.num_oov_indices

    @property
    def _masked(self) -> int:
        """The number of a masked place."""
        return 0 if self._has_mask else -1

    def _forget(self) -> None:
        self._counts: Counter[Any] = Counter()
        self._documents_with: Counter[Any] = Counter()
        self._documents = 0
        self._tokens: list[Any] = []
        self._idf: list[float] | None = None
        self._number: dict[Hashable, int] = {}

    def _restore(self, learned: Mapping[str, Any]) -> None:
        self.set_vocabulary(learned["vocabulary"], learned.get("idf_weights"))

    def _rows_of(self, part: Any) -> Iterable[Sequence[Any]]:
        """The tokens of each row of some data."""
        raise NotImplementedError

    def _update(self, part: Any) -> None:
        weighs = self.output_mode == "tf_idf"
        for row in self._rows_of(part):
            self._counts.update(row)
            self._documents += 1
            if weighs:
                self._documents_with.update(set(row))
        self._finish()

    def _finish(self) -> None:
        """Make the vocabulary of what was counted."""
        special = {self.mask_token, self.oov_token}
        counts: Any = self._counts
        if not special.isdisjoint(counts):
            counts = Counter({t: n for t, n in counts.items() if t not in special})
        limit = None if self.max_tokens is None else self.max_tokens - self._first
        idf = None
        tokens: list[Any] = most_frequent(counts, limit)
        if self.output_mode == "tf_idf":
            found = np.array([self._documents_with[token] for token in tokens])
            idf = np.log(1 + self._documents / (1 + found)).tolist()
        self._keep(tokens, idf)

    def _keep(self, tokens: list[Any], idf: list[float] | None) -> None:
        self._tokens, self._idf = tokens, idf
        first = self._first
        self._number = {token: first + place for place, token in enumerate(tokens)}

    def _learned(self) -> dict[str, Any] | None:
        if not self._tokens:
            return None
        found: dict[str, Any] = {"vocabulary": list(self._tokens)}
        if self._idf is not None:
            found["idf_weights"] = list(self._idf)
        return found

    def require_values(self) -> None:
        """Demand a vocabulary.

        Raises:
            StateError: `adapt` was not called, or found no token.
        """
        if self._tokens:
            return
        if self._documents:
            raise StateError(
                f"{self.where}: expected at least one token in the data for adapt, got "
                f"none in {self._documents} rows. Look at the data, and at how they "
                "are standardised and split."
            )
        raise StateError(
            f"{self.where}: expected a vocabulary, got none. Call adapt(data) first, "
            "or give vocabulary=..."
        )

    def _check_token(self, token: Any) -> Any:
        """Demand a token of the right kind."""
        raise NotImplementedError

    def set_vocabulary(
        self, vocabulary: Sequence[Any], idf_weights: Any = None
    ) -> None:
        """Give the vocabulary instead of learning it.

        Args:
            vocabulary: The tokens in order; mask and unknown may stand first, as
                `get_vocabulary` gives them.
            idf_weights: One number for each token, in mode "tf_idf" and no other.

        Raises:
            DataError: No tokens, one of them twice, or one of another kind.
            ConfigError: More than ``max_tokens``, or weights that do not go with it.
        """
        where = self.where
        if isinstance(vocabulary, str) or not isinstance(vocabulary, Iterable):
            raise ConfigError(
                f"{where}: expected vocabulary as a list of tokens, got "
                f"{vocabulary!r}. Read a file with open(path).read().split()."
            )
        tokens = [self._check_token(token) for token in vocabulary]
        head = self._special_tokens()
        if head and tokens[: len(head)] == head:
            tokens = tokens[len(head) :]
        if not tokens:
            raise DataError(
                f"{where}: expected a vocabulary of at least one token, got none. "
                "Leave it out and call adapt(data)."
            )
        twice = [
            token for token, count in Counter([*head, *tokens]).items() if count > 1
        ]
        odd = [token for token in twice if token in set(tokens)]
        if odd:
            raise DataError(
                f"{where}: expected each token once, got {odd[0]!r} again. Leave the "
                "others out."
            )
        if self.max_tokens is not None and self._first + len(tokens) > self.max_tokens:
            raise ConfigError(
                f"{where}: expected at most {self.max_tokens - self._first} tokens, as "
                f"max_tokens leaves room for, got {len(tokens)}. Raise max_tokens."
            )
        self._keep(tokens, self._read_weights(idf_weights, len(tokens)))
        self._given = True
        self._renew()

    def _read_weights(self, given: Any, count: int) -> list[float] | None:
        if (given is not None) is not (self.output_mode == "tf_idf"):
            wanted = "idf_weights" if given is None else "no idf_weights"
            got = "none" if given is None else "some"
            raise ConfigError(
                f"{self.where}: expected {wanted} in output_mode "
                f"{self.output_mode!r}, got {got}. They go with 'tf_idf' alone; "
                "adapt(data) finds them."
            )
        if given is None:
            return None
        weights = as_numbers(given, f"{self.where}: idf_weights").flatten().tolist()
        if len(weights) != count:
            raise ConfigError(
                f"{self.where}: expected a weight for each of {count} tokens, got "
                f"{len(weights)}. Give idf_weights in the order of the vocabulary."
            )
        return weights

    def _special_tokens(self) -> list[Any]:
        mask = [self.mask_token] if self._has_mask else []
        return [*mask, *[self.oov_token] * self.num_oov_indices]

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """Give the tokens in the order of their numbers.

        Args:
            include_special_tokens: Whether mask and unknown are among them.

        Returns:
            The tokens.
        """
        special = self._special_tokens() if include_special_tokens else []
        return [*special, *self._tokens]

    def vocabulary_size(self) -> int:
        """Count the numbers there are: mask, unknown and tokens.

        Returns:
            The size that an Embedding after this layer needs.
        """
        return self._first + len(self._tokens)

    @property
    def _columns(self) -> int:
        if self.pad_to_max_tokens and self.max_tokens is not None:
            return self.max_tokens
        return self.vocabulary_size()

    def _place(self) -> None:
        if self._idf is None:
            return
        like = self._buffers.get("idf")
        idf = torch.tensor(self._idf, dtype=torch.float64)
        unknown = idf.mean().expand(self.num_oov_indices)
        rest = torch.zeros(self._columns - self.vocabulary_size(), dtype=torch.float64)
        weights = torch.cat([unknown, idf, rest]).to(torch.get_default_dtype())
        device = self._build_device if like is None else like.device
        self.register_buffer("idf", weights.to(device))

    def _encode(self, numbers: Tensor) -> Tensor:
        rows = encode_numbers(numbers, self.output_mode, self._columns)
        return rows * self.idf if self.output_mode == "tf_idf" else rows

    def _token_of(self, number: int) -> Any:
        """The token of a number; the unknown's for a number that is none."""
        if self._has_mask and number == 0:
            return self.mask_token
        place = number - self._first
        return self._tokens[place] if 0 <= place < len(self._tokens) else self.oov_token
