"""Masks: which steps of a sequence are real; they travel beside tensors in a graph."""

import functools
import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from mica.layers.symbolic import SymbolicTensor
from mica.nested import flatten, map_nested

__all__ = ["attach_masks", "gather_masks", "masks_for", "masks_of", "show_masks"]


class _Open(threading.local):
    """Who asks for the masks of its outputs in this thread; None for nobody."""

    owner: object = None
    masks: list[Tensor | None] | None = None


_open = _Open()


def masks_of(value: Any) -> Any:
    """Find the masks that travel with symbolic tensors.

    Args:
        value: Symbolic tensors, nested.

    Returns:
        The masks in the same structure, `None` where there is none; one `None` when
        there is no mask at all.

    Example:
        >>> import mica
        >>> print(masks_of(mica.Input((3,))))
        None
    """
    found = map_nested(lambda leaf: getattr(leaf, "_mask", None), value)
    return found if any(mask is not None for mask in flatten(found)) else None


@functools.cache
def _parameters(forward: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(inspect.signature(forward).parameters)


def masks_for(
    forward: Callable[..., Any], args: Any, kwargs: dict[str, Any]
) -> dict[str, Any]:
    """Choose the masks that a `forward` asks for by the names of its arguments.

    An argument `mask` is for the first tensor, `<name>_mask` for the tensor `<name>`.

    Args:
        forward: A function whose first parameter is the layer itself.
        args: Symbolic tensors and other values.
        kwargs: Named ones; a mask that is named already stays.

    Returns:
        The masks by argument.

    Example:
        >>> masks_for(lambda self, x, mask=None: x, (1,), {})
        {}
    """
    names = _parameters(forward)[1:]
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    found: dict[str, Any] = {}
    for position, (name, value) in enumerate(given.items()):
        wanted = [f"{name}_mask"] + (["mask"] if position == 0 else [])
        for target in wanted:
            if target in names and given.get(target) is None:
                masks = masks_of(value)
                if masks is not None:
                    found[target] = masks
    return found


def attach_masks(outputs: Any, masks: Any) -> None:
    """Let masks travel with the outputs of a call.

    Args:
        outputs: Symbolic tensors, nested.
        masks: One mask for all of them, or masks in the same structure.

    Example:
        >>> import mica
        >>> x, real = mica.Input((3, 2)), mica.Input((3,), dtype="bool")
        >>> attach_masks(x, real)
        >>> masks_of(x) is real
        True
    """
    leaves = flatten(outputs)
    each = flatten(masks) if isinstance(masks, (list, tuple, dict)) else [masks]
    each = each * len(leaves) if len(each) == 1 else each
    for leaf, mask in zip(leaves, each, strict=True):
        if isinstance(leaf, SymbolicTensor) and mask is not None:
            leaf._mask = mask


@contextmanager
def gather_masks(owner: object) -> Iterator[list[Tensor | None]]:
    """Gather the masks of the outputs of a model that is called inside the block.

    Args:
        owner: The model.

    Yields:
        A list, filled by the model's call: one mask or `None` for each output.

    Example:
        >>> with gather_masks(object()) as masks:
        ...     pass
        >>> masks
        []
    """
    before = _open.owner, _open.masks
    gathered: list[Tensor | None] = []
    _open.owner, _open.masks = owner, gathered
    try:
        yield gathered
    finally:
        _open.owner, _open.masks = before


def show_masks(owner: object, masks: list[Tensor | None]) -> None:
    """Give the masks of a model's outputs to whoever gathers them.

    Args:
        owner: The model that was called.
        masks: One for each of its outputs.

    Example:
        >>> model = object()
        >>> with gather_masks(model) as masks:
        ...     show_masks(model, [None])
        >>> masks
        [None]
    """
    if _open.owner is owner and _open.masks is not None:
        _open.masks[:] = masks
