"""A data set of texts: as texts, or as numbered words in Keras's way."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mica.data.order import epoch_order
from mica.data.split import split_rows
from mica.errors import ConfigError
from mica.text import count_tokens, most_frequent

__all__ = [
    "TextSample",
    "WordNumbers",
    "make_text_sample",
    "object_array",
    "sample_words",
    "split_alike_together",
]

SPLIT_SEED = 0  # the split is part of the data set: it never changes
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


@dataclass(frozen=True)
class WordNumbers:
    """How words become numbers: Keras's names and defaults.

    number = rank + index_from, where the most frequent word of the training part has
    rank 1; 0 is left free for padding

    Args:
        num_words: Numbers from here on become ``oov_char``; None keeps all words.
        skip_top: Numbers below become ``oov_char`` too.
        start_char: The number before every text; None puts none.
        oov_char: The number for words that are left out; None drops them.
        index_from: What is added to a word's rank.

    Raises:
        ConfigError: A number below 0, or no place for any word.

    Example:
        >>> WordNumbers(num_words=5).assign({"the": 1, "a": 2})
        {'the': 4}
    """

    num_words: int | None = None
    skip_top: int = 0
    start_char: int | None = 1
    oov_char: int | None = 2
    index_from: int = 3

    def __post_init__(self) -> None:
        for name in ("num_words", "skip_top", "start_char", "oov_char", "index_from"):
            value = getattr(self, name)
            is_whole = isinstance(value, int) and not isinstance(value, bool)
            if value is not None and (not is_whole or value < 0):
                raise ConfigError(
                    f"samples.load: expected {name} to be a whole number of at least "
                    f"0, got {value!r}. num_words=10000 is a common choice."
                )
        if self.num_words is not None and self.num_words <= self.index_from + 1:
            raise ConfigError(
                f"samples.load: expected num_words above {self.index_from + 1} (the "
                f"numbers up to {self.index_from} are marks), got {self.num_words}. "
                "num_words=10000 is a common choice."
            )

    def assign(self, word_index: Mapping[str, int]) -> dict[str, int]:
        """Give the words that are kept their numbers.

        Args:
            word_index: Each word's rank, from 1.

        Returns:
            Each word's number.
        """
        most = float("inf") if self.num_words is None else self.num_words
        shifted = ((word, rank + self.index_from) for word, rank in word_index.items())
        return {word: n for word, n in shifted if self.skip_top <= n < most}

    def number(self, tokens: Iterable[str], numbers: Mapping[str, int]) -> list[int]:
        """Number the words of one text.

        Args:
            tokens: Its words.
            numbers: What `assign` gave.

        Returns:
            The numbers, with the mark of the start.
        """
        start = [] if self.start_char is None else [self.start_char]
        if self.oov_char is None:
            return start + [numbers[token] for token in tokens if token in numbers]
        find, unknown = numbers.get, self.oov_char
        return start + [find(token, unknown) for token in tokens]


@dataclass(frozen=True)
class TextSample:
    """A data set of texts, split once and for all.

    Args:
        name: Its name, as `load` takes it.
        x_train: Texts, or lists of word numbers, to learn from.
        y_train: Their classes.
        x_test: Texts or lists for the final judgement.
        y_test: Their classes.
        label_names: The classes in the order of their numbers.
        word_index: Each word's rank in the training part, the most frequent 1; empty
            when the texts are given raw.
        index_from: What was added to a rank to make a number.
        description: What it is, in a sentence or two, with its source.

    Shape:
        x_train: (rows,), objects: str, or lists of int
        y_train: (rows,), int64

    Example:
        >>> sample = make_text_sample(
        ...     "two", (["a b", "a"], [0, 1]), (["a c"], [0]), ("no", "yes"), "Two."
        ... )
        >>> sample.x_train.tolist(), sample.x_test.tolist()
        ([[1, 4, 5], [1, 4]], [[1, 4, 2]])
        >>> sample.decode(sample.x_train[0])
        '? a b'
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    label_names: tuple[str, ...]
    word_index: Mapping[str, int]
    index_from: int
    description: str

    def __repr__(self) -> str:
        """Show what it is and how large, not every word of it."""
        kind = "numbered words" if self.word_index else "texts"
        return (
            f"TextSample({self.name!r}, {kind}, {len(self.x_train):,} to learn from, "
            f"{len(self.x_test):,} for the test)"
        )

    @property
    def task(self) -> Literal["classification"]:
        """What is asked: the class of a text."""
        return "classification"

    def decode(self, numbers: Iterable[int]) -> str:
        """Turn numbers into words again; marks and words left out become "?".

        Args:
            numbers: A row of ``x_train`` or ``x_test``, padded or not.

        Returns:
            The words with blanks between them.
        """
        words = {rank + self.index_from: word for word, rank in self.word_index.items()}
        return " ".join(words.get(int(number), "?") for number in numbers if number)


