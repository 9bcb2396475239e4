"""HeadedAttention: what layers of attention in several heads have in common."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from mica.errors import ConfigError, ShapeError
from mica.layers.arguments import fraction, positive_integer
from mica.layers.attending import (
    attend,
    check_mask_fits,
    check_truths,
    fused_attention,
    join_masks,
    steps_in_view,
)
from mica.layers.attention_cache import AttentionCache
from mica.layers.dense import Dense
from mica.layers.inputs import check_axis, check_floating, check_rank
from mica.layers.layer import Layer
from mica.layers.noise import Dropout
from mica.layers.positions import RotaryEmbedding
from mica.shapes import describe

__all__ = ["HeadedAttention"]

_RANK_OF_SEQUENCES = 3  # batch, steps, features


class HeadedAttention(Layer):
    """Projections to heads, attention in each, and one projection of all of them.

    Abstract: call `prepare` in the constructor.

    Args:
        name: What the layer is called; `None` lets the model choose.

    Shape:
        query: (batch, *queries, features)
        value, key: (batch, *keys, features of their own)
        y: (batch, *queries, outputs)

    Example:
        >>> class OneHead(HeadedAttention):
        ...     def __init__(self, size):
        ...         super().__init__()
        ...         sizes = {"key_dim": size, "value_dim": size}
        ...         self.prepare(heads=1, key_heads=1, **sizes, projection={})
        >>> OneHead(4)(torch.ones(1, 2, 3)).shape
        torch.Size([1, 2, 3])
    """

    passes_mask: ClassVar[bool] = True
    words_of_others: ClassVar[Mapping[str, str]] = {
        **Layer.words_of_others,
        "flash_attention": "Leave it out: torch takes its fastest kernel that fits.",
        "embed_dim": "The output has the features of the query; see output_shape.",
    }

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)

    def prepare(
        self,
        *,
        heads: int,
        key_heads: int,
        key_dim: int,
        value_dim: int,
        projection: dict[str, Any],
        dropout: float = 0.0,
        seed: int | None = None,
        sliding_window: int | None = None,
        rotary: RotaryEmbedding | None = None,
        use_gate: bool = False,
        output_shape: tuple[int, ...] | None = None,
        attention_axes: tuple[int, ...] | None = None,
    ) -> None:
        """Make the parts of which the sizes are known before any input.

        Args:
            heads: How many heads look.
            key_heads: How many heads are looked at.
            key_dim: Size of a head's queries and keys.
            value_dim: Size of a head's values.
            projection: Arguments of each `Dense` inside.
            dropout: The chance that a weight is dropped in training.
            seed: Where the dropout's own random numbers begin.
            sliding_window: How near a step must be to be seen.
            rotary: Turns queries and keys by their positions.
            use_gate: Whether the heads are multiplied by a gate.
            output_shape: Sizes of the last axes of the output.
            attention_axes: Axes that are looked along.

        Raises:
            ConfigError: A rate or a size is wrong, or rotary is not one.
        """
        where = self.where
        self.dropout = fraction(dropout, where, "dropout")
        self.use_bias, self.use_gate = projection.get("use_bias", True), use_gate
        self.seed = seed
        self.sliding_window = None
        if sliding_window is not None:
            self.sliding_window = positive_integer(
                sliding_window, where, "sliding_window"
            )
        if rotary is not None and not isinstance(rotary, RotaryEmbedding):
            raise ConfigError(
                f"{where}: expected rotary to be a RotaryEmbedding or None, got "
                f"{rotary!r}. Write rotary=mica.layers.RotaryEmbedding()."
            )
        if rotary is not None and key_dim % 2:
            raise ConfigError(
                f"{where}: expected heads of an even size for rotary, got {key_dim}. "
                f"Choose {key_dim + 1}."
            )
        self._heads, self._key_heads = heads, key_heads
        self._key_size, self._value_size = key_dim, value_dim
        self._output_sizes, self._axes = output_shape, attention_axes
        self._projection = projection
        self.dropping = Dropout(dropout, seed=seed)
        self.rotary = rotary
        self.query_dense = Dense(heads * key_dim, name="query", **projection)
        self.key_dense = Dense(key_heads * key_dim, name="key", **projection)
        if use_gate:
            self.gate_dense = Dense(
                heads * value_dim, name="gate", activation="sigmoid", **projection
            )
        self.value_dense = Dense(key_heads * value_dim, name="value", **projection)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with a query: rank, type or features."""
        check_rank(self.where, shape, "batch steps features", at_least=True)
        weight = self.query_dense.weight
        built_for = None if weight is None else weight.shape[1]
        check_floating(self.where, dtype, None if weight is None else weight.dtype)
        check_axis(self.where, shape, -1, built_for)
        rank = len(shape)
        if self.rotary is not None and rank != _RANK_OF_SEQUENCES:
            raise ShapeError(
                f"{self.where}: expected (batch, steps, features) for rotary, got "
                f"shape {describe(shape)}. Flatten the steps with Reshape."
            )
        axes = [axis + rank if axis < 0 else axis for axis in self._axes or ()]
        if not all(0 < axis < rank - 1 for axis in axes):
            raise ShapeError(
                f"{self.where}: expected attention_axes between the batch and the "
                f"features, got {self._axes} for shape {describe(shape)}. Write "
                "attention_axes=1 for the axis after the batch."
            )

    def ensure_built(self, *args: Any, **kwargs: Any) -> None:
        """Build the projections for a query, a value and a key.

        Args:
            *args: What `forward` would be given, symbolic or not.
            **kwargs: Named ones.

        Raises:
            ShapeError: They do not fit the layer.
        """
        if not self.built:
            self._build_projections(*args, **kwargs)
        super().ensure_built(*args, **kwargs)

    def _build_projections(
        self, query: Any, value: Any = None, key: Any = None, **options: Any
    ) -> None:
        del options
        shape = getattr(query, "shape", None)
        sizes = None if shape is None else tuple(shape)
        self.check_input(sizes, getattr(query, "dtype", None))
        value = query if value is None else value
        key = value if key is None else key
        self.query_dense.ensure_built(query)
        self.key_dense.ensure_built(key)
        self.value_dense.ensure_built(value)
        if self.use_gate:
            self.gate_dense.ensure_built(query)
        features = math.prod(self._output_sizes or (query.shape[-1],))
        self.output_dense = Dense(features, name="output", **self._projection)
        self.output_dense.trainable = self.trainable
        device = query.device if isinstance(query, Tensor) else None
        device = None if device == torch.device("meta") else device
        joined = self._heads * self._value_size
        self.output_dense.ensure_built(
            torch.empty((0, joined), dtype=query.dtype, device=device)
        )

    def forward(
        self,
        query: Tensor,
        value: Tensor | None = None,
        key: Tensor | None = None,
        *,
        query_mask: Tensor | None = None,
        value_mask: Tensor | None = None,
        key_mask: Tensor | None = None,
        attention_mask: Tensor | None = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
        cache: AttentionCache | None = None,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Let each step of the query look at the values by their keys."""
        if value is None:
            value, value_mask = query, join_masks(value_mask, query_mask)
            use_causal_mask = use_causal_mask or (cache is not None and cache.grows)
        key = value if key is None else key
        self._check_pair(key, value)
        axes = self._attended(query)
        queries = self._split(self.query_dense(query), self._heads, axes)
        start = len(cache) if cache is not None and cache.grows else 0
        keys, values, real = None, None, None
        if cache is None or cache.grows or not len(cache):
            keys, values = self._keys_and_values(key, value, axes, start)
            real = self._read(value_mask, key_mask, keys)
        if cache is not None:
            if keys is not None and values is not None:
                cache.append(keys, values, real)
            keys, values, real = cache.key, cache.value, cache.mask
        assert keys is not None
        assert values is not None
        if self.rotary is not None:
            queries = self._turned(queries, start)
        sizes = tuple(x.shape[axis] for x in (query, key) for axis in axes)
        steps = (queries.shape[-2], keys.shape[-2])
        mask = self._mask(attention_mask, real, queries, steps, sizes)
        drawn = self.training and self.dropout > 0.0 and self.seed is not None
        fused = not return_attention_scores and not drawn
        mask, causal = self._in_view(mask, steps, start, use_causal_mask, fused, query)
        scale = 1.0 / math.sqrt(self._key_size)
        if fused:
            rate = self.dropout if self.training else 0.0
            y = fused_attention(
                queries, keys, values, mask=mask, causal=causal, scale=scale, rate=rate
            )
            return self._output(y, query, axes)
        y, weights = attend(
            queries, keys, values, mask=mask, scale=scale, drop=self.dropping
        )
        y = self._output(y, query, axes)
        return (y, self._unflattened(weights, sizes)) if return_attention_scores else y

    def _in_view(
        self,
        mask: Tensor | None,
        steps: tuple[int, int],
        start: int,
        causal: bool,
        fused: bool,
        like: Tensor,
    ) -> tuple[Tensor | None, bool]:
        """The mask with what is out of sight, and whether the kernel hides what is."""
        window = self.sliding_window
        if steps[0] == 1 and start + 1 == steps[1]:
            causal = False  # the last step sees all there is
        if window is None and not causal:
            return mask, False
        if fused and window is None and mask is None and start == 0:
            return None, True
        seen = steps_in_view(
            *steps, causal=causal, window=window, start=start, device=like.device
        )
        return join_masks(mask, seen), False

    def _check_pair(self, key: Tensor, value: Tensor) -> None:
        if key is not value and key.shape[1:-1] != value.shape[1:-1]:
            shapes = [describe(tuple(one.shape)) for one in (key, value)]
            raise ShapeError(
                f"{self.where}: expected a key and a value of the same steps, got "
                f"{shapes[0]} and {shapes[1]}. Give a value for each key."
            )

    def _attended(self, query: Tensor) -> tuple[int, ...]:
        if self._axes is None:
            return tuple(range(1, query.ndim - 1))
        return tuple(axis % query.ndim for axis in self._axes)

    def _split(self, x: Tensor, heads: int, axes: tuple[int, ...]) -> Tensor:
        x = x.unflatten(-1, (heads, -1))  # (B, *times, heads, size)
        if x.ndim == _RANK_OF_SEQUENCES + 1:
            return x.transpose(1, 2)  # (B, heads, T, size)
        count = len(axes)
        x = x.movedim(axes, tuple(range(-1 - count, -1)))
        return x.flatten(-1 - count, -2)  # (B, *others, heads, T, size)

    def _keys_and_values(
        self, key: Tensor, value: Tensor, axes: tuple[int, ...], start: int
    ) -> tuple[Tensor, Tensor]:
        keys = self._split(self.key_dense(key), self._key_heads, axes)
        values = self._split(self.value_dense(value), self._key_heads, axes)
        return (keys if self.rotary is None else self._turned(keys, start)), values

    def _turned(self, x: Tensor, start: int) -> Tensor:
        assert self.rotary is not None
        return self.rotary(x.transpose(1, 2), start).transpose(1, 2)

    def _read(
        self, value_mask: Tensor | None, key_mask: Tensor | None, keys: Tensor
    ) -> Tensor | None:
        """Which steps of the keys are real, (B, S)."""
        read: list[Tensor | None] = []
        for name, mask in (("value_mask", value_mask), ("key_mask", key_mask)):
            if mask is None:
                continue
            flat = check_truths(mask, self.where, name).flatten(1)
            if flat.shape != (keys.shape[0], keys.shape[-2]):
                wanted = describe((keys.shape[0], keys.shape[-2]))
                raise ShapeError(
                    f"{self.where}: expected {name} of shape {wanted}, batch by keys, "
                    f"got {describe(tuple(mask.shape))}. Give a truth value for each "
                    "step."
                )
            read.append(flat)
        return join_masks(*read)

    def _mask(
        self,
        attention_mask: Tensor | None,
        real: Tensor | None,
        queries: Tensor,
        steps: tuple[int, int],
        sizes: tuple[int, ...],
    ) -> Tensor | None:
        """One mask of the weights, (B, *others, heads, T, S), or sizes that repeat."""
        if attention_mask is not None:
            attention_mask = check_truths(attention_mask, self.where, "attention_mask")
            count = len(sizes)
            if count > 2 and tuple(attention_mask.shape[-count:]) == sizes:
                lead = attention_mask.shape[:-count]
                attention_mask = attention_mask.reshape(*lead, *steps)
            check_mask_fits(attention_mask, steps, self.where)
            while 2 < attention_mask.ndim < queries.ndim:
                attention_mask = attention_mask.unsqueeze(-3)
        if real is not None:
            ones = [1] * (queries.ndim - 2)
            real = real.reshape(real.shape[0], *ones, real.shape[-1])
        return join_masks(attention_mask, real)

    def _output(self, y: Tensor, query: Tensor, axes: tuple[int, ...]) -> Tensor:
        if query.ndim == _RANK_OF_SEQUENCES:
            y = y.transpose(1, 2)  # (B, T, heads, size)
        else:
            y = y.unflatten(-2, [query.shape[axis] for axis in axes])
            count = len(axes)
            y = y.movedim(tuple(range(-1 - count, -1)), axes)
        y = y.flatten(-2)  # (B, *times, heads * size)
        if self.use_gate:
            y = y * self.gate_dense(query)
        y = self.output_dense(y)
        sizes = self._output_sizes
        return y if sizes is None or len(sizes) == 1 else y.unflatten(-1, sizes)

    def _unflattened(self, weights: Tensor, sizes: tuple[int, ...]) -> Tensor:
        count = len(sizes) // 2
        if count == 1:
            return weights
        weights = weights.unflatten(-1, sizes[count:])
        return weights.unflatten(-1 - count, sizes[:count])
