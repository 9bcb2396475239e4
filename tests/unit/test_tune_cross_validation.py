"""Cross-validation: what is trained, what is judged, and what nobody may see."""

import random
import re
import statistics
from typing import ClassVar

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler

import mica
from mica import layers
from mica.data import SeriesEncoder, TableEncoder, as_series, as_table
from mica.errors import ConfigError, DataError
from mica.training import History
from mica.tune import CrossValidation, Fold, cross_validate
from tests.tolerances import assert_close


def refused(error, sentence):
    return pytest.raises(error, match=f"^{re.escape(sentence)}$")


def line():
    model = mica.Sequential(layers.Dense(1))
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def numbers(count=20):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(count, 2)).astype(np.float32)
    return x, (x.sum(axis=1) + 3).astype(np.float32)


def table(count=40):
    generator = np.random.default_rng(1)
    size = generator.normal(50, 10, size=count)
    town = ["Ulm", "Bonn"] * (count // 2)
    return {
        "size": size,
        "town": town,
        "price": 3 * size + generator.normal(size=count),
        "rich": ["yes" if value > 50 else "no" for value in size],
    }


def weather(count=120):
    hours = np.datetime64("2020-01-01", "h") + np.arange(count)
    waves = np.sin(np.arange(count) / 3)
    return as_series({"time": hours.astype("M8[us]"), "load": 5 + 2 * waves})


def forecaster():
    return SeriesEncoder("load", history=6, horizon=2)


# What is computed


def test_scores_are_those_of_a_model_trained_by_hand():
    x, y = numbers()
    result = cross_validate(line, x, y, folds=4, epochs=2, seed=5, final=False)
    for number, fold in enumerate(result.folds):
        mica.set_seed(5 + number)
        model = line()
        train, test = fold.train_rows, fold.test_rows
        model.fit(x[train], y[train], epochs=2, verbose=0, seed=5 + number)
        assert model.evaluate(x[test], y[test], return_dict=True) == fold.scores


class FoldMeans(layers.Layer):
    """Says the mean of the targets it was fitted on, whatever comes."""

    def __init__(self, value):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([float(value)]))

    def forward(self, x):
        return self.weight.expand(len(x), 1)


def test_judging_the_mean_agrees_with_its_closed_form():
    """Leaving one out, the mean errs by n / (n - 1) times the distance from it."""
    y = np.array([1.0, 2.0, 4.0, 9.0], dtype=np.float32)

    class Keep:
        def fit(self, x):
            self.mean = float(x.mean())

        def transform(self, x):
            return x

    def build(keep):
        model = mica.Sequential(mica.Input((1,)), FoldMeans(keep.mean))
        model.compile(mica.optimizers.SGD(1e-30), "mse")
        return model

    result = cross_validate(
        build, y[:, None], y, method="k-fold", folds=4, prepare=Keep, final=False
    )
    expected = ((4 / 3 * (y - y.mean())) ** 2).mean()
    assert_close(np.float32(result.mean["loss"]), np.float32(expected), "reordered")


def test_every_row_judges_once():
    x, y = numbers()
    result = cross_validate(line, x, y, folds=3, final=False)
    judged = np.concatenate([fold.test_rows for fold in result.folds])
    assert sorted(judged) == list(range(20))
    assert all(set(fold.train_rows).isdisjoint(fold.test_rows) for fold in result.folds)


def test_iterating_judges_every_row_as_often():
    x, y = numbers()
    result = cross_validate(line, x, y, folds=2, repeats=3, final=False)
    judged = np.concatenate([fold.test_rows for fold in result.folds])
    assert np.bincount(judged).tolist() == [3] * 20
    assert result.method == "k-fold, shuffled 3 times"


def test_mean_and_spread_are_those_of_the_folds():
    x, y = numbers()
    result = cross_validate(line, x, y, folds=4, final=False)
    losses = [fold.scores["loss"] for fold in result.folds]
    assert result.mean["loss"] == statistics.fmean(losses)
    assert result.spread["loss"] == statistics.stdev(losses)
    assert list(result.mean) == ["loss", "mae"]


