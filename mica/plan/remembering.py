"""Remembered plans: what was found out once on this machine need not be timed again."""

import hashlib
import json
import platform
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mica.data import Batch
from mica.engine import ExecutionPlan, cache_folder, inspect_hardware, mica_version
from mica.errors import ConfigError, MicaError
from mica.nested import flatten
from mica.registry import Configurable
from mica.training import atomic_file

__all__ = [
    "forget_plans",
    "key_of",
    "recall_batch_size",
    "recall_plan",
    "remember_plan",
]

FORMAT = 1  # of the files; another number is not read

_recalled: dict[str, dict[str, Any]] = {}


def key_of(
    model: nn.Module, batch: Batch, objective: Any, optimizer: Any, eager: ExecutionPlan
) -> str:
    """Name a situation: what is computed, on which machine, with which libraries.

    Args:
        model: The module in training.
        batch: One batch; its shapes and types count.
        objective: What is made small.
        optimizer: The torch optimizer.
        eager: The plan that others are compared with.

    Returns:
        A short text that changes when anything of this does.

    Example:
        >>> from mica.engine import eager_plan
        >>> one, two = (
        ...     key_of(nn.Linear(1, size), Batch(None, None, None, 1), None, None,
        ...            eager_plan("cpu"))
        ...     for size in (1, 2)
        ... )
        >>> one == two
        False
    """
    tensors = [*model.named_parameters(), *model.named_buffers()]
    groups = getattr(optimizer, "param_groups", [])
    situation = {
        "format": FORMAT,
        "modules": [(name, _described(part)) for name, part in model.named_modules()],
        "weights": [
            (name, tuple(tensor.shape), str(tensor.dtype), tensor.requires_grad)
            for name, tensor in tensors
        ],
        "batch": [
            (tuple(leaf.shape), str(leaf.dtype))
            for leaf in flatten(tuple(batch[:3]))
            if isinstance(leaf, torch.Tensor)
        ],
        "losses": [
            (_described(head.loss), head.weight)
            for head in getattr(objective, "heads", [])
        ],
        "optimizer": [
            type(optimizer).__qualname__,
            [sorted(key for key in group if key != "params") for group in groups],
        ],
        "eager": _plain(eager),
        "machine": _plain(inspect_hardware()),
        "versions": [mica_version(), torch.__version__, platform.python_version()],
    }
    text = json.dumps(situation, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _described(part: object) -> str:
    """What a layer or loss is and how it is set, in words."""
    settings: Any = ""
    with suppress(ConfigError):  # a function of one's own has no words
        if isinstance(part, Configurable):
            settings = part.config()
        elif isinstance(part, nn.Module):
            settings = part.extra_repr()
    return f"{type(part).__qualname__} {settings}"


def _plain(record: Any) -> dict[str, Any]:
    return {name: str(value) for name, value in asdict(record).items()}


def recall_plan(key: str, eager: ExecutionPlan) -> tuple[ExecutionPlan, float] | None:
    """Look for a plan that was adopted before in the same situation.

    Args:
        key: From `key_of`.
        eager: The plan that others are compared with.

    Returns:
        (plan, seconds for a step), or None: nothing is remembered, or the file is
        damaged or written by another version.

    Example:
        >>> from mica.engine import eager_plan
        >>> print(recall_plan("no such key", eager_plan("cpu")))
        None
    """
    entry = _entry(key)
    try:
        if entry is None or entry["format"] != FORMAT:
            return None
        plan = replace(
            eager,
            precision=entry["precision"],
            capture=entry["capture"],
            threads=entry["threads"],
        )
        return plan, float(entry["seconds"])
    except (KeyError, TypeError, ValueError, MicaError):
        return None


def recall_batch_size(key: str) -> int | None:
    """Look for the rows of a batch that belong to a remembered plan.

    Args:
        key: Of a plan that `recall_plan` has found.

    Returns:
        The rows, or None: none were remembered with it.

    Example:
        >>> print(recall_batch_size("no such key"))
        None
    """
    entry = _entry(key)
    size = entry.get("batch_size") if isinstance(entry, dict) else None
    return size if type(size) is int and size > 0 else None


def _entry(key: str) -> Any:
    entry = _recalled.get(key)
    if entry is None:
        with suppress(OSError, ValueError):
            entry = json.loads(_file(key).read_text(encoding="utf-8"))
    return entry


def remember_plan(
    key: str, plan: ExecutionPlan, seconds: float, *, batch_size: int | None = None
) -> None:
    """Keep a plan for the next time; a disk that cannot be written is no matter.

    Args:
        key: From `key_of`.
        plan: What was adopted.
        seconds: For a step.
        batch_size: Rows in a batch, where the plan decides them.

    Example:
        >>> from mica.engine import eager_plan
        >>> remember_plan("example", eager_plan("cpu"), 0.5)
        >>> recall_plan("example", eager_plan("cpu"))[1]
        0.5
        >>> forget_plans()
    """
    entry = {
        "format": FORMAT,
        "precision": plan.precision,
        "capture": plan.capture,
        "threads": plan.threads,
        "seconds": seconds,
    }
    if batch_size is not None:
        entry["batch_size"] = batch_size
    _recalled[key] = entry
    with suppress(OSError), atomic_file(_file(key), where="plan") as file:
        file.write(json.dumps(entry).encode())


def forget_plans() -> None:
    """Forget every remembered plan, here and on the disk.

    Example:
        >>> forget_plans()
    """
    _recalled.clear()
    with suppress(OSError):
        for path in cache_folder("plans").glob("*.json"):
            path.unlink()


def _file(key: str) -> Path:
    return cache_folder("plans") / f"{key}.json"
