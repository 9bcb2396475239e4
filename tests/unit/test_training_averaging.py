"""Averages of weights in training: who meets them, and when training goes on."""

import copy
import re
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import mica
from mica import layers
from mica.callbacks import EarlyStopping, LambdaCallback, ModelCheckpoint
from mica.data import Batch
from mica.errors import ConfigError, DivergenceError
from mica.optimizers import EMA, SGD, SWA, Adam
from mica.training.statistics import estimate_statistics, running_statistics
from tests.tolerances import assert_close

ROWS = 12


def data() -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(ROWS, 3, generator=draw)
    return x, x.sum(-1, keepdim=True) + 0.1 * torch.randn(ROWS, 1, generator=draw)


def made(optimizer: Any, *, normalized: bool = False) -> mica.Sequential:
    mica.set_seed(0)
    inner = [layers.BatchNormalization()] if normalized else []
    model = mica.Sequential(
        mica.Input((3,)), layers.Dense(4, activation="tanh"), *inner, layers.Dense(1)
    )
    model.compile(optimizer, "mse")
    return model


def weights(model: nn.Module) -> list[Tensor]:
    return [each.detach().clone() for each in model.parameters()]


def fit(model: mica.Sequential, **options: Any) -> Any:
    options = {"batch_size": 4, "epochs": 3, "shuffle": False, "verbose": 0, **options}
    return model.fit(*data(), **options)


class Recorded(mica.callbacks.Callback):
    """The weights after every update and at the end of every epoch."""

    def __init__(self) -> None:
        self.updates: list[list[Tensor]] = []
        self.epochs: list[list[Tensor]] = []

    def on_batch_end(self, state: Any) -> None:
        self.updates.append(weights(state.model))

    def on_epoch_end(self, state: Any) -> None:
        self.epochs.append(weights(state.model))


def assert_same(one: list[Tensor], other: list[Tensor]) -> None:
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def differ(one: list[Tensor], other: list[Tensor]) -> bool:
    return any(not torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    "options", [{"use_ema": True, "ema_momentum": 0.8}, {"averaging": EMA(0.8)}]
)
def test_after_fit_the_model_is_the_moving_average_of_its_updates(options):
    record = Recorded()
    model = made(SGD(0.1, **options))
    fit(model, callbacks=record)
    expected = record.updates[0]
    for after in record.updates[1:]:
        pairs = zip(expected, after, strict=True)
        expected = [0.8 * average + 0.2 * weight for average, weight in pairs]
    for one, other in zip(weights(model), expected, strict=True):
        assert_close(one, other, "reordered")


def test_after_fit_the_model_is_the_mean_of_the_late_epochs():
    record = Recorded()
    model = made(SGD(0.1, averaging=SWA(start_epoch=1)))
    fit(model, epochs=4, callbacks=record)
    ends = [record.updates[index] for index in (5, 8, 11)]
    expected = [sum(each) / 3 for each in zip(*ends, strict=True)]
    for one, other in zip(weights(model), expected, strict=True):
        assert_close(one, other, "reordered")


def test_a_mean_may_count_updates():
    record = Recorded()
    model = made(SGD(0.1, averaging=SWA(period=2)))
    fit(model, epochs=2, callbacks=record)
    expected = [sum(each) / 3 for each in zip(*record.updates[1::2], strict=True)]
    for one, other in zip(weights(model), expected, strict=True):
        assert_close(one, other, "reordered")


@pytest.mark.parametrize("averaging", [EMA(0.5), SWA(), SWA(period=2)])
def test_training_goes_on_from_its_own_weights(averaging):
    plain, averaged = Recorded(), Recorded()
    fit(made(Adam(0.1)), callbacks=plain)
    model = made(Adam(0.1, averaging=averaging))
    fit(model, epochs=2, callbacks=averaged)
    fit(model, epochs=3, initial_epoch=2, callbacks=averaged)
    for one, other in zip(plain.updates, averaged.updates, strict=True):
        assert_same(one, other)


