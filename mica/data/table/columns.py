"""How one column becomes numbers: standardised, or one place per category."""

from collections.abc import Sequence

import numpy as np

from mica.data.table.cells import Cells, Decimal, parse_numbers, texts
from mica.data.table.kinds import Inspection
from mica.errors import ConfigError, DataError
from mica.registry import Configurable

__all__ = [
    "CategoryColumn",
    "NumberColumn",
    "are_finite",
    "fit_category",
    "fit_number",
    "moments",
]


def are_finite(*values: object) -> bool:
    """Whether all values are finite numbers.

    Args:
        values: What a file may hold.

    Example:
        >>> are_finite(1, 2.5), are_finite(float("nan")), are_finite("1")
        (True, False, False)
    """
    return all(
        isinstance(value, (int, float)) and np.isfinite(value) for value in values
    )


def moments(numbers: np.ndarray, column: str) -> tuple[float, float]:
    """Find mean and standard deviation of numbers, 1 where they do not vary.

    Args:
        numbers: Known numbers.
        column: Whose they are, for the error.

    Shape:
        numbers: (rows,), float64

    Returns:
        Mean and deviation.

    Raises:
        DataError: The numbers are too large to be squared.

    Example:
        >>> import numpy as np
        >>> moments(np.array([1.0, 3.0]), "age"), moments(np.array([5.0]), "age")
        ((2.0, 1.0), (5.0, 1.0))
    """
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = float(numbers.mean()), float(numbers.std())
    if not are_finite(mean, deviation):
        raise DataError(
            f"column {column!r}: expected numbers that can be squared, got "
            f"{np.abs(numbers).max():g}. Look for a slip of the pen, or scale the "
            "column."
        )
    # A deviation that is only rounding error would blow that error up.
    is_constant = deviation <= 1e-12 * abs(mean) or deviation == 0
    return mean, 1.0 if is_constant else deviation


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
        if not (are_finite(mean, scale, fill) and isinstance(name, str) and scale > 0):
            raise ConfigError(
                f"NumberColumn {name!r}: expected finite mean, scale and fill and a "
                f"scale above 0, got {mean!r}, {scale!r} and {fill!r}. The file is "
                "damaged or was not written by Mica."
            )
        self.name = name
        self.mean = mean
        self.scale = scale
        self.fill = fill
        self.has_missing = bool(has_missing)
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

    Raises:
        DataError: The numbers are too large to be squared.
    """
    numbers = inspection.numbers
    assert numbers is not None
    known = numbers[~np.isnan(numbers)]
    mean, scale = moments(known, name)
    return NumberColumn(
        name,
        mean=mean,
        scale=scale,
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

    Raises:
        ConfigError: The name or a category is no text.

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
        if not all(isinstance(text, str) for text in (name, *categories)):
            raise ConfigError(
                f"CategoryColumn {name!r}: expected texts as name and categories, got "
                f"{list(categories)!r}. The file is damaged or was not written by Mica."
            )
        self.name = name
        self.categories = tuple(categories)
        self.has_missing = bool(has_missing)
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
        missing = len(self.categories) if self.has_missing else -1
        places = np.array(
            [
                missing if value is None else self._places.get(value.casefold(), -1)
                for value in texts(cells)
            ]
        )
        encoded = np.zeros((len(places), len(self.categories) + self.has_missing))
        rows = np.flatnonzero(places >= 0)
        encoded[rows, places[rows]] = 1.0
        return encoded


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