def object_array(values: Sequence[Any]) -> np.ndarray:
    """Put values of any length into an array with one place for each.

    Args:
        values: Texts or lists.

    Shape:
        returns: (len(values),), objects

    Example:
        >>> object_array([[1, 2], [3, 4]]).shape
        (2,)
    """
    array = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        array[place] = value
    return array


def sample_words(text: str) -> list[str]:
    """Cut a text into small-letter words, without punctuation and line breaks of HTML.

    Args:
        text: Any text.

    Returns:
        Its words; an apostrophe inside a word stays.

    Example:
        >>> sample_words("Don't!<br />It's *so*-so.")
        ["don't", "it's", 'so', 'so']
    """
    return _WORD.findall(text.replace("<br />", " ").lower())


def split_alike_together(
    texts: Sequence[str], labels: Sequence[int], test_fraction: float
) -> tuple[np.ndarray, np.ndarray]:
    """Split texts so that equal texts are in one part, each class in its share.

    The result does not depend on the order the texts were read in.

    Args:
        texts: Texts, some of them more than once.
        labels: Class of each.
        test_fraction: Share of the different texts that go to the test.

    Shape:
        returns: (rows,), int64, twice

    Returns:
        Row numbers of the training and the test part.

    Example:
        >>> texts = ["a", "b", "a", "c", "d", "e", "f"]
        >>> train, test = split_alike_together(texts, [0, 0, 0, 1, 1, 0, 1], 0.3)
        >>> {texts[row] for row in train} & {texts[row] for row in test}
        set()
    """
    keys = list(zip(texts, labels, strict=True))
    different = sorted(set(keys))
    codes = np.array([label for _, label in different])
    _, test = split_rows(len(different), [test_fraction], codes=codes, seed=SPLIT_SEED)
    aside = {different[row][0] for row in test}
    ordered = sorted(range(len(keys)), key=keys.__getitem__)
    mixed = [ordered[row] for row in epoch_order(len(keys), SPLIT_SEED, 0).tolist()]
    is_test = np.array([keys[row][0] in aside for row in mixed])
    rows = np.array(mixed)
    return rows[~is_test], rows[is_test]


def make_text_sample(
    name: str,
    train: tuple[Sequence[str], Sequence[int]],
    test: tuple[Sequence[str], Sequence[int]],
    label_names: tuple[str, ...],
    description: str,
    *,
    raw: bool = False,
    numbers: WordNumbers | None = None,
    words: Callable[[str], list[str]] = sample_words,
) -> TextSample:
    """Make a sample of texts and labels, with its words numbered unless `raw`.

    Args:
        name: The sample's name.
        train: Texts and labels to learn from.
        test: Texts and labels for the test.
        label_names: The classes.
        description: What it is.
        raw: Whether the texts stay as they are.
        numbers: How words become numbers; None is Keras's way.
        words: Cuts a text into words.

    Returns:
        The sample; ranks come from the training part alone.
    """
    numbers = WordNumbers() if numbers is None else numbers
    parts: list[Sequence[Any]] = [train[0], test[0]]
    word_index: dict[str, int] = {}
    if not raw:
        tokens = [[words(text) for text in part] for part in parts]
        ranked = most_frequent(count_tokens(tokens[0]))
        word_index = {word: rank for rank, word in enumerate(ranked, start=1)}
        table = numbers.assign(word_index)
        parts = [[numbers.number(t, table) for t in part] for part in tokens]
    return TextSample(
        name=name,
        x_train=object_array(parts[0]),
        y_train=np.asarray(train[1], dtype=np.int64),
        x_test=object_array(parts[1]),
        y_test=np.asarray(test[1], dtype=np.int64),
        label_names=label_names,
        word_index=word_index,
        index_from=numbers.index_from,
        description=description,
    )