def test_training_goes_on_from_the_average_where_that_is_asked_for():
    model = made(SGD(0.1, averaging=EMA(0.5, overwrite_frequency=2)))
    record = Recorded()
    fit(model, epochs=1, callbacks=record)
    first, second, _ = record.updates
    plain = Recorded()
    fit(made(SGD(0.1)), epochs=1, callbacks=plain)
    assert_same(first, plain.updates[0])
    for average, one, two in zip(second, *plain.updates[:2], strict=True):
        assert_close(average, 0.5 * one + 0.5 * two, "reordered")


def test_validation_and_the_end_of_an_epoch_meet_the_average():
    seen: list[float] = []
    model = made(SGD(0.1, averaging=EMA(0.5)))
    judge = LambdaCallback(
        on_epoch_end=lambda state: seen.append(state.model.evaluate(*data()))
    )
    history = fit(model, validation_data=data(), callbacks=judge).history
    assert seen == pytest.approx(history["val_loss"])
    assert model.evaluate(*data()) == pytest.approx(history["val_loss"][-1])


def test_weights_changed_by_hand_are_where_training_goes_on():
    model = made(SGD(0.0, averaging=EMA(0.5)))
    fit(model, epochs=1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.fill_(0.25)
    fit(model, epochs=1)
    assert all(bool((weight == 0.25).all()) for weight in model.parameters())


def test_the_best_epoch_s_average_is_put_back():
    record = Recorded()
    model = made(SGD(lambda step: 0.1 if step < 3 else 5.0, averaging=EMA(0.5)))
    stopping = EarlyStopping(monitor="val_loss")
    fit(model, epochs=4, validation_data=data(), callbacks=[record, stopping])
    assert_same(weights(model), record.epochs[stopping.best_epoch])
    before = weights(model)
    model.compile(SGD(0.0), "mse")
    fit(model, epochs=1)
    assert_same(weights(model), before)


@pytest.mark.parametrize("averaging", [EMA(0.9), SWA()])
def test_a_file_holds_the_average_and_what_training_goes_on_from(averaging, tmp_path):
    whole = made(Adam(0.1, averaging=averaging), normalized=True)
    half = made(Adam(0.1, averaging=averaging), normalized=True)
    fit(whole, epochs=4)
    fit(half, epochs=2)
    loaded = mica.load(half.save(tmp_path / "half.mica"))
    assert_same(weights(loaded), weights(half))
    for model in (half, loaded):
        fit(model, epochs=4, initial_epoch=2)
    assert_same(weights(half), weights(loaded))
    assert_same(running_statistics(half), running_statistics(loaded))
    assert_same(weights(half), weights(whole))


def test_a_checkpoint_of_an_epoch_goes_on_from_there(tmp_path):
    path = str(tmp_path / "{epoch}.mica")
    whole = made(Adam(0.1, averaging=EMA(0.9)))
    fit(whole, epochs=3, callbacks=ModelCheckpoint(path))
    loaded = mica.load(tmp_path / "2.mica")
    fit(loaded, epochs=3, initial_epoch=2)
    assert_same(weights(loaded), weights(whole))


@pytest.mark.parametrize("averaging", [EMA(0.9), SWA()])
def test_a_copy_goes_on_as_the_original(averaging):
    model = made(Adam(0.1, averaging=averaging), normalized=True)
    fit(model, epochs=2)
    twin = copy.deepcopy(model)
    for each in (model, twin):
        fit(each, epochs=4, initial_epoch=2)
    assert_same(weights(model), weights(twin))


def test_a_model_that_changes_its_type_takes_the_average_along():
    model = made(SGD(0.1, averaging=EMA(0.5)))
    fit(model, epochs=1)
    model.double()
    x, y = data()
    model.fit(x.double(), y.double(), batch_size=4, verbose=0)
    assert {weight.dtype for weight in model.parameters()} == {torch.float64}


def test_statistics_are_found_anew_for_a_mean_of_weights():
    model = made(SGD(0.1, averaging=SWA(start_epoch=1)), normalized=True)
    fit(model)
    found = [each.clone() for each in running_statistics(model)]
    hidden = model.layers[0](data()[0]).detach()
    means = torch.stack([part.mean(0) for part in hidden.split(4)]).mean(0)
    variances = torch.stack([part.var(0, correction=0) for part in hidden.split(4)])
    assert_close(found[0], means, "reordered")
    assert_close(found[1], variances.mean(0), "reordered")


def test_statistics_of_training_come_back_when_it_goes_on():
    plain = made(SGD(0.1), normalized=True)
    averaged = made(SGD(0.1, averaging=SWA()), normalized=True)
    seen: list[list[Tensor]] = []
    record = LambdaCallback(
        on_batch_end=lambda state: seen.append(
            [each.clone() for each in running_statistics(state.model)]
        )
    )
    fit(averaged, callbacks=record)
    expected, seen[:] = list(seen), []
    fit(plain, callbacks=record)
    for one, other in zip(seen, expected, strict=True):
        assert_same(one, other)


def test_statistics_of_torch_s_layers_weigh_batches_by_their_rows():
    norm = nn.BatchNorm1d(1)
    rows = torch.tensor([[1.0], [3.0], [5.0], [11.0]])
    parts = [
        Batch(rows[:3], None, None, 3),
        Batch(rows[3:].expand(2, 1), None, None, 2),
    ]
    estimate_statistics(norm, parts)
    assert norm.running_mean.tolist() == pytest.approx([(3 * 3 + 2 * 11) / 5])
    assert norm.momentum == 0.1
    assert int(norm.num_batches_tracked) == 0


def test_a_frozen_layer_keeps_its_statistics():
    layer = layers.BatchNormalization()
    layer(torch.ones(2, 1))
    layer.trainable = False
    before = [each.clone() for each in running_statistics(layer)]
    estimate_statistics(layer, [Batch(torch.full((2, 1), 9.0), None, None, 2)])
    assert_same(running_statistics(layer), before)


def test_a_generator_cannot_be_read_twice_for_statistics():
    def batches() -> Any:
        while True:
            yield data()

    model = made(SGD(0.1, averaging=SWA()), normalized=True)
    sentence = (
        "fit: expected data that can be read twice for SWA with batch normalization, "
        "got a generator. Give arrays or a dataset, or average with EMA."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        model.fit(batches(), steps_per_epoch=2, verbose=0)


def test_a_step_on_one_batch_leaves_the_average():
    model = made(SGD(0.1, averaging=EMA(0.5)))
    plain = made(SGD(0.1))
    after = []
    for _ in range(3):
        model.train_on_batch(*data())
        plain.train_on_batch(*data())
        after.append(weights(plain))
    expected = [
        0.25 * one + 0.25 * two + 0.5 * three
        for one, two, three in zip(*after, strict=True)
    ]
    for one, other in zip(weights(model), expected, strict=True):
        assert_close(one, other, "reordered")


def test_a_stop_by_hand_leaves_the_average_of_the_finished_epochs():
    def stop(state: Any) -> None:
        if state.epoch == 2 and state.batch == 2:
            raise KeyboardInterrupt

    record = Recorded()
    model = made(SGD(0.1, averaging=SWA()), normalized=True)
    with pytest.raises(KeyboardInterrupt):
        fit(model, callbacks=[record, LambdaCallback(on_batch_end=stop)])
    assert_same(weights(model), record.epochs[-1])
    again = made(SGD(0.1, averaging=SWA()), normalized=True)
    fit(again, epochs=2)
    assert_same(running_statistics(model), running_statistics(again))
    fit(model, epochs=3, initial_epoch=2)
    fit(again, epochs=3, initial_epoch=2)
    assert_same(weights(model), weights(again))


@pytest.mark.parametrize("parts", [1, 2])
def test_divergence_leaves_numbers_and_what_was_gathered_is_forgotten(parts):
    x, y = data()
    x[-1] = 1e38
    options = {"averaging": EMA(0.5), "gradient_accumulation_steps": parts}
    model = made(SGD(0.1, **options))
    with pytest.raises(DivergenceError):
        model.fit(x, y * 1e30, batch_size=4, shuffle=False, verbose=0)
    assert all(bool(weight.isfinite().all()) for weight in model.parameters())
