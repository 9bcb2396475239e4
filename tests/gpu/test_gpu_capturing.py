"""A step launched as one piece on a GPU learns what its operations one by one do."""

import pytest
import torch

import mica
from mica.engine import ExecutionPlan
from tests.tolerances import assert_close

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


def trained(capture, optimizer):
    mica.set_seed(0)
    x = torch.randn(100, 8)
    model = mica.Sequential(
        mica.Input((8,)),
        mica.layers.Dense(16, activation="tanh"),
        mica.layers.BatchNormalization(),
        mica.layers.Dense(1),
    )
    model.compile(optimizer, "mse", metrics=["mae"])
    plan = ExecutionPlan(torch.device("cuda"), capture=capture)
    # The last batch is smaller: it is learned from one operation after the other.
    history = model.fit(
        x, x.sum(1, keepdim=True), batch_size=32, epochs=4, verbose=0, plan=plan
    )
    return model, history


@pytest.mark.untyped
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
@pytest.mark.parametrize("capture", ["graph", "compile", "compiled graph"])
def test_the_weights_are_those_of_the_eager_plan(capture, optimizer):
    model, history = trained(capture, optimizer)
    expected, eager = trained("eager", optimizer)
    for one, other in zip(model.parameters(), expected.parameters(), strict=True):
        assert_close(one, other, "trajectory")
    for name, values in eager.history.items():
        assert_close(history.history[name], values, "trajectory")
