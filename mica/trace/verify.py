"""Verify: does a saved model compute what its formulas say?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mica.engine import fork_generator
from mica.errors import ConfigError
from mica.model import load_model
from mica.nested import flatten
from mica.report import Finding, Report
from mica.trace.walking import walk
from mica.training.calling import call, evaluation_mode

__all__ = ["is_verified", "verify_model"]

ROWS = 2  # in the random batch
VARYING = 8  # steps where an axis may vary


def _mean_product(prediction: Tensor, target: Tensor) -> Tensor:
    """Every output counts, each with a random weight of its own."""
    return (prediction * target).mean()


def _random(shape: Any, dtype: torch.dtype, generator: torch.Generator) -> Tensor:
    sizes = [ROWS, *(VARYING if n is None else n for n in shape[1:])]
    if dtype.is_floating_point:
        return torch.randn(sizes, generator=generator, dtype=torch.float64)
    return torch.randint(0, 2, sizes, generator=generator, dtype=dtype)


def _inputs(model: Any, generator: torch.Generator) -> Any:
    """Random inputs of the kind the model was first called with."""
    if model.graph is not None:
        return tuple(
            _random(tensor.shape, tensor.dtype, generator)
            for tensor in model.graph.inputs
        )
    if model.signature is None:
        raise ConfigError(
            "verify: expected a model that knows its inputs, got one that never saw "
            "any. Call it once before it is saved."
        )
    args, _ = model.signature
    return tuple(_random(spec.shape, spec.dtype, generator) for spec in flatten(args))


def _as_called(leaf: Tensor, model: nn.Module) -> Tensor:
    weights = [w for w in model.parameters() if w.is_floating_point()]
    dtype = weights[0].dtype if weights else torch.get_default_dtype()
    return leaf.to(dtype) if leaf.is_floating_point() else leaf


def verify_model(path: str | Path, *, seed: int = 0) -> Report:
    """Compare a saved model's numbers with the reference engine's, on random input.

    Args:
        path: A .mica file.
        seed: Decides the input and the weight each output has in the loss.

    Returns:
        What `walk(...).verify()` gives; its first part says whether they agree.

    Raises:
        CheckpointError: No file, a damaged one, or one not written by Mica.
        ConfigError: A model that does not know its inputs, or cannot be exported.

    Example:
        >>> import tempfile
        >>> import mica
        >>> model = mica.Sequential(mica.Input((4,)), mica.layers.Dense(3))
        >>> path = model.save(tempfile.mkdtemp() + "/small.mica")
        >>> is_verified(verify_model(path))
        True
    """
    model = load_model(path)
    generator = fork_generator(seed, "verify")
    x = _inputs(model, generator)
    with evaluation_mode(model), torch.no_grad():
        outputs = flatten(call(model, tuple(_as_called(leaf, model) for leaf in x)))
    targets = [
        torch.randn(leaf.shape, generator=generator, dtype=torch.float64)
        for leaf in outputs
    ]
    y = targets[0] if len(targets) == 1 else tuple(targets)
    return walk(model, x, y, loss=_mean_product, training=False).verify()


def is_verified(report: Report) -> bool:
    """Whether a report of `walk.verify()` or `verify_model` finds no difference.

    Args:
        report: What one of them gave.

    Example:
        >>> is_verified(walk(nn.ReLU(), [[1.0, -1.0]]).verify())
        True
    """
    return isinstance(report.parts[0], Finding) and report.parts[0].severity == "good"
