"""Remembered plans: what was found out once on this machine need not be timed again."""

import hashlib
import json
import os
import platform
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mica.data import Batch
from mica.engine import ExecutionPlan, cache_folder, inspect_hardware, mica_version
from mica.engine.kernels.recurrent import describe_kernels
from mica.engine.kernels.updates import has_update_kernels
from mica.engine.multiplication import processor_products
from mica.engine.precision import precision
from mica.errors import ConfigError, MicaError
from mica.layers import RNN
from mica.nested import flatten
from mica.plan.describing import described
from mica.training import atomic_file

__all__ = [
    "forget_plans",
    "key_of",
    "recall_batch_size",
    "recall_plan",
    "remember_plan",
]

FORMAT = 2  # of the files; another number is not read

_recalled: dict[str, dict[str, Any]] = {}


def key_of(
    model: nn.Module, batch: Batch, objective: Any, updater: Any, eager: ExecutionPlan
) -> str:
    """Name a situation: what is computed, on which machine, with which libraries.

    Layers, losses, metrics and the optimizer count with their settings, those of one's
    own with the code they are written in; the batch with its shapes; the precision
    that was asked for; the machine with the cores that are usable now.

    Args:
        model: The module in training.
        batch: One batch; its shapes and types count.
        objective: What is made small.
        updater: What changes the weights: an `Updater`, or a torch optimizer.
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
    situation = {
        "format": FORMAT,
        "modules": [(name, described(part)) for name, part in model.named_modules()],
        "graph": _wiring(model),
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
            (
                described(head.loss),
                head.weight,
                head.fold is None,
                described(head.all_metrics),
            )
            for head in getattr(objective, "heads", [])
        ],
        "optimizer": _update(updater),
        "eager": {
            field: str(value)
            for field, value in sorted(vars(eager).items())
            if field != "data"  # how batches come does not change a step
        },
        "asked": precision(),  # float32 by choice forbids what float32 by habit allows
        "machine": _machine(model, updater),
        "versions": [mica_version(), torch.__version__, platform.python_version()],
    }
    text = json.dumps(situation, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _wiring(model: nn.Module) -> Any:
    """Who calls whom, in a model made from a graph: a shared layer is called twice."""
    graph = getattr(model, "graph", None)
    config = getattr(model, "config", None)
    if graph is None or not callable(config):
        return None
    with suppress(ConfigError):  # a function of one's own has no words
        found = config()
        return found.get("graph") if isinstance(found, dict) else None
    return len(getattr(graph, "nodes", ()))


_RATES = {"params", "lr", "initial_lr", "capturable"}  # they change from step to step


def _update(updater: Any) -> list[Any]:
    """What an update does, but not by how much."""
    optimizer, spec = (
        getattr(updater, "optimizer", updater),
        getattr(updater, "spec", 0),
    )
    groups = [
        sorted(
            (key, bool(value) if isinstance(value, float) else described(value))
            for key, value in group.items()
            if key not in _RATES
        )
        for group in getattr(optimizer, "param_groups", [])
    ]
    names = ("clipnorm", "global_clipnorm", "clipvalue", "gradient_accumulation_steps")
    around = [described(getattr(spec, name, None)) for name in (*names, "averaging")]
    return [described(type(optimizer)), groups, around]


def _machine(model: nn.Module, updater: Any) -> dict[str, Any]:
    """What there is to compute with: its speed, not its memory."""
    hardware = inspect_hardware()
    optimizer = getattr(updater, "optimizer", updater)
    ours = type(optimizer).__module__.startswith("mica.")
    recurs = any(isinstance(part, RNN) for part in model.modules())
    return {
        "processor": hardware.processor,
        "cores": hardware.cores,
        "instructions": hardware.instruction_sets,
        "accelerators": [each.name for each in hardware.accelerators],
        "products": processor_products(),
        "system": platform.system(),
        "compilers": [_is_there(name) for name in ("g++", "clang++")],
        "kernels": [
            has_update_kernels() if ours else None,
            describe_kernels() if recurs else None,
        ],
    }


def _is_there(compiler: str) -> bool:
    """Whether a compiler is there, by which torch.compile makes a network faster."""
    return shutil.which(os.environ.get("CXX", compiler)) is not None


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
