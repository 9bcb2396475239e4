"""Nested data: tuples, lists and dicts of leaves, as inputs and targets come."""

from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["flatten", "map_nested", "pack_like"]

# NOTE: a named tuple (torch.return_types, a batch) is rebuilt from its fields.


def _rebuild(like: Any, items: list[Any]) -> Any:
    if isinstance(like, dict):
        return dict(zip(like, items, strict=True))
    if hasattr(like, "_fields"):
        return type(like)(*items)
    return type(like)(items)


def _children(structure: Any) -> list[Any] | None:
    if isinstance(structure, dict):
        return list(structure.values())
    if isinstance(structure, (list, tuple)):
        return list(structure)
    return None


def _in_order_of(structure: Any, other: Any) -> Any:
    """Bring a dict's entries into the order of another dict's keys."""
    if isinstance(structure, dict) and isinstance(other, dict):
        return {key: other[key] for key in structure}
    return other


def flatten(structure: Any) -> list[Any]:
    """List the leaves of a nested structure from left to right.

    Args:
        structure: A leaf, or tuples, lists and dicts of them at any depth.

    Returns:
        The leaves; a dict contributes its values in its own order.

    Example:
        >>> flatten({"a": 1, "b": (2, [3])})
        [1, 2, 3]
        >>> flatten(5)
        [5]
    """
    children = _children(structure)
    if children is None:
        return [structure]
    return [leaf for child in children for leaf in flatten(child)]


def map_nested(function: Callable[..., Any], structure: Any, *others: Any) -> Any:
    """Apply `function` to every leaf, keeping the structure.

    Args:
        function: Takes one leaf of `structure` and one of each of `others`.
        structure: Decides the form of the result.
        others: Structures of the same form; entries of dicts are matched by key.

    Returns:
        The structure with each leaf replaced by the function's value.

    Example:
        >>> map_nested(lambda leaf: leaf + 1, {"a": 1, "b": (2, 3)})
        {'a': 2, 'b': (3, 4)}
    """
    children = _children(structure)
    if children is None:
        return function(structure, *others)
    other_children = [_children(_in_order_of(structure, other)) for other in others]
    mapped = [
        map_nested(function, child, *[row[index] for row in other_children if row])
        for index, child in enumerate(children)
    ]
    return _rebuild(structure, mapped)


def pack_like(structure: Any, leaves: list[Any]) -> Any:
    """Arrange `leaves` in the form of `structure`: the inverse of `flatten`.

    Args:
        structure: The form.
        leaves: As many values as `structure` has leaves.

    Returns:
        The structure with the given leaves.

    Example:
        >>> pack_like((0, [0, 0]), [1, 2, 3])
        (1, [2, 3])
    """
    supply: Iterator[Any] = iter(leaves)
    return map_nested(lambda _: next(supply), structure)
