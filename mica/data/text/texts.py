"""Texts and what is to be said of each: the form that every file is read into."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from mica.errors import DataError

__all__ = ["Texts", "remarks"]


@dataclass(frozen=True)
class Texts:
    """Documents, with their labels where there are any.

    Args:
        texts: A text for each document.
        labels: A label for each, as it was read; None when there are none.
        places: Where each comes from: a file, or a line of one.
        name: What to call them in messages, such as the file's name.
        notes: What was noticed when they were read, for the user.

    Example:
        >>> texts = Texts(["good", "bad"], ["pos", "neg"], ["1", "2"], "two", ())
        >>> len(texts), texts.classes()
        (2, (array([1, 0]), ('neg', 'pos')))
    """

    texts: list[str]
    labels: list[Any] | None
    places: list[str]
    name: str
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.texts)

    def __repr__(self) -> str:
        """Show what they are and how many, not every word."""
        kind = "without labels" if self.labels is None else "with labels"
        return f"Texts({self.name!r}, {len(self):,} documents {kind})"

    def classes(self) -> tuple[np.ndarray, tuple[str, ...]]:
        """Number the labels, in the order of the alphabet.

        Returns:
            A class number for each document, and the names of the classes.

        Raises:
            DataError: There are no labels, a document has none, or all have the same.
        """
        if self.labels is None:
            raise DataError(
                f"{self.name}: expected labels, got texts only. Name the column of the "
                "labels (target=...), or put the files into a folder for each class."
            )
        for place, label in zip(self.places, self.labels, strict=True):
            if label is None:
                raise DataError(
                    f"{self.name}: expected a label for every text, got none at "
                    f"{place}. Add it, or leave the text out."
                )
        names = sorted({str(label) for label in self.labels})
        if len(names) < 2:
            raise DataError(
                f"{self.name}: expected at least two classes, got only "
                f"{', '.join(map(repr, names)) or 'nothing'}. Look at the labels."
            )
        number = {name: place for place, name in enumerate(names)}
        return np.array([number[str(label)] for label in self.labels]), tuple(names)


def remarks(texts: list[str], labels: list[Any] | None, places: list[str]) -> list[str]:
    """Sentences on what should be known before training.

    Args:
        texts: The documents.
        labels: Their labels, or None.
        places: Where each comes from.

    Returns:
        The sentences.

    Example:
        >>> remarks(["", "a"], ["x", "y"], ["1.txt", "2.txt"])[0]
        '1 of 2 documents is empty (the first: 1.txt).'
    """
    found = []
    # NOTE: strip() and split() would copy a text; isspace() stops at the first letter.
    empty = [
        place
        for text, place in zip(texts, places, strict=True)
        if not text or text.isspace()
    ]
    if empty:
        verb = "is" if len(empty) == 1 else "are"
        found.append(
            f"{len(empty)} of {len(texts)} documents {verb} empty (the first: "
            f"{empty[0]})."
        )
    counts = Counter(str(label) for label in labels or () if label is not None)
    single = [label for label, count in counts.items() if count == 1]
    if single and len(counts) < len(texts):
        found.append(
            f"The class {single[0]!r} has one document, which cannot be both learned "
            "from and tested."
        )
    return found