def test_the_same_seed_gives_the_same_and_the_world_keeps_its_own():
    x, y = numbers()
    before = torch.get_rng_state(), np.random.get_state()[1], random.getstate()
    first, second, other = (
        cross_validate(line, x, y, folds=2, seed=seed).mean for seed in (1, 1, 2)
    )
    assert first == second != other
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()
    assert before[2] == random.getstate()


def test_the_final_model_has_seen_every_row():
    x, y = numbers()
    result = cross_validate(
        line, x, y, folds=2, epochs=3, prepare=StandardScaler, seed=4
    )
    assert result.preparation.n_samples_seen_ == 20
    assert len(result.history.epoch) == 3
    mica.set_seed(4)
    model = line()
    scaled = StandardScaler().fit_transform(x)
    model.fit(scaled, y, epochs=3, verbose=0, seed=4)
    assert np.array_equal(result.model.predict(scaled), model.predict(scaled))


def test_the_final_model_trains_as_long_as_was_best():
    x, y = numbers()

    def build():  # learns for two epochs, then forgets
        model = mica.Sequential(layers.Dense(1))
        rate = mica.optimizers.SGD(lambda step: 0.1 if step < 2 else -0.3)
        model.compile(rate, "mse")
        return model

    result = cross_validate(
        build, x, y, folds=2, epochs=4, watch=True, final_epochs="best"
    )
    assert result.best_epochs() == 2
    assert len(result.history.epoch) == 2
    fixed = cross_validate(build, x, y, folds=2, epochs=4, final_epochs=3)
    assert len(fixed.history.epoch) == 3


def test_what_watches_validation_does_not_watch_the_final_training():
    x, y = numbers(40)

    class Stop(mica.Callback):
        monitor = "val_loss"

        def __init__(self):
            super().__init__()
            self.trainings = 0

        def on_epoch_end(self, state):
            assert "val_loss" in state.logs
            if state.epoch == self.trainings:  # one epoch, then two, three, four
                state.stop("enough")

        def on_train_end(self, state):
            self.trainings += 1

    stop = Stop()
    options = {"folds": 4, "epochs": 9, "watch": True, "callbacks": stop}
    result = cross_validate(line, x, y, **options)
    assert [len(fold.history.epoch) for fold in result.folds] == [1, 2, 3, 4]
    assert stop.trainings == 4
    assert len(result.history.epoch) == 2  # of 2.5, rounded to even


def test_a_series_can_be_watched():
    def build():
        model = mica.Sequential(layers.Flatten(), layers.Dense(1))
        model.compile("adam", "mse")
        return model

    result = cross_validate(
        build,
        weather(),
        folds=2,
        epochs=2,
        watch=True,
        final_epochs="best",
        prepare=forecaster,
    )
    assert len(result.curve()) == 2
    window = result.preparation.latest(weather())
    assert np.isfinite(result.preparation.decode(result.model.predict(window)))


def test_the_curve_is_the_mean_of_the_folds_epochs():
    x, y = numbers()
    result = cross_validate(
        line, x, y, folds=2, epochs=3, watch=True, final=False, batch_size=4
    )
    logs = [fold.history.history["val_mae"] for fold in result.folds]
    assert result.curve("val_mae") == [
        statistics.fmean(pair) for pair in zip(*logs, strict=True)
    ]
    for fold in result.folds:
        assert fold.history.history["val_mae"][-1] == pytest.approx(fold.scores["mae"])


def test_best_may_be_the_largest():
    history = History()
    for epoch, value in enumerate([0.2, 0.9, 0.5]):
        history.add(epoch, {"val_accuracy": value})
    rows = np.arange(2)
    result = CrossValidation((Fold(rows, rows, {"a": 1.0}, history),), "k-fold")
    assert result.best_epochs("val_accuracy", largest=True) == 2
    assert result.best_epochs("val_accuracy") == 1
    assert result.spread == {"a": 0.0}


