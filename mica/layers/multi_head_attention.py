"""MultiHeadAttention: several heads, each of which looks at its own projection."""

from collections.abc import Sequence
from typing import Any

from mica.errors import ConfigError
from mica.layers.arguments import integer, positive_integer
from mica.layers.constraints import ConstraintLike
from mica.layers.heads import HeadedAttention
from mica.layers.initializers import InitializerLike
from mica.layers.positions import RotaryEmbedding
from mica.layers.regularizers import RegularizerLike

__all__ = ["MultiHeadAttention"]


def _sizes(value: Any, where: str) -> tuple[int, ...] | None:
    if value is None:
        return None
    several = value if isinstance(value, (list, tuple)) else [value]
    if not several:
        raise ConfigError(
            f"{where}: expected output_shape to hold at least one size, got {value!r}. "
            "Write None for the size of the query."
        )
    return tuple(positive_integer(size, where, "output_shape") for size in several)


def _axes(value: Any, where: str) -> tuple[int, ...] | None:
    if value is None:
        return None
    several = value if isinstance(value, (list, tuple)) else [value]
    axes = tuple(integer(axis, where, "attention_axes") for axis in several)
    if not axes or len(set(axes)) < len(axes):
        raise ConfigError(
            f"{where}: expected attention_axes to be different axes, got {value!r}. "
            "Write None for all axes between the batch and the features."
        )
    return axes


class MultiHeadAttention(HeadedAttention):
    """Attention of several heads: each step gathers what it needs from other steps.

    head_h = softmax(Q_h K_h^T / sqrt(key_dim)) V_h
    Q_h = q W_h^Q + b,  K_h = k W_h^K + b,  V_h = v W_h^V + b
    y = [head_1, ..., head_n] W^O + b

    Called with a query alone, a sequence looks at itself; without a key the value is
    the key. A step whose mask is False is not looked at; a query that may look at
    nothing gets 0 from every head. The numbers of padded queries mean nothing: the
    query's mask goes on with the output.

    Args:
        num_heads: How many heads there are. At least 1.
        key_dim: Size of a head's queries and keys. At least 1.
        value_dim: Size of a head's values; None means ``key_dim``.
        dropout: The chance that a weight is dropped in training.
        use_bias: Whether to add the b.
        output_shape: Size, or sizes, of y's last axis; None means that of the query.
        attention_axes: Axes that are looked along; None means all between the batch
            and the features.
        sliding_window: How near a step must be to be seen, itself included; None for
            any distance.
        use_gate: Whether the heads are multiplied by sigmoid(q W^G + b) before W^O.
        rotary: Turns queries and keys by their positions.
        seed: Where the dropout's own random numbers begin; None draws from torch's.
        kernel_initializer: First values of the projections' weights.
        bias_initializer: First values of their biases.
        kernel_regularizer: What the weights cost, added to the loss.
        bias_regularizer: What the biases cost.
        activity_regularizer: What the output of each projection costs.
        kernel_constraint: What the weights must be after each update.
        bias_constraint: What the biases must be.
        name: What the layer is called; `None` lets the model choose.

    Shape:
        query: (batch, *queries, features)
        value: (batch, *keys, features of its own)
        key: (batch, *keys, features of its own)
        query_mask, value_mask, key_mask: (batch, queries), (batch, keys), True = real
        attention_mask: (batch, queries, keys), (queries, keys) or
            (batch, heads, queries, keys), True = may look
        y: (batch, *queries, features); with ``return_attention_scores`` also the
            weights, (batch, heads, queries, keys)

    Parameters:
        query_dense: weight (num_heads * key_dim, features), uniform in
            +-sqrt(6 / (num_heads * key_dim + features)); bias, zeros.
        key_dense: the same for the key.
        gate_dense: the same for the gate, num_heads * value_dim. With ``use_gate``.
        value_dense: the same for the value, num_heads * value_dim.
        output_dense: weight (outputs, num_heads * value_dim), the same; bias, zeros.

    Cost:
        Four matrix products, and 2 * batch * queries * keys * num_heads *
        (key_dim + value_dim) FLOPs forward. The weights are stored only when they are
        asked for, or dropped by a seed of the layer's own.

    Raises:
        ConfigError: A size is not a positive integer, or a rate, an axis or a name is
            wrong.
        ShapeError: The query, the value, the key or a mask does not fit.
        DataError: A tensor holds no floating-point numbers, or a mask no truth values.

    Example:
        >>> import torch
        >>> layer = MultiHeadAttention(2, 4)
        >>> x, context = torch.randn(1, 3, 8), torch.randn(1, 5, 6)
        >>> layer(x, context).shape
        torch.Size([1, 3, 8])
        >>> y, weights = MultiHeadAttention(2, 4)(x, return_attention_scores=True)
        >>> weights.shape
        torch.Size([1, 2, 3, 3])

    Source:
        Vaswani et al. 2017, section 3.2.2. Initialisation: Glorot & Bengio 2010,
        eq. 16, of each whole projection; Keras counts the axes of its kernels.
        Gate: Qiu et al. 2025, section 3.
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        *,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        attention_axes: int | Sequence[int] | None = None,
        sliding_window: int | None = None,
        use_gate: bool = False,
        rotary: RotaryEmbedding | None = None,
        seed: int | None = None,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        where = self.where
        self.num_heads = positive_integer(num_heads, where, "num_heads")
        self.key_dim = positive_integer(key_dim, where, "key_dim")
        self.value_dim = self.key_dim
        if value_dim is not None:
            self.value_dim = positive_integer(value_dim, where, "value_dim")
        self.output_shape = _sizes(output_shape, where)
        self.attention_axes = _axes(attention_axes, where)
        self.prepare(
            heads=self.num_heads,
            key_heads=self.num_heads,
            key_dim=self.key_dim,
            value_dim=self.value_dim,
            dropout=dropout,
            seed=seed,
            sliding_window=sliding_window,
            rotary=rotary,
            use_gate=use_gate,
            projection={
                "use_bias": use_bias,
                "kernel_initializer": kernel_initializer,
                "bias_initializer": bias_initializer,
                "kernel_regularizer": kernel_regularizer,
                "bias_regularizer": bias_regularizer,
                "activity_regularizer": activity_regularizer,
                "kernel_constraint": kernel_constraint,
                "bias_constraint": bias_constraint,
            },
            output_shape=self.output_shape,
            attention_axes=self.attention_axes,
        )
