"""Arithmetic: what a sample of a workload costs, and what a machine can do."""

import torch

from benchmarks.peers.mica_peer import make_model
from benchmarks.workloads import Workload
from mica import losses
from mica.engine import Ceilings, measure_ceilings, without_kernels
from mica.plan.counting import Counting

__all__ = ["best_ceilings", "flops_of_a_sample"]

SECONDS = 1.5  # of a measurement of ceilings


def flops_of_a_sample(workload: Workload) -> float:
    """Multiplications and additions of products and convolutions, there and back."""
    x, y = (torch.from_numpy(part[: workload.batch_size]) for part in workload.data())
    model, counted = make_model(workload.name, x.shape[1:]), []
    model(x[:2])
    with without_kernels(), Counting(lambda operation: counted.append(operation.flops)):
        output = model(x)
        if y.is_floating_point():
            loss = (output - y).square().mean()
        else:
            loss = losses.SparseCategoricalCrossentropy(from_logits=True)(output, y)
        loss.backward()
    return sum(counted) / len(x)


def best_ceilings(before: Ceilings | None = None) -> Ceilings:
    """What matrix products reach now; the better of this and what was seen before."""
    now = measure_ceilings("cpu", seconds=SECONDS)
    if before is None:
        return now
    return Ceilings(
        "cpu",
        max(now.float32_flops_per_second, before.float32_flops_per_second),
        max(now.bfloat16_flops_per_second, before.bfloat16_flops_per_second),
        max(now.copy_bytes_per_second, before.copy_bytes_per_second),
    )
