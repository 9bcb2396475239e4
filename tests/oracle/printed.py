"""Numbers as a book prints them: right when equal to the last digit printed."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

__all__ = ["assert_prints"]


def as_printed(value: float, text: str) -> str:
    """`text` if `value` rounds to it, else what `value` rounds to."""
    last_digit = Decimal((0, (1,), Decimal(text).as_tuple().exponent))
    # Fifteen digits first: 0.0225 is a little less in binary, and rounds up by hand.
    exact = Decimal(f"{value:.15g}")
    rounded = exact.quantize(last_digit, rounding=ROUND_HALF_UP)
    return text if rounded == Decimal(text) else str(rounded)


def assert_prints(values: Iterable[float] | float, text: str) -> None:
    """Demand the numbers in `text`, to their last digit; "..." stands for one left out.

    >>> assert_prints([0.58128304123, 2.5e-7], ".58128304 2.50000000e-07")
    """
    printed = text.split()
    numbers = np.ravel(values).tolist()
    shown = [
        given if given == "..." else as_printed(value, given)
        for value, given in zip(numbers, printed, strict=True)
    ]
    assert shown == printed
