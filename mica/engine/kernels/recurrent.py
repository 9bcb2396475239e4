"""Recurrences over whole sequences: the C kernels, with gradients for torch."""

import ctypes
import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional

from mica.engine.compiling import is_compiling
from mica.engine.kernels.building import KernelLibrary
from mica.engine.kernels.calling import (
    are_allowed,
    differentiate,
    fields,
    is_plain,
    is_transformed,
    is_watched,
    threads_for,
    wants_gradient,
)

__all__ = ["describe_kernels", "run_gru", "run_lstm"]

LIBRARY = KernelLibrary(names=("gru.c", "lstm.c"))
# Above, the weights of a step no longer stay in the second-level cache.
LARGEST_WEIGHTS = 2**18


def describe_kernels() -> str:
    """Say how recurrent layers run on the CPU in float32 here, and why.

    The first call may take some seconds: that is when the library is made.

    Returns:
        One line.

    Example:
        >>> describe_kernels().startswith("recurrent layers: ")
        True
    """
    if not are_allowed():
        return "recurrent layers: torch's own path, as asked for"
    if _kernels() is not None:
        return "recurrent layers: a kernel compiled for this processor"
    return (
        f"recurrent layers: torch's own path, for {LIBRARY.reason}. Install a C "
        "compiler with OpenMP, such as gcc, for faster ones."
    )


class _LSTMFields(ctypes.Structure):
    """`struct lstm` of lstm.c."""

    _fields_ = fields(
        "rows time features units threads keeps",
        """x input_weights bias weights first_hidden first_carry gates hidden carries
        hidden_slope last_hidden_slope last_carry_slope x_slope first_hidden_slope
        first_carry_slope input_weights_slope bias_slope weights_slope
        other_bias_slope""",
    )


class _GRUFields(ctypes.Structure):
    """`struct gru` of gru.c."""

    _fields_ = fields(
        "rows time features units threads keeps",
        """x input_weights bias weights candidate_bias first_hidden gates products
        hidden hidden_slope last_hidden_slope x_slope first_hidden_slope
        input_weights_slope bias_slope weights_slope other_bias_slope""",
    )


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
    return library


def _call(name: str, kind: Any, x: Tensor, units: int, **given: Any) -> None:
    """Fill in the struct and go; tensors without gaps, `None` for what is not there."""
    batch, time, features = x.shape
    struct = kind(
        rows=batch, time=time, features=features, units=units,
        threads=threads_for(batch), keeps=given.pop("keeps", 0),
    )  # fmt: skip
    kept = {}  # copies live until the call is over
    for field, value in {"x": x, **given}.items():
        if value is not None:
            kept[field] = value.contiguous()
            setattr(struct, field, kept[field].data_ptr())
    if getattr(_kernels(), name)(ctypes.byref(struct)):
        raise MemoryError(name)


def _is_looked_at() -> bool:
    """Whether a transform, a trace or a mode wants to see torch's operations."""
    return is_transformed() or torch.is_autocast_enabled("cpu") or is_watched()


def _fits(gates: int, tensors: list[Tensor | None], shapes: list[Any]) -> bool:
    """Whether the kernel computes this call; if not, torch does or complains."""
    if is_compiling() or not are_allowed():
        return False
    given = [tensor for tensor in tensors if tensor is not None]
    if not all(map(is_plain, given)) or _is_looked_at():
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
    if wants_gradient(tensors):
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
            return differentiate(_lstm_by_steps, inputs, wanted, slopes)
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
    if wants_gradient(tensors):
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
            return differentiate(_gru_by_steps, inputs, wanted, slopes)
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
