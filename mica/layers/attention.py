"""Attention without weights of its own: queries look at values by their keys."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from mica.errors import DataError, ShapeError
from mica.layers.arguments import fraction, one_of
from mica.layers.attending import (
    check_truths,
    fused_attention,
    join_masks,
    softmax_where,
    steps_in_view,
)
from mica.layers.inputs import check_floating
from mica.layers.layer import Layer
from mica.layers.noise import Dropout
from mica.shapes import Shape, describe

__all__ = ["AdditiveAttention", "Attention"]

Masks = Sequence[Tensor | None]
_RANK = 3  # batch, steps, features


class _Looking(Layer):
    """A list [query, value] or [query, value, key] in; what each query sees out."""

    passes_mask: ClassVar[bool] = True

    def __init__(
        self, *, dropout: float, seed: int | None, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.dropout = fraction(dropout, self.where, "dropout")
        self.seed = seed
        self.dropping = Dropout(dropout, seed=seed)
        self.register_parameter("scale", None)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with a query, a value and a key."""
        several = isinstance(shape, (list, tuple)) and all(
            isinstance(one, tuple) for one in shape
        )
        if not several or len(shape) not in (2, 3):
            got = f"{len(shape)} tensors" if several else "something else"
            raise DataError(
                f"{self.where}: expected a list [query, value] or [query, value, key], "
                f"got {got}. Call it as layer([query, value])."
            )
        check_floating(self.where, dtype)
        query, value, key = shape[0], shape[1], shape[-1]
        shown = ", ".join(describe(one) for one in shape)
        if min(len(one) for one in shape) < _RANK:
            raise ShapeError(
                f"{self.where}: expected (batch, steps, features) in each tensor, got "
                f"{shown}. Add the missing axis, e.g. with Reshape."
            )
        if query[-1] != key[-1] or key[-2] != value[-2]:
            raise ShapeError(
                f"{self.where}: expected a key with the features of the query and the "
                f"steps of the value, got {shown}. Project them first, e.g. with Dense."
            )

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Say which steps of the output are real: those of the query.

        Args:
            x: The list of tensors.
            mask: The list of their masks, or None.

        Returns:
            The query's mask, or None.
        """
        del x
        return None if mask is None else mask[0]

    def _scores(self, query: Tensor, key: Tensor) -> Tensor:
        raise NotImplementedError

    def _fused(
        self, query: Tensor, value: Tensor, key: Tensor, mask: Any, causal: bool
    ) -> Tensor | None:
        """The same without the scores, where there is a faster way."""
        del query, value, key, mask, causal
        return None

    def forward(
        self,
        x: Sequence[Tensor],
        mask: Masks | None = None,
        *,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Let each query look at the values."""
        query, value, key = x[0], x[1], x[-1]
        query_mask, hidden = self._read(mask)
        y = weights = None
        if not return_attention_scores:
            y = self._fused(query, value, key, hidden, use_causal_mask)
        if y is None:
            if use_causal_mask:
                steps = (query.shape[-2], key.shape[-2])
                seen = steps_in_view(*steps, device=query.device)
                hidden = join_masks(hidden, seen)
            weights = softmax_where(self._scores(query, key), hidden)
            y = self.dropping(weights) @ value  # (B, T, features)
        if query_mask is not None:
            y = torch.where(query_mask[..., None], y, 0.0)
        return (y, weights) if return_attention_scores else y  # type: ignore[return-value]

    def _read(self, masks: Masks | None) -> tuple[Tensor | None, Tensor | None]:
        """The query's mask, and the value's with an axis for the queries."""
        if masks is None:
            return None, None
        if not isinstance(masks, (list, tuple)) or len(masks) not in (2, 3):
            raise DataError(
                f"{self.where}: expected mask to be a list [query mask, value mask], "
                f"got {type(masks).__name__}. Write None for a mask that is not needed."
            )
        query, value = (
            None if one is None else check_truths(one, self.where, "mask")
            for one in masks[:2]
        )
        return query, None if value is None else value[..., None, :]


