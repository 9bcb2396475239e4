"""Every layer's training step can be replayed, and comes out as torch has it."""

import pytest
import torch

from mica import Input, Model, layers
from mica.trace import is_verified, walk
from tests.contract.layer_cases import LAYERS

WALKED = [name for name, case in LAYERS.items() if not case.no_walk_because]


def as_model(layer, x):
    """A layer of several inputs as a model of them."""
    if not isinstance(x, list):
        return layer
    inputs = [Input(tuple(tensor.shape[1:]), dtype=tensor.dtype) for tensor in x]
    return Model(inputs, layer(inputs)).eval()


@pytest.mark.parametrize("name", WALKED)
def test_every_step_of_a_layer_has_a_rule_and_agrees_with_torch(name):
    layer, x = LAYERS[name].make(), LAYERS[name].batch()
    with torch.no_grad():
        y = torch.randn_like(layer.eval()(x).double())
    one = walk(as_model(layer, x), x, y, loss="mse")
    assert is_verified(one.verify()), str(one.verify())
    assert not one.unknown
    assert {step.phase for step in one.steps} >= {"compare"}


def test_the_place_of_a_step_is_the_layer_it_comes_from():
    network = torch.nn.Sequential(layers.Dense(2), layers.Activation("tanh"))
    places = {step.operation: step.place for step in walk(network, [[1.0, 2.0]]).steps}
    assert places == {
        "permute": "0 (Dense)",
        "addmm": "0 (Dense)",
        "tanh": "1 (Activation)",
    }
