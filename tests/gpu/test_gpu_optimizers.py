"""Optimizers on a GPU end where they end on the processor, and never wait."""

import copy
from typing import Any

import numpy as np
import pytest
import torch

import mica.optimizers
from mica.optimizers import describe_optimizer
from tests.tolerances import assert_close

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

SHAPES = [(3, 4), (5,), (2, 3, 2, 2)]
CASES: list[tuple[str, dict[str, Any], str]] = [
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.1}, "fused"),
    ("RMSprop", {"learning_rate": 0.01, "momentum": 0.5}, "foreach"),
    ("Adagrad", {"learning_rate": 0.1, "weight_decay": 0.1}, ""),
    ("Adadelta", {"learning_rate": 1.0, "epsilon": 0.01}, "foreach"),
    ("Adam", {"learning_rate": 0.01, "amsgrad": True}, "fused"),
    ("AdamW", {"learning_rate": 0.01}, "fused"),
    ("Nadam", {"learning_rate": 0.01}, "foreach"),
]
IDS = [name for name, *_ in CASES]
CLIPS = ["clipnorm", "global_clipnorm", "clipvalue"]


def train(name: str, options: dict[str, Any], device: str, dtype: torch.dtype) -> list:
    generator = np.random.default_rng(0)

    def draw() -> list[torch.Tensor]:
        return [
            torch.tensor(generator.standard_normal(shape), dtype=dtype, device=device)
            for shape in SHAPES
        ]

    spec = getattr(mica.optimizers, name)(**options)
    parameters = [torch.nn.Parameter(weight) for weight in draw()]
    optimizer = spec.build(parameters)
    for _ in range(10):
        for parameter, gradient in zip(parameters, draw(), strict=True):
            parameter.grad = gradient
        spec.clip_gradients(parameters)
        optimizer.step()
    return [parameter.detach() for parameter in parameters]


@pytest.mark.parametrize(("name", "options", "implementation"), CASES, ids=IDS)
def test_the_fused_update_is_used_where_torch_has_one(name, options, implementation):
    parameter = torch.nn.Parameter(torch.ones(2, device="cuda"))
    spec = getattr(mica.optimizers, name)(**options)
    assert describe_optimizer(spec.build([parameter])).startswith(implementation)


@pytest.mark.parametrize(("name", "options", "_"), CASES, ids=IDS)
def test_ten_steps_end_where_the_processor_s_do(name, options, _):
    there = train(name, options, "cuda", torch.float64)
    here = train(name, options, "cpu", torch.float64)
    for one, other in zip(there, here, strict=True):
        assert_close(one, other, "trajectory")


@pytest.mark.parametrize("clip", CLIPS)
def test_clipped_steps_end_where_the_processor_s_do(clip):
    options = {"learning_rate": 0.1, clip: 0.5}
    there = train("SGD", options, "cuda", torch.float64)
    here = train("SGD", options, "cpu", torch.float64)
    for one, other in zip(there, here, strict=True):
        assert_close(one, other)


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize(("name", "options", "_"), CASES, ids=IDS)
def test_a_step_never_waits_for_the_device(name, options, _, clip):
    spec = getattr(mica.optimizers, name)(**options, **{clip: 0.5})
    parameters = [torch.nn.Parameter(torch.ones(s, device="cuda")) for s in SHAPES]
    optimizer = spec.build(parameters)
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    torch.cuda.set_sync_debug_mode("error")
    try:
        spec.clip_gradients(parameters)
        optimizer.step()
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize(("name", "options", "_"), CASES, ids=IDS)
def test_a_gradient_in_another_layout_reaches_the_right_weights(name, options, _):
    spec, weights = getattr(mica.optimizers, name)(**options), []
    for order in (torch.contiguous_format, torch.channels_last):
        weight = torch.ones(4, 3, 3, 3, device="cuda").contiguous(memory_format=order)
        weights.append(torch.nn.Parameter(weight))
        weights[-1].grad = torch.arange(108.0, device="cuda").reshape(4, 3, 3, 3)
        spec.build([weights[-1]]).step()
    assert_close(weights[0], weights[1], "reordered")


@pytest.mark.parametrize(("name", "options", "_"), CASES, ids=IDS)
def test_resuming_from_the_state_is_the_same_to_the_bit(name, options, _):
    spec = getattr(mica.optimizers, name)(**options)
    weight = torch.nn.Parameter(torch.ones(1000, device="cuda"))
    optimizer = spec.build([weight])

    def take(optimizer: torch.optim.Optimizer, weight: torch.Tensor) -> None:
        for step in range(3):
            weight.grad = torch.linspace(-1, step, 1000, device="cuda")
            optimizer.step()

    take(optimizer, weight)
    resumed = torch.nn.Parameter(weight.detach().clone())
    again = spec.build([resumed])
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    take(optimizer, weight)
    take(again, resumed)
    assert torch.equal(weight, resumed)
