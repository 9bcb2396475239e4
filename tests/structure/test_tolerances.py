"""The comparison every numerical test stands on can fail."""

import numpy as np
import pytest
import torch

from tests.tolerances import TOLERANCES, assert_close


@pytest.mark.parametrize(("kind", "dtype"), TOLERANCES)
def test_a_difference_above_the_tolerance_fails(kind, dtype):
    row = TOLERANCES[kind, dtype]
    expected = np.ones(3, dtype)
    assert_close(expected, expected, kind)
    with pytest.raises(AssertionError):
        assert_close(expected + 3 * (row.relative + row.absolute), expected, kind)


def test_a_tensor_is_compared_with_an_array():
    assert_close(torch.ones(2, requires_grad=True), np.ones(2, np.float32))


def test_shapes_must_be_equal_not_broadcastable():
    with pytest.raises(AssertionError, match=r"shapes \(2, 1\) and \(2,\) differ"):
        assert_close(np.ones((2, 1)), np.ones(2))


def test_nan_equals_nothing():
    with pytest.raises(AssertionError, match="NaN equals nothing"):
        assert_close(np.array([np.nan]), np.array([np.nan]))