def test_each_training_is_announced():
    x, y = numbers()
    said = []
    result = cross_validate(line, x, y, folds=2, announce=said.append)
    assert said == ["Fold 1 of 2", "Fold 2 of 2", "The final model, on all rows"]
    assert str(result).startswith("Cross-validation, k-fold\nfold ")


def test_weights_of_rows_are_dealt_with_them():
    x, y = numbers()
    weight = np.linspace(0, 1, 20, dtype=np.float32)
    result = cross_validate(line, x, y, folds=2, sample_weight=weight, final=False)
    train, test = result.folds[0].train_rows, result.folds[0].test_rows
    mica.set_seed(0)
    model = line()
    model.fit(x[train], y[train], sample_weight=weight[train], verbose=0, seed=0)
    assert result.folds[0].scores == model.evaluate(
        x[test], y[test], sample_weight=weight[test], return_dict=True
    )


def test_nested_inputs_are_dealt_along():
    x, y = numbers()

    def build():
        parts = [mica.Input((1,)), mica.Input((1,))]
        model = mica.Model(parts, layers.Dense(1)(layers.Concatenate()(parts)))
        model.compile("sgd", "mse")
        return model

    result = cross_validate(build, [x[:, :1], x[:, 1:]], y, folds=2)
    assert len(result.folds) == 2


# What is decided


@pytest.mark.parametrize(
    ("y", "options", "method"),
    [
        (np.array([0, 1] * 10), {}, "stratified"),
        (np.array([0] * 18 + [1, 1]), {}, "k-fold"),
        (np.linspace(0, 1, 20), {}, "k-fold"),
        (np.linspace(0, 1, 20), {"groups": list("aabbccddee") * 2}, "grouped"),
        (np.array([0, 1] * 10), {"method": "time"}, "time"),
    ],
)
def test_the_method_fits_the_data(y, options, method):
    x = np.zeros((20, 1), dtype=np.float32)
    result = cross_validate(
        line, x, y.astype(np.float32), folds=3, final=False, **options
    )
    assert result.method == method


# What nobody may see


class Spy:
    """Remembers what it was fitted on."""

    fits: ClassVar[list] = []

    def fit(self, x):
        self.fits.append(x[:, 0].tolist())

    def transform(self, x):
        return x


def test_preparation_learns_from_the_training_part_alone():
    x = np.arange(6, dtype=np.float32)[:, None]
    Spy.fits = []
    result = cross_validate(line, x, x[:, 0], folds=3, prepare=Spy)
    trained = [fold.train_rows.tolist() for fold in result.folds]
    assert Spy.fits == [*trained, list(range(6))]


def test_rows_that_judge_change_nothing_that_was_learned():
    x, y = numbers()
    changed = x.copy()
    result = cross_validate(line, x, y, folds=2, prepare=StandardScaler, final=False)
    changed[result.folds[0].test_rows] *= 1e3
    again = cross_validate(
        line, changed, y, folds=2, prepare=StandardScaler, final=False
    )
    logs = [each.folds[0].history.history for each in (result, again)]
    assert logs[0] == logs[1]
    assert result.folds[0].scores != again.folds[0].scores


def test_a_build_that_takes_the_preparation_gets_it():
    x, y = numbers()
    given = []

    def build(preparation, width=1):
        given.append(preparation.n_samples_seen_)
        return line()

    cross_validate(build, x, y, folds=2, prepare=StandardScaler)
    assert given == [10, 10, 20]


# Tables and series


