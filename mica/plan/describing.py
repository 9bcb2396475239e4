"""Describing: what a part computes, in words that change when it does."""

import functools
import hashlib
import types
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mica.registry import Configurable

__all__ = ["described"]

DEEPEST = 5  # objects in objects that are looked into
MOST = 64  # entries of a list or mapping that are looked at
# What is written here changes with a version, which is known besides.
_VERSIONED = {"mica", "torch", "numpy", "builtins", "functools", "typing", "abc"}
_PLAIN = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device)


def described(part: object, depth: int = 0) -> Any:
    """Say what a layer, loss, function or setting is, as values for a JSON file.

    Two parts have the same words when their classes and settings are the same and, for
    classes and functions of one's own, when they are written the same, too. Numbers in
    tensors do not count, their shapes do.

    Args:
        part: Anything.
        depth: How many objects it is inside of.

    Returns:
        Nested lists of texts.

    Example:
        >>> described(nn.Dropout(0.1)) == described(nn.Dropout(0.2))
        False
        >>> described(lambda x: x + 1) == described(lambda x: x + 2)
        False
    """
    if isinstance(part, _PLAIN):
        return repr(part)
    if isinstance(part, Tensor):
        return ["tensor", str(tuple(part.shape)), str(part.dtype)]
    if depth >= DEEPEST:
        return _name(type(part))
    below = depth + 1
    if isinstance(part, Mapping):
        pairs = list(part.items())[:MOST]
        return [[described(key, below), described(one, below)] for key, one in pairs]
    if isinstance(part, (list, tuple)):
        return [described(one, below) for one in part[:MOST]]
    if isinstance(part, (set, frozenset)):
        return sorted(repr(one) for one in part)[:MOST]
    if isinstance(part, functools.partial):
        inside = (part.func, part.args, part.keywords)
        return ["partial", *(described(one, below) for one in inside)]
    if isinstance(part, types.MethodType):
        return [described(part.__func__, below), described(part.__self__, below)]
    if isinstance(part, types.FunctionType):
        return _function(part, below)
    if isinstance(part, type):
        return [_name(part), _written(part)]
    if isinstance(part, types.BuiltinFunctionType):
        return _name(part)
    return [_name(type(part)), _written(type(part)), *_settings(part, below)]


def _name(thing: Any) -> str:
    module = getattr(thing, "__module__", "")
    return f"{module}.{getattr(thing, '__qualname__', type(thing).__qualname__)}"


def _settings(part: object, depth: int) -> list[Any]:
    """How an object is set: the arguments of one of Mica's, what another one holds."""
    held = getattr(part, "__dict__", {})
    if isinstance(part, Configurable):
        return [described(held.get("_arguments", {}), depth)]
    if isinstance(part, nn.Module):  # its parts and weights are described besides
        found = {
            name: value
            for name, value in held.items()
            if not name.startswith("_") and name != "training"
        }
        # Objects in them by their class alone: a model knows its run and its history.
        return [part.extra_repr(), described(found, max(depth, DEEPEST - 2))]
    kept = {name: one for name, one in held.items() if not name.startswith("_")}
    return [described(kept, depth)]


def _function(function: types.FunctionType, depth: int) -> list[Any]:
    inside = [described(_content(cell), depth) for cell in (function.__closure__ or ())]
    given = [function.__defaults__, function.__kwdefaults__]
    return [
        _name(function),
        _digest(function.__code__),
        described(given, depth),
        inside,
    ]


def _content(cell: types.CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # nothing is in it yet
        return None


def _written(kind: type) -> str:
    """The code of a class of one's own; "" for one that comes with a library."""
    code = [
        _digest(each.__code__)
        for parent in kind.__mro__
        if parent.__module__.partition(".")[0] not in _VERSIONED
        for _, value in sorted(vars(parent).items())
        for each in _functions(value)
    ]
    return hashlib.sha256("".join(code).encode()).hexdigest()[:16] if code else ""


def _functions(value: object) -> list[types.FunctionType]:
    """The functions behind a name in a class."""
    if isinstance(value, (staticmethod, classmethod)):
        value = value.__func__
    found = [value.fget, value.fset] if isinstance(value, property) else [value]
    return [each for each in found if isinstance(each, types.FunctionType)]


def _digest(code: types.CodeType) -> str:
    """A function's instructions, names and numbers, but not where they stand."""
    constants = [_constant(each) for each in code.co_consts]
    names = (code.co_names, code.co_varnames, code.co_freevars)
    text = f"{code.co_code.hex()} {names} {constants}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _constant(value: object) -> str:
    if isinstance(value, types.CodeType):
        return _digest(value)
    if isinstance(value, frozenset):  # in another order in each process
        return repr(sorted(repr(each) for each in value))
    return repr(value)
