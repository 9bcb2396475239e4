"""Advising: what limits a part of a step, what to do about it, what that would save."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from mica.plan.ceilings import Limits
from mica.plan.counting import Operation

__all__ = ["Advice", "Bound", "Circumstances", "Cost", "advise", "bound_of", "cost_of"]

Bound = Literal["compute", "memory", "launch", "input", "sync"]
Action = Literal[
    "none",
    "bfloat16",
    "batch",
    "threads",
    "capture",
    "fused",
    "memory",
    "read ahead",
    "join",
    "sync",
]

WORTH = 1.3  # bfloat16 must multiply this much faster before it is worth a word
NEAR = 0.6  # an efficiency from which little can be gained
REAL = 0.5  # of its ceiling that arithmetic of usual shapes reaches
_FULL = ("float32", "tf32")  # numbers of four bytes flow between layers
HALVED = 0.3  # of a memory-bound part's bytes that bfloat16 saves; weights stay float32
GATHERED = 0.9  # of the time of batches that arrays save
JOINED = 0.5  # of the time that an elementwise layer saves inside the one before


class Cost(NamedTuple):
    """What operations need at this machine's ceilings.

    Args:
        flops: Multiplications and additions.
        num_bytes: Read and written.
        operations: How many are launched.
        waits: How many let Python wait for the device.
        compute: Seconds for the arithmetic.
        memory: Seconds for the bytes.
        launch: Seconds for launching, as torch does it one by one.
        attainable: Seconds at the very least: of each operation the largest of its
            arithmetic, its bytes and the least a launch takes.

    Example:
        >>> Cost().attainable
        0.0
    """

    flops: float = 0.0
    num_bytes: float = 0.0
    operations: int = 0
    waits: int = 0
    compute: float = 0.0
    memory: float = 0.0
    launch: float = 0.0
    attainable: float = 0.0


def cost_of(operations: Sequence[Operation], limits: Limits) -> Cost:
    """Add up what operations need at the ceilings.

    attainable = sum over operations of
        max(flops / ceiling, bytes / bandwidth, seconds of a kernel)

    Args:
        operations: What a part does in a step.
        limits: The machine's ceilings.

    Returns:
        The cost.

    Example:
        >>> limits = Limits("cpu", 1, {"float32": 1e9}, ((1, 1e9),), 5e-6, 1e-6)
        >>> cost_of([Operation("mm", 1e6, 1e3, "float32")], limits).attainable
        0.001
    """
    compute = memory = attainable = 0.0
    for each in operations:
        arithmetic = limits.compute_seconds(each.flops, each.precision)
        moving = limits.memory_seconds(each.num_bytes)
        compute += arithmetic
        memory += moving
        attainable += max(arithmetic, moving, limits.seconds_per_kernel)
    return Cost(
        sum(each.flops for each in operations),
        sum(each.num_bytes for each in operations),
        len(operations),
        sum(each.waits for each in operations),
        compute,
        memory,
        len(operations) * limits.seconds_per_operation,
        attainable,
    )


@dataclass(frozen=True)
class Circumstances:
    """What advice depends on beside the part itself.

    Args:
        batch_size: Rows in a step.
        precision: The plan's.
        on_gpu: Whether the step runs on a GPU.
        bfloat16_gain: How much faster the device multiplies bfloat16 than the plan's
            numbers; 1 when it does not.
        step_seconds: Of the whole step.
        fused: Whether the update of the weights is one operation.
        in_memory: Whether batches are rows of arrays.
        elementwise: Classes of layers that a layer before can do, too.
        reads_ahead: Whether batches are made while a step computes.
        fits: Whether all rows would fit into memory as arrays.
        spare_core: Whether a core is free to make batches while a step computes.

    Example:
        >>> Circumstances(32, "float32").on_gpu
        False
    """

    batch_size: int
    precision: str = "float32"
    on_gpu: bool = False
    bfloat16_gain: float = 1.0
    step_seconds: float = 0.0
    fused: bool = True
    in_memory: bool = True
    elementwise: frozenset[str] = field(default_factory=frozenset)
    reads_ahead: bool = False
    fits: bool = False
    spare_core: bool = True


class Advice(NamedTuple):
    """What to do about a part.

    Args:
        action: In one word; "none" when there is nothing to gain.
        sentence: In one sentence.
        gain: Seconds of the step that it saves, a cautious guess.

    Example:
        >>> Advice("none", "It runs near this machine's limit.", 0.0).gain
        0.0
    """

    action: Action
    sentence: str
    gain: float


def bound_of(part: str, cost: Cost, *, on_gpu: bool = False) -> Bound:
    """Say what limits a part: the largest of what it needs at the ceilings.

    Args:
        part: Its name.
        cost: What its operations need.
        on_gpu: Whether waiting for the device costs anything.

    Returns:
        "input" for fetching batches, "sync" where Python waits for a GPU, else
        "compute", "memory" or "launch".

    Example:
        >>> bound_of("dense", Cost(compute=2.0, memory=1.0, launch=0.5))
        'compute'
        >>> bound_of("(host)", Cost())
        'launch'
    """
    if part == "(data)":
        return "input"
    if on_gpu and cost.waits:
        return "sync"
    if cost.launch >= max(cost.compute, cost.memory):
        return "launch"
    return "compute" if cost.compute >= cost.memory else "memory"


def advise(
    part: str, kind: str, seconds: float, cost: Cost, around: Circumstances
) -> Advice:
    """Say what to do about a part, and what that would save.

    Args:
        part: Its name; those that are no layer stand in brackets.
        kind: The layer's class.
        seconds: It takes in a step.
        cost: What it needs at the ceilings.
        around: What else counts.

    Returns:
        The advice.

    Example:
        >>> around = Circumstances(32, bfloat16_gain=4.0)
        >>> cost = Cost(compute=0.002, memory=0.001, launch=1e-5, attainable=0.002)
        >>> advise("dense", "Dense", 0.003, cost, around)
        Advice(action='bfloat16', sentence='bfloat16 multiplies 4 times as fast here.',
        gain=0.0015)
    """
    bound = bound_of(part, cost, on_gpu=around.on_gpu)
    if bound == "input":
        return _about_input(seconds, around)
    if bound == "sync":
        waiting = max(0.0, seconds - cost.attainable) / 2
        words = f"It waits for the device {cost.waits} times: read values after fit."
        return Advice("sync", words, waiting)
    if part == "(optimizer)" and not around.fused:
        saved = (seconds - cost.attainable) / 2
        return Advice(
            "fused", "A fused update does it in one operation.", max(0, saved)
        )
    if bound == "launch":
        return _about_launching(seconds, cost, around)
    if part == "(optimizer)":
        return _larger_batch(
            seconds / 2, "A larger batch updates the weights less often."
        )
    if bound == "compute":
        return _about_arithmetic(seconds, cost, around)
    return _about_bytes(kind, seconds, cost, around)


def _larger_batch(gain: float, sentence: str) -> Advice:
    return Advice("batch", sentence, max(0.0, gain))


def _about_input(seconds: float, around: Circumstances) -> Advice:
    step = max(around.step_seconds - seconds, 0.0)
    if around.step_seconds and seconds < 0.05 * around.step_seconds:
        return Advice("none", "Batches come fast enough.", 0.0)
    if around.reads_ahead:
        words = "It waits for files, read ahead already: smaller ones are read faster."
        return Advice("none", words, 0.0)
    if around.in_memory:
        return _larger_batch(seconds / 4, "A larger batch is gathered at once.")
    if around.fits:
        words = "All rows fit into memory: as arrays they are there at once."
        return Advice("memory", words, GATHERED * seconds)
    # Fetched while the step before is computed, the shorter one costs nothing; where
    # no core is free, the step has one less meanwhile.
    hidden = seconds if around.spare_core else seconds / 2
    return Advice(
        "read ahead",
        "Read batches while the step computes: DataLoader(num_workers=1).",
        min(hidden, step),
    )


def _about_launching(seconds: float, cost: Cost, around: Circumstances) -> Advice:
    needed = max(cost.compute, cost.memory)
    if around.on_gpu:
        saved = (seconds - max(needed / REAL, cost.attainable)) / 2
        words = 'Launched as one piece (plan "graph") it waits for Python no more.'
        return Advice("capture", words, max(0.0, saved))
    # Twice the rows need the arithmetic twice and are launched once: half a saving
    # for each half of the rows.
    saved = (seconds - min(seconds, needed / REAL)) / 2
    return _larger_batch(saved, "A larger batch is launched as often for more rows.")


def _about_arithmetic(seconds: float, cost: Cost, around: Circumstances) -> Advice:
    ratio = around.bfloat16_gain
    if ratio >= WORTH and around.precision in _FULL:
        words = f"bfloat16 multiplies {ratio:.2g} times as fast here."
        return Advice("bfloat16", words, cost.compute * (1 - 1 / ratio))
    share = cost.attainable / seconds if seconds else 1.0
    if share >= NEAR:
        return Advice("none", "It runs near this machine's limit.", 0.0)
    words = "Sizes in multiples of 16, or a larger batch, may fill the machine better."
    return Advice("none", words, 0.0)


def _about_bytes(
    kind: str, seconds: float, cost: Cost, around: Circumstances
) -> Advice:
    if around.bfloat16_gain >= WORTH and around.precision in _FULL:
        words = "bfloat16 halves the bytes of what flows between layers."
        return Advice("bfloat16", words, HALVED * cost.memory)
    if kind in around.elementwise:
        words = "Inside the layer before (activation=...) it moves fewer bytes."
        return Advice("join", words, JOINED * cost.memory)
    share = cost.attainable / seconds if seconds else 1.0
    if share >= NEAR:
        return Advice("none", "It moves its bytes near this machine's limit.", 0.0)
    words = "It moves bytes more than it computes: fewer or smaller outputs help."
    return Advice("none", words, 0.0)
