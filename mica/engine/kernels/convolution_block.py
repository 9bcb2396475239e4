"""The first block of a network for pictures as one kernel: convolve, relu, pool.

Its two operations are torch's own kind, `torch.ops.mica`, so that whoever watches or
counts operations sees them.
"""

import ctypes
import functools
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional
from torch.utils.flop_counter import register_flop_formula

from mica.engine.compiling import is_compiling
from mica.engine.kernels.building import KernelLibrary
from mica.engine.kernels.calling import (
    are_allowed,
    differentiate,
    fields,
    is_plain,
    is_transformed,
    threads_for,
    wants_gradient,
)

__all__ = ["run_convolution_block"]

LIBRARY = KernelLibrary(names=("convolution_block.c",))
KINDS = {(3, 1), (3, 3), (5, 1), (5, 3)}  # (kernel size, channels), as in the C file
WIDEST = 64  # bytes of a vector; with fewer, torch's own convolution is as fast
FEWEST = 2**15  # numbers that the convolution gives; below, a call costs what it saves


class _Fields(ctypes.Structure):
    """`struct convolution_block` of convolution_block.c."""

    _fields_ = fields(
        "pictures height width channels filters kernel threads",
        "x weights bias y places y_slope weights_slope bias_slope",
    )


@functools.cache
def _kernels() -> ctypes.CDLL | None:
    """The library with the types of its functions; none without AVX-512."""
    library = LIBRARY.load()
    if library is None or library.mica_convolution_block_bytes() < WIDEST:
        return None
    for way in ("forward", "backward"):
        function = getattr(library, f"mica_convolution_block_{way}")
        function.argtypes = [ctypes.POINTER(_Fields)]
        function.restype = ctypes.c_int
    return library


def _pooled(x: Tensor, weight: Tensor) -> tuple[int, int, int, int]:
    """The shape of what the block gives."""
    pictures, height, width, _ = x.shape
    filters, _, kernel, _ = weight.shape
    return pictures, (height - kernel + 1) // 2, (width - kernel + 1) // 2, filters


def _call(way: str, x: Tensor, weight: Tensor, **given: Tensor) -> None:
    pictures, height, width, channels = x.shape
    filters, _, kernel, _ = weight.shape
    lines = pictures * _pooled(x, weight)[1]
    struct = _Fields(
        pictures, height, width, channels, filters, kernel, threads_for(lines)
    )
    for name, tensor in {"x": x, **given}.items():
        setattr(struct, name, tensor.data_ptr())
    if getattr(_kernels(), f"mica_convolution_block_{way}")(ctypes.byref(struct)):
        raise MemoryError(f"mica_convolution_block_{way}")


