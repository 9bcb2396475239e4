"""Words as vectors: word2vec with negative sampling."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from mica.errors import ConfigError, DataError, near_misses

__all__ = ["WordVectors"]


class WordVectors(TransformerMixin, BaseEstimator):
    """Learns a vector for each word by filling blanks (continuous bag of words).

    h = mean of the vectors of the words around the blank
    loss = -log sigmoid(u_right h) - sum of log sigmoid(-u_wrong h)

    The right word is scored beside a few wrong ones, drawn by how often they occur to
    the power 3/4. Words that fit the same blanks come to have similar vectors.

    Args:
        size: Numbers in a vector.
        window: How many words on each side of the blank are seen.
        num_negative: Wrong words beside each right one.
        min_count: Rarer words are left out.
        epochs: How often to go through all texts.
        learning_rate: Step for one blank; it falls to a tenth until the end.
        batch_size: Blanks per step; what they ask of one word is added.
        random_state: Seed or generator of first vectors, order and wrong words.

    Shape:
        X: (texts,), each a string to be split at blanks, or a sequence of words
        transform: (texts, size), the mean vector of each text's known words

    Raises:
        ConfigError: A count among the arguments is below 1.
        DataError: A text is neither a string nor made of strings, or no word occurs
            often enough.

    Example:
        >>> texts = ["the cat sat on the mat", "the dog sat on the mat"] * 20
        >>> model = WordVectors(8, epochs=20, random_state=0).fit(texts)
        >>> model.nearest("cat", count=1)[0][0]
        'dog'

    Source:
        Mikolov et al., Distributed representations of words and phrases and their
        compositionality, 2013, eq. 4; Trask, Grokking Deep Learning, chapter 11.
    """

    def __init__(
        self,
        size: int = 50,
        *,
        window: int = 2,
        num_negative: int = 5,
        min_count: int = 1,
        epochs: int = 5,
        learning_rate: float = 0.05,
        batch_size: int = 32,
        random_state: Any = None,
    ):
        self.size = size
        self.window = window
        self.num_negative = num_negative
        self.min_count = min_count
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.random_state = random_state

    def fit(self, X: Iterable[str | Sequence[str]], y: Any = None) -> Self:
        """Learn from texts."""
        names = ("size", "window", "num_negative", "min_count", "epochs", "batch_size")
        for name in names:
            if getattr(self, name) < 1:
                raise ConfigError(
                    f"WordVectors: expected {name} of at least 1, got "
                    f"{getattr(self, name)}. Raise it."
                )
        texts = [_words(text, number) for number, text in enumerate(X)]
        counts = Counter(word for text in texts for word in text)
        # Frequent words first; of equally frequent ones, by the alphabet.
        frequent = sorted(counts, key=lambda word: (-counts[word], word))
        self.words_ = [word for word in frequent if counts[word] >= self.min_count]
        self.positions_ = {word: place for place, word in enumerate(self.words_)}
        blanks, around = self._blanks(texts)
        if len(blanks) == 0:
            raise DataError(
                "WordVectors: expected texts in which 2 words of the vocabulary stand "
                f"side by side, got {len(texts)} texts and a vocabulary of "
                f"{len(self.words_)}. Give more text, or lower min_count."
            )

        random = check_random_state(self.random_state)
        shape = (len(self.words_), self.size)
        # A last row for the places beyond a text's ends: it stays zero.
        vectors = np.vstack(
            [random.uniform(-0.5, 0.5, shape) / self.size, [[0.0] * self.size]]
        )
        outputs = np.zeros(shape)
        chance = np.array([counts[word] for word in self.words_]) ** 0.75
        chance /= chance.sum()
        seen = (around < len(self.words_)).sum(1, keepdims=True)

        self.losses_ = []
        for epoch in range(self.epochs):
            rate = self.learning_rate * (1 - 0.9 * epoch / self.epochs)
            order, total = random.permutation(len(blanks)), 0.0
            for first in range(0, len(order), self.batch_size):
                batch = order[first : first + self.batch_size]
                wrong = random.choice(
                    len(self.words_), (len(batch), self.num_negative), p=chance
                )
                asked = np.hstack([blanks[batch, None], wrong])  # (B, 1 + negative)
                hidden = vectors[around[batch]].sum(1) / seen[batch]  # (B, size)
                score = np.einsum("bns,bs->bn", outputs[asked], hidden)
                right = np.zeros_like(score)
                right[:, 0] = 1
                # A wrong word that happens to be the right one teaches nothing.
                counted = (asked != blanks[batch, None]) | (right == 1)
                delta = (expit(score) - right) * counted  # (B, 1 + negative)
                signed = np.where(right == 1, score, -score)
                total += (np.logaddexp(0, -signed) * counted).sum()
                back = np.einsum("bn,bns->bs", delta, outputs[asked]) / seen[batch]
                change = delta[:, :, None] * hidden[:, None, :]
                np.add.at(outputs, asked, -rate * change)
                np.add.at(vectors, around[batch], -rate * back[:, None, :])
                vectors[-1] = 0
            self.losses_.append(total / len(blanks))
        self.vectors_ = vectors[:-1]
        return self

    def transform(self, X: Iterable[str | Sequence[str]]) -> np.ndarray:
        """The mean vector of each text's known words; zeros where there is none."""
        check_is_fitted(self)
        rows = []
        for number, text in enumerate(X):
            known = [w for w in _words(text, number) if w in self.positions_]
            places = [self.positions_[word] for word in known]
            found = self.vectors_[places]
            rows.append(found.mean(0) if known else np.zeros(self.size))
        return np.array(rows).reshape(-1, self.size)

    def vector(self, word: str) -> np.ndarray:
        """One word's vector.

        Args:
            word: A word of the vocabulary.

        Shape:
            result: (size,)

        Raises:
            DataError: The word is not in the vocabulary.
        """
        check_is_fitted(self)
        if word not in self.positions_:
            raise DataError(
                f"WordVectors: expected one of the {len(self.words_)} words learned, "
                f"got {word!r}. {near_misses(word, self.words_[:1000])}"
            )
        return self.vectors_[self.positions_[word]]

    def nearest(self, word: str, count: int = 10) -> list[tuple[str, float]]:
        """The words most like `word`, with the cosine of the angle between them.

        Args:
            word: A word of the vocabulary.
            count: How many to give.

        Raises:
            DataError: The word is not in the vocabulary.
        """
        return self._like(self.vector(word), {word}, count)

    def analogy(
        self, positive: Sequence[str], negative: Sequence[str], count: int = 10
    ) -> list[tuple[str, float]]:
        """The words nearest to a sum of vectors: king + woman - man is like queen.

        Args:
            positive: Words to add.
            negative: Words to take off.
            count: How many to give.

        Raises:
            DataError: A word is not in the vocabulary.
        """
        # Each word counts the same, however long its vector is.
        added = [_unit(self.vector(word)) for word in positive]
        taken = [-_unit(self.vector(word)) for word in negative]
        target = np.sum(added + taken, axis=0)
        return self._like(target, {*positive, *negative}, count)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags

    def _blanks(self, texts: list[list[str]]) -> tuple[np.ndarray, np.ndarray]:
        """Every word, and the words around it: (blanks,) and (blanks, 2 window)."""
        nothing = len(self.words_)
        blanks, around = [], []
        for text in texts:
            known = [self.positions_[word] for word in text if word in self.positions_]
            if len(known) > 1:
                edge = [nothing] * self.window
                padded = np.array([*edge, *known, *edge])
                view = np.lib.stride_tricks.sliding_window_view(
                    padded, 2 * self.window + 1
                )
                blanks.append(view[:, self.window])
                around.append(np.delete(view, self.window, axis=1))
        if not blanks:
            return np.empty(0, int), np.empty((0, 2 * self.window), int)
        return np.concatenate(blanks), np.concatenate(around)

    def _like(
        self, target: np.ndarray, without: set[str], count: int
    ) -> list[tuple[str, float]]:
        lengths = np.linalg.norm(self.vectors_, axis=1)
        cosines = self.vectors_ @ _unit(target) / np.maximum(lengths, 1e-300)
        order = np.argsort(-cosines, kind="stable")
        found = [(self.words_[i], float(cosines[i])) for i in order]
        return [pair for pair in found if pair[0] not in without][:count]


def _words(text: str | Sequence[str], number: int) -> list[str]:
    """The words of one text."""
    words = text.split() if isinstance(text, str) else text
    wrong = (
        [word for word in words if not isinstance(word, str)]
        if np.iterable(words)
        else [words]
    )
    if wrong:
        raise DataError(
            "WordVectors: expected each text to be a string or a list of words, got "
            f"{type(wrong[0]).__name__} in text {number}. Convert it to strings."
        )
    return list(words)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-300)
