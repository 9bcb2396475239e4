"""TF32 on a GPU: products are rounded forward and backward, in the plan alone."""

import pytest
import torch
from torch import nn

from mica.data import Batch
from mica.engine import ExecutionPlan, eager_plan, execution_scope
from mica.engine.multiplication import multiplies_tf32
from mica.plan import find_candidates
from mica.plan.proof import bounds_of, compare, look
from mica.training import Objective, TrainStep
from mica.training.updating import Updater

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not torch.cuda.is_available() or not multiplies_tf32(torch.device("cuda")),
        reason="needs a CUDA device of compute capability 8.0 or more",
    ),
]


def products(x, kernel):
    """A matrix product, a convolution, and the gradients of both."""
    x = x.detach().requires_grad_()
    product = x.flatten(1) @ x.flatten(1).T
    convolved = nn.functional.conv2d(x, kernel)
    (gradient,) = torch.autograd.grad(product.sum() + convolved.sum(), x)
    return product.detach(), convolved.detach(), gradient


@pytest.mark.parametrize(
    ("precision", "low", "high"), [("float32", 0.0, 1e-5), ("tf32", 1e-5, 1e-2)]
)
def test_products_are_as_exact_as_the_plan_says(precision, low, high):
    torch.manual_seed(0)
    x = torch.randn(16, 32, 32, 32, device="cuda")
    kernel = torch.randn(32, 32, 3, 3, device="cuda")
    exact = products(x.double(), kernel.double())
    with execution_scope(ExecutionPlan("cuda", precision)):
        given = products(x, kernel)
    for one, other in zip(given, exact, strict=True):
        off = float((one.double() - other).norm() / other.norm())
        assert low <= off < high


def test_it_is_tried_beside_float32_and_bfloat16():
    names = {plan.precision for plan in find_candidates(eager_plan("cuda"))}
    assert names == {"float32", "tf32", "bfloat16"}


@pytest.mark.parametrize("capture", ["eager", "compile"])
def test_a_step_keeps_to_the_bounds(capture):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 30 * 30, 10)
    ).cuda()
    objective = Objective("sparse_categorical_crossentropy")
    x = torch.randn(64, 3, 32, 32, device="cuda")
    y = torch.randint(10, (64,), device="cuda")
    objective.bind(model, x, y)
    updater = Updater("sgd", list(model.parameters()))
    found = []
    for precision in ("float32", "tf32"):
        plan = ExecutionPlan("cuda", precision, capture=capture)
        with execution_scope(plan):
            step = TrainStep(model, objective, updater, plan)
            found.append(look(step, Batch(x, y, None, 64)))
    assert compare(found[1], found[0], bounds_of("tf32")) is None
