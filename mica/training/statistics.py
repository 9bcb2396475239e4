"""Statistics: running means and variances found anew, for averaged weights."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mica.layers import BatchNormalization
from mica.training.calling import call, evaluation_mode, training_mode

__all__ = ["estimate_statistics", "running_statistics"]

TORCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
Norm = Any  # a layer of Mica or torch that has running_mean, running_var, momentum


def _norms(module: nn.Module) -> list[Norm]:
    kinds = (BatchNormalization, *TORCH_NORMS)
    parts = [part for part in module.modules() if isinstance(part, kinds)]
    return [part for part in parts if getattr(part, "running_mean", None) is not None]


def running_statistics(module: nn.Module) -> list[Tensor]:
    """List the running means and variances inside a module.

    Args:
        module: Any torch module.

    Returns:
        The tensors, two for each batch normalization.

    Example:
        >>> len(running_statistics(nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 1))))
        2
    """
    return [
        statistic
        for part in _norms(module)
        for statistic in (part.running_mean, part.running_var)
    ]


@contextmanager
def _gathering(module: nn.Module) -> Iterator[list[Norm]]:
    """Let only those batch normalizations learn that training would let learn."""
    modes = {part: part.training for part in module.modules()}
    training_mode(module)
    norms = [part for part in _norms(module) if part.training]
    kept = [(part, part.momentum) for part in norms]
    counts = [
        (count, count.clone())
        for part in norms
        if (count := getattr(part, "num_batches_tracked", None)) is not None
    ]
    module.eval()
    for part in norms:
        part.train()
    try:
        yield norms
    finally:
        for part, momentum in kept:
            part.momentum = momentum
        for count, value in counts:
            count.copy_(value)
        for part, mode in modes.items():
            part.training = mode


@torch.no_grad()
def estimate_statistics(module: nn.Module, batches: Iterable[Any]) -> None:
    """Set running means and variances to the means over some batches.

    running = sum over batches of rows * (mean or variance of the batch) / sum of rows

    Frozen layers keep theirs; dropout is off.

    Args:
        module: Any built torch module.
        batches: `mica.data.Batch`es; targets are not looked at.

    Example:
        >>> from mica.data import Batch
        >>> norm = nn.BatchNorm1d(1)
        >>> rows = torch.tensor([[1.0], [3.0]])
        >>> estimate_statistics(norm, [Batch(rows, None, None, 2)])
        >>> norm.running_mean
        tensor([2.])

    Source:
        Izmailov et al. 2018, Averaging Weights Leads to Wider Optima, section 3.2.
    """
    with evaluation_mode(module), _gathering(module) as norms:
        if not norms:
            return
        rows = 0
        for batch in batches:
            rows += batch.size
            share = batch.size / rows
            for part in norms:
                kept = isinstance(part, BatchNormalization)
                part.momentum = 1.0 - share if kept else share
            call(module, batch.x)
