"""ExecutionPlan: how a training step is executed, and the hands that set it up."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from mica.engine.device import describe_device, resolve_device
from mica.engine.hardware import usable_cores
from mica.engine.memory import keep_freed_memory
from mica.engine.multiplication import (
    multiplication_scope,
    multiplies_tf32,
    rounds_products,
)
from mica.engine.precision import Precision, precision
from mica.errors import ConfigError, near_misses

__all__ = [
    "ExecutionPlan",
    "Implementation",
    "compute_scope",
    "eager_plan",
    "execution_scope",
    "prepare_module",
]

Layout = Literal["channels_last", "contiguous"]
Capture = Literal["eager", "graph", "compile", "compiled graph"]
Implementation = Literal["fused", "foreach"]
Placement = Literal["memory", "ahead", "stream"]
Allocator = Literal["keep", "system"]
Module = TypeVar("Module", bound=nn.Module)

CHOICES = {
    "precision": get_args(Precision),
    "layout": get_args(Layout),
    "capture": get_args(Capture),
    "optimizer": get_args(Implementation),
    "data": get_args(Placement),
    "allocator": get_args(Allocator),
}
MOST_THREADS = 1024  # a million end the process: OpenMP gets no memory for them
CAPTURES = {
    "graph": "captured step",
    "compile": "compiled",
    "compiled graph": "compiled, captured step",
}
PLACEMENTS = {
    "memory": "data in memory",
    "ahead": "files read ahead",
    "stream": "data read as they come",
}


@dataclass(frozen=True)
class ExecutionPlan:
    """Everything about how a step is executed, and nothing about what it computes.

    Args:
        device: Where; must be of this machine (`resolve_device` finds one by name).
        precision: `float32`, `tf32` (CUDA devices of compute capability 8.0 or more),
            `float64`, or `bfloat16` (mixed: see `set_precision`).
        layout: Memory order of 4-D tensors: `channels_last` or `contiguous`.
        capture: How operations are launched: `eager`, one by one from Python; `graph`,
            all of a step at once (recorded once on a GPU; elsewhere one by one);
            `compile`, fused by torch.compile; `compiled graph`, both.
        optimizer: `fused` (one kernel for the whole update, where torch has one) or
            `foreach` (one per operation).
        data: How batches come, for those who read the plan: `memory` (whole arrays,
            gathered batch by batch), `ahead` (a thread reads files while a step
            computes) or `stream` (a loader or generator hands out batches). What is
            trained on decides it.
        threads: Processor threads; `None` leaves torch's number.
        allocator: `keep` freed memory for the next step, or give it to the `system`.

    Raises:
        ConfigError: A value is none of these, the device is not of this machine, it
            does not multiply TF32, or there are more than 1,024 threads.

    Example:
        >>> plan = ExecutionPlan(torch.device("cpu"), threads=2)
        >>> plan.describe("fused Adam")
        'cpu (2 cores) · float32 · channels-last · fused Adam · data in memory'
    """

    device: torch.device
    precision: Precision = "float32"
    layout: Layout = "channels_last"
    capture: Capture = "eager"
    optimizer: Implementation = "fused"
    data: Placement = "memory"
    threads: int | None = None
    allocator: Allocator = "keep"

    def __post_init__(self) -> None:
        # Frozen: the one way to store what a name stands for.
        object.__setattr__(self, "device", resolve_device(self.device))
        for field, choices in CHOICES.items():
            value = getattr(self, field)
            if value not in choices:
                raise ConfigError(
                    f"ExecutionPlan: expected a known {field}, got {value!r}. "
                    f"{near_misses(str(value), choices)}"
                )
        if self.precision == "tf32" and not multiplies_tf32(self.device):
            raise ConfigError(
                "ExecutionPlan: expected a CUDA device of compute capability 8.0 or "
                f"more for tf32, got {describe_device(self.device)}. Choose float32 or "
                "bfloat16, or no precision at all."
            )
        threads = self.threads
        if threads is not None and (type(threads) is not int or threads < 1):
            raise ConfigError(
                f"ExecutionPlan: expected at least 1 thread, got {threads!r}. Give a "
                "whole number, or None for torch's own."
            )
        if threads is not None and threads > MOST_THREADS:
            raise ConfigError(
                f"ExecutionPlan: expected at most {MOST_THREADS:,} threads, got "
                f"{threads:,}. Give no more than there are cores, or None for torch's "
                "own."
            )

    @property
    def is_compiled(self) -> bool:
        """Whether torch.compile fuses the network's operations."""
        return self.capture in ("compile", "compiled graph")

    @property
    def is_recorded(self) -> bool:
        """Whether a step is recorded once and then launched as one piece."""
        return self.capture in ("graph", "compiled graph")

    def describe(self, optimizer: str | None = None) -> str:
        """Say the plan in one line.

        Args:
            optimizer: What the built optimizer is (`fused Adam`); `None` names the
                intention only.

        Returns:
            The line, its parts divided by centred dots.

        Example:
            >>> plan = ExecutionPlan(torch.device("cpu"), threads=1, data="stream")
            >>> plan.describe()
            'cpu (1 core) · float32 · channels-last · fused optimizer · data read as
            they come'
        """
        place = describe_device(self.device)
        if self.device.type == "cpu":
            cores = self.threads or torch.get_num_threads()
            place = f"cpu ({cores} core{'s' if cores > 1 else ''})"
        parts = (
            place,
            self.precision,
            *([CAPTURES[self.capture]] if self.capture in CAPTURES else []),
            self.layout.replace("_", "-"),
            optimizer or f"{self.optimizer} optimizer",
            PLACEMENTS[self.data],
        )
        return " · ".join(parts)


