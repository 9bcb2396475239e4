"""Mistakes that were found in models and training once, and must not come back."""

import copy
import pickle
import re

import numpy as np
import pytest
import torch
from torch import nn

import mica
from mica import layers
from mica.errors import (
    ConfigError,
    DataError,
    DivergenceError,
    ShapeError,
    StateError,
)
from tests.tolerances import assert_close

X = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
LABELS = np.random.default_rng(1).integers(0, 3, 40)
ONES = np.ones((40, 1), "float32")
SPARSE = "sparse_categorical_crossentropy"


def assert_near(actual, expected) -> None:
    """The same up to the order of float32 additions."""
    assert_close(np.float32(actual), np.float32(expected), "reordered")


def sentence(text: str) -> str:
    return f"^{re.escape(text)}$"


def regressor(*parts) -> mica.Sequential:
    model = mica.Sequential(mica.Input((4,)), *parts, layers.Dense(1))
    model.compile("adam", "mse")
    return model


# Folding the last activation into the loss


def test_an_activation_whose_output_feeds_another_output_is_not_folded():
    x = mica.Input((4,))
    first = layers.Dense(3, activation="softmax", name="first")(x)
    second = layers.Dense(1, kernel_initializer="zeros", name="second")(first)
    model = mica.Model(x, [first, second + first.sum(-1, keepdim=True)])
    model.compile("sgd", [SPARSE, "mse"])
    found = model.evaluate(X, [LABELS, 0 * ONES], return_dict=True)
    assert_near(found["output_1_loss"], 1.0)  # probabilities sum to one


def test_an_output_given_twice_keeps_its_probabilities():
    x = mica.Input((4,))
    output = layers.Dense(3, activation="softmax")(x)
    model = mica.Model(x, {"label": output, "share": output})
    model.compile("sgd", {"label": SPARSE, "share": "mse"})
    targets = {"label": LABELS, "share": np.eye(3, dtype="float32")[LABELS]}
    found = model.evaluate(X, targets, return_dict=True)
    expected = ((model.predict(X)["share"] - targets["share"]) ** 2).mean()
    assert_near(found["share_loss"], expected)


class HiddenActivation(layers.Layer):
    """Its `activation` is applied in the middle, and a softmax of its own last."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = layers.Dense(8)
        self.out = layers.Dense(3, activation="softmax")
        self.activation = torch.relu

    def forward(self, x):
        return self.out(self.activation(self.hidden(x)))


def test_an_activation_in_the_middle_of_a_layer_is_not_its_last():
    model = mica.Sequential(mica.Input((4,)), HiddenActivation())
    model.compile("sgd", SPARSE)
    history = model.fit(X, LABELS, verbose=0)
    assert np.isfinite(history.history["loss"][0])


class OwnSoftmax(layers.Layer):
    def build(self, shape):
        self.weight = self.add_weight((3, shape[-1]))

    def forward(self, x):
        return torch.softmax(x @ self.weight.T, dim=-1)


def test_a_softmax_inside_a_layer_of_ones_own_is_not_called_a_linear_layer():
    model = mica.Sequential(mica.Input((4,)), OwnSoftmax())
    model.compile("sgd", SPARSE)
    history = model.fit(X, LABELS, verbose=0)
    assert np.isfinite(history.history["loss"][0])


class Tempered(nn.Module):
    """A function with the name of softmax, which is another one."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)

        def softmax(x):
            return torch.softmax(x / 4, dim=-1)

        self.activation = softmax

    def forward(self, x):
        return self.activation(self.linear(x))


def test_a_function_that_only_has_the_name_of_softmax_is_not_folded():
    model = mica.Sequential(Tempered())
    model.compile("sgd", SPARSE)
    chosen = model.predict(X)[np.arange(40), LABELS]
    assert_near(model.evaluate(X, LABELS), -np.log(chosen).mean())


def test_a_torch_module_that_keeps_its_activation_is_trained():
    module = Tempered()
    module.activation = torch.sigmoid
    history = mica.training.run(
        module, X, np.eye(3)[LABELS], loss="binary_crossentropy", verbose=0
    )
    assert np.isfinite(history.history["loss"][0])


