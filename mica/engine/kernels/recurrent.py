"""Recurrences over whole sequences: the C kernels, with gradients for torch."""

import ctypes
import functools
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function, forward_ad
from torch.nn import functional
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

from mica.engine.compiling import is_compiling
from mica.engine.kernels.building import KernelLibrary

__all__ = ["describe_kernels", "run_gru", "run_lstm", "without_kernels"]

LIBRARY = KernelLibrary(names=("gru.c", "lstm.c"))
# Above, the weights of a step no longer stay in the second-level cache.
LARGEST_WEIGHTS = 2**18
_allowed: ContextVar[bool] = ContextVar("allowed", default=True)


@contextmanager
def without_kernels() -> Iterator[None]:
    """Take torch's own path inside the scope.

    Example:
        >>> with without_kernels():
        ...     describe_kernels()
        "recurrent layers: torch's own path, as asked for"
    """
    token = _allowed.set(False)
    try:
        yield
    finally:
        _allowed.reset(token)


def describe_kernels() -> str:
    """Say how recurrent layers run on the CPU in float32 here, and why.

    The first call may take some seconds: that is when the library is made.

    Returns:
        One line.

    Example:
        >>> describe_kernels().startswith("recurrent layers: ")
        True
    """
    if not _allowed.get():
        return "recurrent layers: torch's own path, as asked for"
    if _kernels() is not None:
        return "recurrent layers: a kernel compiled for this processor"
    return (
        f"recurrent layers: torch's own path, for {LIBRARY.reason}. Install a C "
        "compiler with OpenMP, such as gcc, for faster ones."
    )


def _fields(numbers: str, tensors: str) -> list[tuple[str, Any]]:
    return [(name, ctypes.c_int64) for name in numbers.split()] + [
        (name, ctypes.c_void_p) for name in tensors.split()
    ]


class _LSTMFields(ctypes.Structure):
    """`struct lstm` of lstm.c."""

    _fields_ = _fields(
        "rows time features units threads keeps",
        """x input_weights bias weights first_hidden first_carry gates hidden carries
        hidden_slope last_hidden_slope last_carry_slope x_slope first_hidden_slope
        first_carry_slope input_weights_slope bias_slope weights_slope
        other_bias_slope""",
    )


class _GRUFields(ctypes.Structure):
    """`struct gru` of gru.c."""

    _fields_ = _fields(
        "rows time features units threads keeps",
        """x input_weights bias weights candidate_bias first_hidden gates products
        hidden hidden_slope last_hidden_slope x_slope first_hidden_slope
        input_weights_slope bias_slope weights_slope other_bias_slope""",
    )


class _Process:
    """Whether this process was forked: threads of OpenMP do not survive that."""

    forked = False

    @classmethod
    def note_fork(cls) -> None:
        cls.forked = True


@functools.cache
def _kernels() -> ctypes.CDLL | None:
    """The library with the types of its functions."""
    library = LIBRARY.load()
    if library is None:
        return None
    for name, kind in (("lstm", _LSTMFields), ("gru", _GRUFields)):
        for way in ("forward", "backward"):
            function = getattr(library, f"mica_{name}_{way}")
            function.argtypes = [ctypes.POINTER(kind)]
            function.restype = ctypes.c_int
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_Process.note_fork)
    return library


def _threads(rows: int) -> int:
    return 1 if _Process.forked else min(torch.get_num_threads(), rows)


def _call(name: str, kind: Any, x: Tensor, units: int, **given: Any) -> None:
    """Fill in the struct and go; tensors without gaps, `None` for what is not there."""
    batch, time, features = x.shape
    fields = kind(
        rows=batch, time=time, features=features, units=units, threads=_threads(batch),
        keeps=given.pop("keeps", 0),
    )  # fmt: skip
    kept = {}  # copies live until the call is over
    for field, value in {"x": x, **given}.items():
        if value is not None:
            kept[field] = value.contiguous()
            setattr(fields, field, kept[field].data_ptr())
    if getattr(_kernels(), name)(ctypes.byref(fields)):
        raise MemoryError(name)


def _is_plain(tensor: Tensor) -> bool:
    """A tensor with numbers of its own, in float32, in main memory."""
    return (
        type(tensor) in (Tensor, torch.nn.Parameter)
        and tensor.dtype == torch.float32
        and tensor.device.type == "cpu"
        and tensor.layout == torch.strided
        and forward_ad.unpack_dual(tensor).tangent is None
    )


def _transforms() -> Any:
    """The stack of torch.func, of which torch tells only here."""
    return vars(torch._C)["_functorch"]


