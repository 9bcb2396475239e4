"""Transformer blocks: attention and a small network at each step, with shortcuts."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from mica.errors import ConfigError, ShapeError, StateError
from mica.layers.activation import ActivationLike, get_activation
from mica.layers.arguments import fraction, positive_integer, real_number
from mica.layers.attention_cache import AttentionCache
from mica.layers.dense import Dense
from mica.layers.initializers import InitializerLike, get_initializer
from mica.layers.inputs import check_axis, check_floating, check_rank
from mica.layers.layer import Layer
from mica.layers.layer_normalization import LayerNormalization
from mica.layers.multi_head_attention import MultiHeadAttention
from mica.layers.noise import Dropout
from mica.layers.positions import RotaryEmbedding
from mica.shapes import Shape, describe

__all__ = ["DecoderCache", "TransformerDecoder", "TransformerEncoder"]


class DecoderCache:
    """What a decoder block keeps of the steps before, and of the encoder's output.

    K = [K_before, K_new];  V = [V_before, V_new], and those of the encoder once

    Args:
        capacity: For how many steps there is room; None makes more when it is full.

    Raises:
        ConfigError: ``capacity`` is not a positive integer.

    Example:
        >>> import torch
        >>> layer = TransformerDecoder(8, 2).eval()
        >>> x, cache = torch.randn(1, 3, 4), DecoderCache()
        >>> steps = [layer(x[:, t : t + 1], cache=cache) for t in range(3)]
        >>> torch.allclose(torch.cat(steps, dim=1), layer(x), atol=1e-5), len(cache)
        (True, 3)
    """

    def __init__(self, *, capacity: int | None = None) -> None:
        self.steps = AttentionCache(capacity=capacity)
        self.encoded = AttentionCache(grows=False)

    def __len__(self) -> int:
        """How many steps are kept."""
        return len(self.steps)

    def reset(self) -> None:
        """Forget all steps, and the encoder's output."""
        self.steps.reset()
        self.encoded.reset()

    def truncate(self, length: int) -> None:
        """Forget all steps but the first ones.

        Args:
            length: How many to keep.

        Raises:
            ConfigError: There are not so many.
        """
        self.steps.truncate(length)

    def reorder(self, rows: Tensor) -> None:
        """Let the batch become other rows of itself, as a beam search needs it.

        Args:
            rows: Which row each new one goes on from, (new batch,).
        """
        self.steps.reorder(rows)
        self.encoded.reorder(rows)


