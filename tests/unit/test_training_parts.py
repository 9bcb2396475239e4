"""The parts of training: freezing, folding, means, history, snapshots, options."""

import math
import re

import pytest
import torch
from torch import nn

import mica
from mica import layers
from mica.engine import eager_plan
from mica.errors import ConfigError, DataError
from mica.training import History, RunOptions, TrainState
from mica.training.calling import call
from mica.training.evaluate import evaluate, predict
from mica.training.folding import find_last_activations
from mica.training.freezing import Trainability
from mica.training.means import RunningMeans
from mica.training.objective import Objective
from mica.training.state import Snapshot


def sentence(text: str) -> str:
    return f"^{re.escape(text)}$"


def soft(units: int) -> layers.Dense:
    return layers.Dense(units, activation="softmax")


def last_name(module: nn.Module, *inputs) -> str | None:
    def run():
        with torch.no_grad():
            return module.eval()(*inputs)

    run()  # builds lazy layers, which the search expects
    (found,) = find_last_activations(module, run)
    return None if found is None else found.name


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (nn.Sequential(nn.Linear(2, 3), nn.Softmax(dim=-1)), "softmax"),
        (nn.Sequential(nn.Linear(2, 3), nn.Sigmoid()), "sigmoid"),
        (nn.Sequential(nn.Linear(2, 3), nn.Softmax(dim=0)), "unknown"),
        (nn.Sequential(nn.Softmax(dim=-1), nn.Linear(2, 3)), None),
        (mica.Sequential(layers.Dense(3, activation="softmax")), "softmax"),
        (mica.Sequential(layers.Dense(3), layers.Activation("sigmoid")), "sigmoid"),
        (mica.Sequential(layers.Dense(3), layers.Softmax()), "softmax"),
        (mica.Sequential(layers.Dense(3, activation="relu")), "relu"),
        (mica.Sequential(layers.Dense(3)), None),
        # In evaluation dropout passes its input on: the activation is not the last.
        (mica.Sequential(soft(3), layers.Dropout(0.5)), "unknown"),
        (mica.Sequential(mica.Sequential(soft(3))), "softmax"),
    ],
)  # fmt: skip
def test_the_last_activation_is_found_in_any_module(module, name):
    assert last_name(module, torch.ones(4, 2)) == name


def test_an_activation_used_twice_is_not_folded():
    class Twice(mica.Model):
        def __init__(self):
            super().__init__()
            self.softmax = layers.Softmax()

        def forward(self, x):
            return self.softmax(self.softmax(x))

    assert last_name(Twice(), torch.ones(1, 2)) == "unknown"


def test_a_softmax_function_at_the_end_is_not_taken_for_a_linear_layer():
    x = mica.Input((2,))
    model = mica.Model(x, torch.softmax(layers.Dense(3)(x), dim=-1))
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert last_name(model, torch.ones(1, 2)) == "unknown"


def test_left_out_activations_are_put_back_even_after_an_error():
    model = mica.Sequential(mica.Input((2,)), layers.Dense(3, activation="softmax"))
    objective = Objective("sparse_categorical_crossentropy")
    objective.bind(model, torch.ones(1, 2), torch.zeros(1, dtype=torch.long))
    with pytest.raises(Exception, match="expected last axis"):
        objective.forward(model, torch.ones(1, 5))
    assert torch.allclose(model(torch.ones(1, 2)).sum(), torch.tensor(1.0))


def test_captured_flags_rule_only_inside_the_block():
    model = mica.Sequential(mica.Input((2,)), layers.Dense(1))
    captured = Trainability(model)
    model.trainable = False
    with captured.applied():
        assert all(p.requires_grad for p in model.parameters())
    assert not any(p.requires_grad for p in model.parameters())


def test_weights_made_after_capturing_follow_their_layer():
    model = mica.Sequential(layers.Dense(1), layers.Dense(1))
    model.get_layer("dense").trainable = False
    captured = Trainability(model)
    model(torch.ones(1, 2))
    assert len(captured.trained()) == 2


def test_means_count_each_batch_by_its_size():
    means = RunningMeans()
    for value, size in ((1.0, 6), (5.0, 2)):
        means.add({"loss": torch.tensor(value)}, size)
    assert means.read() == {"loss": 2.0}