def _somebody_looks_on() -> bool:
    """Whether a transform, a trace or a mode wants to see torch's operations.

    A mode that only watches memory says so: it has `computes_as_before`.
    """
    return (
        torch.jit.is_tracing()
        or torch.is_autocast_enabled("cpu")
        or _transforms().peek_interpreter_stack() is not None
        or any(
            not getattr(mode, "computes_as_before", False)
            for mode in _get_current_dispatch_mode_stack()
        )
    )


def _fits(gates: int, tensors: list[Tensor | None], shapes: list[Any]) -> bool:
    """Whether the kernel computes this call; if not, torch does or complains."""
    if is_compiling() or not _allowed.get():
        return False
    given = [tensor for tensor in tensors if tensor is not None]
    if not all(map(_is_plain, given)) or _somebody_looks_on():
        return False
    x, state = given[0], given[1]
    if x.ndim != 3 or state.ndim != 2 or x.numel() == 0:
        return False
    units = state.shape[1]
    if gates * units * max(units, x.shape[2]) > LARGEST_WEIGHTS:
        return False
    for tensor, shape in zip(tensors, shapes, strict=True):
        if tensor is not None and tuple(tensor.shape) != shape:
            return False
    return _kernels() is not None


def _wants_gradient(tensors: list[Tensor | None]) -> bool:
    wanted = any(tensor is not None and tensor.requires_grad for tensor in tensors)
    return wanted and torch.is_grad_enabled()


def run_lstm(
    x: Tensor,
    hidden: Tensor,
    carry: Tensor,
    weight: Tensor,
    recurrent_weight: Tensor,
    bias: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor] | None:
    """Run long short-term memory over sequences, if the kernel can.

    i, f, g, o = W x_t + U h_{t-1} + b in blocks of units; c_t = sigmoid(f) c_{t-1} +
    sigmoid(i) tanh(g); h_t = sigmoid(o) tanh(c_t)

    Args:
        x: (batch, time, features).
        hidden: h_0, (batch, units).
        carry: c_0, (batch, units).
        weight: W, (4 units, features).
        recurrent_weight: U, (4 units, units).
        bias: b, (4 units,), or `None`.

    Returns:
        (h of all steps, the last h, the last c), or `None` where only torch's own path
        will do: other types than float32, other devices, autocast, transforms of
        functions, torch.compile, sizes that do not fit, no compiler.

    Example:
        >>> x, state = torch.zeros(2, 7, 5), torch.zeros(2, 3)
        >>> run_lstm(x.double(), state, state, state, state, None) is None
        True
    """
    tensors = [x, hidden, carry, weight, recurrent_weight, bias]
    batch, units, features = hidden.shape[0], hidden.shape[-1], x.shape[-1]
    rows = 4 * units
    shapes = [
        (batch, *x.shape[1:]), (batch, units), (batch, units), (rows, features),
        (rows, units), (rows,),
    ]  # fmt: skip
    if not _fits(4, tensors, shapes):
        return None
    if _wants_gradient(tensors):
        return _LSTM.apply(*tensors)
    outputs, last, carries, _ = _lstm_forward(*tensors, keeps=False)
    return outputs, last, carries[:, 0]


def _empty(like: Tensor, *sizes: int) -> Tensor:
    return like.new_empty(sizes)


def _no_bias(bias: Tensor | None, weight: Tensor) -> Tensor:
    return weight.new_zeros(len(weight)) if bias is None else bias


