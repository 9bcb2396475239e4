"""Precision: the type numbers are computed in, for the whole process."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, get_args

import torch

from mica.errors import ConfigError, near_misses

__all__ = ["Precision", "precision", "precision_scope", "set_precision"]

Precision = Literal["float32", "tf32", "float64", "bfloat16"]

_chosen: Precision | None = None


def set_precision(name: Precision | None) -> None:
    """Choose the type that layers built from now on compute in.

    `float32` and `float64` become torch's default dtype: weights, data and results have
    it; no product of `float32` is rounded on the way, whatever torch's own switches
    say. `tf32` is float32 whose products a GPU's tensor cores round to 10 bits of
    mantissa; it runs on CUDA devices of compute capability 8.0 or more. `bfloat16`
    is mixed precision: weights, gradients and optimizer state stay float32, products
    and convolutions are computed in bfloat16 (torch's autocast).

    Args:
        name: The type; `None` lets Mica choose (float32 weights).

    Raises:
        ConfigError: `name` is none of them.

    Example:
        >>> set_precision("float64")
        >>> torch.zeros(1).dtype
        torch.float64
        >>> set_precision(None)
        >>> torch.zeros(1).dtype
        torch.float32
    """
    global _chosen
    if name is not None and name not in get_args(Precision):
        raise ConfigError(
            f"set_precision: expected a precision or None, got {name!r}. "
            f"{near_misses(str(name), get_args(Precision))}"
        )
    torch.set_default_dtype(torch.float64 if name == "float64" else torch.float32)
    _chosen = name


def precision() -> Precision | None:
    """Tell which precision was chosen, by `set_precision` or by torch's default dtype.

    Returns:
        Its name; `None` when nothing was chosen.

    Example:
        >>> with precision_scope("bfloat16"):
        ...     precision()
        'bfloat16'
    """
    dtype = torch.get_default_dtype()
    if dtype == torch.float64:
        return "float64"
    if dtype == torch.bfloat16:
        return "bfloat16"
    return None if _chosen == "float64" else _chosen


@contextmanager
def precision_scope(name: Precision | None) -> Iterator[None]:
    """Choose a precision for a `with` block and put back what was there.

    Args:
        name: As for `set_precision`.

    Yields:
        Nothing.

    Raises:
        ConfigError: `name` is no precision.

    Example:
        >>> with precision_scope("float64"):
        ...     torch.zeros(1).dtype
        torch.float64
        >>> torch.zeros(1).dtype
        torch.float32
    """
    global _chosen
    chosen, dtype = _chosen, torch.get_default_dtype()
    set_precision(name)
    try:
        yield
    finally:
        _chosen = chosen
        torch.set_default_dtype(dtype)
