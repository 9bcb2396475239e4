"""Counted tokenizers: words, characters or runs of them, the most frequent first."""

import abc
import re
from collections.abc import Iterator, Sequence
from typing import Any

from mica.data.text.tokenizer import Tokenizer, check_limit
from mica.errors import ConfigError, DataError
from mica.text import (
    Vocabulary,
    count_tokens,
    most_frequent,
    ngrams,
    split_characters,
    split_words,
    split_words_and_marks,
    standardize,
)

__all__ = ["CharacterTokenizer", "NGramTokenizer", "WordTokenizer"]

PIECE_CHARACTERS = 2**20  # longer texts are split piece by piece, to spare memory; ours
_BLANK = re.compile(r"\s")
_SPLITS = {"whitespace": split_words, "words_and_marks": split_words_and_marks}


def _pieces(text: str) -> Iterator[str]:
    """A long text cut before blanks, where no word can be."""
    start = 0
    while len(text) - start > PIECE_CHARACTERS:
        blank = _BLANK.search(text, start + PIECE_CHARACTERS)
        end = len(text) if blank is None else blank.start()
        yield text[start:end]
        start = end
    yield text[start:]


class _Counted(Tokenizer):
    """A tokenizer whose vocabulary are the most frequent tokens."""

    limit: int | None
    minimum_count: int
    standardize: str | Sequence[str] | None

    def _set(
        self,
        limit: int | None,
        minimum_count: int,
        how: str | Sequence[str] | None,
        marks: tuple[str, str | None, str | None, str | None],
    ) -> None:
        name = type(self).__name__
        self._set_marks(*marks)
        check_limit(limit, len(self.marks) + 1, name)
        if not isinstance(minimum_count, int) or minimum_count < 1:
            raise ConfigError(
                f"{name}: expected minimum_count to be a whole number of at least 1, "
                f"got {minimum_count!r}. 1 keeps every token."
            )
        standardize("", how)  # refuses unknown names now
        self.limit, self.minimum_count = limit, minimum_count
        self.standardize = how
        self._vocabulary: Vocabulary | None = None

    @abc.abstractmethod
    def _split(self, text: str) -> list[str]:
        """Cut a standardised text into tokens."""

    def _parts(self, text: str) -> Iterator[list[str]]:
        """The tokens of a text, those of a long one in parts."""
        return map(self._split, _pieces(standardize(text, self.standardize)))

    def tokens(self, text: str) -> list[str]:
        """Cut a text into tokens, standardised.

        Args:
            text: Any text.

        Returns:
            The tokens, known or not.

        Example:
            >>> WordTokenizer().tokens("The cat sat.")
            ['the', 'cat', 'sat']
            >>> NGramTokenizer(sizes=[3], unit="character").tokens("abcd")
            ['abc', 'bcd']
        """
        return [token for part in self._parts(text) for token in part]

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Every token in the order of its number: marks, then the most frequent."""
        return self.marks if self._vocabulary is None else self._vocabulary.tokens

    def _learn(self, texts: list[str]) -> None:
        counts = count_tokens(part for text in texts for part in self._parts(text))
        for mark in self.marks:
            counts.pop(mark, None)
        room = None if self.limit is None else self.limit - len(self.marks)
        kept = most_frequent(counts, room, minimum_count=self.minimum_count)
        self._vocabulary = Vocabulary([*self.marks, *kept], unknown=self.unknown)

    def _encode(self, texts: list[str]) -> list[list[int]]:
        vocabulary = self._vocabulary
        assert vocabulary is not None
        marks = set(self.marks)
        encoded = []
        for text in texts:
            numbers: list[int] = []
            for tokens in self._parts(text):
                if not marks.isdisjoint(tokens):
                    tokens = [self._not_a_mark(token) for token in tokens]
                numbers += vocabulary.numbers(tokens)
            encoded.append(numbers)
        return encoded

    def _not_a_mark(self, token: str) -> str:
        if token not in self.marks:
            return token
        if self.unknown is None:
            raise DataError(
                f"{type(self).__name__}.encode: expected texts without the marks "
                f"{', '.join(map(repr, self.marks))}, got {token!r} in one. Choose "
                "other marks, or keep one for the unknown."
            )
        return self.unknown

    def _words(self, numbers: list[int]) -> list[str]:
        assert self._vocabulary is not None
        return self._vocabulary.words(numbers)

    def _state(self) -> Any:
        if self._vocabulary is None:
            return None
        return list(self._vocabulary.tokens[len(self.marks) :])

    def _restore(self, state: Any) -> None:
        if not isinstance(state, list) or not all(isinstance(t, str) for t in state):
            raise ValueError
        self._vocabulary = Vocabulary([*self.marks, *state], unknown=self.unknown)


class WordTokenizer(_Counted):
    """Words as numbers: the most frequent ones first, as in Keras.

    Args:
        limit: Number of tokens at most, marks among them; None keeps all.
        standardize: What is made one before splitting (see `mica.text.standardize`).
        split: "whitespace", or "words_and_marks", which keeps punctuation as tokens
            (give ``standardize="lower"`` with it) and emoji whole.
        minimum_count: Rarer words are unknown.
        padding: The mark for padding; its number is 0.
        unknown: The mark for words that are not in the vocabulary; None makes them a
            mistake.
        start: The mark before every text; None puts none.
        end: The mark after every text; None puts none.

    Raises:
        ConfigError: An unknown name, a limit that leaves no room, marks that are equal.

    Example:
        >>> tokenizer = WordTokenizer(limit=4).fit(["The cat sat.", "The cat!"])
        >>> tokenizer.vocabulary
        ('', '[UNK]', 'the', 'cat')
        >>> tokenizer.decode(tokenizer.encode("the dog"))
        'the [UNK]'

    Source:
        Order and defaults: Keras 3, TextVectorization.
    """

    def __init__(
        self,
        limit: int | None = None,
        *,
        standardize: str | Sequence[str] | None = "lower_and_strip_punctuation",
        split: str = "whitespace",
        minimum_count: int = 1,
        padding: str = "",
        unknown: str | None = "[UNK]",
        start: str | None = None,
        end: str | None = None,
    ) -> None:
        if split not in _SPLITS:
            raise ConfigError(
                f"WordTokenizer: expected split to be one of {', '.join(_SPLITS)}, got "
                f"{split!r}. CharacterTokenizer splits into characters."
            )
        self.split = split
        marks = (padding, unknown, start, end)
        self._set(limit, minimum_count, standardize, marks)

    def _split(self, text: str) -> list[str]:
        return _SPLITS[self.split](text)

    def _decode(self, numbers: list[int]) -> str:
        return " ".join(self._words(numbers))


class CharacterTokenizer(_Counted):
    """Characters as numbers, for models that write letter by letter.

    Known characters come back exactly: ``decode(encode(text)) == text``, unless
    ``standardize`` changed the text.

    Args:
        limit: Number of tokens at most, marks among them; None keeps all.
        standardize: What is made one before splitting; None leaves the text.
        minimum_count: Rarer characters are unknown.
        padding: The mark for padding; its number is 0.
        unknown: The mark for other characters; None makes them a mistake.
        start: The mark before every text; None puts none.
        end: The mark after every text; None puts none.

    Raises:
        ConfigError: An unknown name, a limit that leaves no room, marks that are equal.

    Example:
        >>> tokenizer = CharacterTokenizer().fit("мама мыла раму")
        >>> tokenizer.decode(tokenizer.encode("рама"))
        'рама'
    """

    def __init__(
        self,
        limit: int | None = None,
        *,
        standardize: str | Sequence[str] | None = None,
        minimum_count: int = 1,
        padding: str = "",
        unknown: str | None = "[UNK]",
        start: str | None = None,
        end: str | None = None,
    ) -> None:
        marks = (padding, unknown, start, end)
        self._set(limit, minimum_count, standardize, marks)

    def _split(self, text: str) -> list[str]:
        return split_characters(text)

    def _decode(self, numbers: list[int]) -> str:
        return "".join(self._words(numbers))


class NGramTokenizer(_Counted):
    """Runs of neighbouring words or characters as numbers, for bags of them.

    Args:
        limit: Number of tokens at most, marks among them; None keeps all.
        sizes: 2 for single units and pairs, as in Keras, or the sizes wanted.
        unit: "word" or "character".
        standardize: What is made one before splitting.
        minimum_count: Rarer runs are unknown.
        padding: The mark for padding; its number is 0.
        unknown: The mark for other runs; None makes them a mistake.

    Raises:
        ConfigError: An unknown name, a size below 1, a limit that leaves no room.

    Example:
        >>> tokenizer = NGramTokenizer(sizes=2).fit(["to be or not to be"])
        >>> tokenizer.tokens("not to be")
        ['not', 'to', 'be', 'not to', 'to be']
    """

    def __init__(
        self,
        limit: int | None = None,
        *,
        sizes: int | Sequence[int] = 2,
        unit: str = "word",
        standardize: str | Sequence[str] | None = "lower_and_strip_punctuation",
        minimum_count: int = 1,
        padding: str = "",
        unknown: str | None = "[UNK]",
    ) -> None:
        if unit not in ("word", "character"):
            raise ConfigError(
                f"NGramTokenizer: expected unit to be 'word' or 'character', got "
                f"{unit!r}. Words are split at white space."
            )
        ngrams([], sizes)  # refuses sizes below 1 now
        self.sizes, self.unit = sizes, unit
        self._set(limit, minimum_count, standardize, (padding, unknown, None, None))

    def _split(self, text: str) -> list[str]:
        if self.unit == "word":
            return ngrams(split_words(text), self.sizes)
        return ngrams(split_characters(text), self.sizes, joiner="")

    def _parts(self, text: str) -> Iterator[list[str]]:
        """All at once: runs reach over every cut."""
        yield self._split(standardize(text, self.standardize))

    def _decode(self, numbers: list[int]) -> str:
        """The runs with blanks between them; they overlap, so it is no text again."""
        return " ".join(self._words(numbers))
