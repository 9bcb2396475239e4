"""Which terms occur in each of many texts, as sorted numbers."""

from collections.abc import Sequence

import numpy as np

from mica.layers import TextVectorization

__all__ = ["distinct_terms"]

MARKS = 2  # of mode "int": 0 is padding, 1 a term that is not in the vocabulary


def distinct_terms(
    vectorization: TextVectorization, texts: Sequence[str] | np.ndarray
) -> list[np.ndarray]:
    """Number the terms of texts, each term once, unknown ones left out.

    Args:
        vectorization: A layer in mode "int" that has learned its vocabulary.
        texts: The texts.

    Returns:
        For each text the numbers of its terms, rising; from 2 on.

    Example:
        >>> layer = TextVectorization(vocabulary=["not", "bad", "not bad"], ngrams=2)
        >>> distinct_terms(layer, ["Not bad, not bad at all", "So?"])
        [array([2, 3, 4]), array([], dtype=int64)]
    """
    rows = []
    for text in texts:
        numbers = np.unique(vectorization.read([text])[0].numpy())
        rows.append(numbers[numbers >= MARKS])
    return rows
