"""Which steps a compiler is tried on in a search for a plan."""

import pytest
import torch

import mica
from mica import layers
from mica.data import Batch
from mica.plan import compilable
from mica.plan.compilable import is_soon_compiled
from mica.training import Objective, Session


class Loop(mica.Model):
    """A loop over time in Python."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(4)

    def forward(self, x):
        state = torch.zeros(len(x), 4)
        for step in range(x.shape[1]):
            state = torch.tanh(self.dense(x[:, step]) + state)
        return state.mean(dim=(1,))


def a_run(*parts, shape=(5, 4)):
    x, y = torch.ones(2, *shape), torch.ones(2, 1)
    model = parts[0] if isinstance(parts[0], mica.Model) else mica.Sequential(*parts)
    session = Session(model, Objective("mse"), "sgd")
    model(x)
    session.objective.bind(model, x, y)
    return session, [Batch(x, y, None, 2)]


@pytest.mark.parametrize(
    "recurrent",
    [
        layers.LSTM(3),
        layers.GRU(3),
        layers.Bidirectional(layers.SimpleRNN(3)),
        layers.RNN(layers.LSTMCell(3)),
    ],
    ids=["LSTM", "GRU", "both directions", "a cell"],
)
def test_recurrent_layers_are_not_compiled(recurrent):
    assert not is_soon_compiled(*a_run(recurrent, layers.Dense(1)))


def test_a_network_without_loops_is_compiled():
    flat = layers.GlobalAveragePooling1D()
    assert is_soon_compiled(*a_run(layers.Dense(8), flat, layers.Dense(1)))


def test_a_long_loop_is_not_compiled_and_a_short_one_is():
    assert not is_soon_compiled(*a_run(Loop(), shape=(900, 4)))
    assert is_soon_compiled(*a_run(Loop(), shape=(9, 4)))


def test_the_bound_is_on_operations(monkeypatch):
    run = a_run(layers.Dense(8), layers.GlobalAveragePooling1D(), layers.Dense(1))
    monkeypatch.setattr(compilable, "MOST_OPERATIONS", 2)
    assert not is_soon_compiled(*run)


def test_batches_of_changing_lengths_are_not_compiled():
    session, (batch,) = a_run(layers.GlobalAveragePooling1D(), layers.Dense(1))
    shorter = Batch(batch.x[:, :3], batch.y, None, 2)
    assert not is_soon_compiled(session, [batch, shorter])
    assert is_soon_compiled(session, [batch, batch])