# Metrics


class StopFirst(mica.training.Callback):
    def on_batch_end(self, state) -> None:
        raise KeyboardInterrupt


def test_metrics_of_an_interrupted_epoch_do_not_reach_the_next_fit():
    model = mica.Sequential(mica.Input((4,)), layers.Dense(3, activation="softmax"))
    model.compile(mica.optimizers.SGD(0.0), SPARSE, metrics=["accuracy"])
    right = model.predict(X).argmax(1)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, (right + 1) % 3, verbose=0, callbacks=[StopFirst()])
    assert model.fit(X, right, verbose=0).history["accuracy"] == [1.0]


class EvaluateEachBatch(mica.training.Callback):
    def on_batch_end(self, state) -> None:
        state.model.evaluate(X[:2], ONES[:2])


def test_evaluating_within_an_epoch_leaves_its_metrics_alone():
    model = mica.Sequential(mica.Input((4,)), layers.Dense(1))
    model.compile(mica.optimizers.SGD(0.0), "mse", metrics=["mae"])
    callbacks = [EvaluateEachBatch()]
    history = model.fit(X, ONES, batch_size=10, verbose=0, callbacks=callbacks)
    assert_near(history.history["mae"], [model.evaluate(X, ONES)[1]])


def test_metrics_of_one_name_are_told_apart():
    model = mica.Sequential(mica.Input((4,)), layers.Dense(1))
    model.compile("sgd", "mse", metrics=["mae", "mae"], weighted_metrics=["mae"])
    found = model.evaluate(X, ONES, return_dict=True)
    assert list(found) == ["loss", "mae", "mae_1", "weighted_mae"]


def test_a_metric_called_loss_does_not_hide_the_loss():
    def loss(prediction, target):
        return (prediction - target).abs().mean()

    model = mica.Sequential(mica.Input((4,)), layers.Dense(1))
    model.compile("sgd", "mse", metrics=[loss])
    assert list(model.evaluate(X, ONES, return_dict=True)) == ["loss", "loss_1"]


def test_one_metric_object_counts_for_each_output_apart():
    x = mica.Input((4,))
    model = mica.Model(x, {"a": layers.Dense(1)(x), "b": layers.Dense(1)(x)})
    model.compile("sgd", "mse", metrics=mica.metrics.MeanAbsoluteError())
    found = model.evaluate(X, {"a": ONES, "b": 100 * ONES}, return_dict=True)
    assert found["b_mean_absolute_error"] - found["a_mean_absolute_error"] > 90


def test_accuracy_is_chosen_anew_for_data_of_another_kind():
    model = mica.Sequential(mica.Input((4,)), layers.Dense(3))
    model.compile(mica.optimizers.SGD(0.0), nn.CrossEntropyLoss(), metrics=["accuracy"])
    by_number = model.fit(X, LABELS, verbose=0, seed=0).history
    by_row = model.fit(X, np.eye(3)[LABELS], verbose=0, seed=0).history
    assert by_number["accuracy"] == by_row["accuracy"]