def test_means_take_plain_numbers_too():
    means = RunningMeans()
    means.add({"score": 2.0}, 1)
    means.add({"score": 4.0}, 1)
    assert means.read() == {"score": 3.0}


def test_one_bad_value_marks_the_epoch():
    means = RunningMeans()
    means.add({"loss": torch.tensor(float("inf"))}, 1)
    means.add({"loss": torch.tensor(1.0)}, 1)
    assert not means.is_finite()


def test_a_new_log_leaves_gaps_in_earlier_epochs():
    history = History()
    history.add(0, {"loss": 1.0})
    history.add(1, {"loss": 0.5, "val_loss": 0.6})
    history.add(2, {"loss": 0.4})
    first, second, third = history.history["val_loss"]
    assert math.isnan(first)
    assert second == 0.6
    assert math.isnan(third)
    assert history.best("val_loss") == (1, 0.6)


def test_history_is_a_table_and_curves():
    history = History()
    history.add(0, {"loss": 1.0, "val_loss": 2.0})
    chart, table = history.report().parts
    assert [series.name for series in chart.series] == ["loss", "val_loss"]
    assert table.columns == ("epoch", "loss", "val_loss")
    assert "loss" in str(history)
    assert repr(history) == "History(epochs=1, logs=['loss', 'val_loss'])"


def test_history_plots_its_curves(tmp_path):
    history = History()
    history.add(0, {"loss": 1.0})
    history.add(1, {"loss": 0.5})
    history.plot(tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000


def new_state() -> TrainState:
    module = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    optimizer = torch.optim.Adam(module.parameters())
    return TrainState(module, optimizer, eager_plan("cpu"), seed=0, epochs=1)


def one_step(state: TrainState) -> None:
    state.optimizer.zero_grad()
    state.model(torch.randn(4, 2)).square().sum().backward()
    state.optimizer.step()
    state.step += 1


def everything(state: TrainState) -> torch.Tensor:
    tensors = [*state.model.parameters(), *state.model.buffers()]
    for entry in state.optimizer.state.values():
        tensors += list(entry.values())
    return torch.cat([tensor.detach().flatten().double() for tensor in tensors])


def test_a_snapshot_brings_everything_back_to_the_bit():
    state = new_state()
    one_step(state)
    snapshot, before = Snapshot(state), everything(state)
    noise = torch.rand(1)
    one_step(state)
    snapshot.restore(state)
    assert torch.equal(everything(state), before)
    assert torch.equal(torch.rand(1), noise)
    assert state.step == 1


def test_a_snapshot_from_before_the_first_step_empties_the_optimizer():
    state = new_state()
    snapshot = Snapshot(state)
    one_step(state)
    snapshot.restore(state)
    assert not state.optimizer.state


def test_the_learning_rate_can_be_read_and_set():
    state = new_state()
    state.learning_rate = 0.25
    assert state.learning_rate == 0.25


@pytest.mark.parametrize(
    ("inputs", "total"),
    [
        ((torch.ones(1), torch.ones(1)), 2.0),
        ({"b": torch.ones(1), "a": torch.zeros(1)}, 1.0),
    ],
)
def test_nested_inputs_are_spread_over_the_arguments(inputs, total):
    class Add(nn.Module):
        def forward(self, a, b):
            return a + b

    assert call(Add(), inputs).item() == total


@pytest.mark.parametrize("field", ["epochs", "batch_size", "validation_freq"])
def test_options_below_one_are_refused(field):
    text = (
        f"fit: expected {field} to be a whole number of at least 1, got 0. Write for "
        f"example {field}=1."
    )
    with pytest.raises(ConfigError, match=sentence(text)):
        RunOptions(**{field: 0})


def test_evaluate_and_predict_need_a_batch():
    module, objective = nn.Linear(1, 1), Objective("mse")
    objective.bind(module, torch.ones(1, 1), torch.ones(1, 1))
    with pytest.raises(
        DataError,
        match=sentence("evaluate: expected at least one batch, got none. Give data."),
    ):
        evaluate(module, [], objective, eager_plan("cpu"))
    with pytest.raises(
        DataError,
        match=sentence("predict: expected at least one batch, got none. Give data."),
    ):
        predict(module, [], eager_plan("cpu"))
