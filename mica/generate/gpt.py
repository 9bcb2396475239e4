"""GPT: a decoder-only Transformer that says what comes next, as a model to train."""

from typing import Literal

from torch.nn import functional

from mica import layers
from mica.errors import ConfigError
from mica.layers.arguments import fraction, one_of, positive_integer
from mica.layers.random_initializers import RandomNormal
from mica.model import Model

__all__ = ["gpt"]

DEVIATION = 0.02  # of first weights: Radford et al. 2018, section 4.1
EPSILON = 1e-5  # torch's and GPT-2's


def gpt(
    vocabulary: int,
    *,
    depth: int = 4,
    num_heads: int = 4,
    width: int = 128,
    window: int = 64,
    dropout: float = 0.0,
    positions: Literal["learned", "rotary"] = "learned",
    tied: bool = True,
) -> Model:
    """Make a Transformer that writes: each step sees itself and earlier steps only.

    x = embedding[tokens] + position;  x = block_n(... block_1(x))
    logits = LayerNormalization(x) E^T, E = embedding (tied) or a matrix of its own

    The blocks are normalized before their parts. With rotary positions nothing limits
    the length of a text but what it was trained on.

    Args:
        vocabulary: How many tokens there are.
        depth: How many blocks.
        num_heads: How many heads each has; divides ``width``.
        width: Features of each step.
        window: How many positions are learned; not needed for rotary ones.
        dropout: The chance that a value is dropped in training.
        positions: "learned" or "rotary".
        tied: Whether the embedding's vectors are the last matrix, too.

    Shape:
        tokens: (batch, time), whole numbers
        logits: (batch, time, vocabulary)

    Returns:
        A model, not compiled; its loss is
        ``SparseCategoricalCrossentropy(from_logits=True)``.

    Raises:
        ConfigError: A size that is no positive integer, heads that do not divide the
            width, or another word for the positions.

    Example:
        >>> import torch
        >>> model = gpt(65, depth=2, num_heads=2, width=16, window=8)
        >>> model(torch.tensor([[1, 2, 3]])).shape
        torch.Size([1, 3, 65])

    Source:
        Radford et al. 2019, Language models are unsupervised multitask learners,
        section 2.3; rotary positions: Su et al. 2021; tied: Press & Wolf 2017.
    """
    vocabulary = positive_integer(vocabulary, "gpt", "vocabulary")
    depth = positive_integer(depth, "gpt", "depth")
    num_heads = positive_integer(num_heads, "gpt", "num_heads")
    width = positive_integer(width, "gpt", "width")
    dropout = fraction(dropout, "gpt", "dropout")
    one_of(positions, ("learned", "rotary"), "gpt", "positions")
    if width % num_heads:
        raise ConfigError(
            f"gpt: expected a width that {num_heads} heads share evenly, got {width}. "
            f"Choose {width - width % num_heads + num_heads}."
        )
    normal = RandomNormal(stddev=DEVIATION)
    tokens = layers.Input((None,), dtype="int64", name="tokens")
    embedding = layers.Embedding(vocabulary, width, embeddings_initializer=normal)
    x = embedding(tokens)
    rotary = None
    if positions == "rotary":
        rotary = layers.RotaryEmbedding()
    else:
        x = layers.PositionEmbedding(window, initializer=normal)(x)
    if dropout:
        x = layers.Dropout(dropout)(x)
    for _ in range(depth):
        block = layers.TransformerEncoder(
            4 * width,
            num_heads,
            dropout=dropout,
            activation="gelu",
            layer_norm_epsilon=EPSILON,
            kernel_initializer=normal,
            normalize_first=True,
            use_causal_mask=True,
            rotary=rotary,
        )
        x = block(x)
    x = layers.LayerNormalization(epsilon=EPSILON)(x)
    if tied:
        return Model(tokens, functional.linear(x, embedding.weight))
    head = layers.Dense(vocabulary, use_bias=False, kernel_initializer=normal)
    return Model(tokens, head(x))