def _forward(x: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """What the block gives, and which of four neighbours each number is."""
    shape = _pooled(x, weight)
    y, places = x.new_empty(shape), x.new_empty(shape, dtype=torch.uint8)
    rows = weight.permute(0, 2, 3, 1).contiguous()  # as channels-last weights lie
    bias = bias.contiguous()
    _call("forward", x, weight, weights=rows, bias=bias, y=y, places=places)
    return y, places


def _backward(
    slope: Tensor, x: Tensor, weight: Tensor, places: Tensor
) -> tuple[Tensor, Tensor]:
    """The loss's slopes by weight and bias, the weight's as it lies in memory."""
    filters, channels, kernel, _ = weight.shape
    rows = x.new_empty(filters, kernel, kernel, channels)
    bias = x.new_empty(filters)
    slope = slope.contiguous()
    _call(
        "backward", x, weight, places=places, y_slope=slope, weights_slope=rows,
        bias_slope=bias,
    )  # fmt: skip
    return rows.permute(0, 3, 1, 2), bias


def _flops_forward(x_shape: Any, weight_shape: Any, *_: Any, **__: Any) -> int:
    """Of the convolution, at the positions that are pooled."""
    pictures, height, width, channels = x_shape
    filters, _, kernel, _ = weight_shape
    lines, windows = (height - kernel + 1) // 2, (width - kernel + 1) // 2
    return 8 * pictures * lines * windows * filters * channels * kernel * kernel


def _flops_backward(_: Any, *shapes: Any, **__: Any) -> int:
    """The same numbers are multiplied with the slopes, three of four being zero."""
    return _flops_forward(*shapes)


def _define() -> torch.library.Library:
    """Tell torch of both operations."""
    library = torch.library.Library("mica", "FRAGMENT")
    library.define(
        "convolution_block(Tensor x, Tensor weight, Tensor bias) -> (Tensor, Tensor)"
    )
    library.define(
        "convolution_block_backward(Tensor slope, Tensor x, Tensor weight, "
        "Tensor places) -> (Tensor, Tensor)"
    )
    library.impl("convolution_block", _forward, "CPU")
    library.impl("convolution_block_backward", _backward, "CPU")
    register_flop_formula(torch.ops.mica.convolution_block)(_flops_forward)
    register_flop_formula(torch.ops.mica.convolution_block_backward)(_flops_backward)
    return library


_LIBRARY = _define()  # torch forgets the operations when this is gone


def _fits(x: Tensor, weight: Tensor, bias: Tensor | None) -> bool:
    """Whether the kernel computes this call; if not, torch does or complains."""
    if is_compiling() or not are_allowed() or is_transformed():
        return False
    given = [x, weight] if bias is None else [x, weight, bias]
    if not all(map(is_plain, given)) or x.requires_grad:
        return False
    if x.ndim != 4 or weight.ndim != 4 or not x.is_contiguous():
        return False
    filters, channels, kernel, width = weight.shape
    if (kernel, channels) not in KINDS or kernel != width or x.shape[3] != channels:
        return False
    if bias is not None and bias.shape != (filters,):
        return False
    pictures, lines, windows, _ = _pooled(x, weight)
    if (
        min(pictures, lines, windows) < 1
        or 4 * pictures * lines * windows * filters < FEWEST
    ):
        return False
    return _kernels() is not None


def run_convolution_block(
    x: Tensor, weight: Tensor, bias: Tensor | None
) -> Tensor | None:
    """Convolve pictures of few channels, apply relu, take the largest of 2 x 2.

    y[b, i, j, f] = relu(max over u, v in {0, 1} of bias[f] + sum over p, q, c of
        x[b, 2 i + u + p, 2 j + v + q, c] weight[f, c, p, q])

    What the convolution gives is four times as large as y and is never written: a
    quarter of the memory is moved, and a quarter of the slopes is computed with.

    Args:
        x: (batch, height, width, channels), without a gradient of its own, in float32.
        weight: (filters, channels, size, size); 1 or 3 channels, size 3 or 5.
        bias: (filters,), or `None`.

    Returns:
        (batch, (height - size + 1) // 2, (width - size + 1) // 2, filters), or `None`
        where only torch's own path will do: other sizes or types, a gradient by x,
        few numbers, other devices, transforms of functions, torch.compile, no compiler
        or no AVX-512.

    Example:
        >>> x, weight = torch.zeros(1, 8, 8, 2), torch.zeros(4, 2, 3, 3)
        >>> run_convolution_block(x, weight, None) is None
        True
    """
    if not _fits(x, weight, bias):
        return None
    if bias is None:
        bias = weight.new_zeros(len(weight))
    if wants_gradient([weight, bias]):
        return _ConvolutionBlock.apply(x, weight, bias)
    return torch.ops.mica.convolution_block(x, weight, bias)[0]


def _by_torch(x: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor]:
    y = functional.conv2d(x.permute(0, 3, 1, 2), weight, bias)
    return (torch.relu(functional.max_pool2d(y, 2)).permute(0, 2, 3, 1),)


class _ConvolutionBlock(Function):
    """The kernel with its gradient; the gradient's gradient is torch's."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        y, places = torch.ops.mica.convolution_block(x, weight, bias)
        ctx.save_for_backward(x, weight, bias, places)
        return y

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Any:
        x, weight, bias, places = ctx.saved_tensors
        if torch.is_grad_enabled():
            wanted = ctx.needs_input_grad
            return differentiate(_by_torch, [x, weight, bias], wanted, slopes)
        made = torch.ops.mica.convolution_block_backward(slopes[0], x, weight, places)
        wanted = ctx.needs_input_grad[1:]
        return None, *(
            slope if keep else None for slope, keep in zip(made, wanted, strict=True)
        )
