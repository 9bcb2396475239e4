"""fit, evaluate, predict and what they promise."""

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


def assert_near(actual, expected) -> None:
    """The same up to the order of float32 additions."""
    assert_close(np.float32(actual), np.float32(expected), "reordered")


def sentence(text: str) -> str:
    return f"^{re.escape(text)}$"


X = np.random.default_rng(0).normal(size=(90, 4)).astype("float32")
Y = (X[:, 0] > 0).astype("int64") + (X[:, 1] > 0.5)


def classifier(loss="sparse_categorical_crossentropy", **options) -> mica.Sequential:
    model = mica.Sequential(
        mica.Input((4,)),
        layers.Dense(8, activation="relu"),
        layers.Dense(3, activation="softmax"),
    )
    model.compile("adam", loss, metrics=["accuracy"], **options)
    return model


def test_history_has_keras_keys():
    history = classifier().fit(X, Y, epochs=2, validation_split=0.2, verbose=0)
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert history.epoch == [0, 1]


def test_same_seed_same_bits():
    def weights():
        mica.set_seed(3)
        model = classifier()
        model.fit(X, Y, epochs=2, verbose=0)
        return torch.cat([p.detach().flatten() for p in model.parameters()])

    assert torch.equal(weights(), weights())


def test_two_fits_go_on_where_the_first_stopped():
    mica.set_seed(0)
    one = classifier()
    one.fit(X, Y, epochs=4, seed=1, verbose=0)
    mica.set_seed(0)
    two = classifier()
    two.fit(X, Y, epochs=2, seed=1, verbose=0)
    two.fit(X, Y, epochs=4, initial_epoch=2, seed=1, verbose=0)
    for mine, theirs in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("batch_size", [1, 7, 32, 90])
def test_evaluate_does_not_depend_on_the_batch_size(batch_size):
    mica.set_seed(0)
    model = classifier()
    whole = model.evaluate(X, Y, batch_size=90)
    assert_near(model.evaluate(X, Y, batch_size=batch_size), whole)


def test_evaluate_gives_a_list_a_number_or_a_dict():
    model = classifier()
    loss, accuracy = model.evaluate(X, Y)
    assert model.evaluate(X, Y, return_dict=True) == {
        "loss": loss,
        "accuracy": accuracy,
    }
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert isinstance(model.evaluate(X, Y), float)


def test_programs_for_keras_may_say_verbose():
    model = classifier()
    model.evaluate(X, Y, verbose=0)
    assert model.predict(X, verbose=0).shape == (90, 3)


def test_predict_gives_probabilities_though_the_loss_saw_logits():
    model = classifier()
    model.fit(X, Y, verbose=0)
    assert model.session.objective.heads[0].fold is not None
    assert_near(model.predict(X).sum(-1), np.ones(90, "float32"))


def test_logits_are_folded_exactly_where_float32_would_lose_them():
    model = mica.Sequential(
        mica.Input((1,)),
        layers.Dense(2, activation="softmax", kernel_initializer="ones"),
    )
    with torch.no_grad():
        model.get_layer("dense").bias.copy_(torch.tensor([0.0, 200.0]))
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert model.evaluate(np.zeros((1, 1), "float32"), np.array([0])) == 200.0


def test_a_subclass_and_a_torch_softmax_are_folded_too():
    class Own(mica.Model):
        def __init__(self):
            super().__init__()
            self.last = layers.Dense(3)
            self.softmax = nn.Softmax(dim=-1)

        def forward(self, x):
            return self.softmax(self.last(x))

    model = Own()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0)
    assert model.session.objective.heads[0].fold is not None
    assert_near(model.predict(X).sum(-1), np.ones(90, "float32"))


def test_a_callback_that_predicts_sees_probabilities():
    sums = []

    class Look(mica.Callback):
        def on_batch_end(self, state):
            sums.append(float(state.model(torch.from_numpy(X[:1])).detach().sum()))

    classifier().fit(X, Y, callbacks=[Look()], verbose=0)
    assert_near(sums, [1.0] * len(sums))


def test_the_model_is_in_evaluation_mode_after_fit():
    model = classifier()
    model.fit(X, Y, verbose=0)
    assert not any(part.training for part in model.modules())


def test_a_generator_a_loader_and_arrays_train_alike():
    def batches():
        while True:
            for start in range(0, 90, 30):
                yield X[start : start + 30], Y[start : start + 30]

    dataset = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    loader = torch.utils.data.DataLoader(dataset, batch_size=30)
    found = []
    for source, options in (
        ((X, Y), {"batch_size": 30, "shuffle": False}),
        ((loader,), {}),
        ((batches(),), {"steps_per_epoch": 3}),
    ):
        mica.set_seed(0)
        model = classifier()
        found.append(model.fit(*source, epochs=2, verbose=0, **options).history["loss"])
    assert found[0] == found[1] == found[2]