class Attention(_Looking):
    """Dot-product attention: each query sees the values whose keys are like it.

    y = softmax(s Q K^T) V     with score_mode "dot"
    y = softmax(c sum_f tanh(s (Q_f + K_f))) V     with "concat"

    s is 1, or learned with ``use_scale``: nothing is divided by the root of the number
    of features, as in Keras (`MultiHeadAttention` does). Without a key the value is the
    key. A step whose mask is False is not looked at; a query whose mask is False
    gives 0.

    Args:
        use_scale: Whether s is learned.
        score_mode: "dot" or "concat".
        dropout: The chance that a weight is dropped in training.
        seed: Where the dropout's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: a list of query (batch, queries, features), value (batch, keys, values) and,
            if wanted, key (batch, keys, features)
        mask: a list of query mask (batch, queries) and value mask (batch, keys)
        y: (batch, queries, values); with ``return_attention_scores`` also the weights,
            (batch, queries, keys)

    Parameters:
        scale: (), one. None unless ``use_scale``.
        concat_score_weight: (), one. None unless ``score_mode`` is "concat".

    Cost:
        2 * batch * queries * keys * (features + values) FLOPs forward.

    Raises:
        ConfigError: ``score_mode`` is not known, or ``dropout`` is not from 0 to
            below 1.
        DataError: x is not a list of two or three tensors of floating-point numbers,
            or a mask holds no truth values.
        ShapeError: The key fits neither the query nor the value.

    Example:
        >>> query, value = torch.zeros(1, 2, 4), torch.arange(12.0).reshape(1, 3, 4)
        >>> Attention()([query, value])[0, 0]
        tensor([4., 5., 6., 7.])
        >>> real = torch.tensor([[True, False, False]])
        >>> Attention()([query, value], [None, real])[0, 0]
        tensor([0., 1., 2., 3.])

    Source:
        Luong, Pham & Manning 2015, section 3.1.
    """

    def __init__(
        self,
        *,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dropout=dropout, seed=seed, name=name)
        self.use_scale = use_scale
        self.score_mode = one_of(
            score_mode, ("dot", "concat"), self.where, "score_mode"
        )
        self.register_parameter("concat_score_weight", None)

    def build(self, shape: Any) -> None:
        """Make the factors that are learned."""
        del shape
        if self.use_scale:
            self.scale = self.add_weight((), "ones")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight((), "ones")

    def _scaled(self, x: Tensor) -> Tensor:
        return x if self.scale is None else x * self.scale

    def _scores(self, query: Tensor, key: Tensor) -> Tensor:
        if self.score_mode == "dot":
            return self._scaled(query) @ key.transpose(-2, -1)
        pairs = query[..., :, None, :] + key[..., None, :, :]  # (B, T, S, features)
        return self.concat_score_weight * self._scaled(pairs).tanh().sum(dim=-1)

    def _fused(
        self, query: Tensor, value: Tensor, key: Tensor, mask: Any, causal: bool
    ) -> Tensor | None:
        rate = self.dropout if self.training else 0.0
        if self.score_mode != "dot" or (rate > 0.0 and self.seed is not None):
            return None
        if mask is not None and causal:
            steps = (query.shape[-2], key.shape[-2])
            mask = mask & steps_in_view(*steps, device=query.device)
        # One head: the kernels want four axes.
        heads = [x[..., None, :, :] for x in (self._scaled(query), key, value)]
        y = fused_attention(
            *heads,
            mask=None if mask is None else mask[..., None, :, :],
            causal=causal and mask is None,
            rate=rate,
        )
        return y[..., 0, :, :]


class AdditiveAttention(_Looking):
    """Additive attention: a small network says how well a query and a key fit.

    y = softmax(sum_f s_f tanh(Q_f + K_f)) V

    Without a key the value is the key. A step whose mask is False is not looked at; a
    query whose mask is False gives 0.

    Args:
        use_scale: Whether s is learned; else it is 1.
        dropout: The chance that a weight is dropped in training.
        seed: Where the dropout's own random numbers begin; None draws from torch's.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: a list of query (batch, queries, features), value (batch, keys, values) and,
            if wanted, key (batch, keys, features)
        mask: a list of query mask (batch, queries) and value mask (batch, keys)
        y: (batch, queries, values); with ``return_attention_scores`` also the weights,
            (batch, queries, keys)

    Parameters:
        scale: (features,), uniform in +-sqrt(3 / features). None unless ``use_scale``.

    Cost:
        batch * queries * keys * features values of tanh, all held at once, and twice
        as many additions.

    Raises:
        ConfigError: ``dropout`` is not from 0 to below 1.
        DataError: x is not a list of two or three tensors of floating-point numbers,
            or a mask holds no truth values.
        ShapeError: The key fits neither the query nor the value, or the features are
            not those the layer was built for.

    Example:
        >>> query, value = torch.zeros(1, 2, 4), torch.ones(1, 3, 4)
        >>> AdditiveAttention()([query, value]).shape
        torch.Size([1, 2, 4])

    Source:
        Bahdanau, Cho & Bengio 2015, appendix A.1.2, without its matrices.
    """

    def __init__(
        self,
        *,
        use_scale: bool = True,
        dropout: float = 0.0,
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(dropout=dropout, seed=seed, name=name)
        self.use_scale = use_scale

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with a query, a value and a key."""
        super().check_input(shape, dtype)
        wanted = None if self.scale is None else self.scale.shape[0]
        size = shape[0][-1]
        if size is None or (wanted is not None and size != wanted):
            expected = "a known number of" if wanted is None else wanted
            raise ShapeError(
                f"{self.where}: expected {expected} features, got "
                f"{describe(shape[0])}. Give the size in Input, or build a new layer."
            )

    def build(self, shape: list[Shape]) -> None:
        """Make a factor for each feature."""
        if self.use_scale:
            self.scale = self.add_weight((shape[0][-1] or 0,), "glorot_uniform")

    def _scores(self, query: Tensor, key: Tensor) -> Tensor:
        pairs = query[..., :, None, :] + key[..., None, :, :]  # (B, T, S, features)
        fits = pairs.tanh()
        return fits.sum(dim=-1) if self.scale is None else fits @ self.scale