class LogsSometimes(mica.Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(1)
        self.steps = 0

    def forward(self, x):
        return self.dense(x)

    def train_step(self, batch):
        self.steps += 1
        logs = super().train_step(batch)
        return logs if self.steps % 2 else {**logs, "extra": 5.0}


def test_a_log_of_some_batches_is_averaged_over_those():
    model = LogsSometimes()
    model.compile("sgd", "mse")
    history = model.fit(X, ONES, batch_size=10, verbose=0)
    assert history.history["extra"] == [5.0]


# Divergence and Ctrl-C


class Root(layers.Layer):
    """|w x| ** 0.5: a finite value with an infinite gradient at zero."""

    def build(self, shape):
        self.weight = self.add_weight((1,), "ones")

    def forward(self, x):
        return (self.weight * x).abs().sqrt()


def test_an_update_that_spoils_the_weights_at_the_end_of_an_epoch_is_taken_back():
    model = mica.Sequential(mica.Input((1,)), Root())
    model.compile("sgd", "mae")
    text = (
        "fit: expected finite weights, got NaN or infinity in them in epoch 1, step 1: "
        "born in the gradient of 'root.weight'. The weights are as they were before "
        "that step. Lower the learning rate, clip the gradients (global_clipnorm=1.0) "
        "or look at the data."
    )
    with pytest.raises(DivergenceError, match=sentence(text)):
        model.fit(np.zeros((8, 1)), np.ones((8, 1)), batch_size=8, verbose=0)
    assert model.layers[0].weight.tolist() == [1.0]


class StopAtEpochEnd(mica.training.Callback):
    def on_epoch_end(self, state) -> None:
        self.weight = state.model.layers[0].weight.detach().clone()
        raise KeyboardInterrupt


def test_ctrl_c_after_an_epoch_keeps_that_epoch():
    model, callback = regressor(), StopAtEpochEnd()
    text = (
        "fit: stopped by hand in epoch 1. Weights and history are those of 1 finished "
        "epoch."
    )
    with pytest.raises(KeyboardInterrupt, match=sentence(text)):
        model.fit(X, ONES, epochs=3, verbose=0, callbacks=[callback])
    assert torch.equal(model.layers[0].weight, callback.weight)


class LateBranch(mica.Model):
    """Its second layer gets gradients, and moments, from the sixth step on."""

    def __init__(self) -> None:
        super().__init__()
        self.early, self.late = layers.Dense(1), layers.Dense(1)
        self.steps = 0

    def forward(self, x):
        self.steps += self.training
        late = self.late(x)
        return self.early(x) + (late if self.steps > 5 else 0)


class StopInSecondEpoch(mica.training.Callback):
    def on_batch_end(self, state) -> None:
        if state.epoch == 1 and state.batch == 3:
            raise KeyboardInterrupt


def test_going_back_forgets_moments_that_were_made_since():
    model = LateBranch()
    model.compile("adam", "mse")
    with pytest.raises(KeyboardInterrupt):
        model.fit(
            X, ONES, epochs=3, batch_size=10, verbose=0, callbacks=[StopInSecondEpoch()]
        )
    assert model.late.weight not in model.session.updater.optimizer.state
    assert model.early.weight in model.session.updater.optimizer.state


class TwoUpdates(mica.Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(1)

    def forward(self, x):
        return self.dense(x)

    def train_step(self, batch):
        super().train_step(batch)
        return super().train_step(batch)


def test_going_back_counts_updates_and_not_batches():
    model = TwoUpdates()
    model.compile("sgd", "mse")
    model.fit(X, ONES, batch_size=20, verbose=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, ONES, batch_size=20, verbose=0, callbacks=[StopFirst()])
    assert model.session.updater.step == 4


# Copies


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]
)
def test_a_copy_of_a_compiled_model_trains_as_the_model_does(copied):
    model = mica.Sequential(mica.Input((4,)), layers.Dense(1))
    optimizer = mica.optimizers.SGD(0.1, momentum=0.9, weight_decay=0.5)
    model.compile(optimizer, "mse")
    model.fit(X, ONES, verbose=0, seed=1)
    other = copied(model)
    model.fit(X, ONES, verbose=0, seed=2)
    other.fit(X, ONES, verbose=0, seed=2)
    assert torch.equal(other.layers[0].weight, model.layers[0].weight)


def test_a_deep_graph_can_be_copied():
    x = total = mica.Input((4,))
    for _ in range(1000):
        total = total + x
    model = copy.deepcopy(mica.Model(x, total))
    assert model(torch.ones(1, 4)).tolist() == [[1001.0] * 4]


# Layers that change after compile


def test_a_layer_added_after_compile_asks_for_another_compile():
    model = regressor()
    model.fit(X, ONES, verbose=0)
    model.add(layers.Dense(1))
    text = (
        "Sequential: expected a compiled model, got one that is not (its layers were "
        "changed after it was compiled). Call model.compile(optimizer, loss) first."
    )
    with pytest.raises(StateError, match=sentence(text)):
        model.fit(X, ONES, verbose=0)


