"""Letters known before: what counting reaches at guessing the next one."""

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["Guesses", "letters_known_before"]

ORDER = 5  # letters before; more are rarely seen twice in a text of some million
LEAST_CHANCE = 1e-12


@dataclass(frozen=True)
class Guesses:
    """How well each letter of a text was guessed.

    Args:
        name: By what.
        each: Bits of each letter but the first.
        note: What the reader should know.

    Shape:
        each: (letters - 1,)

    Example:
        >>> Guesses("a coin", np.array([1.0, 1.0])).bits
        1.0
    """

    name: str
    each: np.ndarray
    note: str = ""

    @property
    def bits(self) -> float:
        """Bits per character."""
        return float(self.each.mean())


def _contexts(numbers: np.ndarray, order: int, size: int) -> np.ndarray:
    """The `order` letters before each as one number; the first `order` have none."""
    code = np.zeros(len(numbers) - order, dtype=np.int64)
    for back in range(order, 0, -1):
        code = code * size + numbers[order - back : len(numbers) - back]
    return code


def _counted(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """How often each wanted key stands among the keys."""
    values, counts = np.unique(keys, return_counts=True)
    place = np.searchsorted(values, wanted)
    place = np.minimum(place, len(values) - 1)
    return np.where(values[place] == wanted, counts[place], 0)


def _longer(
    train: np.ndarray, test: np.ndarray, chances: np.ndarray, order: int, size: int
) -> np.ndarray:
    """Chances after `order` letters, mixed with those after fewer.

    p = (count(context, letter) + kinds(context) p_shorter) / (count + kinds)
    """
    known = _contexts(train, order, size)
    pairs = known * size + train[order:]
    asked = _contexts(test, order, size)
    together = asked * size + test[order:]
    count = _counted(known, asked)
    kinds = _counted(np.unique(pairs) // size, asked)
    both = _counted(pairs, together)
    shorter = chances[len(chances) - len(asked) :]
    weight = np.maximum(count + kinds, 1)
    mixed = np.where(count > 0, (both + kinds * shorter) / weight, shorter)
    return np.concatenate([chances[: len(chances) - len(asked)], mixed])


def letters_known_before(
    train: np.ndarray, test: np.ndarray, size: int
) -> list[Guesses]:
    """Judge guesses that only count: any letter, frequent ones, after those before.

    Args:
        train: Letters to count.
        test: Letters to guess.
        size: How many different ones there are.

    Shape:
        train, test: (letters,), int64

    Returns:
        Three judgements, on all letters of the test part but the first.

    Example:
        >>> letters = np.array([0, 1] * 50)
        >>> [round(each.bits, 2) for each in letters_known_before(letters, letters, 2)]
        [1.0, 1.0, 0.0]

    Source:
        Witten & Bell 1991, The zero-frequency problem, method C.
    """
    counts = np.bincount(train, minlength=size).astype(np.float64)
    chances = ((counts + 1 / size) / (counts.sum() + 1))[test]
    frequent = chances.copy()
    # Contexts are numbers of at most 62 bits.
    order = min(ORDER, int(62 / math.log2(max(size, 2))) - 1, len(test) - 1)
    for length in range(1, order + 1):
        chances = _longer(train, test, chances, length, size)
    whole = np.full(len(test) - 1, math.log2(size))

    def bits(found: np.ndarray) -> np.ndarray:
        return -np.log2(np.maximum(found[1:], LEAST_CHANCE))

    return [
        Guesses("any character", whole, f"one of {size:,}"),
        Guesses("frequent characters", bits(frequent)),
        Guesses("counts of letters", bits(chances), f"after the {order} before"),
    ]
