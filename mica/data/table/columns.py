"""How one column becomes numbers: standardised, or one place per category."""

from collections.abc import Sequence

import numpy as np

from mica.data.table.cells import Cells, Decimal, parse_numbers, texts
from mica.data.table.kinds import Inspection
from mica.errors import ConfigError, DataError
from mica.registry import Configurable

__all__ = ["CategoryColumn", "NumberColumn", "fit_category", "fit_number"]


class NumberColumn(Configurable):
    """A column of numbers: standardised, its gaps filled with the median.

    z = (value - mean) / scale, and 1 in a second place where the value is missing

    Args:
        name: The column's name.
        mean: Subtracted.
        scale: Divided by, above 0.
        fill: Stands for a missing value.
        has_missing: Whether training rows had gaps, which adds the second place.
        unreadable: Texts that count as missing because they did in training.

    Raises:
        ConfigError: A number that is not finite, or a scale that is not above 0.

    Example:
        >>> column = NumberColumn("age", mean=40.0, scale=10.0, fill=40.0)
        >>> column.transform(["50", None])
        array([[1.],
               [0.]])
    """

    def __init__(
        self,
        name: str,
        *,
        mean: float,
        scale: float,
        fill: float,
        has_missing: bool = False,
        unreadable: Sequence[str] = (),
    ) -> None:
        numbers = (mean, scale, fill)
        is_valid = all(isinstance(n, (int, float)) and np.isfinite(n) for n in numbers)
        if not is_valid or scale <= 0:
            raise ConfigError(
                f"NumberColumn {name!r}: expected finite mean, scale and fill and a "
                f"scale above 0, got {mean!r}, {scale!r} and {fill!r}. The file is "
                "damaged or was not written by Mica."
            )
        self.name = name
        self.mean = mean
        self.scale = scale
        self.fill = fill
        self.has_missing = has_missing
        self.unreadable = frozenset(unreadable)

    @property
    def feature_names(self) -> list[str]:
        """What each place of the result is."""
        extra = [f"{self.name} is missing"] if self.has_missing else []
        return [self.name, *extra]

    def transform(self, cells: Cells, decimal: Decimal = ".") -> np.ndarray:
        """Turn the column into numbers.

        Args:
            cells: The column.
            decimal: The mark between whole and fraction in texts.

        Shape:
            returns: (rows, 1), or (rows, 2) with a place for missing values

        Returns:
            float64 numbers.

        Raises:
            DataError: A text that is no number and did not occur in training.
        """
        numbers, unreadable = parse_numbers(cells, decimal)
        unknown = [text for text in unreadable if text not in self.unreadable]
        if unknown:
            values = texts(cells)
            raise DataError(
                f"column {self.name!r}: expected a number, got {unknown[0]!r} in row "
                f"{values.index(unknown[0])}. Leave the field empty if the value is "
                "not known."
            )
        missing = np.isnan(numbers)
        standard = (np.where(missing, self.fill, numbers) - self.mean) / self.scale
        if not (np.abs(standard) < np.finfo(np.float32).max).all():
            row = int(np.abs(standard).argmax())
            raise DataError(
                f"column {self.name!r}: expected numbers near {self.mean:g}, got "
                f"{numbers[row]:g} in row {row}. Look for a slip of the pen."
            )
        places = [standard, missing.astype(np.float64)]
        return np.stack(places[: 1 + self.has_missing], axis=1)  # (rows, places)


def fit_number(name: str, inspection: Inspection) -> NumberColumn:
    """Find mean, deviation and median of a column's known numbers.

    Args:
        name: The column's name.
        inspection: What was found in its training rows, of kind "number".

    Returns:
        The encoder. A column that is constant but for its gaps keeps the scale 1.
    """
    numbers = inspection.numbers
    assert numbers is not None
    known = numbers[~np.isnan(numbers)]
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = float(known.mean()), float(known.std())
    if not (np.isfinite(mean) and np.isfinite(scale)):
        raise DataError(
            f"column {name!r}: expected numbers whose mean and deviation can be "
            f"computed, got values up to {np.abs(known).max():g}. Look for a slip of "
            "the pen, or scale the column."
        )
    # A deviation that is only rounding error would blow that error up.
    is_constant = scale <= 1e-12 * max(abs(mean), np.finfo(np.float64).tiny)
    return NumberColumn(
        name,
        mean=mean,
        scale=1.0 if is_constant else scale,
        fill=float(np.median(known)),
        has_missing=inspection.num_missing > 0,
        unreadable=inspection.unreadable,
    )


class CategoryColumn(Configurable):
    """A column of categories: 1 in the category's place, 0 elsewhere.

    Capital and small letters count the same. A category that did not occur in
    training, or was too rare to keep, is 0 everywhere.

    Args:
        name: The column's name.
        categories: The categories, in the order of their places.
        has_missing: Whether training rows had gaps, which adds a last place for them.

    Example:
        >>> column = CategoryColumn("sex", categories=["f", "m"], has_missing=True)
        >>> column.transform(["M", None, "x"])
        array([[0., 1., 0.],
               [0., 0., 1.],
               [0., 0., 0.]])
    """

    def __init__(
        self, name: str, *, categories: Sequence[str], has_missing: bool = False
    ) -> None:
        if not all(isinstance(category, str) for category in categories):
            raise ConfigError(
                f"CategoryColumn {name!r}: expected categories to be texts, got "
                f"{list(categories)!r}. The file is damaged or was not written by Mica."
            )
        self.name = name
        self.categories = tuple(categories)
        self.has_missing = has_missing
        self._places = {text.casefold(): i for i, text in enumerate(self.categories)}

    @property
    def feature_names(self) -> list[str]:
        """What each place of the result is."""
        names = [f"{self.name} = {category}" for category in self.categories]
        return [*names, f"{self.name} is missing"] if self.has_missing else names

    def unseen(self, cells: Cells) -> set[str]:
        """List the values that have no place here.

        Args:
            cells: The column.

        Example:
            >>> CategoryColumn("sex", categories=["f", "m"]).unseen(["f", "x"])
            {'x'}
        """
        values = {value for value in texts(cells) if value is not None}
        return {value for value in values if value.casefold() not in self._places}

    def transform(self, cells: Cells, decimal: Decimal = ".") -> np.ndarray:
        """Turn the column into zeros and ones.

        Args:
            cells: The column.
            decimal: Not used.

        Shape:
            returns: (rows, categories), one more with a place for missing values

        Returns:
            float64 numbers.
        """
        del decimal
        nowhere = len(self.categories) + 1
        missing = len(self.categories) if self.has_missing else nowhere
        rows = [
            missing if value is None else self._places.get(value.casefold(), nowhere)
            for value in texts(cells)
        ]
        width = len(self.categories) + self.has_missing
        return np.eye(nowhere + 1)[rows][:, :width]  # (rows, width)


def fit_category(
    name: str, inspection: Inspection, max_categories: int
) -> CategoryColumn:
    """Choose the categories that get a place: the most frequent, by name.

    Args:
        name: The column's name.
        inspection: What was found in its training rows, of kind "category".
        max_categories: Most places.

    Returns:
        The encoder.
    """
    by_count = sorted(inspection.counts, key=lambda text: -inspection.counts[text])
    return CategoryColumn(
        name,
        categories=sorted(by_count[:max_categories]),
        has_missing=inspection.num_missing > 0,
    )
