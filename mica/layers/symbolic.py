"""Symbolic tensors: what a layer returns when it is called before there are data."""

import functools
import operator
import re
from collections.abc import Callable
from numbers import Integral
from typing import Any, Protocol, runtime_checkable

import torch
from torch import nn

from mica.errors import ConfigError, ShapeError, StateError
from mica.nested import flatten, map_nested
from mica.shapes import Shape, describe

__all__ = [
    "TEXT",
    "Input",
    "Node",
    "SymbolicTensor",
    "holds_symbolic",
    "infer_module",
    "record",
]

# In a graph an entrance for texts has this type: no tensor of numbers that came out of
# reading has it, and data of this type are read as float32.
TEXT = torch.uint8

# A dimension that may vary is inferred by running twice with different sizes: what
# differs between the two results varies. Axis k has size 120 (k + 2) in the first run
# and 168 (k + 3) in the second: multiples of 24, so that halves and thirds exist.
_SAMPLE_SIZES = (lambda axis: 120 * (axis + 2), lambda axis: 168 * (axis + 3))


@runtime_checkable
class _Inferring(Protocol):
    """An operation that knows how to run on `meta` tensors: a layer."""

    def infer(self, *args: Any, **kwargs: Any) -> Any:
        """Give the outputs' shapes as `meta` tensors."""
        ...


class Node:
    """One call in a graph: an operation, what it was given, what it gave."""

    __slots__ = ("args", "kwargs", "operation", "outputs")

    def __init__(
        self, operation: Callable[..., Any], args: Any, kwargs: dict[str, Any]
    ) -> None:
        self.operation = operation
        self.args = args
        self.kwargs = kwargs
        self.outputs: Any = None

    @property
    def inputs(self) -> list["SymbolicTensor"]:
        """The symbolic tensors among the arguments."""
        leaves = flatten((self.args, self.kwargs))
        return [leaf for leaf in leaves if isinstance(leaf, SymbolicTensor)]


class SymbolicTensor:
    """A tensor that has a shape and a type, and no values yet.

    Layers, torch functions, tensor methods and operators applied to it are recorded;
    `Model(inputs, outputs)` turns the record into a network. `Input` makes the first.

    Args:
        samples: Two tensors on the `meta` device; a size in which they differ may vary.
        node: The call that gave it; `None` for an input.
        name: The name of an input.

    Example:
        >>> import mica
        >>> x = mica.Input((4,))
        >>> (2 * x + 1).shape
        (None, 4)
        >>> torch.cat([x, x], dim=-1).shape
        (None, 8)
    """

    # `x == y` is recorded too, so identity is what hashes and compares.
    __hash__ = object.__hash__

    def __init__(
        self,
        samples: tuple[torch.Tensor, torch.Tensor],
        node: Node | None = None,
        name: str | None = None,
    ) -> None:
        self.samples = samples
        self.node = node
        self.name = name
        self._mask: SymbolicTensor | None = None

    @property
    def mask(self) -> "SymbolicTensor | None":
        """Which steps are real, (batch, time) of truth values; None when all are."""
        return self._mask

    @property
    def shape(self) -> Shape:
        """Sizes, `None` where they may vary."""
        first, second = self.samples
        return tuple(
            size if size == other else None
            for size, other in zip(first.shape, second.shape, strict=True)
        )

    @property
    def dtype(self) -> torch.dtype:
        """The type of the elements."""
        return self.samples[0].dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.samples[0].ndim

    def size(self, dim: int | None = None) -> Any:
        """Give the shape, or one size of it, as torch does.

        Args:
            dim: The axis, `None` for all.

        Returns:
            The shape or one size; `None` stands for a size that may vary.
        """
        return self.shape if dim is None else self.shape[dim]

    def dim(self) -> int:
        """Count the axes, as torch does."""
        return self.ndim

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return record(function, args, kwargs or {})

    def __getattr__(self, name: str) -> Any:
        method = None if name.startswith("__") else getattr(torch.Tensor, name, None)
        if method is None or not callable(method):
            raise AttributeError(f"a symbolic tensor has no attribute {name!r}")
        return functools.partial(_record_method, method, self)

    @property
    def T(self) -> "SymbolicTensor":
        """The transpose of a matrix."""
        return record(torch.t, (self,), {})

    @property
    def mT(self) -> "SymbolicTensor":
        """The transpose of the last two axes."""
        return record(torch.transpose, (self, -2, -1), {})

    def __repr__(self) -> str:
        name = f", name={self.name!r}" if self.name else ""
        return f"SymbolicTensor(shape={describe(self.shape)}, dtype={self.dtype}{name})"

    def __bool__(self) -> bool:
        raise StateError(
            "symbolic tensor: expected a value to decide on, got only a shape "
            f"{describe(self.shape)}. Write the condition inside a layer's forward, "
            "or use torch.where."
        )

    def __len__(self) -> int:
        size = self.shape[0]
        if size is None:
            raise StateError(
                "symbolic tensor: expected a known first size, got None in shape "
                f"{describe(self.shape)}. Write the code inside a layer's forward."
            )
        return size

    def __iter__(self) -> Any:
        return iter([record(operator.getitem, (self, i), {}) for i in range(len(self))])

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise StateError(
            "symbolic tensor: expected a value for NumPy, got only a shape "
            f"{describe(self.shape)}. Use torch functions on symbolic tensors, or put "
            "the NumPy code inside a layer's forward."
        )


