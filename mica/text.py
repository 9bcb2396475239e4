"""Text as people write it, cut into tokens: standardised, split, counted, numbered."""

import functools
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from mica.errors import ConfigError, DataError, near_misses

__all__ = [
    "STANDARDIZATIONS",
    "Vocabulary",
    "count_tokens",
    "most_frequent",
    "ngrams",
    "split_characters",
    "split_words",
    "split_words_and_marks",
    "standardize",
]

# Keras strips the marks of ASCII; these are their forms in well-set and Hebrew text.
_VANISHING = (
    "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'" + "\u2019\u2018\u2010\u2011\u05f3\u05f4"
)
_LAST_WITH_MARKS = 0x20000  # no punctuation and no combining mark from here to plane 14
_TAG = re.compile(r"<[^<>]*>")
# In other scripts a mark makes another letter: й is not и.
_ACCENTED = re.compile("([A-Za-z\u0131\u0370-\u03ff])[\u0300-\u036f]+")


def _character_class(categories: str) -> str:
    """The characters whose category begins so, as the inside of a pattern's [...]."""
    found = (
        chr(code)
        for code in range(0x80, min(_LAST_WITH_MARKS, sys.maxunicode))
        if unicodedata.category(chr(code))[0] in categories
    )
    return "".join(found)


@functools.cache
def _vanishing() -> re.Pattern[str]:
    return re.compile(f"[{re.escape(_VANISHING)}]")


@functools.cache
def _separating() -> re.Pattern[str]:
    return re.compile(f"[{re.escape(_character_class('P'))}]+")


@functools.cache
def _token() -> re.Pattern[str]:
    """A word with its combining marks, an emoji in one piece, or a single mark."""
    marks = f"{_character_class('M')}\u200c\u200d"
    skin = "\U0001f3fb-\U0001f3ff"
    word = rf"[\w{marks}]"
    emoji = rf"[^\w\s][\ufe0f\u20e3{skin}]*"
    return re.compile(
        "[\U0001f1e6-\U0001f1ff]{2}"  # a flag is two letters
        rf"|[^\W_]{word}*(?:['\u2019](?=[^\W\d_]){word}+)*"
        rf"|{emoji}(?:\u200d{emoji})*"
        r"|\S"
    )


def _lower(text: str) -> str:
    return text.lower()


def _strip_punctuation(text: str) -> str:
    text = _vanishing().sub("", text)
    return text if text.isascii() else _separating().sub(" ", text)


def _strip_accents(text: str) -> str:
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", _ACCENTED.sub(r"\1", apart))


def _strip_tags(text: str) -> str:
    return _TAG.sub(" ", text)


def _compose(text: str) -> str:
    return unicodedata.normalize("NFC", text)


STANDARDIZATIONS = {
    "compose": (_compose,),
    "lower": (_lower,),
    "lower_and_strip_punctuation": (_lower, _strip_punctuation),
    "strip_accents": (_strip_accents,),
    "strip_punctuation": (_strip_punctuation,),
    "strip_tags": (_strip_tags,),
}


def standardize(text: str, how: str | Sequence[str] | None) -> str:
    """Make one spelling of several: case, punctuation, accents, tags.

    - "lower": small letters, in every script.
    - "strip_punctuation": ASCII punctuation vanishes (as in Keras), with the
      typographic forms of apostrophe and hyphen; other punctuation becomes a blank.
    - "lower_and_strip_punctuation": both.
    - "strip_accents": accents of Latin and Greek letters go; й, ё and vowel signs,
      which make other letters, stay.
    - "strip_tags": what stands in <...> becomes a blank.
    - "compose": a letter and its combining mark become one character (NFC).

    Args:
        text: Any text.
        how: One of these names, several in the order they are applied, or None.

    Returns:
        The text.

    Raises:
        ConfigError: A name that is not one of these.

    Example:
        >>> standardize("«Привет», мир!", "lower_and_strip_punctuation").split()
        ['привет', 'мир']
        >>> standardize("Café<br />au lait", ["strip_tags", "strip_accents"])
        'Cafe au lait'

    Source:
        Names and ASCII punctuation: Keras 3, TextVectorization.
    """
    if how is None:
        return text
    for name in (how,) if isinstance(how, str) else how:
        if name not in STANDARDIZATIONS:
            raise ConfigError(
                f"standardize: expected the name of a standardisation, got {name!r}. "
                f"{near_misses(str(name), STANDARDIZATIONS)}"
            )
        for step in STANDARDIZATIONS[name]:
            text = step(text)
    return text


def split_words(text: str) -> list[str]:
    """Cut a text at white space.

    Args:
        text: Any text.

    Returns:
        The pieces, none of them empty.

    Example:
        >>> split_words(" a bird,  a plane ")
        ['a', 'bird,', 'a', 'plane']
    """
    return text.split()


def split_words_and_marks(text: str) -> list[str]:
    """Cut a text into words and single marks; an emoji or a flag stays whole.

    A word keeps its combining marks (Hindi, vowelled Arabic and Hebrew) and an
    apostrophe between letters.

    Args:
        text: Any text.

    Returns:
        Words and marks in the order of the text; white space is left out.

    Example:
        >>> split_words_and_marks("¿Qué? Don't!")
        ['¿', 'Qué', '?', "Don't", '!']
    """
    return _token().findall(text)


def split_characters(text: str) -> list[str]:
    """Cut a text into its characters (Unicode code points).

    Args:
        text: Any text.

    Returns:
        The characters, blanks among them.

    Example:
        >>> split_characters("a б")
        ['a', ' ', 'б']
    """
    return list(text)