def test_several_outputs_have_weighted_losses_and_their_own_logs():
    a = mica.Input((4,), name="a")
    model = mica.Model(
        a,
        [
            layers.Dense(3, activation="softmax", name="kind")(a),
            layers.Dense(1, name="size")(a),
        ],
    )
    model.compile(
        "sgd",
        {"kind": "sparse_categorical_crossentropy", "size": "mse"},
        loss_weights={"kind": 1.0, "size": 0.5},
        metrics={"kind": ["accuracy"], "size": ["mae"]},
    )
    logs = model.evaluate(X, {"kind": Y, "size": X[:, 2]}, return_dict=True)
    assert list(logs) == [
        "loss", "kind_loss", "size_loss", "kind_accuracy", "size_mae",
    ]  # fmt: skip
    assert_near(logs["loss"], logs["kind_loss"] + 0.5 * logs["size_loss"])


def test_a_discriminator_compiled_before_it_is_frozen_keeps_training():
    judge = mica.Sequential(mica.Input((4,)), layers.Dense(1, activation="sigmoid"))
    judge.compile("sgd", "binary_crossentropy")
    judge.trainable = False
    maker = mica.Sequential(mica.Input((2,)), layers.Dense(4))
    noise = mica.Input((2,))
    both = mica.Model(noise, judge(maker(noise)))
    both.compile("sgd", "binary_crossentropy")
    judge_before = judge.layers[0].weight.detach().clone()
    maker_before = maker.layers[0].weight.detach().clone()

    both.train_on_batch(np.ones((3, 2), "float32"), np.ones((3, 1)))
    assert torch.equal(judge.layers[0].weight, judge_before)
    assert not torch.equal(maker.layers[0].weight, maker_before)

    judge.train_on_batch(X[:3], np.ones((3, 1)))
    assert not torch.equal(judge.layers[0].weight, judge_before)


def test_a_frozen_batch_normalization_keeps_its_statistics():
    model = mica.Sequential(
        mica.Input((4,)), layers.BatchNormalization(), layers.Dense(1)
    )
    model.get_layer("batch_normalization").trainable = False
    model.compile("sgd", "mse")
    before = {name: value.clone() for name, value in model.named_buffers()}
    model.fit(X, X[:, 0], verbose=0)
    after = dict(model.named_buffers())
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_train_step_of_ones_own_is_used_and_logged():
    @mica.register
    class Twice(mica.Model):
        def __init__(self):
            super().__init__()
            self.last = layers.Dense(1)

        def forward(self, x):
            return self.last(x)

        def train_step(self, batch):
            outputs, loss = self.compute_loss(batch)
            self.learn(loss)
            self.measure(outputs, batch)
            return {"loss": loss.detach(), "twice": 2 * loss.detach()}

    model = Twice()
    model.compile("sgd", "mse", metrics=["mae"])
    logs = model.fit(X, X[:, 0], verbose=0).history
    assert list(logs) == ["loss", "twice", "mae"]
    assert_near(logs["twice"][0], 2 * logs["loss"][0])


def test_class_weights_weigh_the_loss():
    weights = {0: 2.0, 1: 2.0, 2: 2.0}
    plain = classifier_history(None)
    doubled = classifier_history(weights)
    assert_near(doubled, 2 * plain)


def test_class_weights_do_not_weigh_the_validation():
    found = []
    for class_weight in (None, {0: 5.0, 1: 5.0, 2: 5.0}):
        mica.set_seed(0)
        model = classifier()
        model.compile(mica.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
        history = model.fit(
            X, Y, validation_split=0.5, class_weight=class_weight, seed=0, verbose=0
        )
        found.append(history.history["val_loss"])
    assert found[0] == found[1]


def test_token_numbers_reach_an_embedding_as_integers():
    model = mica.Sequential(nn.Embedding(10, 3), layers.Flatten(), layers.Dense(1))
    model.compile("sgd", "mse")
    tokens = np.arange(12).reshape(6, 2) % 10
    model.fit(tokens, np.ones(6), verbose=0)
    assert model.predict(tokens).shape == (6, 1)


def classifier_history(class_weight) -> float:
    mica.set_seed(0)
    model = classifier()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.session.optimizer = mica.optimizers.SGD(0.0)
    history = model.fit(X, Y, class_weight=class_weight, verbose=0, shuffle=False)
    return history.history["loss"][0]


def test_run_trains_any_torch_module():
    module = nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=-1))
    history = mica.training.run(
        module, X, Y, loss="sparse_categorical_crossentropy", optimizer="adam",
        metrics=["accuracy"], epochs=2, verbose=0,
    )  # fmt: skip
    assert list(history.history) == ["loss", "accuracy"]
    assert not module.training


