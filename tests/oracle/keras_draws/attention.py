"""Configurations of the layers in `mica/layers/attention.py`."""

import random
from collections.abc import Callable, Mapping
from typing import Any

import torch

from tests.oracle.keras_draws.drawing import Drawn, both

__all__ = ["DRAWS"]


def as_they_are(state: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
    """Factors without a layout."""
    return list(state.values())


def values(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64)


def some_steps(draw: random.Random, batch: int, steps: int) -> torch.Tensor:
    """A mask; the first step is real, so that every query has something to see."""
    rows = [[draw.random() < 0.7 for _ in range(steps)] for _ in range(batch)]
    return torch.tensor([[True, *row[1:]] for row in rows])


def drawn_call(draw: random.Random, arguments: Any, kind: str) -> Drawn:
    # Keras warns of a softmax over one key.
    batch, queries, keys = draw.randint(1, 3), draw.randint(1, 5), draw.randint(2, 5)
    features, seen = draw.randint(1, 5), draw.randint(1, 5)
    with_key = draw.random() < 0.5
    x = [values(batch, queries, features)]
    x.append(values(batch, keys, seen if with_key else features))
    if with_key:
        x.append(values(batch, keys, features))
    call: dict[str, Any] = {"use_causal_mask": draw.random() < 0.4}
    call["return_attention_scores"] = draw.random() < 0.5
    if draw.random() < 0.6:
        masks = [some_steps(draw, batch, queries), some_steps(draw, batch, keys)]
        call["mask"] = [one if draw.random() < 0.7 else None for one in masks]
    drawn = both(kind, arguments, x, to_keras=as_they_are)
    text = f"{drawn.text} {call}"
    return Drawn(
        drawn.ours,
        drawn.theirs,
        x,
        text=text,
        to_keras=as_they_are,
        ours_call=call,
        theirs_call=call,
    )


def draw_attention(draw: random.Random) -> Drawn:
    arguments = {
        "use_scale": draw.random() < 0.5,
        "score_mode": draw.choice(["dot", "concat"]),
    }
    return drawn_call(draw, arguments, "Attention")


def draw_additive_attention(draw: random.Random) -> Drawn:
    arguments = {"use_scale": draw.random() < 0.7}
    return drawn_call(draw, arguments, "AdditiveAttention")


DRAWS: dict[str, Callable[[random.Random], Drawn]] = {
    "AdditiveAttention": draw_additive_attention,
    "Attention": draw_attention,
}
