"""The order of the rows in an epoch: a function of (seed, epoch) and nothing else."""

import torch

__all__ = ["epoch_generator", "epoch_order"]

_WORD = (1 << 64) - 1  # 64-bit arithmetic wraps around


def _mix(seed: int, epoch: int) -> int:
    """Scatter (seed, epoch) over 63 bits, so that near pairs give far states."""
    state = (seed * 0x9E3779B97F4A7C15 + epoch + 1) & _WORD  # 2**64 / golden ratio
    # The two multipliers and three shifts of SplitMix64 (Steele et al. 2014, fig. 16).
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _WORD
    return (state ^ (state >> 31)) >> 1


def epoch_generator(seed: int, epoch: int) -> torch.Generator:
    """A random generator on the CPU whose state depends on (seed, epoch) alone.

    Args:
        seed: Any integer.
        epoch: Any integer; each epoch has a state of its own.

    Returns:
        A new generator; torch's global one is neither read nor changed.

    Example:
        >>> a, b = epoch_generator(0, 1), epoch_generator(0, 1)
        >>> torch.equal(torch.rand(3, generator=a), torch.rand(3, generator=b))
        True

    Source:
        Scattering: Steele, Lea & Flood 2014, "Fast splittable pseudorandom number
        generators", figure 16.
    """
    return torch.Generator().manual_seed(_mix(seed, epoch))


def epoch_order(count: int, seed: int, epoch: int) -> torch.Tensor:
    """A random order of `count` rows that depends on (seed, epoch) alone.

    Training can stop and go on anywhere: the order is computed again, not stored.

    Args:
        count: Number of rows.
        seed: Any integer.
        epoch: Any integer; each epoch has an order of its own.

    Shape:
        returns: (count,), int64, on the CPU

    Returns:
        Every row number from 0 to count - 1, once.

    Example:
        >>> sorted(epoch_order(4, seed=0, epoch=3).tolist())
        [0, 1, 2, 3]
        >>> torch.equal(epoch_order(100, 0, 3), epoch_order(100, 0, 3))
        True
    """
    return torch.randperm(count, generator=epoch_generator(seed, epoch))