class _Block(Layer):
    """Parts of a block, each with a shortcut around it and a normalization."""

    passes_mask: ClassVar[bool] = True

    def __init__(
        self,
        intermediate_dim: int,
        num_heads: int,
        *,
        dropout: float,
        activation: ActivationLike,
        layer_norm_epsilon: float,
        kernel_initializer: InitializerLike,
        bias_initializer: InitializerLike,
        normalize_first: bool,
        rotary: RotaryEmbedding | None,
        name: str | None,
    ) -> None:
        super().__init__(name=name)
        where = self.where
        self.intermediate_dim = positive_integer(
            intermediate_dim, where, "intermediate_dim"
        )
        self.num_heads = positive_integer(num_heads, where, "num_heads")
        self.dropout = fraction(dropout, where, "dropout")
        self.inner_activation = get_activation(activation, where)
        self.layer_norm_epsilon = real_number(
            layer_norm_epsilon, where, "layer_norm_epsilon", minimum=0.0
        )
        self.kernel_initializer = get_initializer(
            kernel_initializer, where, "kernel_initializer"
        )
        self.bias_initializer = get_initializer(
            bias_initializer, where, "bias_initializer"
        )
        if rotary is not None and not isinstance(rotary, RotaryEmbedding):
            raise ConfigError(
                f"{where}: expected rotary to be a RotaryEmbedding or None, got "
                f"{rotary!r}. Write rotary=mica.layers.RotaryEmbedding()."
            )
        self.normalize_first = normalize_first
        self.rotary = rotary
        self.dropping = Dropout(dropout)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with a sequence: rank, type or features."""
        check_rank(self.where, shape, "batch steps features")
        check_floating(self.where, dtype)
        features = self.self_attention_norm.weight.shape[0] if self.built else None
        check_axis(self.where, shape, -1, features)
        if shape[-1] % self.num_heads:
            raise ShapeError(
                f"{self.where}: expected features that {self.num_heads} heads share "
                f"evenly, got {shape[-1]} in shape {describe(shape)}. Choose another "
                "num_heads."
            )

    def _attention(self, features: int, name: str) -> MultiHeadAttention:
        return MultiHeadAttention(
            self.num_heads,
            features // self.num_heads,
            dropout=self.dropout,
            rotary=self.rotary if name == "self_attention" else None,
            kernel_initializer=self.kernel_initializer,
            bias_initializer=self.bias_initializer,
            name=name,
        )

    def _normalization(self) -> LayerNormalization:
        return LayerNormalization(epsilon=self.layer_norm_epsilon)

    def _dense(self, units: int, activation: ActivationLike = None) -> Dense:
        return Dense(
            units,
            activation=activation,
            kernel_initializer=self.kernel_initializer,
            bias_initializer=self.bias_initializer,
        )

    def build(self, shape: Shape) -> None:
        """Make the parts for the features of `shape`."""
        features = shape[-1] or 0  # check_input has refused None
        steps = torch.empty(
            (0, 1, features), dtype=self._build_dtype, device=self._build_device
        )
        self._make_parts(features, steps)
        self.feedforward_intermediate = self._dense(
            self.intermediate_dim, self.inner_activation
        )
        self.feedforward_output = self._dense(features)
        self.feedforward_norm = self._normalization()
        self.feedforward_intermediate.ensure_built(steps)
        self.feedforward_output.ensure_built(
            steps.new_empty((0, 1, self.intermediate_dim))
        )
        self.feedforward_norm.ensure_built(steps)
        if not self.trainable:
            self.trainable = False  # the parts made just now, too

    def _make_parts(self, features: int, steps: Tensor) -> None:
        self.self_attention = self._attention(features, "self_attention")
        self.self_attention_norm = self._normalization()
        self.self_attention.ensure_built(steps)
        self.self_attention_norm.ensure_built(steps)

    def _before(self, x: Tensor, norm: Layer) -> Tensor:
        """What a part is given."""
        return norm(x) if self.normalize_first else x

    def _after(self, x: Tensor, given: Tensor, norm: Layer) -> Tensor:
        """What a part gave, joined with the shortcut around it."""
        y = x + self.dropping(given)
        return y if self.normalize_first else norm(y)

    def _think(self, x: Tensor) -> Tensor:
        """The network at each step."""
        norm = self.feedforward_norm
        hidden = self.feedforward_intermediate(self._before(x, norm))
        return self._after(x, self.feedforward_output(hidden), norm)


class TransformerEncoder(_Block):
    """A block in which every step looks at all others, then thinks for itself.

    a = norm(x + drop(attention(x)));  y = norm(a + drop(W_2 f(W_1 a + b) + b))
    a = x + drop(attention(norm(x)));  y = a + drop(W_2 f(W_1 norm(a) + b) + b)

    The second line is with ``normalize_first``; put a LayerNormalization after the last
    of such blocks. With ``use_causal_mask`` no step sees later ones: blocks for writing
    text. Steps whose mask is False are not looked at.

    Args:
        intermediate_dim: Size of the hidden layer at each step.
        num_heads: How many heads there are; divides the features.
        dropout: The chance that a weight of the attention, or a value given by a part,
            is dropped in training.
        activation: f, a name or a function.
        layer_norm_epsilon: What the normalizations add to the variance.
        kernel_initializer: First values of the weights.
        bias_initializer: First values of the biases.
        normalize_first: Whether each part is normalized before, not after it.
        use_causal_mask: Whether a step sees itself and earlier steps only.
        rotary: Turns queries and keys by their positions.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, steps, features); with ``return_attention_scores`` also the
            weights, (batch, num_heads, steps, steps)
        mask: (batch, steps), True = real
        attention_mask: as in `MultiHeadAttention`

    Parameters:
        self_attention: a `MultiHeadAttention` with heads of features / num_heads.
        self_attention_norm: a `LayerNormalization`.
        feedforward_intermediate: a `Dense` of ``intermediate_dim``.
        feedforward_output: a `Dense` of the features.
        feedforward_norm: a `LayerNormalization`.

    Cost:
        8 * batch * steps * features^2 + 4 * batch * steps^2 * features +
        4 * batch * steps * features * intermediate_dim FLOPs forward.

    Raises:
        ConfigError: A size is not a positive integer, or a rate or a name is wrong.
        ShapeError: x is not (batch, steps, features), the heads do not share the
            features evenly, or a mask does not fit.
        DataError: x is not a tensor of floating-point numbers, or a mask holds no
            truth values.

    Example:
        >>> import torch
        >>> layer = TransformerEncoder(32, 2, activation="gelu", normalize_first=True)
        >>> layer(torch.randn(1, 5, 8)).shape
        torch.Size([1, 5, 8])

    Source:
        Vaswani et al. 2017, section 3.1. ``normalize_first``: Xiong et al. 2020.
    """

    def __init__(
        self,
        intermediate_dim: int,
        num_heads: int,
        *,
        dropout: float = 0.0,
        activation: ActivationLike = "relu",
        layer_norm_epsilon: float = 1e-5,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        normalize_first: bool = False,
        use_causal_mask: bool = False,
        rotary: RotaryEmbedding | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            intermediate_dim,
            num_heads,
            dropout=dropout,
            activation=activation,
            layer_norm_epsilon=layer_norm_epsilon,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            normalize_first=normalize_first,
            rotary=rotary,
            name=name,
        )
        self.use_causal_mask = use_causal_mask

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        *,
        attention_mask: Tensor | None = None,
        return_attention_scores: bool = False,
        cache: AttentionCache | None = None,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Let every step look at the others, then apply the network to each."""
        norm = self.self_attention_norm
        found = self.self_attention(
            self._before(x, norm),
            query_mask=mask,
            attention_mask=attention_mask,
            use_causal_mask=self.use_causal_mask,
            return_attention_scores=return_attention_scores,
            cache=cache,
        )
        if return_attention_scores:
            return self._think(self._after(x, found[0], norm)), found[1]
        return self._think(self._after(x, found, norm))


