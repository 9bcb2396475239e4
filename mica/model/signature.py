"""Signature: the shapes and types a model was first called with."""

from typing import Any

import torch

from mica.layers import Input, SymbolicTensor
from mica.nested import map_nested
from mica.registry import Configurable
from mica.shapes import Shape

__all__ = ["TensorSpec", "describe_call", "symbolic_call", "zeros_call"]


class TensorSpec(Configurable):
    """Shape and type of one tensor.

    Args:
        shape: Sizes, `None` where they may vary.
        dtype: Type of the elements.
    """

    def __init__(self, shape: Shape, dtype: torch.dtype) -> None:
        self.shape = shape
        self.dtype = dtype


def describe_call(args: Any, kwargs: Any) -> Any:
    """Note what a model is called with.

    Args:
        args: Positional arguments, nested.
        kwargs: Named ones.

    Returns:
        (args, kwargs) with a TensorSpec for each tensor, the batch as None.

    Example:
        >>> ((spec,), _) = describe_call((torch.zeros(8, 3),), {})
        >>> spec.shape
        (None, 3)
    """

    def describe(leaf: Any) -> Any:
        if isinstance(leaf, (torch.Tensor, SymbolicTensor)):
            return TensorSpec((None, *leaf.shape[1:]), leaf.dtype)
        return leaf

    return map_nested(describe, (tuple(args), dict(kwargs)))


def symbolic_call(signature: Any) -> tuple[Any, Any]:
    """Turn a signature into symbolic tensors to call the model with.

    Args:
        signature: What `describe_call` gave.

    Returns:
        (args, kwargs).

    Example:
        >>> (x,), _ = symbolic_call(describe_call((torch.zeros(8, 3),), {}))
        >>> x.shape
        (None, 3)
    """

    def symbolic(leaf: Any) -> Any:
        if isinstance(leaf, TensorSpec):
            return Input(leaf.shape[1:], dtype=leaf.dtype)
        return leaf

    return map_nested(symbolic, signature)


def zeros_call(signature: Any) -> tuple[Any, Any]:
    """Turn a signature into zeros to call the model with.

    Args:
        signature: What `describe_call` gave.

    Returns:
        (args, kwargs), two rows each.

    Example:
        >>> (x,), _ = zeros_call(describe_call((torch.ones(8, 3),), {}))
        >>> x
        tensor([[0., 0., 0.],
                [0., 0., 0.]])
    """

    def zeros(leaf: Any) -> Any:
        if isinstance(leaf, TensorSpec):
            sizes = [2 if size is None else size for size in leaf.shape]
            return torch.zeros(sizes, dtype=leaf.dtype)
        return leaf

    return map_nested(zeros, signature)