def _lstm_forward(
    x: Tensor,
    hidden: Tensor,
    carry: Tensor,
    weight: Tensor,
    recurrent_weight: Tensor,
    bias: Tensor | None,
    keeps: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """Give (outputs, last output, carries, gates)."""
    batch, time, _ = x.shape
    units = hidden.shape[1]
    gates = _empty(x, batch, time, 4 * units) if keeps else None
    outputs = _empty(x, batch, time, units)
    carries = _empty(x, batch, time if keeps else 1, units)
    _call(
        "mica_lstm_forward", _LSTMFields, x, units, keeps=keeps, input_weights=weight,
        bias=_no_bias(bias, weight), weights=recurrent_weight, first_hidden=hidden,
        first_carry=carry, gates=gates, hidden=outputs, carries=carries,
    )  # fmt: skip
    return outputs, outputs[:, -1].clone(), carries, gates


class _Slopes:
    """Room for the slopes by the inputs of a function, made as the kernel needs it."""

    def __init__(self, wanted: tuple[bool, ...], inputs: list[Any]) -> None:
        self.is_wanted = wanted
        self.inputs = inputs
        self.made: dict[int, Tensor] = {}

    def __call__(
        self, place: int, size: int = 0, beside: int | None = None, always: bool = False
    ) -> Tensor | None:
        """Room for one, if it is wanted or comes with another that is.

        Args:
            place: Which input.
            size: Of a bias, which is made in any case.
            beside: The input whose slope is computed together with this one's.
            always: Whether the kernel writes it in any case.
        """
        beside = place if beside is None else beside
        if not (size or always or self.is_wanted[place] or self.is_wanted[beside]):
            return None
        sizes = (size,) if size else self.inputs[place].shape
        self.made[place] = self.inputs[0].new_empty(sizes)
        return self.made[place]

    def wanted(self, turned: Mapping[int, int] = MappingProxyType({})) -> Any:
        """What is wanted, in order; `turned` by some rows."""
        for place, rows in turned.items():
            if place in self.made:
                self.made[place] = self.made[place].roll(rows, 0)
        return tuple(
            self.made.get(place) if is_wanted else None
            for place, is_wanted in enumerate(self.is_wanted)
        )


class _LSTM(Function):
    """The kernel with its gradient; the gradient's gradient is torch's."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        hidden: Tensor,
        carry: Tensor,
        weight: Tensor,
        recurrent_weight: Tensor,
        bias: Tensor | None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        outputs, last, carries, gates = _lstm_forward(
            x, hidden, carry, weight, recurrent_weight, bias, keeps=True
        )
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(
            x, hidden, carry, weight, recurrent_weight, bias, outputs, carries, gates
        )
        return outputs, last, carries[:, -1].clone()

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor | None) -> Any:
        *inputs, outputs, carries, gates = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        if all(slope is None for slope in slopes):
            return (None,) * len(inputs)
        if torch.is_grad_enabled():
            return _differentiable(_lstm_by_steps, inputs, wanted, slopes)
        x, hidden, carry, weight, recurrent_weight, _ = inputs
        units = outputs.shape[2]
        made = _Slopes(wanted, inputs)
        _call(
            "mica_lstm_backward", _LSTMFields, x, units, input_weights=weight,
            weights=recurrent_weight, first_hidden=hidden, first_carry=carry,
            gates=gates, hidden=outputs, carries=carries, hidden_slope=slopes[0],
            last_hidden_slope=slopes[1], last_carry_slope=slopes[2], x_slope=made(0),
            first_hidden_slope=made(1, always=True),
            first_carry_slope=made(2, always=True),
            input_weights_slope=made(3, beside=5), bias_slope=made(5, 4 * units),
            weights_slope=made(4), other_bias_slope=_empty(x, 4 * units),
        )  # fmt: skip
        return made.wanted()


def run_gru(
    x: Tensor,
    hidden: Tensor,
    weight: Tensor,
    recurrent_weight: Tensor,
    bias: Tensor | None,
    recurrent_bias: Tensor | None,
) -> tuple[Tensor, Tensor] | None:
    """Run gated recurrent units over sequences, if the kernel can.

    r, z = sigmoid(W_k x_t + b_k + U_k h_{t-1} + d_k); n = tanh(W_n x_t + b_n +
    r (U_n h_{t-1} + d_n)); h_t = n + z (h_{t-1} - n)

    Args:
        x: (batch, time, features).
        hidden: h_0, (batch, units).
        weight: W, (3 units, features), in the order r, z, n.
        recurrent_weight: U, (3 units, units).
        bias: b, (3 units,), or `None`.
        recurrent_bias: d, (3 units,), or `None`.

    Returns:
        (h of all steps, the last h), or `None` as `run_lstm`.

    Example:
        >>> x, state = torch.zeros(2, 7, 5), torch.zeros(2, 3)
        >>> run_gru(x.double(), state, state, state, None, None) is None
        True
    """
    tensors = [x, hidden, weight, recurrent_weight, bias, recurrent_bias]
    batch, units, features = hidden.shape[0], hidden.shape[-1], x.shape[-1]
    rows = 3 * units
    shapes = [
        (batch, *x.shape[1:]), (batch, units), (rows, features), (rows, units),
        (rows,), (rows,),
    ]  # fmt: skip
    if not _fits(3, tensors, shapes):
        return None
    if _wants_gradient(tensors):
        return _GRU.apply(*tensors)
    outputs, last, _, _ = _gru_forward(*tensors, keeps=False)
    return outputs, last


def _gru_forward(
    x: Tensor,
    hidden: Tensor,
    weight: Tensor,
    recurrent_weight: Tensor,
    bias: Tensor | None,
    recurrent_bias: Tensor | None,
    keeps: bool,
) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    """Give (outputs, last output, products of the candidate, gates)."""
    batch, time, _ = x.shape
    units = hidden.shape[1]
    both, candidate_bias = _no_bias(bias, weight), None
    if recurrent_bias is not None:
        both = both.clone()
        both[: 2 * units] += recurrent_bias[: 2 * units]
        candidate_bias = recurrent_bias[2 * units :]
    gates = _empty(x, batch, time, 3 * units) if keeps else None
    products = _empty(x, batch, time, units) if keeps else None
    outputs = _empty(x, batch, time, units)
    _call(
        "mica_gru_forward", _GRUFields, x, units, keeps=keeps, input_weights=weight,
        bias=both, weights=recurrent_weight, candidate_bias=candidate_bias,
        first_hidden=hidden, gates=gates, products=products, hidden=outputs,
    )  # fmt: skip
    return outputs, outputs[:, -1].clone(), products, gates


class _GRU(Function):
    """The kernel with its gradient; the gradient's gradient is torch's."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        hidden: Tensor,
        weight: Tensor,
        recurrent_weight: Tensor,
        bias: Tensor | None,
        recurrent_bias: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        outputs, last, products, gates = _gru_forward(
            x, hidden, weight, recurrent_weight, bias, recurrent_bias, keeps=True
        )
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(
            x, hidden, weight, recurrent_weight, bias, recurrent_bias, outputs,
            products, gates,
        )  # fmt: skip
        return outputs, last

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor | None) -> Any:
        *inputs, outputs, products, gates = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        if all(slope is None for slope in slopes):
            return (None,) * len(inputs)
        if torch.is_grad_enabled():
            return _differentiable(_gru_by_steps, inputs, wanted, slopes)
        x, hidden, weight, recurrent_weight, _, _ = inputs
        units = outputs.shape[2]
        made = _Slopes(wanted, inputs)
        _call(
            "mica_gru_backward", _GRUFields, x, units,
            input_weights=weight.roll(units, 0),  # n, r, z
            weights=recurrent_weight, first_hidden=hidden, gates=gates,
            products=products, hidden=outputs, hidden_slope=slopes[0],
            last_hidden_slope=slopes[1], x_slope=made(0),
            first_hidden_slope=made(1, always=True),
            input_weights_slope=made(2, beside=4), bias_slope=made(4, 3 * units),
            weights_slope=made(3, beside=5), other_bias_slope=made(5, 3 * units),
        )  # fmt: skip
        return made.wanted(turned={2: -units, 4: -units})


