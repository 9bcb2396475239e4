"""Tensor: an array that remembers how it was made, so that gradients can flow back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias, Union

import numpy as np

from mica.reference.rules import RULES

__all__ = ["Tensor", "apply", "as_tensor", "backward", "gradients"]

TensorLike: TypeAlias = Union["Tensor", np.ndarray, float, Sequence]
Axes: TypeAlias = int | Sequence[int] | None


def _infix(operation: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The methods behind an operator: tensor on the left, tensor on the right."""

    def method(self: Tensor, other: TensorLike) -> Tensor:
        return apply(operation, self, other)

    def reflected(self: Tensor, other: TensorLike) -> Tensor:
        return apply(operation, other, self)

    return method, reflected


class Tensor:
    """An array, how it was made, and the gradient that reached it.

    Every operation makes a new tensor that remembers its parents and the operation's
    name. The graph is drawn by running the program, so `if` and `for` are ordinary
    Python; `backward` walks it from a result to its beginnings.

    Args:
        data: Numbers of any shape.
        requires_gradient: Whether `backward` should leave a gradient here.

    Raises:
        TypeError: `data` is not made of real numbers, or a gradient of whole ones is
            asked for.

    Example:
        >>> x = Tensor([1.0, 2.0, 3.0], requires_gradient=True)
        >>> (x * x).sum().backward()
        >>> x.gradient
        Tensor([2., 4., 6.])
    """

    __array_ufunc__ = None  # so that `array * tensor` asks the tensor, not the array

    def __init__(self, data: TensorLike, requires_gradient: bool = False):
        self.data = np.asarray(data.data if isinstance(data, Tensor) else data)
        if self.data.dtype.kind not in "fiub":
            raise TypeError(
                f"Tensor: expected real numbers, got {self.data.dtype}. "
                "Convert the data to float first."
            )
        if requires_gradient and self.data.dtype.kind != "f":
            raise TypeError(
                "Tensor: expected floats where a gradient is asked for, got "
                f"{self.data.dtype}. Write 1.0 instead of 1, or use data.astype(float)."
            )
        self.requires_gradient = requires_gradient
        self.gradient: Tensor | None = None
        # How it was made. A leaf has no parents; a freed graph has None in their place.
        self.parents: tuple[Tensor, ...] | None = ()
        self.operation = ""
        self.settings: dict[str, Any] = {}

    shape = property(lambda self: self.data.shape)
    ndim = property(lambda self: self.data.ndim)
    size = property(lambda self: self.data.size)
    dtype = property(lambda self: self.data.dtype)

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[position] for position in range(len(self)))

    def __repr__(self) -> str:
        text = np.array2string(self.data, separator=", ", prefix="Tensor(")
        return f"Tensor({text}{f', {self.operation}' if self.operation else ''})"

    def item(self) -> float:
        """The only number, as a Python number."""
        return self.data.item()

    def detach(self) -> Tensor:
        """The same numbers with no memory: gradients stop here."""
        return Tensor(self.data)

    def apply(self, operation: str, **settings: Any) -> Tensor:
        """Do one operation of the table on this tensor."""
        return apply(operation, self, **settings)

    __add__, __radd__ = _infix("add")
    __sub__, __rsub__ = _infix("subtract")
    __mul__, __rmul__ = _infix("multiply")
    __truediv__, __rtruediv__ = _infix("divide")
    __pow__, __rpow__ = _infix("power")

    def __neg__(self) -> Tensor:
        return apply("negative", self)

    def __matmul__(self, other: TensorLike) -> Tensor:
        # A vector on the right is one column, on the left one row.
        other = as_tensor(other)
        if other.ndim == 1:
            return (self @ other.reshape(-1, 1))[..., 0]
        if self.ndim == 1:
            return (self.reshape(1, -1) @ other)[..., 0, :]
        return apply("matmul", self, other)

    def __rmatmul__(self, other: TensorLike) -> Tensor:
        return as_tensor(other) @ self

    def __getitem__(self, key: Any) -> Tensor:
        keys = key if isinstance(key, tuple) else (key,)
        arrays = tuple(k.data if isinstance(k, Tensor) else k for k in keys)
        return apply("index", self, key=arrays)

    # Comparisons give plain arrays: an answer of yes or no has no slope.
    def __gt__(self, other: TensorLike) -> np.ndarray:
        return self.data > as_tensor(other).data

    def __lt__(self, other: TensorLike) -> np.ndarray:
        return self.data < as_tensor(other).data

    def exp(self) -> Tensor:
        """The number e to the power of each element."""
        return apply("exp", self)

    def log(self) -> Tensor:
        """Natural logarithm."""
        return apply("log", self)

    def tanh(self) -> Tensor:
        """(e^x - e^-x) / (e^x + e^-x)."""
        return apply("tanh", self)

    def sigmoid(self) -> Tensor:
        """1 / (1 + e^-x)."""
        return apply("sigmoid", self)

    def sum(self, axis: Axes = None, keepdims: bool = False) -> Tensor:
        """Sum over `axis`: over all of them when None."""
        return self._reduce("sum", axis, keepdims)

    def max(self, axis: Axes = None, keepdims: bool = False) -> Tensor:
        """Largest element over `axis`; equal ones share the gradient."""
        return self._reduce("max", axis, keepdims)

    def mean(self, axis: Axes = None, keepdims: bool = False) -> Tensor:
        """Sum over `axis`, divided by how many numbers were added."""
        total = self.sum(axis, keepdims)
        return total / (self.size / max(total.size, 1))

    def _reduce(self, operation: str, axis: Axes, keepdims: bool) -> Tensor:
        every = range(self.ndim) if axis is None else np.atleast_1d(axis)
        axes = tuple(int(a) % self.ndim for a in every)
        result = apply(operation, self, axis=axes, keepdims=True)
        if keepdims:
            return result
        return result.reshape([n for a, n in enumerate(self.shape) if a not in axes])

    def reshape(self, *shape: Any) -> Tensor:
        """The same numbers in another shape; -1 stands for whatever is left."""
        sizes = shape[0] if len(shape) == 1 and np.ndim(shape[0]) else shape
        return apply("reshape", self, shape=tuple(sizes))

    def expand(self, shape: Sequence[int]) -> Tensor:
        """Repeated along new axes and axes of size 1 until the shape is `shape`."""
        return apply("expand", self, shape=tuple(shape))

    def transpose(self, axes: Sequence[int] | np.ndarray | None = None) -> Tensor:
        """Axes in the order `axes`: back to front when None."""
        order = range(self.ndim)[::-1] if axes is None else axes
        return apply("transpose", self, axes=tuple(int(a) % self.ndim for a in order))

    @property
    def mT(self) -> Tensor:
        """The last two axes exchanged: each matrix of the stack transposed."""
        return self.transpose((*range(self.ndim - 2), -1, -2))

    def backward(self, gradient: TensorLike | None = None, **options: bool) -> None:
        """Call `backward` (below) for this tensor alone."""
        backward([self], [gradient], **options)


