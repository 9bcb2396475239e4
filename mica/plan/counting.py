"""Counting: the arithmetic and the bytes of every operation, while it is done."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

__all__ = ["Counting", "Operation", "bytes_of", "flops_of"]

aten = torch.ops.aten

# Looked at, not touched: nothing is read or written.
_FREE = {
    "detach",
    "empty",
    "empty_like",
    "empty_strided",
    "is_same_size",
    "lift_fresh",
    "new_empty",
    "new_empty_strided",
    "resize_",
    "set_",
}
# What they write was not read before.
_OVERWRITING = {
    "bernoulli_",
    "copy_",
    "exponential_",
    "fill_",
    "normal_",
    "random_",
    "uniform_",
    "zero_",
}
# They read a part of their first argument no larger than what they give.
_PICKING = {"embedding", "gather", "index", "index_select", "slice_scatter"}
# They change a part of their first argument no larger than what they are given.
_SCATTERING = {"index_add_", "index_copy_", "index_put_", "scatter_", "scatter_add_"}
# They wait until the device is done.
_WAITING = {"_local_scalar_dense", "item", "masked_select", "nonzero", "unique2"}


@dataclass(frozen=True)
class Operation:
    """One operation of torch: what it computes and moves.

    Args:
        name: Such as "addmm".
        flops: Multiplications and additions of products and convolutions; 0 for
            others, whose arithmetic is small beside the bytes they move.
        num_bytes: Read and written, each tensor once.
        precision: Of its first tensor of floating-point numbers, such as "float32".
        waits: Whether Python waits for the device.

    Example:
        >>> Operation("addmm", 200.0, 600.0, "float32").waits
        False
    """

    name: str
    flops: float
    num_bytes: float
    precision: str
    waits: bool = False


def _size(tensor: Tensor) -> int:
    """Bytes of a tensor's own numbers; those that are repeated by expanding count once.

    Example:
        >>> _size(torch.zeros(1, 3).expand(5, 3))
        12
    """
    sizes = zip(tensor.shape, tensor.stride(), strict=True)
    count = prod(size for size, step in sizes if step != 0 or size == 0)
    return count * tensor.element_size()


def _tensors(structure: Any) -> list[Tensor]:
    """The tensors with plain memory; sparse ones tell of none."""
    return [
        leaf
        for leaf in tree_leaves(structure)
        if isinstance(leaf, Tensor) and leaf.layout is torch.strided
    ]


def _distinct(tensors: Iterable[Tensor]) -> list[Tensor]:
    """Each piece of memory once."""
    kept: dict[Any, Tensor] = {}
    for tensor in tensors:
        key = (
            tensor.untyped_storage()._cdata,
            tensor.storage_offset(),
            tuple(tensor.shape),
        )
        kept.setdefault(key, tensor)
    return list(kept.values())


def _written(function: Any, args: Any, kwargs: Mapping[str, Any]) -> list[Tensor]:
    """The arguments that an operation changes, as its schema says."""
    found: list[Any] = []
    for place, argument in enumerate(function._schema.arguments):
        if argument.alias_info is None or not argument.alias_info.is_write:
            continue
        if argument.name in kwargs:
            found.append(kwargs[argument.name])
        elif place < len(args):
            found.append(args[place])
    return _tensors(found)


def bytes_of(
    function: Any, args: Any, kwargs: Mapping[str, Any], result: Any
) -> int | None:
    """Count the bytes an operation must read and write at least.

    Each tensor once, as if what is used several times stayed in the fastest cache.

    Args:
        function: An operation such as `torch.ops.aten.add.Tensor`.
        args: Its arguments.
        kwargs: Its named ones.
        result: What it gave.

    Returns:
        The count; None for an operation that touches no numbers, such as a view.

    Example:
        >>> x = torch.zeros(10)
        >>> bytes_of(aten.add.Tensor, (x, x), {}, x + x)
        80
        >>> print(bytes_of(aten.view.default, (x, (2, 5)), {}, x.view(2, 5)))
        None
    """
    name = function._schema.name.rpartition("::")[2]
    if name in _FREE or function.is_view:
        return None
    given = _distinct(_tensors((args, dict(kwargs))))
    if not given and not _tensors(result):
        return None
    written = _distinct(_written(function, args, kwargs))
    held = {tensor.untyped_storage()._cdata for tensor in given}
    fresh = [
        tensor
        for tensor in _distinct(_tensors(result))
        if tensor.untyped_storage()._cdata not in held
    ]
    if not written and not fresh and _tensors(result):
        return None  # a view under another name, such as a reshape
    if name in _PICKING and given:
        given = given[1:]
        moved = 2 * sum(map(_size, fresh))
    elif name in _SCATTERING and given:
        given, written = given[1:], []
        moved = 2 * max(map(_size, given), default=0)
    else:
        moved = sum(map(_size, fresh))
    if name in _OVERWRITING:
        changed = {id(tensor) for tensor in written}
        given = [tensor for tensor in given if id(tensor) not in changed]
    return moved + sum(map(_size, given)) + sum(map(_size, written))


def _attention(query: Any, key: Any, value: Any) -> float:
    """2 products: queries with keys, and weights with values."""
    *batch, rows, width = query.shape
    columns = key.shape[-2]
    return 2.0 * prod(batch) * rows * columns * (width + value.shape[-1])


def _recurrence(*weights: Tensor, steps: int) -> float:
    """Each step multiplies all weights once for each row."""
    return 2.0 * steps * sum(weight.numel() for weight in weights if weight.dim() == 2)


def _flash(args: Any, _: Any) -> float:
    return _attention(*args[:3])


def _flash_backward(args: Any, _: Any) -> float:
    # Queries with keys once more, then a product for each of four gradients.
    return 2.5 * _attention(*args[1:4])


def _library_recurrence(args: Any, _: Any) -> float:
    rows = prod(args[0].shape[:-1])
    return _recurrence(*_tensors(args[1:5]), steps=rows)


def _packed_recurrence(args: Any, _: Any) -> float:
    rows = prod(args[0].shape[:-1])
    return _recurrence(*_tensors(args[1]), steps=rows)


_FLOPS: dict[str, Callable[[Any, Any], float]] = {
    "_cudnn_rnn": _packed_recurrence,
    "_cudnn_rnn_backward": lambda args, result: 2 * _packed_recurrence(args, result),
    "_scaled_dot_product_flash_attention_for_cpu": _flash,
    "_scaled_dot_product_flash_attention_for_cpu_backward": _flash_backward,
    "mkldnn_rnn_layer": _library_recurrence,
    "mkldnn_rnn_layer_backward": lambda args, result: (
        2 * _library_recurrence(args, result)
    ),
}


def flops_of(function: Any, args: Any, kwargs: Mapping[str, Any], result: Any) -> float:
    """Count the multiplications and additions of a product, convolution or the like.

    Args:
        function: An operation such as `torch.ops.aten.mm.default`.
        args: Its arguments.
        kwargs: Its named ones.
        result: What it gave.

    Returns:
        The count, a multiplication with its addition as 2; 0 for other operations.

    Example:
        >>> x = torch.zeros(2, 3)
        >>> flops_of(aten.mm.default, (x, x.T), {}, x @ x.T)
        24.0
    """
    known = flop_registry.get(function._overloadpacket)
    if known is not None:
        return float(known(*args, **kwargs, out_val=result))
    own = _FLOPS.get(function._schema.name.rpartition("::")[2])
    return 0.0 if own is None else float(own(args, result))


class Counting(TorchDispatchMode):
    """Tell a listener of every operation inside a `with` block.

    Args:
        listener: Gets each `Operation` that touches numbers, when it is done.

    Example:
        >>> seen = []
        >>> with Counting(seen.append):
        ...     _ = torch.ones(2, 3) @ torch.ones(3, 2)
        >>> [(each.name, each.flops) for each in seen]
        [('ones', 0.0), ('ones', 0.0), ('mm', 24.0)]
    """

    def __init__(self, listener: Callable[[Operation], object]) -> None:
        super().__init__()
        self._listener = listener

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Do the operation, or its parts where it has some, and count."""
        named = kwargs or {}
        if func._overloadpacket not in flop_registry:
            with self:
                parts = func.decompose(*args, **named)
            if parts is not NotImplemented:
                return parts
        result = func(*args, **named)
        for operation in _look(func, args, named, result):
            self._listener(operation)
        return result


def _look(func: Any, args: Any, kwargs: Any, result: Any) -> Iterator[Operation]:
    moved = bytes_of(func, args, kwargs, result)
    if moved is None:
        return
    name = func._schema.name.rpartition("::")[2]
    tensors = _tensors((args, kwargs, result))
    floating = (each.dtype for each in tensors if each.is_floating_point())
    dtype = next(floating, torch.float32)
    copied_back = (
        name in ("_to_copy", "copy_")
        and len({each.device.type for each in tensors}) > 1
    )
    yield Operation(
        name,
        flops_of(func, args, kwargs, result),
        float(moved),
        str(dtype).removeprefix("torch."),
        name in _WAITING or copied_back,
    )