def _differentiable(
    formula: Any, inputs: list[Any], wanted: Any, slopes: tuple[Tensor | None, ...]
) -> tuple[Tensor | None, ...]:
    """The gradient once more by torch's operations, which have gradients themselves."""
    with torch.enable_grad():
        made = formula(*inputs)
    pairs = [pair for pair in zip(made, slopes, strict=True) if pair[1] is not None]
    sources = [source for source, keep in zip(inputs, wanted, strict=True) if keep]
    found = iter(
        torch.autograd.grad(
            [one for one, _ in pairs], sources, [slope for _, slope in pairs],
            create_graph=True, allow_unused=True,
        )
    )  # fmt: skip
    return tuple(next(found) if is_wanted else None for is_wanted in wanted)


def _lstm_by_steps(
    x: Tensor,
    hidden: Tensor,
    carry: Tensor,
    weight: Tensor,
    recurrent_weight: Tensor,
    bias: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    outputs = []
    for projected in functional.linear(x, weight, bias).unbind(1):
        sums = projected + functional.linear(hidden, recurrent_weight)
        enter, forget, candidate, leave = sums.chunk(4, 1)
        carry = forget.sigmoid() * carry + enter.sigmoid() * candidate.tanh()
        hidden = leave.sigmoid() * carry.tanh()
        outputs.append(hidden)
    return torch.stack(outputs, 1), hidden, carry


def _gru_by_steps(
    x: Tensor,
    hidden: Tensor,
    weight: Tensor,
    recurrent_weight: Tensor,
    bias: Tensor | None,
    recurrent_bias: Tensor | None,
) -> tuple[Tensor, Tensor]:
    outputs = []
    for projected in functional.linear(x, weight, bias).unbind(1):
        sums = functional.linear(hidden, recurrent_weight, recurrent_bias)
        left, right = projected.chunk(3, 1), sums.chunk(3, 1)
        reset, update = (torch.sigmoid(left[gate] + right[gate]) for gate in range(2))
        candidate = torch.tanh(left[2] + reset * right[2])
        hidden = candidate + update * (hidden - candidate)
        outputs.append(hidden)
    return torch.stack(outputs, 1), hidden
