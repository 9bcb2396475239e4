"""A column of many categories as indices, for an embedding to learn what they mean."""

from collections.abc import Sequence

import numpy as np

from mica.data.table.cells import Cells, texts
from mica.data.table.kinds import Inspection
from mica.errors import ConfigError
from mica.registry import Configurable

__all__ = ["IndexColumn", "embedding_width", "fit_index"]

UNKNOWN, MISSING = 0, 1  # the first indices
MOST_CATEGORIES = 50_000  # kept, the most frequent first; ours
WIDEST_EMBEDDING = 50  # ours, as the rule of thumb below


def embedding_width(num_indices: int) -> int:
    """Suggest a width for an embedding: 1.6 n^0.56, at most 50.

    Args:
        num_indices: Rows of the embedding.

    Returns:
        The width.

    Example:
        >>> embedding_width(10), embedding_width(1000)
        (6, 50)
    """
    return min(WIDEST_EMBEDDING, round(1.6 * num_indices**0.56))


class IndexColumn(Configurable):
    """A column of categories: the number of the category.

    0 is every category that training did not see, or only once; 1 is a missing one; the
    others follow. Capital and small letters count the same.

    Args:
        name: The column's name.
        categories: The categories, in the order of their numbers from 2.

    Raises:
        ConfigError: The name or a category is no text.

    Example:
        >>> column = IndexColumn("city", categories=["Bonn", "Ulm"])
        >>> column.transform(["ULM", None, "Kiel"]), column.num_indices
        (array([3, 1, 0]), 4)
    """

    def __init__(self, name: str, *, categories: Sequence[str]) -> None:
        if not all(isinstance(text, str) for text in (name, *categories)):
            raise ConfigError(
                f"IndexColumn {name!r}: expected texts as name and categories, got "
                f"{str(list(categories))[:80]}. The file is damaged or was not written "
                "by Mica."
            )
        self.name = name
        self.categories = tuple(categories)
        self._places: dict[str | None, int] = {None: MISSING}
        for place, text in enumerate(self.categories, start=MISSING + 1):
            self._places[text.casefold()] = place

    @property
    def num_indices(self) -> int:
        """Rows an embedding needs."""
        return len(self.categories) + 2

    def _folded(self, cells: Cells) -> list[str | None]:
        return [None if text is None else text.casefold() for text in texts(cells)]

    def transform(self, cells: Cells) -> np.ndarray:
        """Number the categories of a column.

        Args:
            cells: The column.

        Shape:
            returns: (rows,), int64

        Returns:
            The numbers.
        """
        found = [self._places.get(text, UNKNOWN) for text in self._folded(cells)]
        return np.array(found, dtype=np.int64)

    def unseen(self, cells: Cells) -> set[str]:
        """Find the categories that have no number of their own.

        Args:
            cells: The column.

        Returns:
            Their spellings.

        Example:
            >>> IndexColumn("city", categories=["Bonn"]).unseen(["Kiel", None])
            {'Kiel'}
        """
        pairs = zip(texts(cells), self._folded(cells), strict=True)
        return {text for text, key in pairs if text and key not in self._places}


def fit_index(name: str, inspection: Inspection) -> IndexColumn:
    """Number the categories that training saw at least twice.

    What occurs once counts as unknown, so that the unknown is learned, too.

    Args:
        name: The column's name.
        inspection: What was found in its training rows, of kind "category".

    Returns:
        The encoder.

    Example:
        >>> found = Inspection("category", counts={"Ulm": 2, "Bonn": 3, "Kiel": 1})
        >>> fit_index("city", found).categories
        ('Bonn', 'Ulm')
    """
    counts = inspection.counts
    often = [text for text in counts if counts[text] > 1]
    often.sort(key=lambda text: -counts[text])
    return IndexColumn(name, categories=sorted(often[:MOST_CATEGORIES]))
