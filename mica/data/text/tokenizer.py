"""Tokenizers: one face for all, learned from texts, saved with the model."""

import abc
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self, overload

from mica.errors import ConfigError, DataError, StateError
from mica.registry import Configurable, decode, encode
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

__all__ = [
    "CharacterTokenizer",
    "NGramTokenizer",
    "Tokenizer",
    "WordTokenizer",
    "check_limit",
    "check_marks",
    "check_texts",
]

PIECE_CHARACTERS = 2**20  # longer texts are split piece by piece, to spare memory; ours
_BLANK = re.compile(r"\s")
_SPLITS = {"whitespace": split_words, "words_and_marks": split_words_and_marks}


def check_texts(texts: Any, where: str) -> list[str]:
    """Demand texts, and give a single one as a list of one.

    Args:
        texts: A text, or several.
        where: Who asks, for errors.

    Returns:
        The texts.

    Raises:
        DataError: Something among them is no text, or there are none.

    Example:
        >>> check_texts("one", "fit")
        ['one']
    """
    found = [texts] if isinstance(texts, str) else list(texts)
    for place, text in enumerate(found):
        if not isinstance(text, str):
            raise DataError(
                f"{where}: expected texts, got {type(text).__name__} at place {place}. "
                "Turn it into text with str(), or leave it out."
            )
    return found


def check_limit(limit: int | None, least: int, where: str) -> None:
    """Demand a limit that leaves room for a vocabulary.

    Args:
        limit: Number of tokens at most, or None.
        least: The fewest there can be.
        where: Who asks, for errors.

    Raises:
        ConfigError: The limit is no whole number, or too low.
    """
    if limit is None:
        return
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < least:
        raise ConfigError(
            f"{where}: expected a limit of at least {least} tokens, got {limit!r}. "
            "Marks count too; None sets no limit."
        )


def check_marks(marks: Sequence[str | None], where: str) -> None:
    """Demand marks that differ from each other.

    Args:
        marks: The marks; None where there is none.
        where: Who asks, for errors.

    Raises:
        ConfigError: Two are the same.
    """
    given = [mark for mark in marks if mark is not None]
    if len(set(given)) < len(given):
        raise ConfigError(
            f"{where}: expected marks that differ, got {', '.join(map(repr, given))}. "
            "Give each its own."
        )


