"""The first block of a network for pictures: one kernel beside three of torch's.

Convolution, relu and max-pooling of 2 x 2, forward and backward by weight and bias,
channels last, freed memory kept. Both must agree before anything is timed.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.measure import Comparison, compare, seconds_of, take_turns
from mica.engine import keep_freed_memory, run_convolution_block

__all__ = ["run"]

CASES = {  # batch, size, channels, filters, kernel
    "digits, 64 x 28 x 28 x 1, 32 filters": (64, 28, 1, 32, 3),
    "digits, 64 x 28 x 28 x 1, 6 filters of 5 x 5": (64, 28, 1, 6, 5),
    "small photos, 64 x 32 x 32 x 3, 32 filters": (64, 32, 3, 32, 3),
    "photos, 32 x 150 x 150 x 3, 32 filters": (32, 150, 3, 32, 3),
}
RELATIVE, ABSOLUTE = 1e-3, 1e-3
SECONDS_PER_TURN = 0.1  # short runs are repeated, so that the clock is fine enough


def by_torch(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Pooled first, as `fit` does without the kernel: relu of a quarter."""
    y = functional.conv2d(x.permute(0, 3, 1, 2), weight, bias)
    return torch.relu(functional.max_pool2d(y, 2)).permute(0, 2, 3, 1)


def learn(
    block: Callable[..., Tensor | None], x: Tensor, weight: Tensor, bias: Tensor
) -> list[Tensor]:
    """Forward and backward once."""
    y = block(x, weight, bias)
    if y is None:
        raise RuntimeError("block: there is no kernel here to be timed")
    return [y.detach(), *torch.autograd.grad(y, [weight, bias], torch.ones_like(y))]


def run(rounds: int = 15) -> list[Comparison]:
    """All cases."""
    keep_freed_memory()
    torch.manual_seed(0)
    return [_case(name, sizes, rounds) for name, sizes in CASES.items()]


def _case(name: str, sizes: tuple[int, ...], rounds: int) -> Comparison:
    batch, size, channels, filters, kernel = sizes
    x = torch.rand(batch, size, size, channels)
    weight = torch.randn(filters, channels, kernel, kernel) / kernel
    weight = weight.contiguous(memory_format=torch.channels_last).requires_grad_()
    bias = torch.zeros(filters, requires_grad=True)
    work = {
        "kernel": partial(learn, run_convolution_block, x, weight, bias),
        "torch": partial(learn, by_torch, x, weight, bias),
    }
    scale = float(work["torch"]()[1].abs().max())
    for one, other in zip(work["kernel"](), work["torch"](), strict=True):
        if not torch.allclose(one, other, rtol=RELATIVE, atol=ABSOLUTE * scale):
            raise RuntimeError(f"{name}: the two do not compute the same")
    count = max(1, int(SECONDS_PER_TURN / seconds_of(work["torch"])))

    def repeat(each: Callable[[], object]) -> float:
        return seconds_of(lambda: [each() for _ in range(count)]) / count

    timed = {key: partial(repeat, each) for key, each in work.items()}
    times = take_turns(timed, rounds)
    return compare(name, times, of="kernel", to="torch", limit=1.0)
