"""Byte pairs: frequent pieces of words as tokens, learned from your own texts."""

import json
from collections.abc import Sequence
from typing import Any

from mica.data.text.tokenizer import Tokenizer, check_limit
from mica.errors import ConfigError, MissingDependencyError
from mica.text import standardize

__all__ = ["BytePairTokenizer"]

BYTES = 256  # every text is made of them, so nothing is unknown


def _library() -> Any:
    try:
        import tokenizers
    except ImportError as error:
        raise MissingDependencyError(
            "BytePairTokenizer: expected the library tokenizers, got none. Install it "
            "with: pip install tokenizers."
        ) from error
    return tokenizers


class BytePairTokenizer(Tokenizer):
    """Pieces of words as numbers: every text can be written, none is unknown.

    Starting from single bytes, the pair of neighbours that is most frequent in the
    training texts becomes a token of its own, again and again, until the vocabulary is
    full. Texts come back exactly: ``decode(encode(text)) == text``, in any script,
    unless ``standardize`` changed them.

    Args:
        limit: Number of tokens at most, marks and the 256 bytes among them.
        standardize: What is made one before splitting; None leaves the text.
        minimum_count: Rarer pairs are not joined.
        padding: The mark for padding; its number is 0.
        start: The mark before every text; None puts none.
        end: The mark after every text; None puts none.

    Raises:
        ConfigError: An unknown name, a limit that leaves no room, marks that are equal.

    Example:
        >>> tokenizer = BytePairTokenizer(300).fit(["low lower lowest"] * 9)
        >>> tokenizer.decode(tokenizer.encode("lower, ниже 🙂"))
        'lower, ниже 🙂'
        >>> len(tokenizer.encode("low"))
        1

    Source:
        Sennrich, Haddow & Birch 2016, "Neural machine translation of rare words with
        subword units", on bytes as in GPT-2; by the library tokenizers.
    """

    def __init__(
        self,
        limit: int = 8192,
        *,
        standardize: str | Sequence[str] | None = None,
        minimum_count: int = 2,
        padding: str = "",
        start: str | None = None,
        end: str | None = None,
    ) -> None:
        self._set_marks(padding, None, start, end)
        check_limit(limit, len(self.marks) + BYTES, "BytePairTokenizer")
        if not isinstance(minimum_count, int) or minimum_count < 1:
            raise ConfigError(
                "BytePairTokenizer: expected minimum_count to be a whole number of at "
                f"least 1, got {minimum_count!r}. 2 is the usual choice."
            )
        self.limit, self.minimum_count = limit, minimum_count
        self.standardize = standardize
        self._standardize("")  # refuses unknown names now
        self._model: Any = None
        self._tokens: tuple[str, ...] = ()

    def _standardize(self, text: str) -> str:
        return standardize(text, self.standardize)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Every token in the order of its number: marks, bytes, then joined pairs.

        Bytes that cannot be shown stand as other letters, a blank as "Ġ".
        """
        return (*self.marks, *self._tokens)

    def _build(self, model: Any) -> Any:
        library = _library()
        built = library.Tokenizer(model)
        built.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
        built.decoder = library.decoders.ByteLevel()
        return built

    def _learn(self, texts: list[str]) -> None:
        library = _library()
        model = self._build(library.models.BPE())
        trainer = library.trainers.BpeTrainer(
            vocab_size=self.limit - len(self.marks),
            min_frequency=self.minimum_count,
            initial_alphabet=sorted(library.pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        given = (self._standardize(text) for text in texts)
        model.train_from_iterator(given, trainer)
        self._take(model)

    def _take(self, model: Any) -> None:
        numbers = model.get_vocab()
        self._tokens = tuple(sorted(numbers, key=numbers.__getitem__))
        self._model = model

    def _encode(self, texts: list[str]) -> list[list[int]]:
        first = len(self.marks)
        given = [self._standardize(text) for text in texts]
        found = self._model.encode_batch(given)
        return [[number + first for number in encoding.ids] for encoding in found]

    def _decode(self, numbers: list[int]) -> str:
        first = len(self.marks)
        return self._model.decode([number - first for number in numbers])

    def _state(self) -> Any:
        if self._model is None:
            return None
        learned = json.loads(self._model.to_str())["model"]
        return {"tokens": list(self._tokens), "merges": learned["merges"]}

    def _restore(self, state: Any) -> None:
        tokens, merges = state["tokens"], state["merges"]
        known = set(tokens)
        pairs = [(left, right) for left, right in merges]
        if not known.issuperset(_library().pre_tokenizers.ByteLevel.alphabet()):
            raise ValueError
        for left, right in pairs:
            if not known.issuperset((left, right, left + right)):
                raise ValueError
        if len(known) < len(tokens):
            raise ValueError
        numbers = {token: number for number, token in enumerate(tokens)}
        self._take(self._build(_library().models.BPE(vocab=numbers, merges=pairs)))
