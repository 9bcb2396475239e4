"""How far two numbers that should be the same may be apart, by kind and dtype.

A row says why. A test that needs more adds a row with its own reason; nothing
else in the tests writes a tolerance.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

__all__ = ["TOLERANCES", "Tolerance", "assert_close", "tolerance"]


class Tolerance(NamedTuple):
    """Allowed difference: |actual - expected| <= absolute + relative * |expected|."""

    relative: float
    absolute: float


TOLERANCES: Mapping[tuple[str, str], Tolerance] = {
    # Two programs for the same formula, e.g. Keras or a closed form in NumPy.
    ("oracle", "float64"): Tolerance(1e-10, 1e-10),
    # About 40 units in the last place: sums of some hundreds of float32 products.
    ("oracle", "float32"): Tolerance(5e-6, 1e-6),
    # The same operations in another order (batches, ranks, layouts).
    ("reordered", "float64"): Tolerance(1e-12, 1e-12),
    ("reordered", "float32"): Tolerance(1e-6, 1e-6),
    # Numbers made in float32 and looked at in float64, such as orthogonal weights.
    ("rounded once", "float64"): Tolerance(0.0, 1e-5),
    # Central differences with a step of 1e-6: the error of the method itself.
    ("finite_difference", "float64"): Tolerance(1e-5, 1e-7),
    # Fourth-order central differences with a step of 1e-3 on functions of size 1.
    ("extrapolated_difference", "float64"): Tolerance(1e-6, 1e-9),
    # The same on some dozens of operations composed, whose higher slopes may be large.
    ("composed_difference", "float64"): Tolerance(1e-5, 1e-6),
    # Ten steps of 0.001 with gradients from 0.5 on: Keras's Adam adds 32 to 10 times
    # epsilon (1e-7) where torch's adds it once, to a root of at least 0.016.
    ("epsilon", "float64"): Tolerance(0.0, 1e-7),
    # Keras's own clipping rounds through float32.
    ("keras clipping", "float64"): Tolerance(1e-7, 1e-7),
    # Keras's mean, norm and minimum round float64 to float32; ten large steps of it.
    ("keras float32", "float64"): Tolerance(2e-6, 2e-6),
    # Ten or more optimizer steps on float32: each step rounds once.
    ("trajectory", "float64"): Tolerance(1e-9, 1e-10),
    ("trajectory", "float32"): Tolerance(1e-4, 1e-5),
    # A mean or deviation of 10,000 draws or more: four standard errors.
    ("statistical", "float64"): Tolerance(0.0, 0.04),
    ("statistical", "float32"): Tolerance(0.0, 0.04),
    # A density summed on a grid of steps of 0.1 that ends at 9 deviations.
    ("integral on a grid", "float64"): Tolerance(0.0, 1e-3),
    # The bottom of a bowl of curvature 1 or more, left when the loss changes by 1e-9.
    ("minimum", "float64"): Tolerance(0.0, 1e-4),
    # A number printed in a paper or a book, to the digits it has.
    ("printed", "float64"): Tolerance(0.0, 5e-4),
    ("printed", "float32"): Tolerance(0.0, 5e-4),
}


def tolerance(kind: str, dtype: str = "float64") -> Tolerance:
    """The row of the table for one kind of comparison and one dtype."""
    return TOLERANCES[kind, dtype]


def assert_close(actual: Any, expected: Any, kind: str = "oracle") -> None:
    """Demand equal shapes and values as close as the table says.

    The coarser dtype of the two decides the row; a Python number and an integer
    array count as float64. NaN equals nothing.
    """
    left, right = _as_array(actual), _as_array(expected)
    assert left.shape == right.shape, f"shapes {left.shape} and {right.shape} differ"
    dtypes = {str(array.dtype) for array in (left, right)}
    row = tolerance(kind, "float32" if "float32" in dtypes else "float64")
    np.testing.assert_allclose(left, right, rtol=row.relative, atol=row.absolute)
    assert not np.isnan(left.astype(np.float64)).any(), "NaN equals nothing"


def _as_array(value: Any) -> np.ndarray:
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = value.float() if value.dtype == torch.bfloat16 else value
        return value.resolve_conj().resolve_neg().numpy()
    return np.asarray(value)
