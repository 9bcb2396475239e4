"""Parts of a series by time, with a window's length left out between them."""

from collections.abc import Sequence

from mica.data.series.series import TimeSeries
from mica.errors import ConfigError, DataError

__all__ = ["split_series"]


def split_series(
    series: TimeSeries, fractions: Sequence[float], *, gap: int
) -> list[TimeSeries]:
    """Cut a series into parts, the earliest first.

    Between two parts `gap` rows belong to neither: with a window's length no answer of
    one part, and nothing that hangs together with it, is seen by a window of the next.

    Args:
        series: The series.
        fractions: Size of each part after the first, above 0; together below 1.
        gap: Rows left out between parts, at least 0.

    Returns:
        The first part, then one per fraction; views of the series.

    Raises:
        ConfigError: A fraction that is not between 0 and 1, too much in all, or a gap
            below 0.
        DataError: A part would be left without rows.

    Example:
        >>> import numpy as np
        >>> from mica.data.series.reading import as_series
        >>> days = np.arange("2020-01-01", "2020-01-11", dtype="M8[D]")
        >>> series = as_series({"day": days, "rain": np.zeros(10)})
        >>> [len(part) for part in split_series(series, [0.2, 0.2], gap=1)]
        [6, 1, 1]
    """
    for fraction in fractions:
        if not isinstance(fraction, (int, float)) or not 0 < fraction < 1:
            raise ConfigError(
                f"split_series: expected fractions above 0 and below 1, got "
                f"{fraction!r}. 0.2 gives the part every fifth row."
            )
    if sum(fractions) >= 1:
        raise ConfigError(
            f"split_series: expected fractions that leave rows for training, got "
            f"{' + '.join(map(str, fractions))}. Lower one of them."
        )
    if not isinstance(gap, int) or isinstance(gap, bool) or gap < 0:
        raise ConfigError(
            f"split_series: expected a gap of at least 0 rows, got {gap!r}. Take the "
            "length of a window."
        )
    count = len(series)
    ends = [count]
    for fraction in reversed(fractions):
        ends.insert(0, ends[0] - round(count * fraction))
    starts = [0, *(end + gap for end in ends[:-1])]
    # The gap is taken from the beginning of the later part.
    sizes = [end - start for start, end in zip(starts, ends, strict=True)]
    if min(sizes) < 1:
        raise DataError(
            f"{series.name}: expected at least one row in each part, got {count:,} "
            f"rows for {len(sizes)} parts with {gap:,} rows between them. Take a "
            "shorter window, larger fractions, or more data."
        )
    return [series.rows(start, end) for start, end in zip(starts, ends, strict=True)]
