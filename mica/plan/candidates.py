"""Candidates: the ways to execute a step that this machine has at all."""

from dataclasses import replace
from itertools import product

import torch

from mica.engine import ExecutionPlan, Hardware, inspect_hardware
from mica.engine.execution import Capture
from mica.engine.multiplication import multiplies_tf32
from mica.engine.precision import precision

__all__ = ["COMPILED", "find_candidates", "multiplies_bfloat16"]

# What a capture is called when the network is compiled, too.
COMPILED: dict[Capture, Capture] = {"eager": "compile", "graph": "compiled graph"}

# Instruction sets with which a processor multiplies bfloat16 itself; without them
# torch converts to float32 and back, and loses.
_BFLOAT16_SETS = {"avx512_bf16", "amx_bf16", "bf16"}
_AMPERE = (8, 0)  # the first compute capability whose tensor cores take bfloat16


def multiplies_bfloat16(device: torch.device, hardware: Hardware) -> bool:
    """Tell whether a device multiplies bfloat16 without going through float32.

    Args:
        device: The device.
        hardware: What the machine has.

    Returns:
        Whether mixed precision can gain anything there.

    Example:
        >>> from mica.engine import Hardware
        >>> machine = Hardware("some", 2, ("avx2", "avx512_bf16"), None, ())
        >>> multiplies_bfloat16(torch.device("cpu"), machine)
        True
    """
    if device.type == "cpu":
        return bool(_BFLOAT16_SETS & set(hardware.instruction_sets))
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= _AMPERE
    return False


def find_candidates(
    eager: ExecutionPlan,
    *,
    time_to_compile: bool = False,
    hardware: Hardware | None = None,
) -> list[ExecutionPlan]:
    """List the plans worth timing, the eager one first.

    All combinations of: float32 and, where the chip has them, TF32 and bfloat16 (unless
    a precision was chosen); all threads and one; operations launched one by one or as
    one graph (on a GPU), as they are written or compiled (when there is time).

    Args:
        eager: The plan that others are compared with.
        time_to_compile: Whether what a compiler needs would be small beside the run.
        hardware: What the machine has; None to look.

    Returns:
        Plans, each once. Only the eager one when torch's deterministic mode is on: a
        choice by the clock is not repeatable.

    Example:
        >>> from mica.engine import eager_plan
        >>> plans = find_candidates(eager_plan("cpu"))
        >>> plans[0] == eager_plan("cpu")
        True
    """
    if torch.are_deterministic_algorithms_enabled():
        return [eager]
    hardware = hardware or inspect_hardware()
    precisions = [eager.precision]
    free = precision() is None and eager.precision == "float32"
    if free and multiplies_tf32(eager.device):
        precisions.append("tf32")
    if free and multiplies_bfloat16(eager.device, hardware):
        precisions.append("bfloat16")
    captures: list[Capture] = [eager.capture]
    if eager.device.type == "cuda":
        captures.append("graph")
    if time_to_compile:
        captures.extend([COMPILED[each] for each in captures])
    threads = [eager.threads]
    if eager.device.type == "cpu" and (eager.threads or 1) > 1:
        threads.append(1)
    return [
        replace(eager, precision=numbers, capture=capture, threads=count)
        for capture, numbers, count in product(captures, precisions, threads)
    ]
