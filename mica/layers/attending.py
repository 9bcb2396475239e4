"""Attending: scaled dot-product attention, and which steps may look at which."""

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from mica.errors import DataError, ShapeError
from mica.shapes import describe

__all__ = [
    "attend",
    "attention_weights",
    "check_mask_fits",
    "check_truths",
    "fused_attention",
    "join_masks",
    "softmax_where",
    "steps_in_view",
]


def steps_in_view(
    query_steps: int,
    key_steps: int,
    *,
    causal: bool = True,
    window: int | None = None,
    start: int = 0,
    device: torch.device | None = None,
) -> Bool[Tensor, "queries keys"]:
    """Say which steps each step may look at.

    m_ts = (s <= t when causal) and (|t - s| < window)

    Args:
        query_steps: How many steps look.
        key_steps: How many steps are looked at.
        causal: Whether later steps are out of sight.
        window: How near a step must be, itself included; None for any distance.
        start: Which step of the keys the first query is.
        device: Where the answer is needed.

    Returns:
        Truth values, a row for each query.

    Example:
        >>> steps_in_view(3, 3).int()
        tensor([[1, 0, 0],
                [1, 1, 0],
                [1, 1, 1]], dtype=torch.int32)
        >>> steps_in_view(2, 4, window=2, start=2).int()
        tensor([[0, 1, 1, 0],
                [0, 0, 1, 1]], dtype=torch.int32)
    """
    rows = torch.arange(start, start + query_steps, device=device)[:, None]
    columns = torch.arange(key_steps, device=device)
    if window is None:
        return (rows >= columns) | (not causal)
    seen = (rows - columns).abs() < window
    return seen & (rows >= columns) if causal else seen


def join_masks(*masks: Tensor | None) -> Tensor | None:
    """Join masks of shapes that broadcast: a step counts where all of them say so.

    Args:
        *masks: Truth values; None for a mask that hides nothing.

    Returns:
        One mask, or None when nothing is hidden.

    Example:
        >>> join_masks(None, torch.tensor([True, False]))
        tensor([ True, False])
    """
    joined = None
    for mask in masks:
        if mask is not None:
            joined = mask if joined is None else joined & mask
    return joined


def check_truths(mask: Tensor, where: str, name: str) -> Tensor:
    """Read a mask of truth values, or of ones and zeros that are whole numbers.

    Args:
        mask: What the user gave.
        where: Who asks, for the error.
        name: The argument's name, for the error.

    Returns:
        Truth values.

    Raises:
        DataError: It holds other numbers: numbers to add to the scores, as some
            libraries have them, would mean the opposite.

    Example:
        >>> check_truths(torch.tensor([1, 0]), "Attention", "mask")
        tensor([ True, False])
    """
    dtype = getattr(mask, "dtype", type(mask).__name__)
    floating = isinstance(dtype, str) or dtype.is_floating_point or dtype.is_complex
    if floating:
        raise DataError(
            f"{where}: expected {name} to hold truth values, True where one may look, "
            f"got {dtype}. Write for example {name} > 0."
        )
    return mask if dtype == torch.bool else mask != 0