def test_a_torch_loss_optimizer_and_schedule_are_accepted():
    model = mica.Sequential(mica.Input((4,)), layers.Dense(3))
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1)
    model.compile(optimizer, nn.CrossEntropyLoss())
    first, last = model.fit(X, Y, epochs=2, verbose=0).history["loss"]
    assert last < first


def test_a_schedule_sets_the_rate_of_each_step():
    rates = []

    class Look(mica.Callback):
        def on_batch_end(self, state):
            rates.append(state.learning_rate)

    model = classifier()
    model.compile(
        mica.optimizers.SGD(lambda step: 1.0 / (1 + step)),
        "sparse_categorical_crossentropy",
    )
    model.fit(X, Y, 45, epochs=2, callbacks=[Look()], verbose=0)
    assert rates == [1.0, 1 / 2, 1 / 3, 1 / 4]


def test_stop_ends_training_with_a_reason():
    class Stop(mica.Callback):
        def on_batch_end(self, state):
            state.stop("Enough.")

    history = classifier().fit(X, Y, epochs=5, callbacks=[Stop()], verbose=0)
    assert len(history.epoch) == 1
    assert history.stop_reason == "Enough."


def test_every_callback_hears_the_end_even_when_one_fails():
    heard = []

    class Fails(mica.Callback):
        def on_train_end(self, state):
            raise ValueError("my own mistake")

    class Hears(mica.Callback):
        def on_train_end(self, state):
            heard.append(True)

    with pytest.raises(ValueError, match=r"^my own mistake$"):
        classifier().fit(X, Y, callbacks=[Fails(), Hears()], verbose=0)
    assert heard


def test_ctrl_c_keeps_weights_and_history_of_the_finished_epochs():
    kept = []

    class Interrupt(mica.Callback):
        def on_epoch_end(self, state):
            kept.append([p.detach().clone() for p in state.model.parameters()])

        def on_batch_end(self, state):
            if state.epoch == 2 and state.batch == 2:
                raise KeyboardInterrupt

    model = classifier()
    text = (
        "fit: stopped by hand in epoch 3. Weights and history are those of 2 finished "
        "epochs."
    )
    with pytest.raises(KeyboardInterrupt, match=sentence(text)):
        model.fit(X, Y, epochs=5, callbacks=[Interrupt()], verbose=0)
    assert model.history.epoch == [0, 1]
    for mine, theirs in zip(model.parameters(), kept[-1], strict=True):
        assert torch.equal(mine, theirs)


def test_fit_goes_on_after_ctrl_c_as_if_nothing_had_happened():
    class Interrupt(mica.Callback):
        def on_batch_end(self, state):
            if state.epoch == 1 and state.batch == 1:
                raise KeyboardInterrupt

    mica.set_seed(0)
    plain = classifier()
    plain.fit(X, Y, epochs=3, seed=5, verbose=0)
    mica.set_seed(0)
    model = classifier()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=3, seed=5, callbacks=[Interrupt()], verbose=0)
    model.fit(X, Y, epochs=3, initial_epoch=1, seed=5, verbose=0)
    for mine, theirs in zip(plain.parameters(), model.parameters(), strict=True):
        assert torch.equal(mine, theirs)


class Poison(layers.Layer):
    """Turns into infinity at its n-th training call."""

    def __init__(self, call: int) -> None:
        super().__init__()
        self.call = call
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x):
        if self.training:
            self.count += 1
            if self.count == self.call:
                return x / 0
        return x


def diverging(call: int) -> mica.Sequential:
    mica.set_seed(0)
    model = mica.Sequential(
        mica.Input((4,)), layers.Dense(4), Poison(call), layers.Dense(1)
    )
    model.compile("sgd", "mse")
    return model


def test_a_loss_that_is_no_number_stops_and_says_where_it_was_born():
    model = diverging(call=8)
    text = (
        "fit: expected a finite loss, got nan in epoch 2, step 3: born in the output "
        "of layer 'poison' (Poison). The weights are as they were before that step. "
        "Lower the learning rate, clip the gradients (global_clipnorm=1.0) or look at "
        "the data."
    )
    with pytest.raises(DivergenceError, match=sentence(text)):
        model.fit(X, X[:, 0], 18, epochs=3, seed=1, verbose=0)


