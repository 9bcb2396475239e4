"""Memory: what layers keep of a text's earlier steps, so that only new ones are run."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from mica.layers import (
    RNN,
    AttentionCache,
    DecoderCache,
    GroupedQueryAttention,
    MultiHeadAttention,
    PositionEmbedding,
    RotaryEmbedding,
    SinusoidalPositionEncoding,
    TransformerDecoder,
    TransformerEncoder,
)
from mica.nested import map_nested

__all__ = ["Memory"]

_BLOCKS = (TransformerEncoder, TransformerDecoder)
_ATTENTION = (MultiHeadAttention, GroupedQueryAttention)
_POSITIONS = (PositionEmbedding, RotaryEmbedding, SinusoidalPositionEncoding)


class Memory:
    """Keys and values, recurrent states and the position, for a model that writes.

    Inside `open`, every attention looks back at what it has seen before, every
    recurrent layer goes on from its last state, and positions count on. The layers
    themselves stay as they are.

    Args:
        model: A model without an obstacle (see `find_obstacle`).

    Example:
        >>> import torch
        >>> import mica
        >>> text = mica.Input((None,), dtype="int64")
        >>> steps = mica.layers.Embedding(9, 4)(text)
        >>> steps = mica.layers.GRU(3, return_sequences=True)(steps)
        >>> model = mica.Model(text, steps)
        >>> words, memory, parts = torch.tensor([[1, 2, 3]]), Memory(model), []
        >>> for part in (words[:, :2], words[:, 2:]):
        ...     with memory.open(part.shape[1]):
        ...         parts.append(model(part))
        >>> torch.allclose(torch.cat(parts, 1), model(words)), len(memory)
        (True, 3)
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self._kept: dict[tuple[int, int], Any] = {}
        self._calls: dict[int, int] = {}
        self._length = 0

    def __len__(self) -> int:
        """How many steps were seen."""
        return self._length

    def reorder(self, rows: Tensor) -> None:
        """Let the batch become other rows of itself, as a beam search needs it.

        Args:
            rows: Which row each new one goes on from, (new batch,).
        """
        for place, kept in self._kept.items():
            if isinstance(kept, (AttentionCache, DecoderCache)):
                kept.reorder(rows)
            else:
                self._kept[place] = map_nested(lambda x: x.index_select(0, rows), kept)

    @contextmanager
    def open(self, steps: int) -> Iterator[None]:
        """Let the model remember inside the block, where it is called once.

        Args:
            steps: How many new steps it is called with.

        Yields:
            Nothing.
        """
        self._calls.clear()
        handles, returning = [], []
        kinds = (RNN, *_BLOCKS, *_ATTENTION, *_POSITIONS)
        try:
            for part in self.model.modules():
                if not isinstance(part, kinds):
                    continue
                handles.append(
                    part.register_forward_pre_hook(self._before, with_kwargs=True)
                )
                if isinstance(part, RNN):
                    own = part.return_state
                    returning.append((part, own))
                    part.return_state = True
                    handles.append(part.register_forward_hook(self._after(own)))
            yield
        finally:
            for handle in handles:
                handle.remove()
            for part, own in returning:
                part.return_state = own
        self._length += steps

    def _place(self, part: nn.Module) -> tuple[int, int]:
        """A layer that is called several times in a pass remembers each call."""
        number = self._calls.get(id(part), 0)
        self._calls[id(part)] = number + 1
        return id(part), number

    def _before(self, part: nn.Module, args: Any, kwargs: dict[str, Any]) -> Any:
        if isinstance(part, RNN):
            place = (id(part), self._calls.get(id(part), 0))
            if place in self._kept:
                kwargs = {**kwargs, "initial_state": self._kept[place]}
                args = args[:1]
        elif isinstance(part, _POSITIONS):
            if len(args) == 1 and "start_index" not in kwargs:
                kwargs = {**kwargs, "start_index": self._length}
        elif kwargs.get("cache") is None:
            cache = self._kept.setdefault(self._place(part), _cache(part, args, kwargs))
            kwargs = {**kwargs, "cache": cache}
        return args, kwargs

    def _after(self, gives_states: bool) -> Any:
        def keep(part: nn.Module, args: Any, outputs: Any) -> Any:
            del args
            self._kept[self._place(part)] = list(outputs[1:])
            return outputs if gives_states else outputs[0]

        return keep


def _cache(part: nn.Module, args: Any, kwargs: dict[str, Any]) -> Any:
    if isinstance(part, TransformerDecoder):
        return DecoderCache()
    if isinstance(part, TransformerEncoder):
        return AttentionCache()
    query = args[0] if args else kwargs["query"]
    value = args[1] if len(args) > 1 else kwargs.get("value")
    return AttentionCache(grows=value is None or value is query)
