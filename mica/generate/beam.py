"""Beam search: several texts at once, of which the likeliest whole one is taken."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from mica.errors import ConfigError
from mica.generate.chances import hide
from mica.generate.choosing import read_number
from mica.generate.steps import Steps

__all__ = ["Beam", "search_beams"]


@dataclass(frozen=True)
class Beam:
    """Keep the likeliest few beginnings, and in the end the best whole text.

    score = sum over its tokens of log p / length^length_penalty

    At each step every kept text is continued by every token, and the best ``width`` of
    all stay; a text that has ended stays as it is while its score is among them. One
    text is `Greedy`; as many as there are texts is an exhaustive search.

    Args:
        width: How many texts are kept.
        length_penalty: 0 prefers short texts, 1 compares the means of log p.

    Raises:
        ConfigError: A ``width`` below 1, or a ``length_penalty`` below 0.

    Example:
        >>> Beam(4, length_penalty=1.0)
        Beam(width=4, length_penalty=1.0)

    Source:
        Graves 2012, Sequence transduction with recurrent neural networks, algorithm 1;
        length: Wu et al. 2016, section 7, with a plain power.
    """

    width: int = 4
    length_penalty: float = 0.0

    def __post_init__(self) -> None:
        if read_number(self.width, "Beam", "width", whole=True) < 1:
            raise ConfigError(
                f"Beam: expected a width of at least 1, got {self.width!r}. 1 is "
                "Greedy, 4 is a common choice."
            )
        penalty = read_number(
            self.length_penalty, "Beam", "length_penalty", whole=False
        )
        if not 0 <= penalty < float("inf"):
            raise ConfigError(
                "Beam: expected a length_penalty from 0 up, got "
                f"{self.length_penalty!r}. 1 compares the means of log p."
            )


def search_beams(
    steps: Steps,
    prompts: Tensor,
    length: int,
    beam: Beam,
    *,
    end: int | None = None,
    forbidden: Iterable[int] = (),
) -> tuple[list[list[int]], list[float]]:
    """Search the best continuation of each row.

    Args:
        steps: The model.
        prompts: Token numbers, (rows, time).
        length: How many tokens to write at most.
        beam: How wide to search.
        end: The token that ends a text; None writes ``length`` tokens.
        forbidden: Tokens that are never written.

    Returns:
        (tokens, scores): the written tokens of each row, with the end where it came,
        and their scores.

    Raises:
        ConfigError: ``end`` is no token of the model, or all tokens are forbidden.

    Example:
        >>> import mica
        >>> text = mica.Input((None,), dtype="int64")
        >>> model = mica.Model(text, mica.layers.Embedding(5, 5)(text))
        >>> tokens, scores = search_beams(
        ...     Steps(model), torch.tensor([[1]]), 3, Beam(2)
        ... )
        >>> len(tokens[0]), len(scores)
        (3, 1)
    """
    rows, width = len(prompts), beam.width
    forbidden = tuple(forbidden)
    logs = hide(steps.begin(prompts), forbidden)
    starts = torch.arange(rows).repeat_interleave(width)
    steps.reorder(starts)
    vocabulary = logs.shape[-1]
    if end is not None and not 0 <= end < vocabulary:
        raise ConfigError(
            f"Beam: expected an end from 0 to {vocabulary - 1}, got {end!r}. It is the "
            "number of the token that ends a text."
        )
    # All of a row's beams are the same at first: only one of them counts.
    scores = torch.full((rows, width), -torch.inf, dtype=torch.float64)
    scores[:, 0] = 0.0
    lengths = torch.zeros((rows, width), dtype=torch.int64)
    ended = torch.zeros((rows, width), dtype=torch.bool)
    written = torch.empty((rows, width, 0), dtype=torch.int64)
    logs = logs.reshape(rows, 1, vocabulary).expand(rows, width, vocabulary)
    for number in range(length):
        if end is not None:
            only_end = torch.full_like(logs, -torch.inf)
            only_end[..., end] = 0.0  # an ended text goes on as itself, once
            logs = torch.where(ended.unsqueeze(-1), only_end, logs)
        reached = scores.unsqueeze(-1) + logs  # (rows, width, vocabulary)
        sizes = lengths + (~ended).to(torch.int64)
        power = sizes.clamp_min(1).to(torch.float64) ** beam.length_penalty
        judged = (reached / power.unsqueeze(-1)).flatten(1)
        chosen = judged.topk(width, dim=-1).indices
        origin, token = chosen // vocabulary, chosen % vocabulary
        scores = reached.flatten(1).gather(1, chosen)
        lengths = sizes.gather(1, origin)
        ended = ended.gather(1, origin)
        past = origin.unsqueeze(-1).expand(*origin.shape, written.shape[-1])
        written = torch.cat([written.gather(1, past), token.unsqueeze(-1)], -1)
        if end is not None:
            ended = ended | (token == end)
        if _is_settled(ended, scores, beam) or number == length - 1:
            break
        steps.reorder((origin + torch.arange(rows)[:, None] * width).flatten())
        logs = hide(steps.advance(token.flatten()), forbidden)
        logs = logs.reshape(rows, width, vocabulary)
    final = scores / lengths.clamp_min(1).to(torch.float64) ** beam.length_penalty
    best = final.argmax(-1)
    tokens = [
        written[row, best[row], : lengths[row, best[row]]].tolist()
        for row in range(rows)
    ]
    return tokens, final.gather(1, best[:, None]).squeeze(1).tolist()


def _is_settled(ended: Tensor, scores: Tensor, beam: Beam) -> bool:
    """Whether no row can find a better text than one that has ended."""
    if beam.length_penalty == 0.0:
        # log p only falls: what is behind an ended text stays behind it.
        return bool(ended.gather(1, scores.argmax(-1, keepdim=True)).all())
    return bool((ended | (scores == -torch.inf)).all())