def test_after_divergence_the_weights_are_those_before_the_step():
    class Keep(mica.Callback):
        def on_batch_end(self, state):
            if state.step <= 7:
                self.weights = [p.detach().clone() for p in state.model.parameters()]

    keep, model = Keep(), diverging(call=8)
    with pytest.raises(DivergenceError):
        model.fit(X, X[:, 0], 18, epochs=3, seed=1, verbose=0, callbacks=[keep])
    for mine, theirs in zip(model.parameters(), keep.weights, strict=True):
        assert torch.equal(mine, theirs)


def test_divergence_by_a_rate_that_is_too_high_is_found():
    model = mica.Sequential(mica.Input((4,)), layers.Dense(1))
    model.compile(mica.optimizers.SGD(1e30), "mse")
    with pytest.raises(DivergenceError, match=r"^fit: expected a finite loss, got "):
        model.fit(X, X[:, 0], epochs=4, verbose=0)
    assert all(torch.isfinite(p).all() for p in model.parameters())


def test_divergence_on_data_that_cannot_be_replayed_goes_back_an_epoch():
    def batches():
        while True:
            yield X[:18], X[:18, 0]

    model = diverging(call=8)
    text = (
        "fit: expected a finite loss, got nan in epoch 2. The weights are those of the "
        "last finished epoch. Lower the learning rate, clip the gradients "
        "(global_clipnorm=1.0) or look at the data."
    )
    with pytest.raises(DivergenceError, match=sentence(text)):
        model.fit(batches(), epochs=3, steps_per_epoch=5, verbose=0)
    assert model.history.epoch == [0]


def fit_small(x=X, y=Y, **options):
    return classifier().fit(x, y, verbose=0, **options)


