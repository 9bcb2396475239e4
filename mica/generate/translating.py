"""Translating: texts in, texts out, by a model that reads one and writes the other."""

from collections.abc import Sequence

import torch
from torch import nn

from mica.data.text import Tokenizer, pad_sequences
from mica.errors import ConfigError, DataError
from mica.generate.beam import Beam
from mica.generate.writing import Choice, write_tokens

__all__ = ["translate"]

SPARE = 10  # tokens of a translation beyond twice its text's; ours


def translate(
    model: nn.Module,
    texts: Sequence[str],
    source_tokenizer: Tokenizer,
    target_tokenizer: Tokenizer,
    length: int | None = None,
    *,
    how: Choice | None = None,
    batch_size: int = 64,
    seed: int | None = None,
    cache: bool | None = None,
) -> list[str]:
    """Translate texts by a sequence-to-sequence model.

    Texts of similar length are translated together; the order stays.

    Args:
        model: From [source, text] to logits or probabilities of the text's next tokens.
        texts: What to translate.
        source_tokenizer: Reads the texts.
        target_tokenizer: Writes the translations; it has marks for start and end.
        length: How many tokens a translation has at most; None is twice as many as the
            longest text of its batch, and 10 more.
        how: `Greedy`, `Sampling` or `Beam`; None is ``Beam(4, length_penalty=1.0)``.
        batch_size: How many texts are translated together.
        seed: Decides what is drawn, with `Sampling`.
        cache: As in `Steps`.

    Returns:
        A translation of each text.

    Raises:
        ConfigError: A tokenizer without the marks, or a ``batch_size`` below 1.
        DataError: A text without tokens.

    Example:
        >>> import mica
        >>> from mica.data.text import WordTokenizer
        >>> english = WordTokenizer().fit(["go", "run now"])
        >>> spanish = WordTokenizer(start="[START]", end="[END]").fit(["ve", "corre"])
        >>> source = mica.Input((None,), dtype="int64")
        >>> text = mica.Input((None,), dtype="int64")
        >>> read = mica.layers.Embedding(len(english), 4, mask_zero=True)(source)
        >>> _, h, c = mica.layers.LSTM(4, return_state=True)(read)
        >>> steps = mica.layers.Embedding(len(spanish), 4, mask_zero=True)(text)
        >>> steps = mica.layers.LSTM(4, return_sequences=True)(
        ...     steps, initial_state=[h, c]
        ... )
        >>> model = mica.Model(
        ...     [source, text], mica.layers.Dense(len(spanish))(steps)
        ... )
        >>> len(translate(model, ["run", "go now"], english, spanish, 5))
        2
    """
    if isinstance(batch_size, bool) or batch_size < 1:
        raise ConfigError(
            f"translate: expected a batch_size of at least 1, got {batch_size!r}. 64 "
            "is a common choice."
        )
    start, end = target_tokenizer.start, target_tokenizer.end
    if start is None or end is None:
        raise ConfigError(
            "translate: expected a target tokenizer with marks for start and end, got "
            f"{start!r} and {end!r}. Make it with start='[START]', end='[END]'."
        )
    rows = source_tokenizer.encode(list(texts))
    for place, row in enumerate(rows):
        if not row:
            raise DataError(
                f"translate: expected texts with tokens in them, got {texts[place]!r} "
                f"at place {place}. Leave it out."
            )
    how = Beam(4, length_penalty=1.0) if how is None else how
    marks = (target_tokenizer.padding, target_tokenizer.unknown, start)
    forbidden = [target_tokenizer.number(mark) for mark in marks if mark is not None]
    order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
    translated = [""] * len(rows)
    for first in range(0, len(order), batch_size):
        places = order[first : first + batch_size]
        padded = pad_sequences(
            [rows[place] for place in places], dtype="int64", padding="post"
        )
        written = write_tokens(
            model,
            [[target_tokenizer.number(start)]] * len(places),
            2 * padded.shape[1] + SPARE if length is None else length,
            how=how,
            source=torch.from_numpy(padded),
            end=target_tokenizer.number(end),
            forbidden=forbidden,
            seed=seed,
            cache=cache,
        )
        for place, text in zip(places, target_tokenizer.decode(written), strict=True):
            translated[place] = text
    return translated