def softmax_where(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Share out along the last axis, among the places where the mask is True.

    y_i = m_i exp(x_i) / sum_j m_j exp(x_j), or 0 where all m_j are False

    Args:
        scores: Any numbers, (..., keys).
        mask: Truth values that broadcast to them, or None for all True.

    Returns:
        Weights from 0 to 1.

    Example:
        >>> softmax_where(torch.zeros(3), torch.tensor([True, False, True]))
        tensor([0.5000, 0.0000, 0.5000])
    """
    if mask is None:
        return scores.softmax(dim=-1)
    # The lowest number rather than -inf: a row without any True has no NaN then.
    lowest = torch.finfo(scores.dtype).min
    weights = torch.where(mask, scores, lowest).softmax(dim=-1)
    return torch.where(mask, weights, 0.0)


def attention_weights(
    query: Float[Tensor, "*batch queries features"],
    key: Float[Tensor, "*batch keys features"],
    *,
    mask: Tensor | None = None,
    scale: float = 1.0,
) -> Float[Tensor, "*batch queries keys"]:
    """How much each step looks at each other one.

    w = softmax(scale Q K^T) over the keys that the mask leaves

    Args:
        query: What looks.
        key: What is looked at.
        mask: Truth values that broadcast to the weights; None hides nothing.
        scale: Factor of the scores.

    Returns:
        Weights; each row sums to 1, or to 0 where the mask hides every key.

    Example:
        >>> attention_weights(torch.zeros(1, 2), torch.zeros(2, 2))
        tensor([[0.5000, 0.5000]])
    """
    return softmax_where((query * scale) @ key.transpose(-2, -1), mask)


def fused_attention(
    query: Float[Tensor, "*batch queries features"],
    key: Float[Tensor, "*keys_batch keys features"],
    value: Float[Tensor, "*keys_batch keys values"],
    *,
    mask: Tensor | None = None,
    causal: bool = False,
    scale: float = 1.0,
    rate: float = 0.0,
) -> Float[Tensor, "*batch queries values"]:
    """Look at values by torch's fastest kernel, which never stores the weights.

    y = softmax(scale Q K^T) V

    Args:
        query: What looks, (batch, heads, queries, features).
        key: What is looked at; fewer heads are shared by the queries' heads in turn.
        value: What is seen there.
        mask: Truth values that broadcast to the weights; None hides nothing.
        causal: Whether query t sees the keys up to t only; then `mask` must be None.
        scale: Factor of the scores.
        rate: The chance that a weight is dropped.

    Returns:
        What each query sees; 0 where the mask hides every key.

    Example:
        >>> x = torch.ones(1, 1, 2, 3)
        >>> fused_attention(x, x, x, causal=True).shape
        torch.Size([1, 1, 2, 3])
    """
    grouped = query.ndim > 3 and query.shape[-3] != key.shape[-3]
    return functional.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=mask,
        dropout_p=rate,
        is_causal=causal,
        scale=scale,
        enable_gqa=grouped,
    )


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    mask: Tensor | None = None,
    scale: float = 1.0,
    drop: Any = None,
) -> tuple[Tensor, Tensor]:
    """Look at values, and say how much at which.

    w = softmax(scale Q K^T);  y = drop(w) V

    Args:
        query: What looks, (batch, heads, queries, features).
        key: What is looked at; fewer heads are shared by the queries' heads in turn.
        value: What is seen there.
        mask: Truth values that broadcast to the weights; None hides nothing.
        scale: Factor of the scores.
        drop: A function of the weights, such as a dropout layer.

    Returns:
        (y, w): what each query sees, and the weights before `drop`.

    Example:
        >>> x = torch.ones(1, 1, 2, 3)
        >>> y, weights = attend(x, x, x)
        >>> y.shape, weights.shape
        (torch.Size([1, 1, 2, 3]), torch.Size([1, 1, 2, 2]))
    """
    if query.ndim > 3 and query.shape[-3] != key.shape[-3]:
        repeats = query.shape[-3] // key.shape[-3]
        key = key.repeat_interleave(repeats, dim=-3)
        value = value.repeat_interleave(repeats, dim=-3)
    weights = attention_weights(query, key, mask=mask, scale=scale)
    used = weights if drop is None else drop(weights)
    return used @ value, weights


def check_mask_fits(mask: Tensor, steps: tuple[int, int], where: str) -> None:
    """Demand that a mask of the user fits the queries and keys.

    Args:
        mask: Truth values, (..., queries, keys).
        steps: How many queries and keys there are.
        where: Who asks, for the error.

    Raises:
        ShapeError: The last two sizes are neither 1 nor those of the steps.

    Example:
        >>> check_mask_fits(torch.ones(1, 2, 3).bool(), (2, 3), "Attention")
    """
    fits = mask.ndim >= 2 and all(
        size in (1, wanted) for size, wanted in zip(mask.shape[-2:], steps, strict=True)
    )
    if not fits:
        raise ShapeError(
            f"{where}: expected attention_mask of shape (batch, {steps[0]}, "
            f"{steps[1]}), queries by keys, got {describe(tuple(mask.shape))}. Give a "
            "row for each query and a column for each key."
        )
