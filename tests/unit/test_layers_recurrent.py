"""Recurrent layers: states, masks, wrappers, and what they say to bad input."""

import re

import pytest
import torch

from mica import Sequential, layers
from mica.errors import ConfigError, DataError, ShapeError
from mica.nested import flatten
from tests.tolerances import assert_close

KINDS = [layers.SimpleRNN, layers.LSTM, layers.GRU]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


class Doubling(layers.Layer):
    """A cell of one's own: it keeps half of what it had."""

    state_size = 2

    def forward(self, x, states):
        state = 0.5 * states[0] + x
        return 2 * state, [state]


@every_kind
def test_the_library_and_the_loop_give_the_same(kind):
    layer = kind(4, return_sequences=True, return_state=True)
    x = torch.randn(3, 6, 5, dtype=torch.float64)
    fast = layer(x)
    slow = layer._loop(x, layer._first_states(x, None), None)
    assert_close(fast[0], slow[0])
    assert_close(fast[1], slow[2][0])


@every_kind
@pytest.mark.parametrize("side", ["behind", "in front"])
@pytest.mark.parametrize("returned", ["last", "steps", "state"])
def test_padded_steps_change_nothing(kind, side, returned):
    layer = kind(
        4, return_sequences=returned == "steps", return_state=returned == "state"
    )
    x = torch.randn(2, 5, 3, dtype=torch.float64)
    junk = 100 * torch.randn(2, 3, 3, dtype=torch.float64)
    real, padding = torch.ones(2, 5, dtype=torch.bool), torch.zeros(2, 3).bool()
    behind = side == "behind"
    padded = torch.cat([x, junk] if behind else [junk, x], 1)
    mask = torch.cat([real, padding] if behind else [padding, real], 1)
    plain, masked = layer(x), layer(padded, mask=mask)
    if returned == "steps":
        masked = masked[:, :5] if behind else masked[:, 3:]
    for one, other in zip(flatten(plain), flatten(masked), strict=True):
        assert_close(one, other)


def test_a_sequence_without_a_real_step_gives_the_state_it_began_with():
    layer = layers.GRU(3, return_state=True)
    begin = torch.randn(2, 3)
    mask = torch.tensor([[False, False], [True, False]])
    output, state = layer(torch.randn(2, 2, 4), initial_state=[begin], mask=mask)
    assert torch.equal(state[0], begin[0])
    assert torch.equal(output[0], torch.zeros(3))


def test_a_cell_of_ones_own_runs_over_a_sequence():
    y = layers.RNN(Doubling(), return_sequences=True)(torch.ones(1, 3, 2))
    assert_close(y[0, :, 0], torch.tensor([2.0, 3.0, 3.5]))


def test_the_state_handed_over_goes_on_where_the_sequence_was_cut():
    layer = layers.LSTM(3, return_state=True)
    x = torch.randn(2, 7, 4, dtype=torch.float64)
    whole = layer(x)
    _, *states = layer(x[:, :4])
    for one, other in zip(whole, layer(x[:, 4:], initial_state=states), strict=True):
        assert_close(one, other)


def test_stateful_batches_go_on_where_the_last_one_ended():
    plain, stateful = layers.GRU(3), layers.GRU(3, stateful=True)
    x = torch.randn(2, 6, 4, dtype=torch.float64)
    stateful.ensure_built(x)
    plain.ensure_built(x)
    stateful.load_state_dict(plain.state_dict())
    stateful(x[:, :2])
    assert_close(stateful(x[:, 2:]), plain(x))
    stateful.reset_state()
    assert_close(stateful(x), plain(x))


def test_a_stateful_model_trains_and_its_first_look_leaves_no_state():
    model = Sequential(layers.LSTM(3, stateful=True), layers.Dense(1))
    model.compile("sgd", "mse")
    x, y = torch.randn(8, 5, 2), torch.randn(8, 1)
    model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    assert model.layers[0]._states[0].shape == (4, 3)


def test_dropout_drops_the_same_inputs_at_all_steps():
    layer = layers.SimpleRNN(1, dropout=0.5, use_bias=False, activation=None, seed=3)
    x = torch.ones(1, 4, 8)
    layer.ensure_built(x)
    with torch.no_grad():
        layer.cell.recurrent_weight.zero_()
    layer.train().return_sequences = True
    y = layer(x)
    assert torch.equal(y, y[:, :1].expand_as(y))


def test_a_seed_decides_the_dropout():
    x = torch.randn(2, 4, 3)
    one, other = (
        layers.LSTM(3, dropout=0.5, recurrent_dropout=0.5, seed=1) for _ in range(2)
    )
    one.ensure_built(x)
    other.ensure_built(x)
    other.load_state_dict(one.state_dict())
    assert torch.equal(one.train()(x), other.train()(x))


def test_stacked_cells_begin_as_they_do_alone():
    layer = layers.RNN([layers.LSTMCell(8), layers.GRUCell(4)])
    layer(torch.zeros(1, 2, 3))
    first, second = layer.cell.cells
    assert torch.equal(first.bias, torch.tensor([0.0] * 8 + [1.0] * 8 + [0.0] * 16))
    assert first.weight.abs().max() <= (6 / (3 + 32)) ** 0.5
    # Orthogonal columns of length 1.
    gram = second.recurrent_weight.T @ second.recurrent_weight
    assert_close(gram.double(), torch.eye(4).double(), "rounded once")