WRONG = {
    "fit before compile": (
        lambda: mica.Sequential(layers.Dense(1)).fit(X, Y),
        StateError,
        "Sequential: expected a compiled model, got one that is not. Call "
        "model.compile(optimizer, loss) first.",
    ),
    "labels outside the classes": (
        lambda: fit_small(y=Y + 1),
        DataError,
        "SparseCategoricalCrossentropy: expected class labels from 0 to 2, got 3 at "
        f"row {int((Y == 2).argmax())}. The labels run from 1 to 3: subtract 1.",
    ),
    "wrong labels in the validation part": (
        lambda: fit_small(validation_data=(X, Y + 1)),
        DataError,
        "SparseCategoricalCrossentropy: expected class labels from 0 to 2, got 3 at "
        f"row {int((Y == 2).argmax())}. The labels run from 1 to 3: subtract 1.",
    ),
    "rows of another width": (
        lambda: fit_small(x=X[:, :3]),
        ShapeError,
        "Model: expected rows of shape (4,) for 'input', as mica.Input says, got (3,). "
        "Reshape the data, or make the model with mica.Input((3,)).",
    ),
    "no targets": (
        lambda: fit_small(y=None),
        DataError,
        "fit: expected targets y for the loss, got none. Give y, or batches (x, y).",
    ),
    "an epoch number below one": (
        lambda: fit_small(epochs=0),
        ConfigError,
        "fit: expected epochs to be a whole number of at least 1, got 0. Write for "
        "example epochs=1.",
    ),
    "a split of a loader": (
        lambda: classifier().fit(
            torch.utils.data.DataLoader([(X[0], Y[0])]), validation_split=0.5
        ),
        ConfigError,
        "fit: expected arrays for validation_split, got LoaderSource. Give "
        "validation_data instead.",
    ),
    "an unknown choice of validation rows": (
        lambda: fit_small(validation_split=0.5, validation_rows="first"),
        ConfigError,
        "fit: expected validation_rows out of stratified, random, last, got 'first'. "
        "Leave it out for a shuffled, stratified split.",
    ),
    "validation data of four parts": (
        lambda: fit_small(validation_data=(X, Y, X, Y)),
        DataError,
        "fit: expected validation_data as (x, y) or (x, y, sample_weight), got 4 "
        "parts. Put several inputs into one: ((a, b), y).",
    ),
    "class weights without y": (
        lambda: fit_small(y=None, class_weight={0: 1.0}),
        ConfigError,
        "fit: expected y as an array beside class_weight, got none. Give y, or yield "
        "sample weights with each batch.",
    ),
    "an unknown plan": (
        lambda: fit_small(plan="fastest"),
        ConfigError,
        'fit: expected a plan out of "auto", "eager" or an ExecutionPlan, got '
        "'fastest'. Leave it out for the best one.",
    ),
    "a callback that is none": (
        lambda: fit_small(callbacks=[print]),
        ConfigError,
        "callbacks: expected objects of mica.training.Callback, got "
        "builtin_function_or_method. Inherit from Callback, or wrap functions in "
        "LambdaCallback.",
    ),
    "two targets for one output": (
        lambda: fit_small(y=[Y, Y]),
        ShapeError,
        "fit: expected targets for 1 outputs ['dense_1'], got 2. Give one array for "
        "each output, as a list or by name.",
    ),
    "targets under another name": (
        lambda: fit_small(y={"label": Y}),
        ShapeError,
        "fit: expected targets for the outputs ['dense_1'], got ['label']. Use the "
        "names of the outputs.",
    ),
    "losses for outputs that are not there": (
        lambda: classifier(loss={"last": "mse"}),
        ConfigError,
        "compile: expected losses for the outputs ['dense_1'], got ['last']. Use the "
        "names of the outputs.",
    ),
    "two losses for one output": (
        lambda: classifier(loss=["mse", "mse"]),
        ConfigError,
        "compile: expected losses for 1 outputs ['dense_1'], got 2. Give one entry for "
        "each output.",
    ),
    "no loss at all": (
        lambda: classifier(loss=None).fit(X, Y, verbose=0),
        ConfigError,
        "compile: expected a loss for at least one output, got none. Give loss=..., or "
        "override train_step.",
    ),
    "softmax before a loss of logits": (
        lambda: classifier(loss=nn.CrossEntropyLoss()),
        ConfigError,
        None,
    ),
    "one row without its batch axis": (
        lambda: classifier().predict(X[0]),
        ShapeError,
        "Model: expected rows of shape (4,) for 'input', as mica.Input says, got (). "
        "For one row write x[None]: the first axis counts the rows.",
    ),
    "judging without targets": (
        lambda: classifier().evaluate(X),
        DataError,
        "evaluate: expected targets y for the loss, got none. Give y, or batches (x, "
        "y).",
    ),
    "a callback with Keras's arguments": (
        lambda: fit_small(callbacks=[KerasStyle()]),
        ConfigError,
        "callbacks: expected on_epoch_end to take the state alone, got "
        "on_epoch_end(epoch, logs) of KerasStyle. Write on_epoch_end(self, state) and "
        "read state.epoch, state.batch and state.logs.",
    ),
    "a function of epoch and logs": (
        lambda: fit_small(
            callbacks=[
                mica.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: 0)
            ]
        ),
        ConfigError,
        "callbacks: expected on_epoch_end to take the state alone, got "
        "on_epoch_end(epoch, logs) of LambdaCallback. Write on_epoch_end(self, state) "
        "and read state.epoch, state.batch and state.logs.",
    ),
    "a misspelt metric, when compiled": (
        lambda: classifier().compile(
            "adam", "sparse_categorical_crossentropy", metrics=["accuraccy"]
        ),
        ConfigError,
        "metric: expected the name of a metric, got 'accuraccy'. Did you mean "
        "'accuracy' or 'binary_accuracy'?",
    ),
    "metrics given where loss weights stand": (
        lambda: mica.Sequential(layers.Dense(1)).compile("sgd", "mse", ["mae"]),
        ConfigError,
        "compile: expected a number for each output as loss_weights, got 'mae'. Give "
        "metrics by name: metrics=[...].",
    ),
    "everything frozen": (
        lambda: frozen_classifier().fit(X, Y, verbose=0),
        ConfigError,
        "fit: expected at least one weight to train, got none. Set trainable = True on "
        "a layer and compile again.",
    ),
}


class KerasStyle(mica.Callback):
    def on_epoch_end(self, epoch, logs=None):
        """What a Keras user writes."""


def frozen_classifier() -> mica.Sequential:
    model = classifier()
    model.trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_a_clear_sentence(case):
    act, kind, text = WRONG[case]
    with pytest.raises(kind, match=sentence(text) if text else "expected logits"):
        act()


def test_an_objective_that_is_not_bound_says_so():
    text = (
        "Objective: expected a model that has seen a batch, got one that has not. Call "
        "bind(model, x, y) first."
    )
    with pytest.raises(StateError, match=sentence(text)):
        _ = mica.training.Objective("mse").heads


class Counting(mica.callbacks.Callback):
    epochs = 0

    def on_epoch_end(self, state):
        self.epochs += 1


def test_one_callback_needs_no_list():
    counting = Counting()
    fit_small(callbacks=counting, epochs=2)
    assert counting.epochs == 2


def test_no_callbacks_may_be_none():
    assert fit_small(callbacks=None).epoch == [0]


def test_counts_may_come_from_numpy():
    history = fit_small(epochs=np.int64(2), batch_size=np.int32(4))
    assert history.epoch == [0, 1]