def eager_plan(device: str | torch.device | None = None) -> ExecutionPlan:
    """Make the plan that every other plan is compared with.

    The precision that was chosen, channels last, fused optimizer, data in memory. It is
    chosen by `set_precision`, else by torch's own switch for TF32 products where the
    device follows it; else it is float32. Threads: torch's number, but no more than
    there are cores for this process; torch does not see a container's quota.

    Args:
        device: Where; `None` means `default_device()`.

    Returns:
        The plan.

    Raises:
        ConfigError: `device` is not one of this machine, or cannot compute in the
            precision that was chosen.

    Example:
        >>> eager_plan("cpu").precision
        'float32'
    """
    place = resolve_device(device)
    habit: Precision = "tf32" if rounds_products(place) else "float32"
    return ExecutionPlan(
        place,
        precision=precision() or habit,
        threads=min(torch.get_num_threads(), usable_cores()),
    )


def prepare_module(module: Module, plan: ExecutionPlan) -> Module:
    """Move a module where and how a plan wants it, in place.

    Parameters stay the same objects, so an optimizer made before still holds them.
    Only 4-D tensors, the weights of convolutions, have a layout to change; types are
    the layers' own affair.

    Args:
        module: Any torch module whose weights exist.
        plan: Where and how.

    Returns:
        The same module.

    Example:
        >>> module = prepare_module(nn.Conv2d(3, 8, 3), eager_plan("cpu"))
        >>> module.weight.is_contiguous(memory_format=torch.channels_last)
        True
    """
    if plan.layout == "channels_last":
        order = torch.channels_last
    else:
        order = torch.contiguous_format
    module.to(plan.device)
    for tensor in (*module.parameters(), *module.buffers()):
        if not is_lazy(tensor) and tensor.dim() == 4:
            tensor.data = tensor.data.contiguous(memory_format=order)
    return module


def compute_scope(plan: ExecutionPlan) -> AbstractContextManager[object]:
    """Compute in the plan's precision: wrap the forward pass and the loss in this.

    Args:
        plan: Its precision counts; only `bfloat16` does anything here (`tf32` is set
            by `execution_scope`: it counts in the backward pass, too).

    Returns:
        A context manager; enter it anew in each step.

    Example:
        >>> with compute_scope(ExecutionPlan(torch.device("cpu"), "bfloat16")):
        ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
        torch.bfloat16
    """
    if plan.precision != "bfloat16":
        return nullcontext()
    return torch.autocast(plan.device.type, dtype=torch.bfloat16)


@contextmanager
def execution_scope(plan: ExecutionPlan) -> Iterator[None]:
    """Set the process up for a plan: the allocator for good, the rest for the block.

    Args:
        plan: Its `threads`, its `allocator` and, on a GPU, its `precision` count:
            products of `float32` are not rounded, those of `tf32` are.

    Yields:
        Nothing.

    Example:
        >>> before = torch.get_num_threads()
        >>> with execution_scope(ExecutionPlan(torch.device("cpu"), threads=1)):
        ...     torch.get_num_threads()
        1
        >>> torch.get_num_threads() == before
        True
    """
    if plan.allocator == "keep":
        keep_freed_memory()
    threads = torch.get_num_threads()
    if plan.threads is not None and plan.threads != threads:
        torch.set_num_threads(plan.threads)
    try:
        with multiplication_scope(plan.device, plan.precision):
            yield
    finally:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
