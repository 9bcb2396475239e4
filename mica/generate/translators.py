"""Translators: models that read one text and write another, ready to be trained."""

from torch.nn import functional

from mica import layers
from mica.errors import ConfigError
from mica.layers.arguments import fraction, positive_integer
from mica.layers.random_initializers import RandomNormal
from mica.model import Model

__all__ = ["lstm_translator", "transformer_translator"]

EPSILON = 1e-5  # torch's


def lstm_translator(
    source_vocabulary: int,
    target_vocabulary: int,
    *,
    width: int = 256,
    embedding_dim: int = 256,
    dropout: float = 0.0,
) -> Model:
    """Make a pair of LSTMs: one reads, the other goes on from its last state.

    h, c = LSTM(source);  h_t, c_t = LSTM(text_t, h_(t-1), c_(t-1)), h_0, c_0 = h, c
    logits_t = W h_t + b

    0 is padding in both texts. In training the text is the right one, a step behind
    its target (teacher forcing).

    Args:
        source_vocabulary: How many tokens the source has.
        target_vocabulary: How many tokens the text has.
        width: Size of both states.
        embedding_dim: Size of a token's vector.
        dropout: The chance that a feature is dropped in training.

    Shape:
        source, text: (batch, time), whole numbers
        logits: (batch, time of the text, target_vocabulary)

    Returns:
        A model of [source, text], not compiled; its loss is
        ``SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)``.

    Raises:
        ConfigError: A size that is no positive integer, or a rate that is none.

    Example:
        >>> import torch
        >>> model = lstm_translator(9, 7, width=8, embedding_dim=4)
        >>> model(torch.tensor([[3, 4, 0]]), torch.tensor([[1, 2]])).shape
        torch.Size([1, 2, 7])

    Source:
        Sutskever, Vinyals & Le 2014, section 2.
    """
    where = "lstm_translator"
    sizes = (source_vocabulary, target_vocabulary, width, embedding_dim)
    names = ("source_vocabulary", "target_vocabulary", "width", "embedding_dim")
    for size, name in zip(sizes, names, strict=True):
        positive_integer(size, where, name)
    rate = fraction(dropout, where, "dropout")
    source = layers.Input((None,), dtype="int64", name="source")
    text = layers.Input((None,), dtype="int64", name="text")
    read = layers.Embedding(source_vocabulary, embedding_dim, mask_zero=True)(source)
    if rate:
        read = layers.Dropout(rate)(read)
    _, h, c = layers.LSTM(width, return_state=True)(read)
    steps = layers.Embedding(target_vocabulary, embedding_dim, mask_zero=True)(text)
    if rate:
        steps = layers.Dropout(rate)(steps)
    writer = layers.LSTM(width, return_sequences=True)
    steps = writer(steps, initial_state=[h, c])
    if rate:
        steps = layers.Dropout(rate)(steps)
    return Model([source, text], layers.Dense(target_vocabulary)(steps))


def transformer_translator(
    source_vocabulary: int,
    target_vocabulary: int,
    *,
    depth: int = 2,
    num_heads: int = 4,
    width: int = 128,
    hidden: int | None = None,
    dropout: float = 0.1,
) -> Model:
    """Make an encoder that reads and a decoder that writes, looking at what was read.

    e = norm(encoder_n(... encoder_1(embedding[source] + waves)))
    d = norm(decoder_n(... decoder_1(embedding[text] + waves, e)))
    logits = d E^T, E = the text's embedding

    0 is padding in both texts and is not looked at; no step of the text sees later
    ones. The blocks are normalized before their parts.

    Args:
        source_vocabulary: How many tokens the source has.
        target_vocabulary: How many tokens the text has.
        depth: How many blocks encoder and decoder have, each.
        num_heads: How many heads a block has; divides ``width``.
        width: Features of each step.
        hidden: Size of the hidden layer of a block; None is 4 ``width``.
        dropout: The chance that a value is dropped in training.

    Shape:
        source, text: (batch, time), whole numbers
        logits: (batch, time of the text, target_vocabulary)

    Returns:
        A model of [source, text], not compiled; its loss is
        ``SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)``.

    Raises:
        ConfigError: A size that is no positive integer, heads that do not divide the
            width, or a rate that is none.

    Example:
        >>> import torch
        >>> model = transformer_translator(9, 7, num_heads=2, width=8)
        >>> model(torch.tensor([[3, 4, 0]]), torch.tensor([[1, 2]])).shape
        torch.Size([1, 2, 7])

    Source:
        Vaswani et al. 2017, section 3; normalized before: Xiong et al. 2020.
    """
    where = "transformer_translator"
    sizes = (source_vocabulary, target_vocabulary, depth, num_heads, width)
    names = ("source_vocabulary", "target_vocabulary", "depth", "num_heads", "width")
    for size, name in zip(sizes, names, strict=True):
        positive_integer(size, where, name)
    rate = fraction(dropout, where, "dropout")
    inner = 4 * width if hidden is None else positive_integer(hidden, where, "hidden")
    if width % num_heads:
        raise ConfigError(
            f"{where}: expected a width that {num_heads} heads share evenly, got "
            f"{width}. Choose {width - width % num_heads + num_heads}."
        )
    # Vectors of length 1 on the way out; times the root of the width on the way in.
    normal = RandomNormal(stddev=width**-0.5)

    def begin(tokens: layers.SymbolicTensor, embedding: layers.Embedding):
        x = layers.Rescaling(width**0.5)(embedding(tokens))
        x = layers.SinusoidalPositionEncoding()(x)
        return layers.Dropout(rate)(x) if rate else x

    options = {
        "dropout": rate,
        "layer_norm_epsilon": EPSILON,
        "normalize_first": True,
    }
    source = layers.Input((None,), dtype="int64", name="source")
    text = layers.Input((None,), dtype="int64", name="text")
    of_source, of_text = (
        layers.Embedding(
            size, width, embeddings_initializer=normal, mask_zero=True, name=name
        )
        for size, name in (
            (source_vocabulary, "source_embedding"),
            (target_vocabulary, "text_embedding"),
        )
    )
    encoded = begin(source, of_source)
    for _ in range(depth):
        encoded = layers.TransformerEncoder(inner, num_heads, **options)(encoded)
    encoded = layers.LayerNormalization(epsilon=EPSILON)(encoded)
    steps = begin(text, of_text)
    for _ in range(depth):
        steps = layers.TransformerDecoder(inner, num_heads, **options)(steps, encoded)
    steps = layers.LayerNormalization(epsilon=EPSILON)(steps)
    return Model([source, text], functional.linear(steps, of_text.weight))
