"""Chances of the next token: what a model says, made warmer, colder or narrower."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional

from mica.errors import ConfigError, DataError
from mica.shapes import describe

__all__ = [
    "are_chances",
    "draw",
    "hide",
    "keep_nucleus",
    "keep_top",
    "log_chances",
    "warm",
]

SUM_TOLERANCE = 1e-2  # how far a row of rounded probabilities may be from 1; ours
RANK_OF_SEQUENCES = 3  # batch, time, vocabulary


def are_chances(rows: Tensor) -> bool:
    """Say whether all rows are probabilities: numbers from 0 up that sum to 1.

    Args:
        rows: Logits or probabilities.

    Shape:
        rows: (..., vocabulary)

    Returns:
        True for probabilities.

    Example:
        >>> are_chances(torch.tensor([[0.25, 0.75]]))
        True
        >>> are_chances(torch.tensor([[0.25, 0.75], [1.0, 2.0]]))
        False
    """
    near = (rows.double().sum(-1) - 1).abs() < SUM_TOLERANCE
    return bool((rows >= 0).all()) and bool(near.all())


def log_chances(outputs: Tensor, from_logits: bool | None = None) -> Tensor:
    """Read the last step of what a model gave as logarithms of chances.

    log p = log_softmax(logits), or log(p / sum of p)

    Args:
        outputs: Logits or probabilities.
        from_logits: Which of the two; None looks: rows of numbers from 0 up that sum to
            1 are probabilities.

    Shape:
        outputs: (batch, time, vocabulary) or (batch, vocabulary)
        returns: (batch, vocabulary)

    Returns:
        Logarithms in float64, on the processor.

    Raises:
        DataError: Not such a tensor, or NaN in it.

    Example:
        >>> log_chances(torch.tensor([[0.25, 0.75]])).exp()
        tensor([[0.2500, 0.7500]], dtype=torch.float64)
        >>> log_chances(torch.tensor([[1.0, 1.0]])).exp()
        tensor([[0.5000, 0.5000]], dtype=torch.float64)
    """
    is_tensor = isinstance(outputs, Tensor)
    if not is_tensor or outputs.ndim not in (2, RANK_OF_SEQUENCES):
        got = describe(tuple(outputs.shape)) if is_tensor else type(outputs).__name__
        raise DataError(
            "generate: expected a model with one output, (batch, time, vocabulary) or "
            f"(batch, vocabulary), got {got}. Let it give the chances of the next "
            "token."
        )
    last = outputs[:, -1] if outputs.ndim == RANK_OF_SEQUENCES else outputs
    last = last.detach().to("cpu", torch.float64)
    if bool(last.isnan().any()):
        raise DataError(
            "generate: expected numbers from the model, got NaN. Look at its weights, "
            "or at the training that made them."
        )
    if from_logits is None:
        from_logits = not are_chances(last)
    return (last if from_logits else last.log()).log_softmax(-1)


def hide(logs: Tensor, forbidden: Iterable[int]) -> Tensor:
    """Leave no chance to some tokens.

    Args:
        logs: Logarithms of chances.
        forbidden: Numbers of tokens; those the model does not have are passed over.

    Shape:
        logs: (batch, vocabulary)

    Returns:
        Logarithms, -inf for these tokens; the others stay as they are.

    Raises:
        ConfigError: No token is left.

    Example:
        >>> hide(torch.tensor([[0.5, 0.5]]).log(), [1]).exp()
        tensor([[0.5000, 0.0000]])
    """
    hidden = [token for token in set(forbidden) if 0 <= token < logs.shape[-1]]
    logs = logs.index_fill(-1, torch.tensor(hidden, dtype=torch.int64), -torch.inf)
    if bool((logs == -torch.inf).all(-1).any()):
        raise ConfigError(
            "generate: expected a token that is not forbidden and has a chance, got "
            f"none among {logs.shape[-1]}. Forbid fewer tokens."
        )
    return logs


def warm(logs: Tensor, temperature: float) -> Tensor:
    """Make chances more alike (above 1) or less alike (below 1).

    p_i = p_i^(1 / T) / sum_j p_j^(1 / T); T -> 0 leaves the likeliest token alone

    Args:
        logs: Logarithms of chances.
        temperature: T, at least 0.

    Shape:
        logs: (*batch, vocabulary)

    Returns:
        Logarithms of chances that sum to 1.

    Example:
        >>> warm(torch.tensor([0.2, 0.8]).log(), 0.5).exp()
        tensor([0.0588, 0.9412])
        >>> warm(torch.tensor([0.2, 0.8]).log(), 0.0).exp()
        tensor([0., 1.])
    """
    if temperature == 0.0:
        return keep_top(logs, 1)
    largest = logs.amax(-1, keepdim=True)  # so that a small T divides nothing large
    return ((logs - largest) / temperature).log_softmax(-1)


def keep_top(logs: Tensor, count: int) -> Tensor:
    """Keep the likeliest tokens; of equal ones those with smaller numbers.

    Args:
        logs: Logarithms of chances.
        count: How many tokens to keep, at least 1.

    Shape:
        logs: (*batch, vocabulary)

    Returns:
        Logarithms of chances that sum to 1; -inf for the others.

    Example:
        >>> keep_top(torch.tensor([0.2, 0.5, 0.3]).log(), 2).exp()
        tensor([0.0000, 0.6250, 0.3750])
    """
    order = logs.argsort(dim=-1, descending=True, stable=True)
    kept = torch.zeros_like(logs, dtype=torch.bool)
    kept.scatter_(-1, order[..., :count], True)
    return logs.masked_fill(~kept, -torch.inf).log_softmax(-1)


def keep_nucleus(logs: Tensor, share: float) -> Tensor:
    """Keep the smallest set of tokens whose chances reach a share, the likeliest first.

    kept = {1, ..., k}, the least k with p_1 + ... + p_k >= share, p_1 >= p_2 >= ...

    Args:
        logs: Logarithms of chances.
        share: Above 0, at most 1.

    Shape:
        logs: (*batch, vocabulary)

    Returns:
        Logarithms of chances that sum to 1; -inf for the others.

    Example:
        >>> keep_nucleus(torch.tensor([0.1, 0.6, 0.3]).log(), 0.7).exp()
        tensor([0.0000, 0.6667, 0.3333])

    Source:
        Holtzman et al. 2020, The curious case of neural text degeneration, section 3.1.
    """
    ordered, order = logs.sort(dim=-1, descending=True, stable=True)
    sums = ordered.exp().cumsum(-1)
    before = functional.pad(sums[..., :-1], (1, 0))
    kept = torch.zeros_like(logs, dtype=torch.bool)
    kept.scatter_(-1, order, before < share)
    return logs.masked_fill(~kept, -torch.inf).log_softmax(-1)


def draw(logs: Tensor, generators: list[torch.Generator]) -> Tensor:
    """Draw a token for each row, by a generator of its own.

    token = the first i with p_1 + ... + p_i > u, u ~ U(0, 1)

    Args:
        logs: Logarithms of chances.
        generators: One for each row.

    Shape:
        logs: (batch, vocabulary)
        returns: (batch,), int64

    Returns:
        Numbers of tokens.

    Example:
        >>> draw(torch.tensor([[0.0, 1.0]]).log(), [torch.Generator()])
        tensor([1])
    """
    sums = logs.exp().cumsum(-1)
    drawn = [
        torch.rand(1, generator=each, dtype=torch.float64, device="cpu")
        for each in generators
    ]
    heights = torch.stack(drawn) * sums[:, -1:]  # (batch, 1)
    found = torch.searchsorted(sums, heights.to(sums.dtype), right=True).squeeze(-1)
    # Rounding can put a height on the last sum: the last token that has a chance.
    places = torch.arange(logs.shape[-1])
    last = torch.where(logs > -torch.inf, places, 0).amax(-1)
    return torch.minimum(found, last)
