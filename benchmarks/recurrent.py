"""LSTM and GRU in float32 on the CPU: the kernel, torch's own path, the plain loop.

One layer, the last output summed as the loss, gradients by input and weights. Before
anything is timed the three must agree in outputs and gradients. A turn repeats the
work until torch needs about 0.1 s: times are those of a turn, ratios tell.
"""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks.measure import Comparison, compare, seconds_of, take_turns
from mica.engine import keep_freed_memory, run_gru, without_kernels
from mica.layers import GRU, LSTM

__all__ = ["run"]

STEPS = 100
UNITS, BATCHES, FEATURES = (32, 64, 128), (32, 128), (14, 32, 128)
LONG = (128, 500, 32, 32)  # the reviews of PERFORMANCE.md: 500 words of 32 numbers
RELATIVE, ABSOLUTE = 1e-3, 1e-4
SECONDS_PER_TURN = 0.1  # short runs are repeated, so that the clock is fine enough


def by_loop(layer: Any, x: Tensor) -> Tensor:
    """One step after the other, in torch's operations."""
    return layer._loop(x, layer._first_states(x, None), None)[1]


def train(run: Callable[[Tensor], Tensor], layer: Any, x: Tensor) -> list[Tensor]:
    """Forward and backward once."""
    leaf = x.detach().requires_grad_()
    wanted = [leaf, *layer.parameters()]
    made = run(leaf)
    return [made.detach(), *torch.autograd.grad(made.sum(), wanted)]


def infer(run: Callable[[Tensor], Tensor], layer: Any, x: Tensor) -> list[Tensor]:
    """Forward alone."""
    del layer
    with torch.inference_mode():
        return [run(x)]


def take_candidates(layer: Any, work: Any, x: Tensor) -> dict[str, Callable[[], Any]]:
    """The same work by each of the three."""

    def candidate(run: Callable[[Tensor], Tensor], kernel: bool) -> Any:
        with nullcontext() if kernel else without_kernels():
            return work(run, layer, x)

    return {
        "kernel": partial(candidate, layer, True),
        "torch": partial(candidate, layer, False),
        "loop": partial(candidate, partial(by_loop, layer), False),
    }


def _agree(made: Mapping[str, list[Tensor]]) -> bool:
    return all(
        torch.allclose(one, other, rtol=RELATIVE, atol=ABSOLUTE)
        for others in made.values()
        for one, other in zip(made["kernel"], others, strict=True)
    )


def time_in_turns(
    kind: type, sizes: tuple[int, int, int, int], work: Any, rounds: int
) -> list[Comparison]:
    """The kernel against torch, and against the loop."""
    batch, steps, features, units = sizes
    words = "forward and backward" if work is train else "forward"
    name = (
        f"{kind.__name__} {units}, batch {batch}, {steps} steps of {features}: {words}"
    )
    layer, x = kind(units), torch.randn(batch, steps, features)
    layer(x)
    candidates = take_candidates(layer, work, x)
    if not _agree({key: each() for key, each in candidates.items()}):
        raise RuntimeError(f"{name}: the three do not compute the same")
    count = max(1, int(SECONDS_PER_TURN / seconds_of(candidates["torch"])))

    def repeat(each: Callable[[], Any]) -> float:
        return seconds_of(lambda: [each() for _ in range(count)])

    timed = {key: partial(repeat, each) for key, each in candidates.items()}
    times = take_turns(timed, rounds)
    return [
        compare(name, times, of="kernel", to=other, limit=1.0)
        for other in ("torch", "loop")
    ]


def run(rounds: int = 15) -> list[Comparison]:
    """All sizes, LSTM both ways, GRU and the long sequences forward and backward."""
    keep_freed_memory()
    torch.manual_seed(0)
    if not _has_kernel():
        raise RuntimeError("recurrent: there is no kernel here to be timed")
    rows = []
    for units in UNITS:
        for batch in BATCHES:
            for features in FEATURES:
                sizes = (batch, STEPS, features, units)
                for work in (train, infer):
                    rows += time_in_turns(LSTM, sizes, work, rounds)
        sizes = (BATCHES[-1], STEPS, FEATURES[0], units)
        rows += time_in_turns(GRU, sizes, train, rounds)
    rows += time_in_turns(LSTM, LONG, train, rounds)
    return [*rows, *time_in_turns(GRU, LONG, train, rounds)]


def _has_kernel() -> bool:
    x, state = torch.zeros(1, 1, 1), torch.zeros(1, 1)
    weight = torch.zeros(3, 1)
    return run_gru(x, state, weight, weight, None, None) is not None