def test_a_table_is_encoded_fold_by_fold():
    rows = table()
    result = cross_validate(
        line, as_table(rows), folds=4, epochs=2, prepare=lambda: TableEncoder("price")
    )
    fold = result.folds[0]
    encoder = TableEncoder("price").fit(as_table(rows).take(fold.train_rows))
    scale = np.std(rows["price"][fold.train_rows])
    assert encoder.target_scale == pytest.approx(scale)
    name = "mean absolute error of price"
    expected = np.float32(fold.scores["mae"] * scale)
    assert_close(np.float32(fold.scores[name]), expected)
    price = result.preparation.decode(
        result.model.predict(result.preparation.transform(rows))
    )
    error = np.abs(price - rows["price"]).mean()
    assert error < np.abs(rows["price"] - rows["price"].mean()).mean() * 2


def test_classes_of_a_table_are_stratified():
    def build(encoder):
        outputs = len(encoder.label_names)
        model = mica.Sequential(layers.Dense(outputs, activation="softmax"))
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    rows = table()
    rows["rich"] = ["yes", "no", "no", "no"] * 10
    result = cross_validate(
        build, rows, folds=5, prepare=lambda: TableEncoder("rich"), final=False
    )
    assert result.method == "stratified"
    assert list(result.mean) == ["loss", "accuracy"]
    for fold in result.folds:
        assert [rows["rich"][row] for row in fold.test_rows].count("yes") == 2


def test_rows_without_a_target_are_left_out():
    rows = table()
    rows["price"] = [None, *rows["price"][1:]]
    result = cross_validate(
        line, rows, folds=3, prepare=lambda: TableEncoder("price"), final=False
    )
    assert sum(len(fold.test_rows) for fold in result.folds) == 39


def test_a_series_is_judged_by_what_comes_later_with_a_window_between():
    def build():
        model = mica.Sequential(layers.Flatten(), layers.Dense(1))
        model.compile("adam", "mse", metrics=["mae"])
        return model

    result = cross_validate(build, weather(), folds=3, epochs=2, prepare=forecaster)
    assert result.method == "time"
    for fold in result.folds:
        assert fold.test_rows[0] - fold.train_rows[-1] == 8  # seven rows lie between
        assert set(fold.scores) == {
            "loss",
            "mae",
            "mean absolute error of load",
            "of the last value",
        }
    first = result.folds[0]
    load = weather().column("load")[first.test_rows]
    last = np.abs(load[7:] - load[5:-2]).mean()
    assert first.scores["of the last value"] == pytest.approx(last)
    scale = weather().column("load")[first.train_rows].std()
    expected = np.float32(first.scores["mae"] * scale)
    assert_close(np.float32(first.scores["mean absolute error of load"]), expected)


# What is refused


def uncompiled():
    return mica.Sequential(layers.Dense(1))


def needs_two(a, b):
    return line()


class Fitless:
    pass


