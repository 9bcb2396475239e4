"""Metrics of written answers: BLEU of translations, ROUGE-L of summaries."""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from mica.errors import ConfigError, DataError
from mica.metrics.metric import Metric, ratio
from mica.shapes import describe

__all__ = ["BLEU", "RougeL", "Split"]

Split = Literal["spaces", "characters"] | Callable[[str], Sequence[str]]
Words = Sequence[Hashable]

_RANK_OF_SCORES = 3  # batch, time, vocabulary


def _splitter(split: Any, where: str) -> Callable[[str], Sequence[str]]:
    if split == "spaces":
        return str.split
    if split == "characters":
        return list
    if callable(split):
        return split
    raise ConfigError(
        f"{where}: expected split to be 'spaces', 'characters' or a function, got "
        f"{split!r}. 'spaces' takes words between blanks."
    )


def _rows(tokens: Tensor, padding: int | None, where: str) -> list[list[int]]:
    """Numbered words of each row, padding left out; scores give their largest word."""
    if tokens.ndim == _RANK_OF_SCORES:
        tokens = tokens.argmax(-1)
    if tokens.ndim != 2:
        raise DataError(
            f"{where}: expected tokens of shape (batch, time), got "
            f"{describe(tokens.shape)}. Give one row of token numbers per text."
        )
    return [[word for word in row if word != padding] for row in tokens.long().tolist()]


class _TextMetric(Metric):
    """What BLEU and ROUGE share: texts come as strings or as rows of token numbers."""

    higher_is_better: ClassVar[bool | None] = True

    def __init__(self, split: Split, padding: int | None, *, name: str | None) -> None:
        super().__init__(name=name)
        self.split = split
        self.padding = padding
        self._words = _splitter(split, self.where)

    def _texts(self, prediction: Any, target: Any) -> list[tuple[Words, list[Words]]]:
        """Each text with its references, as words."""
        if isinstance(prediction, Tensor):
            texts = _rows(prediction.detach(), self.padding, self.name)
        else:
            texts = [self._words(text) for text in prediction]
        if isinstance(target, Tensor):
            references = [[row] for row in _rows(target, self.padding, self.name)]
        else:
            references = [
                [self._words(each) for each in ([one] if _is_text(one) else one)]
                for one in target
            ]
        given = sum(bool(each) for each in references)
        if len(texts) != len(references) or given != len(references):
            raise DataError(
                f"{self.name}: expected one reference (or list of references) for each "
                f"of {len(texts)} texts, got {given}. Pair them up."
            )
        return list(zip(texts, references, strict=True))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _weights(weight: Tensor | None, count: int) -> list[float]:
    return [1.0] * count if weight is None else weight.reshape(-1).tolist()


def _groups(words: Words, size: int) -> Counter[tuple[Hashable, ...]]:
    return Counter(
        tuple(words[start : start + size]) for start in range(len(words) - size + 1)
    )


class BLEU(_TextMetric):
    """How many groups of one to four words of translations stand in their references.

    BLEU = min(1, exp(1 - r / c)) * exp(mean over n = 1 ... max_order of log p_n),
    p_n = groups of n words that occur in a reference (each as often as there at most) /
    groups of n words, c = words of all texts, r = words of the references nearest in
    length; all summed over the whole corpus first

    A p_n of 0 becomes 1 / (2^k groups) for the k-th such n ("exp"), as in sacreBLEU,
    whose numbers are 100 times as large and whose default splits off punctuation: give
    such a function as ``split`` to compare with published numbers.

    Range: 0 to 1, higher is better. NaN before anything was seen.

    Args:
        max_order: The longest groups of words. At least 1.
        smoothing: "exp", or "none" for 0 as soon as one p_n is 0.
        split: How strings are cut into words: "spaces", "characters" or a function.
        padding: Token number that is no word; `None` for none.
        name: As in `Metric`.

    Shape:
        prediction: a list of strings; or (batch, time) token numbers, or
            (batch, time, vocabulary) scores
        target: a list of strings, or of lists of strings when there are several
            references; or (batch, time)

    Raises:
        ConfigError: ``max_order`` is below 1, another smoothing or split.
        DataError: Not one reference per text, or tokens of another shape.

    Example:
        >>> bleu = BLEU(max_order=2)
        >>> bleu.update(["the cat sat"], ["the cat sat down"])
        >>> round(bleu.compute().item(), 4)
        0.7165

    Source:
        Papineni et al. 2002, BLEU: a method for automatic evaluation of machine
        translation, section 2.3; smoothing: Chen & Cherry 2014, method 3.
    """

    def __init__(
        self,
        max_order: int = 4,
        *,
        smoothing: Literal["exp", "none"] = "exp",
        split: Split = "spaces",
        padding: int | None = 0,
        name: str | None = None,
    ) -> None:
        super().__init__(split, padding, name=name)
        if max_order < 1:
            raise ConfigError(
                f"BLEU: expected max_order of at least 1, got {max_order!r}. 4 is the "
                "usual one."
            )
        if smoothing not in ("exp", "none"):
            raise ConfigError(
                f"BLEU: expected smoothing to be 'exp' or 'none', got {smoothing!r}. "
                "'exp' is sacreBLEU's."
            )
        self.max_order = max_order
        self.smoothing = smoothing

    def update(
        self, prediction: Any, target: Any, sample_weight: Tensor | None = None
    ) -> None:
        """Count the groups of words of one batch."""
        pairs = self._texts(prediction, target)
        counts = torch.zeros(2, self.max_order, dtype=torch.float64)
        lengths = torch.zeros(2, dtype=torch.float64)
        weights = _weights(sample_weight, len(pairs))
        for (words, references), weight in zip(pairs, weights, strict=True):
            nearest = min(
                (len(each) for each in references),
                key=lambda length: (abs(length - len(words)), length),
            )
            lengths += weight * torch.tensor([len(words), nearest])
            for size in range(1, self.max_order + 1):
                found, groups = self._matches(words, references, size)
                counts[:, size - 1] += weight * torch.tensor([found, groups])
        self.add("counts", counts)
        self.add("lengths", lengths)

    @staticmethod
    def _matches(words: Words, references: list[Words], size: int) -> tuple[int, int]:
        """Groups of a text that its references have, and all its groups."""
        allowed: Counter[tuple[Hashable, ...]] = Counter()
        for reference in references:
            allowed |= _groups(reference, size)
        given = _groups(words, size)
        return (given & allowed).total(), given.total()

    def compute(self) -> Float[Tensor, ""]:
        """Bring the precisions of all sizes together."""
        if not self._state:
            return torch.tensor(torch.nan, dtype=torch.float64)
        matches, groups = self.total("counts").tolist()
        length, wanted = self.total("lengths").tolist()
        logs, empty = 0.0, 0
        for found, count in zip(matches, groups, strict=True):
            if count == 0 or not any(matches):
                return torch.zeros((), dtype=torch.float64)
            if found == 0 and self.smoothing == "none":
                return torch.zeros((), dtype=torch.float64)
            if found == 0:
                empty += 1
                found = 2.0**-empty
            logs += math.log(found / count)
        brevity = min(0.0, 1 - wanted / length)
        value = math.exp(brevity + logs / self.max_order)
        return torch.tensor(value, dtype=torch.float64)