def _record_method(method: Any, tensor: SymbolicTensor, *args: Any, **kwargs: Any):
    return record(method, (tensor, *args), kwargs)


def _add_operators() -> None:
    """Give SymbolicTensor Python's operators, each recorded under its own name."""

    def forward(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda self, *others: record(function, (self, *others), {})

    def reversed_(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda self, other: record(function, (other, self), {})

    both = "add sub mul truediv floordiv mod pow matmul and or xor".split()
    for name in [*both, *"neg abs invert getitem lt le gt ge eq ne".split()]:
        plain = getattr(operator, name, None) or getattr(operator, f"{name}_")
        setattr(SymbolicTensor, f"__{name}__", forward(plain))
        if name in both:
            setattr(SymbolicTensor, f"__r{name}__", reversed_(plain))


_add_operators()


def holds_symbolic(value: Any) -> bool:
    """Tell whether a symbolic tensor is anywhere in a nested value.

    Args:
        value: Anything.

    Returns:
        True when there is one.

    Example:
        >>> holds_symbolic([1, {"a": Input((2,))}]), holds_symbolic([1, 2])
        (True, False)
    """
    if isinstance(value, (list, tuple, dict)):
        return any(isinstance(leaf, SymbolicTensor) for leaf in flatten(value))
    return isinstance(value, SymbolicTensor)


def _sample(leaf: Any, which: int) -> Any:
    if isinstance(leaf, SymbolicTensor):
        return leaf.samples[which]
    return leaf.to("meta") if isinstance(leaf, torch.Tensor) else leaf


def _name(operation: Any) -> str:
    name = getattr(operation, "name", None) or getattr(operation, "__name__", None)
    return name or type(operation).__name__


def infer_module(module: nn.Module, args: Any, kwargs: dict[str, Any]) -> Any:
    """Run a torch module on `meta` tensors: shapes and types, no values.

    Args:
        module: Any module; its weights and mode stay as they are.
        args: Meta tensors, nested as `forward` takes them.
        kwargs: Named ones.

    Returns:
        Meta tensors.

    Example:
        >>> infer_module(nn.Linear(3, 2), (torch.ones(5, 3, device="meta"),), {}).shape
        torch.Size([5, 2])
    """
    modes = [(part, part.training) for part in module.modules()]
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    try:
        for part, _ in modes:
            part.training = False
        with torch.no_grad():
            on_meta = {
                name: torch.empty_like(tensor, device="meta")
                for name, tensor in tensors.items()
            }
            return torch.func.functional_call(module, on_meta, args, kwargs)
    finally:
        for part, training in modes:
            part.training = training


def _said_without_samples(error: Exception, inputs: list[SymbolicTensor]) -> str:
    """The first line of an error, with None for the sizes that stand for it."""
    text = str(error).splitlines()[0].rstrip(".")
    for tensor in inputs:
        for sizes in zip(*(sample.shape for sample in tensor.samples), strict=True):
            if sizes[0] != sizes[1]:
                text = re.sub(rf"\b({sizes[0]}|{sizes[1]})\b", "None", text)
    return text


def _check_reads_no_numbers(operation: Any, error: Exception) -> None:
    """Say what to do about a layer that looks at the numbers in its input."""
    if "meta tensor" in str(error).lower():  # torch's word for one without numbers
        raise ShapeError(
            f"{_name(operation)}: expected a layer whose way does not depend on the "
            "numbers in its input, got one that reads them. Write the model as a class "
            "of your own, class Net(mica.Model), and call the layer in its forward."
        ) from error


def _run_on_sample(node: Node, which: int) -> Any:
    args = map_nested(lambda leaf: _sample(leaf, which), node.args)
    kwargs = map_nested(lambda leaf: _sample(leaf, which), node.kwargs)
    operation = node.operation
    if isinstance(operation, _Inferring):
        try:
            return operation.infer(*args, **kwargs)
        except RuntimeError as error:
            _check_reads_no_numbers(operation, error)
            raise
    try:
        if isinstance(operation, nn.Module):
            return infer_module(operation, args, kwargs)
        with torch.no_grad():
            return operation(*args, **kwargs)
    except (RuntimeError, IndexError, TypeError, ValueError) as error:
        _check_reads_no_numbers(operation, error)
        shapes = ", ".join(describe(tensor.shape) for tensor in node.inputs)
        raise ShapeError(
            f"{_name(operation)}: expected inputs it can combine, got {shapes}. "
            f"{_said_without_samples(error, node.inputs)}."
        ) from error


def record(operation: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """Apply an operation to symbolic tensors: infer the outputs' shapes, keep the call.

    The operation runs on torch's `meta` device, which computes shapes and no values.

    Args:
        operation: A layer, a model, or a torch function.
        args: Its positional arguments, symbolic tensors among them.
        kwargs: Its named arguments.

    Returns:
        Symbolic tensors in the form the operation gives; sizes that are already
        numbers come back as numbers.

    Raises:
        ShapeError: The operation cannot take these shapes.

    Example:
        >>> record(torch.relu, (Input((3,)),), {}).shape
        (None, 3)
    """
    node = Node(operation, args, kwargs)
    first, second = _run_on_sample(node, 0), _run_on_sample(node, 1)

    def symbolic(leaf: Any, other: Any) -> Any:
        if not isinstance(leaf, torch.Tensor):
            return leaf if leaf == other else None
        return SymbolicTensor((leaf, other), node)

    node.outputs = map_nested(symbolic, first, second)
    return node.outputs


def _dtype(given: Any) -> torch.dtype | None:
    if given is str or given == "string":
        return TEXT
    found = getattr(torch, given, None) if isinstance(given, str) else given
    if given is not None and not isinstance(found, torch.dtype):
        raise ConfigError(
            f"Input: expected a dtype of torch or its name, got {given!r}. Write for "
            "example dtype='int64'."
        )
    return found


def Input(
    shape: Shape,
    *,
    dtype: torch.dtype | str | type[str] | None = None,
    batch_size: int | None = None,
    name: str | None = None,
) -> SymbolicTensor:
    """The entrance of a network: a shape without the batch, `None` where it may vary.

    Args:
        shape: Sizes of one sample, channels last.
        dtype: Type of the elements, `torch.int64` or its name "int64"; `str` or
            "string" for texts, which the first layer has to read; `None` means
            torch's default float.
        batch_size: Size of the batch when it is always the same.
        name: The key under which data are given, and the name shown.

    Returns:
        A symbolic tensor of shape (batch, *shape).

    Raises:
        ConfigError: `shape` is not a tuple of positive integers and None, or there is
            no such dtype.

    Example:
        >>> Input((28, 28, 1)).shape
        (None, 28, 28, 1)
    """
    sizes = list(shape) if isinstance(shape, (tuple, list)) else [shape]
    valid = shape is not None and all(
        size is None
        or (isinstance(size, Integral) and not isinstance(size, bool) and size >= 1)
        for size in sizes
    )
    if not valid:
        raise ConfigError(
            f"Input: expected a tuple of positive integers and None, got {shape!r}. "
            "Write the shape of one sample without the batch, e.g. Input((28, 28, 1))."
        )
    full = [batch_size, *(size if size is None else int(size) for size in sizes)]
    samples = tuple(
        torch.empty(
            [choose(axis) if size is None else size for axis, size in enumerate(full)],
            dtype=_dtype(dtype),
            device="meta",
        )
        for choose in _SAMPLE_SIZES
    )
    return SymbolicTensor((samples[0], samples[1]), name=name)
