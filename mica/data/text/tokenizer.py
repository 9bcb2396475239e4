"""Tokenizer: one face for all, learned from texts, saved with the model."""

import abc
from collections.abc import Iterable, Sequence
from typing import Any, Self, overload

from mica.errors import ConfigError, DataError, StateError
from mica.registry import Configurable, decode, encode

__all__ = ["Tokenizer", "check_limit", "check_marks", "check_texts"]


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
        >>> from mica.data.text import CharacterTokenizer
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
            >>> from mica.data.text import CharacterTokenizer
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
            >>> from mica.data.text import WordTokenizer
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
            >>> from mica.data.text import WordTokenizer
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
            >>> from mica.data.text import WordTokenizer
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
            >>> from mica.data.text import WordTokenizer
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
