"""Building: a module placed, and called once so that all its weights exist."""

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from mica.data import Batch
from mica.data.batch import to_device
from mica.engine import ExecutionPlan, prepare_module
from mica.layers import Layer, probing
from mica.training.calling import call, evaluation_mode

__all__ = ["build_module", "place_batch"]


def place_batch(batch: Batch, plan: ExecutionPlan) -> Batch:
    """The batch on the device of a plan."""
    parts = [to_device(part, plan.device) for part in batch[:3]]
    return Batch(parts[0], parts[1], parts[2], batch.size)


def _must_be_called(model: nn.Module, has_own_step: bool) -> bool:
    """Whether weights or their shapes are still to be made by a first call."""
    unbuilt = [
        part for part in model.modules() if isinstance(part, Layer) and not part.built
    ]
    if has_own_step:  # it may never call the whole model, only parts of it
        unbuilt = [part for part in unbuilt if type(part).build is not Layer.build]
    tensors = (*model.parameters(), *model.buffers())
    return bool(unbuilt) or any(is_lazy(tensor) for tensor in tensors)


def build_module(
    model: nn.Module, batch: Batch, plan: ExecutionPlan, *, has_own_step: bool
) -> None:
    """Place a module, and call it once where weights are still to be made.

    Args:
        model: Any torch module.
        batch: A few samples.
        plan: Where the module goes.
        has_own_step: Whether its step is one of its own.
    """
    check_rows = getattr(model, "check_rows", None)
    if check_rows is not None:
        check_rows(batch.x)
    prepare_module(model, plan)
    if not _must_be_called(model, has_own_step):
        return
    with evaluation_mode(model), torch.no_grad(), probing():
        call(model, place_batch(batch, plan).x)
    prepare_module(model, plan)