def as_tensor(value: TensorLike) -> Tensor:
    """`value`, as a constant Tensor if it is not a Tensor yet."""
    return value if isinstance(value, Tensor) else Tensor(value)


def apply(operation: str, *inputs: TensorLike, **settings: Any) -> Tensor:
    """Do one operation of the table, and remember it if a gradient may pass through.

    Args:
        operation: Name of a rule in `RULES`.
        inputs: The tensors it works on; arrays and numbers count as constants.
        settings: What else the rule is given: an axis, a shape, an index.

    Raises:
        ValueError: The shapes do not fit each other or the settings.
        IndexError: An index or axis does not exist.

    Example:
        >>> apply("add", Tensor([1.0, 2.0]), 10)
        Tensor([11., 12.])
    """
    widths = [v.dtype for v in inputs if isinstance(v, Tensor | np.ndarray)]
    # A bare Python number has no width of its own: float32 times 2.0 stays float32.
    parents = tuple(
        Tensor(np.asarray(value, np.result_type(*widths, value)))
        if isinstance(value, int | float)
        else as_tensor(value)
        for value in inputs
    )
    try:
        arrays = [parent.data for parent in parents]
        result = Tensor(RULES[operation][0](*arrays, **settings))
    except (ValueError, IndexError) as error:
        shapes = " and ".join(str(parent.shape) for parent in parents)
        given = ", ".join(f"{name}={value}" for name, value in settings.items())
        kind = IndexError if isinstance(error, IndexError) else ValueError
        raise kind(
            f"{operation}: expected shapes and settings that fit together, got shape "
            f"{shapes}{' with ' if given else ''}{given}. Change one to fit the other."
        ) from error
    # Where no ancestor asks for a gradient nothing is remembered: no graph grows.
    if any(parent.requires_gradient for parent in parents):
        result.requires_gradient = True
        result.parents, result.operation = parents, operation
        result.settings = settings
    return result


