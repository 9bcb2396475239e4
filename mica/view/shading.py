"""How deep the colour of each of a matrix's cells is."""

from __future__ import annotations

import numpy as np

from mica.report import Matrix

__all__ = ["DEEP_SHADE", "MIDDLE_SHADE", "cell_shades"]

# Where a cell's words change colour, so that their contrast stays above 4.5 to 1: in
# the dark at the first, on paper at the second.
MIDDLE_SHADE = 0.73
DEEP_SHADE = 0.83


def cell_shades(part: Matrix) -> np.ndarray:
    """Give each cell's shade: 0 for none, 1 or -1 for the full first or second colour.

    A confusion matrix's cells are shaded by their share of their row, the diagonal in
    the first colour and mistakes in the second; any other's by their size, negative
    ones in the second.

    Args:
        part: The matrix.

    Shape:
        output: (rows, columns), within -1..1.

    Example:
        >>> cell_shades(Matrix("", [[2, -1]], ["a"], ["b", "c"]))
        array([[ 1. , -0.5]])
    """
    values = np.array(part.values, np.float64)
    values = np.where(np.isfinite(values), values, 0.0)
    if part.is_confusion:
        shares = values.clip(0) / np.maximum(values.sum(axis=1, keepdims=True), 1)
        # A root, so that a rare mistake is seen; and never so pale as none.
        wrong = -(0.12 + 0.88 * np.sqrt(shares)) * (shares > 0)
        return np.where(np.eye(len(values), dtype=bool), shares, wrong).clip(-1, 1)
    return values / (np.abs(values).max() or 1.0)