class TransformerDecoder(_Block):
    """A block that writes: each step looks at earlier ones, and at an encoder's output.

    a = norm(x + drop(attention(x, no later step)))
    c = norm(a + drop(attention(a, encoded)))
    y = norm(c + drop(W_2 f(W_1 c + b) + b))

    With ``normalize_first`` each part is normalized before it, as in
    `TransformerEncoder`. Without an encoder's output, c = a: whether there is one is
    decided by the first call.

    Args:
        intermediate_dim: Size of the hidden layer at each step.
        num_heads: How many heads there are; divides the features.
        dropout: The chance that a weight of an attention, or a value given by a part,
            is dropped in training.
        activation: f, a name or a function.
        layer_norm_epsilon: What the normalizations add to the variance.
        kernel_initializer: First values of the weights.
        bias_initializer: First values of the biases.
        normalize_first: Whether each part is normalized before, not after it.
        use_causal_mask: Whether a step sees itself and earlier steps only.
        rotary: Turns queries and keys of the steps by their positions.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x, y: (batch, steps, features)
        encoded: (batch, steps of its own, features of its own)
        mask, encoded_mask: (batch, steps), True = real
        attention_mask, encoded_attention_mask: as in `MultiHeadAttention`

    Parameters:
        self_attention: a `MultiHeadAttention` with heads of features / num_heads.
        self_attention_norm: a `LayerNormalization`.
        feedforward_intermediate: a `Dense` of ``intermediate_dim``.
        feedforward_output: a `Dense` of the features.
        feedforward_norm: a `LayerNormalization`.
        With an encoder's output also cross_attention and cross_attention_norm, alike.

    Cost:
        That of a `TransformerEncoder`, and of one more attention.

    Raises:
        ConfigError: A size is not a positive integer, or a rate or a name is wrong.
        ShapeError: x is not (batch, steps, features), the heads do not share the
            features evenly, or a mask does not fit.
        StateError: An encoder's output comes, or stays away, unlike in the first call.
        DataError: x is not a tensor of floating-point numbers, or a mask holds no
            truth values.

    Example:
        >>> import torch
        >>> layer = TransformerDecoder(32, 2)
        >>> layer(torch.randn(1, 5, 8), torch.randn(1, 7, 6)).shape
        torch.Size([1, 5, 8])

    Source:
        Vaswani et al. 2017, section 3.1.
    """

    def __init__(
        self,
        intermediate_dim: int,
        num_heads: int,
        *,
        dropout: float = 0.0,
        activation: ActivationLike = "relu",
        layer_norm_epsilon: float = 1e-5,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        normalize_first: bool = False,
        use_causal_mask: bool = True,
        rotary: RotaryEmbedding | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            intermediate_dim,
            num_heads,
            dropout=dropout,
            activation=activation,
            layer_norm_epsilon=layer_norm_epsilon,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            normalize_first=normalize_first,
            rotary=rotary,
            name=name,
        )
        self.use_causal_mask = use_causal_mask
        self.cross_attention: MultiHeadAttention | None = None
        self.cross_attention_norm: LayerNormalization | None = None
        self._encoded_like: Tensor | None = None

    def ensure_built(self, *args: Any, **kwargs: Any) -> None:
        """Build for a sequence, and an encoder's output if there is one.

        Args:
            *args: What `forward` would be given, symbolic or not.
            **kwargs: Named ones.

        Raises:
            ShapeError: They do not fit the layer.
        """
        if not self.built:
            encoded = args[1] if len(args) > 1 else kwargs.get("encoded")
            if encoded is not None:
                size = encoded.shape[-1]
                self._encoded_like = torch.empty((0, 1, size), dtype=encoded.dtype)
        super().ensure_built(*args, **kwargs)

    def _make_parts(self, features: int, steps: Tensor) -> None:
        super()._make_parts(features, steps)
        if self._encoded_like is not None:
            encoded = self._encoded_like.to(steps.device)
            self.cross_attention = self._attention(features, "cross_attention")
            self.cross_attention.ensure_built(steps, encoded)
            self.cross_attention_norm = self._normalization()
            self.cross_attention_norm.ensure_built(steps)
            self._encoded_like = None

    def forward(
        self,
        x: Tensor,
        encoded: Tensor | None = None,
        mask: Tensor | None = None,
        *,
        encoded_mask: Tensor | None = None,
        attention_mask: Tensor | None = None,
        encoded_attention_mask: Tensor | None = None,
        cache: DecoderCache | None = None,
    ) -> Tensor:
        """Let each step look back, at the encoder's output, and apply the network."""
        norm = self.self_attention_norm
        found = self.self_attention(
            self._before(x, norm),
            query_mask=mask,
            attention_mask=attention_mask,
            use_causal_mask=self.use_causal_mask,
            cache=None if cache is None else cache.steps,
        )
        y = self._after(x, found, norm)
        cross, norm = self.cross_attention, self.cross_attention_norm
        if (cross is None) != (encoded is None):
            expected, got = ("no", "one") if cross is None else ("an", "none")
            raise StateError(
                f"{self.where}: expected {expected} encoder's output as in the first "
                f"call, got {got}. Use one layer for each way."
            )
        if cross is not None and norm is not None:
            found = cross(
                self._before(y, norm),
                encoded,
                value_mask=encoded_mask,
                attention_mask=encoded_attention_mask,
                cache=None if cache is None else cache.encoded,
            )
            y = self._after(y, found, norm)
        return self._think(y)
