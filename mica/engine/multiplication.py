"""Multiplication: whether a GPU's tensor cores may round what they multiply."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import torch

__all__ = [
    "multiplication_scope",
    "multiplies_tf32",
    "processor_products",
    "rounds_products",
]

_AMPERE = (8, 0)  # the first compute capability whose tensor cores take TF32


class _Switches(NamedTuple):
    """Torch's switches; the first two are the older ones, None where unreadable."""

    products: str | None
    convolutions: bool | None
    named: tuple[str, ...]


_outside: _Switches | None = None  # what the user left, while a scope is open


def multiplies_tf32(device: torch.device) -> bool:
    """Tell whether a device has tensor cores that multiply TF32.

    TF32 is float32 with 10 instead of 23 bits of mantissa; sums stay float32.

    Args:
        device: The device.

    Returns:
        Whether a plan of precision "tf32" can run there.

    Example:
        >>> multiplies_tf32(torch.device("cpu"))
        False
    """
    if device.type != "cuda":
        return False
    return torch.cuda.get_device_capability(device) >= _AMPERE


def rounds_products(device: torch.device) -> bool:
    """Tell whether the user lets torch multiply float32 matrices in TF32 on a device.

    Inside of a `multiplication_scope` it is what was set outside. Convolutions do not
    count: torch rounds those unless it is told not to, so that nobody has asked for it.

    Args:
        device: The device.

    Returns:
        Whether torch's switch is on and the device follows it.

    Example:
        >>> rounds_products(torch.device("cpu"))
        False
    """
    if not multiplies_tf32(device):
        return False
    return (_outside or _read()).named[0] == "tf32"


def processor_products() -> str:
    """Say what torch may round a processor's float32 products to.

    `torch.set_float32_matmul_precision` decides, and torch's newer switch for oneDNN.
    Unlike the older one it can always be read.

    Returns:
        "ieee", when nothing is rounded; else "tf32" or "bf16".

    Example:
        >>> processor_products()
        'ieee'
    """
    backend: Any = torch.backends.mkldnn
    said = backend.matmul.fp32_precision
    return "ieee" if said == "none" else said


def _named() -> tuple[Any, ...]:
    """Where torch keeps what it may do to float32; the processor's for its old twin."""
    backends: Any = torch.backends
    return (
        backends.cuda.matmul,
        backends.cudnn.conv,
        backends.cudnn.rnn,
        backends.mkldnn.matmul,
    )


def _read() -> _Switches:
    products = convolutions = None
    # Torch refuses to read an older switch that contradicts the newer one.
    with suppress(RuntimeError):
        products = torch.get_float32_matmul_precision()
    with suppress(RuntimeError):
        convolutions = torch.backends.cudnn.allow_tf32
    return _Switches(
        products, convolutions, tuple(each.fp32_precision for each in _named())
    )


def _put_back(kept: _Switches) -> None:
    # The older ones first: they write the newer ones, too.
    if kept.products is not None:
        torch.set_float32_matmul_precision(kept.products)
    if kept.convolutions is not None:
        torch.backends.cudnn.allow_tf32 = kept.convolutions
    for switch, value in zip(_named(), kept.named, strict=True):
        switch.fp32_precision = value


@contextmanager
def multiplication_scope(device: torch.device, precision: str) -> Iterator[None]:
    """Multiply float32 as a precision says, on a GPU; put torch's switches back then.

    "float32" is true float32 also in convolutions, which torch rounds by default;
    "tf32" rounds products, convolutions and recurrences. Both of torch's interfaces
    are written, so that whoever reads one meanwhile, a compiler for example, finds the
    two in agreement.

    Args:
        device: Where the plan runs; only CUDA devices have such switches.
        precision: The plan's; others than these two leave all as it is.

    Yields:
        Nothing.

    Example:
        >>> with multiplication_scope(torch.device("cuda"), "tf32"):
        ...     torch.backends.cuda.matmul.fp32_precision
        'tf32'
    """
    global _outside
    if device.type != "cuda" or precision not in ("float32", "tf32"):
        yield
        return
    before, kept = _outside, _read()
    _outside = before or kept
    rounded = precision == "tf32"
    try:
        if kept.products is not None and rounded:
            torch.backends.cuda.matmul.allow_tf32 = True
        elif kept.products is not None:
            torch.set_float32_matmul_precision("highest")  # the processor's, too
        if kept.convolutions is not None:
            torch.backends.cudnn.allow_tf32 = rounded
        for switch in _named()[:3]:
            switch.fp32_precision = "tf32" if rounded else "ieee"
        yield
    finally:
        _outside = before
        _put_back(kept)