class WithHead(mica.Model):
    def __init__(self) -> None:
        super().__init__()
        self.head = layers.Dense(1)

    def forward(self, x):
        return self.head(x)


def test_a_layer_replaced_after_training_asks_for_another_compile():
    model = WithHead()
    model.compile("sgd", "mse")
    model.fit(X, ONES, verbose=0)
    model.head = layers.Dense(1)
    text = (
        "fit: expected the layers that were there when training began, got others: "
        "some were added, replaced or taken off. Call compile again."
    )
    with pytest.raises(StateError, match=sentence(text)):
        model.fit(X, ONES, verbose=0)


def test_a_freed_layer_within_a_frozen_one_is_in_training_mode():
    inner = mica.Sequential(
        mica.Input((4,)), layers.BatchNormalization(), layers.BatchNormalization()
    )
    model = regressor(inner)
    inner.trainable = False
    inner.layers[1].trainable = True
    model.compile("sgd", "mse")
    before = [norm.running_mean.clone() for norm in inner.layers]
    model.fit(X, ONES, verbose=0)
    changed = [
        not torch.equal(norm.running_mean, mean)
        for norm, mean in zip(inner.layers, before, strict=True)
    ]
    assert changed == [False, True]


def test_layers_that_two_models_named_alike_may_stand_in_one():
    first = mica.Sequential(mica.Input((4,)), layers.Dense(3))
    second = mica.Sequential(mica.Input((3,)), layers.Dense(2))
    both = mica.Sequential(mica.Input((4,)), first.layers[0], second.layers[0])
    assert [name for name, _ in both.named_children()] == ["dense", "dense_1"]


# Steps of one's own


class Adversaries(mica.Model):
    """Two networks and two optimizers; nobody ever calls the whole."""

    def __init__(self, maker, judge) -> None:
        super().__init__()
        self.maker, self.judge = maker, judge
        self.loss = mica.losses.BinaryCrossentropy()
        self.optimizers = [
            mica.optimizers.Adam(0.01).build(part.parameters())
            for part in (judge, maker)
        ]

    def train_step(self, batch):
        made = self.maker(torch.randn(batch.size, 2))
        real, yes = self.judge(batch.x), torch.ones(batch.size, 1)
        losses = {
            "judge": self.loss(real, yes)
            + self.loss(self.judge(made.detach()), 0 * yes),
            "maker": self.loss(self.judge(made), yes),
        }
        for optimizer, loss in zip(self.optimizers, losses.values(), strict=True):
            optimizer.zero_grad()
            loss.backward(inputs=optimizer.param_groups[0]["params"], retain_graph=True)
        for optimizer in self.optimizers:
            optimizer.step()
        return {name: loss.detach() for name, loss in losses.items()}


def adversaries() -> Adversaries:
    maker = mica.Sequential(mica.Input((2,)), layers.Dense(4))
    judge = mica.Sequential(mica.Input((4,)), layers.Dense(1, activation="sigmoid"))
    model = Adversaries(maker, judge)
    model.compile()
    return model


@pytest.mark.parametrize("y", [None, ONES])
def test_two_networks_with_two_optimizers_are_trained(y):
    model = adversaries()
    before = [parameter.detach().clone() for parameter in model.parameters()]
    history = model.fit(X, y, epochs=2, verbose=0)
    assert list(history.history) == ["judge", "maker"]
    pairs = zip(before, model.parameters(), strict=True)
    assert not any(torch.equal(old, new) for old, new in pairs)


class Silent(WithHead):
    def train_step(self, batch):
        super().train_step(batch)


def test_a_step_that_returns_no_logs_is_told_so():
    model = Silent()
    model.compile("sgd", "mse")
    text = (
        "train_step: expected a dict of logs, got NoneType. Return one, for example "
        "{'loss': loss.detach()}."
    )
    with pytest.raises(ConfigError, match=sentence(text)):
        model.fit(X, ONES, verbose=0)


def test_a_lazy_module_of_torch_is_built_by_the_data():
    history = mica.training.run(nn.LazyLinear(1), X, ONES, loss="mse", verbose=0)
    assert history.epoch == [0]


