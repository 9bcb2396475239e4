"""Keras's functions for the layers that merge: `add([a, b])` is `Add()([a, b])`."""

from collections.abc import Sequence
from typing import Any

from mica.layers.merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
)

__all__ = [
    "add",
    "average",
    "concatenate",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]


def add(inputs: Sequence[Any], **options: Any) -> Any:
    """The sum of tensors of one shape.

    y = x_1 + x_2 + ... + x_n

    Args:
        inputs: Tensors, symbolic or not.
        **options: As in `Add`, such as its name.

    Returns:
        What `Add` gives.

    Example:
        >>> import torch
        >>> add([torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])])
        tensor([4., 6.])
    """
    return Add(**options)(inputs)


def average(inputs: Sequence[Any], **options: Any) -> Any:
    """The mean of tensors.

    y = (x_1 + x_2 + ... + x_n) / n

    Args:
        inputs: Tensors, symbolic or not.
        **options: As in `Average`, such as its name.

    Returns:
        What `Average` gives.

    Example:
        >>> import torch
        >>> average([torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])])
        tensor([2., 3.])
    """
    return Average(**options)(inputs)


def concatenate(inputs: Sequence[Any], axis: int = -1, **options: Any) -> Any:
    """Tensors side by side along an axis.

    y = [x_1, x_2, ..., x_n]

    Args:
        inputs: Tensors, symbolic or not.
        axis: Along which, as in `Concatenate`.
        **options: As in `Concatenate`, such as its name.

    Returns:
        What `Concatenate` gives.

    Example:
        >>> import torch
        >>> concatenate([torch.zeros(1, 2), torch.ones(1, 1)])
        tensor([[0., 0., 1.]])
    """
    return Concatenate(axis=axis, **options)(inputs)


def dot(inputs: Sequence[Any], axes: int | Sequence[int] = -1, **options: Any) -> Any:
    """Sums of products of two tensors along an axis of each.

    y_b = sum_k x_1bk x_2bk

    Args:
        inputs: Tensors, symbolic or not.
        axes: Along which, as in `Dot`.
        **options: As in `Dot`, such as its name.

    Returns:
        What `Dot` gives.

    Example:
        >>> import torch
        >>> dot([torch.ones(1, 3), torch.ones(1, 3)])
        tensor([[3.]])
    """
    return Dot(axes, **options)(inputs)


def maximum(inputs: Sequence[Any], **options: Any) -> Any:
    """The largest of tensors, number by number.

    y = max(x_1, x_2, ..., x_n)

    Args:
        inputs: Tensors, symbolic or not.
        **options: As in `Maximum`, such as its name.

    Returns:
        What `Maximum` gives.

    Example:
        >>> import torch
        >>> maximum([torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])])
        tensor([3., 4.])
    """
    return Maximum(**options)(inputs)


def minimum(inputs: Sequence[Any], **options: Any) -> Any:
    """The smallest of tensors, number by number.

    y = min(x_1, x_2, ..., x_n)

    Args:
        inputs: Tensors, symbolic or not.
        **options: As in `Minimum`, such as its name.

    Returns:
        What `Minimum` gives.

    Example:
        >>> import torch
        >>> minimum([torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])])
        tensor([1., 2.])
    """
    return Minimum(**options)(inputs)


def multiply(inputs: Sequence[Any], **options: Any) -> Any:
    """The product of tensors, number by number.

    y = x_1 x_2 ... x_n

    Args:
        inputs: Tensors, symbolic or not.
        **options: As in `Multiply`, such as its name.

    Returns:
        What `Multiply` gives.

    Example:
        >>> import torch
        >>> multiply([torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])])
        tensor([3., 8.])
    """
    return Multiply(**options)(inputs)


def subtract(inputs: Sequence[Any], **options: Any) -> Any:
    """The difference of two tensors.

    y = x_1 - x_2

    Args:
        inputs: Tensors, symbolic or not.
        **options: As in `Subtract`, such as its name.

    Returns:
        What `Subtract` gives.

    Example:
        >>> import torch
        >>> subtract([torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])])
        tensor([-2., -2.])
    """
    return Subtract(**options)(inputs)
