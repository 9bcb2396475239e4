"""GroupedQueryAttention: heads that look, sharing fewer that are looked at."""

from mica.errors import ConfigError
from mica.layers.arguments import positive_integer
from mica.layers.constraints import ConstraintLike
from mica.layers.heads import HeadedAttention
from mica.layers.initializers import InitializerLike
from mica.layers.positions import RotaryEmbedding
from mica.layers.regularizers import RegularizerLike

__all__ = ["GroupedQueryAttention"]


class GroupedQueryAttention(HeadedAttention):
    """Attention in which several heads of queries share the keys and values of one.

    head_h = softmax(Q_h K_g^T / sqrt(head_dim)) V_g,  g = h // (heads per group)
    y = [head_1, ..., head_n] W^O + b

    Fewer keys and values make a smaller `AttentionCache`. One head of keys is
    multi-query attention; as many as of queries is `MultiHeadAttention`.

    Args:
        head_dim: Size of a head. At least 1.
        num_query_heads: How many heads look.
        num_key_value_heads: How many heads are looked at; divides ``num_query_heads``.
        dropout: The chance that a weight is dropped in training.
        use_bias: Whether the projections add a bias.
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
        query: (batch, queries, features)
        value, key: (batch, keys, features of their own)
        query_mask, value_mask, key_mask: (batch, queries), (batch, keys), True = real
        attention_mask: (batch, queries, keys), (queries, keys) or
            (batch, heads, queries, keys), True = may look
        y: (batch, queries, features); with ``return_attention_scores`` also the
            weights, (batch, num_query_heads, queries, keys)

    Parameters:
        query_dense: weight (num_query_heads * head_dim, features), uniform in
            +-sqrt(6 / (num_query_heads * head_dim + features)); bias, zeros.
        key_dense: the same, num_key_value_heads * head_dim, for the key.
        gate_dense: the same, num_query_heads * head_dim, for the gate. With
            ``use_gate``.
        value_dense: the same, num_key_value_heads * head_dim, for the value.
        output_dense: weight (features, num_query_heads * head_dim), the same; bias,
            zeros.

    Cost:
        Four matrix products, and 4 * batch * queries * keys * num_query_heads *
        head_dim FLOPs forward.

    Raises:
        ConfigError: A size is not a positive integer, the heads cannot be shared
            evenly, or a rate or a name is wrong.
        ShapeError: The query, the value, the key or a mask does not fit.
        DataError: A tensor holds no floating-point numbers, or a mask no truth values.

    Example:
        >>> import torch
        >>> layer = GroupedQueryAttention(4, 6, 2)
        >>> layer(torch.randn(1, 3, 8)).shape
        torch.Size([1, 3, 8])

    Source:
        Ainslie et al. 2023, section 2.2.
    """

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        *,
        dropout: float = 0.0,
        use_bias: bool = True,
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
        self.head_dim = positive_integer(head_dim, where, "head_dim")
        heads = positive_integer(num_query_heads, where, "num_query_heads")
        shared = positive_integer(num_key_value_heads, where, "num_key_value_heads")
        if heads % shared:
            raise ConfigError(
                f"{where}: expected num_query_heads to be a multiple of "
                f"num_key_value_heads, got {heads} and {shared}. Choose for example "
                f"num_query_heads={shared * max(1, heads // shared)}."
            )
        self.num_query_heads, self.num_key_value_heads = heads, shared
        self.prepare(
            heads=heads,
            key_heads=shared,
            key_dim=self.head_dim,
            value_dim=self.head_dim,
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
        )