def test_run_takes_options_and_choices_together():
    options = mica.training.RunOptions(seed=3, verbose=0)
    found = []
    for _ in range(2):
        module = nn.Linear(4, 1)
        nn.init.zeros_(module.weight)
        nn.init.zeros_(module.bias)
        history = mica.training.run(
            module,
            X,
            X[:, :1],
            loss="mse",
            validation_split=0.5,
            options=options,
            epochs=2,
        )
        found.append(history.history)
    assert found[0] == found[1]
    assert len(found[0]["loss"]) == 2


class TrainOnce(mica.training.Callback):
    def on_epoch_end(self, state) -> None:
        state.model.train_on_batch(X, ONES)
        self.training = state.model.training


def test_training_on_a_batch_within_fit_leaves_the_mode_alone():
    model, callback = regressor(layers.Dropout(0.5)), TrainOnce()
    model.fit(X, ONES, verbose=0, callbacks=[callback])
    assert callback.training
    assert not model.training


# Outputs


class Outputs(mica.Model):
    """Gives what it is told to, whatever comes in."""

    def __init__(self, make) -> None:
        super().__init__()
        self.make = make

    def forward(self, x):
        return self.make(x)


ODD_OUTPUTS = {
    "a single number": (lambda x: x.mean(), "shape ()"),
    "the same rows for every batch": (lambda x: torch.ones(7, 2), "shape (7, 2)"),
    "something else than a tensor": (lambda x: (x, None), "NoneType"),
}


@pytest.mark.parametrize("case", ODD_OUTPUTS)
def test_outputs_that_are_no_rows_cannot_be_joined(case):
    make, got = ODD_OUTPUTS[case]
    text = (
        "predict: expected outputs with a row for each of the 32 samples of a batch, "
        f"got {got}. Return tensors whose first axis is the batch."
    )
    with pytest.raises(ShapeError, match=sentence(text)):
        Outputs(make).predict(X)


def test_outputs_that_differ_in_shape_cannot_be_joined():
    text = (
        "predict: expected outputs of one shape in every batch, got (32, 32) and "
        "(8, 8). Pad the inputs to one length, or predict batch by batch."
    )
    with pytest.raises(ShapeError, match=sentence(text)):
        Outputs(lambda x: x @ x.T).predict(X)


def test_outputs_in_lists_within_a_dict_take_their_targets_in_order():
    x = mica.Input((4,))
    outputs = {"a": layers.Dense(1)(x), "b": [layers.Dense(1)(x), layers.Dense(1)(x)]}
    model = mica.Model(x, outputs)
    model.compile("sgd", "mse")
    found = model.evaluate(X, [ONES, ONES, ONES], return_dict=True)
    assert list(found) == ["loss", "dense_loss", "dense_1_loss", "dense_2_loss"]


def test_an_output_with_a_loss_needs_its_target():
    x = mica.Input((4,))
    model = mica.Model(x, {"a": layers.Dense(1)(x), "b": layers.Dense(1)(x)})
    model.compile("sgd", "mse")
    text = (
        "fit: expected targets for the output 'b', which has a loss, got none. Give "
        "them, or give a dict of losses without this output."
    )
    with pytest.raises(DataError, match=sentence(text)):
        model.fit(X, {"a": ONES}, verbose=0)


# Files


def loaded(model, folder):
    return mica.load(model.save(folder / "model.mica"))


def test_a_freed_layer_within_a_frozen_one_comes_back_from_a_file(tmp_path):
    inner = mica.Sequential(mica.Input((4,)), layers.Dense(3), layers.Dense(2))
    model = regressor(inner)
    inner.trainable = False
    inner.layers[1].trainable = True
    model.compile("adam", "mse")
    model.fit(X, ONES, verbose=0, seed=0)
    other = loaded(model, tmp_path)
    model.fit(X, ONES, verbose=0, seed=1)
    other.fit(X, ONES, verbose=0, seed=1)
    assert np.array_equal(other.predict(X), model.predict(X))
    assert [part.trainable for part in other.layers[0].layers] == [False, True]


