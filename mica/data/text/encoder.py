"""Texts for a model that reads them: cut where they are endless, answers in words."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mica.errors import ConfigError, DataError
from mica.registry import Configurable

__all__ = ["TextEncoder"]

MOST_CHARACTERS = 20_000  # of a document; some eight pages; ours


class TextEncoder(Configurable):
    """Documents as a model with `TextVectorization` takes them, and classes by name.

    The words themselves are read inside the model; here is what a file of texts needs
    besides: which column they stand in, how much of a document is read, and what the
    classes are called.

    Args:
        label_names: The classes in the order of their numbers.
        text: The column of the texts in tables; None for folders.
        target: The column of the labels; None for folders.
        most_characters: How much of a document is read.

    Raises:
        ConfigError: Fewer than two classes, or a limit below 1.

    Example:
        >>> encoder = TextEncoder(("bad", "good"), most_characters=4)
        >>> encoder.transform(["nice film"]), encoder.decode([[0.2, 0.8]])
        (array(['nice'], dtype=object), array(['good'], dtype='<U4'))
    """

    def __init__(
        self,
        label_names: Sequence[str],
        *,
        text: str | None = None,
        target: str | None = None,
        most_characters: int = MOST_CHARACTERS,
    ) -> None:
        names = tuple(label_names)
        if len(names) < 2 or not all(isinstance(name, str) for name in names):
            raise ConfigError(
                f"TextEncoder: expected the names of at least two classes, got "
                f"{names!r}. Give them in the order of their numbers."
            )
        if not isinstance(most_characters, int) or most_characters < 1:
            raise ConfigError(
                f"TextEncoder: expected most_characters of at least 1, got "
                f"{most_characters!r}. {MOST_CHARACTERS} are some eight pages."
            )
        self.label_names = names
        self.text, self.target = text, target
        self.most_characters = most_characters

    def transform(self, texts: Sequence[str]) -> np.ndarray:
        """Cut documents to the length that is read.

        Args:
            texts: The documents.

        Shape:
            returns: (documents,), objects

        Returns:
            What the model takes.

        Raises:
            DataError: Something among them is no text.
        """
        found = np.empty(len(texts), dtype=object)
        for place, text in enumerate(texts):
            if not isinstance(text, str):
                raise DataError(
                    f"TextEncoder: expected texts, got {type(text).__name__} at place "
                    f"{place}. Turn it into text with str()."
                )
            found[place] = text[: self.most_characters]
        return found

    def decode(self, prediction: Any) -> np.ndarray:
        """Name the most probable class of each document.

        Args:
            prediction: What predict returned.

        Shape:
            prediction: (documents, classes)
            returns: (documents,)

        Returns:
            The names.

        Raises:
            DataError: Another number of columns than of classes.
        """
        shares = np.asarray(prediction)
        if shares.ndim != 2 or shares.shape[1] != len(self.label_names):
            raise DataError(
                f"decode: expected {len(self.label_names)} columns, one per class, got "
                f"the shape {shares.shape}. Give what predict returned."
            )
        return np.array(self.label_names)[shares.argmax(axis=1)]
