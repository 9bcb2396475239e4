"""Steps: a model that writes, asked for the chances of one more token at a time."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mica.errors import ConfigError, DataError
from mica.generate.chances import are_chances, log_chances
from mica.generate.remembering import Memory
from mica.generate.splitting import split_model
from mica.generate.stepwise import find_obstacle
from mica.layers import Dense, PositionEmbedding
from mica.model import Model
from mica.nested import flatten
from mica.shapes import describe
from mica.training.calling import evaluation_mode

__all__ = ["Steps", "find_window", "gives_logits"]


def find_window(model: nn.Module) -> int | None:
    """Find how many tokens a model can see at once.

    Args:
        model: Any model.

    Returns:
        The fixed length of its last input, or the fewest positions a
        `PositionEmbedding` has; None where nothing limits it.

    Example:
        >>> import mica
        >>> text = mica.Input((None,), dtype="int64")
        >>> steps = mica.layers.Embedding(9, 4)(text)
        >>> find_window(mica.Model(text, mica.layers.PositionEmbedding(7)(steps)))
        7
    """
    sizes = [
        part.sequence_length
        for part in model.modules()
        if isinstance(part, PositionEmbedding)
    ]
    graph = model.graph if isinstance(model, Model) else None
    if graph is not None:
        shape = graph.inputs[-1].shape
        if len(shape) > 1 and shape[1] is not None:
            sizes.append(shape[1])
    return min(sizes, default=None)


def gives_logits(model: nn.Module) -> bool:
    """Say whether a model's last part surely gives no probabilities.

    Args:
        model: Any model.

    Returns:
        True where the last part is a matrix without an activation; False where it is
        not known.

    Example:
        >>> import mica
        >>> text = mica.Input((None,), dtype="int64")
        >>> steps = mica.layers.Embedding(9, 4)(text)
        >>> gives_logits(mica.Model(text, mica.layers.Dense(9)(steps)))
        True
    """
    graph = model.graph if isinstance(model, Model) else None
    node = None if graph is None else flatten(graph.outputs)[0].node
    last = None if node is None else node.operation
    if isinstance(last, Dense):
        return last.activation is None
    return last is functional.linear


class Steps:
    """A text of several rows that grows, and the chances of what comes next.

    log p(next | the last `window` tokens)

    What was computed for earlier tokens is kept where every layer allows it: keys and
    values of attention, states of recurrent layers; what a model reads beside the text
    is computed once. The chances are the same either way.

    Args:
        model: A model from token numbers (batch, time) to logits or probabilities,
            (batch, time, vocabulary) or (batch, vocabulary). Of several inputs the
            last one is the text.
        source: The other inputs, with a row for each row of the text: a tensor, or a
            list of them; None when there are none.
        window: How many tokens the model sees at most; None asks the model.
        cache: True demands that nothing is computed twice, False computes all of it
            again at each step; None keeps what can be kept.
        from_logits: Whether the model gives logits; None looks at its numbers.

    Raises:
        ConfigError: ``cache=True`` for a model that must see the whole text, a source
            for a model without one or the reverse, or a ``window`` below 1.

    Example:
        >>> import mica
        >>> text = mica.Input((None,), dtype="int64")
        >>> steps = mica.layers.Embedding(9, 4)(text)
        >>> model = mica.Model(text, mica.layers.LSTM(9)(steps))
        >>> steps = Steps(model)
        >>> steps.begin(torch.tensor([[1, 2]])).shape, steps.keeps
        (torch.Size([1, 9]), True)
    """

    def __init__(
        self,
        model: nn.Module,
        source: Any = None,
        *,
        window: int | None = None,
        cache: bool | None = None,
        from_logits: bool | None = None,
    ) -> None:
        if window is not None and (isinstance(window, bool) or window < 1):
            raise ConfigError(
                f"generate: expected a window of at least 1 token, got {window!r}. "
                "None asks the model."
            )
        self.model = model
        limit = find_window(model)
        limits = [each for each in (window, limit) if each is not None]
        self.window = min(limits, default=None)
        self.cache = cache
        self.from_logits = from_logits
        self._device = next((p.device for p in model.parameters()), torch.device("cpu"))
        self._given = self._source = self._read_source(source)
        self._reader: nn.Module | None = None
        self._writer: nn.Module = model
        self._memory: Memory | None = None
        self.tokens = torch.empty((0, 0), dtype=torch.int64)

    def _read_source(self, source: Any) -> list[Tensor]:
        several = source if isinstance(source, (list, tuple)) else [source]
        given = [
            torch.as_tensor(each).to(self._device)
            for each in several
            if each is not None
        ]
        graph = self.model.graph if isinstance(self.model, Model) else None
        if graph is not None and len(given) != len(graph.inputs) - 1:
            raise ConfigError(
                f"generate: expected a source for each of {len(graph.inputs) - 1} "
                f"inputs before the text, got {len(given)}. Give source=[...]."
            )
        return given

    @property
    def keeps(self) -> bool:
        """Whether earlier tokens are not computed again at the next step."""
        return self._memory is not None

    def begin(self, tokens: Tensor) -> Tensor:
        """Begin a text.

        Args:
            tokens: The first tokens of each row, (rows, time).

        Returns:
            Logarithms of the chances of the next one, (rows, vocabulary), float64.

        Raises:
            DataError: No tokens.
            ConfigError: ``cache=True`` for a model that must see the whole text.
        """
        if tokens.ndim != 2 or tokens.shape[1] == 0 or tokens.is_floating_point():
            raise DataError(
                "generate: expected a text to begin with, (rows, time) of whole "
                f"numbers, got {tokens.dtype} of shape "
                f"{describe(tuple(tokens.shape))}. Give at least one token."
            )
        self.tokens = tokens.to(self._device, torch.int64)
        with evaluation_mode(self.model), torch.no_grad():
            if isinstance(self.model, Model):
                self.model.ensure_built(*self._given, self._seen())
                if self._given and self.model.graph is not None:
                    self._reader, self._writer = split_model(self.model)
            self._source = self._given
            if self._reader is not None:
                self._source = list(self._reader(self._given))
        self._memory = self._new_memory()
        return self._ask(self._seen())

    def _new_memory(self) -> Memory | None:
        if self.cache is False or self._seen().shape != self.tokens.shape:
            return None
        obstacle = find_obstacle(self._writer)
        if obstacle is None:
            return Memory(self._writer)
        if self.cache:
            raise ConfigError(
                "generate: expected a model that can go on from where it was, got "
                f"{obstacle}. Leave cache out."
            )
        return None

    def _seen(self) -> Tensor:
        return self.tokens if self.window is None else self.tokens[:, -self.window :]

    def advance(self, tokens: Tensor) -> Tensor:
        """Append a token to each row.

        Args:
            tokens: One number for each row, (rows,).

        Returns:
            Logarithms of the chances of the next one, (rows, vocabulary), float64.
        """
        new = tokens.to(self._device, torch.int64).unsqueeze(-1)
        self.tokens = torch.cat([self.tokens, new], dim=1)
        if self._seen().shape != self.tokens.shape:
            self._memory = None  # the first token went out of sight: all else moves
        return self._ask(self._seen() if self._memory is None else new)

    def _ask(self, tokens: Tensor) -> Tensor:
        given = [*self._source, tokens]
        with evaluation_mode(self._writer), torch.no_grad():
            if self._memory is None:
                outputs = self._writer(*given)
            else:
                with self._memory.open(tokens.shape[1]):
                    outputs = self._writer(*given)
        if self.from_logits is None and isinstance(outputs, Tensor):
            # Asked once: by chance, logits of one step could look like probabilities.
            self.from_logits = gives_logits(self._writer) or not are_chances(outputs)
        return log_chances(outputs, self.from_logits)

    def reorder(self, rows: Tensor) -> None:
        """Let the text become other rows of itself.

        Args:
            rows: Which row each new one goes on from, (new rows,).
        """
        rows = rows.to(self._device)
        self.tokens = self.tokens.index_select(0, rows)
        self._source = [each.index_select(0, rows) for each in self._source]
        if self._memory is not None:
            self._memory.reorder(rows)