@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave"])
def test_a_network_read_in_both_directions_is_two_networks(mode):
    layer = layers.Bidirectional(layers.GRU(3), merge_mode=mode)
    x = torch.randn(2, 5, 4, dtype=torch.float64)
    y = layer(x)
    one, other = layer.forward_layer(x), layer.backward_layer(x)
    expected = {
        "concat": torch.cat([one, other], -1),
        "sum": one + other,
        "mul": one * other,
        "ave": (one + other) / 2,
    }
    assert torch.equal(y, expected[mode])


def test_bidirectional_takes_the_states_of_both_ways():
    layer = layers.Bidirectional(layers.LSTM(3, return_state=True))
    states = [torch.randn(2, 3) for _ in range(4)]
    y = layer(torch.randn(2, 5, 4), initial_state=states)
    assert len(y) == 5


def test_masks_of_parts_of_steps_reach_the_layer_inside():
    inner = layers.GRU(3)
    layer = layers.TimeDistributed(inner)
    x = torch.randn(2, 4, 6, 5, dtype=torch.float64)
    mask = torch.rand(2, 4, 6) < 0.6
    y = layer(x, mask=mask)
    assert_close(y[:, 1], inner(x[:, 1], mask=mask[:, 1]))
    assert torch.equal(layer.compute_mask(x, mask), mask.any(-1))


def make(kind, *args, **kwargs):
    return lambda: getattr(layers, kind)(*args, **kwargs)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (
            make("RNN", layers.Dense(3)),
            ConfigError,
            "RNN: expected a recurrent cell, a layer with state_size, got Dense. Give "
            "for example LSTMCell(64).",
        ),
        (
            make("RNN", layers.LSTMCell),
            ConfigError,
            "RNN: expected a recurrent cell, a layer with state_size, got LSTMCell. "
            "Give for example LSTMCell(64).",
        ),
        (
            make("StackedRNNCells", [layers.Dense(3)]),
            ConfigError,
            "StackedRNNCells: expected a list of recurrent cells, got ['Dense']. Give "
            "cells such as [LSTMCell(64), LSTMCell(32)].",
        ),
        (
            make("Bidirectional", layers.Dense(3)),
            ConfigError,
            "Bidirectional: expected a recurrent layer, got Dense. Give for example "
            "LSTM(64).",
        ),
        (
            make("Bidirectional", layers.GRU(3), backward_layer=layers.GRU(3)),
            ConfigError,
            "Bidirectional: expected a backward_layer that runs the other way, got "
            "go_backwards=False in both. Set go_backwards=True in it.",
        ),
        (
            make(
                "Bidirectional",
                layers.GRU(3),
                backward_layer=layers.GRU(3, go_backwards=True, return_sequences=True),
            ),
            ConfigError,
            "Bidirectional: expected both layers to have the same return_sequences, "
            "got False and True. Make them alike.",
        ),
        (
            make("LSTM", 3, unroll=True),
            ConfigError,
            "LSTM: expected no argument 'unroll', got True. Leave it out: a loop in "
            "PyTorch is unrolled by itself.",
        ),
        (
            lambda: layers.LSTM(3)(torch.zeros(2, 3)),
            ShapeError,
            "LSTM: expected 3 axes (batch, time, features), got shape (2, 3). Add the "
            "missing axis, e.g. with Reshape.",
        ),
        (
            lambda: layers.LSTM(3)(torch.zeros(2, 0, 3)),
            ShapeError,
            "LSTM: expected a sequence of at least 1 step, got 0 in shape (2, 0, 3). "
            "Look at how the input was cut.",
        ),
        (
            lambda: layers.GRU(3)(torch.zeros(2, 3, 3, dtype=torch.int64)),
            DataError,
            "GRUCell: expected floating-point input, got torch.int64. Convert it with "
            "x.float().",
        ),
        (
            lambda: layers.LSTM(3)(
                torch.zeros(2, 3, 3), initial_state=[torch.zeros(2, 3)]
            ),
            ShapeError,
            "LSTM: expected 2 tensors as initial_state, got 1. Give one for each size "
            "in the cell's state_size.",
        ),
    ],
)
@pytest.mark.usefixtures("without_shape_checks")
def test_what_cannot_be_is_said(call, error, sentence):
    with pytest.raises(error, match=f"^{re.escape(sentence)}$"):
        call()


def test_a_stateful_layer_refuses_another_batch_size():
    layer = layers.GRU(3, stateful=True)
    layer(torch.zeros(4, 2, 3))
    sentence = (
        "GRU: expected batches of 4 sequences, as the one before, got 3. Give a "
        "batch_size that divides the data, or call reset_state()."
    )
    with pytest.raises(ShapeError, match=f"^{re.escape(sentence)}$"):
        layer(torch.zeros(3, 2, 3))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: layers.RecurrentCell()(torch.zeros(1, 1), [torch.zeros(1, 1)]),
            "RecurrentCell: expected a method step(self, projected, states, kept), got "
            "none. Define it, or forward(self, x, states).",
        ),
        (
            lambda: layers.RecurrentCell().run(torch.zeros(1, 1, 1), []),
            "RecurrentCell: expected a method run(self, x, states), got none. Let "
            "runs_in_library return False.",
        ),
    ],
)
def test_what_a_cell_of_ones_own_must_define_is_said(call, sentence):
    with pytest.raises(NotImplementedError) as raised:
        call()
    assert str(raised.value) == sentence
