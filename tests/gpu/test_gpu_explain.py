"""Explain on a GPU: time on the device, launches, and memory beside its own count."""

import numpy as np
import pytest
import torch

import mica
from mica.engine import eager_plan
from mica.plan import explain, measure_limits, predict_memory
from mica.plan.measuring import doing
from mica.plan.rehearsing import rehearse

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
FAR = 0.15  # how far predicted memory may be off, as a share of the measured peak


def network(width):
    model = mica.Sequential(
        mica.Input((256,)),
        mica.layers.Dense(width, activation="relu"),
        mica.layers.Dense(width, activation="relu"),
        mica.layers.Dense(10),
    )
    model.compile("adam", "mse")
    x = np.random.rand(4096, 256).astype("float32")
    return model, (x, np.random.rand(4096, 10).astype("float32"))


def test_a_gpu_has_ceilings():
    limits = measure_limits("cuda", seconds=0.5)
    assert limits.flops_per_second["bfloat16"] > limits.flops_per_second["float64"]
    assert limits.seconds_per_kernel < limits.seconds_per_operation < 1e-3


def test_a_small_step_is_bound_by_launching():
    model, data = network(16)
    found = explain(model, data, batch_size=32)
    assert next(row for row in found.rows if row.name == "dense").bound == "launch"
    assert abs(found.unexplained) < 0.5 * found.seconds


def test_memory_agrees_with_the_device_s_own_count():
    model, data = network(2048)
    need = predict_memory(model, data, batch_size=4096)
    plan = eager_plan()
    ready = rehearse(model, data, 4096, (None, "sgd"), plan)
    with doing(ready, plan) as (step, _):
        batch = next(iter(ready.source.batches(0, batch_size=4096, device=plan.device)))
        before = torch.cuda.memory_allocated()
        held = need.parameters + need.input_row * 4096
        step(batch)
        torch.cuda.reset_peak_memory_stats()
        step(batch)
        peak = torch.cuda.max_memory_allocated() - before + held
    assert abs(need.peak - peak) <= FAR * peak