def _longest_common(left: Words, right: Words) -> int:
    """Length of the longest common subsequence; a row of the table is one number."""
    places: dict[Hashable, int] = {}
    for place, word in enumerate(left):
        places[word] = places.get(word, 0) | 1 << place
    every = (1 << len(left)) - 1
    row = every  # a bit is 0 where the table rises
    for word in right:
        met = row & places.get(word, 0)
        row = ((row + met) | (row - met)) & every
    return len(left) - row.bit_count()


class RougeL(_TextMetric):
    """How much of a summary and its reference is a common row of words, gaps allowed.

    F = (1 + b^2) P R / (R + b^2 P), P = L / words of the text, R = L / words of the
    reference, L = length of their longest common subsequence, b = ``beta``;
    the best of several references, averaged over the texts

    Range: 0 to 1, higher is better. NaN before anything was seen.

    Args:
        beta: How many times as much recall counts as precision. Above 0.
        split: How strings are cut into words: "spaces", "characters" or a function.
        padding: Token number that is no word; `None` for none.
        name: As in `Metric`.

    Shape:
        prediction: a list of strings; or (batch, time) token numbers, or
            (batch, time, vocabulary) scores
        target: a list of strings, or of lists of strings when there are several
            references; or (batch, time)

    Raises:
        ConfigError: ``beta`` is not above 0, or another split.
        DataError: Not one reference per text, or tokens of another shape.

    Example:
        >>> rouge = RougeL()
        >>> rouge.update(["police kill the gunman"], ["police killed the gunman"])
        >>> rouge.compute().item()
        0.75

    Source:
        Lin 2004, ROUGE: a package for automatic evaluation of summaries, section 3.
        Row as a number: Hyyro 2004, Bit-parallel LCS-length computation revisited.
    """

    def __init__(
        self,
        beta: float = 1.0,
        *,
        split: Split = "spaces",
        padding: int | None = 0,
        name: str | None = None,
    ) -> None:
        super().__init__(split, padding, name=name)
        if not beta > 0:
            raise ConfigError(
                f"RougeL: expected beta above 0, got {beta!r}. 1.0 weighs precision "
                "and recall alike."
            )
        self.beta = float(beta)

    def _score(self, words: Words, reference: Words) -> float:
        common = _longest_common(words, reference)
        if not common:
            return 0.0
        square = self.beta**2  # F with P and R multiplied by both lengths
        return (1 + square) * common / (len(words) + square * len(reference))

    def update(
        self, prediction: Any, target: Any, sample_weight: Tensor | None = None
    ) -> None:
        """Add the scores of one batch."""
        pairs = self._texts(prediction, target)
        weights = _weights(sample_weight, len(pairs))
        total = 0.0
        for (words, references), weight in zip(pairs, weights, strict=True):
            total += weight * max(self._score(words, each) for each in references)
        sums = torch.tensor([total, sum(weights)], dtype=torch.float64)
        self.add("sums", sums)

    def compute(self) -> Float[Tensor, ""]:
        """Average over the texts."""
        if not self._state:
            return torch.tensor(torch.nan, dtype=torch.float64)
        total, count = self.total("sums")
        return ratio(total, count)