class Tokenizer(Configurable, abc.ABC):
    """Texts as numbers and back: learn with `fit`, use with `encode` and `decode`.

    The first numbers belong to marks: padding is 0, then unknown, start and end, as far
    as there are any. A text cannot forge a mark: what looks like one is unknown.

    Attributes:
        marks: The marks in the order of their numbers.

    Example:
        >>> tokenizer = CharacterTokenizer().fit(["abba"])
        >>> tokenizer.encode("ab!"), tokenizer.decode([3, 2, 0])
        ([3, 2, 1], 'ab')
    """

    marks: tuple[str, ...]
    padding: str
    unknown: str | None
    start: str | None
    end: str | None

    def _set_marks(
        self, padding: str, unknown: str | None, start: str | None, end: str | None
    ) -> None:
        check_marks((padding, unknown, start, end), type(self).__name__)
        self.padding, self.unknown = padding, unknown
        self.start, self.end = start, end
        order = (padding, unknown, start, end)
        self.marks = tuple(mark for mark in order if mark is not None)

    @property
    @abc.abstractmethod
    def vocabulary(self) -> tuple[str, ...]:
        """Every token in the order of its number, the marks first."""

    @abc.abstractmethod
    def _learn(self, texts: list[str]) -> None:
        """Learn the vocabulary."""

    @abc.abstractmethod
    def _encode(self, texts: list[str]) -> list[list[int]]:
        """Number the tokens of each text, without marks around them."""

    @abc.abstractmethod
    def _decode(self, numbers: list[int]) -> str:
        """Turn the numbers of tokens, none of them a mark but unknown, into a text."""

    @abc.abstractmethod
    def _state(self) -> Any:
        """What was learned, as values of JSON; None when nothing was."""

    @abc.abstractmethod
    def _restore(self, state: Any) -> None:
        """Take over what `_state` gave; ValueError when it is something else."""

    def __len__(self) -> int:
        """Count the tokens, marks among them: the size of an embedding."""
        return len(self.vocabulary)

    def number(self, mark: str) -> int:
        """Give the number of a mark.

        Args:
            mark: One of ``marks``.

        Returns:
            Its number.

        Raises:
            ConfigError: There is no such mark.

        Example:
            >>> CharacterTokenizer(start="<", end=">").number(">")
            3
        """
        if mark not in self.marks:
            raise ConfigError(
                f"{type(self).__name__}: expected one of the marks "
                f"{', '.join(map(repr, self.marks))}, got {mark!r}. Name it when you "
                "make the tokenizer."
            )
        return self.marks.index(mark)

    def fit(self, texts: str | Iterable[str]) -> Self:
        """Learn the vocabulary; what was learned before is forgotten.

        Args:
            texts: Texts of the training part.

        Returns:
            The tokenizer.

        Raises:
            DataError: Something that is no text, or texts with nothing in them.

        Example:
            >>> WordTokenizer().fit(["to be or not to be"]).vocabulary
            ('', '[UNK]', 'to', 'be', 'or', 'not')
        """
        where = f"{type(self).__name__}.fit"
        found = check_texts(texts, where)
        self._learn(found)
        if len(self.vocabulary) == len(self.marks) or not any(found):
            raise DataError(
                f"{where}: expected texts with tokens in them, got none in "
                f"{len(found):,} texts. Look at the texts, or at how they are split."
            )
        return self

    def _check_fitted(self, what: str) -> None:
        if self._state() is None:
            raise StateError(
                f"{type(self).__name__}: expected fit(texts) before {what}, got a "
                "tokenizer that has learned nothing. Fit it on the training part."
            )

    # A text is an iterable of texts too; it is looked at first.
    @overload
    def encode(self, texts: str) -> list[int]: ...  # type: ignore[overload-overlap]
    @overload
    def encode(self, texts: Iterable[str]) -> list[list[int]]: ...
    def encode(self, texts: str | Iterable[str]) -> list[int] | list[list[int]]:
        """Turn texts into numbers.

        Args:
            texts: A text, or several.

        Returns:
            The numbers of its tokens, between the marks of start and end if there are
            any; for several texts, a list for each.

        Raises:
            StateError: ``fit`` was not called.
            DataError: Something that is no text, or a token that is not in the
                vocabulary of a tokenizer without a mark for the unknown.

        Example:
            >>> tokenizer = WordTokenizer(start="[START]").fit(["a bird", "a plane"])
            >>> tokenizer.encode(["a plane", "a superman"])
            [[2, 3, 4], [2, 3, 1]]
        """
        self._check_fitted("encode")
        found = check_texts(texts, f"{type(self).__name__}.encode")
        before = [] if self.start is None else [self.number(self.start)]
        after = [] if self.end is None else [self.number(self.end)]
        encoded = [before + numbers + after for numbers in self._encode(found)]
        return encoded[0] if isinstance(texts, str) else encoded

    @overload
    def decode(self, numbers: Sequence[int]) -> str: ...
    @overload
    def decode(self, numbers: Sequence[Sequence[int]]) -> list[str]: ...
    def decode(
        self, numbers: Sequence[int] | Sequence[Sequence[int]]
    ) -> str | list[str]:
        """Turn numbers into text; padding, start and end leave no trace.

        Args:
            numbers: Numbers of one text, or of several; lists, arrays or tensors.

        Returns:
            The text, or a list of texts.

        Raises:
            StateError: ``fit`` was not called.
            DataError: A number that no token has.

        Example:
            >>> WordTokenizer().fit(["a bird", "a plane"]).decode([[2, 1], [2, 3, 0]])
            ['a [UNK]', 'a plane']
        """
        self._check_fitted("decode")
        given: Any = numbers
        rows = given.tolist() if hasattr(given, "tolist") else list(given)
        several = bool(rows) and hasattr(rows[0], "__len__")
        texts = [self._decode_one(row) for row in (rows if several else [rows])]
        return texts if several else texts[0]

    def _decode_one(self, numbers: Iterable[int]) -> str:
        size = len(self.vocabulary)
        silent = {
            self.number(mark)
            for mark in (self.padding, self.start, self.end)
            if mark is not None
        }
        kept = []
        for number in map(int, numbers):
            if not 0 <= number < size:
                raise DataError(
                    f"{type(self).__name__}.decode: expected numbers from 0 to "
                    f"{size - 1}, got {number}. Decode with the tokenizer that encoded."
                )
            if number not in silent:
                kept.append(number)
        return self._decode(kept)

    def config(self) -> dict[str, Any]:
        """Give everything that was set and learned, as JSON values.

        Returns:
            What `from_config` takes.

        Example:
            >>> tokenizer = WordTokenizer().fit(["a bird"])
            >>> again = WordTokenizer.from_config(tokenizer.config())
            >>> again.vocabulary == tokenizer.vocabulary
            True
        """
        return {**super().config(), "fitted": encode(self._state())}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make the tokenizer that `config` describes, with what it has learned.

        Args:
            config: What `config()` gave.

        Returns:
            A new tokenizer.

        Raises:
            ConfigError: The values were not written by this class.
        """
        settings = dict(config)
        state = decode(settings.pop("fitted", None))
        tokenizer = super().from_config(settings)
        if state is None:
            return tokenizer
        try:
            tokenizer._restore(state)
        except (TypeError, ValueError, KeyError) as error:
            raise ConfigError(
                f"{cls.__name__}.from_config: expected what the tokenizer has learned, "
                f"got {str(state)[:80]}. The file is damaged or was not written by "
                "Mica."
            ) from error
        return tokenizer


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
