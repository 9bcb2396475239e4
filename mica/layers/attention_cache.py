"""AttentionCache: keys and values of the steps before, kept while a text is written."""

import torch
from torch import Tensor

from mica.errors import ConfigError, ShapeError, StateError
from mica.layers.arguments import positive_integer
from mica.shapes import describe

__all__ = ["AttentionCache"]

_FIRST_CAPACITY = 64  # steps; doubled whenever they are full


class AttentionCache:
    """Keys and values of the steps before, so that each new step looks at them at once.

    K = [K_before, K_new];  V = [V_before, V_new]

    Give one and the same object to a layer for one step, or some, after the other: the
    results are those of the whole sequence with a causal mask. Room is made ahead, so
    that a new step copies itself only; where a gradient is wanted, it is joined.

    Args:
        capacity: For how many steps there is room; None makes more when it is full.
        grows: False keeps the first keys and values as they are, for looking at an
            encoder's output again and again.

    Raises:
        ConfigError: ``capacity`` is not a positive integer.

    Example:
        >>> from mica.layers import MultiHeadAttention
        >>> layer = MultiHeadAttention(2, 4).eval()
        >>> x, cache = torch.randn(1, 3, 8), AttentionCache()
        >>> steps = [layer(x[:, t : t + 1], cache=cache) for t in range(3)]
        >>> whole = layer(x, use_causal_mask=True)
        >>> torch.allclose(torch.cat(steps, dim=1), whole, atol=1e-6), len(cache)
        (True, 3)
    """

    def __init__(self, *, capacity: int | None = None, grows: bool = True) -> None:
        self.capacity = None
        if capacity is not None:
            self.capacity = positive_integer(capacity, "AttentionCache", "capacity")
        self.grows = grows
        self.reset()

    def reset(self) -> None:
        """Forget all steps."""
        self._key: Tensor | None = None
        self._value: Tensor | None = None
        self._mask: Tensor | None = None
        self._length = 0

    def __len__(self) -> int:
        """How many steps are kept."""
        return self._length

    @property
    def key(self) -> Tensor | None:
        """Keys, (batch, heads, steps, features); None before the first step."""
        return None if self._key is None else self._key[..., : self._length, :]

    @property
    def value(self) -> Tensor | None:
        """Values, (batch, heads, steps, features); None before the first step."""
        return None if self._value is None else self._value[..., : self._length, :]

    @property
    def mask(self) -> Tensor | None:
        """Which steps are real, (batch, steps); None when all are."""
        return self._mask

    def append(self, key: Tensor, value: Tensor, mask: Tensor | None = None) -> None:
        """Keep the keys and values of new steps.

        Args:
            key: (batch, heads, new steps, features).
            value: (batch, heads, new steps, features).
            mask: Which of them are real, (batch, new steps); None for all.

        Raises:
            StateError: There is no room for them.
            ShapeError: The batch, the heads or the features are others than before.

        Example:
            >>> cache = AttentionCache()
            >>> cache.append(torch.ones(1, 2, 3, 4), torch.ones(1, 2, 3, 4))
            >>> cache.append(torch.ones(1, 2, 1, 4), torch.ones(1, 2, 1, 4))
            >>> len(cache), cache.key.shape
            (4, torch.Size([1, 2, 4, 4]))
        """
        length = self._length + key.shape[-2]
        if self.capacity is not None and length > self.capacity:
            raise StateError(
                f"AttentionCache: expected at most {self.capacity} steps, got "
                f"{length}. Give a larger capacity, or None."
            )
        if self._key is not None:
            self._check_shape(key, self._key)
        self._append_mask(mask, key)
        self._key = self._joined(self._key, key, length)
        self._value = self._joined(self._value, value, length)
        self._length = length

    def _check_shape(self, key: Tensor, kept: Tensor) -> None:
        wanted = (*kept.shape[:-2], key.shape[-2], kept.shape[-1])
        if tuple(key.shape) != wanted:
            raise ShapeError(
                f"AttentionCache: expected keys of shape {describe(wanted)} as before, "
                f"got {describe(tuple(key.shape))}. Call reset() before another batch."
            )

    def _append_mask(self, mask: Tensor | None, key: Tensor) -> None:
        if mask is None and self._mask is None:
            return
        batch, steps = key.shape[0], key.shape[-2]
        parts = [self._mask, mask]
        for place, many in enumerate((self._length, steps)):
            if parts[place] is None:
                parts[place] = key.new_ones((batch, many), dtype=torch.bool)
        self._mask = torch.cat([part for part in parts if part is not None], dim=-1)

    def _joined(self, kept: Tensor | None, new: Tensor, length: int) -> Tensor:
        """A store that begins with the kept steps and then has the new ones."""
        before = None if kept is None else kept[..., : self._length, :]
        wants_gradient = new.requires_grad or (kept is not None and kept.requires_grad)
        if torch.is_grad_enabled() and wants_gradient:
            return new if before is None else torch.cat([before, new], dim=-2)
        if kept is None or kept.shape[-2] < length:
            room = self.capacity or max(_FIRST_CAPACITY, 2 * length)
            kept = new.new_empty((*new.shape[:-2], room, new.shape[-1]))
            if before is not None:
                kept[..., : self._length, :] = before
        kept[..., self._length : length, :] = new
        return kept

    def truncate(self, length: int) -> None:
        """Forget all steps but the first ones, to go on in another way.

        Args:
            length: How many to keep.

        Raises:
            ConfigError: There are not so many.

        Example:
            >>> cache = AttentionCache()
            >>> cache.append(torch.ones(1, 1, 3, 2), torch.ones(1, 1, 3, 2))
            >>> cache.truncate(1)
            >>> len(cache)
            1
        """
        if not 0 <= length <= self._length:
            raise ConfigError(
                f"AttentionCache: expected a length from 0 to {self._length}, got "
                f"{length!r}. Keep at most the steps there are."
            )
        self._length = length
        if self._mask is not None:
            self._mask = self._mask[..., :length]

    def reorder(self, rows: Tensor) -> None:
        """Let the batch become other rows of itself, as a beam search needs it.

        Args:
            rows: Which row each new one goes on from, (new batch,).

        Example:
            >>> cache = AttentionCache()
            >>> cache.append(torch.ones(2, 1, 3, 2), torch.ones(2, 1, 3, 2))
            >>> cache.reorder(torch.tensor([1, 1, 0]))
            >>> cache.key.shape
            torch.Size([3, 1, 3, 2])
        """
        if self._key is not None and self._value is not None:
            self._key = self._key.index_select(0, rows)
            self._value = self._value.index_select(0, rows)
        if self._mask is not None:
            self._mask = self._mask.index_select(0, rows)
