"""Callbacks that watch and adjust: what each does at which epoch."""

import math
import re
from functools import partial

import pytest
import torch
from torch import nn

from mica.errors import ConfigError, DivergenceError
from mica.optimizers import SGD, schedules
from mica.training import run
from mica.training.callbacks import (
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
)
from mica.training.callbacks.monitor import Monitor
from tests.epochs import new_state, play


def losses(*values: float) -> list[dict[str, float]]:
    return [{"loss": 1.0, "val_loss": value} for value in values]


def set_weight_to_epoch(state) -> None:
    with torch.no_grad():
        state.model.weight.fill_(float(state.epoch + 1))


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("loss", "min"),
        ("val_loss", "min"),
        ("val_head_loss", "min"),
        ("accuracy", "max"),
        ("val_acc", "max"),
        ("val_binary_accuracy", "max"),
        ("auc", "max"),
        ("f1_score", "max"),
        ("r2_score", "max"),
        ("val_mae", "min"),
        ("mean_absolute_error", "min"),
        ("root_mean_squared_error", "min"),
        ("cosine_similarity", "max"),
        ("cosine_similarity_loss", "min"),
        ("val_kl_divergence", "min"),
    ],
)
def test_a_name_says_which_way_is_better(name, mode):
    assert Monitor(name, where="Test").mode == mode


