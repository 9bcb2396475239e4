"""Idle biases: one before a batch normalization is taken away again by the mean.

norm(x + b) = norm(x), for the mean of x + b is b more than that of x, and so d/db = 0.
The sums over all positions that b would need, forward and backward, are left out.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mica.layers import (
    BatchNormalization,
    Conv1D,
    Conv2D,
    Conv3D,
    gather_losses,
)
from mica.nested import flatten
from mica.training.folding import poison, watching
from mica.training.rewriting import is_hooked, is_ours, is_read_once

__all__ = ["IdleBias", "find_idle_biases"]

CONVOLUTIONS = (Conv1D, Conv2D, Conv3D)
LEAST = 4096  # numbers that a convolution gives for a sample; fewer are not worth it


class IdleBias:
    """The bias of a convolution whose only reader is a batch normalization.

    Its gradient is zero, not missing, and the running mean stays the one with the bias.

    Args:
        convolution: The layer that has the bias.
        normalization: The layer that reads its outputs.

    Example:
        >>> conv, norm = Conv2D(8, 3), BatchNormalization()
        >>> network = nn.Sequential(conv, norm)
        >>> x = torch.rand(2, 32, 32, 3)
        >>> expected = network(x)
        >>> nn.init.ones_(conv.bias).requires_grad
        True
        >>> idle = IdleBias(conv, norm)
        >>> idle.leave_out()
        >>> torch.allclose(network(x), expected, atol=1e-5)
        True
        >>> idle.put_back()
    """

    def __init__(self, convolution: Any, normalization: BatchNormalization) -> None:
        self.convolution = convolution
        self.normalization = normalization

    def leave_out(self) -> None:
        """From here nobody adds it, unless somebody looks or the mean is not taken."""
        norm, bias = self.normalization, self.convolution.bias
        # With a momentum of zero nothing of a running mean stays.
        takes_mean = norm.training and norm.trainable and norm.momentum > 0
        if not takes_mean or is_hooked(self.convolution, norm):
            return
        self.convolution.__dict__["forward"] = self._convolve
        norm.__dict__["forward"] = self._normalise
        # The zeros of a gradient come by the shift: it has one number a channel, too.
        norm.__dict__["bias"] = torch.add(norm.bias, bias, alpha=0)

    def _convolve(self, x: Tensor) -> Tensor:
        layer = self.convolution
        return layer.slide(x, layer.weight, None, layer.groups)

    def _normalise(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        norm, bias = self.normalization, self.convolution.bias
        if mask is not None or x.numel() == 0:  # not the mean of all
            return BatchNormalization.forward(norm, x + bias.to(x.dtype), mask)
        with torch.no_grad():
            # The kernel multiplies by the momentum, afterwards.
            share = (1.0 - norm.momentum) / norm.momentum
            norm.running_mean.add_(bias, alpha=share)
        return BatchNormalization.forward(norm, x)

    def give(self, output: Tensor) -> None:
        """From here nobody but the normalization could read the convolution's NaN.

        Args:
            output: What the normalization gives, whatever it gets.
        """
        convolution = self.convolution
        forward = type(convolution).forward
        convolution.__dict__["forward"] = lambda x: poison(forward(convolution, x))
        self.normalization.__dict__["forward"] = lambda *_, **__: output

    def put_back(self) -> None:
        """From here the bias is added again."""
        self.convolution.__dict__.pop("forward", None)
        for name in ("forward", "bias"):
            self.normalization.__dict__.pop(name, None)


def find_idle_biases(module: nn.Module, run: Callable[[], Any]) -> list[IdleBias]:
    """Find the biases of convolutions that only a batch normalization reads.

    The module is watched while it runs; NaN in the place of what the convolutions give
    then shows whether anything else reads it. Where a class of the user's own computes,
    no bias is idle: it may do something else in training. Biases of dense layers, and
    of convolutions with few outputs, stay: to leave them out brings nothing.

    Args:
        module: A built module.
        run: Calls it once on some samples, in evaluation mode.

    Returns:
        The biases to leave out in training.

    Example:
        >>> network = nn.Sequential(Conv2D(8, 3), BatchNormalization())
        >>> x = torch.rand(2, 32, 32, 3)
        >>> _ = network(x)
        >>> len(find_idle_biases(network, lambda: network(x)))
        1
    """
    parts = list(module.modules())
    norms = [part for part in parts if type(part) is BatchNormalization]
    convolves = any(type(part) in CONVOLUTIONS for part in parts)
    if not norms or not convolves or not all(map(is_ours, parts)):
        return []
    read: dict[Any, list[tuple[Any, Any]]] = {}
    made: dict[nn.Module, int] = {}

    def note(part: nn.Module, given: Any, output: Any) -> None:
        if type(part) is BatchNormalization:
            read.setdefault(part, []).append((given[0], output))
        else:
            made[part] = made.get(part, 0) + 1

    seen = [part for part in parts if type(part) in CONVOLUTIONS] + norms
    hooks = [each.register_forward_hook(note) for each in seen]
    try:
        with watching(module) as watch, gather_losses() as added:
            outputs = run()
    finally:
        for hook in hooks:
            hook.remove()
    found = []
    readers = Counter(watch.makers.get(id(x)) for ((x, _), *_) in read.values())
    for norm, calls in read.items():
        x, output = calls[0]
        maker: Any = watch.makers.get(id(x))
        once = len(calls) == made.get(maker, 0) == readers[maker] == 1
        if once and _is_idle(maker, norm, x):
            found.append((IdleBias(maker, norm), output))
    return _unread(found, [*flatten(outputs), *added], run)


def _is_idle(maker: Any, norm: Any, x: Tensor) -> bool:
    """Whether a layer adds a bias as its last, that a normalization takes away."""
    return (
        type(maker) in CONVOLUTIONS
        and maker.activation is None
        and maker.bias is not None
        and norm.bias is not None
        and norm.axis % x.ndim == x.ndim - 1
        and x.numel() >= LEAST * max(len(x), 1)
    )


def _unread(
    found: list[tuple[IdleBias, Tensor]], expected: list[Any], run: Callable[[], Any]
) -> list[IdleBias]:
    """Those that nothing else reads: all at once, else the halves on their own."""
    if not found:
        return []
    if is_read_once(found, expected, run):
        return [idle for idle, _ in found]
    half = len(found) // 2
    parts = (found[:half], found[half:]) if half else ()
    return [idle for part in parts for idle in _unread(part, expected, run)]