def _sum_to(gradient: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Sum `gradient` back to `shape`: the adjoint of broadcasting."""
    if gradient.shape == shape:
        return gradient
    # A number that was repeated n times has moved n results: its gradients add up.
    new = gradient.ndim - len(shape)
    stretched = [new + axis for axis, size in enumerate(shape) if size == 1]
    return gradient.sum((*range(new), *stretched)).reshape(shape)


def _order(roots: Sequence[Tensor]) -> list[Tensor]:
    """Everything the roots depend on, each tensor after all the tensors made from it.

    A gradient may be passed on only when it is complete: when every tensor made from
    this one has sent its share. Only those that lead to a root ever will.
    NOTE: the framework printed in Trask's ch. 13 waits for *all* children, counted when
    they are made, so that one unused result (a dead branch) leaves a gradient waiting
    for ever; and its one-parent operations do not say who they are, so that a tensor
    they share is passed on twice: an exception, or a gradient counted double. Counting
    from the root, as here, has neither fault, and needs no random identity numbers.
    """
    # First pass: how often is each tensor used on the way to a root?
    uses = dict.fromkeys(roots, 0)
    stack = list(uses)
    while stack:
        node = stack.pop()
        if node.parents is None:
            raise RuntimeError(
                f"backward: expected a whole graph, got {node.operation!r} of shape "
                f"{node.shape} freed by an earlier backward. "
                "Pass retain_graph=True to the earlier one."
            )
        for parent in node.parents:
            if parent.requires_gradient:
                if parent not in uses:
                    uses[parent] = 0
                    stack.append(parent)
                uses[parent] += 1
    # Second pass: a tensor is ready when all its uses are done.
    ready = [node for node in uses if uses[node] == 0]
    order = []
    while ready:
        node = ready.pop()
        order.append(node)
        for parent in node.parents or ():
            if parent.requires_gradient:
                uses[parent] -= 1
                if uses[parent] == 0:
                    ready.append(parent)
    if len(order) < len(uses):
        stuck = next(node for node in uses if uses[node] > 0)
        raise ValueError(
            f"backward: expected a graph without cycles, got {stuck.operation!r} of "
            f"shape {stuck.shape} that depends on itself. "
            "Make a new tensor instead of changing the parents of an old one."
        )
    return order


def _check_finite(order: Sequence[Tensor], roots: Sequence[Tensor]) -> None:
    """Say where the first NaN or infinity was born, if a root has one."""
    if all(np.isfinite(root.data).all() for root in roots):
        return
    born = next(node for node in reversed(order) if not np.isfinite(node.data).all())
    raise FloatingPointError(
        "backward: expected finite numbers, got NaN or infinity, first in "
        f"{born.operation or 'input'!r} of shape {born.shape}. "
        "Keep what goes in there inside its domain."
    )


def _seed(root: Tensor, seed: TensorLike | None) -> Tensor:
    """The gradient a walk starts with: 1 unless the caller gives another."""
    if not root.requires_gradient:
        raise RuntimeError(
            "backward: expected a root made from a tensor with requires_gradient=True, "
            "got one made from constants. Ask for gradients where the graph begins."
        )
    if seed is None and root.size != 1:
        raise ValueError(
            f"backward: expected a root of one element, got shape {root.shape}. "
            "Sum it first, or pass a gradient of that shape."
        )
    gradient = as_tensor(np.ones_like(root.data) if seed is None else seed)
    if gradient.shape != root.shape:
        raise ValueError(
            f"backward: expected a gradient of the root's shape {root.shape}, got "
            f"{gradient.shape}. Reshape it."
        )
    return gradient


def gradients(
    roots: Sequence[Tensor],
    seeds: Sequence[TensorLike | None] | None = None,
    *,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> dict[Tensor, Tensor]:
    """Gradient of the roots, added up, for every tensor that leads to one of them.

    Nothing is stored in the tensors; results in between have their gradient too.

    Args:
        roots: The results to differentiate.
        seeds: The gradient each root starts with, of its shape; None for 1.
        retain_graph: Whether the graph may be walked again.
        create_graph: Whether gradients remember how they were made, so that they can
            be differentiated in their turn. The graph is retained then.

    Raises:
        ValueError: A root of several elements has no seed, a seed has another shape
            than its root, or the graph has a cycle.
        RuntimeError: A root is a constant, or the graph was freed by a walk before.
        FloatingPointError: A root holds a NaN or an infinity.

    Example:
        >>> x = Tensor(2.0, requires_gradient=True)
        >>> slope = gradients([x**3], create_graph=True)[x]
        >>> gradients([slope])[x]
        Tensor(12.)
    """
    found: dict[Tensor, Tensor] = {}
    for root, seed in zip(roots, seeds or [None] * len(roots), strict=True):
        gradient = _seed(root, seed)
        found[root] = found[root] + gradient if root in found else gradient
    order = _order(roots)
    _check_finite(order, roots)

    for node in order:
        if not node.parents:
            continue
        # With create_graph the rules see the tensors themselves, so that the gradient
        # is one more graph; without, copies that have no memory, and none is drawn.
        output, inputs = node, node.parents
        if not create_graph:
            output, inputs = node.detach(), [parent.detach() for parent in inputs]
        _, *rules = RULES[node.operation]
        for parent, rule in zip(node.parents, rules, strict=True):
            if parent.requires_gradient:
                share = rule(found[node], output, *inputs, **node.settings)
                share = _sum_to(share, parent.shape)
                # A tensor used several times collects a share from each use.
                found[parent] = found[parent] + share if parent in found else share

    if not (retain_graph or create_graph):
        for node in order:
            node.parents = None if node.parents else ()
    return found


def backward(
    roots: Sequence[Tensor],
    seeds: Sequence[TensorLike | None] | None = None,
    **options: bool,
) -> None:
    """Add to every leaf that asked for it the gradient of the roots, added up.

    Arguments, options and errors are those of `gradients`.

    Example:
        >>> x = Tensor(3.0, requires_gradient=True)
        >>> backward([x * x, 10 * x])
        >>> x.gradient
        Tensor(16.)
    """
    for node, gradient in gradients(roots, seeds, **options).items():
        if node.operation:
            continue
        if node.gradient is not None:
            gradient = node.gradient + gradient
        elif not gradient.requires_gradient:
            # A copy: two leaves may have been sent one and the same array.
            gradient = Tensor(gradient.data.copy())
        node.gradient = gradient