def ngrams(
    tokens: Sequence[str], sizes: int | Sequence[int], *, joiner: str = " "
) -> list[str]:
    """Join neighbouring tokens.

    Args:
        tokens: Tokens in the order of the text.
        sizes: How many neighbours: 2 for single tokens and pairs, as in Keras, or a
            list of the sizes wanted. At least 1.
        joiner: What stands between them.

    Returns:
        All runs of the first size, then of the next.

    Raises:
        ConfigError: A size below 1, or none.

    Example:
        >>> ngrams(["to", "be", "or"], 2)
        ['to', 'be', 'or', 'to be', 'be or']
        >>> ngrams(["to", "be", "or"], [3])
        ['to be or']
    """
    wanted = range(1, sizes + 1) if isinstance(sizes, int) else list(sizes)
    if not wanted or any(not isinstance(n, int) or n < 1 for n in wanted):
        raise ConfigError(
            f"ngrams: expected sizes of at least 1, got {sizes!r}. "
            "2 gives single tokens and pairs."
        )
    found: list[str] = []
    for size in wanted:
        if size == 1:
            found += tokens
            continue
        neighbours = [tokens[start:] for start in range(size)]
        found += map(joiner.join, zip(*neighbours, strict=False))
    return found


def count_tokens(documents: Iterable[Iterable[str]]) -> Counter[str]:
    """Count how often each token occurs.

    Args:
        documents: The tokens of each document.

    Returns:
        The counts; those of two parts of the data can be added.

    Example:
        >>> count_tokens([["a", "b"], ["a"]])
        Counter({'a': 2, 'b': 1})
    """
    counts: Counter[str] = Counter()
    for document in documents:
        counts.update(document)
    return counts


def most_frequent(
    counts: Counter[str], limit: int | None = None, *, minimum_count: int = 1
) -> list[str]:
    """Put tokens in order: the most frequent first.

    Equally frequent ones come in falling order of their characters, as in Keras, so
    the order does not depend on which document was read first.

    Args:
        counts: How often each token occurs.
        limit: Number of tokens at most; None keeps all.
        minimum_count: Rarer tokens are left out.

    Returns:
        The tokens.

    Example:
        >>> most_frequent(Counter(a=1, b=3, c=1))
        ['b', 'c', 'a']

    Source:
        Keras 3, IndexLookup.finalize_state.
    """
    kept = [token for token, count in counts.items() if count >= minimum_count]
    kept.sort(reverse=True)
    kept.sort(key=counts.__getitem__, reverse=True)  # equal counts keep their order
    return kept[:limit]


class Vocabulary:
    """Tokens and their numbers, there and back.

    Args:
        tokens: Every token once, in the order of their numbers from 0.
        unknown: The token that stands for all others; one of ``tokens``, or None when
            a token that is not there is a mistake.

    Raises:
        DataError: No tokens, or one of them twice.
        ConfigError: ``unknown`` is not among the tokens.

    Example:
        >>> vocabulary = Vocabulary(["", "[UNK]", "the", "cat"], unknown="[UNK]")
        >>> vocabulary.numbers(["the", "dog"])
        [2, 1]
        >>> vocabulary.words([2, 3])
        ['the', 'cat']
    """

    def __init__(self, tokens: Iterable[str], *, unknown: str | None = None) -> None:
        self.tokens = tuple(tokens)
        self.unknown = unknown
        if not self.tokens:
            raise DataError(
                "Vocabulary: expected at least one token, got none. Give texts with "
                "words in them, or a lower minimum_count."
            )
        self._number = {token: number for number, token in enumerate(self.tokens)}
        if len(self._number) < len(self.tokens):
            twice = next(t for t, count in Counter(self.tokens).items() if count > 1)
            raise DataError(
                f"Vocabulary: expected every token once, got {twice!r} "
                f"{self.tokens.count(twice)} times. Leave the others out."
            )
        if unknown is not None and unknown not in self._number:
            raise ConfigError(
                f"Vocabulary: expected the token for unknown words among the tokens, "
                f"got {unknown!r}. Add it to them."
            )

    def __len__(self) -> int:
        return len(self.tokens)

    def __iter__(self) -> Iterator[str]:
        return iter(self.tokens)

    def __contains__(self, token: object) -> bool:
        return token in self._number

    def number(self, token: str) -> int:
        """Give a token's number.

        Args:
            token: Any token.

        Returns:
            Its number, or that of the unknown.

        Raises:
            DataError: It is not there, and nothing stands for the unknown.
        """
        found = self._number.get(token)
        if found is not None:
            return found
        if self.unknown is None:
            raise DataError(
                f"Vocabulary: expected one of {len(self.tokens)} known tokens, got "
                f"{token!r}. Fit on texts that hold it, or keep a mark for the unknown."
            )
        return self._number[self.unknown]

    def numbers(self, tokens: Iterable[str]) -> list[int]:
        """Give the numbers of several tokens.

        Args:
            tokens: Any tokens.

        Returns:
            A number for each.

        Raises:
            DataError: One is not there, and nothing stands for the unknown.
        """
        if self.unknown is None:
            return [self.number(token) for token in tokens]
        find, unknown = self._number.get, self._number[self.unknown]
        return [find(token, unknown) for token in tokens]

    def words(self, numbers: Iterable[int]) -> list[str]:
        """Give the tokens of several numbers.

        Args:
            numbers: Numbers from 0.

        Returns:
            A token for each.

        Raises:
            DataError: A number that no token has.
        """
        found = []
        for number in numbers:
            if not 0 <= number < len(self.tokens):
                raise DataError(
                    f"Vocabulary: expected numbers from 0 to {len(self.tokens) - 1}, "
                    f"got {number}. Decode with the vocabulary that encoded."
                )
            found.append(self.tokens[number])
        return found