def test_an_unknown_name_asks_for_the_mode():
    sentence = (
        "EarlyStopping: expected mode 'min' or 'max' for 'val_fuzz', got 'auto', which "
        "knows losses, errors and the usual scores. Say mode='max' if more is better."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        EarlyStopping("val_fuzz")


def test_an_unknown_mode_is_refused():
    sentence = (
        "ReduceLROnPlateau: expected mode 'auto', 'min' or 'max', got 'up'. "
        "Choose one of them."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        ReduceLROnPlateau(mode="up")


def test_a_negative_min_delta_is_refused():
    sentence = (
        "EarlyStopping: expected min_delta of at least 0, got -0.1. "
        "Give the smallest change that counts."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        EarlyStopping(min_delta=-0.1)


@pytest.mark.parametrize(
    ("mode", "value", "best", "better"),
    [
        ("min", 0.5, 0.7, True),
        ("min", 0.65, 0.7, False),
        ("max", 0.7, 0.5, True),
        ("max", 0.55, 0.5, False),
        ("min", math.nan, math.inf, False),
        ("max", math.nan, -math.inf, False),
    ],
)
def test_an_improvement_is_larger_than_min_delta(mode, value, best, better):
    monitor = Monitor("x", mode=mode, min_delta=0.1, where="Test")
    assert monitor.improves(value, best) is better


MISSING = [
    (
        EarlyStopping("val_loss"),
        {"loss": 1.0, "accuracy": 0.5},
        "EarlyStopping: expected monitor to be one of the logs (loss, accuracy), got "
        "'val_loss'. Give fit validation_data or validation_split.",
    ),
    (
        EarlyStopping("acuracy", mode="max"),
        {"loss": 1.0, "accuracy": 0.5},
        "EarlyStopping: expected monitor to be one of the logs (loss, accuracy), got "
        "'acuracy'. Did you mean 'accuracy'?",
    ),
    (
        ReduceLROnPlateau("val_loss"),
        {"loss": 1.0},
        "ReduceLROnPlateau: expected monitor to be one of the logs "
        "(loss, learning_rate), got 'val_loss'. Give fit validation_data or "
        "validation_split.",
    ),
    (
        ModelCheckpoint("x.mica", monitor="val_auc", save_best_only=True),
        {"loss": 1.0},
        "ModelCheckpoint: expected monitor to be one of the logs (loss), got "
        "'val_auc'. Choose from: loss.",
    ),
]


@pytest.mark.parametrize(("callback", "logs", "sentence"), MISSING)
def test_a_monitor_that_is_not_in_the_logs_is_named(callback, logs, sentence):
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        play(callback, [logs])


def test_an_epoch_without_validation_is_passed_over():
    stopping = EarlyStopping(patience=1)
    state = new_state()
    state.validates = True
    play(stopping, [{"loss": 1.0}, {"loss": 1.0, "val_loss": 0.5}], state=state)
    assert (stopping.best, stopping.best_epoch) == (0.5, 1)


def test_early_stopping_stops_after_its_patience_and_says_since_when():
    state = play(EarlyStopping(patience=2), losses(0.5, 0.4, 0.45, 0.41, 0.3))
    assert state.history.epoch == [0, 1, 2, 3]
    assert state.stop_reason == (
        "EarlyStopping: val_loss has not improved since epoch 2 (0.4)."
    )


def test_early_stopping_does_not_stop_in_the_first_epoch():
    state = play(EarlyStopping(patience=0), losses(math.nan, 0.5, 0.6, 0.7))
    assert state.history.epoch == [0, 1, 2]


def test_early_stopping_stops_when_there_is_no_number_to_compare():
    state = play(EarlyStopping(patience=1), losses(math.nan, math.nan, 0.5))
    assert state.stop_reason == "EarlyStopping: val_loss was never a finite number."


def test_early_stopping_wants_the_baseline_reached():
    stopping = EarlyStopping(patience=1, baseline=0.1)
    state = play(stopping, losses(0.5, 0.4, 0.6, 0.05))
    assert state.history.epoch == [0, 1, 2]
    assert state.stop_reason == (
        "EarlyStopping: val_loss has not improved since epoch 2 (0.4) and has not "
        "reached the baseline 0.1."
    )


def test_early_stopping_leaves_the_first_epochs_out():
    stopping = EarlyStopping(patience=1, start_from_epoch=2)
    state = play(stopping, losses(0.1, 0.9, 0.5, 0.4, 0.6, 0.7))
    assert state.history.epoch == [0, 1, 2, 3, 4]
    assert stopping.best == 0.4


@pytest.mark.parametrize(
    "rows", [losses(0.5, 0.2, 0.6, 0.7, 0.1), losses(0.5, 0.2, 0.6)]
)
def test_the_best_weights_come_back_whether_or_not_it_stopped(rows):
    model = nn.Linear(2, 1)
    stopping = EarlyStopping(patience=2)
    play(stopping, rows, state=new_state(model), change=set_weight_to_epoch)
    assert model.weight.tolist() == [[2.0, 2.0]]


def test_the_best_buffers_come_back_too():
    model = nn.BatchNorm1d(2)

    def count(state) -> None:
        state.model.num_batches_tracked.fill_(state.epoch + 1)

    play(EarlyStopping(), losses(0.5, 0.2, 0.6), state=new_state(model), change=count)
    assert model.num_batches_tracked.item() == 2


def test_the_last_weights_stay_on_request():
    model = nn.Linear(2, 1)
    stopping = EarlyStopping(restore_best_weights=False)
    rows = losses(0.5, 0.2, 0.6)
    play(stopping, rows, state=new_state(model), change=set_weight_to_epoch)
    assert model.weight.tolist() == [[3.0, 3.0]]


def test_after_a_divergence_the_weights_are_not_touched():
    model = nn.Linear(2, 1)
    state = new_state(model)
    state.failure = DivergenceError()
    play(EarlyStopping(), losses(0.2, 0.6), state=state, change=set_weight_to_epoch)
    assert model.weight.tolist() == [[2.0, 2.0]]


def test_early_stopping_forgets_between_trainings():
    stopping = EarlyStopping(patience=1)
    play(stopping, losses(0.1, 0.2))
    assert play(stopping, losses(0.5, 0.4, 0.3)).stop_reason is None


@pytest.mark.parametrize("name", ["patience", "start_from_epoch"])
def test_early_stopping_counts_from_zero(name):
    sentence = (
        f"EarlyStopping: expected {name} of at least 0, got -1. "
        "Give a number of epochs."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        EarlyStopping(**{name: -1})


def test_the_rate_falls_on_a_plateau():
    callback = ReduceLROnPlateau(factor=0.5, patience=2)
    state = play(callback, losses(0.5, 0.5, 0.5, 0.5, 0.5))
    assert state.history.history["learning_rate"] == [0.1, 0.1, 0.1, 0.05, 0.05]
    assert state.learning_rate == 0.025


def test_the_rate_rests_after_a_reduction():
    callback = ReduceLROnPlateau(factor=0.5, patience=1, cooldown=2)
    state = play(callback, losses(0.5, 0.5, 0.5, 0.5, 0.5))
    assert state.history.history["learning_rate"] == [0.1, 0.1, 0.05, 0.05, 0.025]


def test_the_rate_stays_above_its_floor():
    callback = ReduceLROnPlateau(factor=0.1, patience=1, min_lr=0.04)
    state = play(callback, losses(0.5, 0.5, 0.5, 0.5))
    assert state.learning_rate == 0.04


def test_the_rates_of_several_groups_keep_their_ratio():
    state = new_state()
    extra = nn.Parameter(torch.zeros(1))
    state.optimizer.add_param_group({"params": [extra], "lr": 0.4})
    play(ReduceLROnPlateau(factor=0.5, patience=1), losses(0.5, 0.5), state=state)
    assert [group["lr"] for group in state.optimizer.param_groups] == [0.05, 0.2]


def test_a_rate_held_in_a_tensor_is_changed_in_place():
    state = new_state()
    rate = state.optimizer.param_groups[0]["lr"] = torch.tensor(0.5)
    play(ReduceLROnPlateau(factor=0.5, patience=1), losses(0.5, 0.5), state=state)
    assert rate.item() == 0.25


@pytest.mark.parametrize("factor", [0.0, 1.0, -0.5, math.nan])
def test_a_plateau_factor_must_make_smaller(factor):
    sentence = (
        "ReduceLROnPlateau: expected a factor between 0 and 1, got "
        f"{factor}. 0.1 divides the rate by ten."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        ReduceLROnPlateau(factor=factor)


@pytest.mark.parametrize("name", ["patience", "cooldown", "min_lr"])
def test_plateau_settings_are_not_negative(name):
    sentence = (
        f"ReduceLROnPlateau: expected {name} of at least 0, got -1. "
        "Choose a larger number."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        ReduceLROnPlateau(**{name: -1})


def shrink_by(epoch, rate, *, factor):
    return rate * factor


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (lambda epoch: 1 / (1 + epoch), [1.0, 0.5, 1 / 3]),
        (lambda epoch, rate: rate / 2, [0.05, 0.025, 0.0125]),
        (partial(shrink_by, factor=0.5), [0.05, 0.025, 0.0125]),
        (lambda epoch: torch.tensor(0.5), [0.5, 0.5, 0.5]),
        ([0.3, 0.2, 0.1].__getitem__, [0.3, 0.2, 0.1]),
    ],
)
def test_a_schedule_takes_the_epoch_and_perhaps_the_rate(schedule, rates):
    state = play(LearningRateScheduler(schedule), losses(1.0, 1.0, 1.0))
    assert state.history.history["learning_rate"] == rates


def test_a_type_error_inside_a_schedule_is_not_swallowed():
    def broken(epoch, rate):
        return "a" + epoch

    with pytest.raises(TypeError, match="can only concatenate str"):
        play(LearningRateScheduler(broken), losses(1.0))


@pytest.mark.parametrize(
    ("given", "shown"), [(None, "None"), (-1.0, "-1.0"), (math.nan, "nan")]
)
def test_a_schedule_must_give_a_rate(given, shown):
    sentence = (
        "LearningRateScheduler: expected schedule to give a finite number of at least "
        f"0, got {shown} for epoch 0. Mend the function."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        play(LearningRateScheduler(lambda epoch: given), losses(1.0))


def test_a_schedule_is_a_function():
    sentence = (
        "LearningRateScheduler: expected a function of the epoch, got float. "
        "Write lambda epoch: 0.1 / (1 + epoch)."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        LearningRateScheduler(0.1)


@pytest.mark.parametrize(
    "callback", [LearningRateScheduler(lambda epoch: 0.1), ReduceLROnPlateau()]
)
def test_only_one_master_sets_the_rate(callback):
    state = new_state()
    state.scheduled = True
    sentence = (
        f"{type(callback).__name__}: expected an optimizer with a number as "
        "learning_rate, got one with a schedule. Use the schedule or the callback, "
        "not both."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        play(callback, losses(1.0), state=state)


EVENTS = (
    "train_begin epoch_begin batch_begin batch_end validation_end epoch_end train_end"
).split()


@pytest.mark.parametrize("event", EVENTS)
def test_a_function_listens_to_the_one_event_it_was_given_for(event):
    heard = []
    callback = LambdaCallback(**{f"on_{event}": heard.append})
    state = play(callback, losses(1.0))
    assert [name for name in EVENTS if callback.listens_to(name)] == [event]
    assert set(heard) == {state}


def test_a_lambda_callback_takes_functions():
    sentence = (
        "LambdaCallback: expected a function of the state as on_epoch_end, got str. "
        "Write lambda state: ..."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        LambdaCallback(on_epoch_end="print")


def fit(callback, **options):
    x = torch.linspace(-1, 1, 40).reshape(-1, 1)
    settings = {"optimizer": "sgd", "epochs": 4, "verbose": 0, **options}
    return run(nn.Linear(1, 1), x, 2 * x, loss="mse", callbacks=[callback], **settings)


def test_rare_validation_is_waited_for_in_a_real_training():
    stopping = EarlyStopping(patience=5)
    fit(stopping, validation_split=0.5, validation_freq=2)
    assert stopping.best_epoch == 3


def test_a_schedule_of_the_optimizer_is_noticed_in_a_real_training():
    optimizer = SGD(learning_rate=schedules.constant(0.1))
    with pytest.raises(ConfigError, match=r"^ReduceLROnPlateau: expected an optimizer"):
        fit(ReduceLROnPlateau("loss"), optimizer=optimizer)


def test_the_rate_stands_in_the_history_of_a_real_training():
    history = fit(LearningRateScheduler(lambda epoch: 0.1 / (1 + epoch)))
    assert history.history["learning_rate"] == [0.1, 0.05, 0.1 / 3, 0.025]