X, Y = numbers()
REFUSED = {
    "a model": (
        {"build": line()},
        ConfigError,
        "cross_validate: expected a function that builds a compiled model, got "
        "Sequential. A model would bring what it learned from one fold into the next: "
        "write def build(): ...",
    ),
    "no model": (
        {"build": lambda: 3},
        ConfigError,
        "cross_validate: expected build to return a compiled model, got int. Call "
        "model.compile(optimizer, loss) in it, and return the model.",
    ),
    "not compiled": (
        {"build": uncompiled},
        ConfigError,
        "cross_validate: expected build to return a compiled model, got one that is "
        "not compiled. Call model.compile(optimizer, loss) in it, and return the "
        "model.",
    ),
    "two arguments": (
        {"build": needs_two},
        ConfigError,
        "cross_validate: expected build to take nothing, or the fitted preparation, "
        "got one that needs 2 arguments. Give the others defaults.",
    ),
    "validation": (
        {"validation_split": 0.5},
        ConfigError,
        "cross_validate: expected arguments of fit other than validation_split, which "
        "the folds decide, got it. Leave it out; watch=True judges after every epoch.",
    ),
    "final epochs": (
        {"final_epochs": 0},
        ConfigError,
        "cross_validate: expected final_epochs to be a number of at least 1, 'best' or "
        "None, got 0. None trains as long as a fold.",
    ),
    "the best unwatched": (
        {"final_epochs": "best"},
        ConfigError,
        "cross_validate: expected watch=True with final_epochs='best', got False. The "
        "best number of epochs is found where each epoch is judged.",
    ),
    "a fitted preparation": (
        {"prepare": StandardScaler()},
        ConfigError,
        "cross_validate: expected prepare to be a class or function that makes a new "
        "preparation, got StandardScaler. A fitted one has seen the rows it is judged "
        "by: write lambda: StandardScaler().",
    ),
    "no preparation": (
        {"prepare": Fitless},
        ConfigError,
        "cross_validate: expected prepare to make an object with fit and transform, "
        "got Fitless. Give a class or function such as StandardScaler, not what it "
        "returns.",
    ),
    "a table alone": (
        {"x": as_table(table()), "y": None},
        ConfigError,
        "cross_validate: expected prepare to make a TableEncoder for a Table, got "
        "NoneType. Write prepare=lambda: TableEncoder(...).",
    ),
    "a series with a scaler": (
        {"x": weather(), "y": None, "prepare": StandardScaler},
        ConfigError,
        "cross_validate: expected prepare to make a SeriesEncoder for a TimeSeries, "
        "got StandardScaler. Write prepare=lambda: SeriesEncoder(...).",
    ),
    "an encoder and targets": (
        {"x": as_table(table()), "prepare": lambda: TableEncoder("price")},
        ConfigError,
        "cross_validate: expected no y and no sample_weight with a TableEncoder, which "
        "knows its target, got one. Leave it out.",
    ),
    "an encoder without a target": (
        {"x": as_table(table()), "y": None, "prepare": TableEncoder},
        ConfigError,
        "cross_validate: expected a TableEncoder with a target, got one without. Name "
        "the column to predict: TableEncoder('price').",
    ),
    "a shuffled series": (
        {"x": weather(), "y": None, "prepare": forecaster, "method": "k-fold"},
        ConfigError,
        "cross_validate: expected method='time' for a series, got 'k-fold'. Rows that "
        "were shuffled would tell of their neighbours.",
    ),
    "nothing": (
        {"x": None, "y": None},
        DataError,
        "x: expected data to deal into folds, got None. Give arrays.",
    ),
    "a generator": (
        {"x": (row for row in X), "y": None},
        DataError,
        "x: expected arrays, frames, tensors or lists with one row per sample, got "
        "generator. A loader or generator cannot be dealt into folds.",
    ),
    "other lengths": (
        {"y": Y[:5]},
        DataError,
        "y: expected 20 rows as in x, got 5. Give every sample one row in each array.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_arguments_that_cannot_work_are_refused(case):
    change, error, sentence = REFUSED[case]
    with refused(error, sentence):
        cross_validate(**{"build": line, "x": X, "y": Y, **change})


@pytest.mark.parametrize("share", ["model", "layer"])
def test_weights_of_an_earlier_fold_are_refused(share):
    model, layer = line(), layers.Dense(1)

    def build():
        if share == "model":
            return model
        new = mica.Sequential(layer)
        new.compile("sgd", "mse")
        return new

    sentence = (
        "cross_validate: expected build to make a new model each time, got one with "
        "weights of an earlier fold. Make all layers inside of build."
    )
    with refused(ConfigError, sentence):
        cross_validate(build, X, Y, folds=2)


def test_an_unknown_curve_is_refused():
    result = cross_validate(line, X, Y, folds=2, final=False)
    sentence = (
        "curve: expected the name of a log, got 'val_loss'. Did you mean 'loss'? What "
        "begins with 'val_' needs watch=True."
    )
    with refused(ConfigError, sentence):
        result.curve()
    with refused(ConfigError, sentence):
        result.best_epochs()


def test_it_is_found_where_users_look():
    assert mica.tune.cross_validate is cross_validate
