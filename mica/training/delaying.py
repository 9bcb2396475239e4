"""Delaying: relu is applied behind the max-pooling, to a quarter of the numbers.

max(relu(x)) = relu(max(x)), and so are the gradients, to the bit: where the largest
number of a window is positive it is the same one, elsewhere the gradient is zero. Where
a convolution of pictures made those numbers, one kernel does all three.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mica.engine import run_convolution_block
from mica.layers import (
    Conv2D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
    ReLU,
    gather_losses,
)
from mica.layers.activation import relu
from mica.nested import flatten
from mica.shapes import same_padding
from mica.training.folding import LastActivation, Watch, poison, watching
from mica.training.rewriting import is_hooked, is_ours, is_read_once

__all__ = ["ConvolutionBlock", "DelayedReLU", "find_delays"]

POOLINGS = (
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
    nn.MaxPool1d,
    nn.MaxPool2d,
    nn.MaxPool3d,
)


class DelayedReLU:
    """A relu whose only reader is a max-pooling, and how to swap the two.

    Args:
        last: The relu.
        pooling: The layer that reads it.

    Example:
        >>> network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2))
        >>> delayed = DelayedReLU(LastActivation(network[1], "relu"), network[2])
        >>> delayed.delay()
        >>> x = torch.randn(1, 1, 8, 8)
        >>> after = network(x)
        >>> delayed.put_back()
        >>> torch.equal(network(x), after)
        True
    """

    def __init__(self, last: LastActivation, pooling: nn.Module) -> None:
        self.last = last
        self.pooling = pooling

    def delay(self) -> None:
        """From here the pooling is first, unless somebody looks at what they give."""
        if is_hooked(self.last.module, self.pooling):
            return
        self.last.leave_out()
        self.pooling.__dict__["forward"] = self._pool_and_clip

    def _pool_and_clip(self, x: Tensor) -> Tensor:
        return torch.relu(type(self.pooling).forward(self.pooling, x))

    def give(self, output: Tensor) -> None:
        """From here nobody but the pooling could read the relu, which gives NaN.

        Args:
            output: What the pooling gives, whatever it gets.
        """
        self.last.replace(poison)
        self.pooling.__dict__["forward"] = lambda _: output

    def put_back(self) -> None:
        """From here the relu is first again."""
        self.last.put_back()
        self.pooling.__dict__.pop("forward", None)


class ConvolutionBlock(DelayedReLU):
    """A delayed relu of a convolution of pictures: one kernel computes the block.

    Where the kernel cannot, for a gradient by the input is wanted, say, the three are
    computed one by one. Sums are added up in another order than torch's.

    Args:
        last: The relu, which a `Conv2D` applies.
        pooling: The layer that reads it, with windows of 2 x 2.

    Example:
        >>> conv = Conv2D(8, 3, activation="relu")
        >>> network = nn.Sequential(conv, MaxPooling2D())
        >>> x = torch.rand(2, 32, 32, 3)
        >>> expected = network(x)
        >>> block = ConvolutionBlock(LastActivation(conv, "relu"), network[1])
        >>> block.delay()
        >>> torch.allclose(network(x), expected, atol=1e-6)
        True
        >>> block.put_back()
    """

    _is_pooled = False

    @classmethod
    def fits(cls, convolution: nn.Module, pooling: nn.Module) -> bool:
        """Tell whether the kernel was written for such layers.

        Args:
            convolution: The layer that applies the relu.
            pooling: The layer that reads it.
        """
        if type(convolution) is not Conv2D or type(pooling) is not MaxPooling2D:
            return False
        steps = (convolution.strides, convolution.dilation_rate)
        windows = (pooling.pool_size, pooling.strides)
        return (
            steps == ((1, 1), (1, 1))
            and windows == ((2, 2), (2, 2))
            and pooling.padding == "valid"
            and convolution.groups == 1
        )

    def delay(self) -> None:
        """From here the convolution does all three, unless somebody looks."""
        super().delay()
        if "forward" in self.pooling.__dict__:
            self._is_pooled = False
            self.last.module.__dict__["forward"] = self._convolve_and_pool

    def _convolve_and_pool(self, x: Tensor) -> Tensor:
        convolution: Any = self.last.module
        weight, padded = convolution.weight, x
        if convolution.padding == "same":
            height, width = (
                same_padding(size, length, 1, 1)
                for size, length in zip(x.shape[1:3], weight.shape[2:], strict=True)
            )
            padded = functional.pad(x, (0, 0, *width, *height))
        y = run_convolution_block(padded, weight, convolution.bias)
        self._is_pooled = y is not None
        return Conv2D.forward(convolution, x) if y is None else y

    def _pool_and_clip(self, x: Tensor) -> Tensor:
        return x if self._is_pooled else super()._pool_and_clip(x)

    def put_back(self) -> None:
        """From here each layer does its own part again."""
        super().put_back()
        self.last.module.__dict__.pop("forward", None)


def find_delays(module: nn.Module, run: Callable[[], Any]) -> list[DelayedReLU]:
    """Find the relus that are read by a max-pooling and by nothing else.

    The module is watched while it runs; a NaN in the place of a relu then shows whether
    anything else reads it. Where a class of the user's own computes, nothing is
    delayed: it may do something else in training.

    Args:
        module: A built module.
        run: Calls it once on some samples, in evaluation mode.

    Returns:
        The relus to delay; every output stays as it is, to the bit.

    Example:
        >>> network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2))
        >>> len(find_delays(network, lambda: network(torch.ones(1, 1, 8, 8))))
        1
    """
    parts = list(module.modules())
    poolings = [part for part in parts if type(part) in POOLINGS]
    if not poolings or not all(map(is_ours, parts)):
        return []
    read: dict[nn.Module, list[tuple[Any, Any]]] = {}

    def note(pooling: nn.Module, given: Any, output: Any) -> None:
        read.setdefault(pooling, []).append((given[0], output))

    hooks = [each.register_forward_hook(note) for each in poolings]
    try:
        with watching(module) as watch, gather_losses() as added:
            outputs = run()
    finally:
        for hook in hooks:
            hook.remove()
    found = []
    for pooling, calls in read.items():
        x, pooled = calls[0]
        maker = watch.makers.get(id(x))
        if len(calls) > 1 or maker is None or not _gave_relu(maker, x, watch):
            continue
        kind = (
            ConvolutionBlock if ConvolutionBlock.fits(maker, pooling) else DelayedReLU
        )
        delayed = kind(LastActivation(maker, "relu"), pooling)
        expected = [*flatten(outputs), *added]
        if is_read_once([(delayed, pooled)], expected, run):
            found.append(delayed)
    return found


def _gave_relu(maker: nn.Module, x: Tensor, watch: Watch) -> bool:
    """Whether a relu is the last that was done to a tensor, by a module used once."""
    if type(maker) is ReLU:
        leaks = maker.negative_slope or maker.threshold
        return maker.max_value is None and not leaks
    once = id(x) in watch.activated and watch.uses[maker] == 1
    return once and (type(maker) is nn.ReLU or maker.__dict__.get("activation") is relu)
