"""Whatever a model takes or gives, as NumPy arrays to look at."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from mica.errors import DataError

__all__ = ["as_array"]


def as_array(value: Any) -> np.ndarray:
    """Give a tensor of any device and precision, a frame or a list as an array.

    Args:
        value: A tensor, an array, or anything NumPy makes one of.

    Raises:
        DataError: Its rows differ in length.

    Example:
        >>> import torch
        >>> as_array(torch.ones(2, dtype=torch.bfloat16, requires_grad=True))
        array([1., 1.], dtype=float32)
    """
    if isinstance(value, torch.Tensor):
        tensor = value.detach().cpu()
        # NumPy has no such precision; float32 holds every one of its values.
        return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
    try:
        return np.asarray(value)
    except ValueError as error:
        raise DataError(
            "view: expected an array, got rows of different lengths. "
            "Give rows of one length."
        ) from error
