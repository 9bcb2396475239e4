"""Randomness: seeds, independent streams, and the way back to an earlier state."""

import hashlib
import json
import os
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from mica.errors import ConfigError

__all__ = [
    "deterministic_scope",
    "draw_seed",
    "fork_generator",
    "random_state",
    "restore_random_state",
    "set_deterministic",
    "set_seed",
]

SEEDS = 2**63  # torch.Generator and torch.randint take signed 64-bit numbers
NUMPY_SEEDS = 2**32  # numpy.random.seed takes unsigned 32-bit numbers
# Two buffers of 4,096 KiB each: one of the two settings cuBLAS computes repeatably
# with (NVIDIA, cuBLAS documentation, "Results reproducibility").
CUBLAS_WORKSPACE = ":4096:8"

_cublas_before: list[str | None] = []


def _check_seed(where: str, seed: int) -> None:
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < SEEDS:
        raise ConfigError(
            f"{where}: expected a seed from 0 to 2**63 - 1, got {seed!r}. "
            "Any whole number in that range does."
        )


def set_seed(seed: int, *, deterministic: bool = False) -> None:
    """Seed every generator that training draws from: torch, NumPy and Python.

    Same seed, same machine, same plan: the same bits. On a GPU some kernels add in an
    order that varies; `deterministic=True` chooses others, which can be slower.

    Args:
        seed: 0 to 2**63 - 1. NumPy's global generator takes the lower 32 bits.
        deterministic: Whether to call `set_deterministic(True)` too. `False` leaves
            that setting alone.

    Raises:
        ConfigError: `seed` is not a whole number in that range.

    Example:
        >>> set_seed(7)
        >>> first = torch.rand(3)
        >>> set_seed(7)
        >>> torch.equal(first, torch.rand(3))
        True
    """
    _check_seed("set_seed", seed)
    random.seed(seed)
    np.random.seed(seed % NUMPY_SEEDS)
    torch.manual_seed(seed)
    if deterministic:
        set_deterministic(True)


def set_deterministic(wanted: bool) -> None:
    """Choose kernels that give the same bits every time, or any kernels again.

    On: torch uses deterministic algorithms only (an operation that has none raises
    torch's own error), cuDNN does not try out algorithms, and cuBLAS gets a fixed
    workspace (`CUBLAS_WORKSPACE_CONFIG`, read when a process first uses cuBLAS: call
    this before anything runs on a GPU). Off: all of this as torch starts with it.

    Args:
        wanted: On or off.

    Example:
        >>> set_deterministic(True)
        >>> torch.are_deterministic_algorithms_enabled()
        True
        >>> set_deterministic(False)
        >>> torch.are_deterministic_algorithms_enabled()
        False
    """
    if wanted and not _cublas_before:
        _cublas_before.append(os.environ.get("CUBLAS_WORKSPACE_CONFIG"))
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", CUBLAS_WORKSPACE)
    elif not wanted and _cublas_before and _cublas_before.pop() is None:
        os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)
    torch.use_deterministic_algorithms(wanted)
    torch.backends.cudnn.deterministic = wanted
    if wanted:
        torch.backends.cudnn.benchmark = False


@contextmanager
def deterministic_scope() -> Iterator[None]:
    """Compute deterministically in a `with` block, then as before.

    Yields:
        Nothing.

    Example:
        >>> with deterministic_scope():
        ...     torch.are_deterministic_algorithms_enabled()
        True
        >>> torch.are_deterministic_algorithms_enabled()
        False
    """
    before = torch.are_deterministic_algorithms_enabled()
    benchmark = torch.backends.cudnn.benchmark
    set_deterministic(True)
    try:
        yield
    finally:
        set_deterministic(before)
        torch.backends.cudnn.benchmark = benchmark


def draw_seed() -> int:
    """Draw a seed from torch's global generator: the root of a run's own streams.

    Returns:
        0 to 2**63 - 2; repeatable after `set_seed`.

    Example:
        >>> set_seed(1)
        >>> first = draw_seed()
        >>> set_seed(1)
        >>> draw_seed() == first
        True
    """
    return int(torch.randint(SEEDS - 1, (), dtype=torch.int64, device="cpu"))


def fork_generator(
    seed: int, *stream: int | str, device: str | torch.device = "cpu"
) -> torch.Generator:
    """Make a generator for one purpose, as good as independent of all others.

    generator seed = first 63 bits of SHA-256(JSON [seed, *stream])

    A stream is named by what it is for, so that adding one changes no other:
    `fork_generator(seed, "shuffle", epoch)`. torch's generator on the processor uses
    32 bits of a seed: of 10,000 streams, two are the same with probability 0.012.

    Args:
        seed: The run's seed.
        stream: Words and whole numbers that name the purpose.
        device: Where the generator draws.

    Returns:
        A new generator; torch's global one is untouched.

    Raises:
        ConfigError: `seed` is out of range, or a part of `stream` is neither a word
            nor a whole number.

    Example:
        >>> first, second = fork_generator(0, "shuffle", 1), fork_generator(0, "noise")
        >>> torch.rand(2, generator=first).equal(torch.rand(2, generator=second))
        False
    """
    _check_seed("fork_generator", seed)
    for part in stream:
        if isinstance(part, bool) or not isinstance(part, (int, str)):
            raise ConfigError(
                f"fork_generator: expected words and whole numbers to name a stream, "
                f"got {part!r}. Write it as a string."
            )
    text = json.dumps([seed, *stream])
    digest = hashlib.sha256(text.encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def random_state() -> dict[str, Tensor]:
    """Take the state of torch's global generators, on the processor and every GPU.

    Returns:
        Byte tensors under `cpu`, `cuda:0`, ...: ready for a checkpoint.

    Example:
        >>> state = random_state()
        >>> first = torch.rand(3)
        >>> restore_random_state(state)
        ()
        >>> torch.equal(first, torch.rand(3))
        True
    """
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        for index, tensor in enumerate(torch.cuda.get_rng_state_all()):
            state[f"cuda:{index}"] = tensor
    return state


def restore_random_state(state: Mapping[str, Tensor]) -> tuple[str, ...]:
    """Put torch's global generators back to a state that `random_state` gave.

    Args:
        state: Byte tensors by device.

    Returns:
        The devices of `state` that this machine lacks: their generators were not
        restored. Empty when all were.

    Raises:
        ConfigError: `state` holds no processor state.

    Example:
        >>> restore_random_state(random_state())
        ()
    """
    if "cpu" not in state:
        raise ConfigError(
            f"restore_random_state: expected the state of 'cpu', got {sorted(state)}. "
            "Pass what random_state() returned."
        )
    torch.set_rng_state(state["cpu"].cpu())
    absent = []
    for name, tensor in state.items():
        if name == "cpu":
            continue
        if torch.device(name).index < torch.cuda.device_count():
            torch.cuda.set_rng_state(tensor.cpu(), name)
        else:
            absent.append(name)
    return tuple(absent)