def test_a_frozen_weight_comes_back_from_a_file(tmp_path):
    model = regressor(layers.Dense(3))
    model.layers[0].weight.requires_grad_(False)
    model.compile("adam", "mse")
    model.fit(X, ONES, verbose=0)
    other = loaded(model, tmp_path)
    assert not other.layers[0].weight.requires_grad
    assert other.layers[0].bias.requires_grad


def test_a_model_frozen_as_a_whole_comes_back_from_a_file(tmp_path):
    model = regressor()
    model.trainable = False
    assert not loaded(model, tmp_path).trainable


def test_a_weight_used_twice_in_a_graph_stays_one_in_a_file(tmp_path):
    x = mica.Input((4,))
    dense = layers.Dense(3)
    model = mica.Model(x, dense(x) @ dense.weight)
    other = loaded(loaded(model, tmp_path), tmp_path)
    with torch.no_grad():
        other.layers[0].weight.zero_()
    assert other.count_parameters() == model.count_parameters() == 15
    assert not other.predict(X).any()


def test_a_weight_of_no_layer_in_a_graph_is_refused():
    x = mica.Input((4,))
    dense = layers.Dense(3)
    config = mica.Model(x, dense(x) @ dense.weight).config()
    config["constants"]["constant_0"]["weight"] = "dense.missing"
    text = (
        "load: expected a graph written by Mica, got the weight 'dense.missing' of no "
        "layer. The file is damaged."
    )
    with pytest.raises(ConfigError, match=sentence(text)):
        mica.Model.from_config(config)


@mica.register
class StepAlone(mica.Model):
    """Overrides the step and is made of inputs and outputs."""

    def train_step(self, batch):
        return super().train_step(batch)


def test_a_graph_with_a_step_of_its_own_is_saved(tmp_path):
    x = mica.Input((4,))
    model = StepAlone(x, layers.Dense(3)(x))
    other = loaded(model, tmp_path)
    assert type(other) is StepAlone
    assert np.array_equal(other.predict(X), model.predict(X))


@mica.register
class Stack(mica.Sequential):
    """A Sequential with a constructor of its own."""

    def __init__(self, units: int) -> None:
        super().__init__(mica.Input((4,)), layers.Dense(units))


@mica.register
class Wide(mica.Model):
    """Its own argument has the name of one of the base's."""

    def __init__(self, outputs: int) -> None:
        x = mica.Input((4,))
        super().__init__(x, layers.Dense(outputs)(x))


def test_a_graph_with_a_constructor_of_its_own_is_saved(tmp_path):
    model = Wide(outputs=3)
    other = loaded(model, tmp_path)
    assert type(other) is Wide
    assert np.array_equal(other.predict(X), model.predict(X))


def test_a_sequence_with_a_constructor_of_its_own_is_saved(tmp_path):
    model = Stack(3)
    other = loaded(model, tmp_path)
    assert type(other) is Stack
    assert np.array_equal(other.predict(X), model.predict(X))


