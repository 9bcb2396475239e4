"""TextVectorization: texts as numbers of words, or as rows with a column for each."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from mica.errors import ConfigError, DataError
from mica.layers.arguments import one_of, positive_integer
from mica.layers.lookup import Lookup
from mica.layers.reading import TEXT, TextReader, as_texts
from mica.layers.symbolic import Input, SymbolicTensor
from mica.shapes import Shape, describe
from mica.text import (
    STANDARDIZATIONS,
    ngrams,
    split_characters,
    split_words,
    split_words_and_marks,
    standardize,
)

__all__ = ["TextVectorization"]

_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")
_SPLITS: dict[str, Callable[[str], list[str]]] = {
    "character": split_characters,
    "whitespace": split_words,
    "words_and_marks": split_words_and_marks,
}
_PADDING, _UNKNOWN = "", "[UNK]"


class TextVectorization(Lookup, TextReader):
    """Texts become numbers of words, characters or n-grams, or counts of them.

    y_i = number of the i-th token                          "int"
    y_t = 1 if token t is in the text, else 0               "multi_hot"
    y_t = how often token t is in the text                  "count"
    y_t = count_t log(1 + documents / (1 + documents with t))   "tf_idf"

    A text is standardised, split, joined to n-grams, and looked up. In mode "int", 0
    is padding and 1 the unknown; in the others, column 0 is the unknown. Tokens are in
    the order of their frequency, equally frequent ones in falling order.

    At the entrance of a model, `fit`, `evaluate` and `predict` read all texts once,
    before they make batches, and keep the numbers of their tokens: rows of counts are
    made batch by batch, on the device.

    Args:
        max_tokens: Size of the vocabulary at most, padding and unknown among them;
            None sets no limit.
        standardize: A name or several ("lower_and_strip_punctuation", "lower",
            "strip_punctuation", "strip_accents", "strip_tags", "compose"), a function
            from text to text, or None.
        split: "whitespace", "character", "words_and_marks", a function from a text to
            its tokens, or None for the text as one token.
        ngrams: How many neighbours are joined: 2 for words and pairs, (2, 3) for pairs
            and triples alone, None for single tokens.
        output_mode: "int", "multi_hot", "count" or "tf_idf".
        output_sequence_length: Tokens kept in mode "int": shorter texts are padded,
            longer ones cut; None pads to the longest.
        pad_to_max_tokens: Whether rows have ``max_tokens`` columns at all events.
        vocabulary: The tokens, when they are known.
        idf_weights: Their weights in mode "tf_idf".
        name: What the layer is called; `None` lets the model choose.

    Shape:
        x: (batch,) or (batch, 1), texts; or the numbers that `read` gives
        y: (batch, length) whole numbers for "int", else (batch, tokens)

    Parameters:
        idf: (columns,), the weights in mode "tf_idf", else absent. Not learned in
            training.

    Raises:
        ConfigError: Sizes below their least values, unknown names, or options that do
            not go together.
        StateError: Used before `adapt`, or no token was found.
        DataError: x holds no texts, or several in a row.

    Example:
        >>> layer = TextVectorization(output_sequence_length=4)
        >>> layer.adapt(["To be, or not to be", "To do"]).get_vocabulary()
        ['', '[UNK]', 'to', 'be', 'or', 'not', 'do']
        >>> layer(["To be is to do!", "or"])
        tensor([[2, 3, 1, 2],
                [4, 0, 0, 0]])

    Source:
        Keras 3, TextVectorization. Beyond ASCII, punctuation goes too; split, n-grams
        and weights are the same.
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        *,
        standardize: str
        | Sequence[str]
        | Callable[[str], str]
        | None = "lower_and_strip_punctuation",
        split: str | Callable[[str], Sequence[str]] | None = "whitespace",
        ngrams: int | Sequence[int] | None = None,
        output_mode: Literal["int", "multi_hot", "count", "tf_idf"] = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Sequence[str] | None = None,
        idf_weights: Sequence[float] | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(
            max_tokens=max_tokens,
            num_oov_indices=1,
            mask_token=_PADDING,
            oov_token=_UNKNOWN,
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            output_mode=output_mode,
            pad_to_max_tokens=pad_to_max_tokens,
            name=name,
        )
        where = self.where
        one_of(output_mode, [m for m in _MODES if m != "one_hot"], where, "output_mode")
        self.standardize = standardize
        self._check_standardize()
        self.split = split
        if split is not None and not callable(split):
            one_of(split, _SPLITS, where, "split")
        self.ngrams = self._read_ngrams(ngrams)
        self.output_sequence_length = None
        if output_sequence_length is not None:
            self.output_sequence_length = positive_integer(
                output_sequence_length, where, "output_sequence_length"
            )
            if output_mode != "int":
                raise ConfigError(
                    f"{where}: expected output_sequence_length in output_mode 'int' "
                    f"alone, got {output_mode!r}. Leave one of them out."
                )

    def _check_standardize(self) -> None:
        given = self.standardize
        if given is None or callable(given):
            return
        for name in [given] if isinstance(given, str) else given:
            one_of(name, STANDARDIZATIONS, self.where, "standardize")

    def _read_ngrams(self, given: Any) -> list[int] | None:
        if given is None:
            return None
        if isinstance(given, (list, tuple)):
            sizes = [positive_integer(size, self.where, "ngrams") for size in given]
        else:
            sizes = list(range(1, positive_integer(given, self.where, "ngrams") + 1))
        if not sizes:
            raise ConfigError(
                f"{self.where}: expected ngrams with at least one size, got none. "
                "Leave it out for single tokens."
            )
        return sizes

    def _check_token(self, token: Any) -> str:
        if not isinstance(token, str):
            raise DataError(
                f"{self.where}: expected texts in the vocabulary, got {token!r}. Turn "
                "it into text with str()."
            )
        return str(token)

    def tokens_of(self, text: str) -> list[str]:
        """Standardise and split a text, and join n-grams.

        Args:
            text: Any text.

        Returns:
            Its tokens, as they are looked up.

        Example:
            >>> TextVectorization(ngrams=2).tokens_of("To be!")
            ['to', 'be', 'to be']
        """
        how = self.standardize
        text = how(text) if callable(how) else standardize(text, how)
        if self.split is None:
            tokens = [text] if text else []
        elif callable(self.split):
            tokens = list(self.split(text))
        else:
            tokens = _SPLITS[self.split](text)
        if self.ngrams is None:
            return tokens
        joiner = "" if self.split == "character" else " "
        return ngrams(tokens, self.ngrams, joiner=joiner)

    def _rows_of(self, part: Any) -> Iterable[Sequence[str]]:
        return map(self.tokens_of, self._texts(part, f"{self.where}.adapt"))

    def _texts(self, given: Any, where: str) -> list[str]:
        texts = as_texts(given, where)
        if texts.ndim == 2 and texts.shape[1] == 1:
            texts = texts[:, 0]
        if texts.ndim != 1:
            raise DataError(
                f"{where}: expected one text in each row, got the shape "
                f"{describe(texts.shape)}. Join the texts of a row."
            )
        return texts.tolist()

    def read(self, texts: Any) -> Tensor:
        """Turn texts into the numbers of their tokens, before counts are made of them.

        Args:
            texts: A list or an array of str.

        Returns:
            (rows, tokens) of whole numbers; short rows end in 0 in mode "int", in -1
            in the others.

        Raises:
            StateError: There is no vocabulary.
            DataError: Something is no text.
        """
        self.require_values()
        unknown = self._first - 1
        find = self._number.get
        rows = [
            [find(token, unknown) for token in self.tokens_of(text)]
            for text in self._texts(texts, self.where)
        ]
        length = self.output_sequence_length
        if length is None:
            length = max(map(len, rows), default=1) or 1
        # Numbers of tokens in other modes are only counted: 32 bits save memory.
        dtype = torch.int64 if self.output_mode == "int" else torch.int32
        table = torch.full((len(rows), length), self._masked, dtype=dtype)
        for place, row in enumerate(rows):
            kept = row[:length]
            table[place, : len(kept)] = torch.tensor(kept, dtype=dtype)
        return table

    def entrance(self, shape: Shape, dtype: torch.dtype | None) -> SymbolicTensor:
        """Make the symbolic input of a model that begins with this layer.

        Args:
            shape: Shape of some rows that were read.
            dtype: Their type.

        Returns:
            The input: its length varies unless ``output_sequence_length`` is given.
        """
        del shape
        return Input((self.output_sequence_length,), dtype=dtype)

    def check_input(self, shape: Any, dtype: torch.dtype | None) -> None:
        """Say what is wrong with an input that is neither texts nor their numbers."""
        super().check_input(shape, dtype)
        if dtype is not TEXT and isinstance(shape, tuple) and len(shape) != 2:
            raise DataError(
                f"{self.where}: expected texts, or a row of numbers for each, got "
                f"numbers of shape {describe(shape)}. Give a list or an array of str."
            )

    def forward(self, x: Tensor) -> Tensor:
        """Make rows of counts where they are wanted."""
        if x.dtype is TEXT:  # an entrance of a graph: shapes are all that is asked
            # A length of its own for each number of rows: nobody knows it beforehand.
            length = self.output_sequence_length or 3 * x.shape[0] + 1
            x = torch.zeros((x.shape[0], length), dtype=torch.int64, device=x.device)
        return self._encode(x)

    def words(self, numbers: Any) -> list[str]:
        """Turn numbers of mode "int" back into text, tokens joined by blanks.

        Args:
            numbers: (rows, length), as the layer gives them.

        Returns:
            A text for each row, without padding.

        Example:
            >>> layer = TextVectorization(vocabulary=["to", "be"])
            >>> layer.words(layer(["to be", "be"]))
            ['to be', 'be']
        """
        joiner = "" if self.split == "character" else " "
        rows = torch.as_tensor(numbers).tolist()
        return [
            joiner.join(self._token_of(number) for number in row if number)
            for row in rows
        ]
