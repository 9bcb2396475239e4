"""Configurations of `multi_head_attention.py` and `grouped_query_attention.py`."""

import random
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from mica import layers
from mica.layers import Layer
from tests.oracle.keras_draws.drawing import Drawn, keras_layers

__all__ = ["DRAWS"]

NAMES_OF_KERAS = {"GroupedQueryAttention": "GroupQueryAttention"}
ORDER = ("query", "key", "gate", "value", "output")  # as Keras makes its parts


class Called(Layer):
    """A layer of several inputs, called with a list of them."""

    def __init__(self, inner: Layer) -> None:
        super().__init__()
        self.inner = inner

    def ensure_built(self, *args: Any, **kwargs: Any) -> None:
        """Build the layer inside for the tensors of the list."""
        self.inner.ensure_built(*args[0], **kwargs)
        super().ensure_built(*args, **kwargs)

    def forward(self, x: list[Tensor], **options: Any) -> Any:
        """Call the layer inside."""
        return self.inner(*x, **options)


class CalledInKeras:
    """The same for a layer of Keras."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.built = False

    @property
    def weights(self) -> list[Any]:
        return self.inner.weights

    def build(self, shapes: list[tuple[int, ...]]) -> None:
        self.inner.build(*([shapes[0], *shapes] if len(shapes) == 1 else shapes))

    def __call__(self, x: list[Tensor], **options: Any) -> Any:
        return self.inner(*([x[0], *x] if len(x) == 1 else x), **options)


def values(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


def arranged_as(shapes: list[tuple[int, ...]]) -> Callable[..., list[Tensor]]:
    """Ours are (out, in) for all heads, Keras's (in, heads, size) or the reverse."""

    def to_keras(state: Mapping[str, Tensor]) -> list[Tensor]:
        found = []
        for part in ORDER:
            for kind in ("weight", "bias"):
                key = f"inner.{part}_dense.{kind}"
                if key in state:
                    found.append(state[key].T if kind == "weight" else state[key])
        pairs = zip(found, shapes, strict=True)
        return [value.reshape(shape) for value, shape in pairs]

    return to_keras


def truths(draw: random.Random, *shape: int) -> Tensor:
    """A mask; the first key is always seen, so that every query sees something."""
    generator = torch.Generator().manual_seed(draw.randint(0, 10**6))
    mask = torch.rand(shape, generator=generator) < 0.7
    mask[..., 0] = True
    return mask


def drawn_call(
    draw: random.Random, kind: str, arguments: dict[str, Any], x: list[Tensor]
) -> Drawn:
    their_kind = getattr(keras_layers(), NAMES_OF_KERAS.get(kind, kind))
    theirs = CalledInKeras(their_kind(**arguments, dtype="float64"))
    theirs.build([tuple(one.shape) for one in x])
    theirs.built = True
    batch, queries, keys = x[0].shape[0], x[0].shape[1], x[min(1, len(x) - 1)].shape[1]
    call: dict[str, Any] = {}
    if x[0].ndim == 3:
        call["use_causal_mask"] = draw.random() < 0.4
        masks = draw.choice([(), ["attention"], ["value"], ["value", "key"], ["all"]])
        # Of a query that may see nothing, Keras says one thing or another.
        if arguments["sliding_window"] is not None:
            masks = ()
        for name in masks:
            if name == "attention":
                call["attention_mask"] = truths(draw, batch, queries, keys)
            elif name == "all":
                call["attention_mask"] = truths(draw, queries, keys)[None]
            else:
                call[f"{name}_mask"] = truths(draw, batch, keys)
    call["return_attention_scores"] = draw.random() < 0.4
    shapes = [tuple(one.shape) for one in x]
    return Drawn(
        Called(getattr(layers, kind)(**arguments)),
        theirs,
        x,
        text=f"{kind}({arguments}) of {shapes} {call}",
        to_keras=arranged_as([tuple(one.shape) for one in theirs.weights]),
        ours_call=call,
        theirs_call=call,
    )


def some_inputs(draw: random.Random, extra: tuple[int, ...] = ()) -> list[Tensor]:
    """A query, and a value, and a key; or fewer of them."""
    batch, queries, keys = draw.randint(1, 3), draw.randint(2, 5), draw.randint(2, 7)
    given = [values(batch, *extra, queries, draw.randint(1, 5))]
    count = draw.choice([0, 0, 1, 2])
    for _ in range(count):
        given.append(values(batch, *extra, keys, draw.randint(1, 5)))
    return given


def some_window(draw: random.Random, x: list[Tensor]) -> int | None:
    """A window in which every query has a key."""
    if len(x) > 1 and x[1].shape[1] < x[0].shape[1]:
        return None
    return draw.choice([None, None, 1, 2, 3])


def draw_multi_head_attention(draw: random.Random) -> Drawn:
    arguments: dict[str, Any] = {
        "num_heads": draw.randint(1, 3),
        "key_dim": draw.randint(1, 4),
        "value_dim": draw.choice([None, 1, 2, 5]),
        "use_bias": draw.random() < 0.7,
        "use_gate": draw.random() < 0.3,
        "sliding_window": None,
        "output_shape": draw.choice([None, None, 3, (2, 3)]),
    }
    if draw.random() < 0.25:
        x = some_inputs(draw, (draw.randint(2, 3),))
        arguments["attention_axes"] = draw.choice([None, 2, (1, 2)])
    else:
        x = some_inputs(draw)
        arguments["attention_axes"] = draw.choice([None, 1, (1,)])
        arguments["sliding_window"] = some_window(draw, x)
    return drawn_call(draw, "MultiHeadAttention", arguments, x)


def draw_grouped_query_attention(draw: random.Random) -> Drawn:
    shared = draw.randint(1, 3)
    arguments = {
        "head_dim": draw.randint(1, 4),
        "num_query_heads": shared * draw.randint(1, 3),
        "num_key_value_heads": shared,
        "use_bias": draw.random() < 0.7,
        "use_gate": draw.random() < 0.3,
    }
    x = some_inputs(draw)
    arguments["sliding_window"] = some_window(draw, x)
    return drawn_call(draw, "GroupedQueryAttention", arguments, x)


DRAWS: dict[str, Callable[[random.Random], Drawn]] = {
    "GroupedQueryAttention": draw_grouped_query_attention,
    "MultiHeadAttention": draw_multi_head_attention,
}