@mica.register
class OwnCompile(mica.Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(1)

    def forward(self, x):
        return self.dense(x)

    def compile(self, first, second):
        super().compile(first, "mse")
        self.second = second


def test_a_model_with_a_compile_of_its_own_is_loaded_without_it(tmp_path):
    model = OwnCompile()
    model.compile("adam", "sgd")
    model.fit(X, ONES, verbose=0)
    other = loaded(model, tmp_path)
    assert np.array_equal(other.predict(X), model.predict(X))
    text = (
        "OwnCompile: expected a compiled model, got one that is not (its class has a "
        "compile of its own, which files cannot call). Call model.compile(optimizer, "
        "loss) first."
    )
    with pytest.raises(StateError, match=sentence(text)):
        other.fit(X, ONES)


@mica.register
class LooksAtValues(mica.Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(1)

    def forward(self, x):
        return self.dense(x if float(x.sum()) > 0 else -x)


def test_a_model_that_looks_at_values_is_loaded(tmp_path):
    model = LooksAtValues()
    model(torch.from_numpy(X))
    assert np.array_equal(loaded(model, tmp_path).predict(X), model.predict(X))


@mica.register
class Views(layers.Layer):
    """Buffers that share memory, and one that repeats a number."""

    def __init__(self) -> None:
        super().__init__()
        whole = torch.arange(4.0)
        self.register_buffer("whole", whole)
        self.register_buffer("part", whole[1:3])
        self.register_buffer("repeated", torch.zeros(1).expand(4))

    def forward(self, x):
        return x + self.whole + self.part.sum() + self.repeated


def test_buffers_that_share_memory_are_saved(tmp_path):
    model = regressor(Views())
    assert np.array_equal(loaded(model, tmp_path).predict(X), model.predict(X))


def test_label_names_may_be_numbers_of_numpy(tmp_path):
    model = regressor()
    model.label_names = list(np.arange(3))
    assert loaded(model, tmp_path).label_names == [0, 1, 2]


# Numbers of another type


def test_a_model_made_double_reads_data_as_double(tmp_path):
    model = mica.Sequential(mica.Input((4,)), layers.Dense(2)).double()
    model.compile("adam", "mse")
    precise = np.random.default_rng(2).normal(size=(40, 4))
    model.fit(precise, np.ones((40, 2)), verbose=0)
    other = loaded(model, tmp_path)
    expected = other(torch.from_numpy(precise)).detach().numpy()
    assert np.array_equal(other.predict(precise), expected)
    assert torch.get_default_dtype() == torch.float32


def test_run_reads_data_in_the_type_of_the_module():
    module = nn.Linear(4, 1).double()
    history = mica.training.run(module, X, ONES, loss="mse", verbose=0)
    assert module.weight.dtype == torch.float64
    assert np.isfinite(history.history["loss"][0])


# Options together


@pytest.mark.parametrize(
    "options", [{"class_weight": {0: 2.0}}, {"validation_split": 0.5}]
)
def test_steps_per_epoch_goes_with_options_for_arrays(options):
    model = mica.Sequential(mica.Input((4,)), layers.Dense(3, activation="softmax"))
    model.compile("sgd", SPARSE)
    model.fit(X, LABELS, batch_size=4, steps_per_epoch=2, verbose=0, **options)
    assert model.session.updater.step == 2


def test_an_optimizer_that_looks_several_times_is_used():
    model = mica.Sequential(mica.Input((4,)), layers.Dense(1))
    model.compile(torch.optim.LBFGS, "mse")
    history = model.fit(X, X[:, :1], batch_size=40, epochs=8, verbose=0)
    assert history.history["loss"][-1] < 1e-6


def test_a_step_of_ones_own_cannot_use_such_an_optimizer():
    class Own(WithHead):
        def train_step(self, batch):
            _, loss = self.compute_loss(batch)
            self.learn(loss)
            return {"loss": loss.detach()}

    model = Own()
    model.compile(torch.optim.LBFGS, "mse")
    text = (
        "learn: expected an optimizer that is content with one gradient, got LBFGS. "
        "Train with fit's own step, or choose another optimizer."
    )
    with pytest.raises(ConfigError, match=sentence(text)):
        model.fit(X, ONES, verbose=0)


def test_the_summary_of_a_model_that_looks_at_values_leaves_shapes_open():
    model = LooksAtValues()
    model(torch.from_numpy(X))
    (row,) = mica.model.summarize(model).rows
    assert row == ("dense (Dense)", "unknown", 5)


def test_a_torch_module_in_a_model_cannot_be_saved_and_says_what_can(tmp_path):
    model = mica.Sequential(mica.Input((4,)), nn.Linear(4, 2))
    text = (
        "save: expected layers that remember their arguments, got torch's Linear. "
        "Write a mica.Layer that makes it in __init__, or keep the weights alone: "
        "mica.training.save_weights(model, path)."
    )
    with pytest.raises(ConfigError, match=sentence(text)):
        model.save(tmp_path / "model.mica")


@mica.register
class Wrapped(layers.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 2)

    def forward(self, x):
        return self.linear(x)


def test_a_layer_that_makes_a_torch_module_is_saved(tmp_path):
    model = regressor(Wrapped())
    assert np.array_equal(loaded(model, tmp_path).predict(X), model.predict(X))
